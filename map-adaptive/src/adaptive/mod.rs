//! The strategy of a map that chooses among the others, shard by shard.

mod nodes;
mod pace;
mod recall;
mod selector;
#[expect(unsafe_code, reason = "this is the room for it")]
mod shard;
mod stats;
#[expect(unsafe_code, reason = "this is the room for it")]
mod strategy;
mod study;
mod trial;

use std::sync::Arc;

use map_core::BuildError;
use map_core::strategy::{Options, Recycling, Selecting, Strategy};

use nodes::Nodes;
pub use selector::Unavailable;
use shard::Open;
pub use stats::{OfKind, Stats};

use crate::policy::{Decision, Explanation, Kind, Policy, PolicyError, SelectorConfig};

/// The strategy of an [`AdaptiveMap`](crate::AdaptiveMap): each shard is stored as one of the others would store it, and
/// can be changed to another while it is in use. Without `READ_TABLES`, entries always stay in their shards.
///
/// ```
/// let map: map_adaptive::Map<u32, u32, map_adaptive::Adaptive> = map_adaptive::Map::new();
/// map.insert(1, 10);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Adaptive<const READ_TABLES: bool = true>;

/// Sets a new map up by what its builder was told.
fn set_up<K: Clone, V: Clone, const READ_TABLES: bool>(
    open: &Open<K, V>,
    options: &Options,
) -> Result<(), BuildError> {
    <Nodes as Strategy<K, V>>::set_up(&open.nodes, options)?;
    let config = options.config::<SelectorConfig>().cloned();
    if config.is_some() || !READ_TABLES {
        let mut config = config.unwrap_or_default();
        config.read_tables &= READ_TABLES;
        let started = open.selector.start(config);
        started.map_err(|error| BuildError::Selector(error.to_string()))?;
    }
    if let Some(policy) = options.policy::<Arc<dyn Policy>>() {
        open.selector.set_policy(Arc::clone(policy));
    }
    Ok(())
}

impl Recycling for Adaptive {}

impl<K: Clone, V: Clone, const READ_TABLES: bool> Selecting<K, V> for Adaptive<READ_TABLES> {
    type Kind = Kind;
    type Unavailable = Unavailable;
    type Config = SelectorConfig;
    type ConfigError = PolicyError;
    type Policy = Arc<dyn Policy>;
    type Decision = Decision;
    type Explanation = Explanation;

    fn kind(open: &Open<K, V>) -> Kind {
        open.selector.target()
    }

    fn decisions(open: &Open<K, V>) -> Vec<Decision> {
        open.selector.decisions()
    }

    fn explain(open: &Open<K, V>, stats: &Stats) -> Explanation {
        let kinds = Kind::ALL
            .map(|kind| (kind, stats.of(kind).shards, stats.of(kind).entries))
            .into_iter()
            .filter(|(_, shards, _)| *shards > 0);
        open.selector.explain(kinds.collect())
    }

    fn pin_kind(open: &Open<K, V>, kind: Kind) -> Result<(), Unavailable> {
        open.selector.pin(kind)
    }

    fn conform(open: &Open<K, V>) {
        open.study.set_own(None);
    }

    fn release(open: &Open<K, V>) {
        open.selector.release();
    }

    fn config(open: &Open<K, V>) -> SelectorConfig {
        open.selector.config()
    }

    fn set_config(open: &Open<K, V>, mut config: SelectorConfig) -> Result<(), PolicyError> {
        config.read_tables &= READ_TABLES;
        open.selector.set_config(config)
    }

    fn policy(open: &Open<K, V>) -> Arc<dyn Policy> {
        open.selector.policy()
    }

    fn set_policy(open: &Open<K, V>, policy: Arc<dyn Policy>) {
        open.selector.set_policy(policy);
    }
}
