//! How many of the operations that may be samples are taken for samples.
//!
//! A sample costs some hundred times what an operation does: it runs a read for what it finds and, now and then, for what
//! it costs, and writes to lines that all threads write to. Where windows fill up in no time and say nothing new, one in a few does.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A window that is full sooner may take fewer samples; one that takes longer, more.
const SOON: Duration = Duration::from_millis(10);
/// One that has taken so long: all.
const LATE: Duration = Duration::from_millis(100);

/// One in so many is taken: a power of two.
#[derive(Debug)]
pub(super) struct Pace {
    one_in: AtomicU32,
    made: Instant,
    /// When it was last slowed down, in microseconds after it was made.
    slowed: AtomicU64,
}

impl Pace {
    /// A random number has so many values, and no pace is slower.
    pub(super) const SLOWEST: u32 = 1 << u8::BITS;

    pub(super) fn new() -> Self {
        Self {
            one_in: AtomicU32::new(1),
            made: Instant::now(),
            slowed: AtomicU64::new(0),
        }
    }

    pub(super) fn get(&self) -> u32 {
        // Relaxed, here and below: who still goes by the last one counts what he notes for about what it stands for.
        self.one_in.load(Relaxed)
    }

    /// Whether the window takes long: there is less to do than when it was slowed down.
    pub(super) fn is_late(&self) -> bool {
        self.get() > 1 && self.age() >= self.slowed.load(Relaxed) + LATE.as_micros() as u64
    }

    fn age(&self) -> u64 {
        self.made.elapsed().as_micros() as u64
    }

    /// Whether one for which a number was drawn is taken.
    pub(super) fn takes(&self, drawn: u8) -> bool {
        u32::from(drawn) * self.get() < Self::SLOWEST
    }

    /// There is something to be found out, or to be done: all are taken.
    pub(super) fn hurry(&self) {
        self.one_in.store(1, Relaxed);
    }

    /// A window that says nothing new was full after so long: the next one takes half as many of them, or twice as many.
    pub(super) fn slow_down(&self, took: Duration, slowest: u32) {
        let now = self.get();
        let next = if took < SOON { now * 2 } else { now / 2 };
        let slowest = slowest.min(Self::SLOWEST);
        // The largest power of two that is not more.
        let slowest = 1 << slowest.max(1).ilog2();
        self.slowed.store(self.age(), Relaxed);
        self.one_in.store(next.clamp(1, slowest), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paces(pace: &Pace, took: Duration, windows: usize) -> Vec<u32> {
        let next = |_| {
            pace.slow_down(took, 15);
            pace.get()
        };
        (0..windows).map(next).collect()
    }

    #[test]
    fn it_slows_down_while_windows_are_full_soon() {
        let pace = Pace::new();
        assert_eq!(paces(&pace, Duration::ZERO, 5), [2, 4, 8, 8, 8]);
        assert_eq!(paces(&pace, SOON, 4), [4, 2, 1, 1]);
        assert_eq!(paces(&pace, SOON - Duration::from_nanos(1), 1), [2]);
        pace.hurry();
        assert_eq!(pace.get(), 1);
    }

    #[test]
    fn a_window_that_takes_long_is_late() {
        let mut pace = Pace::new();
        assert_eq!(paces(&pace, Duration::ZERO, 2), [2, 4]);
        // Whatever the machine has done meanwhile, it is less.
        pace.slowed = AtomicU64::new(u64::MAX / 2);
        assert!(!pace.is_late());
        pace.slowed = AtomicU64::new(0);
        pace.made = Instant::now()
            .checked_sub(LATE)
            .expect("the clock went before");
        assert!(pace.is_late());
        pace.hurry();
        assert!(!pace.is_late(), "all are taken already");
    }

    #[test]
    fn one_in_so_many_is_taken() {
        let pace = Pace::new();
        for expected in [256, 128, 64, 32, 16, 8, 4, 2, 1, 1] {
            let taken = (0..=u8::MAX).filter(|drawn| pace.takes(*drawn)).count();
            assert_eq!(taken, expected);
            pace.slow_down(Duration::ZERO, u32::MAX);
        }
    }
}
