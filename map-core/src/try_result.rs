//! What a lookup that does not wait can say.
//!
//! ```
//! use map_sharded::ShardedMap;
//! use map_sharded::try_result::TryResult;
//!
//! fn peek(map: &ShardedMap<&str, u32>, key: &str) -> String {
//!     match map.try_get(key) {
//!         TryResult::Present(value) => value.to_string(),
//!         TryResult::Absent => "nothing".to_owned(),
//!         TryResult::Locked => "busy".to_owned(),
//!     }
//! }
//!
//! let map = ShardedMap::new();
//! assert_eq!(peek(&map, "a"), "nothing");
//! map.insert("a", 1);
//! let guard = map.get_mut("a");
//! assert_eq!(peek(&map, "a"), "busy");
//! drop(guard);
//! assert_eq!(peek(&map, "a"), "1");
//! ```

/// What a lookup that does not wait has found.
///
/// ```
/// use map_sharded::{ShardedMap, try_result::TryResult};
///
/// let map = ShardedMap::new();
/// map.insert("a", 1);
/// match map.try_get("a") {
///     TryResult::Present(value) => assert_eq!(*value, 1),
///     TryResult::Absent => unreachable!("it was inserted"),
///     TryResult::Locked => unreachable!("nobody else is here"),
/// }
/// ```
#[derive(Debug)]
pub enum TryResult<R> {
    /// The entry.
    Present(R),
    /// There is no entry.
    Absent,
    /// It would have had to wait for somebody who holds the shard's lock, or is about to give it back
    /// because readers are there.
    Locked,
}

impl<R> TryResult<R> {
    /// Whether there is an entry, and it could be had. Looks at this result, not at the map.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert!(map.try_get("a").is_present());
    /// ```
    pub fn is_present(&self) -> bool {
        matches!(self, Self::Present(_))
    }

    /// Whether there is no entry. Looks at this result, not at the map.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert!(map.try_get("b").is_absent());
    /// ```
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether somebody holds the shard's lock. Looks at this result, not at the map.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.get_mut("a");
    /// assert!(map.try_get("a").is_locked());
    /// ```
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Locked)
    }

    /// The entry, if it could be had. The guard moves, with its lock.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert!(map.try_get("a").try_unwrap().is_some());
    /// assert!(map.try_get("b").try_unwrap().is_none());
    /// ```
    pub fn try_unwrap(self) -> Option<R> {
        match self {
            Self::Present(found) => Some(found),
            Self::Absent | Self::Locked => None,
        }
    }

    /// The entry. The guard moves, with its lock.
    ///
    /// # Panics
    ///
    /// If there is none, or it could not be had.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(*map.try_get("a").unwrap(), 1);
    /// ```
    #[track_caller]
    pub fn unwrap(self) -> R {
        match self {
            Self::Present(found) => found,
            Self::Absent => panic!("called `TryResult::unwrap` on an absent entry"),
            Self::Locked => panic!("called `TryResult::unwrap` on a locked shard"),
        }
    }
}
