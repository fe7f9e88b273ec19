//! Over the real one.

pub(crate) use ::dashmap;

#[path = "surface.rs"]
pub(crate) mod surface;
