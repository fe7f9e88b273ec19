//! Parallel iterators over maps, and maps made of parallel iterators, for rayon.
//!
//! | | |
//! |---|---|
//! | [`Map::par_iter`](crate::Map::par_iter), `(&map).into_par_iter()` | goes over a map that others use |
//! | [`Map::par_iter_mut`](crate::Map::par_iter_mut), `(&mut map).into_par_iter()` | the same, to change the values |
//! | `map.into_par_iter()` | takes the entries out of an owned map |
//! | `map.par_extend(pairs)`, `(&map).par_extend(pairs)` | inserts pairs, the latter into a map that others use |
//! | `pairs.collect::<Map<..>>()` | makes a map |
//!
//! Sets have all of it but `par_iter_mut`, with keys for pairs, and a [`ReadOnlyView`](crate::ReadOnlyView) has
//! `into_par_iter` and, without any lock, `par_iter`.
//!
//! # Locks and jobs
//!
//! A thread of rayon's pool that waits for a job (in `join`, `scope`, any parallel iterator) runs other jobs
//! meanwhile, of whatever code shares the pool. In maps of locked shards that is a way into a deadlock: a job
//! that has a guard on a shard waits, its thread takes up a job that writes to that shard, and waits
//! for itself. Hence:
//!
//! - While a job has a read guard, and [`par_iter`](crate::Map::par_iter) runs all closures behind it with one, it
//!   may read this map, call other maps and do anything that does not wait for rayon. It may wait for rayon only
//!   if no job in the pool writes to this map.
//! - It must not write to this map: it may meet the shard that it has a guard on. Closures behind
//!   [`par_iter_mut`](crate::Map::par_iter_mut) have write guards: they must not even read it, nor wait for rayon if any job in
//!   the pool uses it. Collect what shall
//!   be written, and write it when the parallel iterator has ended.
//! - Have no guard on a map when you wait for rayon to write to it; have no write guard (or
//!   entry) when you wait for rayon to do anything with it. The thread that waits has the guard, those that
//!   work wait for it: no debug build notices, as no thread waits for itself.
//! - Guards that are collected (`par_iter().collect::<Vec<_>>()`) are held while the iterator waits for its
//!   other jobs: the same holds for them.
//!
//! ```
//! use map_sharded::ShardedMap;
//! use rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};
//!
//! let stock: ShardedMap<u32, u32> = (0..1000).into_par_iter().map(|n| (n, n % 3)).collect();
//! // What shall be written is collected first, and written when no job has a guard any more.
//! let missing: Vec<(u32, u32)> =
//!     stock.par_iter().filter(|item| **item == 0).map(|item| (*item.key(), 5)).collect();
//! (&stock).par_extend(missing);
//! assert!(stock.par_iter().all(|item| *item > 0));
//! ```

pub mod map;
pub mod map_mut;
pub mod set;
pub mod view;
