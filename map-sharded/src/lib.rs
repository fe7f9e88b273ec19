//! Sharded.
