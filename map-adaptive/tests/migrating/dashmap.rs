//! What people write with dashmap.

use dashmap::DashMap;
use dashmap::DashSet;
use dashmap::ReadOnlyView;
use dashmap::mapref::entry::Entry;
use dashmap::mapref::multiple::RefMulti;
use dashmap::mapref::one::{Ref, RefMut};
use dashmap::try_result::TryResult;
use std::hash::RandomState;

#[test]
fn as_in_the_tables() {
    let map = DashMap::new();
    let (key, value) = (1_u64, 10_u64);
    assert_eq!(map.insert(key, value), None);
    assert_eq!(map.get(&key).map(|entry| *entry), Some(10));
    assert_eq!(map.get(&key).map(|entry| entry.value().clone()), Some(10));
    assert_eq!(map.view(&key, |_, v| *v + 1), Some(11));
    assert!(map.get(&key).is_some());
    assert!(map.get_mut(&key).is_some());
    assert!(map.try_get(&key).is_present());
    assert!(map.try_get_mut(&key).is_present());
    assert!(map.contains_key(&key));
    assert!(map.try_entry(key).is_some());
    *map.entry(key).or_insert(0) += 1;
    let make = || 7;
    assert_eq!(*map.entry(key).or_insert_with(make).downgrade(), 11);

    let mut sum = 0;
    map.iter().for_each(|entry| sum += *entry.key() * *entry.value());
    for entry in map.iter() { sum += *entry.value() }
    for mut entry in map.iter_mut() { *entry += 1 }
    map.alter(&key, |_, v| v + 1);
    map.alter_all(|_, v| v + 1);
    assert_eq!((sum, *map.get(&key).unwrap()), (22, 14));

    map.insert(key, 1);
    if let Entry::Occupied(mut e) = map.entry(key) { if *e.get() == 1 { e.insert(2); } }
    assert_eq!(map.remove_if_mut(&key, |_, v| { *v -= 1; *v == 0 }), None);
    assert_eq!(map.remove_if(&key, |_, v| *v == 1), Some((1, 1)));
    match map.entry(key) { Entry::Occupied(e) => { e.remove(); } Entry::Vacant(e) => { e.insert(1); } }
    assert_eq!(map.remove(&key), Some((1, 1)));

    map.insert(key, value);
    map.retain(|_, v| *v > 0);
    let (len, empty, capacity) = (map.len(), map.is_empty(), map.capacity());
    assert!(len == 1 && !empty && capacity >= len);
    let _hasher = map.hasher();
    {
        let map = map.clone();
        assert_eq!(map.into_read_only().len(), 1);
    }
    map.clear(); map.shrink_to_fit();
    assert_eq!(map.into_iter().collect::<Vec<_>>(), []);
}

/// What the page says of dashmap's shards.
#[test]
fn shards() {
    let map: DashMap<u64, u64, RandomState> = DashMap::with_shard_amount(64);
    assert!(map.is_empty());
    let map: DashMap<u64, u64> = DashMap::with_capacity_and_shard_amount(100, 4);
    assert!(map.capacity() >= 100);
    let mut map: DashMap<u64, u64> = DashMap::with_capacity(100);
    map.try_reserve(1000).unwrap();
    assert!(map.capacity() >= 4000, "so many in every shard: {}", map.capacity());
    assert!(std::panic::catch_unwind(|| DashMap::<u64, u64>::with_shard_amount(1)).is_err());
    let capacity = map.capacity();
    map.insert(1, 1);
    map.clear();
    assert_eq!(map.capacity(), capacity, "clear keeps the memory");
}

fn first<'a>(map: &'a DashMap<u64, u64>) -> Option<RefMulti<'a, u64, u64>> {
    map.iter().next()
}

fn bump<'a>(map: &'a DashMap<u64, u64>, key: u64) -> Ref<'a, u64, u64> {
    let mut value: RefMut<'_, u64, u64> = match map.entry(key) {
        Entry::Occupied(entry) => entry.into_ref(),
        Entry::Vacant(entry) => entry.insert(0),
    };
    *value += 1;
    value.downgrade()
}

#[test]
fn the_names_of_guards() {
    let map = DashMap::new();
    assert_eq!(*bump(&map, 7), 1);
    assert!(first(&map).is_some_and(|entry| entry.pair() == (&7, &1)));
    assert!(matches!(map.try_get(&8), TryResult::Absent));
    let view: ReadOnlyView<u64, u64> = map.into_read_only();
    assert_eq!(view.get(&7), Some(&1));
    assert!(DashSet::new().insert("one"));
}

/// What `retain` and `clear` remove is dropped with the shard locked.
#[test]
fn drops_are_under_the_lock() {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static MAP: LazyLock<DashMap<u32, Looks>> = LazyLock::new(DashMap::new);
    static LOCKED: AtomicU32 = AtomicU32::new(0);
    struct Looks;
    impl Drop for Looks {
        fn drop(&mut self) {
            LOCKED.fetch_add(MAP.try_get(&1).is_locked().into(), Ordering::Relaxed);
        }
    }

    MAP.insert(1, Looks);
    MAP.retain(|_, _| false);
    assert_eq!(LOCKED.load(Ordering::Relaxed), 1);
    MAP.insert(1, Looks);
    MAP.clear();
    assert_eq!(LOCKED.load(Ordering::Relaxed), 2);
    MAP.insert(1, Looks);
    drop(MAP.remove(&1));
    assert_eq!(LOCKED.load(Ordering::Relaxed), 2, "the twin: what is handed out is not");
}
