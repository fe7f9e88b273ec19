//! A policy that is never content, for maps that shall switch all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use map_adaptive::policy::Canary;
use map_adaptive::{Kind, Policy, Proposal, SelectorConfig, Window};

/// Proposes another kind at each window, whatever the load.
#[derive(Debug, Default)]
pub(crate) struct Restless(AtomicU32);

impl Policy for Restless {
    fn name(&self) -> &str {
        "restless"
    }

    fn propose(&self, windows: &[Window]) -> Option<Proposal> {
        let now = windows.last()?.kind;
        let others: Vec<_> = Kind::ALL.into_iter().filter(|kind| *kind != now).collect();
        let number = self.0.fetch_add(1, Relaxed);
        // Read tables each other time, at least.
        let to = if now == Kind::ReadDirty || number.is_multiple_of(3) {
            others[number as usize % others.len()]
        } else {
            Kind::ReadDirty
        };
        Some(Proposal {
            to,
            rule: "restless".into(),
            reason: "it is never content".to_owned(),
            urgent: true,
        })
    }
}

/// Never content, from now on.
pub(crate) fn policy() -> Arc<dyn Policy> {
    Arc::new(Restless::default())
}

/// Switches at each sample.
pub(crate) fn config() -> SelectorConfig {
    SelectorConfig {
        window_samples: 1,
        thinning: 1,
        canary: Canary {
            skip: true,
            ..Canary::default()
        },
        budget: u32::MAX,
        budget_period: Duration::from_millis(1),
        ..SelectorConfig::default()
    }
}
