//! What rayon does with a map.
//!
//! ```
//! use map_sharded::ShardedMap;
//! use rayon::iter::{IntoParallelIterator, ParallelIterator};
//!
//! let squares: ShardedMap<u64, u64> = (0..1000).into_par_iter().map(|n| (n, n * n)).collect();
//! let odd = squares.par_iter().filter(|square| square.value() % 2 == 1).count();
//! assert_eq!(odd, 500);
//! ```

use std::fmt;
use std::hash::{BuildHasher, Hash};

use ::rayon::iter::plumbing::{Folder, UnindexedConsumer, UnindexedProducer, bridge_unindexed};
use ::rayon::iter::{FromParallelIterator, IntoParallelIterator, ParallelExtend, ParallelIterator};

use crate::map::{Map, Walk};
use crate::mapref::multiple::RefMulti;
use crate::raw::coverage::{Coverage, hash_at};
use crate::raw::directory::Directory;
use crate::raw::held::{Place, here};
use crate::strategy::{Anchored, Open, Strategy, Table};

impl<K, V, T, S> Map<K, V, T, S>
where
    K: Eq + Hash + Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync>,
    S: BuildHasher + Send + Sync,
{
    /// Goes over all entries in parallel: each that is present throughout is given out exactly
    /// once, no key twice, also while shards split and merge.
    ///
    /// The work is divided between shards, by their prefixes: a map of one shard (of a hundred entries; of two thousand where reads take no lock, of a hundred thousand in a `LockMap` in which nobody has met anybody)
    /// is gone through by one job. Each job locks one shard at a time for reading, until it has gone through it
    /// and the guards given out from it are gone: so they should be short-lived. One atomic operation per
    /// entry, no allocation but rayon's own. Waits for writers of a shard, so the caller must have no write guard
    /// on this map. What may be called from the closures is said in [`rayon`](crate::rayon#locks-and-jobs).
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    ///
    /// let stock: map_sharded::ShardedMap<u32, u64> = (0..10).map(|n| (n, 5)).collect();
    /// assert_eq!(stock.par_iter().map(|entry| *entry.value()).sum::<u64>(), 50);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn par_iter(&self) -> Iter<'_, K, V, T> {
        Iter {
            map: self,
            part: Coverage::ALL,
            place: here(),
        }
    }
}

/// Goes over a map in parallel, giving out read guards. Made by [`Map::par_iter`].
///
/// ```
/// use rayon::iter::ParallelIterator;
///
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// let iter = map.par_iter();
/// assert_eq!(iter.map(|entry| *entry).sum::<u32>(), 45);
/// ```
pub struct Iter<'a, K, V, T: Strategy<K, V>> {
    map: &'a (dyn Visited<K, V, T> + 'a),
    /// The positions that are gone over.
    part: Coverage,
    place: Place,
}

/// A map, whatever its hasher, which an iterator does not name.
trait Visited<K, V, T: Strategy<K, V>>: Sync {
    fn directory(&self) -> &Directory<T::Locked, T::Open>;

    /// See [`Map::visit`].
    fn visit<'a>(&'a self, walk: &mut Walk, place: Place) -> Option<Anchored<'a, T::Visit>>;

    /// The mixed hash of a key.
    fn hash(&self, key: &K) -> u64;
}

impl<K, V, T, S> Visited<K, V, T> for Map<K, V, T, S>
where
    K: Eq + Hash,
    T: Strategy<K, V>,
    S: BuildHasher,
    Self: Sync,
{
    fn directory(&self) -> &Directory<T::Locked, T::Open> {
        &self.directory
    }

    fn visit<'a>(&'a self, walk: &mut Walk, place: Place) -> Option<Anchored<'a, T::Visit>> {
        Map::visit(self, walk, place)
    }

    fn hash(&self, key: &K) -> u64 {
        Map::hash(self, key)
    }
}

/// [`Map::par_iter`].
///
/// ```
/// use rayon::iter::{IntoParallelIterator, ParallelIterator};
///
/// let map: map_sharded::ShardedMap<u32, u32> = (0..1000).map(|n| (n, n)).collect();
/// assert!((&map).into_par_iter().all(|entry| entry.key() == entry.value()));
/// ```
impl<'a, K, V, T, S> IntoParallelIterator for &'a Map<K, V, T, S>
where
    K: Eq + Hash + Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync, Hold: Send>,
    S: BuildHasher + Send + Sync,
{
    type Iter = Iter<'a, K, V, T>;
    type Item = RefMulti<'a, K, V, T>;

    #[cfg_attr(debug_assertions, track_caller)]
    fn into_par_iter(self) -> Self::Iter {
        self.par_iter()
    }
}

impl<'a, K, V, T> ParallelIterator for Iter<'a, K, V, T>
where
    K: Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync, Hold: Send>,
{
    type Item = RefMulti<'a, K, V, T>;

    fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
        bridge_unindexed(Part(self), consumer)
    }
}

impl<K, V, T: Strategy<K, V>> Clone for Iter<'_, K, V, T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<K, V, T: Strategy<K, V>> fmt::Debug for Iter<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

/// A part of the positions of a map, as rayon divides them.
///
/// A part is not a set of shards, which split and merge while jobs wait for their turn, but of
/// positions: a job passes over what other jobs see in a shard that is larger than its part.
struct Part<'a, K, V, T: Strategy<K, V>>(Iter<'a, K, V, T>);

impl<'a, K, V, T> UnindexedProducer for Part<'a, K, V, T>
where
    K: Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync, Hold: Send>,
{
    type Item = RefMulti<'a, K, V, T>;

    fn split(self) -> (Self, Option<Self>) {
        let (lower, upper) = halves(self.0.map.directory(), self.0.part);
        let part = |part| Self(Iter { part, ..self.0 });
        (part(lower), upper.map(part))
    }

    fn fold_with<F: Folder<Self::Item>>(self, folder: F) -> F {
        let Iter { map, part, place } = self.0;
        let mut walk = Walk::over(part);
        let mut visit = None;
        folder.consume_iter(std::iter::from_fn(move || {
            loop {
                if let Some(visit) = &mut visit
                    && let Some(found) = T::visited(visit, |key| map.hash(key))
                {
                    return Some(RefMulti(found));
                }
                // Before the next shard is waited for.
                visit = None;
                visit = Some(map.visit(&mut walk, place)?);
            }
        }))
    }
}

/// The halves of a part of the positions; the whole if there is but one shard in it, just now.
pub(super) fn halves<L: Table, O: Open>(
    directory: &Directory<L, O>,
    part: Coverage,
) -> (Coverage, Option<Coverage>) {
    let shard = directory.find(hash_at(part.start())).coverage_hint();
    // One that is being split or merged covers nothing, and says nothing.
    if shard == Coverage::NOTHING || shard.depth() <= part.depth() {
        return (part, None);
    }
    (part.half(false), Some(part.half(true)))
}

/// Takes the entries out of a map in parallel, shard by shard. Made by `into_par_iter`.
///
/// ```
/// use rayon::iter::{IntoParallelIterator, ParallelIterator};
///
/// let map: map_sharded::ShardedMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// assert_eq!(map.into_par_iter().map(|(_, value)| value).sum::<u32>(), 45);
/// ```
pub struct OwningIter<K, V, T: Strategy<K, V>> {
    tables: Vec<T::Locked>,
}

/// Takes the entries out of a map that nobody else has any more. The work is divided between shards.
///
/// ```
/// use map_core::{Map, Strategy};
/// use rayon::iter::{IntoParallelIterator, ParallelIterator};
///
/// fn longest<T>(names: Map<u32, String, T>) -> Option<String>
/// where
///     T: Strategy<u32, String, Locked: Send>,
/// {
///     names.into_par_iter().map(|(_, name)| name).max_by_key(String::len)
/// }
/// ```
impl<K, V, T, S> IntoParallelIterator for Map<K, V, T, S>
where
    K: Send,
    V: Send,
    T: Strategy<K, V, Locked: Send>,
{
    type Iter = OwningIter<K, V, T>;
    type Item = (K, V);

    fn into_par_iter(self) -> Self::Iter {
        OwningIter {
            tables: self.directory.into_tables(),
        }
    }
}

impl<K, V, T> ParallelIterator for OwningIter<K, V, T>
where
    K: Send,
    V: Send,
    T: Strategy<K, V, Locked: Send>,
{
    type Item = (K, V);

    fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
        self.tables
            .into_par_iter()
            .flat_map_iter(T::into_iter)
            .drive_unindexed(consumer)
    }
}

impl<K, V, T: Strategy<K, V>> fmt::Debug for OwningIter<K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwningIter").finish_non_exhaustive()
    }
}

/// Inserts pairs in parallel. Of several pairs with one key any one's value may stay. Each pair is one
/// [`insert`](Map::insert), and waits only for the other jobs.
///
/// ```
/// use rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};
///
/// let mut map = map_sharded::ShardedMap::<u64, u64>::new();
/// map.par_extend((0..1000).into_par_iter().map(|n| (n, n * n)));
/// assert_eq!(map.get_copied(&30), Some(900));
/// ```
impl<K, V, T, S> ParallelExtend<(K, V)> for Map<K, V, T, S>
where
    K: Eq + Hash + Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync>,
    S: BuildHasher + Send + Sync,
{
    fn par_extend<I: IntoParallelIterator<Item = (K, V)>>(&mut self, pairs: I) {
        (&*self).par_extend(pairs);
    }
}

/// Inserts pairs in parallel into a map that others may use meanwhile. Of several pairs with one key
/// any one's value may stay.
///
/// Each pair is one [`insert`](Map::insert): so whoever calls this must have no guard on this map, for the
/// jobs would wait for it.
///
/// ```
/// use map_core::{Map, Strategy};
/// use rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};
///
/// fn add_squares<T>(mut squares: &Map<u64, u64, T>)
/// where
///     T: Strategy<u64, u64, Locked: Send + Sync, Open: Send + Sync>,
/// {
///     squares.par_extend((0..1000).into_par_iter().map(|n| (n, n * n)));
/// }
/// ```
impl<K, V, T, S> ParallelExtend<(K, V)> for &Map<K, V, T, S>
where
    K: Eq + Hash + Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync>,
    S: BuildHasher + Send + Sync,
{
    fn par_extend<I: IntoParallelIterator<Item = (K, V)>>(&mut self, pairs: I) {
        let map = *self;
        pairs.into_par_iter().for_each(|(key, value)| {
            map.insert(key, value);
        });
    }
}

/// Makes a map of pairs in parallel. Of several pairs with one key any one's value may stay. Each is one
/// [`insert`](Map::insert): room is not made ahead, and shards split as they fill.
///
/// ```
/// use rayon::iter::{IntoParallelIterator, ParallelIterator};
///
/// let map: map_sharded::ShardedMap<u64, u64> =
///     (0..1000).into_par_iter().map(|n| (n % 10, n)).collect();
/// assert_eq!(map.len(), 10);
/// ```
impl<K, V, T, S> FromParallelIterator<(K, V)> for Map<K, V, T, S>
where
    K: Eq + Hash + Send + Sync,
    V: Send + Sync,
    T: Strategy<K, V, Locked: Send + Sync, Open: Send + Sync>,
    S: BuildHasher + Default + Send + Sync,
{
    fn from_par_iter<I: IntoParallelIterator<Item = (K, V)>>(pairs: I) -> Self {
        let map = Self::default();
        (&map).par_extend(pairs);
        map
    }
}
