//! The way to a shard: what stands in a directory's roots, and in the places of its arrays.

use std::hint::assert_unchecked;
use std::marker::PhantomData;
use std::ptr;

use super::coverage::below_tag;
use super::directory::Directory;
use super::header::Header;
use super::lanes::{self, Lanes};
use crate::strategy::{Open, Table};
use crate::sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Relaxed};

/// The low bits of the root that hold the shift; array addresses have them zero.
const SHIFT_MASK: usize = 63;

/// What stands in the root of announcers or of lockers if they are to go to the one shard in the map itself.
pub(super) const FIRST: usize = 2;

/// What stands in the root of announcers if they are to sit in lanes.
pub(super) const LANES: usize = 1;

/// The bit of a place that says that its shard has something for readers without the lock.
const READ_TABLE: usize = 1;

/// What stands in a place: where a shard is, and whether it has something for readers without its lock. That is a hint, so that a
/// reader need not ask the shard itself: either way it may be wrong for a while, and what is in the shard decides.
pub(crate) struct Signpost<'a, L, O> {
    /// The address of a header, and perhaps [`READ_TABLE`].
    tagged: *mut Header<L, O>,
    /// Whether it is from a plain place: then it is but the address. A constant wherever one is made, and so mostly the compiler's question.
    is_plain: bool,
    directory: PhantomData<&'a Header<L, O>>,
}

/// Whether what stands in a place says that its shard has something for readers without the lock.
#[inline(always)]
pub(super) fn says_read_table<L, O>(tagged: *mut Header<L, O>) -> bool {
    tagged.addr() & READ_TABLE != 0
}

impl<'a, L, O: Open> Signpost<'a, L, O> {
    #[inline(always)]
    pub(super) fn new(header: &'a Header<L, O>, has_read_table: bool) -> Self {
        let bit = if has_read_table { READ_TABLE } else { 0 };
        Self {
            tagged: ptr::from_ref(header)
                .cast_mut()
                .map_addr(|address| address | bit),
            is_plain: !O::MAY_HAVE_READ_TABLE,
            directory: PhantomData,
        }
    }

    /// To be put into a place.
    pub(super) fn tagged(&self) -> *mut Header<L, O> {
        self.tagged
    }

    #[inline(always)]
    pub(crate) fn says_read_table(&self) -> bool {
        !self.is_plain && says_read_table(self.tagged)
    }

    /// The same as from a plain place.
    #[inline(always)]
    pub(super) fn plain(header: &'a Header<L, O>) -> Self {
        Self {
            tagged: ptr::from_ref(header).cast_mut(),
            is_plain: true,
            directory: PhantomData,
        }
    }

    /// Whether it cannot say it.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &'a Header<L, O> {
        let header = if self.is_plain {
            self.tagged
        } else {
            self.tagged.map_addr(|address| address & !READ_TABLE)
        };
        // SAFETY: it is the address of a header of the directory, which lives as long: it was made of a reference, or stood in a
        // published array, as some header's signpost. So it is not null: who has asked whether there is a header need not ask twice.
        unsafe {
            assert_unchecked(!header.is_null());
            &*header
        }
    }
}

/// An array of places that some directory has, or had, with its length.
#[derive(Clone, Copy)]
pub(crate) struct Root<'a, L, O> {
    /// Not null, nor [`LANES`] or [`FIRST`]: see [`Directory`].
    tagged: *mut AtomicPtr<Header<L, O>>,
    /// Whether its places are plain. Known wherever one is loaded.
    is_plain: bool,
    directory: PhantomData<&'a Directory<L, O>>,
}

impl<'a, L, O: Open> Root<'a, L, O> {
    /// What stands in a root, if it leads to an array.
    #[inline(always)]
    pub(super) fn new(tagged: *mut AtomicPtr<Header<L, O>>, is_plain: bool) -> Option<Self> {
        // An array's address is larger.
        (tagged.addr() > FIRST).then_some(Self {
            tagged,
            is_plain: is_plain || !O::MAY_HAVE_READ_TABLE,
            directory: PhantomData,
        })
    }

    /// The first place, and the number of the one for `hash`, which is one of the array's.
    #[inline(always)]
    fn place(&self, hash: u64) -> (*mut AtomicPtr<Header<L, O>>, usize) {
        // The root's low bits say how long the array is, and the shift leaves only so many bits of the position.
        let shift = self.tagged.addr() & SHIFT_MASK;
        let array = self.tagged.map_addr(|address| address & !SHIFT_MASK);
        (array, (below_tag(hash) >> shift) as usize)
    }

    /// The way to the shard that covers `hash`, or did a moment ago.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u64) -> Signpost<'a, L, O> {
        let (array, index) = self.place(hash);
        // SAFETY: there is such a place; arrays live as long as their directory, which is borrowed for `'a`.
        let place = unsafe { &*array.add(index) };
        Signpost {
            // Acquire: pairs with the Release in `Structure::put`; publishes the header.
            tagged: place.load(Acquire),
            is_plain: self.is_plain,
            directory: PhantomData,
        }
    }

    /// The lanes of that shard, if it has had any open, where shards may have some.
    #[inline(always)]
    pub(super) fn find_lanes(&self, hash: u64) -> Option<&'a Lanes<L, O>> {
        let (array, index) = self.place(hash);
        // SAFETY: this is asked where shards may have lanes. There, before the first place lie as many of them as there are places, from there backwards, each
        // behind a locator; arrays live as long as their directory, which is borrowed for `'a`.
        let place = unsafe { &*array.sub(to_lane(index)) };
        // Acquire: pairs with the Release in `Structure::put`; publishes the lanes.
        let first = place.load(Acquire);
        // SAFETY: in these places there is null, or the address of lanes, which live as long.
        unsafe { first.cast::<Lanes<L, O>>().as_ref() }
    }

    /// The locator of the table of that shard, or of an older one. The root is everybody's: before plain places there may be none.
    #[inline(always)]
    pub(super) fn locator(&self, hash: u64) -> usize
    where
        L: Table,
    {
        let (array, index) = self.place(hash);
        // SAFETY: before the first place lie as many locators as there are places, from there backwards, each with a place of lanes before it if shards may have
        // some; they live as long.
        let locator = unsafe { &*array.sub(to_locator::<L, O>(index)) };
        // Relaxed: nothing is read through it.
        locator.load(Relaxed).addr()
    }
}

/// How far before the first place the locator that goes with a place lies. Where shards may have lanes, the place of these lies before each.
#[inline(always)]
pub(super) const fn to_locator<L: Table, O: Open>(index: usize) -> usize {
    if lanes::may_be::<L, O>() {
        to_lane(index) - 1
    } else {
        index + 1
    }
}

/// The same of the place of lanes, so that nobody has to know how many places there are.
#[inline(always)]
pub(super) const fn to_lane(index: usize) -> usize {
    2 * index + 2
}

/// What stands in a root that leads to an array of `2^depth` places; not 0.
pub(super) fn tagged_root<P>(array: *const P, depth: u32) -> *mut P {
    array
        .cast_mut()
        .map_addr(|address| address | (64 - depth as usize))
}
