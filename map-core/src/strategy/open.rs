//! What readers may look at without a shard's lock.

#[expect(unused_imports, reason = "for links, in other crates' pages too")]
use super::Strategy;

/// What readers may look at without a shard's lock.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use map_core::strategy::Open;
///
/// /// A count that all shards of a map share, and one that each has for itself.
/// #[derive(Default)]
/// struct Counts {
///     of_map: Arc<AtomicU64>,
///     of_shard: AtomicU64,
/// }
///
/// impl Open for Counts {
///     fn sibling(&self) -> Self {
///         Self { of_map: Arc::clone(&self.of_map), of_shard: AtomicU64::new(0) }
///     }
/// }
///
/// let shard = Counts::default();
/// shard.sibling().of_map.fetch_add(1, Ordering::Relaxed);
/// assert_eq!(shard.of_map.load(Ordering::Relaxed), 1);
/// # assert_eq!(shard.of_shard.load(Ordering::Relaxed), 0);
/// ```
pub trait Open: Default {
    /// What another shard of the same map has. What the shards of a map share, they share so. Asked for when
    /// memory for more shards is made, once for each; it may allocate.
    ///
    /// ```
    /// use map_core::strategy::Open;
    ///
    /// /// The open parts of so many shards of one map.
    /// fn siblings<O: Open>(many: usize) -> Vec<O> {
    ///     let first = O::default();
    ///     let mut all: Vec<O> = (1..many).map(|_| first.sibling()).collect();
    ///     all.push(first);
    ///     all
    /// }
    /// assert_eq!(siblings::<()>(4).len(), 4);
    /// ```
    #[must_use]
    fn sibling(&self) -> Self;

    /// Whether shards may have something here for readers without the lock, while others of the same map have not. The front then
    /// remembers of which of them [`has_read_table`](Self::has_read_table) said so.
    ///
    /// ```
    /// use map_core::strategy::Open;
    ///
    /// assert!(!<() as Open>::MAY_HAVE_READ_TABLE);
    /// ```
    const MAY_HAVE_READ_TABLE: bool = false;

    /// Whether this shard has, or had a moment ago, so that readers had better be ready for either. Asked when it was
    /// [changed](Strategy::change), split or merged, under its lock, and mostly one of the map: it had better be quick, and must not use the map.
    ///
    /// ```
    /// use map_core::strategy::Open;
    ///
    /// assert!(!().has_read_table());
    /// ```
    fn has_read_table(&self) -> bool {
        false
    }
}

impl Open for () {
    fn sibling(&self) {}
}
