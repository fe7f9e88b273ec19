//! Guards on the keys of a set: they keep their shard locked, as those on the entries of a
//! [map](crate::mapref) do.
//!
//! ```
//! use map_sharded::ShardedSet;
//! use map_sharded::setref::one::Ref;
//!
//! let set = ShardedSet::new();
//! set.insert("ada".to_owned());
//! let stored: Ref<'_, String> = set.get("ada").expect("it was inserted");
//! assert_eq!(stored.len(), 3);
//! ```

pub mod multiple;
pub mod one;
