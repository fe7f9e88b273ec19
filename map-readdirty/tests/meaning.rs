//! Where this map's meaning is another than that of a map of locked shards: what the section of that name in the
//! crate's documentation says.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use map_core::Change;
use map_readdirty::ReadDirtyMap;

#[test]
fn a_guard_is_a_snapshot() {
    let map = ReadDirtyMap::new();
    map.insert(1, "one".to_owned());
    let guard = map.get(&1).expect("it is there");
    // Nobody waits for the guard, on this thread or another.
    map.insert(1, "uno".to_owned());
    thread::scope(|scope| {
        scope.spawn(|| assert!(map.delete(&1)));
    });
    assert_eq!(*guard, "one");
    assert!(!map.contains_key(&1));
    drop(guard);
}

#[test]
fn guards_of_an_iterator_are_snapshots_too() {
    let map: ReadDirtyMap<u32, u32> = (0..1000).map(|key| (key, key)).collect();
    let guards: Vec<_> = map.iter().collect();
    map.clear();
    assert!(map.is_empty());
    let mut keys: Vec<u32> = guards.iter().map(|guard| *guard.value()).collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..1000));
}

#[test]
fn an_update_inside_a_shared_value_can_be_lost() {
    // `Cell` stands for any value that is changed through a shared reference and cloned by value.
    #[derive(Debug)]
    struct Inner(Mutex<u32>);
    impl Clone for Inner {
        fn clone(&self) -> Self {
            Self(Mutex::new(*self.0.lock().expect("nobody panicked")))
        }
    }
    let map = ReadDirtyMap::new();
    map.insert((), Inner(Mutex::new(0)));
    let seen_before = map.get(&()).expect("it is there");
    let mut write = map.get_mut(&()).expect("it is there");
    // The first write access clones; what happens to the old value from then on is not seen any more.
    let _ = &mut *write;
    *seen_before.0.lock().expect("nobody panicked") = 7;
    drop(write);
    let value = map.get(&()).expect("it is there");
    assert_eq!(*value.0.lock().expect("nobody panicked"), 0);
    // What is shared by its clones is not lost.
    let map = ReadDirtyMap::new();
    map.insert((), Arc::new(Mutex::new(0)));
    let seen_before = map.get(&()).expect("it is there");
    let mut write = map.get_mut(&()).expect("it is there");
    let _ = &mut *write;
    *seen_before.lock().expect("nobody panicked") = 7;
    drop(write);
    let value = map.get(&()).expect("it is there");
    assert_eq!(*value.lock().expect("nobody panicked"), 7);
}

#[test]
fn a_write_guard_that_is_only_read_clones_nothing() {
    thread_local! {
        static CLONES: Cell<usize> = const { Cell::new(0) };
    }
    struct Value(u32);
    impl Clone for Value {
        fn clone(&self) -> Self {
            CLONES.set(CLONES.get() + 1);
            Self(self.0)
        }
    }
    let map = ReadDirtyMap::new();
    map.insert(1, Value(1));
    let of = |run: &dyn Fn()| {
        CLONES.set(0);
        run();
        CLONES.get()
    };
    assert_eq!(
        of(&|| assert_eq!(map.get(&1).map(|value| value.0), Some(1))),
        0
    );
    assert_eq!(
        of(&|| assert_eq!(map.get_with(&1, |_, value| value.0), Some(1))),
        0
    );
    assert_eq!(
        of(&|| assert_eq!(map.pin().get(&1).map(|value| value.0), Some(1))),
        0
    );
    assert_eq!(
        of(&|| assert_eq!(map.get_mut(&1).map(|value| value.0), Some(1))),
        0
    );
    assert_eq!(of(&|| map.for_each(|_, value| assert_eq!(value.0, 1))), 0);
    assert_eq!(of(&|| assert_eq!(map.iter().count(), 1)), 0);
    assert_eq!(of(&|| map.store(1, Value(2))), 0);
    assert_eq!(of(&|| drop(map.get_or_insert_with(1, || Value(3)))), 0);
    // What comes back, or is changed in place, is a clone.
    assert_eq!(of(&|| assert!(map.insert(1, Value(4)).is_some())), 1);
    assert_eq!(of(&|| map.get_mut(&1).expect("it is there").0 += 1), 1);
    assert_eq!(of(&|| assert!(map.remove(&1).is_some())), 1);
    map.store(1, Value(5));
    assert_eq!(of(&|| assert!(map.delete(&1))), 0);
    assert!(map.is_empty());
}

#[test]
fn the_key_of_a_store_takes_the_place_of_an_equal_one() {
    let map = ReadDirtyMap::new();
    map.insert(Arc::new(1), 1);
    let second = Arc::new(1);
    map.insert(Arc::clone(&second), 2);
    let guard = map.get(&second).expect("it is there");
    assert!(Arc::ptr_eq(guard.key(), &second));
    drop(guard);
    // Where no key was given, the old one is cloned.
    *map.get_mut(&second).expect("it is there") += 1;
    assert!(Arc::ptr_eq(
        map.get(&second).expect("it is there").key(),
        &second
    ));
}

#[test]
fn what_was_removed_may_still_be_shared() {
    let map = ReadDirtyMap::new();
    map.insert(1, Arc::new(1));
    let (_, value) = map.remove(&1).expect("it was there");
    // The map has its own until nobody can be reading it.
    assert!(Arc::try_unwrap(value).is_err());
}

/// A value that counts those that are alive.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(alive))
    }
}

impl Clone for Alive {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn drops_come_late_but_not_later_than_the_map() {
    let alive = Arc::new(AtomicUsize::new(0));
    let map = ReadDirtyMap::new();
    map.insert(1, Alive::new(&alive));
    assert!(map.delete(&1));
    assert_eq!(alive.load(Ordering::Relaxed), 1, "a reader could have it");
    drop(map);
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

#[test]
fn drop_counts_are_exact_whoever_is_around() {
    let alive = Arc::new(AtomicUsize::new(0));
    let bystander = ReadDirtyMap::new();
    bystander.insert(0, 0);
    thread::scope(|scope| {
        // A thread that has used the map and sleeps, with a session and a guard of another map.
        let (park, parked) = std::sync::mpsc::channel::<()>();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let map = Arc::new(ReadDirtyMap::new());
        let theirs = Arc::clone(&map);
        let (alive, bystander) = (&alive, &bystander);
        scope.spawn(move || {
            for key in 0..100 {
                theirs.store(key, Alive::new(alive));
                let session = theirs.pin();
                assert!(session.get(&key).is_some());
            }
            drop(theirs);
            let _session = bystander.pin();
            let _guard = bystander.get(&0);
            ready.send(()).expect("the other waits");
            let _ = parked.recv();
        });
        is_ready.recv().expect("the other sends");
        for key in 0..200 {
            map.store(key, Alive::new(alive));
            map.delete(&(key / 2));
        }
        let map = Arc::into_inner(map).expect("the other has dropped it");
        drop(map);
        assert_eq!(alive.load(Ordering::Relaxed), 0);
        drop(park);
    });
}

/// A value that is changed and removed in one operation is not seen changed.
#[test]
fn what_is_changed_and_removed_is_not_seen_in_between() {
    let map = ReadDirtyMap::new();
    let done = std::sync::atomic::AtomicBool::new(false);
    map.insert(1, 0);
    thread::scope(|scope| {
        let (map, done) = (&map, &done);
        let reader = scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                assert_ne!(map.get_copied(&1), Some(7));
            }
        });
        for round in 0..20_000 {
            let removed = match round % 3 {
                0 => map.remove_if_mut(&1, |_, value| {
                    *value = 7;
                    true
                }),
                1 => match map.entry(1) {
                    map_readdirty::mapref::entry::Entry::Occupied(mut entry) => {
                        *entry.get_mut() = 7;
                        Some(entry.remove_entry())
                    }
                    map_readdirty::mapref::entry::Entry::Vacant(_) => None,
                },
                _ => match map.entry(1) {
                    map_readdirty::mapref::entry::Entry::Occupied(mut entry) => {
                        *entry.get_mut() = 7;
                        Some(entry.replace_entry(0))
                    }
                    map_readdirty::mapref::entry::Entry::Vacant(_) => None,
                },
            };
            assert_eq!(removed, Some((1, 7)));
            map.insert(1, 0);
        }
        done.store(true, Ordering::Relaxed);
        reader.join().expect("it does not panic");
    });
}

/// Two threads store to a key each and then read the other's: one of them sees the other's store, whichever way they
/// read.
#[test]
fn of_two_that_store_and_read_one_sees_the_other() {
    const ROUNDS: u64 = 20_000;
    let builder = ReadDirtyMap::<u64, u64>::builder().shards(64);
    let map = builder.build().expect("64 are not too many");
    for key in 0..32 {
        map.insert(key, 0);
        assert!(map.contains_key(&key));
    }
    for way in 0..3 {
        let steps = [const { std::sync::atomic::AtomicU64::new(0) }; 2];
        let saw = thread::scope(|scope| {
            let (map, steps) = (&map, &steps);
            [0_usize, 1]
                .map(|me| scope.spawn(move || play(map, steps, me, way)))
                .map(|thread| thread.join().expect("it does not panic"))
        });
        for round in 1..=ROUNDS {
            let at = round as usize - 1;
            let stamp = way * ROUNDS + round;
            assert!(
                saw[0][at] == stamp || saw[1][at] == stamp,
                "in round {round}, way {way}, both missed the other's store"
            );
        }
    }

    fn play(
        map: &ReadDirtyMap<u64, u64>,
        steps: &[std::sync::atomic::AtomicU64; 2],
        me: usize,
        way: u64,
    ) -> Vec<u64> {
        let rounds = |read: &dyn Fn(u64) -> Option<u64>| {
            (1..=ROUNDS)
                .map(|round| {
                    steps[me].store(round, Ordering::SeqCst);
                    let mut spins = 0;
                    while steps[1 - me].load(Ordering::SeqCst) < round {
                        spins += 1;
                        if spins % 1000 == 0 {
                            thread::yield_now();
                        }
                    }
                    let pair = round % 16 * 2;
                    map.store(pair + me as u64, way * ROUNDS + round);
                    read(pair + 1 - me as u64).expect("it stays")
                })
                .collect()
        };
        match way {
            0 => rounds(&|key| map.get_copied(&key)),
            1 => {
                let session = map.pin();
                rounds(&|key| session.get(&key).copied())
            }
            _ => map
                .get_with(&31, |_, _| rounds(&|key| map.get_copied(&key)))
                .expect("it stays"),
        }
    }
}

/// How many have looked.
static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// Looks at all of its map when it is dropped, as a value may.
#[derive(Clone)]
struct Nosy(Weak<ReadDirtyMap<u64, Option<Nosy>>>);

impl Drop for Nosy {
    fn drop(&mut self) {
        thread_local! {
            static LOOKING: Cell<bool> = const { Cell::new(false) };
        }
        if let Some(map) = self.0.upgrade()
            && !LOOKING.replace(true)
        {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            for key in 0..40 {
                // With the lock; and it would be dropped within itself.
                map.compute(key, |_| Change::Keep);
            }
            LOOKING.set(false);
        }
    }
}

/// What a shard lets go of while it is split is dropped when neither half is locked.
#[test]
fn values_may_use_the_map_when_they_are_dropped_in_a_split() {
    let mut in_splits = 0;
    for _ in 0..50 {
        let map = ReadDirtyMap::builder().shard_limit(8).build();
        let map = Arc::new(map.expect("8 is not 0"));
        let nosy = || Some(Nosy(Arc::downgrade(&map)));
        let promote = |keys: u64| {
            for _ in 0..20 {
                (0..keys).for_each(|key| drop(map.get(&key)));
            }
        };
        (0..6).for_each(|key| drop(map.insert(key, nosy())));
        promote(6);
        map.get_with(&0, |_, _| {
            // As long as this reads, what is replaced waits: values, and the table.
            for _ in 0..20 {
                (1..6).for_each(|key| drop(map.insert(key, nosy())));
            }
            map.insert(6, None);
            promote(7);
        });
        // Time goes by for it, elsewhere.
        let other: ReadDirtyMap<u64, u64> = ReadDirtyMap::new();
        for round in 0..2_000 {
            other.insert(round % 8, round);
        }
        // Nothing is replaced from here on.
        let before = DROPPED.load(Ordering::Relaxed);
        for key in 7..200 {
            map.insert(key, None);
        }
        assert!(map.shards() > 1);
        in_splits += DROPPED.load(Ordering::Relaxed) - before;
        // And when two halves merge, or look whether they may.
        map.retain(|key, _| *key < 9);
        map.shrink_to_fit();
    }
    assert!(in_splits > 0, "the shards had something to let go of");
}
