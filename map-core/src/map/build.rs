//! Making a map.

use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use ahash::RandomState;

use super::leaning::{Leaning, ReadBias, Tally};
use super::{Map, Walk, either};
use crate::error::BuildError;
use crate::raw::coverage::MAX_DEPTH;
use crate::raw::directory::{Directory, Reason};
use crate::raw::held::{Place, here};
use crate::raw::limits::{Limits, Sizes};
use crate::strategy::{Options, Recycling, Strategy};

/// Shards of some hundred entries, or a few thousand in a large map: a split takes some tens of microseconds, and the shards are
/// still few enough for their headers to stay in the cache. See [`Limits`], which multiplies it.
const SHARD_BUCKETS: usize = 512;
/// A split moves at most so many bytes, or as many times more as [`Limits`] and [`default_shard_limit`] say, as long as entries are not huge.
const SHARD_BYTES: usize = 64 << 10;
/// The least that is worth a shard of its own.
const LEAST_BUCKETS: usize = 16;

/// The largest limit of a shard: 16 times as many, a large map's limit, still fit the 32 bits in
/// which a shard publishes its number of entries.
const MOST_ENTRIES: usize = 1 << 27;

/// How large the shards of a small map are.
pub(super) const fn sizes<K, V, T: Strategy<K, V>>() -> Sizes {
    match (T::READS_LOCK, T::SPLITS_FOR_CONTENTION) {
        (true, true) => Sizes::Small,
        (true, false) => Sizes::WholeUntilWritersMeet,
        (false, _) => Sizes::LargeUntilWritersMeet,
    }
}

/// What the split limits of a map are derived from, by default: seven eighths of a table of locked entries. Where readers take no
/// lock, entries do not move, whatever their size.
const fn default_shard_limit<K, V, T: Strategy<K, V>>() -> usize {
    let mut buckets = SHARD_BUCKETS;
    while T::READS_LOCK && buckets > LEAST_BUCKETS && buckets * size_of::<(K, V)>() > SHARD_BYTES {
        buckets /= 2;
    }
    let entries = buckets / 8 * 7;
    match sizes::<K, V, T>() {
        Sizes::Small => entries,
        // As many as small ones come to have, too, in a larger map.
        Sizes::WholeUntilWritersMeet | Sizes::LargeUntilWritersMeet => 4 * entries,
    }
}

impl<K: Eq + Hash, V, T: Strategy<K, V>> Map<K, V, T> {
    /// An empty map. Locked shards allocate nothing; what others do, their aliases say.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let map: ShardedMap<String, u32> = ShardedMap::new();
    /// assert!(map.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(RandomState::default())
    }

    /// An empty map with room for so many entries.
    ///
    /// Allocates the tables, and shards to spread them over, at once; then so many entries go in with (nearly)
    /// no shard growing.
    ///
    /// # Panics
    ///
    /// If so many entries exceed the address space.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let map: ShardedMap<String, u32> = ShardedMap::with_capacity(1_000);
    /// assert!(map.capacity() >= 1_000);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, RandomState::default())
    }

    /// An empty map of so many shards from the start: see
    /// [`with_capacity_and_hasher_and_shard_amount`](Self::with_capacity_and_hasher_and_shard_amount).
    ///
    /// Allocates what is said there.
    ///
    /// # Panics
    ///
    /// If there shall be no shards, or more than 2^20.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let map: ShardedMap<String, u32> = ShardedMap::with_shard_amount(8);
    /// assert_eq!(map.shards(), 8);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_shard_amount(shard_amount: usize) -> Self {
        Self::with_hasher_and_shard_amount(RandomState::default(), shard_amount)
    }

    /// An empty map with room for so many entries in so many shards: see
    /// [`with_capacity_and_hasher_and_shard_amount`](Self::with_capacity_and_hasher_and_shard_amount).
    ///
    /// Allocates what is said there, and the tables.
    ///
    /// # Panics
    ///
    /// If there shall be no shards, or more than 2^20, or if so many entries exceed the address space.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let map: ShardedMap<String, u32> = ShardedMap::with_capacity_and_shard_amount(100, 3);
    /// assert_eq!(map.shards(), 4);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity_and_shard_amount(capacity: usize, shard_amount: usize) -> Self {
        let hasher = RandomState::default();
        Self::with_capacity_and_hasher_and_shard_amount(capacity, hasher, shard_amount)
    }

    /// A map to be configured. Allocates nothing before [`build`](Builder::build).
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let map = ShardedMap::<String, u32>::builder().capacity(1_000).shards(4).build()?;
    /// assert!(map.shards() >= 4);
    /// # Ok::<(), map_core::BuildError>(())
    /// ```
    pub fn builder() -> Builder<K, V, T> {
        Builder {
            hasher: RandomState::default(),
            capacity: 0,
            shards: 1,
            shard_limit: default_shard_limit::<K, V, T>(),
            read_bias: ReadBias::Adaptive,
            options: Options::default(),
            entries: PhantomData,
        }
    }
}

impl<K, V, T: Strategy<K, V>, S> Map<K, V, T, S> {
    pub(super) fn with_limit(shard_limit: usize, hasher: S) -> Self {
        let limits = Limits::new(shard_limit.min(MOST_ENTRIES), sizes::<K, V, T>());
        let map = Self {
            directory: Directory::new(limits, T::READS_LOCK),
            hasher,
            leaning: Leaning::new(ReadBias::Adaptive),
            tally: Tally::default(),
            entries: PhantomData,
        };
        T::set_up(map.directory.open(), &Options::default())
            .expect("a map can be set up as it comes");
        map
    }
}

impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// An empty map that hashes with `hasher`. Allocates as [`new`](Self::new) does.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let map = ShardedMap::with_hasher(std::hash::RandomState::new());
    /// map.insert(1, "one");
    /// ```
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Self::with_limit(default_shard_limit::<K, V, T>(), hasher)
    }

    /// An empty map with room for so many entries that hashes with `hasher`.
    ///
    /// Allocates what [`with_capacity`](Map::with_capacity) does.
    ///
    /// # Panics
    ///
    /// If so many entries exceed the address space.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let map = ShardedMap::with_capacity_and_hasher(100, std::hash::RandomState::new());
    /// map.insert(1, "one");
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        let map = Self::with_hasher(hasher);
        map.reserve(capacity);
        map
    }

    /// An empty map of so many shards from the start that hashes with `hasher`: see
    /// [`with_capacity_and_hasher_and_shard_amount`](Self::with_capacity_and_hasher_and_shard_amount).
    ///
    /// Allocates what is said there.
    ///
    /// # Panics
    ///
    /// If there shall be no shards, or more than 2^20.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let hasher = std::hash::RandomState::new();
    /// let map: ShardedMap<u32, u32, _> = ShardedMap::with_hasher_and_shard_amount(hasher, 2);
    /// assert_eq!(map.shards(), 2);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_hasher_and_shard_amount(hasher: S, shard_amount: usize) -> Self {
        Self::with_capacity_and_hasher_and_shard_amount(0, hasher, shard_amount)
    }

    /// An empty map with room for so many entries that hashes with `hasher` and has so many shards from the
    /// start, rounded up to a power of two; more if the entries take more. One is as good a number as any other.
    ///
    /// Shards split further at need, so a map for which nothing is said here does not stay with one:
    /// this is for maps that many threads write to from their first moment. Two cache lines per shard, and
    /// its place in the directory. [`Builder::shards`] does the same without a panic.
    ///
    /// # Panics
    ///
    /// If there shall be no shards, or more than 2^20, or if so many entries exceed the address space.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let hasher = std::hash::RandomState::new();
    /// let map: ShardedMap<u64, u64, _> =
    ///     ShardedMap::with_capacity_and_hasher_and_shard_amount(500, hasher, 6);
    /// assert_eq!(map.shards(), 8);
    /// assert!(map.capacity() >= 500);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity_and_hasher_and_shard_amount(
        capacity: usize,
        hasher: S,
        shard_amount: usize,
    ) -> Self {
        match Self::with_shards(capacity, hasher, shard_amount) {
            Ok(map) => map,
            Err(error) => panic!("{error}"),
        }
    }

    fn with_shards(capacity: usize, hasher: S, shards: usize) -> Result<Self, BuildError> {
        let builder = Builder {
            hasher,
            capacity,
            shards,
            shard_limit: default_shard_limit::<K, V, T>(),
            read_bias: ReadBias::Adaptive,
            options: Options::default(),
            entries: PhantomData,
        };
        builder.build()
    }

    /// The hasher. A reference into the map; takes no lock.
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// let map: map_sharded::ShardedMap<u32, u32> = map_sharded::ShardedMap::new();
    /// assert_eq!(map.hasher().hash_one(1), map.hasher().hash_one(1));
    /// ```
    pub fn hasher(&self) -> &S {
        &self.hasher
    }

    /// What the hasher makes of an item, cut to a `usize`. The map's own places follow from it, but not
    /// directly: it mixes what some hashers return. Runs the hasher, and does nothing to the map.
    ///
    /// ```
    /// let map: map_sharded::ShardedMap<String, u32> = map_sharded::ShardedMap::new();
    /// assert_eq!(map.hash_usize(&"key"), map.hash_usize(&String::from("key")));
    /// ```
    pub fn hash_usize<Q: Hash>(&self, item: &Q) -> usize {
        self.hasher.hash_one(item) as usize
    }

    /// Changes whether readers announce themselves, from now on. `Always` and `Never` rule out lanes.
    ///
    /// A few atomic writes, under the mutex of splits and merges if anything changes; it takes effect shard by shard, as they are used.
    ///
    /// ```
    /// use map_core::ReadBias;
    ///
    /// let map: map_sharded::ShardedMap<u32, u32> = map_sharded::ShardedMap::new();
    /// map.set_read_bias(ReadBias::Never);
    /// assert_eq!(map.read_bias(), ReadBias::Never);
    /// ```
    pub fn set_read_bias(&self, bias: ReadBias) {
        self.leaning.set(bias);
        self.lead_readers();
    }

    /// Has readers sit in lanes, whatever the samples say, for tests of that.
    #[cfg(any(feature = "conformance", crossbeam_loom))]
    #[doc(hidden)]
    pub fn sit_in_lanes(&self) {
        self.leaning.sit();
        self.lead_readers();
    }

    /// Whether readers are to sit in lanes, and how many do.
    #[cfg(feature = "conformance")]
    #[doc(hidden)]
    pub fn seated(&self) -> (bool, usize) {
        self.directory.seated()
    }

    /// Whether readers announce themselves, as it was set. One load of a word.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::<u32, u32>::new();
    /// assert_eq!(map.read_bias(), map_core::ReadBias::Adaptive);
    /// ```
    pub fn read_bias(&self) -> ReadBias {
        self.leaning.get()
    }
}

/// A map being configured.
///
/// ```
/// use map_sharded::ShardedMap;
///
/// let map = ShardedMap::<u32, u32>::builder()
///     .hasher(std::hash::RandomState::new())
///     .capacity(1_000)
///     .shards(4)
///     .shard_limit(100)
///     .build()?;
/// assert!(map.capacity() >= 1_000 && map.shards() >= 4);
/// # Ok::<(), map_core::BuildError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<K, V, T, S = RandomState> {
    hasher: S,
    capacity: usize,
    shards: usize,
    shard_limit: usize,
    read_bias: ReadBias,
    pub(super) options: Options,
    entries: PhantomData<(K, V, T)>,
}

impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Builder<K, V, T, S> {
    /// Hashes with `hasher`. Drops the one it had; allocates nothing, as all that is set here is a number until
    /// [`build`](Self::build).
    ///
    /// ```
    /// use std::hash::RandomState;
    ///
    /// let map = map_sharded::ShardedMap::builder().hasher(RandomState::new()).build()?;
    /// map.insert(1, 10);
    /// # Ok::<(), map_core::BuildError>(())
    /// ```
    pub fn hasher<S2: BuildHasher>(self, hasher: S2) -> Builder<K, V, T, S2> {
        let Self {
            capacity,
            shards,
            shard_limit,
            read_bias,
            options,
            ..
        } = self;
        Builder {
            hasher,
            capacity,
            shards,
            shard_limit,
            read_bias,
            options,
            entries: PhantomData,
        }
    }

    /// Has room for so many entries from the start. The memory is asked for by [`build`](Self::build).
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::<u32, u32>::builder().capacity(1_000).build()?;
    /// assert!(map.capacity() >= 1_000);
    /// # Ok::<(), map_core::BuildError>(())
    /// ```
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// Has at least so many shards from the start, rounded up to a power of two. Splits them
    /// further at need; maps that split under contention merge them when they turn out not to be
    /// needed. Two cache lines for each, and its place in the directory, are allocated by [`build`](Self::build).
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::<u32, u32>::builder().shards(5).build()?;
    /// assert_eq!(map.shards(), 8);
    /// # Ok::<(), map_core::BuildError>(())
    /// ```
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    /// Splits a shard when its table is full and has room for at least so many entries.
    ///
    /// Of locked shards that split under contention, too: for a quarter as many while a map has less than 64 of them, for four times as many
    /// afterwards, for eight times as many from 256 shards on, and for 16 times as many from 4,096 on. Of locked shards that do not: if there are 64 times as many
    /// entries in it (or up to 128 times, if its table has grown for traces of removed ones), as long as no writer has met anybody; after that an eighth as many while there is but one, a 64th as many while there are less than 64, as many
    /// afterwards, twice as many from 256 shards on, and four times as many from 4,096 on. Where reads take no lock: for as many, for a quarter as many where there
    /// are two shards or more and writers meet, and for four times as many from 4,096 shards on.
    ///
    /// The longest pause of an insert is proportional to it. More than 2^27 counts as 2^27. Costs nothing now.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let map = ShardedMap::<u32, u32>::builder().shard_limit(14).build()?;
    /// map.reserve(1_000);
    /// assert!(map.shards() >= 16);
    /// # Ok::<(), map_core::BuildError>(())
    /// ```
    pub fn shard_limit(mut self, entries: usize) -> Self {
        self.shard_limit = entries;
        self
    }

    /// Whether readers announce themselves, or count themselves in the lock: see [`ReadBias`]. Without
    /// effect on a map whose reads take no lock.
    ///
    /// ```
    /// use map_core::ReadBias;
    ///
    /// let map = map_sharded::ShardedMap::<u32, u32>::builder().read_bias(ReadBias::Never).build()?;
    /// assert_eq!(map.read_bias(), ReadBias::Never);
    /// # Ok::<(), map_core::BuildError>(())
    /// ```
    pub fn read_bias(mut self, bias: ReadBias) -> Self {
        self.read_bias = bias;
        self
    }

    /// Makes the map. One shard without capacity costs what [`Map::new`] does; otherwise the shards and tables that
    /// were asked for are allocated. Waits for nobody.
    ///
    /// # Errors
    ///
    /// If there shall be no shards, too many, or shards without entries, or if the capacity exceeds the
    /// address space or the memory; or if the map chooses its strategy by something that is no good.
    ///
    /// ```
    /// use map_core::BuildError;
    /// use map_sharded::ShardedMap;
    ///
    /// let built = ShardedMap::<u32, u32>::builder().shards(0).build();
    /// assert!(matches!(built, Err(BuildError::NoShards)));
    /// ```
    pub fn build(self) -> Result<Map<K, V, T, S>, BuildError> {
        const MOST_SHARDS: usize = 1 << 20;
        let Self {
            hasher,
            capacity,
            shards,
            shard_limit,
            read_bias,
            options,
            ..
        } = self;
        if shards == 0 {
            return Err(BuildError::NoShards);
        }
        if shards > MOST_SHARDS {
            return Err(BuildError::TooManyShards {
                asked: shards,
                most: MOST_SHARDS,
            });
        }
        if shard_limit == 0 {
            return Err(BuildError::ZeroShardLimit);
        }
        let map = Map::with_limit(shard_limit, hasher);
        map.set_read_bias(read_bias);
        T::set_up(map.open(), &options)?;
        map.change_all(here());
        map.split_to(shards.next_power_of_two().trailing_zeros(), here());
        map.try_reserve(capacity).map_err(BuildError::Capacity)?;
        Ok(map)
    }
}

impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// Splits every shard until it has this depth, or may not be split further.
    ///
    /// Level by level: the directory may not run ahead of the number of shards.
    pub(super) fn split_to(&self, depth: u32, place: Place) {
        for depth in 1..=depth.min(MAX_DEPTH) {
            let mut walk = Walk::new();
            while let Some(hash) = walk.next_hash() {
                let mut section = self.lock(hash, place);
                if section.coverage().depth() < depth {
                    section = either(self.split(section, hash, Reason::Size, place));
                }
                walk.visit(section.coverage());
            }
        }
    }
}

impl<K: Eq + Hash, V, T: Strategy<K, V> + Recycling, S: BuildHasher> Builder<K, V, T, S> {
    /// Keeps the nodes of so many entries that were removed or replaced at hand, for entries to come, for each thread that writes: they
    /// wait there, without entries, until the thread needs them, or has not written for a while. By default as many as fit 128 KiB, and
    /// not more than 4,096. With fewer, less memory is kept, and more is allocated and freed; half as many wait until it is asked whether
    /// somebody still looks at them. With 0 nothing is kept. Costs nothing now.
    ///
    /// ```
    /// use map_readdirty::ReadDirtyMap;
    ///
    /// let map = ReadDirtyMap::builder().pool(100).build()?;
    /// for round in 0..10_000_u64 {
    ///     map.store(round % 10, round);
    /// }
    /// assert!(map.stats().pooled_nodes <= 100);
    /// # Ok::<(), map_core::BuildError>(())
    /// ```
    pub fn pool(mut self, nodes: usize) -> Self {
        self.options.set_pool(nodes);
        self
    }
}
