//! What a selector is told, and asked, by people.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::kinds::{Unavailable, compiled_in, refuse};
use super::{Rules, Selector};
use crate::policy::{
    Decision, Explanation, Kind, Outcome, Policy, PolicyError, Proposal, Scope, SelectorConfig,
};

impl Selector {
    /// Replaces what the selector goes by.
    pub(in crate::adaptive) fn set_config(
        &self,
        config: SelectorConfig,
    ) -> Result<(), PolicyError> {
        config.validate()?;
        let mut state = self.state.lock();
        state.told += 1;
        state.log.set_capacity(config.log);
        let read_tables = config.read_tables;
        let policy = Arc::clone(&self.rules.load().policy);
        self.put_at_hand(&config);
        let old = self.rules.swap(Arc::new(Rules { config, policy }));
        if !read_tables {
            state.pinned = state.pinned.filter(|pinned| *pinned != Kind::ReadDirty);
            self.is_pinned.store(state.pinned.is_some(), Relaxed);
            if state
                .trial
                .as_ref()
                .is_some_and(|trial| [trial.from(), trial.to()].contains(&Kind::ReadDirty))
            {
                state.give_up_trial("read tables are not wanted any more");
            }
            if self.target() == Kind::ReadDirty {
                self.roll_out(compiled_in(Kind::Sharded).unwrap_or(Kind::Sharded));
            }
        }
        drop(state);
        drop(old);
        Ok(())
    }

    pub(super) fn put_at_hand(&self, config: &SelectorConfig) {
        self.window_samples
            .store(config.window_samples.into(), Relaxed);
        self.read_tables_allowed.store(config.read_tables, Relaxed);
        self.thinning.store(config.thinning, Relaxed);
        self.pace.hurry();
    }

    /// A map that was cloned goes by what the other does.
    pub(in crate::adaptive) fn set_up_like(&self, other: &Self) {
        let rules = other.rules.load_full();
        self.put_at_hand(&rules.config);
        let old = self.rules.swap(rules);
        self.state.lock().log.set_capacity(self.config().log);
        self.roll_out(other.target());
        drop(old);
    }

    /// The same for a map that nobody uses yet: it starts as the configuration says.
    pub(in crate::adaptive) fn start(&self, config: SelectorConfig) -> Result<(), PolicyError> {
        let start = config.start;
        self.set_config(config)?;
        if let Some(start) = compiled_in(start) {
            self.roll_out(start);
        }
        Ok(())
    }

    pub(in crate::adaptive) fn config(&self) -> SelectorConfig {
        self.rules.load().config.clone()
    }

    pub(in crate::adaptive) fn set_policy(&self, policy: Arc<dyn Policy>) {
        let mut state = self.state.lock();
        let config = self.config();
        let old = self.rules.swap(Arc::new(Rules { config, policy }));
        state.told += 1;
        state.history.clear();
        state.shards.clear();
        state.refusals.clear();
        state.withheld.clear();
        state.forget_review();
        self.pace.hurry();
        // Runs the old policy's Drop, unless it is in use: then who uses it does, with nothing locked, either.
        drop(state);
        drop(old);
    }

    pub(in crate::adaptive) fn policy(&self) -> Arc<dyn Policy> {
        Arc::clone(&self.rules.load().policy)
    }

    /// All shards shall be of a kind, until [`release`](Self::release).
    pub(in crate::adaptive) fn pin(&self, kind: Kind) -> Result<(), Unavailable> {
        let now = Instant::now();
        let mut state = self.state.lock();
        if let Some(why) = refuse(kind, self.rules.load().config.read_tables) {
            return Err(Unavailable { kind, why });
        }
        let to = compiled_in(kind).unwrap_or(kind);
        state.told += 1;
        state.give_up_trial("somebody has pinned the map");
        state.review = None;
        state.history.clear();
        state.shards.clear();
        let from = self.target();
        let window = self
            .tally
            .window(from, now.duration_since(state.window_began));
        self.tally.reset();
        state.window_began = now;
        let shards = window.shards.max(1);
        state.pinned = Some(to);
        self.is_pinned.store(true, Relaxed);
        state.log.push(Decision {
            at: now.duration_since(self.made),
            scope: Scope::Map { shards },
            from,
            to,
            policy: "by hand".to_owned(),
            proposal: Proposal {
                to,
                rule: "pinned".into(),
                reason: "somebody has called pin_strategy".to_owned(),
                urgent: true,
            },
            window,
            outcome: Outcome::Pinned,
        });
        self.roll_out(to);
        Ok(())
    }

    /// The policy decides again.
    pub(in crate::adaptive) fn release(&self) {
        let mut state = self.state.lock();
        state.told += 1;
        state.pinned = None;
        state.history.clear();
        state.shards.clear();
        self.tally.reset();
        self.pace.hurry();
        state.window_began = Instant::now();
        self.is_pinned.store(false, Relaxed);
    }

    pub(in crate::adaptive) fn decisions(&self) -> Vec<Decision> {
        self.state.lock().log.iter().cloned().collect()
    }

    /// All that is to be said, but for the kinds of the shards.
    pub(in crate::adaptive) fn explain(&self, kinds: Vec<(Kind, u64, u64)>) -> Explanation {
        // The user's code: not under the mutex.
        let policy = self.policy().name().to_owned();
        let state = self.state.lock();
        let now = Instant::now();
        let latest = match state.history.windows().last() {
            Some(latest) => Some(latest.clone()),
            // A new window has begun, perhaps after a switch: better than nothing.
            None => {
                let elapsed = now.duration_since(state.window_began);
                let window = self.tally.window(self.target(), elapsed);
                (window.samples > 0).then_some(window)
            }
        };
        Explanation {
            kinds,
            pinned: state.pinned,
            policy,
            latest,
            decisions: state.log.iter().cloned().collect(),
            dropped: state.log.dropped(),
            uptime: now.duration_since(self.made),
        }
    }
}
