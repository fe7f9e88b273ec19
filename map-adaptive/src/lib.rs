//! A family of concurrent hash maps under one roof. Depend on this crate alone.
//!
//! [`AdaptiveMap`] watches the live operation mix, changes how each of its shards stores its entries while every thread
//! keeps using it, and can say why. What it chooses among is here too, each as a map of its own: [`ShardedMap`], small locked shards
//! that split under load; [`LockMap`], one of them until threads have met in it;
//! [`ReadDirtyMap`], lock-free reads of published tables. And [`AdaptiveRwLock`] is a read-write lock for anything else, which
//! goes by how it is used. The maps share one front, so code written for one of them, or for any [`ConcurrentMap`], does
//! not have to change.
//!
//! ```
//! # #[cfg(all(feature = "lock", feature = "readdirty", feature = "sharded"))] {
//! use map_adaptive::AdaptiveMap;
//!
//! let sessions: AdaptiveMap<u64, String> = AdaptiveMap::new();
//! sessions.insert(17, "alice".to_owned());
//! assert_eq!(sessions.get(&17).as_deref().map(String::as_str), Some("alice"));
//! println!("{}", sessions.explain());
//! # }
//! ```
//!
//! # Features
//!
//! `lock`, `readdirty`, `sharded`: what an [`AdaptiveMap`] chooses among, all on by default. With one alone it is that, without
//! a selector; with none there is no `AdaptiveMap`. The other maps are there in any case. The features that follow are off by default.
//!
//! `serde`: maps are written as maps and sets as sequences, and read from them, in dashmap's format, and guards are written as their
//! values. What a map of the family wrote, any other reads; `Serialize` and `Deserialize` of [`Map`] say
//! what is locked meanwhile. [Policies](policy), their configuration and their decisions are written and read, too.
//!
//! ```
//! # #[cfg(feature = "serde")] {
//! use map_adaptive::{LockMap, ShardedMap};
//!
//! let ports = ShardedMap::<String, u16>::new();
//! ports.insert("https".to_owned(), 443);
//! let json = serde_json::to_string(&ports)?;
//! assert_eq!(json, r#"{"https":443}"#);
//! let read: LockMap<String, u16> = serde_json::from_str(&json)?;
//! assert_eq!(read.get_copied("https"), Some(443));
//! # }
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! `rayon`: parallel iterators over maps and sets (`par_iter`, `par_iter_mut`, `into_par_iter`), and maps and sets made and
//! extended in parallel. The module `rayon`, which there is with it, says what jobs may do while they hold guards.
//!
//! ```
//! # #[cfg(feature = "rayon")] {
//! use map_adaptive::ShardedMap;
//! use rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};
//!
//! let squares: ShardedMap<u64, u64> = (0..1000).into_par_iter().map(|n| (n, n * n)).collect();
//! (&squares).par_extend([(1000, 1_000_000)]);
//! let even = squares.par_iter().filter(|square| square.value() % 2 == 0).count();
//! assert_eq!(even, 501);
//! let sum: u64 = squares.into_par_iter().map(|(n, _)| n).sum();
//! assert_eq!(sum, 500_500);
//! # }
//! ```

#[cfg(any(
    all(feature = "lock", feature = "sharded"),
    all(feature = "lock", feature = "readdirty"),
    all(feature = "sharded", feature = "readdirty"),
))]
mod adaptive;
#[cfg(any(feature = "lock", feature = "readdirty", feature = "sharded"))]
pub mod adaptive_map;
pub mod lock_map;
#[cfg(all(
    any(feature = "lock", feature = "readdirty", feature = "sharded"),
    not(any(
        all(feature = "lock", feature = "sharded"),
        all(feature = "lock", feature = "readdirty"),
        all(feature = "sharded", feature = "readdirty"),
    ))
))]
mod only;
pub mod policy;

#[cfg(any(feature = "lock", feature = "sharded"))]
pub use adaptive_map::AdaptiveInPlaceMap;
#[cfg(any(feature = "lock", feature = "readdirty", feature = "sharded"))]
pub use adaptive_map::{Adaptive, AdaptiveMap, AdaptiveSet};
pub use lock_map::{Lock, LockMap, LockSet};
pub use map_core::lock;
pub use map_core::lock::{
    AdaptiveRawRwLock, AdaptiveRwLock, AdaptiveRwLockReadGuard, AdaptiveRwLockWriteGuard,
};
pub use map_core::strategy;
pub use map_core::{
    BuildError, Builder, Change, Computed, ConcurrentMap, Equivalent, Map, Pinned, RandomState,
    ReadBias, Set, Strategy, TryReserveError, TryResult, try_result,
};
pub use map_readdirty as read_dirty_map;
pub use map_readdirty::{Promotion, ReadDirty, ReadDirtyMap, ReadDirtySet, promotion};

pub use policy::{
    CostPolicy, Decision, DocumentPolicy, Explanation, Kind, Outcome, Policy, PolicyConfig,
    PolicyError, Proposal, SelectorConfig, Window,
};

#[cfg(feature = "rayon")]
pub use map_sharded::rayon;
pub use map_sharded::{
    ReadOnlyView, Sharded, ShardedMap, ShardedSet, iter, iter_set, mapref, setref,
};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

/// The examples of the pages on migrating are tests, and what their tables tell to write is in them: see
/// `tests/migrating`.
#[cfg(doctest)]
mod migrating {
    #[doc = include_str!("../../docs/migrating.md")]
    mod index {}
    #[doc = include_str!("../../docs/migrating/dashmap.md")]
    mod dashmap {}
    #[doc = include_str!("../../docs/migrating/papaya.md")]
    mod papaya {}
    #[doc = include_str!("../../docs/migrating/rwlock-hashmap.md")]
    mod rwlock_hashmap {}
    #[doc = include_str!("../../docs/migrating/scc.md")]
    mod scc {}
    #[doc = include_str!("../../docs/migrating/sync-map.md")]
    mod sync_map {}
}
