//! A map that nobody changes any more.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::panic::UnwindSafe;

use ahash::RandomState;
use equivalent::Equivalent;

use super::Map;
use super::leaning::{Leaning, Tally};
use crate::hash::hash_of;
use crate::raw::held::here;
use crate::raw::quiet::Quiet;
use crate::strategy::{Strategy, Table};

/// A map that is only read: it gives out plain references instead of guards, and takes no locks. Made by
/// [`Map::into_read_only`], turned back by [`into_inner`](Self::into_inner).
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("one", 1);
/// let view = map.into_read_only();
/// let one: &u32 = view.get("one").expect("it was inserted");
/// assert_eq!((*one, view.len()), (1, 1));
/// let map = view.into_inner();
/// map.insert("two", 2);
/// ```
pub struct ReadOnlyView<K, V, T: Strategy<K, V>, S = RandomState> {
    shards: Quiet<T::Locked, T::Open>,
    hasher: S,
    leaning: Leaning,
    tally: Tally,
    entries: PhantomData<(K, V)>,
}

impl<K, V, T: Strategy<K, V>, S> Map<K, V, T, S> {
    /// Makes the map one that is only read: see [`ReadOnlyView`]. Moves it, and does nothing else.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert(1, 10);
    /// map.insert(2, 20);
    /// assert_eq!(map.into_read_only().values().sum::<i32>(), 30);
    /// ```
    pub fn into_read_only(self) -> ReadOnlyView<K, V, T, S> {
        let Self {
            directory,
            hasher,
            leaning,
            tally,
            entries,
        } = self;
        ReadOnlyView {
            shards: Quiet::new(directory),
            hasher,
            leaning,
            tally,
            entries,
        }
    }
}

impl<K, V, T: Strategy<K, V>, S> ReadOnlyView<K, V, T, S> {
    /// The map. Moves it, and does nothing else.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// let view = map.into_read_only();
    /// assert_eq!(view.into_inner().insert(3, 4), Some(3));
    /// ```
    pub fn into_inner(self) -> Map<K, V, T, S> {
        let Self {
            shards,
            hasher,
            leaning,
            tally,
            entries,
        } = self;
        Map {
            directory: shards.into_inner(),
            hasher,
            leaning,
            tally,
            entries,
        }
    }

    /// The number of entries. Reads one cache line per shard.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// let view = map.into_read_only();
    /// assert_eq!(view.len(), 10);
    /// ```
    pub fn len(&self) -> usize {
        self.shards.tables().map(Table::len).sum()
    }

    /// Whether there are no entries. Stops at the first shard that has some. Takes no lock, as nothing here
    /// does.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// let view = map.into_read_only();
    /// assert!(!view.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.shards.tables().all(Table::is_empty)
    }

    /// What [`Map::capacity`] said. Reads one cache line per shard.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// let view = map.into_read_only();
    /// assert!(view.capacity() >= 10);
    /// ```
    pub fn capacity(&self) -> usize {
        self.shards.tables().map(T::capacity).sum()
    }

    /// What lies under the locks.
    #[cfg(feature = "rayon")]
    pub(crate) fn tables(&self) -> impl Iterator<Item = &T::Locked> {
        self.shards.tables()
    }

    /// All entries, shard by shard. Takes no lock, allocates nothing (unless the strategy's own iterator
    /// does).
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// let view = map.into_read_only();
    /// assert!(view.iter().all(|(key, value)| key == value));
    /// ```
    pub fn iter<'a>(&'a self) -> impl Iterator<Item = (&'a K, &'a V)> + 'a
    where
        T: 'a,
    {
        let entries = self.shards.tables().flat_map(T::iter);
        entries.map(|(key, value)| (key, value))
    }

    /// All keys. Costs what [`iter`](Self::iter) does.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// let view = map.into_read_only();
    /// assert_eq!(view.keys().sum::<u32>(), 45);
    /// ```
    pub fn keys<'a>(&'a self) -> impl Iterator<Item = &'a K> + 'a
    where
        T: 'a,
    {
        self.iter().map(|(key, _)| key)
    }

    /// All values. Costs what [`iter`](Self::iter) does.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// let view = map.into_read_only();
    /// assert_eq!(view.values().max(), Some(&9));
    /// ```
    pub fn values<'a>(&'a self) -> impl Iterator<Item = &'a V> + 'a
    where
        T: 'a,
    {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> ReadOnlyView<K, V, T, S> {
    /// Whether there is an entry for `key`. Costs what [`get`](Self::get) does.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// let view = map.into_read_only();
    /// assert!(view.contains_key(&3) && !view.contains_key(&30));
    /// ```
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.get_key_value(key).is_some()
    }

    /// The value of `key`. No lock, no allocation, no write to memory.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// let view = map.into_read_only();
    /// assert_eq!(view.get(&3), Some(&3));
    /// ```
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The entry of `key`: the key as it is stored, and the value. Costs what [`get`](Self::get) does.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
    /// let view = map.into_read_only();
    /// assert_eq!(view.get_key_value(&3), Some((&3, &3)));
    /// ```
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = hash_of(&self.hasher, key);
        let table = self.shards.table(hash);
        let (key, value) = T::pair(table, T::locate(table, hash, key)?);
        Some((key, value))
    }
}

/// A view of a map of its own, with a clone of every key and value: allocates tables as large as those of this one, hashes
/// nothing, and takes no lock of this one.
///
/// ```
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// let view = map.into_read_only();
/// let copy = view.clone();
/// view.into_inner().clear();
/// assert_eq!(copy.len(), 10);
/// ```
impl<K: Clone, V: Clone, T: Strategy<K, V>, S: Clone> Clone for ReadOnlyView<K, V, T, S> {
    fn clone(&self) -> Self {
        let place = here();
        let limit = self.shards.limits().base();
        let bias = self.leaning.get();
        let copy = Map::like(limit, self.hasher.clone(), bias, self.shards.open());
        let shards = self.shards.shards();
        let filled = shards.map(|(coverage, open, table)| copy.fill(coverage, open, table, place));
        let filled: Vec<_> = filled.collect();
        copy.begin_with(&filled, place);
        copy.into_read_only()
    }
}

/// Shows every entry, as a map.
impl<K: fmt::Debug, V: fmt::Debug, T: Strategy<K, V>, S> fmt::Debug for ReadOnlyView<K, V, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// As a [`Map`].
impl<K, V, T, S> UnwindSafe for ReadOnlyView<K, V, T, S>
where
    K: UnwindSafe,
    V: UnwindSafe,
    T: Strategy<K, V>,
    S: UnwindSafe,
{
}

/// As a [`Map`].
impl<K, V, T: Strategy<K, V>, S: Unpin> Unpin for ReadOnlyView<K, V, T, S> {}
