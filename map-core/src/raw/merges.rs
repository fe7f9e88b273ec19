//! Who merges shards of a map, and who must not meet the merger.
//!
//! A walk that can hash keys passes over what it has seen of a merger. One that cannot [forbids](Merges::forbid) merges instead,
//! as long as it goes on: then the shards that it meets are parts of those that there were when it began, whatever splits. A
//! merge that may not be is left out; nobody waits for one to be allowed.

use crate::sync::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use crate::sync::yield_now;

/// The lower half of the bits: the number of merges that are under way, or have yet to notice that they may not be. The upper
/// half: the number of walks that forbid them.
#[derive(Default)]
pub(crate) struct Merges(AtomicUsize);

/// One walk in the upper half.
const WALK: usize = 1 << (usize::BITS / 2);

/// A merge that is under way.
pub(crate) struct Merging<'a>(&'a Merges);

impl Merges {
    /// Begins a merge, if it may be.
    pub(crate) fn begin(&self) -> Option<Merging<'_>> {
        // Relaxed: whichever comes first of this and the addition in `forbid`, the other sees.
        let before = self.0.fetch_add(1, Relaxed);
        let merging = Merging(self);
        (before < WALK).then_some(merging)
    }
}

impl Drop for Merging<'_> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `forbid`; publishes what the shards cover now.
        self.0.0.fetch_sub(1, Release);
    }
}

/// No shards merge while this is there.
pub(crate) struct Unmerged<'a>(&'a Merges);

impl Merges {
    /// Forbids merges from now on. Waits for those that are under way.
    pub(crate) fn forbid(&self) -> Unmerged<'_> {
        self.0.fetch_add(WALK, Relaxed);
        let unmerged = Unmerged(self);
        // Acquire: pairs with the Release of those that end.
        while !self.0.load(Acquire).is_multiple_of(WALK) {
            yield_now();
        }
        unmerged
    }
}

impl Drop for Unmerged<'_> {
    fn drop(&mut self) {
        // Relaxed: what a merge does after this, it does under its shards' locks, and so after whatever was done in them.
        self.0.0.fetch_sub(WALK, Relaxed);
    }
}
