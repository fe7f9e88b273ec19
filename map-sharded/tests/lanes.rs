//! Readers that sit in lanes. (Under other hashes, and with all that a map can do, they are in the conformance suite.)

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use map_core::ReadBias;
use map_core::conformance::announcements::announced_here;
use map_sharded::ShardedMap;

fn is_seated(map: &ShardedMap<u64, u64>) -> bool {
    let (_, seated) = map.seated();
    assert!(seated <= 1, "there is but one reader");
    seated == 1
}

/// A map with one key, in whose shard this thread has a seat.
fn seated() -> ShardedMap<u64, u64> {
    let builder = ShardedMap::builder().shards(8);
    let map = builder.build().expect("a fine map");
    map.insert(7, 7);
    map.sit_in_lanes();
    assert!(map.seated().0);
    // The first of all finds no lanes.
    drop(map.get(&7));
    assert!(!is_seated(&map));
    map
}

#[test]
fn readers_sit_where_they_shall() {
    let map = seated();
    assert_eq!(map.get_with(&7, |_, _| is_seated(&map)), Some(true));
    assert_eq!(map.view(&7, |_, _| is_seated(&map)), Some(true));
    let guard = map.get(&7);
    assert!(is_seated(&map));
    // A seat is for one; the next counts itself, and leaves the first where it is.
    let next = map.get(&7);
    assert_eq!(map.get_copied(&7), Some(7));
    assert!(is_seated(&map));
    assert!(map.try_get_mut(&7).is_locked());
    drop(next);
    assert!(map.try_get_mut(&7).is_locked(), "the first is there still");
    drop(guard);
    assert!(!is_seated(&map));
    *map.get_mut(&7).expect("it is there") += 1;
    assert_eq!(
        map.get_with(&7, |_, &value| (value, is_seated(&map))),
        Some((8, true))
    );
}

#[test]
fn who_gives_up_leaves_the_lanes_as_they_were() {
    let map = seated();
    let guard = map.get(&7);
    assert!(is_seated(&map));
    for _ in 0..3 {
        assert!(map.try_get_mut(&7).is_locked());
        assert!(map.try_entry(7).is_none());
    }
    drop(guard);
    assert_eq!(
        map.get_with(&7, |_, _| is_seated(&map)),
        Some(true),
        "at the first try"
    );
}

#[test]
fn a_writer_that_waits_lets_reads_within_reads_pass() {
    let map = seated();
    // One read in some hundreds is a sample, and counts itself.
    let sits = || map.get_with(&7, |_, _| is_seated(&map)) == Some(true);
    let (rounds, reads) = if cfg!(miri) { (2, 20) } else { (12, 1_000) };
    for round in 8..8 + rounds {
        let mut guard = map.get(&7).expect("it is there");
        if !is_seated(&map) {
            drop(guard);
            guard = map.get(&7).expect("it is there");
        }
        assert!(is_seated(&map));
        let writes = AtomicBool::new(false);
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                writes.store(true, Relaxed);
                map.insert(7, round);
            });
            while !writes.load(Relaxed) {
                thread::yield_now();
            }
            for read in 0..reads {
                assert_eq!(map.get_copied(&7), Some(*guard));
                assert_eq!(*guard, round - 1);
                if read == reads / 2 {
                    // By now he has closed the lanes, most likely.
                    thread::sleep(Duration::from_millis(2));
                }
            }
            drop(guard);
            // Not left to the scope, of which sanitizers do not see how it waits.
            writer.join().expect("it ends");
        });
        assert_eq!(map.get_copied(&7), Some(round));
        // Whoever finds no lanes any more opens some.
        assert!(sits() || sits());
    }
}

#[test]
fn readers_do_otherwise_though_one_sits_and_nobody_writes() {
    let map = seated();
    let guard = map.get(&7);
    assert!(is_seated(&map));
    map.set_read_bias(ReadBias::Always);
    for _ in 0..3 {
        assert_eq!(map.get_copied(&7), Some(7));
    }
    assert!(is_seated(&map));
    drop(guard);
    assert_eq!(map.get_copied(&7), Some(7));
    let announced = map.get_with(&7, |_, _| (announced_here(), is_seated(&map)));
    assert_eq!(announced, Some((1, false)));
    map.sit_in_lanes();
    assert_eq!(map.get_copied(&7), Some(7));
    let sits = map.get_with(&7, |_, _| (announced_here(), is_seated(&map)));
    assert_eq!(sits, Some((0, true)));
    map.set_read_bias(ReadBias::Never);
    assert_eq!(
        map.get_with(&7, |_, _| (announced_here(), is_seated(&map))),
        Some((0, false))
    );
}

/// Also while there are too many shards for lanes.
#[test]
fn a_map_grows_and_shrinks_under_readers_in_lanes() {
    const KEYS: u64 = if cfg!(miri) { 24 } else { 30_000 };
    let builder = ShardedMap::builder().shards(8).shard_limit(1);
    let map: ShardedMap<u64, u64> = builder.build().expect("a fine map");
    map.sit_in_lanes();
    let done = AtomicBool::new(false);
    /// Says so, whatever happens.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
        }
    }
    thread::scope(|scope| {
        let at_the_end = Done(&done);
        let readers = [0, 1].map(|offset| {
            let (map, done) = (&map, &done);
            scope.spawn(move || {
                while !done.load(Relaxed) {
                    thread::yield_now();
                    for key in (offset..KEYS).step_by(97) {
                        assert!(map.get_copied(&key).is_none_or(|value| value == key));
                    }
                }
            })
        });
        for _ in 0..2 {
            for key in 0..KEYS {
                assert_eq!(map.insert(key, key), None);
                assert_eq!(map.get_copied(&key), Some(key));
            }
            assert!(map.shards() > 2_048 || cfg!(miri));
            for key in 0..KEYS {
                assert_eq!(map.get_copied(&key), Some(key));
            }
            for key in 0..KEYS {
                assert_eq!(map.remove(&key), Some((key, key)));
            }
            map.shrink_to_fit();
        }
        drop(at_the_end);
        for reader in readers {
            reader.join().expect("it ends");
        }
    });
    assert_eq!((map.len(), map.seated().1), (0, 0));
    map.insert(7, 7);
    let sits = || map.get_with(&7, |_, _| is_seated(&map)) == Some(true);
    assert!((0..3).any(|_| sits()), "there are few shards again");
}

/// The map is freed, and moved before, though somebody still seems to sit in it.
#[test]
fn a_guard_that_is_forgotten_keeps_its_shard() {
    let map = seated();
    std::mem::forget(map.get(&7));
    let moved = Box::new(map);
    assert!(moved.try_get_mut(&7).is_locked());
    assert_eq!(moved.get_copied(&7), Some(7));
    assert_eq!(moved.clone().get_mut(&7).map(|value| *value), Some(7));
    assert!(is_seated(&moved));
}
