//! A minimal read/dirty shard: lock-free reads, no recycling, no tuning.
//!
//! Every entry is a node on the heap. The table under the lock has all nodes; once reads have
//! missed often enough, a *read table* of the same node addresses is published, and readers that
//! find their key there take no lock. The set of keys of a read table never changes while it is
//! published: updating replaces the node in its slot, removing empties the slot, and new keys only
//! set the *amended* tag, which sends readers that miss to the lock.
//!
//! Retired nodes and read tables wait in `limbo` until every reader that may see them has left;
//! the shard frees them itself, so that nothing outlives the map.

use std::hash::Hash;
use std::mem;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crossbeam_epoch::{self as epoch, Atomic, Guard};
use hashbrown::HashTable;
use map_core::strategy::{At, Coverage, Held, Refused, Section, Shared, Strategy, Table};
use map_core::{Equivalent, TryReserveError};

/// The strategy under test.
#[derive(Clone, Copy, Debug)]
pub struct ReadDirty;

/// The tag of a read word whose table lacks some keys.
const AMENDED: usize = 1;
/// Garbage is ticketed in batches of this size.
const BATCH: usize = 32;

/// An entry on the heap, with its hash: promotion and splitting run none of the user's code.
pub struct Boxed<K, V> {
    pair: (K, V),
    hash: u64,
    /// How many guards refer to the entry: it is not freed before they are gone.
    guards: AtomicUsize,
}

type Node<K, V> = NonNull<Boxed<K, V>>;

/// A slot of a read table: a node, or null once its entry was removed. Stored under the exclusive
/// lock only.
type ReadSlot<K, V> = Atomic<Boxed<K, V>>;

fn node<K, V>(hash: u64, key: K, value: V) -> Node<K, V> {
    NonNull::from(Box::leak(Box::new(Boxed {
        pair: (key, value),
        hash,
        guards: AtomicUsize::new(0),
    })))
}

pub struct ReadTable<K, V> {
    slots: HashTable<ReadSlot<K, V>>,
    /// A miss is final only for hashes that the table covers.
    coverage: Coverage,
}

/// What readers see without the lock.
pub struct Open<K, V> {
    /// Null: lock mode. Otherwise the read table, whose tag says whether keys are missing in it.
    /// Changed under the exclusive lock only.
    word: Atomic<ReadTable<K, V>>,
    /// Reads that took the lock since the last promotion.
    misses: AtomicUsize,
}

impl<K, V> Default for Open<K, V> {
    fn default() -> Self {
        Self {
            word: Atomic::null(),
            misses: AtomicUsize::new(0),
        }
    }
}

/// What cannot be freed yet.
enum Garbage<K, V> {
    Node(Node<K, V>),
    Table(NonNull<ReadTable<K, V>>),
}

impl<K, V> Garbage<K, V> {
    /// Whether a guard refers to it.
    fn is_guarded(&self) -> bool {
        match self {
            // Acquire: pairs with the Release of a guard that goes; its last look comes before.
            // SAFETY: what is in limbo has not been freed.
            Self::Node(node) => unsafe { node.as_ref() }.guards.load(Ordering::Acquire) > 0,
            Self::Table(_) => false,
        }
    }
}

/// Garbage that nobody can reach any more: freed when dropped, so that a panic in the drop of one
/// entry still frees the others.
pub struct Ripe<K, V>(Garbage<K, V>);

impl<K, V> Drop for Ripe<K, V> {
    fn drop(&mut self) {
        match self.0 {
            // SAFETY: nodes come from boxes, and whoever made `self` had the last address.
            Garbage::Node(node) => drop(unsafe { Box::from_raw(node.as_ptr()) }),
            // SAFETY: read tables come from boxes, likewise.
            Garbage::Table(table) => drop(unsafe { Box::from_raw(table.as_ptr()) }),
        }
    }
}

/// A ticket, and what may be freed once it is ripe.
type Limbo<K, V> = (Arc<AtomicBool>, Vec<Garbage<K, V>>);

/// What lies under the lock.
pub struct Locked<K, V> {
    all: HashTable<Node<K, V>>,
    /// Retired since the last ticket.
    fresh: Vec<Garbage<K, V>>,
    /// Retired before some moment; ripe when the ticket says so.
    limbo: Vec<Limbo<K, V>>,
    /// To be freed once the lock is free.
    waste: Vec<Ripe<K, V>>,
    /// The published read table, to be freed with the shard.
    published: Option<NonNull<ReadTable<K, V>>>,
}

// SAFETY: the shard owns its nodes and tables.
unsafe impl<K: Send, V: Send> Send for Locked<K, V> {}
// SAFETY: shared access gives shared access to the entries.
unsafe impl<K: Sync, V: Sync> Sync for Locked<K, V> {}

impl<K, V> Default for Locked<K, V> {
    fn default() -> Self {
        Self {
            all: HashTable::new(),
            fresh: Vec::new(),
            limbo: Vec::new(),
            waste: Vec::new(),
            published: None,
        }
    }
}

impl<K, V> Table for Locked<K, V> {
    type Waste = Vec<Ripe<K, V>>;

    fn take_waste(&mut self) -> Vec<Ripe<K, V>> {
        mem::take(&mut self.waste)
    }

    fn len(&self) -> usize {
        self.all.len()
    }
}

impl<K, V> Drop for Locked<K, V> {
    fn drop(&mut self) {
        let limbo = mem::take(&mut self.limbo)
            .into_iter()
            .flat_map(|(_, batch)| batch);
        let nodes = mem::take(&mut self.all).into_iter().map(Garbage::Node);
        let table = self.published.take().map(Garbage::Table);
        let garbage = limbo
            .chain(mem::take(&mut self.fresh))
            .chain(nodes)
            .chain(table);
        // What still has readers never leaves a shard (`take` leaves it there), and a shard is
        // dropped with its map, when no reader and no guard is left.
        drop(garbage.map(Ripe).collect::<Vec<_>>());
    }
}

impl<K, V> Locked<K, V> {
    /// Puts garbage aside, and sorts it out when enough has come together.
    fn retire(&mut self, garbage: Garbage<K, V>) {
        self.fresh.push(garbage);
        if self.fresh.len() >= BATCH {
            self.sort_out();
        }
    }

    /// Moves what nobody can reach any more to the waste.
    fn sort_out(&mut self) {
        let ripe = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ripe);
        let pin = epoch::pin();
        // Release: pairs with the Acquire below; readers' last looks come before.
        pin.defer(move || flag.store(true, Ordering::Release));
        drop(pin);
        self.limbo.push((ripe, mem::take(&mut self.fresh)));
        // Some steps of the clock make a ticket ripe. If much is waiting, a reader has been
        // interrupted while it was pinned: let it run.
        for attempt in 0..50_000 {
            epoch::pin().flush();
            let much = self.limbo.len() > 16;
            if attempt >= 3 && (!much || self.limbo[0].0.load(Ordering::Acquire)) {
                break;
            }
            if much {
                std::thread::yield_now();
            }
        }
        let ripe = self
            .limbo
            .extract_if(.., |(ripe, _)| ripe.load(Ordering::Acquire));
        // Retired before the ticket was made, under a lock that has kept new readers from finding
        // it; the ticket ran when all pins of that time had ended, and a reader that made a guard
        // had counted it by then. So what is not guarded now never will be again.
        let (guarded, free): (Vec<_>, Vec<_>) = ripe
            .flat_map(|(_, batch)| batch)
            .partition(Garbage::is_guarded);
        if !guarded.is_empty() {
            self.limbo.push((Arc::new(AtomicBool::new(true)), guarded));
        }
        self.waste.extend(free.into_iter().map(Ripe));
    }

    /// Takes the read table away from readers.
    fn unpublish(&mut self, open: &Open<K, V>) {
        // Relaxed: null publishes nothing, and who locks later is ordered by the lock.
        open.word.store(epoch::Shared::null(), Ordering::Relaxed);
        if let Some(table) = self.published.take() {
            self.retire(Garbage::Table(table));
        }
    }

    /// The slot of the read table that has a node.
    fn read_slot(&self, node: Node<K, V>) -> Option<&ReadSlot<K, V>> {
        // SAFETY: a published table is not freed before it is retired, which needs `&mut self`;
        // a node of this shard is alive.
        let (table, hash) = unsafe { (self.published?.as_ref(), node.as_ref().hash) };
        // SAFETY: the loads are compared, not dereferenced.
        let pin = unsafe { epoch::unprotected() };
        table.slots.find(hash, |slot| {
            ptr::eq(slot.load(Ordering::Relaxed, pin).as_raw(), node.as_ptr())
        })
    }

    /// Puts another node, or none, in the place of one, for readers; and retires that.
    fn supersede(&mut self, old: Node<K, V>, new: Option<Node<K, V>>) {
        if let Some(slot) = self.read_slot(old) {
            let new = new.map_or(ptr::null_mut(), NonNull::as_ptr);
            // Release: pairs with the Acquire in `ReadTable::find`; publishes the node.
            slot.store(epoch::Shared::from(new.cast_const()), Ordering::Release);
        }
        self.retire(Garbage::Node(old));
    }

    /// The entry of a node of this shard.
    fn entry(&self, node: Node<K, V>) -> &Boxed<K, V> {
        // SAFETY: the shard owns its nodes and frees them only with `&mut self`.
        unsafe { node.as_ref() }
    }

    fn node(&self, slot: usize) -> Node<K, V> {
        *self
            .all
            .get_bucket(slot)
            .expect("a slot stays occupied while its shard is locked")
    }

    fn node_mut(&mut self, slot: usize) -> &mut Node<K, V> {
        self.all
            .get_bucket_mut(slot)
            .expect("a slot stays occupied while its shard is locked")
    }

    /// All nodes, moved to a table of their own.
    fn rebuilt(&mut self, capacity: usize) -> HashTable<Node<K, V>> {
        let mut table = HashTable::with_capacity(capacity.max(self.all.len()));
        for node in mem::take(&mut self.all) {
            table.insert_unique(self.entry(node).hash, node, |_| {
                unreachable!("there is room")
            });
        }
        table
    }
}

impl<K, V> ReadTable<K, V> {
    fn find<'p, Q>(&self, hash: u64, key: &Q, pin: &'p Guard) -> Option<&'p Boxed<K, V>>
    where
        Q: ?Sized + Equivalent<K>,
    {
        let mut found = None;
        self.slots.find(hash, |slot| {
            // Acquire: pairs with the Release in `supersede`; receives the node.
            let node = slot.load(Ordering::Acquire, pin);
            // SAFETY: a node in a slot is retired after it was replaced there, so one loaded
            // under a pin lives until the pin ends.
            found = unsafe { node.as_ref() }.filter(|node| key.equivalent(&node.pair.0));
            found.is_some()
        });
        found
    }
}

/// Publishes a read table of all nodes if reads have missed often enough.
fn promote_if_due<K: Clone, V: Clone>(section: &mut Section<'_, K, V, ReadDirty>) {
    let coverage = section.coverage();
    let (open, locked) = section.parts();
    let len = locked.all.len();
    if len == 0 || open.misses.load(Ordering::Relaxed) < (len / 8).max(1) {
        return;
    }
    open.misses.store(0, Ordering::Relaxed);
    let mut slots = HashTable::with_capacity(len);
    for &node in &locked.all {
        let slot = ReadSlot::from(node.as_ptr().cast_const());
        let hash = locked.entry(node).hash;
        slots.insert_unique(hash, slot, |_| unreachable!("there is room"));
    }
    let table = NonNull::from(Box::leak(Box::new(ReadTable { slots, coverage })));
    // Release: pairs with the Acquire in `Open::find`; publishes the table and its nodes.
    open.word.store(
        epoch::Shared::from(table.as_ptr().cast_const()),
        Ordering::Release,
    );
    if let Some(old) = locked.published.replace(table) {
        locked.retire(Garbage::Table(old));
    }
}

/// A node that is not in the table yet.
pub struct Draft<K, V>(Node<K, V>);

/// A copy that the user is changing, once there is one.
pub struct Edit<K, V>(Option<Draft<K, V>>);

impl<K, V> Default for Edit<K, V> {
    fn default() -> Self {
        Self(None)
    }
}

// SAFETY: the entry lies on the heap, at an address that this holds as a plain pointer.
unsafe impl<K, V> map_core::strategy::Edit for Edit<K, V> {}

// SAFETY: it owns the node.
unsafe impl<K: Send, V: Send> Send for Draft<K, V> {}
// SAFETY: as above.
unsafe impl<K: Sync, V: Sync> Sync for Draft<K, V> {}

impl<K, V> Drop for Draft<K, V> {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and only this has its address.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Keeps an entry alive during an operation: a pin, or the shard's lock.
pub enum Brief<'a, K, V> {
    Pin(#[expect(dead_code, reason = "held, not used")] Guard),
    Lock(#[expect(dead_code, reason = "held, not used")] Shared<'a, Locked<K, V>, Open<K, V>>),
}

/// Keeps an entry alive for a guard: its count, or the shard's lock.
pub enum Hold<'a, K, V> {
    Count(#[expect(dead_code, reason = "held, not used")] Counted<K, V>),
    Lock(#[expect(dead_code, reason = "held, not used")] Shared<'a, Locked<K, V>, Open<K, V>>),
}

/// One of the guards counted in a node.
pub struct Counted<K, V>(Node<K, V>);

// SAFETY: it gives no access but to the atomic count.
unsafe impl<K: Send + Sync, V: Send + Sync> Send for Counted<K, V> {}
// SAFETY: as above.
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for Counted<K, V> {}

impl<K, V> Drop for Counted<K, V> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `Garbage::is_guarded`.
        // SAFETY: a counted node is not freed.
        unsafe { self.0.as_ref() }
            .guards
            .fetch_sub(1, Ordering::Release);
    }
}

impl<K, V> Open<K, V> {
    /// Looks a key up without the lock: `None` if that does not settle it.
    fn find<Q>(&self, hash: u64, key: &Q) -> Option<Option<(Node<K, V>, Guard)>>
    where
        Q: ?Sized + Equivalent<K>,
    {
        let pin = epoch::pin();
        // Acquire: pairs with the Release in `promote_if_due`; receives the table.
        let word = self.word.load(Ordering::Acquire, &pin);
        // SAFETY: tables are retired after the word was changed, so one loaded under a pin lives
        // until the pin ends.
        let table = unsafe { word.as_ref() }.filter(|table| table.coverage.covers(hash))?;
        match table.find(hash, key, &pin).map(NonNull::from) {
            Some(node) => Some(Some((node, pin))),
            None if word.tag() == AMENDED => None,
            None => Some(None),
        }
    }
}

/// Finds an entry under the lock.
#[expect(clippy::type_complexity, reason = "the lock is held by what is found")]
fn find_locked<'a, K, V, Q>(
    at: &At<'a, Locked<K, V>, Open<K, V>>,
    key: &Q,
) -> Result<Option<Held<'a, (K, V), Shared<'a, Locked<K, V>, Open<K, V>>>>, Refused>
where
    Q: ?Sized + Equivalent<K>,
{
    let shard = at.lock_shared()?;
    at.open().misses.fetch_add(1, Ordering::Relaxed);
    Ok(Held::find(shard, |locked| {
        let equal = |&node: &Node<K, V>| key.equivalent(&locked.entry(node).pair.0);
        locked
            .all
            .find(at.hash(), equal)
            .map(|&node| &locked.entry(node).pair)
    }))
}

/// The entry of a node that cannot be freed just now.
fn pair_of<K, V>(node: Node<K, V>) -> NonNull<(K, V)> {
    // SAFETY: the caller keeps it from being freed.
    NonNull::from(unsafe { &node.as_ref().pair })
}

impl<K: Clone, V: Clone> Strategy<K, V> for ReadDirty {
    type Locked = Locked<K, V>;
    type Open = Open<K, V>;
    type Slot = usize;
    type Brief<'a>
        = Brief<'a, K, V>
    where
        K: 'a,
        V: 'a;
    type Hold<'a>
        = Hold<'a, K, V>
    where
        K: 'a,
        V: 'a;
    type Edit = Edit<K, V>;
    type Iter<'a>
        = Box<dyn Iterator<Item = &'a (K, V)> + 'a>
    where
        K: 'a,
        V: 'a;
    type IntoIter = std::vec::IntoIter<(K, V)>;

    const IN_PLACE: bool = false;
    const SPLITS_FOR_CONTENTION: bool = true;
    const READS_LOCK: bool = false;

    fn peek<'a, Q>(
        at: At<'a, Locked<K, V>, Open<K, V>>,
        key: &Q,
    ) -> Result<Option<Held<'a, (K, V), Brief<'a, K, V>>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        Self: 'a,
    {
        if let Some(settled) = at.open().find(at.hash(), key) {
            // SAFETY: 1. The node was found under the pin, which goes with it. 2. The pin may be
            // moved, and is not `Send`.
            return Ok(settled
                .map(|(node, pin)| unsafe { Held::from_raw(pair_of(node), Brief::Pin(pin)) }));
        }
        // SAFETY: the lock goes into the new hold.
        Ok(find_locked(&at, key)?.map(|found| unsafe { found.wrap_hold(Brief::Lock) }))
    }

    fn get<'a, Q>(
        at: At<'a, Locked<K, V>, Open<K, V>>,
        key: &Q,
    ) -> Result<Option<Held<'a, (K, V), Hold<'a, K, V>>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        Self: 'a,
    {
        if let Some(settled) = at.open().find(at.hash(), key) {
            return Ok(settled.map(|(node, pin)| {
                // Relaxed: the end of the pin, which comes after, publishes it to whoever makes
                // the node's ticket ripe.
                // SAFETY: the pin keeps the node.
                unsafe { node.as_ref() }
                    .guards
                    .fetch_add(1, Ordering::Relaxed);
                drop(pin);
                // SAFETY: 1. A counted node is not freed before the count goes, which the hold
                // does. 2. The count may go on any thread.
                unsafe { Held::from_raw(pair_of(node), Hold::Count(Counted(node))) }
            }));
        }
        // SAFETY: the lock goes into the new hold.
        Ok(find_locked(&at, key)?.map(|found| unsafe { found.wrap_hold(Hold::Lock) }))
    }

    fn locate<Q>(locked: &Locked<K, V>, hash: u64, key: &Q) -> Option<usize>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        locked
            .all
            .find_bucket_index(hash, |&node| key.equivalent(&locked.entry(node).pair.0))
    }

    fn pair(locked: &Locked<K, V>, slot: usize) -> &(K, V) {
        &locked.entry(locked.node(slot)).pair
    }

    fn has_room(locked: &Locked<K, V>) -> bool {
        locked.all.len() < locked.all.capacity()
    }

    fn upsert(section: &mut Section<'_, K, V, Self>, hash: u64, key: K, value: V) -> Option<(K, V)>
    where
        K: Eq,
    {
        let found = section
            .all
            .find_bucket_index(hash, |&node| section.entry(node).pair.0 == key);
        match found {
            Some(slot) => Some((key, Self::replace(section, slot, value))),
            None => {
                Self::insert_new(section, hash, key, value);
                None
            }
        }
    }

    fn insert_new(section: &mut Section<'_, K, V, Self>, hash: u64, key: K, value: V) -> usize {
        let (open, locked) = section.parts();
        if let Some(table) = locked.published {
            // Relaxed: the table was published before. A reader that loads the word after this
            // insertion has ended sees the tag, as it sees whatever else came before.
            let table = epoch::Shared::from(table.as_ptr().cast_const()).with_tag(AMENDED);
            open.word.store(table, Ordering::Release);
        }
        let node = node(hash, key, value);
        let slot = locked
            .all
            .insert_unique(hash, node, |_| unreachable!("there is room"));
        let slot = slot.bucket_index();
        promote_if_due(section);
        slot
    }

    fn replace(section: &mut Section<'_, K, V, Self>, slot: usize, value: V) -> V {
        let old = section.node(slot);
        let Boxed {
            pair: (key, before),
            hash,
            ..
        } = section.entry(old);
        let (key, before, hash) = (key.clone(), before.clone(), *hash);
        let new = node(hash, key, value);
        *section.node_mut(slot) = new;
        section.supersede(old, Some(new));
        promote_if_due(section);
        before
    }

    fn replace_pair(
        section: &mut Section<'_, K, V, Self>,
        slot: usize,
        key: K,
        value: V,
    ) -> (K, V) {
        let old = section.node(slot);
        let before = section.entry(old).pair.clone();
        let new = node(section.entry(old).hash, key, value);
        *section.node_mut(slot) = new;
        section.supersede(old, Some(new));
        before
    }

    fn remove(section: &mut Section<'_, K, V, Self>, slot: usize) -> (K, V) {
        let old = section.node(slot);
        let pair = section.entry(old).pair.clone();
        let entry = section.all.get_bucket_entry(slot).ok();
        entry
            .expect("a slot stays occupied while its shard is locked")
            .remove();
        section.supersede(old, None);
        promote_if_due(section);
        pair
    }

    fn edit<'x>(
        section: &'x mut Section<'_, K, V, Self>,
        slot: usize,
        edit: &'x mut Self::Edit,
    ) -> &'x mut (K, V) {
        Self::draft(section, slot, edit)
    }

    fn draft<'x>(locked: &Locked<K, V>, slot: usize, edit: &'x mut Self::Edit) -> &'x mut (K, V) {
        let draft = edit.0.get_or_insert_with(|| {
            let old = locked.entry(locked.node(slot));
            let (key, value) = old.pair.clone();
            Draft(node(old.hash, key, value))
        });
        // SAFETY: nobody else has the node before `finish`.
        unsafe { &mut (*draft.0.as_ptr()).pair }
    }

    fn finish(section: &mut Section<'_, K, V, Self>, slot: usize, edit: Self::Edit) {
        if let Some(draft) = edit.0 {
            let new = draft.0;
            mem::forget(draft);
            let old = mem::replace(section.node_mut(slot), new);
            section.supersede(old, Some(new));
        }
    }

    fn alter(
        section: &mut Section<'_, K, V, Self>,
        slot: usize,
        f: impl FnOnce(K, V) -> (K, V),
    ) -> Option<(K, V)> {
        let (key, value) = Self::pair(section, slot).clone();
        let (key, value) = f(key, value);
        Some(Self::replace_pair(section, slot, key, value))
    }

    fn downgrade<'a>(
        section: Section<'a, K, V, Self>,
        slot: usize,
    ) -> Held<'a, (K, V), Hold<'a, K, V>>
    where
        Self: 'a,
    {
        let found = Held::find(section.downgrade(), |locked| Some(Self::pair(locked, slot)));
        // SAFETY: the lock goes into the new hold.
        found
            .map(|found| unsafe { found.wrap_hold(Hold::Lock) })
            .expect("it was just there")
    }

    fn capacity(locked: &Locked<K, V>) -> usize {
        match locked.all.num_buckets() {
            0..=1 => 0,
            small @ 2..8 => small - 1,
            buckets => buckets / 8 * 7,
        }
    }

    fn resize(
        section: &mut Section<'_, K, V, Self>,
        capacity: usize,
        _hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        section.all = section.rebuilt(capacity);
        Ok(())
    }

    fn divide(
        from: &mut Section<'_, K, V, Self>,
        into: &mut Section<'_, K, V, Self>,
        _hash: impl Fn(&K) -> u64,
        chosen: impl Fn(u64) -> bool,
    ) -> Result<(), TryReserveError> {
        let (open, locked) = from.parts();
        locked.unpublish(open);
        let capacity = Self::capacity(locked);
        let mut go = HashTable::with_capacity(capacity);
        let mut stay = HashTable::with_capacity(capacity);
        for node in mem::take(&mut locked.all) {
            let hash = locked.entry(node).hash;
            let half = if chosen(hash) { &mut go } else { &mut stay };
            half.insert_unique(hash, node, |_| unreachable!("there is room"));
        }
        locked.all = stay;
        into.all = go;
        Ok(())
    }

    fn absorb(
        into: &mut Section<'_, K, V, Self>,
        from: &mut Section<'_, K, V, Self>,
        _hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        let (open, locked) = into.parts();
        locked.unpublish(open);
        let (open, locked) = from.parts();
        locked.unpublish(open);
        if into.is_empty() {
            mem::swap(&mut into.all, &mut from.all);
            return Ok(());
        }
        let together = into.len() + from.len();
        into.all = into.rebuilt(together);
        for node in mem::take(&mut from.all) {
            let hash = from.entry(node).hash;
            into.all
                .insert_unique(hash, node, |_| unreachable!("there is room"));
        }
        Ok(())
    }

    fn take(section: &mut Section<'_, K, V, Self>) -> Locked<K, V> {
        let (open, locked) = section.parts();
        locked.unpublish(open);
        // Readers may still see the nodes: they stay in limbo here, and nothing is handed out.
        let nodes = mem::take(&mut locked.all).into_iter().map(Garbage::Node);
        locked.fresh.extend(nodes);
        locked.sort_out();
        Locked::default()
    }

    fn retain(
        section: &mut Section<'_, K, V, Self>,
        mut keep: impl FnMut(&K, &mut V) -> bool,
        _removed: &mut Vec<(K, V)>,
    ) {
        let buckets = 0..section.all.num_buckets();
        let slots: Vec<usize> = buckets
            .filter(|&slot| section.all.get_bucket(slot).is_some())
            .collect();
        for slot in slots {
            let mut edit = Edit::default();
            let (key, value) = Self::edit(section, slot, &mut edit);
            let stays = keep(key, value);
            Self::finish(section, slot, edit);
            if !stays {
                let old = section.node(slot);
                let entry = section.all.get_bucket_entry(slot).ok();
                entry
                    .expect("a slot stays occupied while its shard is locked")
                    .remove();
                section.supersede(old, None);
            }
        }
    }

    fn iter<'a>(locked: &'a Locked<K, V>) -> Self::Iter<'a>
    where
        Self: 'a,
        K: 'a,
        V: 'a,
    {
        Box::new(locked.all.iter().map(|&node| &locked.entry(node).pair))
    }

    fn slots(locked: &Locked<K, V>) -> impl Iterator<Item = usize> {
        locked.all.iter_buckets()
    }

    fn into_iter(mut locked: Locked<K, V>) -> Self::IntoIter {
        let nodes = mem::take(&mut locked.all).into_iter();
        // SAFETY: the map is owned, so no reader is left; each node is turned back once.
        let pairs = nodes.map(|node| unsafe { Box::from_raw(node.as_ptr()) }.pair);
        pairs.collect::<Vec<_>>().into_iter()
    }
}
