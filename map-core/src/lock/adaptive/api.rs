#![expect(unsafe_code, reason = "lock_api's traits are unsafe to implement")]
//! [`AdaptiveRawRwLock`] under lock_api's `RwLock`, whose guards are `Send`.

use std::mem::ManuallyDrop;
use std::time::{Duration, Instant};

use super::{
    AdaptiveRawRwLock, Config, ConfigError, ExclusiveToken, Reader, SharedHold, Stats, after,
};
use crate::sync::const_value;

/// A read-write lock around a value that goes by how it is used: see [`AdaptiveRawRwLock`]; [`Control`]
/// has what lock_api's type does not.
///
/// What it costs and when it waits is said of [`AdaptiveRawRwLock`]. It is not poisoned by a panic: the guard
/// is dropped, and the value is as it was left.
///
/// ```
/// use map_core::lock::AdaptiveRwLock;
///
/// let routes = AdaptiveRwLock::new(vec!["/"]);
/// routes.write().push("/about");
/// let (one, two) = (routes.read(), routes.read());
/// assert_eq!(one.len(), two.len());
/// assert!(routes.try_write().is_none());
/// ```
pub type AdaptiveRwLock<T> = lock_api::RwLock<AdaptiveRawRwLock, T>;
/// What [`AdaptiveRwLock::read`](lock_api::RwLock::read) returns. It may be dropped on another thread.
///
/// ```
/// use map_core::lock::{AdaptiveRwLock, AdaptiveRwLockReadGuard};
///
/// let lock = AdaptiveRwLock::new(7);
/// let guard: AdaptiveRwLockReadGuard<'_, i32> = lock.read();
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(guard));
/// });
/// assert!(lock.try_write().is_some());
/// ```
pub type AdaptiveRwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, AdaptiveRawRwLock, T>;
/// What [`AdaptiveRwLock::write`](lock_api::RwLock::write) returns. It may be dropped on another thread.
///
/// ```
/// use map_core::lock::{AdaptiveRwLock, AdaptiveRwLockWriteGuard};
///
/// let lock = AdaptiveRwLock::new(7);
/// let mut guard: AdaptiveRwLockWriteGuard<'_, i32> = lock.write();
/// *guard += 1;
/// let guard = AdaptiveRwLockWriteGuard::downgrade(guard);
/// assert_eq!((*guard, *lock.read()), (8, 8));
/// ```
pub type AdaptiveRwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, AdaptiveRawRwLock, T>;

// SAFETY: an exclusive hold excludes counted holds (as in `RawLock`) and announced ones (the story of
// `bias`); each lock acquires and each unlock releases, as noted at the operations; a forgotten hold leaves
// the lock held, and a held lock may be moved or dropped, for the queue is empty when nobody else can borrow
// it, and announcements name it by what moves with it and no other lock ever has; a lock operation
// panics only before it has taken a hold, an unlock never.
unsafe impl lock_api::RawRwLock for AdaptiveRawRwLock {
    const INIT: Self = const_value!(Self::new());

    type SharedGuard = SharedHold;
    type ExclusiveGuard = ExclusiveToken;

    #[inline]
    fn lock_shared(&self) -> SharedHold {
        self.lock_shared()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<SharedHold> {
        self.try_lock_shared()
    }

    #[inline]
    unsafe fn unlock_shared(&self, guard: SharedHold) {
        match guard.0 {
            Reader::Counted(token) => {
                // SAFETY: 1. and 2. are the caller's promise.
                unsafe { self.lock.unlock_shared(token) }
            }
            Reader::Announced(announced) => drop(ManuallyDrop::into_inner(announced)),
        }
    }

    #[inline]
    fn lock_exclusive(&self) -> ExclusiveToken {
        self.lock_exclusive()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<ExclusiveToken> {
        self.try_lock_exclusive()
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, guard: ExclusiveToken) {
        // SAFETY: 1. and 2. are the caller's promise.
        unsafe { self.lock.unlock_exclusive(guard) }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.is_locked()
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.is_locked_exclusive()
    }
}

// SAFETY: as above; the store of a downgrade releases, and the hold that it leaves is a counted one.
unsafe impl lock_api::RawRwLockDowngrade for AdaptiveRawRwLock {
    #[inline]
    unsafe fn downgrade(&self, guard: ExclusiveToken) -> SharedHold {
        // SAFETY: 1. and 2. are the caller's promise.
        SharedHold::counted(unsafe { self.lock.downgrade(guard) })
    }
}

// SAFETY: as above; a fair unlock differs in whom it wakes. A writer that waits for an announced reader is not in the
// queue: it looks for itself, and queues up next.
unsafe impl lock_api::RawRwLockFair for AdaptiveRawRwLock {
    #[inline]
    unsafe fn unlock_shared_fair(&self, guard: SharedHold) {
        match guard.0 {
            Reader::Counted(token) => {
                // SAFETY: the caller's promise.
                unsafe { lock_api::RawRwLockFair::unlock_shared_fair(&self.lock, token) }
            }
            Reader::Announced(announced) => drop(ManuallyDrop::into_inner(announced)),
        }
    }

    #[inline]
    unsafe fn unlock_exclusive_fair(&self, guard: ExclusiveToken) {
        // SAFETY: the caller's promise.
        unsafe { lock_api::RawRwLockFair::unlock_exclusive_fair(&self.lock, guard) }
    }
}

// SAFETY: as above; who gives up has left the queue and the count of revokers, and holds nothing.
unsafe impl lock_api::RawRwLockTimed for AdaptiveRawRwLock {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_shared_for(&self, timeout: Duration) -> Option<SharedHold> {
        self.lock_shared_until(after(timeout))
    }

    #[inline]
    fn try_lock_shared_until(&self, timeout: Instant) -> Option<SharedHold> {
        self.lock_shared_until(Some(timeout))
    }

    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<ExclusiveToken> {
        self.lock_exclusive_until(after(timeout))
    }

    #[inline]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> Option<ExclusiveToken> {
        self.lock_exclusive_until(Some(timeout))
    }
}

/// What an [`AdaptiveRwLock`] has and lock_api's type does not.
///
/// ```
/// use map_core::lock::{AdaptiveRwLock, Control};
///
/// let lock = AdaptiveRwLock::new(5);
/// let outer = lock.read();
/// let inner = lock.read_recursive();
/// assert_eq!(*outer, *inner);
/// assert_eq!(lock.stats().to_exclusive, 0);
/// ```
pub trait Control<T: ?Sized>: sealed::Sealed {
    /// As [`read`](lock_api::RwLock::read), but waits for no writer that waits itself: for a thread that may
    /// have a read guard already. Used by all readers all the time, it keeps writers out.
    ///
    /// Costs what `read` does.
    ///
    /// # Panics
    ///
    /// If there are 2^29 counted holds.
    ///
    /// ```
    /// use map_core::lock::{AdaptiveRwLock, Control};
    ///
    /// let lock = AdaptiveRwLock::new(5);
    /// let outer = lock.read();
    /// assert_eq!(*outer + *lock.read_recursive(), 10);
    /// ```
    fn read_recursive(&self) -> AdaptiveRwLockReadGuard<'_, T>;
    /// See [`AdaptiveRawRwLock::config`].
    ///
    /// ```
    /// use map_core::lock::{AdaptiveRwLock, Config, Control};
    ///
    /// assert_eq!(AdaptiveRwLock::new(5).config(), Config::DEFAULT);
    /// ```
    fn config(&self) -> Config;
    /// See [`AdaptiveRawRwLock::set_config`].
    ///
    /// # Errors
    ///
    /// If a share is none, or does not go with the other; then nothing is changed.
    ///
    /// ```
    /// use map_core::ReadBias;
    /// use map_core::lock::{AdaptiveRwLock, Config, Control};
    ///
    /// let lock = AdaptiveRwLock::new(5);
    /// let readers = Config { bias: ReadBias::Always, ..Config::DEFAULT };
    /// assert_eq!(lock.set_config(readers), Ok(()));
    /// assert_eq!(lock.config(), readers);
    /// ```
    fn set_config(&self, config: Config) -> Result<(), ConfigError>;
    /// See [`AdaptiveRawRwLock::stats`].
    ///
    /// ```
    /// use map_core::lock::{AdaptiveRwLock, Behaviour, Control};
    ///
    /// assert_eq!(AdaptiveRwLock::new(5).stats().behaviour, Behaviour::Shared);
    /// ```
    fn stats(&self) -> Stats;
}

mod sealed {
    /// There is one such type.
    #[expect(unnameable_types, reason = "it is to seal a trait")]
    pub trait Sealed {}
    impl<T: ?Sized> Sealed for super::AdaptiveRwLock<T> {}
}

/// Its own lock: no operation that is called on it here unlocks it.
fn raw<T: ?Sized>(lock: &AdaptiveRwLock<T>) -> &AdaptiveRawRwLock {
    // SAFETY: it is not used to unlock what a guard holds.
    unsafe { lock.raw() }
}

impl<T: ?Sized> Control<T> for AdaptiveRwLock<T> {
    #[inline]
    fn read_recursive(&self) -> AdaptiveRwLockReadGuard<'_, T> {
        let hold = raw(self).lock_shared_recursive();
        // SAFETY: the hold is one of this lock, and the guard is the only one of it.
        unsafe { self.make_read_guard_unchecked(hold) }
    }

    fn config(&self) -> Config {
        raw(self).config()
    }

    fn set_config(&self, config: Config) -> Result<(), ConfigError> {
        raw(self).set_config(config)
    }

    fn stats(&self) -> Stats {
        raw(self).stats()
    }
}
