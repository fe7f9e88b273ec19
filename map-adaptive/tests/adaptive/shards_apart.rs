//! Shards whose loads differ end in different strategies.

use map_adaptive::policy::Scope;
use map_adaptive::{Decision, Kind, Outcome, SelectorConfig};

use super::load::{A_SAMPLE, KEYS, Map, all_are, filled, unseen};

const SHARDS: u64 = 8;
/// One in so many operations writes the one key: 3 % of all, and most of what its shard sees but for every eighth of the
/// reads.
const ONE_IN: u32 = 32;
const WINDOW: u32 = 128;

/// The one key fills a window with 128 samples of 320 writes, or a little sooner with the reads of its shard; and each write takes
/// 32 operations. Two windows and the change; and as much again, lest chance decide.
const LIMIT: u64 = 4 * (WINDOW as u64 + 2) * A_SAMPLE * ONE_IN as u64;

const HOT: u64 = 17;

struct Load(fastrand::Rng);

impl Load {
    /// One key is only written, the rest only read.
    fn run(&mut self, map: &Map, operations: u64) {
        for _ in 0..operations {
            match (self.0.u32(..ONE_IN), self.0.u64(..KEYS)) {
                (0, key) => drop(map.insert(HOT, key)),
                (_, HOT) => {}
                (_, key) => assert!(map.contains_key(&key)),
            }
        }
    }

    fn run_until(&mut self, map: &Map, is_so: impl Fn(&Map) -> bool) {
        let mut done = 0;
        while !is_so(map) {
            assert!(done < LIMIT, "{done} operations, and: {:#?}", map.explain());
            self.run(map, A_SAMPLE);
            done += A_SAMPLE;
        }
    }
}

fn is_apart(map: &Map, kind: Kind) -> bool {
    let stats = map.stats();
    // There may be fewer than at first: of locked shards that nobody fights over, two become one.
    let others = stats.shards() - 1;
    stats.of(kind).shards == 1 && stats.read_dirty.shards == others && stats.leaving_shards == 0
}

fn of_shards(map: &Map) -> Vec<Decision> {
    let mut decisions = map.decisions();
    decisions.retain(|decision| matches!(decision.scope, Scope::Shard { .. }));
    decisions
}

fn made() -> Map {
    let config = SelectorConfig {
        window_samples: WINDOW,
        ..unseen(Kind::Sharded)
    };
    filled(config, SHARDS as usize)
}

#[test]
fn a_key_that_is_only_written_sets_its_shard_apart() {
    let map = made();
    let mut load = Load(fastrand::Rng::with_seed(1));
    load.run_until(&map, |map| is_apart(map, Kind::Lock));
    assert_eq!(
        map.strategy(),
        Kind::ReadDirty,
        "which is what the others are"
    );
    let decisions = of_shards(&map);
    let [decision] = &decisions[..] else {
        panic!("one shard was to be set apart: {decisions:#?}");
    };
    assert!(
        matches!(decision.scope, Scope::Shard { depth: 1..=3, prefix } if prefix < SHARDS),
        "{decision:#?}"
    );
    assert_eq!((decision.from, decision.to), (Kind::ReadDirty, Kind::Lock));
    assert_eq!(decision.outcome, Outcome::Followed);
    assert_eq!(decision.window.shards, 1);
    assert!(decision.window.write_share() > 0.1);
    // And so it stays.
    load.run(&map, LIMIT / 4);
    assert!(is_apart(&map, Kind::Lock), "{:#?}", map.explain());
    assert_eq!(map.decisions().len(), 2, "{:#?}", map.decisions());
}

#[test]
fn a_shard_set_apart_comes_back_when_its_load_is_as_the_others() {
    let map = made();
    let mut load = Load(fastrand::Rng::with_seed(2));
    load.run_until(&map, |map| is_apart(map, Kind::Lock));
    // Eight windows of this shard, which has an eighth of the samples; the first may still have writes in it.
    let limit = 8 * SHARDS * u64::from(WINDOW) * A_SAMPLE;
    let mut reads = 0;
    while !all_are(&map, Kind::ReadDirty) {
        assert!(reads < limit, "{:#?}", map.explain());
        for _ in 0..A_SAMPLE {
            assert!(map.contains_key(&(reads % KEYS)));
            reads += 1;
        }
    }
    let last = of_shards(&map).pop().expect("it has been decided");
    assert_eq!((last.from, last.to), (Kind::Lock, Kind::ReadDirty));
    assert!(
        matches!(last.scope, Scope::Shard { depth: 1..=3, .. }),
        "{last:#?}"
    );
}

#[test]
fn a_map_that_is_pinned_has_no_shards_apart() {
    let map = made();
    let mut load = Load(fastrand::Rng::with_seed(3));
    load.run_until(&map, |map| is_apart(map, Kind::Lock));
    map.pin_strategy(Kind::Sharded)
        .expect("any map may have these");
    load.run_until(&map, |map| all_are(map, Kind::Sharded));
    load.run(&map, LIMIT / 4);
    assert!(all_are(&map, Kind::Sharded));
    map.release();
    load.run_until(&map, |map| is_apart(map, Kind::Lock));
}
