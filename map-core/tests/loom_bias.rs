//! Readers that announce themselves, under the model checker loom: the real front, headers, lock, bias and slots.
//!
//!     RUSTFLAGS="--cfg crossbeam_loom" LOOM_MAX_PREEMPTIONS=2 \
//!         cargo test --release -p map-core --test loom_bias
//!
//! In a model the first read by the lock arms the bias and gives its thread a slot, a slot has one word, a scan that
//! waits briefly does not wait, and what is SeqCst outside has a fence.
//!
//! What was weakened, each alone, at 2 preemptions:
//!
//! | weakened | models |
//! |---|---|
//! | a reader does not look at the lock | red |
//! | a reader does not look at the word | red |
//! | it looks at the word first | red (`disarming_and_reader`, 3 preemptions) |
//! | either look Relaxed | red |
//! | no fence after announcing | red |
//! | no fence before a writer's scan, on either way | red |
//! | no fence before a revoker's scan | red |
//! | `is_clear` and `admits_writer`: Relaxed | red |
//! | `clear_pending`: Relaxed | red |
//! | an exclusive holder does not scan, on either way | red |
//! | one that finds the word pending clears it unscanned | red |
//! | a revoker does not wait | red |
//! | the bias is armed in spite of revokers that are late | red |
//! | a writer looks for an address where the shard has another name | red |
//! | a writer waits for readers with the lock | red (for ever) |
//! | the scan loads a slot Relaxed | red |
//! | an announcement ends with a Relaxed store | red |
//! | the newest slot is loaded Relaxed | red |
//! | an announced reader that finds nothing does not ask for the coverage | `reader_and_split` (missed) |
//!
//! Green, and not to be seen here: arming Relaxed, since the fences of the models order it too; the look at the word in
//! `admits_writer_now` Relaxed, since `is_clear` has just had one; and a slot passed on
//! Relaxed, which takes a scan that meets the next announcement of a slot instead of the end of the last.

#![cfg(crossbeam_loom)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use map_core::sync::parking::timeouts_fire_before;
use map_core::{ReadBias, TryResult};
use tiny::{TinyMap, join, map, model, model_preempted, spawn};

mod tiny;

/// A map of one shard with one key, whose bias is armed; this thread has a slot. The next write is a sample, which goes the slow way.
fn armed(key: u64) -> Arc<TinyMap> {
    armed_after(1, key)
}

/// The same after so many writes: one in two is a sample.
fn armed_after(writes: u32, key: u64) -> Arc<TinyMap> {
    let map = Arc::new(map(1, 8));
    for _ in 0..writes {
        map.insert(key, 0);
    }
    assert_eq!(map.get_copied(&key), Some(0));
    map
}

/// An announced reader and a writer, on either of a writer's ways.
#[test]
fn reader_and_writer() {
    reader_and_writer_after(1);
    reader_and_writer_after(2);
}

fn reader_and_writer_after(writes: u32) {
    model(move |k| {
        let map = armed_after(writes, k.k00);
        let writer = spawn(&map, move |map| map.insert(k.k00, 1));
        let seen = map.get_copied(&k.k00);
        assert!(seen == Some(0) || seen == Some(1), "missed");
        assert_eq!(join(writer), Some(0));
        assert_eq!(map.get_copied(&k.k00), Some(1), "stale");
    });
}

/// The same with a guard.
#[test]
fn guard_and_writer() {
    // In the map itself, and beside it.
    guard_and_writer_in(1);
    guard_and_writer_in(2);
}

fn guard_and_writer_in(shards: usize) {
    model(move |k| {
        let map = Arc::new(map(shards, 8));
        map.insert(k.k00, 0);
        drop(map.get(&k.k00));
        let writer = spawn(&map, move |map| map.insert(k.k00, 1));
        let guard = map.get(&k.k00).expect("the key stays");
        let first = *guard;
        assert_eq!(first, *guard, "changed under a guard");
        drop(guard);
        assert_eq!(join(writer), Some(0));
    });
}

/// The bias is given up, beside a reader that has not heard of it; the last write does not look for readers
/// any more.
#[test]
fn disarming_and_reader() {
    model_preempted(3, |k| {
        let map = armed(k.k00);
        let writer = spawn(&map, move |map| {
            map.set_read_bias(ReadBias::Never);
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

/// Two reads in a row see the writer's change in order, though the bias may come back between them.
#[test]
fn reads_in_a_row_and_writer() {
    model(|k| {
        let map = armed(k.k00);
        let writer = spawn(&map, move |map| map.insert(k.k00, 1));
        let first = map.get_copied(&k.k00);
        let second = map.get_copied(&k.k00);
        assert!(first <= second, "back in time");
        join(writer);
    });
}

/// A read within an announced read, while a writer waits for it.
#[test]
fn nested_read_and_writer() {
    // If the outer read counts itself after all, the inner one meets the writer's gate, and is to pass it.
    timeouts_fire_before(Some(Instant::now() + Duration::from_secs(86_400)));
    model(|k| {
        let map = armed(k.k00);
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

/// Two writers revoke, and the reader arms the bias again.
///
/// One of them does not wait: loom would have two that do wait for each other's turn for ever.
#[test]
fn two_writers_and_rearming_reader() {
    model(|k| {
        let map = armed(k.k00);
        let writer = spawn(&map, move |map| {
            *map.get_mut(&k.k00).expect("the key stays") += 1;
        });
        let trying = spawn(&map, move |map| try_to_add(map, k.k00));
        let first = map.get_copied(&k.k00);
        let second = map.get_copied(&k.k00);
        assert!(first <= second, "back in time");
        join(writer);
        let tried = join(trying);
        assert_eq!(map.get_copied(&k.k00), Some(1 + tried), "lost");
    });
}

/// A reader arms the bias while writers come and go.
#[test]
fn arming_and_writer() {
    model(|k| {
        let map = Arc::new(map(1, 8));
        map.insert(k.k00, 0);
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

/// A writer that does not wait, beside an announced reader, and one that does.
#[test]
fn trying_writer_and_reader() {
    model(|k| {
        let map = armed(k.k00);
        let trying = spawn(&map, move |map| {
            let tried = try_to_add(map, k.k00);
            *map.get_mut(&k.k00).expect("the key stays") += 1;
            tried
        });
        let first = map.get_copied(&k.k00);
        let second = map.get_copied(&k.k00);
        assert!(first <= second, "back in time");
        let tried = join(trying);
        assert_eq!(map.get_copied(&k.k00), Some(1 + tried));
    });
}

/// A thread ends, and another gets its slot.
#[test]
fn a_slot_changes_hands() {
    model(|k| {
        let map = armed(k.k00);
        let writer = spawn(&map, move |map| map.insert(k.k00, 1));
        let short = spawn(&map, move |map| map.get_copied(&k.k00));
        join(short);
        let next = spawn(&map, move |map| map.get_copied(&k.k00));
        join(next);
        join(writer);
        assert_eq!(map.get_copied(&k.k00), Some(1));
    });
}

/// The key moves out of a shard that is armed again before a reader with an old address comes.
#[test]
fn reader_and_split() {
    model(|k| {
        let map = Arc::new(map(2, 1));
        map.insert(k.k11, k.k11);
        assert_eq!(map.get_copied(&k.k11), Some(k.k11));
        let writer = spawn(&map, move |map| {
            map.insert(k.k10, k.k10);
            assert_eq!(map.get_copied(&k.k10), Some(k.k10));
        });
        assert_eq!(map.get_copied(&k.k11), Some(k.k11), "missed");
        join(writer);
        assert_eq!(map.shards(), 3);
    });
}
