//! Iterators over a map.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use crate::map::{Map, Seen, Walk};
use crate::mapref::multiple::RefMulti;
use crate::raw::guarded::ShardIter;
use crate::raw::held::Place;
use crate::strategy::Strategy;

/// Goes over the entries of a map, giving out read guards. Made by [`Map::iter`].
pub struct Iter<'a, K, V, T: Strategy<K, V> + 'a, S> {
    map: &'a Map<K, V, T, S>,
    walk: Walk,
    place: Place,
    #[expect(clippy::type_complexity, reason = "each part is named once")]
    shard: Option<(ShardIter<'a, T::Iter<'a>, T::Locked, T::Open>, Seen)>,
}

impl<'a, K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Iter<'a, K, V, T, S> {
    pub(crate) fn new(map: &'a Map<K, V, T, S>, place: Place) -> Self {
        Self::over(map, Walk::new(), place)
    }

    /// Goes where a walk goes.
    pub(crate) fn over(map: &'a Map<K, V, T, S>, walk: Walk, place: Place) -> Self {
        Self {
            map,
            walk,
            place,
            shard: None,
        }
    }
}

impl<'a, K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Iterator for Iter<'a, K, V, T, S> {
    type Item = RefMulti<'a, K, V, T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((shard, seen)) = &mut self.shard {
                let (map, seen) = (self.map, *seen);
                if let Some(found) = shard.next(|(key, _)| !seen.contains(|| map.hash(key))) {
                    return Some(RefMulti(found));
                }
                // Before the next shard is waited for.
                self.shard = None;
            }
            let hold = self.map.lock_shared(self.walk.next_hash()?, self.place);
            hold.set_movable();
            let seen = self.walk.visit(hold.coverage());
            self.shard = Some((ShardIter::over::<K, V, T>(hold), seen));
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
