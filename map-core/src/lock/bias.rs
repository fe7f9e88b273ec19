//! Readers that announce themselves instead of counting themselves in the lock (after BRAVO, Dice and Kogan
//! 2019).
//!
//! # The story
//!
//! Beside its lock stands a word, the [`Bias`]. While that is *armed*, a reader puts the lock's name
//! into a slot of its own thread ([`slots`]), looks whether a writer is inside and whether the word
//! is armed, and if all is well, reads. Then it clears its slot. It has written to no line that
//! another reader writes to.
//!
//! *A writer* takes the lock first. If the word is armed it then looks through the slots of all threads. A
//! reader that it finds there is given a moment to leave. The word stays armed: the next writer
//! looks again.
//!
//! *Nobody reads beside a writer.* The reader announces itself, then looks at the lock; the writer takes
//! the lock, then looks at the slots. All four are SeqCst, so they have one order: either the reader sees the
//! writer, and goes, or the writer sees the reader. (An unlock, and a slot that is cleared, are weaker stores to the same words.
//! Who sees one of them has looked before whatever changes the word later, in that order, too: C++ since 2020, \[atomics.order\].
//! Miri does not go by that, and is given fences.)
//!
//! *A reader that stays long* may be waiting, further on, for this very lock (a read within a read),
//! so the writer must not wait for it with the lock in its hands. It gives the lock back and
//! *revokes* the bias: it makes the word *pending*, counts itself in it, and waits for every slot
//! that has the name; then it clears *pending* and takes the lock again, and leaves the
//! count. Pending or counted, the word is not armed again, so no reader overtakes it endlessly.
//!
//! *A revoker with a deadline* may give up. It has not seen that all slots are free of the name, so it leaves
//! *pending* as it is and takes only itself out of the count. The next writer finds the word pending and
//! finishes the job, for its own looking through the slots is all that clearing takes. Until one does, readers count
//! themselves in the lock.
//!
//! *Nobody reads beside a writer who has revoked, either.* The word was changed before the slots are looked
//! through; by the same argument a reader that was not seen there sees the change. Others that want to write
//! while the word is pending first take the lock and look through the slots, as if it were armed; if a reader is still
//! there they revoke it too. Each looks through the slots for itself, and the first that has seen no reader
//! clears *pending*. The word is armed only by who holds the lock shared, so an exclusive
//! holder who has seen it not armed knows that it stays so; and a revoker in the count knows that *pending* is
//! still the one it came for.
//!
//! *Lanes* ([`lanes`](crate::raw::lanes)) are another way for readers, and there may be none while readers announce themselves. The word says whether a writer
//! has lanes to close. It is an exclusive holder that adds them, to a word that is `0`, and one that removes them. A writer who finds a reader in a closed lane that stays removes them and makes the word pending, with one
//! change and before it gives the lock back; and whoever looks through the slots for the sake of a pending word looks at the seats, too.
//!
//! *A word is disarmed* at leisure by an exclusive holder. It has looked through the slots; who announces
//! itself later sees the holder, or the unlocking that came after the change, and with that the change.

use std::time::Instant;

use super::{ExclusiveToken, RawLock, slots};
use crate::sync::atomic::{
    AtomicU16, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst,
};
use crate::sync::parking::has_passed;
use crate::sync::{const_fn, fence_in_model};

/// Readers may announce themselves.
const ARMED: u16 = 1 << 15;
/// Somebody revokes, or gave up revoking: announced readers may still be inside.
const PENDING: u16 = 1 << 14;
/// Readers may sit in the lanes that stand beside the lock.
const LANES: u16 = 1 << 13;
/// All of the count of revokers.
const REVOKERS: u16 = LANES - 1;

/// Whether somebody revokes: then readers may be in lanes, too, that were closed.
#[derive(Clone, Copy)]
pub(crate) struct Pending(pub(crate) bool);

/// Whether readers of a lock may announce themselves.
///
/// | value | means | who may change it |
/// |---|---|---|
/// | `0` | no reader is announced | shared holders arm it, exclusive holders add lanes, revokers who come late count themselves |
/// | `ARMED` | announced readers may be inside; an exclusive holder looks before it writes | exclusive holders may disarm it, revokers make it pending |
/// | `LANES + r` | the lanes may be open; an exclusive holder closes them before it writes; the revokers have come late | exclusive holders may remove them, for good or to make them pending; revokers |
/// | `PENDING + r` | nobody announces itself any more, but who has may be inside; `r` revokers wait for them, others have given up | revokers; an exclusive holder who has seen no reader clears `PENDING` |
/// | `r` | announced readers have left; `r` revokers have not got the lock, or have not noticed yet | revokers |
///
/// Each change is a read-modify-write. It becomes `ARMED` only from `0`, under a shared hold, and `LANES` only from `0`, under the exclusive one.
#[derive(Debug)]
pub(crate) struct Bias(AtomicU16);

impl Bias {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self(AtomicU16::new(0))
        }
    }

    /// Announces a reader, if that word of this thread's slot is free, no writer is inside or
    /// waits, and the bias is armed. `name` is what only this lock is known by.
    #[inline(always)]
    pub(crate) fn announce(
        &self,
        lock: &RawLock,
        word: slots::Word,
        name: usize,
    ) -> Option<slots::Announced> {
        self.admit_reader(lock, slots::announce(word, name)?)
    }

    /// The same, if any word is free, and if it looks as if the bias were armed.
    pub(crate) fn announce_anywhere(
        &self,
        lock: &RawLock,
        word: slots::Word,
        name: usize,
    ) -> Option<slots::Announced> {
        // Relaxed: a hint.
        if self.0.load(Relaxed) & ARMED == 0 {
            return None;
        }
        self.admit_reader(lock, slots::announce_anywhere(word, name)?)
    }

    #[inline(always)]
    fn admit_reader(
        &self,
        lock: &RawLock,
        announced: slots::Announced,
    ) -> Option<slots::Announced> {
        // First the lock and then the word: see the end of the story.
        (lock.admits_announced() && self.is_armed_after_announcing()).then_some(announced)
    }

    #[inline(always)]
    fn is_armed_after_announcing(&self) -> bool {
        // SeqCst: after the announcement, with the change and the scan in `revoke`. Acquire: pairs
        // with the Release in `arm`; receives what was written under the lock before the one who
        // armed the bias got it.
        self.0.load(SeqCst) & ARMED != 0
    }

    /// Lets readers announce themselves, for a shared holder of the lock.
    #[inline]
    pub(crate) fn arm(&self) {
        // Relaxed: a guess for the compare-exchange.
        if self.0.load(Relaxed) == 0 {
            // Release: pairs with `is_armed_after_announcing`; passes on what our hold of the lock
            // has received.
            let _ = self.0.compare_exchange(0, ARMED, Release, Relaxed);
        }
    }

    /// Lets nobody announce itself any more, for an exclusive holder of the lock that was admitted.
    pub(crate) fn disarm(&self) {
        // Relaxed: who must see it sees our unlocking. If somebody revokes meanwhile, so be it.
        if self.0.load(Relaxed) == ARMED {
            let _ = self.0.compare_exchange(ARMED, 0, Relaxed, Relaxed);
        }
    }

    /// Whether readers may sit in lanes, for an exclusive holder of the lock, who may close them. A hint for others.
    #[inline]
    pub(crate) fn has_lanes(&self) -> bool {
        // Relaxed: changed under the lock alone.
        self.0.load(Relaxed) & LANES != 0
    }

    /// Whether nobody waits for readers, nor has done so and not gone on.
    pub(crate) fn is_settled(&self) -> bool {
        // Relaxed: a hint.
        self.0.load(Relaxed) & (PENDING | REVOKERS) == 0
    }

    /// Says that there are lanes, for an exclusive holder that was admitted, and has yet to open them. Not while somebody revokes.
    pub(crate) fn add_lanes(&self) -> bool {
        // Relaxed: who must see it gets the lock after us.
        self.0.compare_exchange(0, LANES, Relaxed, Relaxed).is_ok()
    }

    /// Says that the lanes are closed for good, for an exclusive holder of the lock who has closed them. `stays`: a reader is there still.
    pub(crate) fn remove_lanes(&self, stays: bool) {
        debug_assert!(
            self.has_lanes(),
            "else somebody may wait for pending readers"
        );
        // Both at once, for revokers may look at any time. While there are lanes, nothing is pending.
        let change = if stays { LANES ^ PENDING } else { LANES };
        // Release: pairs with a revoker's compare-exchange, who does not get the lock before he looks for readers there, and has to find the lanes, closed. All
        // others get the lock after us.
        self.0.fetch_xor(change, Release);
    }

    /// Whether no reader can be announced, nor sit in a lane, for an exclusive holder of the lock. If not, it closes the lanes, if there are any, or asks
    /// [`admits_writer_now`](Self::admits_writer_now) or [`admits_writer`](Self::admits_writer).
    #[inline(always)]
    pub(crate) fn is_clear(&self) -> bool {
        // Acquire: pairs with the Release in `clear_pending`; what announced readers have read comes before
        // what we write.
        self.0.load(Acquire) == 0
    }

    /// Whether no reader is announced, for an exclusive holder of the lock; gives those that are
    /// a moment. If not, the holder has to go.
    #[inline]
    pub(crate) fn admits_writer(&self, name: usize) -> bool {
        self.admits_writer_of(|wait, _| slots::none_has(name, wait))
    }

    /// The same of a lock with lanes beside it: `have_left` looks for readers, also for those that sat in lanes if it says so.
    #[inline]
    pub(crate) fn admits_writer_of(
        &self,
        have_left: impl FnOnce(slots::Wait, Pending) -> bool,
    ) -> bool {
        // Acquire: as in `is_clear`.
        let seen = self.0.load(Acquire);
        if seen & (ARMED | PENDING) == 0 {
            return true;
        }
        // With the slots after the lock: see the story.
        fence_in_model();
        let pending = seen & PENDING != 0;
        // Not where somebody waits for them already.
        let wait = match seen & REVOKERS {
            0 => slots::Wait::Briefly,
            _ => slots::Wait::Not,
        };
        if !have_left(wait, Pending(pending)) {
            return false;
        }
        if pending {
            // While we hold the lock nobody arms the word, so it is the same revocation still.
            self.clear_pending();
        }
        true
    }

    /// The same, if there is no doubt: it waits for nobody, and leaves revocations to others.
    #[inline]
    pub(crate) fn admits_writer_now(&self, name: usize) -> bool {
        // With the slots after the lock: see the story.
        fence_in_model();
        // Acquire: as in `is_clear`.
        self.0.load(Acquire) == ARMED && slots::none_has_now(name)
    }

    /// For somebody who has looked through the slots after he saw the word pending, and saw no reader; and who
    /// keeps it from being armed meanwhile.
    fn clear_pending(&self) {
        // Release: pairs with the Acquire in `is_clear` and `admits_writer`; passes on that readers
        // have left.
        self.0.fetch_and(!PENDING, Release);
    }

    /// Whether a reader of the lock `name` is announced; already history when it is returned.
    pub(crate) fn has_announced(&self, name: usize) -> bool {
        // Relaxed: a hint, as the whole answer is.
        self.0.load(Relaxed) & (ARMED | PENDING) != 0 && !slots::none_has_now(name)
    }

    /// Takes `lock` exclusively with no reader announced: the loop of a writer, from its first meeting with
    /// somebody. `take` takes the lock with all the patience there is, or has run out of it. `admits` asks under the
    /// lock whether readers [have left](Self::admits_writer). `revoke` is to [`revoke`](Self::revoke), without the lock: an announced reader may need
    /// that once more.
    pub(crate) fn lock_exclusive<'a>(
        &'a self,
        lock: &RawLock,
        mut take: impl FnMut() -> Option<ExclusiveToken>,
        mut admits: impl FnMut() -> bool,
        mut revoke: impl FnMut(&'a Self) -> Option<Revoking<'a>>,
    ) -> Option<ExclusiveToken> {
        // Until we have the lock again, no others are announced.
        let mut _revoking = None;
        loop {
            let token = take()?;
            if admits() {
                return Some(token);
            }
            lock.turn_away(token);
            // Once more, if it must be: lanes may have been opened before we were counted.
            let next = revoke(self)?;
            _revoking = Some(next);
        }
    }

    /// Waits for all announced readers, and keeps others from announcing themselves as long as what
    /// it returns lives; or gives up at the deadline. For somebody who does not hold the lock, nor is one of
    /// those readers.
    #[cold]
    pub(crate) fn revoke(&self, name: usize, deadline: Option<Instant>) -> Option<Revoking<'_>> {
        self.revoke_of(deadline, |wait, _| slots::none_has(name, wait))
    }

    /// The same of a lock with lanes beside it: see [`admits_writer_of`](Self::admits_writer_of).
    pub(crate) fn revoke_of(
        &self,
        deadline: Option<Instant>,
        have_left: impl FnOnce(slots::Wait, Pending) -> bool,
    ) -> Option<Revoking<'_>> {
        // Relaxed: a guess for the compare-exchange.
        let mut seen = self.0.load(Relaxed);
        loop {
            if seen & REVOKERS == REVOKERS {
                if deadline.is_some_and(has_passed) {
                    return None;
                }
                crate::sync::yield_now();
                // Relaxed: as above.
                seen = self.0.load(Relaxed);
                continue;
            }
            let pending = match seen & ARMED {
                0 => seen + 1,
                _ => PENDING + 1,
            };
            // SeqCst: before the scan, with the announcement and the look of a reader.
            match self.0.compare_exchange_weak(seen, pending, SeqCst, Relaxed) {
                Ok(_) => {
                    seen = pending;
                    break;
                }
                Err(now) => seen = now,
            }
        }
        let revoking = Revoking(self);
        if seen & PENDING != 0 {
            fence_in_model();
            if !have_left(slots::Wait::Until(deadline), Pending(true)) {
                // `PENDING` stays.
                return None;
            }
            self.clear_pending();
        }
        Some(revoking)
    }
}

/// A place in the count of revokers.
#[derive(Debug)]
#[must_use = "readers may announce themselves again once this is gone"]
pub(crate) struct Revoking<'a>(&'a Bias);

impl Drop for Revoking<'_> {
    fn drop(&mut self) {
        // Relaxed: it says nothing but that we are gone.
        self.0.0.fetch_sub(1, Relaxed);
    }
}
