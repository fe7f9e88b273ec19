//! What goes into a map is dropped once, and not before it is due.

use super::exercise::exercise;
use super::maker::{Maker, MapOf, Rig};
use super::seeds::each_seed;
use super::threads::together;
use super::tracked::{Key, Ledger, Value};
use crate::{Map, Strategy};

/// Whatever is done with a map, every key and value is dropped exactly once by the time that the
/// map is gone.
#[doc = behaviour!("drops::everything_once")]
pub fn everything_once<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    each_seed(rig.about(100) as u64, |seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        let ledger = Ledger::new();
        let map = rig.map::<Key, Value>();
        // Some maps stay small, some grow.
        let keys = 1 << rng.u32(2..11);
        for _ in 0..1_000 {
            exercise(&map, &mut rng, keys, |n| ledger.key(n), |n| ledger.value(n));
        }
        ledger.assert_sound();
        let entries = map.len();
        assert!(
            ledger.alive() >= 2 * entries,
            "entries have a key and a value"
        );
        match seed % 4 {
            0 => drop(map),
            1 => drop(map.into_iter()),
            2 => drop(map.into_iter().take(entries / 2).collect::<Vec<_>>()),
            _ => drop((map.clone(), map)),
        }
        ledger.assert_settled();
    });
}

/// So too when several threads do it.
#[doc = behaviour!("drops::everything_once_from_threads")]
pub fn everything_once_from_threads<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
    MapOf<M, Key, Value>: Sync,
{
    for keys in [8, 1_000] {
        let ledger = Ledger::new();
        let map = rig.map::<Key, Value>();
        together(4, |thread| {
            let mut rng = fastrand::Rng::with_seed(thread as u64);
            for _ in 0..rig.about(8_000) {
                exercise(&map, &mut rng, keys, |n| ledger.key(n), |n| ledger.value(n));
            }
        });
        ledger.assert_sound();
        drop(map);
        ledger.assert_settled();
    }
}

/// A map of which little is alive at a time stays small, however much passes through it.
#[doc = behaviour!("drops::churn")]
pub fn churn<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Key, Value>>,
{
    const WINDOW: usize = 64;
    let check = |replace: fn(&Map<_, _, M::Strategy, _>, &Ledger, u64)| {
        let ledger = Ledger::new();
        let map = rig.map::<Key, Value>();
        let rounds = rig.about(32_000) as u64;
        let mut most_capacity = 0;
        for round in 0..rounds {
            replace(&map, &ledger, round);
            assert_eq!(map.len() as u64, (round + 1).min(WINDOW as u64));
            most_capacity = most_capacity.max(map.capacity());
        }
        // Two instances per entry, and what is yet to be reclaimed. That may be much for a while, if a thread of another
        // test was interrupted in the midst of a read; but the churn that goes on takes it down again.
        let mut rounds = rounds..;
        while ledger.alive() > 32 * WINDOW {
            replace(&map, &ledger, rounds.next().expect("the numbers go on"));
            std::thread::yield_now();
        }
        assert!(
            most_capacity <= 16 * WINDOW,
            "room for {most_capacity} entries"
        );
        drop(map);
        ledger.assert_settled();
    };
    check(|map, ledger, round| {
        map.insert(ledger.key(round), ledger.value(round));
        if let Some(old) = round.checked_sub(WINDOW as u64) {
            assert!(
                map.remove(&old)
                    .is_some_and(|(_, value)| value.number() == old)
            );
        }
    });
    check(|map, ledger, round| {
        drop(
            map.place(ledger.key(round))
                .or_insert_with(|| ledger.value(round)),
        );
        map.retain(|key, _| key.number() + WINDOW as u64 > round);
    });
    check(|map, ledger, round| {
        // Here keys stay, and values pass.
        let key = ledger.key(round % WINDOW as u64);
        let value = ledger.value(round);
        match round % 4 {
            0 => drop(map.insert(key, value)),
            1 => drop(map.place(key).insert(value)),
            _ => match map.get_mut(&key) {
                Some(mut entry) => *entry = value,
                None => drop(map.get_or_insert_with(key, || value)),
            },
        }
    });
}
