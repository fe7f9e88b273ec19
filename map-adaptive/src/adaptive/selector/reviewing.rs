//! What was kept is looked at again.
//!
//! A trial can be misled, on a machine with others at work, and what it found can be true no more: the entries have
//! become more than the cache holds, say. No policy sees that, for the mix is what it was. So, some time after a map has followed a
//! trial, one shard becomes again what all were before, as in any other trial; if that is better, the others follow. Each time
//! that it is not, or that it cannot be found out, twice as long passes until the next, as between trials in vain. While a review is under
//! way the policy is not asked, as during any trial; so it is begun only when the policy has nothing to propose that would be tried.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::asking::Answer;
use super::{Seen, State};
use crate::adaptive::study::Study;
use crate::policy::{Kind, Proposal, Scope};

/// The next look at what a map has become by a trial.
#[derive(Debug)]
pub(super) struct Review {
    before: Kind,
    now: Kind,
    kept: Instant,
    /// Never, if the clock does not go so far.
    next: Option<Instant>,
    /// How often nothing came of it.
    times: u32,
    /// How often it had been tried in vain before it was kept.
    refused: u32,
    /// The decision whose trial it is under way with.
    number: Option<u64>,
}

impl Review {
    pub(super) fn new(seen: &Seen<'_>, before: Kind, now: Kind, refused: u32) -> Self {
        Self {
            before,
            now,
            kept: seen.now,
            next: seen.now.checked_add(seen.rules.config.back_off_after(1)),
            times: 0,
            refused,
            number: None,
        }
    }

    /// Whether that is the decision whose trial it is under way with.
    pub(super) fn is_by(&self, number: u64) -> bool {
        self.number == Some(number)
    }
}

impl State {
    /// The policy has proposed nothing that is to be done now. Begins a trial of what the map was before on this shard, if that is due and the shard
    /// will do.
    pub(super) fn begin_review(&mut self, seen: &Seen<'_>, study: &Arc<Study>, epoch: u32) {
        let Some(review) = &self.review else {
            return;
        };
        let (from, to, kept) = (review.now, review.before, review.kept);
        if from != seen.selector.target() || seen.rules.config.canary.skip {
            // Somebody has decided something else.
            self.review = None;
            return;
        }
        let is_busy = self.trial.is_some() || seen.selector.is_rolling.load(Relaxed);
        let is_due = review.next.is_some_and(|next| next <= seen.now);
        let is_example = study.own().is_none() && study.kind() == from;
        if is_busy || !is_due || !is_example || self.withhold(seen, None, to).is_some() {
            return;
        }
        let since = seen.now.duration_since(kept);
        let answer = Answer {
            proposal: Proposal {
                to,
                rule: "review".into(),
                reason: format!("{from} was found to be better {since:.1?} ago: is it still?"),
                urgent: false,
            },
            policy: "canary".to_owned(),
        };
        let scope = Scope::Map {
            shards: seen.window.shards.max(1),
        };
        self.told += 1;
        let number = self.begin_trial(seen, scope, (from, to), answer, (study, epoch), false);
        if let Some(review) = &mut self.review {
            review.number = Some(number);
        }
    }

    /// What the map has become is right, or that could not be found out: then it counts, unless it is nobody's fault.
    pub(super) fn put_off_review(&mut self, seen: &Seen<'_>, counts: bool) {
        if let Some(review) = &mut self.review {
            review.times = review.times.saturating_add(u32::from(counts));
            let pause = seen
                .rules
                .config
                .back_off_after(review.times.saturating_add(1));
            review.next = seen.now.checked_add(pause);
            review.number = None;
        }
    }

    /// What the map has become under another policy is not looked at again.
    pub(super) fn forget_review(&mut self) {
        if self
            .review
            .take()
            .is_some_and(|review| review.number.is_some())
        {
            self.give_up_trial("somebody has set another policy");
        }
    }

    /// What the map was before is better: that counts as a trial of the other in vain, after those that there were.
    pub(super) fn end_review(&mut self, seen: &Seen<'_>, abandoned: Kind) {
        if let Some(review) = self.review.take() {
            self.switches.entry(None).or_default().push_back(seen.now);
            if review.refused > 0 {
                self.refusals
                    .insert((None, abandoned), (review.refused, None));
            }
            self.refuse(seen, None, abandoned);
        }
    }
}
