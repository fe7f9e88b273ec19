//! HEADER
#![cfg(crossbeam_loom)]
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    unreachable_pub,
    reason = "each test uses its part of the crate's modules"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use promotion::{Amortized, Fill, Plain, Promotion};
use rig::{ModelMap, join, map, model, spawn};

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

/// A map of so many shards, each of which is published if it has an entry.
fn published<P: Promotion>(shards: usize, entries: &[u64]) -> Arc<ModelMap<P>> {
    let map = map(shards, 7);
    for &key in entries {
        map.insert(key, key);
        assert_eq!(map.get_copied(&key), Some(key));
    }
    Arc::new(map)
}

/// Two threads read what is not published yet; either publishes it.
#[test]
fn two_readers_and_a_promotion() {
    model(|k, seen| {
        let map = Arc::new(map::<Fill, u64>(1, 7));
        map.insert(k.k00, 1);
        let other = spawn(&map, move |map| map.get_copied(&k.k00));
        assert_eq!(map.get_copied(&k.k00), Some(1));
        assert_eq!(join(other), Some(1));
        assert!(map.stats().promotions <= 1, "promoted twice");
    });
}

/// The dirty table is merged with the read table, which goes, while somebody reads that.
#[test]
fn reader_and_merging_promotion() {
    model(|k, seen| {
        let map = published::<Plain>(1, &[k.k00]);
        map.insert(k.k01, 1);
        map.insert(k.k10, 2);
        let other = spawn(&map, move |map| {
            assert_eq!(map.get_copied(&k.k01), Some(1), "missed");
            assert_eq!(map.get_copied(&k.k01), Some(1), "missed");
        });
        assert_eq!(map.get_copied(&k.k00), Some(k.k00), "missed");
        assert_eq!(map.get_copied(&k.k10), Some(2), "missed");
        join(other);
        
    });
}

/// The first new key goes to the dirty table beside a read table.
#[test]
fn reader_and_amendment() {
    model(|k, seen| {
        let map = published::<Amortized>(1, &[k.k00]);
        let other = spawn(&map, move |map| {
            assert_eq!(map.insert(k.k01, 1), None);
            assert_eq!(map.get_copied(&k.k01), Some(1), "missed");
            assert_eq!(map.remove(&k.k01), Some((k.k01, 1)));
            assert_eq!(map.get_copied(&k.k01), None, "kept");
        });
        assert_eq!(map.get_copied(&k.k00), Some(k.k00), "missed");
        let got = map.get_copied(&k.k01);
        assert!([None, Some(1)].contains(&got), "{got:?}");
        join(other);
    });
}

/// Updates retire nodes, time goes on, and the third update uses a node again.
fn reader_and_updates(pinned: bool, updates: u64) {
    model(move |k, seen| {
        let map = published::<Fill>(1, &[k.k00]);
        let writer = spawn(&map, move |map| {
            for value in 1..=updates {
                map.store(k.k00, value);
            }
        });
        let got = if pinned {
            map.pin().get(&k.k00).copied()
        } else {
            map.get_copied(&k.k00)
        };
        let got = got.expect("present throughout");
        assert!(got == k.k00 || got <= updates, "{got}");
        join(writer);
        assert_eq!(map.get_copied(&k.k00), Some(updates));
    });
}

#[test]
fn reader_and_update() {
    reader_and_updates(false, 1);
}

#[test]
fn reader_and_updates_of_recycled_nodes() {
    reader_and_updates(false, 4);
}

#[test]
fn session_and_updates_of_recycled_nodes() {
    reader_and_updates(true, 4);
}

/// A new key takes a free slot of the published table.
#[test]
fn reader_and_insert() {
    model(|k, seen| {
        let map = published::<Fill>(1, &[k.k00]);
        let writer = spawn(&map, move |map| map.insert(k.k01, 1));
        let got = map.get_copied(&k.k01);
        assert!([None, Some(1)].contains(&got), "{got:?}");
        assert_eq!(join(writer), None);
        assert_eq!(map.get_copied(&k.k01), Some(1));
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
        let first = map.get_copied(&k.k00);
        let second = map.get_copied(&k.k00);
        let order = |got| match got {
            Some(1) => 2,
            None => 1,
            Some(_) => 0,
        };
        assert!(order(first) <= order(second), "{first:?}, then {second:?}");
        join(writer);
        assert_eq!(map.get_copied(&k.k00), Some(1));
    });
}

/// A key goes, and one with the same tag takes its slot; nodes are used again.
#[test]
fn reader_and_slot_of_another() {
    model(|k, seen| {
        let map = published::<Fill>(1, &[k.k00]);
        let writer = spawn(&map, move |map| {
            map.delete(&k.k00);
            map.insert(k.twin, 1);
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

/// The table is full: the writer splits it. `limit` is that of the shards.
fn reader_and_growth(pinned: bool, limit: usize, upper: bool) {
    model(move |k, seen| {
        let map = map::<Fill, u64>(1, limit);
        let sought = if upper { k.k10 } else { k.k00 };
        for key in [k.k00, k.k10, 1, 2, 3, 4, 5] {
            map.insert(key, key);
        }
        assert_eq!(map.get_copied(&sought), Some(sought));
        let map = Arc::new(map);
        let writer = spawn(&map, move |map| map.insert(k.k11, 1));
        let got = if pinned {
            map.pin().get(&sought).copied()
        } else {
            map.get_copied(&sought)
        };
        assert_eq!(got, Some(sought), "missed");
        let new = map.get_copied(&k.k11);
        assert!([None, Some(1)].contains(&new), "{new:?}");
        assert_eq!(join(writer), None);
        assert_eq!(map.shards(), if limit == 7 { 2 } else { 1 });
        assert_eq!(map.get_copied(&k.k11), Some(1));
        assert_eq!(map.get_copied(&sought), Some(sought));
    });
}

#[test]
fn reader_of_the_lower_half_and_split() {
    reader_and_growth(false, 7, false);
}

#[test]
fn reader_of_the_upper_half_and_split() {
    reader_and_growth(false, 7, true);
}

#[test]
fn session_and_split() {
    reader_and_growth(true, 7, true);
}

#[test]
fn reader_and_larger_table() {
    reader_and_growth(false, 64, true);
}

/// Two shards become one; what is sought is in the one that is taken over, or in the other.
fn reader_and_merge(pinned: bool, upper: bool) {
    model(move |k, seen| {
        let map = published::<Fill>(2, &[k.k00, k.k10]);
        let writer = spawn(&map, move |map| {
            map.shrink_to_fit();
            // What readers of the old tables do not see.
            map.store(k.k11, 1);
        });
        let sought = if upper { k.k10 } else { k.k00 };
        let got = if pinned {
            map.pin().get(&sought).copied()
        } else {
            map.get_copied(&sought)
        };
        assert_eq!(got, Some(sought), "missed");
        join(writer);
        assert_eq!(map.shards(), 1);
        assert_eq!(map.get_copied(&k.k11), Some(1));
        assert_eq!(map.get_copied(&sought), Some(sought));
    });
}

#[test]
fn reader_and_merge_of_the_lower_half() {
    reader_and_merge(false, false);
}

#[test]
fn reader_and_merge_of_the_upper_half() {
    reader_and_merge(false, true);
}

#[test]
fn session_and_merge() {
    reader_and_merge(true, true);
}

/// All entries go, and everything that can be let go without waiting.
fn reader_and_clear(pinned: bool) {
    model(move |k, seen| {
        let map = published::<Fill>(1, &[k.k00]);
        let writer = spawn(&map, move |map| {
            map.clear();
            map.store(k.k00, 1);
        });
        let got = if pinned {
            map.pin().get(&k.k00).copied()
        } else {
            map.get_copied(&k.k00)
        };
        assert!([None, Some(k.k00), Some(1)].contains(&got), "{got:?}");
        join(writer);
        assert_eq!(map.get_copied(&k.k00), Some(1));
    });
}

#[test]
fn reader_and_clearing() {
    reader_and_clear(false);
}

#[test]
fn session_and_clearing() {
    reader_and_clear(true);
}

/// A key is deleted and made anew while the misses of a reader promote: nothing is lost.
fn promotion_between_delete_and_insert<P: Promotion>() {
    model(|k, seen| {
        let map = published::<P>(1, &[k.k00]);
        map.insert(k.k01, 1);
        let made = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&made);
        let writer = spawn(&map, move |map| {
            assert!(map.delete(&k.k01), "lost");
            let new = map.get_or_insert_with(k.k01, || {
                count.fetch_add(1, Ordering::Relaxed);
                2
            });
            assert_eq!(*new, 2);
        });
        let got = map.get_copied(&k.k01);
        assert!([None, Some(1), Some(2)].contains(&got), "{got:?}");
        let again = map.get_copied(&k.k01);
        assert!([got, None, Some(2)].contains(&again), "{again:?}");
        join(writer);
        assert_eq!(made.load(Ordering::Relaxed), 1, "made exactly once");
        assert_eq!(map.get_copied(&k.k01), Some(2), "lost");
        assert_eq!(map.get_copied(&k.k00), Some(k.k00), "lost");
        assert_eq!(map.len(), 2);
    });
}

#[test]
fn promotion_between_delete_and_insert_amortized() {
    promotion_between_delete_and_insert::<Amortized>();
}

#[test]
fn promotion_between_delete_and_insert_plain() {
    promotion_between_delete_and_insert::<Plain>();
}

#[test]
fn promotion_between_delete_and_insert_filling() {
    promotion_between_delete_and_insert::<Fill>();
}

/// One of two changes of the same pair succeeds.
#[test]
fn compare_exchange_and_compare_remove() {
    model(|k, seen| {
        let map = published::<Fill>(1, &[k.k00]);
        let other = spawn(&map, move |map| map.compare_remove(&k.k00, &k.k00).is_some());
        let exchanged = map.compare_exchange(&k.k00, &k.k00, 1).is_ok();
        assert_ne!(join(other), exchanged);
        assert_eq!(map.get_copied(&k.k00), exchanged.then_some(1));
    });
}

/// A walk meets what is there throughout once, whatever splits.
#[test]
fn walk_and_split() {
    model(|k, seen| {
        let map = map::<Fill, u64>(1, 7);
        let keys = [k.k00, k.k10, 1, 2, 3, 4, 5];
        for key in keys {
            map.insert(key, key);
        }
        map.get_copied(&k.k00);
        let map = Arc::new(map);
        let writer = spawn(&map, move |map| map.insert(k.k11, 1));
        let mut met = Vec::new();
        map.for_each(|key, _| met.push(*key));
        for key in keys {
            assert_eq!(met.iter().filter(|met| **met == key).count(), 1);
        }
        assert_eq!(join(writer), None);
    });
}
