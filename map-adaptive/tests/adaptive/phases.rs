//! A load that changes is followed, within so many operations, by every shard.

use map_adaptive::policy::Scope;
use map_adaptive::{Kind, SelectorConfig};

use super::load::{
    A_SAMPLE, CHURN, KEYS, Load, Map, Mix, READ_MOSTLY, WINDOW, WRITE_HEAVY, all_are, filled,
    unseen,
};

/// So many windows until a change of the load is answered: the one that it falls into, and the two of patience.
const WINDOWS: u64 = 3;

/// By then a switch is known everywhere: each sample changes the shard that it is in and one other, and samples that find
/// nothing to do go on with the next shard. Twice that, for guards that were in the way.
const fn followed_within(shards: u64) -> u64 {
    (WINDOWS * WINDOW as u64 + 2 * shards) * A_SAMPLE
}

fn assert_followed(map: &Map, load: &mut Load, mix: Mix, to: Kind) {
    let shards = map.shards() as u64;
    load.run_until(map, mix, followed_within(shards), |map| all_are(map, to));
}

/// Goes through the phases. Each but the last is as long as four windows, so that each is followed in its turn.
fn go_through(shards: usize, phases: &[(Mix, Kind)]) {
    let map = filled(unseen(Kind::Sharded), shards);
    let mut load = Load::new(shards as u64);
    let mut kind = map.strategy();
    let mut switches = 0;
    for &(mix, to) in phases {
        assert_followed(&map, &mut load, mix, to);
        load.run(&map, mix, 4 * u64::from(WINDOW) * A_SAMPLE);
        assert!(
            all_are(&map, to),
            "{mix:?} suits {to}: {:#?}",
            map.explain()
        );
        switches += usize::from(kind != to);
        kind = to;
        let decisions = map.decisions();
        assert_eq!(decisions.len(), switches, "after {mix:?}: {decisions:#?}");
        assert!(
            decisions
                .iter()
                .all(|decision| matches!(decision.scope, Scope::Map { .. })),
            "all shards have the same load: {decisions:#?}"
        );
    }
    for key in 0..KEYS {
        assert!(map.contains_key(&key), "{key} got lost");
    }
}

const BY_WRITES_FIRST: [(Mix, Kind); 4] = [
    (READ_MOSTLY, Kind::ReadDirty),
    (WRITE_HEAVY, Kind::Lock),
    // Entries lie in the table itself in either kind.
    (CHURN, Kind::Lock),
    (READ_MOSTLY, Kind::ReadDirty),
];

#[test]
fn one_shard_follows() {
    go_through(1, &BY_WRITES_FIRST);
}

#[test]
fn many_shards_follow() {
    go_through(64, &BY_WRITES_FIRST);
}

#[test]
fn more_shards_than_samples_follow() {
    go_through(2048, &BY_WRITES_FIRST);
}

/// Straight from reads to keys that come and go. The window into which the change falls has fewer of these than it takes, and
/// more writes than it takes: whichever of the two rules is first, entries go back to their tables.
#[test]
fn churn_is_followed_from_read_tables() {
    for shards in [1, 64] {
        let map = filled(unseen(Kind::Sharded), shards);
        let mut load = Load::new(7);
        assert_followed(&map, &mut load, READ_MOSTLY, Kind::ReadDirty);
        let within = followed_within(shards as u64);
        load.run_until(&map, CHURN, within, |map| {
            let stats = map.stats();
            stats.read_dirty.shards == 0 && stats.leaving_shards == 0
        });
        let last = map.decisions().pop().expect("it has been decided");
        assert!(
            ["churn", "random writes"].contains(&&*last.proposal.rule),
            "{last:#?}"
        );
        assert_followed(&map, &mut load, READ_MOSTLY, Kind::ReadDirty);
    }
}

/// A map grows while its load changes: new shards are as the others shall be.
#[test]
fn a_growing_map_is_followed() {
    let builder = Map::builder()
        .selector(unseen(Kind::Sharded))
        .shard_limit(60);
    let map = builder.build().expect("the configuration is sound");
    for key in 0..KEYS {
        map.insert(key, key);
    }
    let mut load = Load::new(8);
    let within = followed_within(map.shards() as u64);
    load.run_until(&map, READ_MOSTLY, within, |map| {
        all_are(map, Kind::ReadDirty)
    });
    let before = map.shards();
    for key in KEYS..2 * KEYS {
        map.insert(1 << 32 | key, key);
    }
    assert!(map.shards() > before);
    let kind = map.strategy();
    load.run_until(
        &map,
        READ_MOSTLY,
        followed_within(map.shards() as u64),
        |map| all_are(map, Kind::ReadDirty),
    );
    assert!((0..KEYS).all(|key| map.contains_key(&key)), "{kind}");
    assert_eq!(map.len() as u64, 2 * KEYS);
}

/// With windows as they are by default, and a shard's own windows about as often as the map's.
#[test]
fn what_a_shard_saw_before_a_switch_does_not_count_after_it() {
    let config = SelectorConfig {
        window_samples: 64,
        ..unseen(Kind::Lock)
    };
    for seed in 0..4 {
        let map = filled(config.clone(), 4);
        let mut load = Load::new(seed);
        for _ in 0..3 {
            load.run(&map, WRITE_HEAVY, 1000 * A_SAMPLE);
            load.run(&map, READ_MOSTLY, 1000 * A_SAMPLE);
            assert!(all_are(&map, Kind::ReadDirty), "{:#?}", map.explain());
        }
        let decisions = map.decisions();
        let of_shard = decisions
            .iter()
            .find(|decision| matches!(decision.scope, Scope::Shard { .. }));
        assert!(
            of_shard.is_none(),
            "all shards have the same load: {of_shard:#?}"
        );
    }
}
