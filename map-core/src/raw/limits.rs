//! How many entries a shard may hold before it splits.
//!
//! The longest pause of an insert is the split of one shard; but many shards take more of the cache from the tables than they are
//! worth, which is seen from a hundred on. (Measured: with a thousand shards of a million entries, and not half as many, lookups of keys that are not
//! there took 1.06 times as long.) So shards grow with the map, to where a split takes some tens of microseconds. In a small map it
//! depends on what they are for: [`Sizes`].

use crate::sync::REAL_FENCES;

/// A limit that no shard reaches is as good as any other.
pub(super) fn saturated(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

/// How large the shards of a small map are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// A quarter of the base. Small tables under locks are faster where entries come and go, and there are the sooner several shards for
    /// threads that write; and to split them while they are small takes less than to split them when they are large and others wait.
    Small,
    /// Until writers have met, 64 times the base: one shard is found sooner than one of several, its lock and its table lie in fewer lines of the cache, and a map
    /// that fills is moved as seldom as any. From then on, if there is an eighth of the base in it, a 64th while there are few shards: two threads that meet at one lock
    /// wait for each other, which they hardly do where there are many. (Measured with two threads: of two or four shards they have less than of either; eight are about even with one.) For maps that get no
    /// more shards because one of them is fought over.
    WholeUntilWritersMeet,
    /// The base, unless writers meet. Where readers take no lock, the way to one shard is two loads
    /// shorter, which are a fifth of a read. But where writers meet while such a map grows, one waits for each split of another, for they
    /// come by every shard while it lasts; it does not last as long, nor are they as likely to come by, if the shards are smaller: a quarter.
    LargeUntilWritersMeet,
}

/// The split limits of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(super) base: u32,
    pub(super) sizes: Sizes,
}

impl Limits {
    pub(crate) fn new(base: usize, sizes: Sizes) -> Self {
        let base = saturated(base);
        Self { base, sizes }
    }

    /// The limit that a builder is told.
    pub(crate) fn base(self) -> usize {
        self.base as usize
    }

    /// The limit of a map with so many shards, in which writers meet or do not, or have met or have not.
    pub(crate) const fn of(self, shards: usize, met: bool) -> usize {
        let base = self.base as usize;
        match (shards, self.sizes) {
            (0..64, Sizes::Small) => base.div_ceil(4),
            (0..256, Sizes::Small) => base.saturating_mul(4),
            (0..4096, Sizes::Small) => base.saturating_mul(8),
            (_, Sizes::Small) => base.saturating_mul(16),
            // In a model who meets whom would decide how many shards there are.
            (_, Sizes::WholeUntilWritersMeet) if !REAL_FENCES => base,
            (_, Sizes::WholeUntilWritersMeet) if !met => base.saturating_mul(64),
            (0..2, Sizes::WholeUntilWritersMeet) => base.div_ceil(8),
            (0..64, Sizes::WholeUntilWritersMeet) => base.div_ceil(64),
            (0..256, Sizes::WholeUntilWritersMeet) => base,
            (0..4096, Sizes::WholeUntilWritersMeet) => base.saturating_mul(2),
            (_, Sizes::WholeUntilWritersMeet) => base.saturating_mul(4),
            (2..4096, Sizes::LargeUntilWritersMeet) if met => base.div_ceil(4),
            (0..4096, Sizes::LargeUntilWritersMeet) => base,
            (_, Sizes::LargeUntilWritersMeet) => base.saturating_mul(4),
        }
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;

    #[test]
    fn shards_grow_with_the_map() {
        let shards = [1, 2, 63, 64, 255, 256, 4095, 4096];
        let limits = |sizes, met| {
            let limits = Limits::new(448, sizes);
            shards.map(|shards| limits.of(shards, met))
        };
        for met in [false, true] {
            let small = [112, 112, 112, 1792, 1792, 3584, 3584, 7168];
            assert_eq!(limits(Sizes::Small, met), small);
            let parts = [56, 7, 7, 448, 448, 896, 896, 1792];
            let whole = if met { parts } else { [64 * 448; 8] };
            assert_eq!(limits(Sizes::WholeUntilWritersMeet, met), whole);
        }
        let alone = [448, 448, 448, 448, 448, 448, 448, 1792];
        assert_eq!(limits(Sizes::LargeUntilWritersMeet, false), alone);
        let met = [448, 112, 112, 112, 112, 112, 112, 1792];
        assert_eq!(limits(Sizes::LargeUntilWritersMeet, true), met);
        for sizes in [
            Sizes::Small,
            Sizes::WholeUntilWritersMeet,
            Sizes::LargeUntilWritersMeet,
        ] {
            let most = Limits::new(usize::MAX, sizes);
            assert!(most.of(4096, false) >= u32::MAX as usize, "no overflow");
        }
    }
}
