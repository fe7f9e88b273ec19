//! The same operations by other means: through guards and entries instead of closures. What holds
//! for the one must hold for the other.

use std::hash::{BuildHasher, Hash};

use crate::mapref::entry::Entry;
use crate::{Change, Computed, ConcurrentMap, Equivalent, Map, Strategy};

/// A map that is used through its guards and entries only.
///
/// ```
/// use map_core::ConcurrentMap;
/// use map_core::conformance::guards::Guards;
///
/// let map = map_sharded::ShardedMap::new();
/// assert_eq!(Guards(&map).insert(1, 10), None);
/// assert_eq!(map.get_copied(&1), Some(10));
/// ```
pub struct Guards<'a, K, V, T: Strategy<K, V>, S>(pub &'a Map<K, V, T, S>);

impl<K, V, T, S> ConcurrentMap<K, V> for Guards<'_, K, V, T, S>
where
    K: Eq + Hash + Clone,
    V: Clone,
    T: Strategy<K, V>,
    S: BuildHasher,
{
    fn get_with<Q, R>(&self, key: &Q, f: impl FnOnce(&K, &V) -> R) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.0.get(key).map(|entry| f(entry.key(), entry.value()))
    }

    fn compute(&self, key: K, f: impl FnOnce(Option<&V>) -> Change<V>) -> Computed<K, V> {
        match self.0.place(key) {
            Entry::Occupied(mut entry) => match f(Some(entry.get())) {
                Change::Keep => Computed::Unchanged,
                Change::Set(value) => Computed::Updated(entry.insert(value)),
                Change::Remove => {
                    let (key, value) = entry.remove_entry();
                    Computed::Removed(key, value)
                }
            },
            Entry::Vacant(entry) => match f(None) {
                Change::Keep | Change::Remove => Computed::Unchanged,
                Change::Set(value) => {
                    drop(entry.insert(value));
                    Computed::Inserted
                }
            },
        }
    }

    fn compute_if_present<Q>(&self, key: &Q, f: impl FnOnce(&K, &V) -> Change<V>) -> Computed<K, V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        // The value as `remove_if_mut` leaves it if it is not to be removed.
        let mut replaced = None;
        let removed = self.0.remove_if_mut(key, |key, value| match f(key, value) {
            Change::Keep => false,
            Change::Set(new) => {
                replaced = Some(std::mem::replace(value, new));
                false
            }
            Change::Remove => true,
        });
        match (removed, replaced) {
            (Some((key, value)), _) => Computed::Removed(key, value),
            (None, Some(old)) => Computed::Updated(old),
            (None, None) => Computed::Unchanged,
        }
    }

    fn for_each(&self, mut f: impl FnMut(&K, &V)) {
        for entry in self.0 {
            f(entry.key(), entry.value());
        }
    }

    fn clear(&self) {
        self.0.retain(|_, _| false);
    }

    fn len(&self) -> usize {
        self.0.iter().count()
    }

    fn insert(&self, key: K, value: V) -> Option<V> {
        match self.0.place(key) {
            Entry::Occupied(entry) => Some(entry.replace_entry(value).1),
            Entry::Vacant(entry) => {
                drop(entry.insert_entry(value));
                None
            }
        }
    }

    fn remove<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.0.remove_if(key, |_, _| true)
    }

    fn compare_remove<Q, C>(&self, key: &Q, current: &C) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        C: ?Sized,
        V: PartialEq<C>,
    {
        self.0.compare_remove(key, current)
    }

    fn compare_exchange<Q, C>(&self, key: &Q, current: &C, new: V) -> Result<V, V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        C: ?Sized,
        V: PartialEq<C>,
    {
        match self.0.get_mut(key) {
            Some(mut entry) if *entry.value() == *current => {
                Ok(std::mem::replace(entry.value_mut(), new))
            }
            _ => Err(new),
        }
    }

    fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> V {
        self.0
            .place(key)
            .or_insert_with(make)
            .downgrade()
            .value()
            .clone()
    }
}
