//! What every map of the family does, done by this one: as it comes, with read tables from the start, and while it
//! switches all the time.

use std::hash::{BuildHasher, Hash};

use map_adaptive::{Adaptive, AdaptiveMap, Kind, SelectorConfig, Strategy};
use map_core::conformance::maker::Maker;

use super::restless;

/// Of one type, so that the suite is compiled once.
#[derive(Clone, Copy)]
enum Maps {
    AsTheyCome,
    FromReadTables,
    Switching,
}

impl Maker for Maps {
    type Strategy = Adaptive;

    fn make<K, V, S>(self, hasher: S) -> AdaptiveMap<K, V, S>
    where
        K: Eq + Hash,
        Adaptive: Strategy<K, V>,
        S: BuildHasher,
    {
        let builder = AdaptiveMap::<K, V>::builder().hasher(hasher);
        let builder = match self {
            Self::AsTheyCome => builder,
            Self::FromReadTables => builder.selector_unchecked(SelectorConfig {
                start: Kind::ReadDirty,
                ..SelectorConfig::default()
            }),
            Self::Switching => builder
                .shard_limit(14)
                .selector_unchecked(restless::config())
                .policy_unchecked(restless::policy()),
        };
        builder.build().expect("the configuration is sound")
    }
}

map_core::conformance_suite!(as_it_comes, Maps::AsTheyCome);
map_core::conformance_suite!(from_read_tables, Maps::FromReadTables);
map_core::conformance_suite!(switching, Maps::Switching);
