//! How a behaviour gets the map that it examines.

use std::hash::{BuildHasher, Hash};

use super::hashers::{Build, Calls, Kind};
use super::watchdog;
use crate::{Map, Strategy};

/// Makes the maps under test.
///
/// ```
/// use std::hash::{BuildHasher, Hash};
///
/// use map_core::conformance::hashers::Kind;
/// use map_core::conformance::maker::{Maker, Rig, run};
/// use map_core::{Map, Strategy};
/// use map_sharded::Sharded;
///
/// #[derive(Clone, Copy)]
/// struct ShardedMaps;
///
/// impl Maker for ShardedMaps {
///     type Strategy = Sharded;
///
///     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
///     where
///         Sharded: Strategy<K, V>,
///     {
///         Map::with_hasher(hasher)
///     }
/// }
///
/// assert!(ShardedMaps.make::<u8, u8, _>(std::hash::RandomState::new()).is_empty());
/// ```
pub trait Maker: Copy + Send + Sync + 'static {
    /// Their strategy.
    type Strategy;

    /// An empty map.
    ///
    /// ```
    /// # use std::hash::{BuildHasher, Hash};
    /// #
    /// # use map_core::conformance::hashers::Kind;
    /// # use map_core::conformance::maker::{Maker, Rig, run};
    /// # use map_core::{Map, Strategy};
    /// # use map_sharded::Sharded;
    /// #
    /// # #[derive(Clone, Copy)]
    /// # struct ShardedMaps;
    /// #
    /// # impl Maker for ShardedMaps {
    /// #     type Strategy = Sharded;
    /// #
    /// #     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
    /// #     where
    /// #         Sharded: Strategy<K, V>,
    /// #     {
    /// #         Map::with_hasher(hasher)
    /// #     }
    /// # }
    /// let map = ShardedMaps.make::<u8, u8, _>(std::hash::RandomState::new());
    /// assert_eq!(map.insert(1, 2), None);
    /// ```
    fn make<K, V, S>(self, hasher: S) -> Map<K, V, Self::Strategy, S>
    where
        K: Eq + Hash,
        Self::Strategy: Strategy<K, V>,
        S: BuildHasher;
}

/// The map of a maker.
///
/// ```
/// # use std::hash::{BuildHasher, Hash};
/// #
/// # use map_core::conformance::hashers::Kind;
/// # use map_core::conformance::maker::{Maker, Rig, run};
/// # use map_core::{Map, Strategy};
/// # use map_sharded::Sharded;
/// #
/// # #[derive(Clone, Copy)]
/// # struct ShardedMaps;
/// #
/// # impl Maker for ShardedMaps {
/// #     type Strategy = Sharded;
/// #
/// #     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
/// #     where
/// #         Sharded: Strategy<K, V>,
/// #     {
/// #         Map::with_hasher(hasher)
/// #     }
/// # }
/// # use map_core::conformance::maker::MapOf;
/// fn fill(map: &MapOf<ShardedMaps, u64, u64>) {
///     map.insert(1, 1);
/// }
/// fn behaviour(rig: &Rig<ShardedMaps>) {
///     fill(&rig.map());
/// }
/// run(ShardedMaps, Kind::Good, behaviour);
/// ```
pub type MapOf<M, K, V> = Map<K, V, <M as Maker>::Strategy, Build>;

/// What a behaviour is given: the maker, and a hasher.
///
/// ```
/// # use std::hash::{BuildHasher, Hash};
/// #
/// # use map_core::conformance::hashers::Kind;
/// # use map_core::conformance::maker::{Maker, Rig, run};
/// # use map_core::{Map, Strategy};
/// # use map_sharded::Sharded;
/// #
/// # #[derive(Clone, Copy)]
/// # struct ShardedMaps;
/// #
/// # impl Maker for ShardedMaps {
/// #     type Strategy = Sharded;
/// #
/// #     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
/// #     where
/// #         Sharded: Strategy<K, V>,
/// #     {
/// #         Map::with_hasher(hasher)
/// #     }
/// # }
/// fn behaviour(rig: &Rig<ShardedMaps>) {
///     let map = rig.map::<u64, u64>();
///     assert_eq!(map.insert(1, 1), None);
/// }
/// run(ShardedMaps, Kind::Good, behaviour);
/// ```
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
    ///
    /// ```
    /// # use std::hash::{BuildHasher, Hash};
    /// #
    /// # use map_core::conformance::hashers::Kind;
    /// # use map_core::conformance::maker::{Maker, Rig, run};
    /// # use map_core::{Map, Strategy};
    /// # use map_sharded::Sharded;
    /// #
    /// # #[derive(Clone, Copy)]
    /// # struct ShardedMaps;
    /// #
    /// # impl Maker for ShardedMaps {
    /// #     type Strategy = Sharded;
    /// #
    /// #     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
    /// #     where
    /// #         Sharded: Strategy<K, V>,
    /// #     {
    /// #         Map::with_hasher(hasher)
    /// #     }
    /// # }
    /// fn behaviour(rig: &Rig<ShardedMaps>) {
    ///     let map = rig.map::<u64, u64>();
    ///     assert!(map.is_empty());
    ///     map.insert(1, 1);
    /// }
    /// run(ShardedMaps, Kind::Good, behaviour);
    /// ```
    pub fn map<K: Eq + Hash, V>(&self) -> MapOf<M, K, V>
    where
        M::Strategy: Strategy<K, V>,
    {
        self.maker.make(self.hasher.clone())
    }

    /// The hasher of the maps.
    ///
    /// ```
    /// # use std::hash::{BuildHasher, Hash};
    /// #
    /// # use map_core::conformance::hashers::Kind;
    /// # use map_core::conformance::maker::{Maker, Rig, run};
    /// # use map_core::{Map, Strategy};
    /// # use map_sharded::Sharded;
    /// #
    /// # #[derive(Clone, Copy)]
    /// # struct ShardedMaps;
    /// #
    /// # impl Maker for ShardedMaps {
    /// #     type Strategy = Sharded;
    /// #
    /// #     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
    /// #     where
    /// #         Sharded: Strategy<K, V>,
    /// #     {
    /// #         Map::with_hasher(hasher)
    /// #     }
    /// # }
    /// fn behaviour(rig: &Rig<ShardedMaps>) {
    ///     let map = Map::<u64, u64, Sharded, _>::with_hasher(rig.hasher());
    ///     map.insert(1, 1);
    /// }
    /// run(ShardedMaps, Kind::Good, behaviour);
    /// ```
    pub fn hasher(&self) -> Build {
        self.hasher.clone()
    }

    /// How often the hashers of all maps were asked so far.
    ///
    /// ```
    /// # use std::hash::{BuildHasher, Hash};
    /// #
    /// # use map_core::conformance::hashers::Kind;
    /// # use map_core::conformance::maker::{Maker, Rig, run};
    /// # use map_core::{Map, Strategy};
    /// # use map_sharded::Sharded;
    /// #
    /// # #[derive(Clone, Copy)]
    /// # struct ShardedMaps;
    /// #
    /// # impl Maker for ShardedMaps {
    /// #     type Strategy = Sharded;
    /// #
    /// #     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
    /// #     where
    /// #         Sharded: Strategy<K, V>,
    /// #     {
    /// #         Map::with_hasher(hasher)
    /// #     }
    /// # }
    /// fn behaviour(rig: &Rig<ShardedMaps>) {
    ///     let map = rig.map::<u64, u64>();
    ///     let before = rig.hashed();
    ///     map.insert(1, 1);
    ///     assert!(rig.hashed() > before);
    /// }
    /// run(ShardedMaps, Kind::Good, behaviour);
    /// ```
    pub fn hashed(&self) -> usize {
        self.calls.count()
    }

    /// How many times slower than with a good hasher all operations may be.
    ///
    /// ```
    /// # use std::hash::{BuildHasher, Hash};
    /// #
    /// # use map_core::conformance::hashers::Kind;
    /// # use map_core::conformance::maker::{Maker, Rig, run};
    /// # use map_core::{Map, Strategy};
    /// # use map_sharded::Sharded;
    /// #
    /// # #[derive(Clone, Copy)]
    /// # struct ShardedMaps;
    /// #
    /// # impl Maker for ShardedMaps {
    /// #     type Strategy = Sharded;
    /// #
    /// #     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
    /// #     where
    /// #         Sharded: Strategy<K, V>,
    /// #     {
    /// #         Map::with_hasher(hasher)
    /// #     }
    /// # }
    /// fn behaviour(rig: &Rig<ShardedMaps>) {
    ///     let map = rig.map::<u64, u64>();
    ///     for key in 0..1_000 / rig.slowdown() as u64 {
    ///         map.insert(key, key);
    ///     }
    /// }
    /// run(ShardedMaps, Kind::Good, behaviour);
    /// ```
    pub fn slowdown(&self) -> usize {
        self.kind.slowdown()
    }

    /// So many, or fewer if the hasher makes everything slow.
    ///
    /// ```
    /// # use std::hash::{BuildHasher, Hash};
    /// #
    /// # use map_core::conformance::hashers::Kind;
    /// # use map_core::conformance::maker::{Maker, Rig, run};
    /// # use map_core::{Map, Strategy};
    /// # use map_sharded::Sharded;
    /// #
    /// # #[derive(Clone, Copy)]
    /// # struct ShardedMaps;
    /// #
    /// # impl Maker for ShardedMaps {
    /// #     type Strategy = Sharded;
    /// #
    /// #     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
    /// #     where
    /// #         Sharded: Strategy<K, V>,
    /// #     {
    /// #         Map::with_hasher(hasher)
    /// #     }
    /// # }
    /// fn behaviour(rig: &Rig<ShardedMaps>) {
    ///     let map = rig.map::<u64, u64>();
    ///     for key in 0..rig.about(1_000) as u64 {
    ///         map.insert(key, key);
    ///     }
    /// }
    /// run(ShardedMaps, Kind::Good, behaviour);
    /// ```
    pub fn about(&self, many: usize) -> usize {
        (many / self.slowdown()).max(1)
    }
}

/// Runs a behaviour as a test: within three minutes, and with the hasher that was meant.
///
/// # Panics
///
/// If the behaviour does, or hangs, or did not hash anything.
///
/// ```
/// # use std::hash::{BuildHasher, Hash};
/// #
/// # use map_core::conformance::hashers::Kind;
/// # use map_core::conformance::maker::{Maker, Rig, run};
/// # use map_core::{Map, Strategy};
/// # use map_sharded::Sharded;
/// #
/// # #[derive(Clone, Copy)]
/// # struct ShardedMaps;
/// #
/// # impl Maker for ShardedMaps {
/// #     type Strategy = Sharded;
/// #
/// #     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
/// #     where
/// #         Sharded: Strategy<K, V>,
/// #     {
/// #         Map::with_hasher(hasher)
/// #     }
/// # }
/// fn behaviour(rig: &Rig<ShardedMaps>) {
///     let map = rig.map::<u64, u64>();
///     assert_eq!(map.insert(1, 1), None);
/// }
/// run(ShardedMaps, Kind::Good, behaviour);
/// ```
pub fn run<M: Maker>(maker: M, kind: Kind, behaviour: fn(&Rig<M>)) {
    watchdog::watch(move || {
        let rig = Rig::new(maker, kind);
        behaviour(&rig);
        assert!(rig.calls.count() > 0, "the {kind:?} hasher was not called");
    });
}
