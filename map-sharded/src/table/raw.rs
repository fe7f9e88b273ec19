//! The memory of a table: buckets and control bytes, in one allocation or none.
//!
//! ```text
//!                          ctrl
//!                           v
//! | bucket n-1 | .. | bucket 0 | control byte 0 | .. | n-1 | the first ones again |
//! ```
//!
//! A [`Group`] can be loaded from each control byte on, so there are [`Group::WIDTH`] more of them than buckets: the
//! first ones again; where there are fewer buckets than a group has positions, empty ones between.

use std::alloc::{self, Layout};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use map_core::strategy::{FETCHES, fetch_to_read};

use super::group::{DELETED, EMPTY, Group, is_full, vacated};

/// The fewest buckets that memory is taken for.
const FEWEST: usize = 4;

/// What the address of the control bytes is a multiple of.
pub(super) const ALIGNMENT: usize = 16;

const _: () = assert!(size_of::<Group>() <= ALIGNMENT);

/// Stands for the control bytes of a table without memory.
static NO_ENTRIES: [u8; Group::WIDTH] = [EMPTY; Group::WIDTH];

/// Buckets and their control bytes. Frees the memory and drops no entry.
///
/// Without memory it has one bucket, which is empty and stays so: then `mask` is 0. Else `mask` is one less than the
/// number of buckets, a power of two. A bucket whose control byte [is full](is_full) holds an entry, unless
/// who owns this has moved it out and is about to say so, or drops this without looking at entries any more.
pub(super) struct Raw<T> {
    ctrl: NonNull<u8>,
    mask: usize,
    entries: PhantomData<T>,
}

// SAFETY: it owns its entries, as a `Vec` does.
unsafe impl<T: Send> Send for Raw<T> {}
// SAFETY: as above; `&Raw` gives out `&T` alone.
unsafe impl<T: Sync> Sync for Raw<T> {}

impl<T> Raw<T> {
    pub(super) const fn without_memory() -> Self {
        Self {
            ctrl: NonNull::from_ref(&NO_ENTRIES).cast(),
            mask: 0,
            entries: PhantomData,
        }
    }

    /// How many buckets it takes for so many entries; `None` if there cannot be so many.
    pub(super) fn buckets_for(entries: usize) -> Option<usize> {
        match entries {
            0 => Some(0),
            1..4 => Some(FEWEST),
            4..8 => Some(8),
            _ => (entries.checked_mul(8)? / 7).checked_next_power_of_two(),
        }
    }

    /// How many entries so many buckets hold: at least one bucket is empty always.
    pub(super) fn room_in(buckets: usize) -> usize {
        match buckets {
            0 | 1 => 0,
            2..=8 => buckets - 1,
            _ => buckets / 8 * 7,
        }
    }

    /// The memory for so many buckets, and how far into it the control bytes begin.
    pub(super) fn layout(buckets: usize) -> Option<(Layout, usize)> {
        let entries = Layout::array::<T>(buckets).ok()?;
        let entries = entries.align_to(ALIGNMENT).ok()?;
        let control = Layout::array::<u8>(buckets.checked_add(Group::WIDTH)?).ok()?;
        // Padded, so that the control bytes are aligned, too.
        entries.pad_to_align().extend(control).ok()
    }

    /// Empty buckets, so many of them, a power of two and at least [`FEWEST`]; `None` if there is no memory.
    pub(super) fn with_buckets(buckets: usize) -> Option<Self> {
        assert!(buckets.is_power_of_two() && buckets >= FEWEST);
        let (layout, offset) = Self::layout(buckets)?;
        // SAFETY: its size is not zero, for there are control bytes.
        let memory = NonNull::new(unsafe { alloc::alloc(layout) })?;
        // SAFETY: `layout` reaches from `memory` over `offset` to the end of the control bytes.
        let ctrl = unsafe {
            let ctrl = memory.add(offset);
            ctrl.write_bytes(EMPTY, buckets + Group::WIDTH);
            ctrl
        };
        Some(Self {
            ctrl,
            mask: buckets - 1,
            entries: PhantomData,
        })
    }

    /// One less than the number of buckets; 0 without memory.
    #[inline(always)]
    pub(super) fn mask(&self) -> usize {
        self.mask
    }

    /// The number of buckets, 0 without memory.
    #[inline]
    pub(super) fn buckets(&self) -> usize {
        match self.mask {
            0 => 0,
            mask => mask + 1,
        }
    }

    /// The control byte of a bucket, if there is such a bucket.
    #[inline]
    pub(super) fn control(&self, index: usize) -> Option<u8> {
        // SAFETY: there are that many control bytes and more.
        (index <= self.mask).then(|| unsafe { self.ctrl.add(index).read() })
    }

    /// The control bytes from `index` on.
    ///
    /// # Safety
    ///
    /// 1. `index` is at most [`mask`](Self::mask).
    #[inline(always)]
    pub(super) unsafe fn group(&self, index: usize) -> Group {
        // SAFETY: from there on there are at least `WIDTH` control bytes, by (1).
        unsafe { Group::load(self.ctrl.as_ptr().add(index)) }
    }

    /// Has the cache line of a bucket fetched, if there is such a bucket.
    #[inline(always)]
    pub(super) fn prefetch(&self, index: usize) {
        fetch_to_read(self.ctrl.cast::<T>().as_ptr().wrapping_sub(index + 1));
    }

    /// Where the control bytes are, and in the low bits, which such an address has zero, the binary logarithm of the number of buckets; 0 without
    /// memory, or where that number is too large.
    pub(super) fn locator(&self) -> usize {
        // Of no buckets it is too large, too.
        let exponent = self.buckets().trailing_zeros() as usize;
        if !FETCHES || exponent >= ALIGNMENT {
            return 0;
        }
        self.ctrl.addr().get() | exponent
    }

    /// The bucket and the control byte that a search for `hash` begins with, in the table that has this locator, or that had it once:
    /// then there may be anything.
    #[inline(always)]
    pub(super) fn first_of(locator: usize, hash: u64) -> Option<(*const T, *const u8)> {
        // The address of nothing would be looked for in the page tables each time.
        if locator == 0 {
            return None;
        }
        let ctrl = ptr::without_provenance::<u8>(locator & !(ALIGNMENT - 1));
        let mask = !(usize::MAX << (locator & (ALIGNMENT - 1)));
        let Probe { at, .. } = Probe::new(hash, mask);
        Some((ctrl.cast::<T>().wrapping_sub(at + 1), ctrl.wrapping_add(at)))
    }

    /// A bucket.
    ///
    /// # Safety
    ///
    /// 1. It has memory, and `index` is at most [`mask`](Self::mask): as it is where there is an entry.
    #[inline(always)]
    pub(super) unsafe fn bucket(&self, index: usize) -> NonNull<T> {
        // SAFETY: below the control bytes lie as many buckets as the mask says and one more, by (1).
        unsafe { self.ctrl.cast::<T>().sub(index + 1) }
    }

    /// Changes a control byte, and what repeats it.
    ///
    /// # Safety
    ///
    /// 1. It has memory, and `index` is at most [`mask`](Self::mask).
    /// 2. If the byte is full, there is an entry in the bucket.
    #[inline(always)]
    unsafe fn set_control(&mut self, index: usize, control: u8) {
        // The byte itself, unless it is one of the first.
        let again = (index.wrapping_sub(Group::WIDTH) & self.mask) + Group::WIDTH;
        // SAFETY: by (1); `again` is at most the mask and a width more, the last control byte.
        unsafe {
            self.ctrl.add(index).write(control);
            self.ctrl.add(again).write(control);
        }
    }

    /// The first vacant bucket that a search for `hash` comes by, in a table with memory.
    #[inline]
    pub(super) fn vacancy(&self, hash: u64) -> usize {
        let mut probe = Probe::new(hash, self.mask);
        loop {
            // SAFETY: 1. A probe stays within the mask.
            let group = unsafe { self.group(probe.at) };
            if let Some(position) = group.vacant().lowest() {
                let index = (probe.at + position) & self.mask;
                if self.mask < Group::WIDTH {
                    return self.vacant_of_few(index);
                }
                return index;
            }
            probe.go_on(self.mask);
        }
    }

    /// The first empty bucket that a search for `hash` comes by, in a table with memory and an empty bucket.
    ///
    /// The same as [`vacancy`](Self::vacancy) where none is deleted. It looks at one control byte after the other: whoever fills a table without a
    /// break would load those that he has just stored, and of a group the processor has no byte before all are in the cache. (Measured:
    /// growth to 1,000 entries took 1.3 times as long.)
    #[inline(always)]
    pub(super) fn next_empty(&self, hash: u64) -> usize {
        let mut probe = Probe::new(hash, self.mask);
        loop {
            for position in 0..Group::WIDTH {
                let index = (probe.at + position) & self.mask;
                // SAFETY: it was masked.
                if unsafe { self.ctrl.add(index).read() } == EMPTY {
                    return index;
                }
            }
            probe.go_on(self.mask);
        }
    }

    /// A vacant bucket, of fewer than a group has positions: what a group says may have meant the empty control bytes
    /// that belong to no bucket.
    fn vacant_of_few(&self, index: usize) -> usize {
        if self.control(index).is_some_and(is_full) {
            // SAFETY: 1. 0 is at most any mask.
            let first = unsafe { self.group(0) }.vacant().lowest();
            let first = first.expect("a bucket is empty always");
            debug_assert!(first <= self.mask, "a bucket is empty always");
            return first;
        }
        index
    }

    /// Marks a bucket as a deleted one.
    ///
    /// # Safety
    ///
    /// 1. It has memory, and `index` is at most [`mask`](Self::mask).
    pub(super) unsafe fn mark_deleted(&mut self, index: usize) {
        // SAFETY: 1. By (1). 2. It is not full.
        unsafe { self.set_control(index, DELETED) };
    }

    /// Puts an entry of this tag into a vacant bucket. Was it empty, and no deleted one?
    ///
    /// # Safety
    ///
    /// 1. It has memory, and `index` is at most [`mask`](Self::mask).
    /// 2. That bucket is vacant.
    #[inline(always)]
    pub(super) unsafe fn fill(&mut self, index: usize, tag: u8, entry: T) -> bool {
        // SAFETY: by (1) both exist, and by (2) no entry is written over. Then there is one.
        unsafe {
            let was_empty = self.ctrl.add(index).read() & EMPTY != 0;
            self.bucket(index).write(entry);
            self.set_control(index, tag);
            was_empty
        }
    }

    /// Makes a bucket vacant. Is it empty now, and no deleted one?
    ///
    /// # Safety
    ///
    /// 1. There is an entry in that bucket, which the caller has moved out.
    #[inline(always)]
    pub(super) unsafe fn vacate(&mut self, index: usize) -> bool {
        // If it lies among so many full ones that a search may have looked at a group without an empty one, searches must go on here.
        let before = index.wrapping_sub(Group::WIDTH) & self.mask;
        // SAFETY: 1. An index of a bucket by (1), and one that was masked.
        let (before, after) = unsafe { (self.group(before), self.group(index)) };
        let empty = before.empty().are_near(after.empty());
        // SAFETY: 1. By (1). 2. It is not full.
        unsafe { self.set_control(index, vacated(empty)) };
        empty
    }
}

impl<T> Drop for Raw<T> {
    fn drop(&mut self) {
        if self.mask == 0 {
            return;
        }
        let (layout, offset) = Self::layout(self.mask + 1).expect("it was computed before");
        // SAFETY: `with_buckets` took it, of this layout.
        unsafe { alloc::dealloc(self.ctrl.sub(offset).as_ptr(), layout) };
    }
}

/// The positions that a search looks at, a group at each: each group once, by triangular numbers.
#[derive(Clone, Copy)]
pub(super) struct Probe {
    pub(super) at: usize,
    stride: usize,
}

impl Probe {
    #[inline(always)]
    pub(super) fn new(hash: u64, mask: usize) -> Self {
        Self {
            at: hash as usize & mask,
            stride: 0,
        }
    }

    #[inline(always)]
    pub(super) fn go_on(&mut self, mask: usize) {
        self.stride += Group::WIDTH;
        self.at = (self.at + self.stride) & mask;
    }
}
