//! The shard: one lock, one table, values inline.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::mem;

use map_core::strategy::{
    Access, Anchored, At, Copied, Held, Inside, Kept, LockedVisit, Refused, Section, Span,
    Strategy, Table,
};
use map_core::{Equivalent, TryReserveError};

use crate::table::{self, SwissTable};

/// The strategy of [`ShardedMap`](crate::ShardedMap): each shard is a table of entries under a
/// read-write lock, and splits when it is full; and, if its [`Variety`] says so, when its lock is fought over.
///
/// ```
/// let map: map_core::Map<u32, u32, map_sharded::Sharded> = map_core::Map::new();
/// map.insert(1, 10);
/// ```
pub struct Sharded<W = Splitting>(PhantomData<fn() -> W>);

impl<W> fmt::Debug for Sharded<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sharded")
    }
}

/// What tells one strategy of these shards from another.
///
/// ```
/// use map_sharded::mapref::entry::Entry;
/// use map_sharded::{Sharded, Variety};
///
/// /// Shards that are not split for being fought over.
/// struct Calm;
///
/// impl Variety for Calm {
///     const SPLITS_FOR_CONTENTION: bool = false;
///     type OwnEntry<'a, K, V> = Entry<'a, K, V, Sharded<Calm>> where K: 'a, V: 'a;
/// }
///
/// let map: map_core::Map<u32, u32, Sharded<Calm>> = map_core::Map::new();
/// *map.entry(1).or_insert(0) += 10;
/// ```
pub trait Variety: Sized {
    /// Whether shards split when their lock is fought over. If not, the first of a map becomes very large until threads have met in it: see
    /// [`Strategy::SPLITS_FOR_CONTENTION`].
    const SPLITS_FOR_CONTENTION: bool;
    /// What the map's `entry` gives out: see [`Strategy::OwnEntry`].
    type OwnEntry<'a, K, V>: From<AnyEntry<'a, K, V, Self>> + Into<AnyEntry<'a, K, V, Self>>
    where
        Self: 'a,
        K: 'a,
        V: 'a;
}

type AnyEntry<'a, K, V, W> = map_core::mapref::entry::Entry<'a, K, V, Sharded<W>>;

/// Shards split when they are full, and when they are fought over: those of [`ShardedMap`](crate::ShardedMap).
///
/// ```
/// use map_sharded::{Splitting, Variety};
///
/// assert!(Splitting::SPLITS_FOR_CONTENTION);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Splitting;

impl Variety for Splitting {
    const SPLITS_FOR_CONTENTION: bool = true;
    type OwnEntry<'a, K, V>
        = crate::mapref::entry::Entry<'a, K, V>
    where
        K: 'a,
        V: 'a;
}

/// The entries of a shard.
///
/// A table that is rebuilt or divided hashes its keys again, which runs the user's code: if that panics, everything is
/// still where it was.
///
/// ```
/// use map_core::strategy::Table;
///
/// assert!(map_sharded::Entries::<u32, u32>::default().is_empty());
/// ```
#[derive(Debug)]
pub struct Entries<K, V>(SwissTable<(K, V)>);

/// For strategies that are made of this one and of others.
impl<K, V> Entries<K, V> {
    /// Finds an entry.
    #[doc(hidden)]
    #[inline(always)]
    pub fn find<Q>(&self, hash: u64, key: &Q) -> Option<&(K, V)>
    where
        Q: ?Sized + Equivalent<K>,
    {
        self.0.find(hash, |(k, _)| key.equivalent(k))
    }

    /// Finds an entry and its slot.
    #[doc(hidden)]
    #[inline(always)]
    pub fn find_mut<Q>(&mut self, hash: u64, key: &Q) -> Option<(usize, &mut (K, V))>
    where
        Q: ?Sized + Equivalent<K>,
    {
        self.0.find_mut(hash, |(k, _)| key.equivalent(k))
    }

    /// The entry at a slot.
    #[doc(hidden)]
    #[inline]
    pub fn at_mut(&mut self, slot: usize) -> &mut (K, V) {
        self.0
            .get_mut(slot)
            .expect("a slot stays occupied while its shard is locked")
    }
}

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self(SwissTable::new())
    }
}

impl<K, V> Table for Entries<K, V> {
    #[expect(unsafe_code, reason = "readers see copies of it")]
    // SAFETY: 1. There are no cells in it. 2. Its memory it has by a raw pointer.
    const COPIED: Option<Copied<Self>> = Some(unsafe { Copied::promise() });

    type Waste = ();

    #[inline]
    fn has_waste(&self) -> bool {
        false
    }

    fn take_waste(&mut self) {}

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }

    fn locator(&self) -> usize {
        self.0.locator()
    }

    #[inline(always)]
    fn prefetch(locator: usize, hash: u64, access: Access) {
        SwissTable::<(K, V)>::prefetch(locator, hash, access);
    }
}

/// The room of one half of a shard that had so much, and so many of whose entries it gets: half of it if they leave some
/// free, so that a map which splits for contention takes no more memory than before. Else all of it.
fn room_for_half(capacity: usize, entries: usize) -> usize {
    let half = capacity / 2;
    if entries + entries / 8 < half {
        half
    } else {
        capacity
    }
}

/// The hashes of all entries, in the table's order.
fn hashes<K, V>(table: &SwissTable<(K, V)>, hash: impl Fn(&K) -> u64) -> Vec<u64> {
    table.iter().map(|(key, _)| hash(key)).collect()
}

#[expect(unsafe_code, reason = "strategies are unsafe to implement")]
// SAFETY: 1., 2. It is made of no other.
unsafe impl<W: Variety, K, V> Strategy<K, V> for Sharded<W> {
    type Locked = Entries<K, V>;
    type Open = ();
    type Slot = usize;
    type Brief = Kept<Entries<K, V>, ()>;
    type Hold = Kept<Entries<K, V>, ()>;
    type OwnEntry<'a>
        = W::OwnEntry<'a, K, V>
    where
        W: 'a,
        K: 'a,
        V: 'a;
    type Edit = ();
    type Iter<'a>
        = table::Iter<'a, (K, V)>
    where
        W: 'a,
        K: 'a,
        V: 'a;
    type Visit = LockedVisit<K, V, Self>;
    type IntoIter = table::IntoIter<(K, V)>;

    const IN_PLACE: bool = true;
    const SPLITS_FOR_CONTENTION: bool = W::SPLITS_FOR_CONTENTION;
    const READS_LOCK: bool = true;

    #[inline(always)]
    fn peek<'a, Q>(
        at: At<'a, Entries<K, V>, ()>,
        key: &Q,
    ) -> Result<Option<Held<'a, (K, V), Self::Brief>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        at.find(|entries| Ok(entries.find(at.hash(), key)))
    }

    #[inline(always)]
    fn get<'a, Q>(
        at: At<'a, Entries<K, V>, ()>,
        key: &Q,
    ) -> Result<Option<Held<'a, (K, V), Self::Hold>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        at.find(|entries| Ok(entries.find(at.hash(), key)))
    }

    #[inline(always)]
    fn locate<Q>(locked: &Entries<K, V>, hash: u64, key: &Q) -> Option<usize>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        locked.0.find_index(hash, |(k, _)| key.equivalent(k))
    }

    #[inline(always)]
    fn locate_mut<'x, Q>(
        section: &'x mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: &Q,
    ) -> Option<(usize, &'x mut (K, V))>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        section.find_mut(hash, key)
    }

    #[inline(always)]
    fn remove_key<Q>(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: &Q,
    ) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        section.0.remove_found(hash, |(k, _)| key.equivalent(k))
    }

    #[inline]
    fn pair(locked: &Entries<K, V>, slot: usize) -> &(K, V) {
        locked
            .0
            .get(slot)
            .expect("a slot stays occupied while its shard is locked")
    }

    #[inline]
    fn has_room(locked: &Entries<K, V>) -> bool {
        locked.0.has_room()
    }

    #[inline]
    fn upsert(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Option<(Option<K>, V)>
    where
        K: Eq,
    {
        if let Some((_, present)) = section.0.find_mut(hash, |(k, _)| *k == key) {
            return Some((Some(key), mem::replace(&mut present.1, value)));
        }
        section.0.insert_new(hash, (key, value));
        None
    }

    #[inline]
    fn insert_new(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> usize {
        section.0.insert_new(hash, (key, value))
    }

    #[inline]
    fn replace(section: &mut impl Inside<Self::Locked, Self::Open>, slot: usize, value: V) -> V {
        mem::replace(&mut Self::edit(section, slot, &mut ()).1, value)
    }

    #[inline]
    fn replace_pair(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: usize,
        key: K,
        value: V,
    ) -> (K, V) {
        mem::replace(Self::edit(section, slot, &mut ()), (key, value))
    }

    #[inline]
    fn remove(section: &mut impl Inside<Self::Locked, Self::Open>, slot: usize) -> (K, V) {
        section
            .0
            .remove(slot)
            .expect("a slot stays occupied while its shard is locked")
    }

    #[inline]
    fn edit<'x>(
        section: &'x mut impl Inside<Self::Locked, Self::Open>,
        slot: usize,
        _edit: &'x mut (),
    ) -> &'x mut (K, V) {
        section.at_mut(slot)
    }

    #[inline]
    fn finish(_section: &mut impl Inside<Self::Locked, Self::Open>, _slot: usize, _edit: ()) {}

    fn alter(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: usize,
        f: impl FnOnce(K, V) -> (K, V),
    ) -> Option<(K, V)> {
        // Out of the table while `f` has it, and back in the same bucket.
        section.0.replace_with(slot, |(key, value)| f(key, value));
        None
    }

    #[inline]
    fn downgrade<'a>(
        section: Section<'a, K, V, Self>,
        slot: usize,
    ) -> Held<'a, (K, V), Self::Hold> {
        Held::find(section.downgrade(), |entries| entries.0.get(slot))
            .expect("a slot stays occupied while its shard is locked")
    }

    fn capacity(locked: &Entries<K, V>) -> usize {
        locked.0.capacity()
    }

    fn resize(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        capacity: usize,
        hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        section.0.rebuild(capacity, |(key, _)| hash(key))
    }

    fn divide(
        from: &mut impl Inside<Self::Locked, Self::Open>,
        into: &mut impl Inside<Self::Locked, Self::Open>,
        hash: impl Fn(&K) -> u64,
        chosen: impl Fn(u64) -> bool,
    ) -> Result<(), TryReserveError> {
        let capacity = Self::capacity(from);
        // Of a table that is full, both halves need as much room, most likely.
        let expected = from.len() / 2;
        if room_for_half(capacity, expected - expected / 16) == capacity {
            [from.0, into.0] = from.0.divide(|(key, _)| hash(key), chosen)?;
            return Ok(());
        }
        let hashes = hashes(&from.0, hash);
        let going = hashes.iter().filter(|hash| chosen(**hash)).count();
        let mut halves = [
            SwissTable::try_with_capacity(room_for_half(capacity, hashes.len() - going))?,
            SwissTable::try_with_capacity(room_for_half(capacity, going))?,
        ];
        for (hash, pair) in hashes.into_iter().zip(mem::take(&mut from.0)) {
            // An index, where a processor would guess wrong every other time.
            halves[usize::from(chosen(hash))].fill(hash, pair);
        }
        [from.0, into.0] = halves;
        Ok(())
    }

    fn absorb(
        into: &mut impl Inside<Self::Locked, Self::Open>,
        from: &mut impl Inside<Self::Locked, Self::Open>,
        hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        if into.is_empty() {
            // Not swapped: the other header may go out of use and must not keep an empty table.
            into.0 = mem::take(&mut from.0);
            return Ok(());
        }
        let moving = hashes(&from.0, &hash);
        let wanted = into.len() + from.len();
        if wanted > into.0.fits() {
            Self::resize(into, wanted, hash)?;
        }
        for (hash, pair) in moving.into_iter().zip(mem::take(&mut from.0)) {
            into.0.insert_new(hash, pair);
        }
        Ok(())
    }

    fn clone_shard(
        _open: &(),
        locked: &Entries<K, V>,
        into: &mut impl Inside<Self::Locked, Self::Open>,
    ) where
        K: Clone,
        V: Clone,
    {
        // With the places and tags that the entries have. If it panics, it drops the clones that it has made.
        into.0 = locked.0.clone();
    }

    fn take(section: &mut impl Inside<Self::Locked, Self::Open>) -> Entries<K, V> {
        mem::take(&mut **section)
    }

    fn retain(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        mut keep: impl FnMut(&K, &mut V) -> bool,
        removed: &mut Vec<(K, V)>,
    ) {
        section
            .0
            .extract(|(key, value)| !keep(key, value), |pair| removed.push(pair));
    }

    #[inline]
    fn iter<'a>(locked: &'a Entries<K, V>) -> table::Iter<'a, (K, V)>
    where
        Self: 'a,
        K: 'a,
        V: 'a,
    {
        locked.0.iter()
    }

    fn visit<'a>(
        at: At<'a, Entries<K, V>, ()>,
        span: Span,
    ) -> Result<(Anchored<'a, Self::Visit>, Option<u64>), Refused> {
        LockedVisit::new(&at, span)
    }

    #[inline]
    fn visited<'a>(
        visit: &mut Anchored<'a, Self::Visit>,
        hash: impl Fn(&K) -> u64,
    ) -> Option<Held<'a, (K, V), Self::Hold>> {
        LockedVisit::next(visit, hash)
    }

    fn iter_mut<'a>(locked: &'a mut Entries<K, V>) -> impl Iterator<Item = &'a mut (K, V)>
    where
        K: 'a,
        V: 'a,
    {
        locked.0.iter_mut()
    }

    fn slots(locked: &Entries<K, V>) -> impl Iterator<Item = usize> {
        locked.0.indices()
    }

    fn into_iter(mut locked: Entries<K, V>) -> table::IntoIter<(K, V)> {
        mem::take(&mut locked.0).into_iter()
    }
}
