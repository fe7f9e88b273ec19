//! Several control bytes, looked at together.
//!
//! A control byte tells what is in a bucket:
//!
//! | value | means |
//! |---|---|
//! | `0x00..=0x7f` | an entry, of whose hash these are the top seven bits: its *tag* |
//! | [`EMPTY`] | nothing, ever since the table was made: a search ends here |
//! | [`DELETED`] | nothing any more, but a search goes on |

/// See the [module](self).
pub(super) const EMPTY: u8 = 0xff;
/// See the [module](self).
pub(super) const DELETED: u8 = 0x80;

/// The tag of an entry of this hash.
#[inline(always)]
pub(super) fn tag(hash: u64) -> u8 {
    (hash >> 57) as u8
}

/// Whether there is an entry.
#[inline(always)]
pub(super) fn is_full(control: u8) -> bool {
    control & 0x80 == 0
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

            /// How many positions there are below the lowest; all of a group's, if there is none.
            #[inline(always)]
            pub(in super::super) fn below(self) -> usize {
                self.lowest().unwrap_or(Group::WIDTH)
            }

            /// How many positions there are above the highest; all of a group's, if there is none.
            #[inline(always)]
            pub(in super::super) fn above(self) -> usize {
                // Of the bits, those that belong to no position are above.
                let none = <$Bits>::BITS as usize - (Group::WIDTH << $shift);
                (self.0.leading_zeros() as usize - none) >> $shift
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
pub(super) use sse2::{Group, Positions};
#[cfg(not(all(
    target_arch = "x86_64",
    target_feature = "sse2",
    not(any(miri, portable_group))
)))]
pub(super) use word::{Group, Positions};

/// Sixteen bytes in a register.
#[cfg(all(
    target_arch = "x86_64",
    target_feature = "sse2",
    not(any(miri, portable_group))
))]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8,
    };

    use super::EMPTY;

    positions!(u32, 0);

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
        fn equal(self, byte: u8) -> Positions {
            // SAFETY: this is compiled where all processors have SSE2.
            let bits = unsafe {
                _mm_movemask_epi8(_mm_cmpeq_epi8(self.0, _mm_set1_epi8(byte.cast_signed())))
            };
            Positions(bits.cast_unsigned())
        }

        #[inline(always)]
        fn high_bits(self) -> u32 {
            // SAFETY: this is compiled where all processors have SSE2.
            unsafe { _mm_movemask_epi8(self.0) }.cast_unsigned()
        }

        /// Where that tag is.
        #[inline(always)]
        pub(in super::super) fn matches(self, tag: u8) -> Positions {
            self.equal(tag)
        }

        /// Where nothing ever was.
        #[inline(always)]
        pub(in super::super) fn empty(self) -> Positions {
            self.equal(EMPTY)
        }

        /// Where nothing is.
        #[inline(always)]
        pub(in super::super) fn vacant(self) -> Positions {
            Positions(self.high_bits())
        }

        /// Where entries are.
        #[inline(always)]
        pub(in super::super) fn full(self) -> Positions {
            Positions(self.high_bits() ^ 0xffff)
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

        /// Where that tag is; and sometimes where another is, above one that is.
        #[inline(always)]
        pub(in super::super) fn matches(self, tag: u8) -> Positions {
            // A byte of zero borrows from the one above, which may then look like zero, too ("Determine if a word
            // has a zero byte", Anderson, Bit Twiddling Hacks).
            let difference = self.0 ^ all(tag);
            Positions(difference.wrapping_sub(all(0x01)) & !difference & all(0x80))
        }

        /// Where nothing ever was: both high bits are set, in nothing else.
        #[inline(always)]
        pub(in super::super) fn empty(self) -> Positions {
            Positions(self.0 & (self.0 << 1) & all(0x80))
        }

        /// Where nothing is.
        #[inline(always)]
        pub(in super::super) fn vacant(self) -> Positions {
            Positions(self.0 & all(0x80))
        }

        /// Where entries are.
        #[inline(always)]
        pub(in super::super) fn full(self) -> Positions {
            Positions(!self.0 & all(0x80))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a group answers, byte by byte.
    macro_rules! agrees {
        ($Group:ty) => {
            let mut random = fastrand::Rng::with_seed(7);
            for _ in 0..20_000 {
                let bytes: [u8; 16] = std::array::from_fn(|_| match random.u8(..8) {
                    0 | 1 => EMPTY,
                    2 => DELETED,
                    _ => random.u8(..4),
                });
                // SAFETY: 1. There are sixteen.
                let group = unsafe { <$Group>::load(bytes.as_ptr()) };
                let bytes = &bytes[..<$Group>::WIDTH];
                let at = |is: &dyn Fn(u8) -> bool| -> Vec<usize> {
                    (0..bytes.len()).filter(|n| is(bytes[*n])).collect()
                };
                assert_eq!(group.empty().collect::<Vec<_>>(), at(&|b| b == EMPTY));
                assert_eq!(group.vacant().collect::<Vec<_>>(), at(&|b| !is_full(b)));
                assert_eq!(group.full().collect::<Vec<_>>(), at(&is_full));
                let empty = at(&|b| b == EMPTY);
                let (below, above) = (empty.first(), empty.last());
                assert_eq!(group.empty().is_empty(), empty.is_empty());
                assert_eq!(group.empty().below(), *below.unwrap_or(&<$Group>::WIDTH));
                let above = above.map_or(<$Group>::WIDTH, |highest| bytes.len() - 1 - highest);
                assert_eq!(group.empty().above(), above);
                let tagged = at(&|b| b == 1);
                let found: Vec<_> = group.matches(1).collect();
                assert_eq!(found.first(), tagged.first());
                assert!(tagged.iter().all(|n| found.contains(n)));
                let full = at(&is_full);
                assert!(found.iter().all(|n| full.contains(n)), "{bytes:?}");
            }
        };
    }

    #[test]
    fn a_word_answers_as_its_bytes() {
        agrees!(word::Group);
    }

    #[test]
    fn the_group_in_use_answers_as_its_bytes() {
        agrees!(Group);
    }
}
