//! The primitives that a model checker has to see, real or modelled.
//!
//! This is the only file of the crate that knows `cfg(crossbeam_loom)`. Code that runs in a model
//! takes its atomics, fences, cells and its way to sleep from here.

/// Atomics that hold hints only: whatever value is read does no harm, so a model need not try them
/// all, and sees none.
pub mod hint {
    pub use std::sync::atomic::{
        AtomicBool, AtomicI32, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
    };
}

/// How long ago the process first asked.
pub(crate) fn uptime() -> std::time::Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(not(crossbeam_loom))]
mod real {
    /// Atomic types, their orderings, and the fence.
    pub mod atomic {
        pub use std::sync::atomic::{
            AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
            Ordering, fence,
        };
    }

    /// Where threads sleep.
    pub mod parking {
        pub use parking_lot_core::{
            FilterOp, ParkResult, ParkToken, UnparkResult, UnparkToken, park, unpark_filter,
        };

        /// Whether this moment is past.
        #[inline]
        pub fn has_passed(moment: std::time::Instant) -> bool {
            moment <= std::time::Instant::now()
        }

        /// Pauses between looks, for some two microseconds: most sections under a lock that is fought over, with the cache misses
        /// in them, are over before. Nothing is given to the system meanwhile, which would take as long.
        #[derive(Debug)]
        pub struct SpinWait {
            looks: u32,
        }

        impl SpinWait {
            const LOOKS: u32 = 8;
            const LONGEST_PAUSE: u32 = 16;

            /// Makes one.
            #[expect(clippy::new_without_default, reason = "nobody needs one")]
            pub const fn new() -> Self {
                Self { looks: 0 }
            }

            /// Pauses, and says so; not any more if it has done so for long enough.
            pub fn spin(&mut self) -> bool {
                if self.looks == Self::LOOKS {
                    return false;
                }
                for _ in 0..u32::min(1 << self.looks, Self::LONGEST_PAUSE) {
                    std::hint::spin_loop();
                }
                self.looks += 1;
                true
            }

            /// Begins anew.
            pub const fn reset(&mut self) {
                self.looks = 0;
            }
        }
    }

    pub use std::hint::spin_loop;
    pub use std::thread::yield_now;

    pub use parking_lot::{Mutex, MutexGuard};

    /// How often a thread that waits for a lock gives way, after it has spun, before it sleeps: some
    /// ten microseconds, so that the split of a small shard is not slept through.
    pub const YIELDS: u32 = 24;

    /// Whether fences are real instructions, so that one side of a pair may be left to the kernel.
    pub const REAL_FENCES: bool = true;

    /// Stands between a SeqCst write and a SeqCst read of something else: a model knows SeqCst only of
    /// fences, and Miri lets a SeqCst read see what no C++ since 2020 would (its issue 2301). Nothing otherwise.
    #[inline(always)]
    pub fn fence_in_model() {
        #[cfg(miri)]
        atomic::fence(atomic::Ordering::SeqCst);
    }

    /// Tells a model about accesses to something that it cannot see; nothing otherwise.
    #[derive(Debug, Default)]
    pub struct Watch(());

    impl Watch {
        /// It is read.
        #[inline]
        pub const fn read(&self) {}

        /// It is written.
        #[inline]
        pub const fn write(&self) {}
    }

    /// A cell whose accesses a model checks for races.
    #[derive(Debug, Default)]
    pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// Wraps a value.
        pub const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Shows the address of the value to `f`, which only reads there.
        #[inline]
        pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Shows the address of the value to `f`, which may write there.
        #[inline]
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }

        /// The value, which nobody else can see.
        #[inline]
        pub fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }

    /// Declares a constructor: `const`, except in a model.
    macro_rules! const_fn {
        ($(#[$attribute:meta])* $visibility:vis fn $($rest:tt)*) => {
            $(#[$attribute])* $visibility const fn $($rest)*
        };
    }

    /// A constant made by a [`const_fn`]; a model must not use it.
    macro_rules! const_value {
        ($value:expr) => {
            $value
        };
    }

    /// Declares a static value; a model makes it anew for each execution.
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

    pub(crate) use {const_fn, const_value, global, thread_cells};
}

#[cfg(crossbeam_loom)]
mod mutex_model;
#[cfg(crossbeam_loom)]
pub mod parking_model;

#[cfg(crossbeam_loom)]
mod modelled {
    /// Atomic types, their orderings, and the fence.
    pub mod atomic {
        pub use loom::sync::atomic::{
            AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
            Ordering, fence,
        };
    }

    pub use super::mutex_model::Mutex;
    pub use super::parking_model as parking;
    pub use loom::cell::UnsafeCell;
    pub use loom::hint::spin_loop;
    pub use loom::sync::MutexGuard;
    pub use loom::thread::yield_now;

    /// A model has no time to lose.
    pub const YIELDS: u32 = 0;

    /// Whether fences are real instructions, so that one side of a pair may be left to the kernel.
    pub const REAL_FENCES: bool = false;

    /// Stands between a SeqCst write and a SeqCst read of something else: a model knows SeqCst only of
    /// fences. Nothing otherwise.
    pub fn fence_in_model() {
        atomic::fence(atomic::Ordering::SeqCst);
    }

    /// Tells a model about accesses to something that it cannot see; nothing otherwise.
    #[derive(Debug, Default)]
    pub struct Watch(UnsafeCell<()>);

    impl Watch {
        /// It is read.
        pub fn read(&self) {
            self.0.with(|_| ());
        }

        /// It is written.
        pub fn write(&self) {
            self.0.with_mut(|_| ());
        }
    }

    /// Declares a constructor: `const`, except in a model.
    macro_rules! const_fn {
        ($(#[$attribute:meta])* $visibility:vis fn $($rest:tt)*) => {
            $(#[$attribute])* $visibility fn $($rest)*
        };
    }

    /// A constant made by a [`const_fn`]; a model must not use it.
    macro_rules! const_value {
        ($value:expr) => {
            panic!("the atomics of a model cannot be made in a constant")
        };
    }

    /// Declares a static value; a model makes it anew for each execution.
    macro_rules! global {
        (static $name:ident: $type:ty = $value:expr;) => {
            loom::lazy_static! { static ref $name: $type = $value; }
        };
    }

    /// Declares thread-local values.
    macro_rules! thread_cells {
        ($($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
            loom::thread_local! { $($(#[$attribute])* static $name: $type = $value;)* }
        };
    }

    pub(crate) use {const_fn, const_value, global, thread_cells};
}

#[cfg(crossbeam_loom)]
pub use modelled::*;
#[cfg(crossbeam_loom)]
pub(crate) use modelled::{const_fn, const_value, global, thread_cells};
#[cfg(not(crossbeam_loom))]
pub use real::*;
#[cfg(not(crossbeam_loom))]
pub(crate) use real::{const_fn, const_value, global, thread_cells};
