//! The table of a shard: a Swiss table (Abseil, Kulukundis, CppCon 2017), with the entries inline.
//!
//! A search begins at the bucket that the low bits of a hash say. It compares the tags of a [`Group`] of buckets at a time, looks at those that
//! match, and ends at a group with an empty bucket.
//!
//! *Two misses at once*, in a table that is not small. The entry is most often in the first bucket of the search, or in one of the same cache line. So that line is asked for before
//! the tags have come: where neither is in the cache, the search waits for one of them and not for one after the other. In a shard that matters more
//! than in a table that nobody else uses, for a lock keeps the processor from looking ahead into the next operation.
//!
//! Where others write, too, those lines are in their caches, and so is the one of the shard's lock. A [`locator`](SwissTable::locator) lets who takes that lock ask for all of
//! them before he has any.
//!
//! *Hashes come from outside*, and a full table is not enlarged by itself: who adds to it has made room before. Foreign code (what hashes,
//! compares, clones or takes entries) may panic wherever it is called: the table is then as it was, or without the entry in question.

mod group;
mod iter;
mod raw;
#[cfg(test)]
mod tests;

use std::ptr::NonNull;
use std::{alloc, fmt, mem};

use map_core::TryReserveError;
use map_core::strategy::{Access, fetch_to_read, fetch_to_write};

use group::{DELETED, Tag, is_full};
use iter::{Cursor, IterMut};
pub(crate) use iter::{IntoIter, Iter};
use raw::{Probe, Raw};

/// See the [module](self).
pub(crate) struct SwissTable<T> {
    /// Each full bucket holds an entry.
    raw: Raw<T>,
    /// How many empty buckets may still be used.
    room: u32,
    /// How many buckets are full. (There are no more than 32 bits can tell: so a shard with its lock is a cache line.)
    len: u32,
}

impl<T> SwissTable<T> {
    /// From this mask on, a table is not small. A map of shards that are smaller, as they split by default, is mostly in the cache.
    ///
    /// Where a map has grown so that some of its shards are just larger and others not (with 64 shards, at 14,000 entries, a tenth more or less), no
    /// processor guesses right, and an operation takes up to 1.5 times as long. (Measured. To ask for it always takes 1 to 3 % more in
    /// small maps, of `AdaptiveMap` 5 %; to have the directory say it for the whole map, 3 to 6 % in lookups of keys that are not there; never to ask for
    /// it, 1.2 times as long with 100,000 entries and 1.5 times with a million. By bytes instead of buckets it was a thousand large entries that met it.)
    const FAR: usize = match size_of::<T>() {
        0 => usize::MAX,
        _ => 256,
    };

    pub(crate) const fn new() -> Self {
        Self {
            raw: Raw::without_memory(),
            room: 0,
            len: 0,
        }
    }

    /// Room for so many entries at least.
    pub(crate) fn try_with_capacity(entries: usize) -> Result<Self, TryReserveError> {
        if entries == 0 {
            return Ok(Self::new());
        }
        let buckets = Raw::<T>::buckets_for(entries);
        let room = buckets.and_then(|buckets| u32::try_from(Raw::<T>::room_in(buckets)).ok());
        let (Some(buckets), Some(room)) = (buckets, room) else {
            return Err(TryReserveError::overflow(entries, size_of::<T>()));
        };
        let raw = Raw::with_buckets(buckets);
        let raw = raw.ok_or_else(|| TryReserveError::out_of_memory(entries))?;
        Ok(Self { room, raw, len: 0 })
    }

    /// Where the table is and how large, for [`prefetch`](Self::prefetch).
    pub(crate) fn locator(&self) -> usize {
        self.raw.locator()
    }

    /// Has the lines fetched where a search for `hash` begins, that of the entry for such an access, in a table that has this locator or
    /// had it once.
    #[inline(always)]
    pub(crate) fn prefetch(locator: usize, hash: u64, access: Access) {
        if let Some((bucket, control)) = Raw::<T>::first_of(locator, hash) {
            match access {
                Access::Read => fetch_to_read(bucket),
                Access::Write => fetch_to_write(bucket),
            }
            fetch_to_read(control);
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// How many entries the table can hold when none has been removed.
    pub(crate) fn capacity(&self) -> usize {
        Raw::<T>::room_in(self.raw.buckets())
    }

    /// How many entries certainly fit, those that are there among them.
    pub(crate) fn fits(&self) -> usize {
        self.len() + self.room as usize
    }

    /// Whether one more entry certainly fits.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.room > 0
    }

    /// The entry of this hash that `is` it, and its bucket.
    #[inline(always)]
    fn search(&self, hash: u64, mut is: impl FnMut(&T) -> bool) -> Option<(usize, NonNull<T>)> {
        let mut probe = Probe::new(hash, self.raw.mask());
        if self.raw.mask() >= Self::FAR {
            self.raw.prefetch(probe.at);
        }
        let tag = Tag::of(hash);
        loop {
            // SAFETY: 1. A probe stays within the mask.
            let group = unsafe { self.raw.group(probe.at) };
            let mut matches = group.matches(tag);
            while let Some(position) = matches.lowest() {
                let index = (probe.at + position) & self.raw.mask();
                // SAFETY: 1. There is an entry in it.
                let entry = unsafe { self.raw.bucket(index) };
                // SAFETY: there is, and it is borrowed as the table is.
                if is(unsafe { entry.as_ref() }) {
                    return Some((index, entry));
                }
                matches = matches.above_lowest();
            }
            if !group.empty().is_empty() {
                return None;
            }
            probe.go_on(self.raw.mask());
        }
    }

    /// The bucket of the entry of this hash that `is` it.
    #[inline(always)]
    pub(crate) fn find_index(&self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<usize> {
        Some(self.search(hash, is)?.0)
    }

    /// The entry of this hash that `is` it.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<&T> {
        let (_, entry) = self.search(hash, is)?;
        // SAFETY: there is one, and it is borrowed as the table is.
        Some(unsafe { entry.as_ref() })
    }

    /// The same, and its bucket.
    #[inline(always)]
    pub(crate) fn find_mut(
        &mut self,
        hash: u64,
        is: impl FnMut(&T) -> bool,
    ) -> Option<(usize, &mut T)> {
        let (index, mut entry) = self.search(hash, is)?;
        // SAFETY: as in `find`.
        Some((index, unsafe { entry.as_mut() }))
    }

    /// Whether there is an entry in a bucket, and such a bucket at all.
    #[inline]
    fn is_full(&self, index: usize) -> bool {
        self.raw.control(index).is_some_and(is_full)
    }

    /// The entry of a bucket.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        // SAFETY: 1. There is an entry in it.
        (self.is_full(index)).then(|| unsafe { self.raw.bucket(index).as_ref() })
    }

    /// The entry of a bucket.
    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        // SAFETY: 1. There is an entry in it.
        (self.is_full(index)).then(|| unsafe { self.raw.bucket(index).as_mut() })
    }

    /// Adds an entry, and says in which bucket.
    ///
    /// # Panics
    ///
    /// If there is no room.
    #[inline]
    pub(crate) fn insert_new(&mut self, hash: u64, entry: T) -> usize {
        assert!(self.room > 0, "there is room");
        let index = self.raw.vacancy(hash);
        // SAFETY: 1., 2. There is room: so there is memory, and a bucket is empty; it is that or another vacant one.
        let was_empty = unsafe { self.raw.fill(index, Tag::of(hash).byte(), entry) };
        self.room -= u32::from(was_empty);
        self.len += 1;
        index
    }

    /// Adds an entry to a table that is being filled: from which none has been removed.
    ///
    /// # Panics
    ///
    /// If there is no room.
    #[inline(always)]
    pub(crate) fn fill(&mut self, hash: u64, entry: T) {
        assert!(self.room > 0, "there is room");
        let index = self.raw.next_empty(hash);
        // SAFETY: 1., 2. There is room: so there is memory, and a bucket is empty; it is that or another empty one.
        unsafe { self.raw.fill(index, Tag::of(hash).byte(), entry) };
        self.room -= 1;
        self.len += 1;
    }

    /// Takes the entry out of a bucket.
    #[inline(always)]
    pub(crate) fn remove(&mut self, index: usize) -> Option<T> {
        // SAFETY: 1. There is an entry in it.
        self.is_full(index).then(|| unsafe { self.take(index) })
    }

    /// The same.
    ///
    /// # Safety
    ///
    /// 1. There is an entry in that bucket.
    #[inline(always)]
    unsafe fn take(&mut self, index: usize) -> T {
        // SAFETY: 1. By (1); it is moved out here, once.
        let (entry, empty) = unsafe { (self.raw.bucket(index).read(), self.raw.vacate(index)) };
        self.room += u32::from(empty);
        self.len -= 1;
        entry
    }

    /// Takes the entry of this hash out that `is` it.
    #[inline(always)]
    pub(crate) fn remove_found(&mut self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<T> {
        let (index, _) = self.search(hash, is)?;
        // SAFETY: 1. There is an entry in it.
        Some(unsafe { self.take(index) })
    }

    /// Takes the entry out of a bucket for `f`, and puts what that makes of it there: its hash must be the same, or it will not be
    /// found. If `f` panics, the bucket is vacant.
    ///
    /// # Panics
    ///
    /// If there is no entry.
    pub(crate) fn replace_with(&mut self, index: usize, f: impl FnOnce(T) -> T) {
        let control = self.raw.control(index).expect("there is such a bucket");
        let entry = self.remove(index).expect("there is an entry in it");
        let entry = f(entry);
        // SAFETY: 1., 2. There was an entry in it, which was taken out.
        let was_empty = unsafe { self.raw.fill(index, control, entry) };
        self.room -= u32::from(was_empty);
        self.len += 1;
    }

    /// All entries, in the order of their buckets.
    #[inline]
    pub(crate) fn iter(&self) -> Iter<'_, T> {
        Iter::new(&self.raw, self.len())
    }

    /// The same, to be changed.
    pub(crate) fn iter_mut(&mut self) -> IterMut<'_, T> {
        IterMut::new(&mut self.raw)
    }

    /// The buckets of all entries.
    pub(crate) fn indices(&self) -> impl Iterator<Item = usize> {
        let mut cursor = Cursor::new(&self.raw);
        std::iter::from_fn(move || cursor.next(&self.raw))
    }

    /// Takes out what `take` says, one after the other.
    pub(crate) fn extract(
        &mut self,
        mut take: impl FnMut(&mut T) -> bool,
        mut give: impl FnMut(T),
    ) {
        let mut cursor = Cursor::new(&self.raw);
        while let Some(index) = cursor.next(&self.raw) {
            // SAFETY: 1. There is an entry in it: nothing else becomes vacant here.
            if take(unsafe { self.raw.bucket(index).as_mut() }) {
                // SAFETY: 1. As above.
                give(unsafe { self.take(index) });
            }
        }
    }

    /// Moves all entries to a new table of room for so many. If `hash` panics, nothing has changed.
    pub(crate) fn rebuild(
        &mut self,
        capacity: usize,
        hash: impl Fn(&T) -> u64,
    ) -> Result<(), TryReserveError> {
        let mut copies = Copies(Self::try_with_capacity(capacity.max(self.len()))?);
        let mut cursor = Cursor::new(&self.raw);
        while let Some(index) = cursor.next(&self.raw) {
            // SAFETY: 1. There is an entry in it: nothing becomes vacant here.
            let entry = unsafe { self.raw.bucket(index) };
            // SAFETY: there is. Of it and its copy, one is forgotten.
            let (hash, copy) = unsafe { (hash(entry.as_ref()), entry.read()) };
            copies.0.fill(hash, copy);
        }
        // Nothing panics from here on: the entries are those of the new table, and the copies in the old one are forgotten.
        mem::swap(self, &mut copies.0);
        Ok(())
    }

    /// Moves all entries to two new tables, each as large as this one, those whose hash is `chosen` to the second. If `hash` or `chosen` panics, nothing has changed.
    ///
    /// For a table that is so full that they cannot be much smaller: it is gone through once, and not a second time beforehand to count its halves. (Measured:
    /// growth to a million entries took 0.93 of the time.)
    pub(crate) fn divide(
        &mut self,
        hash: impl Fn(&T) -> u64,
        chosen: impl Fn(u64) -> bool,
    ) -> Result<[Self; 2], TryReserveError> {
        let half = || Self::try_with_capacity(self.capacity()).map(Copies);
        let mut halves = [half()?, half()?];
        let mut cursor = Cursor::new(&self.raw);
        while let Some(index) = cursor.next(&self.raw) {
            // SAFETY: 1. There is an entry in it: nothing becomes vacant here.
            let entry = unsafe { self.raw.bucket(index) };
            // SAFETY: there is.
            let hash = hash(unsafe { entry.as_ref() });
            // An index, where a processor would guess wrong every other time.
            let Copies(half) = &mut halves[usize::from(chosen(hash))];
            // SAFETY: there is an entry. Of it and its copy, one is forgotten. Nobody's code runs on a copy before the original is.
            half.fill(hash, unsafe { entry.read() });
        }
        // Nothing panics from here on: the entries are those of the new tables, and the copies in this one are forgotten.
        drop(Copies(mem::take(self)));
        Ok(halves.map(|mut half| match half.0.len {
            // Where hashes are bad.
            0 => Self::new(),
            _ => mem::take(&mut half.0),
        }))
    }

    /// Leaves nothing.
    fn take_all(&mut self) -> IntoIter<T> {
        (self.room, self.len) = (0, 0);
        IntoIter::new(mem::replace(&mut self.raw, Raw::without_memory()))
    }
}

/// A table of entries that are those of another: its memory is freed, and no entry is dropped.
struct Copies<T>(SwissTable<T>);

impl<T> Drop for Copies<T> {
    fn drop(&mut self) {
        self.0.len = 0;
    }
}

impl<T> Default for SwissTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> IntoIterator for SwissTable<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(mut self) -> IntoIter<T> {
        self.take_all()
    }
}

impl<T> Drop for SwissTable<T> {
    fn drop(&mut self) {
        if self.len > 0 && mem::needs_drop::<T>() {
            drop(self.take_all());
        }
    }
}

impl<T: Clone> Clone for SwissTable<T> {
    /// With all in the same buckets. If the clone of an entry panics, those made before are dropped.
    fn clone(&self) -> Self {
        let buckets = self.raw.buckets();
        if buckets == 0 {
            return Self::new();
        }
        let Some(raw) = Raw::with_buckets(buckets) else {
            let (layout, _) = Raw::<T>::layout(buckets).expect("this table has it, too");
            alloc::handle_alloc_error(layout);
        };
        let mut clone = Self {
            raw,
            room: 0,
            len: 0,
        };
        for index in 0..buckets {
            let control = self.raw.control(index).expect("there is such a bucket");
            if let Some(entry) = self.get(index) {
                let entry = entry.clone();
                // SAFETY: 1., 2. It has as many buckets as this one, and each is filled once.
                unsafe { clone.raw.fill(index, control, entry) };
                clone.len += 1;
            } else if control == DELETED {
                // SAFETY: 1. As above.
                unsafe { clone.raw.mark_deleted(index) };
            }
        }
        clone.room = self.room;
        clone
    }
}

impl<T: fmt::Debug> fmt::Debug for SwissTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
