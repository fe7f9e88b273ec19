//! Which behaviour a lock has, and why. All of it may be late, lost or doubled without harm.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::config::{Behaviour, Config};
use super::mode::Seen;
use super::record::{Record, Verdict};
use super::{AdaptiveRawRwLock, BEFORE_RECORD};
use crate::lock::slots;
use crate::lock::tally::{self, INTERVAL, ReadBias, Turn};
use crate::sync::REAL_FENCES;

/// Conflicts of a thread, with whatever lock, that are noted at once. In a model, each.
const CONFLICTS_A_NOTE: u32 = if REAL_FENCES { 16 } else { 1 };

/// So long a wait is one conflict more. About what an acquisition takes that is fought for.
const NANOS_A_CONFLICT: u128 = 64;

thread_local! {
    /// Conflicts of this thread since the last note.
    static CONFLICTS: Cell<u32> = const { Cell::new(0) };
    /// When it had its last sample, of whatever adaptive lock.
    static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
    /// How long it has waited for adaptive locks since.
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// How long it is since this thread's last sample, but for what it has waited; `None` if there was none.
fn lap() -> Option<Duration> {
    let now = Instant::now();
    let last = LAST.try_with(|last| last.replace(Some(now))).ok()??;
    let waited = WAITED
        .try_with(|waited| waited.replace(Duration::ZERO))
        .ok()?;
    Some(now.saturating_duration_since(last).saturating_sub(waited))
}

/// What a sample is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl AdaptiveRawRwLock {
    pub(super) fn record(&self) -> &Record {
        self.record.get_or_init(|| {
            // A lock that is used so much shall not pay for a fence with each unlocking.
            crate::lock::prepare();
            Box::default()
        })
    }

    /// The record, if there is one, or has been enough to note that there should be.
    pub(super) fn record_at_last(&self) -> Option<&Record> {
        if let Some(record) = self.record.get() {
            return Some(record);
        }
        (self.mode.note_early(BEFORE_RECORD) >= BEFORE_RECORD).then(|| self.record())
    }

    /// Notes one whom the fast path has stopped: it is a sample, or has met somebody.
    pub(super) fn note_stop(&self, access: Access) {
        self.mode.watch();
        let Some(drawn) = tally::take_sample() else {
            return;
        };
        if access == Access::Read {
            // The thread counts as a reader, also where it would not announce itself.
            slots::equip();
        }
        if let Some(record) = self.record_at_last() {
            let seen = self.mode.load();
            let config = seen.config();
            let pace = match (config.exclusive_nanos, seen.behaviour()) {
                (u16::MAX, _) => None,
                (nanos, Behaviour::Exclusive) => Some(nanos / 2),
                (nanos, Behaviour::Shared | Behaviour::Biased) => Some(nanos),
            };
            let lap = lap();
            let quick = pace.is_none_or(|pace| {
                let slowest = Duration::from_nanos(u64::from(pace) * u64::from(INTERVAL));
                lap.is_some_and(|lap| lap < slowest)
            });
            let crowd = record.contest.crowd();
            let turn = match access {
                Access::Read => record.tally.note_read_in(crowd, drawn),
                Access::Write => record.tally.note_write_in(crowd),
            };
            let verdict = record.contest.note_sample(config, quick);
            if !self.adapt(seen, turn, verdict) && record.contest.ends_watch() {
                self.mode.rest(seen);
            }
        }
    }

    /// Notes an acquisition that has met a conflict and waited for so long. Small conflicts are noted several at once:
    /// threads that fight for one line already shall not fight for another each time.
    pub(super) fn note_conflict(&self, waited: Duration) {
        let _ = WAITED.try_with(|all| all.set(all.get().saturating_add(waited)));
        let more = u32::try_from(1 + waited.as_nanos() / NANOS_A_CONFLICT).unwrap_or(u32::MAX);
        let due = CONFLICTS.try_with(|noted| {
            let now = noted.get().saturating_add(more);
            let due = now >= CONFLICTS_A_NOTE;
            noted.set(if due { 0 } else { now });
            due.then_some(now)
        });
        if let Ok(Some(conflicts)) = due
            && let Some(record) = self.record_at_last()
        {
            record.contest.note_conflicts(conflicts);
        }
    }

    /// Notes a reader that has kept off for long enough, and then joined others.
    pub(super) fn note_join(&self) {
        if let Some(record) = self.record.get() {
            self.adapt(self.mode.load(), None, record.contest.note_join());
        }
    }

    /// Turns the lock from what was seen to what it had better be; says whether it has. If something else has become of it
    /// meanwhile, or of its configuration, it has not.
    fn adapt(&self, seen: Seen, turn: Option<Turn>, verdict: Option<Verdict>) -> bool {
        let now = seen.behaviour();
        let next = choose(seen.config(), now, turn, verdict);
        if next == now || !self.mode.turn(seen, next) {
            return false;
        }
        let record = self.record();
        record.note_transition(next);
        match verdict {
            Some(Verdict::Unfit) if now == Behaviour::Exclusive => record.contest.put_off(),
            Some(Verdict::Calm) => record.contest.forgive(),
            _ => {}
        }
        true
    }

    /// Does as it is told.
    pub(super) fn configure(&self, config: Config) {
        let (from, to) = self
            .mode
            .configure(config, |now| choose(config, now, None, None));
        if from != to {
            self.record().note_transition(to);
        }
    }
}

/// The behaviour that it had better have.
fn choose(
    config: Config,
    now: Behaviour,
    turn: Option<Turn>,
    verdict: Option<Verdict>,
) -> Behaviour {
    match (config.bias, now) {
        (ReadBias::Always, _) => Behaviour::Biased,
        (ReadBias::Never, Behaviour::Biased) => Behaviour::Shared,
        (_, Behaviour::Biased) if turn == Some(Turn::Count) => Behaviour::Shared,
        // Also one that is fought over: who announces himself is in nobody's way.
        (ReadBias::Adaptive, _) if turn == Some(Turn::Announce) => Behaviour::Biased,
        (_, Behaviour::Shared) if verdict == Some(Verdict::Fought) => Behaviour::Exclusive,
        (_, Behaviour::Exclusive) if matches!(verdict, Some(Verdict::Calm | Verdict::Unfit)) => {
            Behaviour::Shared
        }
        _ => now,
    }
}
