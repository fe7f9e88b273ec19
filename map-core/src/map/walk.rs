//! The way through all shards of a map.

use crate::raw::coverage::{Coverage, Span, hash_at, position};

/// Goes through the positions of a map in order, shard by shard: all of them, or those of a part.
///
/// What was seen is an interval of positions, whatever splits and merges: so each entry that stays
/// is seen once, and none twice. Walks over the halves of a part see together what a walk over the
/// part sees, each entry in one of them.
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    next: Option<u64>,
    /// The first position behind the part; `None` at the end of all positions.
    end: Option<u64>,
}

impl Walk {
    pub(crate) const fn new() -> Self {
        Self::over(Coverage::ALL)
    }

    /// Goes through a part of the positions.
    pub(crate) const fn over(part: Coverage) -> Self {
        Self {
            next: Some(part.start()),
            end: part.end(),
        }
    }

    /// A hash in the shard to visit next.
    pub(crate) fn next_hash(self) -> Option<u64> {
        self.next.map(hash_at)
    }

    /// The positions that are left.
    pub(crate) fn span(self) -> Option<Span> {
        Some(Span::new(self.next?, self.end))
    }

    /// Goes on from some position.
    pub(crate) fn go_on(&mut self, next: Option<u64>) {
        self.next = next.filter(|next| self.end.is_none_or(|end| *next < end));
    }

    /// Goes on behind a shard. Returns what says whether a hash in it is to be passed over: it was
    /// seen already, which can be only if the shard is the merger of one that was seen with one
    /// that was not, or it lies behind the part.
    pub(crate) fn visit(&mut self, coverage: Coverage) -> Seen {
        let from = self.next.expect("the walk goes on only until its end");
        let behind = self.end.filter(|end| match coverage.end() {
            Some(shard_end) => *end < shard_end,
            None => true,
        });
        self.next = match behind {
            Some(_) => None,
            None => coverage.end().filter(|next| Some(*next) != self.end),
        };
        let partly = coverage.start() < from || behind.is_some();
        Seen {
            but: partly.then_some((from, behind.unwrap_or(u64::MAX))),
        }
    }
}

/// Which entries of a visited shard are to be passed over.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    /// All but those that stand from the one position to before the other; `None`: none of them.
    but: Option<(u64, u64)>,
}

impl Seen {
    /// Whether all entries are wanted.
    #[cfg(feature = "rayon")]
    pub(crate) fn is_nothing(self) -> bool {
        self.but.is_none()
    }

    #[inline]
    pub(crate) fn contains(self, hash: impl FnOnce() -> u64) -> bool {
        match self.but {
            None => false,
            Some((from, to)) => !(from..to).contains(&position(hash())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every position whose first four bits are these.
    fn sixteenth(number: u64) -> u64 {
        hash_at(number << 59)
    }

    /// The part of all positions that is named by its first bits, upper halves being `true`.
    fn part(bits: &[bool]) -> Coverage {
        let half = |part: Coverage, upper: &bool| part.half(*upper);
        bits.iter().fold(Coverage::ALL, half)
    }

    /// Which sixteenths are seen by a walk over a part that meets these shards.
    fn seen(over: &[bool], shards: &[&[bool]]) -> Vec<u64> {
        let mut walk = Walk::over(part(over));
        let mut seen = Vec::new();
        for shard in shards {
            let shard = part(shard);
            let hash = walk.next_hash().expect("there is more to see");
            assert!(shard.covers(hash), "a walk visits the shard it asked for");
            let passed = walk.visit(shard);
            seen.extend((0..16).filter(|number| {
                let hash = sixteenth(*number);
                shard.covers(hash) && !passed.contains(|| hash)
            }));
        }
        assert_eq!(walk.next_hash(), None, "the walk is at its end");
        seen
    }

    const LOWER: &[bool] = &[false];
    const UPPER: &[bool] = &[true];

    #[test]
    fn a_whole_walk_sees_all_once_whatever_merges_and_splits() {
        let all = Vec::from_iter(0..16);
        assert_eq!(seen(&[], &[&[]]), all);
        assert_eq!(seen(&[], &[LOWER, UPPER]), all);
        // The second shard is met after all shards have merged.
        assert_eq!(seen(&[], &[&[false, false], &[]]), all);
        assert_eq!(seen(&[], &[LOWER, &[true, false], &[true, true]]), all);
        assert_eq!(seen(&[], &[LOWER, &[true, false], UPPER]), all);
    }

    #[test]
    fn a_walk_over_a_part_sees_that_part_once() {
        for (over, shards, expected) in [
            // As large as the part.
            (LOWER, &[LOWER] as &[&[bool]], 0..8),
            (UPPER, &[UPPER], 8..16),
            // Larger: the shards have merged.
            (LOWER, &[&[]], 0..8),
            (UPPER, &[&[]], 8..16),
            (&[false, true], &[LOWER], 4..8),
            (&[true, false], &[&[]], 8..12),
            // Smaller.
            (LOWER, &[&[false, false], &[false, true]], 0..8),
            // Smaller, and merged on the way.
            (LOWER, &[&[false, false], &[]], 0..8),
            (LOWER, &[&[false, false], LOWER], 0..8),
            (UPPER, &[&[true, false], &[]], 8..16),
        ] {
            let expected = Vec::from_iter(expected);
            assert_eq!(seen(over, shards), expected, "{over:?} {shards:?}");
        }
    }
}
