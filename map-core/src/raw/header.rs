//! A shard: its lock, what it covers, what lies under the lock, and what lies open.
//!
//! Headers are *type-stable*: a header is never freed or moved before its map is dropped (or, for
//! the first one, which lies in the map itself, before the map can be moved). So whoever finds
//! the address of a header, however old the directory he found it in, may lock it, and only then
//! asks whether it still covers the hash he came for.

use std::cell::UnsafeCell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use super::coverage::Coverage;
use super::held::{Place, Ticket};
use crate::lock::bias::Bias;
use crate::lock::slots::{self, Announced};
use crate::lock::{ExclusiveToken, RawLock, SharedToken};
use crate::strategy::Table;
use crate::sync::Watch;
use crate::sync::atomic::{
    AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use crate::sync::hint;

/// Every so many exclusive acquisitions a shard is looked at: has it been quiet?
const INSPECTION_PERIOD: u16 = 4096;
/// So many contended acquisitions make one reading of the contention clock.
const CONTENDED_READING: u8 = 32;

/// A shard is quiet if so long (about a second) nothing happened: much longer than a time slice,
/// since a thread that is not running contends for nothing.
const QUIET_TICKS: u32 = 4_000_000;

/// A shard. For a table of 32 bytes and nothing open it fills one cache line.
#[repr(C, align(64))]
pub(crate) struct Header<L, O> {
    lock: RawLock,
    /// A [`Coverage`]. Written under the exclusive lock; decisive for holders of the lock, a hint
    /// for everybody else. [`Coverage::NOTHING`] also while a split or merge changes `len`: see
    /// [`Header::hints`].
    coverage: AtomicU64,
    locked: UnsafeCell<L>,
    watch: Watch,
    /// The number of entries, written at the end of each exclusive hold: lets `len` pass without
    /// the lock.
    len: AtomicU32,
    /// Exclusive acquisitions, modulo 2^16. Written under the exclusive lock.
    writes: hint::AtomicU16,
    /// Whether readers may leave the lock alone.
    bias: Bias,
    pub(crate) contention: Contention,
    open: O,
}

/// How much this shard's lock is fought over. Written on the contended path only; lost updates do
/// no harm, all of it is a hint.
pub(crate) struct Contention {
    /// Contended acquisitions since `since`.
    count: hint::AtomicU8,
    /// Splits in a row that did not lower contention.
    pub(crate) futile: hint::AtomicU8,
    /// How long the parent took for one reading when it was split, in ticks; 0: unknown.
    pub(crate) before: hint::AtomicU16,
    /// When the present reading began, or the shard was last split or merged, in ticks.
    since: hint::AtomicU32,
}

/// One reading of the contention clock: it took so many ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) ticks: u32,
}

/// Ticks of 256 ns since the process first asked.
fn ticks() -> u32 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    (START.get_or_init(Instant::now).elapsed().as_nanos() >> 8) as u32
}

impl Contention {
    /// Notes a contended acquisition; every so often that completes a reading.
    fn note(&self) -> Option<Reading> {
        let count = self.count.load(Relaxed).wrapping_add(1);
        if count == 1 {
            self.since.store(ticks(), Relaxed);
        }
        if count < CONTENDED_READING {
            self.count.store(count, Relaxed);
            return None;
        }
        self.count.store(0, Relaxed);
        Some(Reading {
            ticks: ticks().wrapping_sub(self.since.load(Relaxed)).max(1),
        })
    }

    /// Whether no reading began, and the shard was not split or merged, for a while.
    pub(crate) fn is_quiet(&self) -> bool {
        ticks().wrapping_sub(self.since.load(Relaxed)) >= QUIET_TICKS
    }

    /// A new life: the parent's last reading is what splits are judged by.
    pub(crate) fn reset(&self, before: Option<Reading>, futile: u8) {
        let before = before.map_or(0, |r| u16::try_from(r.ticks).unwrap_or(u16::MAX));
        self.before.store(before, Relaxed);
        self.futile.store(futile, Relaxed);
        self.count.store(0, Relaxed);
        self.since.store(ticks(), Relaxed);
    }
}

/// Why a shard was not locked.
#[derive(Clone, Copy, Debug)]
pub enum Refused {
    /// It does not cover the hash, or no longer: look the shard up again.
    Moved,
    /// It has been fought over: relieve it, then try again.
    Crowded(Crowd),
    /// The caller does not want to wait, and somebody else holds the lock.
    Busy,
}

/// A sign of contention, for the map's eyes only.
#[derive(Clone, Copy, Debug)]
pub struct Crowd(pub(crate) Reading);

/// What the map should look after while it holds a shard exclusively.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Care {
    /// Nothing.
    None,
    /// The lock was fought over.
    Crowded(Reading),
    /// It is time to see whether the shard has been quiet.
    Inspect,
}

// SAFETY: a header gives out `&L` to threads that hold its lock shared and `&mut L` to the one that
// holds it exclusively (hence Send and Sync, as for any read-write lock), and `&O` to all.
unsafe impl<L: Send + Sync, O: Sync> Sync for Header<L, O> {}

impl<L: Default, O: Default> Header<L, O> {
    pub(crate) fn new(coverage: Coverage) -> Self {
        Self {
            lock: RawLock::new(),
            coverage: AtomicU64::new(coverage.bits()),
            locked: UnsafeCell::new(L::default()),
            watch: Watch::default(),
            len: AtomicU32::new(0),
            writes: hint::AtomicU16::new(0),
            bias: Bias::new(),
            contention: Contention {
                count: hint::AtomicU8::new(0),
                futile: hint::AtomicU8::new(0),
                before: hint::AtomicU16::new(0),
                since: hint::AtomicU32::new(0),
            },
            open: O::default(),
        }
    }
}

impl<L, O> Header<L, O> {
    /// What the shard covers just now, or covered a moment ago.
    #[inline]
    pub(crate) fn coverage_hint(&self) -> Coverage {
        Coverage::from_bits(self.coverage.load(Relaxed))
    }

    /// What the shard covers and how many entries it has just now, or had a moment ago: the two
    /// belong together, so that no entry is overlooked (nor counted twice) while its shard splits.
    /// `None` if it is not to be had.
    pub(crate) fn hints(&self) -> Option<(Coverage, usize)> {
        // Acquire: pairs with the Release in `set_coverage`, and so comes after the `publish_len`
        // before that.
        let coverage = self.coverage.load(Acquire);
        // Acquire: pairs with the Release in `publish_len`; if that was part of a split or merge,
        // the load below sees that the coverage changed before it.
        let len = self.len.load(Acquire);
        // Relaxed: ordered by the load above.
        let unchanged = self.coverage.load(Relaxed) == coverage;
        unchanged.then_some((Coverage::from_bits(coverage), len as usize))
    }

    /// The part of the shard that needs no lock.
    #[inline]
    pub(crate) fn open(&self) -> &O {
        &self.open
    }

    /// What lies under the lock, for the only owner.
    pub(crate) fn locked_mut(&mut self) -> &mut L {
        self.locked.get_mut()
    }

    #[inline]
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl<L: Table, O> Header<L, O> {
    #[inline]
    fn shared(&self, token: SharedToken, place: Place) -> Shared<'_, L, O> {
        let ticket = Ticket::new(self.address(), false, place);
        Shared {
            header: self,
            token: ManuallyDrop::new(token),
            ticket,
        }
    }

    #[inline]
    fn exclusive(&self, token: ExclusiveToken, place: Place) -> Exclusive<'_, L, O> {
        let ticket = Ticket::new(self.address(), true, place);
        self.writes
            .store(self.writes.load(Relaxed).wrapping_add(1), Relaxed);
        Exclusive {
            header: self,
            token: ManuallyDrop::new(token),
            ticket: ManuallyDrop::new(ticket),
        }
    }

    /// Exclusive acquisitions since the last inspection was due.
    #[inline]
    fn writes_since_due(&self) -> u16 {
        self.writes.load(Relaxed) % INSPECTION_PERIOD
    }

    /// Locks the shard for reading if nobody is here and it covers `hash`. Otherwise go on with
    /// [`lock_shared`](Self::lock_shared).
    #[inline]
    pub(crate) fn lock_shared_fast(
        &self,
        hash: u64,
        place: Place,
    ) -> Result<Shared<'_, L, O>, Refused> {
        let token = self.lock.try_lock_shared_alone().ok_or(Refused::Busy)?;
        self.if_covering(token, hash, place)
    }

    /// Locks the shard for reading if it covers `hash`; notes whom it meets.
    pub(crate) fn lock_shared(&self, hash: u64, place: Place) -> Result<Shared<'_, L, O>, Refused> {
        let token = match self.lock.try_lock_shared_alone() {
            Some(token) => token,
            None => {
                // Even if it is a reader, who lets us in, we fight over the cache line.
                if let Some(reading) = self.contention.note() {
                    return Err(Refused::Crowded(Crowd(reading)));
                }
                match self.lock.try_lock_shared() {
                    Some(token) => token,
                    None => {
                        let lock = |deadline| self.lock.lock_shared_slow(deadline);
                        self.wait(false, place, lock)
                    }
                }
            }
        };
        self.if_covering(token, hash, place)
    }

    /// A hold on the right shard; otherwise gives it back.
    #[inline]
    fn if_covering(
        &self,
        token: SharedToken,
        hash: u64,
        place: Place,
    ) -> Result<Shared<'_, L, O>, Refused> {
        let hold = self.shared(token, place);
        if self.coverage_hint().covers(hash) {
            Ok(hold)
        } else {
            Err(Refused::Moved)
        }
    }

    /// Locks the shard for reading if that needs no waiting and it covers `hash`.
    #[inline]
    pub(crate) fn try_lock_shared(
        &self,
        hash: u64,
        place: Place,
    ) -> Result<Shared<'_, L, O>, Refused> {
        let token = self.lock.try_lock_shared().ok_or(Refused::Busy)?;
        self.if_covering(token, hash, place)
    }

    /// Counts a read towards the bias, for a holder of the lock.
    pub(crate) fn count_read(&self) {
        if slots::take_sample() {
            self.bias.sample();
        }
    }

    /// Keeps writers out of the shard without its lock, if its bias allows and it covers `hash`.
    #[inline(always)]
    pub(crate) fn announce(&self, hash: u64, place: Place) -> Option<Free<'_, L, O>> {
        let announced = self.bias.announce(self.address())?;
        // Decisive: coverage changes only under the exclusive lock, and we keep writers out.
        self.coverage_hint().covers(hash).then(|| Free {
            header: self,
            _announced: announced,
            _ticket: Ticket::new(self.address(), false, place),
        })
    }

    /// An exclusive hold that is one: all readers are known by the lock. Otherwise gives it back; then the bias
    /// has to be revoked.
    #[inline]
    fn admit(&self, token: ExclusiveToken) -> Option<ExclusiveToken> {
        if self.bias.admits_writer() {
            Some(token)
        } else {
            self.turn_away(token);
            None
        }
    }

    #[cold]
    fn turn_away(&self, token: ExclusiveToken) {
        // SAFETY: 1. The token came from this lock. 2. Nothing was done under it.
        unsafe { self.lock.unlock_exclusive(token) }
    }

    /// Waits for announced readers; a debug build does not wait for itself.
    fn revoke(&self, place: Place) {
        #[cfg(all(debug_assertions, not(crossbeam_loom)))]
        if let Some(conflict) = super::held::Conflict::find(self.address(), true)
            && !conflict.movable
        {
            conflict.report(true, place);
        }
        let _ = place;
        self.bias.revoke(self.address(), true);
    }

    /// Locks the shard for writing if that needs no waiting, it covers `hash`, and no inspection is
    /// due. Otherwise go on with [`lock_exclusive_slow`](Self::lock_exclusive_slow).
    #[inline]
    pub(crate) fn lock_exclusive_fast(
        &self,
        hash: u64,
        place: Place,
    ) -> Option<Exclusive<'_, L, O>> {
        let token = self.admit(self.lock.try_lock_exclusive()?)?;
        let hold = self.exclusive(token, place);
        (self.coverage_hint().covers(hash) && self.writes_since_due() != 0).then_some(hold)
    }

    /// Locks the shard for writing if it covers `hash`; says what should be looked after.
    #[cold]
    pub(crate) fn lock_exclusive_slow(
        &self,
        hash: u64,
        place: Place,
    ) -> Option<(Exclusive<'_, L, O>, Care)> {
        let mut crowded = Care::None;
        let (hold, care) = loop {
            if self.bias.is_revocable() {
                // Before we ask for the lock: an announced reader may need it once more.
                self.revoke(place);
            }
            match self.lock.try_lock_exclusive() {
                Some(token) => {
                    let Some(token) = self.admit(token) else {
                        continue;
                    };
                    let hold = self.exclusive(token, place);
                    // The fast path has just made it due, and left it to us.
                    let due = self.writes_since_due() == 1;
                    break (hold, if due { Care::Inspect } else { crowded });
                }
                None => {
                    if let Some(reading) = self.contention.note() {
                        crowded = Care::Crowded(reading);
                    }
                    let wait = |deadline| self.lock.lock_exclusive_slow(deadline);
                    if let Some(token) = self.admit(self.wait(true, place, wait)) {
                        break (self.exclusive(token, place), crowded);
                    }
                }
            }
        };
        self.coverage_hint().covers(hash).then_some((hold, care))
    }

    /// Locks the shard for writing if that needs no waiting, whatever it covers.
    #[inline]
    pub(crate) fn try_lock_exclusive(&self, place: Place) -> Option<Exclusive<'_, L, O>> {
        if self.bias.is_revocable() && !self.bias.revoke(self.address(), false) {
            return None;
        }
        let token = self.admit(self.lock.try_lock_exclusive()?)?;
        Some(self.exclusive(token, place))
    }

    /// Waits for a token, as patiently as it takes; a debug build does not wait for itself.
    #[cfg(all(debug_assertions, not(crossbeam_loom)))]
    fn wait<T>(
        &self,
        exclusive: bool,
        place: Place,
        lock: impl Fn(Option<std::time::Instant>) -> Option<T>,
    ) -> T {
        use super::held::{Conflict, PATIENCE};
        let find = || Conflict::find(self.address(), exclusive);
        match find() {
            None => {}
            Some(conflict) if !conflict.movable => conflict.report(exclusive, place),
            Some(_) => {
                if let Some(token) = lock(Some(std::time::Instant::now() + PATIENCE)) {
                    return token;
                }
                if let Some(conflict) = find() {
                    conflict.report(exclusive, place);
                }
            }
        }
        lock(None).expect("waiting without a deadline ends with the lock")
    }

    #[cfg(any(not(debug_assertions), crossbeam_loom))]
    #[inline]
    fn wait<T>(
        &self,
        _exclusive: bool,
        _place: Place,
        lock: impl Fn(Option<std::time::Instant>) -> Option<T>,
    ) -> T {
        lock(None).expect("waiting without a deadline ends with the lock")
    }
}

/// A shard locked for reading. Dereferences to what lies under the lock.
pub struct Shared<'a, L, O> {
    header: &'a Header<L, O>,
    token: ManuallyDrop<SharedToken>,
    ticket: Ticket,
}

impl<'a, L, O> Shared<'a, L, O> {
    /// The part of the shard that needs no lock.
    #[inline]
    pub fn open(&self) -> &'a O {
        &self.header.open
    }

    pub(crate) fn coverage(&self) -> Coverage {
        self.header.coverage_hint()
    }

    pub(crate) fn header(&self) -> &'a Header<L, O> {
        self.header
    }

    /// The hold moves into a guard, which may go to another thread.
    #[inline]
    pub(crate) fn set_movable(&self) {
        self.ticket.set_movable();
    }

    /// As many more holds on the same shard as asked for, for guards that live on their own.
    pub(crate) fn duplicates(&self, count: u32) -> Duplicates<'a, L, O> {
        self.lock_of().add_shared(&self.token, count);
        Duplicates {
            header: self.header,
            left: count,
            ticket: self.ticket.duplicate(),
        }
    }

    fn lock_of(&self) -> &'a RawLock {
        &self.header.lock
    }

    /// What lies under the lock, for as long as the header lives.
    ///
    /// # Safety
    ///
    /// 1. The reference is not used once this hold, and all duplicates made of it, are gone.
    pub(crate) unsafe fn locked_for_long(&self) -> &'a L {
        self.header.watch.read();
        // SAFETY: readers share the table while any of them holds the lock, which by (1) is so
        // whenever the reference is used.
        unsafe { &*self.header.locked.get() }
    }
}

impl<L, O> Deref for Shared<'_, L, O> {
    type Target = L;
    #[inline]
    fn deref(&self) -> &L {
        self.header.watch.read();
        // SAFETY: the token in our hands keeps writers out.
        unsafe { &*self.header.locked.get() }
    }
}

impl<L, O> Drop for Shared<'_, L, O> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the token is taken here only, and it came from this lock.
        unsafe {
            self.header
                .lock
                .unlock_shared(ManuallyDrop::take(&mut self.token))
        }
    }
}

impl<L, O> fmt::Debug for Shared<'_, L, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// A shard that is read, on this thread, without its lock. Dereferences to what lies under the lock.
pub(crate) struct Free<'a, L, O> {
    header: &'a Header<L, O>,
    _announced: Announced,
    _ticket: Ticket,
}

impl<L, O> Deref for Free<'_, L, O> {
    type Target = L;
    #[inline(always)]
    fn deref(&self) -> &L {
        self.header.watch.read();
        // SAFETY: the announcement keeps writers out.
        unsafe { &*self.header.locked.get() }
    }
}

/// A stock of holds on one shard, given out one by one.
pub(crate) struct Duplicates<'a, L, O> {
    header: &'a Header<L, O>,
    left: u32,
    ticket: Ticket,
}

impl<'a, L, O> Duplicates<'a, L, O> {
    /// One of the holds; `None` when the stock is used up.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Shared<'a, L, O>> {
        self.left = self.left.checked_sub(1)?;
        let token = ManuallyDrop::new(SharedToken::of_added_hold());
        Some(Shared {
            header: self.header,
            token,
            ticket: self.ticket.duplicate(),
        })
    }
}

impl<L, O> Drop for Duplicates<'_, L, O> {
    fn drop(&mut self) {
        if self.left > 0 {
            // SAFETY: so many holds were added for us and not given out.
            unsafe { self.header.lock.unlock_shared_many(self.left) }
        }
    }
}

/// A shard locked for writing. Dereferences to what lies under the lock.
pub struct Exclusive<'a, L: Table, O> {
    header: &'a Header<L, O>,
    token: ManuallyDrop<ExclusiveToken>,
    ticket: ManuallyDrop<Ticket>,
}

impl<'a, L: Table, O> Exclusive<'a, L, O> {
    /// The part of the shard that needs no lock.
    #[inline]
    pub fn open(&self) -> &'a O {
        &self.header.open
    }

    /// Both parts at once.
    #[inline]
    pub fn parts(&mut self) -> (&'a O, &mut L) {
        (&self.header.open, &mut *self)
    }

    #[inline]
    pub(crate) fn header(&self) -> &'a Header<L, O> {
        self.header
    }

    /// What the shard covers, until it is unlocked.
    #[inline]
    pub fn coverage(&self) -> Coverage {
        self.header.coverage_hint()
    }

    pub(crate) fn set_coverage(&mut self, coverage: Coverage) {
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

    /// Lets other readers in.
    pub fn downgrade(self) -> Shared<'a, L, O> {
        self.publish_len();
        let mut this = ManuallyDrop::new(self);
        let header = this.header;
        // SAFETY: the token is taken once, as `this` is not dropped, and came from this lock.
        let token = unsafe { header.lock.downgrade(ManuallyDrop::take(&mut this.token)) };
        // SAFETY: taken once, as `this` is not dropped.
        let ticket = unsafe { ManuallyDrop::take(&mut this.ticket) };
        ticket.set_shared();
        Shared {
            header,
            token: ManuallyDrop::new(token),
            ticket,
        }
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

impl<L: Table, O> Drop for Exclusive<'_, L, O> {
    #[inline]
    fn drop(&mut self) {
        self.publish_len();
        let waste = self.take_waste();
        // SAFETY: the token is taken here only, and it came from this lock; the ticket likewise.
        unsafe {
            self.header
                .lock
                .unlock_exclusive(ManuallyDrop::take(&mut self.token));
            ManuallyDrop::drop(&mut self.ticket);
        }
        // Runs the user's Drop, which may use the map, and may panic.
        drop(waste);
    }
}

impl<L: Table, O> fmt::Debug for Exclusive<'_, L, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exclusive").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;

    /// Stands for a table: four words.
    type Words = [u64; 4];

    #[test]
    fn a_shard_fills_one_cache_line() {
        assert_eq!(size_of::<Header<Words, ()>>(), 64);
        assert_eq!(align_of::<Header<Words, ()>>(), 64);
    }
}
