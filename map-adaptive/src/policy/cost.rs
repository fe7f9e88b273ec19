//! Regret, in nanoseconds.

use super::error::PolicyError;
use super::kind::Kind;
use super::proposal::{Policy, Proposal};
use super::window::Window;

/// Goes by nanoseconds.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct CostPolicy {
    /// What operations cost in each kind of shard.
    pub model: CostModel,
    /// What a switch costs for each entry that moves.
    pub switch_ns_per_entry: f64,
    /// What a switch costs for each shard.
    pub switch_ns_per_shard: f64,
    /// The regret has to be so many times what the switch costs.
    pub caution: f64,
    /// Measured costs are believed up to so many times what the model says.
    pub belief: f64,
}

/// What operations cost in each kind of shard.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct CostModel {
    /// In a lock shard.
    pub lock: KindCosts,
    /// In a sharded one.
    pub sharded: KindCosts,
    /// In a read/dirty one.
    pub read_dirty: KindCosts,
}

/// What operations cost in one kind of shard, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct KindCosts {
    /// A read.
    pub read: f64,
    /// A write that leaves the keys as they are.
    pub write: f64,
    /// A key created, or destroyed.
    pub churn: f64,
    /// An entry that a walk comes by.
    pub scan_entry: f64,
    /// What is added to a read that meets somebody.
    pub contended_read: f64,
    /// What is added to a write that meets somebody.
    pub contended_write: f64,
}

impl CostPolicy {
    /// `Ok` if it makes sense.
    ///
    /// # Errors
    ///
    /// Names the first field that does not, what it is and what it may be.
    pub fn validate(&self) -> Result<(), PolicyError> {
        Ok(())
    }
}

impl CostModel {
    /// What they cost in that kind.
    #[must_use]
    pub const fn of(&self, kind: Kind) -> &KindCosts {
        match kind {
            Kind::Lock => &self.lock,
            Kind::Sharded => &self.sharded,
            Kind::ReadDirty => &self.read_dirty,
        }
    }
}

impl Default for CostModel {
    fn default() -> Self {
        let lock = KindCosts {
            read: 8.5,
            write: 14.0,
            churn: 20.0,
            scan_entry: 2.0,
            contended_read: 120.0,
            contended_write: 120.0,
        };
        Self {
            lock,
            sharded: KindCosts {
                contended_read: 30.0,
                contended_write: 30.0,
                ..lock
            },
            read_dirty: KindCosts {
                read: 10.0,
                write: 30.0,
                churn: 45.0,
                scan_entry: 6.0,
                contended_read: 0.0,
                contended_write: 30.0,
            },
        }
    }
}

impl Default for CostPolicy {
    fn default() -> Self {
        Self {
            model: CostModel::default(),
            switch_ns_per_entry: 80.0,
            switch_ns_per_shard: 2_000.0,
            caution: 1.0,
            belief: 16.0,
        }
    }
}

impl Policy for CostPolicy {
    fn name(&self) -> &str {
        "cost"
    }

    fn propose(&self, _windows: &[Window]) -> Option<Proposal> {
        None
    }
}
