//! Entries into maps and out of them, with nobody else about.

use std::collections::{BTreeMap, BTreeSet};

use map_adaptive::{LockMap, LockSet, ReadDirtyMap, ReadDirtySet, ShardedMap, ShardedSet};
use rayon::iter::{
    IntoParallelIterator, IntoParallelRefIterator, ParallelExtend, ParallelIterator,
};

use crate::pool;

/// Empty, of one shard, of a few, of many.
const COUNTS: [u64; 5] = [0, 1, 100, 3000, 100_000];

fn pairs(count: u64) -> impl ParallelIterator<Item = (u64, String)> {
    (0..count).into_par_iter().map(|n| (n, n.to_string()))
}

/// Each entry comes in once and out once, by every way.
macro_rules! round_trip {
    ($map:ident) => {
        pool(4).install(|| {
            for count in COUNTS {
                let expected = BTreeMap::from_iter((0..count).map(|n| (n, n.to_string())));
                let mut map: $map<u64, String> = pairs(count).collect();
                assert_eq!(map.len() as u64, count);

                let met: Vec<_> = map
                    .par_iter()
                    .map(|e| (*e.key(), e.value().clone()))
                    .collect();
                assert_eq!(met.len(), expected.len(), "no key is met twice");
                assert_eq!(BTreeMap::from_iter(met), expected);
                assert_eq!((&map).into_par_iter().count(), expected.len());

                (&map).par_extend(pairs(count).map(|(n, _)| (n + count, String::new())));
                assert_eq!(map.len() as u64, 2 * count);
                map.par_extend(pairs(2 * count));
                let out: Vec<_> = map.into_par_iter().collect();
                assert_eq!(out.len() as u64, 2 * count, "no key comes out twice");
                let expected = BTreeMap::from_iter((0..2 * count).map(|n| (n, n.to_string())));
                assert_eq!(BTreeMap::from_iter(out), expected);
            }
        });
    };
}

#[test]
fn sharded_maps_make_the_round_trip() {
    round_trip!(ShardedMap);
}

#[test]
fn lock_maps_make_the_round_trip() {
    round_trip!(LockMap);
}

#[test]
fn read_dirty_maps_make_the_round_trip() {
    round_trip!(ReadDirtyMap);
}

/// Each key comes into a set once and out of it once, by every way.
macro_rules! set_round_trip {
    ($set:ident) => {
        pool(4).install(|| {
            for count in COUNTS {
                let mut set: $set<u64> = (0..count).into_par_iter().collect();
                assert_eq!(set.len() as u64, count);
                let met: Vec<_> = set.par_iter().map(|key| *key).collect();
                assert_eq!(met.len() as u64, count, "no key is met twice");
                assert!(BTreeSet::from_iter(met).into_iter().eq(0..count));
                assert_eq!((&set).into_par_iter().count() as u64, count);
                (&set).par_extend(count..2 * count);
                set.par_extend(0..2 * count);
                let out: Vec<_> = set.into_par_iter().collect();
                assert_eq!(out.len() as u64, 2 * count, "no key comes out twice");
                assert!(BTreeSet::from_iter(out).into_iter().eq(0..2 * count));
            }
        });
    };
}

#[test]
fn sets_make_the_round_trip() {
    set_round_trip!(ShardedSet);
    set_round_trip!(LockSet);
    set_round_trip!(ReadDirtySet);
}

/// Every value is changed once, and no other is met.
#[test]
fn values_are_changed_in_parallel() {
    pool(4).install(|| {
        for count in COUNTS {
            let mut map: ShardedMap<u64, u64> =
                (0..count).into_par_iter().map(|n| (n, n)).collect();
            map.par_iter_mut().for_each(|mut entry| *entry += 1);
            (&mut map).into_par_iter().for_each(|mut entry| *entry *= 2);
            assert_eq!(map.len() as u64, count);
            map.for_each(|key, value| assert_eq!(*value, (key + 1) * 2));
            assert_eq!(map.into_read_only().into_par_iter().count() as u64, count);
        }
    });
}

/// A map that is only read is gone over without a lock, by as many as like.
macro_rules! views {
    ($map:ident) => {
        for count in COUNTS {
            let view = pairs(count).collect::<$map<_, _>>().into_read_only();
            let met: Vec<_> = view.par_iter().map(|entry| entry.pair()).collect();
            assert_eq!(met.len() as u64, count, "no key is met twice");
            let expected = BTreeMap::from_iter((0..count).map(|n| (n, n.to_string())));
            assert_eq!(BTreeMap::from_iter(met), expected.iter().collect());
            let nested = (&view)
                .into_par_iter()
                .all(|entry| view.get(entry.key()).is_some_and(|value| *value == *entry));
            assert!(nested, "closures may look up");
            assert_eq!(view.into_par_iter().count() as u64, count);
        }
    };
}

#[test]
fn views_are_gone_over_in_parallel() {
    pool(4).install(|| {
        views!(ShardedMap);
        views!(LockMap);
        views!(ReadDirtyMap);
    });
}

/// Without a pool of its own, and by the name of rayon's trait.
#[test]
fn the_traits_of_rayon_find_the_map() {
    fn count<'a, C: IntoParallelRefIterator<'a>>(entries: &'a C) -> usize {
        entries.par_iter().count()
    }
    let map: ShardedMap<u64, String> = pairs(3000).collect();
    assert_eq!(count(&map), 3000);
}

#[test]
fn of_equal_keys_one_stays() {
    pool(4).install(|| {
        let pairs = || (0..30_000u32).into_par_iter().map(|n| (n % 10, n));
        let map: ShardedMap<u32, u32> = pairs().collect();
        assert_eq!(map.len(), 10);
        assert!(
            map.par_iter()
                .all(|entry| *entry.value() % 10 == *entry.key())
        );
    });
}

/// What comes out of an owned map is dropped, also if it is not taken.
#[test]
fn nothing_leaks_when_owned_iteration_ends_early() {
    use std::sync::Arc;
    let value = Arc::new(());
    pool(4).install(|| {
        let map: ShardedMap<u32, Arc<()>> = (0..10_000)
            .into_par_iter()
            .map(|n| (n, Arc::clone(&value)))
            .collect();
        assert_eq!(Arc::strong_count(&value), 10_001);
        assert!(map.into_par_iter().find_any(|(n, _)| *n > 5).is_some());
        assert_eq!(Arc::strong_count(&value), 1);
        let map: ShardedMap<u32, Arc<()>> = [(1, Arc::clone(&value))].into_par_iter().collect();
        drop(map.into_par_iter());
        assert_eq!(Arc::strong_count(&value), 1);
    });
}
