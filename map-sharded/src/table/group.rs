//! Several control bytes, looked at together.
//!
//! A control byte tells what is in a bucket:
//!
//! | value | means |
//! |---|---|
//! | `0x00..=0x7e` | an entry, and this is the [tag](Tag) of its hash |
//! | [`DELETED`] | nothing any more, but a search goes on |
//! | [`EMPTY`] | nothing, ever since the table was made: a search ends here |
//!
//! So an empty bucket is the only one with the high bit, and a search need not compare for it. (In hashbrown's tables both have
//! it, and tags are seven bits.)

/// See the [module](self).
pub(super) const EMPTY: u8 = 0x80;
/// See the [module](self).
pub(super) const DELETED: u8 = 0x7f;

/// The tag of a hash: to which of so many parts of all hashes as there are tags it belongs, by its top sixteen bits.
#[cfg(any(
    test,
    not(all(
        target_arch = "x86_64",
        target_feature = "sse2",
        not(any(miri, portable_group))
    ))
))]
#[inline(always)]
fn tag(hash: u64) -> u8 {
    (((hash >> 48) * u64::from(DELETED)) >> 16) as u8
}

/// Whether there is an entry.
#[inline(always)]
pub(super) fn is_full(control: u8) -> bool {
    control < DELETED
}

/// The control byte of a bucket that has become vacant.
#[inline(always)]
pub(super) fn vacated(is_empty: bool) -> u8 {
    const { assert!(DELETED + 1 == EMPTY) };
    DELETED + u8::from(is_empty)
}

/// Some positions within a group, lowest first: in `$Bits`, where each takes `1 << $shift` bits of which at most the highest is set.
macro_rules! positions {
    ($Bits:ty, $shift:literal) => {
        #[derive(Clone, Copy)]
        pub(in super::super) struct Positions($Bits);

        impl Positions {
            #[inline(always)]
            pub(in super::super) fn is_empty(self) -> bool {
                self.0 == 0
            }

            #[inline(always)]
            pub(in super::super) fn lowest(self) -> Option<usize> {
                (self.0 != 0).then(|| (self.0.trailing_zeros() >> $shift) as usize)
            }

            /// The others, if there is one.
            #[inline(always)]
            pub(in super::super) fn above_lowest(self) -> Self {
                Self(self.0 & self.0.wrapping_sub(1))
            }

            /// Whether from the highest of these to the lowest of `next`, those of the next group, there are fewer positions than a group
            /// has, both not counted.
            #[inline(always)]
            pub(in super::super) fn are_near(self, next: Self) -> bool {
                // They are if the lowest of `next` stands no higher in its group than the highest of these in its own: if, as numbers, the
                // former's bit is at most all of these bits. Less one, for none at all then is the largest number, and never near; nor
                // is anything to a zero.
                let lowest = next.0 & next.0.wrapping_neg();
                lowest.wrapping_sub(1) < self.0
            }
        }

        impl Iterator for Positions {
            type Item = usize;

            #[inline(always)]
            fn next(&mut self) -> Option<usize> {
                let lowest = self.lowest()?;
                *self = self.above_lowest();
                Some(lowest)
            }
        }
    };
}

#[cfg(all(
    target_arch = "x86_64",
    target_feature = "sse2",
    not(any(miri, portable_group))
))]
pub(super) use sse2::{Group, Positions, Tag};
#[cfg(not(all(
    target_arch = "x86_64",
    target_feature = "sse2",
    not(any(miri, portable_group))
)))]
pub(super) use word::{Group, Positions, Tag};

/// Sixteen bytes in a register.
#[cfg(all(
    target_arch = "x86_64",
    target_feature = "sse2",
    not(any(miri, portable_group))
))]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi8, _mm_cmpeq_epi8, _mm_cvtsi64_si128, _mm_cvtsi128_si32,
        _mm_loadu_si128, _mm_movemask_epi8, _mm_mulhi_epu16, _mm_set1_epi8, _mm_set1_epi16,
        _mm_shuffle_epi32, _mm_shufflehi_epi16, _mm_unpacklo_epi8,
    };

    use super::DELETED;

    positions!(u32, 0);

    /// The tag of a hash, in each byte.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Tag(__m128i);

    impl Tag {
        #[inline(always)]
        pub(in super::super) fn of(hash: u64) -> Self {
            // SAFETY: this is compiled where all processors have SSE2.
            Self(unsafe {
                let hash = _mm_cvtsi64_si128(hash.cast_signed());
                // The tag is the highest of four words, and the low byte of that. Twice that byte is the seventh of eight words.
                let tag = _mm_mulhi_epu16(hash, _mm_set1_epi16(DELETED as i16));
                let twice = _mm_unpacklo_epi8(tag, tag);
                _mm_shuffle_epi32::<0b11_11_11_11>(_mm_shufflehi_epi16::<0b10_10_10_10>(twice))
            })
        }

        /// The tag.
        #[inline(always)]
        pub(in super::super) fn byte(self) -> u8 {
            // SAFETY: as above.
            unsafe { _mm_cvtsi128_si32(self.0) as u8 }
        }
    }

    #[derive(Clone, Copy)]
    pub(in super::super) struct Group(__m128i);

    impl Group {
        pub(in super::super) const WIDTH: usize = 16;

        /// # Safety
        ///
        /// 1. [`Self::WIDTH`] bytes can be read there.
        #[inline(always)]
        pub(in super::super) unsafe fn load(at: *const u8) -> Self {
            // SAFETY: by (1).
            Self(unsafe { _mm_loadu_si128(at.cast()) })
        }

        #[inline(always)]
        fn high_bits(bytes: __m128i) -> u32 {
            // SAFETY: this is compiled where all processors have SSE2.
            unsafe { _mm_movemask_epi8(bytes) }.cast_unsigned()
        }

        /// Where that tag is.
        #[inline(always)]
        pub(in super::super) fn matches(self, tag: Tag) -> Positions {
            // SAFETY: as above.
            Positions(Self::high_bits(unsafe { _mm_cmpeq_epi8(self.0, tag.0) }))
        }

        /// Where nothing ever was.
        #[inline(always)]
        pub(in super::super) fn empty(self) -> Positions {
            Positions(Self::high_bits(self.0))
        }

        /// Where nothing is.
        #[inline(always)]
        pub(in super::super) fn vacant(self) -> Positions {
            // One more than a tag has no high bit.
            // SAFETY: as above.
            let more = unsafe { _mm_add_epi8(self.0, _mm_set1_epi8(1)) };
            Positions(Self::high_bits(more))
        }

        /// Where entries are.
        #[inline(always)]
        pub(in super::super) fn full(self) -> Positions {
            Positions(self.vacant().0 ^ 0xffff)
        }
    }
}

/// Eight bytes in a word, for processors of whose vectors we know nothing; and for tests of it on others, with `--cfg portable_group`.
#[cfg(any(
    test,
    not(all(
        target_arch = "x86_64",
        target_feature = "sse2",
        not(any(miri, portable_group))
    ))
))]
mod word {
    positions!(u64, 3);

    /// The tag of a hash.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Tag(u8);

    impl Tag {
        #[inline(always)]
        pub(in super::super) fn of(hash: u64) -> Self {
            Self(super::tag(hash))
        }

        /// The tag.
        #[inline(always)]
        pub(in super::super) fn byte(self) -> u8 {
            self.0
        }
    }

    #[derive(Clone, Copy)]
    pub(in super::super) struct Group(u64);

    /// A byte, eight times.
    const fn all(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }

    impl Group {
        pub(in super::super) const WIDTH: usize = 8;

        /// # Safety
        ///
        /// 1. [`Self::WIDTH`] bytes can be read there.
        #[inline(always)]
        pub(in super::super) unsafe fn load(at: *const u8) -> Self {
            // SAFETY: by (1).
            Self(u64::from_le(unsafe { at.cast::<u64>().read_unaligned() }))
        }

        /// Where that tag is.
        #[inline(always)]
        pub(in super::super) fn matches(self, tag: Tag) -> Positions {
            // Exactly there, for a deleted bucket is not to be looked at: so nothing is carried from byte to byte.
            let difference = self.0 ^ all(tag.0);
            let low_bits = (difference & all(0x7f)) + all(0x7f);
            Positions(!(low_bits | difference) & all(0x80))
        }

        /// Where nothing ever was.
        #[inline(always)]
        pub(in super::super) fn empty(self) -> Positions {
            Positions(self.0 & all(0x80))
        }

        /// Where nothing is.
        #[inline(always)]
        pub(in super::super) fn vacant(self) -> Positions {
            // One more than a tag has no high bit.
            let more = (self.0 & all(0x7f)) + all(0x01);
            Positions((more | self.0) & all(0x80))
        }

        /// Where entries are.
        #[inline(always)]
        pub(in super::super) fn full(self) -> Positions {
            Positions(self.vacant().0 ^ all(0x80))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash of this tag.
    fn hash(tag: u8) -> u64 {
        let hash = (u64::from(tag) << 16).div_ceil(u64::from(DELETED)) << 48;
        assert_eq!(super::tag(hash), tag);
        hash
    }

    /// What a group of such tags answers, byte by byte.
    macro_rules! agrees {
        ($Group:ty, $Tag:ty) => {
            const WIDTH: usize = <$Group>::WIDTH;
            let mut random = fastrand::Rng::with_seed(7);
            for _ in 0..(if cfg!(miri) { 20 } else { 20_000 }) {
                let bytes: [u8; 2 * WIDTH] = std::array::from_fn(|_| match random.u8(..8) {
                    0 => EMPTY,
                    1 | 2 => DELETED,
                    3 => DELETED - 1,
                    _ => random.u8(..4),
                });
                // SAFETY: 1. There are as many, twice.
                let (group, next) = unsafe {
                    (
                        <$Group>::load(bytes.as_ptr()),
                        <$Group>::load(bytes.as_ptr().add(WIDTH)),
                    )
                };
                let at = |is: &dyn Fn(u8) -> bool| -> Vec<usize> {
                    (0..WIDTH).filter(|n| is(bytes[*n])).collect()
                };
                let empty = at(&|b| b == EMPTY);
                assert_eq!(group.empty().collect::<Vec<_>>(), empty);
                assert_eq!(group.empty().is_empty(), empty.is_empty());
                assert_eq!(group.vacant().collect::<Vec<_>>(), at(&|b| !is_full(b)));
                assert_eq!(group.full().collect::<Vec<_>>(), at(&is_full));
                for tag in [0, 1, 3, DELETED - 1] {
                    let tagged = at(&|b| b == tag);
                    let found: Vec<_> = group.matches(<$Tag>::of(hash(tag))).collect();
                    assert_eq!(found, tagged);
                }
                // How many are not empty in a row, from the middle both ways.
                let (before, behind) = bytes.split_at(WIDTH);
                let run = before.iter().rev().take_while(|b| **b != EMPTY).count()
                    + behind.iter().take_while(|b| **b != EMPTY).count();
                assert_eq!(group.empty().are_near(next.empty()), run < WIDTH);
            }
            for _ in 0..1000 {
                let hash = random.u64(..);
                assert_eq!(<$Tag>::of(hash).byte(), super::tag(hash));
                assert!(is_full(super::tag(hash)));
            }
            assert_eq!(<$Tag>::of(!0).byte(), DELETED - 1);
        };
    }

    #[test]
    fn a_word_answers_as_its_bytes() {
        agrees!(word::Group, word::Tag);
    }

    #[test]
    fn the_group_in_use_answers_as_its_bytes() {
        agrees!(Group, Tag);
    }
}
