//! What a hold of the lock is known by.
//!
//! The tokens carry nothing yet, and name no thread: they may be sent.

/// One shared hold of a [`RawLock`](super::RawLock).
///
/// Forgetting it leaves the lock held.
#[must_use = "the lock stays held until this is given back"]
#[derive(Debug)]
pub struct SharedToken(pub(super) ());

impl SharedToken {
    /// The token of one hold that [`RawLock::add_shared`](super::RawLock::add_shared) has added.
    #[inline]
    pub const fn of_added_hold() -> Self {
        Self(())
    }
}

/// The exclusive hold of a [`RawLock`](super::RawLock).
///
/// Forgetting it leaves the lock held.
#[must_use = "the lock stays held until this is given back"]
#[derive(Debug)]
pub struct ExclusiveToken(pub(super) ());
