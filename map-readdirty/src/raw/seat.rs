//! What a thread has: its part in the clock of plain reads, its guard slots, and its parts in the
//! clocks of sessions that it used lately.
//!
//! A *guard slot* holds the address of a node that a guard refers to. Only the slot's thread sets it, while it
//! is pinned or has the lock of the node's shard; whoever drops the guard clears it, on whatever thread. Who retires the
//! node looks at all slots once no pin from before is left: by then the address was there to be seen,
//! since it was stored before the pin ended (or the lock was released). So neither side needs a fence of its own.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use crossbeam_epoch::{Collector, Guard, LocalHandle};
use map_core::roster::{Roster, Seat};

use crate::sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Release};
use crate::sync::{REAL_FENCES, global, lazy, thread_cells};

/// Guards that a thread can have at once without counting them in their nodes. In a model one.
const SLOTS: usize = if REAL_FENCES { 13 } else { 1 };
/// So many sessions' clocks a thread remembers its part in.
const SESSIONS: usize = 8;

lazy! {
    // Not the default one of `crossbeam-epoch`: who advances that runs what strangers deferred.
    static COLLECTOR: Collector = Collector::new();
}

global! {
    static GUARDS: Roster<Guards> = Roster::new();
}

/// The guard slots of a thread.
///
/// Every store is a Release, and the owner looks with Acquire before it sets a slot anew: so whichever store a
/// reclaimer sees, what was read through guards that have gone comes before what it does next.
#[derive(Debug)]
struct Guards([AtomicPtr<()>; SLOTS]);

/// A thread's part in everything.
struct Local {
    handle: LocalHandle,
    guards: &'static Seat<Guards>,
    /// By the number of the collector, those used last at the end.
    sessions: RefCell<Vec<(u64, LocalHandle)>>,
}

impl Drop for Local {
    fn drop(&mut self) {
        self.guards.release();
    }
}

thread_cells! {
    /// Where `OWNER` has it. Apart, since this costs nothing to reach, having no destructor.
    static OWN: Cell<Option<NonNull<Local>>> = Cell::new(None);
    static OWNER: Owner = Owner(Cell::new(None));
}

struct Owner(Cell<Option<Box<Local>>>);

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = OWN.try_with(|own| own.set(None));
    }
}

/// Runs `f` with what this thread has, if it has it already.
#[inline(always)]
fn with_own<R>(f: impl FnOnce(&Local) -> R) -> Option<R> {
    let own = OWN.try_with(Cell::get).ok()??;
    // SAFETY: the box is dropped by `Owner`, after it has cleared `OWN`.
    Some(f(unsafe { own.as_ref() }))
}

/// Runs `f` with what this thread has, which is made if need be; `None` if the thread is ending.
fn with_local<R>(f: impl FnOnce(&Local) -> R) -> Option<R> {
    let equipped = OWNER.try_with(|owner| {
        if OWN.try_with(Cell::get).is_ok_and(|own| own.is_none()) {
            let local = Box::new(Local {
                handle: COLLECTOR.register(),
                guards: GUARDS.claim(|| Guards(std::array::from_fn(|_| AtomicPtr::default()))),
                sessions: RefCell::default(),
            });
            let _ = OWN.try_with(|own| own.set(Some(NonNull::from(&*local))));
            owner.0.set(Some(local));
        }
    });
    equipped.ok()?;
    with_own(f)
}

/// Pins the thread in the clock of plain reads.
#[inline(always)]
pub(crate) fn pin() -> Guard {
    match with_own(|own| own.handle.pin()) {
        Some(guard) => guard,
        None => pin_slow(),
    }
}

#[cold]
#[inline(never)]
fn pin_slow() -> Guard {
    let pinned = with_local(|local| local.handle.pin());
    pinned.unwrap_or_else(|| COLLECTOR.register().pin())
}

/// Pins the thread in the clock of a map's sessions, which has this number.
pub(crate) fn pin_session(number: u64, collector: &Collector) -> Guard {
    let known = with_local(|local| {
        let mut sessions = local.sessions.borrow_mut();
        if let Some(place) = sessions.iter().rposition(|(known, _)| *known == number) {
            return sessions[place].1.pin();
        }
        if sessions.len() == SESSIONS {
            sessions.remove(0);
        }
        sessions.push((number, collector.register()));
        sessions[sessions.len() - 1].1.pin()
    });
    known.unwrap_or_else(|| collector.register().pin())
}

/// Stores the address of a node in a guard slot of this thread, if one is free.
#[inline(always)]
pub(crate) fn claim_guard(node: *mut ()) -> Option<&'static AtomicPtr<()>> {
    with_own(|own| {
        let guards: &'static Guards = own.guards;
        let slots = &guards.0;
        match claim(&slots[0], node) {
            Some(slot) => Some(slot),
            None => claim_other(slots, node),
        }
    })?
}

#[cold]
#[inline(never)]
fn claim_other(
    slots: &'static [AtomicPtr<()>; SLOTS],
    node: *mut (),
) -> Option<&'static AtomicPtr<()>> {
    slots.iter().find_map(|slot| claim(slot, node))
}

#[inline(always)]
fn claim(slot: &'static AtomicPtr<()>, node: *mut ()) -> Option<&'static AtomicPtr<()>> {
    // Acquire: pairs with the Release of whoever cleared it, on another thread perhaps; see `Guards`.
    if !slot.load(Acquire).is_null() {
        return None;
    }
    // Release: see `Guards`. What publishes it is the end of the pin, or of the lock.
    slot.store(node, Release);
    Some(slot)
}

/// Ends a guard.
#[inline(always)]
pub(crate) fn clear_guard(slot: &AtomicPtr<()>) {
    // Release: pairs with the Acquire in `guarded`, or in `claim`; what was read through the guard comes before
    // what the node's next owner writes.
    slot.store(std::ptr::null_mut(), Release);
}

/// All addresses in guard slots, in order.
pub(crate) fn guarded() -> Vec<usize> {
    let mut guarded: Vec<usize> = GUARDS
        .seats()
        .flat_map(|seat| &seat.0)
        // Acquire: pairs with the Release of each store.
        .map(|slot| slot.load(Acquire).addr())
        .filter(|&address| address != 0)
        .collect();
    guarded.sort_unstable();
    guarded
}
