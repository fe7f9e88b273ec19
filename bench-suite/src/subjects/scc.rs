//! scc's `HashMap`, through its synchronous closures, which make no entry object.

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Scanned, Session, Subject},
};
use ::scc::HashMap;

/// The subject.
pub(super) type Of<K, V> = HashMap<K, V, Hasher>;

impl<K: Key, V: Value> Subject<K, V> for HashMap<K, V, Hasher> {
    const NAME: &'static str = "scc";
    const ROLE: Role = Role::Peer;
    type Session<'a> = &'a Self;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        HashMap::with_capacity_and_hasher(capacity, hasher)
    }

    fn len(&self) -> usize {
        HashMap::len(self)
    }

    fn session(&self) -> &Self {
        self
    }
}

impl<K: Key, V: Value> Session<K, V> for &HashMap<K, V, Hasher> {
    #[inline(always)]
    fn get(&mut self, key: &K::Lookup) -> Option<u64> {
        self.read_sync(key, |_, value| value.word())
    }

    #[inline(always)]
    fn update(&mut self, key: &K::Lookup, value: V) -> bool {
        self.update_sync(key, |_, old| *old = value).is_some()
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: V) -> bool {
        self.upsert_sync(key, value).is_none()
    }

    #[inline(always)]
    fn remove(&mut self, key: &K::Lookup) -> bool {
        self.remove_sync(key).is_some()
    }

    #[inline]
    fn scan(&mut self) -> Scanned {
        let mut scanned = Scanned::default();
        self.iter_sync(|_, value| {
            scanned.meet(value);
            true
        });
        scanned
    }
}
