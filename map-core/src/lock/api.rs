#![expect(unsafe_code, reason = "lock_api's traits are unsafe to implement")]
//! [`RawLock`] under lock_api's `RwLock<RawLock, T>`, whose guards are `Send`.

use std::time::{Duration, Instant};

use super::{ExclusiveToken, RawLock, SharedToken};
use crate::sync::const_value;

// SAFETY: an exclusive hold excludes all others (the table of `state`); each lock acquires and each
// unlock releases, as noted at the operations; a forgotten token leaves the lock held, and a held lock
// may be moved or dropped, for its queue is empty when nobody else can borrow it; the only panic, too
// many shared holds, comes before a hold is taken.
unsafe impl lock_api::RawRwLock for RawLock {
    const INIT: Self = const_value!(Self::new());

    type SharedGuard = SharedToken;
    type ExclusiveGuard = ExclusiveToken;

    #[inline]
    fn lock_shared(&self) -> SharedToken {
        self.lock_shared()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<SharedToken> {
        self.try_lock_shared()
    }

    #[inline]
    unsafe fn unlock_shared(&self, guard: SharedToken) {
        // SAFETY: 1. and 2. are the caller's promise.
        unsafe { self.unlock_shared(guard) }
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
        unsafe { self.unlock_exclusive(guard) }
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

// SAFETY: as above; the store of a downgrade releases.
unsafe impl lock_api::RawRwLockDowngrade for RawLock {
    #[inline]
    unsafe fn downgrade(&self, guard: ExclusiveToken) -> SharedToken {
        // SAFETY: 1. and 2. are the caller's promise.
        unsafe { self.downgrade(guard) }
    }
}

// SAFETY: as above; a fair unlock differs in whom it wakes.
unsafe impl lock_api::RawRwLockFair for RawLock {
    #[inline]
    unsafe fn unlock_shared_fair(&self, guard: SharedToken) {
        let SharedToken(()) = guard;
        self.release_shared(1, true);
    }

    #[inline]
    unsafe fn unlock_exclusive_fair(&self, guard: ExclusiveToken) {
        let ExclusiveToken(()) = guard;
        self.release_exclusive(true);
    }
}

// SAFETY: as above; who gives up has left the queue and holds nothing.
unsafe impl lock_api::RawRwLockTimed for RawLock {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_shared_for(&self, timeout: Duration) -> Option<SharedToken> {
        self.lock_shared_for(timeout)
    }

    #[inline]
    fn try_lock_shared_until(&self, timeout: Instant) -> Option<SharedToken> {
        self.try_lock_shared()
            .or_else(|| self.lock_shared_slow(Some(timeout)))
    }

    #[inline]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<ExclusiveToken> {
        self.lock_exclusive_for(timeout)
    }

    #[inline]
    fn try_lock_exclusive_until(&self, timeout: Instant) -> Option<ExclusiveToken> {
        self.try_lock_exclusive()
            .or_else(|| self.lock_exclusive_slow(Some(timeout)))
    }
}
