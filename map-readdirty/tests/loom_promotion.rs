//! Models of promotion, by loom, under each of its policies: against readers, changes, and the window between a removal and an
//! insertion of one key.
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

use std::cell::Cell;
use std::sync::Arc;

use promotion::{Amortized, Fill, Plain, Promotion};
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

/// A map of one shard whose read table has a key.
fn published<P: Promotion>(key: u64) -> ModelMap<P> {
    let map = map(1, 7);
    map.store(key, key);
    assert_eq!(map.get_copied(&key), Some(key));
    map
}

fn get<P: Promotion>(map: &ModelMap<P>, key: u64) -> Op {
    Op::Get(map.get_copied(&key))
}

fn remove<P: Promotion>(map: &ModelMap<P>, key: u64) -> Op {
    Op::Remove(map.remove(&key).map(|(_, value)| value))
}

fn get_or_insert<P: Promotion>(map: &ModelMap<P>, key: u64, new: u64) -> Op {
    let made = Cell::new(0);
    let got = *map.get_or_insert_with(key, || {
        made.set(made.get() + 1);
        new
    });
    assert!(made.get() <= 1, "made more than once");
    Op::GetOrInsert(new, made.get() == 1, got)
}

/// Two threads read what is not published yet; either publishes it.
#[test]
fn two_readers_and_a_promotion() {
    model(|k, seen| {
        let map = Arc::new(map::<Fill, u64>(1, 7));
        map.store(k.k00, 1);
        let other = spawn(&map, move |map| map.get_copied(&k.k00));
        assert_eq!(map.get_copied(&k.k00), Some(1));
        assert_eq!(join(other), Some(1));
        let promotions = map.stats().promotions;
        assert!(promotions <= 1, "promoted twice");
        seen.note("it is published", promotions == 1);
    });
}

/// A key comes to what is not published yet, and one that is there goes.
#[test]
fn promotion_and_changes() {
    model(|k, seen| {
        let map = Arc::new(map::<Fill, u64>(1, 7));
        map.store(k.k00, 1);
        let writer = spawn(&map, move |map| {
            map.store(k.k01, 1);
            assert!(map.delete(&k.k00));
        });
        let [stays, goes] = [k.k01, k.k00].map(|key| [(); 2].map(|()| map.get_copied(&key)));
        assert!(
            stays[0].is_none() || stays[1].is_some(),
            "found, then missed"
        );
        assert!(goes[0].is_some() || goes[1].is_none(), "it came back");
        seen.note("what comes is not there yet", stays[0].is_none());
        seen.note("what goes has gone", goes[0].is_none());
        join(writer);
        assert_eq!(map.get_copied(&k.k01), Some(1));
        assert_eq!(map.get_copied(&k.k00), None);
    });
}

/// The dirty table is merged with the read table, which goes, while somebody reads that.
#[test]
fn reader_and_merging_promotion() {
    model(|k, seen| {
        let map = published::<Plain>(k.k00);
        map.store(k.k01, 1);
        map.store(k.k10, 2);
        let map = Arc::new(map);
        let other = spawn(&map, move |map| {
            assert_eq!(map.get_copied(&k.k01), Some(1), "missed");
            assert_eq!(map.get_copied(&k.k01), Some(1), "missed");
        });
        assert_eq!(map.get_copied(&k.k00), Some(k.k00), "missed");
        assert_eq!(map.get_copied(&k.k10), Some(2), "missed");
        join(other);
        seen.note("it is promoted", map.stats().promotions == 2);
    });
}

/// The first new key goes to the dirty table beside a read table, is promoted, and goes; another comes.
#[test]
fn reader_and_amendment() {
    model(|k, seen| {
        let map = Arc::new(published::<Amortized>(k.k00));
        let other = spawn(&map, move |map| {
            assert_eq!(map.insert(k.k01, 1), None);
            assert_eq!(map.get_copied(&k.k01), Some(1), "missed");
            assert_eq!(map.remove(&k.k01), Some((k.k01, 1)));
            assert_eq!(map.get_copied(&k.k01), None, "kept");
            map.store(k.k10, 2);
        });
        assert_eq!(map.get_copied(&k.k00), Some(k.k00), "missed");
        let got = map.get_copied(&k.k01);
        assert!([None, Some(1)].contains(&got), "{got:?}");
        seen.note("it is found", got.is_some());
        join(other);
        assert_eq!(map.get_copied(&k.k01), None, "kept");
    });
}

/// A key is deleted and made anew by one thread while the misses of another promote.
fn deletion_insertion_and_promotion<P: Promotion>() {
    model(|k, seen| {
        let map = published::<P>(k.k00);
        map.store(k.k01, 1);
        let map = Arc::new(map);
        let before = map.stats().promotions;
        let writer = spawn(&map, move |map| {
            [remove(map, k.k01), get_or_insert(map, k.k01, 2)]
        });
        let read = [get(&map, k.k01), get(&map, k.k01)];
        let written = join(writer);
        let promoted = map.stats().promotions > before;
        let last = map.get_copied(&k.k01);
        assert_linear(Some(1), &[&written, &read], last);
        assert_eq!(map.get_copied(&k.k00), Some(k.k00), "lost");
        assert_eq!(map.len(), 2);
        seen.note(
            "it is absent for a reader",
            matches!(read[0], Op::Get(None)),
        );
        seen.note("it is promoted", promoted || P::FILLS);
    });
}

#[test]
fn deletion_insertion_and_promotion_amortized() {
    deletion_insertion_and_promotion::<Amortized>();
}

#[test]
fn deletion_insertion_and_promotion_plain() {
    deletion_insertion_and_promotion::<Plain>();
}

#[test]
fn deletion_insertion_and_promotion_filling() {
    deletion_insertion_and_promotion::<Fill>();
}

/// One thread removes a key, another makes it if it is absent, which promotes where that misses.
fn removal_against_insertion<P: Promotion>(dirty: bool) {
    model(move |k, seen| {
        let map = published::<P>(if dirty { k.k00 } else { k.k01 });
        if dirty {
            map.store(k.k01, k.k01);
        }
        let map = Arc::new(map);
        let remover = spawn(&map, move |map| [remove(map, k.k01)]);
        let made = [get_or_insert(&map, k.k01, 2), get(&map, k.k01)];
        let removed = join(remover);
        let last = map.get_copied(&k.k01);
        assert_linear(Some(k.k01), &[&removed, &made], last);
        assert_eq!(map.len(), usize::from(dirty) + usize::from(last.is_some()));
        seen.note("it is made", last == Some(2));
        seen.note("it is found, then removed", last.is_none());
    });
}

#[test]
fn removal_from_the_dirty_table_against_insertion() {
    removal_against_insertion::<Amortized>(true);
}

#[test]
fn removal_from_the_read_table_against_insertion() {
    removal_against_insertion::<Amortized>(false);
}

#[test]
fn removal_against_insertion_filling() {
    removal_against_insertion::<Fill>(false);
}

/// Two threads make a key that is absent, and a third removes it: of two that follow each other only the first makes it.
fn two_insertions<P: Promotion>() {
    model_less(1, |k, seen| {
        let map = Arc::new(published::<P>(k.k00));
        let remover = spawn(&map, move |map| [remove(map, k.k01)]);
        let other = spawn(&map, move |map| [get_or_insert(map, k.k01, 1)]);
        let mine = [get_or_insert(&map, k.k01, 2)];
        let (removed, theirs) = (join(remover), join(other));
        let last = map.get_copied(&k.k01);
        assert_linear(None, &[&removed, &mine, &theirs], last);
        assert_eq!(map.len(), 1 + usize::from(last.is_some()));
        let made = |ops: &[Op]| matches!(ops, [Op::GetOrInsert(_, true, _)]);
        seen.note("both make it", made(&mine) && made(&theirs));
        seen.note("one makes it", made(&mine) != made(&theirs));
    });
}

#[test]
fn two_insertions_amortized() {
    two_insertions::<Amortized>();
}

#[test]
fn two_insertions_filling() {
    two_insertions::<Fill>();
}

/// One removes, one makes it if it is absent, and the misses of a third promote.
#[test]
fn removal_against_insertion_and_promotion() {
    model_less(1, |k, seen| {
        let map = Arc::new(published::<Amortized>(k.k01));
        let remover = spawn(&map, move |map| [remove(map, k.k01)]);
        let reader = spawn(&map, move |map| [get(map, k.k01)]);
        let made = [get_or_insert(&map, k.k01, 2)];
        let (removed, read) = (join(remover), join(reader));
        let last = map.get_copied(&k.k01);
        assert_linear(Some(k.k01), &[&removed, &made, &read], last);
        assert_eq!(map.len(), usize::from(last.is_some()));
        seen.note("it is made", last == Some(2));
        seen.note("it is found, then removed", last.is_none());
        seen.note(
            "it is absent for a reader",
            matches!(read[0], Op::Get(None)),
        );
    });
}
