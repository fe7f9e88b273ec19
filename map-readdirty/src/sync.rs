//! The primitives that a model checker has to see, real or modelled: what `map-core` has of them, and
//! statics and thread-local values. And what a model, which is not the crate as a whole, does without.
//!
//! This is the only file of the crate that knows `cfg(crossbeam_loom)`.

pub(crate) use map_core::lock::barrier;
pub(crate) use map_core::sync::{
    Mutex, MutexGuard, REAL_FENCES, UnsafeCell, Watch, fence_in_model, hint, spin_loop, yield_now,
};

#[cfg(not(crossbeam_loom))]
mod real {
    pub(crate) use crate::mapref::entry::Entry as OwnEntry;
    pub(crate) use map_core::sync::atomic;

    /// Declares a static value.
    macro_rules! global {
        (static $name:ident: $type:ty = $value:expr;) => {
            static $name: $type = $value;
        };
    }

    /// Declares thread-local values.
    macro_rules! thread_cells {
        ($($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
            std::thread_local! { $($(#[$attribute])* static $name: $type = const { $value };)* }
        };
    }

    pub(crate) use {global, thread_cells};
}

#[cfg(crossbeam_loom)]
#[path = "sync/atomic_model.rs"]
mod atomic_model;

#[cfg(crossbeam_loom)]
mod real {
    pub(crate) use map_core::mapref::entry::Entry as OwnEntry;

    /// Atomic types, their orderings, and the fence.
    pub(crate) mod atomic {
        pub(crate) use super::super::atomic_model::{AtomicPtr, AtomicU64};
        pub(crate) use map_core::sync::atomic::{AtomicBool, Ordering, fence};
    }

    macro_rules! global {
        (static $name:ident: $type:ty = $value:expr;) => {
            loom::lazy_static! { static ref $name: $type = $value; }
        };
    }

    macro_rules! thread_cells {
        ($($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
            loom::thread_local! { $($(#[$attribute])* static $name: $type = $value;)* }
        };
    }

    pub(crate) use {global, thread_cells};
}

pub(crate) use real::{OwnEntry, atomic, global, thread_cells};
