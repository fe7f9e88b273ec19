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
