//! flurry, a port of Java's `ConcurrentHashMap`.
//!
//! Its best configuration: one guard for a whole batch of operations. (Its collector cannot be configured but through
//! seize of another generation.)

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Scanned, Session, Subject},
};
use ::flurry::{HashMap, HashMapRef};

/// The subject.
pub(super) type Of<K, V> = HashMap<K, V, Hasher>;

impl<K: Key, V: Value> Subject<K, V> for HashMap<K, V, Hasher> {
    const NAME: &'static str = "flurry";
    const ROLE: Role = Role::Peer;
    type Session<'a> = HashMapRef<'a, K, V, Hasher>;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        HashMap::with_capacity_and_hasher(capacity, hasher)
    }

    fn by_default(hasher: Hasher) -> Self {
        HashMap::with_hasher(hasher)
    }

    fn len(&self) -> usize {
        HashMap::len(self)
    }

    fn session(&self) -> Self::Session<'_> {
        self.pin()
    }
}

impl<K: Key, V: Value> Session<K, V> for HashMapRef<'_, K, V, Hasher> {
    #[inline(always)]
    fn get(&mut self, key: &K::Lookup) -> Option<u64> {
        HashMapRef::get(self, key).map(V::word)
    }

    #[inline(always)]
    fn update(&mut self, key: &K::Lookup, value: V) -> bool {
        HashMapRef::insert(self, K::owned(key), value).is_some()
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: V) -> bool {
        HashMapRef::insert(self, key, value).is_none()
    }

    #[inline(always)]
    fn remove(&mut self, key: &K::Lookup) -> bool {
        HashMapRef::remove(self, key).is_some()
    }

    #[inline]
    fn scan(&mut self) -> Scanned {
        self.values().collect()
    }
}
