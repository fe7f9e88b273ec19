//! What can go wrong.

use std::fmt;

/// There is not enough memory, or not enough address space, for so many entries.
///
/// ```
/// let map = map_sharded::ShardedMap::<u64, u64>::new();
/// let error = map.try_reserve(usize::MAX).expect_err("so much there is not");
/// assert!(error.to_string().contains("exceeds the address space"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TryReserveError {
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Overflow { entries: usize, entry_size: usize },
    OutOfMemory { entries: usize },
}

impl TryReserveError {
    /// So many entries exceed what can be addressed. For strategies that find so; allocates nothing.
    ///
    /// ```
    /// use map_core::TryReserveError;
    ///
    /// assert_ne!(TryReserveError::overflow(1, 8), TryReserveError::out_of_memory(1));
    /// ```
    #[must_use]
    pub fn overflow(entries: usize, entry_size: usize) -> Self {
        Self {
            kind: Kind::Overflow {
                entries,
                entry_size,
            },
        }
    }

    /// The allocator refused. For strategies whose allocator did; allocates nothing itself.
    ///
    /// ```
    /// use map_core::TryReserveError;
    ///
    /// assert_eq!(TryReserveError::out_of_memory(7).to_string(), "no memory for 7 entries");
    /// ```
    #[must_use]
    pub fn out_of_memory(entries: usize) -> Self {
        Self {
            kind: Kind::OutOfMemory { entries },
        }
    }
}

impl fmt::Display for TryReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Overflow {
                entries,
                entry_size,
            } => write!(
                f,
                "a capacity of {entries} entries of {entry_size} bytes exceeds the address space"
            ),
            Kind::OutOfMemory { entries } => {
                write!(f, "no memory for {entries} entries")
            }
        }
    }
}

impl std::error::Error for TryReserveError {}

/// A map was asked for that cannot be.
///
/// ```
/// use map_core::BuildError;
///
/// let built = map_sharded::ShardedMap::<u8, u8>::builder().shard_limit(0).build();
/// assert_eq!(built.err(), Some(BuildError::ZeroShardLimit));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A map has at least one shard.
    NoShards,
    /// More shards than the directory can tell apart.
    TooManyShards {
        /// What was asked for.
        asked: usize,
        /// What is possible.
        most: usize,
    },
    /// A shard has room for at least one entry.
    ZeroShardLimit,
    /// The capacity cannot be had.
    Capacity(TryReserveError),
    /// What the map shall choose its strategy by is no good: this is what is wrong with it.
    Selector(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoShards => f.write_str("a map needs at least 1 shard, 0 were asked for"),
            Self::TooManyShards { asked, most } => {
                write!(f, "{asked} shards were asked for, a map has at most {most}")
            }
            Self::ZeroShardLimit => {
                f.write_str("a shard limit of 0 entries was asked for, the least is 1")
            }
            Self::Capacity(error) => error.fmt(f),
            Self::Selector(error) => write!(f, "selector: {error}"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Capacity(error) => Some(error),
            _ => None,
        }
    }
}
