#![expect(
    unsafe_code,
    reason = "the signatures are those of the functions they stand for"
)]
//! The parking lot of a model: the same functions over one modelled queue.
//!
//! The queue's mutex is the bucket lock. A waiter sleeps on a mutex and a condition variable of its
//! own, so that a wake-up orders the waker before the woken and nothing else, as the real one does.
//!
//! There is no time in a model. A timed park sleeps until it is woken, or times out as soon as it
//! is queued, as [`timeouts_fire_before`] says.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use loom::sync::{Condvar, Mutex};
pub use parking_lot_core::{FilterOp, ParkResult, ParkToken, UnparkResult, UnparkToken};

struct Waiter {
    key: usize,
    token: ParkToken,
    bed: Arc<Bed>,
}

struct Bed {
    answer: Mutex<Option<UnparkToken>>,
    answered: Condvar,
}

loom::lazy_static! {
    static ref QUEUE: Mutex<VecDeque<Waiter>> = Mutex::new(VecDeque::new());
}

std::thread_local! {
    // A model runs all its threads on the thread that runs the test.
    static FIRE_BEFORE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Chooses which timed parks of this test time out at once: those with a deadline before `limit`.
/// The others never do.
pub fn timeouts_fire_before(limit: Option<Instant>) {
    FIRE_BEFORE.set(limit);
}

/// Whether a deadline is one of those that fire at once.
pub fn has_passed(deadline: Instant) -> bool {
    Some(deadline) < FIRE_BEFORE.get()
}

/// As `parking_lot_core::park`.
///
/// # Safety
///
/// None to meet: the conditions are those of the real one.
pub unsafe fn park(
    key: usize,
    validate: impl FnOnce() -> bool,
    before_sleep: impl FnOnce(),
    timed_out: impl FnOnce(usize, bool),
    token: ParkToken,
    timeout: Option<Instant>,
) -> ParkResult {
    let bed = Arc::new(Bed {
        answer: Mutex::new(None),
        answered: Condvar::new(),
    });
    {
        let mut queue = lock(&QUEUE);
        if !validate() {
            return ParkResult::Invalid;
        }
        queue.push_back(Waiter {
            key,
            token,
            bed: Arc::clone(&bed),
        });
    }
    before_sleep();

    if timeout.is_some_and(has_passed) {
        let mut queue = lock(&QUEUE);
        if let Some(at) = queue.iter().position(|w| Arc::ptr_eq(&w.bed, &bed)) {
            queue.remove(at);
            let last = queue.iter().all(|w| w.key != key);
            timed_out(key, last);
            return ParkResult::TimedOut;
        }
    }
    let mut answer = lock(&bed.answer);
    loop {
        if let Some(token) = *answer {
            return ParkResult::Unparked(token);
        }
        answer = bed
            .answered
            .wait(answer)
            .expect("a model that panicked has ended");
    }
}

/// As `parking_lot_core::unpark_filter`.
///
/// # Safety
///
/// None to meet: the conditions are those of the real one.
pub unsafe fn unpark_filter(
    key: usize,
    mut filter: impl FnMut(ParkToken) -> FilterOp,
    callback: impl FnOnce(UnparkResult) -> UnparkToken,
) -> UnparkResult {
    let mut result = UnparkResult::default();
    let mut woken = Vec::new();
    let token;
    {
        let mut queue = lock(&QUEUE);
        let mut at = 0;
        while at < queue.len() {
            if queue[at].key != key {
                at += 1;
                continue;
            }
            match filter(queue[at].token) {
                FilterOp::Unpark => woken.extend(queue.remove(at)),
                FilterOp::Skip => {
                    result.have_more_threads = true;
                    at += 1;
                }
                FilterOp::Stop => {
                    result.have_more_threads = true;
                    break;
                }
            }
        }
        result.unparked_threads = woken.len();
        token = callback(result);
    }
    for waiter in woken {
        *lock(&waiter.bed.answer) = Some(token);
        waiter.bed.answered.notify_one();
    }
    result
}

fn lock<T>(mutex: &Mutex<T>) -> loom::sync::MutexGuard<'_, T> {
    mutex.lock().expect("a model that panicked has ended")
}

/// Spinning gains nothing in a model: every schedule is tried anyway.
#[derive(Debug, Default)]
pub struct SpinWait;

impl SpinWait {
    /// Makes one.
    pub const fn new() -> Self {
        Self
    }

    /// Does not spin.
    pub const fn spin(&mut self) -> bool {
        false
    }

    /// Does nothing.
    pub const fn reset(&mut self) {}
}
