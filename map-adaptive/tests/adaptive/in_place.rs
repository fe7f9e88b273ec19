//! Maps that are not to have read tables, and how a map is configured, when it is made and while it is in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use map_adaptive::policy::{Canary, Pinned};
use map_adaptive::{
    AdaptiveInPlaceMap, AdaptiveMap, BuildError, CostPolicy, DocumentPolicy, Kind, Outcome, Policy,
    SelectorConfig, Strategy,
};
use map_core::Map;

use super::load::{A_SAMPLE, KEYS, Load, Mix, all_are, filled, unseen};
use super::restless;

/// Whatever is proposed, entries stay where they are.
fn never_has_read_tables<T>(
    map: &Map<u64, u64, T>,
    stats: impl Fn() -> map_adaptive::adaptive_map::Stats,
) where
    T: Strategy<u64, u64>,
{
    for step in 0..600 * A_SAMPLE {
        let key = step % KEYS;
        match step % 16 {
            0 => drop(map.insert(key, step)),
            1 => drop(map.remove(&key)),
            _ => drop(map.get(&key)),
        }
        if step % 1000 == 0 {
            let stats = stats();
            assert_eq!((stats.read_dirty.shards, stats.leaving_shards), (0, 0));
        }
    }
}

#[test]
fn a_map_in_place_never_has_read_tables() {
    let builder = AdaptiveInPlaceMap::<u64, u64>::builder()
        .selector(restless::config())
        .policy(restless::policy())
        .shard_limit(1000);
    let map = builder.build().expect("the configuration is sound");
    assert!(!map.selector_config().read_tables);
    never_has_read_tables(&map, || map.stats());
    let decisions = map.decisions();
    let withheld = |outcome: &Outcome| matches!(outcome, Outcome::Withheld { .. });
    assert!(
        decisions
            .iter()
            .filter(|decision| decision.to == Kind::ReadDirty)
            .all(|decision| withheld(&decision.outcome)),
        "{decisions:#?}"
    );
}

#[test]
fn a_map_without_read_tables_never_has_any() {
    let config = SelectorConfig {
        read_tables: false,
        ..restless::config()
    };
    let builder = AdaptiveMap::<u64, u64>::builder()
        .selector(config)
        .policy(restless::policy())
        .shard_limit(1000);
    let map = builder.build().expect("the configuration is sound");
    never_has_read_tables(&map, || map.stats());
}

#[test]
fn they_cannot_be_pinned_to_what_they_may_not_have() {
    let in_place = AdaptiveInPlaceMap::<u64, u64>::new();
    let error = in_place
        .pin_strategy(Kind::ReadDirty)
        .expect_err("it may not");
    assert_eq!(
        error.to_string(),
        "no read/dirty shards: this map has no read tables"
    );
    assert_eq!(in_place.strategy(), Kind::Sharded);
    assert_eq!(in_place.explain().pinned, None);
    assert!(in_place.decisions().is_empty());
    in_place
        .pin_strategy(Kind::Lock)
        .expect("any map may have these");
    assert_eq!(in_place.explain().pinned, Some(Kind::Lock));

    let config = SelectorConfig {
        read_tables: false,
        ..SelectorConfig::default()
    };
    let map = AdaptiveMap::<u64, u64>::builder().selector(config).build();
    let map = map.expect("the configuration is sound");
    assert!(map.pin_strategy(Kind::ReadDirty).is_err());
    map.set_selector_config(SelectorConfig::default())
        .expect("it is sound");
    map.pin_strategy(Kind::ReadDirty).expect("now it may");
    assert_eq!(map.strategy(), Kind::ReadDirty);
}

/// A guard on an entry of such a map shows the entry itself: a change through interior mutability is not lost.
#[test]
fn a_map_in_place_cannot_be_talked_into_read_tables() {
    let map = AdaptiveInPlaceMap::<u64, u64>::new();
    let config = SelectorConfig {
        read_tables: true,
        ..SelectorConfig::default()
    };
    map.set_selector_config(config).expect("it is sound");
    assert!(!map.selector_config().read_tables);
    assert!(map.pin_strategy(Kind::ReadDirty).is_err());
}

#[test]
fn read_tables_can_be_forbidden_while_a_map_has_them() {
    let map = filled(unseen(Kind::ReadDirty), 8);
    assert!(all_are(&map, Kind::ReadDirty));
    let config = SelectorConfig {
        start: Kind::Sharded,
        read_tables: false,
        ..unseen(Kind::Sharded)
    };
    map.set_selector_config(config).expect("it is sound");
    let mix = Mix {
        updates: 100,
        churn: 0,
    };
    Load::new(1).run_until(&map, mix, 1000 * A_SAMPLE, |map| {
        all_are(map, Kind::Sharded)
    });
    assert_eq!(map.len() as u64, KEYS);
}

#[test]
fn errors_name_the_field() {
    let sound = SelectorConfig::default();
    let canary = |min_gain, samples| Canary {
        min_gain,
        samples,
        skip: false,
    };
    let cases = [
        (
            "window_samples",
            SelectorConfig {
                window_samples: 0,
                ..sound.clone()
            },
        ),
        (
            "budget",
            SelectorConfig {
                budget: 0,
                ..sound.clone()
            },
        ),
        (
            "budget_period",
            SelectorConfig {
                budget_period: Duration::ZERO,
                ..sound.clone()
            },
        ),
        (
            "back_off",
            SelectorConfig {
                back_off: Duration::ZERO,
                ..sound.clone()
            },
        ),
        (
            "back_off_limit",
            SelectorConfig {
                back_off_limit: Duration::ZERO,
                ..sound.clone()
            },
        ),
        (
            "canary.min_gain",
            SelectorConfig {
                canary: canary(1.0, 1),
                ..sound.clone()
            },
        ),
        (
            "canary.samples",
            SelectorConfig {
                canary: canary(0.5, 0),
                ..sound.clone()
            },
        ),
        (
            "start",
            SelectorConfig {
                start: Kind::ReadDirty,
                read_tables: false,
                ..sound.clone()
            },
        ),
    ];
    let map = AdaptiveMap::<u64, u64>::new();
    for (field, config) in cases {
        let error = map.set_selector_config(config.clone()).expect_err(field);
        assert_eq!(error.field(), field);
        assert!(error.to_string().starts_with(field), "{error}");
        assert_eq!(map.selector_config(), sound, "nothing has changed");
        let built = AdaptiveMap::<u64, u64>::builder().selector(config).build();
        let Err(BuildError::Selector(text)) = built else {
            panic!("{field} was let through: {built:?}");
        };
        assert!(text.starts_with(field), "{text}");
    }
    // Made as it may not be: not quietly as something else.
    let config = SelectorConfig {
        start: Kind::ReadDirty,
        ..sound
    };
    let built = AdaptiveInPlaceMap::<u64, u64>::builder()
        .selector(config)
        .build();
    assert!(matches!(built, Err(BuildError::Selector(text)) if text.starts_with("start")));
}

#[test]
fn a_builder_takes_them_with_everything_else() {
    let config = SelectorConfig {
        start: Kind::Lock,
        window_samples: 77,
        log: 1,
        ..SelectorConfig::default()
    };
    let builder = AdaptiveMap::<u64, u64>::builder()
        .policy(Arc::new(CostPolicy::default()))
        .capacity(1000)
        .shards(32)
        .selector(config.clone());
    let map = builder.build().expect("the configuration is sound");
    assert_eq!(map.selector_config(), config);
    assert_eq!(map.policy().name(), "cost");
    assert_eq!((map.strategy(), map.shards()), (Kind::Lock, 32));
    assert_eq!(map.stats().lock.shards, 32);
    assert!(map.capacity() >= 1000);
    assert!(
        map.decisions().is_empty(),
        "to be made is not to be switched"
    );
    // The log keeps one.
    map.pin_strategy(Kind::Sharded)
        .expect("any map may have these");
    map.pin_strategy(Kind::Lock)
        .expect("any map may have these");
    let explanation = map.explain();
    assert_eq!((explanation.decisions.len(), explanation.dropped), (1, 1));
    assert_eq!(explanation.decisions[0].to, Kind::Lock);
}

#[test]
fn what_a_map_goes_by_is_replaced_while_it_is_used() {
    let map = filled(restless::config(), 8);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (map, done) = (&map, &done);
        for seed in 0..2 {
            scope.spawn(move || {
                let mut load = Load::new(seed);
                while !done.load(Relaxed) {
                    load.run(
                        map,
                        Mix {
                            updates: 200,
                            churn: 0,
                        },
                        A_SAMPLE,
                    );
                }
            });
        }
        let policies: [fn() -> Arc<dyn Policy>; 4] = [
            restless::policy,
            || Arc::new(DocumentPolicy::default()),
            || Arc::new(CostPolicy::default()),
            || Arc::new(Pinned(Kind::ReadDirty)),
        ];
        let mut random = fastrand::Rng::with_seed(1);
        for round in 0..400_u32 {
            map.set_policy(policies[random.usize(..policies.len())]());
            let config = SelectorConfig {
                window_samples: random.u32(1..64),
                log: random.usize(..8),
                read_tables: round % 5 != 0,
                canary: Canary {
                    skip: random.bool(),
                    ..Canary::default()
                },
                ..restless::config()
            };
            map.set_selector_config(config.clone())
                .expect("it is sound");
            assert_eq!(map.selector_config(), config);
            assert!(map.decisions().len() <= config.log);
            thread::yield_now();
        }
        done.store(true, Relaxed);
    });
    for key in 0..KEYS {
        assert!(map.contains_key(&key), "{key} got lost");
    }
    assert_eq!(map.len() as u64, KEYS);
}
