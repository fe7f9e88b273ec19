//! Trials find out which kind is faster, for the operations as they are done: one after the other.
//!
//! What operations cost is up to the keys here: comparing them takes as long as a test says.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use map_adaptive::policy::Canary;
use map_adaptive::{AdaptiveMap, Kind, Outcome, Policy, Proposal, SelectorConfig, Window};
use map_core::conformance::watchdog::watch;

thread_local! {
    /// What the first comparison costs after something else was done.
    static COLD: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    /// What each costs.
    static EACH: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static IS_COLD: Cell<bool> = const { Cell::new(false) };
}

#[derive(Clone, Debug)]
struct Key(u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        spin(EACH.get());
        if IS_COLD.replace(false) {
            spin(COLD.get());
        }
        self.0 == other.0
    }
}

impl Eq for Key {}

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Wants read tables, and nothing else.
#[derive(Debug)]
struct Reader;

impl Policy for Reader {
    fn name(&self) -> &str {
        "reader"
    }

    fn propose(&self, windows: &[Window]) -> Option<Proposal> {
        (windows.last()?.kind != Kind::ReadDirty).then(|| Proposal {
            to: Kind::ReadDirty,
            rule: "reader".into(),
            reason: "it wants read tables".to_owned(),
            urgent: false,
        })
    }
}

type Map = AdaptiveMap<Key, u64>;

const KEYS: u64 = 64;

fn made() -> Map {
    let config = SelectorConfig {
        window_samples: 8,
        canary: Canary {
            // Three batches of reads: one that was interrupted is not the median.
            samples: 48,
            ..Canary::default()
        },
        back_off: Duration::from_secs(3600),
        back_off_limit: Duration::from_secs(3600),
        ..SelectorConfig::default()
    };
    let map = Map::builder()
        .selector(config)
        .policy(Arc::new(Reader))
        .shards(1)
        .build()
        .expect("the configuration is sound");
    for key in 0..KEYS {
        map.insert(Key(key), key);
    }
    map
}

/// What comparisons cost: the first after something else, and each.
#[derive(Clone, Copy)]
struct Costs {
    cold: Duration,
    each: Duration,
}

/// Reads until the trial has come to its end.
fn outcome(locked: Costs, read_tables: Costs) -> Outcome {
    let map = made();
    loop {
        let costs = if map.stats().read_dirty.shards > 0 {
            read_tables
        } else {
            locked
        };
        COLD.set(costs.cold);
        EACH.set(costs.each);
        for key in 0..KEYS {
            // Whatever the user does between two operations.
            IS_COLD.set(true);
            assert_eq!(map.get_copied(&Key(key)), Some(key));
        }
        if let Some(decision) = map.decisions().first()
            && decision.outcome != Outcome::Trying
        {
            return decision.outcome.clone();
        }
    }
}

const LITTLE: Duration = Duration::from_micros(2);
const MUCH: Duration = Duration::from_micros(20);
const NOTHING: Duration = Duration::ZERO;

#[test]
fn what_is_faster_alone_and_slower_among_others_is_taken_back() {
    watch(|| {
        let locked = Costs {
            cold: MUCH,
            each: NOTHING,
        };
        let read_tables = Costs {
            cold: NOTHING,
            each: LITTLE,
        };
        let outcome = outcome(locked, read_tables);
        assert!(matches!(outcome, Outcome::Reverted { .. }), "{outcome:?}");
    });
}

/// The twin.
#[test]
fn what_is_slower_alone_and_faster_among_others_is_kept() {
    watch(|| {
        let locked = Costs {
            cold: NOTHING,
            each: LITTLE,
        };
        let read_tables = Costs {
            cold: MUCH,
            each: NOTHING,
        };
        let outcome = outcome(locked, read_tables);
        assert!(matches!(outcome, Outcome::Kept { .. }), "{outcome:?}");
    });
}
