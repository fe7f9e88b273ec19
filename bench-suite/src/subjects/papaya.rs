//! papaya.
//!
//! Its best configuration: one pin for a whole batch of operations, and a collector with larger batches of garbage, see
//! `GARBAGE_BATCH`. Updates are `insert`s: `update` is no faster, and both need an owned key, so an update of a string key
//! allocates that too. Resizing stays incremental: blocking gains nothing at 100,000 keys and loses half at a million.

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Scanned, Session, Subject},
};
use ::papaya::{HashMap, HashMapRef, LocalGuard};
use seize::Collector;

/// The subject.
pub(super) type Of<K, V> = HashMap<K, V, Hasher>;

/// Objects that a thread retires before it tries to free them. Each attempt is a system call for all cores: with the default of
/// 32, two threads that update take five times as long. More than 1024 gain nothing.
const GARBAGE_BATCH: usize = 1024;

impl<K: Key, V: Value> Subject<K, V> for HashMap<K, V, Hasher> {
    const NAME: &'static str = "papaya";
    const ROLE: Role = Role::Peer;
    type Session<'a> = HashMapRef<'a, K, V, Hasher, LocalGuard<'a>>;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        let collector = Collector::new().batch_size(GARBAGE_BATCH);
        HashMap::builder()
            .collector(collector)
            .capacity(capacity)
            .hasher(hasher)
            .build()
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

impl<K: Key, V: Value> Session<K, V> for HashMapRef<'_, K, V, Hasher, LocalGuard<'_>> {
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
