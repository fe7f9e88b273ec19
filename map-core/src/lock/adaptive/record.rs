//! What an adaptive lock remembers, apart from itself, lest a note take from others what they need for each
//! acquisition.

use std::time::Duration;

use super::config::{Behaviour, Config, Stats};
use crate::lock::tally::{Crowd, INTERVAL, Tally};
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::hint;

/// So many samples make a window, over which the share of conflicts is taken.
const WINDOW: u32 = 16;
/// So many acquisitions they stand for.
const ACQUISITIONS: u64 = WINDOW as u64 * INTERVAL as u64;

/// All of it. Two cache lines: what is noted by one in 256 acquisitions, and what is hardly ever noted.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) tally: Tally,
    pub(super) contest: Contest,
    to_shared: hint::AtomicU64,
    to_biased: hint::AtomicU64,
    to_exclusive: hint::AtomicU64,
    revocations: hint::AtomicU64,
    revocation_nanos: hint::AtomicU64,
}

impl Record {
    // Relaxed, here and below: numbers for people.
    pub(super) fn note_transition(&self, to: Behaviour) {
        let count = match to {
            Behaviour::Shared => &self.to_shared,
            Behaviour::Biased => &self.to_biased,
            Behaviour::Exclusive => &self.to_exclusive,
        };
        count.fetch_add(1, Relaxed);
    }

    pub(super) fn note_revocation(&self, took: Duration) {
        self.revocations.fetch_add(1, Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.revocation_nanos.fetch_add(nanos, Relaxed);
    }

    pub(super) fn stats(&self, behaviour: Behaviour) -> Stats {
        Stats {
            behaviour,
            to_biased: self.to_biased.load(Relaxed),
            to_shared: self.to_shared.load(Relaxed),
            to_exclusive: self.to_exclusive.load(Relaxed),
            revocations: self.revocations.load(Relaxed),
            revocation_time: Duration::from_nanos(self.revocation_nanos.load(Relaxed)),
        }
    }
}

/// How much a lock is fought over: conflicts are counted, acquisitions are sampled.
#[derive(Debug, Default)]
pub(super) struct Contest {
    samples: hint::AtomicU32,
    /// How many of them came at the pace that is asked for.
    quick: hint::AtomicU32,
    /// What is left of the conflicts of past windows, and those of this one.
    conflicts: hint::AtomicU32,
    /// Reads that have joined others after a wait in vain.
    joins: hint::AtomicU8,
    /// So many windows more during which it does not matter what they say.
    pause: hint::AtomicU8,
    /// How many it was the last time.
    paused: hint::AtomicU8,
    /// Whether threads meet: the share of conflicts is high, or has not been low since.
    met: hint::AtomicBool,
    /// And whether they are as quick as is asked for.
    quick_of_late: hint::AtomicBool,
    /// So many windows have ended since the last watch did.
    watched: hint::AtomicU8,
}

/// What a window says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The share of conflicts is as high as [`Config::conflicts_on_percent`], the pace as quick as
    /// [`Config::exclusive_nanos`].
    Fought,
    /// The pace is that, and the share as low as [`Config::conflicts_off_percent`].
    Calm,
    /// The pace is slower, or readers stay long: taking turns is of no use.
    Unfit,
}

/// So much of the conflicts of past windows is forgotten when one ends: a fourth.
const FORGOTTEN: u32 = 4;
/// So many reads that waited in vain are enough to end that.
const JOINS: u8 = 16;
/// A watch lasts for so many windows: some 30,000 acquisitions.
const WATCH: u8 = 8;
/// The most windows for which a verdict is put off.
const LONGEST_PAUSE: u8 = 7;

// Relaxed throughout: rules of thumb, and a lost sample is no loss.
impl Contest {
    /// Notes an acquisition that is a sample; `quick`: that it came at the pace asked for. With it a window may end.
    pub(super) fn note_sample(&self, config: Config, quick: bool) -> Option<Verdict> {
        let samples = self.samples.load(Relaxed) + 1;
        let quick = self.quick.load(Relaxed) + u32::from(quick);
        if samples < WINDOW {
            self.samples.store(samples, Relaxed);
            self.quick.store(quick, Relaxed);
            return None;
        }
        self.samples.store(0, Relaxed);
        self.quick.store(0, Relaxed);
        let watched = self.watched.load(Relaxed);
        self.watched.store(watched.saturating_add(1), Relaxed);
        self.joins.store(0, Relaxed);
        let conflicts = self.conflicts.load(Relaxed);
        self.conflicts
            .store(conflicts - conflicts.div_ceil(FORGOTTEN), Relaxed);
        // If each window is like the other, the sum is that of so many.
        let all = ACQUISITIONS * u64::from(FORGOTTEN);
        let share = |percent: u8| u64::from(percent) * all;
        let conflicts = u64::from(conflicts) * 100;
        // One who is sent away by the scheduler, in the midst of a sample, shall not decide.
        let quick = quick >= WINDOW / 2;
        let calm = conflicts <= share(config.conflicts_off_percent);
        let fought = conflicts >= share(config.conflicts_on_percent);
        if calm || fought {
            self.met.store(fought, Relaxed);
        }
        self.quick_of_late.store(quick, Relaxed);
        if !quick {
            return Some(Verdict::Unfit);
        }
        if calm {
            return Some(Verdict::Calm);
        }
        if !fought {
            return None;
        }
        let pause = self.pause.load(Relaxed);
        if pause != 0 {
            self.pause.store(pause - 1, Relaxed);
            return None;
        }
        Some(Verdict::Fought)
    }

    /// Notes so many conflicts.
    pub(super) fn note_conflicts(&self, more: u32) {
        let conflicts = self.conflicts.load(Relaxed).saturating_add(more);
        // Far from the end of a `u32`, and not so many that they would be remembered for ever.
        let most = ACQUISITIONS as u32 * FORGOTTEN * 4;
        self.conflicts.store(conflicts.min(most), Relaxed);
    }

    /// Notes a reader of an exclusive lock that has waited for others to leave, and then joined them.
    pub(super) fn note_join(&self) -> Option<Verdict> {
        let joins = self.joins.load(Relaxed) + 1;
        if joins < JOINS {
            self.joins.store(joins, Relaxed);
            return None;
        }
        self.joins.store(0, Relaxed);
        Some(Verdict::Unfit)
    }

    /// Whether it has been watched for long enough, and begins a new watch if so.
    pub(super) fn ends_watch(&self) -> bool {
        let over = self.watched.load(Relaxed) >= WATCH;
        if over {
            self.watched.store(0, Relaxed);
        }
        over
    }

    /// Puts off the next [`Verdict::Fought`], for longer each time, since the last one has not proved its worth.
    pub(super) fn put_off(&self) {
        let longer = self
            .paused
            .load(Relaxed)
            .saturating_mul(2)
            .saturating_add(1);
        let pause = longer.min(LONGEST_PAUSE);
        self.paused.store(pause, Relaxed);
        self.pause.store(pause, Relaxed);
    }

    /// Forgets that there was a reason for that.
    pub(super) fn forgive(&self) {
        self.paused.store(0, Relaxed);
    }

    /// How those who use the lock stand in each other's way.
    pub(super) fn crowd(&self) -> Crowd {
        match (self.met.load(Relaxed), self.quick_of_late.load(Relaxed)) {
            (false, _) => Crowd::Loose,
            (true, true) => Crowd::Dense,
            // Readers that share a long section gain more than the look through the slots costs.
            (true, false) => Crowd::Map,
        }
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;

    /// As many windows as it takes to forget what was before, all alike.
    fn windows(contest: &Contest, conflicts: u32, quick: u32) -> Option<Verdict> {
        let mut last = None;
        for _ in 0..50 {
            contest.note_conflicts(conflicts);
            for sample in 1..WINDOW {
                let early = contest.note_sample(Config::DEFAULT, sample <= quick);
                assert_eq!(early, None, "too early");
            }
            last = contest.note_sample(Config::DEFAULT, false);
        }
        last
    }

    #[test]
    fn a_window_has_four_answers() {
        let contest = Contest::default();
        // 5 % of 4096 are 205, and 2 % are 81; a few are lost in rounding.
        assert_eq!(windows(&contest, 200, 8), None);
        assert_eq!(windows(&contest, 210, 8), Some(Verdict::Fought));
        assert_eq!(contest.crowd(), Crowd::Dense);
        assert_eq!(windows(&contest, 210, 7), Some(Verdict::Unfit));
        assert_eq!(contest.crowd(), Crowd::Map);
        assert_eq!(windows(&contest, 85, 8), None);
        assert_eq!(contest.crowd(), Crowd::Dense, "not low yet");
        assert_eq!(windows(&contest, 80, 8), Some(Verdict::Calm));
        assert_eq!(windows(&contest, 0, 8), Some(Verdict::Calm));
        assert_eq!(contest.crowd(), Crowd::Loose);
        assert_eq!(windows(&contest, 0, 7), Some(Verdict::Unfit));
        assert_eq!(contest.crowd(), Crowd::Loose);
    }

    #[test]
    fn the_last_conflict_is_forgotten_too() {
        let strict = Config {
            conflicts_on_percent: 1,
            conflicts_off_percent: 0,
            ..Config::DEFAULT
        };
        let contest = Contest::default();
        contest.note_conflicts(100);
        let said: Vec<_> = (0..50 * WINDOW)
            .filter_map(|_| contest.note_sample(strict, true))
            .collect();
        assert_eq!(said.last(), Some(&Verdict::Calm));
    }

    #[test]
    fn a_single_wait_is_not_remembered_for_ever() {
        let contest = Contest::default();
        contest.note_conflicts(u32::MAX);
        contest.note_conflicts(u32::MAX);
        assert_eq!(windows(&contest, 0, 8), Some(Verdict::Calm));
    }

    #[test]
    fn what_was_of_no_use_is_tried_again_ever_more_seldom() {
        let contest = Contest::default();
        assert_eq!(windows(&contest, 500, 8), Some(Verdict::Fought));
        let next = || {
            contest.put_off();
            let refused = (0..).take_while(|_| {
                contest.note_conflicts(500);
                let answers: Vec<_> = (0..WINDOW)
                    .filter_map(|_| contest.note_sample(Config::DEFAULT, true))
                    .collect();
                answers.is_empty()
            });
            refused.count()
        };
        let waits: Vec<_> = (0..8).map(|_| next()).collect();
        assert_eq!(waits, [1, 3, 7, 7, 7, 7, 7, 7]);
        contest.forgive();
        assert_eq!(next(), 1);
    }

    #[test]
    fn a_watch_ends_after_some_windows_and_the_next_begins() {
        let contest = Contest::default();
        for _ in 0..2 {
            for _ in 0..u32::from(WATCH) * WINDOW {
                assert!(!contest.ends_watch(), "too early");
                contest.note_sample(Config::DEFAULT, true);
            }
            assert!(contest.ends_watch());
        }
    }

    #[test]
    fn readers_that_wait_in_vain_end_it() {
        let contest = Contest::default();
        for _ in 1..JOINS {
            assert_eq!(contest.note_join(), None);
        }
        assert_eq!(contest.note_join(), Some(Verdict::Unfit));
        assert_eq!(contest.note_join(), None, "it counts anew");
    }

    #[test]
    fn a_record_takes_two_lines() {
        assert_eq!(size_of::<Record>(), 128);
    }
}
