//! The directory under the model checker loom: the real front, directory, headers and lock, over a
//! strategy whose shards are vectors.
//!
//!     RUSTFLAGS="--cfg crossbeam_loom" LOOM_MAX_PREEMPTIONS=2 \
//!         cargo test --release -p map-core --test loom_directory
//!
//! A model sees what lies under a shard's lock through the header's watch, and the birth of headers
//! and places through their atomics. Lost keys and wrong lengths are assertions; a thread that looks a
//! shard up again for ever exceeds the branches of a model.
//!
//! What was weakened, each alone, at 2 preemptions, and what turned red:
//!
//! | weakened | red |
//! |---|---|
//! | no coverage check where a reader finds nothing | `reader_*`, where the key moves (missed) |
//! | no coverage check where a writer finds nothing | `insert_and_merge*`, `two_inserts_and_the_first_split` (lost) |
//! | split publishes after unlocking | `reader_of_what_moves_and_a_doubling` (looks up for ever) |
//! | split does not set the root | `*_doubling*`, `two_inserts_*` (look up for ever) |
//! | merge does not publish places | `*_merge*` (look up for ever) |
//! | root stored, or loaded, Relaxed | `len_*`, `copy_and_a_doubling` (races with the birth of places or headers) |
//! | the announcers' root stored, or loaded, Relaxed | `reader_*_first_split`, `reader_*_doubling`, `two_inserts_and_the_first_split` (races, as above) |
//! | the root of who locks stored, or loaded, Relaxed | `two_doublings` (the same) |
//! | places stored, or loaded, Relaxed | `reader_and_its_header_used_again` (race with the birth of a header) |
//! | first header keeps its coverage | `*_the_first_split` (missed, lost) |
//! | merged-away header keeps its coverage | `reader_and_merge*`, `insert_and_merge*` (missed, lost) |
//! | split without the lock of the upper half's header | `reader_and_its_header_used_again` (race) |
//! | merge without the lock of the buddy | `insert_and_merge` (race, then an abort) |
//! | split publishes no lengths | `len_and_the_first_split` (overlooked) |
//! | hints stored, or loaded, Relaxed | `len_and_a_doubling`, `len_*` |
//!
//! | a copy keeps what it has of shards that merge | `copy_and_merge` (places for too many, then an abort) |
//! | merges that are under way are not waited for | `forbidden_merges` (two shards, and then one) |
//! | the wait for them, or their end, Relaxed | `forbidden_merges` (the same) |
//!
//! Green, for it costs time and nothing else: a root that leads to the first shard for ever. Whoever is led there finds that it covers nothing.
//!
//! Green, and not to be seen here: places stored Relaxed while the array doubles or halves. Only a
//! reader that stays in an array while it goes out of use and comes back, with a header made meanwhile,
//! would see one that is not published; that takes a dozen shards. In the model of the lock each
//! unlock has a fence, so orderings that only that fence provides are not seen to be missing.

#![cfg(crossbeam_loom)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use merges::Merges;
use tiny::{Keys, TinyMap, join, map, model, spawn};

mod tiny;

#[path = "../src/raw/merges.rs"]
mod merges;

/// What the file above is made of.
mod sync {
    pub(crate) use loom::sync::atomic;
    pub(crate) use loom::thread::yield_now;
}

/// Each of these keys is found, with itself as its value, and a walk meets each once and nothing
/// else.
fn assert_holds(map: &TinyMap, keys: &[u64]) {
    for key in keys {
        assert_eq!(map.get_copied(key), Some(*key), "lost");
    }
    let mut met = Vec::new();
    map.for_each(|key, _| met.push(*key));
    met.sort_unstable();
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    assert_eq!(met, keys, "a walk meets each once");
    assert_eq!(map.len(), keys.len());
}

/// The lower half leaves the map for a header of its own, the upper half for another.
fn reader_and_first_split(present: u64, inserted: u64) {
    let map = Arc::new(map(1, 1));
    map.insert(present, present);
    let writer = spawn(&map, move |map| map.insert(inserted, inserted));
    assert_eq!(map.get_copied(&present), Some(present), "missed");
    assert_eq!(join(writer), None);
    assert_eq!(map.shards(), 2);
    assert_holds(&map, &[present, inserted]);
}

#[test]
fn reader_of_the_lower_half_and_the_first_split() {
    model(|k| reader_and_first_split(k.k00, k.k10));
}

#[test]
fn reader_of_the_upper_half_and_the_first_split() {
    model(|k| reader_and_first_split(k.k10, k.k00));
}

/// The array doubles, and the key that is looked up moves or stays.
fn reader_and_doubling(present: u64, inserted: u64) {
    let map = Arc::new(map(2, 1));
    map.insert(present, present);
    let writer = spawn(&map, move |map| map.insert(inserted, inserted));
    assert_eq!(map.get_copied(&present), Some(present), "missed");
    assert_eq!(join(writer), None);
    assert_eq!(map.shards(), 3);
    assert_holds(&map, &[present, inserted]);
}

#[test]
fn reader_of_what_stays_and_a_doubling() {
    model(|k| reader_and_doubling(k.k00, k.k01));
}

#[test]
fn reader_of_what_moves_and_a_doubling() {
    model(|k| reader_and_doubling(k.k11, k.k10));
}

/// In a model every other write to a shard is a sample, which goes another way. This runs it so that one write is it, and
/// so that it is not: `one_more` writes once more, to the shard of the key, and changes nothing.
fn either_way(check: impl Fn(Keys, fn(&TinyMap, u64)) + Send + Sync + Clone + 'static) {
    let also = check.clone();
    model(move |k| check(k, |_, _| ()));
    model(move |k| also(k, |map, key| assert_eq!(map.remove(&key), None)));
}

/// Two threads insert; each may be the one that splits.
fn two_inserts(shards: usize, [present, mine, theirs]: [u64; 3], one_more: fn(&TinyMap, u64)) {
    let map = Arc::new(map(shards, 1));
    one_more(&map, present);
    map.insert(present, present);
    let other = spawn(&map, move |map| {
        assert_eq!(map.insert(theirs, theirs), None);
    });
    assert_eq!(map.insert(mine, mine), None);
    assert_eq!(map.get_copied(&mine), Some(mine), "lost");
    join(other);
    assert_holds(&map, &[present, mine, theirs]);
}

#[test]
fn two_inserts_and_the_first_split() {
    either_way(|k, one_more| two_inserts(1, [k.k00, k.k10, k.k11], one_more));
}

#[test]
fn two_inserts_and_a_doubling() {
    either_way(|k, one_more| two_inserts(2, [k.k00, k.k01, k.k10], one_more));
}

/// Two shards double the array at once.
#[test]
fn two_doublings() {
    model(|k| {
        let map = Arc::new(map(2, 1));
        map.insert(k.k00, k.k00);
        map.insert(k.k10, k.k10);
        let other = spawn(&map, move |map| map.insert(k.k11, k.k11));
        assert_eq!(map.insert(k.k01, k.k01), None);
        assert_eq!(join(other), None);
        assert_eq!(map.shards(), 4);
        assert_holds(&map, &[k.k00, k.k01, k.k10, k.k11]);
    });
}

/// Two halves merge; the key that is looked up is in the one whose header goes out of use.
#[test]
fn reader_and_merge() {
    model(|k| {
        let map = Arc::new(map(2, 2));
        map.insert(k.k00, k.k00);
        let merger = spawn(&map, |map| map.shrink_to_fit());
        assert_eq!(map.get_copied(&k.k00), Some(k.k00), "missed");
        join(merger);
        assert_eq!(map.shards(), 1);
        assert_holds(&map, &[k.k00]);
    });
}

/// An insert into the half that is merged away.
#[test]
fn insert_and_merge() {
    either_way(|k, one_more| {
        let map = Arc::new(map(2, 2));
        one_more(&map, k.k01);
        let merger = spawn(&map, |map| map.shrink_to_fit());
        assert_eq!(map.insert(k.k01, k.k01), None);
        join(merger);
        assert_holds(&map, &[k.k01]);
    });
}

/// The header of the half that was merged away is used again by a split, for the other half.
#[test]
fn reader_and_merge_and_split() {
    model(|k| {
        let map = Arc::new(map(2, 2));
        map.insert(k.k00, k.k00);
        let merger = spawn(&map, move |map| {
            map.shrink_to_fit();
            map.insert(k.k10, k.k10);
            map.insert(k.k11, k.k11);
        });
        assert_eq!(map.get_copied(&k.k00), Some(k.k00), "missed");
        assert_eq!(map.get_copied(&k.k01), None);
        join(merger);
        assert_eq!(map.shards(), 2);
        assert_holds(&map, &[k.k00, k.k10, k.k11]);
    });
}

/// The header of a key is merged away and then used again for the same key.
#[test]
fn reader_and_its_header_used_again() {
    model(|k| {
        let map = Arc::new(map(4, 2));
        map.insert(k.k11, k.k11);
        let merger = spawn(&map, move |map| {
            map.shrink_to_fit();
            map.insert(k.k00, k.k00);
            map.insert(k.k01, k.k01);
        });
        assert_eq!(map.get_copied(&k.k11), Some(k.k11), "missed");
        join(merger);
        assert_eq!(map.shards(), 2);
        assert_holds(&map, &[k.k00, k.k01, k.k11]);
    });
}

/// The same against an insert, which could land in a header out of use.
#[test]
fn insert_and_merge_and_split() {
    either_way(|k, one_more| {
        let map = Arc::new(map(2, 2));
        one_more(&map, k.k00);
        let merger = spawn(&map, move |map| {
            map.shrink_to_fit();
            map.insert(k.k10, k.k10);
            map.insert(k.k11, k.k11);
        });
        assert_eq!(map.insert(k.k00, k.k00), None);
        join(merger);
        assert_holds(&map, &[k.k00, k.k10, k.k11]);
    });
}

/// The hints of `len` never overlook an entry that is there, nor count it twice while it moves.
fn len_and_split(shards: usize, present: u64, inserted: u64) {
    let map = Arc::new(map(shards, 1));
    map.insert(present, present);
    let writer = spawn(&map, move |map| map.insert(inserted, inserted));
    assert!(!map.is_empty(), "overlooked");
    assert!([1, 2].contains(&map.len()), "counted twice, or overlooked");
    assert_eq!(join(writer), None);
    assert_eq!(map.len(), 2);
}

#[test]
fn len_and_the_first_split() {
    model(|k| len_and_split(1, k.k10, k.k00));
}

#[test]
fn len_and_a_doubling() {
    model(|k| len_and_split(2, k.k11, k.k10));
}

/// A copy has each key once, and finds it.
fn copy_meanwhile(
    shards: usize,
    limit: usize,
    present: [u64; 2],
    change: fn(&TinyMap, u64),
    inserted: u64,
) {
    let map = Arc::new(map(shards, limit));
    for key in present {
        map.insert(key, key);
    }
    let writer = spawn(&map, move |map| change(map, inserted));
    let copy = (*map).clone();
    join(writer);
    let keys = match copy.contains_key(&inserted) {
        true => vec![present[0], present[1], inserted],
        false => present.to_vec(),
    };
    assert_holds(&copy, &keys);
    // It goes on as any other map.
    let [one, other] = present;
    copy.insert(one, one);
    copy.retain(|key, _| *key == other);
    copy.shrink_to_fit();
    assert_holds(&copy, &[other]);
}

fn insert(map: &TinyMap, key: u64) {
    assert_eq!(map.insert(key, key), None);
}

fn shrink(map: &TinyMap, _: u64) {
    map.shrink_to_fit();
}

#[test]
fn copy_and_the_first_split() {
    model(|k| copy_meanwhile(1, 2, [k.k00, k.k10], insert, k.k11));
}

#[test]
fn copy_and_a_doubling() {
    model(|k| copy_meanwhile(2, 1, [k.k00, k.k10], insert, k.k01));
}

#[test]
fn copy_and_merge() {
    model(|k| copy_meanwhile(2, 4, [k.k00, k.k10], shrink, k.k11));
}

/// While merges are forbidden, as many shards are seen as were when that began, or more.
#[test]
fn forbidden_merges() {
    loom::model(|| {
        let merges = Arc::new(Merges::default());
        let shards = Arc::new(AtomicUsize::new(2));
        let merger = {
            let (merges, shards) = (Arc::clone(&merges), Arc::clone(&shards));
            loom::thread::spawn(move || {
                let merging = merges.begin();
                if merging.is_some() {
                    shards.store(1, Relaxed);
                }
                merging.is_some()
            })
        };
        let unmerged = merges.forbid();
        let seen = shards.load(Relaxed);
        loom::thread::yield_now();
        assert_eq!(shards.load(Relaxed), seen, "two shards, and then one");
        drop(unmerged);
        let merged = join(merger);
        assert_eq!(shards.load(Relaxed), if merged { 1 } else { 2 });
        assert!(merges.begin().is_some(), "it may be again");
    });
}
