//! Keys and values that are accounted for, and that fail on demand.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::Equivalent;

/// What a [`Ledger`] can make fail.
///
/// ```
/// use map_core::conformance::tracked::{Ledger, Point};
///
/// let ledger = Ledger::new();
/// let value = ledger.value(1);
/// assert!(ledger.failing(Point::ValueClone, 0, || value.clone()).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A key's `Hash`.
    Hash,
    /// A comparison of keys.
    KeyEq,
    /// A comparison of values.
    ValueEq,
    /// A key's `Clone`.
    KeyClone,
    /// A value's `Clone`.
    ValueClone,
    /// A key's `Drop`.
    KeyDrop,
    /// A value's `Drop`.
    ValueDrop,
    /// A closure that was given to the map.
    Closure,
}

impl Point {
    /// All of them.
    ///
    /// ```
    /// use map_core::conformance::tracked::Point;
    ///
    /// assert!(Point::ALL.contains(&Point::Hash));
    /// ```
    pub const ALL: [Self; 8] = [
        Self::Hash,
        Self::KeyEq,
        Self::ValueEq,
        Self::KeyClone,
        Self::ValueClone,
        Self::KeyDrop,
        Self::ValueDrop,
        Self::Closure,
    ];
}

/// Knows every instance that is alive, and notices what is dropped twice or used after its drop.
///
/// ```
/// use map_core::conformance::tracked::Ledger;
///
/// let ledger = Ledger::new();
/// let map = map_sharded::ShardedMap::new();
/// map.insert(ledger.key(1), ledger.value(10));
/// assert_eq!(ledger.alive(), 2);
/// drop(map);
/// ledger.assert_settled();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Accounts>);

#[derive(Debug, Default)]
struct Accounts {
    alive: Mutex<HashSet<usize>>,
    made: AtomicUsize,
    /// What went wrong: kept, because a panic in a `Drop` might abort the process.
    wrong: Mutex<Option<String>>,
    /// Which point fails, as its index in `Point::ALL` (or none).
    armed: AtomicUsize,
    /// How many calls at that point succeed before one fails. Negative: it has failed.
    left: AtomicIsize,
}

/// A key or value that is in a ledger.
#[derive(Debug)]
struct Instance {
    number: u64,
    id: usize,
    ledger: Ledger,
}

/// A key that is in a ledger.
///
/// ```
/// use map_core::conformance::tracked::Ledger;
///
/// let ledger = Ledger::new();
/// assert_eq!(ledger.key(1), ledger.key(1));
/// ```
#[derive(Debug)]
pub struct Key(Instance);

/// A value that is in a ledger.
///
/// ```
/// use map_core::conformance::tracked::Ledger;
///
/// let ledger = Ledger::new();
/// assert_eq!(ledger.value(1).clone(), ledger.value(1));
/// ```
#[derive(Debug)]
pub struct Value(Instance);

/// A value that is in a ledger, and cannot be cloned.
///
/// ```
/// use map_core::conformance::tracked::Ledger;
///
/// let ledger = Ledger::new();
/// assert_eq!(ledger.unique(1).number(), 1);
/// ```
#[derive(Debug)]
pub struct Unique(Instance);

const NONE: usize = Point::ALL.len();

impl Ledger {
    /// A ledger without entries, in which nothing fails.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// assert_eq!(ledger.alive(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        let ledger = Self::default();
        ledger.disarm();
        ledger
    }

    /// A new key.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// assert_eq!(ledger.key(7).number(), 7);
    /// ```
    #[must_use]
    pub fn key(&self, number: u64) -> Key {
        Key(self.instance(number))
    }

    /// A new value.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// assert_eq!(ledger.value(7).number(), 7);
    /// ```
    #[must_use]
    pub fn value(&self, number: u64) -> Value {
        Value(self.instance(number))
    }

    /// A new value that cannot be cloned.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// assert_eq!(ledger.unique(7).number(), 7);
    /// ```
    #[must_use]
    pub fn unique(&self, number: u64) -> Unique {
        Unique(self.instance(number))
    }

    fn instance(&self, number: u64) -> Instance {
        let id = self.0.made.fetch_add(1, Ordering::Relaxed);
        lock(&self.0.alive).insert(id);
        Instance {
            number,
            id,
            ledger: self.clone(),
        }
    }

    /// How many instances are alive.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// let key = ledger.key(7);
    /// assert_eq!(ledger.alive(), 1);
    /// drop(key);
    /// assert_eq!(ledger.alive(), 0);
    /// ```
    #[must_use]
    pub fn alive(&self) -> usize {
        lock(&self.0.alive).len()
    }

    /// Asserts that nothing was dropped twice, or used afterwards.
    ///
    /// # Panics
    ///
    /// If something was.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// let key = ledger.key(7);
    /// ledger.assert_sound();
    /// # drop(key);
    /// ```
    pub fn assert_sound(&self) {
        if let Some(wrong) = &*lock(&self.0.wrong) {
            panic!("{wrong}");
        }
    }

    /// Asserts that besides that nothing is left.
    ///
    /// # Panics
    ///
    /// If something is.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// drop(ledger.key(7));
    /// ledger.assert_settled();
    /// ```
    pub fn assert_settled(&self) {
        self.assert_sound();
        assert_eq!(self.alive(), 0, "instances that nobody dropped");
    }

    fn complain(&self, what: String) {
        lock(&self.0.wrong).get_or_insert(what);
    }

    /// From now on, the call at `point` panics before which `successes` go well.
    ///
    /// ```
    /// use map_core::conformance::tracked::{Ledger, Point};
    ///
    /// let ledger = Ledger::new();
    /// ledger.arm(Point::Closure, 1);
    /// ledger.reach(Point::Closure);
    /// assert!(!ledger.disarm(), "the next one would have failed");
    /// ```
    pub fn arm(&self, point: Point, successes: usize) {
        let index = Point::ALL.iter().position(|&other| other == point);
        self.0.left.store(successes as isize, Ordering::Relaxed);
        self.0.armed.store(index.unwrap_or(NONE), Ordering::Relaxed);
    }

    /// From now on, nothing fails. Returns whether something has.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// assert!(!ledger.disarm(), "nothing has failed");
    /// ```
    pub fn disarm(&self) -> bool {
        self.0.armed.store(NONE, Ordering::Relaxed);
        self.0.left.load(Ordering::Relaxed) < 0
    }

    /// A call at this point.
    ///
    /// # Panics
    ///
    /// If it is the one that was to fail, and this thread is not panicking already.
    ///
    /// ```
    /// use map_core::conformance::tracked::{Ledger, Point};
    ///
    /// let ledger = Ledger::new();
    /// let failed = ledger.failing(Point::Closure, 0, || ledger.reach(Point::Closure));
    /// assert!(failed.is_none());
    /// ```
    pub fn reach(&self, point: Point) {
        let armed = Point::ALL.get(self.0.armed.load(Ordering::Relaxed)) == Some(&point);
        if armed && !thread::panicking() && self.0.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            // Not through the panic hook: it would print thousands of them.
            resume_unwind(Box::new(format!("{point:?} fails as it was told to")));
        }
    }

    /// Runs `f` with a point armed. Returns what `f` does if nothing has failed.
    ///
    /// # Panics
    ///
    /// If `f` does for another reason.
    ///
    /// ```
    /// use map_core::conformance::tracked::{Ledger, Point};
    ///
    /// let ledger = Ledger::new();
    /// let key = ledger.key(1);
    /// assert!(ledger.failing(Point::KeyClone, 0, || key.clone()).is_none());
    /// assert!(ledger.failing(Point::KeyClone, 1, || key.clone()).is_some());
    /// ```
    pub fn failing<R>(&self, point: Point, successes: usize, f: impl FnOnce() -> R) -> Option<R> {
        self.arm(point, successes);
        let result = catch_unwind(AssertUnwindSafe(f));
        match (result, self.disarm()) {
            (Ok(result), false) => Some(result),
            (Ok(_), true) => panic!("a panic at {point:?} was swallowed"),
            (Err(_), true) => None,
            (Err(panic), false) => resume_unwind(panic),
        }
    }
}

/// The suite goes on after panics: here they leave nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Instance {
    fn number(&self) -> u64 {
        if !lock(&self.ledger.0.alive).contains(&self.id) {
            let complaint = format!("instance {} was used after its drop", self.id);
            self.ledger.complain(complaint);
        }
        self.number
    }
}

impl Clone for Instance {
    fn clone(&self) -> Self {
        self.ledger.instance(self.number())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if !lock(&self.ledger.0.alive).remove(&self.id) {
            let complaint = format!("instance {} was dropped twice", self.id);
            self.ledger.complain(complaint);
        }
    }
}

impl Key {
    /// The number that it stands for.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// assert_eq!(ledger.key(7).number(), 7);
    /// ```
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.number()
    }
}

impl Value {
    /// The number that it stands for.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// assert_eq!(ledger.value(7).number(), 7);
    /// ```
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.number()
    }

    /// Stands for another number from now on.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// let mut value = ledger.value(7);
    /// value.set(8);
    /// assert_eq!(value.number(), 8);
    /// ```
    pub fn set(&mut self, number: u64) {
        self.0.number = number;
    }
}

impl Unique {
    /// The number that it stands for.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// assert_eq!(ledger.unique(7).number(), 7);
    /// ```
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.number()
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.ledger.reach(Point::Hash);
        self.number().hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.ledger.reach(Point::KeyEq);
        self.number() == other.number()
    }
}

impl Eq for Key {}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.0.ledger.reach(Point::ValueEq);
        self.number() == other.number()
    }
}

impl Clone for Key {
    fn clone(&self) -> Self {
        self.0.ledger.reach(Point::KeyClone);
        Self(self.0.clone())
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        self.0.ledger.reach(Point::ValueClone);
        Self(self.0.clone())
    }
}

/// The instance is dropped afterwards in any case.
impl Drop for Key {
    fn drop(&mut self) {
        self.0.ledger.reach(Point::KeyDrop);
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.ledger.reach(Point::ValueDrop);
    }
}

/// Looks a key up without being one: it reaches the points of lookups, but has no `Drop`.
///
/// ```
/// use map_core::conformance::tracked::Ledger;
///
/// let ledger = Ledger::new();
/// let map = map_sharded::ShardedMap::new();
/// map.insert(ledger.key(1), ());
/// assert!(map.contains_key(&ledger.probe(1)));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    number: u64,
    ledger: &'a Ledger,
}

impl Ledger {
    /// What finds the key of this number.
    ///
    /// ```
    /// use map_core::conformance::tracked::Ledger;
    ///
    /// let ledger = Ledger::new();
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert(ledger.key(1), ());
    /// assert!(!map.contains_key(&ledger.probe(2)));
    /// ```
    #[must_use]
    pub fn probe(&self, number: u64) -> Probe<'_> {
        Probe {
            number,
            ledger: self,
        }
    }
}

impl Hash for Probe<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ledger.reach(Point::Hash);
        self.number.hash(state);
    }
}

impl Equivalent<Key> for Probe<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.ledger.reach(Point::KeyEq);
        self.number == key.number()
    }
}

/// So that a map can be looked into without reaching any point.
impl Equivalent<Key> for u64 {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.number()
    }
}

/// So that values can be compared without making any.
impl PartialEq<u64> for Value {
    fn eq(&self, other: &u64) -> bool {
        self.0.ledger.reach(Point::ValueEq);
        self.number() == *other
    }
}
