//! The limbos of a map: one for each thread that writes to it, in a *bag*.
//!
//! A writer takes nodes from his own bag and retires them into it. So the lines of limbo and pool stay with his core, and a
//! node that he fills is one that he has emptied, lately; and there are as many limbos as there are writers, not
//! shards. (Lists of what was retired, by thread, are Michael's, of *hazard pointers*, 2004; limbo bags are so called in Brown's
//! *DEBRA*, 2015.)
//!
//! # Who is in a bag
//!
//! A bag belongs to whoever has the seat of its number. He goes in by a store and leaves by another one. Others come
//! seldom: for what an owner has left who does nothing any more, or has ended, to clear the map, to count.
//!
//! Owner: stores `inside` (1), light barrier, loads `visited` (2).
//! Visitor: stores `visited` (3), heavy barrier, loads `inside` (4).
//!
//! At least one of them sees the other. An owner who sees a visitor leaves at once, and waits for the bag's mutex, which the visitor has:
//! he takes what he came for, as it is, and goes. A visitor who sees the owner does not touch the bag. Where the kernel does not make the
//! barrier on the owner's behalf, he takes the mutex each time, instead of (1) and (2).

use std::array;
use std::ptr;
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;

use super::clock::Clocks;
use super::limbo::{Adrift, Holdings, Limbo, Trash};
use super::seat;
use crate::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use crate::sync::{
    Mutex, MutexGuard, REAL_FENCES, UnsafeCell, barrier, hint, spin_loop, yield_now,
};

/// What others have left is looked after so often, by one of those who update and remove, or put a table in the place of another. Taken is what is in bags whose owners did
/// nothing for as long.
pub(super) const ROUND: Duration = Duration::from_millis(10);
/// What shards have left that have gone is looked after at least so often.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// All bags are emptied at most so often: clearing a map asks for it at each shard.
const GATHERING: Duration = Duration::from_millis(1);
/// Bags that are reached without a look at how many there are.
const FIRST: usize = 8;
/// There are so many times as many in each next chunk of them.
const GROWTH: usize = 8;
/// So often a visitor who is patient looks whether an owner has left who cannot be long, and so often he lets him run in between.
const LOOKS: usize = if REAL_FENCES { 64 } else { 1 };
const YIELDS: usize = if REAL_FENCES { 16 } else { 0 };

/// The limbo of one thread, on lines of its own: processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Bag<K, V> {
    /// Whether the owner is in there without the mutex. Stored by him only.
    inside: AtomicBool,
    /// Whether somebody else is, or is about to be. Stored by who has `Limbos::visits`.
    visited: AtomicBool,
    /// Whose owner is in there, or whose visitor, when the other may be.
    mutex: Mutex<()>,
    limbo: UnsafeCell<Limbo<K, V>>,
}

// SAFETY: it owns its nodes and tables.
unsafe impl<K: Send, V: Send> Send for Bag<K, V> {}
// SAFETY: it gives access to the limbo to one thread at a time, as a mutex does.
unsafe impl<K: Send, V: Send> Sync for Bag<K, V> {}

impl<K, V> Bag<K, V> {
    fn new(most_pooled: usize) -> Self {
        Self {
            inside: AtomicBool::new(false),
            visited: AtomicBool::new(false),
            mutex: Mutex::new(()),
            limbo: UnsafeCell::new(Limbo::new(most_pooled)),
        }
    }
}

/// The owner is in there; and leaves when this goes, whatever happens.
enum Inside<'a> {
    /// He has said so.
    Told(&'a AtomicBool),
    /// He has the mutex.
    Alone(#[expect(dead_code, reason = "held, not used")] MutexGuard<'a, ()>),
}

impl Drop for Inside<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Self::Told(inside) = self {
            // Release: pairs with the Acquire of (4).
            inside.store(false, Release);
        }
    }
}

impl<K, V> Bag<K, V> {
    /// For the owner.
    ///
    /// # Safety
    ///
    /// 1. The caller is the bag's owner: no other thread calls this meanwhile, and what others did in its name came before.
    /// 2. `f` does not come here again: it runs nothing of the user's. (An allocator that keeps its books in a map of this kind would.)
    #[inline(always)]
    pub(super) unsafe fn own<R>(&self, f: impl FnOnce(&mut Limbo<K, V>) -> R) -> R {
        // SAFETY: 1., 2. By the same. 3. That does not change any more, for the owner has a seat.
        unsafe { self.own_if(barrier::is_asymmetric(), f) }
    }

    /// The same for who knows whether there is the barrier. (In a model there is another.)
    ///
    /// # Safety
    ///
    /// 1., 2. As for [`own`](Self::own).
    /// 3. It is asymmetric, if it says so.
    #[inline(always)]
    pub(crate) unsafe fn own_if<R>(
        &self,
        is_asymmetric: bool,
        f: impl FnOnce(&mut Limbo<K, V>) -> R,
    ) -> R {
        // One way on from here, so that `f` becomes part of it.
        let _inside = match self.go_in(is_asymmetric) {
            Some(inside) => inside,
            None => Inside::Alone(self.lock()),
        };
        // SAFETY: 1. The owner is inside, and either there is no visitor, or it has the mutex; nor another owner, by (1). 2. By (2).
        unsafe { self.with(f) }
    }

    #[cold]
    #[inline(never)]
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.mutex.lock()
    }

    /// Steps (1) and (2), if the barrier is there.
    #[inline(always)]
    fn go_in(&self, is_asymmetric: bool) -> Option<Inside<'_>> {
        if !is_asymmetric {
            return None;
        }
        debug_assert!(!self.inside.load(Relaxed), "the owner is there already");
        // Relaxed: the barrier orders it.
        self.inside.store(true, Relaxed);
        let inside = Inside::Told(&self.inside);
        // Pairs with the heavy one in `visit_by`.
        if REAL_FENCES {
            barrier::light_if_asymmetric();
        } else {
            barrier::light();
        }
        // Acquire: pairs with the Release of a visitor who has left.
        (!self.visited.load(Acquire)).then_some(inside)
    }

    /// # Safety
    ///
    /// 1. Nobody else is in there.
    /// 2. Nor comes while `f` runs.
    #[inline(always)]
    unsafe fn with<R>(&self, f: impl FnOnce(&mut Limbo<K, V>) -> R) -> R {
        // SAFETY: by (1) and (2).
        self.limbo.with_mut(|limbo| f(unsafe { &mut *limbo }))
    }

    /// Whether the owner is out. Step (4).
    fn is_left(&self) -> bool {
        // Acquire: pairs with the Release in `Inside`.
        !self.inside.load(Acquire)
    }

    /// For a visitor who has stored `visited` and made the barrier. Says whether he could look.
    fn look_in(&self, is_patient: bool, f: impl FnOnce(&mut Limbo<K, V>)) -> bool {
        let Some(_guard) = (if is_patient {
            Some(self.mutex.lock())
        } else {
            self.mutex.try_lock()
        }) else {
            return false;
        };
        let mut is_left = self.is_left();
        if is_patient {
            for turn in 0..LOOKS + YIELDS {
                if is_left {
                    break;
                }
                if turn < LOOKS {
                    spin_loop();
                } else {
                    yield_now();
                }
                is_left = self.is_left();
            }
        }
        if is_left {
            // SAFETY: `with`: 1., 2. An owner who comes sees the visitor and waits for the mutex; nobody else does but by it.
            unsafe { self.with(f) }
        }
        is_left
    }
}

/// More bags.
#[derive(Debug)]
struct Chunk<K, V> {
    bags: Box<[OnceBox<Bag<K, V>>]>,
    next: OnceBox<Self>,
}

/// The bags of a map.
#[derive(Debug)]
pub(crate) struct Limbos<K, V> {
    first: [OnceBox<Bag<K, V>>; FIRST],
    rest: OnceBox<Chunk<K, V>>,
    /// Who visits bags has this.
    visits: Mutex<Visits>,
    /// The most nodes in the pool of each. Set before there are any.
    most_pooled: hint::AtomicUsize,
}

/// When bags were visited.
#[derive(Debug, Default)]
struct Visits {
    round: Option<Instant>,
    gathering: Option<Instant>,
    /// When what shards have left is looked after next, and how long the pause was before: longer each time that nothing could be done.
    next_care: Option<Instant>,
    pause: Duration,
}

impl<K, V> Default for Limbos<K, V> {
    fn default() -> Self {
        Self {
            first: array::from_fn(|_| OnceBox::new()),
            rest: OnceBox::new(),
            visits: Mutex::new(Visits::default()),
            most_pooled: hint::AtomicUsize::new(Limbo::<K, V>::POOL),
        }
    }
}

impl<K, V> Limbos<K, V> {
    /// The limbo of this thread.
    ///
    /// # Safety
    ///
    /// 1. `f` does not come here again.
    #[inline(always)]
    pub(crate) unsafe fn own<R>(&self, f: impl FnOnce(&mut Limbo<K, V>) -> R) -> R {
        let sitting = seat::sit();
        let bag = self.bag(sitting.number());
        // SAFETY: 1. It is that of the thread's seat, which no other thread has until `sitting` ends, and who had it before has
        // passed it on since. 2. By (1).
        unsafe { bag.own(f) }
    }

    // Relaxed, here and below: a hint.
    pub(super) fn most_pooled(&self) -> usize {
        self.most_pooled.load(Relaxed)
    }

    /// For a map that nobody has written to.
    pub(super) fn set_most_pooled(&self, nodes: usize) {
        self.most_pooled.store(nodes, Relaxed);
    }

    /// The bag of a seat.
    #[inline(always)]
    pub(crate) fn bag(&self, number: usize) -> &Bag<K, V> {
        match self.first.get(number).and_then(OnceBox::get) {
            Some(bag) => bag,
            None => self.bag_behind(number),
        }
    }

    /// The same if it is not among the first, or not there.
    #[inline(never)]
    fn bag_behind(&self, mut number: usize) -> &Bag<K, V> {
        let mut bags = &self.first[..];
        let mut rest = &self.rest;
        while number >= bags.len() {
            number -= bags.len();
            let chunk = rest.get_or_init(|| {
                Box::new(Chunk {
                    bags: (0..GROWTH * bags.len()).map(|_| OnceBox::new()).collect(),
                    next: OnceBox::new(),
                })
            });
            (bags, rest) = (&chunk.bags, &chunk.next);
        }
        let most_pooled = self.most_pooled();
        bags[number].get_or_init(|| Box::new(Bag::new(most_pooled)))
    }

    /// The bags that there are.
    fn bags(&self) -> impl Iterator<Item = &Bag<K, V>> {
        let chunks = std::iter::successors(self.rest.get(), |chunk| chunk.next.get());
        let rest = chunks.flat_map(|chunk| &chunk.bags);
        self.first.iter().chain(rest).filter_map(OnceBox::get)
    }

    /// Looks into all bags, but for those whose owners are in there: for longer than he can wait, if he is patient. Says whether it was all.
    fn visit_by(
        &self,
        _: &mut Visits,
        is_patient: bool,
        mut f: impl FnMut(&mut Limbo<K, V>),
    ) -> bool {
        /// Nobody visits the bag any more, whatever happens.
        struct Visit<'a, K, V>(&'a Bag<K, V>);
        impl<K, V> Drop for Visit<'_, K, V> {
            fn drop(&mut self) {
                // Release: pairs with the Acquire of (2).
                self.0.visited.store(false, Release);
            }
        }
        // Relaxed: the barrier orders it.
        let announce = |bag| {
            let visit = Visit::<K, V>(bag);
            bag.visited.store(true, Relaxed);
            visit
        };
        let visits: Vec<_> = self.bags().map(announce).collect();
        if visits.is_empty() {
            return true;
        }
        // Pairs with the light one in `go_in`.
        barrier::heavy();
        let mut is_all = true;
        for visit in visits {
            is_all &= visit.0.look_in(is_patient, &mut f);
        }
        is_all
    }

    /// Looks into all bags, but for those whose owners were interrupted in there, and says whether it was all.
    pub(crate) fn visit(&self, f: impl FnMut(&mut Limbo<K, V>)) -> bool {
        self.visit_by(&mut self.visits.lock(), true, f)
    }

    /// Takes what is in the bags of those who did nothing for a while into that of this thread, and says whether there was some. Waits for
    /// nobody.
    #[cold]
    #[inline(never)]
    pub(super) fn look_around(&self, clocks: &Clocks, now: Instant) -> bool {
        let Some(mut visits) = self.visits.try_lock() else {
            return false;
        };
        let is_late = |last| now.saturating_duration_since(last) >= ROUND;
        if !visits.round.is_none_or(is_late) || self.bags().next().is_none() {
            return false;
        }
        visits.round = Some(now);
        let mut left = Vec::new();
        self.visit_by(&mut visits, false, |limbo| {
            left.extend(limbo.take_if_idle(now));
        });
        drop(visits);
        let is_found = !left.is_empty();
        self.take_aboard(left, clocks);
        is_found
    }

    fn take_aboard(&self, left: Vec<Adrift<K, V>>, clocks: &Clocks) {
        for adrift in left {
            // SAFETY: 1. Nothing of the user's runs: what is let go is trash.
            unsafe { self.own(|own| own.take_aboard(adrift, clocks)) }
        }
    }

    /// Lets go of whatever can be let go without waiting, the pools too. What leaves for good is in this thread's limbo then.
    pub(crate) fn drain(&self, clocks: &Clocks) {
        let has_gathered = self.gather(clocks);
        if self.known().is_some() {
            // SAFETY: 1. Nothing of the user's runs: what is let go is trash.
            unsafe { self.own(|own| own.drain(clocks, has_gathered)) }
        }
    }

    /// The bag of this thread, if it has one.
    fn known(&self) -> Option<&Bag<K, V>> {
        let sitting = seat::sit();
        let mut number = sitting.number();
        let mut bags = &self.first[..];
        let mut rest = &self.rest;
        while number >= bags.len() {
            number -= bags.len();
            let chunk = rest.get()?;
            (bags, rest) = (&chunk.bags, &chunk.next);
        }
        bags[number].get()
    }

    /// Takes what is in all bags into that of this thread, unless somebody has done so just now, and says whether it has.
    fn gather(&self, clocks: &Clocks) -> bool {
        let mut visits = self.visits.lock();
        let now = Instant::now();
        let is_late = |last| now.saturating_duration_since(last) >= GATHERING;
        // A model has no time.
        if REAL_FENCES && !visits.gathering.is_none_or(is_late) {
            return false;
        }
        let mut all = Vec::new();
        let known = self.known().map(ptr::from_ref);
        if self.bags().any(|bag| Some(ptr::from_ref(bag)) != known) {
            self.visit_by(&mut visits, true, |limbo| all.push(limbo.set_adrift()));
        }
        visits.gathering = Some(now);
        drop(visits);
        self.take_aboard(all, clocks);
        true
    }

    /// Whether it is time to look after what shards have left that have gone.
    pub(super) fn is_neglected(&self) -> bool {
        self.visits
            .try_lock()
            .is_some_and(|visits| visits.next_care.is_none_or(|next| next <= Instant::now()))
    }

    /// Looks after what shards have left that have gone, if it is time. All of it, if there are no others; otherwise what threads have left
    /// that do nothing any more, and this one. What leaves for good comes back; and whether there may be more.
    pub(super) fn care(&self, clocks: &Clocks, is_all: bool) -> (Trash<K, V>, bool) {
        let now = Instant::now();
        {
            let Some(mut visits) = self.visits.try_lock() else {
                return (None, true);
            };
            if visits.next_care.is_some_and(|next| now < next) {
                return (None, true);
            }
            visits.pause = (2 * visits.pause).clamp(ROUND, LONGEST_PAUSE);
            // Somebody else would come meanwhile.
            visits.next_care = Some(now + visits.pause);
        }
        let (is_progress, is_nothing, trash);
        if is_all {
            let waiting =
                |holdings: Holdings| holdings.pending + holdings.guarded + holdings.tables;
            let before = waiting(self.holdings());
            self.drain(clocks);
            trash = self.take_trash();
            let after = self.holdings();
            is_nothing = after.is_nothing();
            is_progress = waiting(after) < before;
        } else {
            let is_let_go = self.known().is_some() && {
                // SAFETY: 1. Nothing of the user's runs: what is let go is trash.
                unsafe { self.own(|own| own.tidy_up(clocks, now)) }
            };
            let is_found = self.look_around(clocks, now);
            trash = self.take_trash();
            // Others leave more at any time.
            is_nothing = false;
            is_progress = is_found || is_let_go;
        }
        let mut visits = self.visits.lock();
        if is_progress {
            visits.pause = Duration::ZERO;
        }
        visits.next_care = Some(Instant::now() + visits.pause.max(ROUND));
        drop(visits);
        (trash, !is_nothing)
    }

    /// What this thread has let go.
    pub(super) fn take_trash(&self) -> Trash<K, V> {
        self.known()?;
        // SAFETY: 1. It only takes what was thrown away.
        unsafe { self.own(Limbo::take_trash) }
    }

    pub(crate) fn holdings(&self) -> Holdings {
        let mut all = Holdings::default();
        let is_all = self.visit(|limbo| all.add(limbo.holdings()));
        all.is_partial |= !is_all;
        all
    }
}
