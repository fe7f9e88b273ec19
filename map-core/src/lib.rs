//! The shared front of the map family.

mod concurrent;

pub use concurrent::{Change, Computed, ConcurrentMap};
pub use equivalent::Equivalent;
