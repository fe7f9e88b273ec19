//! Writing a map out while others write to it, and while its own values get in the way.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use map_adaptive::ShardedMap;
use serde::ser::{Error, Serialize, Serializer};

const LONG: Duration = Duration::from_secs(20);

/// Waits for something, but not for ever; whether it came.
fn wait_for(patience: Duration, condition: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() > patience {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Tells the other threads to end, also when this one panics: a test that fails shall not hang.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A value that runs something when it is written.
struct Acts<F>(F);

impl<F: Fn() -> Result<(), &'static str>> Serialize for Acts<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0)().map_err(S::Error::custom)?;
        serializer.serialize_u8(7)
    }
}

/// Whatever others do meanwhile, what was written can be read, by whom it was promised the number
/// of entries too; and the entries that stay are there.
#[test]
fn what_is_written_can_be_read_whatever_others_do() {
    let map = ShardedMap::builder()
        .shard_limit(4)
        .build()
        .expect("a fine map");
    for key in 0..50u64 {
        map.insert(key, key);
    }
    let stop = AtomicBool::new(false);
    let (mut written, mut changed) = (0, 0);
    thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for key in 50..400 {
                    map.insert(key, key);
                }
                for key in 50..400 {
                    map.remove(&key);
                }
                map.shrink_to_fit();
            }
        });
        let check = |read: HashMap<u64, u64>, len: usize| {
            assert_eq!(read.len(), len, "no key is written twice");
            assert!((0..50).all(|key| read.get(&key) == Some(&key)));
            len
        };
        let started = Instant::now();
        let mut sizes = HashMap::new();
        while started.elapsed() < Duration::from_millis(700) {
            let bytes = postcard::to_stdvec(&map).expect("bytes can be written");
            let (read, rest) = postcard::take_from_bytes::<Vec<(u64, u64)>>(&bytes)
                .expect("the number of entries in front is right");
            assert!(rest.is_empty(), "the number of entries in front is right");
            let len = read.len();
            *sizes
                .entry(check(read.into_iter().collect(), len))
                .or_insert(0) += 1;

            let json = serde_json::to_string(&map).expect("JSON can be written");
            let read: HashMap<u64, u64> = serde_json::from_str(&json).expect("it is a map");
            check(read, json.matches(':').count());
            written += 1;
        }
        changed = sizes.len();
    });
    assert!(
        written > 5 && changed > 1,
        "the map did change meanwhile: {written}, {changed}"
    );
}

/// An insert that comes while a binary format is being written waits for its shard's turn: the number that
/// was told stays right. A format without that number lets it through, but for one shard.
#[test]
fn writers_wait_only_where_the_number_of_entries_counts() {
    const NEWCOMERS: u32 = 24;
    for binary in [true, false] {
        let begun = AtomicBool::new(false);
        let arrived = AtomicU32::new(0);
        // Keys are spread over eight shards: most newcomers do not go to the one being written.
        let came = || arrived.load(Ordering::Relaxed) >= NEWCOMERS / 2;
        let act = Acts(|| {
            if !begun.swap(true, Ordering::Relaxed) {
                let patience = if binary {
                    Duration::from_millis(100)
                } else {
                    LONG
                };
                assert_eq!(wait_for(patience, came), !binary);
            }
            Ok(())
        });
        let map = ShardedMap::builder().shards(8).build().expect("a fine map");
        for key in 0..100 {
            map.insert(key, &act);
        }
        thread::scope(|scope| {
            for key in 100..100 + NEWCOMERS {
                let (map, begun, arrived, act) = (&map, &begun, &arrived, &act);
                scope.spawn(move || {
                    assert!(wait_for(LONG, || begun.load(Ordering::Relaxed)));
                    map.insert(key, act);
                    arrived.fetch_add(1, Ordering::Relaxed);
                });
            }
            if binary {
                let bytes = postcard::to_stdvec(&map).expect("bytes can be written");
                let read = postcard::take_from_bytes::<Vec<(u32, u8)>>(&bytes);
                let (read, rest) = read.expect("the number in front is right");
                assert_eq!((read.len(), rest.len()), (100, 0), "a snapshot");
            } else {
                let json = serde_json::to_string(&map).expect("JSON can be written");
                let read: HashMap<u32, u8> = serde_json::from_str(&json).expect("it is a map");
                assert!(read.len() >= 100);
            }
        });
        assert_eq!(map.len(), 100 + NEWCOMERS as usize);
    }
}

/// A map that is empty when it begins to be written may be so no more when it ends. (A serializer that is
/// told of no entries closes the braces at once.)
#[test]
fn nobody_is_told_that_the_map_is_empty() {
    let map = ShardedMap::builder().shards(2).build().expect("a fine map");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                map.insert(1, 1);
                map.remove(&1);
            }
        });
        let mut sizes = [0; 2];
        let started = Instant::now();
        while started.elapsed() < LONG && sizes.iter().any(|times| *times < 200) {
            let json = serde_json::to_string(&map).expect("JSON can be written");
            let read: HashMap<u32, u32> = serde_json::from_str(&json).expect("it is a map");
            sizes[read.len()] += 1;
        }
        assert!(sizes.iter().all(|times| *times >= 200), "{sizes:?}");
    });
}

/// Writes a map to JSON and to bytes; what went wrong, if it did.
fn write<V: Serialize>(map: &ShardedMap<u32, V>) -> [Option<String>; 2] {
    [
        serde_json::to_string(map).err().map(|e| e.to_string()),
        postcard::to_stdvec(map).err().map(|e| e.to_string()),
    ]
}

/// No lock is left behind: each shard can be locked for writing.
fn assert_unlocked<V>(map: &ShardedMap<u32, V>) {
    for key in 0..100 {
        assert!(!map.try_get_mut(&key).is_locked(), "{key}");
    }
}

/// An error in the middle is handed on, and leaves nothing locked; a panic likewise.
#[test]
fn errors_and_panics_leave_nothing_locked() {
    for panics in [false, true] {
        let left = AtomicU32::new(u32::MAX);
        let act = Acts(|| match left.fetch_sub(1, Ordering::Relaxed) {
            0 if panics => panic!("asked to"),
            0 => Err("asked to fail"),
            _ => Ok(()),
        });
        let map = ShardedMap::builder().shards(8).build().expect("a fine map");
        for key in 0..100 {
            map.insert(key, &act);
        }
        for fatal in [0, 50, 99] {
            left.store(fatal, Ordering::Relaxed);
            let json = catch_unwind(AssertUnwindSafe(|| serde_json::to_string(&map)));
            assert!(
                json.as_ref()
                    .map_or(panics, |json| !panics && json.is_err())
            );
            assert_unlocked(&map);
            left.store(fatal, Ordering::Relaxed);
            let bytes = catch_unwind(AssertUnwindSafe(|| postcard::to_stdvec(&map)));
            assert!(
                bytes
                    .as_ref()
                    .map_or(panics, |bytes| !panics && bytes.is_err())
            );
            assert_unlocked(&map);
        }
        left.store(u32::MAX, Ordering::Relaxed);
        assert_eq!(write(&map), [None, None], "the twin: nothing fails");
    }
}

/// A value may read the map that is being written, also while a writer waits for it.
#[test]
fn values_may_read_their_map() {
    static MAP: LazyLock<ShardedMap<u32, Reads>> = LazyLock::new(ShardedMap::new);
    struct Reads(u32);

    impl Serialize for Reads {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let successor = MAP.get_with(&((self.0 + 1) % 100), |_, next| next.0);
            serializer.serialize_some(&successor)
        }
    }

    for key in 0..100 {
        MAP.insert(key, Reads(key));
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                MAP.insert(0, Reads(0));
            }
        });
        for _ in 0..20 {
            assert_eq!(write(&MAP), [None, None]);
        }
    });
}

/// A value that writes to the map that is being written would wait for itself: a debug build says so.
#[cfg(debug_assertions)]
#[test]
fn values_that_write_to_their_map_are_reported() {
    static MAP: LazyLock<ShardedMap<u32, Writes>> = LazyLock::new(ShardedMap::new);
    struct Writes;

    impl Serialize for Writes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            MAP.insert(1, Writes);
            serializer.serialize_unit()
        }
    }

    MAP.insert(1, Writes);
    let panic = catch_unwind(AssertUnwindSafe(|| write(&MAP))).expect_err("a deadlock");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.contains("deadlock"), "{message}");
    assert!(
        message.contains("while_writing.rs"),
        "it names the place: {message}"
    );
    assert_unlocked(&MAP);
}
