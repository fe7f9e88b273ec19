//! Guards that an iterator gives out.

use std::fmt;
use std::ops::Deref;

use crate::mapref;
use crate::strategy::Strategy;

/// A read guard on a key met by an iterator. It may outlive the iterator.
///
/// ```
/// let set: map_sharded::ShardedSet<&str> = ["a"].into_iter().collect();
/// let keys: Vec<_> = set.iter().collect();
/// assert_eq!(*keys[0], "a");
/// ```
pub struct RefMulti<'a, K, T: Strategy<K, ()>>(pub(crate) mapref::multiple::RefMulti<'a, K, (), T>);

impl<K, T: Strategy<K, ()>> RefMulti<'_, K, T> {
    /// The key.
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<&str> = ["a"].into_iter().collect();
    /// assert!(set.iter().all(|key| key.key() == &"a"));
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        self.0.key()
    }
}

impl<K, T: Strategy<K, ()>> Deref for RefMulti<'_, K, T> {
    type Target = K;
    #[inline]
    fn deref(&self) -> &K {
        self.key()
    }
}

impl<K: fmt::Debug, T: Strategy<K, ()>> fmt::Debug for RefMulti<'_, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RefMulti").field(self.key()).finish()
    }
}
