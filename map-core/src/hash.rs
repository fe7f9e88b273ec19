//! From a key to the one number that everything else uses.

use std::hash::{BuildHasher, Hash};

/// An odd number, the best of 3,000 random ones: of 4096 keys in an arithmetic progression (all
/// powers of two below 2^52 and some round numbers as steps), passed on by an identity hasher, at least
/// 2,116 get a prefix, and as many a place, of their own; famous constants leave 70 to 1,700.
const FOLD: u64 = 0xf3f5_4fcc_30a1_8a09;

/// Hashes `key` and mixes the result.
#[inline]
pub(crate) fn hash_of<Q: ?Sized + Hash>(hasher: &impl BuildHasher, key: &Q) -> u64 {
    mix(hasher.hash_one(key))
}

/// Spreads what a hasher returned over all 64 bits: one multiplication, whose upper half is
/// folded into the lower.
///
/// Popular fast hashers (`rustc-hash`, FNV, the identity) leave some bits weak. The directory
/// looks at the upper bits, the table at the lower ones and at the top seven, so all must be good.
#[inline]
pub(crate) const fn mix(hash: u64) -> u64 {
    let wide = hash as u128 * FOLD as u128;
    (wide as u64) ^ ((wide >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::mix;
    use std::collections::HashSet;

    /// Keys with structure, as an identity hasher would pass them on, fill the bits that pick a
    /// shard and the bits that pick a place in its table nearly as well as random ones.
    #[test]
    fn structured_keys_spread_over_shards_and_places() {
        let powers = (0..52).map(|bit| 1u64 << bit);
        for step in powers.chain([3, 5, 7, 10, 12, 24, 48, 96, 100, 1000, 1_000_000]) {
            let hashes: Vec<u64> = (1..=4096u64).map(|i| mix(i.wrapping_mul(step))).collect();
            let shards: HashSet<u64> = hashes.iter().map(|h| (h << 7) >> 52).collect();
            let places: HashSet<u64> = hashes.iter().map(|h| h & 4095).collect();
            // 4096 random balls in 4096 bins fill 63 % of them.
            assert!(shards.len() > 2000, "step {step}: {} shards", shards.len());
            assert!(places.len() > 2000, "step {step}: {} places", places.len());
        }
    }
}
