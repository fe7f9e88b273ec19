//! What a directory is made of, changed under one mutex: chunks of headers, the arrays of shard
//! addresses, and the counts that its limits need.

use std::ptr::{self, NonNull};

use super::coverage::Coverage;
use super::directory::Signpost;
use super::header::Header;
use super::holds::Exclusive;
use crate::strategy::{Open, Table};
use crate::sync::atomic::{AtomicPtr, Ordering::Relaxed, Ordering::Release};

/// Some places of an array, or as many locators: a cache line, so that the places start on one.
#[repr(align(64))]
pub(crate) struct Line<L, O>([AtomicPtr<Header<L, O>>; PLACES]);

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
    /// `arrays[d]` has `2^d` places and before them as many locators, the last one first, both filled up to whole lines; or is empty if
    /// it was never needed. They are kept: see the directory's header comment, 4.
    arrays: Vec<Box<[Line<L, O>]>>,
    /// The current array.
    depth: u32,
    shards: usize,
    /// How many shards cover how many bits.
    per_depth: Vec<usize>,
    /// Whether readers announce themselves.
    pub(crate) announces: bool,
    /// Whether writers meet others, so that who takes a lock prefetches.
    pub(crate) writers_meet: bool,
}

// SAFETY: the structure owns its headers; addresses into them are followed only as the directory
// says.
unsafe impl<L: Send, O: Send> Send for Structure<L, O> {}

impl<L, O> Default for Structure<L, O> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            arrays: Vec::new(),
            depth: 0,
            shards: 1,
            per_depth: vec![1],
            announces: false,
            writers_meet: false,
        }
    }
}

impl<L, O> Structure<L, O> {
    /// Whether a header of the structure has this address.
    pub(crate) fn has_header_at(&self, address: usize) -> bool {
        self.chunks.iter().any(|chunk| {
            let start = chunk.cast::<Apart<L, O>>().addr().get();
            (start..start + chunk.len() * size_of::<Apart<L, O>>()).contains(&address)
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

    /// The first place of the current array, and its depth.
    pub(crate) fn current(&self) -> (*const AtomicPtr<Header<L, O>>, u32) {
        let array: &[Line<L, O>] = &self.arrays[self.depth as usize];
        let first = array.as_ptr().cast::<AtomicPtr<Header<L, O>>>();
        // SAFETY: the locators before it are half of the array.
        (unsafe { first.add(array.len() / 2 * PLACES) }, self.depth)
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
        let chunk: Box<[Apart<L, O>]> = (0..made.clamp(2, LARGEST_CHUNK))
            .map(|_| Apart(Header::new(Coverage::NOTHING, open.sibling())))
            .collect();
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
                let header = place(old, index).load(Relaxed);
                for half in [2 * index, 2 * index + 1] {
                    // Release: pairs with the Acquire in `find` of a reader that is still in this
                    // array from when it was current before; publishes the header.
                    place(new, half).store(header, Release);
                    // Relaxed, here and below: nothing is read through a locator.
                    locator(new, half).store(locator(old, index).load(Relaxed), Relaxed);
                }
            }
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
                // Release: as in `ensure_depth`.
                place(new, index).store(place(old, 2 * index).load(Relaxed), Release);
                locator(new, index).store(locator(old, 2 * index).load(Relaxed), Relaxed);
            }
            self.depth -= 1;
        }
    }

    fn make_array(&mut self, depth: u32) {
        let depth = depth as usize;
        if self.arrays.len() <= depth {
            self.arrays.resize_with(depth + 1, || Box::new([]));
        }
        if self.arrays[depth].is_empty() {
            self.arrays[depth] = (0..2 * (1usize << depth).div_ceil(PLACES))
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
        let header = Signpost::new(header, has_read_table).tagged();
        let array = &self.arrays[self.depth as usize];
        for index in first..first + count {
            // Release: pairs with the Acquire in `Root::find`; publishes the header.
            place(array, index).store(header, Release);
            locator(array, index).store(ptr::without_provenance_mut(at), Relaxed);
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

fn place<L, O>(array: &[Line<L, O>], index: usize) -> &AtomicPtr<Header<L, O>> {
    let index = array.len() / 2 * PLACES + index;
    &array[index / PLACES].0[index % PLACES]
}

/// No address of a header, but beside the places, as whose type it is stored.
fn locator<L, O>(array: &[Line<L, O>], index: usize) -> &AtomicPtr<Header<L, O>> {
    let index = array.len() / 2 * PLACES - 1 - index;
    &array[index / PLACES].0[index % PLACES]
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
        drop(boxes);
    }
}
