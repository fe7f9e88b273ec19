//! How a trial goes on, and ends.

use std::time::Instant;

use super::kinds::refuse;
use super::{Review, Seen, State, Whose};
use crate::adaptive::trial::{PATIENCE, Phase};
use crate::policy::{Kind, Outcome};

/// A trial is given up that was measured for [`PATIENCE`] windows and not to the end, and for so many times those that it takes if
/// all shards are used alike.
const PATIENCE_WITH_MANY: u64 = 16;

impl State {
    pub(super) fn go_on_with_trial(&mut self, seen: &Seen<'_>) {
        let Some(trial) = &mut self.trial else {
            return;
        };
        let config = &seen.rules.config;
        let windows = u64::from(config.canary.samples) * seen.window.shards
            / u64::from(config.window_samples);
        let patience = u32::try_from(PATIENCE_WITH_MANY * windows).unwrap_or(u32::MAX);
        let (to, alone, number, id) = (trial.to(), trial.is_alone(), trial.number(), trial.id());
        let from = trial.from();
        let is_review = self.review.as_ref().is_some_and(|r| r.is_by(number));
        let whose = alone.then_some(id);
        match trial.go_on(&seen.window, &config.canary, patience.max(PATIENCE)) {
            Phase::Running => {}
            Phase::Void => {
                self.give_up_trial("the shard that tried it was split or merged");
                if is_review {
                    self.put_off_review(seen, false);
                }
            }
            Phase::Stuck(why) => {
                self.give_up_trial(&why);
                if is_review {
                    self.put_off_review(seen, true);
                } else {
                    self.refuse(seen, whose, to);
                }
            }
            Phase::Done(verdict) => {
                let (before, after, control) = (verdict.before, verdict.after, verdict.control);
                self.history.clear();
                // Lest they propose of one shard after the other what was tried in vain, before the map does.
                self.shards.clear();
                let config = &seen.rules.config;
                let is_allowed = refuse(to, config.read_tables).is_none();
                if verdict.gain() >= config.canary.min_gain && is_allowed {
                    let refused = self.refusals.remove(&(whose, to));
                    if alone {
                        self.keep_trial();
                    } else {
                        // The others follow, and this one is as they are.
                        seen.selector.roll_out(to);
                        self.end_trial();
                        if is_review {
                            self.end_review(seen, from);
                        } else {
                            let times = refused.map_or(0, |(times, _)| times);
                            self.review = Some(Review::new(seen, from, to, times));
                        }
                    }
                    self.set_outcome(
                        number,
                        Outcome::Kept {
                            before,
                            after,
                            control,
                        },
                    );
                } else {
                    self.end_trial();
                    if is_review {
                        self.put_off_review(seen, true);
                    } else {
                        self.refuse(seen, whose, to);
                    }
                    self.set_outcome(
                        number,
                        Outcome::Reverted {
                            before,
                            after,
                            control,
                        },
                    );
                }
            }
        }
    }

    /// A kind was tried in vain: not again for a while.
    pub(super) fn refuse(&mut self, seen: &Seen<'_>, whose: Whose, to: Kind) {
        let now = seen.now;
        let limit = seen.rules.config.back_off_limit;
        let is_over = |until: Instant| until.checked_add(limit).is_some_and(|end| end <= now);
        self.refusals
            .retain(|(whose, _), (_, until)| whose.is_none() || !until.is_some_and(is_over));
        let times = self
            .refusals
            .get(&(whose, to))
            .map_or(0, |(times, _)| *times)
            + 1;
        let until = now.checked_add(seen.rules.config.back_off_after(times));
        self.refusals.insert((whose, to), (times, until));
    }

    /// Ends a trial that will not come to its own end.
    pub(super) fn give_up_trial(&mut self, why: &str) {
        if let Some(trial) = &self.trial {
            let number = trial.number();
            self.end_trial();
            self.set_outcome(
                number,
                Outcome::GivenUp {
                    why: why.to_owned(),
                },
            );
        }
    }

    /// The shard on trial goes back to what the others are.
    fn end_trial(&mut self) {
        if let Some(trial) = self.trial.take() {
            trial.end();
        }
    }

    /// The shard on trial stays as it is.
    fn keep_trial(&mut self) {
        if let Some(trial) = self.trial.take() {
            trial.keep();
        }
    }

    fn set_outcome(&mut self, number: u64, outcome: Outcome) {
        if let Some(decision) = self.log.get_mut(number) {
            decision.outcome = outcome;
        }
    }
}
