//! Over `ShardedMap`: `dashmap` is the crate that the README shows.

#[expect(unreachable_pub, reason = "as it stands in a crate of its own")]
pub(crate) mod dashmap {
    pub use map_adaptive::mapref::entry::{Entry, OccupiedEntry, VacantEntry};
    pub use map_adaptive::rayon;
    pub use map_adaptive::{ReadOnlyView, TryReserveError};
    pub use map_adaptive::{ShardedMap as DashMap, ShardedSet as DashSet};
    pub use map_adaptive::{iter, iter_set, mapref, setref, try_result};
}

/// What the map asks of keys and values, besides what dashmap does: nothing.
pub(crate) trait Storable {}
impl<T> Storable for T {}

#[path = "surface/mod.rs"]
pub(crate) mod surface;
