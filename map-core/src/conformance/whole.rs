//! Operations on all entries, and the traits of collections.

use std::collections::{BTreeMap, HashMap};

use super::hashers::Build;
use super::maker::{Maker, MapOf, Rig};
use crate::{Map, Strategy};

/// The entries `0 -> 0`, `1 -> 10`, ... of the filled map.
fn entries(many: usize) -> impl Iterator<Item = (u64, u64)> {
    (0..many as u64).map(|key| (key, 10 * key))
}

fn filled<M>(rig: &Rig<M>, many: usize) -> MapOf<M, u64, u64>
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = rig.map();
    for (key, value) in entries(many) {
        map.insert(key, value);
    }
    map
}

/// The contents, seen by iteration; no key may be seen twice.
fn contents<T: Strategy<u64, u64>>(map: &Map<u64, u64, T, Build>) -> BTreeMap<u64, u64> {
    let mut found = BTreeMap::new();
    for entry in map {
        assert_eq!(
            found.insert(*entry.key(), *entry.value()),
            None,
            "key {} twice",
            entry.key()
        );
    }
    found
}

/// All ways to go over a map show every entry once, whatever the map's size.
#[doc = behaviour!("whole::iterations")]
pub fn iterations<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    for many in [0, 1, 7, 100, rig.about(20_000)] {
        let map = filled(rig, many);
        let expected: BTreeMap<u64, u64> = entries(many).collect();
        assert_eq!(map.len(), many);
        assert_eq!(map.is_empty(), many == 0);
        assert_eq!(contents(&map), expected);
        let mut shown = Vec::new();
        map.for_each(|&key, &value| shown.push((key, value)));
        shown.sort_unstable();
        assert_eq!(shown, entries(many).collect::<Vec<_>>());
        let mut owned: Vec<(u64, u64)> = map.into_iter().collect();
        owned.sort_unstable();
        assert_eq!(owned, entries(many).collect::<Vec<_>>());
    }
}

/// What an iterator gives out may outlive it, and may be held together.
#[doc = behaviour!("whole::items_outlive_the_iterator")]
pub fn items_outlive_the_iterator<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let many = rig.about(5_000);
    let map = filled(rig, many);
    let items: Vec<_> = map.iter().collect();
    assert_eq!(items.len(), many);
    assert!(items.iter().all(|item| **item == 10 * item.key()));
    // One by one, in another order.
    for item in items.into_iter().rev() {
        assert_eq!(item.pair(), (item.key(), &(10 * item.key())));
    }
    // All locks are free again.
    for key in 0..many as u64 {
        assert_eq!(map.remove(&key), Some((key, 10 * key)));
    }
    assert!(map.is_empty());
}

/// An iterator may be dropped half-way.
#[doc = behaviour!("whole::abandoned_iterators")]
pub fn abandoned_iterators<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let many = 1_000;
    let map = filled(rig, many);
    for stop in [0, 1, 500] {
        assert_eq!(map.iter().take(stop).count(), stop);
        let mut iter = map.iter();
        let first = iter.next();
        drop(iter);
        assert!(first.is_some_and(|entry| *entry == 10 * entry.key()));
    }
    map.clear();
    let map = filled(rig, many);
    assert_eq!(map.into_iter().take(500).count(), 500);
}

/// `retain` keeps what it is told to, with the changes made on the way.
#[doc = behaviour!("whole::retain")]
pub fn retain<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    for many in [0, 1, 100, rig.about(10_000)] {
        let map = filled(rig, many);
        let mut shown = BTreeMap::new();
        map.retain(|&key, value| {
            assert_eq!(shown.insert(key, *value), None, "key {key} twice");
            *value += 1;
            key % 3 == 0
        });
        assert_eq!(shown, entries(many).collect());
        let kept = entries(many).filter(|(key, _)| key % 3 == 0);
        assert_eq!(
            contents(&map),
            kept.map(|(key, value)| (key, value + 1)).collect()
        );
        map.retain(|_, _| false);
        assert_eq!((map.len(), contents(&map)), (0, BTreeMap::new()));
    }
}

/// `clear` removes everything, and the map goes on.
#[doc = behaviour!("whole::clear")]
pub fn clear<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = rig.map::<u64, u64>();
    for many in [0, 1, 100, rig.about(10_000), 3] {
        for (key, value) in entries(many) {
            assert_eq!(map.insert(key, value), None);
        }
        assert_eq!(map.len(), many);
        map.clear();
        assert_eq!(
            (map.len(), map.is_empty(), map.iter().count()),
            (0, true, 0)
        );
        assert!(!map.contains_key(&0));
    }
}

/// Room that was asked for is there; `shrink_to_fit` gives back what is not needed.
#[doc = behaviour!("whole::capacity")]
pub fn capacity<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let many = rig.about(5_000);
    let map = rig.map::<u64, u64>();
    map.reserve(many);
    assert!(map.capacity() >= many, "{} < {many}", map.capacity());
    for (key, value) in entries(many) {
        map.insert(key, value);
    }
    assert!(map.capacity() >= many);
    for key in 10..many as u64 {
        map.remove(&key);
    }
    let before = map.capacity();
    map.shrink_to_fit();
    assert!(map.capacity() <= before);
    assert_eq!(contents(&map), entries(many.min(10)).collect());
    for (key, value) in entries(many) {
        map.insert(key, value);
    }
    assert_eq!(contents(&map), entries(many).collect());

    let map = Map::<u64, u64, M::Strategy, _>::with_capacity_and_hasher(many, rig.hasher());
    assert!(map.capacity() >= many, "{} < {many}", map.capacity());
    for (key, value) in entries(many) {
        assert_eq!(map.insert(key, value), None);
    }
    assert_eq!(contents(&map), entries(many).collect());
}

/// What `clear` and `shrink_to_fit` no longer need, they give back: shards and tables.
#[doc = behaviour!("whole::memory_comes_back")]
pub fn memory_comes_back<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let many = rig.about(20_000);
    let map = filled(rig, many);
    assert!(map.capacity() >= many);
    map.clear();
    assert_eq!((map.capacity(), map.shards()), (0, 1));
    for (key, value) in entries(many) {
        map.insert(key, value);
    }
    assert!(map.capacity() >= many);
    // So few that even small shards merge: together they are at most half full.
    map.retain(|&key, _| key < 2);
    map.shrink_to_fit();
    assert_eq!(map.shards(), 1);
    assert!(map.capacity() < 32, "{} for 2 entries", map.capacity());
}

/// A map may be made with any number of shards.
#[doc = behaviour!("whole::shard_amounts")]
pub fn shard_amounts<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    for (amount, shards) in [(1, 1), (2, 2), (3, 4), (64, 64)] {
        let with = Map::<u64, u64, M::Strategy, _>::with_capacity_and_hasher_and_shard_amount;
        let map = with(1_000, rig.hasher(), amount);
        assert!(map.capacity() >= 1_000);
        assert!(map.shards() >= shards, "{} shards", map.shards());
        for (key, value) in entries(100) {
            assert_eq!(map.insert(key, value), None);
        }
        assert_eq!(contents(&map), entries(100).collect());
    }
}

/// A clone has the same entries in as many shards, and is another map. To make it, nothing is hashed.
#[doc = behaviour!("whole::clones")]
pub fn clones<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    for many in [0, 1, 100, rig.about(5_000)] {
        let map = filled(rig, many);
        let hashed = rig.hashed();
        let clone = map.clone();
        assert_eq!(rig.hashed(), hashed, "a clone hashes nothing");
        assert_eq!((clone.len(), clone.shards()), (many, map.shards()));
        let all = map
            .iter()
            .all(|entry| clone.get_cloned(entry.key()) == Some(*entry));
        assert!(all, "each is found where it was");
        assert_eq!(contents(&clone), contents(&map));
        // A clone of a clone, which has its shards from the start.
        assert_eq!(contents(&clone.clone()), contents(&map));
        clone.insert(0, 1);
        map.insert(1 << 40, 1);
        map.retain(|&key, _| key > 5);
        assert_eq!(clone.len(), many.max(1));
        assert_eq!(clone.get_cloned(&0), Some(1));
        assert!(!clone.contains_key(&(1 << 40)));
        assert!(!map.contains_key(&0));
    }
}

/// `Extend`, `FromIterator` (a later entry wins), `Default`, `Debug`.
#[doc = behaviour!("whole::collections")]
pub fn collections<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let mut map = filled(rig, 100);
    map.extend((50..150).map(|key| (key, key)));
    let mut expected: BTreeMap<u64, u64> = entries(100).collect();
    expected.extend((50..150).map(|key| (key, key)));
    assert_eq!(contents(&map), expected);

    let collected: Map<u64, u64, M::Strategy, ahash::RandomState> =
        [(1, 1), (2, 2), (1, 3)].into_iter().collect();
    assert_eq!(
        collected.into_iter().collect::<HashMap<_, _>>(),
        [(1, 3), (2, 2)].into()
    );
    assert!(Map::<u64, u64, M::Strategy, ahash::RandomState>::default().is_empty());

    let map = filled(rig, 2);
    let text = format!("{map:?}");
    assert!(
        ["{0: 0, 1: 10}", "{1: 10, 0: 0}"].contains(&&*text),
        "{text}"
    );
    let text = format!("{:?}", map.get(&1));
    assert!(text.contains("10"), "{text}");
}
