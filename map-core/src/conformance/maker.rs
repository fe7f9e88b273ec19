//! How a behaviour gets the map that it examines.

use std::hash::{BuildHasher, Hash};

use super::hashers::{Build, Calls, Kind};
use super::watchdog;
use crate::{Map, Strategy};

/// Makes the maps under test.
pub trait Maker: Copy + Send + Sync + 'static {
    /// Their strategy.
    type Strategy;

    /// An empty map.
    fn make<K, V, S>(self, hasher: S) -> Map<K, V, Self::Strategy, S>
    where
        K: Eq + Hash,
        Self::Strategy: Strategy<K, V>,
        S: BuildHasher;
}

/// The map of a maker.
pub type MapOf<M, K, V> = Map<K, V, <M as Maker>::Strategy, Build>;

/// What a behaviour is given: the maker, and a hasher.
#[derive(Debug)]
pub struct Rig<M> {
    maker: M,
    kind: Kind,
    hasher: Build,
    calls: Calls,
}

impl<M: Maker> Rig<M> {
    fn new(maker: M, kind: Kind) -> Self {
        let (hasher, calls) = Build::new(kind);
        Self {
            maker,
            kind,
            hasher,
            calls,
        }
    }

    /// An empty map.
    pub fn map<K: Eq + Hash, V>(&self) -> MapOf<M, K, V>
    where
        M::Strategy: Strategy<K, V>,
    {
        self.maker.make(self.hasher.clone())
    }

    /// The hasher of the maps.
    pub fn hasher(&self) -> Build {
        self.hasher.clone()
    }

    /// How many times slower than with a good hasher all operations may be.
    pub fn slowdown(&self) -> usize {
        self.kind.slowdown()
    }

    /// So many, or fewer if the hasher makes everything slow.
    pub fn about(&self, many: usize) -> usize {
        (many / self.slowdown()).max(1)
    }
}

/// Runs a behaviour as a test: within a minute, and with the hasher that was meant.
///
/// # Panics
///
/// If the behaviour does, or hangs, or did not hash anything.
pub fn run<M: Maker>(maker: M, kind: Kind, behaviour: fn(&Rig<M>)) {
    watchdog::watch(move || {
        let rig = Rig::new(maker, kind);
        behaviour(&rig);
        assert!(rig.calls.count() > 0, "the {kind:?} hasher was not called");
    });
}
