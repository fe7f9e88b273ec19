//! What the map allocates, keeps, and gives back. One test at a time: they look at the memory of the process.

mod counting;

use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use counting::{allocations, live};
use map_core::{Change, Map};
use map_readdirty::promotion::Plain;
use map_readdirty::{ReadDirty, ReadDirtyMap};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A published map, on a thread that has read it.
fn filled(keys: u64) -> ReadDirtyMap<u64, u64> {
    let map: ReadDirtyMap<u64, u64> = (0..keys).map(|key| (key, key)).collect();
    for key in 0..keys {
        assert!(map.get(&key).is_some());
    }
    let _ = map.pin().get(&0);
    map
}

#[test]
fn reads_allocate_nothing() {
    let _alone = alone();
    let map = filled(1000);
    let reads = || {
        for key in 0..2000 {
            assert_eq!(map.get(&key).is_some(), key < 1000);
            assert_eq!(map.get_copied(&key).is_some(), key < 1000);
            assert_eq!(map.contains_key(&key), key < 1000);
            assert_eq!(map.pin().get(&key).is_some(), key < 1000);
        }
        assert_eq!((map.len(), map.is_empty()), (1000, false));
        map.for_each(|key, value| assert_eq!(key, value));
    };
    assert_eq!(allocations(reads), 0);
}

#[test]
fn what_is_rejected_allocates_nothing() {
    let _alone = alone();
    let map = filled(100);
    let rejected = || {
        for key in 0..100 {
            assert_eq!(*map.get_or_insert_with(key, || unreachable!()), key);
            assert_eq!(map.compare_exchange(&key, &(key + 1), 0), Err(0));
            assert_eq!(map.compare_remove(&key, &(key + 1)), None);
            assert!(!map.delete(&(key + 100)));
            let _ = map.compute(key, |_| Change::Keep);
            assert_eq!(map.get_mut(&key).map(|value| *value), Some(key));
        }
    };
    assert_eq!(allocations(rejected), 0);
}

#[test]
fn an_empty_map_is_walked_and_cleared_without_allocating() {
    let _alone = alone();
    let map = ReadDirtyMap::<u64, u64>::new();
    let _ = map.get(&1);
    assert_eq!(map.stats().published_shards, 1);
    let walks = || {
        map.for_each(|_, _| unreachable!());
        assert_eq!(map.iter().count(), 0);
        map.clear();
    };
    assert_eq!(allocations(walks), 0);
}

#[test]
fn churn_allocates_next_to_nothing() {
    let _alone = alone();
    let map = filled(1000);
    let churn = |from: u64, rounds: u64| {
        for key in from..from + rounds {
            map.store(key, key);
            assert!(map.delete(&(key - 1000)));
            assert_eq!(map.get_copied(&key), Some(key));
            map.store(key, key + 1);
        }
    };
    churn(1000, 20_000);
    let calls = allocations(|| churn(21_000, 20_000));
    // Of 60,000 writes few ask the clock, which allocates.
    assert!(calls < 60_000 / 32, "{calls} allocations");
}

#[test]
fn a_map_that_only_grows_keeps_no_old_tables() {
    let _alone = alone();
    let before = live();
    let map = ReadDirtyMap::new();
    for key in 0..200_000_u64 {
        map.store(key, key);
        // Published from the start.
        assert!(map.get(&(key / 2)).is_some());
    }
    let each = (live() - before) / 200_000;
    assert!(each < 100, "{each} bytes an entry");
}

#[test]
fn a_guard_keeps_one_entry() {
    let _alone = alone();
    let map = filled(100);
    let guard = map.get(&7).expect("it is there");
    for round in 0..50_000 {
        map.store(round % 100, round);
    }
    let stats = map.stats();
    assert_eq!(stats.guarded_entries, 1);
    assert!(stats.pending_entries < 4_000, "{stats:?}");
    assert_eq!(*guard, 7);
    drop(guard);
    for round in 0..2_000 {
        map.store(round % 100, round);
    }
    assert_eq!(map.stats().guarded_entries, 0);
}

#[test]
fn guards_beyond_the_slots_keep_their_entries_too() {
    let _alone = alone();
    let map = filled(100);
    let guards: Vec<_> = (0..100)
        .map(|key| map.get(&key).expect("it is there"))
        .collect();
    for round in 0..20_000 {
        map.store(round % 100, u64::MAX);
    }
    assert_eq!(map.stats().guarded_entries, 100);
    assert!(
        guards
            .iter()
            .enumerate()
            .all(|(key, guard)| **guard == key as u64)
    );
    // They may end on any thread.
    thread::scope(|scope| {
        scope.spawn(move || drop(guards));
    });
    for round in 0..4_000 {
        map.store(round % 100, round);
    }
    assert_eq!(map.stats().guarded_entries, 0);
}

#[test]
fn a_session_holds_back_its_own_map() {
    let _alone = alone();
    let (held, other) = (filled(100), filled(100));
    let mut session = held.pin();
    let before = session.get(&7).copied();
    for round in 0..20_000 {
        held.store(round % 100, round);
        other.store(round % 100, round);
    }
    assert_eq!(before, Some(7));
    assert!(other.stats().pending_entries < 4_000, "{:?}", other.stats());
    let stats = held.stats();
    assert!(stats.pending_entries > 19_000, "{stats:?}");
    assert!(stats.oldest_pending.is_some());
    // The clock goes on by steps, each of which it can take when the session has been pinned anew.
    for round in 0..2_000 {
        if round % 100 == 0 {
            session.repin();
        }
        held.store(round % 100, round);
    }
    assert!(held.stats().pending_entries < 2_000, "{:?}", held.stats());
    drop(session);
}

/// One hash for all keys.
#[derive(Clone)]
struct Same(u64);

impl BuildHasher for Same {
    type Hasher = Same;

    fn build_hasher(&self) -> Same {
        self.clone()
    }
}

impl Hasher for Same {
    fn write(&mut self, _: &[u8]) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[test]
fn what_waits_is_let_go_however_shards_were_split() {
    let _alone = alone();
    for hash in 0..16 {
        let map: ReadDirtyMap<u64, u64, Same> = Map::builder()
            .shard_limit(8)
            .hasher(Same(hash))
            .build()
            .expect("8 is not 0");
        let session = map.pin();
        for round in 0..4_000 {
            map.store(round % 8, round);
        }
        assert!(map.stats().pending_entries > 3_000, "{:?}", map.stats());
        // One half of what is split now has nothing, and is not written any more.
        for key in 8..200 {
            map.store(key, key);
        }
        assert!(map.stats().shards > 2, "{:?}", map.stats());
        drop(session);
        for round in 0..2_000 {
            map.store(round % 200, round);
        }
        assert!(map.stats().pending_entries < 2_000, "{:?}", map.stats());
    }
}

/// Writes until a value that only the map had was dropped.
fn write_until_dropped(map: &ReadDirtyMap<u64, Arc<u64>>, value: &Weak<u64>) {
    let start = Instant::now();
    let other = Arc::new(0);
    for key in (100..200).cycle() {
        map.store(key, Arc::clone(&other));
        if value.strong_count() == 0 {
            break;
        }
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{:?}",
            map.stats()
        );
    }
}

#[test]
fn what_others_have_left_is_dropped() {
    let _alone = alone();
    for has_ended in [false, true] {
        let map = ReadDirtyMap::new();
        let value = Arc::new(7);
        let weak = Arc::downgrade(&value);
        map.store(7, value);
        let (done, is_done) = mpsc::channel();
        let (end, is_over) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let map = &map;
            scope.spawn(move || {
                map.delete(&7);
                done.send(()).expect("it is waited for");
                // Does nothing any more.
                has_ended || is_over.recv().is_err()
            });
            is_done.recv().expect("it is sent");
            write_until_dropped(map, &weak);
            drop(end);
        });
    }
}

#[test]
fn clearing_takes_what_others_keep_at_hand() {
    let _alone = alone();
    let map = filled(1_000);
    let (done, is_done) = mpsc::channel();
    let (end, is_over) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let map = &map;
        scope.spawn(move || {
            for round in 0..20_000 {
                map.store(round % 1_000, round);
            }
            done.send(()).expect("it is waited for");
            is_over.recv().is_err()
        });
        is_done.recv().expect("it is sent");
        let stats = map.stats();
        // As many as fit 128 KiB, but not more than 4096.
        assert!(stats.pooled_nodes <= 4_096, "{stats:?}");
        assert!(stats.pooled_nodes + stats.pending_entries > 0, "{stats:?}");
        map.clear();
        let stats = map.stats();
        assert_eq!((stats.pooled_nodes, stats.pending_entries), (0, 0));
        drop(end);
    });
}

#[test]
fn large_entries_are_few_in_the_pool() {
    let _alone = alone();
    let map = ReadDirtyMap::new();
    for round in 0..20_000_u64 {
        map.store(round % 8, [round; 128]);
    }
    let stats = map.stats();
    assert!(stats.pooled_nodes <= 128, "{stats:?}");
}

/// A reader who promotes tables gets rid of the old ones.
#[test]
fn who_only_reads_keeps_no_old_tables() {
    let _alone = alone();
    let before = live();
    let map: Map<u64, u64, ReadDirty<Plain>> = Map::new();
    thread::scope(|scope| {
        let map = &map;
        let (written, to_read) = mpsc::sync_channel(0);
        scope.spawn(move || {
            for key in 0..1_000 {
                map.store(key, key);
                written.send(key).expect("somebody reads");
            }
        });
        for key in to_read {
            // So many misses promote it.
            (0..=2 * key).for_each(|_| assert_eq!(map.get_copied(&key), Some(key)));
        }
    });
    assert!(map.stats().promotions > 300, "{:?}", map.stats());
    let each = (live() - before) / 1_000;
    assert!(each < 400, "{each} bytes an entry");
}

#[test]
fn the_pool_is_as_large_as_was_said() {
    let _alone = alone();
    for most in [0, 10, 50_000] {
        let map = ReadDirtyMap::builder().pool(most).build();
        let map: ReadDirtyMap<u64, u64> = map.expect("any number will do");
        for map in [&map.clone(), &map] {
            for key in 0..60_000 {
                map.store(key, key);
            }
            map.retain(|_, _| false);
            // What was removed is let go bit by bit.
            for round in 0..20_000 {
                map.store(round % 8, round);
            }
            let stats = map.stats();
            assert!(stats.pooled_nodes <= most, "{stats:?}");
            assert!(stats.pending_entries < 40_000, "{stats:?}");
        }
        let pooled = map.stats().pooled_nodes;
        assert_eq!(pooled > 4_096, most > 4_096, "{pooled} of {most}");
    }
}

#[test]
fn a_long_callback_holds_nothing_back() {
    let _alone = alone();
    let map = filled(1_000);
    let mut is_first = true;
    map.for_each(|_, _| {
        if std::mem::take(&mut is_first) {
            for round in 0..50_000 {
                map.store(round % 1_000, round);
            }
            assert!(map.stats().pending_entries < 4_000, "{:?}", map.stats());
        }
    });
    let mut items = map.iter();
    let first = items.next();
    for round in 0..50_000 {
        map.store(round % 1_000, round);
    }
    assert!(map.stats().pending_entries < 4_000, "{:?}", map.stats());
    drop((first, items));
}

#[test]
fn memory_comes_back() {
    let _alone = alone();
    let map = filled(10);
    let small = live();
    for key in 0..200_000 {
        map.store(key, key);
        let _ = map.get(&key);
    }
    let large = live();
    assert!(large - small > 200_000 * 24);
    map.clear();
    assert!(map.is_empty());
    let left = live() - small;
    assert!(
        left < (large - small) / 10,
        "{left} of {} bytes are left",
        large - small
    );
    // And by removing one by one.
    for key in 0..200_000 {
        map.store(key, key);
    }
    map.retain(|_, _| false);
    map.shrink_to_fit();
    let left = live() - small;
    assert!(
        left < (large - small) / 10,
        "{left} of {} bytes are left",
        large - small
    );
}

#[test]
fn a_dropped_map_leaves_nothing() {
    let _alone = alone();
    // What a thread keeps, and what a process keeps.
    drop(filled(1000));
    let before = live();
    {
        let map = filled(1000);
        let guard = map.get(&1);
        map.clear();
        drop(guard);
        let plain: Map<u64, Box<u64>, ReadDirty<Plain>> =
            (0..1000).map(|key| (key, Box::new(key))).collect();
        for key in 0..2000 {
            let _ = plain.get(&key);
        }
        plain.retain(|key, _| key % 2 == 0);
    }
    // The clock may still have questions to answer; the maps had ten times as much.
    let left = live() - before;
    assert!(left < 16384, "{left} bytes are left");
}
