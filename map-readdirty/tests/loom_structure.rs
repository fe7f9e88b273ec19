//! Models of a map whose shards change, by loom: readers, sessions and walks against splits, merges, growing tables and clearing.
//!
//! Run with `.ci/models`, which sets `--cfg crossbeam_loom`; without it there is nothing here.
#![cfg(crossbeam_loom)]
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    unreachable_pub,
    reason = "each test uses its part of the crate's modules"
)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use promotion::{Amortized, Fill, Promotion};
use rig::{Keys, ModelMap, Seen, join, map, model, model_less, spawn};

#[path = "../src/promotion.rs"]
mod promotion;
#[expect(unsafe_code, reason = "this is the room for it")]
#[path = "../src/raw/mod.rs"]
mod raw;
mod rig;
#[path = "../src/stats.rs"]
mod stats;
#[macro_use]
#[path = "../src/sync.rs"]
mod sync;

/// How a reader looks keys up.
#[derive(Clone, Copy)]
enum Reads {
    /// With a pin for each lookup.
    Plain,
    /// Within a session, which was pinned before.
    Session,
}

impl Reads {
    /// Runs `read` with a way to look keys up.
    fn run<P: Promotion>(self, map: &ModelMap<P>, read: impl FnOnce(&dyn Fn(u64) -> Option<u64>)) {
        match self {
            Self::Plain => read(&|key| map.get_copied(&key)),
            Self::Session => {
                let session = map.pin();
                read(&|key| session.get(&key).copied());
            }
        }
    }
}

/// A map whose readers may know that something is over.
struct Stage<P: Promotion = Fill> {
    map: ModelMap<P>,
    is_over: AtomicBool,
}

impl<P: Promotion> Stage<P> {
    fn new(map: ModelMap<P>) -> Arc<Self> {
        Arc::new(Self {
            map,
            is_over: AtomicBool::new(false),
        })
    }

    /// So many shards, each of which is published if it has an entry; every value is its key.
    fn published(shards: usize, limit: usize, keys: &[u64]) -> Arc<Self> {
        let map = map(shards, limit);
        for &key in keys {
            map.store(key, key);
        }
        for &key in keys {
            assert_eq!(map.get_copied(&key), Some(key));
        }
        Self::new(map)
    }

    /// Looks up what stays throughout, what leaves, and what comes, before it is over.
    fn read(&self, reads: Reads, seen: &Seen, stays: u64, leaves: u64, comes: u64) {
        reads.run(&self.map, |get| {
            let is_over = self.is_over.load(Acquire);
            assert_eq!(get(stays), Some(stays), "missed");
            let [first, second] = [get(leaves), get(leaves)];
            assert!(first.is_some() || second.is_none(), "it came back");
            assert!(!is_over || first.is_none(), "it was removed before");
            let new = get(comes);
            assert!(!is_over || new.is_some(), "missed");
            assert!([None, Some(1)].contains(&new));
            seen.note("what comes is not there yet", new.is_none());
            seen.note("what comes is there", new.is_some());
            seen.note("what leaves is still there", first.is_some());
            seen.note("what leaves has gone", first.is_none());
        });
    }

    fn over(&self) {
        self.is_over.store(true, Release);
    }

    /// In the end.
    fn assert_holds(&self, keys: &[(u64, u64)]) {
        let mut met = Vec::new();
        self.map.for_each(|key, value| met.push((*key, *value)));
        met.sort_unstable();
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        assert_eq!(met, keys);
        for (key, value) in keys {
            assert_eq!(self.map.get_copied(&key), Some(value), "lost");
        }
    }
}

/// The first shard leaves the map for headers of its own, or the second of two is divided.
fn reader_and_split(
    fewer: usize,
    reads: Reads,
    shards: usize,
    keys: impl Fn(Keys) -> [u64; 3] + Sync + Send + 'static,
) {
    model_less(fewer, move |k, seen| {
        let [stays, leaves, comes] = keys(k);
        let stage = Stage::<Amortized>::published(shards, 2, &[stays, leaves]);
        let writer = spawn(&stage, move |stage| {
            stage.map.store(comes, 1);
            stage.map.delete(&leaves);
            stage.over();
        });
        stage.read(reads, seen, stays, leaves, comes);
        join(writer);
        assert_eq!(stage.map.shards(), shards + 1);
        stage.assert_holds(&[(stays, stays), (comes, 1)]);
    });
}

#[test]
fn reader_of_the_lower_half_and_the_first_split() {
    reader_and_split(1, Reads::Plain, 1, |k| [k.k00, k.k10, k.k11]);
}

#[test]
fn reader_of_the_upper_half_and_the_first_split() {
    reader_and_split(0, Reads::Plain, 1, |k| [k.k10, k.k00, k.k11]);
}

#[test]
fn session_and_the_first_split() {
    reader_and_split(1, Reads::Session, 1, |k| [k.k10, k.k00, k.k11]);
}

#[test]
fn reader_of_the_lower_half_and_a_split() {
    reader_and_split(1, Reads::Plain, 2, |k| [k.k00, k.k01, k.twin]);
}

#[test]
fn reader_of_the_upper_half_and_a_split() {
    reader_and_split(1, Reads::Plain, 2, |k| [k.k01, k.k00, k.twin]);
}

#[test]
fn session_and_a_split() {
    reader_and_split(1, Reads::Session, 2, |k| [k.k01, k.k00, k.twin]);
}

/// The first shard's header goes out of use, and its tables are let go while a reader comes with its address.
fn reader_with_the_first_header(reads: Reads) {
    model_less(1, move |k, seen| {
        let stage = Stage::<Amortized>::published(1, 2, &[k.k00, k.k10]);
        let writer = spawn(&stage, move |stage| {
            stage.map.store(k.k11, 1);
            stage.map.clear();
        });
        reads.run(&stage.map, |get| {
            let got = get(k.k00);
            assert!([Some(k.k00), None].contains(&got), "{got:?}");
            seen.note("it is still there", got.is_some());
            seen.note("it has gone", got.is_none());
        });
        join(writer);
        stage.assert_holds(&[]);
    });
}

#[test]
fn reader_with_the_first_header_and_what_is_let_go() {
    reader_with_the_first_header(Reads::Plain);
}

#[test]
fn session_with_the_first_header_and_what_is_let_go() {
    reader_with_the_first_header(Reads::Session);
}

/// The table of a shard grows, in place.
#[test]
fn reader_and_larger_table() {
    model(|k, seen| {
        let stage = Stage::<Fill>::published(1, 64, &[k.k00, k.k10, 1, 2, 3, 4, 5]);
        let writer = spawn(&stage, move |stage| {
            stage.map.store(k.k11, 1);
            stage.map.delete(&k.k10);
            stage.over();
        });
        stage.read(Reads::Plain, seen, k.k00, k.k10, k.k11);
        join(writer);
        assert_eq!(stage.map.shards(), 1);
        assert!(stage.map.capacity() > 7);
    });
}

/// Two shards become one; what stays is in the one that is taken over, or in the other.
fn reader_and_merge(reads: Reads, upper: bool) {
    model_less(1, move |k, seen| {
        let stage = Stage::<Fill>::published(2, 7, &[k.k00, k.k10]);
        let (stays, leaves) = if upper {
            (k.k10, k.k00)
        } else {
            (k.k00, k.k10)
        };
        let writer = spawn(&stage, move |stage| {
            stage.map.shrink_to_fit();
            stage.map.store(k.k11, 1);
            stage.map.delete(&leaves);
            stage.over();
        });
        stage.read(reads, seen, stays, leaves, k.k11);
        join(writer);
        assert_eq!(stage.map.shards(), 1);
        stage.assert_holds(&[(stays, stays), (k.k11, 1)]);
    });
}

#[test]
fn reader_and_merge_of_the_lower_half() {
    reader_and_merge(Reads::Plain, false);
}

#[test]
fn reader_and_merge_of_the_upper_half() {
    reader_and_merge(Reads::Plain, true);
}

#[test]
fn session_and_merge() {
    reader_and_merge(Reads::Session, true);
}

/// All entries go, and everything that can be let go without waiting; then something comes.
fn reader_and_clear(reads: Reads) {
    model(move |k, seen| {
        let stage = Stage::<Fill>::published(1, 7, &[k.k00]);
        let writer = spawn(&stage, move |stage| {
            stage.map.clear();
            stage.over();
            stage.map.store(k.k00, 1);
        });
        reads.run(&stage.map, |get| {
            let is_over = stage.is_over.load(Acquire);
            let age = |got| match got {
                Some(1) => 2,
                None => 1,
                Some(_) => 0,
            };
            let [first, second] = [(); 2].map(|()| age(get(k.k00)));
            assert!(first <= second, "it came back");
            assert!(!is_over || first > 0, "it was removed before");
            seen.note("it is still there", first == 0);
            seen.note("it has gone", first == 1);
            seen.note("it is there again", first == 2);
        });
        join(writer);
        stage.assert_holds(&[(k.k00, 1)]);
    });
}

#[test]
fn reader_and_clearing() {
    reader_and_clear(Reads::Plain);
}

#[test]
fn session_and_clearing() {
    reader_and_clear(Reads::Session);
}

/// A walk meets what is there throughout once, whatever splits.
#[test]
fn walk_and_split() {
    model(|k, seen| {
        let stage = Stage::<Amortized>::published(1, 2, &[k.k00, k.k10]);
        let writer = spawn(&stage, move |stage| stage.map.store(k.k11, 1));
        let mut met = Vec::new();
        stage.map.for_each(|key, _| met.push(*key));
        let count = |key| met.iter().filter(|met| **met == key).count();
        assert_eq!((count(k.k00), count(k.k10)), (1, 1));
        seen.note("what comes is not met", count(k.k11) == 0);
        seen.note("what comes is met", count(k.k11) == 1);
        join(writer);
        assert_eq!(stage.map.shards(), 2);
    });
}

/// The same with a merge.
#[test]
fn walk_and_merge() {
    model(|k, seen| {
        let stage = Stage::<Fill>::published(2, 7, &[k.k00, k.k10]);
        let writer = spawn(&stage, move |stage| {
            stage.map.shrink_to_fit();
            stage.map.store(k.k11, 1);
        });
        let mut met = Vec::new();
        stage.map.for_each(|key, _| met.push(*key));
        let count = |key| met.iter().filter(|met| **met == key).count();
        assert_eq!((count(k.k00), count(k.k10)), (1, 1));
        seen.note("what comes is not met", count(k.k11) == 0);
        seen.note("what comes is met", count(k.k11) == 1);
        join(writer);
        assert_eq!(stage.map.shards(), 1);
    });
}
