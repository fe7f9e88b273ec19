//! Maps with one mistake each, of the kinds that concurrent maps make.
//!
//! Where the mistake is a gap between two halves of an operation, the operation waits in the gap
//! until another one has gone by: on any machine, however busy, the mistake then happens.

use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use map_core::{Change, Computed, ConcurrentMap, Equivalent};

use crate::reference::Reference;

/// What is wrong with the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `compute` reads, and writes later.
    LostUpdate,
    /// Every other read answers with what the read before it of the same key saw.
    StaleRead,
    /// An insert of a [marked](is_marked) value stores nothing.
    DroppedInsert,
    /// `remove` looks, and removes later: two may return the same value.
    DoubleRemove,
    /// `compare_exchange` compares, and exchanges later.
    TornCompareExchange,
    /// `get_or_insert_with` looks, and inserts later: two may both insert.
    DoubleInsert,
    /// An update removes the old value and stores the new one later: a reader finds nothing.
    GapInUpdate,
    /// `compare_remove` does not compare with a marked value.
    BlindCompareRemove,
    /// `contains_key` does not see marked values.
    LyingContains,
}

pub(crate) const FAULTS: [Fault; 9] = [
    Fault::LostUpdate,
    Fault::StaleRead,
    Fault::DroppedInsert,
    Fault::DoubleRemove,
    Fault::TornCompareExchange,
    Fault::DoubleInsert,
    Fault::GapInUpdate,
    Fault::BlindCompareRemove,
    Fault::LyingContains,
];

/// Whether a value is one of those at which some faults show.
fn is_marked(value: u64) -> bool {
    value % 4 == 3
}

/// A map with one fault.
pub(crate) struct Broken {
    sound: Reference<u64, u64>,
    fault: Fault,
    /// What reads saw before (`StaleRead`).
    seen: Reference<u64, u64>,
    /// How many operations have begun.
    begun: AtomicUsize,
}

impl Broken {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            sound: Reference::default(),
            fault,
            seen: Reference::default(),
            begun: AtomicUsize::new(0),
        }
    }

    /// Counts an operation.
    fn begin(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until two more operations have begun, of which one is likely over, but not for ever:
    /// all the others may be waiting too, or may have ended.
    fn gap(&self) {
        let (begun, since) = (self.begun.load(Ordering::SeqCst), Instant::now());
        while self.begun.load(Ordering::SeqCst) < begun + 2 {
            if since.elapsed() > Duration::from_micros(200) {
                return;
            }
            thread::yield_now();
        }
    }
}

impl ConcurrentMap<u64, u64> for Broken {
    fn get_with<Q, R>(&self, key: &Q, f: impl FnOnce(&u64, &u64) -> R) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<u64>,
    {
        self.begin();
        if self.fault != Fault::StaleRead {
            return self.sound.get_with(key, f);
        }
        let (key, now) = self.sound.get_with(key, |&key, &value| (key, value))?;
        let shown = self.seen.remove(&key).map_or(now, |(_, before)| before);
        if shown == now {
            self.seen.insert(key, now);
        }
        Some(f(&key, &shown))
    }

    fn compute(&self, key: u64, f: impl FnOnce(Option<&u64>) -> Change<u64>) -> Computed<u64, u64> {
        self.begin();
        match self.fault {
            Fault::LostUpdate => {
                let before = self.sound.get_cloned(&key);
                let change = f(before.as_ref());
                self.gap();
                self.sound.compute(key, |_| change);
                // It reports what it saw, so as not to give itself away.
                match (change, before) {
                    (Change::Set(_), Some(old)) => Computed::Updated(old),
                    (Change::Set(_), None) => Computed::Inserted,
                    (Change::Remove, Some(old)) => Computed::Removed(key, old),
                    _ => Computed::Unchanged,
                }
            }
            _ => self.sound.compute(key, f),
        }
    }

    fn compute_if_present<Q>(
        &self,
        key: &Q,
        f: impl FnOnce(&u64, &u64) -> Change<u64>,
    ) -> Computed<u64, u64>
    where
        Q: ?Sized + Hash + Equivalent<u64>,
    {
        self.begin();
        self.sound.compute_if_present(key, f)
    }

    fn for_each(&self, f: impl FnMut(&u64, &u64)) {
        self.sound.for_each(f);
    }

    fn clear(&self) {
        self.sound.clear();
    }

    fn len(&self) -> usize {
        self.sound.len()
    }

    fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<u64>,
    {
        self.begin();
        let blind = self.fault == Fault::LyingContains;
        let seen = self
            .sound
            .get_with(key, |_, &value| !(blind && is_marked(value)));
        seen.unwrap_or(false)
    }

    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        self.begin();
        match self.fault {
            Fault::DroppedInsert if is_marked(value) => self.sound.get_cloned(&key),
            Fault::GapInUpdate => {
                let old = self.sound.remove(&key);
                self.gap();
                self.sound.insert(key, value).or(old.map(|(_, old)| old))
            }
            _ => self.sound.insert(key, value),
        }
    }

    fn remove<Q>(&self, key: &Q) -> Option<(u64, u64)>
    where
        Q: ?Sized + Hash + Equivalent<u64>,
    {
        self.begin();
        if self.fault != Fault::DoubleRemove {
            return self.sound.remove(key);
        }
        let entry = self.sound.get_with(key, |&key, &value| (key, value))?;
        self.gap();
        self.sound.remove(key);
        Some(entry)
    }

    fn compare_exchange<Q, C>(&self, key: &Q, current: &C, new: u64) -> Result<u64, u64>
    where
        Q: ?Sized + Hash + Equivalent<u64>,
        C: ?Sized,
        u64: PartialEq<C>,
    {
        self.begin();
        if self.fault != Fault::TornCompareExchange {
            return self.sound.compare_exchange(key, current, new);
        }
        match self.sound.get_cloned(key) {
            Some(old) if old == *current => {
                self.gap();
                self.sound.compute_if_present(key, |_, _| Change::Set(new));
                Ok(old)
            }
            _ => Err(new),
        }
    }

    fn compare_remove<Q, C>(&self, key: &Q, current: &C) -> Option<(u64, u64)>
    where
        Q: ?Sized + Hash + Equivalent<u64>,
        C: ?Sized,
        u64: PartialEq<C>,
    {
        self.begin();
        let blind = self.fault == Fault::BlindCompareRemove;
        let done = self.sound.compute_if_present(key, |_, &value| {
            if value == *current || (blind && is_marked(value)) {
                Change::Remove
            } else {
                Change::Keep
            }
        });
        match done {
            Computed::Removed(key, value) => Some((key, value)),
            _ => None,
        }
    }

    fn get_or_insert_with(&self, key: u64, make: impl FnOnce() -> u64) -> u64 {
        self.begin();
        if self.fault != Fault::DoubleInsert {
            return self.sound.get_or_insert_with(key, make);
        }
        self.sound.get_cloned(&key).unwrap_or_else(|| {
            let value = make();
            self.gap();
            self.sound.insert(key, value);
            value
        })
    }
}
