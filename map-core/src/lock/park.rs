#![expect(unsafe_code, reason = "parking_lot_core's functions are unsafe")]
//! The queue of one lock, in parking_lot_core's table: first in, first out, readers and writers in
//! one.
//!
//! The *bucket lock* is parking_lot_core's lock on the queue. `validate` and `decide` run under it;
//! being written in this crate's lock room, they neither panic nor park.

use std::cell::Cell;
use std::time::Instant;

use crate::sync::parking::{self, FilterOp, ParkResult, ParkToken, UnparkToken};

/// What a sleeper waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wants {
    /// A shared hold. It wakes with the hold in hand.
    Shared,
    /// The lock for itself. It wakes to try again.
    Exclusive,
    /// The same, and it tried again and lost: it wakes with the lock in hand.
    ExclusiveNow,
}

/// How a sleep ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Woken {
    /// Who woke it has given it what it wanted.
    Granted,
    /// It may try again.
    Retry,
    /// Its time ran out; it is in the queue no more.
    TimedOut,
    /// It never slept: `validate` said no.
    Refused,
}

/// What a waker learns of the queue it has walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    /// What the first in the queue wanted.
    pub(super) first: Option<Wants>,
    /// How many were picked.
    pub(super) picked: u32,
    /// Whether a reader stays in the queue.
    pub(super) readers_left: bool,
    /// Whether a writer stays in the queue.
    pub(super) writers_left: bool,
}

const RETRY: UnparkToken = UnparkToken(0);
const GRANTED: UnparkToken = UnparkToken(1);

/// Sleeps in the queue of `key` until woken or until the deadline, if `validate` still wants it
/// under the bucket lock. `before_sleep` runs once in the queue, without the bucket lock.
pub(super) fn sleep(
    key: usize,
    wants: Wants,
    validate: impl FnOnce() -> bool,
    before_sleep: impl FnOnce(),
    deadline: Option<Instant>,
) -> Woken {
    // SAFETY: the key is the address of a lock that the caller borrows; `validate` neither panics
    // nor calls the parking lot (module header), `timed_out` does nothing, and `before_sleep` at
    // most wakes others.
    let result = unsafe {
        parking::park(
            key,
            validate,
            before_sleep,
            |_, _| {},
            ParkToken(wants as usize),
            deadline,
        )
    };
    match result {
        ParkResult::Unparked(GRANTED) => Woken::Granted,
        ParkResult::Unparked(_) => Woken::Retry,
        ParkResult::TimedOut => Woken::TimedOut,
        ParkResult::Invalid => Woken::Refused,
    }
}

/// Walks the queue of `key` under the bucket lock. `pick` is asked about each sleeper, with what
/// the first one wanted (`None` for the first itself); then `decide` says whether the picked wake
/// with a grant; then they wake.
pub(super) fn wake(
    key: usize,
    pick: impl Fn(Option<Wants>, Wants) -> bool,
    decide: impl FnOnce(Walk) -> bool,
) {
    let walk = Cell::new(Walk {
        first: None,
        picked: 0,
        readers_left: false,
        writers_left: false,
    });
    let filter = |token: ParkToken| {
        let wants = match token.0 {
            t if t == Wants::Shared as usize => Wants::Shared,
            t if t == Wants::Exclusive as usize => Wants::Exclusive,
            _ => Wants::ExclusiveNow,
        };
        let mut seen = walk.get();
        let picked = pick(seen.first, wants);
        seen.first.get_or_insert(wants);
        match (picked, wants) {
            (true, _) => seen.picked += 1,
            (false, Wants::Shared) => seen.readers_left = true,
            (false, _) => seen.writers_left = true,
        }
        walk.set(seen);
        if picked {
            FilterOp::Unpark
        } else {
            FilterOp::Skip
        }
    };
    let callback = |_| if decide(walk.get()) { GRANTED } else { RETRY };
    // SAFETY: the key is the address of a lock that the caller borrows; `pick` and `decide` neither
    // panic nor call the parking lot (module header).
    unsafe { parking::unpark_filter(key, filter, callback) };
}
