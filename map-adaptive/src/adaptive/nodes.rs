//! The read/dirty shard, where it is compiled in.

pub(super) use map_readdirty::parts::*;

/// The strategy of shards that have their entries in nodes.
pub(super) type Nodes = map_readdirty::ReadDirty;

/// Where there is a shard of nodes, there is one of these: in a build without them, there is none, and the
/// compiler knows.
#[cfg(feature = "readdirty")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Present;

/// As above.
#[cfg(not(feature = "readdirty"))]
#[derive(Clone, Copy, Debug)]
pub(super) enum Present {}

/// Whether there can be shards of nodes.
pub(super) const COMPILED_IN: bool = PRESENT.is_some();

#[cfg(feature = "readdirty")]
pub(super) const PRESENT: Option<Present> = Some(Present);
#[cfg(not(feature = "readdirty"))]
pub(super) const PRESENT: Option<Present> = None;
