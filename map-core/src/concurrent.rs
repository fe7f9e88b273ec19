//! What code that is generic over any map of the family may rely on.

use std::hash::Hash;

use equivalent::Equivalent;

/// What [`ConcurrentMap::compute`] shall do with the entry it was shown.
///
/// ```
/// use map_core::Change;
///
/// let tickets = map_sharded::ShardedMap::new();
/// tickets.insert("a", 1);
/// let spend = |left: Option<&u32>| match left {
///     Some(1) => Change::Remove,
///     Some(left) => Change::Set(left - 1),
///     None => Change::Keep,
/// };
/// tickets.compute("a", spend);
/// assert!(tickets.is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<V> {
    /// Leave the entry, or its absence, as it is.
    Keep,
    /// Store this value: replaces the present one, or inserts where there is none.
    Set(V),
    /// Remove the entry; without one, this does nothing.
    Remove,
}

/// What a computation did. Values that left the map come back to the caller, who drops them with
/// no lock held.
///
/// ```
/// use map_core::{Change, Computed};
///
/// let map = map_sharded::ShardedMap::new();
/// assert_eq!(map.compute("a", |_| Change::Set(1)), Computed::Inserted);
/// assert_eq!(map.compute("a", |_| Change::Set(2)), Computed::Updated(1));
/// assert_eq!(map.compute("a", |_| Change::Remove), Computed::Removed("a", 2));
/// assert_eq!(map.compute("a", |_| Change::Keep), Computed::Unchanged);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Computed<K, V> {
    /// Nothing changed.
    Unchanged,
    /// The key was absent and has been inserted.
    Inserted,
    /// The key was present; this was its value.
    Updated(V),
    /// The key was present; this was its entry.
    Removed(K, V),
}

/// The operations that every map of the family has, for code that does not care which one it is
/// given.
///
/// Each operation on one key is atomic: it takes effect at one moment between its call and its
/// return. Operations over many keys ([`for_each`](Self::for_each), [`len`](Self::len),
/// [`clear`](Self::clear)) are not snapshots.
///
/// A closure given to these methods runs at most once per call (per entry for `for_each`). It must not call back into the same map,
/// unless the map's own documentation says that it may.
///
/// What an operation costs, whom it waits for, and when it panics, is up to the map: for those of the family it
/// is said of the method of [`Map`](crate::Map) that has its name. Those that are provided here cost what the
/// required one does that they call.
///
/// ```
/// use map_core::ConcurrentMap;
///
/// fn count_words(map: &impl ConcurrentMap<String, u64>, text: &str) {
///     for word in text.split_whitespace() {
///         map.compute(word.to_owned(), |n| map_core::Change::Set(n.copied().unwrap_or(0) + 1));
///     }
/// }
///
/// let words = map_sharded::ShardedMap::new();
/// count_words(&words, "to be or not to be");
/// assert_eq!((words.len(), words.get_copied("be")), (4, Some(2)));
/// ```
pub trait ConcurrentMap<K, V> {
    /// Runs `f` on the entry of `key`, or returns `None` where there is none. Allocates nothing in the maps of
    /// the family, and is their cheapest read.
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// map.insert("a", 1);
    /// assert_eq!(map.get_with("a", |_, value| value + 1), Some(2));
    /// assert_eq!(map.get_with("b", |_, value| value + 1), None);
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn get_with<Q, R>(&self, key: &Q, f: impl FnOnce(&K, &V) -> R) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<K>;

    /// Shows `f` the value of `key`, or `None`, and does what it answers. `f` runs with what keeps other
    /// writers away; if it panics, nothing has changed.
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// let count = |seen: Option<&u32>| Change::Set(seen.map_or(1, |seen| seen + 1));
    /// assert_eq!(map.compute("a", count), Computed::Inserted);
    /// assert_eq!(map.compute("a", count), Computed::Updated(1));
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn compute(&self, key: K, f: impl FnOnce(Option<&V>) -> Change<V>) -> Computed<K, V>;

    /// Shows `f` the entry of `key`, if there is one, and does what it answers. As [`compute`](Self::compute),
    /// but never makes room.
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// assert_eq!(map.compute_if_present("a", |_, _| Change::Set(7)), Computed::Unchanged);
    /// map.insert("a", 1);
    /// assert_eq!(map.compute_if_present("a", |_, _| Change::Remove), Computed::Removed("a", 1));
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn compute_if_present<Q>(&self, key: &Q, f: impl FnOnce(&K, &V) -> Change<V>) -> Computed<K, V>
    where
        Q: ?Sized + Hash + Equivalent<K>;

    /// Calls `f` on every entry. An entry that is present throughout is seen exactly once, no key
    /// is seen twice; entries that come or go meanwhile may or may not be seen. Waits for writers part by part,
    /// never for the whole map.
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// map.insert("a", 1);
    /// map.insert("b", 2);
    /// let mut sum = 0;
    /// map.for_each(|_, value| sum += value);
    /// assert_eq!(sum, 3);
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn for_each(&self, f: impl FnMut(&K, &V));

    /// Removes every entry that was present throughout the call. Waits for others part by part.
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// map.insert("a", 1);
    /// map.clear();
    /// assert!(map.is_empty());
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn clear(&self);

    /// The number of entries; exact when nobody is writing. Takes no lock in the maps of the family.
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// map.insert("a", 1);
    /// map.insert("a", 2);
    /// assert_eq!(map.len(), 1);
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn len(&self) -> usize;

    /// Whether there are no entries; exact when nobody is writing. By default it asks for [`len`](Self::len).
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// assert!(map.is_empty());
    /// map.insert("a", 1);
    /// assert!(!map.is_empty());
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A clone of the value of `key`. One [`get_with`](Self::get_with), around the clone.
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// map.insert("a", 1);
    /// assert_eq!(map.get_cloned("a"), Some(1));
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn get_cloned<Q>(&self, key: &Q) -> Option<V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        V: Clone,
    {
        self.get_with(key, |_, value| value.clone())
    }

    /// Whether there is an entry for `key`. One [`get_with`](Self::get_with).
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// map.insert("a", 1);
    /// assert!(map.contains_key("a") && !map.contains_key("b"));
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.get_with(key, |_, _| ()).is_some()
    }

    /// Stores `value` for `key` and returns the value that it replaced. A key that is already
    /// there stays; the one passed in is dropped. By default one [`compute`](Self::compute).
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// assert_eq!(map.insert("a", 1), None);
    /// assert_eq!(map.insert("a", 2), Some(1));
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn insert(&self, key: K, value: V) -> Option<V> {
        match self.compute(key, |_| Change::Set(value)) {
            Computed::Updated(old) => Some(old),
            _ => None,
        }
    }

    /// Removes and returns the entry of `key`. By default one [`compute_if_present`](Self::compute_if_present).
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// map.insert("a", 1);
    /// assert_eq!(map.remove("a"), Some(("a", 1)));
    /// assert_eq!(map.remove("a"), None);
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn remove<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match self.compute_if_present(key, |_, _| Change::Remove) {
            Computed::Removed(key, value) => Some((key, value)),
            _ => None,
        }
    }

    /// Replaces the value of `key` by `new` if it equals `current`, and returns the old value.
    /// Where it differs, or where there is no entry, nothing is stored and `new` comes back as
    /// the error. By default one [`compute_if_present`](Self::compute_if_present).
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// map.insert("a", 1);
    /// assert_eq!(map.compare_exchange("a", &1, 2), Ok(1));
    /// assert_eq!(map.compare_exchange("a", &1, 3), Err(3));
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn compare_exchange<Q, C>(&self, key: &Q, current: &C, new: V) -> Result<V, V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        C: ?Sized,
        V: PartialEq<C>,
    {
        let mut new = Some(new);
        let done = self.compute_if_present(key, |_, value| match () {
            () if value == current => new.take().map_or(Change::Keep, Change::Set),
            () => Change::Keep,
        });
        match (done, new) {
            (Computed::Updated(old), _) => Ok(old),
            (_, Some(new)) => Err(new),
            _ => unreachable!("the new value is taken only to be stored"),
        }
    }

    /// Removes and returns the entry of `key` if its value equals `current`. One
    /// [`compute_if_present`](Self::compute_if_present).
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// map.insert("a", 1);
    /// assert_eq!(map.compare_remove("a", &2), None);
    /// assert_eq!(map.compare_remove("a", &1), Some(("a", 1)));
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn compare_remove<Q, C>(&self, key: &Q, current: &C) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        C: ?Sized,
        V: PartialEq<C>,
    {
        let choose = |_: &K, value: &V| {
            if value == current {
                Change::Remove
            } else {
                Change::Keep
            }
        };
        match self.compute_if_present(key, choose) {
            Computed::Removed(key, value) => Some((key, value)),
            _ => None,
        }
    }

    /// A clone of the value of `key`; where there is none, `make` is run and its value stored.
    /// Among calls that race for one absent key, exactly one runs its closure. If the key is there, it costs a
    /// read.
    ///
    /// ```
    /// # use map_core::{Change, Computed, ConcurrentMap};
    /// # fn check(map: &impl ConcurrentMap<&'static str, u32>) {
    /// assert_eq!(map.get_or_insert_with("a", || 1), 1);
    /// assert_eq!(map.get_or_insert_with("a", || unreachable!("it is there")), 1);
    /// # }
    /// # check(&map_sharded::ShardedMap::new());
    /// # check(&map_readdirty::ReadDirtyMap::new());
    /// ```
    fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> V
    where
        V: Clone,
    {
        let mut out = None;
        self.compute(key, |present| match present {
            Some(value) => {
                out = Some(value.clone());
                Change::Keep
            }
            None => {
                let value = make();
                out = Some(value.clone());
                Change::Set(value)
            }
        });
        out.expect("compute runs its closure once")
    }
}
