//! Keys and values, made from numbers by arithmetic.
//!
//! A key is computed from its *id* each time it is used, by a bijection that scatters the ids over all 64 bits. So there
//! is no table of keys that would fight with the map for the cache, ids never collide, and keys are not sequential.

use std::{borrow::Borrow, hash::Hash, mem::size_of, str};

/// A key type of the benchmarks.
pub trait Key: Clone + Ord + Hash + Borrow<Self::Lookup> + Send + Sync + 'static {
    /// What a lookup is made with: `u64` for `u64`, `str` for `String`.
    type Lookup: ?Sized + Ord + Hash;
    /// Room on the stack for one key to look up.
    type Scratch;
    /// The name on the command line.
    const NAME: &'static str;
    /// Bytes a key takes in memory, its heap part included: for estimates.
    const BYTES: usize;

    /// Computes the key with this number, without allocating.
    fn scratch(number: u64) -> Self::Scratch;
    /// The key in the scratch room.
    fn lookup(scratch: &Self::Scratch) -> &Self::Lookup;
    /// The key, owned. Allocates for strings: inserting one costs that in every map.
    fn owned(key: &Self::Lookup) -> Self;
}

impl Key for u64 {
    type Lookup = u64;
    type Scratch = u64;
    const NAME: &'static str = "u64";
    const BYTES: usize = 8;

    #[inline(always)]
    fn scratch(number: u64) -> u64 {
        number
    }

    #[inline(always)]
    fn lookup(scratch: &u64) -> &u64 {
        scratch
    }

    #[inline(always)]
    fn owned(key: &u64) -> u64 {
        *key
    }
}

/// Length of a string key: `key:` and sixteen hexadecimal digits.
const TEXT: usize = 20;

impl Key for String {
    type Lookup = str;
    type Scratch = [u8; TEXT];
    const NAME: &'static str = "string";
    const BYTES: usize = size_of::<String>() + TEXT;

    #[inline(always)]
    fn scratch(number: u64) -> [u8; TEXT] {
        let mut text = *b"key:0123456789abcdef";
        text[4..12].copy_from_slice(&hex((number >> 32) as u32));
        text[12..].copy_from_slice(&hex(number as u32));
        text
    }

    #[inline(always)]
    fn lookup(scratch: &[u8; TEXT]) -> &str {
        str::from_utf8(scratch).expect("hexadecimal digits are ASCII")
    }

    #[inline(always)]
    fn owned(key: &str) -> String {
        key.to_owned()
    }
}

/// Eight hexadecimal digits, all at once: formatting them one by one would cost more than the lookup.
#[inline(always)]
fn hex(number: u32) -> [u8; 8] {
    let mut nibbles = u64::from(number);
    nibbles = (nibbles | nibbles << 16) & 0x0000_ffff_0000_ffff;
    nibbles = (nibbles | nibbles << 8) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // One in the low bit of each byte that needs a letter.
    let letters = ((nibbles + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
    (nibbles + 0x3030_3030_3030_3030 + letters * 0x27).to_be_bytes()
}

/// A value type of the benchmarks. A read copies one word out of it.
pub trait Value: Copy + Send + Sync + 'static {
    /// Size in bytes.
    const BYTES: usize = size_of::<Self>();

    /// A value that carries this word.
    fn new(word: u64) -> Self;
    /// The word.
    fn word(&self) -> u64;
}

impl Value for u64 {
    #[inline(always)]
    fn new(word: u64) -> u64 {
        word
    }

    #[inline(always)]
    fn word(&self) -> u64 {
        *self
    }
}

impl Value for [u64; 4] {
    #[inline(always)]
    fn new(word: u64) -> [u64; 4] {
        [word, !word, word, !word]
    }

    #[inline(always)]
    fn word(&self) -> u64 {
        self[0]
    }
}

/// Scatters an id over 64 bits: splitmix64's finaliser, a bijection. `salt` comes from the seed.
#[inline(always)]
pub fn number(id: u64, salt: u64) -> u64 {
    let mut x = id ^ salt;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn text_keys_are_the_number_in_hexadecimal() {
        for x in [0, 1, 9, 10, 15, 16, 0xdead_beef_0123_4567, u64::MAX] {
            let scratch = <String as Key>::scratch(x);
            assert_eq!(<String as Key>::lookup(&scratch), format!("key:{x:016x}"));
        }
    }

    #[test]
    fn numbers_are_distinct_and_not_in_sequence() {
        let numbers: Vec<u64> = (0..10_000).map(|id| number(id, 7)).collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len());
        let ascending = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!(
            (4_000..6_000).contains(&ascending),
            "{ascending} of 10,000 ascend"
        );
    }
}
