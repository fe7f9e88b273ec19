//! What lies under a shard's lock, and what an operation will do to it.

use std::marker::PhantomData;

/// What lies under a shard's lock.
///
/// ```
/// use map_core::strategy::Table;
///
/// /// Entries in a list, and removed ones beside them.
/// #[derive(Default)]
/// struct List {
///     entries: Vec<(u32, String)>,
///     removed: Vec<String>,
/// }
///
/// impl Table for List {
///     type Waste = Vec<String>;
///
///     fn len(&self) -> usize {
///         self.entries.len()
///     }
///
///     fn take_waste(&mut self) -> Vec<String> {
///         std::mem::take(&mut self.removed)
///     }
/// }
///
/// let mut list = List::default();
/// list.removed.push("one".to_owned());
/// assert!(list.is_empty());
/// assert_eq!(list.take_waste(), ["one"]);
/// assert!(list.take_waste().is_empty());
/// ```
pub trait Table: Default {
    /// Promises that readers may be shown a copy of it, bit by bit: see [`Copied`]. Then the shards of a map may have lanes for readers.
    ///
    /// ```
    /// use map_core::strategy::Table;
    ///
    /// assert!(<map_sharded::Entries<u32, u32> as Table>::COPIED.is_some());
    /// ```
    const COPIED: Option<Copied<Self>> = None;

    /// The number of entries. Cheap: it is asked at the end of every exclusive hold.
    ///
    /// ```
    /// use map_core::strategy::Table;
    ///
    /// fn is_larger<L: Table>(one: &L, other: &L) -> bool {
    ///     one.len() > other.len()
    /// }
    /// assert!(!is_larger(&map_sharded::Entries::<u32, u32>::default(), &Default::default()));
    /// ```
    fn len(&self) -> usize;

    /// Whether there are no entries. Costs what [`len`](Self::len) does.
    ///
    /// ```
    /// use map_core::strategy::Table;
    ///
    /// assert!(map_sharded::Entries::<u32, u32>::default().is_empty());
    /// ```
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What has been removed without being handed to anybody, and may run the user's `Drop` when it
    /// goes: `()` where there is no such thing.
    type Waste;

    /// Whether there is any waste. It is asked at the end of every exclusive hold.
    ///
    /// ```
    /// use map_core::strategy::Table;
    ///
    /// // What is removed from these shards is handed out at once.
    /// assert!(!map_sharded::Entries::<u32, u32>::default().has_waste());
    /// ```
    fn has_waste(&self) -> bool {
        true
    }

    /// Takes the waste out, at the end of an exclusive hold; it is dropped once the lock is free.
    ///
    /// ```
    /// use map_core::strategy::Table;
    ///
    /// /// What leaves the shard is dropped here, where no lock is held.
    /// fn unload<L: Table>(mut locked: L) -> L {
    ///     drop(locked.take_waste());
    ///     locked
    /// }
    /// assert_eq!(unload(map_sharded::Entries::<u32, u32>::default()).len(), 0);
    /// ```
    fn take_waste(&mut self) -> Self::Waste;

    /// Where what [`prefetch`](Self::prefetch) asks for lies, in a word; 0 where it would ask for nothing. Cheap, without a lock or a panic:
    /// it is asked now and then while other locks are held, above all where writers meet.
    ///
    /// ```
    /// use map_core::strategy::Table;
    ///
    /// // There is no memory yet.
    /// assert_eq!(map_sharded::Entries::<u32, u32>::default().locator(), 0);
    /// ```
    #[inline]
    fn locator(&self) -> usize {
        0
    }

    /// Has the cache lines fetched that an operation on `hash` will want, without the lock, of the table that has this locator or had
    /// it once: it may be any. Nothing is read or written, nor waited for.
    ///
    /// ```
    /// use map_core::strategy::{Access, Table};
    ///
    /// // Nothing comes of it.
    /// <map_sharded::Entries<u32, u32> as Table>::prefetch(0, 7, Access::Read);
    /// ```
    #[inline(always)]
    fn prefetch(locator: usize, hash: u64, access: Access) {
        let _ = (locator, hash, access);
    }
}

/// The promise that what lies under a lock may be read by copies.
///
/// ```
/// use map_core::strategy::{Copied, Table};
///
/// /// Some entries, which belong to somebody else.
/// #[derive(Default)]
/// struct Borrowed(&'static [(u32, u32)]);
///
/// impl Table for Borrowed {
///     // SAFETY: 1., 2. It is but a shared reference.
///     const COPIED: Option<Copied<Self>> = Some(unsafe { Copied::promise() });
///     type Waste = ();
///     fn take_waste(&mut self) {}
///     fn len(&self) -> usize {
///         self.0.len()
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Copied<L>(PhantomData<fn(L) -> L>);

impl<L> Copied<L> {
    /// Gives the promise for this type, and no other.
    ///
    /// # Safety
    ///
    /// As long as a value of the type is not changed, moved or dropped, all that can be done with a shared reference to it can be done with one to a bitwise
    /// copy of it, at the same time, on whatever threads:
    ///
    /// 1. Nothing in the value itself can change through a shared reference.
    /// 2. What it owns it has by raw pointers (or by what is made of these, as a `Vec` is), and not in a `Box` nor by a `&mut`, beside which nothing else may point there.
    #[must_use]
    #[expect(unsafe_code, reason = "what it promises nobody else can check")]
    pub const unsafe fn promise() -> Self {
        Self(PhantomData)
    }
}

/// What an operation will do to an entry: see [`Table::prefetch`].
///
/// ```
/// use map_core::strategy::Access;
///
/// assert_ne!(Access::Read, Access::Write);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It reads it.
    Read,
    /// It writes to it.
    Write,
}
