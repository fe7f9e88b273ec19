//! The family's map of small locked shards, as it comes.

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Session, Subject},
};
use map_adaptive::ShardedMap;

/// The subject.
pub(super) type Of<K, V> = ShardedMap<K, V, Hasher>;

impl<K: Key, V: Value> Subject<K, V> for ShardedMap<K, V, Hasher> {
    const NAME: &'static str = "sharded";
    const ROLE: Role = Role::Own;
    type Session<'a> = &'a Self;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        match capacity {
            0 => ShardedMap::with_hasher(hasher),
            _ => ShardedMap::with_capacity_and_hasher(capacity, hasher),
        }
    }

    fn len(&self) -> usize {
        ShardedMap::len(self)
    }

    fn session(&self) -> &Self {
        self
    }
}

impl<K: Key, V: Value> Session<K, V> for &ShardedMap<K, V, Hasher> {
    #[inline]
    fn get(&mut self, key: &K::Lookup) -> Option<u64> {
        self.get_with(key, |_, value| value.word())
    }

    #[inline]
    fn update(&mut self, key: &K::Lookup, value: V) -> bool {
        self.get_mut(key).map(|mut entry| *entry = value).is_some()
    }

    #[inline]
    fn insert(&mut self, key: K, value: V) -> bool {
        ShardedMap::insert(self, key, value).is_none()
    }

    #[inline]
    fn remove(&mut self, key: &K::Lookup) -> bool {
        ShardedMap::remove(self, key).is_some()
    }
}
