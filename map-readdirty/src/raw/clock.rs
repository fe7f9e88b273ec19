//! When what was retired is *ripe*: when nobody who may have found it is left.
//!
//! A clock is asked one question at a time: when will all pins of this moment have ended? What was retired is *stamped* with
//! the number of questions asked so far; it
//! is ripe when one more has been answered. So retiring costs nothing, and there is one question for many
//! shards and batches.
//!
//! There are two clocks. That of plain reads is ours, see [`pins`]: `crossbeam-epoch` would have each of them pay for a fence.
//! That of a map's sessions, whose pins are few and may be long, is `crossbeam-epoch`'s, which is asked by
//! deferring a store.
//!
//! # Why that is right
//!
//! Writer: takes the node out of its slot (1), fence (2), reads `asked` (3): the stamp `t`. (Another thread may do the latter for him, which
//! has the node from him, so that (1) happens before (2).)
//! Asker: `asked` from `t` or more to the next (4), fence (5), looks who is pinned (6).
//! Reader: pins itself (7), fence (8), loads the slot (9).
//!
//! A stamp `t` is not ripe before the answer to a question that was asked from `t` or more. (3) did not see that
//! (4): so (2) is before (5) in the order of all fences. If (2) is before (8), then (9) sees (1): the reader does
//! not find the node. Otherwise (8) is before (5), so the reader was pinned at (6), and the answer waits for it.
//!
//! In the clock of plain reads (5) is heavy and (8) light. Where the kernel makes a fence on the reader's
//! behalf, between the begin and the end of (5), that is either before (7), and (9) sees (1), for (2) was before (5) began;
//! or after (7), which (6) sees. A thread that has no seat yet when (6) looks is one that had not pinned itself.
//!
//! In the clock of sessions (8) is made by `crossbeam-epoch` in its pins, and by whoever pins a session anew, see
//! [`Session::repin`]; (6) is deferring the answer, which waits for who is pinned: that is what `crossbeam-epoch` promises.
//!
//! Sessions pin themselves in a collector of their map, made at the first session. A stamp made before that has
//! no number there: then (2) is before the fence of whoever made it, which is before (8), and the session does
//! not find what was stamped.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_epoch::{Collector, Guard};

use super::pins;
use super::seat::{self, Session};
use crate::sync::atomic::{
    AtomicPtr, AtomicU64, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
    Ordering::Release, Ordering::SeqCst, fence,
};
use crate::sync::{REAL_FENCES, hint};

/// So many steps time needs if nobody holds it up: of one clock, then of the other.
pub(crate) const STEPS: usize = 12;

/// A clock of one collector.
#[derive(Debug, Default)]
struct Clock {
    /// Questions asked.
    asked: AtomicU64,
    /// Questions answered: as many, or one less. Outlives the map, for the answer.
    done: Arc<AtomicU64>,
}

impl Clock {
    /// Asks a question if none is open, and helps time along.
    fn tick(&self, guard: &Guard) {
        // Relaxed: as the CAS; who asks twice does no harm.
        let asked = self.asked.load(Relaxed);
        if self.done.load(Relaxed) == asked
            // Relaxed: the fence orders it.
            && self
                .asked
                .compare_exchange(asked, asked + 1, Relaxed, Relaxed)
                .is_ok()
        {
            // SeqCst: (5) above.
            fence(SeqCst);
            let done = Arc::clone(&self.done);
            // Release: pairs with the Acquire in `is_ripe`; all that was done under pins that have ended comes before.
            guard.defer(move || done.store(asked + 1, Release));
        }
        guard.flush();
    }

    /// Whether what has this stamp is ripe.
    fn is_ripe(&self, stamp: u64) -> bool {
        // Acquire: pairs with the Release of the answer.
        self.done.load(Acquire) > stamp
    }
}

/// A moment by the clocks of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    plain: u64,
    session: Option<u64>,
}

/// The sessions' clock.
#[derive(Debug)]
struct Sessions {
    collector: Collector,
    clock: Clock,
    /// Unique in the process: for the threads' memory.
    number: u64,
}

/// The clocks of a map: the process's, of plain reads, and that of its sessions.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    /// Null until the first session.
    sessions: AtomicPtr<Sessions>,
}

impl Clocks {
    fn sessions(&self) -> Option<&Sessions> {
        // Acquire: pairs with the Release in `make_sessions`.
        // SAFETY: null, or from a box that is freed with `self`.
        unsafe { self.sessions.load(Acquire).as_ref() }
    }

    /// The present moment, for what readers cannot find any more.
    pub(crate) fn stamp(&self) -> Stamp {
        // SeqCst: (2) above.
        fence(SeqCst);
        Stamp {
            plain: pins::asked(),
            // Relaxed: the fence orders it.
            session: self
                .sessions()
                .map(|sessions| sessions.clock.asked.load(Relaxed)),
        }
    }

    /// Whether nobody is left who may have found what was retired at some moment.
    pub(crate) fn is_ripe(&self, stamp: Stamp) -> bool {
        pins::is_ripe(stamp.plain)
            && stamp.session.is_none_or(|stamp| {
                self.sessions()
                    .is_some_and(|sessions| sessions.clock.is_ripe(stamp))
            })
    }

    /// Whether nobody is left who may have found what was retired at some moment. Helps time along as far as that goes without waiting.
    pub(crate) fn hurry(&self, stamp: Stamp) -> bool {
        for _ in 0..STEPS {
            if self.is_ripe(stamp) {
                return true;
            }
            self.help(stamp);
        }
        self.is_ripe(stamp)
    }

    /// Helps time along where a moment is not ripe.
    pub(crate) fn help(&self, stamp: Stamp) {
        if !pins::is_ripe(stamp.plain) {
            pins::tick(None);
        } else if !self.is_ripe(stamp) {
            self.tick_sessions();
        }
    }

    /// Whether it is plain reads that a moment is not ripe for.
    pub(crate) fn waits_for_reads(&self, stamp: Stamp) -> bool {
        !pins::is_ripe(stamp.plain) && pins::is_open()
    }

    /// Looks for an answer that may be there, which costs little.
    #[expect(clippy::unused_self, reason = "it is a matter of the clocks")]
    pub(crate) fn look(&self) {
        pins::look();
    }

    /// Helps time along, if it is worth it now; in a model always.
    pub(crate) fn tick_at(&self, now: Instant) {
        pins::tick(REAL_FENCES.then_some(now));
        self.tick_sessions();
    }

    fn tick_sessions(&self) {
        if let Some(sessions) = self.sessions() {
            let guard = seat::pin_sessions_clock(sessions.number, &sessions.collector);
            sessions.clock.tick(&guard);
        }
    }

    /// Pins a session.
    #[inline]
    pub(crate) fn open_session(&self) -> Session {
        let sessions = match self.sessions() {
            Some(sessions) => sessions,
            None => self.make_sessions(),
        };
        Session::new(sessions.number, &sessions.collector)
    }

    #[cold]
    fn make_sessions(&self) -> &Sessions {
        static NUMBERS: hint::AtomicU64 = hint::AtomicU64::new(0);
        let new = Box::into_raw(Box::new(Sessions {
            collector: Collector::new(),
            clock: Clock::default(),
            number: NUMBERS.fetch_add(1, Relaxed),
        }));
        // Release: pairs with the Acquire in `sessions`; publishes the collector. Acquire: receives it.
        let made = self
            .sessions
            .compare_exchange(std::ptr::null_mut(), new, AcqRel, Acquire);
        let sessions = match made {
            Ok(_) => new,
            Err(other) => {
                // SAFETY: it came from a box just now, and nobody has seen it.
                drop(unsafe { Box::from_raw(new) });
                other
            }
        };
        // SeqCst: before the fence (8) of our pin, with (2).
        fence(SeqCst);
        // SAFETY: as in `sessions`.
        unsafe { &*sessions }
    }
}

impl Drop for Clocks {
    fn drop(&mut self) {
        // Relaxed: `self` is owned.
        let sessions = self.sessions.load(Relaxed);
        if !sessions.is_null() {
            // SAFETY: it came from a box, and no session is left.
            drop(unsafe { Box::from_raw(sessions) });
        }
    }
}
