//! An allocator that counts what each thread allocates, and what is alive.
#![expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

static LIVE: AtomicIsize = AtomicIsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

/// How often `run` allocates, on this thread.
pub(crate) fn allocations(run: impl FnOnce()) -> usize {
    let before = CALLS.get();
    run();
    CALLS.get() - before
}

/// Bytes allocated and not freed, by all threads.
pub(crate) fn live() -> isize {
    LIVE.load(Relaxed)
}

fn note(calls: usize, bytes: isize) {
    // The thread may be ending.
    let _ = CALLS.try_with(|count| count.set(count.get() + calls));
    LIVE.fetch_add(bytes, Relaxed);
}

// SAFETY: every method hands its arguments on to `System` unchanged and returns what it returns; counting neither
// allocates nor unwinds. So the contract of `GlobalAlloc` holds because it holds for `System`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size().cast_signed());
        // SAFETY: the caller's promise about `layout` is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(0, -layout.size().cast_signed());
        // SAFETY: `block` came from `System` with this layout, because every block of this allocator did.
        unsafe { System.dealloc(block, layout) }
    }
}
