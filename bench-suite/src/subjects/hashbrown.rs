//! hashbrown's map, used by one thread: the limit. A session holds a mutex for its whole batch, which costs nothing per
//! operation and spares us `unsafe`.

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Scanned, Session, Subject},
};
use ::hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard};

/// The subject.
pub(super) type Of<K, V> = Single<K, V>;

/// One map, one user at a time.
pub(crate) struct Single<K, V>(Mutex<HashMap<K, V, Hasher>>);

impl<K: Key, V: Value> Subject<K, V> for Single<K, V> {
    const NAME: &'static str = "hashbrown";
    const ROLE: Role = Role::Limit;
    type Session<'a> = Held<'a, K, V>;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        Single(Mutex::new(HashMap::with_capacity_and_hasher(
            capacity, hasher,
        )))
    }

    fn len(&self) -> usize {
        self.0.lock().len()
    }

    fn session(&self) -> Held<'_, K, V> {
        Held(self.0.lock())
    }
}

/// The map, held for a batch.
pub(crate) struct Held<'a, K, V>(MutexGuard<'a, HashMap<K, V, Hasher>>);

impl<K: Key, V: Value> Session<K, V> for Held<'_, K, V> {
    #[inline(always)]
    fn get(&mut self, key: &K::Lookup) -> Option<u64> {
        self.0.get(key).map(V::word)
    }

    #[inline(always)]
    fn update(&mut self, key: &K::Lookup, value: V) -> bool {
        self.0.get_mut(key).map(|old| *old = value).is_some()
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: V) -> bool {
        self.0.insert(key, value).is_none()
    }

    #[inline(always)]
    fn remove(&mut self, key: &K::Lookup) -> bool {
        self.0.remove(key).is_some()
    }

    #[inline]
    fn scan(&mut self) -> Scanned {
        self.0.values().collect()
    }
}
