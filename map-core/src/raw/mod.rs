//! The room for unsafe code: shards, the directory that finds them, and references that outlive
//! the operation that made them.

pub(crate) mod anchored;
pub(crate) mod common;
pub(crate) mod contention;
pub(crate) mod coverage;
pub(crate) mod directory;
pub(crate) mod fetch;
pub(crate) mod guarded;
pub(crate) mod habits;
pub(crate) mod header;
pub(crate) mod held;
pub(crate) mod holds;
mod lanes;
pub(crate) mod limits;
#[cfg_attr(
    not(feature = "rayon"),
    expect(dead_code, reason = "nobody else forbids merges")
)]
pub(crate) mod merges;
pub(crate) mod quiet;
mod share;
mod structure;
pub(crate) mod way;
