//! Which behaviour a lock has, and why. All of it may be late, lost or doubled without harm.

use std::cell::Cell;

use super::config::{Behaviour, Config};
use super::record::{Record, Verdict};
use super::{AdaptiveRawRwLock, BEFORE_RECORD};
use crate::lock::slots;
use crate::lock::tally::{self, ReadBias, Turn};
use crate::sync::REAL_FENCES;
use crate::sync::atomic::Ordering::Relaxed;

/// Conflicts of a thread, with whatever lock, that are noted at once. In a model, each.
const CONFLICTS_A_NOTE: u32 = if REAL_FENCES { 16 } else { 1 };

thread_local! {
    /// Conflicts of this thread since the last note.
    static CONFLICTS: Cell<u32> = const { Cell::new(0) };
}

/// What a sample is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

// Relaxed throughout: rules of thumb.
impl AdaptiveRawRwLock {
    pub(super) fn behaviour(&self) -> Behaviour {
        Behaviour::unpack(self.behaviour.load(Relaxed))
    }

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
        let early = self.early.load(Relaxed);
        if early < BEFORE_RECORD {
            self.early.store(early + 1, Relaxed);
            return None;
        }
        Some(self.record())
    }

    pub(super) fn note_if_sample(&self, access: Access) {
        let Some(drawn) = tally::take_sample() else {
            return;
        };
        if access == Access::Read {
            // The thread counts as a reader, also where it would not announce itself.
            slots::equip();
        }
        if let Some(record) = self.record_at_last() {
            let config = self.config();
            let turn = match access {
                Access::Read => record.tally.note_read(drawn),
                Access::Write => record.tally.note_write(),
            };
            self.adapt(config, turn, record.contest.note_sample(config));
        }
    }

    /// Notes a conflict, in truth that of several of this thread: threads that fight for one line already shall
    /// not fight for another each time.
    pub(super) fn note_conflict(&self) {
        let due = CONFLICTS.try_with(|noted| {
            let now = noted.get() + 1;
            noted.set(now % CONFLICTS_A_NOTE);
            now == CONFLICTS_A_NOTE
        });
        if due.unwrap_or(false)
            && let Some(record) = self.record_at_last()
        {
            let config = self.config();
            let verdict = record.contest.note_conflicts(CONFLICTS_A_NOTE, config);
            self.adapt(config, None, verdict);
        }
    }

    /// Chooses the behaviour.
    pub(super) fn adapt(&self, config: Config, turn: Option<Turn>, verdict: Option<Verdict>) {
        let now = self.behaviour();
        let next = match (config.bias, now) {
            (ReadBias::Always, _) => Behaviour::Biased,
            _ if verdict == Some(Verdict::Fought) => Behaviour::Exclusive,
            (_, Behaviour::Exclusive) if verdict == Some(Verdict::Calm) => Behaviour::Shared,
            (ReadBias::Never, Behaviour::Biased) => Behaviour::Shared,
            (_, Behaviour::Biased) if turn == Some(Turn::Count) => Behaviour::Shared,
            (ReadBias::Adaptive, Behaviour::Shared) if turn == Some(Turn::Announce) => {
                Behaviour::Biased
            }
            _ => now,
        };
        if next != now
            && self
                .behaviour
                .compare_exchange(now.pack(), next.pack(), Relaxed, Relaxed)
                .is_ok()
        {
            self.record().note_transition(next);
        }
    }
}
