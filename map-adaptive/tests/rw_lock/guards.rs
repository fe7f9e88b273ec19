//! What may be done with guards.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use map_adaptive::lock::Control;
use map_adaptive::{AdaptiveRwLock, AdaptiveRwLockReadGuard, AdaptiveRwLockWriteGuard, ReadBias};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::{armed, both, set, within_a_minute};

assert_impl_all!(AdaptiveRwLock<u64>: Send, Sync);
assert_impl_all!(AdaptiveRwLockReadGuard<'static, u64>: Send, Sync);
assert_impl_all!(AdaptiveRwLockWriteGuard<'static, u64>: Send, Sync);
assert_not_impl_any!(AdaptiveRwLock<std::cell::Cell<u64>>: Sync);
assert_not_impl_any!(AdaptiveRwLock<std::rc::Rc<u64>>: Send, Sync);

static GLOBAL: AdaptiveRwLock<u64> = AdaptiveRwLock::new(7);

#[test]
fn it_can_be_a_static() {
    assert_eq!(*GLOBAL.read(), 7);
}

#[test]
fn a_guard_may_be_dropped_on_another_thread_and_outlive_its_own() {
    within_a_minute(|| {
        for lock in both(0) {
            thread::scope(|scope| {
                let theirs = scope.spawn(|| {
                    // The first gives the thread a slot.
                    drop(lock.read());
                    lock.read()
                });
                let guard = theirs.join().expect("no assertion failed");
                assert_eq!(*guard, 0);
                assert!(lock.is_locked() && lock.try_write().is_none());
                scope.spawn(move || drop(guard));
            });
            assert!(!lock.is_locked());
            *lock.try_write().expect("all have left") += 1;
            let writer = thread::scope(|scope| {
                let theirs = scope.spawn(|| lock.write());
                theirs.join().expect("no assertion failed")
            });
            assert!(lock.try_read().is_none());
            drop(writer);
            assert_eq!(*lock.read(), 1);
        }
    });
}

#[test]
fn one_thread_has_guards_of_many_locks() {
    within_a_minute(|| {
        let locks: Vec<_> = (0..64).map(armed).collect();
        for _ in 0..3 {
            let guards: Vec<_> = locks.iter().map(AdaptiveRwLock::read).collect();
            for (lock, guard) in locks.iter().zip(&guards) {
                assert!(lock.try_write().is_none(), "beside {guard}");
                assert!(lock.try_read().is_some(), "a reader is no obstacle");
            }
            thread::scope(|scope| {
                scope.spawn(|| {
                    for lock in &locks {
                        assert!(lock.try_write_for(Duration::from_millis(1)).is_none());
                    }
                });
            });
            drop(guards);
            for lock in &locks {
                *lock.try_write().expect("all have left") += 1;
            }
        }
    });
}

#[test]
fn a_dropped_lock_takes_its_forgotten_guards_along() {
    within_a_minute(|| {
        let mut addresses = Vec::new();
        for i in 0..1_000 {
            let lock = Box::new(armed(i));
            addresses.push(std::ptr::from_ref(&*lock).addr());
            *lock.try_write().expect("nobody is here") += 1;
            std::mem::forget(lock.read());
            assert!(lock.is_locked() && lock.try_write().is_none());
        }
        addresses.sort_unstable();
        addresses.dedup();
        assert!(addresses.len() < 1_000, "no address came twice");
    });
}

#[test]
fn a_lock_with_a_forgotten_guard_can_be_taken_apart() {
    for lock in both(vec![1]) {
        std::mem::forget(lock.read());
        let mut lock = Box::new(lock);
        lock.get_mut().push(2);
        assert_eq!((*lock).into_inner(), [1, 2]);
    }
}

#[test]
fn a_recursive_read_does_not_wait_for_a_writer_that_waits() {
    within_a_minute(|| {
        for lock in both(0) {
            for _ in 0..10 {
                let wrote = AtomicBool::new(false);
                let before = *lock.read();
                thread::scope(|scope| {
                    let outer = lock.read();
                    scope.spawn(|| {
                        *lock.write() += 1;
                        wrote.store(true, Ordering::Relaxed);
                    });
                    thread::sleep(Duration::from_millis(3));
                    let recursive = lock.read_recursive();
                    // This one may wait, but not for ever.
                    let inner = lock.read();
                    assert!(!wrote.load(Ordering::Relaxed), "beside a reader");
                    assert_eq!([*outer, *recursive, *inner], [before; 3]);
                });
                assert_eq!(*lock.read(), before + 1);
            }
        }
    });
}

#[test]
fn a_downgrade_lets_readers_in_and_keeps_writers_out() {
    within_a_minute(|| {
        for lock in both(0) {
            let wrote = AtomicBool::new(false);
            let mut guard = lock.write();
            *guard = 1;
            thread::scope(|scope| {
                let reader = scope.spawn(|| *lock.read());
                let guard = AdaptiveRwLockWriteGuard::downgrade(guard);
                assert_eq!(reader.join().expect("no assertion failed"), 1);
                scope.spawn(|| {
                    *lock.write() = 2;
                    wrote.store(true, Ordering::Relaxed);
                });
                thread::sleep(Duration::from_millis(3));
                assert!(!wrote.load(Ordering::Relaxed), "beside a reader");
                assert_eq!(*guard, 1);
                drop(guard);
            });
            assert_eq!(*lock.read(), 2);
        }
    });
}

#[test]
fn who_waits_with_a_deadline_gives_up() {
    const WAIT: Duration = Duration::from_millis(10);
    within_a_minute(|| {
        for lock in both(0) {
            let reader = lock.read();
            let second = lock.try_read_for(WAIT).expect("a reader is no obstacle");
            let started = Instant::now();
            assert!(lock.try_write_for(WAIT).is_none());
            assert!(lock.try_write_until(started + 2 * WAIT).is_none());
            assert!(started.elapsed() >= 2 * WAIT, "too early");
            drop((reader, second));
            let writer = lock.try_write_for(Duration::MAX).expect("all have left");
            let started = Instant::now();
            assert!(lock.try_read_for(WAIT).is_none());
            assert!(lock.try_read_until(started + 2 * WAIT).is_none());
            assert!(started.elapsed() >= 2 * WAIT, "too early");
            drop(writer);
            assert!(lock.try_read_for(WAIT).is_some());
            assert!(lock.try_write_for(WAIT).is_some());
        }
    });
}

#[test]
fn a_writer_that_gave_up_leaves_no_trace() {
    within_a_minute(|| {
        let lock = armed(0);
        for _ in 0..20 {
            let reader = lock.read();
            assert!(lock.try_write_for(Duration::from_millis(1)).is_none());
            // Nobody announces himself now.
            drop(lock.read());
            drop(reader);
            // A writer that does not wait finishes what the other has left.
            *lock.try_write().expect("all have left") += 1;
            drop(lock.read());
        }
        set(&lock, ReadBias::Never);
        assert_eq!(*lock.read(), 20);
    });
}

#[test]
fn fair_unlocks_and_bumps_keep_it_whole() {
    within_a_minute(|| {
        for lock in both(0) {
            thread::scope(|scope| {
                let mut reader = lock.read();
                let writer = scope.spawn(|| {
                    for _ in 0..10 {
                        let mut value = lock.write();
                        *value += 1;
                        AdaptiveRwLockWriteGuard::unlock_fair(value);
                    }
                });
                while *reader < 10 {
                    AdaptiveRwLockReadGuard::bump(&mut reader);
                }
                AdaptiveRwLockReadGuard::unlock_fair(reader);
                writer.join().expect("no assertion failed");
            });
            assert!(!lock.is_locked());
        }
    });
}
