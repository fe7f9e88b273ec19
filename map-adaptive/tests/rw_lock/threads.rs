//! Threads that come and go.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use map_adaptive::AdaptiveRwLock;

use crate::{armed, both, within_a_minute};

#[test]
fn ten_thousand_short_threads() {
    within_a_minute(|| {
        for lock in both(0) {
            for round in 0..1_250 {
                thread::scope(|scope| {
                    for _ in 0..4 {
                        scope.spawn(|| {
                            for _ in 0..20 {
                                assert_eq!(*lock.read(), round);
                            }
                        });
                    }
                });
                *lock.try_write().expect("all have left") += 1;
            }
        }
    });
}

thread_local! {
    static EARLY: Last = const { Last(Cell::new(None)) };
    static LATE: Last = const { Last(Cell::new(None)) };
}

/// Uses a lock when its thread ends.
struct Last(Cell<Option<Arc<AdaptiveRwLock<usize>>>>);

static LASTS: AtomicUsize = AtomicUsize::new(0);

impl Drop for Last {
    fn drop(&mut self) {
        if let Some(lock) = self.0.take() {
            for _ in 0..1_000 {
                let before = *lock.read();
                *lock.write() += 1;
                // Together with the others, but not less.
                if *lock.read() <= before {
                    // A panic here would end the process.
                    return;
                }
            }
            // Dropped on a thread that has no slot any more.
            std::mem::forget(lock.read());
            LASTS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn it_works_in_destructors_of_thread_locals() {
    within_a_minute(|| {
        for _ in 0..20 {
            let own = Arc::new(armed(0));
            let theirs = Arc::clone(&own);
            thread::spawn(move || {
                let lock = theirs;
                // One whose destructor is registered before the slot's, and one after, of another lock.
                EARLY.with(|last| last.0.set(Some(Arc::clone(&lock))));
                drop(lock.read());
                drop(lock.read());
                LATE.with(|last| last.0.set(Some(Arc::new(armed(0)))));
            })
            .join()
            .expect("the thread ends well");
            assert!(own.try_write().is_none(), "the guard was forgotten");
        }
        assert_eq!(LASTS.load(Ordering::Relaxed), 40);
    });
}

/// A thread ends while its guard lives on; the next that has its slot can use the rest of it.
#[test]
fn a_slot_is_passed_on_with_guards_in_it() {
    within_a_minute(|| {
        let locks: Vec<_> = (0..8).map(|_| armed(0)).collect();
        let guards: Vec<_> = locks
            .iter()
            .map(|lock| {
                thread::scope(|scope| {
                    let theirs = scope.spawn(|| {
                        drop(lock.read());
                        lock.read()
                    });
                    theirs.join().expect("no assertion failed")
                })
            })
            .collect();
        for lock in &locks {
            assert!(lock.try_write().is_none());
        }
        drop(guards);
        for lock in &locks {
            assert!(lock.try_write().is_some());
        }
    });
}
