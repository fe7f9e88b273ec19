//! A hash table of node addresses that is read without a lock while it is written under one.
//!
//! The table is an array of *lines*, a cache line each: seven slots, and a word of meta data with a tag
//! for each slot. So a lookup costs two cache misses: the line and the node.
//!
//! A key's *home* is the line that the first bits of its position point to, behind those that all keys of the table
//! share: lines are in the order of positions
//! as shards are, whatever the size of the table. So a walk over a map goes from position to position, and need not
//! know whether the table that it goes on in is the one that it began in. A key whose home is full goes to
//! the next line with a free slot; each full line that it passed counts it.
//!
//! # What readers see
//!
//! Writers hold the shard's lock; there is one at a time. Each word of a line changes by itself, and a reader
//! looks at each once, in the order home, next line, and so on: meta data first, then the slots with the right tag.
//!
//! - A key that is present throughout stays in its slot: updates replace the address in the slot. The tag
//!   of the slot and the counts of the lines before stay as they are, so the reader comes to the slot and finds
//!   one node or another.
//! - A reader that does not find a key has not seen it in any line up to the one that counts no passers. If the key
//!   was there all the time, it would have seen it; so at some moment meanwhile it was not there.
//! - A slot that has become free keeps its tag until it is taken by another key. A reader that comes with the old tag finds
//!   no node, or one with another key, and goes on.
//! - A key comes and goes with the store to its slot: tag and counts are there before it comes, and stay until it has gone.
//!   Otherwise a key that goes and comes back to its slot could be found by a reader with the old tag, and
//!   then missed by the same reader, for want of the new one.
//!
//! # What a reader loads
//!
//! The read word points to a [`View`] of the table, in which is all that a reader needs to know besides the lines; so it need not
//! take the word apart. There are two: one for a table that has all entries of its shard, one for a table that lacks
//! some.

use std::ptr::NonNull;

use map_core::strategy::{Coverage, Span, hash_at, position};
use map_core::{Equivalent, TryReserveError};

use super::node::{HASH, Link, Node};
use crate::sync::atomic::{
    AtomicPtr, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use crate::sync::{Watch, hint};

/// Slots of a line.
pub(crate) const WAYS: usize = 7;
/// Bytes of a line.
const LINE: usize = 64;
/// So many entries a line, on average, fill a table of several lines: one in twenty is then not at home.
pub(crate) const FULL: usize = 5;

/// The highest bits of a hash are its tag.
const TAG_WIDTH: u32 = 7;
/// The highest bit in each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;
/// The same, of slots only.
const TAG_BITS: u64 = HIGH >> 8;
/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// Where the count of passers is, in the top byte. At 255 it is not exact any more and stays.
const PASSERS: u32 = 56;
const MANY_PASSERS: u64 = 255;

/// A cache line of slots.
#[derive(Debug)]
#[repr(C, align(64))]
struct Line<K, V> {
    /// A byte for each slot: the tag of its entry, or of the one that was there last; in the top byte, the number of entries
    /// whose home this line is, or which have come from before, and which are in lines behind.
    meta: AtomicU64,
    /// Null if free.
    slots: [AtomicPtr<Node<K, V>>; WAYS],
}

impl<K, V> Line<K, V> {
    /// Whether it is eight words of eight bytes, so that bytes of the meta word lead to slots. Not where addresses are shorter.
    const IS_FLAT: bool = size_of::<[AtomicPtr<Node<K, V>>; WAYS]>() == LINE - size_of::<u64>();

    /// The free slots, a bit for each. Under the lock.
    #[inline]
    fn free(&self) -> u32 {
        // All are looked at, since nobody can guess which it is. Relaxed: ordered by the lock.
        (0..WAYS).fold(0, |free, way| {
            free | u32::from(self.slots[way].load(Relaxed).is_null()) << way
        })
    }

    fn new() -> Self {
        Self {
            meta: AtomicU64::new(0),
            slots: std::array::from_fn(|_| AtomicPtr::default()),
        }
    }
}

/// A table as readers see it. All of it is in one cache line.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct View<K, V> {
    /// Of the table, as long as that lives.
    lines: NonNull<Line<K, V>>,
    /// The hash is shifted by so much, and what is left cut down to `homes`: that is the distance of its home from the first
    /// line, in bytes.
    shift: u32,
    /// The number of the last line.
    last: u32,
    homes: usize,
    /// Which hashes have their homes here: what is not found, but covered, is not there.
    coverage: Coverage,
    /// Whether all entries of the shard are here.
    is_complete: bool,
    watch: Watch,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    /// Of a table that has all entries, and of one that has not.
    views: [View<K, V>; 2],
    /// From a box.
    lines: NonNull<[Line<K, V>]>,
    /// Readers that had to take the lock since the table was made. Counted only while it is not published.
    pub(crate) misses: hint::AtomicU32,
}

// SAFETY: it owns the lines, in which there are addresses that are shared between threads as nodes are.
unsafe impl<K: Send + Sync, V: Send + Sync> Send for Table<K, V> {}
// SAFETY: as above.
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for Table<K, V> {}

impl<K, V> Drop for Table<K, V> {
    fn drop(&mut self) {
        self.views[0].watch.write();
        self.views[1].watch.write();
        // SAFETY: from a box, and nobody else has the table any more.
        drop(unsafe { Box::from_raw(self.lines.as_ptr()) });
    }
}

/// Where an entry stands in a table: eight times the line, and the slot in it.
pub(crate) type Index = usize;

/// A slot, or the number of a slot in its line, and its node.
type Found<K, V> = Option<(Index, Link<K, V>)>;

/// The tag of a hash: its top bits, of which neither shard nor home depend.
#[inline]
const fn tag_of(hash: u64) -> u64 {
    hash >> (64 - TAG_WIDTH)
}

/// The bits of [`TAG_BITS`] at slots that have this tag.
#[inline]
const fn matches(meta: u64, tag: u64) -> u64 {
    // In each byte the difference is at most 127, so that nothing is borrowed from the next. But for the top byte, behind which
    // there is none.
    HIGH.wrapping_sub(meta ^ (tag * ONES)) & TAG_BITS
}

/// How many entries fill so many lines.
const fn capacity_of(lines: usize) -> usize {
    if lines == 1 { WAYS } else { FULL * lines }
}

/// How many lines so many entries need: a power of two.
const fn lines_for(entries: usize) -> usize {
    if entries <= WAYS {
        1
    } else {
        entries.div_ceil(FULL).next_power_of_two()
    }
}

impl<K, V> Table<K, V> {
    /// A table that covers so much, with room for at least so many entries.
    pub(crate) fn new(coverage: Coverage, capacity: usize) -> Result<Self, TryReserveError> {
        let count = lines_for(capacity);
        let mut lines = Vec::new();
        lines
            .try_reserve_exact(count)
            .map_err(|_| TryReserveError::out_of_memory(capacity))?;
        lines.extend((0..count).map(|_| Line::new()));
        let lines = NonNull::from(Box::leak(lines.into_boxed_slice()));
        // Of the bits of a hash that nodes keep, as many as it takes to number the lines, if there are as many.
        let behind = 64 - TAG_WIDTH - coverage.depth();
        let bits = count.ilog2().min(behind - HASH.trailing_zeros());
        let view = |is_complete| View {
            lines: lines.cast(),
            shift: behind - bits - LINE.ilog2(),
            last: (count - 1) as u32,
            homes: ((1 << bits) - 1) * LINE,
            coverage,
            is_complete,
            watch: Watch::default(),
        };
        Ok(Self {
            views: [view(true), view(false)],
            lines,
            misses: hint::AtomicU32::new(0),
        })
    }

    /// What readers are to be given.
    #[inline]
    pub(crate) fn view(&self, is_complete: bool) -> &View<K, V> {
        &self.views[usize::from(!is_complete)]
    }

    #[inline]
    fn whole(&self) -> &View<K, V> {
        &self.views[0]
    }

    /// The number of lines, from where a lookup has been.
    #[inline]
    fn count(&self) -> usize {
        self.whole().last as usize + 1
    }

    fn lines(&self) -> &[Line<K, V>] {
        // SAFETY: they live as long as `self`.
        unsafe { self.lines.as_ref() }
    }

    /// What its lines take.
    pub(crate) fn bytes(&self) -> usize {
        self.lines.len() * LINE
    }

    pub(crate) fn is_smallest(&self) -> bool {
        self.count() == 1
    }

    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        capacity_of(self.count())
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        self.whole().home(hash) / LINE
    }

    #[inline]
    fn behind(&self, line: usize) -> usize {
        self.whole().behind(line)
    }

    #[inline]
    fn line(&self, line: usize) -> &Line<K, V> {
        // SAFETY: 1. All lines come from `home` or `behind`, or they are part of an index, which was made of one of
        // these. 2. It lives as long as `self`.
        unsafe { self.whole().line(line * LINE) }
    }

    #[inline]
    fn slot(&self, index: Index) -> &AtomicPtr<Node<K, V>> {
        &self.line(index >> 3).slots[index & 7]
    }

    /// Finds a key.
    ///
    /// # Safety
    ///
    /// 1. As for [`View::find`].
    #[inline(always)]
    pub(crate) unsafe fn find<Q>(&self, hash: u64, key: &Q) -> Option<(Index, Link<K, V>)>
    where
        Q: ?Sized + Equivalent<K>,
    {
        // SAFETY: 1. By (1).
        unsafe { self.whole().find(hash, key) }
    }

    #[cfg(test)]
    fn start_of(&self, home: usize) -> Option<u64> {
        self.whole().start_of(home * LINE)
    }

    /// The node at an index. Under the lock.
    #[inline]
    pub(crate) fn get(&self, index: Index) -> Option<Link<K, V>> {
        // Relaxed: ordered by the lock.
        Link::from_raw(self.slot(index).load(Relaxed))
    }

    /// Puts a node into a free slot, of which there must be one. Under the lock.
    #[inline]
    pub(crate) fn insert(&self, hash: u64, link: Link<K, V>) -> Index {
        let mut at = self.home(hash);
        // A round may be not enough for nobody: callers see to it that there is room.
        for _ in 0..self.count() {
            let line = self.line(at);
            // Relaxed, here and below: ordered by the lock.
            let meta = line.meta.load(Relaxed);
            let free = line.free();
            if free != 0 {
                let way = free.trailing_zeros() as usize;
                let others = meta & !(0xff << (8 * way));
                // Release: pairs with the Acquire in `find`; after the counts before it.
                line.meta.store(others | tag_of(hash) << (8 * way), Release);
                // Release: pairs with the Acquire in `find`; publishes the node, and all that leads to it:
                // hence last. (A reader may come with the tag of an entry that was here.)
                line.slots[way].store(link.as_ptr(), Release);
                return at << 3 | way;
            }
            if meta >> PASSERS != MANY_PASSERS {
                // Release: as above.
                line.meta.store(meta + (1 << PASSERS), Release);
            }
            at = self.behind(at);
        }
        unreachable!("a table that is not full has a free slot")
    }

    /// Puts a node in the place of another with an equal key, which comes back. Under the lock.
    #[inline]
    pub(crate) fn replace(&self, index: Index, link: Link<K, V>) -> Option<Link<K, V>> {
        let slot = self.slot(index);
        // Relaxed: ordered by the lock.
        let old = slot.load(Relaxed);
        // Release: pairs with the Acquire in `find`; publishes the node.
        slot.store(link.as_ptr(), Release);
        Link::from_raw(old)
    }

    /// Takes the node with this hash out of its slot. Under the lock.
    #[inline]
    pub(crate) fn remove(&self, index: Index, hash: u64) {
        // Release, here and below: they pair with the Acquires in `find`, whose reader must not see them
        // before what came before them.
        self.slot(index).store(std::ptr::null_mut(), Release);
        let mut at = self.home(hash);
        while at != index >> 3 {
            let meta = &self.line(at).meta;
            // Relaxed: ordered by the lock.
            let passed = meta.load(Relaxed);
            if passed >> PASSERS != MANY_PASSERS {
                meta.store(passed - (1 << PASSERS), Release);
            }
            at = self.behind(at);
        }
    }

    /// The first occupied index from `from` on. Under the lock.
    pub(crate) fn next(&self, from: Index) -> Option<(Index, Link<K, V>)> {
        (from..self.lines.len() << 3)
            .filter(|index| index & 7 < WAYS)
            .find_map(|index| Some((index, self.get(index)?)))
    }

    /// All nodes. Under the lock.
    pub(crate) fn links(&self) -> impl Iterator<Item = Link<K, V>> + '_ {
        // Relaxed: ordered by the lock.
        let slots = self.lines().iter().flat_map(|line| &line.slots);
        slots.filter_map(|slot| Link::from_raw(slot.load(Relaxed)))
    }
}

impl<K, V> View<K, V> {
    #[inline]
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    #[inline]
    pub(crate) fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// The line where a hash is at home, as a distance in bytes: the further along the lines the further the hash is along
    /// the covered interval.
    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize & self.homes
    }

    #[inline]
    fn behind(&self, line: usize) -> usize {
        if line < self.last as usize {
            line + 1
        } else {
            0
        }
    }

    /// The line at so many bytes.
    ///
    /// # Safety
    ///
    /// 1. It is [`home`](Self::home)'s, or that of a line whose number is at most `last`.
    /// 2. The table lives for `'t`.
    #[inline(always)]
    unsafe fn line<'t>(&self, at: usize) -> &'t Line<K, V> {
        self.watch.read();
        debug_assert!(at / LINE <= self.last as usize);
        // SAFETY: by (1) it is one of the lines, for `homes` is not beyond the last; by (2) they live.
        unsafe {
            if Line::<K, V>::IS_FLAT {
                self.lines.byte_add(at).as_ref()
            } else {
                self.lines.add(at / LINE).as_ref()
            }
        }
    }

    /// Finds a key.
    ///
    /// # Safety
    ///
    /// 1. Either the lock of the table's shard is held, or the view was loaded from its shard's read word under
    ///    a pin that has not ended. Then the node that comes back is alive as long as the lock is held,
    ///    or the pin.
    #[inline(always)]
    pub(crate) unsafe fn find<Q>(&self, hash: u64, key: &Q) -> Option<(Index, Link<K, V>)>
    where
        Q: ?Sized + Equivalent<K>,
    {
        let tag = tag_of(hash);
        let home = self.home(hash);
        // SAFETY: `line`: 1. It is `home`'s. 2. By (1) the table lives. `find_in`: 1. By (1).
        let (meta, found) = unsafe { self.line(home).find_in(tag, key) };
        match found {
            Some((way, link)) => Some(((home / LINE) << 3 | way, link)),
            None if meta >> PASSERS == 0 => None,
            // SAFETY: 1. By (1).
            None => unsafe { self.find_behind(home, tag, key) },
        }
    }

    /// Finds a key that is not at home, but may be in a line behind.
    ///
    /// # Safety
    ///
    /// 1. As for [`find`](Self::find).
    #[inline(never)]
    unsafe fn find_behind<Q>(&self, home: usize, tag: u64, key: &Q) -> Option<(Index, Link<K, V>)>
    where
        Q: ?Sized + Equivalent<K>,
    {
        let home = home / LINE;
        let mut at = self.behind(home);
        while at != home {
            // SAFETY: `line`: 1. Its number is at most `last`. 2. By (1) the table lives. `find_in`: 1. By (1).
            let (meta, found) = unsafe { self.line(at * LINE).find_in(tag, key) };
            if let Some((way, link)) = found {
                return Some((at << 3 | way, link));
            }
            if meta >> PASSERS == 0 {
                break;
            }
            at = self.behind(at);
        }
        None
    }

    /// Shows `f` the nodes of a span whose home is the line of its first position, and returns the
    /// first position behind that line, if the table has one.
    ///
    /// # Safety
    ///
    /// 1. As for [`find`](Self::find); the nodes are alive as long.
    pub(crate) unsafe fn at_home(&self, span: Span, mut f: impl FnMut(Link<K, V>)) -> Option<u64> {
        let home = self.home(hash_at(span.from()));
        let mut at = home / LINE;
        loop {
            // SAFETY: 1. It is a line's. 2. By (1) the table lives.
            let line = unsafe { self.line(at * LINE) };
            // Acquire: as in `find_in`.
            let meta = line.meta.load(Acquire);
            for slot in &line.slots {
                // Acquire: as in `find_in`.
                if let Some(link) = Link::from_raw(slot.load(Acquire)) {
                    // SAFETY: as in `find_in`.
                    let hash = unsafe { link.hash() };
                    if span.contains(position(hash)) && self.home(hash) == home {
                        f(link);
                    }
                }
            }
            at = self.behind(at);
            if meta >> PASSERS == 0 || at == home / LINE {
                break;
            }
        }
        self.start_of(home + LINE)
    }

    /// The first position whose home is so far along the lines; `None` if that is the end of all.
    fn start_of(&self, home: usize) -> Option<u64> {
        if home > self.homes {
            return self.coverage.end();
        }
        Some(self.coverage.start() + position((home as u64) << self.shift))
    }
}

impl<K, V> Line<K, V> {
    /// Finds a key in this line: the slot, and the node. Says what the meta word was.
    ///
    /// # Safety
    ///
    /// 1. As for [`View::find`].
    #[inline(always)]
    unsafe fn find_in<Q>(&self, tag: u64, key: &Q) -> (u64, Found<K, V>)
    where
        Q: ?Sized + Equivalent<K>,
    {
        // Acquire: pairs with the Releases in `insert` and `remove`, which are made in the order in which
        // we look.
        let meta = self.meta.load(Acquire);
        let mut candidates = matches(meta, tag);
        while candidates != 0 {
            let bit = candidates.trailing_zeros() as usize;
            // SAFETY: seven bytes have a tag bit, one for each slot. It is the highest of its byte, and in a flat line the slots lie behind the
            // eight bytes of the meta word: so the slot is one byte further behind that than the bit's number says.
            let slot = unsafe {
                if Self::IS_FLAT {
                    NonNull::from(self).byte_add(bit + 1).cast().as_ref()
                } else {
                    self.slots.get_unchecked(bit / 8)
                }
            };
            // Acquire: pairs with the Releases in `insert` and `replace`; receives the node.
            if let Some(link) = Link::from_raw(slot.load(Acquire))
                // SAFETY: 1. A node in a slot is retired after it was replaced there, under the lock; so
                // with the lock it is alive, and one that is loaded under a pin lives until the pin ends.
                && key.equivalent(&unsafe { link.pair() }.0)
            {
                return (meta, Some((bit / 8, link)));
            }
            candidates &= candidates - 1;
        }
        (meta, None)
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;
    use map_core::strategy::MAX_DEPTH;

    /// A part of all positions, chosen by the bits of a number.
    fn part(depth: u32, bits: u64) -> Coverage {
        (0..depth).fold(Coverage::ALL, |part, step| {
            part.half(bits >> (step % 64) & 1 == 1)
        })
    }

    #[test]
    fn a_shard_that_goes_up_and_down_does_not_grow() {
        // As far as nothing overflows.
        for power in 0..usize::BITS - 24 {
            let in_place = 7 << power;
            let nodes = capacity_of(lines_for(in_place));
            assert!(nodes >= in_place);
            // As much as it takes for as many buckets as there were.
            let back = crate::parts::room_in_place(nodes);
            assert!(
                in_place / 2 < back && back <= in_place,
                "{in_place}: {nodes}, {back}"
            );
        }
    }

    #[test]
    fn a_line_fills_a_cache_line() {
        assert_eq!(size_of::<Line<u64, u64>>(), 64);
        assert_eq!(align_of::<Line<u64, u64>>(), 64);
    }

    #[test]
    fn homes_are_in_the_order_of_positions_and_their_borders_known() {
        for (depth, bits) in [
            (0, 0),
            (1, 1),
            (3, 0b101),
            (7, !0),
            (20, 0x5a5a5),
            (MAX_DEPTH, !0),
        ] {
            let coverage = part(depth, bits);
            // The most are more than the bits of the deepest shard's hashes tell apart.
            for entries in [1, 8, 64, 100, 1000, 7168, 1 << 18] {
                if cfg!(miri) && entries > 1000 {
                    continue;
                }
                let table = Table::<u64, u64>::new(coverage, entries).expect("there is memory");
                let mut from = coverage.start();
                let mut last_home = None;
                let mut steps = 0;
                loop {
                    let home = table.home(hash_at(from));
                    assert!(home < table.lines.len());
                    assert!(last_home.is_none_or(|last| last < home), "no line twice");
                    last_home = Some(home);
                    steps += 1;
                    let next = table.start_of(home + 1);
                    let Some(next) = next.filter(|next| Some(*next) != coverage.end()) else {
                        break;
                    };
                    assert!(next > from, "it goes on");
                    // The position before the border has a smaller home, or the same hash bits.
                    let unit = position(1 << HASH.trailing_zeros());
                    assert_eq!(table.home(hash_at(next - unit)), home);
                    from = next;
                }
                assert!(steps <= table.lines.len());
                assert_eq!(table.start_of(table.lines.len()), coverage.end());
            }
        }
    }

    #[test]
    fn passers_are_counted_in_and_out() {
        let table = Table::<u64, u64>::new(Coverage::ALL, 100).expect("there is memory");
        // All with the same hash, so the same home; more than fit there.
        let hash = 0x1234_5678_9abc_def0;
        let links: Vec<_> = (0..60_u64).map(|key| Link::new(hash, (key, key))).collect();
        let at: Vec<_> = links.iter().map(|&link| table.insert(hash, link)).collect();
        for key in 0..60 {
            // SAFETY: 1. Nobody else has the table.
            let found = unsafe { table.find(hash, &key) };
            assert_eq!(found.map(|(index, _)| index), Some(at[key as usize]));
        }
        for (index, link) in at.into_iter().zip(links) {
            table.remove(index, hash);
            // SAFETY: 1. Nobody else has it, and it is in no table.
            unsafe {
                link.empty();
                link.free();
            }
        }
        assert!(
            table
                .lines()
                .iter()
                .all(|line| line.meta.load(Relaxed) >> PASSERS == 0)
        );
    }
}
