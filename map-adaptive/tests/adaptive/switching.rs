//! Nothing is lost, doubled, or left behind while shards are made to switch at random, by a thread of its own. Three of the tests
//! are for Miri, too, with fewer keys.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use map_adaptive::{AdaptiveMap, Kind};
use map_core::conformance::tracked::Ledger;

/// Runs `work` on so many threads while another makes the map switch, and tells how often it did.
fn while_switching<K, V, S>(
    map: &AdaptiveMap<K, V, S>,
    threads: u64,
    work: impl Fn(u64) + Sync,
) -> usize
where
    K: Clone + Eq + std::hash::Hash + Send + Sync,
    V: Clone + Send + Sync,
    S: std::hash::BuildHasher + Sync,
{
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let switches = scope.spawn(|| {
            let mut rng = fastrand::Rng::with_seed(7);
            let mut switches = 0;
            while !is_done.load(Relaxed) {
                map.pin_strategy(Kind::ALL[rng.usize(..3)])
                    .expect("any map may have these");
                switches += 1;
                thread::yield_now();
            }
            switches
        });
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let work = &work;
                scope.spawn(move || work(thread))
            })
            .collect();
        for worker in workers {
            worker.join().expect("what was expected was seen");
        }
        is_done.store(true, Relaxed);
        switches.join().expect("nothing stops a switch")
    })
}

#[test]
fn a_million_keys() {
    const THREADS: u64 = 2;
    const EACH: u64 = if cfg!(miri) { 50 } else { 500_000 };
    let map: AdaptiveMap<u64, u64> = AdaptiveMap::new();
    let switches = while_switching(&map, THREADS, |thread| {
        for number in 0..EACH {
            let key = number * THREADS + thread;
            assert_eq!(map.insert(key, key), None);
            let earlier = key / 2 / THREADS * THREADS + thread;
            assert_eq!(
                map.get_copied(&earlier).is_some(),
                earlier % 5 != 1 || earlier == key,
                "{earlier}"
            );
            if key % 5 == 1 {
                assert_eq!(map.remove(&key), Some((key, key)));
            } else if key % 7 == 2 {
                assert_eq!(map.insert(key, key + 1), Some(key));
            }
        }
    });
    assert!(switches > 2, "it switched {switches} times");
    let mut seen = vec![false; (THREADS * EACH) as usize];
    for entry in &map {
        let key = *entry.key();
        assert!(
            !std::mem::replace(&mut seen[key as usize], true),
            "{key} twice"
        );
        let is_changed = key % 5 != 1 && key % 7 == 2;
        assert_eq!(*entry.value(), key + u64::from(is_changed));
    }
    let expected = (0..THREADS * EACH).map(|key| key % 5 != 1);
    assert!(seen.into_iter().eq(expected));
}

/// Counters that all threads add to, in each way that there is.
#[test]
fn increments_add_up() {
    const KEYS: u64 = if cfg!(miri) { 8 } else { 64 };
    const ROUNDS: u64 = if cfg!(miri) { 50 } else { 100_000 };
    let map: AdaptiveMap<u64, u64> = (0..KEYS).map(|key| (key, 0)).collect();
    while_switching(&map, 3, |thread| {
        let mut rng = fastrand::Rng::with_seed(thread);
        for round in 0..ROUNDS {
            let key = rng.u64(..KEYS);
            match round % 4 {
                0 => *map.get_mut(&key).expect("it stays") += 1,
                1 => map.alter(&key, |_, value| value + 1),
                2 => *map.entry(key).or_insert(0) += 1,
                _ => loop {
                    let now = map.get_copied(&key).expect("it stays");
                    if map.compare_exchange(&key, &now, now + 1).is_ok() {
                        break;
                    }
                },
            }
        }
    });
    let sum: u64 = map.iter().map(|entry| *entry).sum();
    assert_eq!(sum, 3 * ROUNDS);
}

/// A copy that is made while shards are half-way to another kind is whole, goes its own way, and leaves the other as it was.
#[test]
fn copies() {
    const KEYS: u64 = 3_000;
    let map: AdaptiveMap<u64, u64> = (0..KEYS).map(|key| (key, key)).collect();
    let in_nodes = AtomicU64::new(0);
    while_switching(&map, 2, |thread| {
        for round in thread..thread + 120 {
            // So that shards are changed.
            (0..KEYS).for_each(|key| map.store(key, key));
            let copy = map.clone();
            let stats = copy.stats();
            assert_eq!((copy.len() as u64, stats.entries()), (KEYS, KEYS));
            in_nodes.fetch_add(stats.read_dirty.entries, Relaxed);
            assert!((0..KEYS).all(|key| copy.get_copied(&key) == Some(key)));
            copy.pin_strategy(Kind::ALL[round as usize % 3])
                .expect("any map may have these");
            for key in 0..KEYS {
                assert_eq!(copy.insert(key, 7), Some(key));
                assert_eq!(copy.insert(key + KEYS, 7), None);
            }
            copy.retain(|key, _| key % 2 == 0);
            assert_eq!(
                copy.into_iter().map(|(_, value)| value).sum::<u64>(),
                7 * KEYS
            );
        }
    });
    assert!((0..KEYS).all(|key| map.get_copied(&key) == Some(key)));
    assert!(in_nodes.into_inner() > 0, "some had read tables");
}

/// A copy has read tables where the other has them, from the start.
#[test]
fn copies_of_read_tables() {
    let map: AdaptiveMap<u64, u64> = (0..3_000).map(|key| (key, key)).collect();
    map.pin_strategy(Kind::ReadDirty).expect("any map may");
    while map.stats().read_dirty.entries < 3_000 {
        (0..3_000).for_each(|key| drop(map.get(&key)));
    }
    let copy = map.clone();
    assert_eq!(copy.strategy(), Kind::ReadDirty);
    let before = copy.stats();
    assert_eq!(before.read_dirty.entries, 3_000);
    assert!((0..3_000).all(|key| copy.get_copied(&key) == Some(key)));
    assert_eq!(
        copy.stats().unsettled_reads,
        before.unsettled_reads,
        "none took a lock"
    );
}

/// What was removed while there were read tables, and was looked at when the last of them went, is dropped all the same.
#[test]
fn what_shards_have_left_when_they_went_is_dropped() {
    for writes in [false, true] {
        let map: AdaptiveMap<u64, Arc<u64>> = (0..3_000).map(|key| (key, Arc::new(key))).collect();
        map.pin_strategy(Kind::ReadDirty).expect("any map may");
        let guard = map.get(&7).expect("it is there");
        let value = Arc::downgrade(&*guard);
        map.delete(&7);
        let start = Instant::now();
        while map.strategy() != Kind::Sharded || map.stats().leaving_shards > 0 {
            map.pin_strategy(Kind::Sharded).expect("any map may");
            assert!(start.elapsed() < Duration::from_secs(30));
        }
        assert_eq!(value.strong_count(), 1, "the guard keeps it");
        drop(guard);
        for key in (0..3_000).cycle() {
            if writes {
                map.insert(key, Arc::new(key));
            } else {
                drop(map.get(&key));
            }
            if value.strong_count() == 0 {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(30));
        }
        assert_eq!(map.stats().guarded_entries, 0);
    }
}

/// The same where a shard has its read table still, and others only read, from a thread that has left nothing itself.
#[test]
fn what_some_shards_have_left_when_they_went_is_dropped() {
    let map: AdaptiveMap<u64, Arc<u64>> = (0..3_000).map(|key| (key, Arc::new(key))).collect();
    map.pin_strategy(Kind::ReadDirty).expect("any map may");
    let guard = map.get(&7).expect("it is there");
    let values: Vec<_> = (5..8)
        .map(|key| Arc::downgrade(&*map.get(&key).expect("it is there")))
        .collect();
    thread::scope(|scope| {
        scope.spawn(|| (5..8).for_each(|key| assert!(map.delete(&key))));
    });
    // A guard keeps one shard from going.
    let kept = map.get(&100).expect("it is there");
    let start = Instant::now();
    while map.strategy() != Kind::Sharded || map.stats().leaving_shards > 1 {
        map.pin_strategy(Kind::Sharded).expect("any map may");
        assert!(start.elapsed() < Duration::from_secs(30));
    }
    assert_eq!(map.stats().leaving_shards, 1, "a guard keeps one");
    while map.stats().guarded_entries == 0 {
        (200..3_000).for_each(|key| drop(map.get(&key)));
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{:?}",
            map.stats()
        );
    }
    drop(guard);
    thread::scope(|scope| {
        scope.spawn(|| {
            for key in (200..3_000).cycle() {
                drop(map.get(&key));
                if values.iter().all(|value| value.strong_count() == 0) {
                    break;
                }
                assert!(
                    start.elapsed() < Duration::from_secs(30),
                    "{:?}",
                    map.stats()
                );
            }
        });
    });
    drop(kept);
}

/// Where there are read tables readers wait for nobody, whatever the shards have been through.
#[test]
fn reads_in_read_tables_wait_for_no_writer() {
    let map: AdaptiveMap<u64, u64> = (0..3_000).map(|key| (key, key)).collect();
    let (ask, asked) = mpsc::channel::<u64>();
    let (answer, answers) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            for key in asked {
                let guarded = map.get(&key).map(|value| *value);
                answer
                    .send((map.get_copied(&key), guarded))
                    .expect("somebody listens");
            }
        });
        // Here, so that it goes when something panics.
        let ask = ask;
        let check = |keys: u64| {
            // All of them come into the read tables, as they are missed there.
            for _ in 0..10 {
                (0..keys).for_each(|key| drop(map.get(&key)));
            }
            let stats = map.stats();
            assert_eq!(stats.read_dirty.entries, keys, "{stats:?}");
            for key in (0..keys).step_by(7) {
                let guard = map.get_mut(&key).expect("it is there");
                ask.send(key).expect("somebody listens");
                let read = answers.recv_timeout(Duration::from_secs(20));
                drop(guard);
                assert_eq!(read, Ok((Some(key), Some(key))), "of {keys}");
            }
        };
        map.pin_strategy(Kind::ReadDirty).expect("any map may");
        check(3_000);
        let shards = map.shards();
        for key in 3_000..30_000 {
            map.insert(key, key);
        }
        assert!(map.shards() > shards, "they were split");
        check(30_000);
        let shards = map.shards();
        map.retain(|key, _| *key < 500);
        map.shrink_to_fit();
        assert!(map.shards() < shards, "they were merged");
        check(500);
        map.pin_strategy(Kind::Sharded).expect("any map may");
        map.pin_strategy(Kind::ReadDirty).expect("any map may");
        check(500);
    });
}

/// What went into the map is dropped once, with an open session and idle threads around.
#[test]
fn drops_are_exact() {
    const KEYS: u64 = if cfg!(miri) { 20 } else { 500 };
    const ROUNDS: u64 = if cfg!(miri) { 50 } else { 30_000 };
    let ledger = Ledger::new();
    let map = AdaptiveMap::new();
    let session = map.pin();
    while_switching(&map, 2, |thread| {
        let mut rng = fastrand::Rng::with_seed(thread);
        for _ in 0..ROUNDS {
            let number = rng.u64(..KEYS);
            match rng.u8(..4) {
                0 => drop(map.insert(ledger.key(number), ledger.value(number))),
                1 => drop(map.remove(&number)),
                2 => drop(map.get(&number)),
                _ => {
                    if let Some(mut value) = map.get_mut(&number) {
                        *value = ledger.value(number);
                    }
                }
            }
        }
    });
    assert!(session.get(&1_000).is_none());
    drop(session);
    ledger.assert_sound();
    drop(map);
    ledger.assert_settled();
}
