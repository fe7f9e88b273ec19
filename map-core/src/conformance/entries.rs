//! The entry API.

use super::maker::{Maker, MapOf, Rig};
use crate::Strategy;
use crate::mapref::entry::Entry;

/// A map with the entries `0 -> 0`, `1 -> 10`, ..., `49 -> 490`.
fn filled<M>(rig: &Rig<M>) -> MapOf<M, u64, u64>
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = rig.map();
    for key in 0..50 {
        map.insert(key, 10 * key);
    }
    map
}

/// `or_insert` and its relatives insert where there is nothing, and else give what is there.
#[doc = behaviour!("entries::or_inserts")]
pub fn or_inserts<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = filled(rig);
    assert_eq!(*map.place(7).or_insert(1), 70);
    assert_eq!(
        *map.place(7).or_insert_with(|| unreachable!("it is there")),
        70
    );
    assert_eq!(*map.place(7).or_default(), 70);
    assert_eq!(*map.place(100).or_insert(1), 1);
    assert_eq!(*map.place(101).or_insert_with(|| 2), 2);
    assert_eq!(*map.place(102).or_default(), 0);
    // What they return can be changed.
    *map.place(7).or_insert(0) += 1;
    *map.place(103).or_insert(0) += 1;
    let expected = [(7, 71), (100, 1), (101, 2), (102, 0), (103, 1)];
    for (key, value) in expected {
        assert_eq!(map.get_cloned(&key), Some(value), "key {key}");
    }
    assert_eq!(map.len(), 54);
    // A closure that fails inserts nothing.
    assert!(map.place(104).or_try_insert_with(|| Err(())).is_err());
    assert!(!map.contains_key(&104));
    assert_eq!(
        map.place(104)
            .or_try_insert_with(|| Ok::<_, ()>(4))
            .map(|entry| *entry),
        Ok(4)
    );
}

/// `and_modify` changes what is there, and nothing else.
#[doc = behaviour!("entries::and_modify")]
pub fn and_modify<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = filled(rig);
    assert_eq!(
        *map.place(7).and_modify(|value| *value += 1).or_insert(1),
        71
    );
    assert_eq!(
        *map.place(100).and_modify(|value| *value += 1).or_insert(1),
        1
    );
    drop(map.place(8).and_modify(|value| *value += 1));
    drop(map.place(101).and_modify(|value| *value += 1));
    assert_eq!(map.get_cloned(&7), Some(71));
    assert_eq!(map.get_cloned(&8), Some(81));
    assert_eq!(map.get_cloned(&100), Some(1));
    assert_eq!(map.len(), 51);
}

/// `insert`, `insert_entry` and `into_key` do so on both kinds of entry.
#[doc = behaviour!("entries::either")]
pub fn either<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = filled(rig);
    for key in [7, 100] {
        assert_eq!(*map.place(key).key(), key);
        assert_eq!(map.place(key).into_key(), key);
        assert_eq!(*map.place(key).insert(1), 1);
        assert_eq!(map.get_cloned(&key), Some(1));
        map.remove(&key);
        let mut entry = map.place(key).insert_entry(2);
        assert_eq!((*entry.key(), *entry.get()), (key, 2));
        *entry.get_mut() += 1;
        drop(entry);
        assert_eq!(map.get_cloned(&key), Some(3));
        assert_eq!(*map.place(key).insert_entry(4).into_ref(), 4);
    }
    assert_eq!(map.len(), 51);
}

/// An occupied entry shows, changes, replaces and removes.
#[doc = behaviour!("entries::occupied")]
pub fn occupied<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = filled(rig);
    let occupied = |key| match map.place(key) {
        Entry::Occupied(entry) => entry,
        Entry::Vacant(entry) => panic!("{} is there", entry.key()),
    };
    let mut entry = occupied(1);
    assert_eq!((*entry.key(), *entry.get()), (1, 10));
    *entry.get_mut() += 1;
    assert_eq!(entry.insert(12), 11);
    assert_eq!(*entry.get(), 12);
    assert_eq!(entry.into_key(), 1);
    assert_eq!(map.get_cloned(&1), Some(12));

    *occupied(2).into_ref() += 1;
    assert_eq!(map.get_cloned(&2), Some(21));
    assert_eq!(occupied(3).remove(), 30);
    assert_eq!(occupied(4).remove_entry(), (4, 40));
    let mut entry = occupied(5);
    *entry.get_mut() += 1;
    assert_eq!(entry.remove(), 51, "a change that nobody else has seen");
    for key in 3..6 {
        assert!(!map.contains_key(&key));
    }
    assert_eq!(occupied(6).replace_entry(1), (6, 60));
    assert_eq!(map.get_cloned(&6), Some(1));
    assert_eq!(map.len(), 47);
}

/// A vacant entry inserts, or does nothing.
#[doc = behaviour!("entries::vacant")]
pub fn vacant<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = filled(rig);
    let vacant = |key| match map.place(key) {
        Entry::Vacant(entry) => entry,
        Entry::Occupied(entry) => panic!("{} is not there", entry.key()),
    };
    assert_eq!(*vacant(100).key(), 100);
    assert_eq!(vacant(100).into_key(), 100);
    assert_eq!(map.len(), 50);
    *vacant(100).insert(1) += 1;
    assert_eq!(map.get_cloned(&100), Some(2));
    assert_eq!(*vacant(101).insert_entry(3).get(), 3);
    assert_eq!(vacant(102).insert_entry(4).remove(), 4);
    assert_eq!(map.len(), 52);
}

/// Entries make the map grow as other inserts do.
#[doc = behaviour!("entries::growth")]
pub fn growth<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = rig.map::<u64, u64>();
    let keys = rig.about(20_000) as u64;
    for round in 0..2 {
        for key in 0..keys {
            *map.place(key).or_insert(0) += key;
        }
        assert_eq!(map.len() as u64, keys);
        for key in 0..keys {
            assert_eq!(map.get_cloned(&key), Some((round + 1) * key));
        }
    }
}
