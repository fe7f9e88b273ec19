//! The traits of collections.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::panic::UnwindSafe;

use super::Map;
use crate::concurrent::{Change, Computed, ConcurrentMap};
use crate::iter::{Iter, OwningIter};
use crate::mapref::multiple::RefMulti;
use crate::raw::held::here;
use crate::strategy::Strategy;
use equivalent::Equivalent;

/// An empty map with a default hasher: also of a hasher that [`Map::new`] cannot choose. Allocates nothing.
///
/// ```
/// use std::hash::RandomState;
///
/// let map = map_sharded::ShardedMap::<&str, u32, RandomState>::default();
/// assert_eq!(map.insert("a", 1), None);
/// ```
impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher + Default> Default for Map<K, V, T, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

/// Shows every entry, as a map; locks what [`Map::for_each`] does.
///
/// ```
/// let map: map_sharded::ShardedMap<u32, &str> = [(1, "one")].into_iter().collect();
/// assert_eq!(format!("{map:?}"), r#"{1: "one"}"#);
/// ```
impl<K, V, T, S> fmt::Debug for Map<K, V, T, S>
where
    K: Eq + Hash + fmt::Debug,
    V: fmt::Debug,
    T: Strategy<K, V>,
    S: BuildHasher,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        self.for_each(|key, value| {
            map.entry(key, value);
        });
        map.finish()
    }
}

/// Inserts every pair, one [`insert`](Map::insert) each; of several with one key the last value stays.
///
/// ```
/// let map: map_sharded::ShardedMap<u32, &str> = [(1, "a"), (1, "b")].into_iter().collect();
/// assert_eq!(map.get_copied(&1), Some("b"));
/// ```
impl<K, V, T, S> FromIterator<(K, V)> for Map<K, V, T, S>
where
    K: Eq + Hash,
    T: Strategy<K, V>,
    S: BuildHasher + Default,
{
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        let mut map = Self::default();
        map.extend(iter);
        map
    }
}

/// Inserts every pair, one [`insert`](Map::insert) each: room is not made ahead.
///
/// ```
/// let mut map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// map.extend([(10, 10), (3, 30)]);
/// assert_eq!((map.len(), map.get_copied(&3)), (11, Some(30)));
/// ```
impl<K, V, T, S> Extend<(K, V)> for Map<K, V, T, S>
where
    K: Eq + Hash,
    T: Strategy<K, V>,
    S: BuildHasher,
{
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, iter: I) {
        for (key, value) in iter {
            self.insert(key, value);
        }
    }
}

/// [`Map::iter`].
///
/// ```
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// for entry in &map {
///     assert_eq!(entry.key(), entry.value());
/// }
/// ```
impl<'a, K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> IntoIterator for &'a Map<K, V, T, S> {
    type Item = RefMulti<'a, K, V, T>;
    type IntoIter = Iter<'a, K, V, T, S>;

    #[cfg_attr(debug_assertions, track_caller)]
    fn into_iter(self) -> Self::IntoIter {
        Iter::new(self, here())
    }
}

/// Takes the entries out: nobody else has the map any more, so this takes no lock. One allocation, of a list of
/// the shards' tables.
///
/// ```
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// let pairs: std::collections::BTreeMap<_, _> = map.into_iter().collect();
/// assert_eq!(pairs.len(), 10);
/// ```
impl<K, V, T: Strategy<K, V>, S> IntoIterator for Map<K, V, T, S> {
    type Item = (K, V);
    type IntoIter = OwningIter<K, V, T, S>;

    fn into_iter(self) -> Self::IntoIter {
        OwningIter::new(self.directory.into_tables())
    }
}

/// A panic leaves no operation half done, so a map that has met one may be used on.
///
/// ```
/// use std::panic::catch_unwind;
///
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// let left = catch_unwind(move || {
///     let panic = catch_unwind(|| -> u32 { panic!("no value") });
///     map.insert(1, panic.unwrap_or(7));
///     map.get_copied(&1)
/// });
/// assert_eq!(left.ok(), Some(Some(7)));
/// ```
impl<K, V, T, S> UnwindSafe for Map<K, V, T, S>
where
    K: UnwindSafe,
    V: UnwindSafe,
    T: Strategy<K, V>,
    S: UnwindSafe,
{
}

/// Keys and values are never pinned, wherever they are.
///
/// ```
/// use std::marker::PhantomPinned;
///
/// fn is_unpin<T: Unpin>() {}
/// is_unpin::<map_sharded::ShardedMap<u32, PhantomPinned>>();
/// is_unpin::<map_sharded::ReadOnlyView<u32, PhantomPinned>>();
/// ```
impl<K, V, T: Strategy<K, V>, S: Unpin> Unpin for Map<K, V, T, S> {}

/// Each operation is the [`Map`]'s own of the same name, and costs and blocks as that does.
impl<K, V, T, S> ConcurrentMap<K, V> for Map<K, V, T, S>
where
    K: Eq + Hash,
    T: Strategy<K, V>,
    S: BuildHasher,
{
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    fn get_with<Q, R>(&self, key: &Q, f: impl FnOnce(&K, &V) -> R) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        Self::get_with(self, key, f)
    }

    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    fn compute(&self, key: K, f: impl FnOnce(Option<&V>) -> Change<V>) -> Computed<K, V> {
        Self::compute(self, key, f)
    }

    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    fn compute_if_present<Q>(&self, key: &Q, f: impl FnOnce(&K, &V) -> Change<V>) -> Computed<K, V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        Self::compute_if_present(self, key, f)
    }

    #[cfg_attr(debug_assertions, track_caller)]
    fn for_each(&self, f: impl FnMut(&K, &V)) {
        Self::for_each(self, f);
    }

    #[cfg_attr(debug_assertions, track_caller)]
    fn clear(&self) {
        Self::clear(self);
    }

    fn len(&self) -> usize {
        Self::len(self)
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }

    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    fn insert(&self, key: K, value: V) -> Option<V> {
        Self::insert(self, key, value)
    }

    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    fn remove<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        Self::remove(self, key)
    }

    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    fn compare_exchange<Q, C>(&self, key: &Q, current: &C, new: V) -> Result<V, V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        C: ?Sized,
        V: PartialEq<C>,
    {
        Self::compare_exchange(self, key, current, new)
    }

    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> V
    where
        V: Clone,
    {
        Self::get_or_insert_with(self, key, make).value().clone()
    }
}
