//! When the lock turns from one behaviour to another, and what it says of that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use map_adaptive::lock::{Behaviour, Config, ConfigError, Control};
use map_adaptive::{AdaptiveRwLock, ReadBias};

use crate::{armed, set, within_a_minute};

/// More acquisitions than any change takes.
const ENOUGH: usize = 300_000;

/// Reads of one thread that meets another reader each time.
fn read_among_readers<T>(lock: &AdaptiveRwLock<T>, times: usize) {
    let _other = lock.read();
    for _ in 0..times {
        drop(lock.read());
    }
}

#[test]
fn one_thread_alone_leaves_it_as_it_is() {
    let lock = AdaptiveRwLock::new(0);
    for _ in 0..ENOUGH {
        assert_eq!(*lock.read(), 0);
    }
    for _ in 0..ENOUGH {
        *lock.write() += 1;
    }
    let stats = lock.stats();
    assert_eq!(stats.behaviour, Behaviour::Shared);
    assert_eq!(
        (stats.to_biased, stats.to_shared, stats.to_exclusive),
        (0, 0, 0)
    );
}

#[test]
fn reads_that_meet_make_it_biased_and_writes_end_that() {
    let lock = AdaptiveRwLock::new(0);
    assert_eq!(lock.stats().behaviour, Behaviour::Shared);
    read_among_readers(&lock, ENOUGH);
    let stats = lock.stats();
    assert_eq!(stats.behaviour, Behaviour::Biased);
    assert_eq!((stats.to_biased, stats.to_shared), (1, 0));
    for _ in 0..ENOUGH {
        *lock.write() += 1;
    }
    let stats = lock.stats();
    assert_eq!(stats.behaviour, Behaviour::Shared);
    assert_eq!((stats.to_biased, stats.to_shared), (1, 1));
    assert_eq!((stats.to_exclusive, stats.revocations), (0, 0));
}

#[test]
fn many_writes_among_reads_leave_it_shared() {
    let lock = AdaptiveRwLock::new(0);
    for i in 0..ENOUGH {
        match i % 10 {
            0..2 => {
                let outer = lock.read();
                assert_eq!(*outer, *lock.read(), "changed during a read");
            }
            _ => *lock.write() += 1,
        }
    }
    let stats = lock.stats();
    assert_eq!(stats.behaviour, Behaviour::Shared);
    assert_eq!(stats.to_biased, 0);
}

/// A lock that minds no pace: these tests take their time, and the compiler has not done its best.
fn leisurely() -> AdaptiveRwLock<usize> {
    let lock = AdaptiveRwLock::new(0);
    let config = Config {
        exclusive_nanos: u16::MAX,
        ..Config::default()
    };
    lock.set_config(config).expect("the shares are left alone");
    lock
}

/// Three threads write, and give way while they hold the lock, to meet; and when they do not, to take turns.
fn fight(lock: &AdaptiveRwLock<usize>, enough: impl Fn() -> bool) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let mut value = lock.write();
                    *value += 1;
                    thread::yield_now();
                    drop(value);
                    thread::yield_now();
                }
            });
        }
        while !enough() {
            thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn conflicts_make_it_exclusive_and_peace_ends_that() {
    within_a_minute(|| {
        let lock = leisurely();
        fight(&lock, || lock.stats().behaviour == Behaviour::Exclusive);
        for _ in 0..ENOUGH * 10 {
            *lock.write() += 1;
        }
        let stats = lock.stats();
        assert_eq!(stats.behaviour, Behaviour::Shared);
        assert!(stats.to_exclusive > 0 && stats.to_shared > 0, "{stats:?}");
        read_among_readers(&lock, ENOUGH * 10);
        assert_eq!(lock.stats().behaviour, Behaviour::Biased);
    });
}

#[test]
fn a_biased_lock_that_is_fought_over_turns_exclusive() {
    within_a_minute(|| {
        let lock = armed(0);
        let config = Config {
            bias: ReadBias::Adaptive,
            ..leisurely().config()
        };
        lock.set_config(config).expect("the shares are left alone");
        assert_eq!(lock.stats().behaviour, Behaviour::Biased);
        fight(&lock, || lock.stats().to_exclusive > 0);
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn the_threshold_is_the_one_that_was_set() {
    within_a_minute(|| {
        let lock = AdaptiveRwLock::new(0);
        let touchy = Config {
            conflicts_on_percent: 1,
            conflicts_off_percent: 0,
            ..leisurely().config()
        };
        lock.set_config(touchy).expect("0 is less than 1");
        assert_eq!(lock.config(), touchy);
        fight(&lock, || lock.stats().to_exclusive > 0);
    });
}

#[test]
fn who_takes_long_is_not_asked_to_take_turns() {
    within_a_minute(|| {
        let lock = AdaptiveRwLock::new(0);
        // Each hold, and each pause, takes much longer than the pace that is asked for; and there are enough of them for
        // several verdicts.
        fight(&lock, || lock.try_read().is_some_and(|done| *done > 50_000));
        assert_eq!(lock.stats().to_exclusive, 0);
    });
}

#[test]
fn it_does_as_it_is_told() {
    let lock = AdaptiveRwLock::new(0);
    set(&lock, ReadBias::Never);
    for _ in 0..ENOUGH {
        drop(lock.read());
    }
    assert_eq!(lock.stats().to_biased, 0);
    set(&lock, ReadBias::Always);
    assert_eq!(lock.stats().behaviour, Behaviour::Biased);
    for _ in 0..ENOUGH {
        *lock.write() += 1;
    }
    assert_eq!(lock.stats().behaviour, Behaviour::Biased);
    set(&lock, ReadBias::Never);
    let stats = lock.stats();
    assert_eq!(stats.behaviour, Behaviour::Shared);
    assert_eq!((stats.to_biased, stats.to_shared), (1, 1));
}

#[test]
fn what_is_set_is_not_overtaken_by_what_was_decided_before() {
    within_a_minute(|| {
        let lock = armed(0);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            // Writes, which end the bias whenever they are asked.
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    *lock.write() += 1;
                }
            });
            for _ in 0..20_000 {
                set(&lock, ReadBias::Adaptive);
                set(&lock, ReadBias::Always);
                for _ in 0..10 {
                    assert_eq!(lock.stats().behaviour, Behaviour::Biased);
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let lock = AdaptiveRwLock::new(0);
    let nonsense = |on, off| {
        lock.set_config(Config {
            bias: ReadBias::Always,
            conflicts_on_percent: on,
            conflicts_off_percent: off,
            ..Config::DEFAULT
        })
    };
    for on in [0, 101, 255] {
        let error = nonsense(on, 0).expect_err("no share");
        assert_eq!(error, ConfigError::ConflictsOnPercent { asked: on });
        let message = error.to_string();
        assert!(message.contains("conflicts_on_percent is"), "{message}");
    }
    for off in [5, 6, 100, 255] {
        let error = nonsense(5, off).expect_err("no hysteresis");
        let expected = ConfigError::ConflictsOffPercent { asked: off, on: 5 };
        assert_eq!(error, expected);
        let message = error.to_string();
        assert!(message.contains("conflicts_off_percent is"), "{message}");
    }
    assert_eq!(lock.config(), Config::DEFAULT);
    assert_eq!(lock.stats().behaviour, Behaviour::Shared);
    nonsense(5, 4).expect("that is none");
}

#[test]
fn revocations_are_reported() {
    within_a_minute(|| {
        let lock = armed(0);
        assert_eq!(lock.stats().revocations, 0);
        let reader = lock.read();
        thread::scope(|scope| {
            scope.spawn(|| *lock.write() += 1);
            // Longer than a writer looks on.
            thread::sleep(std::time::Duration::from_millis(50));
            drop(reader);
        });
        let stats = lock.stats();
        assert_eq!(stats.revocations, 1);
        assert!(!stats.revocation_time.is_zero());
    });
}
