//! The read/dirty map will live here: lock-free reads of a published *read table*, with new keys
//! collected in a *dirty table* under the shard's lock until enough misses promote it.
//!
//! Nothing is exported yet. The tests of this crate hold a small read/dirty shard that passes the
//! family's conformance suite through the shared front, which proves that the front fits both
//! kinds of shard.
