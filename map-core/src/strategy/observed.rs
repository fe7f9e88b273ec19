//! Strategies that can be asked about their shards, and those that choose among others.

use std::any::Any;

use super::Strategy;

/// A strategy that has something to say about its shards.
///
/// ```
/// use map_core::strategy::Observed;
/// use map_core::{Map, Strategy};
///
/// fn stats<T: Observed<u32, u32>>(map: &Map<u32, u32, T>) -> T::Stats {
///     map.stats()
/// }
/// let map = map_readdirty::ReadDirtyMap::new();
/// map.insert(1, 1);
/// assert_eq!(stats(&map).shards, 1);
/// ```
pub trait Observed<K, V>: Strategy<K, V> {
    /// What [`Map::stats`](crate::Map::stats) gathers.
    type Stats: Default;

    /// Adds what is to be said about a shard.
    #[doc = in_shard!(
        "map_readdirty::ReadDirty",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let mut stats = <T as Observed<u64, String>>::Stats::default();",
        "T::observe(&mut stats, &open, &shard);",
        "assert_eq!((stats.shards, stats.dirty_entries), (1, 1));",
    )]
    fn observe(stats: &mut Self::Stats, open: &Self::Open, locked: &Self::Locked);
}

/// A strategy that chooses among others, shard by shard, and can be asked and told about that.
///
/// ```
/// use map_adaptive::{AdaptiveMap, Kind};
/// use map_core::Map;
/// use map_core::strategy::Selecting;
///
/// fn log<T: Selecting<u32, u32>>(map: &Map<u32, u32, T>) -> Vec<T::Decision> {
///     map.decisions()
/// }
/// let map: AdaptiveMap<u32, u32> = AdaptiveMap::new();
/// map.pin_strategy(Kind::Lock).expect("it is compiled in");
/// assert_eq!(log(&map).len(), 1);
/// ```
pub trait Selecting<K, V>: Observed<K, V> {
    /// What a shard can be.
    type Kind;
    /// Why it cannot.
    type Unavailable;
    /// How what the policy proposes is carried out.
    type Config: Any + Send + Sync;
    /// What is wrong with a configuration.
    type ConfigError;
    /// What proposes.
    type Policy: Any + Send + Sync;
    /// What was decided, and why.
    type Decision;
    /// All of that, for a person.
    type Explanation;

    /// What the shards are, or are about to be, but for those that go their own way.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# use map_adaptive::Kind;",
        "assert_eq!(<T as Selecting<u64, String>>::kind(&open), Kind::Sharded);",
    )]
    fn kind(open: &Self::Open) -> Self::Kind;

    /// What was decided, oldest first.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# <T as Selecting<u64, String>>::pin_kind(&open, map_adaptive::Kind::ReadDirty).expect(\"it is compiled in\");",
        "// Somebody has asked for read tables.",
        "assert_eq!(<T as Selecting<u64, String>>::decisions(&open).len(), 1);",
    )]
    fn decisions(open: &Self::Open) -> Vec<Self::Decision>;

    /// What there is to be said, given what the shards are.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "let mut stats = <T as Observed<u64, String>>::Stats::default();",
        "T::observe(&mut stats, &open, &shard);",
        "let explanation = <T as Selecting<u64, String>>::explain(&open, &stats);",
        "assert!(explanation.to_string().contains(\"sharded\"));",
    )]
    fn explain(open: &Self::Open, stats: &Self::Stats) -> Self::Explanation;

    /// All shards shall be of a kind.
    ///
    /// # Errors
    ///
    /// If they cannot.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# use map_adaptive::Kind;",
        "assert!(<T as Selecting<u64, String>>::pin_kind(&open, Kind::Lock).is_ok());",
        "assert_eq!(<T as Selecting<u64, String>>::kind(&open), Kind::Lock);",
    )]
    fn pin_kind(open: &Self::Open, kind: Self::Kind) -> Result<(), Self::Unavailable>;

    /// This shard goes its own way no longer.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# use map_adaptive::Kind;",
        "<T as Selecting<u64, String>>::conform(&open);",
        "assert!(!T::is_due(&open), \"it is what the others are\");",
    )]
    fn conform(open: &Self::Open);

    /// The policy decides again.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# use map_adaptive::Kind;",
        "# <T as Selecting<u64, String>>::pin_kind(&open, map_adaptive::Kind::ReadDirty).expect(\"it is compiled in\");",
        "<T as Selecting<u64, String>>::release(&open);",
        "// Until the policy proposes something else.",
        "assert_eq!(<T as Selecting<u64, String>>::kind(&open), Kind::ReadDirty);",
    )]
    fn release(open: &Self::Open);

    /// How proposals are carried out.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "assert!(<T as Selecting<u64, String>>::config(&open).read_tables);",
    )]
    fn config(open: &Self::Open) -> Self::Config;

    /// Replaces that.
    ///
    /// # Errors
    ///
    /// If it is no good; then nothing has changed.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "let mut config = <T as Selecting<u64, String>>::config(&open);",
        "config.read_tables = false;",
        "assert!(<T as Selecting<u64, String>>::set_config(&open, config).is_ok());",
    )]
    fn set_config(open: &Self::Open, config: Self::Config) -> Result<(), Self::ConfigError>;

    /// What proposes.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "let policy = <T as Selecting<u64, String>>::policy(&open);",
        "assert_eq!(policy.name(), \"document\");",
    )]
    fn policy(open: &Self::Open) -> Self::Policy;

    /// Replaces that.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "use std::sync::Arc;",
        "",
        "use map_adaptive::policy::CostPolicy;",
        "",
        "<T as Selecting<u64, String>>::set_policy(&open, Arc::new(CostPolicy::default()));",
        "assert_eq!(<T as Selecting<u64, String>>::policy(&open).name(), \"cost\");",
    )]
    fn set_policy(open: &Self::Open, policy: Self::Policy);
}
