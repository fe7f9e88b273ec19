//! The asymmetric fence on the real machine, which no model sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::{leave_exclusive, within_reason};
use crate::lock::{FENCED, RawLock, barrier};

const ROUNDS: u32 = if cfg!(miri) { 50 } else { 50_000 };

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
fn a_lock_learns_once_whether_leaving_it_takes_a_fence() {
    barrier::prepare();
    let lock = RawLock::new();
    let parked = || lock.parked.load(Ordering::Relaxed);
    assert_eq!(parked(), FENCED);
    let expected = if barrier::is_asymmetric() { 0 } else { FENCED };
    for _ in 0..2 {
        leave_exclusive(&lock, lock.lock_exclusive());
        assert_eq!(parked(), expected);
    }
    let prepared = RawLock::prepared();
    assert_eq!(prepared.parked.load(Ordering::Relaxed), expected);
}
