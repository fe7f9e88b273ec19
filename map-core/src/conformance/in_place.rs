//! What only maps can do whose entries stay where they are, and are never cloned.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::maker::{Maker, MapOf, Rig};
use super::seeds;
use super::tracked::{Key, Ledger, Point, Unique, Value};
use crate::mapref::entry::Entry;
use crate::{Change, Computed, Strategy};

/// A key that cannot be cloned.
///
/// ```
/// use map_core::Map;
/// use map_core::conformance::in_place::UniqueKey;
///
/// /// A map for these keys; a behaviour makes them.
/// fn map() -> Map<UniqueKey, u32, map_sharded::Sharded> {
///     Map::new()
/// }
/// assert!(map().is_empty());
/// ```
#[derive(Debug)]
pub struct UniqueKey(Unique);

impl Hash for UniqueKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.number().hash(state);
    }
}

impl PartialEq for UniqueKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.number() == other.0.number()
    }
}

impl Eq for UniqueKey {}

/// Keys and values that are not `Clone`, through growth, every operation, and to the end.
#[doc = behaviour!("in_place::unclonable")]
pub fn unclonable<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<UniqueKey, Unique>>,
{
    let many = rig.about(4_000) as u64;
    let ledger = Ledger::new();
    let key = |number| UniqueKey(ledger.unique(number));
    let map = rig.map::<UniqueKey, Unique>();
    for number in 0..many {
        assert!(map.insert(key(number), ledger.unique(number)).is_none());
    }
    assert_eq!(ledger.alive() as u64, 2 * many);
    assert!((0..many).all(|number| {
        map.get(&key(number))
            .is_some_and(|entry| entry.number() == number)
    }));
    assert!(
        map.remove(&key(0))
            .is_some_and(|(key, _)| key.0.number() == 0)
    );
    assert_eq!(
        map.get_or_insert_with(key(0), || ledger.unique(7)).number(),
        7
    );
    *map.get_mut(&key(0)).expect("it is there") = ledger.unique(8);
    assert_eq!(
        map.place(key(0))
            .or_insert_with(|| ledger.unique(9))
            .number(),
        8
    );
    let replaced = map.compute(key(0), |_| Change::Set(ledger.unique(9)));
    assert!(matches!(replaced, Computed::Updated(old) if old.number() == 8));
    map.alter(&key(0), |_, value| ledger.unique(value.number() + 1));
    map.alter_all(|_, value| value);
    for mut entry in map.iter_mut() {
        *entry = ledger.unique(entry.number());
    }
    assert_eq!(map.get(&key(0)).map(|value| value.number()), Some(10));
    map.retain(|key, _| key.0.number() % 2 == 0);
    assert_eq!(map.len() as u64, many.div_ceil(2));
    assert_eq!(ledger.alive(), 2 * map.len());
    assert!(map.into_iter().all(|(key, _)| key.0.number() % 2 == 0));
    ledger.assert_settled();
}

/// Nothing is cloned, whatever is done.
#[doc = behaviour!("in_place::nothing_is_cloned")]
pub fn nothing_is_cloned<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    for point in [Point::KeyClone, Point::ValueClone] {
        let ledger = Ledger::new();
        let map = rig.map::<Key, Value>();
        ledger.arm(point, 0);
        for number in 0..rig.about(2_000) as u64 {
            map.insert(ledger.key(number), ledger.value(number));
            drop(map.insert(ledger.key(number), ledger.value(number)));
            drop(map.get(&number));
            map.get_mut(&number).expect("it is there").set(1);
            drop(
                map.place(ledger.key(number))
                    .or_insert(ledger.value(number)),
            );
            drop(map.remove(&(number / 2)));
        }
        drop(map.iter().collect::<Vec<_>>());
        map.iter_mut().for_each(|mut entry| entry.set(2));
        map.alter_all(|_, value| value);
        map.clear();
        ledger.disarm();
        ledger.assert_settled();
    }
}

/// What leaves the map, or turns out not to be needed, is gone when the operation is over.
#[doc = behaviour!("in_place::immediate_drops")]
pub fn immediate_drops<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    let ledger = Ledger::new();
    let (key, value) = (|number| ledger.key(number), |number| ledger.value(number));
    let map = rig.map::<Key, Value>();
    let entries = |expected: usize, after: &str| {
        ledger.assert_sound();
        assert_eq!(map.len(), expected, "after {after}");
        assert_eq!(ledger.alive(), 2 * expected, "after {after}");
    };
    for number in 0..100 {
        map.insert(key(number), value(number));
    }
    entries(100, "inserts");
    drop(map.insert(key(0), value(1)));
    entries(100, "a replacing insert");
    drop(map.get_or_insert_with(key(0), || unreachable!("it is there")));
    entries(100, "a rejected get_or_insert_with");
    drop(map.get_or_insert_with(key(100), || value(100)));
    entries(101, "a get_or_insert_with");
    drop(map.compare_exchange(&0, &value(5), value(6)));
    entries(101, "a refused compare_exchange");
    drop(map.compare_exchange(&0, &value(1), value(0)));
    entries(101, "a compare_exchange");
    drop(map.place(key(0)).or_insert(value(1)));
    entries(101, "an or_insert that was not needed");
    drop(map.place(key(200)));
    entries(101, "a vacant entry that was not used");
    drop(map.place(key(0)).insert_entry(value(0)));
    entries(101, "an insert_entry");
    if let Entry::Occupied(entry) = map.place(key(0)) {
        drop(entry.replace_entry(value(0)));
    }
    entries(101, "a replace_entry");
    *map.get_mut(&0).expect("it is there") = value(0);
    entries(101, "an assignment through a guard");
    drop(map.compute(key(0), |_| Change::Set(value(0))));
    drop(map.compute(key(0), |_| Change::Keep));
    drop(map.compute(key(200), |_| Change::Remove));
    entries(101, "computes");
    drop(map.compute(key(100), |_| Change::Remove));
    entries(100, "a removing compute");
    drop(map.remove(&0));
    entries(99, "a remove");
    drop(map.remove(&0));
    entries(99, "a remove of nothing");
    map.retain(|key, _| key.number() >= 50);
    entries(50, "a retain");
    map.shrink_to_fit();
    map.reserve(1_000);
    entries(50, "changes of the capacity");
    map.clear();
    entries(0, "a clear");
    drop(map);
    ledger.assert_settled();
}

/// A change through interior mutability reaches whoever looks later.
#[doc = behaviour!("in_place::interior_mutability")]
pub fn interior_mutability<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, AtomicU64>>,
{
    let map = rig.map::<u64, AtomicU64>();
    let many = rig.about(2_000) as u64;
    for key in 0..many {
        map.insert(key, AtomicU64::new(0));
        for old in (0..=key).rev().take(3) {
            map.get(&old)
                .expect("it is there")
                .fetch_add(1, Ordering::Relaxed);
        }
    }
    for key in 0..many {
        let expected = (many - key).min(3);
        let mut entry = map.get_mut(&key).expect("it is there");
        assert_eq!(*entry.get_mut(), expected);
    }
}

/// In a debug build, whoever would have to wait for itself is told so, with both places.
#[doc = behaviour!("in_place::waiting_for_oneself")]
pub fn waiting_for_oneself<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    if !cfg!(debug_assertions) {
        rig.map::<u64, u64>().insert(0, 0);
        return;
    }
    type Case<'a, M> = &'a (dyn Fn(&MapOf<M, u64, u64>) + Sync);
    let cases: [Case<'_, M>; 9] = [
        &|map| {
            let _guard = map.get(&0);
            map.insert(1, 1);
        },
        &|map| {
            let _guard = map.get_mut(&0);
            drop(map.get(&1));
        },
        &|map| {
            map.get_with(&0, |_, _| map.insert(1, 1));
        },
        &|map| {
            map.compute(0, |_| {
                map.get_cloned(&1);
                Change::Keep
            });
        },
        &|map| map.for_each(|_, _| map.clear()),
        &|map| {
            for _ in map {
                drop(map.place(1));
            }
        },
        &|map| {
            map.retain(|_, _| map.contains_key(&1));
        },
        &|map| {
            for _ in map.iter_mut() {
                drop(map.get(&1));
            }
        },
        &|map| {
            let _guards: Vec<_> = map.iter_mut().collect();
            drop(map.iter_mut().next());
        },
    ];
    // All at once, each with a map of its own: where a guard may have been given away, it takes a second until it is told.
    thread::scope(|scope| {
        for f in cases {
            scope.spawn(move || {
                let map = rig.map::<u64, u64>();
                map.insert(0, 0);
                let panic = catch_unwind(AssertUnwindSafe(|| f(&map)));
                let panic = panic.expect_err("it would wait for itself");
                let text = seeds::message(&*panic);
                let places = text.matches("in_place.rs").count();
                assert_eq!(places, 2, "both places are named: {text}");
                assert_eq!(map.insert(0, 0), Some(0), "nothing is left locked");
            });
        }
    });
    let map = rig.map::<u64, u64>();
    map.insert(0, 0);
    // The entry that the closure had is lost to the panic.
    let panic = catch_unwind(AssertUnwindSafe(|| {
        map.alter_all(|_, _| map.get_cloned(&1).unwrap_or(0));
    }));
    let text = seeds::message(&*panic.expect_err("it would wait for itself"));
    assert_eq!(text.matches("in_place.rs").count(), 2, "{text}");
    assert_eq!(map.insert(0, 0), None);
}
