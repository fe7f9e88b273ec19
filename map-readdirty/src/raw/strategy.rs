//! How the front uses the shards.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::ptr::NonNull;

use map_core::strategy::{
    Anchored, At, Held, Inside, Observed, Options, Recycling, Refused, Section, Sessions, Span,
    Strategy,
};
use map_core::{BuildError, Equivalent, TryReserveError};
use smallvec::SmallVec;

use super::hold::{Hold, Pin, SessionPin, entry};
use super::limbo::Entries;
use super::node::Link;
use super::open::{Look, Open};
use super::parts::{self, Looked};
use super::seat;
use super::shard::{Locked, Slot};
use super::table::Table;
use crate::promotion::{Fill, Promotion, Standing};
use crate::stats::Stats;
use crate::sync::OwnEntry;

/// The strategy of a [`ReadDirtyMap`](crate::ReadDirtyMap), with its promotion policy.
///
/// ```
/// use map_readdirty::{ReadDirty, promotion::Plain};
///
/// let map: map_core::Map<u32, u32, ReadDirty<Plain>> = map_core::Map::new();
/// map.store(1, 10);
/// ```
pub struct ReadDirty<P = Fill>(PhantomData<fn() -> P>);

impl<P> fmt::Debug for ReadDirty<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadDirty")
    }
}

/// A changed copy of an entry, once there is one.
pub struct Edit<K, V>(Option<Draft<K, V>>);

impl<K, V> fmt::Debug for Edit<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edit").finish_non_exhaustive()
    }
}

impl<K, V> Default for Edit<K, V> {
    fn default() -> Self {
        Self(None)
    }
}

// SAFETY: 1. The entry lies in a node, behind a raw pointer.
unsafe impl<K, V> map_core::strategy::Edit for Edit<K, V> {}

impl<K, V> Edit<K, V> {
    pub(crate) fn is_untouched(&self) -> bool {
        self.0.is_none()
    }
}

impl<K: Clone, V: Clone> Edit<K, V> {
    /// The copy of the entry at a slot, made if there is none yet.
    #[inline]
    pub(crate) fn of(
        &mut self,
        open: &Open<K, V>,
        locked: &Locked<K, V>,
        slot: Slot,
    ) -> &mut (K, V) {
        let draft = self.0.get_or_insert_with(|| {
            let old = locked.link(slot);
            // SAFETY: 1. It is in a table that we have locked.
            let (pair, hash) = unsafe { (old.pair().clone(), old.hash()) };
            Draft(Locked::make(open, hash, pair))
        });
        // SAFETY: 1. Nobody else has the node before `finish`.
        unsafe { draft.0.pair_mut() }
    }
}

/// A node that is in no table yet.
struct Draft<K, V>(Link<K, V>);

// SAFETY: it owns the node.
unsafe impl<K: Send, V: Send> Send for Draft<K, V> {}
// SAFETY: as above.
unsafe impl<K: Sync, V: Sync> Sync for Draft<K, V> {}

impl<K, V> Draft<K, V> {
    /// The node, to be put into a table.
    fn into_link(self) -> Link<K, V> {
        ManuallyDrop::new(self).0
    }

    /// The entry.
    fn into_pair(self) -> (K, V) {
        let link = self.into_link();
        // SAFETY: 1. Nobody else has the node, which has an entry; then it is empty.
        unsafe {
            let pair = link.empty();
            link.free();
            pair
        }
    }
}

impl<K, V> Drop for Draft<K, V> {
    fn drop(&mut self) {
        drop(Self(self.0).into_pair());
    }
}

/// Entries of a shard, held one by one.
pub struct Visit<K, V>(smallvec::IntoIter<[Item<K, V>; AT_HOME]>);

impl<K, V> Visit<K, V> {
    pub(crate) fn new(items: SmallVec<[Item<K, V>; AT_HOME]>) -> Self {
        Self(items.into_iter())
    }

    /// The next of them.
    #[inline]
    pub fn next<'a>(this: &mut Anchored<'a, Self>) -> Found<'a, K, V, Hold<K, V>> {
        // SAFETY: `get_mut`: 1. Nothing is put in its place. 2. What is taken out is anchored again. `next_for`: 1. It is
        // anchored in `'a`.
        unsafe { this.get_mut().next_for() }
    }

    /// The same for a visit that is part of what is anchored.
    ///
    /// # Safety
    ///
    /// 1. This is anchored in `'a`.
    #[inline]
    pub unsafe fn next_for<'a>(&mut self) -> Found<'a, K, V, Hold<K, V>> {
        let Item { pair, hold } = self.0.next()?;
        // SAFETY: 1. The node is alive as long as the hold; 2. which may be moved, and ended on any thread, 3. until `'a`
        // ends, by (1).
        Some(unsafe { Held::from_raw(pair, hold) })
    }
}

/// An entry of a shard, held.
pub(crate) struct Item<K, V> {
    pair: NonNull<(K, V)>,
    hold: Hold<K, V>,
}

// SAFETY: it becomes a `Held`, and is as that.
unsafe impl<K: Sync, V: Sync> Send for Item<K, V> {}
// SAFETY: as above.
unsafe impl<K: Sync, V: Sync> Sync for Item<K, V> {}

impl<K, V> Item<K, V> {
    /// # Safety
    ///
    /// 1. As for [`Hold::new`].
    #[inline]
    pub(crate) unsafe fn new(link: Link<K, V>) -> Self {
        // SAFETY: `new`: by (1). `entry`: so the node is alive.
        unsafe {
            Self {
                pair: entry(link),
                hold: Hold::new(link),
            }
        }
    }
}

/// So many entries have the same home at most, as a rule.
pub(crate) const AT_HOME: usize = 16;
/// More with one home are looked at under the lock.
pub(crate) const MANY_AT_HOME: usize = 24;

impl<K, V> fmt::Debug for Visit<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").finish_non_exhaustive()
    }
}

/// Goes over what lies under the lock.
#[derive(Debug)]
pub struct Iter<'a, K, V> {
    locked: &'a Locked<K, V>,
    last: Option<Slot>,
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = &'a (K, V);

    fn next(&mut self) -> Option<&'a (K, V)> {
        let (slot, link) = self.locked.next_slot(self.last)?;
        self.last = Some(slot);
        // SAFETY: 1. It is in a table that is locked for `'a`.
        Some(unsafe { link.pair() })
    }
}

/// What `Held` refers to.
type Found<'a, K, V, H> = Option<Held<'a, (K, V), H>>;
type AtShard<'a, K, V> = At<'a, Locked<K, V>, Open<K, V>>;

/// Whether the operation shall rather begin anew than do more than look: known when it is compiled. What is done otherwise would
/// have it keep in memory, always, where it goes.
#[inline(always)]
fn is_hurried<K, V>(at: &AtShard<'_, K, V>) -> bool {
    matches!(at.ask_to_tend(), Err(Refused::Busy))
}

impl<P: Promotion> ReadDirty<P> {
    /// Finds a node under the lock and does something with it before the lock is given back.
    #[cold]
    #[inline(never)]
    fn find_locked<K, V, Q, R>(
        at: AtShard<'_, K, V>,
        key: &Q,
        found: impl FnOnce(Link<K, V>) -> R,
    ) -> Result<Option<R>, Refused>
    where
        Q: ?Sized + Equivalent<K>,
    {
        let shard = at.lock_shared()?;
        let misses = shard.count_miss();
        let (read, dirty) = shard.lens();
        // A shard that has no tables yet gets an empty read table, so that absent keys are told without the lock.
        let is_bare = shard.is_bare();
        if is_bare || misses > 0 && P::is_due(Standing::new(misses, dirty, read)) {
            drop(shard);
            at.ask_to_tend()?;
            // It could not be had.
            let shard = at.lock_shared()?;
            let link = shard.find(at.hash(), key);
            return Ok(link.map(|(_, link)| found(link)));
        }
        let link = shard.find(at.hash(), key);
        Ok(link.map(|(_, link)| found(link)))
    }
}

/// Puts the entry of a node that was found under a pin, or under the lock, and its pin together.
///
/// # Safety
///
/// 1. As for [`Hold::new`]; if the node was found under the lock, the pin was made under the lock too.
/// 2. The map lives until `'a` ends.
#[inline(always)]
pub(crate) unsafe fn pinned<'a, K, V>(link: Link<K, V>, pin: Pin) -> Held<'a, (K, V), Pin> {
    // SAFETY: `entry`: by (1) the node is alive as long as the pin. `from_raw`: 1. likewise; 2. the pin may be moved, and is
    // not `Send`. 3. It needs no map.
    unsafe { Held::from_raw(entry(link), pin) }
}

/// Puts the entry of a node and a hold of it together.
///
/// # Safety
///
/// 1. As for [`Hold::new`].
/// 2. The map lives until `'a` ends.
#[inline(always)]
pub(crate) unsafe fn held<'a, K, V>(link: Link<K, V>) -> Held<'a, (K, V), Hold<K, V>> {
    // SAFETY: `new`: by (1). `entry`: so the node is alive. `from_raw`: 1. It is as long as the hold; 2. which may be moved,
    // and ended on any thread; 3. by (2), until `'a` ends.
    unsafe { Held::from_raw(entry(link), Hold::new(link)) }
}

// SAFETY: 1., 2. It is made of no other.
unsafe impl<K: Clone, V: Clone, P: Promotion> Strategy<K, V> for ReadDirty<P> {
    type Locked = Locked<K, V>;
    type Open = Open<K, V>;
    type Slot = Slot;
    type Brief = Pin;
    type Hold = Hold<K, V>;
    type OwnEntry<'a>
        = OwnEntry<'a, K, V, Self>
    where
        Self: 'a,
        K: 'a,
        V: 'a;
    type Edit = Edit<K, V>;
    type Iter<'a>
        = Iter<'a, K, V>
    where
        K: 'a,
        V: 'a;
    type Visit = Visit<K, V>;
    type IntoIter = Entries<K, V>;

    const IN_PLACE: bool = false;
    const SPLITS_FOR_CONTENTION: bool = true;
    const READS_LOCK: bool = false;

    #[inline(always)]
    fn peek<'a, Q>(at: AtShard<'a, K, V>, key: &Q) -> Result<Found<'a, K, V, Pin>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match parts::peek(at.open(), at.hash(), key) {
            Looked::Found(found) => return Ok(Some(found)),
            Looked::Absent => return Ok(None),
            Looked::Unsettled => {}
        }
        if is_hurried(&at) {
            return Err(Refused::Busy);
        }
        // SAFETY: 1. Both are made under the lock. 2. `'a` is a borrow of the map.
        Self::find_locked(at, key, |link| unsafe { pinned(link, Pin(seat::pin())) })
    }

    #[inline(always)]
    fn get<'a, Q>(at: AtShard<'a, K, V>, key: &Q) -> Result<Found<'a, K, V, Hold<K, V>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match parts::get(at.open(), at.hash(), key) {
            Looked::Found(found) => return Ok(Some(found)),
            Looked::Absent => return Ok(None),
            Looked::Unsettled => {}
        }
        if is_hurried(&at) {
            return Err(Refused::Busy);
        }
        // SAFETY: 1. It has the lock. 2. `'a` is a borrow of the map.
        Self::find_locked(at, key, |link| unsafe { held(link) })
    }

    fn set_up(open: &Open<K, V>, options: &Options) -> Result<(), BuildError> {
        if let Some(nodes) = options.pool() {
            open.common().limbos.set_most_pooled(nodes);
        }
        Ok(())
    }

    fn set_up_like(open: &Open<K, V>, other: &Open<K, V>) {
        let most_pooled = other.common().limbos.most_pooled();
        open.common().limbos.set_most_pooled(most_pooled);
    }

    fn tend(section: &mut impl Inside<Self::Locked, Self::Open>) {
        let coverage = section.coverage();
        let (open, locked) = section.parts();
        // Without the memory, readers go on taking the lock.
        let _ = locked.promote(open, coverage);
        locked.clean_up(open);
    }

    #[inline]
    fn locate<Q>(locked: &Locked<K, V>, hash: u64, key: &Q) -> Option<Slot>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        Some(locked.find(hash, key)?.0)
    }

    #[inline]
    fn pair(locked: &Locked<K, V>, slot: Slot) -> &(K, V) {
        // SAFETY: 1. It is in a table that is locked for as long.
        unsafe { locked.link(slot).pair() }
    }

    #[inline]
    fn has_room(locked: &Locked<K, V>) -> bool {
        locked.has_room(P::FILLS)
    }

    #[inline]
    fn upsert(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Option<(Option<K>, V)>
    where
        K: Eq,
    {
        let Some((slot, old)) = section.find(hash, &key) else {
            Self::insert_new(section, hash, key, value);
            return None;
        };
        // The hash of the node, for which it stands where it stands: a key that hashes badly may have another now.
        // SAFETY: 1. It is in a table that we have locked.
        let (before, hash) = unsafe { (old.pair().1.clone(), old.hash()) };
        let (open, locked) = section.parts();
        locked.update(open, slot, hash, (key, value));
        Some((None, before))
    }

    #[inline]
    fn store(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Option<(Option<K>, Option<V>)>
    where
        K: Eq,
    {
        let Some((slot, old)) = section.find(hash, &key) else {
            Self::insert_new(section, hash, key, value);
            return None;
        };
        // SAFETY: 1. It is in a table that we have locked.
        let hash = unsafe { old.hash() };
        let (open, locked) = section.parts();
        locked.update(open, slot, hash, (key, value));
        None
    }

    #[inline]
    fn insert_new(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Slot {
        let (open, locked) = section.parts();
        let link = locked.make_new(open, hash, (key, value));
        locked.insert(open, hash, link, P::FILLS)
    }

    #[inline]
    fn replace(section: &mut impl Inside<Self::Locked, Self::Open>, slot: Slot, value: V) -> V {
        let old = section.link(slot);
        // SAFETY: 1. It is in a table that we have locked.
        let ((key, before), hash) = unsafe { (old.pair(), old.hash()) };
        let (before, key) = (before.clone(), key.clone());
        let (open, locked) = section.parts();
        locked.update(open, slot, hash, (key, value));
        before
    }

    fn replace_pair(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Slot,
        key: K,
        value: V,
    ) -> (K, V) {
        let old = section.link(slot);
        // SAFETY: 1. It is in a table that we have locked.
        let (before, hash) = unsafe { (old.pair().clone(), old.hash()) };
        let (open, locked) = section.parts();
        locked.update(open, slot, hash, (key, value));
        before
    }

    #[inline]
    fn remove(section: &mut impl Inside<Self::Locked, Self::Open>, slot: Slot) -> (K, V) {
        // SAFETY: 1. It is in a table that we have locked.
        let pair = unsafe { section.link(slot).pair() }.clone();
        let (open, locked) = section.parts();
        locked.remove(open, slot);
        pair
    }

    #[inline]
    fn delete(section: &mut impl Inside<Self::Locked, Self::Open>, slot: Slot) -> Option<(K, V)> {
        let (open, locked) = section.parts();
        locked.remove(open, slot);
        None
    }

    #[inline]
    fn edit<'x>(
        section: &'x mut impl Inside<Self::Locked, Self::Open>,
        slot: Slot,
        edit: &'x mut Edit<K, V>,
    ) -> &'x mut (K, V) {
        let (open, locked) = section.parts();
        edit.of(open, locked, slot)
    }

    fn draft<'x>(locked: &Locked<K, V>, slot: Slot, edit: &'x mut Edit<K, V>) -> &'x mut (K, V) {
        let draft = edit.0.get_or_insert_with(|| {
            let old = locked.link(slot);
            // SAFETY: 1. It is in a table that we have locked.
            let (pair, hash) = unsafe { (old.pair().clone(), old.hash()) };
            Draft(Link::new(hash, pair))
        });
        // SAFETY: 1. Nobody else has the node before `finish`.
        unsafe { draft.0.pair_mut() }
    }

    fn alter(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Slot,
        f: impl FnOnce(K, V) -> (K, V),
    ) -> Option<(K, V)> {
        let old = section.link(slot);
        // SAFETY: 1. It is in a table that we have locked.
        let ((key, value), hash) = unsafe { (old.pair().clone(), old.hash()) };
        let pair = f(key, value);
        let (open, locked) = section.parts();
        locked.update(open, slot, hash, pair);
        None
    }

    #[inline]
    fn finish(section: &mut impl Inside<Self::Locked, Self::Open>, slot: Slot, edit: Edit<K, V>) {
        if let Some(draft) = edit.0 {
            let (open, locked) = section.parts();
            locked.replace(open, slot, draft.into_link());
        }
    }

    fn downgrade<'a>(section: Section<'a, K, V, Self>, slot: Slot) -> Held<'a, (K, V), Hold<K, V>> {
        // SAFETY: 1. It has the lock. 2. `'a` is a borrow of the map.
        let found = unsafe { held(section.link(slot)) };
        // Here and not at the end: should something that was removed earlier panic in its Drop, the hold is not leaked.
        drop(section);
        found
    }

    fn remove_edited(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Slot,
        edit: Edit<K, V>,
    ) -> (K, V) {
        let Some(draft) = edit.0 else {
            return Self::remove(section, slot);
        };
        let (open, locked) = section.parts();
        locked.remove(open, slot);
        draft.into_pair()
    }

    fn replace_edited(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Slot,
        edit: Edit<K, V>,
        key: K,
        value: V,
    ) -> (K, V) {
        let Some(draft) = edit.0 else {
            return Self::replace_pair(section, slot, key, value);
        };
        // SAFETY: 1. It is in a table that we have locked.
        let hash = unsafe { section.link(slot).hash() };
        let (open, locked) = section.parts();
        locked.update(open, slot, hash, (key, value));
        draft.into_pair()
    }

    fn capacity(locked: &Locked<K, V>) -> usize {
        locked.capacity(P::FILLS)
    }

    fn resize(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        capacity: usize,
        _hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        let coverage = section.coverage();
        let (open, locked) = section.parts();
        if capacity <= locked.capacity(P::FILLS) {
            locked.rebuild(open, coverage, capacity)?;
            locked.drain(open);
            return Ok(());
        }
        let grown = match locked.read() {
            Some(_) if !P::FILLS => {
                let (read, _) = locked.lens();
                let dirty = locked.dirty().map_or(0, Table::capacity);
                locked.rebuild_dirty(coverage, (capacity - read).max(2 * dirty))
            }
            // At least double: so that growing by one entry again and again copies each entry twice, on average.
            _ => locked.rebuild(open, coverage, capacity.max(2 * locked.capacity(P::FILLS))),
        };
        grown?;
        locked.clean_up(open);
        Ok(())
    }

    fn divide(
        from: &mut impl Inside<Self::Locked, Self::Open>,
        into: &mut impl Inside<Self::Locked, Self::Open>,
        _hash: impl Fn(&K) -> u64,
        chosen: impl Fn(u64) -> bool,
    ) -> Result<(), TryReserveError> {
        let whole = from.coverage();
        let halves = [whole.half(false), whole.half(true)];
        let (open, locked) = from.parts();
        let (into_open, into) = into.parts();
        locked.divide(open, into, into_open, halves, chosen)
    }

    fn absorb(
        into: &mut impl Inside<Self::Locked, Self::Open>,
        from: &mut impl Inside<Self::Locked, Self::Open>,
        _hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        let coverage = into.coverage();
        let (open, locked) = into.parts();
        let (from_open, from) = from.parts();
        if coverage.is_nothing() {
            locked.take_over(open, from, from_open);
            return Ok(());
        }
        let whole = coverage
            .parent()
            .expect("a shard with a buddy has a parent");
        locked.unite(open, from, from_open, whole)
    }

    fn clone_shard(
        _open: &Open<K, V>,
        locked: &Locked<K, V>,
        into: &mut impl Inside<Self::Locked, Self::Open>,
    ) {
        let coverage = into.coverage();
        let (open, clone) = into.parts();
        clone.fill_like(open, coverage, locked);
    }

    fn take(section: &mut impl Inside<Self::Locked, Self::Open>) -> Locked<K, V> {
        let (open, locked) = section.parts();
        // Readers may still see the nodes: they stay in limbo here, and nothing is handed out.
        locked.clear(open);
        Locked::default()
    }

    fn retain(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        mut keep: impl FnMut(&K, &mut V) -> bool,
        _removed: &mut Vec<(K, V)>,
    ) {
        let mut last = None;
        while let Some((slot, _)) = section.next_slot(last) {
            last = Some(slot);
            let mut edit = Edit::default();
            let (key, value) = Self::edit(section, slot, &mut edit);
            if keep(key, value) {
                Self::finish(section, slot, edit);
            } else {
                let (open, locked) = section.parts();
                locked.remove(open, slot);
                if let Some(draft) = edit.0 {
                    locked.discard(open, draft.into_link());
                }
            }
        }
    }

    fn iter<'a>(locked: &'a Locked<K, V>) -> Iter<'a, K, V>
    where
        Self: 'a,
        K: 'a,
        V: 'a,
    {
        Iter { locked, last: None }
    }

    fn slots(locked: &Locked<K, V>) -> impl Iterator<Item = Slot> {
        let mut last = None;
        std::iter::from_fn(move || {
            let (slot, _) = locked.next_slot(last)?;
            last = Some(slot);
            Some(slot)
        })
    }

    fn visit<'a>(
        at: AtShard<'a, K, V>,
        span: Span,
    ) -> Result<(Anchored<'a, Visit<K, V>>, Option<u64>), Refused> {
        if let Some(visited) = parts::visit(at.open(), at.hash(), span) {
            return Ok(visited);
        }
        let mut shard = at.lock_shared()?;
        if shard.lens().1 > 0 {
            drop(shard);
            at.ask_to_tend()?;
            shard = at.lock_shared()?;
        }
        // SAFETY: 1. It is locked, and `'a` is a borrow of its map.
        let visit = unsafe { parts::visit_locked(&shard, span) };
        Ok((visit, shard.coverage().end()))
    }

    #[inline]
    fn visited<'a>(
        visit: &mut Anchored<'a, Visit<K, V>>,
        _hash: impl Fn(&K) -> u64,
    ) -> Found<'a, K, V, Hold<K, V>> {
        Visit::next(visit)
    }

    fn for_each<B>(
        at: AtShard<'_, K, V>,
        span: Span,
        _hash: impl Fn(&K) -> u64,
        mut f: impl FnMut(&K, &V) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B, Option<u64>>, Refused> {
        let (mut visit, next) = <Self as Strategy<K, V>>::visit(at, span)?;
        while let Some(held) = Visit::next(&mut visit) {
            let (key, value) = held.get();
            if let ControlFlow::Break(broken) = f(key, value) {
                return Ok(ControlFlow::Break(broken));
            }
        }
        Ok(ControlFlow::Continue(next))
    }

    fn into_iter(mut locked: Locked<K, V>) -> Entries<K, V> {
        locked.take_entries()
    }
}

impl<K: Clone, V: Clone, P: Promotion> Sessions<K, V> for ReadDirty<P> {
    type Pin = SessionPin;
    type Entry<'p>
        = (&'p K, &'p V)
    where
        K: 'p,
        V: 'p;
    type Value<'p>
        = &'p V
    where
        K: 'p,
        V: 'p;

    #[inline]
    fn pin(open: &Open<K, V>) -> SessionPin {
        parts::open_session(open)
    }

    fn repin(pin: &mut SessionPin) {
        parts::repin_session(pin);
    }

    #[inline(always)]
    unsafe fn peek_pinned<'p, Q>(
        at: AtShard<'p, K, V>,
        key: &Q,
        _pin: &'p SessionPin,
    ) -> Result<Option<(&'p K, &'p V)>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        // SAFETY: 1. It is pinned, in the clock of this map's sessions.
        let link = match unsafe { at.open().look(at.hash(), key) } {
            Look::Found(link) => Some(link),
            Look::Absent => None,
            Look::Unsettled if is_hurried(&at) => return Err(Refused::Busy),
            // If it is found, it is retired after that, and then waits for the pin.
            Look::Unsettled => Self::find_locked(at, key, |link| link)?,
        };
        Ok(link.map(|link| {
            // SAFETY: 1. It was found under the pin, or under the lock.
            let (key, value) = unsafe { link.pair() };
            (key, value)
        }))
    }

    #[inline(always)]
    fn value<'p>((_, value): (&'p K, &'p V)) -> &'p V
    where
        K: 'p,
        V: 'p,
    {
        value
    }
}

impl<P> Recycling for ReadDirty<P> {}

impl<K: Clone, V: Clone, P: Promotion> Observed<K, V> for ReadDirty<P> {
    type Stats = Stats;

    fn observe(stats: &mut Stats, open: &Open<K, V>, locked: &Locked<K, V>) {
        // Of the first shard: it is the same for all of a map.
        if stats.shards == 0 {
            stats.add_waiting(open.common().limbos.holdings());
        }
        stats.add(&locked.record());
    }
}
