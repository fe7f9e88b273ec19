//! Changes of values by `alter`, and by write guards on all entries.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::maker::{Maker, MapOf, Rig};
use super::threads::together;
use super::tracked::{Key, Ledger, Value};
use crate::Strategy;

fn filled<M>(rig: &Rig<M>, entries: u64) -> MapOf<M, u64, u64>
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let map = rig.map();
    for key in 0..entries {
        map.insert(key, 10 * key);
    }
    map
}

fn assert_values<M>(map: &MapOf<M, u64, u64>, entries: u64, expected: impl Fn(u64) -> u64)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    assert_eq!(map.len() as u64, entries);
    for key in 0..entries {
        assert_eq!(map.get_cloned(&key), Some(expected(key)), "of key {key}");
    }
}

/// `alter` changes the entry that it was told to, if there is one.
#[doc = behaviour!("changes::alter")]
pub fn alter<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let entries = rig.about(3_000) as u64;
    let map = filled(rig, entries);
    for key in (0..entries).step_by(2) {
        map.alter(&key, |&shown, value| {
            assert_eq!((shown, value), (key, 10 * key));
            value + 1
        });
    }
    map.alter(&entries, |_, _| unreachable!("there is no such entry"));
    assert_values::<M>(&map, entries, |key| 10 * key + (key + 1) % 2);
}

/// `alter_all` changes each entry once.
#[doc = behaviour!("changes::alter_all")]
pub fn alter_all<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    for entries in [0, 1, 100, rig.about(10_000) as u64] {
        let map = filled(rig, entries);
        let mut shown = HashSet::new();
        map.alter_all(|&key, value| {
            assert!(shown.insert(key), "key {key} twice");
            value + 1
        });
        assert_values::<M>(&map, entries, |key| 10 * key + 1);
    }
}

/// When the closure panics, at most the one entry that it had is lost, and nothing is locked.
#[doc = behaviour!("changes::panics")]
pub fn panics<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    // Not through the panic hook: it would print each one.
    let panics = || -> u64 { resume_unwind(Box::new(())) };
    let entries = 100;
    let map = filled(rig, entries);
    // Where shards are not all alike, it stays in some.
    let stays = |key: u64| match <M::Strategy as Strategy<u64, u64>>::SELECTS {
        true => map.contains_key(&key),
        false => !<M::Strategy as Strategy<u64, u64>>::IN_PLACE,
    };
    let panicked = catch_unwind(AssertUnwindSafe(|| map.alter(&3, |_, _| panics())));
    assert!(panicked.is_err());
    assert_eq!(map.get_cloned(&3), stays(3).then_some(30));
    assert_eq!(map.len() as u64, entries - u64::from(!stays(3)));
    map.insert(3, 30);
    assert_values::<M>(&map, entries, |key| 10 * key);

    let mut seen = Vec::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        map.alter_all(|&key, value| {
            seen.push(key);
            if seen.len() == 50 {
                panics()
            } else {
                value + 1
            }
        });
    }));
    assert!(panicked.is_err());
    let culprit = seen.pop().expect("it was called");
    for key in 0..entries {
        let expected = match () {
            () if seen.contains(&key) => Some(10 * key + 1),
            () if key != culprit || stays(key) => Some(10 * key),
            () => None,
        };
        assert_eq!(map.get_cloned(&key), expected, "of key {key}");
    }

    map.insert(culprit, 0);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        for (index, mut entry) in map.iter_mut().enumerate() {
            *entry = 7;
            if index == 49 {
                panics();
            }
        }
    }));
    assert!(panicked.is_err());
    // What was changed before has been changed.
    let sevens = map.iter().filter(|entry| **entry == 7).count();
    assert_eq!((sevens, map.len() as u64), (50, entries));
}

/// `iter_mut` gives out every entry once, to be changed.
#[doc = behaviour!("changes::iter_mut")]
pub fn iter_mut<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    for entries in [0, 1, 100, rig.about(10_000) as u64] {
        let map = filled(rig, entries);
        let mut shown = HashSet::new();
        for mut entry in map.iter_mut() {
            let (key, value) = entry.pair();
            assert_eq!(*value, 10 * key);
            assert!(shown.insert(*key), "key {key} twice");
            // Some are changed once, some twice, some not at all.
            if *entry.key() % 3 > 0 {
                *entry += 1;
            }
            if *entry.key() % 3 > 1 {
                *entry.value_mut() += 1;
            }
            let (key, value) = entry.pair_mut();
            assert_eq!(*value, 10 * *key + *key % 3);
        }
        assert_eq!(shown.len() as u64, entries);
        assert_values::<M>(&map, entries, |key| 10 * key + key % 3);
    }
}

/// All guards of all shards may be held together, changed in any order, and be dropped in any order, before or after
/// the iterator.
#[doc = behaviour!("changes::guards_together")]
pub fn guards_together<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    let entries = rig.about(5_000) as u64;
    let map = filled(rig, entries);
    let mut guards: Vec<_> = map.iter_mut().collect();
    assert_eq!(guards.len() as u64, entries);
    for round in 0..2 {
        for guard in guards.iter_mut().rev().skip(round).step_by(2) {
            **guard += 1 + round as u64;
        }
    }
    assert!(guards.iter().all(|guard| matches!(**guard % 10, 1 | 2)));
    let kept = guards.split_off(guards.len() / 2);
    drop(guards);
    drop(kept);
    assert!(map.iter().all(|entry| matches!(*entry % 10, 1 | 2)));
    assert_eq!(map.len() as u64, entries);

    // An iterator dropped before its guards, and guards that nobody writes through.
    let mut iter = map.iter_mut();
    let (first, second) = (iter.next(), iter.next());
    drop(iter);
    drop(first);
    let mut second = second.expect("there are many");
    *second = 0;
    let key = *second.key();
    drop(second);
    assert_eq!(map.get_cloned(&key), Some(0));
    for key in 0..entries {
        assert!(map.remove(&key).is_some());
    }
}

/// No change is lost, whichever way it is made, and others see all changes of one or none.
#[doc = behaviour!("changes::changes_add_up")]
pub fn changes_add_up<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, (u64, u64)>>,
    MapOf<M, u64, (u64, u64)>: Sync,
{
    let map = rig.map::<u64, (u64, u64)>();
    let entries = rig.about(600) as u64;
    for key in 0..entries {
        map.insert(key, (0, 0));
    }
    let rounds = rig.about(160) as u64;
    together(5, |thread| {
        for round in 0..rounds {
            match thread {
                0 => map.iter_mut().for_each(|mut entry| {
                    entry.value_mut().0 += 1;
                    entry.value_mut().1 += 1;
                }),
                1 => map.alter_all(|_, (left, right)| (left + 1, right + 1)),
                2 => (0..entries).for_each(|key| {
                    map.alter(&key, |_, (left, right)| (left + 1, right + 1));
                }),
                3 => (0..entries).for_each(|key| {
                    // The map grows meanwhile, and shrinks.
                    let passing = 1_000_000 + key;
                    if round % 2 == 0 {
                        map.insert(passing, (0, 0));
                    } else {
                        map.remove(&passing);
                    }
                }),
                _ => map.for_each(|key, (left, right)| {
                    assert_eq!(left, right, "half a change of {key}");
                }),
            }
        }
    });
    for key in 0..entries {
        let expected = 3 * rounds;
        assert_eq!(
            map.get_cloned(&key),
            Some((expected, expected)),
            "of key {key}"
        );
    }
}

/// Whatever is replaced in such ways is dropped, once.
#[doc = behaviour!("changes::drops")]
pub fn drops<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    let ledger = Ledger::new();
    let map = rig.map::<Key, Value>();
    for number in 0..rig.about(1_000) as u64 {
        map.insert(ledger.key(number), ledger.value(number));
    }
    for round in 0..3 {
        map.alter_all(|key, value| match key.number() % 2 {
            0 => value,
            _ => ledger.value(round),
        });
        map.alter(&1, |_, _| ledger.value(round));
        for mut entry in map.iter_mut() {
            match entry.key().number() % 3 {
                0 => *entry = ledger.value(round),
                1 => entry.set(round),
                _ => (),
            }
        }
        ledger.assert_sound();
    }
    drop(map);
    ledger.assert_settled();
}
