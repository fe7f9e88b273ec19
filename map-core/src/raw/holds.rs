//! Holds of a shard's lock.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::anchored::Anchored;
use super::coverage::Coverage;
use super::header::{Attempt, Header};
use super::held::{Place, Ticket};
use crate::lock::slots::Announced;
use crate::lock::{ExclusiveToken, SharedToken};
use crate::strategy::Table;
use crate::sync::atomic::Ordering::{Relaxed, Release};

/// A shard locked for reading. Dereferences to what lies under the lock. One comes from
/// [`At::lock_shared`](crate::strategy::At::lock_shared), and its drop unlocks: an atomic operation, which
/// waits for nobody.
///
/// ```
/// use map_core::strategy::{Shared, Table};
///
/// fn is_half_full<L: Table, O>(shard: &Shared<'_, L, O>, capacity: usize) -> bool {
///     assert!(!shard.coverage().is_nothing());
///     shard.len() * 2 >= capacity
/// }
/// ```
pub struct Shared<'a, L, O> {
    kept: Anchored<'a, Kept<L, O>>,
    header: PhantomData<&'a Header<L, O>>,
}

/// A shard that stays locked for reading as long as something in it is [held](crate::strategy::Held): what becomes of
/// a [`Shared`] then. It does not say for how long it may live, so it is always [`Anchored`]. Its drop unlocks.
///
/// ```
/// use map_core::strategy::{Held, Kept, Shared, Table};
///
/// /// The first entry of a shard that is a list, with the lock.
/// fn first<'a, L: Table + AsRef<[(u64, u64)]>>(
///     shard: Shared<'a, L, ()>,
/// ) -> Option<Held<'a, (u64, u64), Kept<L, ()>>> {
///     Held::find(shard, |list| list.as_ref().first())
/// }
/// ```
pub struct Kept<L, O> {
    header: HeaderAt<L, O>,
    reader: Reader,
    ticket: Ticket,
}

/// Where the header is. It is there as long as what has this.
struct HeaderAt<L, O>(NonNull<Header<L, O>>);

// SAFETY: what has this shares what lies under the lock with others, and unlocks. (A `Shared` gives out what is open, too.)
unsafe impl<L: Sync, O> Send for HeaderAt<L, O> {}
// SAFETY: as above.
unsafe impl<L: Sync, O> Sync for HeaderAt<L, O> {}

impl<L, O> Clone for HeaderAt<L, O> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<L, O> Copy for HeaderAt<L, O> {}

impl<L, O> HeaderAt<L, O> {
    #[inline(always)]
    fn header(&self) -> &Header<L, O> {
        // SAFETY: it was made of a reference, and is anchored in its lifetime, as is whatever has this.
        unsafe { self.0.as_ref() }
    }
}

/// What keeps writers out.
enum Reader {
    /// A hold that is counted in the lock.
    Counted(ManuallyDrop<SharedToken>),
    /// An announcement.
    Announced(#[expect(dead_code, reason = "it is kept for its Drop")] Announced),
}

impl<'a, L, O> Shared<'a, L, O> {
    /// From a hold of this header's lock.
    #[inline(always)]
    pub(super) fn counted(header: &'a Header<L, O>, token: SharedToken, place: Place) -> Self {
        let ticket = Ticket::new(header.identity(), false, place);
        Self::new(header, Reader::Counted(ManuallyDrop::new(token)), ticket)
    }

    /// From a seat in a lane, of a shard that is known as `identity`.
    #[inline(always)]
    pub(super) fn seated(
        lane: &'a Header<L, O>,
        announced: Announced,
        identity: usize,
        place: Place,
    ) -> Self {
        let ticket = Ticket::new(identity, false, place);
        Self::new(lane, Reader::Announced(announced), ticket)
    }

    /// From an announcement that this header has let in.
    #[inline(always)]
    pub(super) fn announced(header: &'a Header<L, O>, announced: Announced, place: Place) -> Self {
        let ticket = Ticket::new(header.identity(), false, place);
        Self::new(header, Reader::Announced(announced), ticket)
    }

    #[inline(always)]
    fn new(header: &'a Header<L, O>, reader: Reader, ticket: Ticket) -> Self {
        let kept = Kept {
            header: HeaderAt(NonNull::from(header)),
            reader,
            ticket,
        };
        Self {
            // SAFETY: 1. The header is there until `'a` ends.
            kept: unsafe { Anchored::new(kept) },
            header: PhantomData,
        }
    }

    #[inline(always)]
    fn header(&self) -> &'a Header<L, O> {
        // SAFETY: it was made of a reference of that lifetime.
        unsafe { self.kept.get().header.0.as_ref() }
    }

    /// For something that is held.
    #[inline(always)]
    pub(super) fn into_kept(self) -> Anchored<'a, Kept<L, O>> {
        self.kept
    }

    /// The part of the shard that needs no lock. A reference that outlives the hold.
    ///
    /// ```
    /// use map_core::strategy::Shared;
    ///
    /// fn open<'a, L, O>(shard: Shared<'a, L, O>) -> &'a O {
    ///     shard.open()
    /// }
    /// ```
    #[inline]
    pub fn open(&self) -> &'a O {
        &self.header().open
    }

    /// What the shard covers, until it is unlocked. One load.
    ///
    /// ```
    /// use map_core::strategy::Shared;
    ///
    /// fn is_for<L, O>(shard: &Shared<'_, L, O>, hash: u64) -> bool {
    ///     shard.coverage().covers(hash)
    /// }
    /// ```
    #[inline]
    pub fn coverage(&self) -> Coverage {
        // SAFETY: 1. It is kept.
        unsafe { self.header().coverage() }
    }

    /// The hold moves into a guard, which may go to another thread.
    #[inline]
    pub(crate) fn set_movable(&self) {
        self.kept.get().ticket.set_movable();
    }
}

impl<L, O> Kept<L, O> {
    /// As many more holds on the same shard as asked for, for guards that live on their own.
    ///
    /// # Panics
    ///
    /// If this hold is an announcement: walks over a map do not announce themselves.
    pub(super) fn duplicates(&self, count: u32) -> Duplicates<L, O> {
        let Reader::Counted(token) = &self.reader else {
            unreachable!("only a counted hold can be added to");
        };
        self.header.header().lock.add_shared(token, count);
        Duplicates {
            header: self.header,
            left: count,
            ticket: self.ticket.duplicate(),
        }
    }

    /// What lies under the lock.
    #[inline]
    pub(super) fn locked(&self) -> &L {
        let header = self.header.header();
        header.watch.read();
        // SAFETY: our hold keeps writers out.
        unsafe { &*header.locked.get() }
    }
}

impl<L, O> Deref for Shared<'_, L, O> {
    type Target = L;
    #[inline]
    fn deref(&self) -> &L {
        self.kept.get().locked()
    }
}

impl<L, O> Drop for Kept<L, O> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Reader::Counted(token) = &mut self.reader {
            let lock = &self.header.header().lock;
            // SAFETY: the token is taken here only, and it came from this lock.
            unsafe { lock.unlock_shared(ManuallyDrop::take(token)) }
        }
    }
}

impl<L, O> fmt::Debug for Shared<'_, L, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl<L, O> fmt::Debug for Kept<L, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

/// A stock of holds on one shard, given out one by one. Anchored where the hold is that it was made of.
pub(super) struct Duplicates<L, O> {
    header: HeaderAt<L, O>,
    left: u32,
    ticket: Ticket,
}

impl<L, O> Duplicates<L, O> {
    /// One of the holds; `None` when the stock is used up.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Kept<L, O>> {
        self.left = self.left.checked_sub(1)?;
        let token = ManuallyDrop::new(SharedToken::of_added_hold());
        Some(Kept {
            header: self.header,
            reader: Reader::Counted(token),
            ticket: self.ticket.duplicate(),
        })
    }
}

impl<L, O> Drop for Duplicates<L, O> {
    fn drop(&mut self) {
        if self.left > 0 {
            let lock = &self.header.header().lock;
            // SAFETY: so many holds were added for us and not given out.
            unsafe { lock.unlock_shared_many(self.left) }
        }
    }
}

/// A shard locked for writing. Dereferences to what lies under the lock. Its drop takes the waste out,
/// publishes the number of entries, unlocks the shard, and then drops the waste.
///
/// ```
/// use map_core::strategy::{Exclusive, Inside, Shared, Table};
///
/// /// Fills an empty shard, lets readers in, and reads on.
/// fn fill<'a, L, O>(mut shard: Exclusive<'a, L, O>, pair: (u64, u64)) -> Shared<'a, L, O>
/// where
///     L: Table + Extend<(u64, u64)>,
/// {
///     let (_open, locked) = shard.parts();
///     if locked.is_empty() {
///         locked.extend([pair]);
///     }
///     shard.downgrade()
/// }
/// ```
pub struct Exclusive<'a, L: Table, O> {
    header: &'a Header<L, O>,
    token: ManuallyDrop<ExclusiveToken>,
    ticket: ManuallyDrop<Ticket>,
}

impl<'a, L: Table, O> Exclusive<'a, L, O> {
    /// From the exclusive hold of this header's lock, with no reader announced, and its lanes, if it has any, closed and empty.
    #[inline]
    pub(super) fn new(header: &'a Header<L, O>, token: ExclusiveToken, place: Place) -> Self {
        Self {
            header,
            token: ManuallyDrop::new(token),
            ticket: ManuallyDrop::new(Ticket::new(header.identity(), true, place)),
        }
    }

    /// Lets readers sit again, for who is about to let go.
    #[inline(always)]
    fn open_lanes(&self) {
        // Where there cannot be any, it takes no look.
        if L::COPIED.is_some() {
            self.header.open_lanes();
        }
    }

    /// Whether readers may sit in lanes once it is unlocked.
    pub(crate) fn has_lanes(&self) -> bool {
        self.header.bias.has_lanes()
    }

    /// Opens the shard's lanes, which are closed and empty, when it is unlocked; unless somebody waits for readers.
    pub(super) fn add_lanes(&mut self) {
        debug_assert!(self.header.lanes().is_some());
        if self.header.bias.add_lanes() {
            self.header.lock.set_lanes(true);
        }
    }

    /// Leaves the lanes closed.
    pub(crate) fn remove_lanes(&mut self) {
        if self.has_lanes() {
            self.header.remove_lanes(false);
        }
    }

    /// The part of the shard that needs no lock. A reference that outlives the hold.
    ///
    /// ```
    /// use map_core::strategy::{Exclusive, Table};
    ///
    /// fn open<'a, L: Table, O>(shard: Exclusive<'a, L, O>) -> &'a O {
    ///     shard.open()
    /// }
    /// ```
    #[inline]
    pub fn open(&self) -> &'a O {
        &self.header.open
    }

    #[inline]
    pub(crate) fn header(&self) -> &'a Header<L, O> {
        self.header
    }

    /// The hold, if the shard covers `hash`: what decides, where a key was not found. Makes no call.
    #[inline(always)]
    pub(crate) fn if_covering(self, hash: u64) -> Result<Self, Attempt<'a, L, O>> {
        if self.coverage().covers(hash) {
            return Ok(self);
        }
        self.open_lanes();
        let mut this = ManuallyDrop::new(self);
        // SAFETY: both are taken once, as `this` is not dropped.
        let token = unsafe {
            ManuallyDrop::drop(&mut this.ticket);
            ManuallyDrop::take(&mut this.token)
        };
        Err(Attempt::astray(this.header, ManuallyDrop::new(token)))
    }

    /// Counts it among the writes.
    #[inline]
    pub(crate) fn count_write(&mut self) {
        // SAFETY: 1. The token is in our hands, and `self` is borrowed exclusively.
        unsafe { self.header.count_write() };
    }

    /// Lets so many more writes pass before one is a sample.
    pub(crate) fn put_off_sample(&mut self, writes: u8) {
        // SAFETY: 1. As above.
        unsafe { self.header.put_off_sample(writes) }
    }

    /// Starts the count of writes somewhere, so that those of many shards are sampled at different times.
    pub(super) fn scatter_samples(&mut self) {
        self.put_off_sample(crate::hash::mix(self.coverage().start()) as u8);
    }

    /// Readers do not announce themselves any more, until a reader that counts itself lets them.
    pub(crate) fn disarm(&self) {
        self.header.bias.disarm();
    }

    /// What the shard covers, until it is unlocked. One load.
    ///
    /// ```
    /// use map_core::strategy::{Exclusive, Table};
    ///
    /// fn is_for<L: Table, O>(shard: &Exclusive<'_, L, O>, hash: u64) -> bool {
    ///     shard.coverage().covers(hash)
    /// }
    /// ```
    #[inline]
    pub fn coverage(&self) -> Coverage {
        // SAFETY: 1. The token is in our hands.
        unsafe { self.header.coverage() }
    }

    pub(crate) fn set_coverage(&mut self, coverage: Coverage) {
        self.header.watch.write();
        // Release: for `Header::hints` alone. Whoever decides by it holds the lock, and got it
        // after our release of it.
        self.header.coverage.store(coverage.bits(), Release);
    }

    /// Covers nothing for those without the lock, until the coverage is set again: before a change
    /// of `len` that goes with a change of coverage.
    pub(crate) fn uncover(&mut self) {
        self.set_coverage(Coverage::NOTHING);
    }

    /// The hold moves into a guard, which may go to another thread.
    #[inline]
    pub(crate) fn set_movable(&self) {
        self.ticket.set_movable();
    }

    /// Lets other readers in. One atomic store, and no wait; the waste stays for the next exclusive hold.
    ///
    /// ```
    /// use map_core::strategy::{Exclusive, Shared, Table};
    ///
    /// fn empty<L: Table, O>(mut shard: Exclusive<'_, L, O>) -> Shared<'_, L, O> {
    ///     *shard = L::default();
    ///     shard.downgrade()
    /// }
    /// ```
    pub fn downgrade(self) -> Shared<'a, L, O> {
        self.publish_len();
        self.open_lanes();
        let mut this = ManuallyDrop::new(self);
        let header = this.header;
        // SAFETY: the token is taken once, as `this` is not dropped, and came from this lock.
        let token = unsafe { header.lock.downgrade(ManuallyDrop::take(&mut this.token)) };
        // SAFETY: taken once, as `this` is not dropped.
        let ticket = unsafe { ManuallyDrop::take(&mut this.ticket) };
        ticket.set_shared();
        Shared::new(header, Reader::Counted(ManuallyDrop::new(token)), ticket)
    }

    #[inline]
    pub(crate) fn publish_len(&self) {
        // A shard of more than 2^32 entries would have to share one hash: out of reach.
        // Release: for `Header::hints`.
        self.header.len.store(Table::len(&**self) as u32, Release);
    }
}

impl<L: Table, O> Deref for Exclusive<'_, L, O> {
    type Target = L;
    #[inline]
    fn deref(&self) -> &L {
        self.header.watch.read();
        // SAFETY: the token in our hands keeps everybody else out, and `self` is shared.
        unsafe { &*self.header.locked.get() }
    }
}

impl<L: Table, O> DerefMut for Exclusive<'_, L, O> {
    #[inline]
    fn deref_mut(&mut self) -> &mut L {
        self.header.watch.write();
        // SAFETY: the token in our hands keeps everybody else out, and `self` is borrowed
        // exclusively.
        unsafe { &mut *self.header.locked.get() }
    }
}

impl<L: Table, O> Exclusive<'_, L, O> {
    #[inline(always)]
    fn unlock(&mut self) {
        // SAFETY: both are taken here only, once, at the end; and the token came from this lock.
        unsafe {
            let token = ManuallyDrop::take(&mut self.token);
            if L::COPIED.is_none() {
                // There cannot be lanes.
                self.header.lock.unlock_exclusive(token);
            } else {
                if cfg!(any(debug_assertions, crossbeam_loom)) {
                    let says = self.header.lock.has_lanes();
                    assert_eq!(
                        says,
                        self.has_lanes(),
                        "else lanes stay closed, with old copies"
                    );
                }
                if let Err(token) = self.header.lock.unlock_exclusive_alone(token) {
                    self.header.open_lanes_and_unlock(token);
                }
            }
            ManuallyDrop::drop(&mut self.ticket);
        }
    }

    /// Unlocks a shard that has no waste and as many entries as was published last.
    #[inline(always)]
    pub(crate) fn unlock_as_it_was(self) {
        debug_assert!(!self.has_waste(), "it would stay until the next write");
        debug_assert_eq!(self.header.len.load(Relaxed), Table::len(&*self) as u32);
        ManuallyDrop::new(self).unlock();
    }

    /// Unlocks it as a drop does, but the waste stays for the next exclusive hold.
    pub(super) fn unlock_leaving_waste(self) {
        self.publish_len();
        ManuallyDrop::new(self).unlock();
    }

    #[cold]
    #[inline(never)]
    fn unlock_with_waste(&mut self) {
        let waste = self.take_waste();
        self.unlock();
        // Runs the user's Drop, which may use the map, and may panic.
        drop(waste);
    }
}

impl<L: Table, O> Drop for Exclusive<'_, L, O> {
    #[inline]
    fn drop(&mut self) {
        self.publish_len();
        if self.has_waste() {
            self.unlock_with_waste();
        } else {
            self.unlock();
        }
    }
}

// SAFETY: 1. They are of the header that is locked. 2. The token in our hands keeps everybody else out.
unsafe impl<L: Table, O> Inside<L, O> for Exclusive<'_, L, O> {
    #[inline]
    fn coverage(&self) -> Coverage {
        Exclusive::coverage(self)
    }

    #[inline]
    fn parts(&mut self) -> (&O, &mut L) {
        (&self.header.open, &mut *self)
    }

    #[inline(always)]
    fn is_sample(&self) -> bool {
        // SAFETY: 1. The token is in our hands, and who counts borrows `self` exclusively.
        unsafe { self.header.is_sample() }
    }
}

impl<L: Table, O> fmt::Debug for Exclusive<'_, L, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exclusive").finish_non_exhaustive()
    }
}

/// The inside of a shard that is locked for writing: what lies under the lock, to which it dereferences, and what is
/// open. A whole shard is an [`Exclusive`]; a strategy that is made of others hands each of them its
/// part of the shard, as a [`Within`].
///
/// # Safety
///
/// 1. The two parts are always met together: what was open beside what lay under the lock once is so for good.
/// 2. Nobody else reaches what lies under the lock.
///
/// ```
/// use map_core::strategy::{Inside, Table};
///
/// /// Whether a shard is empty, whole or part of another.
/// fn is_empty<L: Table, O>(shard: &impl Inside<L, O>) -> bool {
///     shard.is_empty()
/// }
/// ```
pub unsafe trait Inside<L, O>: DerefMut<Target = L> {
    /// What the shard covers, until it is unlocked.
    ///
    /// ```
    /// use map_core::strategy::Inside;
    ///
    /// fn is_for<L, O>(shard: &impl Inside<L, O>, hash: u64) -> bool {
    ///     shard.coverage().covers(hash)
    /// }
    /// ```
    fn coverage(&self) -> Coverage;

    /// Both parts at once.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// use map_core::strategy::{Inside, Table};
    ///
    /// /// Tells those without the lock how many entries there are.
    /// fn tell<L: Table>(shard: &mut impl Inside<L, AtomicUsize>) {
    ///     let (open, locked) = shard.parts();
    ///     open.store(locked.len(), Ordering::Relaxed);
    /// }
    /// ```
    fn parts(&mut self) -> (&O, &mut L);

    /// Whether the present operation is one of those that are looked at more closely.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// use map_core::strategy::Inside;
    ///
    /// /// Counts samples.
    /// fn note<L>(shard: &mut impl Inside<L, AtomicUsize>) {
    ///     if shard.is_sample() {
    ///         shard.parts().0.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// }
    /// ```
    fn is_sample(&self) -> bool;
}

/// A shard that is locked for writing, in an operation that is no sample: so that what samples cost is not even
/// compiled in.
pub(crate) struct Plain<'x, I>(pub(crate) &'x mut I);

impl<I: Deref> Deref for Plain<'_, I> {
    type Target = I::Target;
    #[inline(always)]
    fn deref(&self) -> &I::Target {
        self.0
    }
}

impl<I: DerefMut> DerefMut for Plain<'_, I> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut I::Target {
        self.0
    }
}

// SAFETY: 1., 2. As what it stands for.
unsafe impl<L, O, I: Inside<L, O>> Inside<L, O> for Plain<'_, I> {
    #[inline(always)]
    fn coverage(&self) -> Coverage {
        self.0.coverage()
    }

    #[inline(always)]
    fn parts(&mut self) -> (&O, &mut L) {
        self.0.parts()
    }

    #[inline(always)]
    fn is_sample(&self) -> bool {
        false
    }
}

/// A part of a shard that is locked for writing.
///
/// ```
/// use map_core::strategy::{Coverage, Inside, Within};
///
/// let mut list = vec![1];
/// // SAFETY: 1. The unit belongs to anything.
/// let mut part = unsafe { Within::new(Coverage::ALL, &(), &mut list) };
/// part.push(2);
/// assert_eq!(part.parts().1.len(), 2);
/// ```
pub struct Within<'x, L, O> {
    coverage: Coverage,
    open: &'x O,
    locked: &'x mut L,
}

impl<'x, L, O> Within<'x, L, O> {
    /// A part of a shard that covers so much.
    ///
    /// # Safety
    ///
    /// 1. `open` and `locked` are parts of one shard, locked for writing, and whenever one of them is passed to this
    ///    function, so is the other.
    ///
    /// ```
    /// use map_core::strategy::{Coverage, Inside, Within};
    ///
    /// let mut list = vec![1];
    /// // SAFETY: 1. The unit belongs to anything.
    /// let part = unsafe { Within::new(Coverage::ALL.half(true), &(), &mut list) };
    /// assert_eq!((part.coverage().depth(), part.len()), (1, 1));
    /// ```
    #[inline(always)]
    pub unsafe fn new(coverage: Coverage, open: &'x O, locked: &'x mut L) -> Self {
        Self {
            coverage,
            open,
            locked,
        }
    }
}

impl<L, O> Deref for Within<'_, L, O> {
    type Target = L;
    #[inline(always)]
    fn deref(&self) -> &L {
        self.locked
    }
}

impl<L, O> DerefMut for Within<'_, L, O> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut L {
        self.locked
    }
}

// SAFETY: 1., 2. Promised to `new`.
unsafe impl<L, O> Inside<L, O> for Within<'_, L, O> {
    #[inline(always)]
    fn coverage(&self) -> Coverage {
        self.coverage
    }

    #[inline(always)]
    fn parts(&mut self) -> (&O, &mut L) {
        (self.open, self.locked)
    }

    /// The whole shard is what counts.
    #[inline(always)]
    fn is_sample(&self) -> bool {
        false
    }
}

impl<L, O> fmt::Debug for Within<'_, L, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Within").finish_non_exhaustive()
    }
}
