//! What a policy is, and what it says.

use std::borrow::Cow;
use std::fmt;

use super::kind::Kind;
use super::window::Window;

/// Says which kind of shard suits the load that it is shown.
///
/// ```
/// use map_adaptive::policy::{Kind, Policy, Proposal, Window};
///
/// /// Locks by day, read tables by night.
/// #[derive(Debug)]
/// struct Busy;
///
/// impl Policy for Busy {
///     fn name(&self) -> &str {
///         "busy"
///     }
///
///     fn propose(&self, windows: &[Window]) -> Option<Proposal> {
///         let newest = windows.last()?;
///         let rate = newest.operations() as f64 / newest.elapsed.as_secs_f64();
///         let to = if rate > 1e6 { Kind::Sharded } else { Kind::ReadDirty };
///         (to != newest.kind).then(|| Proposal {
///             to,
///             rule: "rate".into(),
///             reason: format!("{rate:.0} operations a second"),
///             urgent: false,
///         })
///     }
/// }
/// assert_eq!(Busy.propose(&[]), None);
/// ```
pub trait Policy: fmt::Debug + Send + Sync {
    /// What the log calls it.
    fn name(&self) -> &str;

    /// What to switch to, if anything. `windows` are those since the last switch, oldest first, newest last, at most
    /// [`HISTORY`](super::HISTORY); all are of the kind in force. A proposal of that very kind is none.
    ///
    /// It is to be pure: no clock, no state, nothing but the windows. It is asked once a window, by the
    /// thread whose operation found it complete, which has nothing locked then but by guards that its caller holds; so it
    /// had better be quick: microseconds. A map asks by one thread at a time. Until it has its answer the window goes on, also
    /// for what the policy itself does with the map.
    fn propose(&self, windows: &[Window]) -> Option<Proposal>;
}

/// A policy's wish to switch, and why.
///
/// ```
/// use map_adaptive::policy::{Kind, Proposal};
///
/// let proposal = Proposal {
///     to: Kind::Sharded,
///     rule: "contention".into(),
///     reason: "7.0 % of 16,384 acquisitions met somebody, 5 % or more".to_owned(),
///     urgent: false,
/// };
/// assert_eq!(
///     proposal.to_string(),
///     "contention: 7.0 % of 16,384 acquisitions met somebody, 5 % or more",
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Proposal {
    /// The kind to switch to.
    pub to: Kind,
    /// The short name of the rule that applied, such as `random writes`.
    pub rule: Cow<'static, str>,
    /// One sentence, with the figures and the thresholds, no full stop.
    pub reason: String,
    /// The load is so far off that it should not wait for another window.
    pub urgent: bool,
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.reason)
    }
}

/// One kind, and nothing else. (Not the [`Pinned`](crate::Pinned) of a map's session.)
///
/// ```
/// use map_adaptive::policy::{Kind, Pinned, Policy, Window};
///
/// let policy = Pinned(Kind::Lock);
/// assert_eq!(policy.propose(&[Window::empty(Kind::Lock)]), None);
/// let proposal = policy.propose(&[Window::empty(Kind::Sharded)]).expect("it is not a lock");
/// assert_eq!(proposal.to, Kind::Lock);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pinned(pub Kind);

impl Policy for Pinned {
    fn name(&self) -> &str {
        "pinned"
    }

    fn propose(&self, windows: &[Window]) -> Option<Proposal> {
        let Self(to) = *self;
        (windows.last()?.kind != to).then(|| Proposal {
            to,
            rule: Cow::Borrowed("pinned"),
            reason: format!("the policy is {to} and nothing else"),
            urgent: true,
        })
    }
}
