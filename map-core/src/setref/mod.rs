//! Guards on the keys of a set: they keep their shard locked, as those on the entries of a
//! [map](crate::mapref) do.

pub mod multiple;
pub mod one;
