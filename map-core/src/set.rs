//! Sets: the maps of the family, with keys alone.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use ahash::RandomState;
use equivalent::Equivalent;

use crate::iter_set::{Iter, OwningIter};
use crate::map::Map;
use crate::raw::held::here;
use crate::setref::multiple::RefMulti;
use crate::setref::one::Ref;
use crate::strategy::Strategy;

/// A concurrent hash set: a [`Map`] to `()`, whose costs, waits and promises are those of the map's operation of the
/// same name.
///
/// Users name a set by its alias (`ShardedSet`, ...), which fills in `T`.
///
/// ```
/// use map_sharded::ShardedSet;
///
/// let seen = ShardedSet::new();
/// assert!(seen.insert("alice"));
/// assert!(!seen.insert("alice"));
/// assert!(seen.contains("alice"));
/// assert_eq!(seen.remove("alice"), Some("alice"));
/// assert!(seen.is_empty());
/// ```
///
/// A set with other settings is made of a map: `ShardedSet::from(map)`.
pub struct Set<K, T: Strategy<K, ()>, S = RandomState> {
    pub(crate) map: Map<K, (), T, S>,
}

impl<K: Eq + Hash, T: Strategy<K, ()>> Set<K, T> {
    /// An empty set. Locked shards allocate nothing; what others do, the aliases of their maps say.
    ///
    /// ```
    /// use map_sharded::ShardedSet;
    ///
    /// let set: ShardedSet<String> = ShardedSet::new();
    /// assert!(set.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Map::new().into()
    }

    /// An empty set with room for so many keys.
    ///
    /// Allocates what [`Map::with_capacity`] does.
    ///
    /// # Panics
    ///
    /// If so many keys exceed the address space.
    ///
    /// ```
    /// use map_sharded::ShardedSet;
    ///
    /// let set: ShardedSet<String> = ShardedSet::with_capacity(100);
    /// assert!(set.capacity() >= 100);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity(capacity: usize) -> Self {
        Map::with_capacity(capacity).into()
    }
}

impl<K: Eq + Hash, T: Strategy<K, ()>, S: BuildHasher> Set<K, T, S> {
    /// An empty set that hashes with `hasher`. Allocates as [`new`](Self::new) does.
    ///
    /// ```
    /// use map_sharded::ShardedSet;
    ///
    /// let set = ShardedSet::with_hasher(std::hash::RandomState::new());
    /// assert!(set.insert(1));
    /// ```
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Map::with_hasher(hasher).into()
    }

    /// An empty set with room for so many keys that hashes with `hasher`.
    ///
    /// Allocates what [`Map::with_capacity`] does.
    ///
    /// # Panics
    ///
    /// If so many keys exceed the address space.
    ///
    /// ```
    /// use map_sharded::ShardedSet;
    ///
    /// let set = ShardedSet::with_capacity_and_hasher(100, std::hash::RandomState::new());
    /// assert!(set.insert(1));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        Map::with_capacity_and_hasher(capacity, hasher).into()
    }

    /// The hasher. A reference into the set; takes no lock.
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// let set: map_sharded::ShardedSet<&str> = ["a"].into_iter().collect();
    /// assert_eq!(set.hasher().hash_one("a"), set.hasher().hash_one("a"));
    /// ```
    pub fn hasher(&self) -> &S {
        self.map.hasher()
    }

    /// What the hasher makes of an item: see [`Map::hash_usize`].
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<&str> = ["a"].into_iter().collect();
    /// assert_eq!(set.hash_usize(&"b"), set.hash_usize(&"b"));
    /// ```
    pub fn hash_usize<Q: Hash>(&self, item: &Q) -> usize {
        self.map.hash_usize(item)
    }

    /// Inserts a key, and returns whether it was not there. One that is there stays, and the one passed in
    /// is dropped. Blocks while somebody else uses its shard.
    ///
    /// # Panics
    ///
    /// If a shard would have to grow beyond the address space.
    ///
    /// ```
    /// let set = map_sharded::ShardedSet::new();
    /// assert!(set.insert(1));
    /// assert!(!set.insert(1));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn insert(&self, key: K) -> bool {
        self.map.insert(key, ()).is_none()
    }

    /// Removes a key and returns it as it was stored. Blocks while somebody else uses its shard.
    ///
    /// ```
    /// let set = map_sharded::ShardedSet::new();
    /// set.insert("a".to_owned());
    /// assert_eq!(set.remove("a").as_deref(), Some("a"));
    /// assert_eq!(set.remove("a"), None);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn remove<Q>(&self, key: &Q) -> Option<K>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.map.remove(key).map(|(key, ())| key)
    }

    /// Removes and returns a key if `f`, which is shown it with its shard locked for writing, says so. Costs
    /// and waits as [`Map::remove_if`] does.
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
    /// assert_eq!(set.remove_if(&3, |key| *key > 5), None);
    /// assert_eq!(set.remove_if(&3, |key| *key < 5), Some(3));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn remove_if<Q>(&self, key: &Q, f: impl FnOnce(&K) -> bool) -> Option<K>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let removed = self.map.remove_if(key, |key, ()| f(key));
        removed.map(|(key, ())| key)
    }

    /// Whether a key is there. Costs and waits as [`Map::contains_key`] does.
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<u32> = (0..5).collect();
    /// assert!(set.contains(&4) && !set.contains(&5));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.map.contains_key(key)
    }

    /// A read guard on a key as it is stored. Costs and waits as [`Map::get`] does.
    ///
    /// ```
    /// let set = map_sharded::ShardedSet::new();
    /// set.insert("a".to_owned());
    /// assert_eq!(set.get("a").as_deref().map(String::as_str), Some("a"));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn get<Q>(&self, key: &Q) -> Option<Ref<'_, K, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.map.get(key).map(Ref)
    }

    /// Goes over all keys, giving out read guards: see [`Map::iter`] for what is seen, and what must not be
    /// done meanwhile.
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<u32> = (1..4).collect();
    /// assert_eq!(set.iter().map(|key| *key).sum::<u32>(), 6);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn iter(&self) -> Iter<'_, K, T, S> {
        Iter(crate::iter::Iter::new(&self.map, here()))
    }

    /// Keeps the keys for which `f` returns `true`: see [`Map::retain`].
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
    /// set.retain(|key| key % 2 == 0);
    /// assert_eq!(set.len(), 5);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn retain(&self, mut f: impl FnMut(&K) -> bool) {
        self.map.retain(|key, ()| f(key));
    }

    /// Removes all keys, and gives their memory back: see [`Map::clear`].
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
    /// set.clear();
    /// assert_eq!((set.len(), set.capacity()), (0, 0));
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn clear(&self) {
        self.map.clear();
    }

    /// Makes shards and tables as small as their keys allow. Costs and waits as [`Map::shrink_to_fit`] does.
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
    /// set.shrink_to_fit();
    /// assert!((10..32).contains(&set.capacity()));
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn shrink_to_fit(&self) {
        self.map.shrink_to_fit();
    }

    /// The number of keys: exact when nobody is writing. Takes no lock; reads one cache line per shard.
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
    /// assert_eq!(set.len(), 10);
    /// ```
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are no keys: exact when nobody is writing. Takes no lock.
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
    /// assert!(!set.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// How many keys fit before some shard has to grow or split: see [`Map::capacity`].
    ///
    /// ```
    /// let set: map_sharded::ShardedSet<u32> = (0..10).collect();
    /// assert!(set.capacity() >= 10);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn capacity(&self) -> usize {
        self.map.capacity()
    }
}

/// The set of the map's keys, which it takes over as it is: moves it, and does nothing else.
///
/// ```
/// use map_sharded::{ShardedMap, ShardedSet};
///
/// let map = ShardedMap::builder().shards(4).build()?;
/// let set = ShardedSet::from(map);
/// assert!(set.insert("a"));
/// # Ok::<(), map_core::BuildError>(())
/// ```
impl<K, T: Strategy<K, ()>, S> From<Map<K, (), T, S>> for Set<K, T, S> {
    fn from(map: Map<K, (), T, S>) -> Self {
        Self { map }
    }
}

/// The map that is behind a set. Moves it, and does nothing else.
///
/// ```
/// use map_sharded::{ShardedMap, ShardedSet};
///
/// let set: ShardedSet<u32> = (0..10).collect();
/// assert_eq!(ShardedMap::from(set).get_copied(&3), Some(()));
/// ```
impl<K, T: Strategy<K, ()>, S> From<Set<K, T, S>> for Map<K, (), T, S> {
    fn from(set: Set<K, T, S>) -> Self {
        set.map
    }
}

/// An empty set, with a default hasher. Allocates as [`new`](Self::new) does.
impl<K: Eq + Hash, T: Strategy<K, ()>, S: BuildHasher + Default> Default for Set<K, T, S> {
    fn default() -> Self {
        Map::default().into()
    }
}

/// A set with a clone of every key that is present throughout; what is locked meanwhile is said of the clone of
/// a [`Map`].
impl<K: Clone, T: Strategy<K, ()>, S: Clone> Clone for Set<K, T, S> {
    fn clone(&self) -> Self {
        self.map.clone().into()
    }
}

/// Shows every key, as a set; locks what [`Map::for_each`] does.
impl<K, T, S> fmt::Debug for Set<K, T, S>
where
    K: Eq + Hash + fmt::Debug,
    T: Strategy<K, ()>,
    S: BuildHasher,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_set();
        self.map.for_each(|key, ()| {
            set.entry(key);
        });
        set.finish()
    }
}

/// Inserts every key, one [`insert`](Set::insert) each; of equal ones there is one.
///
/// ```
/// let set: map_sharded::ShardedSet<u32> = [3, 1, 3].into_iter().collect();
/// assert_eq!(set.len(), 2);
/// ```
impl<K, T, S> FromIterator<K> for Set<K, T, S>
where
    K: Eq + Hash,
    T: Strategy<K, ()>,
    S: BuildHasher + Default,
{
    fn from_iter<I: IntoIterator<Item = K>>(iter: I) -> Self {
        let mut set = Self::default();
        set.extend(iter);
        set
    }
}

/// Inserts every key, one [`insert`](Set::insert) each: room is not made ahead.
impl<K: Eq + Hash, T: Strategy<K, ()>, S: BuildHasher> Extend<K> for Set<K, T, S> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, iter: I) {
        self.map.extend(iter.into_iter().map(|key| (key, ())));
    }
}

/// Takes the keys out, without a lock.
impl<K, T: Strategy<K, ()>, S> IntoIterator for Set<K, T, S> {
    type Item = K;
    type IntoIter = OwningIter<K, T, S>;

    fn into_iter(self) -> Self::IntoIter {
        OwningIter(self.map.into_iter())
    }
}

/// [`Set::iter`].
impl<'a, K: Eq + Hash, T: Strategy<K, ()>, S: BuildHasher> IntoIterator for &'a Set<K, T, S> {
    type Item = RefMulti<'a, K, T>;
    type IntoIter = Iter<'a, K, T, S>;

    #[cfg_attr(debug_assertions, track_caller)]
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
