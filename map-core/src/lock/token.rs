//! What a hold of the lock is known by.
//!
//! The tokens carry nothing yet, and name no thread: they may be sent.

/// One shared hold of a [`RawLock`](super::RawLock).
///
/// Forgetting it leaves the lock held.
///
/// ```
/// use map_core::lock::{RawLock, SharedToken};
///
/// let lock = RawLock::new();
/// let hold: SharedToken = lock.lock_shared();
/// assert_eq!(size_of_val(&hold), 0);
/// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
/// unsafe { lock.unlock_shared(hold) };
/// ```
#[must_use = "the lock stays held until this is given back"]
#[derive(Debug)]
pub struct SharedToken(pub(super) ());

impl SharedToken {
    /// The token of one hold that [`RawLock::add_shared`](super::RawLock::add_shared) has added. It is of no
    /// size, and made of nothing: the count is in the lock.
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
    #[inline]
    pub const fn of_added_hold() -> Self {
        Self(())
    }
}

/// The exclusive hold of a [`RawLock`](super::RawLock).
///
/// Forgetting it leaves the lock held.
///
/// ```
/// use map_core::lock::{ExclusiveToken, RawLock};
///
/// let lock = RawLock::new();
/// let hold: ExclusiveToken = lock.lock_exclusive();
/// assert_eq!(size_of_val(&hold), 0);
/// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
/// unsafe { lock.unlock_exclusive(hold) };
/// ```
#[must_use = "the lock stays held until this is given back"]
#[derive(Debug)]
pub struct ExclusiveToken(pub(super) ());
