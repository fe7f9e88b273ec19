//! Guards that an iterator gives out.
//!
//! Each keeps its shard locked as a guard on [one](super::one) entry does; those of one shard share the lock.
//!
//! ```
//! use map_sharded::ShardedMap;
//!
//! let stock: ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
//! stock.iter_mut().for_each(|mut entry| *entry *= 2);
//! let most = stock.iter().max_by_key(|entry| *entry.value()).expect("it is not empty");
//! assert_eq!(most.pair(), (&9, &18));
//! ```

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::raw::common::EditingOneOf;
use crate::raw::guarded::Held;
use crate::strategy::Strategy;

/// A read guard on an entry met by an iterator. It may outlive the iterator.
///
/// ```
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// let guards: Vec<_> = map.iter().collect();
/// assert!(guards.iter().all(|guard| guard.key() == guard.value()));
/// ```
pub struct RefMulti<'a, K, V, T: Strategy<K, V>>(pub(crate) Held<'a, (K, V), T::Hold>);

impl<K, V, T: Strategy<K, V>> RefMulti<'_, K, V, T> {
    /// The key. No search, no lock: the guard points to the entry.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.iter().next().expect("it was inserted");
    /// assert_eq!(guard.key(), &"a");
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        &self.0.get().0
    }

    /// The value. Costs as much as following a pointer; so does a dereference of the guard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.iter().next().expect("it was inserted");
    /// assert_eq!(guard.value(), &1);
    /// ```
    #[inline]
    pub fn value(&self) -> &V {
        &self.0.get().1
    }

    /// Key and value. Costs as much as following a pointer.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.iter().next().expect("it was inserted");
    /// assert_eq!(guard.pair(), (&"a", &1));
    /// ```
    #[inline]
    pub fn pair(&self) -> (&K, &V) {
        let (key, value) = self.0.get();
        (key, value)
    }
}

/// The [value](RefMulti::value).
impl<K, V, T: Strategy<K, V>> Deref for RefMulti<'_, K, V, T> {
    type Target = V;
    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

impl<K: fmt::Debug, V: fmt::Debug, T: Strategy<K, V>> fmt::Debug for RefMulti<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefMulti")
            .field("key", self.key())
            .field("value", self.value())
            .finish()
    }
}

/// A write guard on an entry met by [`iter_mut`](crate::Map::iter_mut). It may outlive the iterator.
///
/// The guards of one shard share its lock: it is free again when the last of them is gone, and the
/// iterator past the shard. Each may go to a thread of its own. Where values are not changed in place, a
/// guard changes a copy (made when it is first written through), and others see the changes when the
/// shard is free.
///
/// ```
/// let accounts: map_sharded::ShardedMap<u32, u64> = (90..110).map(|id| (id, 0)).collect();
/// for mut account in accounts.iter_mut() {
///     if *account.key() < 100 {
///         *account += 1;
///     }
/// }
/// assert_eq!(accounts.iter().map(|account| *account).sum::<u64>(), 10);
/// ```
pub struct RefMutMulti<'a, K, V, T: Strategy<K, V>>(pub(crate) EditingOneOf<'a, K, V, T>);

impl<K, V, T: Strategy<K, V>> RefMutMulti<'_, K, V, T> {
    /// The key. No search, no lock: the guard points to the entry.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.iter_mut().next().expect("it was inserted");
    /// assert_eq!(guard.key(), &"a");
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        &self.0.get().0
    }

    /// The value. Costs as much as following a pointer; so does a dereference of the guard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.iter_mut().next().expect("it was inserted");
    /// assert_eq!(guard.value(), &1);
    /// ```
    #[inline]
    pub fn value(&self) -> &V {
        &self.0.get().1
    }

    /// The value, to be changed.
    ///
    /// Costs as much as following a pointer where values are changed in place. Elsewhere the first call, of
    /// this or of anything else that gives out `&mut V`, clones the entry.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let mut guard = map.iter_mut().next().expect("it was inserted");
    /// *guard.value_mut() += 1;
    /// assert_eq!(*guard, 2);
    /// ```
    #[inline]
    pub fn value_mut(&mut self) -> &mut V {
        self.0.get_mut().1
    }

    /// Key and value. Costs as much as following a pointer.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.iter_mut().next().expect("it was inserted");
    /// assert_eq!(guard.pair(), (&"a", &1));
    /// ```
    #[inline]
    pub fn pair(&self) -> (&K, &V) {
        let (key, value) = self.0.get();
        (key, value)
    }

    /// Key and value, the latter to be changed.
    ///
    /// Costs what [`value_mut`](Self::value_mut) does.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let mut guard = map.iter_mut().next().expect("it was inserted");
    /// let (_, value) = guard.pair_mut();
    /// *value += 1;
    /// assert_eq!(*guard, 2);
    /// ```
    #[inline]
    pub fn pair_mut(&mut self) -> (&K, &mut V) {
        self.0.get_mut()
    }
}

/// The [value](RefMutMulti::value).
impl<K, V, T: Strategy<K, V>> Deref for RefMutMulti<'_, K, V, T> {
    type Target = V;
    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

/// The [value, to be changed](RefMutMulti::value_mut).
impl<K, V, T: Strategy<K, V>> DerefMut for RefMutMulti<'_, K, V, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut V {
        self.value_mut()
    }
}

impl<K: fmt::Debug, V: fmt::Debug, T: Strategy<K, V>> fmt::Debug for RefMutMulti<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefMutMulti")
            .field("key", self.key())
            .field("value", self.value())
            .finish()
    }
}
