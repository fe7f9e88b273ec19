//! What rayon does with a set.
//!
//! ```
//! use map_sharded::ShardedSet;
//! use rayon::iter::{IntoParallelIterator, ParallelIterator};
//!
//! let squares: ShardedSet<u64> = (0..1000u64).into_par_iter().map(|n| n * n).collect();
//! assert_eq!(squares.par_iter().filter(|square| **square < 100).count(), 10);
//! ```

use std::fmt;
use std::hash::{BuildHasher, Hash};

use ::rayon::iter::plumbing::UnindexedConsumer;
use ::rayon::iter::{FromParallelIterator, IntoParallelIterator, ParallelExtend, ParallelIterator};

use super::map;
use crate::set::Set;
use crate::setref::multiple::RefMulti;
use crate::strategy::Strategy;

impl<K, T, S> Set<K, T, S>
where
    K: Eq + Hash + Send + Sync,
    T: Strategy<K, (), Locked: Send + Sync, Open: Send + Sync>,
    S: BuildHasher + Send + Sync,
{
    /// Goes over all keys in parallel: see [`Map::par_iter`](crate::Map::par_iter).
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    ///
    /// let set: map_sharded::ShardedSet<u32> = (0..1000).collect();
    /// assert_eq!(set.par_iter().filter(|key| key.is_multiple_of(2)).count(), 500);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn par_iter(&self) -> Iter<'_, K, T> {
        Iter(self.map.par_iter())
    }
}

/// Goes over a set in parallel, giving out read guards. Made by [`Set::par_iter`].
///
/// ```
/// use rayon::iter::ParallelIterator;
///
/// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
/// assert_eq!(set.par_iter().map(|key| *key).sum::<u32>(), 45);
/// ```
pub struct Iter<'a, K, T: Strategy<K, ()>>(map::Iter<'a, K, (), T>);

/// [`Set::par_iter`].
impl<'a, K, T, S> IntoParallelIterator for &'a Set<K, T, S>
where
    K: Eq + Hash + Send + Sync,
    T: Strategy<K, (), Locked: Send + Sync, Open: Send + Sync, Hold: Send>,
    S: BuildHasher + Send + Sync,
{
    type Iter = Iter<'a, K, T>;
    type Item = RefMulti<'a, K, T>;

    #[cfg_attr(debug_assertions, track_caller)]
    fn into_par_iter(self) -> Self::Iter {
        self.par_iter()
    }
}

impl<'a, K, T> ParallelIterator for Iter<'a, K, T>
where
    K: Send + Sync,
    T: Strategy<K, (), Locked: Send + Sync, Open: Send + Sync, Hold: Send>,
{
    type Item = RefMulti<'a, K, T>;

    fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
        self.0.map(RefMulti).drive_unindexed(consumer)
    }
}

impl<K, T: Strategy<K, ()>> Clone for Iter<'_, K, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, T: Strategy<K, ()>> fmt::Debug for Iter<'_, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

/// Takes the keys out of a set in parallel, shard by shard. Made by `into_par_iter`.
///
/// ```
/// use rayon::iter::{IntoParallelIterator, ParallelIterator};
///
/// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
/// assert_eq!(set.into_par_iter().sum::<u32>(), 45);
/// ```
pub struct OwningIter<K, T: Strategy<K, ()>>(map::OwningIter<K, (), T>);

/// Takes the keys out of a set that nobody else has any more. The work is divided between shards.
///
/// ```
/// use rayon::iter::{IntoParallelIterator, ParallelIterator};
///
/// let set: map_sharded::ShardedSet<u32> = (0..1000).collect();
/// assert_eq!(set.into_par_iter().max(), Some(999));
/// ```
impl<K: Send, T: Strategy<K, (), Locked: Send>, S> IntoParallelIterator for Set<K, T, S> {
    type Iter = OwningIter<K, T>;
    type Item = K;

    fn into_par_iter(self) -> Self::Iter {
        OwningIter(self.map.into_par_iter())
    }
}

impl<K: Send, T: Strategy<K, (), Locked: Send>> ParallelIterator for OwningIter<K, T> {
    type Item = K;

    fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
        self.0.map(|(key, ())| key).drive_unindexed(consumer)
    }
}

impl<K, T: Strategy<K, ()>> fmt::Debug for OwningIter<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwningIter").finish_non_exhaustive()
    }
}

/// Inserts keys in parallel. Each is one [`insert`](Set::insert), and waits only for the other jobs.
impl<K, T, S> ParallelExtend<K> for Set<K, T, S>
where
    K: Eq + Hash + Send + Sync,
    T: Strategy<K, (), Locked: Send + Sync, Open: Send + Sync>,
    S: BuildHasher + Send + Sync,
{
    fn par_extend<I: IntoParallelIterator<Item = K>>(&mut self, keys: I) {
        (&*self).par_extend(keys);
    }
}

/// Inserts keys in parallel into a set that others may use meanwhile. Whoever calls this must have no guard on
/// this set, for the jobs would wait for it.
///
/// ```
/// use rayon::iter::{IntoParallelIterator, ParallelExtend};
///
/// let set = map_sharded::ShardedSet::<u32>::new();
/// (&set).par_extend((0..1000).into_par_iter());
/// assert_eq!(set.len(), 1000);
/// ```
impl<K, T, S> ParallelExtend<K> for &Set<K, T, S>
where
    K: Eq + Hash + Send + Sync,
    T: Strategy<K, (), Locked: Send + Sync, Open: Send + Sync>,
    S: BuildHasher + Send + Sync,
{
    fn par_extend<I: IntoParallelIterator<Item = K>>(&mut self, keys: I) {
        (&self.map).par_extend(keys.into_par_iter().map(|key| (key, ())));
    }
}

/// Makes a set of keys in parallel. Room is not made ahead, and shards split as they fill.
impl<K, T, S> FromParallelIterator<K> for Set<K, T, S>
where
    K: Eq + Hash + Send + Sync,
    T: Strategy<K, (), Locked: Send + Sync, Open: Send + Sync>,
    S: BuildHasher + Default + Send + Sync,
{
    fn from_par_iter<I: IntoParallelIterator<Item = K>>(keys: I) -> Self {
        let set = Self::default();
        (&set).par_extend(keys);
        set
    }
}
