//! A concurrent hash map of small locked shards that split under load.
//!
//! [`ShardedMap`] has dashmap's names and meanings, and nothing is asked of its values:
//!
//! ```
//! use map_sharded::ShardedMap;
//!
//! let stock = ShardedMap::new();
//! stock.insert("apples", 3);
//! *stock.entry("pears").or_insert(0) += 2;
//! if let Some(mut apples) = stock.get_mut("apples") {
//!     *apples += 1;
//! }
//! assert_eq!(stock.get("apples").map(|n| *n), Some(4));
//! assert_eq!(stock.compare_exchange("pears", &2, 5), Ok(2));
//! assert_eq!(stock.remove("pears"), Some(("pears", 5)));
//! assert_eq!(stock.len(), 1);
//! ```
//!
//! # How it works
//!
//! A shard is a read-write lock and a hash table (a Swiss table) with the entries inline, both in
//! one cache line. A map starts as one shard, held in the map itself; a shard that has filled a
//! table of a hundred entries (in large maps, of thousands), or whose lock is fought over, splits in two. So growing never
//! stops the world: the longest pause of an insert is the split of one shard.
//!
//! # What it costs
//!
//! | operation | atomic read-modify-writes | allocations |
//! |---|---|---|
//! | `get`, `get_with`, `get_copied`, `contains_key` | 1, of a line of the thread's own, where reads prevail, or of its lane beside the shard; else 2 of the shard's (see [`map_core::ReadBias`]) | 0 (a thread's first reads: one, for its slot; the first of a shard that is to have lanes: one, for these) |
//! | `insert` on a present key, `get_mut`, `compute`, `remove` | 1 (2 where the system has no `membarrier`) | 0 |
//! | `insert` of a new key | the same | 0, unless the shard grows or splits |
//! | `for_each`, `retain`, per shard | 2 | 0, or a list of what was removed |
//! | `iter`, per entry | 1 | 0 (one per shard) |
//! | `len`, `is_empty` | 0 | 0 |
//!
//! Where reads prevail, a write also looks through the slots of all threads of the process that have
//! read a map: one cache line each. Where readers sit in lanes, it closes both lanes of the shard, with an atomic
//! read-modify-write for either; a shard that has had lanes takes 256 bytes more.
//!
//! # When it blocks
//!
//! Readers of a shard wait for its writer; writers wait for everybody in the shard. Neither starves
//! the other: see [`map_core::lock::RawLock`]. A writer that finds a reader in a slot waits for it by
//! looking again, up to a millisecond apart: it may go on so much later than it could have. Guards ([`mapref`]) keep their shard locked as long
//! as they live.

mod shard;
#[expect(
    unsafe_code,
    reason = "a table of buckets that hold an entry or nothing; its tests run under AddressSanitizer, too"
)]
mod table;

use ahash::RandomState;
pub use shard::{Entries, Sharded, Splitting, Variety};

/// A concurrent hash map of locked shards. Its methods are those of [`map_core::Map`].
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", 1);
/// assert_eq!(map.get_copied("a"), Some(1));
/// ```
pub type ShardedMap<K, V, S = RandomState> = map_core::Map<K, V, Sharded, S>;

/// A concurrent hash set of locked shards. Its methods are those of [`map_core::Set`].
///
/// ```
/// let set = map_sharded::ShardedSet::new();
/// assert!(set.insert("a") && !set.insert("a"));
/// ```
pub type ShardedSet<K, S = RandomState> = map_core::Set<K, Sharded, S>;

map_core::map_aliases!(crate::Sharded, "map_sharded", "ShardedMap", "ShardedSet");

/// Guards do not outlive their map.
///
/// ```compile_fail
/// let guards: Vec<_>;
/// {
///     let map: map_sharded::ShardedMap<u32, u32> = (0..32).map(|n| (n, n)).collect();
///     guards = (0..32).map(|n| map.get(&n)).collect();
/// }
/// ```
///
/// ```compile_fail
/// let guards: Vec<_>;
/// {
///     let map: map_sharded::ShardedMap<u32, u32> = (0..32).map(|n| (n, n)).collect();
///     guards = map.iter().collect();
/// }
/// ```
///
/// Nor do iterators, parts of values, and what a guard refers to:
///
/// ```compile_fail
/// let mut iter;
/// {
///     let map: map_sharded::ShardedMap<u32, u32> = (0..32).map(|n| (n, n)).collect();
///     iter = map.iter();
///     iter.next();
/// }
/// ```
///
/// ```compile_fail
/// let part;
/// {
///     let map: map_sharded::ShardedMap<u32, String> = map_sharded::ShardedMap::new();
///     part = map.get(&1).map(|name| name.map(String::as_str));
/// }
/// ```
///
/// ```compile_fail
/// let map: map_sharded::ShardedMap<u32, String> = map_sharded::ShardedMap::new();
/// map.insert(1, "one".to_owned());
/// let name: &String = map.get(&1).unwrap().value();
/// println!("{name}");
/// ```
///
/// And a guard cannot be passed for one of a longer lifetime:
///
/// ```compile_fail
/// use map_sharded::mapref::one::Ref;
///
/// fn lengthen<'s, 'l: 's>(short: Ref<'s, u32, u32>) -> Ref<'l, u32, u32> {
///     short
/// }
/// ```
///
/// Declared after the map, all of that goes:
///
/// ```
/// use map_sharded::mapref::one::Ref;
///
/// let map: map_sharded::ShardedMap<u32, String> = (0..32).map(|n| (n, n.to_string())).collect();
/// let (guards, met): (Vec<_>, Vec<_>);
/// let (mut iter, part);
/// {
///     guards = (0..32).map(|n| map.get(&n)).collect();
///     met = map.iter().collect();
///     iter = map.iter();
///     iter.next();
///     part = map.get(&1).map(|name| name.map(String::as_str));
/// }
/// let guard: Ref<'_, u32, String> = map.get(&1).unwrap();
/// let name: &String = guard.value();
/// assert_eq!((guards.len(), met.len(), iter.count()), (32, 32, 31));
/// assert_eq!(part.as_deref(), Some(name.as_str()));
/// ```
#[cfg(doctest)]
pub struct GuardsBorrow;

/// A guard that can be written through does not take a shorter-lived value than the map holds.
///
/// ```compile_fail
/// use map_core::mapref::one::MappedRefMut;
/// use map_sharded::{Sharded, ShardedMap};
/// type Guard<'a, U> = MappedRefMut<'a, u8, &'static str, U, Sharded>;
///
/// fn shorten<'a, 's>(guard: Guard<'a, &'static str>) -> Guard<'a, &'s str> {
///     guard
/// }
/// ```
///
/// One that keeps its type can be passed on:
///
/// ```
/// use map_core::mapref::one::MappedRefMut;
/// use map_sharded::{Sharded, ShardedMap};
/// type Guard<'a, U> = MappedRefMut<'a, u8, &'static str, U, Sharded>;
///
/// fn shorten<'a>(guard: Guard<'a, &'static str>) -> Guard<'a, &'static str> {
///     guard
/// }
///
/// let map = ShardedMap::new();
/// map.insert(1, "one");
/// *shorten(map.get_mut(&1).unwrap().map(|value| value)) = "uno";
/// assert_eq!(map.get_copied(&1), Some("uno"));
/// ```
#[cfg(doctest)]
pub struct GuardsAreInvariant;
