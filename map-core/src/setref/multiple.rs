//! Guards that an iterator gives out.
//!
//! ```
//! let set: map_sharded::ShardedSet<u32> = (0..10).collect();
//! assert_eq!(set.iter().filter(|key| **key % 2 == 0).count(), 5);
//! ```

use std::fmt;
use std::ops::Deref;

use crate::mapref;
use crate::strategy::Strategy;

/// A read guard on a key met by an iterator. It may outlive the iterator. Costs and locks what a
/// [`RefMulti`](crate::mapref::multiple::RefMulti) of a map does.
///
/// ```
/// let set: map_sharded::ShardedSet<&str> = ["a"].into_iter().collect();
/// let keys: Vec<_> = set.iter().collect();
/// assert_eq!(*keys[0], "a");
/// ```
pub struct RefMulti<'a, K, T: Strategy<K, ()>>(pub(crate) mapref::multiple::RefMulti<'a, K, (), T>);

impl<K, T: Strategy<K, ()>> RefMulti<'_, K, T> {
    /// The key. Costs as much as following a pointer; so does a dereference of the guard.
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

/// The [key](RefMulti::key).
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
