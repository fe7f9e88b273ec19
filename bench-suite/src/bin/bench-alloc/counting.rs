//! An allocator that counts, then does what the system's does. The only unsafe code of this program.
#![expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

// Relaxed throughout: these are counts, read when the counted threads have been joined or by the thread that counts.
static CALLS: AtomicU64 = AtomicU64::new(0);
static TAKEN: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

/// What the allocator has done so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Allocations, reallocations included.
    pub(crate) calls: u64,
    /// Bytes allocated.
    pub(crate) taken: u64,
    /// Bytes allocated and not freed.
    pub(crate) live: u64,
    /// Most bytes live at any time since the last `forget_peak`.
    pub(crate) peak: u64,
}

/// The counts now.
pub(crate) fn counts() -> Counts {
    let [calls, taken, live, peak] =
        [&CALLS, &TAKEN, &LIVE, &PEAK].map(|count| count.load(Relaxed));
    Counts {
        calls,
        taken,
        live,
        peak,
    }
}

/// Lets the peak begin at what is live now.
pub(crate) fn forget_peak() {
    PEAK.store(LIVE.load(Relaxed), Relaxed);
}

fn took(bytes: usize) {
    CALLS.fetch_add(1, Relaxed);
    TAKEN.fetch_add(bytes as u64, Relaxed);
    let live = LIVE.fetch_add(bytes as u64, Relaxed) + bytes as u64;
    PEAK.fetch_max(live, Relaxed);
}

fn freed(bytes: usize) {
    LIVE.fetch_sub(bytes as u64, Relaxed);
}

// SAFETY: every method hands its arguments on to `System` unchanged and returns what it returns; counting neither allocates nor
// unwinds. So the contract of `GlobalAlloc` holds because it holds for `System`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller's promise about `layout` is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        freed(layout.size());
        // SAFETY: `block` came from `System` with this layout, because every block of this allocator did.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        took(size);
        freed(layout.size());
        // SAFETY: `block` came from `System` with this layout; the caller's promise about `size` is the one that `System` asks for.
        unsafe { System.realloc(block, layout, size) }
    }
}
