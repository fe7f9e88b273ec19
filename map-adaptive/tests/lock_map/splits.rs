//! When shards split: if there are too many entries in them, of which it takes fewer once threads have met; and not if entries come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use map_adaptive::{Change, LockMap, Map, ReadBias, ShardedMap, Strategy};

/// Two threads fight over a map of so many keys until `enough` says so, after how long they did.
fn fight<T>(map: &Map<u64, u64, T>, keys: u64, enough: impl Fn(Duration) -> bool) -> Duration
where
    T: Strategy<u64, u64>,
    Map<u64, u64, T>: Sync,
{
    let started = Instant::now();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2 {
            let stop = &stop;
            scope.spawn(move || {
                let mut i = thread;
                while !stop.load(Ordering::Relaxed) {
                    i += 2;
                    map.compute(i % keys, |_| {
                        // A thread that is interrupted while it holds the lock is in the other's way,
                        // also on a machine with few cores.
                        thread::yield_now();
                        Change::Set(i)
                    });
                    map.contains_key(&(i % keys));
                }
            });
        }
        while !enough(started.elapsed()) {
            thread::sleep(Duration::from_millis(1));
        }
        stop.store(true, Ordering::Relaxed);
    });
    started.elapsed()
}

#[test]
fn a_contended_map_of_few_entries_stays_whole() {
    let sharded = ShardedMap::new();
    let took = fight(&sharded, 200, |elapsed| {
        sharded.shards() > 1 || elapsed > Duration::from_secs(60)
    });
    assert!(sharded.shards() > 1, "the twin: not split in a minute");

    let map = LockMap::new();
    let longer = Duration::from_secs(1).max(3 * took);
    fight(&map, 200, |elapsed| map.shards() > 1 || elapsed > longer);
    assert_eq!((map.shards(), map.len()), (1, 200));
}

#[test]
fn a_map_in_which_threads_have_met_is_divided_and_no_further_than_that() {
    let map = LockMap::new();
    for key in 0..1_000 {
        map.insert(key, key);
    }
    assert_eq!(map.shards(), 1, "nobody has met anybody");
    fight(&map, 1_000, |elapsed| {
        map.shards() >= 32 || elapsed > Duration::from_secs(60)
    });
    let shards = map.shards();
    assert!((32..=128).contains(&shards), "{shards}");
    assert_eq!(map.len(), 1_000);
    // For good, and for all who come later: up to 64 shards, and from then on by a larger limit.
    for key in 1_000..20_000 {
        map.insert(key, key);
    }
    let shards = map.shards();
    assert!((64..=128).contains(&shards), "{shards}");
    assert!((1_000..20_000).all(|key| map.get_copied(&key) == Some(key)));
}

#[test]
fn a_full_map_splits() {
    let map = LockMap::new();
    for key in 0..114_688 {
        map.insert(key, key);
    }
    assert_eq!(map.shards(), 1, "there is room for so many");

    let map = LockMap::<u64, u64>::builder().shard_limit(28).build();
    let map = map.expect("a fine map");
    let sharded = ShardedMap::new();
    for key in 0..1_792 {
        map.insert(key, key);
        sharded.insert(key, key);
    }
    assert_eq!(map.shards(), 1, "64 times as many");
    assert!(sharded.shards() > 8, "the twin: {}", sharded.shards());
    for key in 1_792..20_000 {
        map.insert(key, key);
    }
    assert!(map.shards() >= 12, "{}", map.shards());
    assert!((0..20_000).all(|key| map.get_copied(&key) == Some(key)));
    map.clear();
    assert_eq!((map.shards(), map.len()), (1, 0));
}

#[test]
fn entries_that_come_and_go_split_nothing() {
    let map = LockMap::new();
    for key in 0..1_000 {
        map.insert(key, key);
    }
    let mut capacities = Vec::new();
    for key in 1_000..80_000 {
        let old = key - 1_000;
        assert_eq!(map.remove(&old), Some((old, old)));
        map.insert(key, key);
        capacities.push(map.capacity());
    }
    assert_eq!((map.shards(), map.len()), (1, 1_000));
    // It grew once, for the traces of those that were removed.
    capacities.dedup();
    assert_eq!(capacities, [1_792, 2 * 1_792]);
}

#[test]
fn a_map_is_built_with_shards() {
    let builder = LockMap::<u64, u64>::builder().shards(5).shard_limit(14);
    let map = builder
        .read_bias(ReadBias::Always)
        .build()
        .expect("a fine map");
    assert_eq!(map.shards(), 8);
    for key in 0..20_000 {
        map.insert(key, key);
    }
    assert!(map.shards() > 16, "{}", map.shards());
    assert_eq!(map.len(), 20_000);
}
