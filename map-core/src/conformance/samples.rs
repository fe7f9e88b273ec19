//! Keys and values of many shapes, made from numbers.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

/// A type with as many instances as the tests need. Equal numbers make equal instances; different
/// ones may too (there is only one `()`).
pub trait Sample: Clone + Eq + Hash + Debug + Send + Sync + 'static {
    /// The instance of this number.
    fn sample(number: u64) -> Self;
}

/// Four kibibytes that move with every entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Large([u64; 512]);

/// Alignment of a cache line and a half of what allocators give by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(align(128))]
pub struct Aligned(u8);

impl Sample for u64 {
    fn sample(number: u64) -> Self {
        number
    }
}

impl Sample for () {
    fn sample(_: u64) {}
}

impl Sample for u8 {
    fn sample(number: u64) -> Self {
        number as Self
    }
}

impl Sample for String {
    fn sample(number: u64) -> Self {
        format!("the number {number}")
    }
}

impl Sample for Box<u64> {
    fn sample(number: u64) -> Self {
        Self::new(number)
    }
}

impl Sample for Arc<str> {
    fn sample(number: u64) -> Self {
        number.to_string().into()
    }
}

impl Sample for Large {
    fn sample(number: u64) -> Self {
        Self(std::array::from_fn(|index| number ^ index as u64))
    }
}

impl Sample for Aligned {
    fn sample(number: u64) -> Self {
        Self(number as u8)
    }
}
