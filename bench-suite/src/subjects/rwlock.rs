//! One parking_lot read-write lock around one hashbrown map.

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Scanned, Session, Subject},
};
use ::hashbrown::HashMap;
use parking_lot::RwLock;

/// The subject.
pub(super) type Of<K, V> = RwLock<HashMap<K, V, Hasher>>;

impl<K: Key, V: Value> Subject<K, V> for RwLock<HashMap<K, V, Hasher>> {
    const NAME: &'static str = "rwlock";
    const ROLE: Role = Role::Peer;
    type Session<'a> = &'a Self;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        RwLock::new(HashMap::with_capacity_and_hasher(capacity, hasher))
    }

    fn len(&self) -> usize {
        self.read().len()
    }

    fn session(&self) -> &Self {
        self
    }
}

impl<K: Key, V: Value> Session<K, V> for &RwLock<HashMap<K, V, Hasher>> {
    #[inline(always)]
    fn get(&mut self, key: &K::Lookup) -> Option<u64> {
        self.read().get(key).map(V::word)
    }

    #[inline(always)]
    fn update(&mut self, key: &K::Lookup, value: V) -> bool {
        self.write().get_mut(key).map(|old| *old = value).is_some()
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: V) -> bool {
        self.write().insert(key, value).is_none()
    }

    #[inline(always)]
    fn remove(&mut self, key: &K::Lookup) -> bool {
        // The entry is dropped after the lock is free again.
        let removed = self.write().remove_entry(key);
        removed.is_some()
    }

    #[inline]
    fn scan(&mut self) -> Scanned {
        self.read().values().collect()
    }
}
