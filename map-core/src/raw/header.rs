//! A shard: its lock, what it covers, what lies under the lock, and what lies open.
//!
//! Headers are *type-stable*: a header is never freed or moved before its map is dropped (or, for
//! the first one, which lies in the map itself, before the map can be moved). So whoever finds
//! the address of a header, however old the directory he found it in, may lock it, and only then
//! asks whether it still covers the hash he came for.

use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use super::contention::{Contention, Reading};
use super::coverage::Coverage;
use super::held::Place;
use super::holds::{Exclusive, Shared};
use super::lanes::{self, Lanes};
use crate::lock::bias::{Bias, Pending, Revoking};
use crate::lock::slots::{self, NameWord, Wait, Word};
use crate::lock::{ExclusiveToken, RawLock, SharedToken, tally};
use crate::strategy::{Open, Site, Table};
use crate::sync::Watch;
use crate::sync::atomic::{
    AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use crate::sync::hint;

/// Every so many exclusive acquisitions a shard is looked after: they are a sample of the map's writes.
const WRITES_A_SAMPLE: u16 = tally::INTERVAL;
/// Of the count of those that are left, the bits that are all zero for a sample.
const TO_SAMPLE: u8 = (WRITES_A_SAMPLE - 1) as u8;
/// While readers announce themselves or sit in lanes, at every so many of them it is asked whether they still shall.
const WRITES_A_LOOK: u8 = 16;
/// Every so many samples it is inspected: has it been quiet?
const SAMPLES_AN_INSPECTION: u8 = 16;

const _: () = assert!(WRITES_A_SAMPLE.is_power_of_two() && WRITES_A_SAMPLE <= 1 << 8);

/// A shard. For a table of 24 bytes and nothing open it fills one cache line.
#[repr(C, align(64))]
pub(crate) struct Header<L, O> {
    pub(super) lock: RawLock,
    /// What announced readers call the lock: the name is no other's as long as one is announced by it. 0: nobody is to be announced, and the bias never armed.
    /// An even number is where the shard's [`Lanes`] are, if that is not where it is itself; its name is where it is then. Written under the exclusive lock.
    ///
    /// Of a lane, it is the seat.
    name: NameWord,
    /// A [`Coverage`]. Written under the exclusive lock alone, for holders of the lock, for whom it is decisive, read it as if it were no
    /// atomic; a hint for everybody else. [`Coverage::NOTHING`] also while a split or merge changes `len`: see
    /// [`Header::hints`].
    pub(super) coverage: AtomicU64,
    pub(super) locked: UnsafeCell<L>,
    pub(super) watch: Watch,
    /// The number of entries, written at the end of each exclusive hold: lets `len` pass without
    /// the lock.
    pub(super) len: AtomicU32,
    /// Counts exclusive acquisitions for writing down, attempts that were turned away included: at zero, one is a sample.
    /// Under the exclusive lock, as what it locks, and no atomic, which would take five instructions to count instead of two.
    left: UnsafeCell<u8>,
    /// Counts samples up. Written under the exclusive lock.
    samples: hint::AtomicU8,
    /// Whether readers announce themselves.
    pub(crate) bias: Bias,
    pub(crate) contention: Contention,
    pub(super) open: O,
}

/// Why a shard was not locked. What a strategy is told by
/// [`At::lock_shared`](crate::strategy::At::lock_shared), it hands on.
///
/// ```
/// use map_core::strategy::{At, Refused, Table};
///
/// /// A strategy hands a refusal on: the front knows what to do.
/// fn len<L: Table, O>(at: At<'_, L, O>) -> Result<usize, Refused> {
///     Ok(at.lock_shared()?.len())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Refused {
    /// It does not cover the hash, or no longer: look the shard up again.
    Moved,
    /// It has been fought over: relieve it, then try again.
    Crowded(Crowd),
    /// The caller does not want to wait, and somebody else holds the lock.
    Busy,
    /// It asks for [`Strategy::tend`](crate::Strategy::tend) first.
    Due,
}

/// What a writer met on its way to a shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Met {
    /// The lock was fought over.
    pub(crate) crowded: Option<Reading>,
    /// Announced readers stayed, and had to be waited for.
    pub(crate) revoked: bool,
    /// Others had the lock, readers perhaps.
    pub(crate) contended: bool,
}

/// The attempt to lock a shard for writing: its lock may be held, with announced readers inside perhaps; and it may be the
/// wrong one.
pub(crate) struct Attempt<'a, L: Table, O> {
    header: &'a Header<L, O>,
    token: Option<ManuallyDrop<ExclusiveToken>>,
}

impl<'a, L: Table, O> Attempt<'a, L, O> {
    /// One that met somebody. Like the next a function of its own, so that what it answers is not at hand before it is asked.
    #[cold]
    #[inline(never)]
    fn refused(header: &'a Header<L, O>) -> Self {
        Self {
            header,
            token: None,
        }
    }

    /// One that got the lock, of the wrong shard or with readers inside perhaps.
    #[cold]
    #[inline(never)]
    pub(super) fn astray(header: &'a Header<L, O>, token: ManuallyDrop<ExclusiveToken>) -> Self {
        let token = Some(token);
        Self { header, token }
    }

    /// Gives announced readers a moment to leave. If they have, and the shard covers `hash`, it is
    /// locked; otherwise gives the lock back.
    #[inline]
    pub(crate) fn admit(mut self, hash: u64, place: Place) -> Option<Exclusive<'a, L, O>> {
        let token = ManuallyDrop::into_inner(self.token.take()?);
        let hold = self.header.admit(token, place)?;
        hold.coverage().covers(hash).then_some(hold)
    }
}

impl<L: Table, O> Drop for Attempt<'_, L, O> {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            self.header.lock.turn_away(ManuallyDrop::into_inner(token));
        }
    }
}

/// A sign of contention, for the map's eyes only. It comes with [`Refused::Crowded`], and there is nothing to
/// ask of it.
///
/// ```
/// use map_core::strategy::Refused;
///
/// /// A strategy hands it on, as it does with all that refuses it a shard.
/// fn is_crowded(refused: &Refused) -> bool {
///     matches!(refused, Refused::Crowded(_))
/// }
/// assert!(!is_crowded(&Refused::Busy));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Crowd(pub(crate) Reading);

// SAFETY: a header gives out `&L` to threads that hold its lock shared and `&mut L` to the one that
// holds it exclusively (hence Send and Sync, as for any read-write lock), who alone uses the count of writes, and `&O` to all.
unsafe impl<L: Send + Sync, O: Sync> Sync for Header<L, O> {}

impl<L: Default, O> Header<L, O> {
    /// Without a name.
    pub(crate) fn new(coverage: Coverage, open: O) -> Self {
        Self::with(RawLock::prepared(), L::default(), coverage, open)
    }
}

impl<L, O> Header<L, O> {
    fn with(lock: RawLock, locked: L, coverage: Coverage, open: O) -> Self {
        Self {
            lock,
            name: NameWord::new(0),
            coverage: AtomicU64::new(coverage.bits()),
            locked: UnsafeCell::new(locked),
            watch: Watch::default(),
            len: AtomicU32::new(0),
            left: UnsafeCell::new(0),
            samples: hint::AtomicU8::new(0),
            bias: Bias::new(),
            contention: Contention::new(),
            open,
        }
    }
}

impl<L, O> Header<L, O> {
    /// What the shard covers just now, or covered a moment ago.
    #[inline]
    pub(crate) fn coverage_hint(&self) -> Coverage {
        Coverage::from_bits(self.coverage.load(Relaxed))
    }

    /// What the shard covers.
    ///
    /// # Safety
    ///
    /// 1. The caller has a hold of the lock.
    #[inline(always)]
    pub(super) unsafe fn coverage(&self) -> Coverage {
        #[cfg(crossbeam_loom)]
        {
            self.watch.read();
            return self.coverage_hint();
        }
        // Not as one word, so that a question takes each half from where it is.
        // SAFETY: it has the layout of the word that is there, and is written under the exclusive lock alone, from which we keep others by
        // (1). Those who look without the lock only read.
        #[cfg(not(crossbeam_loom))]
        unsafe {
            self.coverage.as_ptr().cast::<Coverage>().read()
        }
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

    /// Notes that somebody was met; of a shard out of use, which only latecomers meet at, nothing.
    fn note_contention(&self) -> Option<Reading> {
        let coverage = self.coverage_hint();
        if coverage.is_nothing() {
            return None;
        }
        self.contention.note(coverage.depth())
    }

    /// Where this is, as far as can be told without the lock.
    pub(crate) fn site(&self) -> Site {
        Site {
            coverage: self.coverage_hint(),
            // Relaxed: a hint.
            len: self.len.load(Relaxed) as usize,
        }
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

    /// What announced readers call the lock; 0 if they may not.
    #[inline]
    pub(crate) fn name(&self) -> usize {
        // Relaxed: whatever comes to stand there, the name stays.
        match self.name.load(Relaxed) {
            0 => 0,
            even if even.is_multiple_of(2) => self.address(),
            odd => odd,
        }
    }

    /// The same of the shard that lies in the map itself, which never has lanes.
    #[inline(always)]
    pub(super) fn drawn_name(&self) -> usize {
        self.name.load(Relaxed)
    }

    pub(super) fn set_name(&mut self, name: usize) {
        self.name.store(name, Relaxed);
    }

    /// Its lanes, open or closed, if it has had any.
    pub(super) fn lanes(&self) -> Option<&Lanes<L, O>> {
        // Acquire: pairs with the Release in `set_lanes`; publishes them to a revoker, who has not got the lock. (Who has to see them has got it since, or has found
        // the bias pending for their sake.)
        let address = self.name.load_address(Acquire);
        let other = address.addr().is_multiple_of(2) && address.addr() != self.address();
        // SAFETY: by what stands there it is an odd name, its own address, null, or made of a reference in `set_lanes`; and these live as long.
        other
            .then(|| unsafe { address.cast::<Lanes<L, O>>().as_ref() })
            .flatten()
    }

    /// Where they are; or null.
    pub(super) fn lanes_address(&self) -> *mut Self {
        self.lanes()
            .map_or(ptr::null_mut(), |_| self.name.load_address(Relaxed).cast())
    }

    /// # Safety
    ///
    /// 1. The lanes were made for this shard, and live as long.
    pub(super) unsafe fn set_lanes(&self, lanes: NonNull<Lanes<L, O>>) {
        debug_assert!(self.lanes().is_none() && self.name() == self.address());
        // Release: pairs with the Acquire in `lanes`.
        self.name.store_address(lanes.as_ptr().cast(), Release);
    }

    /// The seat, of a lane.
    #[inline(always)]
    pub(super) fn seat(&self) -> &NameWord {
        &self.name
    }

    /// Has a lane say what the shard beside it does, for who has that locked exclusively, and has closed the lane and found it empty.
    #[inline]
    pub(super) fn copy_from(&self, header: &Self) {
        self.watch.write();
        header.watch.read();
        // SAFETY: 1., 2. By what is asked for nobody reads what is here, and nobody else writes to either. What was here was a copy, too,
        // and not to be dropped. That it may be copied, `Table::COPIED` says, without which there are no lanes.
        unsafe { ptr::copy_nonoverlapping(header.locked.get(), self.locked.get(), 1) };
        // Relaxed: for those who find the lane open.
        self.coverage.store(header.coverage.load(Relaxed), Relaxed);
    }

    /// What tells the shard from others, for those who watch over holds in debug builds: its name, by which it is known also after its map was moved, if it has one.
    #[inline(always)]
    pub(super) fn identity(&self) -> usize {
        if !cfg!(debug_assertions) {
            return 0;
        }
        match self.name() {
            0 => self.address(),
            name => name,
        }
    }

    #[inline]
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl<L, O> Header<L, O> {
    /// Lets a reader in that announces itself, if the shard's bias is armed. As for all who lock it, it may be the wrong shard.
    /// The name is the shard's, which who was led here may have at hand.
    #[inline(always)]
    pub(crate) fn announce(
        &self,
        word: Word,
        name: usize,
        place: Place,
    ) -> Result<Shared<'_, L, O>, Refused> {
        debug_assert_eq!(name, self.name(), "by which it is looked for");
        let announced = self.bias.announce(&self.lock, word, name);
        Ok(Shared::announced(
            self,
            announced.ok_or(Refused::Busy)?,
            place,
        ))
    }

    /// Lets a reader take the seat of this lane, if it is open. As for all who lock a shard, it may be the wrong one. `identity` is that of the shard.
    #[inline(always)]
    pub(crate) fn sit(&self, identity: usize, place: Place) -> Result<Shared<'_, L, O>, Refused> {
        let announced = lanes::sit(self.seat()).ok_or(Refused::Busy)?;
        if self.lock.admits_announced() {
            Ok(Shared::seated(self, announced, identity, place))
        } else {
            Err(Refused::Busy)
        }
    }

    /// The same, also for a reader within a read; calls are made.
    pub(crate) fn announce_anywhere(
        &self,
        word: Word,
        place: Place,
    ) -> Result<Shared<'_, L, O>, Refused> {
        let announced = self.bias.announce_anywhere(&self.lock, word, self.name());
        Ok(Shared::announced(
            self,
            announced.ok_or(Refused::Busy)?,
            place,
        ))
    }

    /// Locks the shard for reading if nobody is here. Otherwise go on with
    /// [`lock_shared`](Self::lock_shared).
    #[inline]
    pub(crate) fn lock_shared_fast(&self, place: Place) -> Result<Shared<'_, L, O>, Refused> {
        let token = self.lock.try_lock_shared_alone().ok_or(Refused::Busy)?;
        Ok(Shared::counted(self, token, place))
    }

    /// Locks the shard for reading; notes whom it meets. Shall it `arm` the bias?
    pub(crate) fn lock_shared(&self, arm: bool, place: Place) -> Result<Shared<'_, L, O>, Refused> {
        let token = match self.lock.try_lock_shared_alone() {
            Some(token) => token,
            None => {
                // Even if it is a reader, who lets us in, we fight over the cache line.
                if let Some(reading) = self.note_contention() {
                    return Err(Refused::Crowded(Crowd(reading)));
                }
                match self.lock.try_lock_shared() {
                    Some(token) => token,
                    None => {
                        let lock = |deadline| {
                            // Only beside a writer. Readers inside may be there for long, the caller's own among them, and then it is the
                            // gate that keeps this one out, which is a matter for `lock_shared_slow`.
                            let token = if self.lock.is_locked_exclusive() {
                                let alone = || self.lock.try_lock_shared_alone();
                                let token = self.contention.keep_off(&self.lock, deadline, alone);
                                token.or_else(|| self.lock.try_lock_shared())
                            } else {
                                None
                            };
                            token.or_else(|| self.lock.lock_shared_slow(deadline))
                        };
                        self.wait(false, place, lock)
                    }
                }
            }
        };
        let hold = Shared::counted(self, token, place);
        if arm && self.name() != 0 {
            self.bias.arm();
        }
        Ok(hold)
    }

    /// Locks the shard for reading if that needs no waiting.
    #[inline]
    pub(crate) fn try_lock_shared(&self, place: Place) -> Result<Shared<'_, L, O>, Refused> {
        let token: SharedToken = self.lock.try_lock_shared().ok_or(Refused::Busy)?;
        Ok(Shared::counted(self, token, place))
    }
}

impl<L, O: Open> Header<L, O> {
    /// A lane beside this shard, which the caller has locked exclusively. What lies under its lock is a copy, and not to be dropped.
    pub(super) fn lane(&self) -> Self {
        self.watch.read();
        // Whatever may panic does so before there is a copy that would be dropped then.
        let (lock, open) = (RawLock::prepared(), self.open.sibling());
        // SAFETY: nobody else writes to it now; and it may be copied: see `copy_from`.
        let locked = unsafe { self.locked.get().read() };
        Self::with(lock, locked, Coverage::NOTHING, open)
    }
}

impl<L: Table, O> Header<L, O> {
    /// Counts an exclusive acquisition, and says whether it is a sample.
    ///
    /// # Safety
    ///
    /// 1. The caller has the lock exclusively, and nobody else uses the count in its name meanwhile.
    #[inline(always)]
    pub(super) unsafe fn count_write(&self) -> bool {
        // SAFETY: by (1) nobody else is here.
        let left = unsafe { &mut *self.left.get() };
        *left = left.wrapping_sub(1);
        *left & TO_SAMPLE == 0
    }

    /// Whether no announced reader is here, nor any in a lane, in most cases; then the lanes are closed. Now and then it is left to
    /// [`Attempt::admit`] to find out, after which somebody looks whether readers shall do so at all.
    ///
    /// # Safety
    ///
    /// 1. As for [`count_write`](Self::count_write), but that others may ask the same.
    #[cold]
    #[inline(never)]
    unsafe fn admits_now(&self) -> bool {
        // SAFETY: by (1) nobody changes it.
        let left = unsafe { *self.left.get() };
        if left.is_multiple_of(WRITES_A_LOOK) {
            return false;
        }
        if L::COPIED.is_some() && self.bias.has_lanes() {
            return self.close_lanes(Wait::Not) || self.reopen_lanes();
        }
        self.bias.admits_writer_now(self.name())
    }

    /// Whether the present exclusive hold is the one in [`WRITES_A_SAMPLE`].
    ///
    /// # Safety
    ///
    /// 1. As for [`count_write`](Self::count_write), but that others may ask the same.
    #[inline]
    pub(super) unsafe fn is_sample(&self) -> bool {
        // SAFETY: by (1) nobody changes it.
        unsafe { *self.left.get() & TO_SAMPLE == 0 }
    }

    /// Lets so many more exclusive acquisitions pass before one is a sample.
    ///
    /// # Safety
    ///
    /// 1. As for [`count_write`](Self::count_write).
    pub(super) unsafe fn put_off_sample(&self, acquisitions: u8) {
        // SAFETY: by (1) nobody else is here.
        unsafe { *self.left.get() = acquisitions }
    }

    /// Counts a sample, for its holder, and says whether the shard should be inspected.
    pub(crate) fn count_sample(&self) -> bool {
        let samples = self.samples.load(Relaxed).wrapping_add(1);
        self.samples.store(samples, Relaxed);
        samples.is_multiple_of(SAMPLES_AN_INSPECTION)
    }

    /// The hold, if no reader is announced, nor sits in a lane. Otherwise gives the lock back.
    #[inline]
    fn admit(&self, token: ExclusiveToken, place: Place) -> Option<Exclusive<'_, L, O>> {
        if !self.is_closed_to_readers() {
            if self.bias.has_lanes() {
                self.reopen_lanes();
            }
            self.lock.turn_away(token);
            return None;
        }
        Some(Exclusive::new(self, token, place))
    }

    /// The same for who comes back, and waits for the readers meanwhile.
    fn admits_at_last(&self) -> bool {
        let admits = self.is_closed_to_readers();
        if !admits && self.bias.has_lanes() {
            self.remove_lanes(true);
        }
        admits
    }

    /// Whether no reader is announced, nor sits in a lane, for who holds the lock exclusively: then the lanes are closed, and to
    /// be opened afterwards. If not, they are closed nevertheless.
    fn is_closed_to_readers(&self) -> bool {
        if self.bias.has_lanes() {
            return self.close_lanes(Wait::Briefly);
        }
        self.bias.admits_writer_of(self.looking_for_readers())
    }

    /// Closes the lanes that there are, for who holds the lock exclusively. Are they empty?
    #[inline]
    fn close_lanes(&self, wait: Wait) -> bool {
        self.lanes().is_some_and(|lanes| {
            lanes.close();
            lanes.are_empty(wait)
        })
    }

    /// Leaves them as they were, for who closed them and gives up; so not admitted.
    #[cold]
    fn reopen_lanes(&self) -> bool {
        if let Some(lanes) = self.lanes() {
            lanes.reopen();
        }
        false
    }

    /// Leaves them closed for good, for who has closed them. `stays`: a reader is there still.
    pub(super) fn remove_lanes(&self, stays: bool) {
        self.lock.set_lanes(false);
        self.bias.remove_lanes(stays);
    }

    /// Lets readers sit in the lanes again, if there are any, for who was admitted.
    pub(super) fn open_lanes(&self) {
        if self.bias.has_lanes()
            && let Some(lanes) = self.lanes()
        {
            lanes.open(self);
        }
    }

    /// The same, and then unlocks the shard.
    ///
    /// # Safety
    ///
    /// 1. `token` stands for the exclusive hold of this lock, for which no reader was let in.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn open_lanes_and_unlock(&self, token: ExclusiveToken) {
        self.open_lanes();
        // SAFETY: 1. By (1). 2. Nothing is used under it any more, for it is given away.
        unsafe { self.lock.unlock_exclusive(token) };
    }

    /// Whether some reader is announced or sits in a lane at this moment. A hint.
    pub(super) fn has_readers_now(&self) -> bool {
        if self.bias.has_lanes() {
            return self
                .lanes()
                .is_some_and(|lanes| !lanes.are_empty(Wait::Not));
        }
        !self.bias.is_clear() && !slots::none_has(self.name(), Wait::Not)
    }

    /// Looks for readers that are announced, or sit in lanes that were closed.
    fn looking_for_readers(&self) -> impl FnOnce(Wait, Pending) -> bool {
        |wait, Pending(pending)| {
            slots::none_has(self.name(), wait)
                && (!pending || self.lanes().is_none_or(|lanes| lanes.are_empty(wait)))
        }
    }

    /// Waits for announced readers; a debug build does not wait for itself.
    fn revoke(&self, place: Place) -> Revoking<'_> {
        #[cfg(all(debug_assertions, not(crossbeam_loom)))]
        {
            use super::held::{Conflict, PATIENCE};
            let find = || Conflict::find(self.identity(), true);
            match find() {
                None => {}
                Some(conflict) if !conflict.movable => conflict.report(true, place),
                Some(_) => {
                    let deadline = std::time::Instant::now() + PATIENCE;
                    let look = self.looking_for_readers();
                    if let Some(revoking) = self.bias.revoke_of(Some(deadline), look) {
                        return revoking;
                    }
                    if let Some(conflict) = find() {
                        conflict.report(true, place);
                    }
                }
            }
        }
        let _ = place;
        let revoking = self.bias.revoke_of(None, self.looking_for_readers());
        revoking.expect("waiting without a deadline ends when all have left")
    }

    /// Locks the shard for writing if nothing is in the way, and the hold is no sample. It makes no call unless readers announce themselves or sit in lanes, and
    /// may be the wrong shard: see [`Exclusive::if_covering`]. Otherwise go on with [`Attempt::admit`].
    #[inline(always)]
    pub(crate) fn lock_exclusive_fast(
        &self,
        place: Place,
    ) -> Result<Exclusive<'_, L, O>, Attempt<'_, L, O>> {
        let Some(token) = self.lock.try_lock_exclusive() else {
            return Err(Attempt::refused(self));
        };
        // SAFETY: 1. We have the token, and nobody else.
        let is_sample = unsafe { self.count_write() };
        // SAFETY: 1. As above.
        if !is_sample && (self.bias.is_clear() || unsafe { self.admits_now() }) {
            return Ok(Exclusive::new(self, token, place));
        }
        Err(Attempt::astray(self, ManuallyDrop::new(token)))
    }

    /// Locks the shard for writing if it covers `hash`; says what it met.
    #[cold]
    pub(crate) fn lock_exclusive_slow(
        &self,
        hash: u64,
        place: Place,
    ) -> Option<(Exclusive<'_, L, O>, Met)> {
        let mut crowded = None;
        let mut revoked = false;
        let mut contended = false;
        let take = || {
            Some(self.lock.try_lock_exclusive().unwrap_or_else(|| {
                contended = true;
                crowded = self.note_contention().or(crowded);
                let wait = |deadline| {
                    let alone = || self.lock.try_lock_exclusive();
                    let token = self.contention.keep_off(&self.lock, deadline, alone);
                    token.or_else(|| self.lock.lock_exclusive_slow(deadline))
                };
                self.wait(true, place, wait)
            }))
        };
        let revoke = |_: &_| {
            revoked = true;
            Some(self.revoke(place))
        };
        let admits = || self.admits_at_last();
        let locked = self.bias.lock_exclusive(&self.lock, take, admits, revoke);
        let token = locked.expect("waiting without a deadline ends with the lock");
        let mut hold = Exclusive::new(self, token, place);
        hold.count_write();
        let met = Met {
            crowded,
            revoked,
            contended,
        };
        hold.coverage().covers(hash).then_some((hold, met))
    }

    /// Locks the shard for writing if that needs no waiting, whatever it covers.
    #[inline]
    pub(crate) fn try_lock_exclusive(&self, place: Place) -> Option<Exclusive<'_, L, O>> {
        self.admit(self.lock.try_lock_exclusive()?, place)
    }
}

impl<L, O> Header<L, O> {
    /// Waits for a token, as patiently as it takes; a debug build does not wait for itself.
    #[cfg(all(debug_assertions, not(crossbeam_loom)))]
    fn wait<T>(
        &self,
        exclusive: bool,
        place: Place,
        lock: impl Fn(Option<std::time::Instant>) -> Option<T>,
    ) -> T {
        use super::held::{Conflict, PATIENCE};
        let find = || Conflict::find(self.identity(), exclusive);
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

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;

    /// Stands for a table: three words.
    type Words = [u64; 3];

    #[test]
    fn a_shard_fills_one_cache_line() {
        assert_eq!(size_of::<Header<Words, ()>>(), 64);
        assert_eq!(align_of::<Header<Words, ()>>(), 64);
    }
}
