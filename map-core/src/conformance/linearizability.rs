//! Could a map whose operations are atomic have given these answers?
//!
//! Operations on different keys of a map are independent, so each key is checked by itself
//! (linearizability is local). Per key this is Lowe's just-in-time linearization ("Testing for
//! linearizability", 2017): go through the calls and returns in the order of the clock and keep
//! every *configuration* that is still possible, where a configuration is the key's state and the
//! set of calls that have taken effect but not yet returned. When an operation returns, it must
//! have taken effect: a configuration in which it has not lets pending calls take effect, in every
//! order in which their answers are right, until this one has. When no configuration is left, no
//! order of the operations explains the answers.
//!
//! `len`, `clear` and iteration go over many keys and are no part of this; they are checked by
//! invariants.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use super::history::{Event, ShowState};

/// How many operations a message shows.
const SHOWN: usize = 24;

/// What is still possible: the key's state, and which pending calls (by slot) have taken effect.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Configuration {
    state: Option<u64>,
    effective: u64,
}

/// A stretch of the history of one key that no order of its operations explains.
///
/// ```
/// use map_core::conformance::history::{Call, Event, Reply};
/// use map_core::conformance::linearizability::check;
///
/// let reply = Reply::Value(Some(7));
/// let got = Event { thread: 0, key: 1, call: Call::Get, reply, invoked: 0, returned: 1 };
/// let violation = check(&[got]).expect_err("nobody has inserted anything");
/// assert_eq!((violation.key, violation.window[violation.culprit].reply), (1, reply));
/// ```
#[derive(Debug, Clone)]
pub struct Violation {
    /// The key.
    pub key: u64,
    /// What its state may have been when the stretch began.
    pub before: Vec<Option<u64>>,
    /// The operations of the stretch, by their calls; reads that do not matter are left out.
    pub window: Vec<Event>,
    /// Which of them could not return what it did.
    pub culprit: usize,
    /// The last operations before the stretch, for orientation.
    pub earlier: Vec<Event>,
}

/// Where the configurations ran out.
#[derive(Debug)]
struct Failure {
    /// The operation that could not return.
    culprit: usize,
    /// The last moment before it at which no call was pending: the first operation called after
    /// it, and the possible states.
    first: usize,
    before: Vec<Option<u64>>,
}

/// Checks a history whose keys were all absent when it began.
///
/// # Errors
///
/// The first key, in the order of the keys, whose operations cannot be explained.
///
/// # Panics
///
/// If more than 64 operations on one key are pending at a time.
///
/// ```
/// use map_core::conformance::history::{Call, Event, Reply};
/// use map_core::conformance::linearizability::check;
///
/// let insert = Event {
///     thread: 0,
///     key: 1,
///     call: Call::Insert(10),
///     reply: Reply::Value(None),
///     invoked: 0,
///     returned: 1,
/// };
/// let get = |found, invoked| Event {
///     thread: 1,
///     call: Call::Get,
///     reply: Reply::Value(found),
///     invoked,
///     returned: 2,
///     ..insert
/// };
/// assert!(check(&[insert, get(Some(10), 1)]).is_ok());
/// // It began while the insert was under way: it may have come first.
/// assert!(check(&[insert, get(None, 0)]).is_ok());
/// // It began afterwards.
/// assert!(check(&[insert, get(None, 2)]).is_err());
/// ```
pub fn check(history: &[Event]) -> Result<(), Box<Violation>> {
    let mut keys = BTreeMap::<u64, Vec<Event>>::new();
    for event in history {
        keys.entry(event.key).or_default().push(*event);
    }
    for (key, mut events) in keys {
        events.sort_by_key(|event| event.invoked);
        if let Err(failure) = check_key(&events, &[None], u64::MAX) {
            return Err(Box::new(explain(key, &events, failure)));
        }
    }
    Ok(())
}

/// `events` are sorted by their calls. Operations that returned after `until` count as pending: what
/// they answered may rest on what came later.
fn check_key(events: &[Event], initial: &[Option<u64>], until: u64) -> Result<(), Failure> {
    // A call whose stamp equals a return's came before it: stamps below claim an order, equal ones
    // do not.
    let mut moments: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * events.len());
    for (index, event) in events.iter().enumerate() {
        moments.push((event.invoked, false, index));
        if event.returned <= until {
            moments.push((event.returned, true, index));
        }
    }
    moments.sort_unstable();

    let mut possible: HashSet<Configuration> = initial
        .iter()
        .map(|&state| Configuration {
            state,
            effective: 0,
        })
        .collect();
    let mut pending: Vec<Option<usize>> = Vec::new();
    let mut quiet = (0, initial.to_vec());
    let mut called = 0;
    for (_, is_return, index) in moments {
        if !is_return {
            if pending.iter().all(Option::is_none) {
                quiet = (called, possible.iter().map(|c| c.state).collect());
            }
            called += 1;
            match pending.iter_mut().find(|slot| slot.is_none()) {
                Some(slot) => *slot = Some(index),
                None => {
                    assert!(pending.len() < 64, "at most 64 operations at a time");
                    pending.push(Some(index));
                }
            }
            continue;
        }
        let slot = pending
            .iter()
            .position(|&slot| slot == Some(index))
            .expect("a call comes before its return");
        possible = let_take_effect(events, &pending, slot, &possible);
        if possible.is_empty() {
            let (first, before) = quiet;
            return Err(Failure {
                culprit: index,
                first,
                before,
            });
        }
        pending[slot] = None;
    }
    Ok(())
}

/// The configurations after the return of the call in `slot`.
fn let_take_effect(
    events: &[Event],
    pending: &[Option<usize>],
    slot: usize,
    possible: &HashSet<Configuration>,
) -> HashSet<Configuration> {
    let mut seen = possible.clone();
    let mut open: Vec<Configuration> = possible.iter().copied().collect();
    let mut returned = HashSet::new();
    while let Some(configuration) = open.pop() {
        if configuration.effective & (1 << slot) != 0 {
            returned.insert(Configuration {
                effective: configuration.effective & !(1 << slot),
                ..configuration
            });
            continue;
        }
        for (other, index) in pending.iter().enumerate() {
            let Some(index) = *index else { continue };
            if configuration.effective & (1 << other) != 0 {
                continue;
            }
            let (reply, state) = events[index].call.apply(configuration.state);
            if reply != events[index].reply {
                continue;
            }
            let next = Configuration {
                state,
                effective: configuration.effective | 1 << other,
            };
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    returned
}

/// Cuts the history down to what a person has to look at.
fn explain(key: u64, events: &[Event], mut failure: Failure) -> Violation {
    let mut window = events.to_vec();
    loop {
        let last = window[failure.culprit].returned;
        window.drain(..failure.first);
        window.retain(|event| event.invoked <= last);
        // A history stays explicable when operations that changed nothing are taken out of it: as
        // long as it is not, without one of them, that one does not matter.
        for index in (0..window.len()).rev() {
            if window[index].is_read() {
                let event = window.remove(index);
                if check_key(&window, &failure.before, last).is_ok() {
                    window.insert(index, event);
                }
            }
        }
        let before = failure.before;
        failure =
            check_key(&window, &before, last).expect_err("what was taken out does not matter");
        if failure.first == 0 {
            break;
        }
    }
    let mut before = failure.before;
    before.sort_unstable();
    Violation {
        key,
        before,
        culprit: failure.culprit,
        earlier: operations_before(events, window[0].invoked),
        window,
    }
}

/// The last few operations that returned before `moment`.
fn operations_before(events: &[Event], moment: u64) -> Vec<Event> {
    let mut earlier: Vec<Event> = events
        .iter()
        .copied()
        .filter(|event| event.returned < moment)
        .collect();
    earlier.sort_by_key(|event| event.returned);
    earlier.split_off(earlier.len().saturating_sub(6))
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "key {}: no order of these operations explains the marked answer",
            self.key
        )?;
        for event in &self.earlier {
            writeln!(f, "    {event}")?;
        }
        write!(f, "  -- here the value was")?;
        for (index, &state) in self.before.iter().enumerate() {
            let or = if index == 0 { "" } else { " or" };
            write!(f, "{or} {}", ShowState(state))?;
        }
        writeln!(f)?;
        // Where a thread was stopped in the middle of a call, the stretch is long.
        let mut returns: Vec<u64> = self.window.iter().map(|event| event.returned).collect();
        returns.sort_unstable();
        let shown_since = returns[returns.len().saturating_sub(SHOWN)];
        if returns.len() > SHOWN {
            writeln!(f, "    ... {} more ...", returns.len() - SHOWN)?;
        }
        for (index, event) in self.window.iter().enumerate() {
            if event.returned < shown_since && index != self.culprit {
                continue;
            }
            let mark = if index == self.culprit { ">>" } else { "  " };
            writeln!(f, "{mark}  {event}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Violation {}
