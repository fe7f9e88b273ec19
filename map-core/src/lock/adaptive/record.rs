//! What an adaptive lock remembers, apart from itself, lest a note take from others what they need for each
//! acquisition.

use std::time::Duration;

use super::config::{Behaviour, Config, Stats};
use crate::lock::tally::{INTERVAL, Tally};
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
    transitions: [hint::AtomicU64; 3],
    revocations: hint::AtomicU64,
    revocation_nanos: hint::AtomicU64,
}

impl Record {
    // Relaxed, here and below: numbers for people.
    pub(super) fn note_transition(&self, to: Behaviour) {
        self.transitions[usize::from(to.pack())].fetch_add(1, Relaxed);
    }

    pub(super) fn note_revocation(&self, took: Duration) {
        self.revocations.fetch_add(1, Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.revocation_nanos.fetch_add(nanos, Relaxed);
    }

    pub(super) fn stats(&self, behaviour: Behaviour) -> Stats {
        let times = |to: Behaviour| self.transitions[usize::from(to.pack())].load(Relaxed);
        Stats {
            behaviour,
            to_biased: times(Behaviour::Biased),
            to_shared: times(Behaviour::Shared),
            to_exclusive: times(Behaviour::Exclusive),
            revocations: self.revocations.load(Relaxed),
            revocation_time: Duration::from_nanos(self.revocation_nanos.load(Relaxed)),
        }
    }
}

/// How much a lock is fought over: conflicts are counted, acquisitions are sampled.
#[derive(Debug, Default)]
pub(super) struct Contest {
    samples: hint::AtomicU32,
    conflicts: hint::AtomicU32,
}

/// What a window says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The share of conflicts is as high as [`Config::conflicts_on_percent`].
    Fought,
    /// It is as low as [`Config::conflicts_off_percent`].
    Calm,
}

impl Contest {
    /// Notes an acquisition that is a sample. With it a window may end.
    // Relaxed, here and below: rules of thumb, and a lost sample is no loss.
    pub(super) fn note_sample(&self, config: Config) -> Option<Verdict> {
        let samples = self.samples.load(Relaxed) + 1;
        if samples < WINDOW {
            self.samples.store(samples, Relaxed);
            return None;
        }
        self.samples.store(0, Relaxed);
        let conflicts = u64::from(self.conflicts.swap(0, Relaxed)) * 100;
        if conflicts >= u64::from(config.conflicts_on_percent) * ACQUISITIONS {
            Some(Verdict::Fought)
        } else if conflicts <= u64::from(config.conflicts_off_percent) * ACQUISITIONS {
            Some(Verdict::Calm)
        } else {
            None
        }
    }

    /// Notes so many acquisitions that have met a conflict. If there are enough for a window already, its end need
    /// not be waited for.
    pub(super) fn note_conflicts(&self, more: u32, config: Config) -> Option<Verdict> {
        let conflicts = self.conflicts.load(Relaxed).saturating_add(more);
        self.conflicts.store(conflicts, Relaxed);
        let conflicts = u64::from(conflicts);
        let enough = u64::from(config.conflicts_on_percent) * ACQUISITIONS;
        (conflicts * 100 >= enough).then_some(Verdict::Fought)
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;

    fn window(contest: &Contest, conflicts: u32) -> Option<Verdict> {
        for _ in 0..conflicts {
            let _ = contest.note_conflicts(1, Config::DEFAULT);
        }
        for _ in 1..WINDOW {
            assert_eq!(contest.note_sample(Config::DEFAULT), None, "too early");
        }
        contest.note_sample(Config::DEFAULT)
    }

    #[test]
    fn a_window_has_three_answers() {
        let contest = Contest::default();
        assert_eq!(window(&contest, 204), None);
        assert_eq!(window(&contest, 205), Some(Verdict::Fought));
        assert_eq!(window(&contest, 82), None);
        assert_eq!(window(&contest, 81), Some(Verdict::Calm));
        assert_eq!(window(&contest, 0), Some(Verdict::Calm));
    }

    #[test]
    fn enough_conflicts_end_the_wait() {
        let contest = Contest::default();
        for _ in 0..204 {
            assert_eq!(contest.note_conflicts(1, Config::DEFAULT), None);
        }
        assert_eq!(
            contest.note_conflicts(1, Config::DEFAULT),
            Some(Verdict::Fought)
        );
    }

    #[test]
    fn a_record_takes_two_lines() {
        assert_eq!(size_of::<Record>(), 128);
    }
}
