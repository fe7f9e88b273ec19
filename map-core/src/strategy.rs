//! The seam: what a strategy (a way to store and guard the entries of a shard) must supply.
//!
//! The map's front hashes a key once, finds the shard, and hands both to its strategy. Whatever a
//! strategy does, the shard has one lock; what lies under it is [`Strategy::Locked`], what readers
//! may look at without it is [`Strategy::Open`]. All changes are made under the exclusive lock,
//! which the front takes: so finding shards, splitting, merging, walking over a map and every
//! composed operation are written once, on the front.
//!
//! Reads come in two forms, since a lock and an epoch keep an entry alive differently:
//! [`Strategy::peek`] for the length of an operation (a lock; a pin), [`Strategy::get`] for as
//! long as the user likes (a lock; a guard slot). Both give out a pointer together with what keeps
//! it alive, so the front runs the user's closure on it with nothing left to go wrong. What keeps it alive has no
//! lifetime in its type; [`Held`] and [`Anchored`], in which it is given out, have one.
//!
//! # Writing one
//!
//! `map-sharded` is one file of some four hundred lines, and a good one to start from. An alias of [`Map`](crate::Map)
//! with the strategy filled in and [`map_aliases!`](crate::map_aliases) make the map; the feature `conformance` has
//! the suite that it must pass.
//!
//! ```
//! use map_core::{Map, Strategy};
//!
//! // Code that is given any strategy needs nothing but its bound ...
//! fn doubled<T: Strategy<u32, u32>>(map: &Map<u32, u32, T>) -> u32 {
//!     map.iter_mut().for_each(|mut value| *value *= 2);
//!     map.iter().map(|value| *value).sum()
//! }
//!
//! // ... and a map names its strategy by a type that has no value.
//! let sharded: Map<u32, u32, map_sharded::Sharded> = (0..10).map(|n| (n, n)).collect();
//! let read_dirty: Map<u32, u32, map_readdirty::ReadDirty> = (0..10).map(|n| (n, n)).collect();
//! assert_eq!((doubled(&sharded), doubled(&read_dirty)), (90, 90));
//! ```

pub use crate::raw::anchored::Anchored;
pub use crate::raw::coverage::{Coverage, MAX_DEPTH, Span, hash_at, position};
pub use crate::raw::fetch::{FETCHES, fetch_to_read, fetch_to_write};
pub use crate::raw::guarded::{Edit, Held, LockedVisit};
pub use crate::raw::header::{Crowd, Refused};
pub use crate::raw::holds::{Exclusive, Inside, Kept, Shared, Within};

/// An example of a function of [`Strategy`], with what it takes to call one by oneself left out of sight: `shard`, the inside
/// of an empty shard of the strategy `T`, with room for ten entries; `open`, what is open of it; and `hash`.
macro_rules! in_shard {
    ($strategy:literal, $($line:literal),+ $(,)?) => {
        concat!(
            "\n```\n",
            "# use map_core::strategy::{Coverage, Inside, Observed, Options, Selecting, Site, Strategy, Table, Within};\n",
            "# type T = ", $strategy, ";\n",
            "# let hash = |key: &u64| key.wrapping_mul(0x9e37_79b9_7f4a_7c15);\n",
            "# let open = <T as Strategy<u64, String>>::Open::default();\n",
            "# let mut locked = <T as Strategy<u64, String>>::Locked::default();\n",
            "# // SAFETY: 1. They are never met apart.\n",
            "# let mut shard = unsafe { Within::new(Coverage::ALL, &open, &mut locked) };\n",
            "# T::resize(&mut shard, 10, hash)?;\n",
            $($line, "\n",)+
            "# Ok::<(), map_core::TryReserveError>(())\n",
            "```",
        )
    };
}

mod at;
mod observed;
mod open;
mod options;
mod sessions;
mod shard;
mod table;

pub use at::At;
pub(crate) use at::Patience;
pub use observed::{Observed, Selecting};
pub use open::Open;
pub use options::{NANOS_A_CONTENTION, Options, RECALLED, Site};
pub use sessions::{Recycling, Sessions};
pub use shard::{Section, Strategy};
pub use table::{Access, Copied, Table};
