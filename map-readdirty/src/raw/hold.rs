//! What keeps an entry alive that was found: a pin, or a guard.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use super::node::Link;
use super::seat::{self, Session};
use crate::sync::REAL_FENCES;
use crate::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// Keeps whatever was found under it alive, for the length of an operation.
pub struct Pin(#[expect(dead_code, reason = "held, not used")] pub(super) seat::Pin);

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pin").finish_non_exhaustive()
    }
}

/// Keeps whatever was found under it alive, for the length of a session.
pub struct SessionPin(pub(super) Session);

impl fmt::Debug for SessionPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionPin").finish_non_exhaustive()
    }
}

/// Keeps one entry alive, as a guard does: by its address in a guard slot, or by the count in its node.
///
/// One word: the address of the guard slot; or that of the node, tagged with `COUNTED`; or just `KEPT`, if
/// the node stays until the map is dropped.
pub struct Hold<K, V>(*mut (), PhantomData<Link<K, V>>);

const COUNTED: usize = 1;
const KEPT: usize = 2;

// SAFETY: it gives access to nothing but atomic words, which any thread may change.
unsafe impl<K, V> Send for Hold<K, V> {}
// SAFETY: as above.
unsafe impl<K, V> Sync for Hold<K, V> {}

impl<K, V> Hold<K, V> {
    /// # Safety
    ///
    /// 1. The thread is pinned, and has found the node under that pin; or it has the lock of the node's shard.
    ///
    /// Then the node is alive as long as the hold.
    #[inline(always)]
    pub(crate) unsafe fn new(link: Link<K, V>) -> Self {
        let word = match seat::claim_guard(link.as_ptr().cast()) {
            Some(slot) => ptr::from_ref(slot).cast_mut().cast(),
            // SAFETY: by (1).
            None => unsafe { Self::counted(link) },
        };
        Self(word, PhantomData)
    }

    /// # Safety
    ///
    /// 1. As for [`new`](Self::new).
    #[cold]
    #[inline(never)]
    unsafe fn counted(link: Link<K, V>) -> *mut () {
        // SAFETY: 1. By (1).
        if unsafe { link.count_guard() } {
            link.as_ptr()
                .cast::<()>()
                .map_addr(|address| address | COUNTED)
        } else {
            ptr::without_provenance_mut(KEPT)
        }
    }

    #[cold]
    #[inline(never)]
    fn uncount(&self) {
        if self.0.addr() & COUNTED != 0 {
            let node = self.0.map_addr(|address| address & !COUNTED);
            let link = Link::<K, V>::from_raw(node.cast()).expect("a node was counted");
            // SAFETY: 1. It was counted when `self` was made, and `self` ends here.
            unsafe { link.uncount_guard() }
        }
    }
}

impl<K, V> Hold<K, V> {
    /// Tells a model that the entry was read until now.
    fn note_reads(&self) {
        let node = match self.0.addr() & (COUNTED | KEPT) {
            // Relaxed: it is there, since this thread or one before it has set it.
            // SAFETY: it is the address of a guard slot, and those are never freed.
            0 => unsafe { &*self.0.cast::<AtomicPtr<()>>() }.load(Relaxed),
            COUNTED => self.0.map_addr(|address| address & !COUNTED),
            _ => ptr::null_mut(),
        };
        if let Some(link) = Link::<K, V>::from_raw(node.cast()) {
            // SAFETY: 1. The node is alive as long as the hold.
            let _ = unsafe { link.pair() };
        }
    }
}

impl<K, V> Drop for Hold<K, V> {
    #[inline(always)]
    fn drop(&mut self) {
        if !REAL_FENCES {
            self.note_reads();
        }
        if self.0.addr() & (COUNTED | KEPT) == 0 {
            // SAFETY: it is the address of a guard slot, and those are never freed.
            seat::clear_guard(unsafe { &*self.0.cast() });
        } else {
            self.uncount();
        }
    }
}

impl<K, V> fmt::Debug for Hold<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").finish_non_exhaustive()
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
