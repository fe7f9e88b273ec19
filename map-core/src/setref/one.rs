//! Guards on one key.
//!
//! ```
//! let set: map_sharded::ShardedSet<u32> = (0..10).collect();
//! assert_eq!(set.get(&7).as_deref(), Some(&7));
//! assert!(set.get(&70).is_none());
//! ```

use std::fmt;
use std::ops::Deref;

use crate::mapref;
use crate::strategy::Strategy;

/// A read guard on a key. Costs and locks what a [`Ref`](crate::mapref::one::Ref) on an entry of a map does.
///
/// ```
/// let set: map_sharded::ShardedSet<&str> = ["a"].into_iter().collect();
/// let key = set.get("a").expect("it was inserted");
/// assert_eq!(key.len(), 1);
/// ```
pub struct Ref<'a, K, T: Strategy<K, ()>>(pub(crate) mapref::one::Ref<'a, K, (), T>);

impl<K, T: Strategy<K, ()>> Ref<'_, K, T> {
    /// The key. Costs as much as following a pointer; so does a dereference of the guard.
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<&str> = ["a"].into_iter().collect();
    /// assert_eq!(set.get("a").expect("it was inserted").key(), &"a");
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        self.0.key()
    }
}

/// The [key](Ref::key).
impl<K, T: Strategy<K, ()>> Deref for Ref<'_, K, T> {
    type Target = K;
    #[inline]
    fn deref(&self) -> &K {
        self.key()
    }
}

impl<K: fmt::Debug, T: Strategy<K, ()>> fmt::Debug for Ref<'_, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ref").field(self.key()).finish()
    }
}
