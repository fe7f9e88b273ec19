//! The adaptive lock under the model checker loom: the real lock, bias and slots, with a modelled parking lot.
//!
//!     RUSTFLAGS="--cfg crossbeam_loom" LOOM_MAX_PREEMPTIONS=2 \
//!         cargo test --release -p map-core --test loom_adaptive
//!
//! The lock is set to be biased always; a model draws no samples.
//!
//! What was weakened, each alone, at 2 preemptions, and what turned red:
//!
//! | weakened | red |
//! |---|---|
//! | a reader does not look at the word again | 10 models |
//! | a reader does not look at the lock | 10 models |
//! | an exclusive holder does not look at the word | 11 models |
//! | the scan loads a slot Relaxed | most |
//! | an announcement ends with a Relaxed store | most |
//! | `is_clear`: Relaxed | `a_writer_that_gives_up_and_one_that_does_not` |
//! | `admits_writer`: Relaxed | that, and `two_writers_and_rearming_reader` |
//! | `clear_pending`: Relaxed | those two |
//! | a revoker that gives up clears pending | the two `a_writer_that_gives_up_` |
//! | a revoker that gives up stays in the count | those two (the bias does not come back) |
//! | who holds the lock is refused by a pending word | `a_writer_that_gives_up_and_one_that_does_not` |
//! | a pending word is cleared without a look | the two, and `two_writers_and_rearming_reader` |
//! | a revoker that finds the word pending takes it for done | `a_writer_that_gives_up_and_one_that_does_not` (waits for ever) |
//! | the bias is armed in spite of revokers | 5 models (wait for ever) |
//! | a writer revokes with the lock in its hands | `nested_read_and_writer`, `recursive_read_and_writer` (wait for ever) |
//! | a writer that is turned away wakes nobody | those, and 2 more |
//! | a writer disarms before it looks | 12 models |
//! | a writer that is not admitted disarms | `a_writer_disarms` |
//! | a reader announces itself without a name | `arming_and_reader_that_does_not_know_the_name` |
//! | two who arm the bias give the lock two names | `two_readers_name_it_and_one_writes` |
//! | a writer asks for the name before it has the lock | `arming_and_writer` |
//! | a recursive reader passes a writer inside | `recursive_read_and_writer` |
//! | it waits at the gate, or opens it | the two `recursive_` |
//! | no light barrier | all |
//!
//! And of those with an exclusive lock, which are seven:
//!
//! | weakened | red |
//! |---|---|
//! | `try_first_shared`: Relaxed | all |
//! | a reader that keeps off takes the lock beside a writer | 6 |
//! | a reader that has kept off in vain joins a writer | 6 |
//! | a writer that has kept off sleeps without a look | all |
//! | a writer that leaves wakes nobody | 6 |
//! | a writer does not look at the bias, since the lock is exclusive; the fast one, or the one that keeps off | `it_turns_exclusive_beside_an_announced_reader` |
//! | a reader that has kept off in vain has no patience to lose | `nested_read_of_an_exclusive_lock_and_writer` (waits for ever) |
//! | a reader does not look at the lock, or not at the word | `it_turns_exclusive_beside_an_announced_reader`, `an_exclusive_lock_turns_biased` |
//!
//! Green stays that a reader that keeps off takes a free lock whose gate is shut, and opens it: the last reader, which is on
//! its way, finds it and sets the gate again. No reader does so, for it would pass the writers.
//!
//! No model samples, so none changes the behaviour by itself; a behaviour is a hint, and the models set it at
//! awkward moments.

#![cfg(crossbeam_loom)]
#![expect(unsafe_code, reason = "the functions under test are unsafe")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lock_api::{RawRwLock as _, RawRwLockDowngrade as _, RawRwLockTimed as _};
use loom::cell::UnsafeCell;
use loom::thread;
use map_core::ReadBias;
use map_core::lock::{AdaptiveRawRwLock, Behaviour, Config, ExclusiveToken, SharedHold};
use map_core::sync::parking::timeouts_fire_before;

/// A lock and a value that loom watches for races.
struct Guarded {
    lock: AdaptiveRawRwLock,
    value: UnsafeCell<u32>,
}

// SAFETY: `value` is touched under `lock` only; if it is not, loom says so.
unsafe impl Sync for Guarded {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Guarded {}

impl Guarded {
    /// A lock that is biased, but whose bias is not armed.
    fn new() -> Arc<Self> {
        let guarded = Arc::new(Self {
            lock: AdaptiveRawRwLock::new(),
            value: UnsafeCell::new(0),
        });
        guarded.set(ReadBias::Always);
        guarded
    }

    /// The same with its bias armed. This thread has a slot.
    fn armed() -> Arc<Self> {
        let guarded = Self::new();
        assert_eq!(guarded.read(), 0);
        guarded
    }

    /// A lock that is exclusive.
    fn exclusive() -> Arc<Self> {
        let guarded = Arc::new(Self {
            lock: AdaptiveRawRwLock::new(),
            value: UnsafeCell::new(0),
        });
        guarded.lock.turn_in_model(Behaviour::Exclusive);
        guarded
    }

    fn set(&self, bias: ReadBias) {
        let config = Config {
            bias,
            ..Config::DEFAULT
        };
        self.lock
            .set_config(config)
            .expect("the shares are left alone");
    }

    fn increment_locked(&self, _: &ExclusiveToken) {
        // SAFETY: the lock is held exclusively; loom checks.
        self.value.with_mut(|value| unsafe { *value += 1 });
    }

    fn read_locked(&self, _: &SharedHold) -> u32 {
        // SAFETY: the lock is held shared; loom checks.
        self.value.with(|value| unsafe { *value })
    }

    fn leave_shared(&self, hold: SharedHold) {
        // SAFETY: 1. there is one lock in a model; 2. nothing is used afterwards.
        unsafe { self.lock.unlock_shared(hold) }
    }

    fn leave_exclusive(&self, token: ExclusiveToken) {
        // SAFETY: as in `leave_shared`.
        unsafe { self.lock.unlock_exclusive(token) }
    }

    fn write_with(&self, token: ExclusiveToken) {
        self.increment_locked(&token);
        self.leave_exclusive(token);
    }

    fn write(&self) {
        self.write_with(self.lock.lock_exclusive());
    }

    fn read(&self) -> u32 {
        let hold = self.lock.lock_shared();
        let value = self.read_locked(&hold);
        self.leave_shared(hold);
        value
    }

    /// Writes if that needs no waiting.
    fn try_to_write(&self) -> u32 {
        match self.lock.try_lock_exclusive() {
            Some(token) => {
                self.write_with(token);
                1
            }
            None => 0,
        }
    }

    /// Writes if that is possible by a deadline that has passed already.
    fn write_or_give_up(&self) -> u32 {
        match self.lock.try_lock_exclusive_until(Instant::now()) {
            Some(token) => {
                self.write_with(token);
                1
            }
            None => 0,
        }
    }

    /// At the end: everybody has left, nothing is shut, `writes` were made.
    fn assert_left_open(&self, writes: u32) {
        let token = self
            .lock
            .try_lock_exclusive()
            .expect("everybody has left, and a pending revocation is finished");
        self.leave_exclusive(token);
        let hold = self.lock.try_lock_shared().expect("the gate is open");
        assert_eq!(self.read_locked(&hold), writes);
        self.leave_shared(hold);
    }

    /// At the end, if readers announce themselves: they do so again.
    fn assert_armed_again(&self) {
        self.read();
        let hold = self.lock.lock_shared();
        assert!(format!("{hold:?}").contains("Announced"), "{hold:?}");
        self.leave_shared(hold);
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

fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    let explored = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&explored);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        check();
    });
    let explored = explored.load(Ordering::Relaxed);
    assert!(explored > 1, "the model has no schedules to try");
    println!("{explored} schedules");
}

/// Deadlines before tomorrow, of those who wait with one, pass at once.
fn deadlines_pass() {
    timeouts_fire_before(Some(Instant::now() + Duration::from_secs(86_400)));
}

/// An announced reader and a writer, who finds it or not.
#[test]
fn reader_and_writer() {
    model(|| {
        let guarded = Guarded::armed();
        let writer = spawn(&guarded, Guarded::write);
        let seen = guarded.read();
        assert!(seen <= 1);
        join(writer);
        guarded.assert_left_open(1);
    });
}

/// The bias may come back between two reads.
#[test]
fn reads_in_a_row_and_writer() {
    model(|| {
        let guarded = Guarded::armed();
        let writer = spawn(&guarded, Guarded::write);
        let first = guarded.read();
        let second = guarded.read();
        assert!(first <= second, "back in time");
        join(writer);
        guarded.assert_left_open(1);
    });
}

/// The lock gets its name while a writer comes.
#[test]
fn arming_and_writer() {
    model(|| {
        let guarded = Guarded::new();
        let writer = spawn(&guarded, |guarded| {
            guarded.write();
            guarded.write();
        });
        let first = guarded.read();
        let second = guarded.read();
        assert!(first <= second, "back in time");
        join(writer);
        guarded.assert_left_open(2);
    });
}

/// Two threads give the lock its name at once; one of them reads by it beside a writer.
#[test]
fn two_readers_name_it_and_one_writes() {
    model(|| {
        let guarded = Guarded::new();
        let reader = spawn(&guarded, |guarded| {
            guarded.read();
            guarded.read();
        });
        guarded.read();
        guarded.write();
        join(reader);
        guarded.assert_left_open(1);
    });
}

/// The lock gets its name while a reader comes that could announce itself: it has a slot already, from reading another lock.
#[test]
fn arming_and_reader_that_does_not_know_the_name() {
    model(|| {
        let guarded = Guarded::new();
        let reader = spawn(&guarded, |guarded| {
            Guarded::armed();
            guarded.read()
        });
        guarded.read();
        guarded.write();
        assert!(join(reader) <= 1);
        guarded.assert_left_open(1);
    });
}

/// Two writers revoke or wait for each other, and the reader arms the bias again. None sleeps for ever.
#[test]
fn two_writers_and_rearming_reader() {
    model(|| {
        let guarded = Guarded::armed();
        let trying = spawn(&guarded, Guarded::try_to_write);
        let writer = spawn(&guarded, Guarded::write);
        guarded.read();
        guarded.read();
        join(writer);
        let tried = join(trying);
        guarded.assert_left_open(1 + tried);
        guarded.assert_armed_again();
    });
}

/// A read within an announced read, while a writer waits for the outer one.
#[test]
fn nested_read_and_writer() {
    deadlines_pass();
    model(|| {
        let guarded = Guarded::armed();
        let writer = spawn(&guarded, Guarded::write);
        let outer = guarded.lock.lock_shared();
        let seen = guarded.read_locked(&outer);
        assert_eq!(guarded.read(), seen, "changed during a read");
        guarded.leave_shared(outer);
        join(writer);
        guarded.assert_left_open(1);
    });
}

/// The same, and the inner read is one that waits for no writer that waits: no time has to pass.
#[test]
fn recursive_read_and_writer() {
    timeouts_fire_before(None);
    model(|| {
        let guarded = Guarded::armed();
        let writer = spawn(&guarded, Guarded::write);
        let outer = guarded.lock.lock_shared();
        let inner = guarded.lock.lock_shared_recursive();
        assert_eq!(guarded.read_locked(&outer), guarded.read_locked(&inner));
        guarded.leave_shared(outer);
        guarded.leave_shared(inner);
        join(writer);
        guarded.assert_left_open(1);
    });
}

/// Recursive reads of counted holds, two writers: whoever slept is woken.
#[test]
fn recursive_read_of_a_counted_hold_and_two_writers() {
    timeouts_fire_before(None);
    model(|| {
        let guarded = Guarded::new();
        guarded.set(ReadBias::Never);
        let writers = [
            spawn(&guarded, Guarded::write),
            spawn(&guarded, Guarded::write),
        ];
        let outer = guarded.lock.lock_shared();
        let inner = guarded.lock.lock_shared_recursive();
        assert_eq!(guarded.read_locked(&outer), guarded.read_locked(&inner));
        guarded.leave_shared(outer);
        guarded.leave_shared(inner);
        writers.into_iter().for_each(join);
        guarded.assert_left_open(2);
    });
}

/// A writer that gives up beside an announced reader; then one that does not has to finish its job.
#[test]
fn a_writer_that_gives_up_and_a_reader() {
    deadlines_pass();
    model(|| {
        let guarded = Guarded::armed();
        let writer = spawn(&guarded, |guarded| {
            let first = guarded.write_or_give_up();
            guarded.write();
            first
        });
        let first = guarded.read();
        let second = guarded.read();
        assert!(first <= second, "back in time");
        let writes = 1 + join(writer);
        guarded.assert_left_open(writes);
        guarded.assert_armed_again();
    });
}

/// The one gives up while the other revokes.
#[test]
fn a_writer_that_gives_up_and_one_that_does_not() {
    deadlines_pass();
    model(|| {
        let guarded = Guarded::armed();
        let hasty = spawn(&guarded, Guarded::write_or_give_up);
        let patient = spawn(&guarded, Guarded::write);
        guarded.read();
        join(patient);
        let writes = 1 + join(hasty);
        guarded.assert_left_open(writes);
        guarded.assert_armed_again();
    });
}

/// A guard crosses threads: announced here, taken back there.
#[test]
fn a_hold_ends_on_another_thread() {
    model(|| {
        let guarded = Guarded::armed();
        let hold = guarded.lock.lock_shared();
        let reader = spawn(&guarded, move |guarded| {
            guarded.read_locked(&hold);
            guarded.leave_shared(hold);
        });
        let writer = spawn(&guarded, Guarded::write);
        // This thread's slot is taken until then, or free.
        guarded.read();
        join(reader);
        join(writer);
        guarded.assert_left_open(1);
    });
}

/// The behaviour changes while readers are announced; the next writer disarms the bias.
#[test]
fn a_writer_disarms() {
    model(|| {
        let guarded = Guarded::armed();
        let reader = spawn(&guarded, |guarded| {
            guarded.read();
            guarded.read();
        });
        let held = guarded.lock.lock_shared();
        guarded.set(ReadBias::Never);
        guarded.leave_shared(held);
        let tried = guarded.try_to_write();
        guarded.write();
        join(reader);
        guarded.assert_left_open(1 + tried);
    });
}

/// A downgraded hold keeps writers out, and lets readers in that announce themselves.
#[test]
fn downgrade_beside_a_reader_and_a_writer() {
    model(|| {
        let guarded = Guarded::armed();
        let reader = spawn(&guarded, Guarded::read);
        let token = guarded.lock.lock_exclusive();
        guarded.increment_locked(&token);
        // SAFETY: 1. there is one lock in a model; 2. it is only read from now on.
        let hold = unsafe { guarded.lock.downgrade(token) };
        let writer = spawn(&guarded, Guarded::write);
        assert_eq!(guarded.read_locked(&hold), 1);
        guarded.leave_shared(hold);
        join(writer);
        join(reader);
        guarded.assert_left_open(2);
    });
}

/// Three take turns: none is beside a writer, none sleeps for ever.
#[test]
fn two_writers_and_reader_of_an_exclusive_lock() {
    model(|| {
        let guarded = Guarded::exclusive();
        let writer = spawn(&guarded, Guarded::write);
        let reader = spawn(&guarded, Guarded::read);
        guarded.write();
        assert!(join(reader) <= 2);
        join(writer);
        guarded.assert_left_open(2);
    });
}

/// Readers keep off each other, and join each other when that was in vain; a writer waits for both.
#[test]
fn two_readers_and_writer_of_an_exclusive_lock() {
    model(|| {
        let guarded = Guarded::exclusive();
        let writer = spawn(&guarded, Guarded::write);
        let reader = spawn(&guarded, Guarded::read);
        let hold = guarded.lock.lock_shared();
        let first = guarded.read_locked(&hold);
        // It gets in beside us, or after the writer.
        assert_eq!(guarded.read_locked(&hold), first, "changed during a read");
        guarded.leave_shared(hold);
        assert!(join(reader) <= 1);
        join(writer);
        guarded.assert_left_open(1);
    });
}

/// A read within a read, while a writer waits at the gate: the inner one keeps off in vain, and gets in by impatience.
#[test]
fn nested_read_of_an_exclusive_lock_and_writer() {
    deadlines_pass();
    model(|| {
        let guarded = Guarded::exclusive();
        let writer = spawn(&guarded, Guarded::write);
        let outer = guarded.lock.lock_shared();
        let seen = guarded.read_locked(&outer);
        assert_eq!(guarded.read(), seen, "changed during a read");
        guarded.leave_shared(outer);
        join(writer);
        guarded.assert_left_open(1);
    });
}

/// One who gives up at a deadline leaves nothing behind for those who take turns.
#[test]
fn a_writer_of_an_exclusive_lock_gives_up() {
    deadlines_pass();
    model(|| {
        let guarded = Guarded::exclusive();
        let hasty = spawn(&guarded, Guarded::write_or_give_up);
        let writer = spawn(&guarded, Guarded::write);
        guarded.read();
        join(writer);
        let writes = 1 + join(hasty);
        guarded.assert_left_open(writes);
    });
}

/// The lock turns exclusive and shared again while a writer is inside, and others wait by whichever rule they have met.
#[test]
fn it_turns_exclusive_and_back_beside_a_writer() {
    model(|| {
        let guarded = Guarded::exclusive();
        guarded.lock.turn_in_model(Behaviour::Shared);
        let writer = spawn(&guarded, Guarded::write);
        let reader = spawn(&guarded, Guarded::read);
        let token = guarded.lock.lock_exclusive();
        guarded.lock.turn_in_model(Behaviour::Exclusive);
        guarded.increment_locked(&token);
        guarded.leave_exclusive(token);
        guarded.lock.turn_in_model(Behaviour::Shared);
        assert!(join(reader) <= 2);
        join(writer);
        guarded.assert_left_open(2);
    });
}

/// The lock turns exclusive while a reader is announced and its bias is armed: writers still look for such readers.
#[test]
fn it_turns_exclusive_beside_an_announced_reader() {
    model(|| {
        let guarded = Guarded::armed();
        let reader = spawn(&guarded, |guarded| {
            // The first gives the thread a slot.
            guarded.read();
            guarded.read()
        });
        let writer = spawn(&guarded, |guarded| {
            guarded.lock.turn_in_model(Behaviour::Exclusive);
            guarded.write();
        });
        let hold = guarded.lock.lock_shared();
        let seen = guarded.read_locked(&hold);
        assert_eq!(guarded.read_locked(&hold), seen, "changed during a read");
        guarded.leave_shared(hold);
        assert!(join(reader) <= 1);
        join(writer);
        guarded.assert_left_open(1);
    });
}

/// An exclusive lock turns biased beside those who take turns at it, and its readers announce themselves.
#[test]
fn an_exclusive_lock_turns_biased() {
    model(|| {
        let guarded = Guarded::exclusive();
        let writer = spawn(&guarded, Guarded::write);
        guarded.set(ReadBias::Always);
        let first = guarded.read();
        let second = guarded.read();
        assert!(first <= second, "back in time");
        join(writer);
        guarded.assert_left_open(1);
        guarded.assert_armed_again();
    });
}
