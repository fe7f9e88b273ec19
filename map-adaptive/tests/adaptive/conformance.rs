//! What every map of the family does, done by this one: as it comes, with read tables from the start, and while it
//! switches all the time.

use std::hash::{BuildHasher, Hash};

use map_adaptive::{Adaptive, AdaptiveMap, Kind, SelectorConfig, Strategy};
use map_core::conformance::maker::Maker;

use super::restless;

#[derive(Clone, Copy)]
struct AsItComes;

#[derive(Clone, Copy)]
struct FromReadTables;

#[derive(Clone, Copy)]
struct Switching;

macro_rules! maker {
    ($name:ident, $builder:ident => $configured:expr) => {
        impl Maker for $name {
            type Strategy = Adaptive;

            fn make<K, V, S>(self, hasher: S) -> AdaptiveMap<K, V, S>
            where
                K: Eq + Hash,
                Adaptive: Strategy<K, V>,
                S: BuildHasher,
            {
                let $builder = AdaptiveMap::<K, V>::builder().hasher(hasher);
                $configured.build().expect("the configuration is sound")
            }
        }
    };
}

maker!(AsItComes, builder => builder);
maker!(FromReadTables, builder => builder.selector_unchecked(SelectorConfig {
    start: Kind::ReadDirty,
    ..SelectorConfig::default()
}));
maker!(Switching, builder => builder
    .shard_limit(14)
    .selector_unchecked(restless::config())
    .policy_unchecked(restless::policy()));

map_core::conformance_suite!(as_it_comes, AsItComes);
map_core::conformance_suite!(from_read_tables, FromReadTables);
map_core::conformance_suite!(switching, Switching);
