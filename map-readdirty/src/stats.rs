//! What a map can say about itself.

use std::time::Duration;

use crate::raw::limbo::Holdings;
use crate::raw::shard::Record;

/// What has happened in a [`ReadDirtyMap`](crate::ReadDirtyMap) and what it holds at the moment, gathered shard by
/// shard, and thread by thread what was removed: see [`Map::stats`](map_core::Map::stats). Reads that take no lock are not counted: that would cost them a write.
/// What a thread has removed that is interrupted amid a write may be missing.
///
/// ```
/// let map: map_readdirty::ReadDirtyMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// let stats = map.stats();
/// assert_eq!((stats.shards, stats.read_entries + stats.dirty_entries), (1, 10));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Shards.
    pub shards: usize,
    /// Shards with a read table.
    pub published_shards: usize,
    /// Entries in read tables.
    pub read_entries: usize,
    /// Entries in dirty tables.
    pub dirty_entries: usize,
    /// Reads that took a shard's lock and found a dirty table there, since the map was made. One that asks for promotion
    /// counts twice.
    pub misses: u64,
    /// Dirty tables that became read tables, or were merged with one, since the map was made.
    pub promotions: u64,
    /// Tables that were made anew to grow, shrink, split, merge or promote, since the map was made.
    pub rebuilds: u64,
    /// Entries that were replaced or removed, and may still be seen by somebody.
    pub pending_entries: usize,
    /// Entries that were replaced or removed, and which guards referred to when last looked at.
    pub guarded_entries: usize,
    /// Empty nodes, for entries to come.
    pub pooled_nodes: usize,
    /// How long the oldest batch of pending entries has been waiting. Long, if a thread has been pinned for so long,
    /// or if nobody has updated or removed anything since.
    pub oldest_pending: Option<Duration>,
}

impl Stats {
    pub(crate) fn add(&mut self, shard: &Record) {
        self.shards += 1;
        self.published_shards += usize::from(shard.is_published);
        self.read_entries += shard.read;
        self.dirty_entries += shard.dirty;
        self.misses += shard.misses;
        self.promotions += shard.promotions;
        self.rebuilds += shard.rebuilds;
    }

    /// What has left the shards.
    pub(crate) fn add_waiting(&mut self, holdings: Holdings) {
        self.pending_entries += holdings.pending;
        self.guarded_entries += holdings.guarded;
        self.pooled_nodes += holdings.pooled;
        self.oldest_pending = self.oldest_pending.max(holdings.age);
    }
}
