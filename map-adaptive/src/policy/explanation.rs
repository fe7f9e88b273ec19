//! Decisions as a person reads them.

use std::fmt;
use std::time::Duration;

use super::decision::Decision;
use super::kind::Kind;
use super::window::Window;

/// What a map is doing and why.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Explanation {
    /// The kinds in force: each with its shards and their entries.
    pub kinds: Vec<(Kind, u64, u64)>,
    /// The kind that the map is pinned to, if it is.
    pub pinned: Option<Kind>,
    /// The name of the policy.
    pub policy: String,
    /// The newest window of the whole map, if there has been one.
    pub latest: Option<Window>,
    /// The decisions that were kept, oldest first.
    pub decisions: Vec<Decision>,
    /// How many older ones were not.
    pub dropped: u64,
    /// How long ago the map was made.
    #[cfg_attr(feature = "serde", serde(with = "super::seconds"))]
    pub uptime: Duration,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
