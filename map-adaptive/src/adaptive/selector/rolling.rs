//! The way of a decision to all shards: operations that are samples go over them, one by one.

use std::sync::atomic::Ordering::Relaxed;

use map_core::strategy::{Coverage, hash_at};

use super::Selector;
use crate::policy::Kind;

/// Behind all positions.
const END: u64 = u64::MAX;
/// A pass over the shards is repeated so often while some are left over; those will be changed when they are next used.
const PASSES: usize = 64;

impl Selector {
    /// The position of a shard that may have to be changed.
    pub(in crate::adaptive) fn next_due(&self) -> Option<u64> {
        if !self.is_rolling.load(Relaxed) {
            return None;
        }
        Some(self.next.load(Relaxed)).filter(|next| *next != END)
    }

    /// The shard at that position has been changed, or is left over.
    pub(in crate::adaptive) fn went_by(&self, position: u64, coverage: Coverage, is_due: bool) {
        if is_due {
            self.left_over.store(true, Relaxed);
        }
        if !coverage.covers(hash_at(position)) {
            // It was split or merged just now: the same position again.
            return;
        }
        let next = coverage.end().unwrap_or(END);
        // Only who was first goes on.
        let went_on = self
            .next
            .compare_exchange(position, next, Relaxed, Relaxed)
            .is_ok();
        if went_on && next == END {
            self.end_pass();
        }
    }

    fn end_pass(&self) {
        // Twice at least: some operation may just now have gone by as if for the last roll-out.
        let passes = self.passes.fetch_add(1, Relaxed);
        let again = passes == 0 || self.left_over.swap(false, Relaxed) && passes < PASSES;
        self.is_rolling.store(again, Relaxed);
        self.next.store(0, Relaxed);
    }

    pub(super) fn roll_out(&self, to: Kind) {
        self.pace.hurry();
        self.target.set(to);
        self.passes.store(0, Relaxed);
        self.left_over.store(false, Relaxed);
        self.next.store(0, Relaxed);
        self.is_rolling.store(true, Relaxed);
    }
}
