//! A concurrent hash map with lock-free reads.

#[macro_use]
mod sync;
pub mod promotion;
#[expect(unsafe_code, reason = "this is the room for it")]
mod raw;
mod stats;

use ahash::RandomState;
pub use promotion::Promotion;
pub use raw::strategy::ReadDirty;
pub use stats::Stats;

/// A concurrent hash map with lock-free reads.
pub type ReadDirtyMap<K, V, S = RandomState> = map_core::Map<K, V, ReadDirty, S>;

/// A concurrent hash set with lock-free reads: the keys of a [`ReadDirtyMap`]. Its methods are those of
/// [`map_core::Set`].
pub type ReadDirtySet<K, S = RandomState> = map_core::Set<K, ReadDirty, S>;

map_core::map_aliases!(crate::ReadDirty);
