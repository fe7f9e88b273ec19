//! A shard: what lies under the lock.

use std::mem;
use std::ptr::{self, NonNull};
use std::time::Instant;

use map_core::strategy::Coverage;
use map_core::{Equivalent, TryReserveError, strategy};

use super::clock::Stamp;
use super::limbo::{Entries, Limbo, Next, Trash, Waste};
use super::node::Link;
use super::open::{Common, Open};
use super::seat;
use super::table::{Index, Table};
use crate::sync::atomic::{Ordering::Relaxed, Ordering::Release};

/// Where an entry stands: in the read table, or in the dirty table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(usize);

impl Slot {
    /// As a number.
    #[inline(always)]
    pub fn to_raw(self) -> usize {
        self.0
    }

    /// From the number that it is.
    ///
    /// # Safety
    ///
    /// 1. The number came from [`to_raw`](Self::to_raw), of a slot of a shard, and is used while that slot would be.
    #[inline(always)]
    pub unsafe fn from_raw(number: usize) -> Self {
        Self(number)
    }

    const DIRTY: usize = 1 << (usize::BITS - 1);

    fn new(index: Index, dirty: bool) -> Self {
        Self(index | if dirty { Self::DIRTY } else { 0 })
    }

    fn is_dirty(self) -> bool {
        self.0 & Self::DIRTY != 0
    }

    fn index(self) -> Index {
        self.0 & !Self::DIRTY
    }
}

/// What lies under the lock: at most two tables of nodes. Each entry is in one of them.
#[derive(Debug)]
pub struct Locked<K, V> {
    /// The published table: the one in the read word.
    read: Option<NonNull<Table<K, V>>>,
    /// A table of entries that readers cannot see without the lock.
    dirty: Option<Box<Table<K, V>>>,
    read_len: u32,
    dirty_len: u32,
    rest: Option<Box<Rest<K, V>>>,
}

/// What is seldom needed.
#[derive(Debug)]
struct Rest<K, V> {
    /// What whoever has the lock has let go, dropped when he has released it.
    trash: Trash<K, V>,
    misses: u64,
    promotions: u64,
    rebuilds: u64,
}

impl<K, V> Default for Rest<K, V> {
    fn default() -> Self {
        Self {
            trash: None,
            misses: 0,
            promotions: 0,
            rebuilds: 0,
        }
    }
}

/// What has happened in a shard, and what it holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Record {
    pub(crate) misses: u64,
    pub(crate) promotions: u64,
    pub(crate) rebuilds: u64,
    pub(crate) is_published: bool,
    pub(crate) read: usize,
    pub(crate) dirty: usize,
}

impl<K, V> Default for Locked<K, V> {
    fn default() -> Self {
        Self {
            read: None,
            dirty: None,
            read_len: 0,
            dirty_len: 0,
            rest: None,
        }
    }
}

// SAFETY: the shard owns its tables and nodes.
unsafe impl<K: Send, V: Send> Send for Locked<K, V> {}
// SAFETY: shared access gives shared access to the entries.
unsafe impl<K: Sync, V: Sync> Sync for Locked<K, V> {}

impl<K, V> strategy::Table for Locked<K, V> {
    type Waste = Option<Box<Waste<K, V>>>;

    #[inline]
    fn has_waste(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.trash.is_some())
    }

    #[inline]
    fn take_waste(&mut self) -> Self::Waste {
        self.rest.as_mut()?.trash.take()
    }

    #[inline]
    fn len(&self) -> usize {
        (self.read_len + self.dirty_len) as usize
    }
}

impl<K, V> Locked<K, V> {
    #[inline]
    pub(crate) fn read(&self) -> Option<&Table<K, V>> {
        // SAFETY: a published table is not freed before it is retired, which needs `&mut self`.
        self.read.map(|table| unsafe { table.as_ref() })
    }

    #[inline]
    pub(crate) fn dirty(&self) -> Option<&Table<K, V>> {
        self.dirty.as_deref()
    }

    #[inline]
    pub(crate) fn lens(&self) -> (usize, usize) {
        (self.read_len as usize, self.dirty_len as usize)
    }

    #[inline]
    fn table(&self, slot: Slot) -> &Table<K, V> {
        let table = if slot.is_dirty() {
            self.dirty()
        } else {
            self.read()
        };
        table.expect("a slot's table stays while its shard is locked")
    }

    /// Whether there is no table at all.
    pub(crate) fn is_bare(&self) -> bool {
        self.read.is_none() && self.dirty.is_none()
    }

    fn rest(&mut self) -> &mut Rest<K, V> {
        self.rest.get_or_insert_default()
    }

    /// Finds a key in either table.
    #[inline(always)]
    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<(Slot, Link<K, V>)>
    where
        Q: ?Sized + Equivalent<K>,
    {
        if let Some(read) = self.read()
            // SAFETY: 1. We are under the lock.
            && let Some((index, link)) = unsafe { read.find(hash, key) }
        {
            return Some((Slot::new(index, false), link));
        }
        // SAFETY: 1. We are under the lock.
        let (index, link) = unsafe { self.dirty()?.find(hash, key) }?;
        Some((Slot::new(index, true), link))
    }

    /// The node at a slot.
    #[inline]
    pub(crate) fn link(&self, slot: Slot) -> Link<K, V> {
        self.table(slot)
            .get(slot.index())
            .expect("a slot stays occupied while its shard is locked")
    }

    /// The first occupied slot from one on, the read table's first.
    pub(crate) fn next_slot(&self, from: Option<Slot>) -> Option<(Slot, Link<K, V>)> {
        let from = from.map_or(Slot::new(0, false), |slot| Slot(slot.0 + 1));
        let mut first_dirty = 0;
        if from.is_dirty() {
            first_dirty = from.index();
        } else if let Some((index, link)) = self.read().and_then(|read| read.next(from.index())) {
            return Some((Slot::new(index, false), link));
        }
        let (index, link) = self.dirty()?.next(first_dirty)?;
        Some((Slot::new(index, true), link))
    }

    /// All nodes.
    pub(crate) fn links(&self) -> impl Iterator<Item = Link<K, V>> + '_ {
        let tables = self.read().into_iter().chain(self.dirty());
        tables.flat_map(Table::links)
    }

    /// Leaves what is to be dropped for whoever releases the lock.
    #[inline(always)]
    fn throw_away(&mut self, trash: Trash<K, V>) {
        if let Some(waste) = trash {
            self.throw_away_some(waste);
        }
    }

    #[cold]
    #[inline(never)]
    fn throw_away_some(&mut self, mut waste: Box<Waste<K, V>>) {
        match &mut self.rest().trash {
            Some(trash) => trash.append(&mut waste),
            none => *none = Some(waste),
        }
    }

    /// A node for an entry, to be passed to [`replace`](Self::replace), or to be [discarded](Self::discard).
    #[inline]
    pub(crate) fn make(open: &Open<K, V>, hash: u64, pair: (K, V)) -> Link<K, V> {
        // SAFETY: 1. It only takes a node.
        unsafe { open.common().limbos.own(|limbo| limbo.make(hash, pair)) }
    }

    /// The same, to be passed to [`insert`](Self::insert).
    #[inline]
    pub(crate) fn make_new(&mut self, open: &Open<K, V>, hash: u64, pair: (K, V)) -> Link<K, V> {
        let limbos = &open.common().limbos;
        // What was let go while the shard had to grow or split for this comes along.
        let make = |limbo: &mut Limbo<K, V>| (limbo.make(hash, pair), limbo.take_trash());
        // SAFETY: 1. It only takes a node and what was thrown away.
        let (link, trash) = unsafe { limbos.own(make) };
        self.throw_away(trash);
        link
    }

    /// Lets go of a node that was made and not used.
    pub(crate) fn discard(&mut self, open: &Open<K, V>, link: Link<K, V>) {
        // SAFETY: 1. Nothing of the user's runs: what is let go is trash.
        unsafe { open.common().limbos.own(|limbo| limbo.discard(link)) }
        self.clean_up(open);
    }

    /// Leaves what this thread has let go for whoever releases the lock.
    pub(crate) fn clean_up(&mut self, open: &Open<K, V>) {
        let trash = open.common().limbos.take_trash();
        self.throw_away(trash);
    }

    /// Puts a node aside that readers cannot find any more.
    #[inline]
    fn retire(&mut self, open: &Open<K, V>, old: Link<K, V>) {
        let Common { clocks, limbos, .. } = open.common();
        // SAFETY: 1. Nothing of the user's runs: what is let go is trash.
        let next = unsafe { limbos.own(|limbo| limbo.retire(old, clocks)) };
        self.go_on(open, next);
    }

    /// Does what retiring a node has led to.
    #[inline(always)]
    fn go_on(&mut self, open: &Open<K, V>, next: Next) {
        if let Next::Turned(due) = next {
            self.go_on_after_turn(open, due);
        }
    }

    #[cold]
    #[inline(never)]
    fn go_on_after_turn(&mut self, open: &Open<K, V>, due: Option<Instant>) {
        let Common { clocks, limbos, .. } = open.common();
        if let Some(now) = due {
            limbos.look_around(clocks, now);
        }
        self.clean_up(open);
    }

    /// Whether one more entry fits where it would go.
    #[inline]
    pub(crate) fn has_room(&self, fills: bool) -> bool {
        let (table, len) = match self.read() {
            Some(read) if fills => (Some(read), self.read_len),
            _ => (self.dirty(), self.dirty_len),
        };
        table.is_some_and(|table| (len as usize) < table.capacity())
    }

    /// How many entries fit.
    pub(crate) fn capacity(&self, fills: bool) -> usize {
        let dirty = self.dirty().map_or(0, Table::capacity);
        match self.read() {
            Some(read) if fills => read.capacity(),
            Some(_) => self.read_len as usize + dirty,
            None => dirty,
        }
    }

    /// Inserts a node whose key is absent, where there is room.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        open: &Open<K, V>,
        hash: u64,
        link: Link<K, V>,
        fills: bool,
    ) -> Slot {
        if fills && let Some(read) = self.read() {
            let index = read.insert(hash, link);
            self.read_len += 1;
            seat::settle();
            return Slot::new(index, false);
        }
        let dirty = self.dirty().expect("there is room");
        let slot = Slot::new(dirty.insert(hash, link), true);
        self.dirty_len += 1;
        if self.dirty_len == 1 {
            self.mark(open);
        }
        seat::settle();
        slot
    }

    /// Makes the read word say whether entries are missing in its table.
    fn mark(&self, open: &Open<K, V>) {
        if let Some(read) = self.read {
            // Release: pairs with the Acquire in `Open::load`. The table was published before; but a reader that
            // sees that nothing is missing must see what was taken out of the dirty table as gone too.
            // SAFETY: as in `read`.
            let view = unsafe { read.as_ref() }.view(self.dirty_len == 0);
            open.word.store(ptr::from_ref(view).cast_mut(), Release);
        }
    }

    /// Puts a node in the place of the one at a slot, which has an equal key, and retires that.
    #[inline]
    pub(crate) fn replace(&mut self, open: &Open<K, V>, slot: Slot, link: Link<K, V>) {
        let old = self.swap(slot, link);
        self.retire(open, old);
    }

    /// The same with a new node for an entry.
    #[inline]
    pub(crate) fn update(&mut self, open: &Open<K, V>, slot: Slot, hash: u64, pair: (K, V)) {
        let Common { clocks, limbos, .. } = open.common();
        // SAFETY: 1. Nothing of the user's runs: what is let go is trash.
        let next = unsafe {
            limbos.own(|limbo| {
                let old = self.swap(slot, limbo.make(hash, pair));
                limbo.retire(old, clocks)
            })
        };
        self.go_on(open, next);
    }

    /// Puts a node in the place of another.
    #[inline(always)]
    fn swap(&self, slot: Slot, link: Link<K, V>) -> Link<K, V> {
        let old = self.table(slot).replace(slot.index(), link);
        seat::settle();
        old.expect("a slot stays occupied while its shard is locked")
    }

    /// Takes out the node at a slot and retires it.
    #[inline]
    pub(crate) fn remove(&mut self, open: &Open<K, V>, slot: Slot) {
        let old = self.link(slot);
        // SAFETY: 1. It is ours.
        self.table(slot).remove(slot.index(), unsafe { old.hash() });
        if slot.is_dirty() {
            self.dirty_len -= 1;
            if self.dirty_len == 0 {
                self.mark(open);
            }
        } else {
            self.read_len -= 1;
        }
        seat::settle();
        self.retire(open, old);
    }

    /// Counts a read that took the lock.
    pub(crate) fn count_miss(&self) -> usize {
        // Relaxed: it is a number.
        self.dirty()
            .map_or(0, |dirty| 1 + dirty.misses.fetch_add(1, Relaxed) as usize)
    }

    /// Puts a table, or none, into the read word, and retires the one that was there.
    fn publish(&mut self, open: &Open<K, V>, table: Option<Box<Table<K, V>>>) {
        let table = table.map(|table| NonNull::from(Box::leak(table)));
        // SAFETY: it lives until it is retired.
        let view = table.map(|table| unsafe { table.as_ref() }.view(true));
        // Release: pairs with the Acquire in `Open::load`; publishes the table and its nodes.
        open.word.store(
            view.map_or(ptr::null_mut(), |view| ptr::from_ref(view).cast_mut()),
            Release,
        );
        if let Some(old) = mem::replace(&mut self.read, table) {
            let Common { clocks, limbos, .. } = open.common();
            // Trash stays there: this may be the half of a shard that is not written again. Whoever calls this otherwise cleans up.
            // SAFETY: 1. Nothing of the user's runs: what is let go is trash.
            let next = unsafe { limbos.own(|limbo| limbo.retire_table(old, clocks)) };
            if let Next::Turned(Some(now)) = next {
                limbos.look_around(clocks, now);
            }
        }
    }

    /// Takes the dirty table out, with its misses.
    fn take_dirty(&mut self) -> Option<Box<Table<K, V>>> {
        let dirty = self.dirty.take()?;
        // Relaxed: it is a number.
        let misses = dirty.misses.load(Relaxed);
        self.rest().misses += u64::from(misses);
        self.dirty_len = 0;
        Some(dirty)
    }

    /// Publishes what is in the dirty table.
    ///
    /// # Errors
    ///
    /// If there is not enough memory; then nothing has changed.
    pub(crate) fn promote(
        &mut self,
        open: &Open<K, V>,
        coverage: Coverage,
    ) -> Result<(), TryReserveError> {
        if self.dirty.is_none() {
            if self.read.is_none() {
                self.publish(open, Some(Box::new(Table::new(coverage, 0)?)));
            }
            return Ok(());
        }
        if self.read_len > 0 {
            let len = strategy::Table::len(self);
            self.rebuild(open, coverage, len)?;
        } else {
            let len = self.dirty_len;
            let dirty = self.take_dirty();
            self.publish(open, dirty);
            self.read_len = len;
        }
        self.rest().promotions += 1;
        Ok(())
    }

    /// Moves all entries to one new table with so much room: published if the shard is.
    ///
    /// # Errors
    ///
    /// If there is not enough memory; then nothing has changed.
    pub(crate) fn rebuild(
        &mut self,
        open: &Open<K, V>,
        coverage: Coverage,
        capacity: usize,
    ) -> Result<(), TryReserveError> {
        let len = strategy::Table::len(self);
        if capacity == 0 && len == 0 {
            self.forget_tables(open);
            return Ok(());
        }
        let table = Box::new(Table::new(coverage, capacity.max(len))?);
        for link in self.links() {
            // SAFETY: 1. It is ours.
            table.insert(unsafe { link.hash() }, link);
        }
        self.put(open, table, len);
        Ok(())
    }

    /// Makes a table that has all entries the only one: published if the shard is.
    fn put(&mut self, open: &Open<K, V>, table: Box<Table<K, V>>, len: usize) {
        let is_published = self.read.is_some();
        drop(self.take_dirty());
        self.rest().rebuilds += 1;
        // A shard of 2^32 entries would have to share one hash: out of reach.
        let len = len as u32;
        if is_published {
            self.publish(open, Some(table));
            self.read_len = len;
        } else {
            self.dirty = Some(table);
            self.dirty_len = len;
        }
    }

    /// Moves all entries to a table that readers cannot see without the lock.
    ///
    /// # Errors
    ///
    /// If there is not enough memory; then nothing has changed.
    pub(crate) fn conceal(
        &mut self,
        open: &Open<K, V>,
        coverage: Coverage,
    ) -> Result<(), TryReserveError> {
        if self.read.is_none() {
            return Ok(());
        }
        let len = strategy::Table::len(self);
        // Not the table itself: its readers go on reading.
        let table = Box::new(Table::new(coverage, self.capacity(true).max(len))?);
        for link in self.links() {
            // SAFETY: 1. It is ours.
            table.insert(unsafe { link.hash() }, link);
        }
        self.forget_tables(open);
        self.dirty = Some(table);
        self.dirty_len = len as u32;
        Ok(())
    }

    /// Whether, since readers were shut out, all of them have left, with all guards on what is here. Helps that along.
    pub(crate) fn is_deserted(&self, open: &Open<K, V>, since: Stamp) -> bool {
        let clocks = open.clocks();
        if self.read.is_some() || !clocks.hurry(since) {
            return false;
        }
        // After it was seen that the moment is ripe: so every guard that was made without the lock is seen
        // here, or has gone; those made under the lock were there to be seen when we got it.
        let guarded = seat::guarded();
        self.links().all(|link| {
            let is_in_slot = guarded.binary_search(&link.as_ptr().addr()).is_ok();
            // SAFETY: 1. It is ours.
            !is_in_slot && !unsafe { link.has_counted_guards() }
        })
    }

    /// Gives the dirty table beside a read table so much room.
    ///
    /// # Errors
    ///
    /// If there is not enough memory; then nothing has changed.
    pub(crate) fn rebuild_dirty(
        &mut self,
        coverage: Coverage,
        capacity: usize,
    ) -> Result<(), TryReserveError> {
        let table = Box::new(Table::new(coverage, capacity.max(self.dirty_len as usize))?);
        for link in self.dirty().into_iter().flat_map(Table::links) {
            // SAFETY: 1. It is ours.
            table.insert(unsafe { link.hash() }, link);
        }
        if let Some(old) = &self.dirty {
            table.misses.store(old.misses.load(Relaxed), Relaxed);
        }
        self.dirty = Some(table);
        Ok(())
    }

    /// Moves the entries that are `chosen` by their hashes to an empty shard; the two cover the halves. Both are
    /// published afterwards if this is.
    ///
    /// # Errors
    ///
    /// If there is not enough memory; then nothing has changed.
    pub(crate) fn divide(
        &mut self,
        open: &Open<K, V>,
        into: &mut Self,
        into_open: &Open<K, V>,
        halves: [Coverage; 2],
        chosen: impl Fn(u64) -> bool,
    ) -> Result<(), TryReserveError> {
        let len = strategy::Table::len(self);
        // SAFETY: 1. They are ours.
        let hashes = self.links().map(|link| unsafe { link.hash() });
        let going = hashes.filter(|&hash| chosen(hash)).count();
        // As much room as the whole has, but for what is to grow out of it twice.
        let room = |len: usize| (self.capacity(true) / 2).max(len + len / 4);
        let stay = Box::new(Table::new(halves[0], room(len - going))?);
        let go = Box::new(Table::new(halves[1], room(going))?);
        for link in self.links() {
            // SAFETY: 1. It is ours.
            let hash = unsafe { link.hash() };
            let half = if chosen(hash) { &go } else { &stay };
            half.insert(hash, link);
        }
        if self.read.is_some() {
            // Before anything of the other half can change: both shards are locked.
            into.publish(into_open, Some(go));
            into.read_len = going as u32;
        } else {
            into.dirty = Some(go);
            into.dirty_len = going as u32;
        }
        self.put(open, stay, len - going);
        Ok(())
    }

    /// Clones the entries of another map's shard, which covers as much, and publishes them if that one has a read table. This
    /// one has nothing yet, and nobody looks at it.
    pub(crate) fn fill_like(&mut self, open: &Open<K, V>, coverage: Coverage, other: &Self)
    where
        K: Clone,
        V: Clone,
    {
        debug_assert!(self.is_bare(), "nothing is there to be kept");
        if other.is_bare() {
            return;
        }
        // With as much room: more than the entries need, if need be.
        let capacity = other.capacity(true).max(strategy::Table::len(other));
        let table = match Table::new(coverage, capacity) {
            Ok(table) => Box::new(table),
            Err(error) => panic!("{error}"),
        };
        // Where clones are dropped with the shard, should one of the next panic.
        let table = &**self.dirty.insert(table);
        for link in other.links() {
            // SAFETY: 1. It is in a table that is locked.
            let (pair, hash) = unsafe { (link.pair().clone(), link.hash()) };
            table.insert(hash, Link::new(hash, pair));
            self.dirty_len += 1;
        }
        if other.read.is_some() {
            let len = mem::take(&mut self.dirty_len);
            let table = self.dirty.take();
            self.publish(open, table);
            self.read_len = len;
        }
    }

    /// Takes over everything that the other shard has, as it is: this one has nothing yet.
    pub(crate) fn take_over(&mut self, open: &Open<K, V>, from: &mut Self, from_open: &Open<K, V>) {
        // Relaxed: nothing is published by null, and who locks later is ordered by the lock.
        from_open.word.store(ptr::null_mut(), Relaxed);
        *self = mem::take(from);
        self.mark(open);
    }

    /// Takes over the entries of the buddy; both together cover `whole`. Published afterwards if either was.
    ///
    /// # Errors
    ///
    /// If there is not enough memory; then nothing has changed.
    pub(crate) fn unite(
        &mut self,
        open: &Open<K, V>,
        from: &mut Self,
        from_open: &Open<K, V>,
        whole: Coverage,
    ) -> Result<(), TryReserveError> {
        let len = strategy::Table::len(self) + strategy::Table::len(from);
        if len == 0 {
            self.forget_tables(open);
            from.forget_tables(from_open);
            self.take_rest(from);
            return Ok(());
        }
        let table = Box::new(Table::new(whole, len + len / 4)?);
        for link in self.links().chain(from.links()) {
            // SAFETY: 1. It is ours, or will be.
            table.insert(unsafe { link.hash() }, link);
        }
        let is_published = self.read.is_some() || from.read.is_some();
        from.forget_tables(from_open);
        if is_published && self.read.is_none() {
            drop(self.take_dirty());
            self.publish(open, Some(table));
            self.read_len = len as u32;
        } else {
            self.put(open, table, len);
        }
        self.take_rest(from);
        Ok(())
    }

    /// Takes over what the other shard has besides its tables.
    fn take_rest(&mut self, from: &mut Self) {
        if let Some(rest) = from.rest.take() {
            self.throw_away(rest.trash);
            let ours = self.rest();
            ours.misses += rest.misses;
            ours.promotions += rest.promotions;
            ours.rebuilds += rest.rebuilds;
        }
    }

    /// Lets go of the tables, whose nodes are somewhere else now.
    fn forget_tables(&mut self, open: &Open<K, V>) {
        drop(self.take_dirty());
        self.publish(open, None);
        self.read_len = 0;
    }

    /// Removes all entries, and lets go of whatever can be let go without waiting.
    pub(crate) fn clear(&mut self, open: &Open<K, V>) {
        if strategy::Table::len(self) == 0 && self.dirty.is_none() {
            // A read table may stay if it is of the smallest: readers of an empty map need no lock.
            if self.read().is_none_or(Table::is_smallest) {
                self.drain(open);
                return;
            }
        }
        let links: Vec<_> = self.links().collect();
        self.forget_tables(open);
        // SAFETY: 1. It only moves nodes.
        unsafe {
            let limbos = &open.common().limbos;
            limbos.own(|limbo| limbo.retire_all(links.into_iter()));
        }
        self.drain(open);
    }

    /// Lets go of whatever in the map has left its shards and can be let go without waiting.
    pub(crate) fn drain(&mut self, open: &Open<K, V>) {
        let Common { clocks, limbos, .. } = open.common();
        limbos.drain(clocks);
        self.clean_up(open);
    }

    pub(crate) fn record(&self) -> Record {
        let (read, dirty) = self.lens();
        let unpromoted = self
            .dirty()
            // Relaxed: it is a number.
            .map_or(0, |dirty| u64::from(dirty.misses.load(Relaxed)));
        let mut record = Record {
            misses: unpromoted,
            is_published: self.read.is_some(),
            read,
            dirty,
            ..Record::default()
        };
        if let Some(rest) = &self.rest {
            record.misses += rest.misses;
            record.promotions = rest.promotions;
            record.rebuilds = rest.rebuilds;
        }
        record
    }

    /// Takes all entries out of a shard that nobody else has any more.
    pub(crate) fn take_entries(&mut self) -> Entries<K, V> {
        let links = self.links().collect();
        // SAFETY: from a box; the map is owned, or the shard was never read without the lock, so no
        // reader is left.
        drop(
            self.read
                .take()
                .map(|table| unsafe { Box::from_raw(table.as_ptr()) }),
        );
        self.dirty = None;
        (self.read_len, self.dirty_len) = (0, 0);
        // SAFETY: 1. They were in the tables, which are gone, and no reader is left.
        unsafe { Entries::new(links) }
    }
}

impl<K, V> Drop for Locked<K, V> {
    fn drop(&mut self) {
        // A shard is dropped with its map, when no reader and no guard is left, or when it has nothing.
        drop(self.take_entries());
    }
}
