//! Operations on all entries, shard by shard.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;

use super::{Map, Walk};
use crate::error::TryReserveError;
use crate::iter::Iter;
use crate::raw::held::{Place, here};
use crate::strategy::{Anchored, Strategy, Table};
use crate::sync::{spin_loop, yield_now};

impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// Calls `f` on every entry: each that is present throughout exactly once, no key twice.
    ///
    /// One shard at a time is locked for reading while `f` runs on its entries. `f` may read this
    /// map. If it writes to it, it may meet the shard that it is in, and then would wait for
    /// itself; debug builds panic instead. No allocation. Waits for whoever writes to the next shard.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (1..4).map(|n| (n, n * n)).collect();
    /// let mut sum = 0;
    /// map.for_each(|_, value| sum += value);
    /// assert_eq!(sum, 1 + 4 + 9);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn for_each(&self, mut f: impl FnMut(&K, &V)) {
        let Ok(()) = self.try_for_each(here(), |key, value| {
            f(key, value);
            Ok::<_, Infallible>(())
        });
    }

    /// Calls `f` on every entry, as [`for_each`](Self::for_each) does, until it fails.
    pub(crate) fn try_for_each<E>(
        &self,
        place: Place,
        mut f: impl FnMut(&K, &V) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut walk = Walk::new();
        while let (Some(hash), Some(span)) = (walk.next_hash(), walk.span()) {
            self.rehearse_visit(hash, span, place);
            let visited = self.read_slow(hash, place, |at| {
                T::for_each(
                    at,
                    span,
                    |key| self.hash(key),
                    |key, value| match f(key, value) {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(error) => ControlFlow::Break(error),
                    },
                )
            });
            match visited {
                ControlFlow::Continue(next) => walk.go_on(next),
                ControlFlow::Break(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Finds the next entries of a walk, for guards.
    pub(crate) fn visit<'a>(
        &'a self,
        walk: &mut Walk,
        place: Place,
    ) -> Option<Anchored<'a, T::Visit>> {
        let (hash, span) = (walk.next_hash()?, walk.span()?);
        self.rehearse_visit(hash, span, place);
        let (visit, next) = self.read_slow(hash, place, |at| T::visit(at, span));
        walk.go_on(next);
        Some(visit)
    }

    /// Goes over all entries: each that is present throughout is given out exactly once, no key
    /// twice.
    ///
    /// The shard that the iterator is in is locked for reading, and stays so for each guard given
    /// out, which may outlive the iterator. So the thread that iterates may read this map, but
    /// must not write to it, unless to a shard where it has no guard; a debug build panics instead
    /// of waiting for ever. One atomic operation per entry, and where entries are kept by locks one allocation per shard;
    /// [`for_each`](Self::for_each) has neither. Waits for whoever writes to the next shard.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (1..4).map(|n| (n, n * n)).collect();
    /// let large: Vec<_> = map.iter().filter(|entry| **entry > 3).collect();
    /// assert_eq!(large.len(), 2);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn iter(&self) -> Iter<'_, K, V, T, S> {
        Iter::new(self, here())
    }

    /// Keeps the entries for which `f`, which may change the value, returns `true`.
    ///
    /// One shard at a time is locked for writing while `f` runs on its entries; `f` must not call
    /// this map. What is removed is dropped after its shard is unlocked. If `f` panics, the entries
    /// it has not seen stay.
    ///
    /// Allocates a list of what is removed. Blocks while somebody else uses the next shard.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// map.retain(|key, value| {
    ///     *value += 1;
    ///     key % 5 == 0
    /// });
    /// assert_eq!((map.len(), map.get_copied(&5)), (2, Some(6)));
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn retain(&self, mut f: impl FnMut(&K, &mut V) -> bool) {
        let place = here();
        let mut walk = Walk::new();
        while let Some(hash) = walk.next_hash() {
            // Dropped after the section, also when `f` panics.
            let mut removed = Vec::new();
            let mut section = self.lock(hash, place);
            let seen = walk.visit(section.coverage());
            T::retain(
                &mut section,
                |key, value| seen.contains(|| self.hash(key)) || f(key, value),
                &mut removed,
            );
        }
    }

    /// Removes all entries that were there before the call and are not removed by others, gives
    /// their memory back, and merges shards that are no longer needed. Entries inserted meanwhile
    /// may stay.
    ///
    /// One shard at a time is locked; its entries are dropped after it is unlocked.
    ///
    /// Blocks while somebody else uses the next shard.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10_000).map(|n| (n, n)).collect();
    /// map.clear();
    /// assert_eq!((map.len(), map.capacity(), map.shards()), (0, 0, 1));
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn clear(&self) {
        let place = here();
        let mut walk = Walk::new();
        while let Some(hash) = walk.next_hash() {
            let mut section = self.lock(hash, place);
            walk.visit(section.coverage());
            let taken = T::take(&mut section);
            drop(section);
            drop(taken);
        }
        self.merge_small(place);
    }

    /// Makes shards and tables as small as their entries allow.
    ///
    /// One shard at a time is locked for writing; each is moved to a smaller table. Shards that are together at most
    /// half full are merged. Without memory for a smaller table the larger one stays. Waits for whoever uses
    /// the next shard.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10_000).map(|n| (n, n)).collect();
    /// map.retain(|key, _| *key < 10);
    /// assert!(map.capacity() >= 10_000);
    /// map.shrink_to_fit();
    /// assert!(map.capacity() < 100);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn shrink_to_fit(&self) {
        let place = here();
        self.merge_small(place);
        let mut walk = Walk::new();
        while let Some(hash) = walk.next_hash() {
            let mut section = self.lock(hash, place);
            walk.visit(section.coverage());
            let len = section.len();
            if len < T::capacity(&section) {
                // Without memory for a smaller table the larger one stays.
                let _ = T::resize(&mut section, len, |key| self.hash(key));
            }
        }
    }

    /// Merges shards with their buddies as long as both together are at most half full.
    fn merge_small(&self, place: Place) {
        if self.directory.is_inline() {
            return;
        }
        // From the back to the front a merger is met again, and may merge again.
        let mut walk = Walk::new();
        let mut starts = Vec::new();
        while let Some(hash) = walk.next_hash() {
            let shard = self.lock_shared(hash, place);
            walk.visit(shard.coverage());
            starts.push(hash);
        }
        for hash in starts.into_iter().rev() {
            let mut section = self.lock(hash, place);
            loop {
                let most = self.directory.merge_limit();
                section = match self.merge(section, place, |ours, theirs| ours + theirs <= most) {
                    Ok(merged) => merged,
                    Err(_) => break,
                };
            }
        }
    }

    /// The number of entries: exact when nobody is writing. Takes no lock; reads one cache line
    /// per shard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        let mut len = 0;
        self.visit_lens(|shard| {
            len += shard;
            true
        });
        len
    }

    /// Whether there are no entries: exact when nobody is writing. Takes no lock, and stops at the
    /// first entry it hears of.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// assert!(map.is_empty());
    /// map.insert("a", 1);
    /// assert!(!map.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.visit_lens(|shard| shard == 0)
    }

    /// Shows `f` the number of entries of each shard, until it returns `false`.
    fn visit_lens(&self, mut f: impl FnMut(usize) -> bool) -> bool {
        let mut walk = Walk::new();
        let mut failures = 0;
        while let Some(hash) = walk.next_hash() {
            match self.directory.find(hash).hints() {
                Some((coverage, len)) if coverage.covers(hash) => {
                    walk.visit(coverage);
                    if !f(len) {
                        return false;
                    }
                }
                _ => {
                    // It is being split or merged: a matter of nanoseconds, unless that thread was
                    // interrupted.
                    failures += 1;
                    if failures % 64 == 0 {
                        yield_now();
                    }
                    spin_loop();
                }
            }
        }
        true
    }

    /// How many entries fit before some shard has to grow or split, if they spread evenly. Locks
    /// one shard at a time for reading.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = map_sharded::ShardedMap::with_capacity(1_000);
    /// assert!(map.capacity() >= 1_000);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn capacity(&self) -> usize {
        let place = here();
        let mut capacity = 0;
        self.for_each_shard(place, |_, shard| capacity += T::capacity(shard));
        capacity
    }

    /// Shows `f` every shard, locked for reading.
    pub(crate) fn for_each_shard(&self, place: Place, mut f: impl FnMut(&T::Open, &T::Locked)) {
        let mut walk = Walk::new();
        while let Some(hash) = walk.next_hash() {
            let shard = self.lock_shared(hash, place);
            walk.visit(shard.coverage());
            f(shard.open(), &shard);
        }
    }

    /// The number of shards at the moment.
    ///
    /// Waits for a split or merge that is under way, for as long as that takes to change the directory.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = map_sharded::ShardedMap::new();
    /// assert_eq!(map.shards(), 1);
    /// map.reserve(10_000);
    /// assert!(map.shards() > 8);
    /// ```
    pub fn shards(&self) -> usize {
        self.directory.shards()
    }

    /// Makes room for so many more entries, by splitting and growing shards ahead of time.
    ///
    /// Costs and blocks as [`try_reserve`](Self::try_reserve) does.
    ///
    /// # Panics
    ///
    /// If so many entries exceed the address space. Aborts the process, as all collections do, if
    /// there is not enough memory; [`try_reserve`](Self::try_reserve) does neither.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = map_sharded::ShardedMap::new();
    /// map.reserve(1_000);
    /// assert!(map.capacity() >= 1_000);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn reserve(&self, additional: usize) {
        if let Err(error) = self.try_reserve(additional) {
            panic!("{error}");
        }
    }

    /// Makes room for so many more entries, by splitting and growing shards ahead of time.
    ///
    /// Where the hash spreads keys evenly, that many can then be inserted with (nearly) no shard
    /// growing. One shard at a time is locked for writing. Waits for whoever uses it. Asks the allocator for
    /// all the memory at once, gives it back, and then allocates shard by shard.
    ///
    /// # Errors
    ///
    /// If so many entries exceed the address space, or there is not enough memory.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = map_sharded::ShardedMap::new();
    /// assert!(map.try_reserve(1_000).is_ok());
    /// assert!(map.try_reserve(usize::MAX / 2).is_err());
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn try_reserve(&self, additional: usize) -> Result<(), TryReserveError> {
        let place = here();
        let entry = size_of::<(K, V)>();
        let wanted = self.len().saturating_add(additional);
        // Tables are at most half empty, and have a control byte an entry.
        let bytes = wanted.checked_mul(2 * (entry + 1));
        if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
            return Err(TryReserveError::overflow(wanted, entry));
        }
        // Shards are many small allocations, none of which can fail without an abort: ask once for
        // all of it.
        let mut probe = Vec::<u8>::new();
        let probed = probe.try_reserve_exact(wanted * entry);
        // Lest the compiler finds the allocation superfluous and assumes that it succeeds.
        drop(std::hint::black_box(probe));
        if probed.is_err() {
            return Err(TryReserveError::out_of_memory(wanted));
        }
        let limits = self.directory.limits();
        // Whether they meet just now is of no account.
        let met = self.directory.have_met();
        let mut depth = 0;
        while share(wanted, depth) > limits.of(1 << depth, met)
            // Spreading goes only so far: a small limit would never be met.
            && wanted >> depth > 1
        {
            depth += 1;
        }
        self.split_to(depth, place);
        let mut walk = Walk::new();
        while let Some(hash) = walk.next_hash() {
            let mut section = self.lock(hash, place);
            let coverage = section.coverage();
            walk.visit(coverage);
            let share = share(wanted, coverage.depth());
            if T::capacity(&section) < share {
                T::resize(&mut section, share, |key| self.hash(key))?;
            }
        }
        Ok(())
    }
}

/// How many of so many entries a shard of some depth must expect: the mean and, as keys spread
/// randomly, three standard deviations.
fn share(entries: usize, depth: u32) -> usize {
    if depth == 0 {
        return entries;
    }
    let mean = (entries >> depth) + usize::from(!entries.is_multiple_of(1 << depth));
    mean + 3 * mean.isqrt()
}
