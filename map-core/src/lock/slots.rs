//! Where readers announce themselves: a few words for each thread, on a cache line of its own.
//!
//! Slots are never freed: see [`roster`](crate::roster). A thread whose words are all taken (by reads
//! within reads, or by guards that it keeps or has sent away) cannot announce one more; nor can
//! one that has given its slot back, in the destructor of a thread-local value.

use std::cell::Cell;
use std::ptr;
use std::time::{Duration, Instant};

use crate::roster::{Roster, Seat};
use crate::sync::atomic::{
    AtomicPtr, Ordering, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst,
};
use crate::sync::parking::has_passed;
use crate::sync::{REAL_FENCES, const_fn, fence_in_model, global, hint, spin_loop, thread_cells};

/// Announcements that a thread can have at once. In a model one, for each is looked at by every scan.
const WORDS: usize = if REAL_FENCES { 4 } else { 1 };

/// The word that a reader announces itself in who makes no call, by what it is: so that a thread that keeps a guard for long can announce an operation as well
/// as any other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    /// A read that ends with the operation.
    Operation,
    /// A guard on an entry.
    Guard,
    /// A hold of a lock by itself.
    Lock,
}

impl Word {
    #[inline(always)]
    fn index(self) -> usize {
        // In a model all are the only one.
        self as usize % WORDS
    }
}

/// A word for a name, or for the address of something.
#[derive(Debug)]
pub(crate) struct NameWord(AtomicPtr<()>);

impl NameWord {
    const_fn! {
        pub(crate) fn new(name: usize) -> Self {
            Self(AtomicPtr::new(ptr::without_provenance_mut(name)))
        }
    }

    #[inline(always)]
    pub(crate) fn load(&self, order: Ordering) -> usize {
        self.0.load(order).addr()
    }

    #[inline(always)]
    pub(crate) fn store(&self, name: usize, order: Ordering) {
        self.0.store(ptr::without_provenance_mut(name), order);
    }

    #[inline(always)]
    fn swap(&self, name: usize, order: Ordering) {
        self.0.swap(ptr::without_provenance_mut(name), order);
    }

    /// Puts the name there instead of that one.
    #[inline(always)]
    fn replace(&self, expected: usize, name: usize, order: Ordering) -> bool {
        let [expected, name] = [expected, name].map(ptr::without_provenance_mut);
        self.0
            .compare_exchange(expected, name, order, Relaxed)
            .is_ok()
    }

    #[inline(always)]
    pub(crate) fn load_address(&self, order: Ordering) -> *mut () {
        self.0.load(order)
    }

    pub(crate) fn store_address(&self, address: *mut (), order: Ordering) {
        self.0.store(address, order);
    }
}

/// A thread's slot: the names of the locks that are read, or 0. Set by the slot's thread alone, by
/// read-modify-writes; cleared by whoever has the hold.
///
/// Every store is a Release, and the owner looks with Acquire before it sets a word anew: so whichever
/// store a scan sees, what was read before comes before what the scanner does next.
type Slot = Seat<[NameWord; WORDS]>;

global! {
    static SLOTS: Roster<[NameWord; WORDS]> = Roster::new();
}

/// The next name, on lines of its own. Names are odd, hence no shard's address.
// A model need not see it: each name is drawn by one read-modify-write, and nothing else is told by it.
#[repr(align(128))]
struct Names(hint::AtomicUsize);

static NAMES: Names = Names(hint::AtomicUsize::new(1));

/// A name that no lock has had; `None` when all have been given away.
pub(crate) fn draw_name() -> Option<usize> {
    draw_from(&NAMES.0)
}

fn draw_from(names: &hint::AtomicUsize) -> Option<usize> {
    // Relaxed: that it is drawn once is all that counts.
    names
        .fetch_update(Relaxed, Relaxed, |next| next.checked_add(2))
        .ok()
}

/// No lock has this name.
#[cfg(not(crossbeam_loom))]
const TAKEN: usize = usize::MAX;

/// Stands for that a thread has none, so that there is one question less for each reader: no word of it is free.
#[cfg(not(crossbeam_loom))]
static NOBODYS: Slot = Seat::apart([const { NameWord::new(TAKEN) }; WORDS]);

/// What a thread has: a slot, or none. (In a model a static value would be one more way to meet.)
#[derive(Clone, Copy)]
struct Own(
    #[cfg(not(crossbeam_loom))] &'static Slot,
    #[cfg(crossbeam_loom)] Option<&'static Slot>,
);

#[cfg(not(crossbeam_loom))]
impl Own {
    const NONE: Self = Self(&NOBODYS);

    fn some(slot: &'static Slot) -> Self {
        Self(slot)
    }

    fn get(self) -> Option<&'static Slot> {
        (!std::ptr::eq(self.0, &raw const NOBODYS)).then_some(self.0)
    }

    /// That word of it, or one that is taken.
    #[inline(always)]
    fn word(self, word: Word) -> Option<&'static NameWord> {
        Some(&self.0[word.index()])
    }
}

#[cfg(crossbeam_loom)]
impl Own {
    const NONE: Self = Self(None);

    fn some(slot: &'static Slot) -> Self {
        Self(Some(slot))
    }

    fn get(self) -> Option<&'static Slot> {
        self.0
    }

    fn word(self, word: Word) -> Option<&'static NameWord> {
        self.0.map(|slot| &slot[word.index()])
    }
}

thread_cells! {
    /// This thread's slot.
    static OWN: Cell<Own> = Cell::new(Own::NONE);
    /// Which lane it takes: at first by the number of its slot, so that threads that began to read one after the other take different ones.
    static LANE: Cell<usize> = Cell::new(0);
    /// Gives the slot back when the thread ends. Apart from `OWN`, which costs nothing to reach
    /// because it has no destructor.
    static OWNER: Owner = Owner(Cell::new(None));
}

/// Every word of every slot that an announcement could be in.
fn all_words() -> impl Iterator<Item = &'static NameWord> {
    SLOTS.seats().flat_map(|slot| slot.iter())
}

/// Owns a thread's slot.
struct Owner(Cell<Option<&'static Slot>>);

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            let _ = OWN.try_with(|own| own.set(Own::NONE));
            // Words that are still taken are left to whoever has the hold.
            slot.release();
        }
    }
}

/// A reader's announcement, taken back when dropped, on whatever thread.
#[derive(Debug)]
pub(crate) struct Announced(&'static NameWord);

impl Drop for Announced {
    #[inline(always)]
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `none_has` and `none_has_now`, or in `announce` on the slot's thread; what
        // was read comes before what the writer writes.
        self.0.store(0, Release);
    }
}

/// Announces a reader of the lock `name`, if that word of this thread's is free. It makes no call.
#[inline(always)]
pub(super) fn announce(word: Word, name: usize) -> Option<Announced> {
    let own = OWN.try_with(Cell::get).ok()?;
    announce_in(own.word(word)?, name)
}

/// Announces a reader of the lock `name`, if this thread has a free word. That of operations is left to them, who are gone soon.
pub(super) fn announce_anywhere(word: Word, name: usize) -> Option<Announced> {
    let slot = own()?;
    let left = match word {
        Word::Operation => 0,
        // In a model there is no other.
        Word::Guard | Word::Lock => 1 % WORDS,
    };
    // Backwards: the words that are asked for by those who make no call are the last to be taken.
    let mut words = slot[left..].iter().rev();
    words.find_map(|word| announce_in(word, name))
}

#[inline(always)]
fn announce_in(word: &'static NameWord, name: usize) -> Option<Announced> {
    // Acquire: pairs with the Release in `Announced::drop`, on another thread perhaps; see `Slot`.
    if word.load(Acquire) != 0 {
        return None;
    }
    // SeqCst: before the looks of the reader, with the scan of a writer.
    word.swap(name, SeqCst);
    fence_in_model();
    Some(Announced(word))
}

/// What stands in a seat while it is taken: in a word that readers of any thread announce themselves in, one at a time.
const SEATED: usize = 1;

/// Announces a reader in a seat, if it is free. It makes no call.
#[inline(always)]
pub(crate) fn sit(seat: &'static NameWord) -> Option<Announced> {
    // SeqCst: before the look of the reader, with the look of a writer. Acquire: pairs with the Release in `Announced::drop`.
    let is_free = seat.replace(0, SEATED, SeqCst);
    fence_in_model();
    // Not made before it is asked, for its drop clears the seat.
    is_free.then(|| Announced(seat))
}

/// Whether nobody sits in a seat, once those that do have gone; `false` if they stay for longer.
pub(crate) fn is_free(seat: &NameWord, wait: Wait) -> bool {
    let mut patience = Patience { wait, passed: 0 };
    // SeqCst: after what the caller did to keep readers out, with the taking of the seat.
    // Acquire: pairs with the Release in `Announced::drop`.
    seat.load(SeqCst) == 0 || wait_for(seat, SEATED, &mut patience)
}

/// Which of two lanes this thread had better take.
#[inline(always)]
pub(crate) fn lane() -> usize {
    LANE.try_with(Cell::get).unwrap_or(0)
}

/// Has this thread take another one.
pub(crate) fn change_lane() {
    let _ = LANE.try_with(|lane| lane.set(1 - lane.get()));
}

/// Gives this thread a slot, if it has none.
pub(crate) fn equip() {
    let _ = OWNER.try_with(|owner| {
        if owner.0.get().is_none() {
            let slot = SLOTS.claim(|| std::array::from_fn(|_| NameWord::new(0)));
            owner.0.set(Some(slot));
            let _ = LANE.try_with(|lane| lane.set(slot.number() as usize % 2));
            let _ = OWN.try_with(|own| own.set(Own::some(slot)));
        }
    });
}

/// The number of this thread's slot, if it has one.
pub(crate) fn own_number() -> Option<u32> {
    own().map(|slot| slot.number())
}

/// How many words of this thread's slot are taken.
#[cfg(feature = "conformance")]
pub(crate) fn announced_here() -> usize {
    // Relaxed: those that this thread has set and not cleared are all that is asked for.
    own().map_or(0, |slot| {
        slot.iter().filter(|word| word.load(Relaxed) != 0).count()
    })
}

/// This thread's slot, if it has one.
fn own() -> Option<&'static Slot> {
    OWN.try_with(Cell::get).ok()?.get()
}

/// How many slots there are: so many are looked at by each scan.
pub(crate) fn made() -> u32 {
    SLOTS.made()
}

/// How long a scan waits for the readers that it finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wait {
    /// It only looks.
    Not,
    /// As long as a few short reads take.
    Briefly,
    /// Until they have gone, or until then.
    Until(Option<Instant>),
}

/// Whether no reader of the lock `name` is announced. Each word is asked once: those that name it later see what the
/// caller has done before.
#[inline]
pub(super) fn none_has_now(name: usize) -> bool {
    // SeqCst: after what the caller did to keep readers out, with the announcement.
    // Acquire: pairs with the Release of each store.
    all_words().all(|word| word.load(SeqCst) != name)
}

/// The same, once those that are there have gone; `false` if they stay for longer.
pub(crate) fn none_has(name: usize, wait: Wait) -> bool {
    let mut patience = Patience { wait, passed: 0 };
    // SeqCst and Acquire: as above.
    all_words().all(|word| word.load(SeqCst) != name || wait_for(word, name, &mut patience))
}

fn wait_for(word: &NameWord, name: usize, patience: &mut Patience) -> bool {
    while patience.pass() {
        // Acquire: as above.
        if word.load(Acquire) != name {
            return true;
        }
    }
    false
}

/// Forgets announcements that nobody will take back, for an owner of all locks whose names are
/// `gone`: their guards were forgotten.
pub(crate) fn forget(gone: impl Fn(usize) -> bool) {
    for word in all_words() {
        // Relaxed: if it is one of those, it was stored before we became the owner.
        let name = word.load(Relaxed);
        if name != 0 && gone(name) {
            // Release: see `Slot`.
            word.replace(name, 0, Release);
        }
    }
}

/// Waiting for something that does not wake us.
struct Patience {
    wait: Wait,
    passed: u32,
}

/// So many pauses, a microsecond or so, are brief; in a model, none.
const BRIEF: u32 = if REAL_FENCES { 64 } else { 0 };

impl Patience {
    /// Passes some time; `false` if it has been enough.
    fn pass(&mut self) -> bool {
        let deadline = match self.wait {
            Wait::Not => return false,
            _ if self.passed < BRIEF => {
                self.passed += 1;
                spin_loop();
                return true;
            }
            Wait::Briefly => return false,
            Wait::Until(deadline) => deadline,
        };
        if deadline.is_some_and(has_passed) {
            return false;
        }
        if REAL_FENCES {
            // From 16 microseconds to a millisecond, and not past the deadline.
            let naps = self.passed - BRIEF;
            let nap = Duration::from_micros(16 << naps);
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            std::thread::sleep(left.map_or(nap, |left| left.min(nap)));
            self.passed += u32::from(naps < 6);
        } else {
            crate::sync::yield_now();
        }
        true
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;

    /// What a thread without a slot can do.
    fn is_left_alone() -> bool {
        announce(Word::Operation, 64).is_none()
            && announce_anywhere(Word::Operation, 64).is_none()
            && own_number().is_none()
    }

    /// Looks when it is dropped.
    struct Late(Cell<Option<std::sync::mpsc::Sender<bool>>>);

    impl Drop for Late {
        fn drop(&mut self) {
            let told = self.0.take().expect("set before");
            told.send(is_left_alone()).expect("somebody waits");
        }
    }

    std::thread_local! {
        static LATE: Late = const { Late(Cell::new(None)) };
    }

    #[test]
    fn who_has_no_slot_announces_nothing() {
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            assert!(is_left_alone(), "not yet");
            // Before the owner of the slot, and so dropped after it.
            LATE.with(|late| late.0.set(Some(tell)));
            equip();
            assert!(own_number().is_some());
            let guard = announce(Word::Guard, 64).expect("it is free");
            assert!(announce(Word::Guard, 128).is_none(), "it is taken");
            let other = announce_anywhere(Word::Guard, 128).expect("there are more");
            for word in [Word::Operation, Word::Lock] {
                assert!(announce(word, 192).is_some(), "{word:?} is free still");
            }
            let third = announce_anywhere(Word::Guard, 128).expect("one more");
            assert!(announce_anywhere(Word::Guard, 256).is_none());
            assert!(announce_anywhere(Word::Lock, 256).is_none());
            let operation = announce_anywhere(Word::Operation, 256).expect("it has a word");
            assert!(announce(Word::Operation, 256).is_none(), "of its own");
            drop((guard, other, third, operation));
        });
        thread.join().expect("all of it holds");
        assert_eq!(told.recv(), Ok(true), "not any more");
    }

    #[test]
    fn names_are_odd_and_never_given_twice() {
        let names = hint::AtomicUsize::new(1);
        let drawn: Vec<_> = (0..3).map(|_| draw_from(&names)).collect();
        assert_eq!(drawn, [Some(1), Some(3), Some(5)]);
        let names = hint::AtomicUsize::new(usize::MAX - 2);
        assert_eq!(draw_from(&names), Some(usize::MAX - 2));
        assert_eq!(draw_from(&names), None);
        assert_eq!(draw_from(&names), None, "it starts anew");
    }
}
