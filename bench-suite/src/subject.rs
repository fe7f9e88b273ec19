//! What is measured: the one trait behind which every map stands.
//!
//! The trait is generic and so are the loops that use it, so each subject is compiled into loops of its own: no call in a
//! measured loop is dynamic.

use crate::{
    key::{Key, Value},
    lane::Tally,
};
use std::time::Duration;

/// The one hasher of every subject.
pub type Hasher = ahash::RandomState;

/// What a subject is to the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// No map at all: what the measuring loop costs by itself. Nothing is subtracted for it anywhere.
    Driver,
    /// One thread, no synchronisation: what no concurrent map can beat. Measured with one thread only.
    Limit,
    /// A map of this family.
    Own,
    /// A map to compare with. The fastest of these is the *best peer* of a cell.
    Peer,
}

/// A map under measurement.
pub trait Subject<K: Key, V: Value>: Send + Sync + Sized {
    /// The name on the command line and in reports.
    const NAME: &'static str;
    /// What it is to the comparison.
    const ROLE: Role;
    /// True if it is one strategy of the family, used as every map is: what a map that chooses its strategy could have chosen.
    /// `phases` makes its oracle of these.
    const CHOICE: bool = false;
    /// How a thread reaches the map for one batch of operations.
    type Session<'a>: Session<K, V>
    where
        Self: 'a;

    /// An empty map with room for `capacity` entries, or without any if that is zero.
    fn with_capacity(capacity: usize, hasher: Hasher) -> Self;

    /// An empty map as its crate makes it if nothing is said: for measurements of memory, where the shards and buffers that make
    /// a map fast would count against it.
    fn by_default(hasher: Hasher) -> Self {
        Self::with_capacity(0, hasher)
    }

    /// Number of entries; called between rounds only.
    fn len(&self) -> usize;

    /// True if it holds nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Holds what the subject itself knows against the answers that it gave; called between rounds only. `Err` says what is wrong.
    fn audit(&self, _answers: &Tally) -> Result<(), String> {
        Ok(())
    }

    /// What a map that changes its strategy says of that; called between rounds only. `None` if it never does.
    fn report(&self) -> Option<SwitchReport> {
        None
    }

    /// Opens a session. A thread opens a new one every batch (64 operations unless told otherwise), so a map that pins may
    /// pin once a batch, and cannot hold back reclamation for a whole run.
    fn session(&self) -> Self::Session<'_>;
}

/// The operations, each in the fastest form that the map offers for it.
pub trait Session<K: Key, V: Value> {
    /// Copies a word out of the value.
    fn get(&mut self, key: &K::Lookup) -> Option<u64>;
    /// Replaces the value of a present key; false if it turns out to be absent.
    fn update(&mut self, key: &K::Lookup, value: V) -> bool;
    /// Inserts or replaces; true if the key was new.
    fn insert(&mut self, key: K, value: V) -> bool;
    /// Removes; true if the key was there.
    fn remove(&mut self, key: &K::Lookup) -> bool;
    /// Looks at every entry.
    fn scan(&mut self) -> Scanned;
}

/// What a scan met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Entries.
    pub entries: u64,
    /// The sum of their words, so that no scan can do without reading them.
    pub words: u64,
}

impl Scanned {
    /// Looks at one entry.
    #[inline(always)]
    pub fn meet<V: Value>(&mut self, value: &V) {
        self.entries += 1;
        self.words = self.words.wrapping_add(value.word());
    }
}

impl<'a, V: Value> FromIterator<&'a V> for Scanned {
    #[inline(always)]
    fn from_iter<I: IntoIterator<Item = &'a V>>(values: I) -> Scanned {
        let mut scanned = Scanned::default();
        values.into_iter().for_each(|value| scanned.meet(value));
        scanned
    }
}

/// What a map that changes its strategy says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwitchReport {
    /// The strategy that it is on now, in a word or two.
    pub in_force: String,
    /// What it has decided and still remembers, oldest first.
    pub decisions: Vec<Decision>,
}

/// A decision of such a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// When, from the making of the map.
    pub at: Duration,
    /// What, for a person: one line.
    pub what: String,
}
