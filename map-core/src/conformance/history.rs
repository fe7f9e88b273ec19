//! Records what threads asked of a map, and what they were answered.
//!
//! The clock is one counter. An operation's *invoked* stamp is a load of it before the call, its
//! *returned* stamp a `fetch_add` after the call. So if one operation's returned stamp is smaller
//! than another's invoked stamp, the second one saw the first one's increment, and had not begun
//! before the first one was over. Nothing is claimed about any other pair.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Change, Computed, ConcurrentMap};

/// Below this bit, a value tells which write made it; above it, which increments were added.
const INCREMENT_SHIFT: u32 = 24;

/// One operation on one key. Each `u64` that a call stores is stored by no other call of the
/// history, so an answer tells which write it saw.
///
/// ```
/// use map_core::conformance::history::Call;
///
/// assert_eq!(Call::Insert(7).apply(None).1, Some(7));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `get_cloned(key)`
    Get,
    /// `contains_key(key)`
    Contains,
    /// `insert(key, value)`
    Insert(u64),
    /// `remove(key)`
    Remove,
    /// `compare_exchange(key, current, new)`
    CompareExchange(u64, u64),
    /// `compare_remove(key, current)`
    CompareRemove(u64),
    /// `get_or_insert_with(key, || value)`
    GetOrInsert(u64),
    /// `compute`: adds to the present value, or to 0
    Add(u64),
    /// `compute`: removes what is there
    Take,
}

/// What a map answered.
///
/// ```
/// use map_core::conformance::history::{Call, Reply};
///
/// assert_eq!(Call::Get.apply(Some(7)).0, Reply::Value(Some(7)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The value that was read, replaced or removed.
    Value(Option<u64>),
    /// Whether the key was there.
    Present(bool),
    /// Whether the exchange took place.
    Exchanged(bool),
}

/// One operation of a history.
///
/// ```
/// use map_core::conformance::history::{Call, Clock, Recorder, Reply};
/// use map_sharded::ShardedMap;
///
/// let (map, clock) = (ShardedMap::new(), Clock::default());
/// let mut recorder = Recorder::new(&map, &clock, 0);
/// recorder.call(1, Call::Insert(7));
/// let event = recorder.into_events()[0];
/// assert_eq!((event.key, event.call, event.reply), (1, Call::Insert(7), Reply::Value(None)));
/// assert!(event.invoked <= event.returned);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Who called.
    pub thread: usize,
    /// On which key.
    pub key: u64,
    /// What was asked.
    pub call: Call,
    /// What was answered.
    pub reply: Reply,
    /// The clock before the call.
    pub invoked: u64,
    /// The clock after the call.
    pub returned: u64,
}

/// The clock that all recorders of one history share.
///
/// ```
/// use map_core::conformance::history::{Call, Clock, Recorder, Reply};
/// use map_sharded::ShardedMap;
///
/// let (map, clock) = (ShardedMap::new(), Clock::default());
/// let mut recorder = Recorder::new(&map, &clock, 0);
/// let mut other = Recorder::new(&map, &clock, 1);
/// recorder.call(1, Call::Get);
/// other.call(1, Call::Get);
/// let (first, second) = (recorder.into_events()[0], other.into_events()[0]);
/// assert!(first.returned < second.invoked);
/// ```
#[derive(Debug, Default)]
pub struct Clock(AtomicU64);

/// One thread's part of a history.
///
/// ```
/// use map_core::conformance::history::{Call, Clock, Recorder};
/// use map_core::conformance::linearizability::check;
/// use map_sharded::ShardedMap;
///
/// let (map, clock) = (ShardedMap::new(), Clock::default());
/// let mut history = Vec::new();
/// std::thread::scope(|scope| {
///     let threads = [0, 1].map(|number| {
///         let (map, clock) = (&map, &clock);
///         scope.spawn(move || {
///             let mut recorder = Recorder::new(map, clock, number);
///             let value = recorder.fresh();
///             recorder.call(7, Call::Insert(value));
///             recorder.call(7, Call::Get);
///             recorder.into_events()
///         })
///     });
///     for thread in threads {
///         history.extend(thread.join().expect("it does not panic"));
///     }
/// });
/// assert!(check(&history).is_ok());
/// ```
#[derive(Debug)]
pub struct Recorder<'a, M> {
    map: &'a M,
    clock: &'a Clock,
    thread: usize,
    writes: u64,
    events: Vec<Event>,
}

impl Call {
    /// What a correct map answers in `state`, and the state after it.
    ///
    /// ```
    /// use map_core::conformance::history::{Call, Reply};
    ///
    /// assert_eq!(Call::CompareExchange(1, 2).apply(Some(1)), (Reply::Exchanged(true), Some(2)));
    /// ```
    #[must_use]
    pub fn apply(self, state: Option<u64>) -> (Reply, Option<u64>) {
        match self {
            Self::Get => (Reply::Value(state), state),
            Self::Contains => (Reply::Present(state.is_some()), state),
            Self::Insert(new) => (Reply::Value(state), Some(new)),
            Self::Remove | Self::Take => (Reply::Value(state), None),
            Self::CompareExchange(current, new) if state == Some(current) => {
                (Reply::Exchanged(true), Some(new))
            }
            Self::CompareExchange(..) => (Reply::Exchanged(false), state),
            Self::CompareRemove(current) if state == Some(current) => (Reply::Value(state), None),
            Self::CompareRemove(_) => (Reply::Value(None), state),
            Self::GetOrInsert(new) => {
                let value = state.unwrap_or(new);
                (Reply::Value(Some(value)), Some(value))
            }
            Self::Add(delta) => (
                Reply::Value(state),
                Some(state.unwrap_or(0).wrapping_add(delta)),
            ),
        }
    }

    /// Carries the call out on `map`.
    ///
    /// # Panics
    ///
    /// If the answer contradicts itself: another key than asked for comes back, or a closure saw
    /// something else than what is reported afterwards.
    ///
    /// ```
    /// use map_core::conformance::history::{Call, Reply};
    ///
    /// let map = map_sharded::ShardedMap::new();
    /// assert_eq!(Call::Insert(7).perform(&map, 1), Reply::Value(None));
    /// assert_eq!(Call::Get.perform(&map, 1), Reply::Value(Some(7)));
    /// ```
    pub fn perform(self, map: &impl ConcurrentMap<u64, u64>, key: u64) -> Reply {
        let own = |entry: Option<(u64, u64)>| {
            entry.map(|(found, value)| {
                assert_eq!(found, key, "{self} answered with the entry of another key");
                value
            })
        };
        match self {
            Self::Get => Reply::Value(own(map.get_with(&key, |&key, &value| (key, value)))),
            Self::Contains => Reply::Present(map.contains_key(&key)),
            Self::Insert(new) => Reply::Value(map.insert(key, new)),
            Self::Remove => Reply::Value(own(map.remove(&key))),
            Self::CompareExchange(current, new) => {
                Reply::Exchanged(match map.compare_exchange(&key, &current, new) {
                    Ok(old) => {
                        assert_eq!(old, current, "{self} returned what it did not replace");
                        true
                    }
                    Err(back) => {
                        assert_eq!(back, new, "{self} did not give the new value back");
                        false
                    }
                })
            }
            Self::CompareRemove(current) => Reply::Value(own(map.compare_remove(&key, &current))),
            Self::GetOrInsert(new) => {
                let mut ran = false;
                let value = map.get_or_insert_with(key, || {
                    ran = true;
                    new
                });
                assert_eq!(ran, value == new, "{self} returned {}", Show(value));
                Reply::Value(Some(value))
            }
            Self::Add(_) | Self::Take => {
                let mut seen = None;
                let done = map.compute(key, |present| {
                    seen = Some(present.copied());
                    match self {
                        Self::Add(delta) => {
                            Change::Set(present.copied().unwrap_or(0).wrapping_add(delta))
                        }
                        _ => Change::Remove,
                    }
                });
                let seen = seen.expect("compute runs its closure");
                let replaced = match done {
                    Computed::Updated(old) => Some(old),
                    Computed::Removed(found, old) => own(Some((found, old))),
                    Computed::Inserted | Computed::Unchanged => None,
                };
                assert_eq!(replaced, seen, "{self} showed its closure something else");
                Reply::Value(seen)
            }
        }
    }
}

impl Event {
    /// Whether the answer says that this operation changed nothing.
    ///
    /// ```
    /// use map_core::conformance::history::{Call, Clock, Recorder, Reply};
    /// use map_sharded::ShardedMap;
    ///
    /// let (map, clock) = (ShardedMap::new(), Clock::default());
    /// let mut recorder = Recorder::new(&map, &clock, 0);
    /// recorder.call(1, Call::Remove);
    /// assert!(recorder.into_events()[0].is_read(), "there was nothing to be removed");
    /// ```
    #[must_use]
    pub fn is_read(&self) -> bool {
        match (self.call, self.reply) {
            (Call::Get | Call::Contains, _)
            | (Call::Remove | Call::Take | Call::CompareRemove(_), Reply::Value(None))
            | (Call::CompareExchange(..), Reply::Exchanged(false)) => true,
            (Call::GetOrInsert(new), Reply::Value(got)) => got != Some(new),
            _ => false,
        }
    }
}

impl<'a, M: ConcurrentMap<u64, u64>> Recorder<'a, M> {
    /// A recorder for the thread of this number, below 1000; no two threads may have the same.
    ///
    /// ```
    /// use map_core::conformance::history::{Call, Clock, Recorder, Reply};
    /// use map_sharded::ShardedMap;
    ///
    /// let (map, clock) = (ShardedMap::new(), Clock::default());
    /// let mut recorder = Recorder::new(&map, &clock, 0);
    /// assert_eq!(recorder.call(1, Call::Get), Reply::Value(None));
    /// ```
    pub fn new(map: &'a M, clock: &'a Clock, thread: usize) -> Self {
        assert!(thread < 1000, "thread numbers go into the values");
        Self {
            map,
            clock,
            thread,
            writes: 0,
            events: Vec::new(),
        }
    }

    /// A value that no other call of this history stores: its last three digits are the thread.
    ///
    /// ```
    /// use map_core::conformance::history::{Call, Clock, Recorder, Reply};
    /// use map_sharded::ShardedMap;
    ///
    /// let (map, clock) = (ShardedMap::new(), Clock::default());
    /// let mut recorder = Recorder::new(&map, &clock, 0);
    /// assert_ne!(recorder.fresh(), recorder.fresh());
    /// ```
    pub fn fresh(&mut self) -> u64 {
        self.writes += 1;
        self.writes * 1000 + self.thread as u64
    }

    /// A number to add: a sum tells what was added to which value.
    ///
    /// ```
    /// use map_core::conformance::history::{Call, Clock, Recorder, Reply};
    /// use map_sharded::ShardedMap;
    ///
    /// let (map, clock) = (ShardedMap::new(), Clock::default());
    /// let mut recorder = Recorder::new(&map, &clock, 0);
    /// let (value, more) = (recorder.fresh(), recorder.fresh_increment());
    /// assert!(more > value);
    /// ```
    pub fn fresh_increment(&mut self) -> u64 {
        self.fresh() << INCREMENT_SHIFT
    }

    /// Carries `call` out and records it.
    ///
    /// ```
    /// use map_core::conformance::history::{Call, Clock, Recorder, Reply};
    /// use map_sharded::ShardedMap;
    ///
    /// let (map, clock) = (ShardedMap::new(), Clock::default());
    /// let mut recorder = Recorder::new(&map, &clock, 0);
    /// assert_eq!(recorder.call(1, Call::Insert(7)), Reply::Value(None));
    /// assert_eq!(recorder.call(1, Call::Remove), Reply::Value(Some(7)));
    /// ```
    pub fn call(&mut self, key: u64, call: Call) -> Reply {
        // SeqCst: the operation between the two stamps stays between them, and the stamps of all
        // threads lie in one order; see the top of the module.
        let invoked = self.clock.0.load(Ordering::SeqCst);
        let reply = call.perform(self.map, key);
        let returned = self.clock.0.fetch_add(1, Ordering::SeqCst);
        self.events.push(Event {
            thread: self.thread,
            key,
            call,
            reply,
            invoked,
            returned,
        });
        reply
    }

    /// What this thread has recorded.
    ///
    /// ```
    /// use map_core::conformance::history::{Call, Clock, Recorder, Reply};
    /// use map_sharded::ShardedMap;
    ///
    /// let (map, clock) = (ShardedMap::new(), Clock::default());
    /// let mut recorder = Recorder::new(&map, &clock, 0);
    /// recorder.call(1, Call::Get);
    /// assert_eq!(recorder.into_events().len(), 1);
    /// ```
    #[must_use]
    pub fn into_events(self) -> Vec<Event> {
        self.events
    }
}

/// A value, so that a reader sees its parts.
pub(crate) struct Show(pub(crate) u64);

impl fmt::Display for Show {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (written, added) = (
            self.0 & ((1 << INCREMENT_SHIFT) - 1),
            self.0 >> INCREMENT_SHIFT,
        );
        match added {
            0 => write!(f, "{written}"),
            _ => write!(f, "{written}+{added}*2^{INCREMENT_SHIFT}"),
        }
    }
}

/// A state of one key.
pub(crate) struct ShowState(pub(crate) Option<u64>);

impl fmt::Display for ShowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("none"),
            Some(value) => Show(value).fmt(f),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Get => write!(f, "get"),
            Self::Contains => write!(f, "contains_key"),
            Self::Insert(new) => write!(f, "insert {}", Show(new)),
            Self::Remove => write!(f, "remove"),
            Self::CompareExchange(current, new) => {
                write!(f, "compare_exchange {} by {}", Show(current), Show(new))
            }
            Self::CompareRemove(current) => write!(f, "compare_remove {}", Show(current)),
            Self::GetOrInsert(new) => write!(f, "get_or_insert {}", Show(new)),
            Self::Add(delta) => write!(f, "compute: add {}", Show(delta)),
            Self::Take => write!(f, "compute: remove"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Value(value) => ShowState(value).fmt(f),
            Self::Present(present) => present.fmt(f),
            Self::Exchanged(true) => f.write_str("ok"),
            Self::Exchanged(false) => f.write_str("refused"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[{:>6} ..{:>6}] thread {:<3} {} -> {}",
            self.invoked, self.returned, self.thread, self.call, self.reply
        )
    }
}
