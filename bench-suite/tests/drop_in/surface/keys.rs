//! What is done to one key.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::thread;

use super::{Seen, contents, dashmap, filled};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry::{self, Occupied, Vacant};
use dashmap::mapref::one::{MappedRef, MappedRefMut, Ref, RefMut};
use dashmap::try_result::TryResult;

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
        Occupied(mut entry) => {
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
        Vacant(entry) => {
            see!(seen, entry.key());
            see!(seen, entry.into_key());
        }
        Occupied(_) => unreachable!(),
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
    {
        use dashmap::Entry::*;
        let is_there = |entry| match entry {
            Occupied(_) => true,
            Vacant(_) => false,
        };
        see!(seen, is_there(map.entry(Name("a", 10))));
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

/// What can be shown with `{:?}`, or compared. What a guard shows is its address in dashmap, and its entry here, so only
/// its name is looked at.
pub(crate) fn debugs() -> Seen {
    let mut seen = Seen::new();
    let map = filled(3);
    fn name(shown: &str) -> &str {
        shown.split([' ', '(']).next().unwrap()
    }
    see!(seen, name(&format!("{:?}", map.get(&1).unwrap())));
    see!(seen, name(&format!("{:?}", map.get_mut(&1).unwrap())));
    let part = map.get(&1).unwrap().map(|value| value);
    see!(seen, name(&format!("{part:?}")));
    drop(part);
    let part = map.get_mut(&1).unwrap().map(|value| value);
    see!(seen, name(&format!("{part:?}")));
    drop(part);
    see!(
        seen,
        map.try_get(&7),
        name(&format!("{:?}", map.try_get(&1)))
    );
    let error: dashmap::TryReserveError = filled(1).try_reserve(usize::MAX).unwrap_err();
    see!(seen, error.clone() == error, name(&format!("{error:?}")));
    seen
}
