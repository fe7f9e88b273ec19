//! Keys and values of many shapes, made from numbers.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

/// A type with as many instances as the tests need. Equal numbers make equal instances; different
/// ones may too (there is only one `()`).
///
/// ```
/// use map_core::conformance::samples::Sample;
///
/// assert_eq!(u64::sample(7), 7);
/// assert_ne!(String::sample(7), String::sample(8));
/// ```
pub trait Sample: Clone + Eq + Hash + Debug + Send + Sync + 'static {
    /// The instance of this number.
    ///
    /// ```
    /// use map_core::conformance::samples::Sample;
    ///
    /// assert_eq!(u64::sample(7), 7);
    /// ```
    fn sample(number: u64) -> Self;
}

/// Four kibibytes that move with every entry.
///
/// ```
/// use map_core::conformance::samples::{Aligned, Large, Sample};
///
/// assert_eq!(size_of_val(&Large::sample(1)), 4096);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Large([u64; 512]);

/// Alignment of a cache line and a half of what allocators give by themselves.
///
/// ```
/// use map_core::conformance::samples::{Aligned, Large, Sample};
///
/// assert_eq!(align_of_val(&Aligned::sample(1)), 128);
/// ```
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
