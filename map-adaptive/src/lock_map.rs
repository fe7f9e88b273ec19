//! The map that is one lock and one table for as long as one thread at a time uses it, its set, and the types of their guards and
//! iterators.
//!
//! ```
//! use map_adaptive::lock_map::{LockMap, LockSet, mapref::one::RefMut};
//!
//! fn bump(mut hits: RefMut<'_, &str, u32>) {
//!     *hits += 1;
//! }
//!
//! let pages = LockMap::new();
//! bump(pages.entry("/").or_insert(0));
//! let seen: LockSet<&str> = pages.iter().map(|page| *page.key()).collect();
//! assert!(seen.contains("/"));
//! ```

use ahash::RandomState;
use map_core::Map;
use map_sharded::{Sharded, Variety};

/// The strategy of [`LockMap`]: the shards of [`Sharded`], which split when there are too many entries in them and for no other
/// reason; but until writers have met anybody, that takes very many.
///
/// ```
/// let map: map_adaptive::Map<u32, u32, map_adaptive::Lock> = map_adaptive::Map::new();
/// map.insert(1, 10);
/// ```
pub type Lock = Sharded<Together>;

/// A shard that is fought over is not split for that: those of [`LockMap`].
///
/// ```
/// use map_adaptive::lock_map::{LockMap, Together};
///
/// let map: map_adaptive::Map<u32, u32, map_adaptive::Sharded<Together>> = LockMap::new();
/// map.insert(1, 10);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Together;

impl Variety for Together {
    const SPLITS_FOR_CONTENTION: bool = false;
    type OwnEntry<'a, K, V>
        = mapref::entry::Entry<'a, K, V>
    where
        K: 'a,
        V: 'a;
}

/// A concurrent hash map that is one lock and one table until threads have met in it. Its methods are those of [`Map`].
///
/// It is [`ShardedMap`](crate::ShardedMap) but for when its shards split. As long as no writer has met anybody, up to 114,688 entries (of 128 bytes, or so many fewer of larger
/// ones) are in one: one lock and one table, as in a `RwLock<HashMap>`. Once writers have met others some sixteen times, it is divided, for good: at the next meetings,
/// shard by shard, until no shard has more than 28 entries or there are 64 shards; and from there on as it fills, at 1,792 entries a shard. (One of up to 224 entries stays whole.)
/// Which shard is fought over has no say in it: threads that meet at one key queue there, and nothing is tried in vain.
///
/// ```
/// use map_adaptive::{Change, LockMap};
///
/// let limits: LockMap<&str, u32> = LockMap::new();
/// limits.insert("connections", 100);
/// limits.compute("connections", |n| Change::Set(n.copied().unwrap_or(0) * 2));
/// assert_eq!(limits.get("connections").as_deref(), Some(&200));
/// assert_eq!(limits.shards(), 1);
///
/// // Sixteen threads will write all the time: they get shards from the start.
/// let hits: LockMap<u64, u64> = LockMap::builder().shards(64).build()?;
/// assert_eq!(hits.shards(), 64);
/// # Ok::<(), map_adaptive::BuildError>(())
/// ```
///
/// # When to use it
///
/// - No more than one thread uses it at a time, or others only read: more shards than one would cost memory
///   (a cache line and a table each, and places in the directory) and a longer way to them. With 100,000 entries an operation takes 0.85 of the time that it takes in a
///   [`ShardedMap`](crate::ShardedMap), and a map that fills for the first time up to half.
/// - Threads meet at one key. No split parts a key from itself; a `ShardedMap`
///   tries a few times before it gives up.
/// - The map is walked often: [`for_each`](Map::for_each), [`iter`](Map::iter) and
///   [`retain`](Map::retain) lock one shard after the other.
///
/// Where an insert must not wait for long, or threads come and go that meet for a while and then no more, take
/// a `ShardedMap`: it splits sooner, by less at a time, and merges what it need not have split.
///
/// # What it costs
///
/// Each operation takes the locks, atomic operations and allocations that
/// [it takes in a `ShardedMap`](map_sharded#what-it-costs). What differs is the longest wait: while it is one table, an insert may move all that is in there, up to
/// 114,688 entries (or twice as many after others were removed): a millisecond or two, some ten if they are large. Threads that meet wait as long, a few times, while it is divided.
///
/// # When it blocks
///
/// Readers of a shard wait for its writer, writers for everybody in the shard; neither starves the
/// other. [Guards](mapref) keep their shard locked as long as they live, here often the whole
/// map. Shards merge only in [`clear`](Map::clear) and
/// [`shrink_to_fit`](Map::shrink_to_fit).
///
/// # Guards and iterators
///
/// Their types are in the modules of [`lock_map`](self):
///
/// ```
/// use map_adaptive::lock_map::{LockMap, mapref::one::Ref};
///
/// fn name<'a>(names: &'a LockMap<u32, String>, id: u32) -> Option<Ref<'a, u32, String>> {
///     names.get(&id)
/// }
///
/// let names = LockMap::new();
/// names.insert(7, "seven".to_owned());
/// assert!(name(&names, 7).is_some_and(|name| name.value() == "seven"));
/// ```
pub type LockMap<K, V, S = RandomState> = Map<K, V, Lock, S>;

/// A concurrent hash set that is one lock and one table until threads have met in it: the keys of a
/// [`LockMap`]. Its methods are those of [`Set`](map_core::Set).
///
/// ```
/// let set = map_adaptive::LockSet::new();
/// assert!(set.insert("a") && !set.insert("a"));
/// ```
pub type LockSet<K, S = RandomState> = map_core::Set<K, Lock, S>;

map_core::map_aliases!(
    crate::lock_map::Lock,
    "map_adaptive::lock_map",
    "LockMap",
    "LockSet"
);
