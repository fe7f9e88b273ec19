//! What operations cost, as far as nobody has measured it.

use crate::policy::error::{PolicyError, check};
use crate::policy::kind::Kind;

/// What operations cost in each kind of shard.
///
/// The default stands for one thread on a Zen 4 and a map that fits the cache; what a meeting costs is an
/// estimate. Other machines differ in the figures more than in their proportions, and where a window has
/// [measured costs](super::super::Window::costs), [`CostPolicy`](super::CostPolicy) sets these straight.
///
/// | ns | lock | sharded | read/dirty |
/// |---|---|---|---|
/// | read | 8.5 | 8.5 | 10 |
/// | write | 14 | 14 | 30 |
/// | key created or destroyed | 20 | 20 | 45 |
/// | entry that a walk comes by | 2 | 2 | 6 |
/// | read that meets somebody, besides | 120 | 30 | 0 |
/// | write that meets somebody, besides | 120 | 30 | 30 |
///
/// ```
/// use map_adaptive::policy::{CostModel, Kind};
///
/// let model = CostModel::default();
/// assert!(model.of(Kind::ReadDirty).write > model.of(Kind::Lock).write);
/// ```
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

/// What operations cost in one kind of shard, in mean nanoseconds: each 0 or more. In a file all of them are
/// to be there.
///
/// ```
/// use map_adaptive::policy::{CostModel, CostPolicy, KindCosts};
///
/// let mut model = CostModel::default();
/// model.lock = KindCosts { contended_read: f64::NAN, ..model.lock };
/// let error = CostPolicy { model, ..CostPolicy::default() }.validate().expect_err("it is no number");
/// assert_eq!(
///     error.to_string(),
///     "model.lock.contended_read is a number of nanoseconds from 0 on, NaN was asked for",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct KindCosts {
    /// A read that meets nobody.
    pub read: f64,
    /// A write that meets nobody and leaves the keys as they are.
    pub write: f64,
    /// A write that meets nobody and creates a key, or destroys one.
    pub churn: f64,
    /// An entry that a walk comes by.
    pub scan_entry: f64,
    /// What a read costs besides, if it meets somebody.
    pub contended_read: f64,
    /// What a write costs besides, if it meets somebody.
    pub contended_write: f64,
}

impl CostModel {
    /// What they cost in that kind.
    ///
    /// ```
    /// use map_adaptive::policy::{CostModel, Kind};
    ///
    /// let mut model = CostModel::default();
    /// model.sharded.read = 7.0;
    /// assert_eq!(model.of(Kind::Sharded).read, 7.0);
    /// ```
    #[must_use]
    pub const fn of(&self, kind: Kind) -> &KindCosts {
        match kind {
            Kind::Lock => &self.lock,
            Kind::Sharded => &self.sharded,
            Kind::ReadDirty => &self.read_dirty,
        }
    }

    pub(super) fn validate(&self) -> Result<(), PolicyError> {
        for (kind, costs) in [
            ("lock", &self.lock),
            ("sharded", &self.sharded),
            ("read_dirty", &self.read_dirty),
        ] {
            costs.validate().map_err(|error| error.within(kind))?;
        }
        Ok(())
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

impl KindCosts {
    fn validate(&self) -> Result<(), PolicyError> {
        for (field, nanos) in [
            ("read", self.read),
            ("write", self.write),
            ("churn", self.churn),
            ("scan_entry", self.scan_entry),
            ("contended_read", self.contended_read),
            ("contended_write", self.contended_write),
        ] {
            check_nanos(field, nanos)?;
        }
        Ok(())
    }
}

pub(super) fn check_nanos(field: &'static str, nanos: f64) -> Result<(), PolicyError> {
    check(
        nanos.is_finite() && nanos >= 0.0,
        field,
        nanos,
        "a number of nanoseconds from 0 on",
    )
}
