//! How much a shard's lock is fought over, and since when it is not.

use std::time::Instant;

use crate::lock::RawLock;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::{REAL_FENCES, hint, uptime};

/// So many contended acquisitions make one reading of the contention clock in a map of many shards.
const CONTENDED_READING: u8 = 32;
/// And so many of the only one. In between twice as many when there are four times the shards: the fewer there are, the sooner
/// more will do good; and the more of them tried in vain, the surer one has to be that they did.
const FIRST_READING: u8 = 8;

/// A shard is quiet if so long (about a second) nothing happened: much longer than a time slice,
/// since a thread that is not running contends for nothing.
const QUIET_TICKS: u32 = 4_000_000;

/// What looks longer ago than this is later than now: by up to a millisecond.
const AHEAD: u32 = u32::MAX - 4_000;

/// A lock is fought over if it is met again within so long (ten microseconds), on average over more than a few meetings.
const FOUGHT_OVER_TICKS: u32 = 40;
const FEW: u32 = 4;

/// How much this shard's lock is fought over. Written on the contended path only; lost updates do
/// no harm, all of it is a hint.
pub(crate) struct Contention {
    /// Contended acquisitions since `since`.
    count: hint::AtomicU8,
    /// Splits in a row that did not lower contention.
    pub(crate) futile: hint::AtomicU8,
    /// How long the parent took for one [`Reading`] when it was split, in ticks; 0: unknown.
    pub(crate) before: hint::AtomicU16,
    /// When the present reading began, or the shard was last split or merged, in ticks.
    since: hint::AtomicU32,
}

/// One reading of the contention clock: [`CONTENDED_READING`] acquisitions took so many ticks, or would have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// As wide as a pointer: what reads return holds one or the other, and is then passed in one register.
    pub(crate) ticks: usize,
}

/// Ticks of 256 ns since the process first asked.
fn ticks() -> u32 {
    (uptime().as_nanos() >> 8) as u32
}

/// When somebody in a map last met somebody else, in units of an eighth of a second. It goes round in two hours; who was not met for
/// so long counts as met just now, for a moment.
pub(super) struct LastMeeting(hint::AtomicU16);

/// After so long, a second, it is quiet in a map.
const QUIET_EIGHTHS: u16 = 8;

impl LastMeeting {
    pub(super) const fn new() -> Self {
        Self(hint::AtomicU16::new(0))
    }

    fn now() -> u16 {
        (uptime().as_millis() >> 7) as u16
    }

    /// Now. Written at most once in each of those units, for others read what lies beside it all the time.
    pub(super) fn note(&self) {
        let now = Self::now();
        if self.0.load(Relaxed) != now {
            self.0.store(now, Relaxed);
        }
    }

    #[cfg(test)]
    pub(super) fn make_long_ago(&self) {
        self.0
            .store(Self::now().wrapping_sub(QUIET_EIGHTHS), Relaxed);
    }

    /// Whether it was more than a second ago. In a model it never is, for there no clock decides.
    pub(super) fn is_long_ago(&self) -> bool {
        REAL_FENCES && self.is_long_before(Self::now())
    }

    fn is_long_before(&self, now: u16) -> bool {
        let passed = now.wrapping_sub(self.0.load(Relaxed));
        // What looks longer ago is later than now: noted since, or where processors do not agree about the time.
        (QUIET_EIGHTHS..=u16::MAX - QUIET_EIGHTHS).contains(&passed)
    }
}

impl Contention {
    pub(super) const fn new() -> Self {
        Self {
            count: hint::AtomicU8::new(0),
            futile: hint::AtomicU8::new(0),
            before: hint::AtomicU16::new(0),
            since: hint::AtomicU32::new(0),
        }
    }

    /// Notes a contended acquisition of a shard of some depth; every so often that completes a reading.
    pub(super) fn note(&self, depth: u32) -> Option<Reading> {
        let wanted = u8::min(FIRST_READING << (depth / 2).min(4), CONTENDED_READING);
        // What a clock says has no place in a model.
        let wanted = if REAL_FENCES { wanted } else { u8::MAX };
        let count = self.count.load(Relaxed).wrapping_add(1);
        if count == 1 {
            self.since.store(ticks(), Relaxed);
        }
        if count < wanted {
            self.count.store(count, Relaxed);
            return None;
        }
        self.count.store(0, Relaxed);
        let ticks = self.passed().max(1) as usize;
        Some(Reading {
            ticks: ticks.saturating_mul(usize::from(CONTENDED_READING / wanted)),
        })
    }

    /// Waits off the line of a lock that is met again and again, and takes it if nobody is inside at one of a few looks: who
    /// has it then gets it back several times, which takes less time in all than if the line went to and fro.
    ///
    /// Where people seldom meet, the wait would take longer than what is waited for.
    pub(super) fn keep_off<T>(
        &self,
        lock: &RawLock,
        deadline: Option<Instant>,
        take: impl Fn() -> Option<T>,
    ) -> Option<T> {
        let count = u32::from(self.count.load(Relaxed));
        if !REAL_FENCES || count < FEW {
            return None;
        }
        let passed = self.passed();
        if passed >= count * FOUGHT_OVER_TICKS {
            return None;
        }
        lock.keep_off(Instant::now(), deadline, take)
    }

    /// Whether no reading began, and the shard was not split or merged, for a while.
    pub(crate) fn is_quiet(&self) -> bool {
        self.passed() >= QUIET_TICKS
    }

    /// How long ago the reading began. The clock goes round in 18 minutes: who was not met for so long counts as met just
    /// now, for a moment, which does no harm.
    fn passed(&self) -> u32 {
        let since = self.since.load(Relaxed);
        // Asked afterwards, lest what somebody stores meanwhile is later; but by a tick it may be, where processors do not agree
        // about the time.
        let passed = ticks().wrapping_sub(since);
        if passed > AHEAD { 0 } else { passed }
    }

    /// A new life: the parent's last reading is what splits are judged by.
    pub(crate) fn reset(&self, before: Option<Reading>, futile: u8) {
        let before = before.map_or(0, |r| u16::try_from(r.ticks).unwrap_or(u16::MAX));
        self.before.store(before, Relaxed);
        self.futile.store(futile, Relaxed);
        self.count.store(0, Relaxed);
        self.since.store(ticks(), Relaxed);
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_meeting_is_long_ago_after_a_second_and_not_before_it_was() {
        let meeting = LastMeeting::new();
        for met in [0u16, 7, u16::MAX - 3, u16::MAX] {
            meeting.0.store(met, Relaxed);
            for (passed, is_long) in [
                (0, false),
                (7, false),
                (8, true),
                (20_000, true),
                (-1, false),
            ] {
                let now = met.wrapping_add_signed(passed);
                assert_eq!(meeting.is_long_before(now), is_long, "{passed} after {met}");
            }
        }
    }
}
