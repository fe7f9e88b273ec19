//! Where nodes and tables wait until nobody can reach them any more, and the pool that they go to.
//!
//! Each thread has its own ([`limbos`](super::limbos)). Nodes are retired one by one and stamped in batches; when the stamp of a
//! batch is ripe, those of its nodes that no guard refers to are emptied and go to the pool, from which new
//! entries take them. Whatever leaves for good is [trash](Trash): what the thread does next under the lock of a shard that is not just being
//! divided takes it along, to be dropped when that has been released.

use std::collections::VecDeque;
use std::mem::{self, ManuallyDrop};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use super::clock::{Clocks, STEPS, Stamp};
use super::limbos::ROUND;
use super::node::{Link, Node};
use super::seat;
use super::table::Table;
use crate::sync::{REAL_FENCES, yield_now};

/// So many nodes are retired with one stamp. In a model one.
const BATCH: usize = if REAL_FENCES { 32 } else { 1 };
/// The pool keeps what a thread retires between two answers, which are sought when half as many wait: that serves until the next. But
/// not more than so many bytes, nor so many nodes: they are to stay in the processor's own caches.
const POOL_BYTES: usize = 128 << 10;
const MOST_POOLED: usize = 4096;
/// So many tables, and bytes of one, wait for what else makes time go on: a thread that only lets a map grow retires nothing else.
const MOST_TABLES: usize = if REAL_FENCES { 8 } else { 1 };
const TABLE_BYTES: usize = 64 << 10;
/// What few nodes wait does so for as long before it is asked for.
const PATIENCE: Duration = if REAL_FENCES {
    Duration::from_millis(1)
} else {
    Duration::ZERO
};
/// If more batches than these wait for plain reads, which are short, somebody was interrupted in the midst of one: writers
/// then let others run once they have released the lock, the more often the more batches there are; but no more often than so,
/// until all is well again. They do not wait for anybody: that could be for ever.
const MANY_BATCHES: usize = 256;
const MOST_YIELDS: usize = 4096;
/// At most so many nodes are let go at a time, all of which may have to be fetched from memory while a shard is locked.
const AT_ONCE: usize = 512;
/// So many nodes with guards are looked at again then, and one for each so many that are let go.
const SECOND_LOOKS: usize = 16;
const SECOND_LOOKS_PER: usize = 4;

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
    /// Retired nodes, the oldest first but for what others had: those of the batches, then those not stamped yet.
    retired: VecDeque<Link<K, V>>,
    /// Retired since the last stamp.
    fresh: usize,
    /// What leaves for good.
    trash: Trash<K, V>,
    batches: VecDeque<Batch>,
    /// So many nodes the pool keeps.
    most_pooled: usize,
    /// How many turns there were so far, and how many when a visitor last found that there were more, and when that was.
    turns: usize,
    seen: Option<(usize, Instant)>,
    last_turn: Option<Instant>,
    /// When it was last tried to ask; unless tables wait, for which it is tried each time.
    asked: Option<Instant>,
    /// When to look after what others have left.
    next_round: Option<Instant>,
    /// How often others were let run for what is waiting.
    yields: usize,
    /// Ripe, but guards referred to them when last looked at.
    guarded: VecDeque<Link<K, V>>,
    /// In the same order.
    tables: VecDeque<(Stamp, NonNull<Table<K, V>>)>,
}

impl<K, V> Limbo<K, V> {
    /// So many nodes the pool keeps, unless something else is said.
    pub(crate) const POOL: usize = {
        let most = POOL_BYTES / size_of::<Node<K, V>>();
        if most < MOST_POOLED {
            most
        } else {
            MOST_POOLED
        }
    };

    /// With room for so many nodes in its pool.
    pub(crate) fn new(most_pooled: usize) -> Self {
        Self {
            pool: Vec::new(),
            retired: VecDeque::new(),
            fresh: 0,
            trash: None,
            batches: VecDeque::new(),
            most_pooled,
            turns: 0,
            seen: None,
            last_turn: None,
            asked: None,
            next_round: None,
            yields: 0,
            guarded: VecDeque::new(),
            tables: VecDeque::new(),
        }
    }
}

/// What was in a limbo and is in none. Should it not get into another, since memory is short, it is leaked: readers may be left.
#[derive(Debug)]
pub(crate) struct Adrift<K, V>(ManuallyDrop<Limbo<K, V>>);

/// What a limbo holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holdings {
    pub(crate) pending: usize,
    pub(crate) guarded: usize,
    pub(crate) pooled: usize,
    pub(crate) tables: usize,
    pub(crate) has_trash: bool,
    /// Somebody was interrupted in his bag, which could not be looked at.
    pub(crate) is_partial: bool,
    pub(crate) age: Option<Duration>,
}

impl Holdings {
    pub(crate) const fn is_nothing(&self) -> bool {
        self.pending == 0
            && self.guarded == 0
            && self.pooled == 0
            && self.tables == 0
            && !self.has_trash
            && !self.is_partial
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.pending += other.pending;
        self.guarded += other.guarded;
        self.pooled += other.pooled;
        self.tables += other.tables;
        self.has_trash |= other.has_trash;
        self.is_partial |= other.is_partial;
        self.age = self.age.max(other.age);
    }
}

/// What retiring has led to.
#[must_use]
pub(crate) enum Next {
    Nothing,
    /// There may be trash; and if there is a moment, what others have left should be looked after.
    Turned(Option<Instant>),
}

impl<K, V> Limbo<K, V> {
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
    pub(crate) fn discard(&mut self, node: Link<K, V>) {
        self.sieve().let_go(node, &[]);
    }

    /// What is to be dropped once no lock is held.
    #[inline(always)]
    pub(crate) fn take_trash(&mut self) -> Trash<K, V> {
        // Not a store each time.
        if self.trash.is_some() {
            self.trash.take()
        } else {
            None
        }
    }

    /// Puts a node aside that readers cannot find any more.
    #[inline]
    pub(crate) fn retire(&mut self, node: Link<K, V>, clocks: &Clocks) -> Next {
        self.retired.push_back(node);
        self.fresh += 1;
        if self.fresh < BATCH {
            return Next::Nothing;
        }
        self.turn(clocks)
    }

    /// Puts many nodes aside.
    pub(crate) fn retire_all(&mut self, nodes: impl Iterator<Item = Link<K, V>>) {
        let before = self.retired.len();
        self.retired.extend(nodes);
        self.fresh += self.retired.len() - before;
    }

    /// Puts a table aside that came from a box, and that readers cannot find any more.
    pub(crate) fn retire_table(&mut self, table: NonNull<Table<K, V>>, clocks: &Clocks) -> Next {
        // SAFETY: it lives, for it is let go below at the earliest.
        let bytes = unsafe { table.as_ref() }.bytes();
        self.tables.push_back((clocks.stamp(), table));
        if self.tables.len() <= MOST_TABLES && bytes <= TABLE_BYTES {
            return Next::Nothing;
        }
        self.asked = None;
        self.turn(clocks)
    }

    /// Lets time go on, and lets go of what is ripe, however little, for somebody who looks after what was left. Says whether there was some.
    pub(crate) fn tidy_up(&mut self, clocks: &Clocks, now: Instant) -> bool {
        let waiting = |limbo: &Self| limbo.retired.len() + limbo.guarded.len() + limbo.tables.len();
        let before = waiting(self);
        // So that nobody takes it for idle, himself included.
        self.turns += 1;
        self.stamp(clocks);
        clocks.tick_at(now);
        self.ripen(clocks, AT_ONCE, 1, 0);
        self.look_again(AT_ONCE);
        waiting(self) < before
    }

    #[cold]
    #[inline(never)]
    fn turn(&mut self, clocks: &Clocks) -> Next {
        self.stamp(clocks);
        self.turns += 1;
        let now = Instant::now();
        self.last_turn = Some(now);
        // To ask is dear: a system call, which interrupts other processors. So not before the pool will need the answer, or is it long ago.
        let is_long_ago = self
            .asked
            .is_none_or(|asked| now.saturating_duration_since(asked) >= PATIENCE);
        if is_long_ago || self.retired.len() >= self.most_pooled / 2 {
            self.asked = self.tables.is_empty().then_some(now);
            clocks.tick_at(now);
        } else {
            clocks.look();
        }
        self.ripen_some(clocks);
        let many = MANY_BATCHES.max(self.most_pooled / BATCH);
        let excess = self.batches.len().saturating_sub(many);
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
            self.trash().yields += yields;
        }
        // A model has no time. The first time there is nothing that would have been left for long.
        let is_due = REAL_FENCES && self.next_round.is_none_or(|next| now >= next);
        let is_first = is_due && self.next_round.replace(now + ROUND).is_none();
        Next::Turned((is_due && !is_first).then_some(now))
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

    /// Lets go of whatever can be let go without waiting, the pool too; what guards referred to is looked at again if it is `asked` for.
    pub(crate) fn drain(&mut self, clocks: &Clocks, asked: bool) {
        // Whatever else is there was there when this was done last, just now.
        let steps = if asked || self.fresh > 0 { STEPS } else { 0 };
        self.stamp(clocks);
        for _ in 0..steps {
            // What is behind the first waits for it, even if it is older.
            let batch = self.batches.front().map(|batch| batch.stamp);
            let table = self.tables.front().map(|(stamp, _)| *stamp);
            let mut firsts = batch.into_iter().chain(table).peekable();
            if firsts.peek().is_none() {
                break;
            }
            if let Some(unripe) = firsts.find(|first| !clocks.is_ripe(*first)) {
                clocks.help(unripe);
            }
            self.ripen(clocks, usize::MAX, 1, 0);
        }
        if asked {
            self.look_again(usize::MAX);
        }
        if !self.pool.is_empty() {
            let mut pool = mem::take(&mut self.pool);
            self.trash().nodes.append(&mut pool);
        }
        // Not to be copied again and again while much has to wait.
        if self.retired.capacity() > 4 * self.retired.len() {
            self.retired.shrink_to_fit();
            self.batches.shrink_to_fit();
            self.guarded.shrink_to_fit();
            self.tables.shrink_to_fit();
        }
    }

    /// Whether nothing is waiting for readers or guards.
    pub(crate) fn is_idle(&self) -> bool {
        self.retired.is_empty() && self.guarded.is_empty() && self.tables.is_empty()
    }

    /// All that is there, if its owner has not had a turn for a while; `None` also if there is nothing.
    pub(crate) fn take_if_idle(&mut self, now: Instant) -> Option<Adrift<K, V>> {
        if self.is_idle() && self.pool.is_empty() && self.trash.is_none() {
            return None;
        }
        match self.seen {
            Some((turns, since)) if turns == self.turns => {
                (now.saturating_duration_since(since) >= ROUND).then(|| self.set_adrift())
            }
            _ => {
                self.seen = Some((self.turns, now));
                None
            }
        }
    }

    /// All that is there, to be [taken aboard](Self::take_aboard) by another limbo.
    pub(crate) fn set_adrift(&mut self) -> Adrift<K, V> {
        let empty = Self::new(self.most_pooled);
        Adrift(ManuallyDrop::new(mem::replace(self, empty)))
    }

    /// Takes over what another limbo had.
    pub(crate) fn take_aboard(&mut self, adrift: Adrift<K, V>, clocks: &Clocks) {
        let Adrift(mut other) = adrift;
        other.stamp(clocks);
        self.stamp(clocks);
        // What is ripe is not to wait for what is not.
        other.ripen(clocks, AT_ONCE, 1, 0);
        self.ripen_some(clocks);
        if other.retired.len() > self.retired.len() {
            // The few behind the many.
            mem::swap(&mut self.retired, &mut other.retired);
            mem::swap(&mut self.batches, &mut other.batches);
        }
        self.retired.append(&mut other.retired);
        self.batches.append(&mut other.batches);
        self.tables.append(&mut other.tables);
        self.guarded.append(&mut other.guarded);
        let mut pool = mem::take(&mut other.pool);
        let room = self.most_pooled.saturating_sub(self.pool.len());
        let room = room.min(pool.len());
        self.pool.extend(pool.drain(..room));
        if !pool.is_empty() {
            self.trash().nodes.append(&mut pool);
        }
        if let Some(mut trash) = other.trash.take() {
            self.trash().append(&mut trash);
        }
        // It has nothing any more.
        drop(ManuallyDrop::into_inner(other));
    }

    /// Lets go of as much of what is ripe as is good at a time.
    fn ripen_some(&mut self, clocks: &Clocks) {
        let looks = SECOND_LOOKS + self.retired.len().min(AT_ONCE) / SECOND_LOOKS_PER;
        self.ripen(clocks, AT_ONCE, seat::seats(), looks);
    }

    /// Lets go of what is ripe: tables, and at most so many nodes, if there are at least so many: as many, as a rule, as there are threads to
    /// be asked for their guards. Then looks at so many again that guards referred to.
    fn ripen(&mut self, clocks: &Clocks, most: usize, least: usize, looks: usize) {
        while let Some((stamp, table)) = self.tables.front()
            && clocks.is_ripe(*stamp)
        {
            let table = *table;
            self.trash().tables.push(table);
            self.tables.pop_front();
        }
        let mut ripe = 0;
        for batch in &self.batches {
            if ripe >= most || !clocks.is_ripe(batch.stamp) {
                break;
            }
            ripe += batch.nodes;
        }
        let ripe = ripe.min(most);
        if ripe < least.clamp(1, most) {
            return;
        }
        let mut left = ripe;
        while let Some(first) = self.batches.front_mut()
            && left > 0
        {
            let taken = left.min(first.nodes);
            first.nodes -= taken;
            left -= taken;
            if first.nodes == 0 {
                self.batches.pop_front();
            }
        }
        // After it was seen that the stamps are ripe: so every guard that was made of one of these nodes is either
        // seen here, or has gone.
        let guarded = seat::guarded();
        for _ in 0..self.guarded.len().min(looks) {
            let node = self.guarded.pop_front().expect("not looked at twice");
            self.sieve().let_go(node, &guarded);
        }
        for node in self.retired.drain(..ripe) {
            Sieve {
                pool: &mut self.pool,
                most_pooled: self.most_pooled,
                trash: &mut self.trash,
                guarded: &mut self.guarded,
            }
            .let_go(node, &guarded);
        }
        let usual = Self::POOL.max(self.most_pooled);
        if self.retired.capacity() > usual.saturating_mul(16) && self.retired.len() < usual {
            self.retired.shrink_to(usual.saturating_mul(4));
        }
    }

    /// Looks at so many nodes again that guards referred to: they are ripe.
    fn look_again(&mut self, looks: usize) {
        let looks = self.guarded.len().min(looks);
        if looks > 0 {
            let guarded = seat::guarded();
            for _ in 0..looks {
                let node = self.guarded.pop_front().expect("not looked at twice");
                self.sieve().let_go(node, &guarded);
            }
        }
    }

    fn trash(&mut self) -> &mut Waste<K, V> {
        self.trash.get_or_insert_default()
    }

    fn sieve(&mut self) -> Sieve<'_, K, V> {
        Sieve {
            pool: &mut self.pool,
            most_pooled: self.most_pooled,
            trash: &mut self.trash,
            guarded: &mut self.guarded,
        }
    }

    pub(crate) fn holdings(&self) -> Holdings {
        Holdings {
            pending: self.retired.len(),
            guarded: self.guarded.len(),
            pooled: self.pool.len(),
            tables: self.tables.len(),
            has_trash: self.trash.is_some(),
            is_partial: false,
            age: self.batches.iter().map(|batch| batch.since.elapsed()).max(),
        }
    }
}

/// Where nodes go that nobody can find any more.
struct Sieve<'l, K, V> {
    pool: &'l mut Vec<Link<K, V>>,
    most_pooled: usize,
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
        if self.pool.len() < self.most_pooled {
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
