//! What every map of the family does, done by this one: as it comes, and with shards so small that
//! they split and merge all the time, and with a read bias, and with such shards whose readers sit in lanes.

use std::hash::{BuildHasher, Hash};

use map_core::conformance::maker::Maker;
use map_core::{Map, Strategy};
use map_sharded::Sharded;

/// Of one type, so that the suite is compiled once.
#[derive(Clone, Copy)]
enum Maps {
    AsTheyCome,
    Tiny,
    Lanes,
}

impl Maker for Maps {
    type Strategy = Sharded;

    fn make<K, V, S>(self, hasher: S) -> Map<K, V, Sharded, S>
    where
        K: Eq + Hash,
        Sharded: Strategy<K, V>,
        S: BuildHasher,
    {
        let builder = Map::<K, V, Sharded>::builder().hasher(hasher);
        let builder = match self {
            Self::AsTheyCome => builder,
            Self::Tiny => builder
                .shard_limit(14)
                .read_bias(map_core::ReadBias::Always),
            Self::Lanes => builder.shard_limit(14),
        };
        let map = builder.build().expect("14 is not 0");
        if matches!(self, Self::Lanes) {
            map.sit_in_lanes();
        }
        map
    }
}

map_core::conformance_suite!(as_it_comes, Maps::AsTheyCome, in_place);
map_core::conformance_suite!(tiny_shards, Maps::Tiny);
map_core::conformance_suite!(lanes, Maps::Lanes);
