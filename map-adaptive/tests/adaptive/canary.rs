//! Trials find out which kind is faster, for the operations as they are done: one after the other.
//!
//! What operations cost is up to the keys here: comparing them takes as long as a test says.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use map_adaptive::policy::{Canary, Pinned};
use map_adaptive::{
    AdaptiveMap, Decision, Kind, Outcome, Policy, Proposal, SelectorConfig, Window,
};
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

/// A map that takes so long, the first time, before it tries again or looks again.
fn made(back_off: Duration) -> Map {
    let config = SelectorConfig {
        window_samples: 8,
        canary: Canary {
            // Three batches of reads: one that was interrupted is not the median.
            samples: 48,
            ..Canary::default()
        },
        back_off,
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

/// Reads until there are such decisions.
fn read_until(
    map: &Map,
    locked: Costs,
    read_tables: Costs,
    is_enough: impl Fn(&[Decision]) -> bool,
) -> Vec<Decision> {
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
        let decisions = map.decisions();
        if is_enough(&decisions) {
            return decisions;
        }
    }
}

/// Reads until the trial has come to its end.
fn outcome(locked: Costs, read_tables: Costs) -> Outcome {
    let map = made(LONG);
    let is_over = |decision: &Decision| decision.outcome != Outcome::Trying;
    let is_enough = |decisions: &[Decision]| decisions.first().is_some_and(is_over);
    let decisions = read_until(&map, locked, read_tables, is_enough);
    decisions[0].outcome.clone()
}

fn is_kept(decision: &Decision) -> bool {
    matches!(decision.outcome, Outcome::Kept { .. })
}

/// Whether it is what came of a look at what was kept.
fn is_review(decision: &Decision) -> bool {
    decision.proposal.rule == "review"
}

const LITTLE: Duration = Duration::from_micros(2);
const MUCH: Duration = Duration::from_micros(20);
const NOTHING: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(3600);

const FAST: Costs = Costs {
    cold: NOTHING,
    each: NOTHING,
};
const SLOW: Costs = Costs {
    cold: NOTHING,
    each: LITTLE,
};

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

#[test]
fn what_was_kept_goes_back_when_it_is_better_no_longer() {
    watch(|| {
        let map = made(Duration::from_millis(1));
        read_until(&map, SLOW, FAST, |decisions| decisions.iter().any(is_kept));
        let is_back = |decision: &Decision| {
            is_review(decision) && is_kept(decision) && decision.to == Kind::Sharded
        };
        let decisions = read_until(&map, FAST, SLOW, |decisions| {
            decisions.iter().any(is_back) && map.strategy() == Kind::Sharded
        });
        let back = decisions.iter().find(|decision| is_back(decision));
        let back = back.expect("it is why we are here");
        assert_eq!((back.from, &*back.policy), (Kind::ReadDirty, "canary"));
    });
}

/// And it is looked at ever more rarely.
#[test]
fn what_was_kept_stays_while_it_is_better() {
    watch(|| {
        let back_off = Duration::from_millis(1);
        let map = made(back_off);
        let reviews = |decisions: &[Decision]| {
            let is_over =
                |decision: &&Decision| is_review(decision) && decision.outcome != Outcome::Trying;
            decisions
                .iter()
                .filter(is_over)
                .cloned()
                .collect::<Vec<_>>()
        };
        let decisions = read_until(&map, SLOW, FAST, |decisions| reviews(decisions).len() >= 3);
        for review in reviews(&decisions) {
            let outcome = &review.outcome;
            assert!(matches!(outcome, Outcome::Reverted { .. }), "{outcome:?}");
        }
        let mut begun: Vec<_> = reviews(&decisions).iter().map(|review| review.at).collect();
        begun.sort_unstable();
        assert!(begun[1] - begun[0] >= 2 * back_off, "{begun:?}");
        assert!(begun[2] - begun[1] >= 4 * back_off, "{begun:?}");
        let kept = decisions.iter().filter(|decision| is_kept(decision));
        assert_eq!(kept.count(), 1, "{decisions:?}");
    });
}

#[test]
fn what_came_under_another_policy_is_not_looked_at_again() {
    watch(|| {
        let map = made(Duration::from_millis(1));
        read_until(&map, SLOW, FAST, |decisions| decisions.iter().any(is_kept));
        map.set_policy(Arc::new(Pinned(Kind::ReadDirty)));
        let reviews = |decisions: &[Decision]| {
            decisions
                .iter()
                .filter(|decision| is_review(decision))
                .count()
        };
        let before = reviews(&map.decisions());
        let rounds = Cell::new(0);
        let decisions = read_until(&map, FAST, SLOW, |_| {
            rounds.set(rounds.get() + 1);
            rounds.get() == 200
        });
        assert_eq!(reviews(&decisions), before, "{decisions:?}");
        assert_eq!(map.strategy(), Kind::ReadDirty);
    });
}
