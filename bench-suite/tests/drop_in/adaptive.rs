//! Over `AdaptiveMap`, whose keys and values are clonable.

#[expect(unreachable_pub, reason = "as it stands in a crate of its own")]
pub(crate) mod dashmap {
    pub use map_adaptive::TryReserveError;
    pub use map_adaptive::adaptive_map::mapref::entry::{Entry, OccupiedEntry, VacantEntry};
    pub use map_adaptive::adaptive_map::rayon;
    pub use map_adaptive::adaptive_map::{
        AdaptiveMap as DashMap, AdaptiveSet as DashSet, ReadOnlyView,
    };
    pub use map_adaptive::adaptive_map::{iter, iter_set, mapref, setref, try_result};
}

/// What the map asks of keys and values, besides what dashmap does.
pub(crate) use Clone as Storable;

#[path = "surface/mod.rs"]
pub(crate) mod surface;
