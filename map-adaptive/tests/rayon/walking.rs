//! Going over a map in parallel while it is in use.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use map_adaptive::ShardedMap;
use rayon::iter::ParallelIterator;

use crate::{pool, wait_for};

fn map_of_shards(shards: usize, entries: u32) -> ShardedMap<u32, u32> {
    let map = ShardedMap::builder()
        .shards(shards)
        .build()
        .expect("a fine map");
    for key in 0..entries {
        map.insert(key, key);
    }
    map
}

/// Two jobs are in the map at once: each waits for the other.
#[test]
fn shards_are_gone_over_in_parallel() {
    let map = map_of_shards(2, 100);
    let jobs = AtomicU32::new(0);
    pool(2).install(|| {
        map.par_iter()
            .map(|entry| {
                thread_local! { static CAME: AtomicBool = const { AtomicBool::new(false) } }
                if !CAME.with(|came| came.swap(true, Ordering::Relaxed)) {
                    jobs.fetch_add(1, Ordering::Relaxed);
                    assert!(
                        wait_for(|| jobs.load(Ordering::Relaxed) == 2),
                        "all by itself"
                    );
                }
                *entry.key()
            })
            .sum::<u32>()
    });
    assert_eq!(jobs.into_inner(), 2);
}

/// Tells the other threads to end, also when this one panics: a test that fails shall not hang.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Splits and merges under everybody's feet: what stays is met once, by some job, and nothing twice.
#[test]
fn each_key_is_met_once_while_shards_come_and_go() {
    const STAY: usize = 50;
    const ALL: usize = 500;
    let map = ShardedMap::builder()
        .shard_limit(4)
        .build()
        .expect("a fine map");
    for key in 0..STAY {
        map.insert(key, 0);
    }
    let stop = AtomicBool::new(false);
    let rounds = AtomicU32::new(0);
    let pool = pool(3);
    thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for key in STAY..ALL {
                    map.insert(key, 0);
                }
                map.retain(|key, _| *key < STAY);
                map.shrink_to_fit();
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        });
        let started = Instant::now();
        let (mut walks, mut shards) = (0, (usize::MAX, 0));
        while started.elapsed() < Duration::from_millis(1500) {
            let met: Vec<_> = (0..ALL).map(|_| AtomicU32::new(0)).collect();
            pool.install(|| {
                map.par_iter().for_each(|entry| {
                    met[*entry.key()].fetch_add(1, Ordering::Relaxed);
                })
            });
            let met: Vec<_> = met.into_iter().map(AtomicU32::into_inner).collect();
            assert!(met[..STAY].iter().all(|times| *times == 1), "{met:?}");
            assert!(met.iter().all(|times| *times <= 1), "{met:?}");
            walks += 1;
            pool.install(|| map.par_iter_mut().for_each(|mut entry| *entry += 1));
            let changed = |key| map.get_copied(&key) == Some(walks);
            assert!((0..STAY).all(changed), "each value once in a walk");
            shards = (shards.0.min(map.shards()), shards.1.max(map.shards()));
        }
        let rounds = rounds.load(Ordering::Relaxed);
        assert!(walks > 5 && rounds > 5, "{walks} walks, {rounds} rounds");
        assert!(shards.0 < shards.1, "shards came and went: {shards:?}");
    });
    pool.install(|| assert_eq!(map.par_iter().count(), map.len()));
}

/// A search that has found ends early: the jobs do not go on through the map.
#[test]
fn a_search_ends_early() {
    let map = map_of_shards(64, 50_000);
    let looked = AtomicU32::new(0);
    let found = pool(2).install(|| {
        map.par_iter().find_any(|_| {
            looked.fetch_add(1, Ordering::Relaxed);
            true
        })
    });
    assert!(found.is_some());
    drop(found);
    // Each job that has begun may have looked at one entry, or few.
    assert!(looked.into_inner() < 1000);
}

/// A panic of a closure comes to the caller, and leaves nothing locked.
#[test]
fn a_panic_leaves_nothing_locked() {
    let map = map_of_shards(8, 100);
    let pool = pool(2);
    let done = catch_unwind(AssertUnwindSafe(|| {
        pool.install(|| {
            map.par_iter()
                .for_each(|entry| assert_ne!(*entry.key(), 50, "asked to panic"));
        });
    }));
    assert!(done.is_err());
    for key in 0..100 {
        assert_eq!(map.insert(key, 0), Some(key));
    }
}
