//! The family's map of small locked shards, built with a read bias: for maps that are nearly only read.

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Subject},
};
use map_adaptive::ShardedMap;

/// The subject.
pub(super) struct Of<K, V>(ShardedMap<K, V, Hasher>);

impl<K: Key, V: Value> Subject<K, V> for Of<K, V> {
    const NAME: &'static str = "sharded-bias";
    const ROLE: Role = Role::Own;
    type Session<'a> = &'a ShardedMap<K, V, Hasher>;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        let builder = ShardedMap::builder().hasher(hasher).read_bias(true);
        Self(
            builder
                .capacity(capacity)
                .build()
                .expect("the options check the memory"),
        )
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn session(&self) -> &ShardedMap<K, V, Hasher> {
        &self.0
    }
}
