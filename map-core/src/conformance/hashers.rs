//! A good hasher, and hashers that force collisions. Each counts its hashes, so that a test can
//! assert that it tested what it was meant to.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often a hasher was asked for a hash. Clones share the count.
///
/// ```
/// use std::hash::BuildHasher;
///
/// use map_core::conformance::hashers::{Build, Kind};
///
/// let (hasher, calls) = Build::new(Kind::Good);
/// let also = (hasher.clone().hash_one(1), calls.clone());
/// assert_eq!((calls.count(), also.1.count()), (1, 1));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<AtomicUsize>);

impl Calls {
    /// How often so far.
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// use map_core::conformance::hashers::{Build, Kind};
    ///
    /// let (hasher, calls) = Build::new(Kind::Good);
    /// assert_eq!(calls.count(), 0);
    /// hasher.hash_one(1);
    /// assert_eq!(calls.count(), 1);
    /// ```
    #[must_use]
    pub fn count(&self) -> usize {
        // Relaxed: a mere number; whoever needs it exact has joined the threads that count.
        self.0.load(Ordering::Relaxed)
    }
}

/// A kind of hasher.
///
/// ```
/// use std::hash::BuildHasher;
///
/// use map_core::conformance::hashers::{Build, Kind};
///
/// let (hasher, _) = Build::new(Kind::Constant);
/// assert_eq!(hasher.hash_one(1), hasher.hash_one(2));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Keeps the whole hash.
    Good,
    /// Gives every key the same hash.
    Constant,
    /// Keeps the lowest three bits.
    LowBits,
    /// Keeps the highest three bits.
    HighBits,
}

impl Kind {
    /// How many times fewer entries a test should use than with a good hasher, because all
    /// operations on colliding keys are linear.
    ///
    /// ```
    /// use map_core::conformance::hashers::Kind;
    ///
    /// assert_eq!(Kind::Good.slowdown(), 1);
    /// assert!(Kind::Constant.slowdown() > 1);
    /// ```
    #[must_use]
    pub fn slowdown(self) -> usize {
        match self {
            Self::Good => 1,
            Self::Constant => 16,
            Self::LowBits | Self::HighBits => 4,
        }
    }

    /// What is left of a hash.
    fn degrade(self, hash: u64) -> u64 {
        match self {
            Self::Good => hash,
            Self::Constant => 0,
            Self::LowBits => hash & 0b111,
            Self::HighBits => hash & (0b111 << 61),
        }
    }
}

/// Builds the hashers of one kind. (The kind is no type, because for each type all of the suite
/// would be compiled again.)
///
/// ```
/// use std::hash::BuildHasher;
///
/// use map_core::conformance::hashers::{Build, Kind};
///
/// let (hasher, _) = Build::new(Kind::LowBits);
/// assert!(hasher.hash_one("a") < 8);
/// ```
#[derive(Debug, Clone)]
pub struct Build {
    kind: Kind,
    base: ahash::RandomState,
    calls: Calls,
}

/// A hasher of one kind.
///
/// ```
/// use std::hash::{BuildHasher, Hasher};
///
/// use map_core::conformance::hashers::{Build, Degraded, Kind};
///
/// let mut hasher: Degraded = Build::new(Kind::HighBits).0.build_hasher();
/// hasher.write_u64(7);
/// assert_eq!(hasher.finish() << 3, 0);
/// ```
#[derive(Debug, Clone)]
pub struct Degraded {
    kind: Kind,
    base: ahash::AHasher,
}

impl Build {
    /// A builder whose hashes are the same in every run, and the count of its calls.
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// use map_core::conformance::hashers::{Build, Kind};
    ///
    /// let [(one, _), (other, _)] = [Build::new(Kind::Good), Build::new(Kind::Good)];
    /// assert_eq!(one.hash_one(1), other.hash_one(1));
    /// ```
    #[must_use]
    pub fn new(kind: Kind) -> (Self, Calls) {
        let calls = Calls::default();
        let base = ahash::RandomState::with_seeds(1, 2, 3, 4);
        (
            Self {
                kind,
                base,
                calls: calls.clone(),
            },
            calls,
        )
    }
}

impl BuildHasher for Build {
    type Hasher = Degraded;

    fn build_hasher(&self) -> Degraded {
        // Relaxed: see `Calls::count`.
        self.calls.0.fetch_add(1, Ordering::Relaxed);
        Degraded {
            kind: self.kind,
            base: self.base.build_hasher(),
        }
    }
}

impl Hasher for Degraded {
    fn finish(&self) -> u64 {
        self.kind.degrade(self.base.finish())
    }

    fn write(&mut self, bytes: &[u8]) {
        self.base.write(bytes);
    }

    fn write_u64(&mut self, number: u64) {
        self.base.write_u64(number);
    }
}
