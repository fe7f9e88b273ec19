//! The clock of plain reads, which are so short that what an epoch costs at each of them would be a third of it.
//!
//! A thread pins itself by a store to a word of its own, which tells how often it has done so: nothing else, not even a
//! fence. The fence is the business of who wants to know when all pins of some moment have ended, and asks
//! seldom: on Linux the kernel makes one on every processor that runs a thread of this process (`map_core::lock::barrier`);
//! elsewhere, and on processors that do not have all stores in one order ([`ONE_ORDER`]), pins have one after all, which is known when a thread gets its word ([`FENCED`]). He then looks at the words of all threads, remembers those of
//! the pinned, and has his answer when each of them has changed.
//!
//! There is one such clock for the process, since threads have one word each. It is asked one question at a time, and not
//! more often than is worth it ([`PAUSE`]). Nobody waits for an answer: whoever comes by looks for it.
//!
//! # A thread's own next read
//!
//! must not come before its change is there for others to see, though the pin has no fence, and though the lock may be
//! given back by a plain store. So who changes something marks his word ([`UNSETTLED`]), and the next pin, which has to
//! look at the word anyhow, has a fence then.

use crate::sync::atomic::{
    AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst, fence,
};
use crate::sync::{Mutex, REAL_FENCES, barrier, global};
use map_core::roster::Seat;
use std::time::{Duration, Instant};

use super::seat::{self, Own};

/// How many pins there are of the thread, one within the other. The second begins while the first has not ended.
const DEPTH: u64 = (1 << 24) - 1;
/// The thread has changed something since its last fence.
const UNSETTLED: u64 = 1 << 24;
/// There is no thread: it is ending, and has this for the length of a pin.
const ORPHAN: u64 = 1 << 25;
/// There is no kernel to make the fence, or a processor that needs more of them, so each pin has one.
const FENCED: u64 = 1 << 26;
/// Whether a store that one other processor sees is seen by all: then two readers that have changed nothing agree on the order
/// of two changes, and one that was told of a change by its maker finds it there, without a fence of theirs. Not on POWER, nor on
/// ARM before the eighth version.
const ONE_ORDER: bool = cfg!(any(
    target_arch = "x86",
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "riscv64"
));
/// Once for each pin that is not within another. That it begins anew at some time does no harm: who
/// finds the same number again goes on waiting.
const TURN: u64 = 1 << 32;

/// Between two questions at least so long passes, and so many times what it took to ask, but not longer than that: however many threads want
/// an answer, a few hundredths of the time of one go to asking, and what waits still fits the caches. (Each wants one when half of what its
/// pool holds waits: see `limbo`.)
const PAUSE: Duration = Duration::from_micros(16);
const PAUSE_FACTOR: u32 = 16;
const LONGEST_PAUSE: Duration = Duration::from_micros(64);

/// Whether a thread is pinned, and how often it was.
///
/// Stored by that thread only.
#[derive(Debug, Default)]
pub(crate) struct Pins(AtomicU64);

impl Pins {
    #[inline(always)]
    pub(crate) fn enter(&self) {
        // Relaxed, here and below: nobody else stores it.
        let word = self.0.load(Relaxed);
        if word & (DEPTH | UNSETTLED | FENCED) == 0 {
            // Release: pairs with the Acquire in `pinned`; what was read under earlier pins comes before what is done to
            // nodes after them.
            self.0.store(word.wrapping_add(TURN | 1), Release);
            // Between the store and what is read under the pin: the light barrier, as `FENCED` is not set. Pairs with the heavy
            // one in `tick`.
            barrier::light_if_asymmetric();
        } else {
            self.enter_slow(word);
        }
    }

    #[cold]
    #[inline(never)]
    fn enter_slow(&self, word: u64) {
        assert!(word & DEPTH < DEPTH, "reads are nested too deep");
        if word & DEPTH > 0 {
            // Release: as above.
            self.0.store(word + 1, Release);
            return;
        }
        // Release: as above.
        self.0
            .store((word & !UNSETTLED).wrapping_add(TURN | 1), Release);
        // SeqCst: with that of others between a change and a read of theirs; and with that of the heavy barrier.
        fence(SeqCst);
    }

    /// Whether that was the end of a pin of no thread.
    #[inline(always)]
    pub(crate) fn leave(&self) -> bool {
        let word = self.0.load(Relaxed) - 1;
        // Release: pairs with the Acquire in `pinned`; what was read under the pin comes before what is done to nodes
        // after it.
        self.0.store(word, Release);
        word & ORPHAN != 0
    }

    /// The word is that of another thread from now on; which is ending, and has it for one pin, or is not.
    pub(super) fn take_over(&self, is_orphan: bool) {
        barrier::prepare();
        // Relaxed: nobody else stores it.
        // The thread may have changed something when it had no seat.
        let mut word = self.0.load(Relaxed) & !(ORPHAN | FENCED) | UNSETTLED;
        if is_orphan {
            word |= ORPHAN;
        }
        if !ONE_ORDER || !barrier::is_asymmetric() {
            word |= FENCED;
        }
        // Release: pairs with the Acquire in `pinned`, which may see this instead of what the thread before has stored last.
        self.0.store(word, Release);
    }

    #[inline]
    pub(super) fn are_in(&self) -> bool {
        // Relaxed: asked by the thread itself.
        self.0.load(Relaxed) & DEPTH > 0
    }

    /// The thread has changed something, and is not pinned.
    #[inline]
    pub(crate) fn unsettle(&self) {
        // Release: the mark is for the thread itself, but `pinned` may see this store instead of that in `leave`, and pairs with
        // it as well.
        self.0.store(self.0.load(Relaxed) | UNSETTLED, Release);
    }

    /// Which of its turns it is, if the thread is pinned.
    fn pinned(&self) -> Option<u64> {
        // Acquire: pairs with each Release of the thread.
        let word = self.0.load(Acquire);
        (word & DEPTH > 0).then_some(word / TURN)
    }
}

/// A pinned thread and its turn.
type Awaited = (&'static Seat<Own>, u64);

/// The open question, if there is one.
#[derive(Debug)]
struct Question {
    /// Who has to be waited for. `None` until whoever asked has looked; or somebody else has, should he be interrupted. That is as
    /// good: it was asked before, which he has seen under the lock, and he has a fence of his own before he looks.
    awaited: Option<Vec<Awaited>>,
    /// When the next one may be asked, or somebody else may look.
    next: Option<Instant>,
}

impl Question {
    /// Looks for the answer, if it is known who has to be waited for.
    fn look(&mut self) -> bool {
        let Some(awaited) = &mut self.awaited else {
            return false;
        };
        awaited.retain(|(seat, turn)| seat.pins.pinned() == Some(*turn));
        if awaited.is_empty() {
            self.awaited = None;
            // Relaxed: changed under the lock that we have.
            let asked = CLOCK.asked.load(Relaxed);
            // Release: pairs with the Acquire in `is_ripe`.
            CLOCK.done.store(asked, Release);
        }
        true
    }
}

/// The clock.
#[derive(Debug)]
struct Clock {
    /// Questions asked. Changed with `question` locked.
    asked: AtomicU64,
    /// Questions answered: as many, or one less. Likewise.
    done: AtomicU64,
    question: Mutex<Question>,
}

global! {
    static CLOCK: Clock = Clock {
        asked: AtomicU64::new(0),
        done: AtomicU64::new(0),
        question: Mutex::new(Question { awaited: None, next: None }),
    };
}

/// Questions asked so far. What was done before a fence before this is known to whoever asks the next one.
pub(super) fn asked() -> u64 {
    // Relaxed: the caller's fence orders it.
    CLOCK.asked.load(Relaxed)
}

/// Whether all pins have ended that were there when a question was asked after so many.
pub(super) fn is_ripe(asked: u64) -> bool {
    // Acquire: pairs with the Releases in `tick` and `Question::look`; all that was done under those pins comes before.
    CLOCK.done.load(Acquire) > asked
}

/// Whether there is somebody to be waited for.
pub(super) fn is_open() -> bool {
    // Relaxed: a hint.
    CLOCK.done.load(Relaxed) != CLOCK.asked.load(Relaxed)
}

/// Looks for the answer, if a question is open.
pub(super) fn look() {
    if is_open()
        && let Some(mut question) = CLOCK.question.try_lock()
    {
        question.look();
    }
}

/// Helps time along: looks for the answer, or asks if no question is open. If the time is given, it is not asked before
/// the pause is over.
///
/// Waits for nobody, and has nothing locked for longer than it takes to look at the words of the pinned.
pub(super) fn tick(now: Option<Instant>) {
    let Some(mut question) = CLOCK.question.try_lock() else {
        // Somebody else does.
        return;
    };
    // Relaxed, here and below: changed under the lock.
    let mut asked = CLOCK.asked.load(Relaxed);
    let is_open = CLOCK.done.load(Relaxed) != asked;
    if is_open && question.look() {
        return;
    }
    if let (Some(now), Some(next)) = (now, question.next)
        && now < next
    {
        return;
    }
    if !is_open {
        asked += 1;
        // Relaxed: the barrier orders it.
        CLOCK.asked.store(asked, Relaxed);
    }
    let start = REAL_FENCES.then(Instant::now);
    question.next = start.map(|start| start + LONGEST_PAUSE);
    drop(question);

    // Pairs with the light one of each pin, and with the fence before each stamp.
    barrier::heavy();
    let pinned = |seat: &'static Seat<Own>| Some((seat, seat.pins.pinned()?));
    let awaited: Vec<Awaited> = seat::all().filter_map(pinned).collect();

    let Some(mut question) = CLOCK.question.try_lock() else {
        // Somebody else looks when the pause is over.
        return;
    };
    // Relaxed: as above. Was nobody faster?
    if CLOCK.asked.load(Relaxed) == asked
        && CLOCK.done.load(Relaxed) != asked
        && question.awaited.is_none()
    {
        if awaited.is_empty() {
            // Release: as above.
            CLOCK.done.store(asked, Release);
        } else {
            question.awaited = Some(awaited);
        }
    }
    question.next = start.map(|start| {
        let end = Instant::now();
        end + ((end - start) * PAUSE_FACTOR).clamp(PAUSE, LONGEST_PAUSE)
    });
}
