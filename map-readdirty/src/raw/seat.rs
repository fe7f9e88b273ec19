//! What a thread has: the word by which it pins itself for plain reads, its guard slots, and its parts in the
//! clocks of sessions that it used lately.
//!
//! A *guard slot* holds the address of a node that a guard refers to. Only the slot's thread sets it, while it
//! is pinned or has the lock of the node's shard; whoever drops the guard clears it, on whatever thread. Who lets the
//! node go looks at all slots once no pin from before is left: by then the address was there to be seen,
//! since it was stored before the pin ended (or the lock was released). So neither side needs a fence of its own.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

use crossbeam_epoch::{Collector, Guard, LocalHandle};
use map_core::roster::{Roster, Seat, Seats};

use super::pins::Pins;
use crate::sync::atomic::{
    AtomicPtr, Ordering::Acquire, Ordering::Release, Ordering::SeqCst, fence,
};
use crate::sync::{REAL_FENCES, fence_in_model, global, thread_cells};

/// Guards that a thread can have at once without counting them in their nodes. In a model one.
const SLOTS: usize = if REAL_FENCES { 13 } else { 1 };
/// So many sessions' clocks a thread remembers its part in.
const SESSIONS: usize = 8;

global! {
    static SEATS: Roster<Own> = Roster::new();
}

/// What a thread has that others look at.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) pins: Pins,
    guards: Guards,
}

/// The guard slots of a thread.
///
/// Every store is a Release, and the owner looks with Acquire before it sets a slot anew: so whichever store a
/// reclaimer sees, what was read through guards that have gone comes before what it does next.
#[derive(Debug)]
struct Guards([AtomicPtr<()>; SLOTS]);

impl Own {
    fn new() -> Self {
        Self {
            pins: Pins::default(),
            guards: Guards(std::array::from_fn(|_| AtomicPtr::default())),
        }
    }
}

thread_cells! {
    /// What `OWNER` has. Apart, since this costs nothing to reach, having no destructor.
    static OWN: Cell<Option<&'static Seat<Own>>> = Cell::new(None);
    /// Sessions open on this thread.
    static OPEN_SESSIONS: Cell<usize> = Cell::new(0);
    static OWNER: Owner = Owner { seat: Cell::new(None), sessions: RefCell::new(Vec::new()) };
}

struct Owner {
    seat: Cell<Option<&'static Seat<Own>>>,
    /// By the number of the collector, those used last at the end.
    sessions: RefCell<Vec<(u64, LocalHandle)>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = OWN.try_with(|own| own.set(None));
        if let Some(seat) = self.seat.take() {
            seat.release();
        }
    }
}

/// The seat of this thread, if it has one already.
#[inline(always)]
fn own() -> Option<&'static Seat<Own>> {
    OWN.try_with(Cell::get).ok()?
}

/// The seat of this thread, which is claimed if need be; `None` if the thread is ending.
#[cold]
#[inline(never)]
fn own_slow() -> Option<&'static Seat<Own>> {
    OWNER
        .try_with(|owner| {
            let seat = own().unwrap_or_else(|| claim_seat(false));
            owner.seat.set(Some(seat));
            let _ = OWN.try_with(|own| own.set(Some(seat)));
            seat
        })
        .ok()
}

fn claim_seat(is_orphan: bool) -> &'static Seat<Own> {
    let seat = SEATS.claim(Own::new);
    seat.pins.take_over(is_orphan);
    seat
}

/// A thread in its seat.
pub(crate) struct Sitting {
    seat: &'static Seat<Own>,
    /// The thread is ending, and has the seat for as long as this.
    is_orphan: bool,
}

impl Sitting {
    /// The number of the seat, which no other thread has.
    #[inline(always)]
    pub(crate) fn number(&self) -> usize {
        self.seat.number() as usize
    }
}

impl Drop for Sitting {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_orphan {
            self.seat.release();
        }
    }
}

/// The seat of this thread.
#[inline(always)]
pub(crate) fn sit() -> Sitting {
    match own() {
        Some(seat) => Sitting {
            seat,
            is_orphan: false,
        },
        None => sit_slow(),
    }
}

#[cold]
#[inline(never)]
fn sit_slow() -> Sitting {
    match own_slow() {
        Some(seat) => Sitting {
            seat,
            is_orphan: false,
        },
        None => Sitting {
            seat: claim_seat(true),
            is_orphan: true,
        },
    }
}

/// All seats.
pub(super) fn all() -> Seats<Own> {
    SEATS.seats()
}

/// A pin in the clock of plain reads, of this thread.
pub(crate) struct Pin(&'static Seat<Own>, PhantomData<*const ()>);

impl Pin {
    #[inline(always)]
    fn new(seat: &'static Seat<Own>) -> Self {
        seat.pins.enter();
        Self(seat, PhantomData)
    }
}

impl Drop for Pin {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.pins.leave() {
            self.0.release();
        }
    }
}

/// Pins the thread in the clock of plain reads.
#[inline(always)]
pub(crate) fn pin() -> Pin {
    match own() {
        Some(seat) => Pin::new(seat),
        None => pin_slow(),
    }
}

#[cold]
#[inline(never)]
fn pin_slow() -> Pin {
    if let Some(seat) = own_slow() {
        return Pin::new(seat);
    }
    // The thread is ending: it has a seat for as long as it takes.
    Pin::new(claim_seat(true))
}

/// Pins the thread in the clock of a map's sessions, which has this number.
pub(crate) fn pin_sessions_clock(number: u64, collector: &Collector) -> Guard {
    let known = OWNER.try_with(|owner| {
        let mut sessions = owner.sessions.borrow_mut();
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
    let guard = known.unwrap_or_else(|_| collector.register().pin());
    // The pin's own, which is a SeqCst write on some processors.
    fence_in_model();
    guard
}

/// A session of this thread: a pin in the clock of a map's sessions.
pub(crate) struct Session(Guard);

impl Session {
    pub(crate) fn new(number: u64, collector: &Collector) -> Self {
        let guard = pin_sessions_clock(number, collector);
        let _ = OPEN_SESSIONS.try_with(|open| open.set(open.get() + 1));
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
        let _ = OPEN_SESSIONS.try_with(|open| open.set(open.get().saturating_sub(1)));
    }
}

/// Whether this thread is pinned, or has a session.
#[inline]
pub(crate) fn is_pinned() -> bool {
    own().is_some_and(|own| own.pins.are_in()) || has_session()
}

#[inline]
fn has_session() -> bool {
    // Who cannot tell may have one.
    OPEN_SESSIONS
        .try_with(Cell::get)
        .map_or(true, |open| open > 0)
}

/// After a change, before the operation ends: a thread's own next read must not come before its change is there for
/// others to see. See `pins`; reads within a session, or within another read, have no pin of their own.
#[inline]
pub(crate) fn settle() {
    match own() {
        _ if has_session() => fence_after_change(),
        Some(own) if own.pins.are_in() => fence_after_change(),
        Some(own) => own.pins.unsettle(),
        // The first pin in a seat has a fence.
        None => {}
    }
}

#[cold]
#[inline(never)]
fn fence_after_change() {
    // SeqCst: with another such fence, or with that of another's pin.
    fence(SeqCst);
}

/// How many threads have guard slots, or had them.
pub(crate) fn seats() -> usize {
    SEATS.made() as usize
}

/// Stores the address of a node in a guard slot of this thread, if one is free.
#[inline(always)]
pub(crate) fn claim_guard(node: *mut ()) -> Option<&'static AtomicPtr<()>> {
    let slots = &own().or_else(own_slow)?.guards.0;
    match claim(&slots[0], node) {
        Some(slot) => Some(slot),
        None => claim_other(slots, node),
    }
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
    let mut guarded: Vec<usize> = all()
        .flat_map(|seat| &seat.guards.0)
        // Acquire: pairs with the Release of each store.
        .map(|slot| slot.load(Acquire).addr())
        .filter(|&address| address != 0)
        .collect();
    guarded.sort_unstable();
    guarded
}
