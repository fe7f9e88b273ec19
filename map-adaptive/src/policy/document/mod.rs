//! Thresholds on the mix of operations.

use super::error::{PolicyError, check};
use super::history::HISTORY;
use super::proposal::{Policy, Proposal};
use super::window::Window;

mod evidence;
mod rules;

/// The default policy: knows the patterns that are known to go badly with a strategy, and which strategy they
/// go well with.
///
/// | rule | where | if | to |
/// |---|---|---|---|
/// | `contention` | lock | [`contention`](Self::contention) of the acquisitions, or more, met somebody | sharded |
/// | `write cliff` | read/dirty | [`write_cliff`](Self::write_cliff) of the operations, or more, were writes | as `random writes`, at once |
/// | `slow scans` | read/dirty | [`scans`](Self::scans) of the work, or more, was walking, and an entry of a walk cost more than [`slow_scans`](Self::slow_scans) times a write | sharded |
/// | `churn` | read/dirty | more than [`churn`](Self::churn) of the operations created or destroyed a key | sharded |
/// | `random writes` | read/dirty | more than [`random_writes`](Self::random_writes) of the operations were writes; or more than [`stores`](Self::stores) were updates and inserts, and more and more reads had to take the lock | lock; sharded, if [`contention`](Self::contention) of the acquisitions met somebody |
/// | `read-mostly` | lock, sharded | fewer than [`read_mostly`](Self::read_mostly) of the operations were writes, fewer than [`quiet_churn`](Self::quiet_churn) created or destroyed a key, and less than [`quiet_scans`](Self::quiet_scans) of the work was walking | read/dirty |
///
/// The first that applies is proposed. They are those of the misuse patterns of Go's `sync.Map`, with two
/// translations. There, a whole `Range` is compared with one `Store`, of which every map falls foul if only
/// it is large enough; here, an entry of a walk is compared with a write. There, keys that come and go show
/// as allocations in a profile, and the remedy is a pool; here, their rate is known, and the shards of the
/// other kinds are the pool: entries lie in the table itself, and a freed place takes the next one, without
/// an allocation.
///
/// # Why it does not flap
///
/// - What leads away from read/dirty is well apart from what leads back: more than 10 % of writes, and less than 5 %.
///   A configuration without such a gap is refused. Between lock and sharded there is only one way.
/// - Shares are estimates, and of 64 samples a poor one: where 7.5 % are writes, every fifth window shows
///   more than 10 %. So a share must be beyond its threshold in each of the newest
///   [`patience`](Self::patience) windows; and in these taken together, or with as many older ones as it
///   takes, beyond it by [`certainty`](Self::certainty) times the error of sampling (the standard deviation
///   of the share, were the threshold the truth). A mix far off is settled after two windows of 64 samples,
///   one of 12 % of writes may take some twenty. The nearer the threshold, the longer it takes, and the less
///   there is to be gained.
/// - At the write cliff one window is enough. 64 samples do not show 35 % of writes where there are less than 10 %.
///
/// ```
/// use map_adaptive::policy::{DocumentPolicy, Kind, Policy, Window};
///
/// let policy = DocumentPolicy::default();
/// let window = Window {
///     samples: 1000,
///     hits: 62_000,
///     updates: 2_000,
///     ..Window::empty(Kind::Sharded)
/// };
/// assert_eq!(policy.propose(&[window.clone()]), None, "one window is not enough");
/// let proposal = policy.propose(&[window.clone(), window]).expect("it is mostly read");
/// assert_eq!((proposal.to, proposal.rule.as_ref()), (Kind::ReadDirty, "read-mostly"));
/// assert_eq!(
///     proposal.reason,
///     "3.1 % of 128,000 operations were writes, less than 5 %",
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct DocumentPolicy {
    /// The share of acquisitions that meet somebody from which on a lock shard should rather be sharded; also
    /// what tells which of the two a read/dirty shard becomes. At first 0.05.
    pub contention: f64,
    /// A walk of a read/dirty shard is slow if an entry costs more than so many times a write: more than 0, at
    /// first 5.
    pub slow_scans: f64,
    /// The share of the work ([`Window::scan_share`]) from which on slow walks matter. At first 0.25.
    pub scans: f64,
    /// The share of operations that create or destroy a key, beyond which a shard should not be read/dirty. At first
    /// 0.20.
    pub churn: f64,
    /// The share of writes beyond which a shard should not be read/dirty. At first 0.10.
    pub random_writes: f64,
    /// The share of updates and inserts beyond which a shard should not be read/dirty, provided that a
    /// growing share of its reads has to take the lock. At first 0.15: it is for those who set
    /// `random_writes` higher than that.
    pub stores: f64,
    /// The share of writes from which on there is no time to lose. At first 0.35.
    pub write_cliff: f64,
    /// The share of writes below which a shard should be read/dirty: less than `random_writes`, `stores` and
    /// `write_cliff`. At first 0.05. With 0, none ever does; nor with 0 in the next two.
    pub read_mostly: f64,
    /// A shard should become read/dirty only if fewer of the operations than this create or destroy a key:
    /// less than `churn`. At first 0.05.
    pub quiet_churn: f64,
    /// A shard should become read/dirty only if less of the work than this is walking: less than `scans`. At first
    /// 0.05.
    pub quiet_scans: f64,
    /// In so many windows, one after the other, a rule must apply: from 1 to [`HISTORY`], at first 2.
    pub patience: u32,
    /// On fewer samples than this, all windows together, nothing is proposed: at least 1, at first 32.
    pub min_samples: u32,
    /// By so many standard deviations a share must be beyond its threshold: 0 or more, at first 3. With 0,
    /// shares are taken for exact.
    pub certainty: f64,
}

impl DocumentPolicy {
    /// `Ok` if it makes sense.
    ///
    /// # Errors
    ///
    /// Names the first field that does not, what it is and what it may be.
    ///
    /// ```
    /// use map_adaptive::policy::DocumentPolicy;
    ///
    /// let policy = DocumentPolicy { read_mostly: 0.12, ..DocumentPolicy::default() };
    /// let error = policy.validate().expect_err("the map would go back and forth at 11 % of writes");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "read_mostly is a share less than random_writes (0.1), 0.12 was asked for",
    /// );
    /// ```
    pub fn validate(&self) -> Result<(), PolicyError> {
        for (field, share) in [
            ("contention", self.contention),
            ("scans", self.scans),
            ("churn", self.churn),
            ("random_writes", self.random_writes),
            ("stores", self.stores),
            ("write_cliff", self.write_cliff),
            ("read_mostly", self.read_mostly),
            ("quiet_churn", self.quiet_churn),
            ("quiet_scans", self.quiet_scans),
        ] {
            let is_share = (0.0..=1.0).contains(&share);
            check(is_share, field, share, "a share from 0 to 1")?;
        }
        // Each threshold that leads to read/dirty, and one that leads away from it.
        for (field, below, other, threshold) in [
            (
                "read_mostly",
                self.read_mostly,
                "random_writes",
                self.random_writes,
            ),
            ("read_mostly", self.read_mostly, "stores", self.stores),
            (
                "read_mostly",
                self.read_mostly,
                "write_cliff",
                self.write_cliff,
            ),
            ("quiet_churn", self.quiet_churn, "churn", self.churn),
            ("quiet_scans", self.quiet_scans, "scans", self.scans),
        ] {
            let allowed = format!("a share less than {other} ({threshold:?})");
            check(below < threshold, field, below, allowed)?;
        }
        check(
            self.slow_scans.is_finite() && self.slow_scans > 0.0,
            "slow_scans",
            self.slow_scans,
            "a multiple greater than 0",
        )?;
        check(
            (1..=HISTORY).contains(&(self.patience as usize)),
            "patience",
            self.patience,
            format!("a number of windows from 1 to {HISTORY}"),
        )?;
        check(
            self.min_samples > 0,
            "min_samples",
            self.min_samples,
            "a number of samples from 1 on",
        )?;
        check(
            self.certainty.is_finite() && self.certainty >= 0.0,
            "certainty",
            self.certainty,
            "a number of standard deviations from 0 on",
        )
    }
}

impl Default for DocumentPolicy {
    fn default() -> Self {
        Self {
            contention: 0.05,
            slow_scans: 5.0,
            scans: 0.25,
            churn: 0.20,
            random_writes: 0.10,
            stores: 0.15,
            write_cliff: 0.35,
            read_mostly: 0.05,
            quiet_churn: 0.05,
            quiet_scans: 0.05,
            patience: 2,
            min_samples: 32,
            certainty: 3.0,
        }
    }
}

impl Policy for DocumentPolicy {
    fn name(&self) -> &str {
        "document"
    }

    fn propose(&self, windows: &[Window]) -> Option<Proposal> {
        rules::propose(self, windows)
    }
}
