//! What rayon does with a map that is only read.
//!
//! ```
//! use map_sharded::rayon::view::Entry;
//! use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
//!
//! let map: map_sharded::ShardedMap<u32, u32> = (0..1000).map(|n| (n, n % 7)).collect();
//! let view = map.into_read_only();
//! // Plain copies: no lock is kept, so they may be collected and used as long as the view is.
//! let entries: Vec<Entry<'_, u32, u32>> = view.par_iter().filter(|entry| **entry == 3).collect();
//! assert!(entries.iter().all(|entry| view.get(entry.key()) == Some(&3)));
//! ```

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use ::rayon::iter::plumbing::UnindexedConsumer;
use ::rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::map::OwningIter;
use crate::map::{Map, ReadOnlyView};
use crate::strategy::Strategy;

/// An entry of a [`ReadOnlyView`], met by a parallel iterator: it has the methods of a
/// [`RefMulti`](crate::mapref::multiple::RefMulti), but holds no lock, and can be copied.
///
/// ```
/// use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
///
/// let map: map_sharded::ShardedMap<u32, u32> = (0..1000).map(|n| (n, n)).collect();
/// let view = map.into_read_only();
/// assert!(view.par_iter().all(|entry| entry.key() == entry.value() && *entry < 1000));
/// ```
pub struct Entry<'a, K, V>(&'a (K, V));

impl<'a, K, V> Entry<'a, K, V> {
    /// The key, for as long as the view is borrowed. Costs as much as following a pointer.
    ///
    /// ```
    /// use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
    ///
    /// let map: map_sharded::ShardedMap<u32, &str> = [(1, "one"), (2, "two")].into_iter().collect();
    /// let view = map.into_read_only();
    /// assert_eq!(view.par_iter().map(|entry| entry.key()).max(), Some(&2));
    /// ```
    #[inline]
    pub fn key(&self) -> &'a K {
        &self.0.0
    }

    /// The value, for as long as the view is borrowed. Costs as much as following a pointer.
    ///
    /// ```
    /// use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
    ///
    /// let map: map_sharded::ShardedMap<u32, &str> = [(1, "one"), (2, "two")].into_iter().collect();
    /// let view = map.into_read_only();
    /// assert_eq!(view.par_iter().map(|entry| entry.value()).max(), Some(&"two"));
    /// ```
    #[inline]
    pub fn value(&self) -> &'a V {
        &self.0.1
    }

    /// Key and value, for as long as the view is borrowed. Costs as much as following a pointer.
    ///
    /// ```
    /// use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
    ///
    /// let map: map_sharded::ShardedMap<u32, &str> = [(1, "one"), (2, "two")].into_iter().collect();
    /// let view = map.into_read_only();
    /// assert_eq!(view.par_iter().map(|entry| entry.pair()).min(), Some((&1, &"one")));
    /// ```
    #[inline]
    pub fn pair(&self) -> (&'a K, &'a V) {
        (self.key(), self.value())
    }
}

impl<K, V> Clone for Entry<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Entry<'_, K, V> {}

impl<K, V> Deref for Entry<'_, K, V> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Entry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", self.key())
            .field("value", self.value())
            .finish()
    }
}

/// Goes over a map that is only read in parallel. Made by `par_iter`, or `(&view).into_par_iter()`.
///
/// ```
/// use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
///
/// let map: map_sharded::ShardedMap<u32, u32> = (0..1000).map(|n| (n, n)).collect();
/// let view = map.into_read_only();
/// let iter = view.par_iter();
/// assert_eq!((iter.clone().count(), iter.count()), (1000, 1000));
/// ```
pub struct Iter<'a, K, V, T: Strategy<K, V>> {
    tables: Vec<&'a T::Locked>,
    entries: PhantomData<&'a (K, V)>,
}

/// Goes over the entries of a map that is only read.
///
/// The work is divided between shards: a map of one shard (of a hundred entries; of two thousand where reads take no lock, of a hundred thousand in a `LockMap` in which nobody has met anybody) is gone through by one
/// job. Takes no lock, never blocks, and allocates a list of the shards; closures may do anything.
///
/// ```
/// use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
///
/// let map: map_sharded::ShardedMap<u32, u32> = (0..1000).map(|n| (n, n * n)).collect();
/// let view = map.into_read_only();
/// let roots = view.par_iter().filter(|entry| view.contains_key(entry.value()));
/// assert_eq!(roots.count(), 32);
/// ```
impl<'a, K, V, T, S> IntoParallelIterator for &'a ReadOnlyView<K, V, T, S>
where
    K: Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Sync> + 'a,
{
    type Iter = Iter<'a, K, V, T>;
    type Item = Entry<'a, K, V>;

    fn into_par_iter(self) -> Self::Iter {
        Iter {
            tables: self.tables().collect(),
            entries: PhantomData,
        }
    }
}

impl<'a, K, V, T> ParallelIterator for Iter<'a, K, V, T>
where
    K: Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Sync> + 'a,
{
    type Item = Entry<'a, K, V>;

    fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
        self.tables
            .into_par_iter()
            .flat_map_iter(|table| T::iter(table).map(Entry))
            .drive_unindexed(consumer)
    }
}

impl<K, V, T: Strategy<K, V>> Clone for Iter<'_, K, V, T> {
    fn clone(&self) -> Self {
        Self {
            tables: self.tables.clone(),
            entries: self.entries,
        }
    }
}

impl<K, V, T: Strategy<K, V>> fmt::Debug for Iter<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

/// Takes the entries out of a map that was only read: costs what it costs for the [`Map`].
///
/// ```
/// use rayon::iter::{IntoParallelIterator, ParallelIterator};
///
/// let map: map_sharded::ShardedMap<u32, u32> = (0..1000).map(|n| (n, n)).collect();
/// let view = map.into_read_only();
/// assert_eq!(view.into_par_iter().map(|(_, value)| value).max(), Some(999));
/// ```
impl<K, V, T, S> IntoParallelIterator for ReadOnlyView<K, V, T, S>
where
    K: Send,
    V: Send,
    T: Strategy<K, V, Locked: Send>,
{
    type Iter = OwningIter<K, V, T>;
    type Item = (K, V);

    fn into_par_iter(self) -> Self::Iter {
        Map::into_par_iter(self.into_inner())
    }
}
