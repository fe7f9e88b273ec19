//! What a directory is made of, changed under one mutex: chunks of headers, the arrays of shard
//! addresses, and the counts that its limits need.

use std::ptr::{self, NonNull};

use super::coverage::Coverage;
use super::header::Header;
use super::holds::Exclusive;
use super::lanes::{self, Lanes};
use super::way::{Signpost, says_read_table, to_lane, to_locator};
use crate::strategy::{Open, Table};
use crate::sync::atomic::{AtomicPtr, Ordering::Relaxed, Ordering::Release};

/// Some places of an array, or as many words of what lies before them: a cache line, so that the places start on one.
#[repr(align(64))]
pub(crate) struct Line<L, O>([AtomicPtr<Header<L, O>>; PLACES]);

/// The first of several places.
type Places<L, O> = *const AtomicPtr<Header<L, O>>;

/// How many places a line has.
const PLACES: usize = 64 / size_of::<AtomicPtr<()>>();

// From one line to the next, too, each place follows the other.
const _: () = assert!(size_of::<Line<(), ()>>() == PLACES * size_of::<AtomicPtr<()>>());

impl<L, O> Line<L, O> {
    fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())))
    }
}

/// A header in a chunk, with no other on the pair of lines that it lies on: processors fetch lines in pairs, and whoever locks a
/// shard would take its neighbour's line from whoever uses that. (Measured with two threads that write to 1,000 keys: 0.9 of the time.)
#[repr(C, align(128))]
struct Apart<L, O>(Header<L, O>);

/// Chunks of headers grow up to this many.
const LARGEST_CHUNK: usize = 128;

pub(crate) struct Structure<L, O> {
    /// All headers but the map's first, in chunks that are freed with the map.
    chunks: Vec<NonNull<[Apart<L, O>]>>,
    /// Headers out of use: they cover nothing.
    free: Vec<NonNull<Header<L, O>>>,
    /// The lanes of headers that have had any, freed with the map.
    lanes: Vec<NonNull<Lanes<L, O>>>,
    /// `arrays[d]` has `2^d` places and before them as many locators, the last one first; and before these, if places may say
    /// something, as many plain places. Where shards may have lanes, the place of these stands before each locator. All are filled up to whole lines. Or it is empty if
    /// it was never needed. They are kept: see the directory's header comment, 4.
    arrays: Vec<Box<[Line<L, O>]>>,
    /// The current array.
    depth: u32,
    shards: usize,
    /// How many shards cover how many bits.
    per_depth: Vec<usize>,
    /// How many places of the current array say that their shard has something for readers without the lock.
    with_read_table: usize,
}

// SAFETY: the structure owns its headers; addresses into them are followed only as the directory
// says.
unsafe impl<L: Send, O: Send> Send for Structure<L, O> {}

impl<L, O> Default for Structure<L, O> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            lanes: Vec::new(),
            arrays: Vec::new(),
            depth: 0,
            shards: 1,
            per_depth: vec![1],
            with_read_table: 0,
        }
    }
}

impl<L, O> Structure<L, O> {
    /// Whether a header of the structure has this address.
    pub(crate) fn has_header_at(&self, address: usize) -> bool {
        self.chunks.iter().any(|chunk| {
            let headers = chunk.cast::<Apart<L, O>>();
            // Other locks have other names, which may be numbers of any size.
            let distance = address.wrapping_sub(headers.addr().get());
            distance < chunk.len() * size_of::<Apart<L, O>>()
                && distance.is_multiple_of(size_of::<Apart<L, O>>())
        })
    }
}

impl<L: Table, O: Open> Structure<L, O> {
    pub(crate) fn shards(&self) -> usize {
        self.shards
    }

    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    /// Whether some place says that its shard has something for readers without the lock.
    pub(crate) fn say_read_table(&self) -> bool {
        self.with_read_table > 0
    }

    /// The first place of the current array, the first of the plain ones, and their depth.
    pub(crate) fn current(&self) -> (Places<L, O>, Places<L, O>, u32) {
        let array: &[Line<L, O>] = &self.arrays[self.depth as usize];
        let first: Places<L, O> = array.as_ptr().cast();
        // SAFETY: there are so many before either, and both are in the array.
        unsafe {
            (
                first.add(first_place(array)),
                first.add(first_plain(array)),
                self.depth,
            )
        }
    }

    /// How many readers sit in lanes.
    #[cfg(feature = "conformance")]
    pub(crate) fn seated(&self) -> usize {
        // SAFETY: lanes live as long as `self`.
        let lanes = self.lanes.iter().map(|lanes| unsafe { lanes.as_ref() });
        lanes.map(Lanes::seated).sum()
    }

    /// Gives a shard lanes, which are opened when it is unlocked; its places say so once it is published. It has none.
    pub(crate) fn add_lanes(&mut self, section: &mut Exclusive<'_, L, O>) {
        let header = section.header();
        if header.lanes().is_none() {
            let lanes = NonNull::from(Box::leak(Box::new(Lanes::beside(header))));
            self.lanes.push(lanes);
            // SAFETY: 1. They live as long as the headers do.
            unsafe { header.set_lanes(lanes) };
        }
        section.add_lanes();
    }

    /// A header out of use; if it is new, with a sibling of what is `open`.
    pub(crate) fn take(&mut self, open: &O) -> NonNull<Header<L, O>> {
        match self.free.pop() {
            Some(header) => header,
            None => self.take_new(open),
        }
    }

    /// A header out of use that nobody has heard of yet.
    pub(crate) fn take_new(&mut self, open: &O) -> NonNull<Header<L, O>> {
        let made = self.chunks.iter().map(|chunk| chunk.len()).sum::<usize>();
        let mut chunk: Box<[Apart<L, O>]> = (0..made.clamp(2, LARGEST_CHUNK))
            .map(|_| Apart(Header::new(Coverage::NOTHING, open.sibling())))
            .collect();
        for Apart(header) in &mut chunk {
            header.set_name(header.address());
        }
        let chunk = NonNull::from(Box::leak(chunk));
        self.chunks.push(chunk);
        let first = chunk.cast::<Apart<L, O>>();
        // SAFETY: so many lie behind the chunk's first, each of which begins with its header.
        let header = |i| unsafe { first.add(i) }.cast::<Header<L, O>>();
        self.free.extend((0..chunk.len()).rev().map(header));
        self.free.pop().expect("just made some")
    }

    /// A header goes out of use.
    pub(crate) fn give_back(&mut self, header: NonNull<Header<L, O>>) {
        self.free.push(header);
    }

    pub(crate) fn note_split(&mut self, depth: u32) {
        let depth = depth as usize;
        self.shards += 1;
        if self.per_depth.len() < depth + 2 {
            self.per_depth.resize(depth + 2, 0);
        }
        self.per_depth[depth] -= 1;
        self.per_depth[depth + 1] += 2;
    }

    pub(crate) fn note_merge(&mut self, depth: u32) {
        let depth = depth as usize;
        self.shards -= 1;
        self.per_depth[depth] -= 2;
        self.per_depth[depth - 1] += 1;
    }

    /// Doubles the array until shards of so many bits have a place of their own.
    pub(crate) fn ensure_depth(&mut self, depth: u32) {
        while self.depth < depth {
            self.make_array(self.depth);
            self.make_array(self.depth + 1);
            let [.., old, new] = &self.arrays[..self.depth as usize + 2] else {
                unreachable!("the new array stands behind an old one")
            };
            for index in 0..1usize << self.depth {
                for half in [2 * index, 2 * index + 1] {
                    copy(old, index, new, half);
                }
            }
            self.with_read_table *= 2;
            self.depth += 1;
        }
    }

    /// Halves the array while it has more than four places a shard and none needs them.
    pub(crate) fn shrink_depth(&mut self) {
        while self.depth > 0
            && self.per_depth[self.depth as usize] == 0
            && 1usize << self.depth > 4 * self.shards
        {
            self.make_array(self.depth - 1);
            let [.., new, old] = &self.arrays[..=self.depth as usize] else {
                unreachable!("the new array stands before the old one")
            };
            for index in 0..1usize << (self.depth - 1) {
                copy(old, 2 * index, new, index);
            }
            // No shard stands in but one of two.
            self.with_read_table /= 2;
            self.depth -= 1;
        }
    }

    fn make_array(&mut self, depth: u32) {
        let depth = depth as usize;
        if self.arrays.len() <= depth {
            self.arrays.resize_with(depth + 1, || Box::new([]));
        }
        if self.arrays[depth].is_empty() {
            let parts = if has_third_part::<L, O>() { 3 } else { 2 };
            self.arrays[depth] = (0..parts * (1usize << depth).div_ceil(PLACES))
                .map(|_| Line::new())
                .collect();
        }
    }

    /// Has these shards, and no others.
    pub(crate) fn begin_with(&mut self, shards: &[&Header<L, O>]) {
        self.shards = shards.len();
        self.per_depth.clear();
        for shard in shards {
            let depth = shard.coverage_hint().depth() as usize;
            if self.per_depth.len() <= depth {
                self.per_depth.resize(depth + 1, 0);
            }
            self.per_depth[depth] += 1;
        }
        self.depth = self.per_depth.len() as u32 - 1;
        for shard in shards {
            self.put(shard, shard.coverage_hint(), 0);
        }
    }

    /// Puts a shard into all places of the current array that it covers, with what it has for readers without the lock and where its table
    /// is.
    pub(crate) fn publish(&mut self, section: &Exclusive<'_, L, O>) {
        self.put(section.header(), section.coverage(), section.locator());
    }

    fn put(&mut self, header: &Header<L, O>, coverage: Coverage, at: usize) {
        self.make_array(self.depth);
        let shift = 63 - self.depth;
        let first = (coverage.start() >> shift) as usize;
        let count = 1usize << (self.depth - coverage.depth());
        let has_read_table = O::MAY_HAVE_READ_TABLE && header.open().has_read_table();
        let open_lanes = match header.bias.has_lanes() {
            true => header.lanes_address(),
            false => ptr::null_mut(),
        };
        let plain_one = Signpost::new(header, false).tagged();
        let header = Signpost::new(header, has_read_table).tagged();
        let array = &self.arrays[self.depth as usize];
        for index in first..first + count {
            // Relaxed, here and below: changed under our mutex alone; and nothing is read through a locator.
            let before = place(array, index).load(Relaxed);
            self.with_read_table += usize::from(has_read_table);
            self.with_read_table -= usize::from(says_read_table(before));
            // Release: pairs with the Acquire in `Root::find`; publishes the header.
            if O::MAY_HAVE_READ_TABLE {
                plain(array, index).store(plain_one, Release);
            }
            place(array, index).store(header, Release);
            locator(array, index).store(ptr::without_provenance_mut(at), Relaxed);
            if lanes::may_be::<L, O>() {
                // Release: pairs with the Acquire in `Root::find_lanes`; publishes them.
                lane(array, index).store(open_lanes, Release);
            }
        }
    }

    /// All headers, for their owner.
    ///
    /// # Safety
    ///
    /// 1. Nobody else can reach the headers any more: the directory is owned, not only its mutex
    ///    locked.
    pub(crate) unsafe fn for_each_header(&mut self, mut f: impl FnMut(&mut Header<L, O>)) {
        for chunk in &mut self.chunks {
            // SAFETY: by (1).
            let headers = unsafe { chunk.as_mut() };
            headers.iter_mut().for_each(|Apart(header)| f(header));
        }
    }
}

/// Whether there are plain places, or places of lanes.
const fn has_third_part<L: Table, O: Open>() -> bool {
    O::MAY_HAVE_READ_TABLE || lanes::may_be::<L, O>()
}

/// The number of the first place.
fn first_place<L: Table, O: Open>(array: &[Line<L, O>]) -> usize {
    let before = if has_third_part::<L, O>() {
        array.len() / 3 * 2
    } else {
        array.len() / 2
    };
    before * PLACES
}

/// The number of the first plain place: that of the first, where none says anything.
fn first_plain<L: Table, O: Open>(array: &[Line<L, O>]) -> usize {
    if O::MAY_HAVE_READ_TABLE {
        0
    } else {
        first_place(array)
    }
}

fn word<L, O>(array: &[Line<L, O>], index: usize) -> &AtomicPtr<Header<L, O>> {
    &array[index / PLACES].0[index % PLACES]
}

fn place<L: Table, O: Open>(array: &[Line<L, O>], index: usize) -> &AtomicPtr<Header<L, O>> {
    word(array, first_place(array) + index)
}

fn plain<L: Table, O: Open>(array: &[Line<L, O>], index: usize) -> &AtomicPtr<Header<L, O>> {
    word(array, first_plain(array) + index)
}

/// No address of a header, but beside the places, as whose type it is stored.
fn locator<L: Table, O: Open>(array: &[Line<L, O>], index: usize) -> &AtomicPtr<Header<L, O>> {
    word(array, first_place(array) - to_locator::<L, O>(index))
}

/// The first of the lanes of a shard that has some open; or null.
fn lane<L: Table, O: Open>(array: &[Line<L, O>], index: usize) -> &AtomicPtr<Header<L, O>> {
    debug_assert!(lanes::may_be::<L, O>());
    word(array, first_place(array) - to_lane(index))
}

/// Has a place of an array that is about to be the current one say what that one says.
fn copy<L: Table, O: Open>(old: &[Line<L, O>], index: usize, new: &[Line<L, O>], at: usize) {
    // Relaxed, here and below: changed under the structure's mutex alone; and nothing is read through a locator.
    // Release: pairs with the Acquire in `find` of a reader that is still in this array from when it was current before;
    // publishes the header.
    if O::MAY_HAVE_READ_TABLE {
        plain(new, at).store(plain(old, index).load(Relaxed), Release);
    }
    place(new, at).store(place(old, index).load(Relaxed), Release);
    if lanes::may_be::<L, O>() {
        lane(new, at).store(lane(old, index).load(Relaxed), Release);
    }
    locator(new, at).store(locator(old, index).load(Relaxed), Relaxed);
}

impl<L, O> Drop for Structure<L, O> {
    fn drop(&mut self) {
        // SAFETY: each chunk was leaked from a box, is turned back once, and nobody can reach the
        // map's headers any more when it is dropped. As boxes in a vector, all are dropped even if
        // the drop of a user's value panics.
        let boxes: Vec<Box<[Apart<L, O>]>> = self
            .chunks
            .drain(..)
            .map(|chunk| unsafe { Box::from_raw(chunk.as_ptr()) })
            .collect();
        for lanes in self.lanes.drain(..) {
            // SAFETY: likewise. What lies under their locks is not dropped.
            drop(unsafe { Box::from_raw(lanes.as_ptr()) });
        }
        drop(boxes);
    }
}
