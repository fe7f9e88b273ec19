//! Operations on all entries while others write.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::maker::{Maker, MapOf, Rig};
use super::threads::together;
use crate::Strategy;

/// Keys from here on come and go while a walk is under way; those below stay.
const PASSING: u64 = 1 << 32;

/// Set when the value is dropped, by a panic too: whoever waits for it waits no longer.
struct Finished<'a>(&'a AtomicBool);

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `walk` again and again while three threads insert enough to make the map grow many times
/// over, and remove some of it.
fn while_growing<M>(rig: &Rig<M>, map: &MapOf<M, u64, u64>, walk: impl Fn() + Sync)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    const WRITERS: usize = 3;
    let each = rig.about(16_000) as u64;
    let writing = AtomicUsize::new(WRITERS);
    let failed = AtomicBool::new(false);
    together(WRITERS + 1, |thread| {
        if thread == WRITERS {
            let _finished = Finished(&failed);
            let mut walks = 0;
            while writing.load(Ordering::Relaxed) > 0 || walks < 3 {
                walk();
                walks += 1;
            }
            return;
        }
        let key = |index| PASSING + ((thread as u64) << 24) + index;
        for index in 0..each {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            assert_eq!(map.insert(key(index), 0), None);
            if index % 4 == 3 {
                assert_eq!(map.remove(&key(index - 3)), Some((key(index - 3), 0)));
            }
        }
        writing.fetch_sub(1, Ordering::Relaxed);
    });
}

/// Goes over a map and shows each entry.
type Walk<'a, M> = &'a (dyn Fn(&MapOf<M, u64, u64>, &mut dyn FnMut(u64, u64)) + Sync);

/// However a walk goes over the map, and whatever happens meanwhile: what stays is seen exactly
/// once, with its value, and nothing is seen twice.
#[doc = behaviour!("walks::iteration")]
pub fn iteration<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let staying = rig.about(500) as u64;
    let check = |walk: Walk<'_, M>| {
        let map = rig.map::<u64, u64>();
        for key in 0..staying {
            map.insert(key, key + 1);
        }
        while_growing(rig, &map, || {
            let mut seen = HashSet::new();
            walk(&map, &mut |key, value| {
                assert!(seen.insert(key), "key {key} was seen twice");
                assert_eq!(value, if key < PASSING { key + 1 } else { 0 });
            });
            for key in 0..staying {
                assert!(seen.contains(&key), "key {key} was not seen");
            }
        });
    };
    check(&|map, see| map.for_each(|&key, &value| see(key, value)));
    check(&|map, see| map.iter().for_each(|entry| see(*entry.key(), *entry)));
    check(&|map, see| {
        map.clone()
            .into_iter()
            .for_each(|(key, value)| see(key, value))
    });
    check(&|map, see| {
        map.iter_mut()
            .for_each(|mut entry| see(*entry.key(), *entry.value_mut()));
    });
    check(&|map, see| {
        map.alter_all(|&key, value| {
            see(key, value);
            value
        });
    });
    check(&|map, see| {
        map.retain(|&key, value| {
            see(key, *value);
            true
        });
    });
}

/// So too while the map shrinks again: shards that a walk has seen may merge with others that it
/// has not.
#[doc = behaviour!("walks::iteration_of_less_and_less")]
pub fn iteration_of_less_and_less<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let (staying, passing) = (rig.about(500) as u64, rig.about(4_000) as u64);
    let map = rig.map::<u64, u64>();
    for key in 0..staying {
        map.insert(key, key + 1);
    }
    let done = AtomicBool::new(false);
    together(3, |thread| {
        if thread == 0 {
            let _finished = Finished(&done);
            for _ in 0..24 {
                for key in 0..passing {
                    map.insert(PASSING + key, 0);
                }
                map.retain(|&key, _| key < PASSING);
                map.shrink_to_fit();
            }
            return;
        }
        let mut turns = 0;
        while !done.load(Ordering::Relaxed) {
            let mut seen = HashSet::new();
            let mut see = |key| {
                assert!(seen.insert(key), "key {key} was seen twice");
                // Time for the map to change.
                if seen.len() % 64 == 0 {
                    std::thread::yield_now();
                }
            };
            turns += 1;
            match (thread, turns % 3) {
                (1, 0) => map.for_each(|&key, _| see(key)),
                (1, 1) => map.iter_mut().for_each(|entry| see(*entry.key())),
                (_, 2) => {
                    let clone = map.clone();
                    let found = |key| clone.get_cloned(&key) == Some(key + 1);
                    assert!((0..staying).all(found), "each is found");
                    clone.into_iter().for_each(|(key, _)| see(key));
                }
                (_, 0) => map.iter().for_each(|entry| see(*entry.key())),
                (_, _) => map.alter_all(|&key, value| {
                    see(key);
                    value
                }),
            }
            for key in 0..staying {
                assert!(seen.contains(&key), "key {key} was not seen");
            }
        }
    });
    assert_eq!(map.len() as u64, staying);
}

/// What is there is found, and what is not is not, while the map grows.
#[doc = behaviour!("walks::lookups")]
pub fn lookups<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let staying = rig.about(500) as u64;
    let map = rig.map::<u64, u64>();
    for key in 0..staying {
        map.insert(key, key + 1);
    }
    while_growing(rig, &map, || {
        for key in 0..staying {
            assert_eq!(map.get(&key).map(|entry| *entry), Some(key + 1));
            assert_eq!(map.get_cloned(&key), Some(key + 1));
            assert!(!map.contains_key(&(staying + key)));
        }
    });
}

/// `len` and `is_empty` stay within what it was before and after, while entries only come.
#[doc = behaviour!("walks::len_while_growing")]
pub fn len_while_growing<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let map = rig.map::<u64, u64>();
    let keys = rig.about(30_000) as u64;
    let inserted = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    together(2, |thread| {
        if thread == 0 {
            let _finished = Finished(&done);
            for key in 0..keys {
                map.insert(key, key);
                // Release: pairs with the Acquire below; what is counted there is in the map.
                inserted.store(key as usize + 1, Ordering::Release);
            }
            return;
        }
        while !done.load(Ordering::Relaxed) {
            let before = inserted.load(Ordering::Acquire);
            let (empty, len) = (map.is_empty(), map.len());
            // One more may be in the map than is counted.
            let possible = before..=inserted.load(Ordering::Acquire) + 1;
            assert!(
                possible.contains(&len),
                "{len} entries is not within {possible:?}"
            );
            assert!(!empty || before == 0, "empty, with {before} entries");
        }
    });
    assert_eq!(map.len() as u64, keys);
}

/// `len` and `is_empty` are exact whenever nobody writes, whatever happened before.
#[doc = behaviour!("walks::len")]
pub fn len<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let map = rig.map::<u64, u64>();
    for phase in 0..8 {
        let present: usize = together(4, |thread| {
            let mut rng = fastrand::Rng::with_seed(phase * 4 + thread as u64);
            // The more, the further the phase; the last one ends with nothing.
            let each = rig.about(250 << phase) as u64;
            let key = |index: u64| ((thread as u64) << 32) + index;
            for _ in 0..each {
                let key = key(rng.u64(..each));
                if rng.bool() {
                    map.insert(key, key);
                } else {
                    map.remove(&key);
                }
            }
            if phase == 7 {
                for index in 0..each {
                    map.remove(&key(index));
                }
            }
            (0..each)
                .filter(|&index| map.contains_key(&key(index)))
                .count()
        })
        .into_iter()
        .sum();
        assert_eq!((map.len(), map.is_empty()), (present, present == 0));
        assert_eq!(map.iter().count(), present);
    }
    assert!(map.is_empty());
}

/// `clear` removes what was there before, however much is inserted meanwhile, and `retain` does so
/// with what it does not keep. What they do not remove stays.
#[doc = behaviour!("walks::clear_and_retain")]
pub fn clear_and_retain<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let rounds = rig.about(320) as u64;
    // Some threads remove by `clear`, so nothing may be expected to stay;
    let map = rig.map::<u64, u64>();
    together(4, |thread| {
        let key = |index| ((thread as u64) << 32) + index;
        for round in 0..rounds {
            for index in 0..100 {
                assert!(
                    map.insert(key(index), round)
                        .is_none_or(|old| old + 1 == round)
                );
            }
            if thread < 2 {
                map.clear();
                for index in 0..100 {
                    assert_eq!(map.get_cloned(&key(index)), None, "after clear");
                }
            }
        }
    });
    map.clear();
    assert_eq!((map.len(), map.iter().count()), (0, 0));
    // and here by `retain`, which leaves even keys alone.
    together(4, |thread| {
        let key = |index| ((thread as u64) << 32) + index;
        for _ in 0..rounds {
            for index in 0..100 {
                map.insert(key(index), index);
            }
            map.retain(|key, _| key % 2 == 0);
            for index in 0..100 {
                let expected = (index % 2 == 0).then_some(index);
                assert_eq!(map.get_cloned(&key(index)), expected, "after retain");
            }
        }
    });
    assert_eq!(map.len(), 4 * 50);
}

/// A map that shrinks, grows and is cleared under everybody's hands stays a map.
#[doc = behaviour!("walks::reshaping")]
pub fn reshaping<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    let map = rig.map::<u64, u64>();
    for key in 0..100 {
        map.insert(key, key);
    }
    let rounds = rig.about(160);
    let many = rig.about(4_000);
    let done = AtomicBool::new(false);
    together(3, |thread| {
        if thread == 0 {
            let _finished = Finished(&done);
            for round in 0..rounds {
                match round % 4 {
                    0 => map.reserve(many),
                    1 => map.shrink_to_fit(),
                    2 => {
                        for key in 0..many as u64 {
                            map.insert(PASSING + key, key);
                        }
                    }
                    _ => map.retain(|&key, _| key < PASSING),
                }
            }
            return;
        }
        let mut rng = fastrand::Rng::with_seed(thread as u64);
        while !done.load(Ordering::Relaxed) {
            // The keys are each thread's own.
            let key = 2 * rng.u64(..50) + thread as u64 - 1;
            match rng.u8(..4) {
                0 => {
                    assert_eq!(map.remove(&key), Some((key, key)));
                    assert!(!map.contains_key(&key));
                    assert_eq!(map.insert(key, key), None);
                }
                1 => assert_eq!(*map.get_mut(&key).expect("it is there"), key),
                _ => assert_eq!(map.get_cloned(&key), Some(key)),
            }
        }
    });
    map.retain(|&key, _| key < PASSING);
    assert_eq!(map.len(), 100);
}
