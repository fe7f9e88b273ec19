//! What threads see has an explanation while the map is made to switch: by hand, at random, and by a selector that is never
//! content, on shards that split, trial after trial.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use map_adaptive::policy::Canary;
use map_adaptive::{AdaptiveMap, Kind, SelectorConfig};
use map_core::conformance::guards::Guards;
use map_core::conformance::history::Event;
use map_core::conformance::linearizability::check;
use map_core::conformance::seeds::each_seed;
use map_core::conformance::watchdog::watch;
use map_core::conformance::workload::{Plan, record};

use super::restless;

type Map = AdaptiveMap<u64, u64>;

/// Long enough for samples: one in 256 operations, most of which are filler.
const LONG: Plan = Plan {
    threads: 3,
    operations: 1_500,
    hot_keys: 3,
    filler: 2,
    seed: 0,
};

/// In which a switch by hand falls into the first things that happen to a map.
const SHORT: Plan = Plan {
    threads: 3,
    operations: 12,
    hot_keys: 1,
    filler: 0,
    seed: 0,
};

/// Never content; with trials, or without.
fn made(seed: u64) -> Map {
    let canary = Canary {
        samples: 1,
        min_gain: 0.0,
        skip: seed.is_multiple_of(2),
    };
    let config = SelectorConfig {
        canary,
        back_off: Duration::from_nanos(1),
        back_off_limit: Duration::from_nanos(1),
        ..restless::config()
    };
    Map::builder()
        .selector(config)
        .policy(restless::policy())
        .shard_limit([14, 100, 10_000][seed as usize % 3])
        .build()
        .expect("the configuration is sound")
}

/// Another thread's: pins the map, lets go of it, and gives it other policies, at random, until it is told to stop. Says how often
/// it pinned.
fn disturb(map: &Map, seed: u64, is_done: &AtomicBool) -> usize {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut pins = 0;
    while !is_done.load(Relaxed) {
        match rng.u8(..8) {
            0..4 => {
                map.pin_strategy(Kind::ALL[rng.usize(..3)])
                    .expect("any map may have these");
                pins += 1;
            }
            4..6 => map.release(),
            6 => map.set_policy(restless::policy()),
            // Time for the selector.
            _ => thread::sleep(Duration::from_micros(rng.u64(..200))),
        }
        if rng.bool() {
            thread::yield_now();
        }
    }
    map.release();
    pins
}

fn linearizable(cases: u64, plan: Plan, record: impl Fn(&Map, &Plan) -> Vec<Event>) {
    let (pins, decisions) = (AtomicUsize::new(0), AtomicUsize::new(0));
    each_seed(cases, |seed| {
        let map = made(seed);
        let is_done = AtomicBool::new(false);
        let history = thread::scope(|scope| {
            let disturber = scope.spawn(|| disturb(&map, seed, &is_done));
            let history = record(&map, &Plan { seed, ..plan });
            is_done.store(true, Relaxed);
            let times = disturber.join().expect("nothing stops a switch");
            pins.fetch_add(times, Relaxed);
            history
        });
        let of_policy = map.decisions();
        let of_policy = of_policy.iter().filter(|it| it.policy == "restless");
        decisions.fetch_add(of_policy.count(), Relaxed);
        if let Err(violation) = check(&history) {
            panic!("{violation}");
        }
    });
    let (pins, decisions) = (pins.into_inner(), decisions.into_inner());
    assert!(pins > 0, "nobody pinned the map");
    let is_long = plan.operations == LONG.operations;
    assert!(decisions > 0 || !is_long, "the selector did nothing");
}

#[test]
fn of_operations() {
    watch(|| linearizable(40, LONG, record));
}

#[test]
fn of_short_lives() {
    watch(|| linearizable(600, SHORT, record));
}

#[test]
fn of_guards_and_entries() {
    watch(|| {
        linearizable(40, LONG, |map, plan| record(&Guards(map), plan));
        linearizable(300, SHORT, |map, plan| record(&Guards(map), plan));
    });
}
