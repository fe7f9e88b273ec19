//! Operations of several threads on the same keys, of which each must win as often as it says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::maker::{Maker, MapOf, Rig};
use super::threads::together;
use crate::{Change, Computed, Strategy};

const THREADS: usize = 4;

/// Of several threads that find a key absent, one inserts, and its closure is the only one to run.
#[doc = behaviour!("races::insertion_happens_once")]
pub fn insertion_happens_once<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let keys = rig.about(8_000) as u64;
    let map = rig.map::<u64, u64>();
    let made: Vec<AtomicUsize> = (0..keys).map(|_| AtomicUsize::new(0)).collect();
    let seen = together(THREADS, |thread| {
        let make = |key: u64| {
            made[key as usize].fetch_add(1, Ordering::Relaxed);
            key << 8 | thread as u64
        };
        let race = |key| match key % 3 {
            0 => *map.get_or_insert_with(key, || make(key)),
            1 => *map.place(key).or_insert_with(|| make(key)),
            _ => {
                let mut value = 0;
                map.compute(key, |present| {
                    let set = present.is_none().then(|| make(key));
                    value = set.or(present.copied()).expect("one of them");
                    set.map_or(Change::Keep, Change::Set)
                });
                value
            }
        };
        (0..keys).map(race).collect::<Vec<_>>()
    });
    for key in 0..keys {
        let index = key as usize;
        assert_eq!(made[index].load(Ordering::Relaxed), 1, "key {key} was made");
        let value = map.get_cloned(&key).expect("it was inserted");
        assert!(
            seen.iter().all(|seen| seen[index] == value),
            "all see the value of {key}"
        );
    }
    assert_eq!(map.len() as u64, keys);
}

/// Of several threads that insert (or remove) the same key, one is told that it was not there (or
/// that it was).
#[doc = behaviour!("races::one_wins")]
pub fn one_wins<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let keys = rig.about(4_000) as u64;
    let map = rig.map::<u64, u64>();
    let wins = together(THREADS, |thread| {
        let inserted = (0..keys).filter(|&key| map.insert(key, thread as u64).is_none());
        let inserted = inserted.count();
        // Thread by thread another way to remove; nobody removes what is still being inserted.
        let removed = (keys..2 * keys).filter(|&key| {
            map.insert(key, 7);
            match thread {
                0 => map.remove(&key).is_some(),
                1 => map.remove_if(&key, |_, _| true).is_some(),
                2 => map.compare_remove(&key, &7).is_some(),
                _ => matches!(map.compute(key, |_| Change::Remove), Computed::Removed(..)),
            }
        });
        (inserted, removed.count())
    });
    let inserted: usize = wins.iter().map(|wins| wins.0).sum();
    assert_eq!(inserted as u64, keys);
    assert_eq!(
        map.len() as u64,
        keys,
        "each thread removed what it had inserted"
    );
    assert!((0..keys).all(|key| map.contains_key(&key)));

    let removed = together(THREADS, |thread| {
        let remove = |&key: &u64| match thread {
            0 => map.remove(&key).is_some(),
            1 => map.remove_if(&key, |_, _| true).is_some(),
            2 => (0..THREADS as u64).any(|value| map.compare_remove(&key, &value).is_some()),
            _ => matches!(map.compute(key, |_| Change::Remove), Computed::Removed(..)),
        };
        (0..keys).filter(remove).count() as u64
    });
    assert_eq!(removed.iter().sum::<u64>(), keys);
    assert!(map.is_empty());
}

/// Increments by any means: none is lost. Meanwhile the map grows.
#[doc = behaviour!("races::increments_add_up")]
pub fn increments_add_up<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    const COUNTERS: u64 = 3;
    let rounds = rig.about(8_000);
    let map = rig.map::<u64, u64>();
    for counter in 0..COUNTERS {
        map.insert(counter, 0);
    }
    let added = together(THREADS, |thread| {
        let mut rng = fastrand::Rng::with_seed(thread as u64);
        let mut added = [0; COUNTERS as usize];
        for round in 0..rounds {
            let key = rng.u64(..COUNTERS);
            added[key as usize] += 1;
            match rng.u8(..8) {
                0 => *map.get_mut(&key).expect("it is there") += 1,
                1 => *map.place(key).or_insert(1_000_000) += 1,
                2 => drop(map.place(key).and_modify(|value| *value += 1)),
                3 => {
                    map.compute(key, |value| {
                        Change::Set(value.copied().unwrap_or(1_000_000) + 1)
                    });
                }
                4 => {
                    map.compute_if_present(&key, |_, value| Change::Set(value + 1));
                }
                5 => {
                    let kept = map.remove_if_mut(&key, |_, value| {
                        *value += 1;
                        false
                    });
                    assert_eq!(kept, None);
                }
                _ => loop {
                    let value = map.get_copied(&key).expect("it is there");
                    if map.compare_exchange(&key, &value, value + 1).is_ok() {
                        break;
                    }
                },
            }
            let filler = 1_000_000 * (thread as u64 + 1) + round as u64;
            assert_eq!(map.insert(filler, filler), None);
        }
        added
    });
    for counter in 0..COUNTERS {
        let total = added.iter().map(|added| added[counter as usize]).sum();
        assert_eq!(map.get_cloned(&counter), Some(total), "counter {counter}");
    }
    assert_eq!(map.len(), COUNTERS as usize + THREADS * rounds);
}

/// Values that are moved from key to key are neither lost nor doubled.
#[doc = behaviour!("races::tokens_are_kept")]
pub fn tokens_are_kept<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    const TOKENS: u64 = 16;
    let rounds = rig.about(16_000);
    let map = rig.map::<u64, u64>();
    for token in 0..TOKENS {
        map.insert(token, token);
    }
    together(THREADS, |thread| {
        let mut rng = fastrand::Rng::with_seed(thread as u64);
        for _ in 0..rounds {
            // Takes a token from where it is, and leaves it wherever there is none.
            let Some((_, token)) = map.remove(&rng.u64(..2 * TOKENS)) else {
                continue;
            };
            if rng.u8(..32) == 0 {
                thread::yield_now();
            }
            while *map.get_or_insert_with(rng.u64(..2 * TOKENS), || token) != token {}
        }
    });
    let mut tokens: Vec<u64> = map.iter().map(|entry| *entry).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, (0..TOKENS).collect::<Vec<_>>());
}

/// What is inserted at the very moment at which a shard splits is not lost. (Many maps, because
/// for each the moment comes only a few times.)
#[doc = behaviour!("races::inserts_while_splitting")]
pub fn inserts_while_splitting<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    const EACH: u64 = 400;
    let maps: Vec<_> = (0..rig.about(600)).map(|_| rig.map::<u64, u64>()).collect();
    together(THREADS, |thread| {
        let keys = (0..EACH).map(|index| index * THREADS as u64 + thread as u64);
        for map in &maps {
            for key in keys.clone() {
                assert_eq!(map.insert(key, key), None);
                // Half of them go again.
                if key % 8 < 4 {
                    assert_eq!(map.remove(&key), Some((key, key)));
                }
            }
        }
    });
    for map in &maps {
        for key in 0..EACH * THREADS as u64 {
            let expected = (key % 8 >= 4).then_some(key);
            assert_eq!(map.get_cloned(&key), expected, "key {key}");
        }
        assert_eq!(map.len() as u64, EACH * THREADS as u64 / 2);
    }
}
