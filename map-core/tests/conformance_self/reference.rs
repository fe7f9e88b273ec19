//! A correct map: one lock around one table.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashMap;
use map_core::{Change, Computed, ConcurrentMap, Equivalent};
use parking_lot::RwLock;

pub(crate) struct Reference<K, V, S = ahash::RandomState> {
    pub(crate) table: RwLock<HashMap<K, V, S>>,
}

impl<K, V, S> Reference<K, V, S> {
    pub(crate) fn with_hasher(hasher: S) -> Self {
        Self {
            table: RwLock::new(HashMap::with_hasher(hasher)),
        }
    }
}

impl<K, V> Default for Reference<K, V> {
    fn default() -> Self {
        Self::with_hasher(ahash::RandomState::with_seeds(1, 2, 3, 4))
    }
}

/// Tells hashbrown's trait of that name what ours knows.
#[derive(Hash)]
struct Lookup<'a, Q: ?Sized>(&'a Q);

impl<K, Q: ?Sized + Equivalent<K>> hashbrown::Equivalent<K> for Lookup<'_, Q> {
    fn equivalent(&self, key: &K) -> bool {
        self.0.equivalent(key)
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> ConcurrentMap<K, V> for Reference<K, V, S> {
    fn get_with<Q, R>(&self, key: &Q, f: impl FnOnce(&K, &V) -> R) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let table = self.table.read();
        table
            .get_key_value(&Lookup(key))
            .map(|(key, value)| f(key, value))
    }

    fn compute(&self, key: K, f: impl FnOnce(Option<&V>) -> Change<V>) -> Computed<K, V> {
        let mut table = self.table.write();
        match f(table.get(&key)) {
            Change::Keep => Computed::Unchanged,
            Change::Set(value) => match table.insert(key, value) {
                Some(old) => Computed::Updated(old),
                None => Computed::Inserted,
            },
            Change::Remove => match table.remove_entry(&key) {
                Some((key, value)) => Computed::Removed(key, value),
                None => Computed::Unchanged,
            },
        }
    }

    fn compute_if_present<Q>(&self, key: &Q, f: impl FnOnce(&K, &V) -> Change<V>) -> Computed<K, V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let mut table = self.table.write();
        let Some((found, value)) = table.get_key_value(&Lookup(key)) else {
            return Computed::Unchanged;
        };
        match f(found, value) {
            Change::Keep => Computed::Unchanged,
            Change::Set(value) => {
                let present = table
                    .get_mut(&Lookup(key))
                    .expect("it was there a moment ago");
                Computed::Updated(std::mem::replace(present, value))
            }
            Change::Remove => {
                let removed = table.remove_entry(&Lookup(key));
                let (key, value) = removed.expect("it was there a moment ago");
                Computed::Removed(key, value)
            }
        }
    }

    fn for_each(&self, mut f: impl FnMut(&K, &V)) {
        self.table
            .read()
            .iter()
            .for_each(|(key, value)| f(key, value));
    }

    fn clear(&self) {
        self.table.write().clear();
    }

    fn len(&self) -> usize {
        self.table.read().len()
    }
}
