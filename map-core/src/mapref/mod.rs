//! Guards: references into a map that keep what they refer to alive and, in maps of locked
//! shards, keep the shard locked.
//!
//! The modules and names are dashmap's. Each map of the family has aliases with its own strategy
//! filled in.
//!
//! A guard locks its whole shard, not only its entry: holding one while calling the same map from
//! the same thread can wait for itself. Reading while holding a `Ref` is fine; anything else
//! while holding a guard is not, unless it is known to go to another shard. A debug build panics
//! and names both places instead of waiting for ever.

pub mod entry;
pub mod multiple;
pub mod one;
