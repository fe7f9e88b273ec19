//! The kinds of shards.

use std::fmt;

/// How a shard stores and guards its entries, as a selector speaks of it.
///
/// ```
/// use map_adaptive::policy::Kind;
///
/// let names: Vec<String> = Kind::ALL.iter().map(Kind::to_string).collect();
/// assert_eq!(names, ["lock", "sharded", "read/dirty"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Kind {
    /// A lock and a table, split for its size alone: [`Lock`](crate::Lock).
    Lock,
    /// A lock and a table, also split when it is fought over: [`Sharded`](crate::Sharded).
    Sharded,
    /// A published table that is read without a lock: [`ReadDirty`](crate::ReadDirty).
    ReadDirty,
}

impl Kind {
    /// All there are.
    ///
    /// ```
    /// use map_adaptive::policy::Kind;
    ///
    /// let others = Kind::ALL.into_iter().filter(|&kind| kind != Kind::Lock);
    /// assert_eq!(others.collect::<Vec<_>>(), [Kind::Sharded, Kind::ReadDirty]);
    /// ```
    pub const ALL: [Self; 3] = [Self::Lock, Self::Sharded, Self::ReadDirty];

    /// Whether its entries lie in a table under a lock, readers and writers alike taking the lock. Two such
    /// kinds differ in when they split; a switch between them moves no entries.
    ///
    /// ```
    /// use map_adaptive::policy::Kind;
    ///
    /// assert!(Kind::Lock.is_locked() && Kind::Sharded.is_locked());
    /// assert!(!Kind::ReadDirty.is_locked());
    /// ```
    #[must_use]
    pub const fn is_locked(self) -> bool {
        matches!(self, Self::Lock | Self::Sharded)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lock => "lock",
            Self::Sharded => "sharded",
            Self::ReadDirty => "read/dirty",
        })
    }
}
