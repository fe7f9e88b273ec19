//! The shared front fits a shard with lock-free reads: a minimal one passes the family's suite.

#[expect(
    unsafe_code,
    reason = "nodes are freed when no reader can see them any more"
)]
#[expect(unreachable_pub, reason = "a module of a test")]
#[path = "seam/shard.rs"]
mod shard;

use std::hash::{BuildHasher, Hash};

use map_core::conformance::maker::Maker;
use map_core::{Map, Strategy};
use shard::ReadDirty;

#[derive(Clone, Copy)]
struct ReadDirtyMaps;

impl Maker for ReadDirtyMaps {
    type Strategy = ReadDirty;

    fn make<K, V, S>(self, hasher: S) -> Map<K, V, ReadDirty, S>
    where
        K: Eq + Hash,
        ReadDirty: Strategy<K, V>,
        S: BuildHasher,
    {
        Map::with_hasher(hasher)
    }
}

map_core::conformance_suite!(read_dirty, ReadDirtyMaps);
