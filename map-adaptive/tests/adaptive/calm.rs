//! Maps do not switch to and fro: not where a load sits on a threshold, nor for a policy that would, nor after a trial in vain.

use std::sync::Arc;
use std::time::Duration;

use map_adaptive::policy::{Canary, Scope};
use map_adaptive::{
    AdaptiveMap, Decision, Kind, Outcome, Policy, Proposal, SelectorConfig, Window,
};
use map_core::conformance::watchdog::watch;

use super::load::{A_SAMPLE, KEYS, Load, Map, Mix, WINDOW, all_are, filled, unseen};
use super::restless;

/// Always wants the same.
#[derive(Debug)]
struct Wants(Kind);

impl Policy for Wants {
    fn name(&self) -> &str {
        "wants"
    }

    fn propose(&self, windows: &[Window]) -> Option<Proposal> {
        let now = windows.last()?.kind;
        (now != self.0).then(|| Proposal {
            to: self.0,
            rule: "wants".into(),
            reason: format!("it wants {}", self.0),
            urgent: false,
        })
    }
}

fn small_windows(start: Kind) -> SelectorConfig {
    SelectorConfig {
        window_samples: 64,
        ..unseen(start)
    }
}

fn outcomes(map: &Map) -> Vec<Outcome> {
    let decisions = map.decisions().into_iter();
    decisions.map(|decision| decision.outcome).collect()
}

/// A long run: some four hundred windows.
const LONG: u64 = 400 * 64 * 280;

#[test]
fn a_mix_on_a_threshold_switches_once_at_most() {
    for updates in [50, 100, 350] {
        for start in Kind::ALL {
            let map = filled(small_windows(start), 1);
            let mix = Mix { updates, churn: 0 };
            Load::new(updates.into()).run(&map, mix, LONG / 4);
            let decisions = map.decisions();
            // Off the threshold on one side, and there it is far from the other.
            assert!(decisions.len() <= 1, "{mix:?} from {start}: {decisions:#?}");
        }
    }
}

/// Programs that do the same again and again, in step with a sampler that would look at each 256th operation.
#[test]
fn a_periodic_program_is_seen_as_it_is() {
    for (period, suits) in [
        (2, &[Kind::Lock, Kind::Sharded][..]),
        (4, &[Kind::Lock, Kind::Sharded]),
        (256, &[Kind::ReadDirty]),
    ] {
        for start in Kind::ALL {
            let map = filled(small_windows(start), 1);
            for step in 0..LONG / 4 {
                let key = KEYS + step / period;
                match step % period {
                    0 => assert_eq!(map.insert(key, key), None),
                    1 => assert_eq!(map.remove(&key), Some((key, key))),
                    _ => assert!(map.contains_key(&(step % KEYS))),
                }
            }
            let decisions = map.decisions();
            assert!(
                decisions.len() <= 2,
                "of {period} from {start}: {decisions:#?}"
            );
            assert!(
                suits.contains(&map.strategy()),
                "of {period} from {start}: {decisions:#?}"
            );
            // Inserts and removes take turns, and both are seen.
            let seen = map.explain().latest.expect("windows are complete");
            if period <= 4 {
                assert!(
                    seen.inserts > 0 && seen.removes > 0,
                    "of {period}: {seen:#?}"
                );
            }
        }
    }
}

#[test]
fn the_budget_is_kept() {
    let config = SelectorConfig {
        budget: 3,
        budget_period: Duration::from_secs(3600),
        ..restless::config()
    };
    let map = filled(config, 1);
    map.set_policy(restless::policy());
    Load::new(1).run(
        &map,
        Mix {
            updates: 300,
            churn: 0,
        },
        1000 * A_SAMPLE,
    );
    let outcomes = outcomes(&map);
    let followed = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Followed)
        .count();
    assert_eq!(followed, 3, "{outcomes:#?}");
    let rest = &outcomes[3..];
    assert!(!rest.is_empty());
    for outcome in rest {
        let Outcome::Withheld { why, until } = outcome else {
            panic!("the budget is spent: {outcomes:#?}");
        };
        assert!(why.contains("3 switches"), "{why}");
        assert!(until.is_some_and(|until| until >= config_period()));
    }
}

const fn config_period() -> Duration {
    Duration::from_secs(3600)
}

/// Ten windows withhold the same, and the log has other things to keep.
#[test]
fn what_is_withheld_is_said_once() {
    let config = SelectorConfig {
        read_tables: false,
        ..small_windows(Kind::Sharded)
    };
    let map = filled(config, 1);
    map.set_policy(Arc::new(Wants(Kind::ReadDirty)));
    let mut load = Load::new(1);
    load.run(
        &map,
        Mix {
            updates: 100,
            churn: 0,
        },
        10 * 64 * A_SAMPLE,
    );
    let decisions = map.decisions();
    let [decision] = &decisions[..] else {
        panic!("{decisions:#?}");
    };
    assert_eq!(
        decision.outcome,
        Outcome::Withheld {
            why: "this map has no read tables".to_owned(),
            until: None
        }
    );
    assert!(all_are(&map, Kind::Sharded));
}

/// So too where it is one shard's wish, and the map's is another.
#[test]
fn what_is_withheld_of_a_shard_is_said_once() {
    let config = SelectorConfig {
        read_tables: false,
        ..small_windows(Kind::Lock)
    };
    let map = filled(config, 2);
    let mut random = fastrand::Rng::with_seed(4);
    // One key is read, and the whole map is written to: one shard is read-mostly.
    for _ in 0..LONG {
        match random.u32(..10) {
            0 => drop(map.insert(random.u64(..KEYS), 0)),
            _ => assert!(map.contains_key(&17)),
        }
    }
    let decisions = map.decisions();
    assert!(
        decisions.len() <= 1,
        "{} decisions, as {:#?}",
        decisions.len(),
        decisions.last()
    );
}

/// A trial that cannot succeed: nothing gets ten million times as fast, not even what was interrupted before.
fn in_vain(back_off: Duration) -> SelectorConfig {
    SelectorConfig {
        window_samples: 16,
        canary: Canary {
            min_gain: 0.999_999_9,
            ..Canary::default()
        },
        budget: u32::MAX,
        back_off,
        back_off_limit: Duration::from_secs(7200),
        ..SelectorConfig::default()
    }
}

#[test]
fn what_was_tried_in_vain_is_not_tried_again_for_a_while() {
    for shards in [1, 8] {
        let hour = Duration::from_secs(3600);
        let map = filled(in_vain(hour), shards);
        map.set_policy(Arc::new(Wants(Kind::ReadDirty)));
        let mut load = Load::new(5);
        let mix = Mix {
            updates: 100,
            churn: 0,
        };
        let limit = 100 * shards as u64 * u64::from(WINDOW) * A_SAMPLE;
        load.run_until(&map, mix, limit, |map| map.decisions().len() >= 2);
        let decisions = map.decisions();
        let [tried, withheld] = &decisions[..] else {
            panic!("{decisions:#?}");
        };
        assert!(
            matches!(tried.outcome, Outcome::Reverted { .. }),
            "{tried:#?}"
        );
        assert_eq!(
            tried.scope,
            Scope::Map {
                shards: shards as u64
            }
        );
        let Outcome::Withheld { why, until } = &withheld.outcome else {
            panic!("{withheld:#?}");
        };
        assert_eq!(why, "it was tried in vain");
        assert!(until.is_some_and(|until| until > tried.at + hour));
        // The shard that tried it is as the others again.
        load.run_until(&map, mix, limit, |map| all_are(map, Kind::Sharded));
        load.run(&map, mix, 100 * 16 * A_SAMPLE);
        assert_eq!(map.decisions(), decisions, "and that is all");
    }
}

#[test]
fn a_trial_ends_when_read_tables_are_not_wanted_any_more() {
    for (from, to) in [
        (Kind::ReadDirty, Kind::Sharded),
        (Kind::Sharded, Kind::ReadDirty),
    ] {
        let config = SelectorConfig {
            window_samples: 1,
            canary: Canary {
                samples: 1_000_000,
                ..Canary::default()
            },
            start: from,
            ..SelectorConfig::default()
        };
        let map = filled(config.clone(), 1);
        map.set_policy(Arc::new(Wants(to)));
        let mut load = Load::new(8);
        let mix = Mix {
            updates: 100,
            churn: 0,
        };
        let limit = 10_000 * A_SAMPLE;
        load.run_until(&map, mix, limit, |map| outcomes(map) == [Outcome::Trying]);
        map.set_selector_config(SelectorConfig {
            start: Kind::Sharded,
            read_tables: false,
            ..config
        })
        .expect("it is sound");
        let outcomes = outcomes(&map);
        assert!(
            matches!(&outcomes[..], [Outcome::GivenUp { why }] if why.contains("read tables")),
            "{from} to {to}: {outcomes:#?}"
        );
        load.run_until(&map, mix, limit, |map| all_are(map, Kind::Sharded));
    }
}

/// So long that no clock goes as far.
#[test]
fn what_is_put_off_for_ever_never_comes() {
    let config = SelectorConfig {
        budget: 1,
        budget_period: Duration::MAX,
        back_off_limit: Duration::MAX,
        ..in_vain(Duration::MAX)
    };
    let map = filled(config, 1);
    let mut load = Load::new(7);
    let mix = Mix {
        updates: 100,
        churn: 0,
    };
    // The second one is given another chance, and has no budget left.
    for (count, why) in [(2, "it was tried in vain"), (3, "1 switches in")] {
        map.set_policy(Arc::new(Wants(Kind::ReadDirty)));
        let limit = 100 * u64::from(WINDOW) * A_SAMPLE;
        load.run_until(&map, mix, limit, |map| map.decisions().len() >= count);
        load.run(&map, mix, 100 * 16 * A_SAMPLE);
        let outcomes = outcomes(&map);
        assert!(
            matches!(outcomes[0], Outcome::Reverted { .. }),
            "{outcomes:#?}"
        );
        let Some(Outcome::Withheld { why: said, until }) = outcomes.get(count - 1) else {
            panic!("{outcomes:#?}");
        };
        assert!(said.starts_with(why), "{said}");
        assert_eq!(*until, None);
        assert_eq!(outcomes.len(), count, "{outcomes:#?}");
    }
}

#[test]
fn each_time_it_takes_longer_until_it_is_tried_again() {
    watch(|| {
        let config = in_vain(Duration::from_millis(20));
        let map = filled(config.clone(), 1);
        map.set_policy(Arc::new(Wants(Kind::ReadDirty)));
        let mut load = Load::new(6);
        let tried = |map: &AdaptiveMap<u64, u64>| -> Vec<Decision> {
            let mut decisions = map.decisions();
            decisions.retain(|decision| !matches!(decision.outcome, Outcome::Withheld { .. }));
            decisions
        };
        while tried(&map).len() < 4 {
            load.run(
                &map,
                Mix {
                    updates: 100,
                    churn: 0,
                },
                64 * A_SAMPLE,
            );
        }
        let tried = tried(&map);
        for (times, pair) in (1..).zip(tried.windows(2)) {
            assert!(
                matches!(pair[0].outcome, Outcome::Reverted { .. }),
                "{tried:#?}"
            );
            assert!(
                pair[1].at >= pair[0].at + config.back_off_after(times),
                "after {times}: {tried:#?}"
            );
        }
        // Another policy is given another chance.
        map.set_policy(Arc::new(Wants(Kind::ReadDirty)));
        map.set_selector_config(in_vain(Duration::from_secs(3600)))
            .expect("it is sound");
        let before = tried.len();
        while map.decisions().len() <= before {
            load.run(
                &map,
                Mix {
                    updates: 100,
                    churn: 0,
                },
                64 * A_SAMPLE,
            );
        }
    });
}
