//! A family of concurrent hash maps under one roof. Depend on this crate alone.
//!
//! Today it holds [`ShardedMap`], small locked shards that split under load, and [`LockMap`], the same
//! shards for maps that shall split as they fill and for no other reason; and [`AdaptiveRwLock`], a
//! read-write lock for anything else, which goes by how it is used. What will live here
//! besides: a map of lock-free reads (a published read table beside a dirty one), and `AdaptiveMap`,
//! which watches the live operation mix, switches each shard to the strategy that suits it, and can
//! say why. They share one front, so code written for one of them, or for any [`ConcurrentMap`], will
//! not have to change.
//!
//! ```
//! use map_adaptive::ShardedMap;
//!
//! let sessions: ShardedMap<u64, String> = ShardedMap::new();
//! sessions.insert(17, "alice".to_owned());
//! assert_eq!(sessions.get(&17).as_deref().map(String::as_str), Some("alice"));
//! ```

pub mod lock_map;

pub use lock_map::{LockMap, LockSet};
pub use map_core::lock;
pub use map_core::lock::{
    AdaptiveRawRwLock, AdaptiveRwLock, AdaptiveRwLockReadGuard, AdaptiveRwLockWriteGuard,
};
pub use map_core::strategy;
pub use map_core::{
    BuildError, Builder, Change, Computed, ConcurrentMap, Equivalent, Map, Pinned, RandomState,
    ReadBias, Set, Strategy, TryReserveError, TryResult, try_result,
};
pub use map_readdirty::{Promotion, ReadDirty, ReadDirtyMap, promotion};
pub use map_sharded::{
    Lock, ReadOnlyView, Sharded, ShardedMap, ShardedSet, iter, iter_set, mapref, setref,
};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
