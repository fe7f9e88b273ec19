#![expect(unsafe_code, reason = "a list of what is never freed")]
//! Where readers announce themselves: a slot for each thread, on a cache line of its own.
//!
//! Slots are made when they are needed, never freed, and passed on when their thread ends: there
//! are as many as there were threads at once that had one. A thread has one slot, so a read within a read
//! is not announced; nor is one that runs after the thread has given its slot back, in the
//! destructor of a thread-local value.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

use crate::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use crate::sync::parking::SpinWait;
use crate::sync::{REAL_FENCES, const_fn, global, thread_cells};

/// A thread's slot. Two lines, since processors fetch them in pairs.
#[repr(C, align(128))]
struct Slot {
    /// The address of the shard that the thread reads, or 0. Stored by that thread alone.
    ///
    /// Every store is a Release, so whichever of them a scan sees, what the thread read before
    /// comes before what the scanner does next.
    reading: AtomicUsize,
    /// Whether a thread has it.
    owned: AtomicBool,
    /// The slot made before it.
    next: Option<&'static Slot>,
}

/// All slots.
struct Registry {
    newest: AtomicPtr<Slot>,
}

global! {
    static REGISTRY: Registry = Registry::new();
}

thread_cells! {
    /// This thread's slot.
    static OWN: Cell<Option<&'static Slot>> = Cell::new(None);
    /// So many more reads before the next sample.
    static COUNTDOWN: Cell<u32> = Cell::new(FIRST_INTERVAL);
    /// Gives the slot back when the thread ends. Apart from `OWN`, which costs nothing to reach
    /// because it has no destructor.
    static OWNER: Owner = Owner(Cell::new(None));
}

/// Reads before the first sample of a thread; in a model, all are samples.
const FIRST_INTERVAL: u32 = if REAL_FENCES { 64 } else { 0 };

impl Registry {
    const_fn! {
        fn new() -> Self {
            Self { newest: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    fn newest(&self) -> Option<&'static Slot> {
        // Acquire: pairs with the Release in `claim`; publishes the slot.
        // SAFETY: null, or a slot that was leaked.
        unsafe { self.newest.load(Acquire).as_ref() }
    }

    fn claim(&self) -> &'static Slot {
        let mut next = self.newest();
        while let Some(slot) = next {
            // Acquire: pairs with the Release in `Owner::drop`; what was read by the thread that had it comes
            // before our stores, which a scan may see instead of its.
            if slot
                .owned
                .compare_exchange(false, true, Acquire, Relaxed)
                .is_ok()
            {
                return slot;
            }
            next = slot.next;
        }
        let slot = Box::leak(Box::new(Slot {
            reading: AtomicUsize::new(0),
            owned: AtomicBool::new(true),
            next: self.newest(),
        }));
        loop {
            let expected = slot
                .next
                .map_or(ptr::null_mut(), |s| ptr::from_ref::<Slot>(s).cast_mut());
            // Release: pairs with the Acquire in `newest`; publishes the slot and those behind it.
            match self
                .newest
                .compare_exchange(expected, slot, Release, Relaxed)
            {
                Ok(_) => return slot,
                Err(_) => slot.next = self.newest(),
            }
        }
    }
}

/// Owns a thread's slot.
struct Owner(Cell<Option<&'static Slot>>);

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            let _ = OWN.try_with(|own| own.set(None));
            // Relaxed: our own store. It is 0 unless a closure has ended the thread under it; then
            // nobody shall have it.
            if slot.reading.load(Relaxed) == 0 {
                // Release: pairs with the Acquire in `claim`.
                slot.owned.store(false, Release);
            }
        }
    }
}

/// A reader's announcement, taken back when dropped. Belongs to its thread.
#[derive(Debug)]
pub(crate) struct Announced {
    reading: &'static AtomicUsize,
    own: PhantomData<*const ()>,
}

impl Drop for Announced {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `none_has`; what was read comes before what the writer writes.
        self.reading.store(0, Release);
    }
}

/// Announces a reader of the shard at `address`, if this thread has a slot that is free.
#[inline(always)]
pub(super) fn announce(address: usize) -> Option<Announced> {
    let slot = OWN.try_with(Cell::get).ok()??;
    let reading = &slot.reading;
    // Relaxed: our own store.
    if reading.load(Relaxed) != 0 {
        return None;
    }
    // Release: see the field.
    reading.store(address, Release);
    Some(Announced {
        reading,
        own: PhantomData,
    })
}

/// Whether no slot has this address. If it may `wait`, it does so until that is the case. Each slot
/// is asked once: those that have it later see that the bias is not armed.
pub(super) fn none_has(address: usize, wait: bool) -> bool {
    let mut next = REGISTRY.newest();
    while let Some(slot) = next {
        let mut patience = Patience::new();
        // Acquire: pairs with the Release of each store.
        while slot.reading.load(Acquire) == address {
            if !wait {
                return false;
            }
            patience.pass();
        }
        next = slot.next;
    }
    true
}

/// Waiting for something that does not wake us.
struct Patience {
    spin: SpinWait,
    naps: u32,
}

impl Patience {
    fn new() -> Self {
        Self {
            spin: SpinWait::new(),
            naps: 0,
        }
    }

    fn pass(&mut self) {
        if self.spin.spin() {
            return;
        }
        if REAL_FENCES {
            // From 16 microseconds to a millisecond.
            std::thread::sleep(std::time::Duration::from_micros(16 << self.naps));
            self.naps = (self.naps + 1).min(6);
        } else {
            crate::sync::yield_now();
        }
    }
}

/// Counts a read that was not announced, and says whether it shall be a sample. If so, the next is some
/// way off, not always the same one, for programs that are periodic; and the thread gets a slot, for it
/// does read.
pub(crate) fn take_sample() -> bool {
    let due = COUNTDOWN.try_with(|left| {
        let now = left.get();
        left.set(now.saturating_sub(1));
        now == 0
    });
    if !due.unwrap_or(false) {
        return false;
    }
    if REAL_FENCES {
        thread_local!(static RANDOM: Cell<u32> = const { Cell::new(0x9e37_79b9) });
        let _ = RANDOM.try_with(|random| {
            let next = random
                .get()
                .wrapping_mul(0x2c92_77b5)
                .wrapping_add(0xac56_4b05);
            random.set(next);
            let _ = COUNTDOWN.try_with(|left| left.set(32 + (next >> 26)));
        });
    }
    let _ = OWNER.try_with(|owner| {
        if owner.0.get().is_none() {
            let slot = REGISTRY.claim();
            owner.0.set(Some(slot));
            let _ = OWN.try_with(|own| own.set(Some(slot)));
        }
    });
    true
}
