//! Models of the read/dirty map's table of node addresses, by loom: the module itself, included here.
//!
//! Run with `.ci/models`, which sets `--cfg crossbeam_loom`; without it there is nothing here.
//!
//! Weakened one by one, to see that the models notice:
//!
//! | changed in `raw/table.rs` | outcome |
//! |---|---|
//! | `insert`: the slot before the meta word | red: `return_to_its_slot`, `two_readers_of_a_return` |
//! | `insert`: the slot Relaxed | red: a node is read that was not published |
//! | `replace`: the slot Relaxed | red, likewise |
//! | `find`: the slot Relaxed | red, likewise |
//! | `find`: the meta word Relaxed | red |
#![cfg(crossbeam_loom)]
#![expect(unsafe_code, reason = "the functions under test are unsafe")]
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    unreachable_pub,
    reason = "each test uses its part of the crate's modules"
)]

use std::sync::Arc;

use map_core::strategy::Coverage;
use raw::node::Link;
use raw::table::{Index, Table};
use rig::{explore, join, spawn};

#[path = "../src/promotion.rs"]
mod promotion;
#[path = "../src/raw/mod.rs"]
mod raw;
mod rig;
#[path = "../src/stats.rs"]
mod stats;
#[macro_use]
#[path = "../src/sync.rs"]
mod sync;

/// A table of two lines, whose keys are their hashes, and which are all written by one thread at a time.
struct Shared {
    table: Table<u64, u64>,
}

/// A key with this tag at home in the first line, or in the second.
const fn key(tag: u64, second: bool, number: u64) -> u64 {
    tag << 57 | (second as u64) << 56 | number << 24
}

impl Shared {
    fn new(keys: &[u64]) -> Arc<Self> {
        let table = Table::new(Coverage::ALL, 8).expect("a little memory");
        let shared = Arc::new(Self { table });
        for &key in keys {
            shared.insert(key, key);
        }
        shared
    }

    fn insert(&self, key: u64, value: u64) -> Index {
        self.table.insert(key, Link::new(key, (key, value)))
    }

    /// Takes a key out; its node leaks.
    fn remove(&self, key: u64) {
        let (index, _) = self.locate(key).expect("the writer knows what is there");
        self.table.remove(index, key);
    }

    fn replace(&self, key: u64, value: u64) {
        let (index, _) = self.locate(key).expect("the writer knows what is there");
        self.table.replace(index, Link::new(key, (key, value)));
    }

    fn locate(&self, key: u64) -> Option<(Index, Link<u64, u64>)> {
        // SAFETY: 1. Nodes leak.
        unsafe { self.table.find(key, &key) }
    }

    fn find(&self, key: u64) -> Option<u64> {
        let (_, link) = self.locate(key)?;
        // SAFETY: 1. Nodes leak, and are not used again.
        let (found, value) = unsafe { *link.pair() };
        assert_eq!(found, key);
        Some(value)
    }
}

/// Keys at home in the first line, which they fill but for one slot.
fn six() -> [u64; 6] {
    std::array::from_fn(|i| key(i as u64 + 1, false, 1))
}

const LAST: u64 = key(7, false, 1);
const SOUGHT: u64 = key(9, false, 1);
/// With the tag of the one sought.
const TWIN: u64 = key(9, false, 2);

/// A key comes into the free slot; its tag was there before, at another slot, or nowhere.
#[test]
fn insert() {
    explore(|| {
        let shared = Shared::new(&[]);
        let writer = spawn(&shared, |shared| shared.insert(SOUGHT, 1));
        let first = shared.find(SOUGHT);
        let second = shared.find(SOUGHT);
        assert!(first.is_none() || second.is_some(), "found, then missed");
        join(writer);
        assert_eq!(shared.find(SOUGHT), Some(1));
    });
}

/// A key passes the full line that is its home. It stays a moment, or goes.
fn passing(goes: bool) {
    explore(move || {
        let shared = Shared::new(&six());
        shared.insert(LAST, 0);
        let writer = spawn(&shared, move |shared| {
            let index = shared.insert(SOUGHT, 1);
            assert_eq!(index >> 3, 1, "its home is full");
            if goes {
                shared.remove(SOUGHT);
            }
        });
        let got = [SOUGHT, SOUGHT, SOUGHT].map(|key| shared.find(key));
        let changes = got.windows(2).filter(|got| got[0] != got[1]).count();
        let most = if goes && got[0].is_none() { 2 } else { 1 };
        assert!(changes <= most, "{got:?}");
        join(writer);
        assert_eq!(shared.find(SOUGHT), (!goes).then_some(1));
    });
}

#[test]
fn insert_past_a_full_line() {
    passing(false);
}

#[test]
fn insert_past_a_full_line_and_removal() {
    passing(true);
}

/// A key that has passed is found, whoever leaves the line that it passed, or passes it too.
#[test]
fn others_leave_and_pass() {
    explore(|| {
        let shared = Shared::new(&six());
        shared.insert(LAST, 0);
        shared.insert(SOUGHT, 1);
        let writer = spawn(&shared, |shared| {
            shared.insert(TWIN, 2);
            shared.remove(TWIN);
            shared.remove(LAST);
            shared.insert(TWIN, 3);
        });
        assert_eq!(shared.find(SOUGHT), Some(1), "missed");
        let got = shared.find(TWIN);
        assert!([None, Some(2), Some(3)].contains(&got), "{got:?}");
        join(writer);
        assert_eq!(shared.find(SOUGHT), Some(1));
        assert_eq!(shared.find(TWIN), Some(3));
    });
}

/// A key is replaced, and replaced again.
#[test]
fn replacement() {
    explore(|| {
        let shared = Shared::new(&[SOUGHT]);
        let writer = spawn(&shared, |shared| {
            shared.replace(SOUGHT, 1);
            shared.replace(SOUGHT, 2);
        });
        let age = |value| if value == SOUGHT { 0 } else { value };
        let [first, second] = [(); 2].map(|()| age(shared.find(SOUGHT).expect("it stays")));
        assert!(first <= second, "{first}, then {second}");
        join(writer);
    });
}

/// A key goes and comes back: to its slot, or, if another took that, to the next line.
fn return_of_a_key(home_is_taken: bool) {
    explore(move || {
        let shared = Shared::new(&six());
        shared.insert(SOUGHT, 0);
        let writer = spawn(&shared, move |shared| {
            shared.remove(SOUGHT);
            if home_is_taken {
                shared.insert(TWIN, 2);
            }
            let index = shared.insert(SOUGHT, 1);
            assert_eq!(index >> 3, usize::from(home_is_taken));
        });
        let age = |got| match got {
            Some(0) => 0,
            None => 1,
            Some(_) => 2,
        };
        let got = [SOUGHT, SOUGHT].map(|key| age(shared.find(key)));
        assert!(got[0] <= got[1], "{got:?}");
        join(writer);
        assert_eq!(shared.find(SOUGHT), Some(1));
    });
}

#[test]
fn return_to_its_slot() {
    return_of_a_key(false);
}

#[test]
fn return_to_the_next_line() {
    return_of_a_key(true);
}

/// A key in the next line goes and comes back to its home.
#[test]
fn return_to_the_home() {
    explore(|| {
        let shared = Shared::new(&six());
        shared.insert(LAST, 0);
        shared.insert(SOUGHT, 0);
        let writer = spawn(&shared, |shared| {
            shared.remove(LAST);
            shared.remove(SOUGHT);
            let index = shared.insert(SOUGHT, 1);
            assert_eq!(index >> 3, 0);
        });
        let age = |got| match got {
            Some(0) => 0,
            None => 1,
            Some(_) => 2,
        };
        let got = [SOUGHT, SOUGHT].map(|key| age(shared.find(key)));
        assert!(got[0] <= got[1], "{got:?}");
        join(writer);
        assert_eq!(shared.find(SOUGHT), Some(1));
    });
}

/// Two readers agree on the order of what they see.
#[test]
fn two_readers_of_a_return() {
    explore(|| {
        let shared = Shared::new(&[SOUGHT]);
        let writer = spawn(&shared, |shared| {
            shared.remove(SOUGHT);
            shared.insert(SOUGHT, 1);
        });
        let other = spawn(&shared, |shared| shared.find(SOUGHT));
        let mine = shared.find(SOUGHT);
        let theirs = join(other);
        // What they saw was over before this one begins.
        let last = shared.find(SOUGHT);
        if mine == Some(1) || theirs == Some(1) {
            assert_eq!(last, Some(1), "found, then missed");
        }
        join(writer);
    });
}
