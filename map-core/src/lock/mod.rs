//! The lock of a shard: eight bytes, one atomic operation to take, a plain store to leave
//! exclusively, threads parked in parking_lot_core's queue.
//!
//! # The story
//!
//! `state` is the lock; every grant is one change of it, and while it says `WRITER` only the
//! holder changes it, so that leaving is a store and not a read-modify-write. `parked` says whether
//! anybody sleeps; of that it changes only under the *bucket lock*, parking_lot_core's lock on our queue.
//!
//! *Going to sleep.* A thread that cannot get in spins briefly, takes the bucket lock, sets its flag
//! in `parked`, runs the heavy side of a fence (`barrier`) if no flag was set before, and loads
//! `state`. Only if `state` still refuses it does it enter the queue and sleep. A writer that is
//! refused by readers sets `GATE` with that same look, in one compare-exchange.
//!
//! *Nobody sleeps through a release.* The last reader learns of sleepers from `GATE`, in the value
//! that its own subtraction returns: either the sleeper's look came later and saw no reader, or the
//! subtraction came later and returned the gate. A writer that leaves stores `state`, runs the light
//! side of the fence, and loads `parked`; by the fence either the sleeper's look sees that store (or
//! a later change), or the writer's load sees the flag. One heavy fence serves all who come while a
//! flag stays set: it ran after the flag was set and before the bucket lock was given up, so a store
//! that it missed belongs to a writer whose load sees the flag, and a store that it saw is seen by
//! all who take the bucket lock afterwards.
//!
//! *Waking.* Whoever learns of sleepers while the lock is free first takes it, without queueing
//! (`wake_slow`); so each decision under the bucket lock is made by a holder, and `state`
//! cannot be taken away during it. If the waker cannot take the lock, somebody has it, and that one
//! learns of the sleepers by the same argument. An exclusive holder gives the lock to the first in
//! the queue: to a reader and all other parked readers at once, as holds already counted; to a
//! writer as a second try, which a newcomer may beat to it, but only once: it then sleeps as
//! `Wants::ExclusiveNow` and is next given the lock itself. A woken writer either gets in, or
//! goes back to sleep with a look of its own, or gives up and passes the wake on.
//!
//! *Writers get in.* While `GATE` is set, new readers queue. *Readers get in.* A leaving writer
//! serves a queue that starts with a reader before any newcomer. A reader that sleeps because of the
//! gate alone may itself be what the readers inside wait for (a second guard on one thread), so after
//! `PATIENCE` it goes in past the gate and takes all parked readers along; the gate stays. Each such batch
//! doubles the patience, up to a second, until a writer gets in: guards held for less than that end
//! before the next batch at some point, and then the writer has its turn. Behind a batch the gate stands *ajar* for as
//! long as the batch was patient: readers join those inside at once. So a thread that reads many times under one guard
//! waits about as long as it reads, and not each time.
//!
//! *Readers that sleep without a clock.* A reader that found a writer inside sleeps until it is
//! woken. Should readers take the lock before that, they came through an open gate or by impatience.
//! The impatient take all sleepers along; for an open gate somebody answers: the writer that left,
//! when it finds the flag; or the writer that it woke, when that shuts the gate behind those readers.
//!
//! # What to take
//!
//! [`AdaptiveRwLock`] is a lock for data, and [`RawLock`] what it and the shards of all maps stand on. The rest
//! are their tokens, settings and counts.
//!
//! ```
//! use map_core::lock::{AdaptiveRwLock, RawLock};
//!
//! // With data, and guards.
//! let hits = AdaptiveRwLock::new(0);
//! *hits.write() += 1;
//! assert_eq!(*hits.read(), 1);
//!
//! // The word lock alone, under lock_api's guards or by hand.
//! let ports = lock_api::RwLock::<RawLock, Vec<u16>>::new(vec![80]);
//! ports.write().push(443);
//! assert_eq!(ports.read().len(), 2);
//! ```

mod adaptive;
mod api;
#[doc(hidden)]
pub mod barrier;
pub(crate) mod bias;
mod park;
pub(crate) mod slots;
mod slow;
pub(crate) mod tally;
#[cfg(test)]
mod tests;
mod token;

use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::const_fn;

pub use adaptive::{
    AdaptiveRawRwLock, AdaptiveRwLock, AdaptiveRwLockReadGuard, AdaptiveRwLockWriteGuard,
    Behaviour, Config, ConfigError, Control, SharedHold, Stats,
};
pub use token::{ExclusiveToken, SharedToken};

/// Bit of `state`: held exclusively.
const WRITER: u32 = 1 << 31;
/// Bit of `state`: a writer sleeps; who wants to read, queues.
const GATE: u32 = 1 << 30;
/// Bits of `state`: how many shared holds there are.
const READERS: u32 = GATE - 1;
/// So many shared holds and no more; parked readers, who are let in unchecked, have the rest.
const MAX_SHARED: u32 = 1 << 29;

/// Flag of `parked`: a reader sleeps, or has left the queue since.
const READERS_PARKED: u32 = 1;
/// Flag of `parked`: a writer sleeps, or has left the queue since.
const WRITERS_PARKED: u32 = 1 << 1;
/// Both of them.
const ANY_PARKED: u32 = READERS_PARKED | WRITERS_PARKED;
/// Flag of `parked`: an exclusive unlock runs a fence, as far as is known.
const FENCED: u32 = 1 << 2;
/// Flag of `parked`: readers may sit in [lanes](crate::raw::lanes) beside the lock, which a map's exclusive holder opens before it leaves.
const LANES: u32 = 1 << 3;
/// Flags that holders change, by one read-modify-write each.
const HOLDERS: u32 = FENCED | LANES;
/// Unit of `parked` in which batches of readers that passed the gate are counted.
const BATCH: u32 = 1 << 8;
/// Unit of `parked` in which it says when the last batch passed, by the [clock](slow::Clock).
const PASSED_AT: u32 = 1 << 12;
/// After so many batches patience grows no more: a second. They are counted to one more.
const MAX_BATCHES: u32 = 10;

const _: () = assert!(MAX_BATCHES + 1 < PASSED_AT / BATCH);

/// How long a reader waits at the gate before it goes in past the writers, at first.
const PATIENCE: Duration = Duration::from_millis(1);

/// A read-write lock without data, the core of every map of the family.
///
/// It keeps no thread identity: a hold may be given back on any thread. Uncontended, taking it costs
/// one atomic read-modify-write; giving it back costs another for a shared hold and a plain store for
/// an exclusive one. It never allocates; a thread's first sleep does, in parking_lot_core.
///
/// Neither side starves. Waiters are served in order, except that a running thread may take a free
/// lock before a woken writer does, once. A thread that holds a shared hold and asks for another while a
/// writer waits gets it after about a millisecond, and others after it at once, for as long again; one that asks
/// for an exclusive hold while it has any hold waits for ever.
///
/// ```
/// use map_core::lock::RawLock;
///
/// static LOCK: RawLock = RawLock::new();
///
/// let one = LOCK.lock_shared();
/// let two = LOCK.lock_shared();
/// assert!(LOCK.try_lock_exclusive().is_none());
/// // SAFETY: 1. both tokens come from this lock; 2. nothing is read under them any more.
/// unsafe {
///     LOCK.unlock_shared(one);
///     LOCK.unlock_shared(two);
/// }
/// assert!(LOCK.try_lock_exclusive().is_some());
/// ```
#[derive(Debug)]
pub struct RawLock {
    /// | value | means | who may change it |
    /// |---|---|---|
    /// | `0` | free, and no writer sleeps (or a leaving writer is about to find it) | anybody |
    /// | `n` | `n` shared holds, no writer sleeps (as above) | anybody |
    /// | `n + GATE` | `n` shared holds, a writer sleeps, and the last to leave wakes it | who leaves; who passes the gate; a holder, under the bucket lock |
    /// | `GATE` | free, a writer sleeps, and somebody is on the way: the last reader, or a woken writer | writers; readers whose patience has ended, or who do not respect it |
    /// | `WRITER` | held exclusively; `parked` tells about sleepers. Of a [lane](crate::raw::lanes): closed | the holder alone |
    ///
    /// `GATE` is set only under the bucket lock, or together with leaving; so under the bucket lock
    /// and without `WRITER` it says exactly whether a writer is in the queue, but for the two
    /// exceptions above.
    state: AtomicU32,
    /// Flags of who sleeps, and the batches of readers that passed the gate since a writer got in.
    ///
    /// Changed only under the bucket lock, but for two flags. A sleeper's flag is set while it sleeps, so zero flags
    /// under the bucket lock mean an empty queue; a set flag may be stale, which costs the next
    /// exclusive unlock a look into the queue. While any such flag is set, a heavy fence has run since the
    /// first one was.
    ///
    /// The two are the holders', so all changes are read-modify-writes. With `FENCED` a lock is made; a holder takes it away once
    /// it knows that the light side of the fence is nothing. `LANES` an exclusive holder adds and takes away.
    parked: AtomicU32,
}

/// Finds out how cheap an exclusive unlock can be here; once per process.
///
/// Until somebody has called this, or has waited for a lock, an exclusive unlock costs a fence. The
/// first call costs a system call, or a few milliseconds in a process that has threads already; later
/// calls cost one load.
///
/// Maps do what it does when they are made, so that their users need not.
///
/// ```
/// use map_core::lock::{RawLock, prepare};
///
/// // Before there are threads: that is when it is cheap.
/// prepare();
/// let lock = RawLock::new();
/// assert!(lock.try_lock_exclusive().is_some());
/// ```
#[inline]
pub fn prepare() {
    barrier::prepare();
}

impl RawLock {
    const_fn! {
        /// Makes a lock that nobody holds. Allocates nothing, then or later.
        ///
        /// ```
        /// use map_core::lock::RawLock;
        ///
        /// static LOCK: RawLock = RawLock::new();
        /// assert!(!LOCK.is_locked());
        /// ```
        #[inline]
        pub fn new() -> Self {
            Self { state: AtomicU32::new(0), parked: AtomicU32::new(FENCED) }
        }
    }

    /// The same, after [`prepare`]: if leaving it takes no fence, it need not learn so.
    pub(crate) fn prepared() -> Self {
        prepare();
        let lock = Self::new();
        if barrier::is_asymmetric() {
            // Relaxed: nobody else has the lock yet.
            lock.parked.store(0, Ordering::Relaxed);
        }
        lock
    }

    /// Takes a shared hold if nobody has any hold: the cheapest try, for callers that count how
    /// often they meet somebody. One compare-exchange; never waits.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let first = lock.try_lock_shared_alone();
    /// assert!(first.is_some());
    /// assert!(lock.try_lock_shared_alone().is_none(), "there is a reader");
    /// assert!(lock.try_lock_shared().is_some(), "which does not matter to another");
    /// ```
    #[inline]
    pub fn try_lock_shared_alone(&self) -> Option<SharedToken> {
        self.try_first_shared().ok()
    }

    /// The first guess is that nobody is here; otherwise says what was seen.
    #[inline]
    fn try_first_shared(&self) -> Result<SharedToken, u32> {
        // Acquire: pairs with the Release stores of exclusive unlocks and downgrades, of which every
        // later change of `state` is a read-modify-write; receives what was written under the lock.
        self.state
            .compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed)
            .map(|_| SharedToken(()))
    }

    /// Takes a shared hold if that needs no waiting: no writer is inside or sleeps at the gate. One
    /// compare-exchange if nobody has it, some more among readers that come and go.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let one = lock.try_lock_shared();
    /// let two = lock.try_lock_shared();
    /// assert!(one.is_some() && two.is_some());
    /// assert!(lock.try_lock_exclusive().is_none());
    /// ```
    #[inline]
    pub fn try_lock_shared(&self) -> Option<SharedToken> {
        self.try_first_shared()
            .or_else(|seen| self.try_join_shared(seen))
            .ok()
    }

    /// The guesses after the first, which saw `seen`: that only readers are here.
    #[inline]
    fn try_join_shared(&self, mut seen: u32) -> Result<SharedToken, u32> {
        // The two flags are the highest bits, so one comparison asks for them and for room.
        while seen < MAX_SHARED {
            // Acquire: as above.
            match self.state.compare_exchange_weak(
                seen,
                seen + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(SharedToken(())),
                Err(now) => seen = now,
            }
        }
        Err(seen)
    }

    /// Whether no writer is inside or sleeps at the gate, for a reader that has announced itself.
    #[inline(always)]
    pub(crate) fn admits_announced(&self) -> bool {
        // SeqCst: after the announcement, with each change of `state` to `WRITER`. Acquire: pairs with
        // the Release in every unlock; receives what was written under the lock.
        self.state.load(Ordering::SeqCst) < GATE
    }

    /// Lets no announced reader in, in a lane, whose lock nobody takes: it says but this.
    #[inline]
    pub(crate) fn shut(&self) {
        // SeqCst: before a look for announced readers, with the load in `admits_announced`.
        self.state.swap(WRITER, Ordering::SeqCst);
    }

    /// Says whether there are lanes beside this lock, for its exclusive holder.
    pub(crate) fn set_lanes(&self, are: bool) {
        // Relaxed: for exclusive holders.
        match are {
            true => self.parked.fetch_or(LANES, Ordering::Relaxed),
            false => self.parked.fetch_and(!LANES, Ordering::Relaxed),
        };
    }

    /// Whether there are, for the same.
    pub(crate) fn has_lanes(&self) -> bool {
        // Relaxed: as above.
        self.parked.load(Ordering::Relaxed) & LANES != 0
    }

    /// Lets them in again.
    #[inline]
    pub(crate) fn open(&self) {
        // Release: pairs with the Acquire in `admits_announced`.
        self.state.store(0, Ordering::Release);
    }

    /// Takes the lock exclusively if that needs no waiting: nobody is inside or sleeps at the gate. One
    /// compare-exchange.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let hold = lock.try_lock_exclusive();
    /// assert!(hold.is_some());
    /// assert!(lock.try_lock_shared().is_none() && lock.try_lock_exclusive().is_none());
    /// ```
    #[inline]
    pub fn try_lock_exclusive(&self) -> Option<ExclusiveToken> {
        // Acquire: pairs with the Release in every unlock; receives what was written under the lock,
        // and comes after what was read there. SeqCst: before a scan for announced readers, with the
        // load in `admits_announced`.
        match self
            .state
            .compare_exchange(0, WRITER, Ordering::SeqCst, Ordering::Relaxed)
        {
            Ok(_) => Some(ExclusiveToken(())),
            Err(_) => None,
        }
    }

    /// Takes a shared hold; waits while a writer is inside, and about a millisecond while one sleeps
    /// at the gate.
    ///
    /// # Panics
    ///
    /// If there are 2^29 shared holds.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let hold = lock.lock_shared();
    /// assert!(lock.is_locked() && !lock.is_locked_exclusive());
    /// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    /// unsafe { lock.unlock_shared(hold) };
    /// ```
    #[inline]
    pub fn lock_shared(&self) -> SharedToken {
        match self.try_lock_shared() {
            Some(token) => token,
            None => self
                .lock_shared_slow(None)
                .expect("a wait without a deadline ends with the lock"),
        }
    }

    /// Takes the lock exclusively; waits while anybody is inside.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let hold = lock.lock_exclusive();
    /// assert!(lock.is_locked_exclusive());
    /// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    /// unsafe { lock.unlock_exclusive(hold) };
    /// ```
    #[inline]
    pub fn lock_exclusive(&self) -> ExclusiveToken {
        match self.try_lock_exclusive() {
            Some(token) => token,
            None => self
                .lock_exclusive_slow(None)
                .expect("a wait without a deadline ends with the lock"),
        }
    }

    /// As [`lock_shared`](Self::lock_shared), but does not wait for writers that wait: for a thread that may
    /// have a shared hold already. Those writers wait on; used by all readers all the time, this keeps
    /// them out.
    ///
    /// # Panics
    ///
    /// If there are 2^29 shared holds.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let outer = lock.lock_shared();
    /// // Whether or not a writer has come meanwhile.
    /// let inner = lock.lock_shared_recursive();
    /// assert!(lock.try_lock_exclusive().is_none());
    /// // SAFETY: 1. the holds are of this lock; 2. nothing is used under them any more.
    /// unsafe {
    ///     lock.unlock_shared(inner);
    ///     lock.unlock_shared(outer);
    /// }
    /// assert!(!lock.is_locked());
    /// ```
    #[inline]
    pub fn lock_shared_recursive(&self) -> SharedToken {
        self.try_lock_shared().unwrap_or_else(|| {
            self.wait_shared(None, slow::Gate::Passed)
                .expect("a wait without a deadline ends with the lock")
        })
    }

    /// As [`lock_shared`](Self::lock_shared), but gives up after `timeout`.
    ///
    /// # Panics
    ///
    /// If there are 2^29 shared holds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let writer = lock.lock_exclusive();
    /// assert!(lock.lock_shared_for(Duration::from_millis(1)).is_none());
    /// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    /// unsafe { lock.unlock_exclusive(writer) };
    /// assert!(lock.lock_shared_for(Duration::from_millis(1)).is_some());
    /// ```
    #[inline]
    pub fn lock_shared_for(&self, timeout: Duration) -> Option<SharedToken> {
        self.try_lock_shared()
            .or_else(|| self.lock_shared_slow(Instant::now().checked_add(timeout)))
    }

    /// As [`lock_exclusive`](Self::lock_exclusive), but gives up after `timeout`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let reader = lock.lock_shared();
    /// assert!(lock.lock_exclusive_for(Duration::from_millis(1)).is_none());
    /// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    /// unsafe { lock.unlock_shared(reader) };
    /// assert!(lock.lock_exclusive_for(Duration::from_millis(1)).is_some());
    /// ```
    #[inline]
    pub fn lock_exclusive_for(&self, timeout: Duration) -> Option<ExclusiveToken> {
        self.try_lock_exclusive()
            .or_else(|| self.lock_exclusive_slow(Instant::now().checked_add(timeout)))
    }

    /// Adds `n` shared holds to the one that `held` stands for. Each is given back by itself, with
    /// [`SharedToken::of_added_hold`], or all at once by
    /// [`unlock_shared_many`](Self::unlock_shared_many). Never waits. One atomic read-modify-write, whatever
    /// `n` is.
    ///
    /// # Panics
    ///
    /// If there would be more than 2^29 shared holds; then none is added.
    ///
    /// ```
    /// use map_core::lock::{RawLock, SharedToken};
    ///
    /// let lock = RawLock::new();
    /// let own = lock.lock_shared();
    /// lock.add_shared(&own, 2);
    /// // SAFETY: 1. three holds of this lock, one by one; 2. nothing is used under them any more.
    /// unsafe {
    ///     lock.unlock_shared(own);
    ///     lock.unlock_shared(SharedToken::of_added_hold());
    ///     assert!(lock.is_locked());
    ///     lock.unlock_shared(SharedToken::of_added_hold());
    /// }
    /// assert!(!lock.is_locked());
    /// ```
    pub fn add_shared(&self, held: &SharedToken, n: u32) {
        let SharedToken(()) = held;
        // Relaxed: the caller's own hold has received what these holds may read, and whoever passes
        // them on orders that; what is read under them is ordered by the Release that ends them.
        let mut seen = self.state.load(Ordering::Relaxed);
        loop {
            debug_assert!(seen & WRITER == 0 && seen & READERS != 0, "nothing is held");
            let count = (seen & READERS).checked_add(n);
            assert!(
                count.is_some_and(|count| count <= MAX_SHARED),
                "too many shared holds of one lock: guards were forgotten, or never dropped"
            );
            match self.state.compare_exchange_weak(
                seen,
                seen + n,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// Whether anybody holds the lock; already history when it is returned. One load.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// assert!(!lock.is_locked());
    /// let hold = lock.lock_shared();
    /// assert!(lock.is_locked());
    /// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    /// unsafe { lock.unlock_shared(hold) };
    /// ```
    #[inline]
    pub fn is_locked(&self) -> bool {
        // Relaxed: a hint; nothing is read because of it.
        self.state.load(Ordering::Relaxed) & (WRITER | READERS) != 0
    }

    /// Whether somebody holds the lock exclusively; already history when it is returned. One load.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let hold = lock.lock_shared();
    /// assert!(!lock.is_locked_exclusive());
    /// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    /// unsafe { lock.unlock_shared(hold) };
    /// ```
    #[inline]
    pub fn is_locked_exclusive(&self) -> bool {
        // Relaxed: as in `is_locked`.
        self.state.load(Ordering::Relaxed) & WRITER != 0
    }

    /// Ends `n` shared holds; `fair`: if that frees the lock, gives it to who waits.
    #[inline]
    fn release_shared(&self, n: u32, fair: bool) {
        // Release: pairs with the Acquire in `try_lock_exclusive`, `lock_exclusive_slow` and
        // `wake_slow`; what was read under the hold comes before what the next writer writes.
        let before = self.state.fetch_sub(n, Ordering::Release);
        debug_assert!(
            before & WRITER == 0 && before & READERS >= n,
            "nothing is held"
        );
        if before == GATE + n {
            self.wake_slow(fair);
        }
    }

    /// Ends an exclusive hold under which nothing was done, for there are announced readers.
    #[cold]
    pub(crate) fn turn_away(&self, token: ExclusiveToken) {
        let ExclusiveToken(()) = token;
        self.release_exclusive(false);
    }

    /// Ends the exclusive hold; `fair`: gives the lock to who waits.
    #[inline]
    fn release_exclusive(&self, fair: bool) {
        if self.is_flagged() {
            return self.release_exclusive_flagged(fair);
        }
        self.release_exclusive_unflagged(fair);
    }

    /// Whether there is more to leaving exclusively than a store and a look, as far as the holder can see.
    #[inline(always)]
    fn is_flagged(&self) -> bool {
        // Relaxed: of the sleepers' flags only a shortcut, the load after the store is the one that counts; that there is no
        // `FENCED` tells of the fence what is true for good; and `LANES` are changed by exclusive holders alone.
        self.parked.load(Ordering::Relaxed) != 0
    }

    /// The same where no flag was seen.
    #[inline(always)]
    fn release_exclusive_unflagged(&self, fair: bool) {
        // Release: pairs with the Acquire in each way to take the lock; publishes what was written
        // under it. A store will do: while `WRITER` is set, `state` is ours.
        self.state.store(0, Ordering::Release);
        // Between the store and the load. Pairs with the heavy barrier in `announce`: one who goes to
        // sleep has seen the store, or is seen by the load.
        barrier::light_if_asymmetric();
        // Relaxed: ordered by the barrier.
        if self.parked.load(Ordering::Relaxed) & ANY_PARKED != 0 {
            self.wake_slow(fair);
        }
    }

    /// The same where some flag was seen: somebody sleeps, or it takes a fence, or there are lanes, which is not this one's business.
    #[inline(never)]
    fn release_exclusive_flagged(&self, fair: bool) {
        // Relaxed: as above.
        let parked = self.parked.load(Ordering::Relaxed);
        if parked & ANY_PARKED != 0 {
            return self.release_exclusive_slow(fair, true);
        }
        if parked & FENCED != 0 && barrier::is_asymmetric() {
            // Relaxed: see `light_if_asymmetric`.
            self.parked.fetch_and(!FENCED, Ordering::Relaxed);
        }
        // As above, with the fence if there is one.
        self.state.store(0, Ordering::Release);
        barrier::light();
        if self.parked.load(Ordering::Relaxed) & ANY_PARKED != 0 {
            self.wake_slow(fair);
        }
    }

    /// Turns the exclusive hold into a shared one and lets parked readers in.
    #[inline]
    fn turn_shared(&self) {
        // Release: pairs with the Acquire of other readers; publishes what was written under the
        // lock. Our own hold is counted in it, so `WRITER` cannot come back before we leave.
        self.state.store(1, Ordering::Release);
        // As in `release_exclusive`.
        barrier::light();
        // Relaxed: ordered by the barrier.
        if self.parked.load(Ordering::Relaxed) & ANY_PARKED != 0 {
            self.admit_readers(slow::Batches::Forget);
        }
    }
}

impl Default for RawLock {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(
    unsafe_code,
    reason = "giving back a hold that one does not have breaks the guards of others"
)]
impl RawLock {
    /// Ends one shared hold, on any thread. Never waits for the lock; wakes a writer if one waits and this
    /// was the last hold.
    ///
    /// One atomic read-modify-write; the wake is a system call.
    ///
    /// # Safety
    ///
    /// 1. `token` stands for a hold of this lock.
    /// 2. Nothing that the hold protects is used any more.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let hold = lock.lock_shared();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    ///         unsafe { lock.unlock_shared(hold) }
    ///     });
    /// });
    /// assert!(!lock.is_locked());
    /// ```
    #[inline]
    pub unsafe fn unlock_shared(&self, token: SharedToken) {
        let SharedToken(()) = token;
        self.release_shared(1, false);
    }

    /// Ends `n` shared holds that [`add_shared`](Self::add_shared) has added. Costs what one
    /// [`unlock_shared`](Self::unlock_shared) does.
    ///
    /// # Safety
    ///
    /// 1. `n` added holds of this lock have not been ended yet, and no token is used for them.
    /// 2. Nothing that they protect is used any more.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let own = lock.lock_shared();
    /// lock.add_shared(&own, 9);
    /// // SAFETY: 1. nine holds were added, and one was there; 2. nothing is used under them any more.
    /// unsafe {
    ///     lock.unlock_shared_many(9);
    ///     lock.unlock_shared(own);
    /// }
    /// assert!(!lock.is_locked());
    /// ```
    #[inline]
    pub unsafe fn unlock_shared_many(&self, n: u32) {
        if n != 0 {
            self.release_shared(n, false);
        }
    }

    /// Ends the exclusive hold, on any thread. Never waits for the lock; wakes who waits.
    ///
    /// A plain store and two loads where [`prepare`] has found a cheap fence, but for the lock's first time; a fence
    /// more elsewhere; the wake is a system call.
    ///
    /// # Safety
    ///
    /// 1. `token` stands for the exclusive hold of this lock.
    /// 2. Nothing that the hold protects is used any more.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let hold = lock.lock_exclusive();
    /// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    /// unsafe { lock.unlock_exclusive(hold) };
    /// assert!(!lock.is_locked());
    /// ```
    #[inline]
    pub unsafe fn unlock_exclusive(&self, token: ExclusiveToken) {
        let ExclusiveToken(()) = token;
        self.release_exclusive(false);
    }

    /// The same, unless there are lanes: then the hold stays, so that they can be opened before it ends.
    ///
    /// # Safety
    ///
    /// 1., 2. As for [`unlock_exclusive`](Self::unlock_exclusive).
    #[inline(always)]
    pub(crate) unsafe fn unlock_exclusive_alone(
        &self,
        token: ExclusiveToken,
    ) -> Result<(), ExclusiveToken> {
        if self.is_flagged() {
            // Relaxed: as in there.
            if self.parked.load(Ordering::Relaxed) & LANES != 0 {
                return Err(token);
            }
            self.release_exclusive_flagged(false);
        } else {
            self.release_exclusive_unflagged(false);
        }
        Ok(())
    }

    /// Turns the exclusive hold into a shared one, with no writer in between. Readers that wait get
    /// in too; writers stay at the gate.
    ///
    /// Never waits; costs what [`unlock_exclusive`](Self::unlock_exclusive) does.
    ///
    /// # Safety
    ///
    /// 1. `token` stands for the exclusive hold of this lock.
    /// 2. What the hold protects is from now on only read.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let writer = lock.lock_exclusive();
    /// // SAFETY: 1. the hold is of this lock; 2. from now on there is only reading.
    /// let reader = unsafe { lock.downgrade(writer) };
    /// let other = lock.try_lock_shared();
    /// assert!(other.is_some() && lock.try_lock_exclusive().is_none());
    /// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    /// unsafe { lock.unlock_shared(reader) };
    /// ```
    #[inline]
    pub unsafe fn downgrade(&self, token: ExclusiveToken) -> SharedToken {
        let ExclusiveToken(()) = token;
        self.turn_shared();
        SharedToken(())
    }
}
