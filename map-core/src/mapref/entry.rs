//! A place in a map, locked, that holds an entry or could.
//!
//! The entry's shard is locked for writing from [`Map::entry`] on, until the entry, and the guard
//! made of it, are gone. Values and keys that turn out not to be needed (the argument of
//! [`Entry::or_insert`], the key given to [`Map::entry`]) are dropped under that lock: it is the
//! caller's own. Where their `Drop` calls the map, use [`Map::compute`] or
//! [`Map::get_or_insert_with`].
//!
//! [`Map::entry`]: crate::Map::entry
//! [`Map::compute`]: crate::Map::compute
//! [`Map::get_or_insert_with`]: crate::Map::get_or_insert_with

use std::fmt;

use super::one::RefMut;
use crate::raw::guarded::Editing;
use crate::strategy::{Section, Strategy};

/// A locked place for a key, which is there or not.
///
/// ```
/// use map_sharded::{ShardedMap, mapref::entry::Entry};
///
/// let map = ShardedMap::new();
/// match map.entry("a") {
///     Entry::Occupied(entry) => drop(entry.remove()),
///     Entry::Vacant(entry) => drop(entry.insert(1)),
/// }
/// assert_eq!(map.get_copied("a"), Some(1));
/// ```
pub enum Entry<'a, K, V, T: Strategy<K, V>> {
    /// The key is there.
    Occupied(OccupiedEntry<'a, K, V, T>),
    /// The key is not there.
    Vacant(VacantEntry<'a, K, V, T>),
}

/// A locked entry.
///
/// ```
/// use map_sharded::{ShardedMap, mapref::entry::Entry};
///
/// let map = ShardedMap::new();
/// map.insert("a", 1);
/// if let Entry::Occupied(mut entry) = map.entry("a") {
///     *entry.get_mut() += 1;
///     assert_eq!(entry.remove_entry(), ("a", 2));
/// }
/// ```
pub struct OccupiedEntry<'a, K, V, T: Strategy<K, V>> {
    // Dropped first: the key's Drop runs unlocked where the entry is simply dropped.
    entry: Editing<'a, K, V, T>,
    /// The key that the entry was asked for with.
    key: K,
}

/// A locked place where an entry could be.
///
/// ```
/// use map_sharded::{ShardedMap, mapref::entry::Entry};
///
/// let map = ShardedMap::new();
/// if let Entry::Vacant(entry) = map.entry("a") {
///     *entry.insert(1) += 1;
/// }
/// assert_eq!(map.get_copied("a"), Some(2));
/// ```
pub struct VacantEntry<'a, K, V, T: Strategy<K, V>> {
    // As above. There is room for one more entry.
    section: Section<'a, K, V, T>,
    hash: u64,
    key: K,
}

impl<'a, K, V, T: Strategy<K, V>> Entry<'a, K, V, T> {
    pub(crate) fn new(
        section: Section<'a, K, V, T>,
        slot: Option<T::Slot>,
        hash: u64,
        key: K,
    ) -> Self {
        section.set_movable();
        match slot {
            Some(slot) => {
                let entry = Editing::new(section, slot);
                Self::Occupied(OccupiedEntry { entry, key })
            }
            None => Self::Vacant(VacantEntry { section, hash, key }),
        }
    }

    /// Changes the value, if the key is there. If `f` panics, the value stays as it left it.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.entry("a").and_modify(|value| *value += 1).or_insert(1);
    /// map.entry("a").and_modify(|value| *value += 1).or_insert(1);
    /// assert_eq!(map.get_copied("a"), Some(2));
    /// ```
    #[inline]
    pub fn and_modify(mut self, f: impl FnOnce(&mut V)) -> Self {
        match &mut self {
            Self::Occupied(entry) => f(entry.get_mut()),
            // Here and not at the end: a panic in a Drop would leak the entry, and its lock.
            Self::Vacant(_) => drop(f),
        }
        self
    }

    /// The key: of the entry if there is one, else the one asked for.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.entry("a").key(), &"a");
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        match self {
            Self::Occupied(entry) => entry.key(),
            Self::Vacant(entry) => entry.key(),
        }
    }

    /// The key that the entry was asked for with.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.entry("b").into_key(), "b");
    /// ```
    #[inline]
    pub fn into_key(self) -> K {
        match self {
            Self::Occupied(entry) => entry.into_key(),
            Self::Vacant(entry) => entry.into_key(),
        }
    }

    /// The value, which is the default one if the key was not there.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::<_, Vec<u32>>::new();
    /// map.entry("a").or_default().push(1);
    /// assert_eq!(map.get_cloned("a"), Some(vec![1]));
    /// ```
    #[inline]
    pub fn or_default(self) -> RefMut<'a, K, V, T>
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// The value, which is `value` if the key was not there.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// *map.entry("a").or_insert(1) += 1;
    /// assert_eq!(map.get_copied("a"), Some(2));
    /// ```
    #[inline]
    pub fn or_insert(self, value: V) -> RefMut<'a, K, V, T> {
        self.or_insert_with(|| value)
    }

    /// The value, which is what `make` returns if the key was not there. `make` runs at most once,
    /// with the shard locked; if it panics, nothing was inserted.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// assert_eq!(*map.entry("a").or_insert_with(|| 1), 1);
    /// ```
    #[inline]
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> RefMut<'a, K, V, T> {
        match self {
            Self::Occupied(entry) => {
                let guard = entry.into_ref();
                // Here and not at the end: a panic in a Drop would leak the guard, and its lock.
                drop(make);
                guard
            }
            Self::Vacant(entry) => {
                let value = make();
                entry.insert(value)
            }
        }
    }

    /// The same, with a `make` that can fail.
    ///
    /// # Errors
    ///
    /// What `make` returned; nothing was inserted.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// let parse = |text: &str| text.parse::<u32>();
    /// assert!(map.entry("a").or_try_insert_with(|| parse("x")).is_err());
    /// assert!(map.entry("a").or_try_insert_with(|| parse("1")).is_ok());
    /// ```
    #[inline]
    pub fn or_try_insert_with<E>(
        self,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<RefMut<'a, K, V, T>, E> {
        match self {
            Self::Occupied(entry) => {
                let guard = entry.into_ref();
                // As above.
                drop(make);
                Ok(guard)
            }
            Self::Vacant(entry) => {
                let value = make()?;
                Ok(entry.insert(value))
            }
        }
    }

    /// Stores a value, whether the key was there or not.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(*map.entry("a").insert(2), 2);
    /// ```
    #[inline]
    pub fn insert(self, value: V) -> RefMut<'a, K, V, T> {
        match self {
            Self::Occupied(mut entry) => {
                entry.insert(value);
                entry.into_ref()
            }
            Self::Vacant(entry) => entry.insert(value),
        }
    }

    /// Stores a value, whether the key was there or not.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// assert_eq!(map.entry("a").insert_entry(1).get(), &1);
    /// ```
    #[inline]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V, T>
    where
        K: Clone,
    {
        match self {
            Self::Occupied(mut entry) => {
                entry.insert(value);
                entry
            }
            Self::Vacant(entry) => entry.insert_entry(value),
        }
    }
}

impl<'a, K, V, T: Strategy<K, V>> OccupiedEntry<'a, K, V, T> {
    /// The value.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// map.insert("a", 1);
    /// if let Entry::Occupied(entry) = map.entry("a") {
    ///     assert_eq!(entry.get(), &1);
    /// }
    /// ```
    #[inline]
    pub fn get(&self) -> &V {
        &self.entry.get().1
    }

    /// The value, to be changed.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// map.insert("a", 1);
    /// if let Entry::Occupied(mut entry) = map.entry("a") {
    ///     *entry.get_mut() += 1;
    /// }
    /// ```
    #[inline]
    pub fn get_mut(&mut self) -> &mut V {
        self.entry.get_mut().1
    }

    /// The key of the entry.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// map.insert("a", 1);
    /// if let Entry::Occupied(entry) = map.entry("a") {
    ///     assert_eq!(entry.key(), &"a");
    /// }
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        self.entry.key()
    }

    /// The key that the entry was asked for with.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// map.insert("a", 1);
    /// if let Entry::Occupied(entry) = map.entry("a") {
    ///     assert_eq!(entry.into_key(), "a");
    /// }
    /// ```
    #[inline]
    pub fn into_key(self) -> K {
        let Self { entry, key } = self;
        drop(entry);
        key
    }

    /// Replaces the value and returns the old one.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// map.insert("a", 1);
    /// if let Entry::Occupied(mut entry) = map.entry("a") {
    ///     assert_eq!(entry.insert(2), 1);
    /// }
    /// ```
    #[inline]
    pub fn insert(&mut self, value: V) -> V {
        std::mem::replace(self.get_mut(), value)
    }

    /// A write guard on the entry.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// map.insert("a", 1);
    /// if let Entry::Occupied(entry) = map.entry("a") {
    ///     *entry.into_ref() += 1;
    /// }
    /// ```
    #[inline]
    pub fn into_ref(self) -> RefMut<'a, K, V, T> {
        let Self { entry, key } = self;
        // Here and not at the end: a panic in its Drop would leak the guard, and its lock.
        drop(key);
        RefMut(entry)
    }

    /// Removes the entry and returns its value.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// map.insert("a", 1);
    /// if let Entry::Occupied(entry) = map.entry("a") {
    ///     assert_eq!(entry.remove(), 1);
    /// }
    /// ```
    #[inline]
    pub fn remove(self) -> V {
        let (key, value) = self.remove_entry();
        // As above, for the value.
        drop(key);
        value
    }

    /// Removes the entry and returns it.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// map.insert("a", 1);
    /// if let Entry::Occupied(entry) = map.entry("a") {
    ///     assert_eq!(entry.remove_entry(), ("a", 1));
    /// }
    /// ```
    #[inline]
    pub fn remove_entry(self) -> (K, V) {
        let Self { entry, key } = self;
        let pair = entry.remove();
        drop(key);
        pair
    }

    /// Replaces key and value by the key asked for and `value`, and returns the old ones.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// map.insert("a", 1);
    /// if let Entry::Occupied(entry) = map.entry("a") {
    ///     assert_eq!(entry.replace_entry(2), ("a", 1));
    /// }
    /// assert_eq!(map.get_copied("a"), Some(2));
    /// ```
    #[inline]
    pub fn replace_entry(self, value: V) -> (K, V) {
        let Self { entry, key } = self;
        entry.replace(key, value)
    }
}

impl<'a, K, V, T: Strategy<K, V>> VacantEntry<'a, K, V, T> {
    /// The key.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// if let Entry::Vacant(entry) = map.entry("a") {
    ///     assert_eq!(entry.key(), &"a");
    ///     entry.insert(1);
    /// }
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The key.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::<_, u32>::new();
    /// if let Entry::Vacant(entry) = map.entry("a") {
    ///     assert_eq!(entry.into_key(), "a");
    /// }
    /// ```
    #[inline]
    pub fn into_key(self) -> K {
        self.key
    }

    /// Inserts the entry.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// if let Entry::Vacant(entry) = map.entry("a") {
    ///     assert_eq!(*entry.insert(1), 1);
    /// }
    /// ```
    #[inline]
    pub fn insert(self, value: V) -> RefMut<'a, K, V, T> {
        let Self {
            mut section,
            hash,
            key,
        } = self;
        let slot = T::insert_new(&mut section, hash, key, value);
        RefMut::new(section, slot)
    }

    /// Inserts the entry.
    ///
    /// ```
    /// use map_sharded::{ShardedMap, mapref::entry::Entry};
    ///
    /// let map = ShardedMap::new();
    /// if let Entry::Vacant(entry) = map.entry("a") {
    ///     assert_eq!(entry.insert_entry(1).remove_entry(), ("a", 1));
    /// }
    /// ```
    #[inline]
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V, T>
    where
        K: Clone,
    {
        let asked = self.key.clone();
        OccupiedEntry {
            entry: self.insert(value).0,
            key: asked,
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug, T: Strategy<K, V>> fmt::Debug for Entry<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => f.debug_tuple("Occupied").field(entry).finish(),
            Self::Vacant(entry) => f.debug_tuple("Vacant").field(entry).finish(),
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug, T: Strategy<K, V>> fmt::Debug for OccupiedEntry<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OccupiedEntry")
            .field("key", self.key())
            .field("value", self.get())
            .finish()
    }
}

impl<K: fmt::Debug, V, T: Strategy<K, V>> fmt::Debug for VacantEntry<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VacantEntry")
            .field("key", &self.key)
            .finish()
    }
}
