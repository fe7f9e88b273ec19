//! Models of bags, by loom: an owner and those who visit his bag are never in it at once, nothing that was put there is lost, and
//! whoever has the owner's seat after him finds it as he left it.
//!
//! Run with `.ci/models`, which sets `--cfg crossbeam_loom`; without it there is nothing here.
//!
//! Weakened one by one, to see that the models notice:
//!
//! | changed | outcome |
//! |---|---|
//! | `go_in`: no barrier, or `visit_by` without its own | red: all with a visitor |
//! | `go_in`: `visited` is not asked, or Relaxed; a visitor's last store of it Relaxed | red: all with a visitor |
//! | `look_in`: `inside` is not asked, or Relaxed; an owner's last store of it Relaxed | red: all with a visitor |
//! | the owner who sees a visitor does not wait for the mutex, or the visitor has none | red: all with a visitor |
//! | `visit`: two at once | red: `owner_and_two_visitors`, and `owner_and_visitor`, where the owner visits, too |
//! | `Seat::release` Relaxed | red: `owner_and_heir`, `owner_and_heir_and_visitor` |
//! | `Roster::claim` Relaxed | not seen here, where the barrier is a fence |
#![cfg(crossbeam_loom)]
#![expect(unsafe_code, reason = "the functions under test are unsafe")]
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    unreachable_pub,
    reason = "each test uses its part of the crate's modules"
)]

use std::mem;
use std::sync::Arc;

use raw::limbo::Limbo;
use raw::limbos::Limbos;
use raw::node::Link;
use raw::seat;
use rig::{Seen, explore_less, join, spawn};

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

type Bags = Limbos<u64, u64>;

/// Two bags, so that a model knows of them from the start.
fn bags() -> Arc<Bags> {
    let bags = Bags::default();
    let _ = (bags.bag(0), bags.bag(1));
    Arc::new(bags)
}

/// Puts a node into this thread's bag, as where the barrier is asymmetric.
fn put(bags: &Bags) {
    let sitting = seat::sit();
    let bag = bags.bag(sitting.number());
    let node = Link::new(0, (0, 0));
    // SAFETY: 1. It is the thread's own. 2. Nothing is done there but this. 3. It is a model.
    unsafe { bag.own_if(true, |limbo| limbo.retire_all([node].into_iter())) }
}

/// Puts a node into this thread's bag, and says in which seat.
fn put_in_seat(bags: &Bags) -> usize {
    put(bags);
    seat::sit().number()
}

/// Takes what is in all bags, and says how many nodes that was.
fn take(bags: &Bags) -> usize {
    let mut taken = 0;
    let _ = bags.visit(|limbo| taken += mem::replace(limbo, Limbo::new(8)).holdings().pending);
    taken
}

/// Somebody looks in while nodes are put in.
#[test]
fn owner_and_visitor() {
    explore_less(0, |seen| {
        let bags = bags();
        put(&bags);
        let visitor = spawn(&bags, take);
        put(&bags);
        let left = bags.holdings().pending;
        put(&bags);
        let taken = join(visitor);
        seen.note("all that is there is taken", taken == 3);
        seen.note("it is taken between", taken == 1 && left == 1);
        seen.note("the owner is inside", taken == 0);
        assert_eq!(taken + take(&bags), 3, "lost");
    });
}

/// Two look in.
#[test]
fn owner_and_two_visitors() {
    explore_less(0, |seen| {
        let bags = bags();
        put(&bags);
        let visitors = [spawn(&bags, take), spawn(&bags, take)];
        put(&bags);
        put(&bags);
        let taken = visitors.map(join);
        seen.note("both take some", taken.iter().all(|&taken| taken > 0));
        seen.note("one takes all", taken.contains(&3));
        assert_eq!(taken.iter().sum::<usize>() + take(&bags), 3, "lost");
    });
}

/// An owner ends, and another thread has his seat and goes on with his bag.
#[test]
fn owner_and_heir() {
    explore_less(0, |seen| {
        let bags = bags();
        let threads = [spawn(&bags, put_in_seat), spawn(&bags, put_in_seat)];
        let numbers = threads.map(join);
        seen.note("a seat is passed on", numbers == [0, 0]);
        seen.note("both have their own", numbers[0] != numbers[1]);
        assert_eq!(take(&bags), 2, "lost");
    });
}

/// The same with somebody who looks in.
#[test]
fn owner_and_heir_and_visitor() {
    explore_less(1, |seen| {
        let bags = bags();
        let threads = [spawn(&bags, put_in_seat), spawn(&bags, put_in_seat)];
        let taken = take(&bags);
        let numbers = threads.map(join);
        seen.note("a seat is passed on", numbers == [0, 0] && taken > 0);
        seen.note("nothing is there yet", taken == 0);
        assert_eq!(taken + take(&bags), 2, "lost");
    });
}
