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
//!
//! ```
//! use map_sharded::ShardedMap;
//! use map_sharded::mapref::entry::Entry;
//!
//! let seats = ShardedMap::new();
//! seats.insert("12A", "Ada");
//! let book = |seat, name| match seats.entry(seat) {
//!     Entry::Occupied(taken) => Err(*taken.get()),
//!     Entry::Vacant(free) => Ok(*free.insert(name)),
//! };
//! assert_eq!(book("12A", "Bob"), Err("Ada"));
//! assert_eq!(book("12B", "Bob"), Ok("Bob"));
//! ```

use std::fmt;

use super::one::RefMut;
use crate::raw::guarded::Editing;
use crate::strategy::{Section, Strategy};

/// A locked place for a key, which is there or not: in a map of any strategy, by [`Map::place`](crate::Map::place). Each
/// map has an `Entry` of its own, with the same variants and methods, which can be made into this one.
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
    /// `f` runs at most once, under the lock that the entry has. Where values are not changed in place, the
    /// entry is cloned first.
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

    /// The key: of the entry if there is one, else the one asked for. Costs as much as following a pointer.
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

    /// The key that the entry was asked for with. Unlocks the shard; no allocation.
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
    /// Costs what [`or_insert_with`](Self::or_insert_with) does.
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
    /// Costs what [`or_insert_with`](Self::or_insert_with) does; a `value` that is not needed is dropped under
    /// the lock.
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
    /// Never waits: the lock is held, and room for the entry was made by [`Map::entry`](crate::Map::entry). No
    /// allocation where entries are stored in tables, at most one for the entry where they are not.
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
    /// Costs what it does there; if `make` fails, the shard is unlocked.
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
    /// Never waits, as the lock is held. The old value is dropped under it.
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
    /// As [`insert`](Self::insert), but goes on with the entry; a key that was not there is cloned, before
    /// anything is inserted.
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
    /// The value. Costs as much as following a pointer.
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
    /// Costs as much as following a pointer where values are changed in place. Elsewhere the first call clones
    /// the entry.
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

    /// The key of the entry. Costs as much as following a pointer.
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
    /// Unlocks the shard, with the value as it was changed.
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
    /// Costs what [`get_mut`](Self::get_mut) does. The entry keeps its lock, and its key.
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
    /// Keeps the lock; drops the key that the entry was asked for with under it.
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
    /// Costs what [`remove_entry`](Self::remove_entry) does; the key is dropped when the shard is unlocked.
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
    /// Unlocks the shard. Allocates nothing, and clones nothing where values are changed in place; elsewhere
    /// readers may still see the entry, and what is returned is a clone, unless one was made to be changed.
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
    /// Unlocks the shard. Costs what [`remove_entry`](Self::remove_entry) does, and where entries are not
    /// stored in tables, the memory of the new one.
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
    /// The key. Costs nothing: the entry has it.
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

    /// The key. Unlocks the shard.
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
    /// Never waits, nor grows the shard: that is done, or the entry would not be there. The guard takes the
    /// lock over.
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
    /// As [`insert`](Self::insert), but goes on with an entry, for which the key is cloned first.
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
