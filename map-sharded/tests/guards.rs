//! What guards promise, beyond what the types already say.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use map_core::Equivalent;
use map_sharded::ShardedMap;

/// A read guard that went to another thread stands in nobody's way for ever: the thread that made
/// it waits, and is not told that it waits for itself.
#[test]
fn a_guard_sent_away_is_waited_for() {
    let map = ShardedMap::new();
    map.insert(1, 1);
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        scope.spawn(move || {
            let guard = receive.recv().expect("the guard is sent");
            thread::sleep(Duration::from_millis(50));
            drop(guard);
        });
        let guard = map.get(&1).expect("inserted above");
        send.send(guard).expect("the other thread receives it");
        assert_eq!(map.insert(1, 2), Some(1));
    });
}

/// Its passing twin: the thread that keeps its guard is told so, in a debug build.
#[cfg(debug_assertions)]
#[test]
fn a_guard_kept_is_reported() {
    let map = ShardedMap::new();
    map.insert(1, 1);
    let guard = map.get(&1).expect("inserted above");
    let panic = catch_unwind(AssertUnwindSafe(|| map.insert(1, 2))).expect_err("a deadlock");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.contains("deadlock"), "{message}");
    drop(guard);
    assert_eq!(map.insert(1, 2), Some(1));
}

static HOSTILE: LazyLock<ShardedMap<Hostile, ()>> = LazyLock::new(ShardedMap::new);
static DROPPED: AtomicU32 = AtomicU32::new(0);
static DROPPED_LOCKED: AtomicU32 = AtomicU32::new(0);

/// A key whose comparison panics on request, and whose drop looks whether the map is locked.
#[derive(Debug)]
struct Hostile {
    id: u64,
    panics: bool,
}

/// Finds a [`Hostile`], and does not panic.
#[derive(Hash)]
struct Probe(u64);

impl Equivalent<Hostile> for Probe {
    fn equivalent(&self, key: &Hostile) -> bool {
        self.0 == key.id
    }
}

impl Hash for Hostile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Probe(self.id).hash(state);
    }
}

impl PartialEq for Hostile {
    fn eq(&self, other: &Self) -> bool {
        assert!(!self.panics, "asked to panic");
        self.id == other.id
    }
}

impl Eq for Hostile {}

impl Drop for Hostile {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        if HOSTILE.try_get(&Probe(self.id)).is_locked() {
            DROPPED_LOCKED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Where `Eq` panics in `entry`, or the closure in `alter`, the key is dropped after its shard is unlocked.
#[test]
fn a_key_is_dropped_unlocked_after_a_panic() {
    let key = |panics| Hostile { id: 1, panics };
    HOSTILE.insert(key(false), ());
    let entry = catch_unwind(AssertUnwindSafe(|| drop(HOSTILE.entry(key(true)))));
    assert!(entry.is_err());
    let entry = catch_unwind(AssertUnwindSafe(|| drop(HOSTILE.try_entry(key(true)))));
    assert!(entry.is_err());
    assert_eq!(DROPPED.load(Ordering::Relaxed), 2);
    // So is the key of an entry that a closure has lost.
    let altered = catch_unwind(AssertUnwindSafe(|| {
        HOSTILE.alter(&Probe(1), |_, ()| panic!("lost"))
    }));
    assert!(altered.is_err());
    assert_eq!(DROPPED.load(Ordering::Relaxed), 3);
    assert_eq!(DROPPED_LOCKED.load(Ordering::Relaxed), 0);
    HOSTILE.insert(key(false), ());
    // The twin: a drop under the lock would have been noticed.
    let guard = HOSTILE.get_mut(&Probe(1));
    drop(key(false));
    drop(guard);
    assert_eq!(DROPPED_LOCKED.load(Ordering::Relaxed), 1);
}

/// Key and part of a write guard may be asked for in any order. (What it is about shows under
/// Miri: a reference to the whole entry would end the guard's claim on its part.)
#[test]
fn key_and_part_do_not_get_in_each_others_way() {
    let map = ShardedMap::new();
    map.insert(String::from("key"), (1, String::from("a")));
    let guard = map.get_mut("key").expect("inserted above");
    let mut part = guard.map(|value| &mut value.1);
    part.push('b');
    assert_eq!(part.key(), "key");
    part.push('c');
    assert_eq!(part.pair(), (&String::from("key"), &String::from("abc")));
    part.push('d');
    drop(part);
    assert_eq!(map.get("key").map(|v| v.1.clone()).as_deref(), Some("abcd"));
}

/// Guards of one shard may be used and dropped by several threads at once.
#[test]
fn write_guards_of_a_shard_on_several_threads() {
    const THREADS: usize = 4;
    let map: ShardedMap<u64, u64> = (0..100).map(|key| (key, 0)).collect();
    for _ in 0..100 {
        let mut hands: [Vec<_>; THREADS] = Default::default();
        for (index, guard) in map.iter_mut().enumerate() {
            hands[index % THREADS].push(guard);
        }
        thread::scope(|scope| {
            for hand in hands {
                scope.spawn(move || {
                    for mut guard in hand {
                        let before = *guard;
                        thread::yield_now();
                        *guard += 1;
                        assert_eq!(*guard, before + 1);
                    }
                });
            }
        });
    }
    assert!(map.iter().all(|value| *value == 100));
}
