//! The map that chooses its own strategy, its set, and the types of their guards and iterators.

use ahash::RandomState;
use map_core::Map;

#[cfg(any(
    all(feature = "lock", feature = "sharded"),
    all(feature = "lock", feature = "readdirty"),
    all(feature = "sharded", feature = "readdirty"),
))]
pub use crate::adaptive::{Adaptive, OfKind, Stats, Unavailable};
#[cfg(not(any(
    all(feature = "lock", feature = "sharded"),
    all(feature = "lock", feature = "readdirty"),
    all(feature = "sharded", feature = "readdirty"),
)))]
pub use crate::only::Adaptive;

/// A concurrent hash map that chooses its own strategy. Its methods are those of [`Map`].
///
/// It watches the operations on it and, shard by shard and while every thread goes on using it, changes how entries are stored:
/// as in a [`ShardedMap`](crate::ShardedMap), a [`LockMap`](crate::LockMap) (but that its shards split at the sizes of a `ShardedMap`'s), or a
/// [`ReadDirtyMap`](crate::ReadDirtyMap). And it can say why.
///
/// ```
/// use map_adaptive::{AdaptiveMap, Kind};
///
/// let sessions: AdaptiveMap<u64, String> = AdaptiveMap::new();
/// sessions.insert(17, "alice".to_owned());
/// assert_eq!(sessions.get(&17).as_deref().map(String::as_str), Some("alice"));
///
/// // What its shards are, and why.
/// assert_eq!(sessions.strategy(), Kind::Sharded);
/// println!("{}", sessions.explain());
///
/// // Whoever knows better may say so, also later.
/// sessions.pin_strategy(Kind::ReadDirty)?;
/// sessions.release();
/// # Ok::<(), map_adaptive::adaptive_map::Unavailable>(())
/// ```
///
/// # How it chooses
///
/// One in some hundreds of a thread's reads and of a shard's writes is a *sample*: it is counted by what it did, and timed with others; one in
/// some thousands where nothing new comes of them ([`thinning`](crate::SelectorConfig::thinning)). When
/// enough samples make a *window*, a [policy](crate::policy) is shown what was seen, and may propose another kind of shard. The
/// proposal is first carried out on one shard, the *canary*. If an operation costs less there afterwards than before, as compared
/// with the shards that did not change, the others follow; otherwise the canary goes back, and the proposal is not repeated for a while,
/// which doubles each time. Shards whose load differs from that of the map may go their own way. Each decision is kept, with the window
/// that it rests on and what came of it: [`decisions`](Map::decisions), [`explain`](Map::explain).
///
/// There is no thread for that. Operations that are samples do the work, one shard or two at a time, and never wait for it: where
/// somebody is in a shard, it is left for later. They also drop what was removed from read tables that have gone since, when nobody
/// can see it any more.
///
/// A map starts with locked shards that split under load. The default policy proposes read tables for a
/// load of reads, and goes back as soon as there are many writes, or keys that come and go; the canary then decides by what is cheaper
/// on the machine at hand. (On two cores that is seldom anything but locked shards.)
/// Reads are timed sixteen together, by the hashes of those that were samples: as they are in a loop, not as each is alone.
/// Each compares a key with itself, so `Eq` has to bear that (one that locks both sides would wait for itself).
/// What is found to be cheaper has to be so twice.
///
/// # What it costs
///
/// What the strategy costs that a shard has ([`ShardedMap`](map_sharded#what-it-costs), [`ReadDirtyMap`](map_readdirty#what-it-costs)), and
/// one to twelve instructions more for an operation (for a guard on an entry of a read table, fifty); a lookup more for a read that is a sample, and eighteen more and two looks at the clock for
/// every seventeenth of those; two looks at the clock for a write that is one; and for an operation that changes a shard what it
/// takes to move its entries. Values are moved then, not cloned; in locked shards nothing is cloned ever.
/// `K: Clone` and `V: Clone` are asked for since in read tables some operations clone: see [`ReadDirtyMap`](map_readdirty#what-it-costs).
/// An empty map makes three allocations: its selector, what is known of its shard, and what its nodes would have in common.
///
/// # When it blocks
///
/// As the strategy of a shard does: in locked shards readers wait for a writer; where there is a read table, they wait for nobody.
///
/// # What differs from one strategy to another
///
/// A guard is what it is in the shard that it is on: a lock, or a snapshot (see [where a read/dirty
/// map means something else](map_readdirty#where-it-means-something-else)). It stays valid whatever the shard becomes. If the
/// closure of [`alter`](Map::alter) panics, the entry is gone in a locked shard, and as it was in another.
/// [`AdaptiveInPlaceMap`] has locked shards only, for values to which that matters.
///
/// # One strategy alone
///
/// The features `lock`, `sharded` and `readdirty` name the strategies to choose among; all three are on by default. With one of them
/// the map has that strategy, no selector and none of the functions that speak of it, nor sessions; it costs what the strategy's own map costs. With none
/// there is no `AdaptiveMap`.
///
/// # Guards and iterators
///
/// Their types are in the modules of [`adaptive_map`](self).
pub type AdaptiveMap<K, V, S = RandomState> = Map<K, V, Adaptive, S>;

/// A concurrent hash set that chooses its own strategy: the keys of an [`AdaptiveMap`]. Its methods are those of
/// [`Set`](map_core::Set).
///
/// ```
/// let set = map_adaptive::AdaptiveSet::new();
/// assert!(set.insert("a") && !set.insert("a"));
/// ```
pub type AdaptiveSet<K, S = RandomState> = map_core::Set<K, Adaptive, S>;

/// An [`AdaptiveMap`] whose entries always stay where they are, in locked shards: for values that must not be seen as
/// they were a moment ago, however that is configured. It chooses between shards that split when they are fought over and
/// shards that do not.
///
/// ```
/// use map_adaptive::{AdaptiveInPlaceMap, Kind};
///
/// let map: AdaptiveInPlaceMap<u32, u32> = AdaptiveInPlaceMap::new();
/// map.insert(1, 10);
/// assert!(map.pin_strategy(Kind::ReadDirty).is_err());
/// ```
#[cfg(any(feature = "lock", feature = "sharded"))]
pub type AdaptiveInPlaceMap<K, V, S = RandomState> = Map<K, V, Adaptive<false>, S>;

map_core::map_aliases!(
    crate::adaptive_map::Adaptive,
    "map_adaptive::adaptive_map",
    "AdaptiveMap",
    "AdaptiveSet"
);
