//! What a strategy needs that is made of this one and of others: for shards that are read/dirty shards for a time.
//!
//! Such a shard goes back to something else in two steps, so that nobody waits. [`conceal`] shuts out readers without
//! the lock; all goes on under the lock then, while those who were in leave and guards on entries go.
//! [`take_back`] hands out the entries once nobody can reach them but through the lock.

#[cfg(doc)]
use map_core::Strategy;
use map_core::strategy::{Anchored, Held, Inside, Span, Table, position};
use map_core::{Equivalent, TryReserveError};
use smallvec::SmallVec;

use super::clock::Stamp;
use super::hold::{Hold, Pin, SessionPin};
use super::limbo::Entries;
use super::node::Link;
use super::open::{Common, Look, Open};
use super::seat;
use super::shard::{Locked, Slot};
use super::strategy::{AT_HOME, Edit, Item, MANY_AT_HOME, Visit, held, pinned};
use super::table::{FULL, WAYS};
use crate::stats::Stats;
use crate::sync::atomic::Ordering::Relaxed;

/// How much room to ask for in a hash table that takes the place of one of nodes of this capacity, so that a shard that goes up and
/// down does not grow: both are in powers of two, one full at seven eighths, the other at five entries to a line of seven places; so
/// one of nodes that takes the place of a hash table has up to ten sevenths of its room.
pub const fn room_in_place(capacity: usize) -> usize {
    capacity - capacity / 10 * 3
}

const _: () = assert!(FULL == 5 && WAYS == 7);

/// What a lookup without the lock says.
#[derive(Debug)]
pub enum Looked<T> {
    /// There is such an entry.
    Found(T),
    /// There is none.
    Absent,
    /// Ask again under the lock.
    Unsettled,
}

/// A moment by the clocks of a map.
#[derive(Clone, Copy, Debug)]
pub struct Moment(Stamp);

/// Whether there is a read table at all. A hint.
#[inline(always)]
pub fn is_published<K, V>(open: &Open<K, V>) -> bool {
    open.is_published()
}

/// Looks a key up without the lock, for the length of an operation.
#[inline(always)]
pub fn peek<'a, K, V, Q>(open: &'a Open<K, V>, hash: u64, key: &Q) -> Looked<Held<'a, (K, V), Pin>>
where
    Q: ?Sized + Equivalent<K>,
{
    let pin = Pin(seat::pin());
    // SAFETY: 1. It is pinned.
    match unsafe { open.look(hash, key) } {
        // SAFETY: 1. It was found under the pin. 2. `'a` is a borrow of the map.
        Look::Found(link) => Looked::Found(unsafe { pinned(link, pin) }),
        Look::Absent => Looked::Absent,
        // The pin ends before the lock is waited for.
        Look::Unsettled => Looked::Unsettled,
    }
}

/// Looks a key up without the lock, for a guard.
#[inline(always)]
pub fn get<'a, K, V, Q>(
    open: &'a Open<K, V>,
    hash: u64,
    key: &Q,
) -> Looked<Held<'a, (K, V), Hold<K, V>>>
where
    Q: ?Sized + Equivalent<K>,
{
    let _pin = seat::pin();
    // SAFETY: 1. It is pinned.
    match unsafe { open.look(hash, key) } {
        // SAFETY: 1. It was found under the pin, which ends when this returns. 2. `'a` is a borrow of the map.
        Look::Found(link) => Looked::Found(unsafe { held(link) }),
        Look::Absent => Looked::Absent,
        Look::Unsettled => Looked::Unsettled,
    }
}

/// Looks a key up without the lock, for as long as a session is pinned.
///
/// # Safety
///
/// 1. The session is one of the map of `open`.
#[inline(always)]
pub unsafe fn peek_pinned<'p, K, V, Q>(
    open: &'p Open<K, V>,
    hash: u64,
    key: &Q,
    _pin: &'p SessionPin,
) -> Looked<&'p (K, V)>
where
    Q: ?Sized + Equivalent<K>,
{
    // SAFETY: 1. It is pinned, in the clock of this map's sessions, by (1).
    match unsafe { open.look(hash, key) } {
        // SAFETY: 1. It was found under the pin.
        Look::Found(link) => Looked::Found(unsafe { link.pair() }),
        Look::Absent => Looked::Absent,
        Look::Unsettled => Looked::Unsettled,
    }
}

/// Opens a session.
#[inline]
pub fn open_session<K, V>(open: &Open<K, V>) -> SessionPin {
    SessionPin(open.clocks().open_session())
}

/// Pins a session anew.
pub fn repin_session(pin: &mut SessionPin) {
    pin.0.repin();
}

/// What has left the shards of a map, as its [`Stats`] say.
#[must_use]
pub fn waiting<K, V>(open: &Open<K, V>) -> Stats {
    let mut stats = Stats::default();
    stats.add_waiting(open.common().limbos.holdings());
    stats
}

/// Whether shards that have gone may have left something, and it is time to [look after](look_after) that. A load, and some
/// tens of nanoseconds if they may.
#[inline]
pub fn has_left_over<K, V>(open: &Open<K, V>) -> bool {
    // Relaxed: a hint.
    open.common().left_over.load(Relaxed) && open.common().limbos.is_neglected()
}

/// Lets go of what shards that have gone have left, as far as that goes without waiting for readers or guards, unless that was tried just
/// now, the longer ago the more often it was in vain. To be called with no shard locked: what comes back is to be dropped, and runs the user's code. If there are no other
/// shards of nodes, nothing is kept at hand either.
pub fn look_after<K, V>(open: &Open<K, V>, are_others: bool) -> <Locked<K, V> as Table>::Waste {
    let Common {
        clocks,
        limbos,
        left_over,
    } = open.common();
    // Relaxed, here and below: a hint. Before: what is left from now on is said again.
    left_over.store(false, Relaxed);
    let (trash, is_more) = limbos.care(clocks, !are_others);
    if is_more {
        left_over.store(true, Relaxed);
    }
    trash
}

/// How many reads took the lock for want of an entry in the read table.
#[must_use]
pub fn misses<K, V>(locked: &Locked<K, V>) -> u64 {
    locked.record().misses
}

/// Whether an edit has no copy of its entry yet.
#[must_use]
pub fn is_untouched<K, V>(edit: &Edit<K, V>) -> bool {
    edit.is_untouched()
}

/// See [`Strategy::edit`]; what comes back lies in the edit.
#[inline]
pub fn edit<'x, K: Clone, V: Clone>(
    open: &Open<K, V>,
    locked: &Locked<K, V>,
    slot: Slot,
    edit: &'x mut Edit<K, V>,
) -> &'x mut (K, V) {
    edit.of(open, locked, slot)
}

/// Holds an entry of a shard beyond its lock.
///
/// # Safety
///
/// 1. The shard is locked, and its map lives until `'a` ends.
pub unsafe fn hold<'a, K, V>(locked: &Locked<K, V>, slot: Slot) -> Held<'a, (K, V), Hold<K, V>> {
    // SAFETY: 1. It has the lock. 2. Promised to us.
    unsafe { held(locked.link(slot)) }
}

/// Entries held one by one, and the position to go on from.
type Visited<'a, K, V> = (Anchored<'a, Visit<K, V>>, Option<u64>);

/// What [`Strategy::visit`] finds without the lock, if that can be had.
pub fn visit<'a, K, V>(open: &'a Open<K, V>, hash: u64, span: Span) -> Option<Visited<'a, K, V>> {
    let _pin = seat::pin();
    let mut links = SmallVec::<[(u64, Link<K, V>); AT_HOME]>::new();
    // SAFETY: `walk`: 1. It is pinned. `hash`: 1. so the node is alive.
    let next = unsafe { open.walk(hash, span, |link| links.push((link.hash(), link))) }?;
    // A key that was removed and inserted again meanwhile may have been met twice.
    let is_settled = links.len() <= MANY_AT_HOME
        && (1..links.len()).all(|i| links[..i].iter().all(|(hash, _)| *hash != links[i].0));
    is_settled.then(|| {
        let mut items = SmallVec::new();
        // SAFETY: 1. They were found under the pin.
        items.extend(
            links
                .into_iter()
                .map(|(_, link)| unsafe { Item::new(link) }),
        );
        // SAFETY: 1. `'a` is a borrow of the map.
        (unsafe { Anchored::new(Visit::new(items)) }, next)
    })
}

/// What [`Strategy::visit`] finds under the lock.
///
/// # Safety
///
/// 1. The shard is locked, and its map lives until `'a` ends.
pub unsafe fn visit_locked<'a, K, V>(
    locked: &Locked<K, V>,
    span: Span,
) -> Anchored<'a, Visit<K, V>> {
    let mut items = SmallVec::new();
    // SAFETY: 1. It is in a table that we have locked.
    let is_wanted = |link: &Link<K, V>| span.contains(position(unsafe { link.hash() }));
    // SAFETY: 1. It has the lock.
    items.extend(
        locked
            .links()
            .filter(is_wanted)
            .map(|link| unsafe { Item::new(link) }),
    );
    // SAFETY: 1. Promised to us.
    unsafe { Anchored::new(Visit::new(items)) }
}

/// Whether readers would be better off if the shard were [tended](Strategy::tend).
#[must_use]
pub fn wants_promotion<K, V>(locked: &Locked<K, V>) -> bool {
    locked.is_bare() || locked.lens().1 > 0
}

/// Shuts out readers without the lock, from now on. Returns the moment when that was done.
///
/// # Errors
///
/// If there is not enough memory; then nothing has changed.
pub fn conceal<K, V>(
    section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
) -> Result<Moment, TryReserveError> {
    let coverage = section.coverage();
    let (open, locked) = section.parts();
    locked.conceal(open, coverage)?;
    locked.clean_up(open);
    Ok(Moment(open.clocks().stamp()))
}

/// What was taken out of a shard: what was prepared for it, the entries, and what has to be dropped once no lock is held.
pub type Taken<K, V, R> = (R, Entries<K, V>, <Locked<K, V> as Table>::Waste);

/// Takes all entries out of a shard from which readers without the lock were shut out at some moment, if neither they nor
/// guards are left that could reach an entry.
///
/// `prepare` is called before anything has changed, and may call the whole off. The entries come in the order in which
/// [`Strategy::iter`] shows them.
///
/// # Safety
///
/// 1. The moment came from [`conceal`], called on this shard, or on those that its entries were in then; and
///    none of them was tended since.
pub unsafe fn take_back<K, V, R>(
    section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    since: Moment,
    prepare: impl FnOnce(&Locked<K, V>) -> Option<R>,
) -> Option<Taken<K, V, R>> {
    let (open, locked) = section.parts();
    if !locked.is_deserted(open, since.0) {
        return None;
    }
    let prepared = prepare(locked)?;
    // There may be nobody for long who writes to such shards and looks after what they have left. Relaxed: a hint.
    open.common().left_over.store(true, Relaxed);
    // By (1) the read word is null since that moment, which is ripe: no reader without the lock can reach an entry, and
    // there are no guards on any.
    Some((prepared, locked.take_entries(), locked.take_waste()))
}
