//! The read/dirty shard, where that is compiled in.

#[cfg(feature = "readdirty")]
pub(super) use map_readdirty::parts::*;

/// The strategy of shards that have their entries in nodes.
#[cfg(feature = "readdirty")]
pub(super) type Nodes = map_readdirty::ReadDirty;

/// Whether there is such a thing.
pub(super) const COMPILED_IN: bool = cfg!(feature = "readdirty");

#[cfg(not(feature = "readdirty"))]
pub(super) use super::absent::*;
