//! Copies of maps: the shards as they are, entry by entry, and nothing hashed. So a copy asks nothing of keys and hasher but that
//! they can be cloned.

use super::{Map, ReadBias};
use crate::raw::coverage::{Coverage, hash_at};
use crate::raw::header::Header;
use crate::raw::held::{Place, here};
use crate::raw::holds::Shared;
use crate::strategy::Strategy;
use crate::sync::spin_loop;

/// A shard that was found by its strategy's types.
type Shard<K, V, T> = Header<<T as Strategy<K, V>>::Locked, <T as Strategy<K, V>>::Open>;

/// The same shards with a clone of every key and value, of the hasher, and of what the map was told: each entry that is
/// present throughout is in it once.
///
/// One shard at a time is locked for reading while its keys and values are cloned; they may read this map, as closures may
/// that are given shared references. Hashes nothing: the clone of the hasher has to hash as the hasher does. Allocates for
/// each shard a table of the same size, and, where entries are on the heap, each entry. Waits for whoever writes to the next
/// shard. If `Clone` panics, the clones made so far are dropped, those of the present shard perhaps while it is locked for
/// reading.
///
/// A shard that others merge meanwhile with one that was copied already is copied anew.
///
/// ```
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// let copy = map.clone();
/// map.clear();
/// assert_eq!((map.len(), copy.len()), (0, 10));
/// ```
impl<K: Clone, V: Clone, T: Strategy<K, V>, S: Clone> Clone for Map<K, V, T, S> {
    fn clone(&self) -> Self {
        let place = here();
        let limit = self.directory.limits().base();
        let bias = self.leaning.get();
        let copy = Self::like(limit, self.hasher.clone(), bias, self.directory.open());
        let mut filled: Vec<&Shard<K, V, T>> = Vec::new();
        let mut next = Some(0);
        while let Some(position) = next {
            let shard = self.lock_as_it_is(hash_at(position), place);
            let coverage = shard.coverage();
            let another = copy.fill(coverage, shard.open(), &shard, place);
            next = coverage.end();
            drop(shard);
            // It may be the merger of some that were copied with one that was not.
            let before = |shard: &&Shard<K, V, T>| shard.coverage_hint().start() < coverage.start();
            for stale in filled.drain(filled.partition_point(before)..) {
                copy.abandon(stale, place);
            }
            filled.push(another);
        }
        copy.begin_with(&filled, place);
        copy
    }
}

impl<K, V, T: Strategy<K, V>, S> Map<K, V, T, S> {
    /// The shard of `hash`, locked for reading by somebody who cannot hash: nothing is done about it if it is fought over.
    fn lock_as_it_is(&self, hash: u64, place: Place) -> Shared<'_, T::Locked, T::Open> {
        loop {
            match self.directory.find(hash).lock_shared(false, place) {
                Ok(shard) if shard.coverage().covers(hash) => return shard,
                _ => spin_loop(),
            }
        }
    }

    /// A map that is set up as another, to be [filled](Self::fill).
    pub(super) fn like(limit: usize, hasher: S, bias: ReadBias, open: &T::Open) -> Self {
        let map = Self::with_limit(limit, hasher);
        map.leaning.set(bias);
        T::set_up_like(map.directory.open(), open);
        map
    }

    /// Copies a shard of another map, for [`begin_with`](Self::begin_with).
    pub(super) fn fill(
        &self,
        coverage: Coverage,
        open: &T::Open,
        locked: &T::Locked,
        place: Place,
    ) -> &Shard<K, V, T>
    where
        K: Clone,
        V: Clone,
    {
        let mut shard = self.directory.prepare(coverage, place);
        T::clone_shard(open, locked, &mut shard);
        shard.header()
    }

    /// A shard was filled for nothing: what is in it is dropped. The header is not used again, lest it be known to whom.
    fn abandon(&self, shard: &Shard<K, V, T>, place: Place) {
        let section = shard.try_lock_exclusive(place);
        let mut section = section.expect("nobody else has the map");
        section.uncover();
        let taken = T::take(&mut section);
        drop(section);
        drop(taken);
    }

    /// Has the shards that were filled.
    pub(super) fn begin_with(&self, filled: &[&Shard<K, V, T>], place: Place) {
        self.directory.begin_with(filled, place);
        self.lead_readers();
    }
}
