//! How proposals are carried out.

use std::time::Duration;

use super::error::{PolicyError, check};
use super::kind::Kind;

/// How often a selector looks, and how carefully it carries out what its policy proposes.
///
/// ```
/// use map_adaptive::policy::{Kind, SelectorConfig};
///
/// let config = SelectorConfig { start: Kind::Lock, budget: 2, ..SelectorConfig::default() };
/// config.validate()?;
/// # Ok::<(), map_adaptive::policy::PolicyError>(())
/// ```
///
/// With the feature `serde` it is read from any format. What is not there is as in [`Default`], times are in
/// seconds, and a name that is none of these is an error:
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use std::time::Duration;
///
/// use map_adaptive::policy::SelectorConfig;
///
/// let config: SelectorConfig = serde_json::from_str(
///     r#"{ "window_samples": 256, "canary": { "min_gain": 0.1 }, "back_off": 0.5 }"#,
/// )?;
/// assert_eq!(config.window_samples, 256);
/// assert_eq!(config.back_off, Duration::from_millis(500));
/// assert!(serde_json::from_str::<SelectorConfig>(r#"{ "canry": {} }"#).is_err());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct SelectorConfig {
    /// A window is full, and the policy asked, after so many sampled operations: at least 1, at first 64. One
    /// operation in about 300 may be a sample.
    pub window_samples: u32,
    /// Of the operations that may be samples, one in at most so many is: from 1 (all are) to 256, at first 8; what is no power of
    /// two counts as the next smaller one.
    ///
    /// All are at first, and while something is tried or changed. After each other window it is half as many, if the window was full within ten
    /// milliseconds, and otherwise twice as many; and all, if it takes longer than 100 ms. With one in 8 a window takes some 130,000 operations, and a
    /// change of the mix is seen as much later.
    pub thinning: u32,
    /// How a proposal is tried on one shard before the others follow.
    pub canary: Canary,
    /// So many switches of a map in each [`budget_period`](Self::budget_period), and no more: at least 1, at
    /// first 8. What goes beyond is withheld. Shards that follow a canary are one switch. As many again are allowed to
    /// each shard that goes its own way.
    pub budget: u32,
    /// More than nothing; at first a minute.
    #[cfg_attr(feature = "serde", serde(with = "super::seconds"))]
    pub budget_period: Duration,
    /// For so long a proposal is not tried again once it has been taken back: more than nothing, at first a
    /// second. Twice as long each time that it is taken back again. As long after a map has followed a trial, what it was before is
    /// tried against it, lest the trial was misled: again twice as long each time that nothing comes of that.
    #[cfg_attr(feature = "serde", serde(with = "super::seconds"))]
    pub back_off: Duration,
    /// But never longer than this: not less than [`back_off`](Self::back_off), at first ten minutes.
    #[cfg_attr(feature = "serde", serde(with = "super::seconds"))]
    pub back_off_limit: Duration,
    /// So many decisions are kept, at first 64. May be 0.
    pub log: usize,
    /// The kind that shards are made as; at first [`Sharded`](Kind::Sharded).
    pub start: Kind,
    /// Whether shards may be [`ReadDirty`](Kind::ReadDirty); at first yes. If not, a guard never holds a
    /// snapshot of a value, and proposals of that kind are withheld.
    pub read_tables: bool,
}

/// How a proposal is tried on one shard before the others follow.
///
/// ```
/// use map_adaptive::policy::{Canary, SelectorConfig};
///
/// let canary = Canary { min_gain: 1.5, ..Canary::default() };
/// let config = SelectorConfig { canary, ..SelectorConfig::default() };
/// let error = config.validate().expect_err("nothing can get cheaper by more than everything");
/// assert_eq!(
///     error.to_string(),
///     "canary.min_gain is a share from 0 on and less than 1, 1.5 was asked for",
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Canary {
    /// So many operations are timed before, and as many after: at least 1, at first 64. Reads are timed sixteen at
    /// once. If that speaks for it, all is done a second time.
    pub samples: u32,
    /// A shard whose operations do not get cheaper by this share goes back: from 0 on and less than 1, at first
    /// 0.1. Not less without more samples: operations are found cheaper or dearer by some percent by chance.
    pub min_gain: f64,
    /// Carry proposals out on all shards at once, unseen.
    pub skip: bool,
}

impl SelectorConfig {
    /// How long a proposal that has been taken back so many times is not to be tried again.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use map_adaptive::policy::SelectorConfig;
    ///
    /// let config = SelectorConfig::default();
    /// let seconds = [0, 1, 2, 3, 1000].map(|times| config.back_off_after(times).as_secs());
    /// assert_eq!(seconds, [0, 1, 2, 4, 600]);
    /// ```
    #[must_use]
    pub fn back_off_after(&self, times: u32) -> Duration {
        let Some(doublings) = times.checked_sub(1) else {
            return Duration::ZERO;
        };
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.back_off
            .saturating_mul(factor)
            .min(self.back_off_limit)
    }

    /// `Ok` if it makes sense.
    ///
    /// # Errors
    ///
    /// Names the first field that does not, what it is and what it may be.
    ///
    /// ```
    /// use map_adaptive::policy::SelectorConfig;
    ///
    /// let config = SelectorConfig { window_samples: 0, ..SelectorConfig::default() };
    /// let error = config.validate().expect_err("such a window would never be full");
    /// assert_eq!(error.field(), "window_samples");
    /// ```
    pub fn validate(&self) -> Result<(), PolicyError> {
        check(
            self.window_samples > 0,
            "window_samples",
            self.window_samples,
            "a number of operations from 1 on",
        )?;
        check(
            (1..=256).contains(&self.thinning),
            "thinning",
            self.thinning,
            "a number from 1 (all that may be samples are) to 256",
        )?;
        self.canary
            .validate()
            .map_err(|error| error.within("canary"))?;
        check(
            self.budget > 0,
            "budget",
            self.budget,
            "a number of switches from 1 on (pin the map to have none)",
        )?;
        check(
            !self.budget_period.is_zero(),
            "budget_period",
            self.budget_period,
            "a time longer than none",
        )?;
        check(
            !self.back_off.is_zero(),
            "back_off",
            self.back_off,
            "a time longer than none",
        )?;
        check(
            self.back_off_limit >= self.back_off,
            "back_off_limit",
            self.back_off_limit,
            format!("a time not shorter than back_off ({:?})", self.back_off),
        )?;
        check(
            self.read_tables || self.start != Kind::ReadDirty,
            "start",
            self.start,
            "Lock or Sharded where read_tables is false",
        )
    }
}

impl Default for SelectorConfig {
    fn default() -> Self {
        Self {
            window_samples: 64,
            thinning: 8,
            canary: Canary::default(),
            budget: 8,
            budget_period: Duration::from_secs(60),
            back_off: Duration::from_secs(1),
            back_off_limit: Duration::from_secs(600),
            log: 64,
            start: Kind::Sharded,
            read_tables: true,
        }
    }
}

impl Canary {
    fn validate(&self) -> Result<(), PolicyError> {
        check(
            self.samples > 0,
            "samples",
            self.samples,
            "a number of operations from 1 on",
        )?;
        check(
            (0.0..1.0).contains(&self.min_gain),
            "min_gain",
            self.min_gain,
            "a share from 0 on and less than 1",
        )
    }
}

impl Default for Canary {
    fn default() -> Self {
        Self {
            samples: 64,
            min_gain: 0.1,
            skip: false,
        }
    }
}
