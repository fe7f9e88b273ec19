//! Over the real one.

pub(crate) use ::dashmap;

/// What the map asks of keys and values, besides what dashmap does: nothing.
pub(crate) trait Storable {}
impl<T> Storable for T {}

#[path = "surface/mod.rs"]
pub(crate) mod surface;
