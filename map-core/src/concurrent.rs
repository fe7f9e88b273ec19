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
/// ```
/// use map_core::ConcurrentMap;
///
/// fn count_words(map: &impl ConcurrentMap<String, u64>, text: &str) {
///     for word in text.split_whitespace() {
///         map.compute(word.to_owned(), |n| map_core::Change::Set(n.copied().unwrap_or(0) + 1));
///     }
/// }
/// ```
pub trait ConcurrentMap<K, V> {
    /// Runs `f` on the entry of `key`, or returns `None` where there is none.
    fn get_with<Q, R>(&self, key: &Q, f: impl FnOnce(&K, &V) -> R) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<K>;

    /// Shows `f` the value of `key`, or `None`, and does what it answers.
    fn compute(&self, key: K, f: impl FnOnce(Option<&V>) -> Change<V>) -> Computed<K, V>;

    /// Shows `f` the entry of `key`, if there is one, and does what it answers.
    fn compute_if_present<Q>(&self, key: &Q, f: impl FnOnce(&K, &V) -> Change<V>) -> Computed<K, V>
    where
        Q: ?Sized + Hash + Equivalent<K>;

    /// Calls `f` on every entry. An entry that is present throughout is seen exactly once, no key
    /// is seen twice; entries that come or go meanwhile may or may not be seen.
    fn for_each(&self, f: impl FnMut(&K, &V));

    /// Removes every entry that was present throughout the call.
    fn clear(&self);

    /// The number of entries; exact when nobody is writing.
    fn len(&self) -> usize;

    /// Whether there are no entries; exact when nobody is writing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A clone of the value of `key`.
    fn get_cloned<Q>(&self, key: &Q) -> Option<V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        V: Clone,
    {
        self.get_with(key, |_, value| value.clone())
    }

    /// Whether there is an entry for `key`.
    fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.get_with(key, |_, _| ()).is_some()
    }

    /// Stores `value` for `key` and returns the value that it replaced. A key that is already
    /// there stays; the one passed in is dropped.
    fn insert(&self, key: K, value: V) -> Option<V> {
        match self.compute(key, |_| Change::Set(value)) {
            Computed::Updated(old) => Some(old),
            _ => None,
        }
    }

    /// Removes and returns the entry of `key`.
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
    /// the error.
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

    /// Removes and returns the entry of `key` if its value equals `current`.
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
    /// Among calls that race for one absent key, exactly one runs its closure.
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
