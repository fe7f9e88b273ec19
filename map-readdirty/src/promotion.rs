//! When a dirty table becomes a read table.
//!
//! The policies differ in what a new key costs its first readers, and in how often tables are rebuilt: [`Fill`]
//! is the default, and suits maps that are read more than written to.
//!
//! ```
//! use map_core::Map;
//! use map_readdirty::ReadDirty;
//! use map_readdirty::promotion::{Amortized, Fill};
//!
//! fn misses<P: map_readdirty::Promotion>() -> u64 {
//!     let map: Map<u32, u32, ReadDirty<P>> = Map::new();
//!     for n in 0..100 {
//!         map.store(n, n);
//!         map.contains_key(&n);
//!     }
//!     map.stats().misses
//! }
//!
//! // New keys that go to a published table are found there, those that go to a dirty one are not.
//! assert!(misses::<Fill>() < misses::<Amortized>());
//! ```

/// A promotion policy: says where new keys of a shard go, and when what readers cannot see without the lock
/// is made public.
///
/// It is a type argument of [`ReadDirty`](crate::ReadDirty), asked under the shard's lock. Whatever it says,
/// the map does the same things; only the price differs.
///
/// ```
/// use map_core::Map;
/// use map_readdirty::promotion::{Promotion, Standing};
/// use map_readdirty::ReadDirty;
///
/// /// Publishes when ten reads have missed.
/// struct Tenth;
///
/// impl Promotion for Tenth {
///     const FILLS: bool = false;
///
///     fn is_due(shard: Standing) -> bool {
///         shard.misses >= 10
///     }
/// }
///
/// let map: Map<u32, u32, ReadDirty<Tenth>> = Map::new();
/// map.store(1, 10);
/// assert_eq!((0..10).filter(|_| map.contains_key(&1)).count(), 10);
/// assert_eq!(map.stats().promotions, 1);
/// ```
pub trait Promotion: 'static {
    /// Whether new keys go to free places of a published read table, which then grows as a hash table
    /// does: one larger is made and published when it is full. Otherwise they go to the dirty table, and readers that
    /// miss them in the read table take the lock, until they are promoted. An example is at [`Promotion`].
    const FILLS: bool;

    /// Whether the dirty table shall be published now: asked by a reader that had to take the lock. It waits
    /// with the lock for the answer, so that had better be some arithmetic.
    ///
    /// ```
    /// use map_readdirty::promotion::{Amortized, Plain, Promotion, Standing};
    ///
    /// /// Whichever of the two rules says so first.
    /// struct Either;
    ///
    /// impl Promotion for Either {
    ///     const FILLS: bool = false;
    ///
    ///     fn is_due(shard: Standing) -> bool {
    ///         Amortized::is_due(shard) || Plain::is_due(shard)
    ///     }
    /// }
    ///
    /// let map: map_core::Map<u32, u32, map_readdirty::ReadDirty<Either>> = (0..4).map(|n| (n, n)).collect();
    /// assert!((0..4).all(|n| map.contains_key(&n)) && map.stats().promotions > 0);
    /// ```
    fn is_due(shard: Standing) -> bool;
}

/// How a shard stands, seen by a reader that took the lock.
///
/// ```
/// use map_core::Map;
/// use map_readdirty::ReadDirty;
/// use map_readdirty::promotion::{Plain, Promotion, Standing};
///
/// /// Publishes small tables at once.
/// struct Eager;
///
/// impl Promotion for Eager {
///     const FILLS: bool = false;
///
///     fn is_due(shard: Standing) -> bool {
///         shard.dirty < 8 || Plain::is_due(shard)
///     }
/// }
///
/// let map: Map<u32, u32, ReadDirty<Eager>> = (0..4).map(|n| (n, n)).collect();
/// assert!(map.contains_key(&1));
/// assert_eq!(map.stats().promotions, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Reads that took the lock since the dirty table was made, this one included.
    pub misses: usize,
    /// Entries of the dirty table.
    pub dirty: usize,
    /// Entries of the read table; none if there is no read table.
    pub read: usize,
}

impl Standing {
    pub(crate) fn new(misses: usize, dirty: usize, read: usize) -> Self {
        Self {
            misses,
            dirty,
            read,
        }
    }
}

/// The default: a shard is published at the first read, which costs nothing since the dirty table becomes the
/// read table as it is; from then on new keys fill the read table, so that readers never take the lock.
///
/// ```
/// use map_readdirty::{ReadDirty, promotion::Fill};
///
/// let map: map_core::Map<u32, u32, ReadDirty<Fill>> = map_core::Map::new();
/// map.store(1, 10);
/// assert!(map.contains_key(&1));
/// assert_eq!(map.stats().promotions, 1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fill;

impl Promotion for Fill {
    const FILLS: bool = true;

    fn is_due(_shard: Standing) -> bool {
        true
    }
}

/// Promotes when the misses have paid for it: as many as the dirty table has entries, and an eighth of those that
/// the read table has. New keys go to the dirty table, and published tables have no traces of them until then.
///
/// ```
/// use map_readdirty::{ReadDirty, promotion::Amortized};
///
/// let map: map_core::Map<u32, u32, ReadDirty<Amortized>> = map_core::Map::new();
/// map.store(1, 10);
/// assert!(map.contains_key(&1));
/// assert_eq!(map.stats().promotions, 1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Amortized;

impl Promotion for Amortized {
    const FILLS: bool = false;

    fn is_due(shard: Standing) -> bool {
        shard.misses >= shard.dirty.max(shard.read / 8)
    }
}

/// The rule of Go's `sync.Map` before version 1.24: promotes after as many misses as the dirty table has
/// entries. (There the dirty table has all entries, so promotion is a swap of pointers, but the next new key copies the
/// read table. Here it has the new ones alone, and promotion copies.)
///
/// ```
/// use map_readdirty::{ReadDirty, promotion::Plain};
///
/// let map: map_core::Map<u32, u32, ReadDirty<Plain>> = map_core::Map::new();
/// map.store(1, 10);
/// assert!(map.contains_key(&1));
/// assert_eq!(map.stats().promotions, 1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Promotion for Plain {
    const FILLS: bool = false;

    fn is_due(shard: Standing) -> bool {
        shard.misses >= shard.dirty
    }
}
