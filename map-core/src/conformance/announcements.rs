//! Readers that announce themselves, seen from their own thread.

use crate::lock::slots;

/// How many announcements of this thread there are: the reads in which it is, and the guards it was given, that announced
/// themselves and did not count themselves in a lock.
///
/// ```
/// use map_core::ReadBias;
/// use map_core::conformance::announcements::announced_here;
/// use map_sharded::ShardedMap;
///
/// let map = ShardedMap::builder().read_bias(ReadBias::Never).build()?;
/// map.insert(7, "seven");
/// assert_eq!(map.get_with(&7, |_, _| announced_here()), Some(0));
/// # Ok::<(), map_core::BuildError>(())
/// ```
#[must_use]
pub fn announced_here() -> usize {
    slots::announced_here()
}
