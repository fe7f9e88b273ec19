//! What a policy is asked, and what becomes of its answer.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use map_core::strategy::{Coverage, Site};

use super::kinds::{compiled_in, refuse};
use super::{HISTORIES, Rules, Seen, Selector, State, Whose};
use crate::adaptive::study::Study;
use crate::adaptive::trial::Trial;
use crate::policy::{Decision, History, Kind, Outcome, Policy, Proposal, Scope, Window};

/// What a policy is to be asked: with nothing locked, for it is the user's.
pub(super) struct Question {
    windows: Vec<Window>,
    /// The newest of them.
    pub(super) window: Window,
    /// Those of the map, if it is about a shard.
    pub(super) for_all: Option<Vec<Window>>,
}

/// What it proposed.
pub(super) struct Answer {
    pub(super) proposal: Proposal,
    /// The policy's name.
    pub(super) policy: String,
}

impl Question {
    pub(super) fn ask(&self, policy: &dyn Policy) -> Option<Answer> {
        let proposal = policy.propose(&self.windows)?;
        if let Some(windows) = &self.for_all {
            let to = compiled_in(proposal.to);
            let for_all = policy.propose(windows);
            // What is proposed for the whole map is not for one shard to do.
            if for_all.is_some_and(|all| compiled_in(all.to) == to) {
                return None;
            }
        }
        Some(Answer {
            proposal,
            policy: policy.name().to_owned(),
        })
    }
}

impl State {
    /// A window of the map was complete after so long: the pace until the next one is.
    pub(super) fn set_pace(&self, selector: &Selector, took: Duration) {
        if self.trial.is_some() || selector.is_rolling.load(Relaxed) {
            selector.pace.hurry();
        } else {
            let slowest = selector.thinning.load(Relaxed);
            selector.pace.slow_down(took, slowest);
        }
    }

    /// A window of the map is complete. What is the policy to be asked?
    pub(super) fn on_window(
        &mut self,
        selector: &Selector,
        rules: &Rules,
        window: Window,
        now: Instant,
    ) -> Option<Question> {
        if selector.is_rolling.load(Relaxed) {
            // Shards are of different kinds.
            self.history.clear();
            return None;
        }
        self.history.push(window.clone());
        if self.pinned.is_some() {
            return None;
        }
        if self.trial.is_some() {
            self.go_on_with_trial(&Seen {
                selector,
                rules,
                window,
                now,
            });
            return None;
        }
        Some(Question {
            windows: self.history.windows().to_vec(),
            window,
            for_all: None,
        })
    }

    /// A window of a shard is complete.
    pub(super) fn on_shard_window(
        &mut self,
        selector: &Selector,
        window: Window,
        study: &Arc<Study>,
        now: Instant,
    ) -> Option<Question> {
        let busy = self.pinned.is_some()
            || self.trial.is_some()
            || selector.is_rolling.load(Relaxed)
            || study.kind() != study.own().unwrap_or_else(|| selector.target());
        if busy {
            return None;
        }
        let id = Arc::as_ptr(study).addr();
        if self.shards.len() >= HISTORIES
            && !self.shards.contains_key(&id)
            && let Some(other) = self.shards.keys().next().copied()
        {
            self.shards.remove(&other);
        }
        let (history, began) = self
            .shards
            .entry(id)
            .or_insert_with(|| (History::default(), self.window_began));
        let window = Window {
            elapsed: now.duration_since(*began),
            ..window
        };
        *began = now;
        history.push(window.clone());
        let for_all = self.history.windows();
        (!for_all.is_empty()).then(|| Question {
            windows: history.windows().to_vec(),
            window,
            for_all: Some(for_all.to_vec()),
        })
    }

    /// The policy has proposed something, and nobody has told us anything else meanwhile.
    pub(super) fn on_answer(
        &mut self,
        seen: &Seen<'_>,
        answer: Answer,
        (study, epoch): (&Arc<Study>, u32),
        site: Site,
        alone: bool,
    ) {
        let selector = seen.selector;
        let to = compiled_in(answer.proposal.to);
        if self.trial.is_some() || selector.is_rolling.load(Relaxed) || alone && to.is_none() {
            return;
        }
        if alone && to == Some(selector.target()) && to != Some(study.kind()) {
            // Back to what the others are.
            self.told += 1;
            selector.pace.hurry();
            study.set_own(None);
            self.shards.remove(&Arc::as_ptr(study).addr());
            let (scope, from) = (scope_of(site.coverage), study.kind());
            self.note(
                seen,
                scope,
                from,
                selector.target(),
                answer,
                Outcome::Followed,
            );
            return;
        }
        self.consider(seen, answer, (study, epoch), site, alone);
    }

    /// Deals with a proposal.
    fn consider(
        &mut self,
        seen: &Seen<'_>,
        answer: Answer,
        (study, epoch): (&Arc<Study>, u32),
        site: Site,
        alone: bool,
    ) {
        let Seen {
            selector,
            rules,
            ref window,
            now,
        } = *seen;
        let from = window.kind;
        let scope = if alone {
            scope_of(site.coverage)
        } else {
            Scope::Map {
                shards: window.shards.max(1),
            }
        };
        let to = answer.proposal.to;
        let to = compiled_in(to).unwrap_or(to);
        if to == from {
            return;
        }
        let whose = alone.then(|| Arc::as_ptr(study).addr());
        if let Some((why, until)) = self.withhold(seen, whose, to) {
            // Once, not in each window.
            let said = (why.clone(), until);
            if self.withheld.get(&(whose, to)) != Some(&said) {
                if self.withheld.len() >= HISTORIES {
                    self.withheld.clear();
                }
                self.withheld.insert((whose, to), said);
                let until = until.map(|until| until.duration_since(selector.made));
                let outcome = Outcome::Withheld { why, until };
                self.note(seen, scope, from, to, answer, outcome);
            }
            return;
        }
        if !alone && (study.own().is_some() || study.kind() != from) && !rules.config.canary.skip {
            // It is no example for the others: the next time it may be one that is.
            return;
        }
        self.told += 1;
        selector.pace.hurry();
        self.withheld.clear();
        self.switches.entry(whose).or_default().push_back(now);
        if rules.config.canary.skip {
            self.note(seen, scope, from, to, answer, Outcome::Followed);
            if alone {
                study.set_own(Some(to));
                self.shards.remove(&Arc::as_ptr(study).addr());
            } else {
                self.history.clear();
                self.review = None;
                selector.roll_out(to);
            }
            return;
        }
        self.begin_trial(seen, scope, (from, to), answer, (study, epoch), alone);
    }

    /// Begins a trial on a shard, and returns the number of its decision.
    pub(super) fn begin_trial(
        &mut self,
        seen: &Seen<'_>,
        scope: Scope,
        (from, to): (Kind, Kind),
        answer: Answer,
        (study, epoch): (&Arc<Study>, u32),
        alone: bool,
    ) -> u64 {
        let number = self.note(seen, scope, from, to, answer, Outcome::Trying);
        seen.selector.pace.hurry();
        // Whatever the last one has left.
        seen.selector.recall_on_trial.forget();
        let study = Arc::clone(study);
        self.trial = Some(Trial::new(study, epoch, from, to, alone, number));
        number
    }

    /// Why a proposal is not carried out, and until when.
    pub(super) fn withhold(
        &mut self,
        seen: &Seen<'_>,
        whose: Whose,
        to: Kind,
    ) -> Option<(String, Option<Instant>)> {
        let config = &seen.rules.config;
        if let Some(why) = refuse(to, config.read_tables) {
            return Some((why.to_owned(), None));
        }
        if let Some((times, until)) = self.refusals.get(&(whose, to))
            && until.is_none_or(|until| until > seen.now)
        {
            let why = match times {
                1 => "it was tried in vain".to_owned(),
                times => format!("it was tried in vain {times} times"),
            };
            return Some((why, *until));
        }
        let period = config.budget_period;
        let is_old = |at: &Instant| seen.now.duration_since(*at) >= period;
        if self.switches.len() >= HISTORIES {
            self.switches
                .retain(|_, made| made.back().is_some_and(|last| !is_old(last)));
        }
        let budget = config.budget;
        if let Some(made) = self.switches.get_mut(&whose) {
            while made.pop_front_if(|first| is_old(first)).is_some() {}
            if made.len() >= budget as usize {
                let why = format!("{budget} switches in {period:?} are allowed, and were made");
                return Some((
                    why,
                    made.front().and_then(|first| first.checked_add(period)),
                ));
            }
        } else if self.switches.len() >= HISTORIES {
            let why = format!("{HISTORIES} shards were switched alone in {period:?}");
            return Some((why, None));
        }
        None
    }

    pub(super) fn note(
        &mut self,
        seen: &Seen<'_>,
        scope: Scope,
        from: Kind,
        to: Kind,
        answer: Answer,
        outcome: Outcome,
    ) -> u64 {
        self.log.push(Decision {
            at: seen.now.duration_since(seen.selector.made),
            scope,
            from,
            to,
            policy: answer.policy,
            proposal: answer.proposal,
            window: seen.window.clone(),
            outcome,
        })
    }
}

fn scope_of(coverage: Coverage) -> Scope {
    let depth = coverage.depth();
    Scope::Shard {
        prefix: coverage.start().checked_shr(63 - depth).unwrap_or(0),
        depth,
    }
}
