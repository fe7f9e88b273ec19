//! Iterators over a map.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use crate::map::{Map, Walk};
use crate::mapref::multiple::RefMulti;
use crate::raw::held::Place;
use crate::strategy::Strategy;

/// Goes over the entries of a map, giving out read guards. Made by [`Map::iter`].
pub struct Iter<'a, K, V, T: Strategy<K, V> + 'a, S> {
    map: &'a Map<K, V, T, S>,
    walk: Walk,
    place: Place,
    visit: Option<T::Visit<'a>>,
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

/// Takes the entries out of a map that nobody else has any more.
pub struct IntoIter<K, V, T: Strategy<K, V>> {
    tables: std::vec::IntoIter<T::Locked>,
    table: Option<T::IntoIter>,
}

impl<K, V, T: Strategy<K, V>> IntoIter<K, V, T> {
    pub(crate) fn new(tables: Vec<T::Locked>) -> Self {
        Self {
            tables: tables.into_iter(),
            table: None,
        }
    }
}

impl<K, V, T: Strategy<K, V>> Iterator for IntoIter<K, V, T> {
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

impl<K, V, T: Strategy<K, V>> fmt::Debug for IntoIter<K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").finish_non_exhaustive()
    }
}
