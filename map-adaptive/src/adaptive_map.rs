//! The map that chooses its own strategy, its set, and the types of their guards and iterators.

use ahash::RandomState;
use map_core::Map;

#[cfg(any(
    all(feature = "lock", feature = "sharded"),
    all(feature = "lock", feature = "readdirty"),
    all(feature = "sharded", feature = "readdirty"),
))]
pub use crate::adaptive::{Adaptive, OfKind, Stats, Unavailable};
#[cfg(not(any(
    all(feature = "lock", feature = "sharded"),
    all(feature = "lock", feature = "readdirty"),
    all(feature = "sharded", feature = "readdirty"),
)))]
pub use crate::only::Adaptive;

/// A concurrent hash map that chooses its own strategy. Its methods are those of [`Map`].
pub type AdaptiveMap<K, V, S = RandomState> = Map<K, V, Adaptive, S>;

/// A concurrent hash set that chooses its own strategy: the keys of an [`AdaptiveMap`]. Its methods are those of
/// [`Set`](map_core::Set).
///
/// ```
/// let set = map_adaptive::AdaptiveSet::new();
/// assert!(set.insert("a") && !set.insert("a"));
/// ```
pub type AdaptiveSet<K, S = RandomState> = map_core::Set<K, Adaptive, S>;

/// An [`AdaptiveMap`] whose entries always stay where they are, in locked shards: for values that must not be seen as
/// they were a moment ago, however that is configured.
#[cfg(any(feature = "lock", feature = "sharded"))]
pub type AdaptiveInPlaceMap<K, V, S = RandomState> = Map<K, V, Adaptive<false>, S>;

map_core::map_aliases!(crate::adaptive_map::Adaptive);
