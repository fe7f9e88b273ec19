//! Models of guards, by loom: an entry that a guard refers to, by its slot or by the count in its node, stays as it was while
//! the entry is updated, removed or cleared; also when the guard is sent away, outlives its thread, or its slot is used again.
//!
//! Run with `.ci/models`, which sets `--cfg crossbeam_loom`; without it there is nothing here.
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
use std::time::Instant;

use loom::cell::UnsafeCell;
use loom::thread;
use map_core::mapref::one::Ref;
use promotion::{Fill, Promotion, Standing};
use raw::clock::Clocks;
use raw::hold::Hold;
use raw::limbo::Limbo;
use raw::limbos::Limbos;
use raw::node::{Link, Node};
use raw::seat;
use raw::strategy::ReadDirty;
use rig::{ModelMap, Seen, explore_less, join, map, model, model_less, spawn};
use sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Relaxed};

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

/// A value whose reads and whose end loom watches for races.
struct Payload(u64, UnsafeCell<()>);

// SAFETY: loom checks.
unsafe impl Sync for Payload {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Payload {}

impl Payload {
    fn new(value: u64) -> Self {
        let payload = Self(value, UnsafeCell::new(()));
        payload.1.with_mut(|_| ());
        payload
    }

    fn get(&self) -> u64 {
        self.1.with(|_| ());
        self.0
    }
}

impl Clone for Payload {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.1.with_mut(|_| ());
    }
}

type Guarded<P = Fill> = ModelMap<P, Payload>;

/// A map of so many shards, each of which is published if it has an entry.
fn published(shards: usize, keys: &[u64]) -> Arc<Guarded> {
    let map = map::<Fill, Payload>(shards, 7);
    for &key in keys {
        map.store(key, Payload::new(0));
        map.get(&key);
    }
    Arc::new(map)
}

/// So many updates let a node be used again if nobody holds time up.
const ENOUGH: u64 = 4;

fn update<P: Promotion>(map: &Guarded<P>, key: u64) {
    for value in 1..=ENOUGH {
        map.store(key, Payload::new(value));
    }
}

/// What every model here is about: entries are let go while others are kept.
fn note<P: Promotion>(seen: &Seen, map: &Guarded<P>) {
    let stats = map.stats();
    seen.note("an entry is let go", stats.pooled_nodes > 0);
    seen.note("a guard keeps an entry", stats.guarded_entries > 0);
}

/// Looks through a guard, and again: there is the same.
fn look<P: Promotion>(guard: &Ref<'_, u64, Payload, ReadDirty<P>>, key: u64) {
    let value = guard.value().get();
    thread::yield_now();
    assert_eq!(*guard.key(), key);
    assert_eq!(guard.value().get(), value, "used again");
}

/// A guard outlives its pin while its entry is updated.
fn guard_and_updates(guards: usize) {
    model(move |k, seen| {
        let map = published(1, &[k.k00]);
        let reader = spawn(&map, move |map| {
            // The first of a thread is counted, if it was found under the lock; and each but one.
            let guards: Vec<_> = (0..guards).filter_map(|_| map.get(&k.k00)).collect();
            guards.iter().for_each(|guard| look(guard, k.k00));
        });
        update(&map, k.k00);
        join(reader);
        note(seen, &map);
    });
}

#[test]
fn guard_and_update() {
    guard_and_updates(1);
}

#[test]
fn counted_guard_and_update() {
    guard_and_updates(2);
}

/// The same with an entry that is removed, and whose slot another takes.
#[test]
fn guard_and_removal() {
    model(|k, seen| {
        let map = published(1, &[k.k00]);
        let reader = spawn(&map, move |map| {
            if let Some(guard) = map.get(&k.k00) {
                look(&guard, k.k00);
            }
        });
        map.delete(&k.k00);
        map.store(k.twin, Payload::new(0));
        update(&map, k.twin);
        join(reader);
        note(seen, &map);
    });
}

/// The same with all entries.
#[test]
fn guard_and_clearing() {
    model(|k, seen| {
        let map = published(1, &[k.k00]);
        let reader = spawn(&map, move |map| {
            if let Some(guard) = map.get(&k.k00) {
                look(&guard, k.k00);
            }
        });
        map.clear();
        join(reader);
        let stats = map.stats();
        let kept = (stats.pending_entries, stats.guarded_entries);
        seen.note("an entry is let go", kept == (0, 0));
        seen.note("a guard keeps an entry", kept == (0, 1));
    });
}

/// A read without a guard: the pin alone keeps what it looks at.
#[test]
fn pin_and_removal() {
    model(|k, seen| {
        let map = published(1, &[k.k00]);
        let reader = spawn(&map, move |map| {
            map.get_with(&k.k00, |_, value| {
                let first = value.get();
                thread::yield_now();
                assert_eq!(value.get(), first, "used again");
            })
        });
        map.delete(&k.k00);
        map.store(k.twin, Payload::new(0));
        update(&map, k.twin);
        let found = join(reader).is_some();
        seen.note("it is found", found);
        seen.note("an entry is let go", map.stats().pooled_nodes > 0);
    });
}

/// Readers always take the lock.
struct Never;
impl Promotion for Never {
    const FILLS: bool = false;
    fn is_due(_: Standing) -> bool {
        false
    }
}

/// A read under the lock, which is given back before the entry is looked at: the pin keeps it.
#[test]
fn pin_made_under_the_lock() {
    model_less(1, |k, seen| {
        let map = Arc::new(map::<Never, Payload>(1, 7));
        map.store(k.k00, Payload::new(0));
        let reader = spawn(&map, move |map| {
            map.get_with(&k.k00, |_, value| {
                let first = value.get();
                thread::yield_now();
                assert_eq!(value.get(), first, "used again");
                first
            })
        });
        update(&map, k.k00);
        update(&map, k.k00);
        let found = join(reader).expect("present throughout");
        seen.note("the first is found", found == 0);
        seen.note("an entry is let go", map.stats().pooled_nodes > 0);
    });
}

/// A guard that was found under the lock: there is no pin, and it is counted if the thread has no slots yet.
#[test]
fn guard_made_under_the_lock() {
    model_less(1, |k, seen| {
        let map = Arc::new(map::<Never, Payload>(1, 7));
        map.store(k.k00, Payload::new(0));
        let reader = spawn(&map, move |map| {
            look(&map.get(&k.k00).expect("present throughout"), k.k00);
        });
        update(&map, k.k00);
        update(&map, k.k00);
        join(reader);
        note(seen, &map);
        assert_eq!(map.stats().promotions, 0);
    });
}

/// A node, where readers find it, and where it waits.
struct Bare {
    clocks: Clocks,
    node: AtomicPtr<Node<u64, Payload>>,
}

/// A reader finds a node while that is retired, and then itself helps time along: so it is ripe sooner than its
/// owner has reason to think.
#[test]
fn guard_of_one_who_ticks() {
    explore_less(1, |seen| {
        let link = Link::new(0, (7, Payload::new(0)));
        let bare = Arc::new(Bare {
            clocks: Clocks::default(),
            node: AtomicPtr::new(link.as_ptr()),
        });
        let owner = spawn(&bare, move |bare| {
            bare.node.store(std::ptr::null_mut(), Relaxed);
            let mut limbo = Limbo::new(8);
            limbo.retire_all([link].into_iter());
            limbo.drain(&bare.clocks, true);
            (limbo.holdings(), limbo.take_trash().is_some(), limbo)
        });
        let pin = seat::pin();
        if let Some(link) = Link::from_raw(bare.node.load(Acquire)) {
            thread::yield_now();
            // SAFETY: 1. It was found under the pin.
            let hold = unsafe { Hold::new(link) };
            drop(pin);
            for _ in 0..2 {
                bare.clocks.tick_at(Instant::now());
            }
            thread::yield_now();
            drop(hold);
        }
        let (holdings, is_free, limbo) = join(owner);
        seen.note("an entry is let go", is_free);
        seen.note("a guard keeps an entry", holdings.guarded > 0);
        drop(limbo);
    });
}

/// A node in its owner's bag, not stamped yet, which a visitor stamps and lets go; while a reader looks for it.
#[test]
fn pin_and_visitor() {
    explore_less(0, |seen| {
        let link = Link::new(0, (7, Payload::new(0)));
        let bare = Arc::new(Bare {
            clocks: Clocks::default(),
            node: AtomicPtr::new(link.as_ptr()),
        });
        let bags = Arc::new(Limbos::default());
        let _ = (bags.bag(0), bags.bag(1), bags.bag(2));
        let (reading, owned) = (Arc::clone(&bare), Arc::clone(&bags));
        let reader = thread::spawn(move || {
            let _pin = seat::pin();
            let found = Link::from_raw(reading.node.load(Acquire));
            if let Some(link) = found {
                // SAFETY: 1. It was found under the pin.
                let (_, value) = unsafe { link.pair() };
                assert_eq!(value.get(), 0);
                thread::yield_now();
                assert_eq!(value.get(), 0, "used again");
            }
            found.is_some()
        });
        let taking_out = Arc::clone(&bare);
        let owner = thread::spawn(move || {
            taking_out.node.store(std::ptr::null_mut(), Relaxed);
            let sitting = seat::sit();
            let bag = owned.bag(sitting.number());
            // SAFETY: 1. It is the thread's own. 2. It only moves a node. 3. It is a model.
            unsafe { bag.own_if(true, |limbo| limbo.retire_all([link].into_iter())) }
        });
        bags.drain(&bare.clocks);
        // SAFETY: 1. It only takes what was thrown away.
        let trash = unsafe { bags.own(Limbo::take_trash) };
        let is_let_go = trash.is_some();
        drop(trash);
        let is_found = join(reader);
        join(owner);
        seen.note("an entry is let go", is_let_go);
        seen.note("a reader finds it", is_found);
        seen.note("both", is_found && is_let_go);
    });
}

/// A guard, for as long as whoever has it sees to it that the map is there.
///
/// # Safety
///
/// 1. The map outlives the guard.
unsafe fn for_long<'m>(
    guard: Ref<'m, u64, Payload, ReadDirty>,
) -> Ref<'static, u64, Payload, ReadDirty> {
    // SAFETY: only the lifetime changes, and by (1) it does not matter.
    unsafe {
        std::mem::transmute::<Ref<'m, u64, Payload, ReadDirty>, Ref<'static, u64, Payload, ReadDirty>>(
            guard,
        )
    }
}

/// A guard goes to another thread and ends there, while its first thread updates.
fn sent_guard(counted: bool) {
    model(move |k, seen| {
        let map = published(1, &[k.k00]);
        let other = counted.then(|| map.get(&k.k00).expect("present"));
        let guard = map.get(&k.k00).expect("present");
        // SAFETY: 1. The other thread is waited for.
        let guard = unsafe { for_long(guard) };
        drop(other);
        let reader = thread::spawn(move || look(&guard, k.k00));
        update(&map, k.k00);
        join(reader);
        note(seen, &map);
    });
}

#[test]
fn guard_sent_away() {
    sent_guard(false);
}

#[test]
fn counted_guard_sent_away() {
    sent_guard(true);
}

/// The slot of a guard that ended elsewhere is used again: whoever sees that knows that the first guard has gone.
#[test]
fn slot_of_a_guard_that_was_sent_away() {
    model(|k, seen| {
        let map = published(1, &[k.k00, k.k01]);
        let guard = map.get(&k.k00).expect("present");
        update(&map, k.k00);
        // SAFETY: 1. The other thread is waited for.
        let guard = unsafe { for_long(guard) };
        let other = thread::spawn(move || drop(guard));
        let writer = spawn(&map, move |map| map.clear());
        let again = map.get(&k.k01);
        join(other);
        join(writer);
        let stats = map.stats();
        seen.note("an entry is let go", stats.pending_entries == 0);
        seen.note("a guard keeps an entry", stats.guarded_entries > 0);
        drop(again);
    });
}

/// Whoever made a guard ends before it: the slot goes to another thread with the guard in it.
#[test]
fn guard_of_a_thread_that_has_ended() {
    model_less(1, |k, seen| {
        let map = published(1, &[k.k00, k.k01]);
        let first = spawn(&map, move |map| {
            // SAFETY: 1. The guard is dropped below, before the map.
            unsafe { for_long(map.get(&k.k00).expect("present throughout")) }
        });
        let guard = join(first);
        update(&map, k.k00);
        update(&map, k.k00);
        let heir = spawn(&map, move |map| {
            let guard = map.get(&k.k01).expect("present throughout");
            assert_eq!(guard.value().get(), 0, "used again");
        });
        map.store(k.k00, Payload::new(9));
        assert_eq!(guard.value().get(), 0, "used again");
        drop(guard);
        join(heir);
        note(seen, &map);
        seen.note("the seat is passed on", seat::seats() == 2);
    });
}

/// The slot of a guard is used again by its thread: whoever sees the new address knows that the first guard has gone.
#[test]
fn slot_used_again() {
    model(|k, seen| {
        let map = published(1, &[k.k00, k.k01]);
        let reader = spawn(&map, move |map| {
            look(&map.get(&k.k00).expect("present throughout"), k.k00);
            look(&map.get(&k.k01).expect("present throughout"), k.k01);
        });
        update(&map, k.k00);
        join(reader);
        note(seen, &map);
    });
}

/// The same where there are no pins between: both guards are made under locks, of two shards.
#[test]
fn slot_used_again_under_the_lock() {
    model(|k, seen| {
        let map = Arc::new(map::<Never, Payload>(2, 7));
        map.store(k.k00, Payload::new(0));
        map.store(k.k10, Payload::new(0));
        let reader = spawn(&map, move |map| {
            drop(map.get(&k.k00).expect("present throughout"));
            look(&map.get(&k.k10).expect("present throughout"), k.k10);
        });
        update(&map, k.k00);
        join(reader);
        seen.note("an entry is let go", map.stats().pooled_nodes > 0);
    });
}

/// An exclusive guard becomes a shared one, which holds no lock.
#[test]
fn downgraded_guard() {
    model(|k, seen| {
        let map = published(1, &[k.k00]);
        let reader = spawn(&map, move |map| {
            let mut guard = map.get_mut(&k.k00).expect("present throughout");
            *guard.value_mut() = Payload::new(9);
            look(&guard.downgrade(), k.k00);
        });
        update(&map, k.k00);
        join(reader);
        note(seen, &map);
    });
}

/// What a walk gives out is held one by one.
#[test]
fn guards_of_a_walk() {
    model(|k, seen| {
        let map = published(1, &[k.k00, k.k01]);
        let reader = spawn(&map, move |map| {
            let guards: Vec<_> = map.iter().collect();
            for guard in &guards {
                let value = guard.value().get();
                thread::yield_now();
                assert_eq!(guard.value().get(), value, "used again");
            }
            assert_eq!(guards.len(), 2);
        });
        update(&map, k.k00);
        join(reader);
        note(seen, &map);
    });
}
