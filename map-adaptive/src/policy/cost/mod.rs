//! Regret, in nanoseconds.

use std::borrow::Cow;

use super::error::{PolicyError, check};
use super::figures::{Count, Nanos};
use super::kind::Kind;
use super::proposal::{Policy, Proposal};
use super::window::Window;

mod estimate;
mod model;

pub use model::{CostModel, KindCosts};

/// Goes by nanoseconds: proposes another kind once the one in force has cost so much more than that would
/// have, that a switch would have paid.
///
/// This is the rule of ski rental. Skis may be rented by the day or bought, and nobody knows how often one
/// will go; who buys when the rents have added up to the price never pays more than twice what he would have,
/// had he known. No rule without dice does better (Karlin, Manasse, Rudolph and Sleator, *Competitive snoopy
/// caching*, Algorithmica 3, 1988). The rent is the [`regret`](Self::regret), the price that of the
/// [`switch`](Self::price), and the price is the hysteresis as well: a mix that costs the same here and there
/// adds up to nothing.
///
/// Of several kinds that would have paid, it is the one with the most to gain; where lock and sharded have as
/// much, as they do while nobody meets anybody, sharded, which is prepared for more.
///
/// Regret goes down again while the kind in force is the better one, but never below zero: what was saved in
/// good times is no reason to go on losing when times have changed.
///
/// What operations cost is what was measured in the windows, where anything was; what they would have cost
/// elsewhere is the [model](CostModel)'s, scaled by how far the measured costs are from it. Reads are scaled
/// alike in all kinds; so are writes that were measured under locks. Writes measured in a read/dirty shard
/// contain clones of values, which no other kind makes: there the other kinds are scaled as reads are. Walks
/// are scaled among the locked kinds alone, whose entries lie alike. In a read/dirty shard the meetings that
/// its readers would have under a lock cannot be seen; they are estimated by the time that threads spent
/// inside, per time that passed.
///
/// ```
/// use map_adaptive::policy::{CostPolicy, Kind, Policy, Window};
///
/// let policy = CostPolicy::default();
/// let window = Window {
///     samples: 64,
///     hits: 2_048,
///     updates: 2_048,
///     entries: 1_000,
///     shards: 1,
///     ..Window::empty(Kind::ReadDirty)
/// };
/// // 80 ns an entry and 2,000 ns a shard.
/// assert_eq!(policy.price(&window, Kind::Sharded), 82_000.0);
/// // 1.5 ns a read, 16 ns a write.
/// assert_eq!(policy.regret(&[window.clone()], Kind::Sharded), 35_840.0);
/// let windows = vec![window; 3];
/// assert_eq!(policy.propose(&windows[..2]), None);
/// let proposal = policy.propose(&windows).expect("the regret exceeds the price");
/// assert_eq!((proposal.to, proposal.rule.as_ref()), (Kind::Sharded, "regret"));
/// assert_eq!(
///     proposal.reason,
///     "12,288 operations cost 107.5 µs more as read/dirty than as sharded, a switch 82.0 µs",
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct CostPolicy {
    /// What operations cost in each kind of shard.
    pub model: CostModel,
    /// What a switch costs for each entry that moves, in nanoseconds: 0 or more, at first 80. Between lock and sharded
    /// none moves.
    pub switch_ns_per_entry: f64,
    /// What a switch costs for each shard, in nanoseconds: 0 or more, at first 2,000.
    pub switch_ns_per_shard: f64,
    /// The regret has to be more than so many times what the switch costs: more than 0. At first 1, which is
    /// the rule of ski rental; with less, the policy switches sooner and more often for nothing.
    pub caution: f64,
    /// Measured costs are believed between so many times what the model says and as small a part of it: 1 or more, at
    /// first 16. With 1, the model is believed alone.
    pub belief: f64,
}

impl CostPolicy {
    /// What the window's operations and walks cost, or would have cost, in shards of that kind: nanoseconds,
    /// of all threads together.
    ///
    /// ```
    /// use map_adaptive::policy::{CostPolicy, Costs, Kind, Window};
    ///
    /// let policy = CostPolicy::default();
    /// let mut window = Window { hits: 100, ..Window::empty(Kind::Lock) };
    /// assert_eq!(policy.cost(&window, Kind::Lock), 850.0);
    /// assert_eq!(policy.cost(&window, Kind::ReadDirty), 1000.0);
    /// // A slow hash function, say: it would be as slow elsewhere.
    /// window.costs = Costs { read: Some(17.0), ..Costs::default() };
    /// assert_eq!(policy.cost(&window, Kind::Lock), 1700.0);
    /// assert_eq!(policy.cost(&window, Kind::ReadDirty), 2000.0);
    /// ```
    #[must_use]
    pub fn cost(&self, window: &Window, kind: Kind) -> f64 {
        estimate::cost(&self.model, self.belief, window, kind)
    }

    /// How many nanoseconds more the windows cost than they would have in shards of that kind; 0 if they cost less.
    ///
    /// ```
    /// use map_adaptive::policy::{CostPolicy, Kind, Window};
    ///
    /// let policy = CostPolicy::default();
    /// let good = Window { hits: 1000, ..Window::empty(Kind::Lock) };
    /// let bad = Window { contended: 1000, ..good.clone() };
    /// assert_eq!(policy.regret(&[good.clone()], Kind::ReadDirty), 0.0);
    /// let regret = policy.regret(&[good, bad], Kind::ReadDirty);
    /// assert_eq!(regret, 118_500.0, "good times do not count");
    /// ```
    #[must_use]
    pub fn regret(&self, windows: &[Window], kind: Kind) -> f64 {
        windows.iter().fold(0.0, |regret: f64, window| {
            (regret + self.cost(window, window.kind) - self.cost(window, kind)).max(0.0)
        })
    }

    /// What it costs to switch the window's shards to that kind, in nanoseconds.
    ///
    /// ```
    /// use map_adaptive::policy::{CostPolicy, Kind, Window};
    ///
    /// let window = Window { entries: 100, shards: 2, ..Window::empty(Kind::Lock) };
    /// let policy = CostPolicy::default();
    /// assert_eq!(policy.price(&window, Kind::ReadDirty), 12_000.0);
    /// assert_eq!(policy.price(&window, Kind::Sharded), 4_000.0);
    /// assert_eq!(policy.price(&window, Kind::Lock), 0.0);
    /// ```
    #[must_use]
    pub fn price(&self, window: &Window, to: Kind) -> f64 {
        if window.kind == to {
            return 0.0;
        }
        let moves = window.kind.is_locked() != to.is_locked();
        let entries = if moves { window.entries } else { 0 };
        entries as f64 * self.switch_ns_per_entry
            + window.shards.max(1) as f64 * self.switch_ns_per_shard
    }

    /// `Ok` if it makes sense.
    ///
    /// # Errors
    ///
    /// Names the first field that does not, what it is and what it may be.
    ///
    /// ```
    /// use map_adaptive::policy::CostPolicy;
    ///
    /// let policy = CostPolicy { caution: 0.0, ..CostPolicy::default() };
    /// let error = policy.validate().expect_err("every regret would do");
    /// assert_eq!(error.to_string(), "caution is a multiple greater than 0, 0.0 was asked for");
    /// ```
    pub fn validate(&self) -> Result<(), PolicyError> {
        self.model
            .validate()
            .map_err(|error| error.within("model"))?;
        model::check_nanos("switch_ns_per_entry", self.switch_ns_per_entry)?;
        model::check_nanos("switch_ns_per_shard", self.switch_ns_per_shard)?;
        check(
            self.caution.is_finite() && self.caution > 0.0,
            "caution",
            self.caution,
            "a multiple greater than 0",
        )?;
        check(
            self.belief.is_finite() && self.belief >= 1.0,
            "belief",
            self.belief,
            "a multiple from 1 on",
        )
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

    fn propose(&self, windows: &[Window]) -> Option<Proposal> {
        let newest = windows.last()?;
        let from = newest.kind;
        // Of equals the last, sharded rather than lock.
        let (to, regret, price) = Kind::ALL
            .into_iter()
            .filter(|&kind| kind != from)
            .map(|kind| {
                (
                    kind,
                    self.regret(windows, kind),
                    self.price(newest, kind) * self.caution,
                )
            })
            .filter(|&(_, regret, price)| regret > price)
            .max_by(|(_, a, p), (_, b, q)| (a - p).total_cmp(&(b - q)))?;
        let operations = windows.iter().fold(0, |sum: u64, window| {
            sum.saturating_add(window.operations())
        });
        let mut reason = format!(
            "{} operations cost {} more as {from} than as {to}, a switch {}",
            Count(operations),
            Nanos(regret),
            Nanos(price / self.caution),
        );
        if self.caution != 1.0 {
            reason += &format!(", which counts {} times", self.caution);
        }
        Some(Proposal {
            to,
            rule: Cow::Borrowed("regret"),
            reason,
            urgent: false,
        })
    }
}
