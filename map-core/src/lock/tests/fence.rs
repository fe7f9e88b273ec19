//! The asymmetric fence on the real machine, which no model sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::{leave_exclusive, until_parked, within_reason};
use crate::lock::{FENCED, RawLock, WRITERS_PARKED, barrier};

const ROUNDS: u32 = 50_000;

/// A word on a cache line of its own, so that a store to it waits in the store buffer.
#[repr(align(128))]
#[derive(Default)]
struct Word(AtomicU32);

#[derive(Default)]
struct Litmus {
    mine: [Word; 2],
    saw: [Word; 2],
    arrived: Word,
}

impl Litmus {
    /// Waits until both have come here for the `n`th time.
    fn meet(&self, n: u32) {
        self.arrived.0.fetch_add(1, Ordering::SeqCst);
        let mut spins = 0_u32;
        while self.arrived.0.load(Ordering::SeqCst) < 2 * n {
            spins += 1;
            if spins.is_multiple_of(1 << 10) {
                thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }

    /// Stores to one word, fences, and loads the other, once a round.
    fn run(&self, me: usize, fence: fn()) {
        for round in 1..=ROUNDS {
            self.meet(2 * round - 1);
            self.mine[me].0.store(round, Ordering::Relaxed);
            fence();
            let other = self.mine[1 - me].0.load(Ordering::Relaxed);
            self.saw[me].0.store(other, Ordering::Relaxed);
            self.meet(2 * round);
            let saw = [0, 1].map(|who: usize| self.saw[who].0.load(Ordering::Relaxed));
            assert!(saw.contains(&round), "neither saw the other's store");
        }
    }
}

#[test]
fn of_two_who_store_and_look_one_sees_the_other() {
    within_reason(|| {
        barrier::prepare();
        let litmus = Arc::new(Litmus::default());
        let other = {
            let litmus = Arc::clone(&litmus);
            thread::spawn(move || litmus.run(1, barrier::heavy))
        };
        litmus.run(0, barrier::light);
        other.join().expect("no assertion failed");
    });
}

#[test]
fn a_lock_takes_fences_until_somebody_has_seen_that_it_need_not() {
    let constant = RawLock::new();
    let parked = |lock: &RawLock| lock.parked.load(Ordering::Relaxed);
    assert_eq!(parked(&constant), FENCED);
    // Decides which fence there is.
    let prepared = RawLock::prepared();
    let expected = if barrier::is_free() { 0 } else { FENCED };
    assert_eq!(parked(&prepared), expected);
    for lock in [constant, prepared] {
        for _ in 0..2 {
            let token = lock.try_lock_exclusive().expect("nobody has it");
            leave_exclusive(&lock, token);
            assert!(!lock.is_locked());
            assert_eq!(parked(&lock), expected);
        }
    }
}

#[test]
fn a_lock_that_takes_fences_wakes_who_sleeps() {
    within_reason(|| {
        let lock = Arc::new(RawLock::new());
        let token = lock.try_lock_exclusive().expect("nobody has it");
        let sleeper = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || leave_exclusive(&lock, lock.lock_exclusive()))
        };
        until_parked(&lock, WRITERS_PARKED);
        // As if the fence were needed.
        lock.parked.fetch_or(FENCED, Ordering::Relaxed);
        leave_exclusive(&lock, token);
        sleeper.join().expect("it was woken");
        assert!(!lock.is_locked());
    });
}
