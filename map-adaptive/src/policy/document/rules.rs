//! The rules, one a function, in the order in which they are asked.

use std::borrow::Cow;

use super::DocumentPolicy;
use super::evidence::Evidence;
use crate::policy::figures::{Count, Nanos, Percent, Threshold};
use crate::policy::kind::Kind;
use crate::policy::proposal::Proposal;
use crate::policy::window::Window;

type Rule = fn(&DocumentPolicy, &Evidence<'_>) -> Option<Proposal>;

pub(super) fn propose(policy: &DocumentPolicy, windows: &[Window]) -> Option<Proposal> {
    let rules: &[Rule] = match windows.last()?.kind {
        Kind::Lock => &[contention, read_mostly],
        Kind::Sharded => &[read_mostly],
        Kind::ReadDirty => &[write_cliff, slow_scans, churn, random_writes, many_stores],
    };
    let evidence = Evidence::new(policy, windows)?;
    rules.iter().find_map(|rule| rule(policy, &evidence))
}

fn contention(policy: &DocumentPolicy, evidence: &Evidence<'_>) -> Option<Proposal> {
    let threshold = policy.contention;
    let window = evidence.lasting(
        |window| window.acquisitions() > 0 && window.contended_share() >= threshold,
        |window| {
            let excess = window.contended_share() - threshold;
            evidence.is_certain(excess, threshold, window, window.acquisitions())
        },
    )?;
    let reason = format!(
        "{} of {} acquisitions met somebody, {} or more",
        Percent(window.contended_share()),
        Count(window.acquisitions()),
        Threshold(threshold),
    );
    Some(proposal(Kind::Sharded, "contention", reason))
}

/// One window is enough, and it need not be certain: see there.
fn write_cliff(policy: &DocumentPolicy, evidence: &Evidence<'_>) -> Option<Proposal> {
    let window = evidence.newest()?;
    if window.write_share() < policy.write_cliff {
        return None;
    }
    let reason = format!(
        "{} of {} operations were writes, {} or more",
        Percent(window.write_share()),
        Count(window.operations()),
        Threshold(policy.write_cliff),
    );
    Some(Proposal {
        urgent: true,
        ..under_locks(policy, &window, "write cliff", reason)
    })
}

fn slow_scans(policy: &DocumentPolicy, evidence: &Evidence<'_>) -> Option<Proposal> {
    // Costs are not known in every window: so they are asked of all together, like what is to be certain.
    let is_slow = |window: &Window| {
        let costs = (window.costs.scan_entry, window.costs.write);
        matches!(costs, (Some(entry), Some(write)) if entry > policy.slow_scans * write)
    };
    let scans = |window: &Window| window.scanned > 0 && window.scan_share() >= policy.scans;
    let window = evidence.lasting(scans, |window| scans(window) && is_slow(window))?;
    let reason = format!(
        "an entry of a walk cost {}, more than {} times a write ({}), and {} of the work was walking, {} or more",
        Nanos(window.costs.scan_entry?),
        policy.slow_scans,
        Nanos(window.costs.write?),
        Percent(window.scan_share()),
        Threshold(policy.scans),
    );
    Some(proposal(Kind::Sharded, "slow scans", reason))
}

fn churn(policy: &DocumentPolicy, evidence: &Evidence<'_>) -> Option<Proposal> {
    let window = beyond(evidence, policy.churn, Window::churn_share)?;
    let reason = format!(
        "{} of {} operations created or destroyed a key, more than {}",
        Percent(window.churn_share()),
        Count(window.operations()),
        Threshold(policy.churn),
    );
    Some(proposal(Kind::Sharded, "churn", reason))
}

fn random_writes(policy: &DocumentPolicy, evidence: &Evidence<'_>) -> Option<Proposal> {
    let window = beyond(evidence, policy.random_writes, Window::write_share)?;
    let reason = format!(
        "{} of {} operations were writes, more than {}",
        Percent(window.write_share()),
        Count(window.operations()),
        Threshold(policy.random_writes),
    );
    Some(under_locks(policy, &window, "random writes", reason))
}

/// The other half of `random writes`.
fn many_stores(policy: &DocumentPolicy, evidence: &Evidence<'_>) -> Option<Proposal> {
    let window = beyond(evidence, policy.stores, Window::store_share)?;
    let (old, new) = evidence.growing_misses()?;
    let reason = format!(
        "{} of {} operations were updates and inserts, more than {}, and the reads that had to take the lock grew from {} to {}",
        Percent(window.store_share()),
        Count(window.operations()),
        Threshold(policy.stores),
        Percent(old),
        Percent(new),
    );
    Some(under_locks(policy, &window, "random writes", reason))
}

fn read_mostly(policy: &DocumentPolicy, evidence: &Evidence<'_>) -> Option<Proposal> {
    let threshold = policy.read_mostly;
    let applies = |window: &Window| {
        window.reads() > 0
            && window.write_share() < threshold
            && window.churn_share() < policy.quiet_churn
            && window.scan_share() < policy.quiet_scans
    };
    let window = evidence.lasting(applies, |window| {
        let excess = threshold - window.write_share();
        applies(window) && evidence.is_certain(excess, threshold, window, window.operations())
    })?;
    let reason = format!(
        "{} of {} operations were writes, less than {}",
        Percent(window.write_share()),
        Count(window.operations()),
        Threshold(threshold),
    );
    Some(proposal(Kind::ReadDirty, "read-mostly", reason))
}

/// The windows that prove that a share of the operations is greater than the threshold.
fn beyond(
    evidence: &Evidence<'_>,
    threshold: f64,
    share: impl Fn(&Window) -> f64,
) -> Option<Window> {
    evidence.lasting(
        |window| share(window) > threshold,
        |window| {
            let excess = share(window) - threshold;
            excess > 0.0 && evidence.is_certain(excess, threshold, window, window.operations())
        },
    )
}

/// To whichever kind of locked shard suits the contention.
fn under_locks(
    policy: &DocumentPolicy,
    window: &Window,
    rule: &'static str,
    mut reason: String,
) -> Proposal {
    if window.acquisitions() == 0 || window.contended_share() < policy.contention {
        return proposal(Kind::Lock, rule, reason);
    }
    reason += &format!(
        "; {} of {} acquisitions met somebody, {} or more",
        Percent(window.contended_share()),
        Count(window.acquisitions()),
        Threshold(policy.contention),
    );
    proposal(Kind::Sharded, rule, reason)
}

fn proposal(to: Kind, rule: &'static str, reason: String) -> Proposal {
    Proposal {
        to,
        rule: Cow::Borrowed(rule),
        reason,
        urgent: false,
    }
}
