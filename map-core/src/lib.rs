//! The shared front of the map family: see [`Map`] for what all its maps have in common, and
//! [`Strategy`] for how they differ.
//!
//! This crate has no map of its own; `map-sharded` and its siblings plug their shards in here, and
//! `map-adaptive` re-exports them all.
//!
//! ```
//! use map_core::{ConcurrentMap, Map, Strategy};
//!
//! // For maps of the family, with all that the front has:
//! fn grow<T: Strategy<u64, u64>>(map: &Map<u64, u64, T>) {
//!     *map.place(1).or_insert(0) += 1;
//! }
//!
//! // For any map with the operations that all have:
//! fn total(map: &impl ConcurrentMap<u64, u64>) -> u64 {
//!     let mut total = 0;
//!     map.for_each(|_, value| total += value);
//!     total
//! }
//!
//! let (sharded, read_dirty) = (map_sharded::ShardedMap::new(), map_readdirty::ReadDirtyMap::new());
//! grow(&sharded);
//! grow(&read_dirty);
//! assert_eq!((total(&sharded), total(&read_dirty)), (1, 1));
//! ```
//!
//! It takes a processor with atomic instructions of 64 bits.

#[cfg(not(target_has_atomic = "64"))]
compile_error!("map-core takes a processor with atomic instructions of 64 bits");

mod aliases;
mod concurrent;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod hash;
pub mod iter;
pub mod iter_set;
pub mod lock;
mod map;
pub mod mapref;
#[expect(unsafe_code, reason = "it sees to it that pin and map belong together")]
mod pinned;
#[expect(unsafe_code, reason = "this is the room for it")]
mod raw;
#[cfg(feature = "rayon")]
pub mod rayon;
#[doc(hidden)]
pub mod roster;
#[cfg(feature = "serde")]
mod serde;
mod set;
pub mod setref;
pub mod strategy;
#[doc(hidden)]
pub mod sync;
pub mod try_result;

pub use ahash::RandomState;
pub use aliases::Kind;
pub use concurrent::{Change, Computed, ConcurrentMap};
pub use equivalent::Equivalent;
pub use error::{BuildError, TryReserveError};
pub use map::{Builder, Map, ReadBias, ReadOnlyView};
pub use pinned::Pinned;
pub use set::Set;
pub use strategy::Strategy;
pub use try_result::TryResult;
