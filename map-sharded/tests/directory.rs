//! The directory under real threads and hostile hashers: limits hold, shards split and merge, nothing
//! is lost.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use map_sharded::ShardedMap;

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "allocators are unsafe")]
// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.set(BYTES.get() + layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<R>(run: impl FnOnce() -> R) -> (R, usize, usize) {
    let before = (ALLOCATIONS.get(), BYTES.get());
    let result = run();
    let after = (ALLOCATIONS.get(), BYTES.get());
    (result, after.0 - before.0, after.1 - before.1)
}

/// A hasher of numbers that goes through a function.
#[derive(Clone)]
struct By(fn(u64) -> u64);

struct ByHasher(u64, fn(u64) -> u64);

impl BuildHasher for By {
    type Hasher = ByHasher;
    fn build_hasher(&self) -> ByHasher {
        ByHasher(0, self.0)
    }
}

impl Hasher for ByHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are numbers")
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
    fn finish(&self) -> u64 {
        (self.1)(self.0)
    }
}

#[test]
fn an_empty_map_allocates_nothing() {
    let (map, count, _) = allocations(ShardedMap::<u64, u64>::new);
    assert_eq!(count, 0);
    // Debug builds note who holds which lock, which allocates.
    if !cfg!(debug_assertions) {
        let (found, count, _) = allocations(|| (map.get_copied(&1), map.remove(&1), map.len()));
        assert_eq!((found, count), ((None, None, 0), 0));
    }
    let ((), count, _) = allocations(|| {
        map.insert(1, 1);
    });
    assert_ne!(count, 0, "the twin: the first entry allocates");
}

#[test]
fn a_map_of_one_shard_is_small() {
    // One cache line for the shard, two for the rest.
    let entries = size_of::<map_sharded::Entries<u64, u64>>();
    // Of those, so much.
    assert_eq!(
        entries,
        2 * size_of::<usize>() + 8,
        "a word too many and there is a line more"
    );
    assert_eq!(align_of::<ShardedMap<u64, u64, By>>(), 64);
    assert!(size_of::<ShardedMap<u64, u64, By>>() <= 256);
}

/// Keys that share their hash cannot be split apart: the map stays small and works.
#[test]
fn keys_of_one_hash_do_not_blow_up_the_directory() {
    for constant in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
        let functions: [fn(u64) -> u64; 4] =
            [|_| 0, |_| 1, |_| u64::MAX, |_| 0x1234_5678_9abc_def0];
        for function in functions.into_iter().filter(|f| f(0) == constant) {
            let map = ShardedMap::builder()
                .hasher(By(function))
                .shard_limit(4)
                .build()
                .expect("a fine map");
            let ((), _, bytes) = allocations(|| {
                for key in 0..500u64 {
                    assert_eq!(map.insert(key, key), None);
                }
            });
            assert!(map.shards() <= 6, "{} shards", map.shards());
            // 500 entries of 16 bytes, doubling; a directory of 2^25 places would show. Debug
            // builds allocate for each lock that is taken.
            assert!(cfg!(debug_assertions) || bytes < 200_000, "{bytes} bytes");
            for key in 0..500 {
                assert_eq!(map.get_copied(&key), Some(key));
            }
            assert_eq!(map.len(), 500);
        }
    }
}

/// Half of the keys share a hash, the others spread: the lineage of the former is not split
/// further than the directory may grow, the latter are not held back.
#[test]
fn skewed_keys_do_not_blow_up_the_directory() {
    let map = ShardedMap::builder()
        .hasher(By(|key| if key % 2 == 0 { 0 } else { key }))
        .shard_limit(8)
        .build()
        .expect("a fine map");
    let ((), _, bytes) = allocations(|| {
        for key in 0..4000u64 {
            assert_eq!(map.insert(key, key), None);
        }
    });
    assert!((50..2000).contains(&map.shards()), "{}", map.shards());
    assert!(cfg!(debug_assertions) || bytes < 4_000_000, "{bytes} bytes");
    let mut met = Vec::new();
    map.for_each(|key, _| met.push(*key));
    met.sort_unstable();
    assert!(met.into_iter().eq(0..4000));
}

#[test]
fn shards_merge_again() {
    let fill = |map: &ShardedMap<u64, u64>| {
        for key in 0..20_000 {
            map.insert(key, key);
        }
        assert!(map.shards() > 16, "{}", map.shards());
    };
    let map = ShardedMap::new();
    fill(&map);
    map.clear();
    assert_eq!((map.shards(), map.len(), map.capacity()), (1, 0, 0));

    fill(&map);
    map.retain(|key, _| *key < 10);
    assert!(map.shards() > 16, "retain alone merges nothing");
    map.shrink_to_fit();
    assert_eq!((map.shards(), map.len()), (1, 10));
    assert!(map.capacity() < 30, "{}", map.capacity());
    fill(&map);
    assert_eq!(map.len(), 20_000);
}

/// With less than 64 shards the limit of each is a sixteenth.
#[test]
fn no_merger_is_above_the_limit_that_comes_with_it() {
    let builder = ShardedMap::<u64, u64>::builder().shard_limit(56).shards(64);
    let map = builder.build().expect("a fine map");
    for key in 0..1200 {
        map.insert(key, key);
    }
    assert_eq!(map.shards(), 64);
    map.shrink_to_fit();
    assert_eq!(map.shards(), 64, "two shards have some 38 entries together");
    map.retain(|key, _| *key < 120);
    map.shrink_to_fit();
    let shards = map.shards();
    assert!(shards < 64, "two shards have some 4 entries together");
    for key in 120..130 {
        map.insert(key, key);
    }
    assert_eq!(
        map.shards(),
        shards,
        "mergers have seven entries at most, of fourteen that fit"
    );
}

#[test]
fn odd_limits_and_capacities() {
    let build = |limit, capacity| {
        let builder = ShardedMap::<u64, ()>::builder().shard_limit(limit);
        builder.capacity(capacity).build()
    };
    for limit in [1, 2, 3, 4, 5, 7, 8, 1000, usize::MAX] {
        for capacity in [0, 1, 2, 3, 4, 5, 63, 64, 65, 1000] {
            let map = build(limit, capacity).expect("a fine map");
            assert!(
                map.shards() <= 2 * capacity.max(1),
                "limit {limit}, capacity {capacity}: {} shards",
                map.shards()
            );
            for key in 0..200 {
                map.insert(key, ());
            }
            assert_eq!(map.len(), 200);
        }
    }
    // More than can be addressed; and, where addresses are long, than any machine has.
    let addressed = if usize::BITS > 32 { &[9, 14][..] } else { &[] };
    for less in [0, 1, 3].iter().chain(addressed) {
        let capacity = usize::MAX >> less;
        assert!(build(1, capacity).is_err(), "capacity {capacity}");
        assert!(build(500, capacity).is_err(), "capacity {capacity}");
        let map = ShardedMap::<u64, u64>::new();
        assert!(map.try_reserve(capacity).is_err(), "capacity {capacity}");
        assert_eq!(map.shards(), 1, "nothing was made that is not needed");
    }
}

/// Neither entries without a size nor large ones are special.
#[test]
fn entries_of_odd_sizes() {
    let map = ShardedMap::new();
    assert_eq!(map.insert((), ()), None);
    assert_eq!(map.insert((), ()), Some(()));
    assert_eq!((map.len(), map.iter().count()), (1, 1));
    assert!(map.try_reserve(usize::MAX / 2).is_err());
    map.clear();
    assert!(map.is_empty());

    let map = ShardedMap::new();
    for key in 0..100u8 {
        assert!(map.insert(key, [key; 10_000]).is_none());
    }
    assert!(map.shards() > 2, "{}", map.shards());
    assert!((0..100).all(|key| map.get(&key).is_some_and(|value| value[9_999] == key)));
}

/// A thread that is interrupted while it holds the lock is in the others' way.
fn hammer(map: &ShardedMap<u64, u64>, key: impl Fn(u64) -> u64 + Sync, until: impl Fn() -> bool) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2 {
            let (stop, key) = (&stop, &key);
            scope.spawn(move || {
                let mut i = thread;
                while !stop.load(Ordering::Relaxed) {
                    i += 2;
                    map.compute(key(i), |_| {
                        // As on a machine with few cores.
                        thread::yield_now();
                        map_core::Change::Set(i)
                    });
                }
            });
        }
        while !until() {
            thread::sleep(Duration::from_millis(1));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_contended_map_splits() {
    let map = ShardedMap::new();
    let started = Instant::now();
    hammer(
        &map,
        |i| i % 64,
        || map.shards() > 1 || started.elapsed() > Duration::from_secs(60),
    );
    assert!(map.shards() > 1, "not in a minute");
    assert!(map.len() <= 64);
}

/// A half gets half of the room, if that is enough.
#[test]
fn splits_for_contention_take_hardly_more_room() {
    let mut map = ShardedMap::with_capacity(100);
    map.extend((0..40).map(|key| (key, 0)));
    assert_eq!(map.shards(), 1);
    let before = map.capacity();
    let started = Instant::now();
    hammer(
        &map,
        |i| i % 40,
        || map.shards() >= 4 || started.elapsed() > Duration::from_secs(60),
    );
    assert!(map.shards() >= 4, "not in a minute");
    let after = map.capacity();
    assert!(after <= 2 * before, "{after} in {} shards", map.shards());
    assert!((0..40).all(|key| map.contains_key(&key)) && map.len() == 40);
}

#[test]
fn a_hot_key_does_not_split_for_ever() {
    let map = ShardedMap::new();
    let started = Instant::now();
    hammer(&map, |_| 1, || started.elapsed() > Duration::from_secs(2));
    assert!(map.shards() <= 6, "{} shards", map.shards());
}

static COMPARISONS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
struct Counted(u64);

impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        COMPARISONS.fetch_add(1, Ordering::Relaxed);
        self.0 == other.0
    }
}

impl Eq for Counted {}

#[test]
fn shards_are_larger_again_in_a_large_map() {
    let builder = ShardedMap::<u64, u64>::builder();
    let map = builder.shard_limit(14).build().expect("a fine map");
    for key in 0..40_000 {
        map.insert(key, key);
    }
    // With 56 entries at most, as before there were 256 shards, there would be twice as many.
    let shards = map.shards();
    assert!((400..640).contains(&shards), "{shards}");
}

/// The bits that pick a shard are not those that tell its entries apart.
#[test]
fn a_miss_compares_hardly_any_keys() {
    const ENTRIES: u64 = 4096 * 50;
    let map = ShardedMap::builder()
        .shards(4096)
        .build()
        .expect("a fine map");
    for key in 0..ENTRIES {
        map.insert(Counted(key), ());
    }
    assert_eq!(map.shards(), 4096);
    COMPARISONS.store(0, Ordering::Relaxed);
    for key in ENTRIES..2 * ENTRIES {
        assert!(!map.contains_key(&Counted(key)));
    }
    let per_miss = COMPARISONS.load(Ordering::Relaxed) as f64 / ENTRIES as f64;
    println!("{per_miss} comparisons a miss");
    // A group of 16 is four fifths full, and one of 128 tags is that of the key: 0.098, and a little more or less by the hasher's seed.
    // Were the tag among the bits that pick the shard, it were a dozen.
    assert!(per_miss < 0.2, "{per_miss} comparisons a miss");
    for key in 0..ENTRIES {
        assert!(map.contains_key(&Counted(key)));
    }
    assert!(
        COMPARISONS.load(Ordering::Relaxed) >= ENTRIES,
        "the twin: hits compare"
    );
}

/// Splits and merges under everybody's feet: what stays is always found, and met once by walks.
#[test]
fn nothing_is_lost_while_shards_come_and_go() {
    const STAY: u64 = 50;
    let map = ShardedMap::builder()
        .shard_limit(4)
        .build()
        .expect("a fine map");
    for key in 0..STAY {
        map.insert(key, key);
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let started = Instant::now();
            while started.elapsed() < Duration::from_millis(700) {
                for key in STAY..500 {
                    map.insert(key, key);
                }
                map.retain(|key, _| *key < STAY);
                map.shrink_to_fit();
            }
            stop.store(true, Ordering::Relaxed);
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for key in 0..STAY {
                    assert_eq!(map.get_copied(&key), Some(key));
                }
                assert!(!map.is_empty());
            }
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let mut met = vec![0; 500];
                map.for_each(|key, _| met[*key as usize] += 1);
                assert!(met[..STAY as usize].iter().all(|times| *times == 1));
                assert!(met.iter().all(|times| *times <= 1));
                let mut met = vec![0; 500];
                for entry in &map {
                    met[*entry.key() as usize] += 1;
                }
                assert!(met[..STAY as usize].iter().all(|times| *times == 1));
                assert!(met.iter().all(|times| *times <= 1));
            }
        });
    });
    assert_eq!(map.len(), STAY as usize);
}
