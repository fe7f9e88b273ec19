//! Everything that reads and frees without a lock.

pub(crate) mod clock;
pub(crate) mod hold;
pub(crate) mod limbo;
pub(crate) mod limbos;
pub(crate) mod node;
pub(crate) mod open;
pub(crate) mod parts;
pub(crate) mod pins;
pub(crate) mod seat;
pub(crate) mod shard;
pub(crate) mod strategy;
pub(crate) mod table;
