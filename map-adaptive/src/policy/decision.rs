//! What a selector decided, and what came of it.

use std::fmt;
use std::time::Duration;

use super::figures::{Count, Nanos, Percent, Span};
use super::kind::Kind;
use super::proposal::Proposal;
use super::window::Window;

/// One decision of a selector, with all that it rests on.
///
/// ```
/// use std::time::Duration;
///
/// use map_adaptive::policy::{Decision, DocumentPolicy, Kind, Outcome, Policy, Scope, Window};
///
/// let policy = DocumentPolicy::default();
/// let window = Window { samples: 64, updates: 4096, ..Window::empty(Kind::ReadDirty) };
/// let proposal = policy.propose(std::slice::from_ref(&window)).expect("they are all writes");
/// let decision = Decision {
///     at: Duration::from_secs(90),
///     scope: Scope::Shard { prefix: 0b0110, depth: 4 },
///     from: window.kind,
///     to: proposal.to,
///     policy: policy.name().to_owned(),
///     proposal,
///     window,
///     outcome: Outcome::Trying,
/// };
/// assert_eq!(decision.scope.to_string(), "shard 0110");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Decision {
    /// When: so long after the map was made.
    #[cfg_attr(feature = "serde", serde(with = "super::seconds"))]
    pub at: Duration,
    /// Which shards.
    pub scope: Scope,
    /// The kind that was in force.
    pub from: Kind,
    /// The kind that was to be.
    pub to: Kind,
    /// The name of the policy.
    pub policy: String,
    /// What it proposed, and why.
    pub proposal: Proposal,
    /// The newest window that it was shown.
    pub window: Window,
    /// What came of it, as far as is known.
    pub outcome: Outcome,
}

/// Which shards a decision is about.
///
/// ```
/// use map_adaptive::policy::Scope;
///
/// assert_eq!(Scope::Shard { prefix: 0b0110, depth: 4 }.to_string(), "shard 0110");
/// assert_eq!(Scope::Shard { prefix: 0, depth: 0 }.to_string(), "the only shard");
/// assert_eq!(Scope::Map { shards: 64 }.to_string(), "64 shards");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Scope {
    /// One shard: that of the hashes with these bits in front.
    Shard {
        /// The bits, the last of them the lowest.
        prefix: u64,
        /// How many there are. No bits: the map has no other shard.
        depth: u32,
    },
    /// All shards that were of the former kind.
    Map {
        /// How many.
        shards: u64,
    },
}

/// What came of a proposal. Costs are mean nanoseconds of an operation.
///
/// ```
/// use map_adaptive::policy::Outcome;
///
/// let outcome = Outcome::Kept { before: 34.1, after: 20.5, control: Some(33.9) };
/// assert_eq!(
///     outcome.to_string(),
///     "kept: an operation took 34.1 ns before and 20.5 ns after, 39.9 % less; other shards 33.9 ns",
/// );
/// assert!(outcome.is_in_force());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Outcome {
    /// It is being tried.
    Trying,
    /// It was better, and stays.
    Kept {
        /// The cost before the switch.
        before: f64,
        /// The cost after it.
        after: f64,
        /// The cost meanwhile in shards that were left alone, if there were any.
        control: Option<f64>,
    },
    /// It was not better, and was taken back.
    Reverted {
        /// The cost before the switch.
        before: f64,
        /// The cost after it.
        after: f64,
        /// The cost meanwhile in shards that were left alone, if there were any.
        control: Option<f64>,
    },
    /// It was carried out without a trial, as it had been tried elsewhere, or trials are off.
    Followed,
    /// It was begun and not brought to an end.
    GivenUp {
        /// What was in the way.
        why: String,
    },
    /// It was not carried out.
    Withheld {
        /// What was in the way: the budget, a back-off, no read tables allowed.
        why: String,
        /// When that will be over: so long after the map was made. `None` if it will not by itself.
        #[cfg_attr(feature = "serde", serde(with = "super::seconds::optional", default))]
        until: Option<Duration>,
    },
    /// Somebody pinned the map to it.
    Pinned,
}

impl Outcome {
    /// Whether the shards are now of the new kind, unless a later decision changed them again.
    ///
    /// ```
    /// use map_adaptive::policy::Outcome;
    ///
    /// assert!(Outcome::Followed.is_in_force());
    /// assert!(!Outcome::GivenUp { why: "the map was cleared".to_owned() }.is_in_force());
    /// ```
    #[must_use]
    pub const fn is_in_force(&self) -> bool {
        matches!(
            self,
            Self::Trying | Self::Kept { .. } | Self::Followed | Self::Pinned
        )
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Shard { depth: 0, .. } => f.write_str("the only shard"),
            Self::Shard { prefix, depth } => {
                write!(f, "shard {prefix:0width$b}", width = depth.min(64) as usize)
            }
            Self::Map { shards: 1 } => f.write_str("1 shard"),
            Self::Map { shards } => write!(f, "{} shards", Count(shards)),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, before, after, control) = match self {
            Self::Trying => return f.write_str("being tried"),
            Self::Followed => return f.write_str("carried out without a trial"),
            Self::GivenUp { why } => return write!(f, "given up: {why}"),
            Self::Withheld { why, until } => {
                write!(f, "withheld: {why}")?;
                return match until {
                    Some(until) => write!(f, " (until {} of uptime)", Span(*until)),
                    None => Ok(()),
                };
            }
            Self::Pinned => return f.write_str("pinned by hand"),
            Self::Kept {
                before,
                after,
                control,
            } => ("kept", *before, *after, control),
            Self::Reverted {
                before,
                after,
                control,
            } => ("taken back", *before, *after, control),
        };
        let (before_text, after_text) = (Nanos(before), Nanos(after));
        write!(
            f,
            "{word}: an operation took {before_text} before and {after_text} after"
        )?;
        let change = after / before - 1.0;
        if change.is_finite() {
            let word = if change > 0.0 { "more" } else { "less" };
            write!(f, ", {} {word}", Percent(change.abs()))?;
        }
        if let Some(control) = control {
            write!(f, "; other shards {}", Nanos(*control))?;
        }
        Ok(())
    }
}
