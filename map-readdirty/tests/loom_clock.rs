//! Models of the read/dirty map's clock, by loom: the module itself, included here.
//!
//! Run with `.ci/models`, which sets `--cfg crossbeam_loom`; without it there is nothing here.
//!
//! Weakened one by one, to see that the models notice:
//!
//! | changed | outcome |
//! |---|---|
//! | `clock.rs`: no fence in `stamp` | red |
//! | `clock.rs`: ripe with the question before | red |
//! | `clock.rs`: no fence in `tick` | not seen within two preemptions and a minute: `crossbeam-epoch` has fences of its own on the way |
//! | `pins.rs`: no heavy barrier in `tick` | red: `reader_and_retirement_and_answer_by_another` |
//! | `pins.rs`: no fence in `enter_slow` | red |
//! | `pins.rs`: Acquire in `pinned`, or Release in `leave`, Relaxed | red |
//! | `pins.rs`: `unsettle` does nothing | red: `changes_and_pins_crosswise` |
//!
//! In a model each pin has a fence, as where there is no `membarrier`; what that does besides is argued in `clock.rs`.
#![cfg(crossbeam_loom)]
#![expect(unsafe_code, reason = "the functions under test are unsafe")]
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    unreachable_pub,
    reason = "each test uses its part of the crate's modules"
)]

use std::sync::Arc;
use std::time::Instant;

use loom::thread;
use raw::clock::{Clocks, Stamp};
use raw::node::{Link, Node};
use raw::pins::Pins;
use raw::seat;
use rig::{explore, explore_less, join, spawn};
use sync::atomic::{AtomicPtr, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

#[path = "../src/promotion.rs"]
mod promotion;
#[path = "../src/raw/mod.rs"]
mod raw;
mod rig;
#[path = "../src/stats.rs"]
mod stats;
#[macro_use]
#[path = "../src/sync.rs"]
mod sync;

/// A slot with a node in it, and the clocks of its map.
struct Slot {
    clocks: Clocks,
    node: AtomicPtr<Node<u64, u64>>,
}

impl Slot {
    fn new() -> Arc<Self> {
        let link = Link::new(0, (1, 1));
        Arc::new(Self {
            clocks: Clocks::default(),
            node: AtomicPtr::new(link.as_ptr()),
        })
    }

    /// Reads what is in the slot. The thread is pinned.
    fn read(&self) {
        if let Some(link) = Link::from_raw(self.node.load(Acquire)) {
            // SAFETY: 1. Found under a pin: that is what the model is about.
            let (key, value) = unsafe { *link.pair() };
            assert_eq!((key, value), (1, 1), "used again");
        }
    }

    /// Takes the node out, and says what it is to wait for.
    fn take_out(&self) -> (Link<u64, u64>, Stamp) {
        let old = self.node.load(Relaxed);
        self.node.store(std::ptr::null_mut(), Relaxed);
        let link = Link::from_raw(old).expect("taken out once");
        (link, self.clocks.stamp())
    }

    /// Helps time along so many times at most, and writes to the node when it is ripe.
    fn wait(&self, (link, stamp): (Link<u64, u64>, Stamp), ticks: usize) -> bool {
        for _ in 0..ticks {
            self.clocks.tick_at(Instant::now());
            if self.clocks.is_ripe(stamp) {
                // SAFETY: 1. It is ripe: that is what the model is about.
                unsafe {
                    link.empty();
                    link.fill(0, (2, 2));
                }
                // SAFETY: as above, and it need not be dropped.
                unsafe { link.free() };
                return true;
            }
        }
        false
    }
}

/// So many steps time needs if nobody holds it up.
const ENOUGH: usize = 4;

/// A reader of its own, and one who retires and waits.
#[test]
fn reader_and_retirement() {
    explore(|| {
        let slot = Slot::new();
        let reader = spawn(&slot, |slot| {
            let _pin = seat::pin();
            slot.read();
        });
        let old = slot.take_out();
        slot.wait(old, ENOUGH);
        join(reader);
    });
}

/// The same, when the reader has been known for long.
#[test]
fn old_reader_and_retirement() {
    explore(|| {
        let slot = Slot::new();
        let writer = spawn(&slot, |slot| {
            let old = slot.take_out();
            slot.wait(old, ENOUGH)
        });
        for _ in 0..2 {
            let _pin = seat::pin();
            slot.read();
        }
        join(writer);
    });
}

/// Somebody else's question is open, or is asked just now.
#[test]
fn reader_and_retirement_and_question_of_another() {
    explore(|| {
        let slot = Slot::new();
        slot.clocks.tick_at(Instant::now());
        let other = spawn(&slot, |slot| {
            {
                let _pin = seat::pin();
                slot.read();
            }
            slot.clocks.tick_at(Instant::now());
            slot.clocks.tick_at(Instant::now());
        });
        let old = slot.take_out();
        slot.wait(old, 2);
        join(other);
    });
}

/// One retires, another one asks, and a third one reads.
#[test]
fn reader_and_retirement_and_answer_by_another() {
    explore_less(0, |seen| {
        let slot = Slot::new();
        let reader = spawn(&slot, |slot| {
            let _pin = seat::pin();
            slot.read();
        });
        let asker = spawn(&slot, |slot| {
            slot.clocks.tick_at(Instant::now());
            slot.clocks.tick_at(Instant::now());
        });
        let (link, stamp) = slot.take_out();
        join(asker);
        let is_ripe = slot.clocks.is_ripe(stamp);
        seen.note("it is ripe", is_ripe);
        if is_ripe {
            // SAFETY: 1. It is ripe: that is what the model is about.
            unsafe {
                link.empty();
                link.fill(0, (2, 2));
            }
            // SAFETY: as above, and it need not be dropped.
            unsafe { link.free() };
        }
        join(reader);
    });
}

/// Two threads change something each, and then read what the other changes. Their pins have no fence, but for that.
#[test]
fn changes_and_pins_crosswise() {
    explore_less(0, |seen| {
        let words = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let cross = |words: &[AtomicU64; 2], own: usize| {
            let pins = Pins::default();
            words[own].store(1, Release);
            pins.unsettle();
            pins.enter();
            let other = words[1 - own].load(Acquire);
            pins.leave();
            other
        };
        let other = spawn(&words, move |words| cross(words, 1));
        let mine = cross(&words, 0);
        let theirs = join(other);
        assert!(mine + theirs > 0, "neither came first");
        seen.note("both see the change of the other", mine + theirs == 2);
    });
}

/// The first session of a map begins while something is retired.
#[test]
fn first_session_and_retirement() {
    explore(|| {
        let slot = Slot::new();
        let writer = spawn(&slot, |slot| {
            let old = slot.take_out();
            slot.wait(old, ENOUGH)
        });
        {
            let _pin = slot.clocks.open_session();
            slot.read();
        }
        join(writer);
    });
}

/// Two threads make the sessions' clock at once; whichever made it, what the one may have found waits for it.
///
/// Nothing is retired before both have their sessions: with that it takes minutes.
#[test]
fn two_first_sessions() {
    explore(|| {
        let slot = Slot::new();
        let me = thread::current();
        // What a thread needs for its first pin would bring it up to date.
        drop(seat::pin());
        let other = spawn(&slot, move |slot| {
            drop(seat::pin());
            let _pin = slot.clocks.open_session();
            me.unpark();
            thread::park();
            slot.read();
        });
        drop(slot.clocks.open_session());
        thread::park();
        let (_, stamp) = slot.take_out();
        for _ in 0..ENOUGH {
            slot.clocks.tick_at(Instant::now());
            assert!(!slot.clocks.is_ripe(stamp), "a session has begun before");
        }
        other.thread().unpark();
        join(other);
    });
}

/// A session reads, is pinned anew, and reads. That it was pinned before comes before the rest.
#[test]
fn session_pinned_anew_and_retirement() {
    explore(|| {
        let slot = Slot::new();
        drop(slot.clocks.open_session());
        let writer = thread::current();
        let reader = spawn(&slot, move |slot| {
            drop(slot.clocks.open_session());
            let mut pin = slot.clocks.open_session();
            writer.unpark();
            slot.read();
            pin.repin();
            slot.read();
        });
        thread::park();
        let old = slot.take_out();
        slot.wait(old, ENOUGH);
        join(reader);
    });
}
