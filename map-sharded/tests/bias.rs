//! Readers that announce themselves instead of counting themselves in the lock, against writers that come now and then.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use map_core::{ReadBias, TryResult};
use map_sharded::ShardedMap;

fn biased<K: Eq + std::hash::Hash, V>() -> ShardedMap<K, V> {
    let builder = ShardedMap::builder().read_bias(ReadBias::Always);
    builder.build().expect("nothing is asked for")
}

/// One shard lies in the map itself, several do not.
const SHARDS: [usize; 2] = [1, 8];

fn biased_shards<K: Eq + std::hash::Hash, V>(shards: usize) -> ShardedMap<K, V> {
    let builder = ShardedMap::builder().read_bias(ReadBias::Always);
    builder
        .shards(shards)
        .build()
        .expect("eight are not too many")
}

/// So many reads let an adaptive map lean to announcements, whatever the threads' last samples were.
const ENOUGH: usize = 65_536;

fn arm(map: &ShardedMap<u64, u64>, key: u64) {
    for _ in 0..ENOUGH {
        assert!(map.contains_key(&key));
    }
}

/// Threads that have ended, by synchronisation of its own: a sanitizer does not see std's.
#[derive(Default)]
struct Ended(AtomicUsize);

impl Ended {
    fn one(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn all(&self) {
        self.0.load(Ordering::Acquire);
    }
}

/// Fails instead of hanging.
fn within_a_minute(work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let worker = thread::spawn(move || {
        work();
        done.send(()).ok();
    });
    if let Err(mpsc::RecvTimeoutError::Timeout) = wait.recv_timeout(Duration::from_secs(60)) {
        panic!("a deadlock");
    }
    worker.join().expect("the work succeeds");
}

/// A value on the heap whose two halves belong together.
type Value = Box<(u64, u64)>;

fn value(key: u64, round: u64) -> Value {
    Box::new((key << 32 | round, !(key << 32 | round)))
}

fn check(key: u64, value: &Value) {
    assert_eq!(value.0, !value.1, "a torn value");
    assert_eq!(value.0 >> 32, key, "the value of another key");
}

#[test]
fn writers_come_now_and_then() {
    const KEYS: u64 = 64;
    // The reads that go by meanwhile take their time.
    const WRITES: u64 = if cfg!(any(debug_assertions, crossbeam_sanitize)) {
        200
    } else {
        2_000
    };
    let map: ShardedMap<u64, Value> = biased();
    for key in 0..KEYS {
        map.insert(key, value(key, 0));
    }
    let done = AtomicBool::new(false);
    let reads = AtomicUsize::new(0);
    let ended = Ended::default();
    thread::scope(|scope| {
        for thread in 0..2 {
            let (map, done, reads, ended) = (&map, &done, &reads, &ended);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(thread);
                let mut newest = [0; KEYS as usize];
                while !done.load(Ordering::Relaxed) {
                    for _ in 0..256 {
                        let key = random.u64(..KEYS);
                        map.get_with(&key, |&key, value| {
                            check(key, value);
                            let newest = &mut newest[key as usize];
                            assert!(*newest <= value.0, "back in time");
                            *newest = value.0;
                        })
                        .expect("keys are replaced only");
                    }
                    reads.fetch_add(256, Ordering::Relaxed);
                }
                ended.one();
            });
        }
        for thread in 0..2 {
            let (map, done, reads, ended) = (&map, &done, &reads, &ended);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(thread + 10);
                for round in 1..=WRITES {
                    // Long enough for the bias, mostly.
                    let seen = reads.load(Ordering::Relaxed);
                    while reads.load(Ordering::Relaxed) - seen < random.usize(..ENOUGH) {
                        thread::yield_now();
                    }
                    // Each writer has keys of its own, so that they go up.
                    let key = random.u64(..KEYS / 2) * 2 + thread;
                    match random.u32(..3) {
                        0 => drop(map.insert(key, value(key, round))),
                        1 => *map.get_mut(&key).expect("it stays") = value(key, round),
                        _ => match map.try_get_mut(&key) {
                            TryResult::Present(mut found) => *found = value(key, round),
                            TryResult::Absent => panic!("it stays"),
                            TryResult::Locked => {}
                        },
                    }
                }
                done.store(true, Ordering::Relaxed);
                ended.one();
            });
        }
    });
    ended.all();
    map.for_each(|&key, value| check(key, value));
}

#[test]
fn shards_split_and_merge_under_announced_readers() {
    let map: ShardedMap<u64, Value> = ShardedMap::builder()
        .read_bias(map_core::ReadBias::Adaptive)
        .shard_limit(16)
        .build()
        .expect("the limit is not zero");
    map.insert(0, value(0, 0));
    let done = AtomicBool::new(false);
    let ended = Ended::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for key in [0, 1, 2] {
                    let found = map.get_with(&key, |&key, value| check(key, value));
                    assert!(found.is_some() || key != 0, "lost");
                }
            }
            ended.one();
        });
        scope.spawn(|| {
            for round in 1..if cfg!(debug_assertions) { 20 } else { 100 } {
                thread::sleep(Duration::from_millis(2));
                for key in 1..256 {
                    map.insert(key, value(key, round));
                }
                thread::sleep(Duration::from_millis(2));
                map.retain(|&key, _| key == 0);
                map.shrink_to_fit();
            }
            done.store(true, Ordering::Relaxed);
            ended.one();
        });
    });
    ended.all();
    assert_eq!(map.len(), 1);
}

#[test]
fn short_threads_pass_their_slots_on() {
    let map = biased();
    map.insert(1, 0);
    arm(&map, 1);
    let ended = Ended::default();
    for round in 0..2_000 {
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..200 {
                    assert_eq!(map.get_copied(&1), Some(round));
                }
                ended.one();
            });
        });
        ended.all();
        map.insert(1, round + 1);
        if round % 100 == 0 {
            arm(&map, 1);
        }
    }
}

thread_local! {
    static EARLY: LastRead = const { LastRead(Cell::new(None)) };
    static LATE: LastRead = const { LastRead(Cell::new(None)) };
}

/// Reads a map for a last time when its thread ends.
struct LastRead(Cell<Option<Arc<ShardedMap<u64, u64>>>>);

static LAST_READS: AtomicUsize = AtomicUsize::new(0);

impl Drop for LastRead {
    fn drop(&mut self) {
        if let Some(map) = self.0.take() {
            for _ in 0..ENOUGH {
                if map.get_copied(&1) != Some(1) {
                    // A panic here would end the process.
                    return;
                }
            }
            LAST_READS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn reads_in_destructors_of_thread_locals() {
    let map = Arc::new(biased());
    map.insert(1, 1);
    arm(&map, 1);
    for _ in 0..10 {
        let theirs = Arc::clone(&map);
        thread::spawn(move || {
            let map = theirs;
            // One whose destructor was registered before the slot's, and one after.
            EARLY.with(|last| last.0.set(Some(Arc::clone(&map))));
            arm(&map, 1);
            LATE.with(|last| last.0.set(Some(map)));
        })
        .join()
        .expect("the thread ends well");
        map.insert(1, 1);
    }
    assert_eq!(LAST_READS.load(Ordering::Relaxed), 20);
}

#[test]
fn a_read_within_a_read_passes_a_writer_that_waits() {
    within_a_minute(|| {
        for _ in 0..20 {
            let map = biased();
            map.insert(1, 1);
            arm(&map, 1);
            let wrote = AtomicBool::new(false);
            let ended = Ended::default();
            thread::scope(|scope| {
                let inner = map.get_with(&1, |_, &outer| {
                    scope.spawn(|| {
                        map.insert(1, 2);
                        wrote.store(true, Ordering::Relaxed);
                        ended.one();
                    });
                    thread::sleep(Duration::from_millis(3));
                    assert!(!wrote.load(Ordering::Relaxed), "beside a reader");
                    (outer, map.get_copied(&1), map.get(&1).map(|found| *found))
                });
                assert_eq!(inner, Some((1, Some(1), Some(1))));
            });
            ended.all();
            assert_eq!(map.get_copied(&1), Some(2));
        }
    });
}

#[test]
fn a_writer_that_does_not_wait_is_refused_by_a_reader_and_by_nobody_else() {
    let map = biased();
    map.insert(1, 1);
    let ended = Ended::default();
    for _ in 0..3 {
        arm(&map, 1);
        map.get_with(&1, |_, _| {
            thread::scope(|scope| {
                scope.spawn(|| {
                    assert!(map.try_get_mut(&1).is_locked());
                    ended.one();
                });
            });
        });
        ended.all();
        assert!(map.try_get_mut(&1).is_present());
        arm(&map, 1);
        assert!(map.try_get_mut(&1).is_present());
    }
}

#[test]
fn a_panic_in_a_read_leaves_the_shard_writable() {
    within_a_minute(|| {
        let map = biased();
        map.insert(1, 1);
        arm(&map, 1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            map.get_with(&1, |_, _| panic!("on purpose"));
        }));
        assert!(panicked.is_err());
        assert_eq!(map.insert(1, 2), Some(1));
    });
}

#[test]
#[cfg(debug_assertions)]
fn a_write_within_an_announced_read_is_reported() {
    within_a_minute(|| {
        let map = biased();
        map.insert(1, 1);
        arm(&map, 1);
        let start = std::time::Instant::now();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            map.get_with(&1, |_, _| map.insert(1, 2));
        }));
        let message = panicked.expect_err("it would wait for itself");
        let message = message.downcast::<String>().expect("a sentence");
        assert!(message.contains("deadlock"), "{message}");
        assert!(start.elapsed() < Duration::from_millis(900), "at once");
        assert_eq!(map.insert(1, 3), Some(1));
    });
}

#[test]
fn guards_are_sent_and_dropped_elsewhere() {
    for shards in SHARDS {
        within_a_minute(move || {
            let rounds = if cfg!(any(debug_assertions, crossbeam_sanitize)) {
                500
            } else {
                5_000
            };
            guards_are_sent(&biased_shards(shards), rounds, |_| ());
        });
    }
}

/// Also from the shard in the map itself while it splits.
#[test]
fn guards_are_sent_while_the_first_shard_splits() {
    for _ in 0..50 {
        within_a_minute(|| {
            let map = biased_shards(1);
            guards_are_sent(&map, 100, |round| {
                let key = 1_000 + round;
                map.insert(key, value(key, 0));
            });
            assert!(map.shards() > 1);
        });
    }
}

fn guards_are_sent(map: &ShardedMap<u64, Value>, rounds: u64, also: impl Fn(u64) + Send) {
    const KEYS: u64 = 64;
    for key in 0..KEYS {
        map.insert(key, value(key, 0));
    }
    let ended = Ended::default();
    let (give, take) = mpsc::sync_channel(3);
    thread::scope(|scope| {
        let ended = &ended;
        scope.spawn(move || {
            let mut random = fastrand::Rng::with_seed(1);
            for _ in 0..rounds {
                let guard = map
                    .get(&random.u64(..KEYS))
                    .expect("keys are replaced only");
                if give.send(guard).is_err() {
                    break;
                }
            }
            ended.one();
        });
        scope.spawn(move || {
            for guard in take {
                check(*guard.key(), guard.value());
                drop(guard);
            }
            ended.one();
        });
        scope.spawn(move || {
            let mut random = fastrand::Rng::with_seed(2);
            for round in 0..rounds {
                let key = random.u64(..KEYS);
                map.insert(key, value(key, round));
                also(round);
            }
            ended.one();
        });
    });
    ended.all();
    map.for_each(|&key, value| check(key, value));
}

#[test]
fn a_forgotten_guard_haunts_no_other_map() {
    within_a_minute(|| {
        for round in 0..400 {
            let map = biased_shards(SHARDS[round as usize % 2]);
            for key in 0..64 {
                // Writes to every shard, wherever another map's shards were before.
                map.insert(key, round);
            }
            for key in 0..4 {
                drop(map.get(&key));
                std::mem::forget(map.get(&key));
            }
        }
    });
}

#[test]
fn a_thread_that_keeps_many_guards_still_reads() {
    within_a_minute(|| {
        let map = biased_shards(8);
        for key in 0..256 {
            map.insert(key, key);
        }
        let guards: Vec<_> = (0..256).map(|key| map.get(&key)).collect();
        assert!((0..256).all(|key| map.get_copied(&key) == Some(key)));
        let ended = Ended::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!((0..256).all(|key| map.try_get_mut(&key).is_locked()));
                ended.one();
            });
        });
        ended.all();
        for (key, guard) in (0..).zip(&guards) {
            assert_eq!(guard.as_ref().map(|guard| **guard), Some(key));
        }
        drop(guards);
        assert!((0..256).all(|key| map.insert(key, 0) == Some(key)));
    });
}

#[test]
fn a_writer_gets_in_under_overlapping_readers() {
    SHARDS.into_iter().for_each(a_writer_gets_in_among);
}

fn a_writer_gets_in_among(shards: usize) {
    within_a_minute(move || {
        let map = biased_shards(shards);
        map.insert(1, 0);
        let done = AtomicBool::new(false);
        let ended = Ended::default();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    // Each holds a guard until it has the next one: there is never a moment without.
                    let mut guard = map.get(&1);
                    while !done.load(Ordering::Relaxed) {
                        thread::yield_now();
                        let next = match map.try_get(&1) {
                            TryResult::Present(next) => Some(next),
                            TryResult::Absent => panic!("it stays"),
                            TryResult::Locked => None,
                        };
                        guard = next;
                    }
                    drop(guard);
                    ended.one();
                });
            }
            scope.spawn(|| {
                for round in 1..=100 {
                    *map.get_mut(&1).expect("it stays") = round;
                }
                done.store(true, Ordering::Relaxed);
                ended.one();
            });
        });
        ended.all();
        assert_eq!(map.get_copied(&1), Some(100));
    });
}

#[test]
fn an_adaptive_map_changes_its_mind_both_ways() {
    let map = ShardedMap::new();
    for key in 0..1000 {
        map.insert(key, 0);
    }
    for _ in 0..3 {
        arm(&map, 1);
        for round in 0..100_000 {
            map.insert(round % 1000, round);
        }
    }
    map.set_read_bias(ReadBias::Never);
    assert_eq!(map.read_bias(), ReadBias::Never);
    arm(&map, 1);
    assert_eq!(map.read_bias(), ReadBias::Never, "samples do not count");
    map.set_read_bias(ReadBias::Adaptive);
    assert_eq!(map.read_bias(), ReadBias::Adaptive);
    assert_eq!(map.clone().read_bias(), ReadBias::Adaptive);
    assert_eq!(map.len(), 1000);
}

#[test]
#[cfg(debug_assertions)]
fn a_write_beside_an_announced_guard_is_reported() {
    SHARDS.into_iter().for_each(a_write_is_reported_in);
}

#[cfg(debug_assertions)]
fn a_write_is_reported_in(shards: usize) {
    within_a_minute(move || {
        let map = biased_shards(shards);
        map.insert(1, 1);
        drop(map.get(&1));
        let guard = map.get(&1);
        let panicked = catch_unwind(AssertUnwindSafe(|| map.insert(1, 2)));
        let message = panicked.expect_err("it would wait for itself");
        let message = message.downcast::<String>().expect("a sentence");
        assert!(message.contains("deadlock"), "{message}");
        drop(guard);
        assert_eq!(map.insert(1, 3), Some(1));
    });
}

/// Also where the map has been moved since.
#[test]
#[cfg(debug_assertions)]
fn a_write_beside_a_forgotten_guard_is_reported() {
    within_a_minute(|| {
        for shards in SHARDS {
            let map = biased_shards(shards);
            map.insert(1, 1);
            drop(map.get(&1));
            std::mem::forget(map.get(&1));
            let map = Box::new(map);
            let panicked = catch_unwind(AssertUnwindSafe(|| map.insert(1, 2)));
            let message = panicked.expect_err("it would wait for ever");
            let message = message.downcast::<String>().expect("a sentence");
            assert!(message.contains("deadlock"), "{message}");
        }
    });
}

/// The one shard of a small map lies in the map itself: if an announcement named its address, it would stay for what comes there.
#[test]
fn a_guard_that_is_forgotten_in_a_small_map_does_not_haunt_the_next_one_there() {
    within_a_minute(|| {
        let mut place = Box::new(biased::<u64, u64>());
        place.insert(1, 10);
        arm(&place, 1);
        std::mem::forget(place.get(&1));
        // The old one is not dropped, which would have it forgotten.
        let old = std::mem::replace(&mut *place, biased());
        place.insert(1, 20);
        arm(&place, 1);
        let map = &*place;
        thread::scope(|scope| scope.spawn(|| map.insert(1, 30)).join()).expect("it is written to");
        assert_eq!(map.get_copied(&1), Some(30));
        drop(old);
    });
}
