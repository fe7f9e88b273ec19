//! dashmap 6 as it comes: four shards a core. For growth, where fewer shards mean larger tables and longer pauses; elsewhere
//! the tuned one stands for dashmap.

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Subject},
};
use ::dashmap::DashMap;

/// The subject.
pub(super) struct Of<K, V>(DashMap<K, V, Hasher>);

impl<K: Key, V: Value> Subject<K, V> for Of<K, V> {
    const NAME: &'static str = "dashmap-default";
    const ROLE: Role = Role::Peer;
    type Session<'a> = &'a DashMap<K, V, Hasher>;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        Self(DashMap::with_capacity_and_hasher(capacity, hasher))
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn session(&self) -> &DashMap<K, V, Hasher> {
        &self.0
    }
}
