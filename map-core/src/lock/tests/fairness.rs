//! The lock under real threads: who gets in, and in which order.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{
    MOMENT, assert_untouched, leave_exclusive, leave_shared, until_gate_shut, until_parked,
    within_reason,
};
use crate::lock::park::{self, Wants, Woken};
use crate::lock::slow::Clock;
use crate::lock::{BATCH, FENCED, PASSED_AT, READERS_PARKED, RawLock, WRITER, WRITERS_PARKED};

/// Readers whose guards overlap without a gap, for as long as `stop` is not set.
fn overlapping_readers(
    lock: &Arc<RawLock>,
    stop: &Arc<AtomicBool>,
) -> Vec<thread::JoinHandle<usize>> {
    let inside = Arc::new(AtomicU32::new(0));
    (0..2)
        .map(|_| {
            let (lock, stop, inside) = (Arc::clone(lock), Arc::clone(stop), Arc::clone(&inside));
            thread::spawn(move || {
                let mut rounds = 0;
                while !stop.load(Ordering::SeqCst) {
                    let token = lock.lock_shared();
                    inside.fetch_add(1, Ordering::SeqCst);
                    // Stays until the other one has come, if it comes.
                    let started = Instant::now();
                    while started.elapsed() < MOMENT
                        || (inside.load(Ordering::SeqCst) < 2 && started.elapsed() < MOMENT * 2)
                    {
                        thread::yield_now();
                    }
                    inside.fetch_sub(1, Ordering::SeqCst);
                    leave_shared(&lock, token);
                    rounds += 1;
                }
                rounds
            })
        })
        .collect()
}

#[test]
fn overlapping_readers_do_not_starve_a_writer() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let stop = Arc::new(AtomicBool::new(false));
        let readers = overlapping_readers(&lock, &stop);
        for _ in 0..20 {
            thread::sleep(MOMENT);
            leave_exclusive(&lock, lock.lock_exclusive());
        }
        stop.store(true, Ordering::SeqCst);
        for reader in readers {
            assert!(reader.join().expect("no assertion failed") > 0);
        }
        assert_untouched(&lock);
    });
}

#[test]
fn writers_back_to_back_do_not_starve_readers() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..2)
            .map(|_| {
                let (lock, stop) = (Arc::clone(&lock), Arc::clone(&stop));
                thread::spawn(move || {
                    while !stop.load(Ordering::SeqCst) {
                        let token = lock.lock_exclusive();
                        let started = Instant::now();
                        while started.elapsed() < Duration::from_micros(100) {
                            std::hint::spin_loop();
                        }
                        leave_exclusive(&lock, token);
                    }
                })
            })
            .collect();
        for _ in 0..50 {
            leave_shared(&lock, lock.lock_shared());
        }
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.join().expect("no assertion failed");
        }
        assert_untouched(&lock);
    });
}

#[test]
fn a_second_guard_on_one_thread_passes_a_waiting_writer() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let first = lock.lock_shared();
        let writer = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || leave_exclusive(&lock, lock.lock_exclusive()))
        };
        until_gate_shut(&lock);
        assert!(lock.try_lock_shared().is_none(), "the gate is shut");
        let second = lock.lock_shared();
        let third = lock.lock_shared();
        assert!(lock.try_lock_shared().is_none(), "the gate is still shut");
        for token in [first, second, third] {
            leave_shared(&lock, token);
        }
        writer.join().expect("no assertion failed");
        assert_untouched(&lock);
    });
}

/// Who reads on and on under a guard does not wait each time: a second each would be an hour in all.
#[test]
#[cfg_attr(miri, ignore = "too many holds to be interpreted")]
fn reads_within_a_read_pass_a_waiting_writer_together() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let outer = lock.lock_shared();
        let writer = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || leave_exclusive(&lock, lock.lock_exclusive()))
        };
        until_gate_shut(&lock);
        for _ in 0..3600 {
            leave_shared(&lock, lock.lock_shared());
            assert!(
                lock.try_lock_exclusive().is_none(),
                "the outer one is there"
            );
        }
        assert!(lock.try_lock_shared().is_none(), "the gate is still shut");
        leave_shared(&lock, outer);
        writer.join().expect("no assertion failed");
        assert_untouched(&lock);
    });
}

#[test]
fn an_impatient_reader_takes_the_others_along() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let first = lock.lock_shared();
        let writer = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || leave_exclusive(&lock, lock.lock_exclusive()))
        };
        until_gate_shut(&lock);
        // As if many batches had passed, the last of them long ago: this reader would wait for half a minute.
        let passed = 15 * BATCH + Clock::ago(Duration::from_secs(34)) * PASSED_AT;
        lock.parked.fetch_add(passed, Ordering::SeqCst);
        let started = Instant::now();
        let patient = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || lock.lock_shared())
        };
        until_parked(&lock, READERS_PARKED);
        lock.parked.fetch_sub(passed, Ordering::SeqCst);
        // And this one waits for a millisecond.
        let second = lock.lock_shared();
        let third = patient.join().expect("it gets in although we stay");
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "not taken along"
        );
        let parked = lock.parked.load(Ordering::SeqCst) & !FENCED;
        assert_eq!(parked % PASSED_AT, BATCH | WRITERS_PARKED);
        for token in [first, second, third] {
            leave_shared(&lock, token);
        }
        writer.join().expect("no assertion failed");
        assert_untouched(&lock);
    });
}

#[test]
fn a_fair_unlock_gives_the_lock_to_who_waits() {
    use lock_api::RawRwLockFair as _;
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let turns = Arc::new(AtomicUsize::new(0));
        let token = lock.lock_exclusive();
        let waiter = {
            let (lock, turns) = (Arc::clone(&lock), Arc::clone(&turns));
            thread::spawn(move || {
                let token = lock.lock_exclusive();
                turns.fetch_add(1, Ordering::SeqCst);
                leave_exclusive(&lock, token);
            })
        };
        until_parked(&lock, WRITERS_PARKED);
        // The flag is set just before the waiter is in the queue: this waits for the bucket lock.
        assert!(lock.lock_shared_for(MOMENT).is_none());
        // SAFETY: the token is that of the only lock in the test, and nothing is used under it.
        unsafe { lock.unlock_exclusive_fair(token) };
        let token = lock.lock_exclusive();
        assert_eq!(turns.load(Ordering::SeqCst), 1, "the waiter was first");
        leave_exclusive(&lock, token);
        waiter.join().expect("no assertion failed");
        assert_untouched(&lock);
    });
}

#[test]
fn a_writer_that_was_beaten_once_is_given_the_lock() {
    within_reason(|| {
        for (wants, woken) in [
            (Wants::ExclusiveNow, Woken::Granted),
            // The first time it is only a try.
            (Wants::Exclusive, Woken::Retry),
        ] {
            let lock = Arc::new(RawLock::new());
            let token = lock.lock_exclusive();
            let sleeper = {
                let lock = Arc::clone(&lock);
                thread::spawn(move || {
                    let look = || lock.shut_gate(&Cell::new(false));
                    park::sleep(lock.key(), wants, look, || {}, None)
                })
            };
            until_parked(&lock, WRITERS_PARKED);
            leave_exclusive(&lock, token);
            assert_eq!(sleeper.join().expect("no assertion failed"), woken);
            let inside = lock.is_locked_exclusive();
            assert_eq!(inside, woken == Woken::Granted);
            if inside {
                assert_eq!(lock.state.load(Ordering::SeqCst), WRITER);
                leave_exclusive(&lock, super::ExclusiveToken(()));
            }
            assert_untouched(&lock);
        }
    });
}
