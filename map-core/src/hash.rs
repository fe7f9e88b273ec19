//! From a key to the one number that everything else uses.

use std::hash::{BuildHasher, BuildHasherDefault, Hash};

/// An odd number, the best of 3,000 random ones: of 4096 keys in an arithmetic progression (all
/// powers of two below 2^52 and some round numbers as steps), passed on by an identity hasher, at least
/// 2,116 get a prefix, and as many a place, of their own; famous constants leave 70 to 1,700.
const FOLD: u64 = 0xf3f5_4fcc_30a1_8a09;

/// Hashes `key`, and mixes the result unless the hasher is known to do that itself.
#[inline]
pub(crate) fn hash_of<S: BuildHasher, Q: ?Sized + Hash>(hasher: &S, key: &Q) -> u64 {
    let hash = hasher.hash_one(key);
    if mixes::<S>() { hash } else { mix(hash) }
}

/// Whether a hasher is known to fill all 64 bits evenly: known when compiled, and worth asking, since
/// every operation waits for a mixing of ours before it can look for its shard (2 of 10 ns of an update
/// in the cache).
#[inline(always)]
fn mixes<S>() -> bool {
    let hasher = typeid::of::<S>();
    hasher == typeid::of::<ahash::RandomState>()
        || hasher == typeid::of::<std::hash::RandomState>()
        || hasher == typeid::of::<BuildHasherDefault<ahash::AHasher>>()
}

/// Spreads what a hasher returned over all 64 bits: one multiplication, whose upper half is
/// folded into the lower.
///
/// Popular fast hashers (`rustc-hash`, FNV, the identity) leave some bits weak. The directory
/// looks at the upper bits, the table at the lower ones and at the topmost, so all must be good.
#[inline]
pub(crate) const fn mix(hash: u64) -> u64 {
    let wide = hash as u128 * FOLD as u128;
    (wide as u64) ^ ((wide >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn who_mixes_is_known() {
        assert!(mixes::<ahash::RandomState>());
        assert!(mixes::<std::hash::RandomState>());
        assert!(!mixes::<BuildHasherDefault<std::hash::DefaultHasher>>());
        struct Own<'a>(&'a u8);
        assert!(!mixes::<Own<'_>>());
        assert_eq!(*Own(&1).0, 1);
    }

    /// What those hashers that are trusted make of keys with structure: as even as what is mixed.
    #[test]
    #[cfg_attr(miri, ignore = "too many keys to be interpreted")]
    fn trusted_hashers_spread_over_shards_and_places() {
        let ours = ahash::RandomState::with_seeds(1, 2, 3, 4);
        let default = BuildHasherDefault::<ahash::AHasher>::default();
        let std = std::hash::RandomState::new();
        for step in (0..52).map(|bit| 1u64 << bit).chain([10, 1000]) {
            let keys = (1..=4096u64).map(|i| i.wrapping_mul(step));
            let hashers: [&dyn Fn(u64) -> u64; 3] = [
                &|key| hash_of(&ours, &key),
                &|key| hash_of(&default, &key),
                &|key| hash_of(&std, &key),
            ];
            for hash in hashers {
                let shards: HashSet<u64> = keys.clone().map(|k| hash(k) << 7 >> 52).collect();
                let places: HashSet<u64> = keys.clone().map(|k| hash(k) & 4095).collect();
                let tags: HashSet<u64> = keys.clone().map(|k| hash(k) >> 57).collect();
                assert!(shards.len() > 2000, "step {step}: {} shards", shards.len());
                assert!(places.len() > 2000, "step {step}: {} places", places.len());
                assert_eq!(tags.len(), 128, "step {step}");
            }
        }
    }

    /// Keys with structure, as an identity hasher would pass them on, fill the bits that pick a
    /// shard and the bits that pick a place in its table nearly as well as random ones.
    #[test]
    #[cfg_attr(miri, ignore = "too many keys to be interpreted")]
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
