//! Guards: references into a map that keep what they refer to alive and, in maps of locked
//! shards, keep the shard locked.
//!
//! The modules and names are dashmap's. Each map of the family has aliases with its own strategy
//! filled in, and an [`Entry`](entry::Entry) of its own. As in dashmap, a guard may be passed for one of a shorter lifetime.
//!
//! A guard locks its whole shard, not only its entry: holding one while calling the same map from
//! the same thread can wait for itself. Reading while holding a `Ref` is fine; anything else
//! while holding a guard is not, unless it is known to go to another shard. A debug build panics
//! and names both places instead of waiting for ever.
//!
//! ```
//! use map_sharded::ShardedMap;
//! use map_sharded::mapref::one::{Ref, RefMut};
//!
//! let map = ShardedMap::new();
//! map.insert("a", 1);
//!
//! let read: Ref<'_, &str, i32> = map.get("a").expect("it was inserted");
//! assert!(map.get("a").is_some());
//! assert!(map.try_get_mut("a").is_locked());
//! drop(read);
//!
//! let mut write: RefMut<'_, &str, i32> = map.get_mut("a").expect("it was inserted");
//! *write += 1;
//! assert!(map.try_get("a").is_locked());
//! drop(write);
//! assert_eq!(map.get_copied("a"), Some(2));
//! ```

pub mod entry;
pub mod multiple;
pub mod one;
