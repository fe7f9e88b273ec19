//! Models of a shard that goes down from read tables to inline entries and up again, by loom: of `raw::parts`, driven as
//! `map-adaptive` does it.
//!
//! Run with `.ci/models`, which sets `--cfg crossbeam_loom`; without it there is nothing here.
//!
//! Weakened one by one, to see that the models notice:
//!
//! | changed | outcome |
//! |---|---|
//! | `parts::conceal`: the moment before readers are shut out | red: `pin_of_one_who_ticks_and_division`, `session_and_division`, `session_and_way_down` |
//! | `Locked::conceal`: the read word is not made null | red: `pin_and_way_down`, and nearly all others |
//! | `is_deserted`: guard slots not looked at | red: `guard_and_way_down`, `guard_sent_away_and_way_down`, `guard_and_division`, `guard_and_half_the_way`, `guard_and_way_down_and_up` |
//! | `is_deserted`: guard slots looked at first | red: `guard_and_way_down`, `guard_and_division` |
//! | `is_deserted`: counted guards not looked at | red: `counted_guard_and_way_down`, `counted_guard_sent_away_and_way_down` |
//! | `is_deserted`: whether the moment is ripe is not asked | red: `pin_and_way_down`, `session_and_way_down`, `guard_and_way_down`, and most others |
//! | `clock`: no fence in `stamp` | red: `session_and_way_down`, `session_pinned_anew_and_way_down`, `session_and_division`, `pin_of_one_who_ticks_and_division` |
//! | `clock`: ripe with the question before | red: `pin_and_way_down`, `pin_and_division`, `guard_and_division` |
//! | `clock`: sessions not waited for | red: all models of sessions that go down once |
//! | `seat`: no fence in `repin` | not seen here; red in `loom_clock` |
//! | `clear_guard`, or the look at it in `guarded`, Relaxed | red: `guard_and_division`, guards sent away |
//! | `uncount_guard` or `has_counted_guards` Relaxed | red: counted guards sent away |
//! | `publish`: the read word Relaxed | red: `pin_and_way_down_and_up`, `guard_and_way_down_and_up` |
//! | no fence in `stamp`, nor in `settle` | red: `ways_down_crosswise`; either of them is enough for it |
//! | here, in `publish` and `conceal`: the moment of before is kept | red: `pin_and_half_the_way_and_division` |
#![cfg(crossbeam_loom)]
#![expect(unsafe_code, reason = "the functions under test are unsafe")]
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    unreachable_pub,
    reason = "each test uses its part of the crate's modules"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use loom::cell::UnsafeCell;
use loom::sync::{Mutex, MutexGuard};
use loom::thread;
use map_core::strategy::{Coverage, Held, Open as _, Strategy, Table, Within};
use promotion::Fill;
use raw::hold::Hold;
use raw::open::Open;
use raw::parts::{self, Looked, Moment};
use raw::shard::Locked;
use rig::{Seen, explore_less, join, spawn};

#[path = "../src/promotion.rs"]
mod promotion;
#[path = "../src/raw/mod.rs"]
mod raw;
mod rig;
#[path = "../src/stats.rs"]
mod stats;
#[macro_use]
#[path = "../src/sync.rs"]
mod sync;

type Nodes = raw::strategy::ReadDirty<Fill>;

/// What no thread of a model knows, and no schedule depends on.
#[derive(Default)]
struct Tally {
    made: AtomicUsize,
    dropped: AtomicUsize,
}

/// A value whose reads, changes and end loom watches for races, and which is counted.
struct Payload {
    value: UnsafeCell<u64>,
    tally: Arc<Tally>,
    /// Readers that are looking at it and found it without the lock, and guards of such. As little a part of the model.
    readers: AtomicUsize,
}

// SAFETY: loom checks.
unsafe impl Sync for Payload {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Payload {}

impl Payload {
    fn new(value: u64, tally: &Arc<Tally>) -> Self {
        tally.made.fetch_add(1, Ordering::Relaxed);
        Self {
            value: UnsafeCell::new(value),
            tally: Arc::clone(tally),
            readers: AtomicUsize::new(0),
        }
    }

    fn enter(&self) {
        self.readers.fetch_add(1, Ordering::Relaxed);
    }

    fn leave(&self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }

    fn assert_left(&self) {
        assert_eq!(
            self.readers.load(Ordering::Relaxed),
            0,
            "taken from readers"
        );
    }

    fn get(&self) -> u64 {
        // SAFETY: loom checks that nobody writes.
        self.value.with(|value| unsafe { *value })
    }

    /// Changes it in place.
    fn set(&mut self, new: u64) {
        // SAFETY: it is exclusive; and loom checks.
        self.value.with_mut(|value| unsafe { *value = new });
    }
}

impl Clone for Payload {
    fn clone(&self) -> Self {
        Self::new(self.get(), &self.tally)
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.assert_left();
        self.set(u64::MAX);
        self.tally.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Two keys with tags of their own; if the shard is divided, the first stays and the second goes.
const STAYS: u64 = 0b10;
const GOES: u64 = 0b101;

/// The tag is in the highest bits, and behind it is the one that tells halves apart.
const fn hash(key: u64) -> u64 {
    key << 56
}

/// What lies under the lock of a shard, as in `map-adaptive`.
enum Stored {
    Inline(Vec<(u64, Payload)>),
    /// And when readers were shut out, if they were.
    Nodes(Locked<u64, Payload>, Option<Moment>),
}

struct Under {
    coverage: Coverage,
    stored: Stored,
}

/// A shard that goes up and down, as in `map-adaptive`.
struct Shard {
    open: Open<u64, Payload>,
    under: Mutex<Under>,
}

impl Shard {
    fn new(open: Open<u64, Payload>) -> Self {
        let under = Mutex::new(Under {
            coverage: Coverage::ALL,
            stored: Stored::Inline(Vec::new()),
        });
        Self { open, under }
    }

    fn lock(&self) -> MutexGuard<'_, Under> {
        self.under.lock().expect("a model that panicked has ended")
    }

    /// Does something under the lock, with the nodes if there are any, and lets go of what it leaves behind after that.
    fn with<R>(
        &self,
        inline: impl FnOnce(&mut Vec<(u64, Payload)>) -> R,
        nodes: impl FnOnce(
            &mut Within<'_, Locked<u64, Payload>, Open<u64, Payload>>,
            &mut Option<Moment>,
        ) -> R,
    ) -> R {
        let mut under = self.lock();
        let Under { coverage, stored } = &mut *under;
        let (done, waste) = match stored {
            Stored::Inline(entries) => (inline(entries), None),
            Stored::Nodes(locked, left) => {
                // SAFETY: 1. They are parts of this shard, which is locked, and there is no other way to them.
                let mut section = unsafe { Within::new(*coverage, &self.open, locked) };
                let done = nodes(&mut section, left);
                (done, section.take_waste())
            }
        };
        drop(under);
        drop(waste);
        done
    }

    fn publish(&self) {
        self.with(
            |_| unreachable!("it is in nodes"),
            |section, left| {
                *left = None;
                <Nodes as Strategy<u64, Payload>>::tend(section);
            },
        );
    }

    /// Moves the entries into nodes, and publishes them.
    fn go_up(&self) {
        let mut under = self.lock();
        let Under { coverage, stored } = &mut *under;
        if let Stored::Inline(entries) = stored {
            let entries = std::mem::take(entries);
            let mut locked = Locked::default();
            // SAFETY: 1. As in `with`; nothing was there, or all was taken back.
            let mut section = unsafe { Within::new(*coverage, &self.open, &mut locked) };
            <Nodes as Strategy<u64, Payload>>::resize(&mut section, 2, |key| hash(*key))
                .expect("there is memory");
            for (key, value) in entries {
                Nodes::insert_new(&mut section, hash(key), key, value);
            }
            *stored = Stored::Nodes(locked, None);
        }
        drop(under);
        self.publish();
    }

    /// Shuts out readers without the lock.
    fn conceal(&self) {
        self.with(
            |_| unreachable!("it is in nodes"),
            |section, left| {
                if left.is_none() {
                    *left = Some(parts::conceal(section).expect("there is memory"));
                }
            },
        );
    }

    /// Moves the entries back if that can be done now.
    fn take_back(&self) -> bool {
        let mut under = self.lock();
        let Under { coverage, stored } = &mut *under;
        let Stored::Nodes(locked, left) = stored else {
            return true;
        };
        let since = left.expect("readers have been shut out");
        // SAFETY: 1. As in `with`.
        let mut section = unsafe { Within::new(*coverage, &self.open, locked) };
        // SAFETY: 1. It came from `conceal`, and is forgotten when the shard is published.
        let taken = unsafe { parts::take_back(&mut section, since, |_| Some(())) };
        let is_taken = taken.is_some();
        let waste = match taken {
            None => section.take_waste(),
            Some(((), entries, waste)) => {
                let entries: Vec<_> = entries.collect();
                entries.iter().for_each(|(_, value)| value.assert_left());
                *stored = Stored::Inline(entries);
                waste
            }
        };
        drop(under);
        drop(waste);
        is_taken
    }

    /// Once nobody is in any more, and nobody comes.
    fn take_back_in_the_end(&self) {
        let is_taken = (0..ENOUGH).any(|_| {
            // What a thread that was waited for does as the last thing: it is pinned for that once more.
            thread::yield_now();
            self.take_back()
        });
        assert!(is_taken, "nobody is there");
    }

    /// In place, or in a new node.
    fn store(&self, key: u64, value: u64, tally: &Arc<Tally>) {
        self.with(
            |entries| {
                match entries.iter_mut().find(|(present, _)| *present == key) {
                    Some((_, present)) => present.set(value),
                    None => entries.push((key, Payload::new(value, tally))),
                };
            },
            |section, _| {
                let value = Payload::new(value, tally);
                assert!(Nodes::store(section, hash(key), key, value).is_none());
            },
        );
    }

    fn remove(&self, key: u64) {
        self.with(
            |entries| entries.retain(|(present, _)| *present != key),
            |section, _| {
                let slot = <Nodes as Strategy<u64, Payload>>::locate(section, hash(key), &key);
                drop(Nodes::delete(section, slot.expect("it is there")));
            },
        );
    }

    /// Looks an entry up under the lock.
    fn find(&self, key: u64) -> Option<u64> {
        let under = self.lock();
        match &under.stored {
            Stored::Inline(entries) => {
                let entry = entries.iter().find(|(present, _)| *present == key);
                entry.map(|(_, value)| value.get())
            }
            Stored::Nodes(locked, _) => {
                let slot = <Nodes as Strategy<u64, Payload>>::locate(locked, hash(key), &key)?;
                Some(Nodes::pair(locked, slot).1.get())
            }
        }
    }
}

/// How an entry is looked up.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reads {
    /// Under a pin.
    Pin,
    /// For a guard, in a guard slot.
    Guard,
    /// For a guard when no guard slot is free.
    Counted,
    /// In a session.
    Session,
    /// In a session that is pinned anew between two lookups.
    Repinned,
}

/// A shard, and another that half of it goes to if it is divided.
struct Stage {
    shard: Shard,
    half: Shard,
    tally: Arc<Tally>,
}

/// What was found without the lock, if it settles anything.
type Settled = Option<Option<u64>>;

impl Stage {
    /// Published, with entries whose values are 0.
    fn published(keys: &[u64]) -> Arc<Self> {
        let open = Open::default();
        let sibling = open.sibling();
        let stage = Self {
            shard: Shard::new(open),
            half: Shard::new(sibling),
            tally: Arc::default(),
        };
        for &key in keys {
            stage.shard.store(key, 0, &stage.tally);
        }
        stage.shard.go_up();
        Arc::new(stage)
    }

    /// What is found twice, with time between.
    fn look(&self, key: u64, pair: &(u64, Payload)) -> u64 {
        let value = pair.1.get();
        thread::yield_now();
        assert_eq!(pair.0, key);
        assert_eq!(pair.1.get(), value, "changed or used again");
        value
    }

    /// Under a pin.
    fn peek(&self, key: u64) -> Settled {
        match parts::peek(&self.shard.open, hash(key), &key) {
            Looked::Found(found) => {
                found.get().1.enter();
                let value = self.look(key, found.get());
                found.get().1.leave();
                drop(found);
                Some(Some(value))
            }
            Looked::Absent => Some(None),
            Looked::Unsettled => None,
        }
    }

    /// For a guard.
    fn guard(&self, key: u64) -> Looked<Guard> {
        match parts::get(&self.shard.open, hash(key), &key) {
            Looked::Found(found) => {
                found.get().1.enter();
                // SAFETY: only the lifetime changes, and guards end before the stage, in all models.
                let found = unsafe {
                    std::mem::transmute::<
                        Held<'_, (u64, Payload), Hold<u64, Payload>>,
                        Held<'static, (u64, Payload), Hold<u64, Payload>>,
                    >(found)
                };
                Looked::Found(Guard(found))
            }
            Looked::Absent => Looked::Absent,
            Looked::Unsettled => Looked::Unsettled,
        }
    }

    fn look_through_guard(&self, key: u64) -> Settled {
        match self.guard(key) {
            Looked::Found(guard) => Some(Some(self.look(key, guard.0.get()))),
            Looked::Absent => Some(None),
            Looked::Unsettled => None,
        }
    }

    fn peek_pinned(&self, key: u64, pin: &raw::hold::SessionPin) -> Settled {
        // SAFETY: 1. All sessions are.
        match unsafe { parts::peek_pinned(&self.shard.open, hash(key), &key, pin) } {
            Looked::Found(found) => {
                found.1.enter();
                let value = self.look(key, found);
                found.1.leave();
                Some(Some(value))
            }
            Looked::Absent => Some(None),
            Looked::Unsettled => None,
        }
    }

    /// Under the lock: in the shard, or where half of it went.
    fn find(&self, key: u64) -> Option<u64> {
        self.shard.find(key).or_else(|| self.half.find(key))
    }

    /// Looks an entry up so many times, and says what was found, and in how many of these cases without the lock.
    fn read<const TIMES: usize>(&self, reads: Reads, key: u64) -> ([Option<u64>; TIMES], usize) {
        let mut settled = 0;
        let mut look = |found: Settled| {
            settled += usize::from(found.is_some());
            found.unwrap_or_else(|| self.find(key))
        };
        let found = match reads {
            Reads::Pin => [(); TIMES].map(|()| look(self.peek(key))),
            Reads::Guard => [(); TIMES].map(|()| look(self.look_through_guard(key))),
            Reads::Counted => {
                let _taken = Taken::new();
                [(); TIMES].map(|()| look(self.look_through_guard(key)))
            }
            Reads::Session | Reads::Repinned => {
                let mut pin = parts::open_session(&self.shard.open);
                let mut found = [None; TIMES];
                for (n, found) in found.iter_mut().enumerate() {
                    if n > 0 && reads == Reads::Repinned {
                        parts::repin_session(&mut pin);
                    }
                    *found = look(self.peek_pinned(key, &pin));
                }
                found
            }
        };
        (found, settled)
    }

    /// Divides the shard, from which readers were shut out.
    fn divide(&self) {
        let (mut from, mut into) = (self.shard.lock(), self.half.lock());
        let (whole, lower, upper) = (
            from.coverage,
            from.coverage.half(false),
            from.coverage.half(true),
        );
        let Stored::Nodes(from_locked, left) = &mut from.stored else {
            unreachable!("it is in nodes")
        };
        let mut into_locked = Locked::default();
        let left = *left;
        // SAFETY: 1. As in `Shard::with`.
        let (mut one, mut other) = unsafe {
            (
                Within::new(whole, &self.shard.open, from_locked),
                Within::new(whole, &self.half.open, &mut into_locked),
            )
        };
        Nodes::divide(
            &mut one,
            &mut other,
            |key| hash(*key),
            |hash| upper.covers(hash),
        )
        .expect("there is memory");
        from.coverage = lower;
        into.coverage = upper;
        into.stored = Stored::Nodes(into_locked, left);
    }

    /// In the end: all entries are dropped once.
    fn end(self: Arc<Self>) {
        let tally = Arc::clone(&self.tally);
        drop(Arc::into_inner(self).expect("all threads have ended"));
        assert_eq!(
            tally.made.load(Ordering::Relaxed),
            tally.dropped.load(Ordering::Relaxed)
        );
    }
}

/// A guard on an entry that was found without the lock.
struct Guard(Held<'static, (u64, Payload), Hold<u64, Payload>>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.get().1.leave();
    }
}

/// The only guard slot of this thread, taken: further guards are counted.
struct Taken(&'static sync::atomic::AtomicPtr<()>);

impl Taken {
    fn new() -> Self {
        // The address of no node.
        let node = std::ptr::without_provenance_mut(8);
        Self(raw::seat::claim_guard(node).expect("it is free"))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        raw::seat::clear_guard(self.0);
    }
}

/// So many attempts are enough if nobody is there.
const ENOUGH: usize = 3;

/// What happens to an entry between the two steps down.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Nothing,
    Store,
    Remove,
}

impl Change {
    /// What is there before.
    const BEFORE: Option<u64> = Some(0);

    fn make(self, shard: &Shard, key: u64, tally: &Arc<Tally>) {
        match self {
            Self::Nothing => {}
            Self::Store => shard.store(key, 1, tally),
            Self::Remove => shard.remove(key),
        }
    }

    /// What is there after it.
    const fn after(self) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Store => Some(1),
            Self::Remove => None,
        }
    }
}

/// A value that is written in place once the entries are inline.
const LAST: u64 = 9;

/// What a reader finds one after the other is in the order in which it was there.
fn assert_in_order(found: &[Option<u64>], change: Change) {
    let order = [Change::BEFORE, change.after(), Some(LAST)];
    let mut age = 0;
    for found in found {
        let place = order[age..].iter().position(|there| there == found);
        age += place.unwrap_or_else(|| panic!("{found:?} at {age} or later of {order:?}"));
    }
}

/// A shard goes down while it is read; what is inline again is changed in place.
fn reader_and_way_down(fewer: usize, reads: Reads, change: Change) {
    explore_less(fewer, move |seen| {
        let stage = Stage::published(&[STAYS]);
        let reader = spawn(&stage, move |stage| {
            let (found, settled) = stage.read::<2>(reads, STAYS);
            assert_in_order(&found, change);
            (found, settled)
        });
        stage.shard.conceal();
        change.make(&stage.shard, STAYS, &stage.tally);
        let is_taken = stage.shard.take_back();
        seen.note("the entries are taken back at once", is_taken);
        seen.note("somebody is in the way", !is_taken);
        if is_taken {
            stage.shard.store(STAYS, LAST, &stage.tally);
        }
        let (found, settled) = join(reader);
        seen.note("what was there before is found", settled == 2);
        seen.note("the lock is taken", settled == 0);
        seen.note(
            "what is written in place is found",
            found[1] == Some(LAST) || reads == Reads::Session,
        );
        if !is_taken {
            stage.shard.take_back_in_the_end();
            assert_eq!(stage.find(STAYS), change.after());
        }
        stage.end();
    });
}

#[test]
fn pin_and_way_down() {
    reader_and_way_down(0, Reads::Pin, Change::Nothing);
}

#[test]
fn pin_and_update_and_way_down() {
    reader_and_way_down(0, Reads::Pin, Change::Store);
}

#[test]
fn pin_and_removal_and_way_down() {
    reader_and_way_down(0, Reads::Pin, Change::Remove);
}

#[test]
fn guard_and_way_down() {
    reader_and_way_down(0, Reads::Guard, Change::Nothing);
}

#[test]
fn guard_and_update_and_way_down() {
    reader_and_way_down(0, Reads::Guard, Change::Store);
}

#[test]
fn counted_guard_and_way_down() {
    reader_and_way_down(0, Reads::Counted, Change::Nothing);
}

#[test]
fn session_and_way_down() {
    reader_and_way_down(0, Reads::Session, Change::Nothing);
}

#[test]
fn session_pinned_anew_and_way_down() {
    reader_and_way_down(0, Reads::Repinned, Change::Store);
}

/// The clock of the sessions is there before.
#[test]
fn session_of_a_known_clock_and_way_down() {
    explore_less(0, |seen| {
        let stage = Stage::published(&[STAYS]);
        drop(parts::open_session(&stage.shard.open));
        let reader = spawn(&stage, |stage| {
            let (found, settled) = stage.read::<1>(Reads::Session, STAYS);
            assert_in_order(&found, Change::Store);
            settled
        });
        stage.shard.conceal();
        stage.shard.store(STAYS, 1, &stage.tally);
        let is_taken = stage.shard.take_back();
        seen.note("the entries are taken back at once", is_taken);
        seen.note("somebody is in the way", !is_taken);
        if is_taken {
            stage.shard.store(STAYS, LAST, &stage.tally);
        }
        let settled = join(reader);
        seen.note("what was there before is found", settled == 1);
        seen.note("the lock is taken", settled == 0);
        stage.shard.take_back_in_the_end();
        stage.end();
    });
}

/// A guard goes to another thread and ends there, while the shard of its entry goes down.
fn sent_guard(counted: bool, change: Change) {
    explore_less(0, move |seen| {
        let stage = Stage::published(&[STAYS]);
        let taken = counted.then(Taken::new);
        let Looked::Found(guard) = stage.guard(STAYS) else {
            unreachable!("it is published")
        };
        drop(taken);
        let is_gone = Arc::new(AtomicBool::new(false));
        let gone = Arc::clone(&is_gone);
        let other = thread::spawn(move || {
            // Without giving way, which would be the end of it for loom.
            let (key, value) = guard.0.get();
            assert_eq!((*key, value.get()), (STAYS, 0));
            drop(guard);
            gone.store(true, Ordering::Relaxed);
        });
        stage.shard.conceal();
        change.make(&stage.shard, STAYS, &stage.tally);
        let is_taken = stage.shard.take_back();
        seen.note("the entries are taken back at once", is_taken);
        if change == Change::Nothing {
            seen.note("the guard is in the way", !is_taken);
        } else {
            // It is on what is not here any more.
            let is_left = !is_gone.load(Ordering::Relaxed);
            seen.note("the guard is not in the way", is_taken && is_left);
        }
        if is_taken {
            stage.shard.store(STAYS, LAST, &stage.tally);
        }
        join(other);
        stage.shard.take_back_in_the_end();
        let last = if is_taken { Some(LAST) } else { change.after() };
        assert_eq!(stage.find(STAYS), last);
        stage.end();
    });
}

#[test]
fn guard_sent_away_and_way_down() {
    sent_guard(false, Change::Nothing);
}

#[test]
fn guard_sent_away_and_removal_and_way_down() {
    sent_guard(false, Change::Remove);
}

#[test]
fn counted_guard_sent_away_and_way_down() {
    sent_guard(true, Change::Nothing);
}

#[test]
fn counted_guard_sent_away_and_update_and_way_down() {
    sent_guard(true, Change::Store);
}

/// A shard goes down and up again, with nodes of its own, and they are replaced; and down once more.
fn reader_and_way_down_and_up<const TIMES: usize>(fewer: usize, reads: Reads, again: bool) {
    explore_less(fewer, move |seen| {
        let stage = Stage::published(&[STAYS]);
        let reader = spawn(&stage, move |stage| {
            let (found, settled) = stage.read::<TIMES>(reads, STAYS);
            let age = |found| match found {
                Some(LAST) => 3,
                Some(age) => age,
                None => unreachable!("present throughout"),
            };
            let found = found.map(age);
            assert!(found.is_sorted(), "{found:?}");
            (found, settled)
        });
        stage.shard.conceal();
        let is_taken = stage.shard.take_back();
        let mut is_taken_again = false;
        if is_taken {
            stage.shard.store(STAYS, 1, &stage.tally);
            stage.shard.go_up();
            stage.shard.store(STAYS, 2, &stage.tally);
            if again {
                stage.shard.conceal();
                is_taken_again = stage.shard.take_back();
                if is_taken_again {
                    stage.shard.store(STAYS, LAST, &stage.tally);
                }
            }
        }
        let (found, settled) = join(reader);
        seen.note("the entries are taken back at once", is_taken);
        seen.note("and again", is_taken_again || !again);
        seen.note("somebody is in the way", !is_taken);
        let is_found = settled > 0 && found[0] == 0;
        seen.note("the nodes of before are found", is_found);
        let is_found = settled == TIMES && found[0] > 0;
        seen.note("the nodes that come are found", is_found);
        seen.note("the lock is taken", settled < TIMES);
        stage.end();
    });
}

#[test]
fn pin_and_way_down_and_up() {
    reader_and_way_down_and_up::<2>(0, Reads::Pin, false);
}

#[test]
fn guard_and_way_down_and_up() {
    reader_and_way_down_and_up::<2>(0, Reads::Guard, false);
}

#[test]
fn session_pinned_anew_and_way_down_and_up() {
    reader_and_way_down_and_up::<2>(0, Reads::Repinned, false);
}

#[test]
fn pin_and_way_down_and_up_and_down() {
    reader_and_way_down_and_up::<1>(1, Reads::Pin, true);
}

/// A shard goes up again before its entries are taken back: they are in the same nodes.
fn reader_and_half_the_way<const TIMES: usize>(fewer: usize, reads: Reads) {
    explore_less(fewer, move |seen| {
        let stage = Stage::published(&[STAYS]);
        let reader = spawn(&stage, move |stage| {
            let (found, settled) = stage.read::<TIMES>(reads, STAYS);
            assert_in_order(&found, Change::Store);
            (found, settled)
        });
        stage.shard.conceal();
        stage.shard.publish();
        stage.shard.store(STAYS, 1, &stage.tally);
        stage.shard.conceal();
        let is_taken = stage.shard.take_back();
        seen.note("the entries are taken back at once", is_taken);
        seen.note("somebody is in the way", !is_taken);
        if is_taken {
            stage.shard.store(STAYS, LAST, &stage.tally);
        }
        let (found, settled) = join(reader);
        let is_found = settled == TIMES && found[0] == Some(1);
        seen.note("an entry is found in the second table", is_found);
        seen.note("the lock is taken", settled == 0);
        stage.end();
    });
}

#[test]
fn pin_and_half_the_way() {
    reader_and_half_the_way::<2>(0, Reads::Pin);
}

#[test]
fn guard_and_half_the_way() {
    reader_and_half_the_way::<1>(1, Reads::Guard);
}

/// So many steps time needs if nobody holds it up.
const TICKS: usize = 4;

/// What goes on besides the division of a shard.
#[derive(Clone, Copy, PartialEq)]
enum Besides {
    Nothing,
    /// The reader itself helps time along before.
    ReaderTicks,
    /// The shard goes up again in between, and time goes on.
    Up,
}

/// A shard is divided between the two steps down. In the half that is new nothing waits but the moment.
fn reader_and_division(fewer: usize, reads: Reads, besides: Besides) {
    explore_less(fewer, move |seen| {
        let stage = Stage::published(&[STAYS, GOES]);
        let reader = spawn(&stage, move |stage| {
            if besides == Besides::ReaderTicks {
                for _ in 0..TICKS {
                    stage.shard.open.clocks().tick_at(Instant::now());
                }
            }
            let (found, settled) = stage.read::<1>(reads, GOES);
            assert_in_order(&found, Change::Nothing);
            settled
        });
        stage.shard.conceal();
        if besides == Besides::Up {
            for _ in 0..TICKS {
                stage.shard.open.clocks().tick_at(Instant::now());
            }
            stage.shard.publish();
            stage.shard.conceal();
        }
        stage.divide();
        let is_taken = (0..TICKS).any(|_| stage.half.take_back());
        seen.note("the half is taken back at once", is_taken);
        seen.note("somebody is in the way", !is_taken);
        if is_taken {
            stage.half.store(GOES, LAST, &stage.tally);
        }
        let settled = join(reader);
        seen.note("what was there before is found", settled == 1);
        seen.note("the lock is taken", settled == 0);
        stage.shard.take_back_in_the_end();
        stage.half.take_back_in_the_end();
        assert_eq!(stage.find(STAYS), Some(0));
        stage.end();
    });
}

#[test]
fn pin_and_division() {
    reader_and_division(0, Reads::Pin, Besides::Nothing);
}

#[test]
fn guard_and_division() {
    reader_and_division(0, Reads::Guard, Besides::Nothing);
}

#[test]
fn session_and_division() {
    reader_and_division(0, Reads::Session, Besides::Nothing);
}

#[test]
fn pin_of_one_who_ticks_and_division() {
    reader_and_division(1, Reads::Pin, Besides::ReaderTicks);
}

#[test]
fn pin_and_half_the_way_and_division() {
    reader_and_division(1, Reads::Pin, Besides::Up);
}

/// A writer comes between the two steps down, or after them, while somebody has the table of before.
fn reader_and_writer_and_way_down(fewer: usize, reads: Reads) {
    explore_less(fewer, move |seen| {
        let stage = Stage::published(&[STAYS]);
        let reader = spawn(&stage, move |stage| {
            let (found, settled) = stage.read::<1>(reads, STAYS);
            assert_in_order(&found, Change::Store);
            (found, settled)
        });
        let writer = spawn(&stage, |stage| {
            stage.shard.store(STAYS, 1, &stage.tally);
        });
        stage.shard.conceal();
        let is_taken = stage.shard.take_back();
        seen.note("the entries are taken back at once", is_taken);
        seen.note("somebody is in the way", !is_taken);
        let (found, settled) = join(reader);
        join(writer);
        let is_found = settled == 1 && found == [Some(0)];
        seen.note("what was there before is found", is_found);
        seen.note("the lock is taken", settled == 0);
        stage.shard.take_back_in_the_end();
        assert_eq!(stage.find(STAYS), Some(1));
        stage.end();
    });
}

#[test]
fn pin_and_writer_and_way_down() {
    reader_and_writer_and_way_down(1, Reads::Pin);
}

#[test]
fn guard_and_writer_and_way_down() {
    reader_and_writer_and_way_down(1, Reads::Guard);
}

/// Two threads in sessions each shut readers out of a shard, bring a new key there, and then look for that of the other: one of
/// them at least finds it.
#[test]
fn ways_down_crosswise() {
    explore_less(1, |seen| {
        let stage = Stage::published(&[STAYS]);
        stage.half.store(STAYS, 0, &stage.tally);
        stage.half.go_up();
        let cross = |own: &Shard, other: &Shard, tally: &Arc<Tally>| {
            let pin = parts::open_session(&own.open);
            own.conceal();
            own.store(GOES, 1, tally);
            // SAFETY: 1. Both shards are of one map.
            match unsafe { parts::peek_pinned(&other.open, hash(GOES), &GOES, &pin) } {
                Looked::Found(_) => unreachable!("it does not come to a read table"),
                Looked::Absent => (false, true),
                Looked::Unsettled => (other.find(GOES).is_some(), false),
            }
        };
        let other = spawn(&stage, move |stage| {
            cross(&stage.half, &stage.shard, &stage.tally)
        });
        let (mine, mine_settled) = cross(&stage.shard, &stage.half, &stage.tally);
        let (theirs, theirs_settled) = join(other);
        assert!(mine || theirs, "neither came first");
        seen.note("both find the key of the other", mine && theirs);
        let is_settled = mine_settled || theirs_settled;
        seen.note("one looks into the table of before", is_settled);
        stage.shard.take_back_in_the_end();
        stage.half.take_back_in_the_end();
        stage.end();
    });
}
