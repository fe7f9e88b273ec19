//! What acquisitions do: the fast paths, which make no call, and where those who were stopped there go on.

use std::cell::Cell;
use std::time::Instant;

use super::decide::Access;
use super::{AdaptiveRawRwLock, SharedHold};
use crate::lock::slow::Gate;
use crate::lock::{ExclusiveToken, SharedToken, slots, tally};
use crate::sync::atomic::Ordering::Relaxed;

/// Whom a reader takes its hold beside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    /// Other readers; but if the lock is exclusive, nobody, as long as it keeps off.
    Few,
    /// Other readers.
    Readers,
}

/// The fast paths.
impl AdaptiveRawRwLock {
    /// A shared hold, if neither a sample is due nor anything is in the way.
    #[inline(always)]
    pub(super) fn lock_shared_fast(&self, among: Among) -> Option<SharedHold> {
        let mode = self.mode.load();
        if mode.is_quiet() {
            // Not beside a reader: that would be a meeting, which is for the slow path to note.
            return self.lock.try_first_shared().ok().map(SharedHold::counted);
        }
        if tally::is_sample() {
            return None;
        }
        if !mode.is_biased() {
            return match self.lock.try_first_shared() {
                Ok(token) => Some(SharedHold::counted(token)),
                Err(_) if among == Among::Few && mode.is_exclusive() => None,
                Err(seen) => self
                    .lock
                    .try_join_shared(seen)
                    .ok()
                    .map(SharedHold::counted),
            };
        }
        let name = self.known_name();
        if name == 0 {
            return None;
        }
        let announced = self.bias.announce(&self.lock, slots::Word::Lock, name)?;
        Some(SharedHold::announced(announced))
    }

    /// The exclusive hold, if neither a sample is due nor anything is in the way; what is in the way may
    /// be announced readers alone.
    #[inline(always)]
    pub(super) fn lock_exclusive_fast(&self) -> Result<ExclusiveToken, Option<ExclusiveToken>> {
        if !self.mode.load().is_quiet() && tally::is_sample() {
            return Err(None);
        }
        let token = self.lock.try_lock_exclusive().ok_or(None)?;
        if self.bias.is_clear() {
            Ok(token)
        } else {
            Err(Some(token))
        }
    }

    /// The name, if it is known here. It is to a reader who finds the bias armed after it has announced itself by it, and to an
    /// exclusive holder of a lock whose bias is not clear.
    #[inline(always)]
    pub(super) fn known_name(&self) -> usize {
        // Relaxed: there is but one value that is not 0. Who arms the bias has seen it, under a shared hold; so an
        // exclusive holder that comes later cannot see less.
        self.name.load(Relaxed)
    }
}

/// The slow paths.
impl AdaptiveRawRwLock {
    #[cold]
    #[inline(never)]
    pub(super) fn lock_shared_slow(
        &self,
        deadline: Option<Instant>,
        gate: Gate,
    ) -> Option<SharedHold> {
        self.note_stop(Access::Read);
        // A reader that may be what others wait for does not keep off.
        let keeps_off = gate == Gate::Respected && self.mode.load().is_exclusive();
        let at_once = if keeps_off {
            self.lock.try_first_shared().ok().map(SharedHold::counted)
        } else {
            self.try_lock_shared_noted()
        };
        if at_once.is_some() {
            return at_once;
        }
        let since = Instant::now();
        let token = keeps_off
            .then(|| self.keep_off_shared(since, deadline))
            .flatten();
        let token = token.or_else(|| self.lock.wait_shared(deadline, gate));
        self.note_conflict(since.elapsed());
        Some(self.arm(SharedHold::counted(token?)))
    }

    /// Waits for a moment when nobody is inside, in vain perhaps; then joins readers.
    fn keep_off_shared(&self, since: Instant, deadline: Option<Instant>) -> Option<SharedToken> {
        let alone = || self.lock.try_first_shared().ok();
        if let Some(token) = self.lock.keep_off(since, deadline, alone) {
            return Some(token);
        }
        match self.lock.try_first_shared() {
            Ok(token) => Some(token),
            Err(seen) => {
                let token = self.lock.try_join_shared(seen).ok()?;
                self.note_join();
                Some(token)
            }
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn try_lock_shared_slow(&self) -> Option<SharedHold> {
        self.note_stop(Access::Read);
        self.try_lock_shared_noted()
    }

    /// The same, after it was noted.
    fn try_lock_shared_noted(&self) -> Option<SharedHold> {
        if self.mode.load().is_biased() {
            slots::equip();
            let name = self.known_name();
            if name != 0
                && let Some(announced) =
                    self.bias
                        .announce_anywhere(&self.lock, slots::Word::Lock, name)
            {
                return Some(SharedHold::announced(announced));
            }
        }
        let token = self.lock.try_lock_shared()?;
        Some(self.arm(SharedHold::counted(token)))
    }

    /// Lets readers announce themselves from now on, if they want to: `hold` is a counted one.
    pub(super) fn arm(&self, hold: SharedHold) -> SharedHold {
        if self.mode.load().is_biased() && self.name() != 0 {
            self.bias.arm();
        }
        hold
    }

    /// The name, given to the lock now if it had none; 0 if there are none left.
    pub(super) fn name(&self) -> usize {
        let known = self.known_name();
        if known != 0 {
            return known;
        }
        let Some(name) = slots::draw_name() else {
            return 0;
        };
        // Relaxed: see `known_name`.
        match self.name.compare_exchange(0, name, Relaxed, Relaxed) {
            Ok(_) => name,
            Err(earlier) => earlier,
        }
    }

    /// Goes on where a fast path has stopped; it may have the lock already, but not be admitted.
    #[cold]
    #[inline(never)]
    pub(super) fn lock_exclusive_slow(
        &self,
        mut unadmitted: Option<ExclusiveToken>,
        deadline: Option<Instant>,
    ) -> Option<ExclusiveToken> {
        self.note_stop(Access::Write);
        // When it met somebody.
        let met = Cell::new(None);
        let meet = || {
            let since = met.get().unwrap_or_else(Instant::now);
            met.set(Some(since));
            since
        };
        let take = || {
            let free = unadmitted.take().or_else(|| self.lock.try_lock_exclusive());
            free.or_else(|| {
                let since = meet();
                let exclusive = self.mode.load().is_exclusive();
                let alone = || self.lock.try_lock_exclusive();
                let token = exclusive.then(|| self.lock.keep_off(since, deadline, alone));
                token
                    .flatten()
                    .or_else(|| self.lock.lock_exclusive_slow(deadline))
            })
        };
        let token = self.bias.lock_exclusive(
            &self.lock,
            take,
            || self.bias.admits_writer(self.known_name()),
            |bias| {
                meet();
                let started = Instant::now();
                let revoking = bias.revoke(self.known_name(), deadline);
                self.record().note_revocation(started.elapsed());
                revoking
            },
        );
        if let Some(since) = met.get() {
            self.note_conflict(since.elapsed());
        }
        let token = token?;
        Some(self.settle(token))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn try_lock_exclusive_slow(
        &self,
        unadmitted: Option<ExclusiveToken>,
    ) -> Option<ExclusiveToken> {
        self.note_stop(Access::Write);
        let token = unadmitted.or_else(|| self.lock.try_lock_exclusive())?;
        if self.bias.admits_writer(self.known_name()) {
            Some(self.settle(token))
        } else {
            self.lock.turn_away(token);
            None
        }
    }

    /// The next writer need not look through the slots, if readers do not announce themselves: `token` is an
    /// admitted one.
    pub(super) fn settle(&self, token: ExclusiveToken) -> ExclusiveToken {
        if !self.mode.load().is_biased() && !self.bias.is_clear() {
            self.bias.disarm();
        }
        token
    }
}
