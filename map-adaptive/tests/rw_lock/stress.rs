//! Who is inside, and how often those who wait are passed, whatever the lock does meanwhile.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use map_adaptive::lock::Control;
use map_adaptive::{AdaptiveRwLock, AdaptiveRwLockWriteGuard, ReadBias};

use crate::{both, set, within_a_minute};

/// Two halves that belong together, on the heap.
type Halves = Box<(u64, u64)>;

fn check(halves: &Halves) -> u64 {
    assert_eq!(halves.0, !halves.1, "torn");
    halves.0
}

fn increment(halves: &mut Halves) {
    let next = check(halves) + 1;
    **halves = (next, !next);
}

#[test]
fn nobody_is_beside_a_writer_while_the_behaviour_changes() {
    const ROUNDS: u64 = if cfg!(debug_assertions) {
        20_000
    } else {
        100_000
    };
    within_a_minute(|| {
        let lock = AdaptiveRwLock::new(Box::new((0, !0)));
        let writes = AtomicUsize::new(0);
        let running = AtomicUsize::new(4);
        thread::scope(|scope| {
            for thread in 0..4 {
                let (lock, writes, running) = (&lock, &writes, &running);
                scope.spawn(move || {
                    let mut newest = 0;
                    let mut see = |halves: &Halves| {
                        let seen = check(halves);
                        assert!(newest <= seen, "back in time");
                        newest = seen;
                    };
                    let wrote = || writes.fetch_add(1, Ordering::Relaxed);
                    for round in 0..ROUNDS {
                        match (round * 7 + thread) % 32 {
                            0 => {
                                increment(&mut lock.write());
                                wrote();
                            }
                            1 => {
                                let mut guard = lock.write();
                                increment(&mut guard);
                                wrote();
                                see(&AdaptiveRwLockWriteGuard::downgrade(guard));
                            }
                            2 => {
                                if let Some(mut guard) = lock.try_write() {
                                    increment(&mut guard);
                                    wrote();
                                }
                            }
                            3 => {
                                let wait = Duration::from_micros(round % 64);
                                if let Some(mut guard) = lock.try_write_for(wait) {
                                    increment(&mut guard);
                                    wrote();
                                }
                            }
                            4 => {
                                let outer = lock.read();
                                see(&outer);
                                see(&lock.read_recursive());
                                thread::yield_now();
                                see(&outer);
                            }
                            5 => {
                                let wait = Duration::from_micros(round % 64);
                                lock.try_read_for(wait).iter().for_each(|guard| see(guard));
                            }
                            _ => see(&lock.read()),
                        }
                    }
                    running.fetch_sub(1, Ordering::Relaxed);
                });
            }
            let all = [ReadBias::Always, ReadBias::Never, ReadBias::Adaptive];
            for bias in all.into_iter().cycle() {
                set(&lock, bias);
                thread::sleep(Duration::from_micros(200));
                if running.load(Ordering::Relaxed) == 0 {
                    break;
                }
            }
        });
        assert_eq!(check(&lock.read()) as usize, writes.into_inner());
        assert!(lock.stats().to_biased > 0);
        assert!(lock.try_write().is_some(), "all have left");
    });
}

/// Many more than there are; without fairness there is no end to them.
const MANY: usize = 100_000;

/// Readers whose guards overlap, so that the lock is never free of them.
#[test]
fn overlapping_readers_pass_a_writer_a_bounded_number_of_times() {
    within_a_minute(|| {
        for lock in both(0) {
            let stop = AtomicBool::new(false);
            let (inside, reads) = (AtomicUsize::new(0), AtomicUsize::new(0));
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while !stop.load(Ordering::Relaxed) {
                            let guard = lock.read();
                            reads.fetch_add(1, Ordering::Relaxed);
                            inside.fetch_add(1, Ordering::Relaxed);
                            // Until the other one has come, if it comes.
                            for _ in 0..1_000 {
                                if inside.load(Ordering::Relaxed) == 2 {
                                    break;
                                }
                                thread::yield_now();
                            }
                            thread::yield_now();
                            inside.fetch_sub(1, Ordering::Relaxed);
                            drop(guard);
                        }
                    });
                }
                for round in 0..50 {
                    while reads.load(Ordering::Relaxed) <= round * 2 {
                        thread::yield_now();
                    }
                    let before = reads.load(Ordering::Relaxed);
                    let mut guard = lock.write();
                    *guard += 1;
                    let passed = reads.load(Ordering::Relaxed) - before;
                    drop(guard);
                    assert!(passed < MANY, "passed {passed} times");
                }
                stop.store(true, Ordering::Relaxed);
            });
            assert_eq!(*lock.read(), 50);
        }
    });
}

#[test]
fn writers_back_to_back_pass_a_reader_a_bounded_number_of_times() {
    within_a_minute(|| {
        for lock in both(0_usize) {
            let stop = AtomicBool::new(false);
            let writes = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while !stop.load(Ordering::Relaxed) {
                            let mut guard = lock.write();
                            *guard += 1;
                            writes.fetch_add(1, Ordering::Relaxed);
                            for _ in 0..100 {
                                std::hint::spin_loop();
                            }
                        }
                    });
                }
                for round in 0..50 {
                    while writes.load(Ordering::Relaxed) <= round {
                        thread::yield_now();
                    }
                    let before = writes.load(Ordering::Relaxed);
                    let guard = lock.read();
                    assert_eq!(*guard, writes.load(Ordering::Relaxed));
                    let passed = *guard - before;
                    drop(guard);
                    assert!(passed < 10 * MANY, "passed {passed} times");
                }
                stop.store(true, Ordering::Relaxed);
            });
        }
    });
}
