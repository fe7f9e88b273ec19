//! What the tests of Go's `sync.Map` ask for, asked of this map under each policy.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use map_core::{Change, Map};
use map_readdirty::ReadDirty;
use map_readdirty::promotion::{Amortized, Fill, Plain, Promotion};

type Of<P, K, V> = Map<K, V, ReadDirty<P>>;

/// Runs a test under every policy, as maps come and with tiny shards.
macro_rules! under_every_policy {
    ($($test:ident),+ $(,)?) => {
        mod fill {
            $(#[test]
            fn $test() {
                super::$test::<super::Fill>();
            })+
        }
        mod amortized {
            $(#[test]
            fn $test() {
                super::$test::<super::Amortized>();
            })+
        }
        mod plain {
            $(#[test]
            fn $test() {
                super::$test::<super::Plain>();
            })+
        }
    };
}

under_every_policy!(
    agrees_with_other_maps,
    concurrent_range,
    fresh_keys_are_freed,
    nested_calls_in_range,
    concurrent_clear,
    comparisons_exclude_each_other,
    counts_are_exact,
    nothing_is_lost_while_growing_and_clearing,
    promotion_between_delete_and_load_or_store,
);

fn maps<P: Promotion, K: Eq + std::hash::Hash + Clone, V: Clone>() -> [Of<P, K, V>; 2] {
    let tiny = Map::builder().shard_limit(7).build();
    [Map::new(), tiny.expect("7 is not 0")]
}

/// One call of the interface.
#[derive(Clone, Copy, Debug)]
enum Call {
    Load(u8),
    Store(u8, u32),
    LoadOrStore(u8, u32),
    LoadAndDelete(u8),
    Delete(u8),
    Swap(u8, u32),
    CompareAndSwap(u8, u32, u32),
    CompareAndDelete(u8, u32),
    Clear,
}

impl Call {
    fn any(random: &mut fastrand::Rng) -> Self {
        let (key, value) = (random.u8(..32), random.u32(..4));
        match random.u32(..64) {
            0 => Self::Clear,
            choice => match choice % 8 {
                0 => Self::Load(key),
                1 => Self::Store(key, value),
                2 => Self::LoadOrStore(key, value),
                3 => Self::LoadAndDelete(key),
                4 => Self::Delete(key),
                5 => Self::Swap(key, value),
                6 => Self::CompareAndSwap(key, value, random.u32(..4)),
                _ => Self::CompareAndDelete(key, value),
            },
        }
    }

    /// Applies it to a plain map; says what came back.
    fn apply(self, map: &mut HashMap<u8, u32>) -> (Option<u32>, bool) {
        match self {
            Self::Load(key) => (map.get(&key).copied(), map.contains_key(&key)),
            Self::Store(key, value) => {
                map.insert(key, value);
                (None, false)
            }
            Self::LoadOrStore(key, value) => {
                let loaded = map.contains_key(&key);
                (Some(*map.entry(key).or_insert(value)), loaded)
            }
            Self::LoadAndDelete(key) => {
                let old = map.remove(&key);
                (old, old.is_some())
            }
            Self::Delete(key) => (None, map.remove(&key).is_some()),
            Self::Swap(key, value) => {
                let old = map.insert(key, value);
                (old, old.is_some())
            }
            Self::CompareAndSwap(key, old, new) => {
                let swapped = map.get(&key) == Some(&old);
                if swapped {
                    map.insert(key, new);
                }
                (None, swapped)
            }
            Self::CompareAndDelete(key, old) => {
                let deleted = map.get(&key) == Some(&old);
                if deleted {
                    map.remove(&key);
                }
                (None, deleted)
            }
            Self::Clear => {
                map.clear();
                (None, false)
            }
        }
    }

    /// The same, under the names of this family.
    fn apply_to<P: Promotion>(self, map: &Of<P, u8, u32>) -> (Option<u32>, bool) {
        match self {
            Self::Load(key) => {
                let value = map.get(&key).map(|value| *value);
                (value, map.contains_key(&key))
            }
            Self::Store(key, value) => {
                map.store(key, value);
                (None, false)
            }
            Self::LoadOrStore(key, value) => {
                let mut loaded = true;
                let actual = map.get_or_insert_with(key, || {
                    loaded = false;
                    value
                });
                (Some(*actual), loaded)
            }
            Self::LoadAndDelete(key) => {
                let old = map.remove(&key).map(|(_, old)| old);
                (old, old.is_some())
            }
            Self::Delete(key) => (None, map.delete(&key)),
            Self::Swap(key, value) => {
                let old = map.swap(key, value);
                (old, old.is_some())
            }
            Self::CompareAndSwap(key, old, new) => {
                (None, map.compare_exchange(&key, &old, new).is_ok())
            }
            Self::CompareAndDelete(key, old) => (None, map.compare_remove(&key, &old).is_some()),
            Self::Clear => {
                map.clear();
                (None, false)
            }
        }
    }
}

/// The other maps: one under a lock, and one that is copied for every write.
#[derive(Default)]
struct Others {
    locked: RwLock<HashMap<u8, u32>>,
    copied: Mutex<Arc<HashMap<u8, u32>>>,
}

impl Others {
    fn apply(&self, call: Call) -> (Option<u32>, bool) {
        let locked = call.apply(&mut self.locked.write().expect("nobody panicked"));
        let mut current = self.copied.lock().expect("nobody panicked");
        let mut copy = HashMap::clone(&current);
        let copied = call.apply(&mut copy);
        *current = Arc::new(copy);
        assert_eq!(locked, copied, "the two agree on {call:?}");
        locked
    }
}

fn agrees_with_other_maps<P: Promotion>() {
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        let others = Others::default();
        for map in maps::<P, u8, u32>() {
            let expected_before: HashMap<u8, u32> =
                others.locked.read().expect("nobody panicked").clone();
            for (key, value) in expected_before {
                map.store(key, value);
            }
            for step in 0..400 {
                let call = Call::any(&mut random);
                assert_eq!(
                    call.apply_to(&map),
                    others.apply(call),
                    "{call:?}, step {step} of seed {seed}"
                );
            }
            let mut seen = HashMap::new();
            map.for_each(|&key, &value| assert_eq!(seen.insert(key, value), None, "twice"));
            assert_eq!(seen, *others.locked.read().expect("nobody panicked"));
        }
    }
}

/// Values are multiples of their keys, whoever stored them last: a torn one would not be.
fn concurrent_range<P: Promotion>() {
    const KEYS: u64 = 512;
    for map in maps::<P, u64, [u64; 3]>() {
        for key in 1..=KEYS {
            map.store(key, [key; 3]);
        }
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for seed in 0..2 {
                let (map, stop) = (&map, &stop);
                scope.spawn(move || {
                    let mut random = fastrand::Rng::with_seed(seed);
                    while !stop.load(Ordering::Relaxed) {
                        let key = random.u64(1..=KEYS);
                        map.store(key, [key * random.u64(1..1000); 3]);
                        // Keys that come and go, so that tables grow, split and are swept meanwhile.
                        let passing = KEYS + random.u64(1..=64);
                        map.store(passing, [passing; 3]);
                        map.delete(&passing);
                        let _ = map.get(&key);
                    }
                });
            }
            for _ in 0..60 {
                let mut seen = HashSet::new();
                map.for_each(|&key, value| {
                    assert!(
                        value
                            .iter()
                            .all(|part| part % key == 0 && part == &value[0])
                    );
                    assert!(seen.insert(key), "{key} was seen twice");
                });
                assert!((1..=KEYS).all(|key| seen.contains(&key)), "one was missed");
                let items: Vec<u64> = map.iter().map(|item| *item.key()).collect();
                let distinct: HashSet<_> = items.iter().copied().collect();
                assert_eq!(items.len(), distinct.len());
                assert!((1..=KEYS).all(|key| distinct.contains(&key)));
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}

/// A value that counts how many of its kind are alive.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(alive))
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Keys that nobody reads are freed all the same.
fn fresh_keys_are_freed<P: Promotion>() {
    for map in maps::<P, u64, Counted>() {
        let alive = Arc::new(AtomicUsize::new(0));
        let replace = |key| {
            map.store(key, Counted::new(&alive));
            assert!(map.delete(&key));
        };
        let mut keys = 0..;
        keys.by_ref().take(100_000).for_each(replace);
        // Many may be left if a thread of another test was interrupted in the midst of a read; but not for long.
        let late = Instant::now() + Duration::from_secs(20);
        while alive.load(Ordering::Relaxed) > 4_000 {
            assert!(Instant::now() < late, "they are not freed");
            keys.by_ref().take(1_000).for_each(replace);
            thread::yield_now();
        }
        assert!(map.is_empty());
        map.clear();
        drop(map);
        assert_eq!(alive.load(Ordering::Relaxed), 0);
    }
}

/// The callback may call any method.
fn nested_calls_in_range<P: Promotion>() {
    for map in maps::<P, i32, String>() {
        for key in 0..100 {
            map.store(key, key.to_string());
        }
        let mut outer = 0;
        map.for_each(|&key, value| {
            outer += 1;
            // It may have changed since it was picked up.
            assert!(
                map.get_cloned(&key)
                    .is_some_and(|now| now.starts_with(value))
            );
            let mut inner = 0;
            map.for_each(|_, _| inner += 1);
            assert!(inner >= 1);
            map.store(key, format!("{key}{key}"));
            assert_eq!(*map.get_or_insert_with(1000 + key, || "new".into()), "new");
            assert!(map.delete(&(1000 + key)));
            if key % 2 == 1 {
                assert!(map.delete(&key));
            }
            *map.get_mut(&((key + 1) / 2 * 2 % 100))
                .expect("even keys stay") += "x";
        });
        assert!(outer >= 100, "only {outer} were seen");
        assert_eq!(map.len(), 50);
        map.for_each(|_, _| map.clear());
        assert!(map.is_empty());
    }
}

fn concurrent_clear<P: Promotion>() {
    for map in maps::<P, u64, u64>() {
        let map = &map;
        thread::scope(|scope| {
            for thread in 0..3 {
                scope.spawn(move || {
                    for round in 0..3_000 {
                        match (round + thread) % 3 {
                            0 => map.store(round % 97, round),
                            1 => drop(map.get(&(round % 97))),
                            _ => map.clear(),
                        }
                    }
                });
            }
        });
        map.clear();
        map.for_each(|key, _| panic!("{key} is still there"));
        assert_eq!(map.len(), 0);
    }
}

/// Of one that replaces and one that removes the same value, one succeeds.
fn comparisons_exclude_each_other<P: Promotion>() {
    for map in maps::<P, u8, u64>() {
        let start = Barrier::new(2);
        let wins = AtomicU64::new(0);
        thread::scope(|scope| {
            for remover in [false, true] {
                let (map, start, wins) = (&map, &start, &wins);
                scope.spawn(move || {
                    for round in 0..2_000_u64 {
                        if remover {
                            map.store(7, round);
                        }
                        start.wait();
                        let won = if remover {
                            map.compare_remove(&7, &round).is_some()
                        } else {
                            map.compare_exchange(&7, &round, u64::MAX).is_ok()
                        };
                        wins.fetch_add(u64::from(won), Ordering::Relaxed);
                        start.wait();
                        assert_eq!(wins.load(Ordering::Relaxed), round + 1, "in round {round}");
                        start.wait();
                    }
                });
            }
        });
    }
}

fn counts_are_exact<P: Promotion>() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 5_000;
    for map in maps::<P, u64, u64>() {
        let runs = AtomicU64::new(0);
        thread::scope(|scope| {
            for seed in 0..THREADS {
                let (map, runs) = (&map, &runs);
                scope.spawn(move || {
                    let mut random = fastrand::Rng::with_seed(seed);
                    for _ in 0..ROUNDS {
                        map.compute(random.u64(..16), |count| {
                            runs.fetch_add(1, Ordering::Relaxed);
                            Change::Set(count.copied().unwrap_or(0) + 1)
                        });
                        let _ = map.get(&random.u64(..16));
                    }
                });
            }
        });
        let mut sum = 0;
        map.for_each(|_, count| sum += count);
        assert_eq!(sum, THREADS * ROUNDS);
        assert_eq!(runs.into_inner(), THREADS * ROUNDS, "closures run once");
    }
}

/// Every key that was stored and not cleared is there: counted by what `clear` can take.
fn nothing_is_lost_while_growing_and_clearing<P: Promotion>() {
    for map in maps::<P, u64, u64>() {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let (map, done) = (&map, &done);
            let growers: Vec<_> = (0..2)
                .map(|thread| {
                    scope.spawn(move || {
                        for round in 0..20_000_u64 {
                            let key = round << 1 | thread;
                            map.store(key, key);
                            // Others clear, so it may be gone; but never be something else.
                            assert!(map.get_copied(&key).is_none_or(|value| value == key));
                        }
                    })
                })
                .collect();
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    map.clear();
                    thread::yield_now();
                }
            });
            for grower in growers {
                grower.join().expect("it does not panic");
            }
            done.store(true, Ordering::Relaxed);
        });
        map.clear();
        for key in 0..1_000 {
            map.store(key, key);
        }
        assert_eq!(map.len(), 1_000);
        assert!((0..1_000).all(|key| map.get_copied(&key) == Some(key)));
    }
}

/// A key is deleted and stored again while reads that miss promote the dirty table: it is not lost, and its
/// closure runs once.
fn promotion_between_delete_and_load_or_store<P: Promotion>() {
    const ROUNDS: u64 = 3_000;
    for map in maps::<P, u64, u64>() {
        for key in 0..4 {
            map.store(key, 0);
        }
        let start = Barrier::new(3);
        let made = AtomicU64::new(0);
        thread::scope(|scope| {
            let (map, start, made) = (&map, &start, &made);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    start.wait();
                    map.delete(&0);
                    map.store(100 + round, round);
                    map.delete(&(100 + round));
                    start.wait();
                }
            });
            scope.spawn(move || {
                for round in 1..=ROUNDS {
                    start.wait();
                    let actual = map.get_or_insert_with(0, || {
                        made.fetch_add(1, Ordering::Relaxed);
                        round
                    });
                    assert!(*actual <= round);
                    drop(actual);
                    start.wait();
                    // The other may have deleted it after us.
                    drop(map.get_or_insert_with(0, || {
                        made.fetch_add(1, Ordering::Relaxed);
                        round
                    }));
                }
            });
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    start.wait();
                    for miss in 0..8 {
                        assert_eq!(map.get_copied(&(1_000_000 + miss)), None);
                        assert_eq!(map.get_copied(&(1 + miss % 3)), Some(0), "lost");
                    }
                    start.wait();
                }
            });
        });
        assert!(map.contains_key(&0));
        assert_eq!(map.len(), 4);
        // One of the two calls of a round stored, not both: the delete came before or between them.
        assert!(made.load(Ordering::Relaxed) <= ROUNDS);
    }
}
