//! The family's map with lock-free reads, with one pin for a whole batch of operations.

use super::readdirty::{self, Plain};
use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Scanned, Session, Subject},
};
use map_adaptive::{Map, Pinned, ReadDirty};

/// The subject.
pub(super) struct Of<K: Key, V: Value>(readdirty::Of<K, V>);

impl<K: Key, V: Value> Subject<K, V> for Of<K, V> {
    const NAME: &'static str = "rd-pinned";
    const ROLE: Role = Role::Own;
    type Session<'a> = Batch<'a, K, V>;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        Self(readdirty::Of::new(capacity, hasher))
    }

    fn by_default(hasher: Hasher) -> Self {
        Self(readdirty::Of(Map::with_hasher(hasher)))
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn session(&self) -> Batch<'_, K, V> {
        Batch(self.0.0.pin())
    }
}

pub(super) struct Batch<'a, K: Key, V: Value>(Pinned<'a, K, V, ReadDirty, Hasher>);

impl<K: Key, V: Value> Session<K, V> for Batch<'_, K, V> {
    #[inline(always)]
    fn get(&mut self, key: &K::Lookup) -> Option<u64> {
        self.0.get(key).map(V::word)
    }

    #[inline(always)]
    fn update(&mut self, key: &K::Lookup, value: V) -> bool {
        Plain(self.0.map()).update(key, value)
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: V) -> bool {
        Plain(self.0.map()).insert(key, value)
    }

    #[inline(always)]
    fn remove(&mut self, key: &K::Lookup) -> bool {
        Plain(self.0.map()).remove(key)
    }

    #[inline]
    fn scan(&mut self) -> Scanned {
        Plain(self.0.map()).scan()
    }
}
