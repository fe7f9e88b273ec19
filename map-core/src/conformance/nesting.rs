//! Calls from within calls, and guards held meanwhile.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::maker::{Maker, MapOf, Rig};
use super::threads::together;
use crate::{Change, Strategy};

fn filled<M>(rig: &Rig<M>, entries: u64) -> MapOf<M, u64, u64>
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = rig.map();
    for key in 0..entries {
        map.insert(key, 10 * key);
    }
    map
}

/// Within a read, a map can be read: the same entry, others, all.
#[doc = behaviour!("nesting::reads_within_reads")]
pub fn reads_within_reads<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    // All in one shard, and spread over several.
    for entries in [10, 2_000] {
        let map = filled(rig, entries);
        let read_all_ways = || {
            for key in [3, 4] {
                assert_eq!(map.get_with(&key, |_, &value| value), Some(10 * key));
                assert_eq!(map.get(&key).map(|entry| *entry), Some(10 * key));
                assert_eq!(
                    map.try_get(&key).try_unwrap().map(|entry| *entry),
                    Some(10 * key)
                );
                assert_eq!(*map.get_or_insert_with(key, || 0), 10 * key);
            }
            assert!(!map.contains_key(&(1 << 40)));
            assert_eq!(map.len() as u64, entries);
        };
        map.get_with(&3, |_, _| read_all_ways());
        map.get_with(&3, |_, _| {
            map.get_with(&3, |_, _| map.get_with(&4, |_, _| read_all_ways()))
        });
        let (one, two) = (map.get(&3), map.get(&3));
        read_all_ways();
        assert_eq!(map.iter().count() as u64, entries);
        drop((one, two));
        let mut rounds = 0;
        map.for_each(|_, _| {
            if rounds % 100 == 0 {
                read_all_ways();
            }
            rounds += 1;
        });
        for item in map.iter().step_by(100) {
            read_all_ways();
            drop(item);
        }
        let items: Vec<_> = map.iter().collect();
        read_all_ways();
        assert_eq!(map.iter().count(), items.len());
        // When all is over, nothing is locked.
        drop(items);
        assert_eq!(map.insert(3, 0), Some(30));
    }
}

/// A thread that has a read guard can get another one though a writer waits for the first: else
/// each would wait for the other.
#[doc = behaviour!("nesting::reads_past_a_waiting_writer")]
pub fn reads_past_a_waiting_writer<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let map = filled(rig, 10);
    for round in 0..8 {
        let writing = AtomicBool::new(false);
        let guard = map.get(&3).expect("it is there");
        let before = *guard;
        thread::scope(|scope| {
            scope.spawn(|| {
                writing.store(true, Ordering::Relaxed);
                assert!(map.insert(3, round).is_some());
            });
            while !writing.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            // By now and then it is not only about to write, but waiting.
            thread::sleep(Duration::from_millis(round));
            let again = map.get(&4).map(|entry| *entry);
            assert_eq!(again, Some(40));
            assert_eq!(map.iter().count(), 10);
            assert_eq!(*guard, before, "a guard shows what it showed");
            drop(guard);
        });
        assert_eq!(map.get_cloned(&3), Some(round));
    }
}

/// Within a write, other maps can be used.
#[doc = behaviour!("nesting::other_maps")]
pub fn other_maps<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let (map, other) = (filled(rig, 10), filled(rig, 10));
    map.compute(3, |_| {
        Change::Set(other.remove(&3).map_or(0, |(_, value)| value + 1))
    });
    map.retain(|&key, _| other.insert(key, 0).is_some());
    map.for_each(|&key, &value| {
        other.insert(key, value);
    });
    if let Some(mut entry) = map.get_mut(&4) {
        *entry = other.len() as u64;
    }
    assert_eq!(
        *map.place(50)
            .or_insert_with(|| *other.place(50).or_insert(5)),
        5
    );
    assert_eq!((map.get_cloned(&3), other.get_cloned(&3)), (None, Some(0)));
    assert_eq!(map.get_cloned(&4), Some(10));
}

/// In a debug build, a thread that would have to wait for itself is told so.
#[doc = behaviour!("nesting::waiting_for_oneself")]
pub fn waiting_for_oneself<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    if !cfg!(debug_assertions) {
        // Here they wait, as is documented.
        rig.map::<u64, u64>().insert(0, 0);
        return;
    }
    let write = |map: &MapOf<M, u64, u64>| {
        map.insert(1, 10);
    };
    let read = |map: &MapOf<M, u64, u64>| drop(map.get(&1));
    // What a read within does depends on whether it takes the lock; a write always does.
    type Case<'a, M> = (&'a str, bool, &'a (dyn Fn(&MapOf<M, u64, u64>) + Sync));
    let cases: [Case<'_, M>; 10] = [
        ("a write within `compute`", true, &|map| {
            map.compute(0, |_| {
                write(map);
                Change::Keep
            });
        }),
        ("a write beside a write guard", true, &|map| {
            let _guard = map.get_mut(&0);
            write(map);
        }),
        ("a write beside an entry", true, &|map| {
            let _entry = map.place(100);
            write(map);
        }),
        ("a write within `retain`", true, &|map| {
            map.retain(|_, _| {
                write(map);
                true
            });
        }),
        ("a write beside a guard of `iter_mut`", true, &|map| {
            let _guard = map.iter_mut().next();
            write(map);
        }),
        ("a read beside a write guard", false, &|map| {
            let _guard = map.get_mut(&0);
            read(map);
        }),
        ("a write beside a read guard", false, &|map| {
            let _guard = map.get(&0);
            write(map);
        }),
        ("a write within a read", false, &|map| {
            map.get_with(&0, |_, _| write(map));
        }),
        ("a write within `for_each`", false, &|map| {
            map.for_each(|_, _| write(map));
        }),
        ("a write beside an iterator", false, &|map| {
            for _ in map {
                write(map);
            }
        }),
    ];
    // All at once, each with a map of its own: where a guard may have been given away, it takes a second until it is told.
    thread::scope(|scope| {
        for (what, always, f) in cases {
            scope.spawn(move || {
                // All of it in one shard.
                let map = filled(rig, 4);
                let panic = catch_unwind(AssertUnwindSafe(|| f(&map)));
                assert!(panic.is_err() || !always, "{what} neither waits nor panics");
                // And no trace of it is left.
                assert_eq!(map.insert(1, 10), Some(10), "after {what}");
                assert_eq!(map.len(), 4, "after {what}");
            });
        }
    });
}

/// What does not wait says so, while another thread writes.
#[doc = behaviour!("nesting::tries_do_not_wait")]
pub fn tries_do_not_wait<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let map = filled(rig, 10);
    let mut guard = map.get_mut(&3).expect("it is there");
    *guard += 1;
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(map.try_get_mut(&3).is_locked());
            assert!(map.try_entry(3).is_none());
            // A strategy may show the value of before.
            assert!(
                map.try_get(&3)
                    .try_unwrap()
                    .is_none_or(|entry| *entry == 30)
            );
        });
    });
    drop(guard);
    assert_eq!(map.try_get(&3).unwrap().pair(), (&3, &31));
    // Readers do not keep each other out.
    let guard = map.get(&3);
    thread::scope(|scope| {
        scope.spawn(|| assert!(map.try_get(&3).is_present()));
    });
    drop(guard);
}

/// What is changed through a guard is seen all at once, and what a read guard shows stays.
#[doc = behaviour!("nesting::guards_keep_others_out")]
pub fn guards_keep_others_out<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let map = filled(rig, 10);
    let until = Instant::now() + Duration::from_millis(20);
    together(4, |thread| {
        while Instant::now() < until {
            if thread < 2 {
                // Odd, but for nobody else.
                let mut entry = map.get_mut(&3).expect("it is there");
                *entry += 1;
                thread::yield_now();
                *entry += 1;
                continue;
            }
            assert_eq!(map.get_copied(&3).map(|value| value % 2), Some(0));
            let guard = map.get(&3).expect("it is there");
            let before = *guard;
            thread::yield_now();
            assert_eq!((*guard, before % 2), (before, 0));
        }
    });
}

/// A value whose drop runs something.
///
/// ```
/// use map_core::Map;
/// use map_core::conformance::nesting::Hook;
///
/// /// A map for these values; a behaviour makes them.
/// fn map() -> Map<u32, Hook, map_sharded::Sharded> {
///     Map::new()
/// }
/// assert!(map().is_empty());
/// ```
#[derive(Clone)]
pub struct Hook(Arc<dyn Fn() + Send + Sync>);

impl Drop for Hook {
    fn drop(&mut self) {
        (self.0)();
    }
}

thread_local! {
    static IN_DROP: Cell<bool> = const { Cell::new(false) };
}

/// Keys and values are dropped with no lock held: their `Drop` may use the map.
#[doc = behaviour!("nesting::drops_that_use_the_map")]
pub fn drops_that_use_the_map<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, Hook>>,
    MapOf<M, u64, Hook>: Send + Sync,
{
    let map = Arc::new(rig.map::<u64, Hook>());
    let weak: Weak<MapOf<M, u64, Hook>> = Arc::downgrade(&map);
    let quiet = Hook(Arc::new(|| ()));
    let hook = || {
        let (weak, quiet) = (weak.clone(), quiet.clone());
        Hook(Arc::new(move || {
            if let Some(map) = weak.upgrade()
                && !IN_DROP.replace(true)
            {
                for key in 0..4 {
                    drop(map.get(&key));
                    map.compute_if_present(&key, |_, _| Change::Keep);
                }
                drop(map.insert(1_000, quiet.clone()));
                drop(map.remove(&1_000));
                IN_DROP.set(false);
            }
        }))
    };
    for _ in 0..3 {
        for key in 0..4 {
            drop(map.insert(key, hook()));
        }
        drop(map.insert(0, hook()));
        drop(map.remove(&0));
        drop(map.remove_if(&1, |_, _| true));
        drop(map.compute(2, |_| Change::Set(hook())));
        drop(map.compute(2, |_| Change::Remove));
        drop(map.compute_if_present(&3, |_, _| Change::Set(hook())));
        map.alter(&3, |_, value| value);
        drop(map.get_or_insert_with(0, hook));
        map.retain(|&key, _| key != 0);
        for key in 0..4 {
            drop(map.insert(key, hook()));
        }
        map.clear();
        assert!(map.is_empty());
    }
    drop(map.insert(0, hook()));
}
