//! Atomics of a model that tries what loom alone leaves out.
//!
//! loom remembers the last access to an object, and looks for a schedule in which the next one that conflicts with
//! it comes first. A load is forgotten when another thread loads too; if that thread then stores, loom does not see that
//! the store could have come before the first load. Writers here look before they store, so that most of their
//! races with readers would be left out. So each thread marks its loads apart, and a store meets the marks of the others.

use std::sync::atomic::AtomicUsize;

use loom::sync::atomic::{AtomicBool, Ordering, Ordering::Relaxed};

/// A model has so many threads.
const THREADS: usize = 3;

loom::lazy_static! {
    static ref STARTED: AtomicUsize = AtomicUsize::new(0);
}

loom::thread_local! {
    static NUMBER: usize = STARTED.fetch_add(1, Relaxed);
}

/// What a thread that has no values of its own any more does is no race: it is ending.
fn number() -> Option<usize> {
    NUMBER.try_with(|number| *number).ok()
}

#[derive(Debug)]
struct Marks([AtomicBool; THREADS]);

impl Marks {
    fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicBool::new(false)))
    }

    /// This thread loads.
    fn mark(&self) {
        if let Some(own) = number() {
            self.0[own].load(Relaxed);
        }
    }

    /// This thread writes: in conflict with all loads, but nothing comes of it.
    fn meet(&self) {
        let own = number();
        for (number, mark) in self.0.iter().enumerate() {
            if Some(number) != own {
                let _ = mark.compare_exchange(true, false, Relaxed, Relaxed);
            }
        }
    }
}

/// As that of loom.
#[derive(Debug)]
pub(crate) struct AtomicPtr<T>(loom::sync::atomic::AtomicPtr<T>, Marks);

/// As that of loom.
#[derive(Debug)]
pub(crate) struct AtomicU64(loom::sync::atomic::AtomicU64, Marks);

macro_rules! common {
    ([$($generics:tt)*] $name:ty, $modelled:ty, $value:ty) => {
        impl $($generics)* $name {
            pub(crate) fn new(value: $value) -> Self {
                Self(<$modelled>::new(value), Marks::new())
            }

            #[track_caller]
            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.1.mark();
                self.0.load(order)
            }

            #[track_caller]
            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.1.meet();
                self.0.store(value, order);
            }

            #[track_caller]
            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.1.meet();
                self.0.compare_exchange(current, new, success, failure)
            }
        }
    };
}

common!([<T>] AtomicPtr<T>, loom::sync::atomic::AtomicPtr<T>, *mut T);
common!([] AtomicU64, loom::sync::atomic::AtomicU64, u64);

impl<T> Default for AtomicPtr<T> {
    fn default() -> Self {
        Self::new(std::ptr::null_mut())
    }
}

impl Default for AtomicU64 {
    fn default() -> Self {
        Self::new(0)
    }
}

impl AtomicU64 {
    #[track_caller]
    pub(crate) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.1.meet();
        self.0.fetch_add(value, order)
    }

    #[track_caller]
    pub(crate) fn fetch_sub(&self, value: u64, order: Ordering) -> u64 {
        self.1.meet();
        self.0.fetch_sub(value, order)
    }

    #[track_caller]
    pub(crate) fn fetch_or(&self, value: u64, order: Ordering) -> u64 {
        self.1.meet();
        self.0.fetch_or(value, order)
    }
}
