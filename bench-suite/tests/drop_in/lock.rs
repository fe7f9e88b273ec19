//! Over `LockMap`.

#[expect(unreachable_pub, reason = "as it stands in a crate of its own")]
pub(crate) mod dashmap {
    pub use map_adaptive::TryReserveError;
    pub use map_adaptive::lock_map::mapref::entry::{Entry, OccupiedEntry, VacantEntry};
    pub use map_adaptive::lock_map::rayon;
    pub use map_adaptive::lock_map::{LockMap as DashMap, LockSet as DashSet, ReadOnlyView};
    pub use map_adaptive::lock_map::{iter, iter_set, mapref, setref, try_result};
}

/// What the map asks of keys and values, besides what dashmap does: nothing.
pub(crate) trait Storable {}
impl<T> Storable for T {}

#[path = "surface/mod.rs"]
pub(crate) mod surface;
