#![expect(unsafe_code, reason = "a list of what is never freed")]
//! Something that each thread has one of, and others look at.
//!
//! Seats are made when they are needed, never freed, and passed on when their thread ends: there
//! are as many as there were threads at once that had one.

use std::ops::Deref;
use std::ptr;

use crate::sync::atomic::{
    AtomicBool, AtomicPtr, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
    Ordering::SeqCst,
};
use crate::sync::const_fn;

/// What a thread has. Two lines, since processors fetch them in pairs.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct Seat<T: 'static> {
    body: T,
    /// Whether a thread has it.
    owned: AtomicBool,
    /// So many were made before it.
    number: u32,
    /// The one made before it.
    next: Option<&'static Self>,
}

impl<T> Seat<T> {
    /// A seat of no roster, which no thread is given: it stands for that there is none.
    #[cfg(not(crossbeam_loom))]
    pub(crate) const fn apart(body: T) -> Self {
        Self {
            body,
            owned: AtomicBool::new(true),
            number: 0,
            next: None,
        }
    }

    /// So many were made before it.
    #[inline]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Passes it on. Only by the thread that has it, and does not use it any more.
    pub fn release(&self) {
        // Release: pairs with the Acquire in `claim`.
        self.owned.store(false, Release);
    }
}

impl<T> Deref for Seat<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.body
    }
}

/// All seats of a kind.
#[derive(Debug)]
pub struct Roster<T: 'static> {
    newest: AtomicPtr<Seat<T>>,
}

impl<T: Sync> Default for Roster<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Sync> Roster<T> {
    const_fn! {
        /// No seats yet.
        #[must_use]
        pub fn new() -> Self {
            Self { newest: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    #[inline]
    fn newest(&self) -> Option<&'static Seat<T>> {
        // SeqCst: after what the caller did, with the publication in `claim`. Acquire: pairs with
        // the Release there; publishes the seat.
        // SAFETY: null, or a seat that was leaked.
        unsafe { self.newest.load(SeqCst).as_ref() }
    }

    /// The seats made so far, owned or not.
    #[inline]
    pub fn seats(&self) -> Seats<T> {
        Seats {
            next: self.newest(),
        }
    }

    /// How many there are.
    pub fn made(&self) -> u32 {
        self.newest().map_or(0, |newest| newest.number + 1)
    }

    /// A seat for this thread: one that was passed on, as it is, or a new one.
    pub fn claim(&self, make: impl FnOnce() -> T) -> &'static Seat<T> {
        for seat in self.seats() {
            // Acquire: pairs with the Release in `release`; what was done by the thread that had it comes
            // before what we do there, which others may see instead.
            // The look before it leaves alone the lines of those that have an owner.
            if !seat.owned.load(Relaxed)
                && seat
                    .owned
                    .compare_exchange(false, true, Acquire, Relaxed)
                    .is_ok()
            {
                return seat;
            }
        }
        let seat = Box::leak(Box::new(Seat {
            body: make(),
            owned: AtomicBool::new(true),
            number: 0,
            next: self.newest(),
        }));
        loop {
            seat.number = seat.next.map_or(0, |next| next.number + 1);
            let expected = seat
                .next
                .map_or(ptr::null_mut(), |s| ptr::from_ref::<Seat<T>>(s).cast_mut());
            // SeqCst: before what its thread does in it, with the load in `newest`. Release:
            // pairs with the Acquire there; publishes the seat and those behind it.
            match self
                .newest
                .compare_exchange(expected, seat, SeqCst, Relaxed)
            {
                Ok(_) => return seat,
                Err(_) => seat.next = self.newest(),
            }
        }
    }
}

/// Goes over seats.
#[derive(Debug)]
pub struct Seats<T: 'static> {
    next: Option<&'static Seat<T>>,
}

impl<T> Iterator for Seats<T> {
    type Item = &'static Seat<T>;

    #[inline]
    fn next(&mut self) -> Option<&'static Seat<T>> {
        let seat = self.next?;
        self.next = seat.next;
        Some(seat)
    }
}
