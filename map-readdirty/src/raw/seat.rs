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

use crate::sync::atomic::{
    AtomicPtr, Ordering::Acquire, Ordering::Release, Ordering::SeqCst, fence,
};
use crate::sync::{REAL_FENCES, fence_in_model, global, lazy, thread_cells};

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
    /// Sessions open on this thread.
    open_sessions: Cell<usize>,
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

/// From a box.
struct Owner(Cell<Option<NonNull<Local>>>);

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = OWN.try_with(|own| own.set(None));
        if let Some(local) = self.0.take() {
            // SAFETY: it came from a box, and `OWN` has it no more.
            drop(unsafe { Box::from_raw(local.as_ptr()) });
        }
    }
}

/// Runs `f` with what this thread has, if it has it already.
#[inline(always)]
fn with_own<R>(f: impl FnOnce(&Local) -> R) -> Option<R> {
    let own = OWN.try_with(Cell::get).ok()??;
    // SAFETY: it is freed by `Owner`, after that has cleared `OWN`.
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
                open_sessions: Cell::new(0),
            });
            let local = NonNull::from(Box::leak(local));
            owner.0.set(Some(local));
            let _ = OWN.try_with(|own| own.set(Some(local)));
        }
    });
    equipped.ok()?;
    with_own(f)
}

/// Pins the thread in the clock of plain reads.
#[inline(always)]
pub(crate) fn pin() -> Guard {
    let guard = match with_own(|own| own.handle.pin()) {
        Some(guard) => guard,
        None => pin_slow(),
    };
    // The pin's own, which is a SeqCst write on some processors.
    fence_in_model();
    guard
}

#[cold]
#[inline(never)]
fn pin_slow() -> Guard {
    let pinned = with_local(|local| local.handle.pin());
    pinned.unwrap_or_else(|| COLLECTOR.register().pin())
}

/// Pins the thread in the clock of a map's sessions, which has this number.
pub(crate) fn pin_sessions_clock(number: u64, collector: &Collector) -> Guard {
    let known = with_local(|local| {
        let mut sessions = local.sessions.borrow_mut();
        let known = sessions.iter().rposition(|(known, _)| *known == number);
        if let Some(place) = known {
            // Those used last are kept.
            let last = sessions.len() - 1;
            sessions.swap(place, last);
        } else {
            if sessions.len() == SESSIONS {
                sessions.remove(0);
            }
            sessions.push((number, collector.register()));
        }
        sessions[sessions.len() - 1].1.pin()
    });
    let guard = known.unwrap_or_else(|| collector.register().pin());
    // As in `pin`.
    fence_in_model();
    guard
}

/// A session of this thread: a pin in the clock of a map's sessions.
pub(crate) struct Session(Guard);

impl Session {
    pub(crate) fn new(number: u64, collector: &Collector) -> Self {
        let guard = pin_sessions_clock(number, collector);
        with_own(|own| own.open_sessions.set(own.open_sessions.get() + 1));
        Self(guard)
    }

    /// Pins it anew.
    pub(crate) fn repin(&mut self) {
        self.0.repin();
        // SeqCst: the fence (8) in the header of `clock`, which this kind of pin does not have.
        fence(SeqCst);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        with_own(|own| {
            own.open_sessions
                .set(own.open_sessions.get().saturating_sub(1))
        });
    }
}

/// Whether this thread is pinned, so that its reads have no fence of their own; `true` if that is not known, in
/// a thread that is ending.
#[inline]
pub(crate) fn is_pinned() -> bool {
    match with_own(|own| own.open_sessions.get() > 0 || own.handle.is_pinned()) {
        Some(pinned) => pinned,
        None => is_ending(),
    }
}

#[cold]
#[inline(never)]
fn is_ending() -> bool {
    with_local(|_| ()).is_none()
}

/// How many threads have guard slots, or had them.
pub(crate) fn seats() -> usize {
    GUARDS.made() as usize
}

/// Stores the address of a node in a guard slot of this thread, if one is free.
#[inline(always)]
pub(crate) fn claim_guard(node: *mut ()) -> Option<&'static AtomicPtr<()>> {
    let guards = with_own(|own| own.guards).or_else(own_guards)?;
    let slots = &guards.0;
    match claim(&slots[0], node) {
        Some(slot) => Some(slot),
        None => claim_other(slots, node),
    }
}

#[cold]
#[inline(never)]
fn own_guards() -> Option<&'static Seat<Guards>> {
    with_local(|local| local.guards)
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
