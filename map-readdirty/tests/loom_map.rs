//! Models of a whole read/dirty map, by loom: readers without the lock against updates, insertions and removals, with nodes that
//! are used again; two changes of one key; changes and reads of two threads crosswise.
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

use promotion::{Amortized, Fill, Promotion};
use rig::{ModelMap, Op, assert_linear, join, map, model, model_less, spawn};

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

/// A map of so many shards, each of which is published if it has an entry; every value is its key.
fn published<P: Promotion>(shards: usize, keys: &[u64]) -> Arc<ModelMap<P>> {
    let map = map(shards, 7);
    for &key in keys {
        map.store(key, key);
        assert_eq!(map.get_copied(&key), Some(key));
    }
    Arc::new(map)
}

/// So many updates let a node be used again if nobody holds time up.
const ENOUGH: u64 = 6;

/// Updates retire nodes, time goes on, and one of them uses a node again.
fn reader_and_updates(pinned: bool, updates: u64) {
    model(move |k, seen| {
        let map = published::<Fill>(1, &[k.k00]);
        let writer = spawn(&map, move |map| {
            for value in 1..=updates {
                map.store(k.k00, value);
            }
        });
        let age = |got: Option<u64>| match got.expect("present throughout") {
            value if value == k.k00 => 0,
            value => value,
        };
        let [first, second] = if pinned {
            let session = map.pin();
            [(); 2].map(|()| age(session.get(&k.k00).copied()))
        } else {
            [(); 2].map(|()| age(map.get_copied(&k.k00)))
        };
        assert!(
            first <= second && second <= updates,
            "{first}, then {second}"
        );
        join(writer);
        assert_eq!(map.get_copied(&k.k00), Some(updates));
        seen.note(
            "an entry is let go",
            map.stats().pooled_nodes > 0 || updates == 1,
        );
        seen.note("the reader sees an update", second > 0);
    });
}

#[test]
fn reader_and_update() {
    reader_and_updates(false, 1);
}

#[test]
fn reader_and_updates_of_nodes_used_again() {
    reader_and_updates(false, ENOUGH);
}

#[test]
fn session_and_updates_of_nodes_used_again() {
    reader_and_updates(true, ENOUGH);
}

/// A new key takes a free slot of the published table.
#[test]
fn reader_and_insert() {
    model(|k, seen| {
        let map = published::<Fill>(1, &[k.k00]);
        let writer = spawn(&map, move |map| map.insert(k.k01, 1));
        let [first, second] = [(); 2].map(|()| map.get_copied(&k.k01));
        assert!(first.is_none() || second.is_some(), "found, then missed");
        seen.note("it is found", first.is_some());
        seen.note("it is not", second.is_none());
        assert_eq!(join(writer), None);
        assert_eq!(map.get_copied(&k.k01), Some(1));
        assert_eq!(map.stats().dirty_entries, 0);
    });
}

/// A key goes and comes back.
#[test]
fn reader_and_removal_and_insert() {
    model(|k, seen| {
        let map = published::<Fill>(1, &[k.k00]);
        let writer = spawn(&map, move |map| {
            assert_eq!(map.remove(&k.k00), Some((k.k00, k.k00)));
            assert_eq!(map.insert(k.k00, 1), None);
        });
        let age = |got| match got {
            Some(1) => 2,
            None => 1,
            Some(_) => 0,
        };
        let [first, second] = [(); 2].map(|()| age(map.get_copied(&k.k00)));
        assert!(first <= second, "{first}, then {second}");
        seen.note("it has gone", second == 1);
        seen.note("it is back", second == 2);
        join(writer);
        assert_eq!(map.get_copied(&k.k00), Some(1));
    });
}

/// A key goes, and one with the same tag takes its slot; nodes are used again.
#[test]
fn reader_and_slot_of_another() {
    model(|k, _| {
        let map = published::<Fill>(1, &[k.k00]);
        let writer = spawn(&map, move |map| {
            map.delete(&k.k00);
            map.store(k.twin, 1);
            map.delete(&k.twin);
            map.store(k.k00, 2);
        });
        let got = map.get_copied(&k.k00);
        assert!([None, Some(k.k00), Some(2)].contains(&got), "{got:?}");
        let got = map.get_copied(&k.twin);
        assert!([None, Some(1)].contains(&got), "{got:?}");
        join(writer);
        assert_eq!(map.get_copied(&k.k00), Some(2));
        assert_eq!(map.get_copied(&k.twin), None);
    });
}

/// A copy is made and changed while readers look at the original, and then published.
#[test]
fn reader_and_write_guard() {
    model(|k, seen| {
        let map = published::<Fill>(1, &[k.k00]);
        let writer = spawn(&map, move |map| {
            let mut guard = map.get_mut(&k.k00).expect("present throughout");
            *guard = 1;
            *guard = 2;
        });
        let got = map.get_copied(&k.k00);
        assert!([Some(k.k00), Some(2)].contains(&got), "{got:?}");
        seen.note("the original is seen", got == Some(k.k00));
        seen.note("the copy is seen", got == Some(2));
        join(writer);
        assert_eq!(map.get_copied(&k.k00), Some(2));
    });
}

/// Two writers of a key answer as if one came after the other.
#[test]
fn two_updates() {
    model(|k, _| {
        let map = published::<Fill>(1, &[k.k00]);
        let other = spawn(&map, move |map| {
            [
                Op::Store(1, map.insert(k.k00, 1)),
                Op::Get(map.get_copied(&k.k00)),
            ]
        });
        let mine = [
            Op::Store(2, map.insert(k.k00, 2)),
            Op::Remove(map.remove(&k.k00).map(|(_, value)| value)),
        ];
        let theirs = join(other);
        assert_linear(Some(k.k00), &[&mine, &theirs], map.get_copied(&k.k00));
    });
}

/// Of two that change the same pair one succeeds, wherever the pair is.
fn compare_exchange_and_compare_remove<P: Promotion>(dirty: bool) {
    model(move |k, seen| {
        let map = published::<P>(1, &[if dirty { k.k01 } else { k.k00 }]);
        map.store(k.k00, 7);
        let other = spawn(&map, move |map| {
            let removed = map.compare_remove(&k.k00, &7);
            assert!(removed.is_none_or(|pair| pair == (k.k00, 7)));
            [Op::CompareRemove(7, removed.is_some())]
        });
        let exchanged = map.compare_exchange(&k.k00, &7, 8).is_ok();
        let mine = [
            Op::CompareExchange(7, 8, exchanged),
            Op::Get(map.get_copied(&k.k00)),
        ];
        let theirs = join(other);
        let last = map.get_copied(&k.k00);
        assert_linear(Some(7), &[&mine, &theirs], last);
        assert_eq!(last, exchanged.then_some(8), "one of the two");
        seen.note("it is exchanged", exchanged);
        seen.note("it is removed", !exchanged);
    });
}

#[test]
fn compare_exchange_and_compare_remove_in_the_read_table() {
    compare_exchange_and_compare_remove::<Fill>(false);
}

#[test]
fn compare_exchange_and_compare_remove_in_the_dirty_table() {
    compare_exchange_and_compare_remove::<Amortized>(true);
}

/// Of two exchanges of the same value one succeeds.
#[test]
fn two_compare_exchanges() {
    model(|k, _| {
        let map = published::<Fill>(1, &[k.k00]);
        map.store(k.k00, 7);
        let exchange = move |map: &ModelMap, new| {
            let done = map.compare_exchange(&k.k00, &7, new).is_ok();
            [
                Op::CompareExchange(7, new, done),
                Op::Get(map.get_copied(&k.k00)),
            ]
        };
        let other = spawn(&map, move |map| exchange(map, 8));
        let mine = exchange(&map, 9);
        let theirs = join(other);
        assert_linear(Some(7), &[&mine, &theirs], map.get_copied(&k.k00));
    });
}

/// Two threads each change a key and then read that of the other, in another shard: one of them at least sees the change of
/// the other.
fn changes_and_reads_crosswise(in_sessions: bool) {
    model_less(usize::from(in_sessions), move |k, seen| {
        let map = published::<Fill>(2, &[k.k00, k.k10]);
        let cross = move |map: &ModelMap, own: u64, other: u64| {
            if in_sessions {
                let session = map.pin();
                map.store(own, 1);
                session.get(&other).copied()
            } else {
                map.store(own, 1);
                map.get_copied(&other)
            }
        };
        let other = spawn(&map, move |map| cross(map, k.k10, k.k00));
        let mine = cross(&map, k.k00, k.k10);
        let theirs = join(other);
        assert!([mine, theirs].contains(&Some(1)), "neither came first");
        seen.note("both see the change of the other", mine == theirs);
    });
}

#[test]
fn changes_and_plain_reads_crosswise() {
    changes_and_reads_crosswise(false);
}

#[test]
fn changes_and_reads_of_sessions_crosswise() {
    changes_and_reads_crosswise(true);
}
