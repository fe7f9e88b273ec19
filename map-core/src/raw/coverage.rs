//! Which hashes a shard covers.

/// The top bits of a hash are what tables tell its entries by before they compare keys: their tags. If they
/// also picked the shard, all tags of a shard would be alike and every probe would compare keys
/// for nothing; so the shard is picked by the bits below these seven. (The tags of locked shards depend on some bits below, too; but for
/// any choice of those the seven make all tags but one.)
const TAG_BITS: u32 = 7;

/// Shards are not split further than this; beyond it a shard just grows.
///
/// ```
/// use map_core::strategy::{Coverage, MAX_DEPTH};
///
/// let deepest = (0..MAX_DEPTH).fold(Coverage::ALL, |whole, _| whole.half(false));
/// assert_eq!(deepest.depth(), MAX_DEPTH);
/// ```
pub const MAX_DEPTH: u32 = 32 - TAG_BITS;

/// Where a hash stands among all shards: its bits below the tag, left-aligned below a zero. Shards
/// cover intervals of positions, and a walk over a map goes through the positions in order. Two shifts.
///
/// ```
/// use map_core::strategy::{hash_at, position};
///
/// assert_eq!(position(hash_at(640)), 640);
/// // A hash's seven top bits, which make tags, do not matter.
/// assert_eq!(position(5), position(5 | 0x7f << 57));
/// ```
#[inline]
pub const fn position(hash: u64) -> u64 {
    // The zero in front makes `63 - depth` the distance that leaves `depth` bits, for 0 too.
    below_tag(hash) >> 1
}

/// The bits below the tag, left-aligned: a position without the zero in front.
#[inline]
pub(super) const fn below_tag(hash: u64) -> u64 {
    hash << TAG_BITS
}

/// A hash that stands at `position`. Two shifts.
///
/// ```
/// use map_core::strategy::{Coverage, hash_at};
///
/// let upper = Coverage::ALL.half(true);
/// assert!(upper.covers(hash_at(upper.start())));
/// ```
#[inline]
pub const fn hash_at(position: u64) -> u64 {
    position << 1 >> TAG_BITS
}

/// The end of all positions.
const END: u64 = 1 << 63;

/// Which hashes a shard covers, or covered when it was asked.
///
/// An interval of positions: all that share their first `depth` bits. That is asked after every lookup that finds nothing, so it is kept
/// as the two things that the question takes: a mask, and what the mask leaves of the upper half of each hash that belongs here.
///
/// All that is asked of it is some arithmetic on them.
///
/// ```
/// use map_core::strategy::{Coverage, hash_at};
///
/// let (lower, upper) = (Coverage::ALL.half(false), Coverage::ALL.half(true));
/// assert_eq!(lower.end(), Some(upper.start()));
/// assert_ne!(lower.covers(7), upper.covers(7), "each hash belongs to one of them");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Coverage {
    // In the order that makes both one word with the shared bits above: see `bits`.
    #[cfg(target_endian = "big")]
    shared: u32,
    /// As many bits below the tag as are shared.
    mask: u32,
    /// These bits. In `NOTHING` alone one that the mask has not.
    #[cfg(target_endian = "little")]
    shared: u32,
}

/// Of the upper half of a hash, the bits below the tag.
const BELOW_TAG: u32 = !0 >> TAG_BITS;

impl Coverage {
    /// Covers every hash: the only shard of a map.
    ///
    /// ```
    /// use map_core::strategy::Coverage;
    ///
    /// assert!(Coverage::ALL.covers(0) && Coverage::ALL.covers(u64::MAX));
    /// ```
    pub const ALL: Self = Self { mask: 0, shared: 0 };
    /// Covers no hash: a header that is out of use.
    pub(crate) const NOTHING: Self = Self {
        mask: 0,
        shared: !BELOW_TAG,
    };

    /// From the word that it is in memory.
    #[inline]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self {
            mask: bits as u32,
            shared: (bits >> 32) as u32,
        }
    }

    /// The word that it is in memory.
    #[inline]
    pub(crate) const fn bits(self) -> u64 {
        (self.shared as u64) << 32 | self.mask as u64
    }

    /// Whether no hash belongs here: the shard is out of use, or about to be put to use. One comparison.
    ///
    /// ```
    /// use map_core::strategy::Coverage;
    ///
    /// assert!(!Coverage::ALL.is_nothing());
    /// ```
    #[must_use]
    pub const fn is_nothing(self) -> bool {
        self.shared == Self::NOTHING.shared
    }

    /// Whether a hash belongs here. Some arithmetic, without a branch.
    ///
    /// ```
    /// use map_core::strategy::{Coverage, hash_at};
    ///
    /// let lower = Coverage::ALL.half(false);
    /// assert!(lower.covers(hash_at(lower.start())));
    /// ```
    #[inline(always)]
    #[must_use]
    pub const fn covers(self, hash: u64) -> bool {
        (hash >> 32) as u32 & self.mask == self.shared
    }

    /// How many bits the covered positions share. As many as splits led here from [`ALL`](Self::ALL); of what [is
    /// nothing](Self::is_nothing) none.
    ///
    /// ```
    /// use map_core::strategy::Coverage;
    ///
    /// assert_eq!(Coverage::ALL.depth(), 0);
    /// assert_eq!(Coverage::ALL.half(true).half(false).depth(), 2);
    /// ```
    #[must_use]
    pub const fn depth(self) -> u32 {
        self.mask.count_ones()
    }

    /// The first position covered. Two shifts.
    ///
    /// ```
    /// use map_core::strategy::Coverage;
    ///
    /// assert_eq!(Coverage::ALL.half(false).start(), 0);
    /// assert_eq!(Coverage::ALL.half(true).start(), 1 << 62);
    /// ```
    #[must_use]
    pub const fn start(self) -> u64 {
        position((self.shared as u64) << 32)
    }

    /// The first position behind the covered ones; `None` at the end of all positions. Some arithmetic.
    ///
    /// ```
    /// use map_core::strategy::Coverage;
    ///
    /// assert_eq!(Coverage::ALL.half(false).end(), Some(1 << 62));
    /// assert_eq!(Coverage::ALL.end(), None);
    /// ```
    #[must_use]
    pub const fn end(self) -> Option<u64> {
        match self.start() + (1 << (63 - self.depth())) {
            END => None,
            end => Some(end),
        }
    }

    /// The half with a zero, or the half with a one, behind the shared bits. Some arithmetic.
    ///
    /// # Panics
    ///
    /// At the depth beyond which nothing is split, and if it [is nothing](Self::is_nothing).
    ///
    /// ```
    /// use map_core::strategy::Coverage;
    ///
    /// let upper = Coverage::ALL.half(true);
    /// assert_eq!((upper.start(), upper.end()), (1 << 62, None));
    /// ```
    #[must_use]
    pub const fn half(self, upper: bool) -> Self {
        let depth = self.depth();
        assert!(depth < MAX_DEPTH, "split only above the depth limit");
        assert!(!self.is_nothing(), "nothing has no halves");
        let bit = 1 << (MAX_DEPTH - 1 - depth);
        Self {
            mask: self.mask | bit,
            shared: if upper {
                self.shared | bit
            } else {
                self.shared
            },
        }
    }

    /// The bit in which this differs from its buddy, the last of the shared ones; 0 for [`ALL`](Self::ALL).
    const fn last_bit(self) -> u32 {
        self.mask & self.mask.wrapping_neg()
    }

    /// The interval that splits into this one and its buddy. Some arithmetic; `None` for [`ALL`](Self::ALL).
    ///
    /// ```
    /// use map_core::strategy::Coverage;
    ///
    /// assert_eq!(Coverage::ALL.half(true).parent(), Some(Coverage::ALL));
    /// assert_eq!(Coverage::ALL.parent(), None);
    /// ```
    #[must_use]
    pub const fn parent(self) -> Option<Self> {
        match self.last_bit() {
            0 => None,
            bit => Some(Self {
                mask: self.mask & !bit,
                shared: self.shared & !bit,
            }),
        }
    }

    /// The other half of the parent.
    pub(crate) const fn buddy(self) -> Option<Self> {
        match self.last_bit() {
            0 => None,
            bit => Some(Self {
                mask: self.mask,
                shared: self.shared ^ bit,
            }),
        }
    }
}

/// Some positions in a row: what is left of a walk.
///
/// The front makes them, for [`Strategy::visit`](crate::Strategy::visit) and
/// [`for_each`](crate::Strategy::for_each). Each question is a comparison or two.
///
/// ```
/// use map_core::strategy::{Coverage, Span, position};
///
/// /// Which of a shard's hashes a walk still wants.
/// fn wanted(span: Span, shard: Coverage, hashes: &[u64]) -> Vec<u64> {
///     if span.contains_all(shard) {
///         return hashes.to_vec();
///     }
///     hashes.iter().copied().filter(|&hash| span.contains(position(hash))).collect()
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Span {
    from: u64,
    to: u64,
}

impl Span {
    pub(crate) const fn new(from: u64, end: Option<u64>) -> Self {
        let to = match end {
            Some(end) => end,
            None => END,
        };
        Self { from, to }
    }

    /// The first position. Costs nothing.
    ///
    /// ```
    /// use map_core::strategy::{Coverage, Span, hash_at};
    ///
    /// /// Whether a shard is the one to go on with.
    /// fn is_next(span: Span, shard: Coverage) -> bool {
    ///     shard.covers(hash_at(span.from()))
    /// }
    /// ```
    #[must_use]
    pub const fn from(self) -> u64 {
        self.from
    }

    /// Whether it has a position. Two comparisons.
    ///
    /// ```
    /// use map_core::strategy::{Span, position};
    ///
    /// /// Whether a walk still wants an entry of this hash.
    /// fn is_wanted(span: Span, hash: u64) -> bool {
    ///     span.contains(position(hash))
    /// }
    /// ```
    #[inline]
    #[must_use]
    pub const fn contains(self, position: u64) -> bool {
        self.from <= position && position < self.to
    }

    /// Whether it has all positions that are covered. Two comparisons: then no entry of that shard need be
    /// looked at.
    ///
    /// ```
    /// use map_core::strategy::{Coverage, Span, position};
    ///
    /// /// Whether a walk still wants an entry of this hash, of a shard.
    /// fn is_wanted(span: Span, shard: Coverage, hash: u64) -> bool {
    ///     span.contains_all(shard) || span.contains(position(hash))
    /// }
    /// ```
    #[must_use]
    pub const fn contains_all(self, coverage: Coverage) -> bool {
        let end = match coverage.end() {
            Some(end) => end,
            None => END,
        };
        self.from <= coverage.start() && end <= self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_part_their_parent() {
        let mut whole = Coverage::ALL;
        for step in 0..MAX_DEPTH {
            let (lower, upper) = (whole.half(false), whole.half(true));
            assert_eq!(lower.parent().map(Coverage::bits), Some(whole.bits()));
            assert_eq!(upper.parent().map(Coverage::bits), Some(whole.bits()));
            assert_eq!(lower.buddy().map(Coverage::bits), Some(upper.bits()));
            assert_eq!(lower.start(), whole.start());
            assert_eq!(lower.end(), Some(upper.start()));
            assert_eq!(upper.end(), whole.end());
            assert_eq!(lower.depth(), step + 1);
            for hash in [hash_at(upper.start()), hash_at(upper.start()) | 0x7f << 57] {
                assert!(whole.covers(hash) && upper.covers(hash) && !lower.covers(hash));
            }
            let last_lower = hash_at(upper.start() - 1);
            assert!(whole.covers(last_lower) && lower.covers(last_lower));
            assert!(!upper.covers(last_lower));
            whole = if step % 3 == 0 { lower } else { upper };
        }
    }

    #[test]
    fn nothing_covers_nothing_and_all_covers_all() {
        for hash in [
            0,
            1,
            u64::MAX,
            1 << 57,
            (1 << 57) - 1,
            0x1234_5678_9abc_def0,
        ] {
            assert!(Coverage::ALL.covers(hash));
            assert!(!Coverage::NOTHING.covers(hash));
        }
        assert!(Coverage::NOTHING.is_nothing() && !Coverage::ALL.is_nothing());
        assert_eq!(Coverage::NOTHING.parent(), None);
        assert_eq!(Coverage::NOTHING.buddy(), None);
    }

    #[test]
    #[should_panic = "nothing has no halves"]
    fn nothing_is_not_divided() {
        let _ = Coverage::NOTHING.half(true);
    }

    #[test]
    fn in_memory_it_is_the_word_of_its_bits() {
        let some = Coverage::ALL.half(true).half(false).half(true);
        for coverage in [Coverage::ALL, Coverage::NOTHING, some] {
            assert_eq!(Coverage::from_bits(coverage.bits()), coverage);
            let word = coverage.bits().to_ne_bytes();
            let halves = match cfg!(target_endian = "little") {
                true => [coverage.mask, coverage.shared],
                false => [coverage.shared, coverage.mask],
            };
            assert_eq!(word, *halves.map(u32::to_ne_bytes).as_flattened());
            assert_eq!(
                std::mem::offset_of!(Coverage, mask) == 0,
                cfg!(target_endian = "little")
            );
        }
    }
}
