//! Readers that sit in lanes, under the model checker loom: the real front, headers, lock, bias and lanes.
//!
//!     RUSTFLAGS="--cfg crossbeam_loom" LOOM_MAX_PREEMPTIONS=2 \
//!         cargo test --release -p map-core --test loom_lanes
//!
//! In a model a shard has one lane, a writer that waits briefly does not wait, and what is SeqCst outside has a fence.
//!
//! What was weakened, each alone, at 2 preemptions:
//!
//! | weakened | models |
//! |---|---|
//! | a reader does not look whether the lane is closed | red |
//! | no fence after taking the seat | red |
//! | a seat that is taken is left as if it had been one's own, or counts as free | red |
//! | no fence after closing | red |
//! | a writer does not look at the seats | red |
//! | its first try does not close the lanes, or does not look at the seats, or goes in whatever it saw | red |
//! | the lock does not say that there are lanes, or whoever sleeps takes that back | red |
//! | it loads them Relaxed | red |
//! | a lane is opened Relaxed | red |
//! | it is opened before it is a copy | red |
//! | the table, or the coverage, is copied but once | red |
//! | a writer that finds a reader removes the lanes, but the word is not pending | red |
//! | one that finds the word pending does not look at the seats | red |
//! | lanes are open while the word is pending | red |
//! | an announcement ends with a Relaxed store | red |
//! | the places of lanes are loaded Relaxed | red |
//! | where lanes are is stored Relaxed, and loaded so | red |
//!
//! Green, and not to be seen here: the seat taken Relaxed, and pending lanes published Relaxed, since the fences of the models order these, too; lanes that are added to any word, since
//! whoever adds them has disarmed it, and revokers that are late do no harm.

#![cfg(crossbeam_loom)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use map_core::sync::parking::timeouts_fire_before;
use map_core::{ReadBias, TryResult};
use tiny::{TinyMap, join, map, model, spawn};

mod tiny;

/// A map with one key, whose readers sit in lanes. This thread has a slot.
fn seated(key: u64) -> Arc<TinyMap> {
    let map = Arc::new(map(2, 8));
    map.insert(key, 0);
    map.sit_in_lanes();
    assert_eq!(map.get_copied(&key), Some(0));
    map
}

/// A reader in a lane and a writer.
#[test]
fn reader_and_writer() {
    model(|k| {
        let map = seated(k.k00);
        let writer = spawn(&map, move |map| map.insert(k.k00, 1));
        let seen = map.get_copied(&k.k00);
        assert!(seen == Some(0) || seen == Some(1), "missed");
        assert_eq!(join(writer), Some(0));
        assert_eq!(map.get_copied(&k.k00), Some(1), "stale");
    });
}

/// The same with a guard, and a table that is another one afterwards.
#[test]
fn guard_and_writer() {
    model(|k| {
        let map = seated(k.k00);
        let writer = spawn(&map, move |map| {
            // Where there was room for one pair, memory is taken anew.
            map.insert(k.k01, 7);
            map.insert(k.k00, 1);
        });
        let guard = map.get(&k.k00).expect("the key stays");
        let first = *guard;
        assert_eq!(first, *guard, "changed under a guard");
        drop(guard);
        join(writer);
        assert_eq!(map.get_copied(&k.k00), Some(1), "stale");
        assert_eq!(map.get_copied(&k.k01), Some(7), "missed");
    });
}

/// Two readers want one seat, beside a writer.
#[test]
fn two_readers_and_writer() {
    model(|k| {
        let map = seated(k.k00);
        let writer = spawn(&map, move |map| map.insert(k.k00, 1));
        let reader = spawn(&map, move |map| map.get_copied(&k.k00));
        let seen = [map.get_copied(&k.k00), join(reader)];
        assert!(
            seen.iter().all(|seen| matches!(seen, Some(0 | 1))),
            "missed"
        );
        join(writer);
    });
}

/// Two reads in a row see the changes of writes in order.
#[test]
fn reads_in_a_row_and_writer() {
    model(|k| {
        let map = seated(k.k00);
        let writer = spawn(&map, move |map| {
            map.insert(k.k00, 1);
            map.insert(k.k00, 2);
        });
        let first = map.get_copied(&k.k00);
        let second = map.get_copied(&k.k00);
        assert!(first <= second, "back in time");
        join(writer);
    });
}

/// Readers are to do something else, beside one that has not heard of it; the last write does not look for readers any more.
#[test]
fn other_ways_and_reader() {
    for bias in [ReadBias::Never, ReadBias::Always] {
        model(move |k| {
            let map = seated(k.k00);
            let writer = spawn(&map, move |map| {
                map.set_read_bias(bias);
                map.insert(k.k00, 1);
                map.insert(k.k00, 2);
            });
            let first = map.get_copied(&k.k00);
            let second = map.get_copied(&k.k00);
            assert!(first <= second, "back in time");
            join(writer);
            assert_eq!(map.get_copied(&k.k00), Some(2), "stale");
        });
    }
}

/// Readers that have announced themselves are to sit in lanes.
#[test]
fn lanes_and_announced_reader() {
    model(|k| {
        let map = Arc::new(map(2, 8));
        map.insert(k.k00, 0);
        assert_eq!(map.get_copied(&k.k00), Some(0));
        let writer = spawn(&map, move |map| {
            map.sit_in_lanes();
            map.insert(k.k00, 1);
            map.insert(k.k00, 2);
        });
        let first = map.get_copied(&k.k00);
        let second = map.get_copied(&k.k00);
        assert!(first <= second, "back in time");
        join(writer);
        assert_eq!(map.get_copied(&k.k00), Some(2), "stale");
    });
}

/// A read within a read, while a writer waits for it.
#[test]
fn nested_read_and_writer() {
    // If the outer read counts itself after all, the inner one meets the writer's gate, and is to pass it.
    timeouts_fire_before(Some(Instant::now() + Duration::from_secs(86_400)));
    model(|k| {
        let map = seated(k.k00);
        let writer = spawn(&map, move |map| map.insert(k.k00, 1));
        let both = map.get_with(&k.k00, |_, &outer| (outer, map.get_copied(&k.k00)));
        let (outer, inner) = both.expect("the key stays");
        assert_eq!(Some(outer), inner, "changed during a read");
        join(writer);
    });
}

/// Adds one if that needs no waiting.
fn try_to_add(map: &TinyMap, key: u64) -> u64 {
    match map.try_get_mut(&key) {
        TryResult::Present(mut value) => {
            *value += 1;
            1
        }
        TryResult::Absent | TryResult::Locked => 0,
    }
}

/// Two writers find a guard in a lane, or one leaves it closed to the other; then lanes are opened again.
///
/// One of them does not wait: loom would have two that do wait for each other's turn for ever.
#[test]
fn two_writers_and_guard() {
    model(|k| {
        let map = seated(k.k00);
        let writer = spawn(&map, move |map| {
            *map.get_mut(&k.k00).expect("the key stays") += 1;
        });
        let trying = spawn(&map, move |map| try_to_add(map, k.k00));
        let guard = map.get(&k.k00).expect("the key stays");
        let first = *guard;
        assert_eq!(first, *guard, "changed under a guard");
        drop(guard);
        let second = map.get_copied(&k.k00).expect("the key stays");
        assert!(first <= second, "back in time");
        join(writer);
        let tried = join(trying);
        assert_eq!(map.get_copied(&k.k00), Some(1 + tried), "lost");
    });
}

/// The key moves out of a shard whose lanes stay, before a reader comes who was on the way to them; both halves have lanes then.
#[test]
fn reader_and_split() {
    model(|k| {
        let map = Arc::new(map(2, 1));
        map.insert(k.k11, k.k11);
        map.sit_in_lanes();
        assert_eq!(map.get_copied(&k.k11), Some(k.k11));
        let writer = spawn(&map, move |map| {
            map.insert(k.k10, k.k10);
            assert_eq!(map.get_copied(&k.k10), Some(k.k10));
            assert_eq!(map.get_copied(&k.k11), Some(k.k11));
        });
        assert_eq!(map.get_copied(&k.k11), Some(k.k11), "missed");
        join(writer);
        assert_eq!(map.shards(), 3);
    });
}
