//! What cannot be seen from outside. The rest is tested where users are: in `map-adaptive`.

#![expect(unsafe_code, reason = "the functions under test are unsafe")]

use std::cell::Cell;
use std::mem::offset_of;
use std::sync::atomic::{AtomicUsize, Ordering, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use lock_api::RawRwLock as _;

use super::*;
use crate::lock::park::{self, Wants};
use crate::lock::tally::ReadBias;
use crate::lock::tests::{until_gate_shut, within_reason};
use crate::lock::{BATCH, GATE, READERS_PARKED, WRITER};

fn always() -> AdaptiveRawRwLock {
    let lock = AdaptiveRawRwLock::new();
    let config = Config {
        bias: ReadBias::Always,
        ..Config::DEFAULT
    };
    lock.set_config(config).expect("the shares are left alone");
    lock
}

/// A biased lock whose bias is armed.
fn armed() -> AdaptiveRawRwLock {
    let lock = always();
    leave(&lock, lock.lock_shared());
    lock
}

fn leave(lock: &AdaptiveRawRwLock, hold: SharedHold) {
    // SAFETY: 1. each test has one lock that it gives holds to; 2. it protects nothing.
    unsafe { lock.unlock_shared(hold) }
}

fn leave_exclusive(lock: &AdaptiveRawRwLock, token: ExclusiveToken) {
    // SAFETY: as above.
    unsafe { lock.unlock_exclusive(token) }
}

fn is_announced(hold: &SharedHold) -> bool {
    matches!(hold.0, Reader::Announced(_))
}

fn write_for(lock: &AdaptiveRawRwLock, time: Duration) -> Option<ExclusiveToken> {
    lock.lock_exclusive_until(after(time))
}

#[test]
fn what_is_written_lies_a_line_behind_what_is_looked_at() {
    #[cfg(target_pointer_width = "64")]
    assert_eq!(size_of::<AdaptiveRawRwLock>(), 80);
    assert_eq!(offset_of!(AdaptiveRawRwLock, lock), 64);
    assert!(
        offset_of!(AdaptiveRawRwLock, apart) <= 24,
        "they fit before the next line"
    );
    assert_eq!(align_of::<AdaptiveRawRwLock>(), 8);
    assert_eq!(size_of::<SharedHold>(), size_of::<usize>());
    assert_eq!(size_of::<Option<SharedHold>>(), 2 * size_of::<usize>());
}

#[test]
fn a_hold_that_outlives_its_lock_ends_no_other() {
    thread::spawn(|| {
        let first = armed();
        let stale = first.lock_shared();
        assert!(is_announced(&stale));
        drop(first);
        // The word is free again, and the next lock's reader takes it.
        let second = armed();
        let hold = second.lock_shared();
        assert!(is_announced(&hold));
        drop(stale);
        assert!(
            second.try_lock_exclusive().is_none(),
            "a writer beside a reader"
        );
        leave(&second, hold);
        assert!(second.try_lock_exclusive().is_some());
    })
    .join()
    .expect("the thread ends well");
}

#[test]
fn a_config_survives_packing() {
    for bias in [ReadBias::Adaptive, ReadBias::Always, ReadBias::Never] {
        let config = Config {
            bias,
            conflicts_on_percent: 100,
            conflicts_off_percent: 99,
            exclusive_nanos: u16::MAX - 1,
        };
        assert_eq!(Config::unpack(config.pack()), config);
    }
}

#[test]
fn readers_announce_themselves_once_the_bias_is_armed() {
    let lock = always();
    let first = lock.lock_shared();
    assert!(!is_announced(&first), "it is to arm the bias");
    let second = lock.lock_shared();
    assert!(is_announced(&second));
    assert!(lock.try_lock_exclusive().is_none());
    leave(&lock, first);
    assert!(lock.is_locked(), "the announced one is inside");
    assert!(lock.try_lock_exclusive().is_none());
    leave(&lock, second);
    assert!(!lock.is_locked());
    let token = lock.try_lock_exclusive().expect("all have left");
    assert!(lock.is_locked_exclusive() && lock.try_lock_shared().is_none());
    leave_exclusive(&lock, token);
    let third = lock.lock_shared();
    assert!(is_announced(&third), "a short write leaves the bias armed");
    leave(&lock, third);
}

#[test]
fn a_thread_whose_slot_is_full_is_counted() {
    let locks: Vec<_> = (0..16).map(|_| armed()).collect();
    let holds: Vec<_> = locks.iter().map(|lock| lock.lock_shared()).collect();
    let announced = holds.iter().filter(|hold| is_announced(hold)).count();
    assert_eq!(announced, 3);
    for lock in &locks {
        assert!(lock.is_locked() && lock.try_lock_exclusive().is_none());
    }
    for (lock, hold) in locks.iter().zip(holds) {
        leave(lock, hold);
        let token = lock.try_lock_exclusive().expect("the reader has left");
        leave_exclusive(lock, token);
    }
    let hold = locks[0].lock_shared();
    assert!(is_announced(&hold), "the slot is free again");
    leave(&locks[0], hold);
}

#[test]
fn a_forgotten_hold_haunts_no_other_lock_at_its_address() {
    within_reason(|| {
        let mut place = Box::new(armed());
        for _ in 0..100 {
            let hold = place.lock_shared();
            assert!(is_announced(&hold), "its slot is not given back");
            let _forgotten = hold;
            assert!(place.try_lock_exclusive().is_none());
            *place = always();
            let token = place.lock_exclusive();
            leave_exclusive(&place, token);
            leave(&place, place.lock_shared());
        }
    });
}

#[test]
fn a_forgotten_hold_moves_with_its_lock() {
    let lock = armed();
    let hold = lock.lock_shared();
    assert!(is_announced(&hold));
    let _forgotten = hold;
    let moved = Box::new(lock);
    assert!(moved.is_locked() && moved.try_lock_exclusive().is_none());
    assert!(write_for(&moved, Duration::from_millis(2)).is_none());
}

#[test]
fn a_writer_gives_up_in_time_and_the_next_finishes_its_job() {
    within_reason(|| {
        let lock = armed();
        let hold = lock.lock_shared();
        assert!(is_announced(&hold));
        thread::scope(|scope| {
            scope.spawn(|| {
                let started = Instant::now();
                assert!(write_for(&lock, Duration::from_millis(20)).is_none());
                assert!(started.elapsed() >= Duration::from_millis(20), "too early");
            });
        });
        assert_eq!(lock.stats().revocations, 1);
        // The revocation is pending.
        let counted = lock.lock_shared();
        assert!(!is_announced(&counted));
        assert!(lock.try_lock_exclusive().is_none());
        leave(&lock, counted);
        assert!(
            lock.try_lock_exclusive().is_none(),
            "beside the first reader"
        );
        leave(&lock, hold);
        let token = lock.try_lock_exclusive().expect("both have left");
        leave_exclusive(&lock, token);
        // And is over.
        leave(&lock, lock.lock_shared());
        let hold = lock.lock_shared();
        assert!(is_announced(&hold), "the bias has come back");
        leave(&lock, hold);
    });
}

#[test]
fn a_writer_disarms_the_bias_of_a_lock_that_is_biased_no_more() {
    let lock = armed();
    let config = Config {
        bias: ReadBias::Never,
        ..Config::DEFAULT
    };
    lock.set_config(config).expect("the shares are left alone");
    assert_eq!(lock.stats().behaviour, Behaviour::Shared);
    assert!(!lock.bias.is_clear());
    leave_exclusive(&lock, lock.lock_exclusive());
    assert!(lock.bias.is_clear());
    let hold = lock.lock_shared();
    assert!(!is_announced(&hold));
    leave(&lock, hold);
}

#[test]
fn a_lock_that_is_hardly_used_has_no_record() {
    let lock = AdaptiveRawRwLock::new();
    lock.mode.watch();
    for _ in 0..1_000 {
        leave(&lock, lock.lock_shared());
        leave_exclusive(&lock, lock.lock_exclusive());
    }
    assert!(lock.record.get().is_none());
    let stats = lock.stats();
    assert_eq!(stats.behaviour, Behaviour::Shared);
    assert_eq!(
        (stats.to_biased, stats.to_shared, stats.to_exclusive),
        (0, 0, 0)
    );
}

#[test]
#[cfg_attr(miri, ignore = "too many holds to be interpreted")]
fn one_thread_alone_is_not_counted_and_neither_are_those_who_met_long_ago() {
    let lock = AdaptiveRawRwLock::new();
    let use_it = |times| {
        for _ in 0..times {
            leave(&lock, lock.lock_shared());
            leave_exclusive(&lock, lock.lock_exclusive());
        }
    };
    use_it(100_000);
    assert!(lock.mode.load().is_quiet() && lock.record.get().is_none());
    for stop in [true, false] {
        let hold = lock.lock_shared();
        if stop {
            assert!(lock.try_lock_exclusive().is_none());
        } else {
            leave(&lock, lock.lock_shared());
        }
        leave(&lock, hold);
        assert!(!lock.mode.load().is_quiet(), "somebody was met");
        use_it(5_000);
        assert!(!lock.mode.load().is_quiet(), "too early");
        use_it(100_000);
        assert!(lock.mode.load().is_quiet());
    }
    assert_eq!(lock.stats().behaviour, Behaviour::Shared);
}

/// Makes the lock exclusive.
fn make_exclusive(lock: &AdaptiveRawRwLock) {
    assert!(lock.mode.turn(lock.mode.load(), Behaviour::Exclusive));
    assert_eq!(lock.stats().behaviour, Behaviour::Exclusive);
}

/// A lock that minds no pace, and so many writes, of which each is told to have waited for so long.
fn write_and_wait(lock: &AdaptiveRawRwLock, writes: u32, waited: Duration) {
    let config = Config {
        exclusive_nanos: u16::MAX,
        ..Config::DEFAULT
    };
    lock.set_config(config).expect("the shares are left alone");
    for _ in 0..writes {
        leave_exclusive(lock, lock.lock_exclusive());
        if !waited.is_zero() {
            note_conflict(lock, waited);
        }
    }
}

/// What one does who has met another.
fn note_conflict(lock: &AdaptiveRawRwLock, waited: Duration) {
    lock.mode.watch();
    lock.note_conflict(waited);
}

#[test]
#[cfg_attr(miri, ignore = "too many holds to be interpreted")]
fn waits_make_it_exclusive_and_their_absence_ends_that() {
    let lock = AdaptiveRawRwLock::new();
    write_and_wait(&lock, 50_000, Duration::from_nanos(64));
    assert_eq!(lock.stats().behaviour, Behaviour::Exclusive);
    write_and_wait(&lock, 200_000, Duration::ZERO);
    let stats = lock.stats();
    assert_eq!(stats.behaviour, Behaviour::Shared);
    assert_eq!((stats.to_exclusive, stats.to_shared), (1, 1));
}

#[test]
#[cfg_attr(miri, ignore = "too many holds to be interpreted")]
fn one_who_waits_for_long_counts_for_many() {
    let lock = AdaptiveRawRwLock::new();
    for _ in 0..10 {
        write_and_wait(&lock, 5_000, Duration::ZERO);
        // One in 5,000, but as long as 2,000 others take.
        note_conflict(&lock, Duration::from_nanos(2_000 * 64));
    }
    assert_eq!(lock.stats().behaviour, Behaviour::Exclusive);
}

#[test]
#[cfg_attr(miri, ignore = "too many holds to be interpreted")]
fn a_lock_that_is_used_at_leisure_does_not_turn_exclusive() {
    let lock = AdaptiveRawRwLock::new();
    let config = Config {
        exclusive_nanos: 0,
        ..Config::DEFAULT
    };
    lock.set_config(config).expect("the shares are left alone");
    for _ in 0..50_000 {
        leave_exclusive(&lock, lock.lock_exclusive());
        note_conflict(&lock, Duration::from_nanos(64));
    }
    assert_eq!(lock.stats().to_exclusive, 0);
}

#[test]
#[cfg_attr(miri, ignore = "too many holds to be interpreted")]
fn readers_of_an_exclusive_lock_that_wait_in_vain_end_that() {
    within_reason(|| {
        let lock = AdaptiveRawRwLock::new();
        // For its record.
        write_and_wait(&lock, 50_000, Duration::from_nanos(64));
        assert_eq!(lock.stats().behaviour, Behaviour::Exclusive);
        let long = lock.lock_shared();
        let mut reads = 0;
        while lock.stats().behaviour == Behaviour::Exclusive {
            // Not for ever, though the other stays.
            leave(&lock, lock.lock_shared());
            reads += 1;
        }
        assert!(reads >= 16, "{reads} were enough");
        assert_eq!(lock.stats().behaviour, Behaviour::Shared);
        leave(&lock, long);
    });
}

#[test]
#[cfg_attr(miri, ignore = "too many holds to be interpreted")]
fn a_try_and_a_recursive_read_join_the_readers_of_an_exclusive_lock_at_once() {
    let lock = AdaptiveRawRwLock::new();
    write_and_wait(&lock, 50_000, Duration::from_nanos(64));
    let first = lock.lock_shared();
    for _ in 0..100 {
        let tried = lock.try_lock_shared().expect("only readers are inside");
        let again = lock.lock_shared_recursive();
        leave(&lock, tried);
        leave(&lock, again);
    }
    assert_eq!(lock.stats().behaviour, Behaviour::Exclusive, "one kept off");
    leave(&lock, first);
}

#[test]
fn who_keeps_off_passes_nobody_at_the_gate() {
    within_reason(|| {
        let lock = AdaptiveRawRwLock::new();
        let keep_off = || {
            let alone = || lock.lock.try_first_shared().ok();
            lock.lock.keep_off(Instant::now(), None, alone)
        };
        for inside in [GATE, WRITER, 1, GATE | 1] {
            lock.lock.state.store(inside, Relaxed);
            assert!(keep_off().is_none(), "beside {inside:#x}");
            assert_eq!(lock.lock.state.load(Relaxed), inside);
        }
        lock.lock.state.store(0, Relaxed);
        let now = Instant::now();
        let hurried = lock
            .lock
            .keep_off(now, Some(now), || -> Option<()> { unreachable!("no look") });
        assert!(hurried.is_none());
        let token = keep_off().expect("nobody is inside");
        leave(&lock, SharedHold::counted(token));
    });
}

#[test]
#[cfg_attr(miri, ignore = "too many holds to be interpreted")]
fn always_is_always() {
    let lock = always();
    for _ in 0..50_000 {
        leave_exclusive(&lock, lock.lock_exclusive());
        note_conflict(&lock, Duration::from_nanos(64));
    }
    assert_eq!(lock.stats().behaviour, Behaviour::Biased);
}

/// How many threads sleep in the lock's queue.
fn sleepers(lock: &AdaptiveRawRwLock) -> usize {
    let count = Cell::new(0);
    let pick = |_, _: Wants| {
        count.set(count.get() + 1);
        false
    };
    park::wake(lock.lock.key(), pick, |_| false);
    count.get()
}

#[test]
fn who_waits_for_an_exclusive_lock_is_served_in_order() {
    within_reason(|| {
        const WRITERS: usize = 5;
        let lock = Arc::new(AdaptiveRawRwLock::new());
        make_exclusive(&lock);
        let token = lock.lock_exclusive();
        let entered = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|turn| {
                let theirs = (Arc::clone(&lock), Arc::clone(&entered));
                let writer = thread::spawn(move || {
                    let (lock, entered) = theirs;
                    let token = lock.lock_exclusive();
                    assert_eq!(entered.fetch_add(1, Ordering::Relaxed), turn, "passed");
                    leave_exclusive(&lock, token);
                });
                while sleepers(&lock) <= turn {
                    thread::yield_now();
                }
                writer
            })
            .collect();
        leave_exclusive(&lock, token);
        for writer in writers {
            writer.join().expect("no assertion failed");
        }
    });
}

#[test]
fn an_exclusive_lock_still_lets_readers_in_together() {
    within_reason(|| {
        let lock = Arc::new(AdaptiveRawRwLock::new());
        make_exclusive(&lock);
        let token = lock.lock_exclusive();
        let together = Arc::new(Barrier::new(3));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (lock, together) = (Arc::clone(&lock), Arc::clone(&together));
                thread::spawn(move || {
                    let hold = lock.lock_shared();
                    together.wait();
                    leave(&lock, hold);
                })
            })
            .collect();
        while sleepers(&lock) < 2 {
            thread::yield_now();
        }
        leave_exclusive(&lock, token);
        let first = lock.lock_shared();
        let second = lock.try_lock_shared().expect("only readers are inside");
        together.wait();
        leave(&lock, first);
        leave(&lock, second);
        for reader in readers {
            reader.join().expect("no assertion failed");
        }
    });
}

#[test]
fn a_recursive_reader_passes_a_waiting_writer_alone() {
    within_reason(|| {
        let lock = Arc::new(AdaptiveRawRwLock::new());
        let outer = lock.lock_shared();
        assert!(!is_announced(&outer));
        let writer = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || leave_exclusive(&lock, lock.lock_exclusive()))
        };
        until_gate_shut(&lock.lock);
        assert!(lock.try_lock_shared().is_none(), "the gate is shut");
        let batches = lock.lock.parked.load(Relaxed) / BATCH;
        let inner = lock.lock_shared_recursive();
        let now = lock.lock.parked.load(Relaxed);
        assert_eq!(now / BATCH, batches, "it came as an impatient one");
        assert_eq!(now & READERS_PARKED, 0, "it slept");
        assert!(lock.try_lock_shared().is_none(), "the gate is still shut");
        leave(&lock, outer);
        leave(&lock, inner);
        writer.join().expect("no assertion failed");
    });
}
