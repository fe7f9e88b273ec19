//! An adaptive map that has nothing to choose from: with one strategy compiled in, it is that strategy.

use std::hash::Hash;
use std::ops::ControlFlow;

use map_core::strategy::{
    Anchored, At, Held, Inside, Options, Recycling, Refused, Section, Span, Strategy,
};
use map_core::{BuildError, Equivalent, TryReserveError};

#[cfg(feature = "lock")]
type Inner = crate::lock_map::Lock;
#[cfg(feature = "readdirty")]
type Inner = map_readdirty::ReadDirty;
#[cfg(feature = "sharded")]
type Inner = map_sharded::Sharded;

/// The strategy of an [`AdaptiveMap`](crate::AdaptiveMap): the only one that is compiled in. It asks of keys and values what it would ask
/// if there were several.
///
/// ```
/// let map: map_adaptive::Map<u32, u32, map_adaptive::Adaptive> = map_adaptive::Map::new();
/// map.insert(1, 10);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Adaptive<const READ_TABLES: bool = true>;

impl Recycling for Adaptive {}

#[expect(unsafe_code, reason = "strategies are unsafe to implement")]
// SAFETY: 1. It hands on what it is given. 2. As it was called itself.
unsafe impl<K: Clone, V: Clone, const READ_TABLES: bool> Strategy<K, V> for Adaptive<READ_TABLES> {
    type Locked = <Inner as Strategy<K, V>>::Locked;
    type Open = <Inner as Strategy<K, V>>::Open;
    type Slot = <Inner as Strategy<K, V>>::Slot;
    type Brief = <Inner as Strategy<K, V>>::Brief;
    type Hold = <Inner as Strategy<K, V>>::Hold;
    type OwnEntry<'a>
        = crate::adaptive_map::mapref::entry::Entry<'a, K, V, Self>
    where
        K: 'a,
        V: 'a;
    type Edit = <Inner as Strategy<K, V>>::Edit;
    type Iter<'a>
        = <Inner as Strategy<K, V>>::Iter<'a>
    where
        K: 'a,
        V: 'a;
    type Visit = <Inner as Strategy<K, V>>::Visit;
    type IntoIter = <Inner as Strategy<K, V>>::IntoIter;

    const IN_PLACE: bool = <Inner as Strategy<K, V>>::IN_PLACE;
    const SPLITS_FOR_CONTENTION: bool = <Inner as Strategy<K, V>>::SPLITS_FOR_CONTENTION;
    const READS_LOCK: bool = <Inner as Strategy<K, V>>::READS_LOCK;

    fn set_up(open: &Self::Open, options: &Options) -> Result<(), BuildError> {
        <Inner as Strategy<K, V>>::set_up(open, options)
    }

    fn set_up_like(open: &Self::Open, other: &Self::Open) {
        <Inner as Strategy<K, V>>::set_up_like(open, other);
    }

    #[inline]
    fn is_in_place(locked: &Self::Locked) -> bool {
        <Inner as Strategy<K, V>>::is_in_place(locked)
    }

    #[inline(always)]
    fn peek<'a, Q>(
        at: At<'a, Self::Locked, Self::Open>,
        key: &Q,
    ) -> Result<Option<Held<'a, (K, V), Self::Brief>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        <Inner as Strategy<K, V>>::peek(at, key)
    }

    #[inline(always)]
    fn get<'a, Q>(
        at: At<'a, Self::Locked, Self::Open>,
        key: &Q,
    ) -> Result<Option<Held<'a, (K, V), Self::Hold>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        <Inner as Strategy<K, V>>::get(at, key)
    }

    #[inline]
    fn tend(section: &mut impl Inside<Self::Locked, Self::Open>) {
        <Inner as Strategy<K, V>>::tend(section)
    }

    #[inline(always)]
    fn locate<Q>(locked: &Self::Locked, hash: u64, key: &Q) -> Option<Self::Slot>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        <Inner as Strategy<K, V>>::locate(locked, hash, key)
    }

    #[inline(always)]
    fn locate_mut<'x, Q>(
        section: &'x mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: &Q,
    ) -> Option<(Self::Slot, &'x mut (K, V))>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        <Inner as Strategy<K, V>>::locate_mut(section, hash, key)
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
        <Inner as Strategy<K, V>>::remove_key(section, hash, key)
    }

    #[inline(always)]
    fn pair(locked: &Self::Locked, slot: Self::Slot) -> &(K, V) {
        <Inner as Strategy<K, V>>::pair(locked, slot)
    }

    #[inline(always)]
    fn has_room(locked: &Self::Locked) -> bool {
        <Inner as Strategy<K, V>>::has_room(locked)
    }

    #[inline(always)]
    fn upsert(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Option<(Option<K>, V)>
    where
        K: Eq,
    {
        <Inner as Strategy<K, V>>::upsert(section, hash, key, value)
    }

    #[inline(always)]
    fn store(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Option<(Option<K>, Option<V>)>
    where
        K: Eq,
    {
        <Inner as Strategy<K, V>>::store(section, hash, key, value)
    }

    #[inline(always)]
    fn insert_new(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Self::Slot {
        <Inner as Strategy<K, V>>::insert_new(section, hash, key, value)
    }

    #[inline(always)]
    fn replace(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        value: V,
    ) -> V {
        <Inner as Strategy<K, V>>::replace(section, slot, value)
    }

    #[inline]
    fn replace_pair(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        key: K,
        value: V,
    ) -> (K, V) {
        <Inner as Strategy<K, V>>::replace_pair(section, slot, key, value)
    }

    #[inline(always)]
    fn delete(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
    ) -> Option<(K, V)> {
        <Inner as Strategy<K, V>>::delete(section, slot)
    }

    #[inline(always)]
    fn remove(section: &mut impl Inside<Self::Locked, Self::Open>, slot: Self::Slot) -> (K, V) {
        <Inner as Strategy<K, V>>::remove(section, slot)
    }

    #[inline(always)]
    fn edit<'x>(
        section: &'x mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        edit: &'x mut Self::Edit,
    ) -> &'x mut (K, V) {
        <Inner as Strategy<K, V>>::edit(section, slot, edit)
    }

    #[inline]
    fn draft<'x>(
        locked: &Self::Locked,
        slot: Self::Slot,
        edit: &'x mut Self::Edit,
    ) -> &'x mut (K, V) {
        <Inner as Strategy<K, V>>::draft(locked, slot, edit)
    }

    #[inline(always)]
    fn finish(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        edit: Self::Edit,
    ) {
        <Inner as Strategy<K, V>>::finish(section, slot, edit)
    }

    #[inline]
    fn alter(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        f: impl FnOnce(K, V) -> (K, V),
    ) -> Option<(K, V)> {
        <Inner as Strategy<K, V>>::alter(section, slot, f)
    }

    #[inline]
    fn remove_edited(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        edit: Self::Edit,
    ) -> (K, V) {
        <Inner as Strategy<K, V>>::remove_edited(section, slot, edit)
    }

    #[inline]
    fn replace_edited(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        edit: Self::Edit,
        key: K,
        value: V,
    ) -> (K, V) {
        <Inner as Strategy<K, V>>::replace_edited(section, slot, edit, key, value)
    }

    #[inline]
    fn downgrade<'a>(
        section: Section<'a, K, V, Self>,
        slot: Self::Slot,
    ) -> Held<'a, (K, V), Self::Hold> {
        <Inner as Strategy<K, V>>::downgrade(section, slot)
    }

    #[inline]
    fn capacity(locked: &Self::Locked) -> usize {
        <Inner as Strategy<K, V>>::capacity(locked)
    }

    #[inline]
    fn resize(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        capacity: usize,
        hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        <Inner as Strategy<K, V>>::resize(section, capacity, hash)
    }

    #[inline]
    fn divide(
        from: &mut impl Inside<Self::Locked, Self::Open>,
        into: &mut impl Inside<Self::Locked, Self::Open>,
        hash: impl Fn(&K) -> u64,
        chosen: impl Fn(u64) -> bool,
    ) -> Result<(), TryReserveError> {
        <Inner as Strategy<K, V>>::divide(from, into, hash, chosen)
    }

    #[inline]
    fn absorb(
        into: &mut impl Inside<Self::Locked, Self::Open>,
        from: &mut impl Inside<Self::Locked, Self::Open>,
        hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        <Inner as Strategy<K, V>>::absorb(into, from, hash)
    }

    #[inline]
    fn clone_shard(
        open: &Self::Open,
        locked: &Self::Locked,
        into: &mut impl Inside<Self::Locked, Self::Open>,
    ) {
        <Inner as Strategy<K, V>>::clone_shard(open, locked, into)
    }

    #[inline]
    fn take(section: &mut impl Inside<Self::Locked, Self::Open>) -> Self::Locked {
        <Inner as Strategy<K, V>>::take(section)
    }

    #[inline]
    fn retain(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        keep: impl FnMut(&K, &mut V) -> bool,
        removed: &mut Vec<(K, V)>,
    ) {
        <Inner as Strategy<K, V>>::retain(section, keep, removed)
    }

    #[inline]
    fn iter<'a>(locked: &'a Self::Locked) -> Self::Iter<'a>
    where
        Self: 'a,
        K: 'a,
        V: 'a,
    {
        <Inner as Strategy<K, V>>::iter(locked)
    }

    #[inline]
    fn visit<'a>(
        at: At<'a, Self::Locked, Self::Open>,
        span: Span,
    ) -> Result<(Anchored<'a, Self::Visit>, Option<u64>), Refused> {
        <Inner as Strategy<K, V>>::visit(at, span)
    }

    #[inline(always)]
    fn visited<'a>(
        visit: &mut Anchored<'a, Self::Visit>,
        hash: impl Fn(&K) -> u64,
    ) -> Option<Held<'a, (K, V), Self::Hold>> {
        <Inner as Strategy<K, V>>::visited(visit, hash)
    }

    #[inline]
    fn for_each<B>(
        at: At<'_, Self::Locked, Self::Open>,
        span: Span,
        hash: impl Fn(&K) -> u64,
        f: impl FnMut(&K, &V) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B, Option<u64>>, Refused> {
        <Inner as Strategy<K, V>>::for_each(at, span, hash, f)
    }

    #[inline]
    fn iter_mut<'a>(locked: &'a mut Self::Locked) -> impl Iterator<Item = &'a mut (K, V)>
    where
        K: 'a,
        V: 'a,
    {
        <Inner as Strategy<K, V>>::iter_mut(locked)
    }

    #[inline]
    fn slots(locked: &Self::Locked) -> impl Iterator<Item = Self::Slot> {
        <Inner as Strategy<K, V>>::slots(locked)
    }

    #[inline]
    fn into_iter(locked: Self::Locked) -> Self::IntoIter {
        <Inner as Strategy<K, V>>::into_iter(locked)
    }
}
