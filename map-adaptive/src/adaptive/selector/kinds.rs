//! Which kinds there are to choose from.

use std::error::Error;
use std::fmt;

use crate::adaptive::nodes;
use crate::policy::Kind;

/// The kind that does for another among those that are compiled in.
pub(super) fn compiled_in(kind: Kind) -> Option<Kind> {
    let has = |kind| match kind {
        Kind::Lock => cfg!(feature = "lock"),
        Kind::Sharded => cfg!(feature = "sharded"),
        Kind::ReadDirty => nodes::COMPILED_IN,
    };
    let other = match kind {
        Kind::Lock => Kind::Sharded,
        Kind::Sharded => Kind::Lock,
        Kind::ReadDirty => return has(kind).then_some(kind),
    };
    [kind, other].into_iter().find(|kind| has(*kind))
}

/// A map cannot be pinned to a kind of shard that it may not have.
///
/// ```
/// use map_adaptive::{AdaptiveInPlaceMap, Kind};
///
/// let map: AdaptiveInPlaceMap<u32, u32> = AdaptiveInPlaceMap::new();
/// let error = map.pin_strategy(Kind::ReadDirty).expect_err("its entries stay where they are");
/// assert_eq!(error.to_string(), "no read/dirty shards: this map has no read tables");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    pub(super) kind: Kind,
    pub(super) why: &'static str,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} shards: {}", self.kind, self.why)
    }
}

impl Error for Unavailable {}

/// Why a kind cannot be had.
pub(super) fn refuse(kind: Kind, read_tables: bool) -> Option<&'static str> {
    if compiled_in(kind).is_none() {
        Some("it is not compiled in")
    } else if kind == Kind::ReadDirty && !read_tables {
        Some("this map has no read tables")
    } else {
        None
    }
}
