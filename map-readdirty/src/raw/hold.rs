//! What keeps an entry alive that was found: a pin, or a guard.

use std::fmt;
use std::ptr::NonNull;

use crossbeam_epoch::Guard;

use super::node::Link;
use super::seat;
use crate::sync::atomic::AtomicPtr;

/// Keeps whatever was found under it alive: for the length of an operation, or of a session.
pub struct Pin(pub(super) Guard);

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pin").finish_non_exhaustive()
    }
}

/// Keeps one entry alive, as a guard does: by its address in a guard slot, or by the count in its node.
#[derive(Debug)]
pub struct Hold<K, V>(Kind<K, V>);

#[derive(Debug)]
enum Kind<K, V> {
    Slot(&'static AtomicPtr<()>),
    Count(Link<K, V>),
}

impl<K, V> Hold<K, V> {
    /// # Safety
    ///
    /// 1. The thread is pinned, and has found the node under that pin; or it has the lock of the node's shard.
    ///
    /// Then the node is alive as long as the hold.
    #[inline(always)]
    pub(crate) unsafe fn new(link: Link<K, V>) -> Self {
        Self(match seat::claim_guard(link.as_ptr().cast()) {
            Some(slot) => Kind::Slot(slot),
            // SAFETY: by (1).
            None => unsafe { Self::counted(link) },
        })
    }

    /// # Safety
    ///
    /// 1. As for [`new`](Self::new).
    #[cold]
    #[inline(never)]
    unsafe fn counted(link: Link<K, V>) -> Kind<K, V> {
        // SAFETY: 1. By (1).
        unsafe { link.count_guard() };
        Kind::Count(link)
    }
}

impl<K, V> Drop for Hold<K, V> {
    #[inline(always)]
    fn drop(&mut self) {
        match &self.0 {
            Kind::Slot(slot) => seat::clear_guard(slot),
            // SAFETY: 1. It was counted when `self` was made, and `self` ends here.
            Kind::Count(link) => unsafe { link.uncount_guard() },
        }
    }
}

/// The entry of a node.
///
/// # Safety
///
/// 1. The node is alive, with an entry in it, and nobody writes to it.
#[inline(always)]
pub(crate) unsafe fn entry<K, V>(link: Link<K, V>) -> NonNull<(K, V)> {
    // SAFETY: 1. By (1).
    NonNull::from(unsafe { link.pair() })
}
