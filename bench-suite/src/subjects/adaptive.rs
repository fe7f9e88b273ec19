//! The family's map that chooses its own strategy, as it comes.

use super::family::{self, Kind, MapOf};
use crate::{
    key::{Key, Value},
    subject::{Decision, SwitchReport},
};
use map_adaptive::Adaptive;

pub(super) enum Choosing {}

impl<K: Key, V: Value> Kind<K, V> for Choosing {
    const NAME: &'static str = "adaptive";
    const CHOICE: bool = false;
    type Strategy = Adaptive;

    fn report(map: &MapOf<K, V, Self>) -> Option<SwitchReport> {
        let decisions = map.decisions().into_iter().map(|decision| Decision {
            at: decision.at,
            what: format!(
                "{} to {}, {}: {}",
                decision.from, decision.to, decision.scope, decision.proposal,
            ) + &format!("; {}", decision.outcome),
        });
        Some(SwitchReport {
            in_force: map.strategy().to_string(),
            decisions: decisions.collect(),
        })
    }
}

pub(super) type Of<K, V> = family::Of<K, V, Choosing>;
