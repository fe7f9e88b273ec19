//! Lanes: two lines beside a shard for readers, so that two threads that read it do not write to the same one.
//!
//! Where there is a write now and then, readers that announce themselves pay for it three times: the writer takes the line of
//! the shard, which they look at, and looks at the line of each reader's slot, and then the entry. And readers that count themselves pass the line of the
//! shard to and fro at each read. So a shard may have *lanes* (after the lock that has one for each processor, Hsieh and Weihl 1992, and the
//! reader indicators of Calciu et al. 2013): a reader takes the *seat* in the lane of its thread, and a writer
//! *closes* all lanes. What keeps a reader out stands on the line that says that a reader is in; and so does all else that a read wants to know
//! of the shard, for a lane has a copy. Measured with two threads: see [`tally`](crate::lock::tally).
//!
//! *Nobody reads beside a writer.* A reader takes the seat, then looks whether the lane is closed; the writer, who has the shard's lock, closes the lane,
//! then looks at the seat. All four are SeqCst: either the reader sees that it is closed, and goes, or the writer sees the reader. The copy is written while the
//! lane is closed and nobody is in.
//!
//! *A writer wants several lines* that the other thread has as likely as not: those of the shard's lock, of both lanes and of the entry. So while readers sit, he
//! has them fetched all at once before he takes the lock. (Measured with two threads, 5 % writes and 1,000 keys: 0.96 of the time.)
//!
//! *A seat is for one.* Who finds it taken (by a thread of the same lane, or by a read around its own) goes to the shard's lock, as does
//! whoever finds the lane closed.
//!
//! *A reader that stays long* may be waiting for the shard's lock further on. So the writer gives that back, and waits without it; the lanes stay closed then,
//! and the [bias](crate::lock::bias) says that somebody is still in, as it does of those that have announced themselves.
//!
//! *A lane is a [`Header`] itself*, of which a reader uses the lock (whether it says that it is held), the coverage, the table, and the name: that
//! is the seat. So a hold of a lane is what a hold of a shard is.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::fetch::fetch_to_write;
use super::header::Header;
use crate::lock::slots::{self, Announced, NameWord, Wait};
use crate::strategy::{Open, Table};
use crate::sync::{REAL_FENCES, fence_in_model};

/// Lanes that a shard has. Each costs a writer as much as a lock that another core has used. In a model one, for a writer closes all.
const LANES: usize = if REAL_FENCES { 2 } else { 1 };

/// On a pair of lines of its own, since processors fetch them in pairs.
#[repr(C, align(128))]
struct Lane<L, O>(
    /// What lies under its lock is the shard's, and is dropped there.
    ManuallyDrop<Header<L, O>>,
);

/// The lanes of a shard. As headers they are not freed before their map.
#[repr(C)]
pub(super) struct Lanes<L, O> {
    lanes: [Lane<L, O>; LANES],
    /// That of the shard, for those who watch over holds.
    #[cfg(debug_assertions)]
    identity: usize,
}

/// Whether the shards of a map may have lanes: what lies under their locks may be copied, and there is nothing open.
pub(super) const fn may_be<L: Table, O: Open>() -> bool {
    L::COPIED.is_some()
        && !O::MAY_HAVE_READ_TABLE
        && size_of::<O>() == 0
        && !std::mem::needs_drop::<O>()
}

impl<L: Table, O: Open> Lanes<L, O> {
    /// Closed ones, for a shard that its maker has locked.
    pub(super) fn beside(header: &Header<L, O>) -> Self {
        let lane = |_| {
            let lane = header.lane();
            lane.lock.shut();
            Lane(ManuallyDrop::new(lane))
        };
        Self {
            lanes: std::array::from_fn(lane),
            #[cfg(debug_assertions)]
            identity: header.identity(),
        }
    }
}

impl<L, O> Lanes<L, O> {
    /// The lane of this thread.
    #[inline(always)]
    pub(super) fn own(&self) -> &Header<L, O> {
        // No more of it, so that nothing is asked about the array's end.
        &self.lanes[slots::lane() % LANES].0
    }

    /// What tells the shard from others, in debug builds.
    #[inline(always)]
    pub(super) fn identity(&self) -> usize {
        #[cfg(debug_assertions)]
        return self.identity;
        #[cfg(not(debug_assertions))]
        0
    }

    fn all(&self) -> impl Iterator<Item = &Header<L, O>> {
        self.lanes.iter().map(|lane| &*lane.0)
    }

    /// How many seats are taken.
    #[cfg(feature = "conformance")]
    pub(super) fn seated(&self) -> usize {
        self.all()
            .filter(|lane| !slots::is_free(lane.seat(), Wait::Not))
            .count()
    }

    /// Has the lines of all lanes fetched, for who is about to close them.
    #[inline]
    pub(super) fn fetch(&self) {
        self.all().for_each(|lane| fetch_to_write(lane));
    }

    /// Lets no more readers in, for who has the shard's lock exclusively.
    #[inline]
    pub(super) fn close(&self) {
        // SeqCst (in there): before the look at the seats, with a reader's taking of one.
        self.all().for_each(|lane| lane.lock.shut());
        fence_in_model();
    }

    /// Whether no reader is in, for whoever knows that the lanes are closed; gives those that are so long.
    #[inline]
    pub(super) fn are_empty(&self, wait: Wait) -> bool {
        self.all().all(|lane| slots::is_free(lane.seat(), wait))
    }

    /// Lets readers in again beside those who stayed, for nothing was changed.
    pub(super) fn reopen(&self) {
        self.all().for_each(|lane| lane.lock.open());
    }

    /// Lets readers in again, who find the shard as it is now. For who has the shard's lock exclusively, and has closed the
    /// lanes and found them empty.
    #[cold]
    #[inline(never)]
    pub(super) fn open(&self, header: &Header<L, O>) {
        for lane in self.all() {
            lane.copy_from(header);
            lane.lock.open();
        }
    }
}

/// Takes a seat.
#[inline(always)]
pub(super) fn sit(seat: &NameWord) -> Option<Announced> {
    // SAFETY: the seat is in a lane, which lives as long as its map, and the announcement lives in a hold, which borrows the map.
    let seat = unsafe { NonNull::from(seat).as_ref() };
    slots::sit(seat)
}
