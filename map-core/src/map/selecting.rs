//! Maps that choose how their shards store their entries.

use std::any::Any;
use std::hash::{BuildHasher, Hash};

use super::{Builder, Map, Walk};
use crate::raw::held::{Place, here};
use crate::strategy::{Selecting, Strategy};

impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// Does what is due in every shard, unless somebody is there.
    pub(crate) fn change_all(&self, place: Place) {
        if !T::SELECTS {
            return;
        }
        let mut walk = Walk::new();
        while let Some(hash) = walk.next_hash() {
            let (coverage, _) = self.change(hash, place);
            // Otherwise it was split or merged just now.
            if coverage.covers(hash) {
                walk.go_on(coverage.end());
            }
        }
    }
}

impl<K: Eq + Hash, V, T: Selecting<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// The kind of shard that the map has chosen: what its shards are, or are about to be, but for those whose load is
    /// so different that they go their own way ([`stats`](Self::stats) counts the shards of each kind).
    ///
    /// Costs one load; never blocks.
    ///
    /// ```
    /// use map_adaptive::{AdaptiveMap, Kind};
    ///
    /// let map: AdaptiveMap<u32, u32> = AdaptiveMap::new();
    /// assert_eq!(map.strategy(), Kind::Sharded);
    /// ```
    pub fn strategy(&self) -> T::Kind {
        T::kind(self.open())
    }

    /// What was decided about the strategy, oldest first: when, for which shards, by which rule, and what came of it. Decisions
    /// that are long past are forgotten.
    ///
    /// Costs a clone of each; blocks for as long as somebody else looks at them.
    ///
    /// ```
    /// use map_adaptive::{AdaptiveMap, Kind};
    ///
    /// let map: AdaptiveMap<u32, u32> = AdaptiveMap::new();
    /// assert!(map.decisions().is_empty());
    /// map.pin_strategy(Kind::ReadDirty)?;
    /// assert_eq!(map.decisions()[0].to, Kind::ReadDirty);
    /// # Ok::<(), map_adaptive::adaptive_map::Unavailable>(())
    /// ```
    pub fn decisions(&self) -> Vec<T::Decision> {
        T::decisions(self.open())
    }

    /// What the shards are, what the map sees of its load, and what was decided and why, to be printed.
    ///
    /// Costs and blocks as [`stats`](Self::stats) and [`decisions`](Self::decisions) together.
    ///
    /// ```
    /// let map = map_adaptive::AdaptiveMap::new();
    /// map.insert("a", 1);
    /// println!("{}", map.explain());
    /// assert_eq!(map.explain().kinds.len(), 1);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn explain(&self) -> T::Explanation {
        T::explain(self.open(), &self.stats())
    }

    /// Makes all shards of a kind, whatever the policy says, until [`release`](Self::release).
    ///
    /// Goes through all shards and changes each, at the cost of moving its entries, but for those that somebody is in: they follow as
    /// they are used. Waits for nobody.
    ///
    /// # Errors
    ///
    /// If the map cannot have such shards; then nothing has changed.
    ///
    /// ```
    /// use map_adaptive::{AdaptiveMap, Kind};
    ///
    /// let map: AdaptiveMap<u32, u32> = (0..10_000).map(|n| (n, n)).collect();
    /// map.pin_strategy(Kind::ReadDirty)?;
    /// assert_eq!(map.stats().of(Kind::ReadDirty).entries, 10_000);
    /// # Ok::<(), map_adaptive::adaptive_map::Unavailable>(())
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn pin_strategy(&self, kind: T::Kind) -> Result<(), T::Unavailable> {
        T::pin_kind(self.open(), kind)?;
        let mut walk = Walk::new();
        while let Some(hash) = walk.next_hash() {
            let header = self.directory.find(hash);
            T::conform(header.open());
            let coverage = header.coverage_hint();
            if coverage.covers(hash) {
                walk.go_on(coverage.end());
            }
        }
        self.change_all(here());
        Ok(())
    }

    /// Lets the policy decide again, after [`pin_strategy`](Self::pin_strategy). Shards stay what they are until it does.
    ///
    /// Costs nothing to speak of; blocks as [`decisions`](Self::decisions).
    ///
    /// ```
    /// use map_adaptive::{AdaptiveMap, Kind};
    ///
    /// let map: AdaptiveMap<u32, u32> = AdaptiveMap::new();
    /// map.pin_strategy(Kind::Lock)?;
    /// map.release();
    /// assert_eq!(map.strategy(), Kind::Lock);
    /// assert_eq!(map.explain().pinned, None);
    /// # Ok::<(), map_adaptive::adaptive_map::Unavailable>(())
    /// ```
    pub fn release(&self) {
        T::release(self.open());
    }

    /// How proposals of the policy are carried out.
    ///
    /// Costs a clone; never blocks.
    ///
    /// ```
    /// let map: map_adaptive::AdaptiveMap<u32, u32> = map_adaptive::AdaptiveMap::new();
    /// assert!(map.selector_config().read_tables);
    /// ```
    pub fn selector_config(&self) -> T::Config {
        T::config(self.open())
    }

    /// Replaces how proposals of the policy are carried out, from now on.
    ///
    /// Costs an allocation; blocks as [`decisions`](Self::decisions).
    ///
    /// # Errors
    ///
    /// If it makes no sense: the error names the field. Then nothing has changed.
    ///
    /// ```
    /// use map_adaptive::{AdaptiveMap, SelectorConfig};
    ///
    /// let map: AdaptiveMap<u32, u32> = AdaptiveMap::new();
    /// map.set_selector_config(SelectorConfig { window_samples: 128, ..SelectorConfig::default() })?;
    /// let error = map
    ///     .set_selector_config(SelectorConfig { window_samples: 0, ..SelectorConfig::default() })
    ///     .expect_err("a window without samples says nothing");
    /// assert!(error.to_string().contains("window_samples"));
    /// assert_eq!(map.selector_config().window_samples, 128);
    /// # Ok::<(), map_adaptive::PolicyError>(())
    /// ```
    pub fn set_selector_config(&self, config: T::Config) -> Result<(), T::ConfigError> {
        T::set_config(self.open(), config)
    }

    /// What proposes.
    ///
    /// Never blocks.
    ///
    /// ```
    /// use map_adaptive::Policy;
    ///
    /// let map: map_adaptive::AdaptiveMap<u32, u32> = map_adaptive::AdaptiveMap::new();
    /// assert_eq!(map.policy().name(), "document");
    /// ```
    pub fn policy(&self) -> T::Policy {
        T::policy(self.open())
    }

    /// Replaces what proposes, from now on. What was tried in vain may be tried again.
    ///
    /// A policy runs in some operation on the map that found a window complete, before that has locked anything: it had
    /// better be quick. It may use the map as the caller of that operation might; so may its Drop.
    ///
    /// Costs an allocation; blocks as [`decisions`](Self::decisions).
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use map_adaptive::{AdaptiveMap, CostPolicy, Policy};
    ///
    /// let map: AdaptiveMap<u32, u32> = AdaptiveMap::new();
    /// map.set_policy(Arc::new(CostPolicy::default()));
    /// assert_eq!(map.policy().name(), "cost");
    /// ```
    pub fn set_policy(&self, policy: T::Policy) {
        T::set_policy(self.open(), policy);
    }
}

impl<K: Eq + Hash, V, T: Selecting<K, V>, S: BuildHasher> Builder<K, V, T, S> {
    /// Carries proposals of the policy out like this.
    ///
    /// ```
    /// use map_adaptive::{AdaptiveMap, Kind, SelectorConfig};
    ///
    /// let map = AdaptiveMap::<u32, u32>::builder()
    ///     .selector(SelectorConfig { start: Kind::ReadDirty, ..SelectorConfig::default() })
    ///     .build()?;
    /// assert_eq!(map.strategy(), Kind::ReadDirty);
    /// # Ok::<(), map_adaptive::BuildError>(())
    /// ```
    pub fn selector(self, config: T::Config) -> Self {
        self.selector_unchecked(config)
    }

    /// Goes by this policy.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use map_adaptive::{AdaptiveMap, CostPolicy, Policy};
    ///
    /// let map = AdaptiveMap::<u32, u32>::builder().policy(Arc::new(CostPolicy::default())).build()?;
    /// assert_eq!(map.policy().name(), "cost");
    /// # Ok::<(), map_adaptive::BuildError>(())
    /// ```
    pub fn policy(self, policy: T::Policy) -> Self {
        self.policy_unchecked(policy)
    }
}

/// For code that is generic over strategies and knows which it has: what is of the wrong type is not looked at.
impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Builder<K, V, T, S> {
    #[doc(hidden)]
    pub fn selector_unchecked(mut self, config: impl Any + Send + Sync) -> Self {
        self.options.set_config(config);
        self
    }

    #[doc(hidden)]
    pub fn policy_unchecked(mut self, policy: impl Any + Send + Sync) -> Self {
        self.options.set_policy(policy);
        self
    }
}
