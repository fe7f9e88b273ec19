//! What the sampler saw.

use std::time::Duration;

use super::kind::Kind;

/// What the sampler saw of a shard, or of a map, during so many samples.
///
/// The counts are estimates of operations: what was sampled, times the interval between samples. How good the
/// estimate is follows from [`samples`](Self::samples) alone; it is less good where the interval changed meanwhile, for then some
/// count for more than others. Shares of an empty window are 0, never NaN.
///
/// ```
/// use map_adaptive::policy::{Kind, Window};
///
/// let window = Window { hits: 90, misses: 6, inserts: 3, updates: 1, ..Window::default() };
/// assert_eq!((window.reads(), window.writes()), (96, 4));
/// assert_eq!(window.write_share(), 0.04);
/// assert_eq!(window.churn_share(), 0.03);
/// assert_eq!(Window::default().write_share(), 0.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Window {
    /// The kind in force meanwhile.
    pub kind: Kind,
    /// Sampled operations that all this rests on.
    pub samples: u64,
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Reads of a read/dirty shard that had to take the lock, whether they found their key or not. (The
    /// `misses` of Go's `sync.Map`.)
    pub unsettled: u64,
    /// Values replaced, of keys that were there.
    pub updates: u64,
    /// Keys created.
    pub inserts: u64,
    /// Keys destroyed.
    pub removes: u64,
    /// Values changed in place, through a guard or a closure: `get_mut`, `entry`, `alter`.
    pub mutations: u64,
    /// Operations that took the lock for writing, and changed nothing.
    pub other_writes: u64,
    /// Entries that walks came by.
    pub scanned: u64,
    /// Acquisitions of a lock that met somebody.
    /// One that waits counts as often as it could have been done meanwhile.
    pub contended: u64,
    /// Entries there were at the end.
    pub entries: u64,
    /// Shards there were at the end.
    pub shards: u64,
    /// What operations cost, measured meanwhile.
    pub costs: Costs,
    /// How long it lasted.
    #[cfg_attr(feature = "serde", serde(with = "super::seconds"))]
    pub elapsed: Duration,
}

/// Mean nanoseconds, where they are known.
///
/// ```
/// use map_adaptive::policy::Costs;
///
/// let costs = Costs { read: Some(9.5), ..Costs::default() };
/// assert_eq!(costs.write, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Costs {
    /// Of a read that waits for nobody, among others of its kind: several are timed together.
    pub read: Option<f64>,
    /// Of a write of any sort.
    pub write: Option<f64>,
    /// Of a walk, for each entry that it came by.
    pub scan_entry: Option<f64>,
    /// What an operation waited for others, on average over all; very long waits count for less.
    pub wait: Option<f64>,
}

impl Window {
    /// An empty one.
    ///
    /// ```
    /// use map_adaptive::policy::{Kind, Window};
    ///
    /// assert_eq!(Window::empty(Kind::Lock).operations(), 0);
    /// ```
    #[must_use]
    pub const fn empty(kind: Kind) -> Self {
        Self {
            kind,
            samples: 0,
            hits: 0,
            misses: 0,
            unsettled: 0,
            updates: 0,
            inserts: 0,
            removes: 0,
            mutations: 0,
            other_writes: 0,
            scanned: 0,
            contended: 0,
            entries: 0,
            shards: 0,
            costs: Costs {
                read: None,
                write: None,
                scan_entry: None,
                wait: None,
            },
            elapsed: Duration::ZERO,
        }
    }

    /// Hits and misses.
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { hits: 3, misses: 1, ..Window::default() };
    /// assert_eq!(window.reads(), 4);
    /// ```
    #[must_use]
    pub const fn reads(&self) -> u64 {
        self.hits.saturating_add(self.misses)
    }

    /// All that took, or would have to take, a lock for writing, even if it changed nothing.
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { updates: 3, removes: 1, ..Window::default() };
    /// assert_eq!(window.writes(), 4);
    /// ```
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.stores()
            .saturating_add(self.removes)
            .saturating_add(self.mutations)
            .saturating_add(self.other_writes)
    }

    /// Updates and inserts: what `sync.Map` calls a Store.
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { updates: 3, inserts: 2, removes: 1, ..Window::default() };
    /// assert_eq!(window.stores(), 5);
    /// ```
    #[must_use]
    pub const fn stores(&self) -> u64 {
        self.updates.saturating_add(self.inserts)
    }

    /// Keys created and destroyed.
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { updates: 3, inserts: 2, removes: 1, ..Window::default() };
    /// assert_eq!(window.churn(), 3);
    /// ```
    #[must_use]
    pub const fn churn(&self) -> u64 {
        self.inserts.saturating_add(self.removes)
    }

    /// Reads and writes. Walks are not among them: see [`scanned`](Self::scanned).
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { hits: 3, updates: 1, scanned: 100, ..Window::default() };
    /// assert_eq!(window.operations(), 4);
    /// ```
    #[must_use]
    pub const fn operations(&self) -> u64 {
        self.reads().saturating_add(self.writes())
    }

    /// Operations that took a lock: all of them, but in a read/dirty shard the writes and the unsettled reads.
    ///
    /// ```
    /// use map_adaptive::policy::{Kind, Window};
    ///
    /// let mut window = Window { hits: 90, unsettled: 2, updates: 8, ..Window::empty(Kind::Lock) };
    /// assert_eq!(window.acquisitions(), 98);
    /// window.kind = Kind::ReadDirty;
    /// assert_eq!(window.acquisitions(), 10);
    /// ```
    #[must_use]
    pub const fn acquisitions(&self) -> u64 {
        match self.kind {
            Kind::Lock | Kind::Sharded => self.operations(),
            Kind::ReadDirty => self.writes().saturating_add(self.unsettled),
        }
    }

    /// Writes among all operations.
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { hits: 3, updates: 1, ..Window::default() };
    /// assert_eq!(window.write_share(), 0.25);
    /// ```
    #[must_use]
    pub fn write_share(&self) -> f64 {
        share(self.writes(), self.operations())
    }

    /// Updates and inserts among all operations.
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { hits: 2, updates: 1, removes: 1, ..Window::default() };
    /// assert_eq!(window.store_share(), 0.25);
    /// ```
    #[must_use]
    pub fn store_share(&self) -> f64 {
        share(self.stores(), self.operations())
    }

    /// Inserts and removes among all operations.
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { hits: 2, updates: 1, removes: 1, ..Window::default() };
    /// assert_eq!(window.churn_share(), 0.25);
    /// ```
    #[must_use]
    pub fn churn_share(&self) -> f64 {
        share(self.churn(), self.operations())
    }

    /// Reads that did not find their key, among the reads.
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { hits: 3, misses: 1, updates: 5, ..Window::default() };
    /// assert_eq!(window.miss_share(), 0.25);
    /// ```
    #[must_use]
    pub fn miss_share(&self) -> f64 {
        share(self.misses, self.reads())
    }

    /// Reads that had to take the lock of a read/dirty shard, among the reads.
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { hits: 3, misses: 1, unsettled: 2, ..Window::default() };
    /// assert_eq!(window.unsettled_share(), 0.5);
    /// ```
    #[must_use]
    pub fn unsettled_share(&self) -> f64 {
        share(self.unsettled, self.reads())
    }

    /// Acquisitions that met somebody, among all [`acquisitions`](Self::acquisitions). So it says the same of
    /// a shard whose readers take no lock as of one whose readers do: what awaits whoever comes for the lock.
    ///
    /// ```
    /// use map_adaptive::policy::{Kind, Window};
    ///
    /// let lock = Window { hits: 90, updates: 10, contended: 5, ..Window::empty(Kind::Lock) };
    /// assert_eq!(lock.contended_share(), 0.05);
    /// let read_dirty = Window { kind: Kind::ReadDirty, ..lock };
    /// assert_eq!(read_dirty.contended_share(), 0.5);
    /// ```
    #[must_use]
    pub fn contended_share(&self) -> f64 {
        share(self.contended, self.acquisitions())
    }

    /// Entries that walks came by, among these and the operations together: the part of the work that is
    /// walking.
    ///
    /// ```
    /// use map_adaptive::policy::Window;
    ///
    /// let window = Window { hits: 300, scanned: 100, ..Window::default() };
    /// assert_eq!(window.scan_share(), 0.25);
    /// ```
    #[must_use]
    pub fn scan_share(&self) -> f64 {
        share(self.scanned, self.operations().saturating_add(self.scanned))
    }

    /// Adds what was seen of another shard in the same time: counts, entries and shards add up, costs are
    /// weighted by the operations that they are costs of, and the longer time stays. So does the kind of the
    /// two that has more operations.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use map_adaptive::policy::{Costs, Window};
    ///
    /// let costs = |read| Costs { read: Some(read), ..Costs::default() };
    /// let mut map = Window { hits: 10, entries: 5, shards: 1, costs: costs(8.0), ..Window::default() };
    /// map.merge(&Window { hits: 30, entries: 6, shards: 1, costs: costs(12.0), ..Window::default() });
    /// assert_eq!((map.hits, map.entries, map.shards), (40, 11, 2));
    /// assert_eq!(map.costs.read, Some(11.0));
    /// ```
    pub fn merge(&mut self, other: &Self) {
        if other.operations() > self.operations() {
            self.kind = other.kind;
        }
        self.add(other);
        self.entries = self.entries.saturating_add(other.entries);
        self.shards = self.shards.saturating_add(other.shards);
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// Adds what was seen of the same shard, or map, in the time that followed: counts and times add up,
    /// costs are weighted by the operations that they are costs of; kind, entries and shards are the later
    /// window's.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use map_adaptive::policy::Window;
    ///
    /// let second = Duration::from_secs(1);
    /// let mut both = Window { hits: 10, entries: 5, elapsed: second, ..Window::default() };
    /// both.append(&Window { hits: 30, entries: 6, elapsed: second, ..Window::default() });
    /// assert_eq!((both.hits, both.entries, both.elapsed), (40, 6, 2 * second));
    /// ```
    pub fn append(&mut self, later: &Self) {
        self.add(later);
        self.kind = later.kind;
        self.entries = later.entries;
        self.shards = later.shards;
        self.elapsed = self.elapsed.saturating_add(later.elapsed);
    }

    fn add(&mut self, other: &Self) {
        // First, while the counts are still the weights.
        self.costs = Costs {
            read: mean(
                (self.costs.read, self.reads()),
                (other.costs.read, other.reads()),
            ),
            write: mean(
                (self.costs.write, self.writes()),
                (other.costs.write, other.writes()),
            ),
            scan_entry: mean(
                (self.costs.scan_entry, self.scanned),
                (other.costs.scan_entry, other.scanned),
            ),
            wait: mean(
                (self.costs.wait, self.operations()),
                (other.costs.wait, other.operations()),
            ),
        };
        for (sum, more) in [
            (&mut self.samples, other.samples),
            (&mut self.hits, other.hits),
            (&mut self.misses, other.misses),
            (&mut self.unsettled, other.unsettled),
            (&mut self.updates, other.updates),
            (&mut self.inserts, other.inserts),
            (&mut self.removes, other.removes),
            (&mut self.mutations, other.mutations),
            (&mut self.other_writes, other.other_writes),
            (&mut self.scanned, other.scanned),
            (&mut self.contended, other.contended),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

impl Default for Window {
    /// An empty one, of the kind that maps start with.
    fn default() -> Self {
        Self::empty(Kind::Sharded)
    }
}

/// At most 1: what is counted by samples may exceed the whole by accident.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 / whole as f64).min(1.0)
}

/// Of two means, each with its weight. What is not known, or not finite, does not count.
fn mean(a: (Option<f64>, u64), b: (Option<f64>, u64)) -> Option<f64> {
    let known =
        |(mean, weight): (Option<f64>, u64)| Some((mean.filter(|m| m.is_finite())?, weight));
    match (known(a), known(b)) {
        (Some((a, m)), Some((b, n))) => {
            let all = m as f64 + n as f64;
            // Both rest on nothing, as far as the counts tell.
            if all == 0.0 {
                return Some(f64::midpoint(a, b));
            }
            Some(a * (m as f64 / all) + b * (n as f64 / all))
        }
        (one, other) => one.or(other).map(|(mean, _)| mean),
    }
}
