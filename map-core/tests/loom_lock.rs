//! The lock under the model checker loom, with a modelled parking lot.
//!
//!     RUSTFLAGS="--cfg crossbeam_loom" LOOM_MAX_PREEMPTIONS=2 \
//!         cargo test --release -p map-core --test loom_lock
//!
//! Each point of the protocol was weakened once. What turned red (all: most models; a name: the
//! models that tell this weakening from others):
//!
//! | weakened | red |
//! |---|---|
//! | `try_lock_shared`, first try: Relaxed | `writer_and_reader` and 4 more |
//! | `try_lock_shared`, loop: Relaxed | `downgrade_lets_readers_in` and 3 more |
//! | `try_lock_exclusive`: Relaxed | all |
//! | `lock_shared_slow`: Relaxed | `writer_and_reader` and 2 more |
//! | `lock_exclusive_slow`: Relaxed | all |
//! | `lock_exclusive_slow` takes the lock from readers | all |
//! | `release_exclusive_flagged`: Relaxed | `two_writers` and 9 more |
//! | `release_exclusive_slow`: Relaxed | `three_writers` and 4 more |
//! | `release_exclusive_slow` gives the lock and stores 0 | `a_fair_unlock_hands_over`, `readers_stay_out_of_an_exclusive_hold_that_was_handed_over` |
//! | `release_exclusive_slow` counts one reader of many | `writer_and_two_readers`, `a_reader_without_a_clock_is_not_left_behind` |
//! | `release_exclusive_slow` forgets the gate | `two_writers_and_reader`, `a_reader_without_a_clock_is_not_left_behind` |
//! | `release_shared`: Relaxed | `writer_and_reader` and 8 more |
//! | the last reader wakes nobody | `the_last_reader_wakes_the_writer` and 8 more |
//! | `turn_shared`: Relaxed | `downgrade_lets_readers_in` |
//! | `wake_slow`: Relaxed | `the_last_reader_wakes_the_writer` and 2 more |
//! | `wake_slow` leaves sleepers to readers that came through the open gate | `writer_and_two_readers` and 2 more |
//! | `wake_slow` gives up when those have left again | `writer_and_two_readers`, `a_reader_without_a_clock_is_not_left_behind` |
//! | no heavy barrier | all |
//! | no light barrier in `release_exclusive_flagged` | `two_writers` and 8 more |
//! | `release_exclusive` goes without though the lock is marked for it | `two_writers` and 8 more |
//! | `set_parked` loses that mark | `two_writers` and 4 more |
//! | no light barrier in `turn_shared` | the three `downgrade_` |
//! | no second load of `parked` | `two_writers` and 8 more |
//! | the flag is not set | all |
//! | a reader sleeps without a look | `writer_and_reader` and 4 more |
//! | a reader sleeps at the gate without a look | `a_writer_that_gives_up_lets_the_readers_behind_it_in` |
//! | a writer sleeps without a look | all |
//! | a writer does not shut the gate | `the_last_reader_wakes_the_writer` and 8 more |
//! | a writer that shuts the gate forgets readers behind it | `a_reader_without_a_clock_is_not_left_behind` |
//! | `admit_readers` forgets the gate | `a_second_guard_on_one_thread_passes_the_gate` and 3 more |
//! | `set_parked` forgets writers | `three_writers` and 3 more |
//! | `set_parked` forgets readers | `two_writers_and_reader` and 2 more |
//! | a reader joins behind a batch though no reader is inside | `who_joins_behind_a_batch_leaves_nobody_behind` |
//! | a reader at the gate never loses patience | `a_second_guard_on_one_thread_passes_the_gate` and 2 more |
//! | a writer that gives up leaves the gate shut | `a_writer_that_gives_up_lets_the_readers_behind_it_in` |
//! | it opens the gate while another writer sleeps | `a_writer_that_gives_up_leaves_the_gate_to_the_next` |
//! | it opens the gate and wakes nobody | `a_writer_that_gives_up_lets_the_readers_behind_it_in` |
//! | `add_shared` adds nothing | `added_holds_keep_the_writer_out_until_the_last` |
//!
//! Green stays `join_and_admit_readers`: Relaxed; whoever comes there with readers to let in seems
//! always to have met the last writer before. Its Acquire is there so that nobody has to prove it.
//!
//! No model can tell what is only unfair; in `lock/tests/fairness.rs`, a beaten writer that gets
//! only another try turns `a_writer_that_was_beaten_once_is_given_the_lock` red, and an impatient
//! reader that takes nobody along `an_impatient_reader_takes_the_others_along`. The models fence on
//! both sides; that the real pair is one is tested in `lock/tests/fence.rs`, red when `heavy` is a
//! mere fence beside an empty `light`.

#![cfg(crossbeam_loom)]
#![expect(unsafe_code, reason = "the functions under test are unsafe")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use lock_api::RawRwLockFair as _;
use loom::cell::UnsafeCell;
use loom::thread;
use map_core::lock::{ExclusiveToken, RawLock, SharedToken};
use map_core::sync::parking::timeouts_fire_before;

/// A lock and a value that loom watches for races.
struct Guarded {
    lock: RawLock,
    value: UnsafeCell<u32>,
}

// SAFETY: `value` is touched under `lock` only; if it is not, loom says so.
unsafe impl Sync for Guarded {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Guarded {}

impl Guarded {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lock: RawLock::new(),
            value: UnsafeCell::new(0),
        })
    }

    fn increment_locked(&self, _: &ExclusiveToken) {
        // SAFETY: the lock is held exclusively; loom checks.
        self.value.with_mut(|value| unsafe { *value += 1 });
    }

    fn read_locked(&self, _: &SharedToken) -> u32 {
        // SAFETY: the lock is held shared; loom checks.
        self.value.with(|value| unsafe { *value })
    }

    fn leave_shared(&self, token: SharedToken) {
        // SAFETY: 1. there is one lock in a model; 2. nothing is used afterwards.
        unsafe { self.lock.unlock_shared(token) }
    }

    fn leave_exclusive(&self, token: ExclusiveToken) {
        // SAFETY: as in `leave_shared`.
        unsafe { self.lock.unlock_exclusive(token) }
    }

    fn write(&self) {
        let token = self.lock.lock_exclusive();
        self.increment_locked(&token);
        self.leave_exclusive(token);
    }

    fn read(&self) -> u32 {
        let token = self.lock.lock_shared();
        let value = self.read_locked(&token);
        self.leave_shared(token);
        value
    }

    /// At the end: everybody has left, nothing is shut, `writes` were made.
    fn assert_left_open(&self, writes: u32) {
        let token = self.lock.try_lock_exclusive().expect("everybody has left");
        self.leave_exclusive(token);
        let token = self.lock.try_lock_shared().expect("the gate is open");
        assert_eq!(self.read_locked(&token), writes);
        self.leave_shared(token);
    }
}

fn spawn<R: 'static>(
    shared: &Arc<Guarded>,
    run: impl FnOnce(&Guarded) -> R + 'static,
) -> thread::JoinHandle<R> {
    let shared = Arc::clone(shared);
    thread::spawn(move || run(&shared))
}

fn join<R>(thread: thread::JoinHandle<R>) -> R {
    thread.join().expect("a model that panicked has ended")
}

fn join_all<R>(threads: impl IntoIterator<Item = thread::JoinHandle<R>>) {
    for thread in threads {
        join(thread);
    }
}

/// No deadline passes.
fn model(check: impl Fn() + Send + Sync + 'static) {
    timeouts_fire_before(None);
    loom::model(check);
}

/// Every deadline passes as soon as the thread sleeps.
fn model_impatient(check: impl Fn() + Send + Sync + 'static) {
    timeouts_fire_before(Some(Instant::now() + Duration::from_secs(86_400)));
    loom::model(check);
}

/// Only the deadlines that the model is given pass.
fn model_with_deadline(check: impl Fn(Instant) + Send + Sync + 'static) {
    let deadline = Instant::now();
    timeouts_fire_before(Some(deadline + Duration::from_nanos(1)));
    loom::model(move || check(deadline));
}

#[test]
fn two_writers() {
    model(|| {
        let shared = Guarded::new();
        let other = spawn(&shared, |s| {
            s.write();
            s.write();
        });
        shared.write();
        join(other);
        shared.assert_left_open(3);
    });
}

#[test]
fn three_writers() {
    model(|| {
        let shared = Guarded::new();
        let others = [
            spawn(&shared, Guarded::write),
            spawn(&shared, Guarded::write),
        ];
        shared.write();
        join_all(others);
        shared.assert_left_open(3);
    });
}

#[test]
fn writer_and_reader() {
    model(|| {
        let shared = Guarded::new();
        let other = spawn(&shared, Guarded::read);
        shared.write();
        shared.write();
        assert!(join(other) <= 2);
        shared.assert_left_open(2);
    });
}

#[test]
fn writer_and_two_readers() {
    model(|| {
        let shared = Guarded::new();
        let others = [spawn(&shared, Guarded::read), spawn(&shared, Guarded::read)];
        shared.write();
        join_all(others);
        shared.assert_left_open(1);
    });
}

#[test]
fn two_writers_and_reader() {
    model(|| {
        let shared = Guarded::new();
        let others = [
            spawn(&shared, Guarded::write),
            spawn(&shared, Guarded::write),
        ];
        assert!(shared.read() <= 2);
        join_all(others);
        shared.assert_left_open(2);
    });
}

#[test]
fn the_last_reader_wakes_the_writer() {
    model(|| {
        let shared = Guarded::new();
        let held = shared.lock.lock_shared();
        let writer = spawn(&shared, Guarded::write);
        let reader = spawn(&shared, |s| {
            s.lock.try_lock_shared().map(|token| {
                let seen = s.read_locked(&token);
                s.leave_shared(token);
                seen
            })
        });
        shared.read_locked(&held);
        shared.leave_shared(held);
        join(reader);
        join(writer);
        shared.assert_left_open(1);
    });
}

#[test]
fn a_fair_unlock_hands_over() {
    model(|| {
        let shared = Guarded::new();
        let held = shared.lock.lock_exclusive();
        shared.increment_locked(&held);
        let others = [
            spawn(&shared, Guarded::write),
            spawn(&shared, Guarded::write),
        ];
        // SAFETY: the token is that of the only lock, and nothing is used under it any more.
        unsafe { shared.lock.unlock_exclusive_fair(held) };
        join_all(others);
        shared.assert_left_open(3);
    });
}

#[test]
fn downgrade_lets_readers_in() {
    model(|| {
        let shared = Guarded::new();
        let held = shared.lock.lock_exclusive();
        let reader = spawn(&shared, Guarded::read);
        shared.increment_locked(&held);
        // SAFETY: the token is that of the only lock; from here on the value is only read.
        let held = unsafe { shared.lock.downgrade(held) };
        // The reader gets in although we stay.
        join(reader);
        assert_eq!(shared.read_locked(&held), 1);
        shared.leave_shared(held);
        shared.assert_left_open(1);
    });
}

#[test]
fn downgrade_keeps_writers_out() {
    model(|| {
        let shared = Guarded::new();
        let held = shared.lock.lock_exclusive();
        let writer = spawn(&shared, Guarded::write);
        shared.increment_locked(&held);
        // SAFETY: as in `downgrade_lets_readers_in`.
        let held = unsafe { shared.lock.downgrade(held) };
        assert_eq!(shared.read_locked(&held), 1);
        shared.leave_shared(held);
        join(writer);
        shared.assert_left_open(2);
    });
}

#[test]
fn downgrade_between_a_writer_and_a_reader() {
    model_impatient(|| {
        let shared = Guarded::new();
        let held = shared.lock.lock_exclusive();
        let writer = spawn(&shared, Guarded::write);
        let reader = spawn(&shared, Guarded::read);
        // SAFETY: as in `downgrade_lets_readers_in`.
        let held = unsafe { shared.lock.downgrade(held) };
        // The reader gets in although we stay, wherever the writer stands.
        join(reader);
        shared.leave_shared(held);
        join(writer);
        shared.assert_left_open(1);
    });
}

#[test]
fn added_holds_keep_the_writer_out_until_the_last() {
    model(|| {
        let shared = Guarded::new();
        let held = shared.lock.lock_shared();
        let writer = spawn(&shared, Guarded::write);
        shared.lock.add_shared(&held, 1);
        let other = spawn(&shared, move |s| {
            s.read_locked(&held);
            s.leave_shared(held);
        });
        let added = SharedToken::of_added_hold();
        shared.read_locked(&added);
        shared.leave_shared(added);
        join(other);
        join(writer);
        shared.assert_left_open(1);
    });
}

#[test]
fn a_second_guard_on_one_thread_passes_the_gate() {
    model_impatient(|| {
        let shared = Guarded::new();
        let first = shared.lock.lock_shared();
        let writer = spawn(&shared, Guarded::write);
        let second = shared.lock.lock_shared();
        assert_eq!(
            shared.read_locked(&first),
            shared.read_locked(&second),
            "no writer came between"
        );
        shared.leave_shared(first);
        shared.leave_shared(second);
        join(writer);
        shared.assert_left_open(1);
    });
}

#[test]
fn a_writer_that_gives_up_lets_the_readers_behind_it_in() {
    model_with_deadline(|deadline| {
        let shared = Guarded::new();
        let first = shared.lock.lock_shared();
        let writer = spawn(&shared, move |s| {
            if let Some(token) = s.lock.lock_exclusive_slow(Some(deadline)) {
                s.increment_locked(&token);
                s.leave_exclusive(token);
                return 1;
            }
            0
        });
        let reader = spawn(&shared, Guarded::read);
        // When the writer gives up, the reader behind it gets in although we stay.
        let wrote = join(writer);
        assert_eq!(wrote, 0, "we are inside");
        join(reader);
        shared.leave_shared(first);
        shared.assert_left_open(0);
    });
}

#[test]
fn a_reader_without_a_clock_is_not_left_behind() {
    model_impatient(|| {
        let shared = Guarded::new();
        let held = shared.lock.lock_exclusive();
        let writer = spawn(&shared, Guarded::write);
        let reader = spawn(&shared, Guarded::read);
        shared.leave_exclusive(held);
        let again = shared.lock.lock_shared();
        // The reader gets in although we stay, whatever the woken writer does.
        join(reader);
        shared.leave_shared(again);
        join(writer);
        shared.assert_left_open(1);
    });
}

#[test]
fn a_writer_that_gives_up_passes_its_wake_on() {
    model_with_deadline(|deadline| {
        let shared = Guarded::new();
        let held = shared.lock.lock_exclusive();
        let brief = spawn(&shared, move |s| {
            if let Some(token) = s.lock.lock_exclusive_slow(Some(deadline)) {
                s.increment_locked(&token);
                s.leave_exclusive(token);
                return 1;
            }
            0
        });
        let patient = spawn(&shared, Guarded::write);
        shared.leave_exclusive(held);
        let wrote = join(brief);
        join(patient);
        shared.assert_left_open(wrote + 1);
    });
}

#[test]
fn a_writer_that_gives_up_leaves_the_gate_to_the_next() {
    model_with_deadline(|deadline| {
        let shared = Guarded::new();
        let held = shared.lock.lock_shared();
        let patient = spawn(&shared, Guarded::write);
        let gone = shared.lock.lock_exclusive_slow(Some(deadline));
        assert!(gone.is_none(), "we are inside");
        shared.leave_shared(held);
        join(patient);
        shared.assert_left_open(1);
    });
}

#[test]
fn readers_stay_out_of_an_exclusive_hold_that_was_handed_over() {
    model(|| {
        let shared = Guarded::new();
        let held = shared.lock.lock_exclusive();
        let writer = spawn(&shared, Guarded::write);
        let reader = spawn(&shared, |s| {
            s.lock.try_lock_shared().map(|token| {
                let seen = s.read_locked(&token);
                s.leave_shared(token);
                seen
            })
        });
        shared.increment_locked(&held);
        // SAFETY: the token is that of the only lock, and nothing is used under it any more.
        unsafe { shared.lock.unlock_exclusive_fair(held) };
        assert!(matches!(join(reader), None | Some(1 | 2)));
        join(writer);
        shared.assert_left_open(2);
    });
}

#[test]
fn reads_within_a_read_pass_the_gate_one_after_the_other() {
    model_impatient(|| {
        let shared = Guarded::new();
        let first = shared.lock.lock_shared();
        let writer = spawn(&shared, Guarded::write);
        // As a batch, if the writer sleeps already, and then behind it.
        let second = shared.lock.lock_shared();
        let third = shared.lock.lock_shared();
        assert_eq!(
            shared.read_locked(&first),
            shared.read_locked(&third),
            "no writer came between"
        );
        shared.leave_shared(first);
        shared.leave_shared(second);
        shared.leave_shared(third);
        join(writer);
        shared.assert_left_open(1);
    });
}

#[test]
fn who_joins_behind_a_batch_leaves_nobody_behind() {
    model_impatient(|| {
        let shared = Guarded::new();
        let outer = shared.lock.lock_shared();
        let writers = [
            spawn(&shared, Guarded::write),
            spawn(&shared, Guarded::write),
        ];
        // A batch, if a writer sleeps already.
        shared.leave_shared(shared.lock.lock_shared());
        let reader = spawn(&shared, Guarded::read);
        shared.leave_shared(outer);
        // Behind the batch, if the one writer was woken and the other sleeps on.
        let again = shared.lock.lock_shared();
        // The reader gets in although we stay, even if it sleeps because it has seen somebody write.
        join(reader);
        shared.leave_shared(again);
        join_all(writers);
        shared.assert_left_open(2);
    });
}
