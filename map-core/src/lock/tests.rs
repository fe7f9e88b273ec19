//! The lock under real threads: who is inside. Every test runs under a watchdog: it fails rather than hangs.

#![expect(unsafe_code, reason = "the functions under test are unsafe")]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::{ExclusiveToken, FENCED, RawLock, SharedToken};

mod fairness;
mod fence;

/// Longer than any wait here by far; shorter than a harness waits.
const TOO_LONG: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(3);

pub(super) fn within_reason(test: impl FnOnce() + Send + 'static) {
    let started = Instant::now();
    let test = thread::spawn(test);
    while !test.is_finished() {
        assert!(started.elapsed() < TOO_LONG, "somebody waits for ever");
        thread::sleep(Duration::from_millis(1));
    }
    if let Err(panic) = test.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A counter that is only right if the lock is.
#[derive(Default)]
struct Guarded {
    lock: RawLock,
    value: UnsafeCell<u64>,
}

// SAFETY: `value` is touched under `lock` only.
unsafe impl Sync for Guarded {}

impl Guarded {
    fn increment(&self) {
        let token = self.lock.lock_exclusive();
        self.increment_locked(&token);
        self.leave(token);
    }

    fn increment_locked(&self, _: &ExclusiveToken) {
        // SAFETY: the token is that of the only lock in the test, held exclusively.
        unsafe { *self.value.get() += 1 }
    }

    fn read_locked(&self, _: &SharedToken) -> u64 {
        // SAFETY: the token is that of the only lock in the test, held shared.
        unsafe { *self.value.get() }
    }

    fn leave(&self, token: ExclusiveToken) {
        leave_exclusive(&self.lock, token);
    }

    fn value(&self) -> u64 {
        let token = self.lock.lock_shared();
        let value = self.read_locked(&token);
        leave_shared(&self.lock, token);
        value
    }
}

fn leave_shared(lock: &RawLock, token: SharedToken) {
    // SAFETY: 1. each test makes its tokens from the one lock it has; 2. it reads under them only.
    unsafe { lock.unlock_shared(token) }
}

fn leave_exclusive(lock: &RawLock, token: ExclusiveToken) {
    // SAFETY: as in `leave_shared`.
    unsafe { lock.unlock_exclusive(token) }
}

fn downgrade(lock: &RawLock, token: ExclusiveToken) -> SharedToken {
    // SAFETY: as in `leave_shared`.
    unsafe { lock.downgrade(token) }
}

/// Nothing is left behind: both fast paths work, and both words are zero.
fn assert_untouched(lock: &RawLock) {
    // Takes back a stale flag, as it may.
    leave_exclusive(lock, lock.try_lock_exclusive().expect("free"));
    assert_eq!(lock.state.load(Ordering::SeqCst), 0);
    assert_eq!(lock.parked.load(Ordering::SeqCst) & !FENCED, 0);
    leave_shared(lock, lock.try_lock_shared().expect("free"));
    assert!(!lock.is_locked());
}

#[test]
fn lanes_are_not_forgotten_over_who_sleeps() {
    within_reason(|| {
        let lock = Arc::new(RawLock::prepared());
        let hold = lock.lock_exclusive();
        lock.set_lanes(true);
        // Both sleep, and give up.
        assert!(lock.lock_exclusive_for(MOMENT).is_none());
        assert!(lock.lock_shared_for(MOMENT).is_none());
        assert!(lock.has_lanes());
        // Each sleeps, and gets it.
        let sleepers = [false, true].map(|reads| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || match reads {
                true => leave_shared(&lock, lock.lock_shared()),
                false => leave_exclusive(&lock, lock.lock_exclusive()),
            })
        });
        thread::sleep(MOMENT);
        leave_exclusive(&lock, hold);
        for sleeper in sleepers {
            sleeper.join().expect("it is only a lock");
        }
        let hold = lock.lock_exclusive();
        assert!(lock.has_lanes());
        lock.set_lanes(false);
        assert!(!lock.has_lanes());
        leave_exclusive(&lock, hold);
    });
}

/// Waits until somebody sleeps at the gate.
pub(super) fn until_gate_shut(lock: &RawLock) {
    while lock.state.load(Ordering::SeqCst) & super::GATE == 0 {
        thread::yield_now();
    }
}

/// Waits until somebody sleeps.
pub(super) fn until_parked(lock: &RawLock, flag: u32) {
    while lock.parked.load(Ordering::SeqCst) & flag == 0 {
        thread::yield_now();
    }
}

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn layout_and_auto_traits() {
    assert_eq!(size_of::<RawLock>(), 8);
    assert_eq!(size_of::<SharedToken>(), 0);
    assert_eq!(size_of::<ExclusiveToken>(), 0);
    is_send_and_sync::<RawLock>();
    is_send_and_sync::<SharedToken>();
    is_send_and_sync::<ExclusiveToken>();
}

#[test]
fn tries_say_who_is_inside() {
    let lock = RawLock::new();
    let first = lock.try_lock_shared().expect("free");
    let second = lock.try_lock_shared().expect("only a reader inside");
    assert!(lock.try_lock_exclusive().is_none());
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
    leave_shared(&lock, first);
    assert!(lock.try_lock_exclusive().is_none());
    leave_shared(&lock, second);

    let writer = lock.try_lock_exclusive().expect("free");
    assert!(lock.try_lock_shared().is_none());
    assert!(lock.try_lock_exclusive().is_none());
    assert!(lock.is_locked_exclusive());
    leave_exclusive(&lock, writer);
    assert_untouched(&lock);
}

#[test]
fn writers_exclude_each_other_and_readers() {
    within_reason(|| {
        const THREADS: u64 = 8;
        const ROUNDS: u64 = if cfg!(miri) { 20 } else { 20_000 };
        let shared = Arc::new(Guarded::default());
        let start = Arc::new(Barrier::new(THREADS as usize));
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (shared, start) = (Arc::clone(&shared), Arc::clone(&start));
                thread::spawn(move || {
                    start.wait();
                    for round in 0..ROUNDS {
                        match (thread + round) % 4 {
                            0 => {
                                let token = shared.lock.lock_shared();
                                let seen = shared.read_locked(&token);
                                if round % 64 == 0 {
                                    thread::yield_now();
                                }
                                assert_eq!(shared.read_locked(&token), seen);
                                leave_shared(&shared.lock, token);
                            }
                            1 => {
                                let token = shared.lock.lock_exclusive();
                                shared.increment_locked(&token);
                                let token = downgrade(&shared.lock, token);
                                let seen = shared.read_locked(&token);
                                assert_eq!(shared.read_locked(&token), seen);
                                leave_shared(&shared.lock, token);
                            }
                            2 => {
                                let wait = Duration::from_micros(round % 50);
                                let token = loop {
                                    if let Some(token) = shared.lock.lock_exclusive_for(wait) {
                                        break token;
                                    }
                                };
                                shared.increment_locked(&token);
                                shared.leave(token);
                            }
                            _ => shared.increment(),
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no assertion failed");
        }
        assert_eq!(shared.value(), THREADS * ROUNDS * 3 / 4);
        assert_untouched(&shared.lock);
    });
}

#[test]
fn readers_are_inside_together() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let inside = Arc::new(Barrier::new(3));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (lock, inside) = (Arc::clone(&lock), Arc::clone(&inside));
                thread::spawn(move || {
                    let token = lock.lock_shared();
                    // Nobody passes before all three hold the lock.
                    inside.wait();
                    leave_shared(&lock, token);
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no assertion failed");
        }
        assert_untouched(&lock);
    });
}

#[test]
fn who_gives_up_leaves_nothing_behind() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());

        // A writer that gives up opens the gate again.
        let reader = lock.lock_shared();
        assert!(lock.lock_exclusive_for(MOMENT).is_none());
        let second = lock.try_lock_shared().expect("the gate is open again");
        leave_shared(&lock, second);
        leave_shared(&lock, reader);
        assert_untouched(&lock);

        // One that does not give up keeps it shut.
        let reader = lock.lock_shared();
        let patient = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || leave_exclusive(&lock, lock.lock_exclusive()))
        };
        until_gate_shut(&lock);
        assert!(lock.lock_exclusive_for(MOMENT).is_none());
        assert!(lock.try_lock_shared().is_none(), "the gate is still shut");
        leave_shared(&lock, reader);
        patient.join().expect("no assertion failed");
        assert_untouched(&lock);

        // Both kinds against a writer inside.
        let writer = lock.lock_exclusive();
        assert!(lock.lock_shared_for(MOMENT).is_none());
        assert!(lock.lock_exclusive_for(MOMENT).is_none());
        leave_exclusive(&lock, writer);
        assert_untouched(&lock);

        // In time, both get in.
        leave_shared(&lock, lock.lock_shared_for(MOMENT).expect("free"));
        leave_exclusive(&lock, lock.lock_exclusive_for(MOMENT).expect("free"));
        leave_exclusive(&lock, lock.lock_exclusive_for(Duration::MAX).expect("free"));
    });
}

#[test]
fn a_writer_that_gives_up_lets_the_readers_behind_it_in() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let first = lock.lock_shared();
        let writer = {
            let lock = Arc::clone(&lock);
            // Long enough for this thread to look in between, on however busy a machine.
            let patience = Duration::from_secs(2);
            thread::spawn(move || assert!(lock.lock_exclusive_for(patience).is_none()))
        };
        until_gate_shut(&lock);
        let second = lock.lock_shared();
        writer.join().expect("no assertion failed");
        leave_shared(&lock, first);
        leave_shared(&lock, second);
        assert_untouched(&lock);
    });
}

#[test]
fn downgrading_lets_readers_in_and_keeps_writers_out() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let wrote = Arc::new(AtomicBool::new(false));
        let token = lock.lock_exclusive();
        let writer = {
            let (lock, wrote) = (Arc::clone(&lock), Arc::clone(&wrote));
            thread::spawn(move || {
                let token = lock.lock_exclusive();
                wrote.store(true, Ordering::SeqCst);
                leave_exclusive(&lock, token);
            })
        };
        until_parked(&lock, super::WRITERS_PARKED);
        let reader = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || lock.lock_shared())
        };
        until_parked(&lock, super::READERS_PARKED);
        let token = downgrade(&lock, token);
        let other = reader
            .join()
            .expect("the reader got in beside the downgraded hold");
        assert!(!wrote.load(Ordering::SeqCst), "the lock is held");
        leave_shared(&lock, token);
        // A hold that another thread took.
        assert!(!wrote.load(Ordering::SeqCst), "the lock is held");
        leave_shared(&lock, other);
        writer.join().expect("no assertion failed");
        assert_untouched(&lock);
    });
}

#[test]
fn holds_end_on_any_thread() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        for _ in 0..100 {
            let writer = lock.lock_exclusive();
            let elsewhere = Arc::clone(&lock);
            let other = thread::spawn(move || leave_exclusive(&elsewhere, writer));
            let reader = lock.lock_shared();
            let elsewhere = Arc::clone(&lock);
            let last = thread::spawn(move || leave_shared(&elsewhere, reader));
            leave_exclusive(&lock, lock.lock_exclusive());
            other.join().expect("no assertion failed");
            last.join().expect("no assertion failed");
        }
        assert_untouched(&lock);
    });
}

#[test]
fn added_holds_pass_the_gate_and_end_one_by_one() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let first = lock.lock_shared();
        let wrote = Arc::new(AtomicBool::new(false));
        let writer = {
            let (lock, wrote) = (Arc::clone(&lock), Arc::clone(&wrote));
            thread::spawn(move || {
                let token = lock.lock_exclusive();
                wrote.store(true, Ordering::SeqCst);
                leave_exclusive(&lock, token);
            })
        };
        until_gate_shut(&lock);
        lock.add_shared(&first, 5);
        leave_shared(&lock, first);
        for _ in 0..3 {
            assert!(!wrote.load(Ordering::SeqCst), "the lock is held");
            leave_shared(&lock, SharedToken::of_added_hold());
        }
        assert!(!wrote.load(Ordering::SeqCst), "the lock is held");
        // SAFETY: 1. two of the five are left; 2. they protect nothing.
        unsafe { lock.unlock_shared_many(2) };
        writer.join().expect("no assertion failed");
        assert_untouched(&lock);
    });
}

#[test]
#[should_panic(expected = "too many shared holds")]
fn too_many_added_holds_are_refused() {
    let lock = RawLock::new();
    let first = lock.lock_shared();
    lock.add_shared(&first, u32::MAX);
}

#[test]
fn the_most_holds_are_allowed_and_one_more_is_not() {
    let lock = RawLock::new();
    let first = lock.lock_shared();
    lock.add_shared(&first, super::MAX_SHARED - 1);
    assert!(lock.try_lock_shared().is_none());
    let panicked = std::panic::catch_unwind(|| lock.lock_shared());
    assert!(panicked.is_err(), "one more was given");
    leave_shared(&lock, first);
    leave_shared(&lock, lock.try_lock_shared().expect("there is room again"));
    // SAFETY: 1. these are the added holds; 2. they protect nothing.
    unsafe { lock.unlock_shared_many(super::MAX_SHARED - 1) };
    assert_untouched(&lock);
}

#[test]
fn serves_as_the_raw_lock_of_lock_api() {
    static COUNTER: lock_api::RwLock<RawLock, u64> = lock_api::RwLock::new(0);
    let guard = COUNTER.write();
    // The guards are `Send`.
    thread::spawn(move || {
        let mut guard = guard;
        *guard += 1;
    })
    .join()
    .expect("no assertion failed");
    let first = COUNTER.read();
    assert!(COUNTER.try_write_for(Duration::ZERO).is_none());
    let second = COUNTER.read();
    assert_eq!((*first, *second), (1, 1));
}
