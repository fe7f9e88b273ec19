//! A concurrent hash map with lock-free reads: what Go's `sync.Map` does, without what makes that slow.
//!
//! ```
//! use map_readdirty::ReadDirtyMap;
//!
//! let routes = ReadDirtyMap::new();
//! routes.store("/", "home");
//! routes.store("/about", "about");
//! assert_eq!(routes.get("/").map(|page| *page), Some("home"));
//!
//! // One pin for many reads, and plain references.
//! let session = routes.pin();
//! let found: Vec<&&str> = ["/", "/about", "/nowhere"]
//!     .into_iter()
//!     .filter_map(|path| session.get(path))
//!     .collect();
//! assert_eq!(found, [&"home", &"about"]);
//! ```
//!
//! # How it works
//!
//! Every entry is a *node* on the heap, which does not change while readers can reach it. A shard has a published
//! *read table* of node addresses, which is read without a lock, and a *dirty table*, which only holders of the shard's
//! lock see. Writers take that lock: an update puts a new node in the place of the old one, a remove empties the slot, a new key goes
//! to a free slot of the read table or, where there is none yet, to the dirty table. A read that cannot be sure takes the
//! lock, and that is a *miss*; enough misses *promote* the dirty table to a read table. What is enough, and where new
//! keys go, is up to a [policy](promotion): by default one miss is enough, and new keys fill the read table, which grows as hash
//! tables do, so that misses are rare and no read waits for a lock that a writer has.
//!
//! Shards are small and split as they fill or are fought over ([`map_core::Map`]), so no operation ever copies more
//! than one shard.
//!
//! Nodes that were replaced or removed wait until nobody can see them any more. For sessions that is told by `crossbeam-epoch`. For
//! other reads, which are too short for what an epoch costs, it is told by a word that each thread has: a store says that it
//! reads, another one that it does not any more, and the fence between them is left to the few who ask. Then their
//! entries are dropped, and new entries are put into them: each thread that writes to a map has its own, so that two do not hand them to
//! and fro (at most 4,096 empty ones, and 128 KiB, or as many as [`Builder::pool`](map_core::Builder::pool) says; and about half as many that were
//! removed last). So a map allocates next to nothing that is churned by threads which insert and remove. An entry is kept
//! by every guard on it ([`get`](map_core::Map::get)), all entries of the map by a session
//! ([`pin`](map_core::Map::pin)), and for a moment by reads of any map of this kind.
//!
//! # The operations of `sync.Map`
//!
//! | Go | here | remarks |
//! |---|---|---|
//! | `Load` | [`get`](map_core::Map::get), [`get_cloned`](map_core::Map::get_cloned), [`get_with`](map_core::Map::get_with) | |
//! | `Store` | [`store`](map_core::Map::store) | [`insert`](map_core::Map::insert) returns a clone of the old value |
//! | `LoadOrStore` | [`get_or_insert_with`](map_core::Map::get_or_insert_with) | the closure runs once, and only if the key is absent |
//! | `LoadAndDelete` | [`remove`](map_core::Map::remove) | returns clones of key and value |
//! | `Delete` | [`delete`](map_core::Map::delete) | clones nothing |
//! | `Swap` | [`swap`](map_core::Map::swap) | |
//! | `CompareAndSwap` | [`compare_exchange`](map_core::Map::compare_exchange) | never inserts |
//! | `CompareAndDelete` | [`compare_remove`](map_core::Map::compare_remove) | |
//! | `Range` | [`for_each`](map_core::Map::for_each), [`iter`](map_core::Map::iter) | the callback may call any method of the map |
//! | `Clear` | [`clear`](map_core::Map::clear) | |
//!
//! # What it costs
//!
//! | operation | locks | allocations | besides |
//! |---|---|---|---|
//! | `get_with`, `get_copied`, `contains_key` | 0 | 0 | one pin: two stores to a word of the thread's own; where there is no `membarrier`, which is a system call of Linux, and after a change made by the thread, a fence |
//! | `get` | 0 | 0 | one pin, and two stores to a guard slot of the thread's own |
//! | [`Pinned::get`](map_core::Pinned::get) | 0 | 0 | nothing: reads only |
//! | `insert`, `store` on a present key | the shard's | 0 while the pool lasts, else 1 | 1 clone of the value for `insert` |
//! | `insert` of a new key | the shard's | the same; and a table when the shard grows or splits | |
//! | `remove`, `delete` | the shard's | 0 | clones of key and value for `remove` |
//! | `get_mut`, `entry` | the shard's | as for an update | a clone of key and value at the first write access |
//! | `for_each`, `iter` | 0; a shard's while it has a dirty table | 0 | a pin for some five entries, a guard slot for each |
//! | `len`, `is_empty` | 0 | 0 | |
//!
//! Where there is no `membarrier`, a write takes a mutex of its thread's besides. A new map makes one allocation, for what its shards have in common, and one for each thread that updates, inserts or removes,
//! or promotes a table, besides what waits there. A lookup reads two cache lines that depend on one another, besides those that all lookups share: the line of its key in
//! the table, and the node. A read writes no line that other threads read (a thread's fourteenth guard at once,
//! and those after it, are counted in their nodes).
//!
//! # When it blocks
//!
//! Writers of a shard wait for each other, and for some microseconds for one who takes what other threads have left to be dropped
//! (each hundredth of a second, in [`clear`](map_core::Map::clear), [`shrink_to_fit`](map_core::Map::shrink_to_fit) and
//! [`stats`](map_core::Map::stats)); [`RefMut`](map_core::mapref::one::RefMut) and entries keep their shard locked as long
//! as they live. Readers wait for a writer only where they miss: in a shard that has not been published yet, or whose
//! dirty table has entries. Guards and iterators keep no lock, so nobody waits for them. In a thread that is shutting down, after its
//! thread-local values are gone, a pin looks for a word that another thread has left, and may have to allocate one.
//!
//! # Where it means something else
//!
//! Code that works with a map of locked shards works here, but for these:
//!
//! - *Keys and values are clonable.* What comes back from `insert` and `remove`, and what a write guard changes, are
//!   clones, since readers may still see the original. [`store`](map_core::Map::store) and
//!   [`delete`](map_core::Map::delete) clone nothing.
//! - *A read guard is a snapshot.* It keeps the entry as it was found; writers do not wait for it, and change or remove the
//!   entry meanwhile. [`try_get`](map_core::Map::try_get) hardly ever says `Locked`.
//! - *A write guard changes a copy*, made at the first write access and published when the guard goes. What others change
//!   meanwhile *inside* the old value, through a lock or an atomic in it, is lost, unless its clones share it: put it into
//!   an `Arc`.
//! - *A stored key takes the place of an equal one*, with `insert` and `store`; other maps keep the old key.
//! - *Drops come late*: when nobody can see the entry any more and the thread that removed it goes on updating and removing; or, if it
//!   does not, another one does, for some hundredths of a second; when the map is dropped at
//!   the latest. They come on whatever thread that is, never under a lock or a pin. So `Arc::try_unwrap` on what
//!   `remove` returned fails for a while.
//! - *A panic in the closure of [`alter`](map_core::Map::alter)* leaves the entry as it was.
//!
//! # Watching it
//!
//! [`Map::stats`](map_core::Map::stats) tells how many reads missed, what was promoted and rebuilt, how many removed
//! entries are still kept and since when: see [`Stats`].
//!
//! ```
//! let map = map_readdirty::ReadDirtyMap::new();
//! for n in 0..100 {
//!     map.store(n, n);
//! }
//! assert_eq!(map.stats().dirty_entries, 100, "nobody has read yet");
//! assert!(map.contains_key(&7));
//! let stats = map.stats();
//! assert_eq!((stats.read_entries, stats.dirty_entries), (100, 0));
//! assert_eq!(stats.promotions, 1);
//! assert!(stats.misses >= 1);
//! ```

#[macro_use]
mod sync;
pub mod promotion;
#[expect(unsafe_code, reason = "this is the room for it")]
mod raw;
mod stats;

use ahash::RandomState;
pub use promotion::Promotion;
pub use raw::strategy::ReadDirty;
pub use stats::Stats;

/// For strategies that are made of this one and of others.
#[doc(hidden)]
pub mod parts {
    pub use crate::raw::hold::{Hold, Pin, SessionPin};
    pub use crate::raw::limbo::Entries;
    pub use crate::raw::open::Open;
    pub use crate::raw::parts::*;
    pub use crate::raw::shard::{Locked, Slot};
    pub use crate::raw::strategy::{Edit, Iter, Visit};
    pub use crate::stats::Stats;
}

/// A concurrent hash map with lock-free reads. Its methods are those of [`map_core::Map`].
///
/// Another [promotion policy](promotion) makes another map:
///
/// ```
/// use map_core::Map;
/// use map_readdirty::ReadDirty;
/// use map_readdirty::promotion::Amortized;
///
/// let map: Map<u32, u32, ReadDirty<Amortized>> = Map::new();
/// map.store(1, 10);
/// assert_eq!(map.get_copied(&1), Some(10));
/// ```
///
/// Values that cannot be cloned do not fit; an `Arc` around them does:
///
/// ```compile_fail
/// struct Connection;
/// let map = map_readdirty::ReadDirtyMap::new();
/// map.store(1, Connection);
/// ```
///
/// ```
/// # use std::sync::Arc;
/// struct Connection;
/// let map = map_readdirty::ReadDirtyMap::new();
/// map.store(1, Arc::new(Connection));
/// ```
pub type ReadDirtyMap<K, V, S = RandomState> = map_core::Map<K, V, ReadDirty, S>;

/// A concurrent hash set with lock-free reads: the keys of a [`ReadDirtyMap`]. Its methods are those of
/// [`map_core::Set`].
///
/// ```
/// let set = map_readdirty::ReadDirtySet::new();
/// assert!(set.insert("a") && !set.insert("a"));
/// ```
pub type ReadDirtySet<K, S = RandomState> = map_core::Set<K, ReadDirty, S>;

map_core::map_aliases!(
    crate::ReadDirty,
    "map_readdirty",
    "ReadDirtyMap",
    "ReadDirtySet"
);

/// What a session gives out does not outlive it, nor a new pin.
///
/// ```compile_fail
/// let map = map_readdirty::ReadDirtyMap::new();
/// map.store(1, String::new());
/// let value = map.pin().get(&1);
/// println!("{value:?}");
/// ```
///
/// ```compile_fail
/// let map = map_readdirty::ReadDirtyMap::new();
/// map.store(1, String::new());
/// let mut session = map.pin();
/// let value = session.get(&1);
/// session.repin();
/// println!("{value:?}");
/// ```
///
/// ```compile_fail
/// let map = map_readdirty::ReadDirtyMap::new();
/// map.store(1, String::new());
/// let session = map.pin();
/// std::thread::scope(|scope| {
///     scope.spawn(|| session.get(&1));
/// });
/// ```
///
/// ```
/// let map = map_readdirty::ReadDirtyMap::new();
/// map.store(1, String::new());
/// let mut session = map.pin();
/// println!("{:?}", session.get(&1));
/// session.repin();
/// println!("{:?}", session.get(&1));
/// ```
#[cfg(doctest)]
pub struct SessionsBorrow;

/// Guards and iterators do not outlive their map.
///
/// ```compile_fail
/// let mut iter;
/// {
///     let map: map_readdirty::ReadDirtyMap<u32, u32> = (0..32).map(|n| (n, n)).collect();
///     iter = map.iter();
///     iter.next();
/// }
/// ```
///
/// ```compile_fail
/// let guards: Vec<_>;
/// {
///     let map: map_readdirty::ReadDirtyMap<u32, u32> = (0..32).map(|n| (n, n)).collect();
///     guards = map.iter().collect();
/// }
/// ```
///
/// ```compile_fail
/// let guards: Vec<_>;
/// {
///     let map: map_readdirty::ReadDirtyMap<u32, u32> = (0..32).map(|n| (n, n)).collect();
///     guards = (0..32).map(|n| map.get(&n)).collect();
/// }
/// ```
///
/// ```
/// let map: map_readdirty::ReadDirtyMap<u32, u32> = (0..32).map(|n| (n, n)).collect();
/// let guards: Vec<_>;
/// let mut iter;
/// {
///     guards = (0..32).map(|n| map.get(&n)).chain(map.iter().map(|met| map.get(met.key()))).collect();
///     iter = map.iter();
///     iter.next();
/// }
/// assert!(guards.iter().all(Option::is_some));
/// assert_eq!(iter.count(), 31);
/// ```
#[cfg(doctest)]
pub struct GuardsBorrow;
