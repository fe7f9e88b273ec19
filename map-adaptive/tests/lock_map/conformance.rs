//! What every map of the family does, done by this one as it comes, and with shards that split.

use std::hash::{BuildHasher, Hash};

use map_adaptive::{Lock, LockMap, Strategy};
use map_core::conformance::maker::Maker;

/// Shards of 64 times so many entries at most, and of so many once threads have met; or as they come.
#[derive(Clone, Copy)]
struct Limited(Option<usize>);

impl Maker for Limited {
    type Strategy = Lock;

    fn make<K, V, S>(self, hasher: S) -> LockMap<K, V, S>
    where
        K: Eq + Hash,
        Lock: Strategy<K, V>,
        S: BuildHasher,
    {
        match self.0 {
            None => LockMap::with_hasher(hasher),
            Some(entries) => {
                let builder = LockMap::<K, V>::builder().hasher(hasher);
                builder.shard_limit(entries).build().expect("it is not 0")
            }
        }
    }
}

map_core::conformance_suite!(as_it_comes, Limited(None), in_place);
map_core::conformance_suite!(small, Limited(Some(1)), in_place);
