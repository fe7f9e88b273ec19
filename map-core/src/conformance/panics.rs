//! User code that panics, at every point where a map runs it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::hashers::Build;
use super::maker::{Maker, MapOf, Rig};
use super::threads::together;
use super::tracked::{Key, Ledger, Point, Value};
use crate::mapref::entry::Entry;
use crate::{Change, Map, Strategy};

/// The map of these tests.
type Tracked<T> = Map<Key, Value, T, Build>;

type Run<T> = fn(&Tracked<T>, &Ledger);

/// Something that may fail half-way.
struct Scenario<T: Strategy<Key, Value>> {
    name: &'static str,
    /// How many entries `key -> 10 * key` there are before.
    entries: u64,
    /// Whether the entry of this key may be another afterwards, or gone, or there.
    touches: fn(u64) -> bool,
    run: Run<T>,
}

/// Runs a scenario with each call at each point failing, until it runs through.
fn survive<M>(rig: &Rig<M>, scenario: &Scenario<M::Strategy>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    for point in Point::ALL {
        let mut successes = 0;
        loop {
            let ledger = Ledger::new();
            let map = rig.map::<Key, Value>();
            for key in 0..scenario.entries {
                map.insert(ledger.key(key), ledger.value(10 * key));
            }
            let done = ledger.failing(point, successes, || (scenario.run)(&map, &ledger));
            let checked = catch_unwind(AssertUnwindSafe(|| {
                verify(&map, &ledger, scenario);
                drop(map);
                ledger.assert_settled();
            }));
            if let Err(panic) = checked {
                eprintln!(
                    "{}: after {point:?} failed as call {successes}",
                    scenario.name
                );
                resume_unwind(panic);
            }
            if done.is_some() {
                break;
            }
            // Where there are very many calls, not every one.
            successes += 1 + successes / 32;
        }
    }
}

/// The map has what it should have, and goes on working.
fn verify<T>(map: &Tracked<T>, ledger: &Ledger, scenario: &Scenario<T>)
where
    T: Strategy<Key, Value>,
{
    ledger.assert_sound();
    for key in (0..scenario.entries).chain([ABSENT]) {
        let entry = map.try_entry(ledger.key(key));
        assert!(entry.is_some(), "the shard of {key} was left locked");
    }
    for key in (0..scenario.entries).filter(|&key| !(scenario.touches)(key)) {
        let value = map.get_with(&key, |_, value| value.number());
        assert_eq!(value, Some(10 * key), "the entry of {key}");
    }
    let mut entries = Vec::new();
    map.for_each(|key, value| entries.push((key.number(), value.number())));
    assert_eq!(map.len(), entries.len());
    for (key, value) in entries {
        let found = map.get_with(&key, |_, value| value.number());
        assert_eq!(
            found,
            Some(value),
            "what iteration shows for {key} is found"
        );
    }
    let new = 1_000..1_100;
    for key in new.clone() {
        assert!(
            map.insert(ledger.key(key), ledger.value(10 * key))
                .is_none()
        );
    }
    for key in new {
        let (_, value) = map.remove(&key).expect("it was inserted");
        assert_eq!(value.number(), 10 * key);
    }
    ledger.assert_sound();
}

/// A key that is there before each scenario, and one that is not.
const PRESENT: u64 = 3;
const ABSENT: u64 = 500;

/// Makes scenarios of a few entries, for both kinds of key.
macro_rules! scenarios {
    ($rig:ident; $($name:ident: |$map:ident, $ledger:ident, $key:ident| $body:expr;)*) => {
        $(survive($rig, &Scenario {
            name: concat!(stringify!($name), ", present"),
            entries: 20,
            touches: |key| key == PRESENT,
            run: |$map, $ledger| { let $key = PRESENT; let _ = $body; },
        });
        survive($rig, &Scenario {
            name: concat!(stringify!($name), ", absent"),
            entries: 20,
            touches: |_| false,
            run: |$map, $ledger| { let $key = ABSENT; let _ = $body; },
        });)*
    };
}

/// Reads.
#[doc = behaviour!("panics::reads")]
pub fn reads<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    scenarios! { rig;
        get: |map, ledger, key| map.get(&ledger.probe(key)).map(|entry| entry.number());
        get_with: |map, ledger, key| map.get_with(&ledger.probe(key), |_, value| {
            ledger.reach(Point::Closure);
            value.number()
        });
        get_cloned: |map, ledger, key| map.get_cloned(&ledger.probe(key));
        contains_key: |map, ledger, key| map.contains_key(&ledger.probe(key));
        part: |map, ledger, key| map.get(&ledger.probe(key)).map(|entry| {
            entry.map(|value| {
                ledger.reach(Point::Closure);
                value
            }).number()
        });
        try_get: |map, ledger, key| map.try_get(&ledger.probe(key)).is_present();
    }
}

/// Writes of values.
#[doc = behaviour!("panics::writes")]
pub fn writes<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    scenarios! { rig;
        insert: |map, ledger, key| map.insert(ledger.key(key), ledger.value(1));
        get_mut: |map, ledger, key| if let Some(mut entry) = map.get_mut(&ledger.probe(key)) {
            entry.set(1);
            *entry = ledger.value(2);
            ledger.reach(Point::Closure);
        };
        get_mut_part: |map, ledger, key| map.get_mut(&ledger.probe(key)).map(|entry| {
            entry.map(|value| {
                ledger.reach(Point::Closure);
                value
            }).set(1);
        });
        downgrade: |map, ledger, key| map.get_mut(&ledger.probe(key)).map(|mut entry| {
            entry.set(1);
            entry.downgrade().number()
        });
        compare_exchange: |map, ledger, key| {
            map.compare_exchange(&ledger.probe(key), &(10 * key), ledger.value(1))
        };
        get_or_insert_with: |map, ledger, key| map.get_or_insert_with(ledger.key(key), || {
            ledger.reach(Point::Closure);
            ledger.value(1)
        });
        get_or_insert_with_owned: |map, ledger, key| {
            let value = ledger.value(1);
            map.get_or_insert_with(ledger.key(key), move || value)
        };
        compute: |map, ledger, key| map.compute(ledger.key(key), |_| {
            ledger.reach(Point::Closure);
            Change::Set(ledger.value(1))
        });
        compute_if_present: |map, ledger, key| {
            map.compute_if_present(&ledger.probe(key), |_, _| {
                ledger.reach(Point::Closure);
                Change::Set(ledger.value(1))
            })
        };
        alter: |map, ledger, key| map.alter(&ledger.probe(key), |_, value| {
            ledger.reach(Point::Closure);
            drop(value);
            ledger.value(1)
        });
    }
}

/// Removals.
#[doc = behaviour!("panics::removals")]
pub fn removals<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    scenarios! { rig;
        remove: |map, ledger, key| map.remove(&ledger.probe(key));
        remove_if: |map, ledger, key| map.remove_if(&ledger.probe(key), |_, _| {
            ledger.reach(Point::Closure);
            true
        });
        remove_if_mut: |map, ledger, key| map.remove_if_mut(&ledger.probe(key), |_, value| {
            value.set(1);
            ledger.reach(Point::Closure);
            true
        });
        compare_remove: |map, ledger, key| {
            map.compare_remove(&ledger.probe(key), &(10 * key))
        };
        compute: |map, ledger, key| map.compute(ledger.key(key), |_| {
            ledger.reach(Point::Closure);
            Change::Remove
        });
        compute_if_present: |map, ledger, key| {
            map.compute_if_present(&ledger.probe(key), |_, _| Change::Remove)
        };
    }
}

/// Entries.
#[doc = behaviour!("panics::entries")]
pub fn entries<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    scenarios! { rig;
        or_insert: |map, ledger, key| map.place(ledger.key(key)).or_insert(ledger.value(1)).set(2);
        or_insert_with: |map, ledger, key| map.place(ledger.key(key)).or_insert_with(|| {
            ledger.reach(Point::Closure);
            ledger.value(1)
        }).set(2);
        and_modify: |map, ledger, key| map.place(ledger.key(key)).and_modify(|value| {
            value.set(1);
            ledger.reach(Point::Closure);
        });
        and_modify_owned: |map, ledger, key| {
            let new = ledger.value(1);
            map.place(ledger.key(key)).and_modify(move |value| *value = new)
        };
        insert: |map, ledger, key| map.place(ledger.key(key)).insert(ledger.value(1));
        insert_entry: |map, ledger, key| {
            map.place(ledger.key(key)).insert_entry(ledger.value(1)).remove_entry()
        };
        into_key: |map, ledger, key| map.place(ledger.key(key)).into_key();
        occupied: |map, ledger, key| if let Entry::Occupied(mut entry) = map.place(ledger.key(key)) {
            drop(entry.insert(ledger.value(1)));
            ledger.reach(Point::Closure);
            drop(entry.replace_entry(ledger.value(2)));
        };
        remove: |map, ledger, key| if let Entry::Occupied(mut entry) = map.place(ledger.key(key)) {
            entry.get_mut().set(1);
            drop(entry.remove());
        };
    }
}

/// Growth and shrinking, which hash every key again.
#[doc = behaviour!("panics::growth")]
pub fn growth<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    let many = if rig.slowdown() == 1 { 900 } else { 60 };
    let nothing = |_| false;
    let runs: [(&str, Run<M::Strategy>); 4] = [
        ("inserts", |map, ledger| {
            for key in 2_000..2_200 {
                map.insert(ledger.key(key), ledger.value(10 * key));
            }
        }),
        ("entries", |map, ledger| {
            for key in 2_000..2_200 {
                drop(
                    map.place(ledger.key(key))
                        .or_insert_with(|| ledger.value(1)),
                );
            }
        }),
        ("reserve", |map, _| map.reserve(3_000)),
        ("shrink_to_fit", |map, _| map.shrink_to_fit()),
    ];
    for (name, run) in runs {
        survive(
            rig,
            &Scenario {
                name,
                entries: many,
                touches: nothing,
                run,
            },
        );
    }
}

/// Operations on all entries.
#[doc = behaviour!("panics::all_entries")]
pub fn all_entries<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    let entries = if rig.slowdown() == 1 { 460 } else { 40 };
    let scenario = |name, touches, run| {
        survive(
            rig,
            &Scenario {
                name,
                entries,
                touches,
                run,
            },
        )
    };
    scenario(
        "for_each",
        |_| false,
        |map, ledger| {
            map.for_each(|_, _| ledger.reach(Point::Closure));
        },
    );
    scenario(
        "iter",
        |_| false,
        |map, ledger| {
            let items: Vec<_> = map.iter().collect();
            ledger.reach(Point::Closure);
            drop(items);
            for _ in map {
                ledger.reach(Point::Closure);
            }
        },
    );
    scenario("clone", |_| false, |map, _| drop(map.clone()));
    scenario(
        "debug",
        |_| false,
        |map, _| assert!(!format!("{map:?}").is_empty()),
    );
    scenario(
        "iter_mut, unchanged",
        |_| false,
        |map, ledger| {
            let items: Vec<_> = map.iter_mut().collect();
            ledger.reach(Point::Closure);
            drop(items);
        },
    );
    scenario(
        "iter_mut",
        |key| key % 2 == 1,
        |map, ledger| {
            for mut entry in map.iter_mut() {
                ledger.reach(Point::Closure);
                if entry.key().number() % 2 == 1 {
                    *entry = ledger.value(1);
                }
            }
        },
    );
    scenario(
        "alter_all",
        |_| true,
        |map, ledger| {
            map.alter_all(|_, value| {
                ledger.reach(Point::Closure);
                value
            });
        },
    );
    scenario(
        "retain",
        |key| key % 2 == 1,
        |map, ledger| {
            map.retain(|key, _| {
                ledger.reach(Point::Closure);
                key.number() % 2 == 0
            });
        },
    );
    scenario("clear", |_| true, |map, _| map.clear());
}

/// Dropping a map, and what is made of it.
#[doc = behaviour!("panics::the_end")]
pub fn the_end<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    type Ending<T> = fn(Tracked<T>);
    let endings: [Ending<M::Strategy>; 3] = [
        drop,
        |map| drop(map.into_iter()),
        |map| map.into_iter().for_each(drop),
    ];
    for ending in endings {
        for point in [Point::KeyDrop, Point::ValueDrop] {
            for successes in [0, 1, 7, 300, 599] {
                let ledger = Ledger::new();
                let map = rig.map::<Key, Value>();
                for key in 0..600 {
                    map.insert(ledger.key(key), ledger.value(key));
                }
                let done = ledger.failing(point, successes, || ending(map));
                assert!(done.is_none(), "600 are dropped");
                ledger.assert_settled();
            }
        }
    }
}

/// Threads whose closures panic do not disturb those whose closures do not.
#[doc = behaviour!("panics::beside_others")]
pub fn beside_others<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let rounds = rig.about(1_600) as u64;
    let map = rig.map::<u64, u64>();
    map.insert(0, 0);
    together(4, |thread| {
        for round in 0..rounds {
            if thread % 2 == 0 {
                map.compute(0, |value| Change::Set(value.map_or(1, |value| value + 1)));
                map.insert(1 + 2 * round + thread as u64 / 2, 7);
                continue;
            }
            // Not through the panic hook: it would print each one.
            let panics = || -> Change<u64> { resume_unwind(Box::new(())) };
            let panicked = catch_unwind(AssertUnwindSafe(|| match round % 5 {
                0 => drop(map.compute(0, |_| panics())),
                1 => drop(map.remove_if(&0, |_, _| panics() == Change::Remove)),
                2 => drop(map.get_with(&0, |_, _| panics())),
                3 => drop(map.place(0).and_modify(|_| {
                    panics();
                })),
                _ => map.retain(|_, _| panics() == Change::Remove),
            }));
            panicked.expect_err("the closure ran");
        }
    });
    assert_eq!(map.get_cloned(&0), Some(2 * rounds));
    assert_eq!(map.len() as u64, 1 + 2 * rounds);
}
