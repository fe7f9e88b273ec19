//! What every map of the family does, done by this one as it comes.

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

map_core::conformance_suite!(as_it_comes, AsItComes, in_place);
