//! Each misuse pattern leads to its replacement, and to no other: the operations are real, and one thread's, where that is
//! possible.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use map_adaptive::policy::Scope;
use map_adaptive::{Decision, Kind, Outcome, SelectorConfig};
use map_core::conformance::watchdog::watch;

use super::load::{
    A_SAMPLE, CHURN, Load, Map, Mix, RANDOM_WRITES, READ_MOSTLY, WINDOW, WRITE_HEAVY, all_are,
    filled, unseen,
};

/// A mix far from all thresholds is settled after two windows. The keys are inserted while the first one runs, so there is
/// one more; and one to spare.
const LIMIT: u64 = 4 * WINDOW as u64 * A_SAMPLE;

/// All that was decided is one switch of the whole map.
fn assert_decided(map: &Map, rule: &str, from: Kind, to: Kind) -> Decision {
    let decisions = map.decisions();
    let [decision] = &decisions[..] else {
        panic!("one decision was to be made: {decisions:#?}");
    };
    assert_eq!(
        (&*decision.proposal.rule, decision.from, decision.to),
        (rule, from, to)
    );
    assert_eq!(decision.proposal.to, to);
    assert_eq!(decision.policy, "document");
    assert_eq!(decision.scope, Scope::Map { shards: 1 });
    assert_eq!(decision.outcome, Outcome::Followed);
    decision.clone()
}

/// Where a mix leads from a kind, and that it stays there. Returns after how many operations.
fn leads(mix: Mix, rule: &str, from: Kind, to: Kind) -> u64 {
    let map = filled(unseen(from), 1);
    let mut load = Load::new(1);
    let operations = load.run_until(&map, mix, LIMIT, |map| all_are(map, to));
    assert_decided(&map, rule, from, to);
    load.run(&map, mix, LIMIT);
    assert_decided(&map, rule, from, to);
    assert!(all_are(&map, to));
    operations
}

#[test]
fn what_is_read_mostly_gets_read_tables() {
    leads(READ_MOSTLY, "read-mostly", Kind::Sharded, Kind::ReadDirty);
    leads(READ_MOSTLY, "read-mostly", Kind::Lock, Kind::ReadDirty);
}

#[test]
fn random_writes_lead_to_a_lock() {
    leads(RANDOM_WRITES, "random writes", Kind::ReadDirty, Kind::Lock);
}

#[test]
fn at_the_write_cliff_one_window_is_enough() {
    let operations = leads(WRITE_HEAVY, "write cliff", Kind::ReadDirty, Kind::Lock);
    // The change itself takes another sample.
    assert!(
        operations <= (u64::from(WINDOW) + 2) * A_SAMPLE,
        "it took {operations} operations"
    );
}

#[test]
fn keys_that_come_and_go_lead_to_shards() {
    leads(CHURN, "churn", Kind::ReadDirty, Kind::Sharded);
}

/// The twin of those above: what suits a load stays.
#[test]
fn what_suits_stays() {
    for (mix, kind) in [
        (READ_MOSTLY, Kind::ReadDirty),
        (RANDOM_WRITES, Kind::Lock),
        (RANDOM_WRITES, Kind::Sharded),
        (WRITE_HEAVY, Kind::Lock),
        (WRITE_HEAVY, Kind::Sharded),
        (CHURN, Kind::Lock),
        (CHURN, Kind::Sharded),
    ] {
        let map = filled(unseen(kind), 1);
        Load::new(2).run(&map, mix, LIMIT);
        assert!(
            map.decisions().is_empty(),
            "{mix:?}: {:#?}",
            map.decisions()
        );
        assert!(all_are(&map, kind));
    }
}

/// A table with room for many and few entries in it: a walk goes by all the empty places, so that an entry costs many
/// writes, whatever the machine is doing meanwhile.
#[test]
fn slow_walks_lead_to_shards() {
    watch(|| {
        const ENTRIES: u64 = 64;
        let builder = Map::builder()
            .selector(SelectorConfig {
                window_samples: WINDOW / 2,
                ..unseen(Kind::ReadDirty)
            })
            .shard_limit(1 << 20)
            .capacity(1 << 12);
        let map = builder.build().expect("the configuration is sound");
        for key in 0..ENTRIES {
            map.insert(key, key);
        }
        let mut random = fastrand::Rng::with_seed(3);
        while map.decisions().is_empty() {
            map.for_each(|_, _| {});
            for _ in 0..ENTRIES {
                let key = random.u64(..ENTRIES);
                match random.u32(..20) {
                    0 => drop(map.insert(key, 0)),
                    _ => assert!(map.contains_key(&key)),
                }
            }
        }
        assert_decided(&map, "slow scans", Kind::ReadDirty, Kind::Sharded);
    });
}

/// Two threads write until something is decided. Each holds the only shard while it lets the other run, so that they meet.
fn fight(map: &Map) {
    let is_decided = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2 {
            let is_decided = &is_decided;
            scope.spawn(move || {
                while !is_decided.load(Relaxed) {
                    for _ in 0..64 {
                        let mut value = map.get_mut(&thread).expect("it stays");
                        *value += 1;
                        thread::yield_now();
                    }
                    is_decided.fetch_or(!map.decisions().is_empty(), Relaxed);
                }
            });
        }
    });
}

#[test]
fn a_lock_that_is_fought_over_is_split() {
    watch(|| {
        let config = SelectorConfig {
            window_samples: 16,
            ..unseen(Kind::Lock)
        };
        let map = filled(config, 1);
        fight(&map);
        let decision = assert_decided(&map, "contention", Kind::Lock, Kind::Sharded);
        assert!(decision.window.contended > 0);
    });
}

/// Where the document has two ways out of writes, contention decides: where two meet each other, it is shards.
#[test]
fn writers_that_meet_each_other_get_shards() {
    watch(|| {
        loop {
            let config = SelectorConfig {
                window_samples: 16,
                ..unseen(Kind::ReadDirty)
            };
            let map = filled(config, 1);
            fight(&map);
            let decision = map.decisions().swap_remove(0);
            let is_fought_over = decision.window.contended_share() >= 0.05;
            let to = if is_fought_over {
                Kind::Sharded
            } else {
                Kind::Lock
            };
            assert_eq!((&*decision.proposal.rule, decision.to), ("write cliff", to));
            // Otherwise they did not meet, this time.
            if is_fought_over {
                break;
            }
        }
    });
}
