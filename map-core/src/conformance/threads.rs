//! Threads that begin at the same moment.

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Runs `work(0)`, ..., `work(threads - 1)` at the same time, each on a thread of its own, and
/// returns what they returned.
///
/// # Panics
///
/// If one of them does, with what it said, once all have ended.
///
/// ```
/// use map_core::conformance::threads::together;
///
/// assert_eq!(together(3, |thread| thread * 10), [0, 10, 20]);
/// ```
pub fn together<R: Send>(threads: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let missing = AtomicUsize::new(threads);
    thread::scope(|scope| {
        let start = |index| {
            let (missing, work) = (&missing, &work);
            scope.spawn(move || {
                // AcqRel: pairs with itself and the loads; nobody begins before all are there.
                missing.fetch_sub(1, Ordering::AcqRel);
                while missing.load(Ordering::Acquire) != 0 {
                    thread::yield_now();
                }
                work(index)
            })
        };
        let workers: Vec<_> = (0..threads).map(start).collect();
        let results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        let pass_on = |result| match result {
            Ok(result) => result,
            Err(panic) => panic::resume_unwind(panic),
        };
        results.into_iter().map(pass_on).collect()
    })
}
