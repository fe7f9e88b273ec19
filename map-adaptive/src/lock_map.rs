//! The map whose shards stay together when they are fought over, its set, and the types of their guards and
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

/// The strategy of [`LockMap`]: the shards of [`Sharded`], but large ones, which split when there are too many entries in them and for no other
/// reason.
///
/// ```
/// let map: map_adaptive::Map<u32, u32, map_adaptive::Lock> = map_adaptive::Map::new();
/// map.insert(1, 10);
/// ```
pub type Lock = Sharded<Together>;

/// Shards that are fought over stay together: those of [`LockMap`].
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

/// A concurrent hash map of locked shards that split as they fill, and for no other reason. Its
/// methods are those of [`Map`].
///
/// It is [`ShardedMap`](crate::ShardedMap) but for two things. Threads that fight over a shard queue
/// at its lock and do not split it. And as there is no use in many shards then, up to 1,792 entries (of 128 bytes, or so many fewer of larger
/// ones) are in one: one lock and one table, as in a `RwLock<HashMap>`. So the number of shards follows from the number of entries and
/// from [`Builder::shards`](crate::Builder::shards).
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
/// // Four threads write all the time: they get four shards from the start, and no more later.
/// let hits: LockMap<u64, u64> = LockMap::builder().shards(4).build()?;
/// std::thread::scope(|scope| {
///     for thread in 0..4 {
///         let hits = &hits;
///         scope.spawn(move || (0..50).for_each(|n| *hits.entry(n * thread).or_insert(0) += 1));
///     }
/// });
/// assert_eq!(hits.shards(), 4);
/// # Ok::<(), map_adaptive::BuildError>(())
/// ```
///
/// # When to use it
///
/// - The map is small, and no more than one thread writes to it at a time: more shards than one would cost memory
///   (a cache line and a table each, and places in the directory) and a longer way to them. A map that fills for the first time is
///   twice as fast. (Two threads that change a thousand keys all the time, among them keys that come and go, are up to 1.5 times as fast with more shards.)
/// - Threads meet at one key. No split parts a key from itself; [`ShardedMap`](crate::ShardedMap)
///   tries a few times before it gives up.
/// - The map is walked often: [`for_each`](Map::for_each), [`iter`](Map::iter) and
///   [`retain`](Map::retain) lock one shard after the other.
///
/// Where many threads write to many keys, or you do not know, take
/// [`ShardedMap`](crate::ShardedMap).
///
/// # What it costs
///
/// Each operation takes the locks, atomic operations and allocations that
/// [it takes in a `ShardedMap`](map_sharded#what-it-costs). What differs is the wait of threads that
/// meet: up to 1,792 entries all writers wait for each other, and all readers for a writer. An insert may wait for the split of so many
/// entries, or of twice as many after others were removed: some tens of microseconds.
///
/// # When it blocks
///
/// Readers of a shard wait for its writer, writers for everybody in the shard; neither starves the
/// other. [Guards](mapref) keep their shard locked as long as they live, here often the whole
/// map. Shards that were split for size merge only in [`clear`](Map::clear) and
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

/// A concurrent hash set of locked shards that split as they fill, and for no other reason: the keys of a
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
