//! A client of dashmap 6.1, written as its users write: it uses every item of the public surface, and each
//! part returns what it saw.
//!
//! `dashmap` is whatever stands in the module above, and `Storable` what it asks of keys and values besides.

#![deny(warnings)]

use std::borrow::Borrow;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::future::Future;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use super::{Storable, dashmap};
use dashmap::iter::{Iter, IterMut, OwningIter};
use dashmap::mapref::entry::Entry;
use dashmap::mapref::multiple::{RefMulti, RefMutMulti};
use dashmap::mapref::one::{MappedRef, MappedRefMut, Ref, RefMut};
use dashmap::try_result::TryResult;
use dashmap::{DashMap, DashSet, ReadOnlyView};

/// What a part saw.
type Seen = Vec<String>;

macro_rules! see {
    ($seen:ident, $($what:expr),+ $(,)?) => {
        $($seen.push(format!("{}: {:?}", stringify!($what), $what));)+
    };
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}

fn filled(many: u64) -> DashMap<u64, String> {
    (0..many).map(|key| (key, format!("value {key}"))).collect()
}

fn contents<K: Ord + Clone + Hash, V: Ord + Clone>(map: &DashMap<K, V>) -> Vec<(K, V)> {
    sorted(
        map.iter()
            .map(|entry| (entry.key().clone(), entry.value().clone())),
    )
}

pub(crate) fn constructors() -> Seen {
    let mut seen = Seen::new();
    let maps: [DashMap<u32, u32>; 5] = [
        DashMap::new(),
        DashMap::with_capacity(100),
        DashMap::with_shard_amount(8),
        DashMap::with_capacity_and_shard_amount(100, 4),
        DashMap::default(),
    ];
    for map in &maps {
        map.insert(1, 2);
        see!(seen, contents(map), map.len(), map.is_empty());
    }
    see!(seen, maps[1].capacity() >= 100, maps[3].capacity() >= 100);
    let hasher = RandomState::new;
    let maps: [DashMap<u32, u32, RandomState>; 5] = [
        DashMap::with_hasher(hasher()),
        DashMap::with_capacity_and_hasher(10, hasher()),
        DashMap::with_hasher_and_shard_amount(hasher(), 2),
        DashMap::with_capacity_and_hasher_and_shard_amount(10, hasher(), 16),
        DashMap::default(),
    ];
    for map in &maps {
        map.insert(1, 2);
        see!(seen, map.get(&1).map(|entry| *entry));
        let hash = map.hasher().hash_one(7_u32);
        see!(seen, map.hash_usize(&7_u32) == hash as usize);
    }
    see!(seen, DashMap::<String, Vec<u8>>::new().is_empty());
    seen
}

pub(crate) fn points() -> Seen {
    let mut seen = Seen::new();
    let map = DashMap::new();
    see!(
        seen,
        map.insert("a", 1),
        map.insert("a", 2),
        map.insert("b", 3)
    );
    see!(
        seen,
        map.get("a").map(|value| *value),
        map.get("c").is_none()
    );
    see!(seen, map.contains_key("a"), map.contains_key("c"));
    see!(
        seen,
        map.view("a", |key, value| (*key, *value)),
        map.view("c", |_, _| ())
    );
    if let Some(mut value) = map.get_mut("a") {
        *value += 10;
    }
    see!(
        seen,
        map.get("a").map(|value| *value),
        map.get_mut("c").is_none()
    );
    see!(
        seen,
        map.remove_if("a", |_, value| *value < 10),
        map.remove_if("c", |_, _| true)
    );
    see!(
        seen,
        map.remove_if("a", |key, value| *key == "a" && *value == 12)
    );
    let increments = |_: &&str, value: &mut i32| {
        *value += 1;
        *value > 4
    };
    see!(
        seen,
        map.remove_if_mut("b", increments),
        map.remove_if_mut("b", increments)
    );
    see!(seen, map.remove("b"), map.len(), map.is_empty());
    seen
}

pub(crate) fn borrowed_keys() -> Seen {
    let mut seen = Seen::new();
    let strings: DashMap<String, u8> = DashMap::new();
    let boxes: DashMap<Box<str>, u8> = DashMap::new();
    let arcs: DashMap<Arc<str>, u8> = DashMap::new();
    let bytes: DashMap<Vec<u8>, u8> = DashMap::new();
    strings.insert("a".to_owned(), 1);
    boxes.insert("a".into(), 2);
    arcs.insert("a".into(), 3);
    bytes.insert(b"a".to_vec(), 4);
    see!(
        seen,
        strings.get("a").map(|v| *v),
        strings.get(&"a".to_owned()).map(|v| *v)
    );
    see!(
        seen,
        boxes.get("a").map(|v| *v),
        boxes
            .get(&Box::from("a"))
            .map(|v: Ref<'_, Box<str>, u8>| *v)
    );
    see!(
        seen,
        arcs.get("a").map(|v| *v),
        arcs.contains_key(&Arc::from("a"))
    );
    see!(
        seen,
        bytes.get(&b"a"[..]).map(|v| *v),
        bytes.get([b'a'].as_slice()).map(|v| *v)
    );
    see!(
        seen,
        strings.remove("a"),
        boxes.remove("a"),
        arcs.remove("a"),
        bytes.remove(&b"a"[..])
    );
    seen
}

pub(crate) fn guards() -> Seen {
    let mut seen = Seen::new();
    let map = filled(10);
    let guard: Ref<'_, u64, String> = map.get(&3).unwrap();
    // Another one beside it, on the same thread.
    let beside = map.get(&4).unwrap();
    see!(
        seen,
        guard.key(),
        guard.value(),
        guard.pair(),
        guard.len(),
        *beside
    );
    drop((guard, beside));
    let mut guard: RefMut<'_, u64, String> = map.get_mut(&3).unwrap();
    guard.push('!');
    guard.value_mut().push('?');
    let (key, value) = guard.pair_mut();
    value.push_str(&key.to_string());
    see!(seen, guard.key(), guard.value(), guard.pair());
    // A write guard of one map while another is written to.
    let other = filled(10);
    other.insert(3, guard.clone());
    see!(seen, other.get(&3).map(|value| value.clone()));
    let guard: Ref<'_, u64, String> = guard.downgrade();
    see!(seen, *guard, map.get(&3).is_some());
    seen
}

pub(crate) fn parts_of_values() -> Seen {
    let mut seen = Seen::new();
    let map: DashMap<u8, (String, [u16; 3])> = DashMap::new();
    map.insert(1, ("one".to_owned(), [1, 2, 3]));
    let name: MappedRef<'_, u8, (String, [u16; 3]), String> = map.get(&1).unwrap().map(|v| &v.0);
    see!(seen, name.key(), name.value(), name.pair(), name.len());
    see!(seen, name.to_string(), AsRef::<str>::as_ref(&name));
    let ends = name.try_map(|name| name.strip_suffix("x").map(|_| name));
    see!(seen, ends.is_err());
    drop(ends);
    let number = map
        .get(&1)
        .unwrap()
        .map::<_, [u16; 3]>(|v| &v.1)
        .map(|numbers| &numbers[1]);
    see!(seen, *number);
    drop(number);
    see!(seen, map.get(&1).unwrap().try_map(|v| v.1.get(9)).is_err());
    see!(
        seen,
        map.get(&1)
            .unwrap()
            .try_map(|v| v.1.get(2))
            .map(|v| *v)
            .ok()
    );
    let mut number: MappedRefMut<'_, u8, (String, [u16; 3]), u16> = map
        .get_mut(&1)
        .unwrap()
        .map(|v| &mut v.1)
        .map(|numbers| &mut numbers[0]);
    *number += 1;
    *number.value_mut() += 1;
    *number.pair_mut().1 += 1;
    see!(seen, number.key(), number.value(), number.pair());
    drop(number);
    let whole = map
        .get_mut(&1)
        .unwrap()
        .try_map(|v| v.1.get_mut(9))
        .err()
        .unwrap();
    let part = whole.try_map(|v| v.1.get_mut(1)).ok().unwrap();
    let back = part.try_map(|_| None::<&mut u16>).err().unwrap();
    see!(seen, *back);
    drop(back);
    see!(seen, map.get(&1).unwrap().value());
    // A field of the value, through the guard.
    see!(seen, map.get(&1).unwrap().0.len());
    seen
}

pub(crate) fn tries() -> Seen {
    let mut seen = Seen::new();
    let map = filled(5);
    see!(
        seen,
        map.try_get(&1).is_present(),
        map.try_get(&9).is_absent(),
        map.try_get(&1).is_locked()
    );
    see!(
        seen,
        map.try_get(&1).unwrap().len(),
        map.try_get(&9).try_unwrap().is_none()
    );
    map.try_get_mut(&1).unwrap().push('!');
    see!(
        seen,
        map.try_get(&1).try_unwrap().map(|value| value.clone())
    );
    let guard = map.get_mut(&1).unwrap();
    thread::scope(|scope| {
        let found = scope.spawn(|| {
            let found = match map.try_get(&1) {
                TryResult::Present(value) => value.clone(),
                TryResult::Absent => "absent".to_owned(),
                TryResult::Locked => "locked".to_owned(),
            };
            (
                found,
                map.try_get_mut(&1).is_locked(),
                map.try_entry(1).is_none(),
            )
        });
        see!(seen, found.join().unwrap());
    });
    drop(guard);
    // A mere reader is in nobody's way but a writer's.
    let guard = map.get(&1).unwrap();
    see!(
        seen,
        map.try_get(&1).is_present(),
        map.try_get_mut(&1).is_locked()
    );
    drop(guard);
    see!(
        seen,
        map.try_entry(1)
            .is_some_and(|entry| matches!(entry, Entry::Occupied(_)))
    );
    seen
}

pub(crate) fn entries() -> Seen {
    let mut seen = Seen::new();
    let map: DashMap<String, Vec<u32>> = DashMap::new();
    let key = || "key".to_owned();
    map.entry(key()).or_default().push(1);
    map.entry(key()).or_insert(vec![9]).push(2);
    map.entry(key()).or_insert_with(|| vec![9]).push(3);
    map.entry(key())
        .and_modify(|list| list.push(4))
        .or_insert_with(|| vec![9]);
    map.entry(key()).and_modify(|list| list.push(5));
    map.entry("other".to_owned())
        .and_modify(|list| list.push(6));
    see!(seen, contents(&map));
    let failed = map
        .entry("other".to_owned())
        .or_try_insert_with(|| Err::<_, &str>("no"));
    see!(seen, failed.map(|_| ()));
    let made = map
        .entry("other".to_owned())
        .or_try_insert_with(|| Ok::<_, &str>(vec![7]));
    see!(seen, made.map(|list| list.clone()));
    see!(seen, map.entry(key()).key(), map.entry(key()).into_key());
    map.entry(key()).insert(vec![8]);
    see!(seen, map.entry("third".to_owned()).insert(vec![1]).pair());
    let entry = map.entry("third".to_owned()).insert_entry(vec![2]);
    see!(seen, entry.get());
    drop(entry);
    see!(
        seen,
        map.entry("fourth".to_owned())
            .insert_entry(vec![3])
            .remove()
    );
    see!(seen, contents(&map));
    seen
}

/// A key that equals others that it can be told from.
#[derive(Debug, Clone)]
#[expect(dead_code, reason = "the number is for `Debug`")]
struct Name(&'static str, u8);

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

pub(crate) fn occupied_and_vacant() -> Seen {
    let mut seen = Seen::new();
    let map = DashMap::new();
    map.insert(Name("a", 1), 10);
    match map.entry(Name("a", 2)) {
        Entry::Occupied(mut entry) => {
            // The stored key, until the supplied one is asked for.
            see!(seen, entry.key(), entry.get());
            *entry.get_mut() += 1;
            see!(seen, entry.insert(20), entry.get());
            see!(seen, entry.into_key());
        }
        Entry::Vacant(_) => unreachable!(),
    }
    if let dashmap::Entry::Occupied(entry) = map.entry(Name("a", 3)) {
        let mut guard = entry.into_ref();
        *guard += 1;
        see!(seen, guard.key(), *guard);
    }
    if let Entry::Occupied(entry) = map.entry(Name("a", 4)) {
        see!(seen, entry.replace_entry(30));
    }
    if let Entry::Occupied(entry) = map.entry(Name("a", 5)) {
        see!(seen, entry.remove_entry());
    }
    match map.entry(Name("a", 6)) {
        Entry::Vacant(entry) => {
            see!(seen, entry.key());
            see!(seen, entry.into_key());
        }
        Entry::Occupied(_) => unreachable!(),
    }
    if let Entry::Vacant(entry) = map.entry(Name("a", 7)) {
        let guard = entry.insert(40);
        see!(seen, guard.pair());
    }
    if let Entry::Occupied(entry) = map.entry(Name("a", 8)) {
        see!(seen, entry.remove());
    }
    if let Entry::Vacant(entry) = map.entry(Name("a", 9)) {
        let entry: dashmap::OccupiedEntry<'_, Name, i32> = entry.insert_entry(50);
        see!(seen, entry.key(), entry.get());
    }
    let vacant = |entry: &dashmap::VacantEntry<'_, Name, i32>| entry.key().clone();
    if let Some(Entry::Vacant(entry)) = map.try_entry(Name("b", 1)) {
        see!(seen, vacant(&entry));
    }
    // An insertion leaves the stored key as it is.
    see!(
        seen,
        map.insert(Name("a", 10), 60),
        map.remove(&Name("a", 11))
    );
    seen
}

pub(crate) fn everything() -> Seen {
    let mut seen = Seen::new();
    let map = &mut filled(1000);
    map.retain(|key, value| {
        value.push('.');
        key % 10 == 0
    });
    see!(seen, map.len(), map.get(&20).map(|value| value.clone()));
    map.shrink_to_fit();
    see!(seen, map.capacity() >= 100, map.len());
    see!(seen, map.try_reserve(500).is_ok(), map.capacity() >= 600);
    let error: Option<dashmap::TryReserveError> = map.try_reserve(usize::MAX / 2).err();
    see!(seen, error.is_some(), error == error.clone());
    map.clear();
    see!(seen, map.len(), map.is_empty(), contents(map));
    seen
}

pub(crate) fn iterators() -> Seen {
    let mut seen = Seen::new();
    let map = filled(300);
    see!(
        seen,
        map.iter().count(),
        map.iter().map(|entry| *entry.key()).sum::<u64>()
    );
    for entry in &map {
        if *entry.key() == 7 {
            see!(seen, entry.key(), entry.value(), entry.pair(), entry.len());
        }
    }
    for mut entry in map.iter_mut() {
        entry.push('!');
        entry.value_mut().push('?');
        let (key, value) = entry.pair_mut();
        value.push_str(&key.to_string());
        if *entry.key() == 7 {
            see!(seen, entry.key(), entry.value(), entry.pair(), entry.len());
        }
    }
    let iter = map.iter();
    see!(seen, iter.clone().count(), iter.skip(1).count());
    see!(seen, sorted(map).last());
    seen
}

pub(crate) fn many_guards() -> Seen {
    let mut seen = Seen::new();
    let map = filled(500);
    // Kept while the iteration goes on.
    let guards: Vec<RefMulti<'_, u64, String>> = map.iter().collect();
    see!(
        seen,
        guards.len(),
        map.get(&1).is_some(),
        map.iter().count()
    );
    drop(guards);
    let mut guards: Vec<RefMutMulti<'_, u64, String>> = map.iter_mut().collect();
    for guard in &mut guards {
        guard.clear();
    }
    see!(seen, guards.len());
    thread::scope(|scope| {
        while !guards.is_empty() {
            let some = guards.split_off(guards.len().saturating_sub(100));
            scope.spawn(move || {
                for mut guard in some {
                    guard.push('x');
                }
            });
        }
    });
    see!(seen, map.iter().all(|value| *value == "x"), map.len());
    map.clear();
    see!(seen, map.len());
    seen
}

pub(crate) fn changes() -> Seen {
    let mut seen = Seen::new();
    let map = filled(100);
    map.alter(&1, |key, value| format!("{key} was {value}"));
    map.alter(&1000, |_, _| unreachable!());
    see!(seen, map.get(&1).map(|value| value.clone()));
    map.alter_all(|key, mut value| {
        value.push_str(&key.to_string());
        value
    });
    see!(seen, contents(&map));
    seen
}

pub(crate) fn operators() -> Seen {
    let mut seen = Seen::new();
    let owned: DashMap<String, u32> = DashMap::new();
    let map = &owned;
    see!(seen, map << ("a".to_owned(), 1), map << ("a".to_owned(), 2));
    see!(seen, *(map >> "a"), map & "a", map & "b");
    *(map | "a") += 1;
    see!(seen, map - "a", map - "a");
    seen
}

pub(crate) fn collections() -> Seen {
    let mut seen = Seen::new();
    let mut map: DashMap<u32, &str> = [(1, "a"), (2, "b"), (1, "c")].into_iter().collect();
    map.extend([(3, "d"), (2, "e")]);
    see!(seen, contents(&map));
    let clone = map.clone();
    map.remove(&1);
    see!(seen, contents(&clone), map.len());
    see!(seen, clone.into_iter().collect::<BTreeMap<_, _>>());
    map.retain(|key, _| *key == 3);
    see!(seen, map);
    see!(seen, DashMap::<u8, u8>::default());
    seen
}

pub(crate) fn views() -> Seen {
    let mut seen = Seen::new();
    let map = filled(200);
    let capacity = map.capacity();
    let view: ReadOnlyView<u64, String> = map.into_read_only();
    see!(
        seen,
        view.len(),
        view.is_empty(),
        view.capacity() == capacity
    );
    see!(seen, view.contains_key(&1), view.contains_key(&1000));
    let one: &String = view.get(&1).unwrap();
    let two = view.get_key_value(&2);
    see!(seen, one, two, view.get(&1000));
    see!(
        seen,
        sorted(view.iter()),
        sorted(view.keys()),
        sorted(view.values())
    );
    let clone = view.clone();
    let map = view.into_inner();
    map.clear();
    see!(seen, clone.len(), map.len());
    map.insert(1, "one".to_owned());
    see!(seen, map.into_read_only());
    seen
}

pub(crate) fn sets() -> Seen {
    let mut seen = Seen::new();
    let mut set: DashSet<String> = DashSet::new();
    see!(
        seen,
        set.insert("a".to_owned()),
        set.insert("a".to_owned()),
        set.insert("b".to_owned())
    );
    see!(
        seen,
        set.contains("a"),
        set.contains("c"),
        set.len(),
        set.is_empty()
    );
    let guard: dashmap::setref::one::Ref<'_, String> = set.get("a").unwrap();
    see!(seen, guard.key(), guard.len(), set.get("c").is_none());
    drop(guard);
    see!(
        seen,
        set.remove_if("a", |key| key == "b"),
        set.remove_if("a", |key| key == "a")
    );
    see!(seen, set.remove("b"), set.remove("b"));
    set.extend((0..50).map(|number| number.to_string()));
    let keys: Vec<dashmap::setref::multiple::RefMulti<'_, String>> = set.iter().collect();
    see!(
        seen,
        sorted(keys.iter().map(|key| key.key().clone())),
        keys[0].is_empty()
    );
    drop(keys);
    set.retain(|key| key.starts_with('1'));
    set.shrink_to_fit();
    see!(seen, set.len(), set.capacity() >= 11);
    let clone = set.clone();
    set.clear();
    see!(seen, set.len(), clone.into_iter().collect::<BTreeSet<_>>());
    let sets: [DashSet<u8, RandomState>; 3] = [
        DashSet::with_hasher(RandomState::new()),
        DashSet::with_capacity_and_hasher(10, RandomState::new()),
        DashSet::default(),
    ];
    for set in sets {
        see!(
            seen,
            set.insert(1),
            set.hash_usize(&1) == set.hash_usize(&1)
        );
    }
    let set: DashSet<u8> = [3, 1, 3].into_iter().collect();
    see!(
        seen,
        sorted(set),
        DashSet::<u8>::with_capacity(10).capacity() >= 10
    );
    seen
}

/// Every type by its name, with as few parameters as may be.
#[expect(dead_code, reason = "it is about the types")]
struct Named<'a, K: Eq + Hash + Storable, V: Storable> {
    iter: Iter<'a, K, V>,
    iter_with_hasher: Iter<'a, K, V, RandomState>,
    iter_of_map: Iter<'a, K, V, RandomState, DashMap<K, V, RandomState>>,
    iter_mut: IterMut<'a, K, V>,
    iter_mut_of_map: IterMut<'a, K, V, RandomState, DashMap<K, V, RandomState>>,
    owning: OwningIter<K, V>,
    owning_with_hasher: OwningIter<K, V, RandomState>,
    view: ReadOnlyView<K, V, RandomState>,
    of_set: dashmap::iter_set::Iter<'a, K, RandomState, DashMap<K, (), RandomState>>,
    owning_set: dashmap::iter_set::OwningIter<K, RandomState>,
}

/// A wrapper that keeps guards and iterators.
struct Wrapper<'a> {
    entry: Ref<'a, u64, String>,
    rest: Iter<'a, u64, String>,
}

impl<'a> Wrapper<'a> {
    fn new(map: &'a DashMap<u64, String>) -> Option<Self> {
        let (entry, rest) = (map.get(&0)?, map.iter());
        Some(Self { entry, rest })
    }
}

impl<'a> Iterator for Wrapper<'a> {
    type Item = RefMulti<'a, u64, String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest.next()
    }
}

pub(crate) fn named_types() -> Seen {
    let mut seen = Seen::new();
    let map = filled(50);
    let mut wrapper = Wrapper::new(&map).unwrap();
    see!(
        seen,
        *wrapper.entry,
        wrapper.next().is_some(),
        wrapper.count()
    );
    fn consume<K: Eq + Hash + Storable, V: Storable, S: BuildHasher + Clone>(
        iter: OwningIter<K, V, S>,
    ) -> usize {
        iter.count()
    }
    fn go_over<K: Eq + Hash + Storable, V: Storable, S: BuildHasher + Clone>(
        iter: Iter<'_, K, V, S, DashMap<K, V, S>>,
    ) -> usize {
        iter.count()
    }
    see!(seen, go_over(map.iter()), consume(map.into_iter()));
    seen
}

/// Generic code with dashmap's own bounds.
fn generic<K, V, S, Q>(map: &DashMap<K, V, S>, key: K, lookup: &Q, value: V) -> Seen
where
    K: Eq + Hash + Borrow<Q> + Clone + Debug,
    V: Clone + Debug,
    S: BuildHasher + Clone,
    Q: Hash + Eq + ?Sized,
{
    let mut seen = Seen::new();
    see!(seen, map.insert(key.clone(), value.clone()));
    see!(
        seen,
        map.get(lookup).map(|value| value.clone()),
        map.contains_key(lookup)
    );
    map.alter(lookup, |_, value| value);
    if let Some(mut guard) = map.get_mut(lookup) {
        *guard = value.clone();
    }
    see!(
        seen,
        map.try_get(lookup).is_present(),
        map.view(lookup, |_, value| value.clone())
    );
    see!(seen, map.entry(key).or_insert(value).value(), map.len());
    see!(
        seen,
        map.remove_if_mut(lookup, |_, _| true),
        map.clone().len()
    );
    seen
}

/// A type that keeps a map of anything.
struct Cache<K: Storable, V: Storable, S> {
    map: Arc<DashMap<K, V, S>>,
}

impl<K: Eq + Hash + Storable + Clone, V: Storable, S: BuildHasher + Clone + Default>
    Cache<K, V, S>
{
    fn new() -> Self {
        let map = Arc::default();
        Self { map }
    }

    fn get_or(&self, key: K, make: impl FnOnce() -> V) -> Ref<'_, K, V> {
        self.map.entry(key).or_insert_with(make).downgrade()
    }

    fn get(&self, key: &K) -> Option<Ref<'_, K, V>> {
        self.map.get(key)
    }
}

pub(crate) fn generic_code() -> Seen {
    let map: DashMap<String, u32> = DashMap::new();
    let mut seen = generic(&map, "a".to_owned(), "a", 1);
    let map: DashMap<u8, Vec<u8>, RandomState> = DashMap::default();
    seen.extend(generic(&map, 1, &1, vec![1]));
    let cache: Cache<String, u32, RandomState> = Cache::new();
    see!(
        seen,
        *cache.get_or("a".to_owned(), || 1),
        *cache.get_or("a".to_owned(), || 2)
    );
    see!(seen, cache.get(&"a".to_owned()).map(|value| *value));
    seen
}

/// Passes a number on as its hash.
#[derive(Default, Clone)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only for numbers");
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

pub(crate) fn hashers() -> Seen {
    let mut seen = Seen::new();
    let map: DashMap<u64, u64, BuildHasherDefault<Identity>> = DashMap::default();
    for key in 0..2000 {
        map.insert(key << 8, key);
    }
    see!(
        seen,
        map.len(),
        map.get(&(7 << 8)).map(|value| *value),
        map.get(&7).is_none()
    );
    see!(seen, map.hash_usize(&7_u64), map.hasher().hash_one(8_u64));
    see!(
        seen,
        (0..2000_u64).all(|key| map.remove(&(key << 8)) == Some((key << 8, key)))
    );
    seen
}

pub(crate) fn threads() -> Seen {
    let mut seen = Seen::new();
    let map: Arc<DashMap<u32, u32>> = Arc::new(DashMap::new());
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let map = Arc::clone(&map);
            thread::spawn(move || {
                for key in 0..500 {
                    *map.entry(key).or_insert(0) += 1;
                }
            })
        })
        .collect();
    workers
        .into_iter()
        .for_each(|worker| worker.join().unwrap());
    see!(seen, map.len(), map.iter().all(|value| *value == 4));
    // A guard goes to another thread, and ends there.
    thread::scope(|scope| {
        let guard = map.get(&1).unwrap();
        scope.spawn(move || drop(guard));
    });
    see!(seen, map.insert(1, 0));
    seen
}

/// Gives way once.
struct GiveWay(bool);

impl Future for GiveWay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        context.waker().wake_by_ref();
        match std::mem::replace(&mut self.0, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// Runs futures, each step on another thread.
fn run(futures: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>>) {
    let queue = Mutex::new(futures);
    while !queue.lock().unwrap().is_empty() {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut future = queue.lock().unwrap().remove(0);
                let mut context = Context::from_waker(Waker::noop());
                if future.as_mut().poll(&mut context).is_pending() {
                    queue.lock().unwrap().push(future);
                }
            });
        });
    }
}

pub(crate) fn futures() -> Seen {
    let mut seen = Seen::new();
    let maps: [DashMap<u64, String>; 3] = std::array::from_fn(|_| filled(20));
    let futures = maps.iter().map(|map| {
        let steps = async move {
            // Guards and iterators are kept while the future waits, and go to another thread with it.
            let guard = map.get(&1).unwrap();
            GiveWay(false).await;
            let length = guard.len();
            drop(guard);
            let mut guard = map.get_mut(&2).unwrap();
            GiveWay(false).await;
            guard.push_str(&length.to_string());
            drop(guard);
            let mut iter = map.iter();
            let first = iter.next();
            GiveWay(false).await;
            let many = iter.count() + usize::from(first.is_some());
            drop(first);
            let entry = map.entry(100);
            GiveWay(false).await;
            entry.or_insert(many.to_string());
        };
        Box::pin(steps) as Pin<Box<dyn Future<Output = ()> + Send + '_>>
    });
    run(futures.collect());
    for map in &maps {
        see!(
            seen,
            map.get(&2).unwrap().value(),
            map.get(&100).unwrap().value(),
            map.len()
        );
    }
    seen
}

/// Looks, when it is dropped, whether its map can be used.
#[derive(Clone)]
struct Looks(std::sync::Weak<DashMap<u8, Looks>>, Arc<AtomicUsize>);

impl Drop for Looks {
    fn drop(&mut self) {
        if let Some(map) = self.0.upgrade() {
            let free = map.try_get(&1).is_absent();
            self.1
                .fetch_add(if free { 1 } else { 1000 }, Ordering::Relaxed);
        }
    }
}

pub(crate) fn drops() -> Seen {
    let mut seen = Seen::new();
    let count = Arc::new(AtomicUsize::new(0));
    let map = Arc::new(DashMap::new());
    // A pair that was removed is dropped when its shard is free again.
    for _ in 0..3 {
        map.insert(1, Looks(Arc::downgrade(&map), Arc::clone(&count)));
        map.remove(&1);
        map.insert(1, Looks(Arc::downgrade(&map), Arc::clone(&count)));
        map.remove_if(&1, |_, _| true);
    }
    see!(seen, count.load(Ordering::Relaxed), map.len());
    let value = Arc::new(());
    let map: DashMap<u64, Arc<()>> = (0..100).map(|key| (key, Arc::clone(&value))).collect();
    map.remove(&1);
    map.insert(2, Arc::default());
    see!(seen, Arc::strong_count(&value));
    let mut iter = map.into_iter();
    let first = iter.next();
    drop((iter, first));
    see!(seen, Arc::strong_count(&value));
    seen
}
