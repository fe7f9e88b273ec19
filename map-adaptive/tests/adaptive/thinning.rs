//! Samples that are thinned out stand for what was left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use map_adaptive::policy::{Policy, Proposal, Window};
use map_adaptive::{Kind, SelectorConfig};

use super::load::{Load, Map, Mix, filled, unseen};

/// Has nothing to propose, and sums up what it is shown.
#[derive(Debug, Default)]
struct Witness {
    /// Of the map: shards have windows of their own.
    shards: u64,
    samples: AtomicU64,
    operations: AtomicU64,
    writes: AtomicU64,
}

impl Policy for Witness {
    fn name(&self) -> &str {
        "witness"
    }

    fn propose(&self, windows: &[Window]) -> Option<Proposal> {
        let newest = windows.last().filter(|it| it.shards == self.shards)?;
        self.samples.fetch_add(newest.samples, Relaxed);
        self.operations.fetch_add(newest.operations(), Relaxed);
        self.writes.fetch_add(newest.writes(), Relaxed);
        None
    }
}

const OPERATIONS: u64 = 4_000_000;

/// Three in ten are writes. Returns how many samples there were.
fn seen(thinning: u32, shards: usize) -> u64 {
    let config = SelectorConfig {
        // So short that they are full soon even if the machine has something else to do.
        window_samples: 1,
        thinning,
        ..unseen(Kind::Sharded)
    };
    let map: Map = filled(config, shards);
    let witness = Arc::new(Witness {
        shards: shards as u64,
        ..Witness::default()
    });
    map.set_policy(Arc::clone(&witness) as Arc<dyn Policy>);
    let mix = Mix {
        updates: 300,
        churn: 0,
    };
    Load::new(thinning.into()).run(&map, mix, OPERATIONS);
    let [samples, operations, writes] =
        [&witness.samples, &witness.operations, &witness.writes].map(|it| it.load(Relaxed));
    // Of 1,800 samples, or more: nearly five standard deviations are a tenth of the one, and 5 % of the other.
    let all = operations as f64 / OPERATIONS as f64;
    assert!((0.85..1.15).contains(&all), "one in {thinning}: {all}");
    let share = writes as f64 / operations as f64;
    assert!((0.24..0.36).contains(&share), "one in {thinning}: {share}");
    samples
}

#[test]
fn samples_that_are_thinned_out_stand_for_all_operations() {
    for shards in [1, 256] {
        let all = seen(1, shards);
        let few = seen(8, shards);
        assert!(
            few < all / 2,
            "{few} samples, where there would have been {all}"
        );
    }
}
