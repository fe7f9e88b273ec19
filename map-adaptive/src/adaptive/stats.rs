//! What a map can say about its shards.

use std::time::Duration;

use map_core::strategy::Table;

use super::nodes;
use super::shard::{Locked, Open, Stored};
use crate::policy::Kind;

/// The shards of one kind.
///
/// ```
/// use map_adaptive::{AdaptiveMap, Kind};
///
/// let map: AdaptiveMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// let of_kind = map.stats().of(Kind::Sharded);
/// assert_eq!((of_kind.shards, of_kind.entries), (1, 10));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OfKind {
    /// How many shards are of this kind.
    pub shards: u64,
    /// Their entries.
    pub entries: u64,
}

/// What an [`AdaptiveMap`](crate::AdaptiveMap) holds at the moment: see [`Map::stats`](crate::Map::stats).
///
/// ```
/// let map = map_adaptive::AdaptiveMap::new();
/// map.insert("a", 1);
/// let stats = map.stats();
/// assert_eq!((stats.shards(), stats.entries()), (1, 1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Stats {
    /// Locked shards that stay together when they are fought over.
    pub lock: OfKind,
    /// Locked shards that split then.
    pub sharded: OfKind,
    /// Shards with read tables.
    pub read_dirty: OfKind,
    /// Locked shards, among those above, whose entries have yet to be moved back from nodes: a reader or a
    /// guard may still look at some.
    pub leaving_shards: u64,
    /// Reads that took the lock of a read/dirty shard, since it became one.
    pub unsettled_reads: u64,
    /// Entries that were removed or replaced, and wait for readers that may have found them.
    pub pending_entries: u64,
    /// Those, among others, that guards refer to.
    pub guarded_entries: u64,
    /// Empty nodes at hand.
    pub pooled_nodes: u64,
    /// Since when the oldest of the pending entries waits.
    pub oldest_pending: Option<Duration>,
}

impl Stats {
    /// The shards of a kind.
    ///
    /// ```
    /// use map_adaptive::{AdaptiveMap, Kind};
    ///
    /// let map: AdaptiveMap<u32, u32> = AdaptiveMap::new();
    /// assert_eq!(map.stats().of(Kind::ReadDirty).shards, 0);
    /// ```
    #[must_use]
    pub const fn of(&self, kind: Kind) -> OfKind {
        match kind {
            Kind::Lock => self.lock,
            Kind::Sharded => self.sharded,
            Kind::ReadDirty => self.read_dirty,
        }
    }

    /// The number of shards.
    ///
    /// ```
    /// let map: map_adaptive::AdaptiveMap<u32, u32> = (0..10_000).map(|n| (n, n)).collect();
    /// assert_eq!(map.stats().shards(), map.shards() as u64);
    /// ```
    #[must_use]
    pub const fn shards(&self) -> u64 {
        self.lock.shards + self.sharded.shards + self.read_dirty.shards
    }

    /// The number of entries.
    ///
    /// ```
    /// let map: map_adaptive::AdaptiveMap<u32, u32> = (0..10_000).map(|n| (n, n)).collect();
    /// assert_eq!(map.stats().entries(), 10_000);
    /// ```
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.lock.entries + self.sharded.entries + self.read_dirty.entries
    }

    pub(super) fn add<K, V>(&mut self, open: &Open<K, V>, locked: &Locked<K, V>) {
        if nodes::COMPILED_IN && self.shards() == 0 {
            let waiting = nodes::waiting(&open.nodes);
            self.pending_entries = waiting.pending_entries as u64;
            self.guarded_entries = waiting.guarded_entries as u64;
            self.pooled_nodes = waiting.pooled_nodes as u64;
            self.oldest_pending = waiting.oldest_pending;
        }
        let of_kind = match open.study.kind() {
            Kind::Lock => &mut self.lock,
            Kind::Sharded => &mut self.sharded,
            Kind::ReadDirty => &mut self.read_dirty,
        };
        of_kind.shards += 1;
        of_kind.entries += locked.len() as u64;
        self.leaving_shards += u64::from(open.study.is_leaving());
        if let Stored::Nodes(upper) = locked.stored() {
            self.unsettled_reads += nodes::misses(upper.locked());
        }
    }
}
