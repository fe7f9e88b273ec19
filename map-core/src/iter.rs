//! Iterators over a map.
//!
//! None of them knows how many entries are to come, and none is a snapshot: see [`Map::iter`].
//!
//! ```
//! use map_sharded::ShardedMap;
//! use map_sharded::iter::{Iter, OwningIter};
//!
//! let map: ShardedMap<u32, u32> = (0..10).map(|n| (n, n * n)).collect();
//! let entries: Iter<'_, u32, u32> = map.iter();
//! assert_eq!(entries.map(|entry| *entry).sum::<u32>(), 285);
//! let pairs: OwningIter<u32, u32> = map.into_iter();
//! assert_eq!(pairs.map(|(key, _)| key).max(), Some(9));
//! ```

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use crate::map::{Map, Walk};
use crate::mapref::multiple::{RefMulti, RefMutMulti};
use crate::raw::common::ShardIterMut;
use crate::raw::held::Place;
use crate::strategy::{Anchored, Strategy};

/// Goes over the entries of a map, giving out read guards. Made by [`Map::iter`]. What is locked while it goes
/// on, and what it costs, is said there.
///
/// ```
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// assert_eq!(map.iter().map(|entry| *entry).sum::<u32>(), 45);
/// ```
pub struct Iter<'a, K, V, T: Strategy<K, V>, S> {
    map: &'a Map<K, V, T, S>,
    walk: Walk,
    place: Place,
    visit: Option<Anchored<'a, T::Visit>>,
}

impl<'a, K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Iter<'a, K, V, T, S> {
    pub(crate) fn new(map: &'a Map<K, V, T, S>, place: Place) -> Self {
        Self {
            map,
            walk: Walk::new(),
            place,
            visit: None,
        }
    }
}

/// Waits for whoever writes to the next shard; a thread that has a write guard on it panics in debug builds,
/// and waits for itself in others.
impl<'a, K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Iterator for Iter<'a, K, V, T, S> {
    type Item = RefMulti<'a, K, V, T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(visit) = &mut self.visit {
                if let Some(found) = T::visited(visit, |key| self.map.hash(key)) {
                    return Some(RefMulti(found));
                }
                // Before the next shard is waited for.
                self.visit = None;
            }
            self.visit = Some(self.map.visit(&mut self.walk, self.place)?);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, None)
    }
}

impl<K, V, T: Strategy<K, V>, S> fmt::Debug for Iter<'_, K, V, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

/// Starts afresh, with the first entry, wherever this iterator stands.
impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Clone for Iter<'_, K, V, T, S> {
    fn clone(&self) -> Self {
        Self::new(self.map, self.place)
    }
}

/// Goes over the entries of a map, giving out write guards. Made by [`Map::iter_mut`]. What is locked while it
/// goes on, and what it costs, is said there.
///
/// ```
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// map.iter_mut().for_each(|mut entry| *entry += 1);
/// assert_eq!(map.iter().map(|entry| *entry).sum::<u32>(), 55);
/// ```
pub struct IterMut<'a, K, V, T: Strategy<K, V>, S> {
    map: &'a Map<K, V, T, S>,
    walk: Walk,
    place: Place,
    shard: Option<ShardIterMut<'a, K, V, T>>,
}

impl<'a, K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> IterMut<'a, K, V, T, S> {
    pub(crate) fn new(map: &'a Map<K, V, T, S>, place: Place) -> Self {
        Self {
            map,
            walk: Walk::new(),
            place,
            shard: None,
        }
    }
}

/// Waits for everybody else who has the next shard; a thread that has any other guard on it panics in debug
/// builds, and waits for itself in others.
impl<'a, K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Iterator for IterMut<'a, K, V, T, S> {
    type Item = RefMutMulti<'a, K, V, T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.shard.as_mut().and_then(ShardIterMut::next) {
                return Some(RefMutMulti(found));
            }
            // Before the next shard is waited for.
            self.shard = None;
            let map = self.map;
            let section = map.lock(self.walk.next_hash()?, self.place);
            let seen = self.walk.visit(section.coverage());
            self.shard = ShardIterMut::over(section, |key| !seen.contains(|| map.hash(key)));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.shard.as_ref().map_or(0, ShardIterMut::len), None)
    }
}

impl<K, V, T: Strategy<K, V>, S> fmt::Debug for IterMut<'_, K, V, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterMut").finish_non_exhaustive()
    }
}

/// Takes the entries out of a map that nobody else has any more.
///
/// Takes no locks. What is left when it is dropped is dropped with it.
///
/// ```
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// assert_eq!(map.into_iter().map(|(_, value)| value).sum::<u32>(), 45);
/// ```
pub struct OwningIter<K, V, T: Strategy<K, V>, S> {
    tables: std::vec::IntoIter<T::Locked>,
    table: Option<T::IntoIter>,
    /// Named because dashmap's iterator names it.
    hasher: PhantomData<fn() -> S>,
}

impl<K, V, T: Strategy<K, V>, S> OwningIter<K, V, T, S> {
    pub(crate) fn new(tables: Vec<T::Locked>) -> Self {
        Self {
            tables: tables.into_iter(),
            table: None,
            hasher: PhantomData,
        }
    }
}

/// Takes no lock, and waits for nobody.
impl<K, V, T: Strategy<K, V>, S> Iterator for OwningIter<K, V, T, S> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        loop {
            if let Some(pair) = self.table.as_mut().and_then(Iterator::next) {
                return Some(pair);
            }
            self.table = Some(T::into_iter(self.tables.next()?));
        }
    }
}

impl<K, V, T: Strategy<K, V>, S> fmt::Debug for OwningIter<K, V, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwningIter").finish_non_exhaustive()
    }
}
