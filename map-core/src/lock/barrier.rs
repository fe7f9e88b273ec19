#![cfg_attr(
    all(target_os = "linux", not(miri)),
    expect(unsafe_code, reason = "the system call membarrier")
)]
//! A store-load fence whose frequent side is free.
//!
//! Two threads each store one thing and then load the other's; at least one of them has to see the
//! other's store. Both need a full fence between store and load. [`light`] is the fence of the
//! frequent side (every exclusive unlock), [`heavy`] that of the rare one (a thread that goes to
//! sleep). The guarantee is between one `light` and one `heavy`: whichever comes later in their
//! total order sees every store made before the other.
//!
//! On Linux `heavy` is membarrier(2), which runs a full fence on every processor that runs a thread
//! of this process, at a moment between its own start and end; so `light` need only stop the
//! compiler from moving the load before the store. Elsewhere, or where the kernel refuses, both are
//! SeqCst fences.
//!
//! `MODE` is decided once per process and never changes again. What makes its change safe: `light`
//! leaves the fence out only after it has *seen* `ASYMMETRIC`, or a lock that bears the word of one who
//! has; and no `heavy` that runs in a process where `ASYMMETRIC` was ever stored is a mere fence, for a
//! `heavy` that finds `UNKNOWN` decides first, and there is one decision. A `light` that still sees `UNKNOWN` runs a full fence, which
//! pairs with either kind of `heavy`.

use std::sync::atomic::{AtomicU8, Ordering, compiler_fence};

use crate::sync::{REAL_FENCES, atomic::fence};

/// Nobody has needed a heavy fence yet: `light` is a fence.
const UNKNOWN: u8 = 0;
/// membarrier is registered: `light` is nothing, `heavy` the system call.
const ASYMMETRIC: u8 = 1;
/// There is no membarrier: both sides are fences.
const SYMMETRIC: u8 = 2;

static MODE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Finds out which fence there is, once per process; later calls cost one load.
///
/// The first call may take a few milliseconds when the process has many threads, and next to
/// nothing while it has one. Until the first call [`light`] costs a full fence.
#[inline]
pub fn prepare() {
    // Relaxed: the mode publishes nothing; the module's header says why a late view is harmless.
    if MODE.load(Ordering::Relaxed) == UNKNOWN {
        decide_slow();
    }
}

#[cold]
fn decide_slow() -> u8 {
    let found = if REAL_FENCES && system::register() {
        ASYMMETRIC
    } else {
        SYMMETRIC
    };
    // Relaxed: as in `prepare`. The first decision holds for every thread.
    match MODE.compare_exchange(UNKNOWN, found, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => found,
        Err(earlier) => earlier,
    }
}

/// Whether [`light`] is nothing but a fence for the compiler, from now on. For those who cannot spare the question each time;
/// after [`prepare`] the answer stays.
#[inline]
pub fn is_asymmetric() -> bool {
    // Relaxed: see `prepare`.
    REAL_FENCES && MODE.load(Ordering::Relaxed) == ASYMMETRIC
}

/// The frequent side: between its store and its load.
#[inline]
pub fn light() {
    if is_asymmetric() {
        light_if_asymmetric();
    } else {
        // SeqCst: pairs with the system call or the fence in `heavy`.
        fence(Ordering::SeqCst);
    }
}

/// [`light`], for one who need not ask: somebody has seen [`is_asymmetric`], and said so. However he has learnt of that,
/// the mode was stored before, and so each [`heavy`] is the system call: one that still sees `UNKNOWN` asks.
#[inline]
pub fn light_if_asymmetric() {
    // Pairs with the system call in `heavy`.
    compiler_fence(Ordering::SeqCst);
}

/// The rare side: between its store and its load.
#[cold]
pub fn heavy() {
    // Relaxed: see `prepare`.
    let mode = match MODE.load(Ordering::Relaxed) {
        UNKNOWN => decide_slow(),
        mode => mode,
    };
    if mode == ASYMMETRIC {
        system::run();
    } else {
        // SeqCst: pairs with the fence in `light`.
        fence(Ordering::SeqCst);
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
mod system {
    // The numbers of `enum membarrier_cmd` in linux/membarrier.h.
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: membarrier takes three integers and touches no memory of ours; an unknown
        // command is an error that it returns.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    pub(super) fn register() -> bool {
        // One trial run, for sandboxes that let the first through and not the second.
        membarrier(REGISTER_PRIVATE_EXPEDITED) && membarrier(PRIVATE_EXPEDITED)
    }

    pub(super) fn run() {
        // A lost registration cannot be made good by a fence: other threads already run without.
        assert!(
            membarrier(PRIVATE_EXPEDITED) || register(),
            "membarrier worked before and is refused now: a sandbox that forbids it has to be \
             entered before the first contended lock"
        );
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod system {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn run() {
        unreachable!("nothing can have been registered")
    }
}
