//! A value with several owners, the last of which drops it.
//!
//! As `Arc`, but for two things: nothing weak, and the last owner synchronises by its decrement, not by a fence. So
//! ThreadSanitizer, which does not know fences, sees what guards on several threads do before their
//! shard is unlocked.

use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::sync::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};

/// One of the owners.
pub(super) struct Share<T>(NonNull<Counted<T>>, PhantomData<Counted<T>>);

struct Counted<T> {
    /// Never zero while there is an owner. Owners are made of entries in a table, so they cannot be
    /// more than fit.
    owners: AtomicUsize,
    value: T,
}

// SAFETY: owners on several threads refer to the value, and the last one, wherever it is, drops it.
unsafe impl<T: Send + Sync> Send for Share<T> {}
// SAFETY: as above: who can refer to an owner can make another one.
unsafe impl<T: Send + Sync> Sync for Share<T> {}

impl<T> Share<T> {
    pub(super) fn new(value: T) -> Self {
        let owners = AtomicUsize::new(1);
        let counted = Box::new(Counted { owners, value });
        Self(NonNull::from(Box::leak(counted)), PhantomData)
    }

    fn counted(&self) -> &Counted<T> {
        // SAFETY: it is freed by the last owner that goes, and `self` has not gone.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Clone for Share<T> {
    #[inline]
    fn clone(&self) -> Self {
        // Relaxed: `self` keeps the value meanwhile, and whoever hands the new owner on to another thread synchronises.
        self.counted().owners.fetch_add(1, Relaxed);
        Self(self.0, PhantomData)
    }
}

impl<T> Deref for Share<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T> Drop for Share<T> {
    #[inline]
    fn drop(&mut self) {
        // AcqRel: pairs with itself. Release publishes what this owner did; Acquire lets the last one see
        // what all others did.
        if self.counted().owners.fetch_sub(1, AcqRel) == 1 {
            // SAFETY: it came from a box, and no owner is left to refer to it or free it.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicU32;
    use std::thread;

    /// Counts its drops.
    struct Value<'a> {
        drops: &'a AtomicU32,
        sum: Mutex<u32>,
    }

    impl Drop for Value<'_> {
        fn drop(&mut self) {
            self.drops.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn the_last_owner_drops_the_value() {
        let drops = AtomicU32::new(0);
        let share = Share::new(Value {
            drops: &drops,
            sum: Mutex::new(0),
        });
        thread::scope(|scope| {
            for _ in 0..4 {
                let share = share.clone();
                scope.spawn(move || *share.sum.lock().expect("nobody panics") += 1);
            }
        });
        assert_eq!(drops.load(Relaxed), 0);
        assert_eq!(*share.sum.lock().expect("nobody panics"), 4);
        drop(share);
        assert_eq!(drops.load(Relaxed), 1);
    }
}
