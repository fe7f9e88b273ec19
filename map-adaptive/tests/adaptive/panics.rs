//! User code that panics in the midst of a switch: nothing is lost or doubled, the switch is made in the end, and so is
//! the way back.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use map_adaptive::policy::{Canary, Pinned};
use map_adaptive::{AdaptiveMap, Kind, Policy, Proposal, SelectorConfig, Window};
use map_core::conformance::seeds::each_seed;
use map_core::conformance::tracked::{Key, Ledger, Point, Value};
use map_core::conformance::watchdog::watch;

use super::restless::{self, Restless};

type Map = AdaptiveMap<Key, Value>;

/// Keys from here on come and go; those below stay, each with ten times its number.
const PASSING: u64 = 1_000;

/// Whether all shards are of a kind, and nothing is left to be done.
fn all_are(map: &Map, kind: Kind) -> bool {
    let stats = map.stats();
    map.strategy() == kind && stats.of(kind).shards == stats.shards() && stats.leaving_shards == 0
}

fn pin(map: &Map, kind: Kind) {
    map.pin_strategy(kind).expect("any map may have these");
}

/// Does something with the map until all its shards are of a kind. Each operation that is a sample does a piece.
fn use_until(map: &Map, kind: Kind, mut step: impl FnMut(u64)) {
    const LIMIT: u64 = 4_000_000;
    let mut steps = 0;
    while !all_are(map, kind) {
        assert!(steps < LIMIT, "not yet {kind}: {:#?}", map.explain());
        for _ in 0..512 {
            step(steps);
            steps += 1;
        }
    }
}

/// Switches the map, and sees that it is of that kind indeed.
fn switch(map: &Map, kind: Kind) {
    pin(map, kind);
    use_until(map, kind, |step| {
        map.contains_key(&(step % 64));
    });
    if kind == Kind::ReadDirty {
        // Read tables are for reading while somebody writes.
        let locked: Vec<_> = map.iter_mut().collect();
        let keys: Vec<u64> = locked.iter().map(|entry| entry.key().number()).collect();
        thread::scope(|scope| {
            let reader = scope.spawn(|| keys.iter().find(|key| !map.try_get(*key).is_present()));
            let met = reader.join().expect("it waits for nobody");
            assert_eq!(met, None, "a reader met a writer");
        });
    }
}

/// Each entry that shall stay is there once, and nothing else is but what passes.
fn check(map: &Map, ledger: &Ledger, entries: u64) {
    ledger.assert_sound();
    let mut seen = Vec::new();
    map.for_each(|key, value| {
        assert_eq!(value.number(), 10 * key.number(), "the value of {key:?}");
        seen.push(key.number());
    });
    assert_eq!(map.len(), seen.len());
    seen.retain(|key| *key < PASSING);
    seen.sort_unstable();
    assert_eq!(seen, Vec::from_iter(0..entries));
    for key in 0..entries {
        let found = map.get(&key).map(|value| value.number());
        assert_eq!(found, Some(10 * key), "the entry of {key}");
    }
}

/// The map is whole, goes on working, and switches both ways; and in the end everything was dropped once.
fn recover(map: Map, ledger: &Ledger, entries: u64, back: Kind, to: Kind) {
    check(&map, ledger, entries);
    for kind in [back, to, back] {
        switch(&map, kind);
        check(&map, ledger, entries);
        for key in PASSING..PASSING + 20 {
            map.insert(ledger.key(key), ledger.value(10 * key));
        }
        for key in PASSING..PASSING + 20 {
            assert!(map.remove(&key).is_some(), "{key} was inserted");
        }
    }
    drop(map);
    ledger.assert_settled();
}

/// Runs something. Says whether it panicked as `failing` makes it.
fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// Who carries a switch out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The call that asks for it, and reads if it has to be left for later.
    ByHand,
    Reads,
    Writes,
    Walks,
}

impl Way {
    const ALL: [Self; 4] = [Self::ByHand, Self::Reads, Self::Writes, Self::Walks];

    fn switch(self, map: &Map, ledger: &Ledger, to: Kind) {
        if self == Self::ByHand {
            pin(map, to);
        }
        use_until(map, to, |step| {
            let key = step % 20;
            match self {
                Self::ByHand | Self::Reads => drop(map.get(&key)),
                Self::Writes => map.store(ledger.key(key), ledger.value(10 * key)),
                // Of a piece of a walk a sample is made as of a read.
                Self::Walks => map.for_each(|_, _| ()),
            }
        });
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    from: Kind,
    to: Kind,
    way: Way,
    /// One shard, or several.
    entries: u64,
}

/// A map in which nothing is due, about to be switched unless that is done by hand.
fn ready(case: Case, ledger: &Ledger) -> Map {
    let config = SelectorConfig {
        // Reads of a walk are many, and it takes a while.
        window_samples: 1,
        ..restless::config()
    };
    let map = Map::builder()
        .selector(config)
        .policy(Arc::new(Pinned(case.from)))
        .shard_limit(if case.entries > 20 { 14 } else { 1_000 })
        .build()
        .expect("the configuration is sound");
    for key in 0..case.entries {
        map.insert(ledger.key(key), ledger.value(10 * key));
    }
    switch(&map, case.from);
    // With something that has yet to be dropped.
    for key in 0..10 {
        map.store(ledger.key(key), ledger.value(10 * key));
    }
    if case.way != Way::ByHand {
        map.set_policy(Arc::new(Pinned(case.to)));
        map.release();
    }
    map
}

/// What became of a case: how often it failed at some point, and how often some shard was not yet what it was to be.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    failed: usize,
    amid: usize,
}

/// Switches maps, with each call at a point failing, until one runs through.
fn survive(case: Case, point: Point) -> Seen {
    let mut seen = Seen::default();
    let mut successes = 0;
    loop {
        let ledger = Ledger::new();
        let map = ready(case, &ledger);
        assert!(all_are(&map, case.from));
        let done = ledger.failing(point, successes, || {
            case.way.switch(&map, &ledger, case.to);
        });
        let is_done = done.is_some();
        seen.failed += usize::from(!is_done);
        seen.amid += usize::from(!is_done && !all_are(&map, case.to));
        let checked = catch_unwind(AssertUnwindSafe(|| {
            recover(map, &ledger, case.entries, case.from, case.to);
        }));
        if let Err(panic) = checked {
            eprintln!("{case:?}, after {point:?} failed as call {successes}");
            resume_unwind(panic);
        }
        if is_done {
            return seen;
        }
        // Where there are very many calls, not every one.
        successes += 1 + successes / 8;
    }
}

fn survive_all(from: Kind, to: Kind) {
    watch(move || {
        for way in Way::ALL {
            for entries in [20, 60] {
                let case = Case {
                    from,
                    to,
                    way,
                    entries,
                };
                for point in Point::ALL {
                    let seen = survive(case, point);
                    // The one point that each switch reaches; and entries that wait for the switch to be dropped.
                    let is_met = match point {
                        Point::Hash => seen.amid > 0,
                        Point::ValueDrop if from == Kind::ReadDirty => seen.failed > 0,
                        _ => true,
                    };
                    assert!(is_met, "{case:?}, {point:?}: {seen:?}");
                }
            }
        }
    });
}

#[test]
fn on_the_way_up() {
    survive_all(Kind::Sharded, Kind::ReadDirty);
}

#[test]
fn on_the_way_down() {
    survive_all(Kind::ReadDirty, Kind::Lock);
}

/// A switch that failed half-way is not wanted any more: the shards are again what they were.
#[test]
fn what_failed_is_called_off() {
    for (from, to) in [
        (Kind::ReadDirty, Kind::Sharded),
        (Kind::ReadDirty, Kind::Lock),
        (Kind::Sharded, Kind::ReadDirty),
    ] {
        for entries in [20, 60] {
            let mut failed = 0;
            for successes in 0..entries as usize {
                let ledger = Ledger::new();
                let case = Case {
                    from,
                    to,
                    way: Way::ByHand,
                    entries,
                };
                let map = ready(case, &ledger);
                let done = ledger.failing(Point::Hash, successes, || {
                    Way::ByHand.switch(&map, &ledger, to);
                });
                failed += usize::from(done.is_none() && !all_are(&map, to));
                recover(map, &ledger, entries, from, from);
            }
            assert!(failed > 0, "{from} to {to}");
        }
    }
}

/// Never content, and fails when it is told to.
#[derive(Debug, Default)]
struct Moody {
    restless: Restless,
    /// How many calls succeed before one fails: proposals, and names.
    left: [AtomicIsize; 2],
}

impl Moody {
    fn new() -> Self {
        let moody = Self::default();
        moody.arm(0, -1);
        moody.arm(1, -1);
        moody
    }

    fn arm(&self, which: usize, successes: isize) {
        self.left[which].store(successes, Relaxed);
    }

    fn reach(&self, which: usize) {
        if !thread::panicking() && self.left[which].fetch_sub(1, Relaxed) == 0 {
            // Not through the panic hook.
            resume_unwind(Box::new("the policy fails as it was told to"));
        }
    }
}

impl Policy for Moody {
    fn name(&self) -> &str {
        self.reach(1);
        "moody"
    }

    fn propose(&self, windows: &[Window]) -> Option<Proposal> {
        self.reach(0);
        self.restless.propose(windows)
    }
}

/// Some operation that leaves all that shall stay as it is.
fn exercise(map: &Map, ledger: &Ledger, entries: u64, rng: &mut fastrand::Rng) {
    let key = rng.u64(..entries);
    let passing = PASSING + rng.u64(..40);
    let value = |key: u64| ledger.value(10 * key);
    match rng.u8(..16) {
        0 => drop(map.insert(ledger.key(key), value(key))),
        1 => map.store(ledger.key(key), value(key)),
        2 => drop(map.insert(ledger.key(passing), value(passing))),
        3 => drop(map.remove(&ledger.probe(passing))),
        4 => {
            map.delete(&passing);
        }
        5 => drop(
            map.entry(ledger.key(passing))
                .or_insert_with(|| value(passing)),
        ),
        6 => {
            if let Some(mut entry) = map.get_mut(&ledger.probe(key)) {
                *entry = value(key);
            }
        }
        7 => assert!(
            map.compare_exchange(&key, &(10 * key), value(key)).is_ok(),
            "it stays"
        ),
        8 => map.for_each(|_, _| ledger.reach(Point::Closure)),
        9 => map.retain(|key, _| key.number() < PASSING || key.number() % 2 == 0),
        10 => map.shrink_to_fit(),
        11 => drop(map.get_cloned(&ledger.probe(key))),
        12 => assert!(map.pin().contains_key(&key)),
        _ => assert!(map.get(&key).is_some_and(|found| *found == 10 * key)),
    }
}

/// While the map switches all the time, one thing fails after another.
fn survive_restless(canary: Canary) {
    watch(move || {
        const ENTRIES: u64 = 60;
        let (mut failed, mut amid) = ([0; Point::ALL.len() + 2], 0);
        each_seed(12, |seed| {
            let mut rng = fastrand::Rng::with_seed(seed);
            let ledger = Ledger::new();
            let moody = Arc::new(Moody::new());
            let config = SelectorConfig {
                canary: canary.clone(),
                back_off: Duration::from_nanos(1),
                back_off_limit: Duration::from_nanos(1),
                ..restless::config()
            };
            let map = Map::builder()
                .selector(config)
                .policy(Arc::clone(&moody) as Arc<dyn Policy>)
                .shard_limit([14, 1_000][seed as usize % 2])
                .build()
                .expect("the configuration is sound");
            for key in 0..ENTRIES {
                map.insert(ledger.key(key), ledger.value(10 * key));
            }
            for _ in 0..60 {
                let most = 1 << rng.u32(..8);
                let successes = rng.usize(..most);
                let which = rng.usize(..failed.len());
                let point = Point::ALL.get(which).copied();
                if let Some(point) = point {
                    ledger.arm(point, successes);
                } else {
                    moody.arm(which - Point::ALL.len(), successes as isize / 8);
                }
                let operations = rng.u32(..4_000);
                let has_failed = panics(|| {
                    for _ in 0..operations {
                        exercise(&map, &ledger, ENTRIES, &mut rng);
                    }
                });
                let was_told_to = if point.is_some() {
                    ledger.disarm()
                } else {
                    moody.left[which - Point::ALL.len()].swap(-1, Relaxed) < 0
                };
                assert_eq!(has_failed, was_told_to, "it failed for another reason");
                failed[which] += u32::from(has_failed);
                let stats = map.stats();
                let kinds = Kind::ALL.map(|kind| stats.of(kind).shards);
                let is_amid = stats.leaving_shards > 0 || !kinds.contains(&stats.shards());
                amid += u32::from(has_failed && is_amid);
                check(&map, &ledger, ENTRIES);
            }
            assert!(!map.decisions().is_empty());
            recover(map, &ledger, ENTRIES, Kind::Sharded, Kind::ReadDirty);
        });
        let all_failed = failed.iter().all(|times| *times > 0);
        assert!(all_failed && amid > 0, "{failed:?}, {amid} amid a switch");
    });
}

#[test]
fn while_switching_all_the_time() {
    survive_restless(Canary {
        skip: true,
        ..Canary::default()
    });
}

#[test]
fn while_trying_all_the_time() {
    survive_restless(Canary {
        min_gain: 0.0,
        samples: 1,
        skip: false,
    });
}
