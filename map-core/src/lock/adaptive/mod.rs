//! A read-write lock that goes by how it is used.
//!
//! It is the word lock [`RawLock`] with a [`Bias`] beside it; those two keep people apart, and their modules
//! say how. What is added here changes no more than who tries what first: the [`Behaviour`], which is a hint.
//!
//! # The story
//!
//! *Biased*: a reader announces itself. If it cannot (the bias is not armed, its slot is taken, a writer is there), it
//! counts itself in the lock, and with that hold in hand it arms the bias. *Shared*: a reader counts itself.
//! A writer does the same thing always: it takes the lock, and if the bias is not clear, looks through the
//! slots. If it is admitted while the lock is not biased it disarms the bias, so that the next one need not look.
//!
//! *Exclusive*: all take turns, readers too, though not by a rule but by keeping off. A reader counts itself at once only if
//! nobody is inside; a reader or writer that meets somebody stays off the lock's cache line for some twenty microseconds, with four
//! looks, and takes the lock if it is free then. After that it does as ever: a reader joins readers, a writer
//! waits for them, both sleep if they must. So whoever has the lock gets it back a thousand times without another
//! core's having fetched the line, which takes longer than a short section does; and what keeping off adds to a wait, for a
//! thread's own guard too, is no more than those microseconds.
//!
//! *Announced readers name the lock* by a number that no other lock ever has, given to it when its bias is first to be
//! armed. Not by its address: a guard that was forgotten would haunt the next lock there.
//!
//! *Deciding.* A shared lock is quiet as long as nobody meets anybody: then nothing is counted, for one thread alone needs no other
//! behaviour. Who meets somebody, be it a reader that meets a reader, has acquisitions counted for a while, those of a biased or
//! exclusive lock always are. Of those that are counted, one in about 256 of a thread is a sample. Samples of reads and writes move the balance of the
//! [`Tally`](crate::lock::tally::Tally), which says whether announcements pay. Samples also count
//! acquisitions, and those that had to wait count conflicts, on their slow path: one, and one more for each 64 ns, for
//! where threads take turns conflicts are rare and long. The share of conflicts makes the lock exclusive, and ends that, if
//! the pace of acquisitions says that turns are worth taking: if a thread comes back sooner than a cache line is fetched.
//! Samples tell the pace, by the time between them. Readers that kept off in vain end it too, since somebody stays
//! inside for long. What was ended so is tried again after some windows.

mod api;
mod config;
mod decide;
mod mode;
mod paths;
mod record;
#[cfg(all(test, not(crossbeam_loom)))]
mod tests;

use std::fmt;
use std::mem::ManuallyDrop;
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;

use super::bias::Bias;
use super::slots::{self, Announced};
use super::slow::Gate;
use super::{ExclusiveToken, RawLock, SharedToken};
use crate::sync::atomic::AtomicUsize;
use crate::sync::const_fn;

pub use api::{AdaptiveRwLock, AdaptiveRwLockReadGuard, AdaptiveRwLockWriteGuard, Control};
pub use config::{Behaviour, Config, ConfigError, Stats};
use mode::Mode;
use paths::Among;
use record::Record;

/// So many samples and conflicts pass before a lock has memory for what it learns from them.
const BEFORE_RECORD: u8 = 16;

/// A read-write lock without data that goes by how it is used. [`AdaptiveRwLock`] is the one with data.
///
/// As a lock it is [`RawLock`]: it keeps no thread identity, holds may be given back on any thread, neither side starves. On top it
/// has three behaviours, and turns from one to another by itself, or as [`set_config`](Self::set_config) says:
///
/// - *shared*, as it is made: readers count themselves in the lock.
/// - *biased*, if it is nearly always read, by readers that meet: they announce themselves, each in a slot of its own
///   thread, and write to nothing that others write to.
/// - *exclusive*, if it is fought over by threads that want it all the time, and each for less than it takes to get a
///   cache line from another core: who meets anybody, be it a reader that meets a reader, keeps off for some 20 microseconds,
///   so that who has the lock can take it many times in a row. It is no different lock: after that time
///   readers are inside together as ever, and `try_` and recursive reads are as soon.
///
/// # Costs
///
/// 80 bytes (on 64-bit machines): what each acquisition writes lies 64 bytes behind what readers look at first, and next to
/// the data. Uncontended, a reader costs one atomic read-modify-write; to leave, another if it
/// was counted, or a store if it was announced. A writer costs one read-modify-write and a plain store to
/// leave. While readers announce themselves each writer also looks through the slots of all threads that read by any such lock, a cache line
/// for each.
///
/// Once somebody has met another, and for some 30,000 acquisitions from then on, or as long as the lock is not shared, each acquisition counts
/// down in a thread-local variable, and one in about 256 takes notes. After 16 such notes the lock allocates 128 bytes, which it keeps until it is dropped, and calls [`prepare`](super::prepare); a thread's first announcement allocates a
/// slot of 128 bytes, which is passed on to other threads and never freed. So it does not suit a
/// global allocator. A thread can announce three holds at once, of all locks and guards of maps, and counts itself for any more.
///
/// Dropping a lock that was ever biased looks through all slots.
///
/// # Waiting
///
/// As [`RawLock`] does it; while the lock is exclusive, after having kept off for those 20 microseconds, a second shared
/// hold of one thread too. In addition a writer waits for announced readers: for a moment with the lock in
/// its hands, then without it, asleep for a millisecond at most at a time; and `try_lock_exclusive` does
/// for that moment. A thread that has a shared hold and asks for another while a writer waits gets it within about
/// a millisecond, by [`lock_shared_recursive`](Self::lock_shared_recursive) at once. One that asks for an exclusive hold while it
/// has any hold waits for ever.
///
/// A hold that was forgotten lasts as long as the lock.
///
/// # What it has not
///
/// No upgradable holds: [`RawLock`] has none, and an upgrade could not do as other writers do, who let go of the
/// lock while they wait for announced readers, lest a reader among them wait for it once more. lock_api 0.5 has no
/// traits for recursive reads ([`Control::read_recursive`] is there instead) and for fair unlocks with a
/// deadline.
///
/// ```
/// use map_core::lock::{AdaptiveRwLock, Behaviour, Control};
///
/// static ROUTES: AdaptiveRwLock<Vec<&str>> = AdaptiveRwLock::new(Vec::new());
///
/// ROUTES.write().push("/");
/// // One that others meet.
/// let reader = ROUTES.read();
/// for _ in 0..100_000 {
///     assert_eq!(ROUTES.read().len(), 1);
/// }
/// drop(reader);
/// assert_eq!(ROUTES.stats().behaviour, Behaviour::Biased);
/// ```
#[repr(C)]
pub struct AdaptiveRawRwLock {
    /// A [`Config`], and what is tried first.
    mode: Mode,
    /// What announced readers call it; 0: nothing, and the bias was never armed. Set once, before
    /// the bias is armed for the first time.
    name: AtomicUsize,
    record: OnceBox<Record>,
    /// Keeps what readers look at first from the line that is written by each acquisition: else they
    /// would fetch it twice, once to look and once to write.
    apart: Apart,
    lock: RawLock,
    /// Whether readers may announce themselves: decisive.
    bias: Bias,
}

/// Nothing, up to the next cache line.
type Apart = [u8; 64 - 8 - size_of::<(AtomicUsize, OnceBox<Record>)>()];

/// One shared hold of an [`AdaptiveRawRwLock`], counted in the lock or announced in a slot.
///
/// Forgetting or dropping it leaves the lock held: it is to be given back.
///
/// ```
/// use lock_api::RawRwLock as _;
/// use map_core::lock::{AdaptiveRawRwLock, SharedHold};
///
/// let lock = AdaptiveRawRwLock::new();
/// let hold: SharedHold = lock.lock_shared();
/// assert!(lock.is_locked());
/// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
/// unsafe { lock.unlock_shared(hold) };
/// assert!(!lock.is_locked());
/// ```
#[must_use = "the lock stays held until this is given back"]
#[derive(Debug)]
pub struct SharedHold(Reader);

/// What keeps writers out.
#[derive(Debug)]
enum Reader {
    Counted(SharedToken),
    /// Taken back by who unlocks, not by a drop: the hold may outlive its lock.
    Announced(ManuallyDrop<Announced>),
}

impl AdaptiveRawRwLock {
    const_fn! {
        /// Makes a lock that nobody holds, with the [default](Config::DEFAULT) configuration. Allocates
        /// nothing.
        ///
        /// ```
        /// use map_core::lock::AdaptiveRawRwLock;
        ///
        /// static LOCK: AdaptiveRawRwLock = AdaptiveRawRwLock::new();
        /// assert!(!LOCK.is_locked());
        /// ```
        #[inline]
        pub fn new() -> Self {
            Self {
                mode: Mode::new(),
                name: AtomicUsize::new(0),
                record: OnceBox::new(),
                apart: [0; size_of::<Apart>()],
                lock: RawLock::new(),
                bias: Bias::new(),
            }
        }
    }

    /// Takes a shared hold. Waits while a writer is inside, and about a millisecond while one waits.
    ///
    /// # Panics
    ///
    /// If there are 2^29 counted holds.
    ///
    /// ```
    /// use lock_api::RawRwLock as _;
    /// use map_core::lock::AdaptiveRawRwLock;
    ///
    /// let lock = AdaptiveRawRwLock::new();
    /// let (one, two) = (lock.lock_shared(), lock.lock_shared());
    /// assert!(lock.try_lock_exclusive().is_none());
    /// // SAFETY: 1. the holds are of this lock; 2. nothing is used under them any more.
    /// unsafe {
    ///     lock.unlock_shared(one);
    ///     lock.unlock_shared(two);
    /// }
    /// assert!(lock.try_lock_exclusive().is_some());
    /// ```
    #[inline]
    pub fn lock_shared(&self) -> SharedHold {
        match self.lock_shared_fast(Among::Few) {
            Some(hold) => hold,
            None => self
                .lock_shared_slow(None, Gate::Respected)
                .expect("a wait without a deadline ends with the lock"),
        }
    }

    /// Takes a shared hold; waits while a writer is inside, but for no writer that waits. For a thread that may
    /// have a shared hold already. Used by all readers all the time, it keeps writers out.
    ///
    /// # Panics
    ///
    /// If there are 2^29 counted holds.
    ///
    /// ```
    /// use lock_api::RawRwLock as _;
    /// use map_core::lock::AdaptiveRawRwLock;
    ///
    /// let lock = AdaptiveRawRwLock::new();
    /// let outer = lock.lock_shared();
    /// let inner = lock.lock_shared_recursive();
    /// // SAFETY: 1. the holds are of this lock; 2. nothing is used under them any more.
    /// unsafe {
    ///     lock.unlock_shared(inner);
    ///     lock.unlock_shared(outer);
    /// }
    /// assert!(!lock.is_locked());
    /// ```
    #[inline]
    pub fn lock_shared_recursive(&self) -> SharedHold {
        match self.lock_shared_fast(Among::Readers) {
            Some(hold) => hold,
            None => self
                .lock_shared_slow(None, Gate::Passed)
                .expect("a wait without a deadline ends with the lock"),
        }
    }

    /// Takes a shared hold if that needs no waiting: no writer is inside or waits. Readers are no
    /// obstacle.
    ///
    /// ```
    /// use map_core::lock::AdaptiveRawRwLock;
    ///
    /// let lock = AdaptiveRawRwLock::new();
    /// let writer = lock.lock_exclusive();
    /// assert!(lock.try_lock_shared().is_none());
    /// assert!(lock.is_locked_exclusive());
    /// # drop(writer);
    /// ```
    #[inline]
    pub fn try_lock_shared(&self) -> Option<SharedHold> {
        self.lock_shared_fast(Among::Readers)
            .or_else(|| self.try_lock_shared_slow())
    }

    /// As [`lock_shared`](Self::lock_shared), but gives up at the deadline.
    fn lock_shared_until(&self, deadline: Option<Instant>) -> Option<SharedHold> {
        self.lock_shared_fast(Among::Few)
            .or_else(|| self.lock_shared_slow(deadline, Gate::Respected))
    }

    /// Takes the lock exclusively; waits while anybody is inside.
    ///
    /// ```
    /// use lock_api::RawRwLock as _;
    /// use map_core::lock::AdaptiveRawRwLock;
    ///
    /// let lock = AdaptiveRawRwLock::new();
    /// let hold = lock.lock_exclusive();
    /// assert!(lock.try_lock_shared().is_none());
    /// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    /// unsafe { lock.unlock_exclusive(hold) };
    /// assert!(lock.try_lock_shared().is_some());
    /// ```
    #[inline]
    pub fn lock_exclusive(&self) -> ExclusiveToken {
        match self.lock_exclusive_fast() {
            Ok(token) => token,
            Err(unadmitted) => self
                .lock_exclusive_slow(unadmitted, None)
                .expect("a wait without a deadline ends with the lock"),
        }
    }

    /// Takes the lock exclusively if nobody is inside. Announced readers are given a moment to leave.
    ///
    /// ```
    /// use map_core::lock::AdaptiveRawRwLock;
    ///
    /// let lock = AdaptiveRawRwLock::new();
    /// let reader = lock.try_lock_shared();
    /// assert!(reader.is_some() && lock.try_lock_exclusive().is_none());
    /// ```
    #[inline]
    pub fn try_lock_exclusive(&self) -> Option<ExclusiveToken> {
        match self.lock_exclusive_fast() {
            Ok(token) => Some(token),
            Err(unadmitted) => self.try_lock_exclusive_slow(unadmitted),
        }
    }

    /// As [`lock_exclusive`](Self::lock_exclusive), but gives up at the deadline.
    fn lock_exclusive_until(&self, deadline: Option<Instant>) -> Option<ExclusiveToken> {
        match self.lock_exclusive_fast() {
            Ok(token) => Some(token),
            Err(unadmitted) => self.lock_exclusive_slow(unadmitted, deadline),
        }
    }

    /// Whether anybody holds the lock; already history when it is returned. Looks through the slots of all
    /// threads that read if the lock was ever biased.
    ///
    /// ```
    /// use map_core::lock::AdaptiveRawRwLock;
    ///
    /// let lock = AdaptiveRawRwLock::new();
    /// assert!(!lock.is_locked());
    /// let reader = lock.try_lock_shared();
    /// assert!(reader.is_some() && lock.is_locked());
    /// ```
    pub fn is_locked(&self) -> bool {
        let name = self.known_name();
        self.lock.is_locked() || name != 0 && self.bias.has_announced(name)
    }

    /// Whether a writer holds the lock, or looks whether it may; already history when it is returned. One load.
    ///
    /// ```
    /// use map_core::lock::AdaptiveRawRwLock;
    ///
    /// let lock = AdaptiveRawRwLock::new();
    /// let reader = lock.try_lock_shared();
    /// assert!(reader.is_some() && !lock.is_locked_exclusive());
    /// ```
    #[inline]
    pub fn is_locked_exclusive(&self) -> bool {
        self.lock.is_locked_exclusive()
    }

    /// How the behaviour is chosen. One load of a word.
    ///
    /// ```
    /// use map_core::lock::{AdaptiveRawRwLock, Config};
    ///
    /// assert_eq!(AdaptiveRawRwLock::new().config(), Config::DEFAULT);
    /// ```
    pub fn config(&self) -> Config {
        self.mode.load().config()
    }

    /// Changes how the behaviour is chosen, from now on; at any time, by anybody. Never waits. May allocate the
    /// lock's memory of 128 bytes.
    ///
    /// # Errors
    ///
    /// If a share is none, or does not go with the other; then nothing is changed.
    ///
    /// ```
    /// use map_core::ReadBias;
    /// use map_core::lock::{AdaptiveRawRwLock, Behaviour, Config, ConfigError};
    ///
    /// let lock = AdaptiveRawRwLock::new();
    /// lock.set_config(Config { bias: ReadBias::Always, ..Config::DEFAULT })?;
    /// assert_eq!(lock.stats().behaviour, Behaviour::Biased);
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn set_config(&self, config: Config) -> Result<(), ConfigError> {
        self.configure(config.check()?);
        Ok(())
    }

    /// Turns the lock as a decision would: for models, in which nothing is sampled, and so nothing decided.
    #[cfg(crossbeam_loom)]
    #[doc(hidden)]
    pub fn turn_in_model(&self, to: Behaviour) {
        while !self.mode.turn(self.mode.load(), to) {}
    }

    /// What has become of the lock. Some loads; takes no lock.
    ///
    /// ```
    /// use map_core::lock::AdaptiveRawRwLock;
    ///
    /// let stats = AdaptiveRawRwLock::new().stats();
    /// assert_eq!((stats.revocations, stats.revocation_time.as_nanos()), (0, 0));
    /// ```
    pub fn stats(&self) -> Stats {
        let behaviour = self.mode.load().behaviour();
        match self.record.get() {
            Some(record) => record.stats(behaviour),
            None => Record::default().stats(behaviour),
        }
    }
}

impl SharedHold {
    #[inline(always)]
    fn counted(token: SharedToken) -> Self {
        Self(Reader::Counted(token))
    }

    #[inline(always)]
    fn announced(announced: Announced) -> Self {
        Self(Reader::Announced(ManuallyDrop::new(announced)))
    }
}

impl Default for AdaptiveRawRwLock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AdaptiveRawRwLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveRawRwLock")
            .field("behaviour", &self.mode.load().behaviour())
            .field("is_locked", &self.is_locked())
            .finish_non_exhaustive()
    }
}

impl Drop for AdaptiveRawRwLock {
    fn drop(&mut self) {
        let name = self.known_name();
        if name != 0 {
            // The threads whose guards were forgotten have the use of their slots again.
            slots::forget(|gone| gone == name);
        }
    }
}

/// The deadline after so much time; `None` if that is never.
fn after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}
