//! What every map of the family does, done by this one as it comes, and with shards that split.

use std::hash::{BuildHasher, Hash};

use map_adaptive::{Lock, LockMap, Strategy};
use map_core::conformance::maker::Maker;

#[derive(Clone, Copy)]
struct AsItComes;

impl Maker for AsItComes {
    type Strategy = Lock;

    fn make<K, V, S>(self, hasher: S) -> LockMap<K, V, S>
    where
        K: Eq + Hash,
        Lock: Strategy<K, V>,
        S: BuildHasher,
    {
        LockMap::with_hasher(hasher)
    }
}

/// Shards of fourteen entries at most.
#[derive(Clone, Copy)]
struct Small;

impl Maker for Small {
    type Strategy = Lock;

    fn make<K, V, S>(self, hasher: S) -> LockMap<K, V, S>
    where
        K: Eq + Hash,
        Lock: Strategy<K, V>,
        S: BuildHasher,
    {
        let builder = LockMap::<K, V>::builder().hasher(hasher);
        builder.shard_limit(14).build().expect("14 is not 0")
    }
}

map_core::conformance_suite!(as_it_comes, AsItComes, in_place);
map_core::conformance_suite!(small, Small, in_place);
