//! Where nodes and tables wait until nobody can reach them any more, and the pool that they go to.
//!
//! Each thread has its own ([`limbos`](super::limbos)). Nodes are retired one by one and stamped in batches; when the stamp of a
//! batch is ripe, those of its nodes that no guard refers to are emptied and go to the pool, from which new
//! entries take them. Whatever leaves for good is [trash](Trash): it goes to the shard that its thread has locked, and is dropped once
//! that is released.

use std::collections::VecDeque;
use std::mem;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use super::clock::{Clocks, Stamp};
use super::limbos::ROUND;
use super::node::{Link, Node};
use super::seat;
use super::table::Table;
use crate::sync::{REAL_FENCES, yield_now};

/// So many nodes are retired with one stamp, and help time along once, which costs more. In a model one.
const BATCH: usize = if REAL_FENCES { 32 } else { 1 };
/// The pool keeps what a thread that does nothing but update retires between two answers, which are some tens of microseconds apart:
/// that serves until the next. But not more than so many bytes, nor more nodes than that takes.
const POOL_BYTES: usize = 128 << 10;
const MOST_POOLED: usize = 4096;
/// So many tables wait for what else makes time go on: a thread that only lets a map grow retires nothing else.
const MOST_TABLES: usize = if REAL_FENCES { 8 } else { 1 };
/// If more batches than these wait for plain reads, which are short, somebody was interrupted in the midst of one: writers
/// then let others run once they have released the lock, the more often the more batches there are; but no more often than so,
/// until all is well again. They do not wait for anybody: that could be for ever.
const MANY_BATCHES: usize = 256;
const MOST_YIELDS: usize = 4096;
/// So many nodes with guards are looked at again with each batch.
const SECOND_LOOKS: usize = if REAL_FENCES { 16 } else { 2 };

/// What leaves a map for good, dropped when no lock is held.
#[derive(Debug)]
pub struct Waste<K, V> {
    tables: Vec<NonNull<Table<K, V>>>,
    /// Empty ones.
    nodes: Vec<Link<K, V>>,
    pairs: Vec<(K, V)>,
    /// How often to let others run.
    yields: usize,
}

// SAFETY: it owns the tables and the nodes.
unsafe impl<K: Send + Sync, V: Send + Sync> Send for Waste<K, V> {}
// SAFETY: as above.
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for Waste<K, V> {}

impl<K, V> Default for Waste<K, V> {
    fn default() -> Self {
        Self {
            tables: Vec::new(),
            nodes: Vec::new(),
            pairs: Vec::new(),
            yields: 0,
        }
    }
}

/// Where waste goes, if there is some.
pub(crate) type Trash<K, V> = Option<Box<Waste<K, V>>>;

impl<K, V> Waste<K, V> {
    /// Takes over another's.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.tables.append(&mut other.tables);
        self.nodes.append(&mut other.nodes);
        self.pairs.append(&mut other.pairs);
        self.yields += mem::take(&mut other.yields);
    }
}

impl<K, V> Drop for Waste<K, V> {
    fn drop(&mut self) {
        for table in mem::take(&mut self.tables) {
            // SAFETY: it came from a box, and is ripe: see `Limbo::ripen`.
            drop(unsafe { Box::from_raw(table.as_ptr()) });
        }
        for node in mem::take(&mut self.nodes) {
            // SAFETY: 1. It is empty, and nobody else has its address any more: see `Limbo::let_go`.
            unsafe { node.free() };
        }
        for _ in 0..self.yields {
            yield_now();
        }
        // The entries go last, by themselves: should one panic, the others are dropped all the same.
    }
}

/// Nodes that were retired together.
#[derive(Debug)]
struct Batch {
    stamp: Stamp,
    nodes: usize,
    /// About when.
    since: Instant,
}

/// What waits, and what is at hand. What is needed for each node comes first.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Limbo<K, V> {
    /// Empty nodes.
    pool: Vec<Link<K, V>>,
    /// Retired nodes, oldest first: those of the batches, then those not stamped yet.
    retired: VecDeque<Link<K, V>>,
    /// Retired since the last stamp.
    fresh: usize,
    batches: VecDeque<Batch>,
    /// How many batches there were so far, and how many when a visitor last found that there were more, and when that was.
    turns: usize,
    seen: Option<(usize, Instant)>,
    last_turn: Option<Instant>,
    /// When to look after what others have left.
    next_round: Option<Instant>,
    /// How often others were let run for what is waiting.
    yields: usize,
    /// Ripe, but guards referred to them when last looked at.
    guarded: VecDeque<Link<K, V>>,
    tables: Vec<(Stamp, NonNull<Table<K, V>>)>,
}

impl<K, V> Default for Limbo<K, V> {
    fn default() -> Self {
        Self {
            pool: Vec::new(),
            retired: VecDeque::new(),
            fresh: 0,
            batches: VecDeque::new(),
            turns: 0,
            seen: None,
            last_turn: None,
            next_round: None,
            yields: 0,
            guarded: VecDeque::new(),
            tables: Vec::new(),
        }
    }
}

/// What a limbo holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holdings {
    pub(crate) pending: usize,
    pub(crate) guarded: usize,
    pub(crate) pooled: usize,
    pub(crate) age: Option<Duration>,
}

impl Holdings {
    pub(crate) fn add(&mut self, other: Self) {
        self.pending += other.pending;
        self.guarded += other.guarded;
        self.pooled += other.pooled;
        self.age = self.age.max(other.age);
    }
}

/// What retiring asks of its caller.
#[must_use]
pub(crate) enum Next {
    Nothing,
    /// To look after what others have left, at this moment.
    LookAround(Instant),
}

impl<K, V> Limbo<K, V> {
    /// So many nodes the pool keeps.
    const POOL: usize = {
        let most = POOL_BYTES / size_of::<Node<K, V>>();
        if most > MOST_POOLED {
            MOST_POOLED
        } else if most < BATCH {
            BATCH
        } else {
            most
        }
    };

    /// A node for an entry.
    #[inline]
    pub(crate) fn make(&mut self, hash: u64, pair: (K, V)) -> Link<K, V> {
        match self.pool.pop() {
            Some(node) => {
                // SAFETY: 1. Nodes of the pool are empty, and nobody else has their addresses.
                unsafe { node.fill(hash, pair) };
                node
            }
            None => Link::new(hash, pair),
        }
    }

    /// Lets go of a node that nobody has seen.
    pub(crate) fn discard(&mut self, node: Link<K, V>, trash: &mut Trash<K, V>) {
        self.sieve(trash).let_go(node, &[]);
    }

    /// Puts a node aside that readers cannot find any more.
    #[inline]
    pub(crate) fn retire(
        &mut self,
        node: Link<K, V>,
        clocks: &Clocks,
        trash: &mut Trash<K, V>,
    ) -> Next {
        self.retired.push_back(node);
        self.fresh += 1;
        if self.fresh < BATCH {
            return Next::Nothing;
        }
        self.turn(clocks, trash)
    }

    /// Puts many nodes aside.
    pub(crate) fn retire_all(&mut self, nodes: impl Iterator<Item = Link<K, V>>) {
        let before = self.retired.len();
        self.retired.extend(nodes);
        self.fresh += self.retired.len() - before;
    }

    /// Puts a table aside that came from a box, and that readers cannot find any more.
    pub(crate) fn retire_table(
        &mut self,
        table: NonNull<Table<K, V>>,
        clocks: &Clocks,
        trash: &mut Trash<K, V>,
    ) {
        self.tables.push((clocks.stamp(), table));
        if self.tables.len() > MOST_TABLES {
            clocks.tick_at(Instant::now());
            self.ripen(clocks, false, trash);
        }
    }

    #[cold]
    #[inline(never)]
    fn turn(&mut self, clocks: &Clocks, trash: &mut Trash<K, V>) -> Next {
        self.stamp(clocks);
        self.turns += 1;
        let now = Instant::now();
        self.last_turn = Some(now);
        clocks.tick_at(now);
        self.ripen(clocks, false, trash);
        let excess = self.batches.len().saturating_sub(MANY_BATCHES);
        if excess == 0 {
            self.yields = 0;
        } else if self.yields < MOST_YIELDS
            && !seat::is_pinned()
            && self
                .batches
                .front()
                .is_some_and(|batch| clocks.waits_for_reads(batch.stamp))
        {
            let excess = excess.min(64);
            let yields = 1 + excess * excess / 16;
            self.yields += yields;
            trash.get_or_insert_default().yields += yields;
        }
        // A model has no time.
        if !REAL_FENCES || self.next_round.is_some_and(|next| now < next) {
            return Next::Nothing;
        }
        let is_first = self.next_round.replace(now + ROUND).is_none();
        if is_first {
            Next::Nothing
        } else {
            Next::LookAround(now)
        }
    }

    fn stamp(&mut self, clocks: &Clocks) {
        if self.fresh > 0 {
            self.batches.push_back(Batch {
                stamp: clocks.stamp(),
                nodes: mem::take(&mut self.fresh),
                since: match self.batches.back() {
                    None => Instant::now(),
                    // Good enough, and cheaper.
                    Some(last) => self.last_turn.unwrap_or(last.since).max(last.since),
                },
            });
        }
    }

    /// Lets go of whatever can be let go without waiting, the pool too.
    pub(crate) fn drain(&mut self, clocks: &Clocks, trash: &mut Trash<K, V>) {
        self.stamp(clocks);
        // So many steps time needs if nobody holds it up.
        for _ in 0..6 {
            clocks.tick();
            self.ripen(clocks, true, trash);
            if self.batches.is_empty() && self.tables.is_empty() {
                break;
            }
        }
        if !self.pool.is_empty() {
            let mut pool = mem::take(&mut self.pool);
            trash.get_or_insert_default().nodes.append(&mut pool);
        }
        self.retired.shrink_to_fit();
        self.batches.shrink_to_fit();
        self.guarded.shrink_to_fit();
    }

    /// Whether nothing is waiting for readers or guards.
    pub(crate) fn is_idle(&self) -> bool {
        self.retired.is_empty() && self.guarded.is_empty() && self.tables.is_empty()
    }

    /// All that is there, if its owner has not had a turn for a while; `None` also if there is nothing.
    pub(crate) fn take_if_idle(&mut self, now: Instant) -> Option<Self> {
        if self.is_idle() && self.pool.is_empty() {
            return None;
        }
        match self.seen {
            Some((turns, since)) if turns == self.turns => {
                (now.saturating_duration_since(since) >= ROUND).then(|| mem::take(self))
            }
            _ => {
                self.seen = Some((self.turns, now));
                None
            }
        }
    }

    /// Lets go of what is ripe.
    ///
    /// Nodes wait until there are as many as there are threads to be asked for their guards, unless all are
    /// wanted.
    fn ripen(&mut self, clocks: &Clocks, all: bool, trash: &mut Trash<K, V>) {
        let ripe_tables = self
            .tables
            .extract_if(.., |(stamp, _)| clocks.is_ripe(*stamp));
        let ripe_tables: Vec<_> = ripe_tables.map(|(_, table)| table).collect();
        if !ripe_tables.is_empty() {
            trash.get_or_insert_default().tables.extend(ripe_tables);
        }
        let is_ripe = |batch: &&Batch| clocks.is_ripe(batch.stamp);
        let (batches, ripe) = self
            .batches
            .iter()
            .take_while(is_ripe)
            .fold((0, 0), |(batches, nodes), batch| {
                (batches + 1, nodes + batch.nodes)
            });
        let looks = if all {
            self.guarded.len()
        } else {
            SECOND_LOOKS
        };
        let is_worth_it = if all {
            ripe > 0 || looks > 0
        } else {
            ripe > 0 && ripe >= seat::seats()
        };
        if !is_worth_it {
            return;
        }
        self.batches.drain(..batches);
        // After it was seen that the stamps are ripe: so every guard that was made of one of these nodes is either
        // seen here, or has gone.
        let guarded = seat::guarded();
        for _ in 0..self.guarded.len().min(looks) {
            let node = self.guarded.pop_front().expect("not looked at twice");
            self.sieve(trash).let_go(node, &guarded);
        }
        for node in self.retired.drain(..ripe) {
            Sieve {
                pool: &mut self.pool,
                trash,
                guarded: &mut self.guarded,
            }
            .let_go(node, &guarded);
        }
        if self.retired.capacity() > 16 * Self::POOL && self.retired.len() < Self::POOL {
            self.retired.shrink_to(4 * Self::POOL);
        }
    }

    fn sieve<'l>(&'l mut self, trash: &'l mut Trash<K, V>) -> Sieve<'l, K, V> {
        Sieve {
            pool: &mut self.pool,
            trash,
            guarded: &mut self.guarded,
        }
    }

    /// Takes over what another limbo has.
    pub(crate) fn absorb(&mut self, mut other: Self, clocks: &Clocks, trash: &mut Trash<K, V>) {
        self.stamp(clocks);
        other.stamp(clocks);
        self.retired.append(&mut other.retired);
        self.batches.append(&mut other.batches);
        self.guarded.append(&mut other.guarded);
        self.tables.append(&mut other.tables);
        let mut pool = mem::take(&mut other.pool);
        let room = Self::POOL.saturating_sub(self.pool.len()).min(pool.len());
        self.pool.extend(pool.drain(..room));
        if !pool.is_empty() {
            trash.get_or_insert_default().nodes.append(&mut pool);
        }
    }

    pub(crate) fn holdings(&self) -> Holdings {
        Holdings {
            pending: self.retired.len(),
            guarded: self.guarded.len(),
            pooled: self.pool.len(),
            age: self.batches.front().map(|batch| batch.since.elapsed()),
        }
    }
}

/// Where nodes go that nobody can find any more.
struct Sieve<'l, K, V> {
    pool: &'l mut Vec<Link<K, V>>,
    trash: &'l mut Trash<K, V>,
    guarded: &'l mut VecDeque<Link<K, V>>,
}

impl<K, V> Sieve<'_, K, V> {
    /// Empties a node that nobody can find any more, unless guards refer to it.
    #[inline(always)]
    fn let_go(self, node: Link<K, V>, guarded: &[usize]) {
        // SAFETY: 1. It is ours.
        let is_guarded = !guarded.is_empty()
            && guarded.binary_search(&node.as_ptr().addr()).is_ok()
            || unsafe { node.has_counted_guards() };
        if is_guarded {
            self.guarded.push_back(node);
            return;
        }
        // SAFETY: 1. It has an entry since it was retired. Its stamp is ripe, so no pin is left under which it could
        // be found; a guard made under such a pin, or under the lock, was there to be seen, and is not.
        let pair = unsafe { node.empty() };
        if mem::needs_drop::<(K, V)>() {
            self.trash.get_or_insert_default().pairs.push(pair);
        } else {
            mem::forget(pair);
        }
        // To the pool, if that has room.
        if self.pool.len() < Limbo::<K, V>::POOL {
            self.pool.push(node);
        } else {
            self.trash.get_or_insert_default().nodes.push(node);
        }
    }
}

impl<K, V> Drop for Limbo<K, V> {
    fn drop(&mut self) {
        let waiting = mem::take(&mut self.retired).into_iter();
        let waiting = waiting.chain(mem::take(&mut self.guarded));
        let waiting = waiting.collect();
        for (_, table) in mem::take(&mut self.tables) {
            // SAFETY: it came from a box; a limbo is dropped with its map, or empty, so no pin is left.
            drop(unsafe { Box::from_raw(table.as_ptr()) });
        }
        for node in mem::take(&mut self.pool) {
            // SAFETY: 1. Nodes of the pool are empty, and nobody else has their addresses.
            unsafe { node.free() };
        }
        // SAFETY: 1. A limbo is dropped with its map, or empty: no pin and no guard is left.
        drop(unsafe { Entries::new(waiting) });
    }
}

/// Entries of nodes that nobody else can reach, one by one: the map is owned.
#[derive(Debug)]
pub struct Entries<K, V>(std::vec::IntoIter<Link<K, V>>);

impl<K, V> Entries<K, V> {
    /// # Safety
    ///
    /// 1. The nodes have entries, and nobody else will look at them any more.
    pub(crate) unsafe fn new(nodes: Vec<Link<K, V>>) -> Self {
        Self(nodes.into_iter())
    }
}

impl<K, V> Iterator for Entries<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        let node = self.0.next()?;
        // SAFETY: 1. Promised to `new`, and each is taken once. Then it is empty.
        unsafe {
            let pair = node.empty();
            node.free();
            Some(pair)
        }
    }
}

impl<K, V> Drop for Entries<K, V> {
    fn drop(&mut self) {
        /// Goes on when the drop of an entry has panicked.
        struct Rest<'a, K, V>(&'a mut Entries<K, V>);
        impl<K, V> Drop for Rest<'_, K, V> {
            fn drop(&mut self) {
                self.0.by_ref().for_each(drop);
            }
        }
        while let Some(pair) = self.next() {
            let rest = Rest(self);
            drop(pair);
            mem::forget(rest);
        }
    }
}
