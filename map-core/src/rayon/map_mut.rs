//! Changing the values of a map in parallel.
//!
//! ```
//! use rayon::iter::ParallelIterator;
//!
//! let prices: map_sharded::ShardedMap<u32, u32> = (0..1000).map(|n| (n, n)).collect();
//! prices.par_iter_mut().for_each(|mut price| *price *= 2);
//! assert_eq!(prices.iter().map(|price| *price).max(), Some(1998));
//! ```

use std::fmt;
use std::hash::Hash;

use ::rayon::iter::plumbing::{Folder, UnindexedConsumer, UnindexedProducer, bridge_unindexed};
use ::rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::map::halves;
use crate::map::{Map, Walk};
use crate::mapref::multiple::RefMutMulti;
use crate::raw::common::ShardIterMut;
use crate::raw::coverage::Coverage;
use crate::raw::directory::Directory;
use crate::raw::held::{Place, here};
use crate::strategy::{Section, Strategy};
use crate::sync::spin_loop;

impl<K, V, T, S> Map<K, V, T, S>
where
    K: Eq + Hash + Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync>,
{
    /// Goes over all entries in parallel, giving out write guards: each entry that is present throughout
    /// exactly once, no key twice, also while shards split.
    ///
    /// The work is divided as in [`par_iter`](Self::par_iter). Each job locks one shard at a time for
    /// writing, until it has gone through it and the guards given out from it are gone; for one shard it costs what
    /// [`iter_mut`](Self::iter_mut) costs. Waits for everybody in a shard, so the caller must have no guard on
    /// this map. The closures must not use this map: see [`rayon`](crate::rayon#locks-and-jobs).
    ///
    /// The jobs cannot hash, for the hasher need not be [`Sync`]. So that they need not, shards do not merge while they go on, not by
    /// [`clear`](Self::clear) or [`shrink_to_fit`](Self::shrink_to_fit) of others either; a merge that is under way is waited
    /// for.
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    ///
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..1000).map(|n| (n, n)).collect();
    /// map.par_iter_mut().for_each(|mut entry| *entry *= 2);
    /// assert_eq!(map.get_copied(&21), Some(42));
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn par_iter_mut(&self) -> IterMut<'_, K, V, T> {
        IterMut {
            directory: &self.directory,
            part: Coverage::ALL,
            place: here(),
        }
    }
}

/// Goes over a map in parallel, giving out write guards. Made by [`Map::par_iter_mut`].
///
/// ```
/// use rayon::iter::ParallelIterator;
///
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// map.par_iter_mut().for_each(|mut entry| *entry += 1);
/// assert_eq!(map.get_copied(&9), Some(10));
/// ```
pub struct IterMut<'a, K, V, T: Strategy<K, V>> {
    directory: &'a Directory<T::Locked, T::Open>,
    /// The positions that are gone over.
    part: Coverage,
    place: Place,
}

/// [`Map::par_iter_mut`].
///
/// ```
/// use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
///
/// fn clear<'a, C>(counts: &'a mut C)
/// where
///     C: IntoParallelRefMutIterator<'a, Item = map_sharded::mapref::multiple::RefMutMulti<'a, u32, u32>>,
/// {
///     counts.par_iter_mut().for_each(|mut count| *count = 0);
/// }
///
/// let mut map: map_sharded::ShardedMap<u32, u32> = (0..1000).map(|n| (n, n)).collect();
/// clear(&mut map);
/// assert!(map.iter().all(|count| *count == 0));
/// ```
impl<'a, K, V, T, S> IntoParallelIterator for &'a mut Map<K, V, T, S>
where
    K: Eq + Hash + Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync>,
    RefMutMulti<'a, K, V, T>: Send,
{
    type Iter = IterMut<'a, K, V, T>;
    type Item = RefMutMulti<'a, K, V, T>;

    #[cfg_attr(debug_assertions, track_caller)]
    fn into_par_iter(self) -> Self::Iter {
        self.par_iter_mut()
    }
}

impl<'a, K, V, T> ParallelIterator for IterMut<'a, K, V, T>
where
    K: Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync>,
    RefMutMulti<'a, K, V, T>: Send,
{
    type Item = RefMutMulti<'a, K, V, T>;

    fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
        // Until all jobs have ended, or one has panicked.
        let _unmerged = self.directory.forbid_merges();
        bridge_unindexed(Part(self), consumer)
    }
}

impl<K, V, T: Strategy<K, V>> fmt::Debug for IterMut<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterMut").finish_non_exhaustive()
    }
}

/// A part of the positions of a map, as rayon divides them: some whole shards, for none merge.
struct Part<'a, K, V, T: Strategy<K, V>>(IterMut<'a, K, V, T>);

impl<'a, K, V, T> UnindexedProducer for Part<'a, K, V, T>
where
    K: Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync>,
    RefMutMulti<'a, K, V, T>: Send,
{
    type Item = RefMutMulti<'a, K, V, T>;

    fn split(self) -> (Self, Option<Self>) {
        let (lower, upper) = halves(self.0.directory, self.0.part);
        let part = |part| Self(IterMut { part, ..self.0 });
        (part(lower), upper.map(part))
    }

    fn fold_with<F: Folder<Self::Item>>(self, folder: F) -> F {
        let IterMut {
            directory,
            part,
            place,
        } = self.0;
        let mut walk = Walk::over(part);
        let mut entries: Option<ShardIterMut<'a, K, V, T>> = None;
        folder.consume_iter(std::iter::from_fn(move || {
            loop {
                if let Some(found) = entries.as_mut().and_then(ShardIterMut::next) {
                    return Some(RefMutMulti(found));
                }
                // Before the next shard is waited for.
                entries = None;
                let shard = lock::<K, V, T>(directory, walk.next_hash()?, place);
                let seen = walk.visit(shard.coverage());
                assert!(seen.is_nothing(), "shards that do not merge are met once");
                entries = ShardIterMut::over(shard, |_| true);
            }
        }))
    }
}

/// The shard of `hash`, locked for writing by somebody who cannot hash: nothing is done for it but that.
fn lock<'a, K, V, T: Strategy<K, V>>(
    directory: &'a Directory<T::Locked, T::Open>,
    hash: u64,
    place: Place,
) -> Section<'a, K, V, T> {
    loop {
        match directory.find(hash).lock_exclusive_slow(hash, place) {
            Some((shard, _)) => return shard,
            None => spin_loop(),
        }
    }
}
