//! Iterators over a set.
//!
//! ```
//! use map_sharded::ShardedSet;
//! use map_sharded::iter_set::{Iter, OwningIter};
//!
//! let set: ShardedSet<u32> = (0..10).collect();
//! let keys: Iter<'_, u32> = set.iter();
//! assert_eq!(keys.filter(|key| **key > 6).count(), 3);
//! let keys: OwningIter<u32> = set.into_iter();
//! assert_eq!(keys.sum::<u32>(), 45);
//! ```

use std::fmt;
use std::hash::{BuildHasher, Hash};

use crate::iter;
use crate::setref::multiple::RefMulti;
use crate::strategy::Strategy;

/// Goes over the keys of a set, giving out read guards. Made by [`Set::iter`](crate::Set::iter). What is locked
/// while it goes on, and what it costs, is said of [`Map::iter`](crate::Map::iter).
///
/// ```
/// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
/// assert_eq!(set.iter().map(|key| *key).sum::<u32>(), 45);
/// ```
pub struct Iter<'a, K, T: Strategy<K, ()>, S>(pub(crate) iter::Iter<'a, K, (), T, S>);

impl<'a, K: Eq + Hash, T: Strategy<K, ()>, S: BuildHasher> Iterator for Iter<'a, K, T, S> {
    type Item = RefMulti<'a, K, T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(RefMulti)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, T: Strategy<K, ()>, S> fmt::Debug for Iter<'_, K, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

/// Takes the keys out of a set that nobody else has any more. Takes no locks.
///
/// ```
/// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
/// assert_eq!(set.into_iter().sum::<u32>(), 45);
/// ```
pub struct OwningIter<K, T: Strategy<K, ()>, S>(pub(crate) iter::OwningIter<K, (), T, S>);

impl<K, T: Strategy<K, ()>, S> Iterator for OwningIter<K, T, S> {
    type Item = K;

    fn next(&mut self) -> Option<K> {
        self.0.next().map(|(key, ())| key)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, T: Strategy<K, ()>, S> fmt::Debug for OwningIter<K, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwningIter").finish_non_exhaustive()
    }
}
