//! Generic code with dashmap's own bounds, and none besides: what a library over any map may ask of its users.

use std::borrow::Borrow;
use std::collections::hash_map::RandomState;
use std::fmt::{Debug, Display};
use std::hash::{BuildHasher, Hash};

use super::{Seen, Storable, dashmap, filled};
use dashmap::iter::{Iter, IterMut, OwningIter};
use dashmap::mapref::entry::{Entry, OccupiedEntry, VacantEntry};
use dashmap::mapref::multiple::{RefMulti, RefMutMulti};
use dashmap::mapref::one::{MappedRef, MappedRefMut, Ref, RefMut};
use dashmap::try_result::TryResult;
use dashmap::{DashMap, DashSet, ReadOnlyView};

/// Types that name theirs ask nothing of the parameters.
struct Keeps<'a, K: Storable, V: Storable, S> {
    map: DashMap<K, V, S>,
    guard: Option<Ref<'a, K, V>>,
    part: Option<MappedRef<'a, K, V, u8>>,
}

struct KeepsSet<K: Storable, S> {
    set: DashSet<K, S>,
    view: Option<ReadOnlyView<K, (), S>>,
}

fn made<K: Eq + Hash + Storable, V: Storable>() -> usize {
    let maps: [DashMap<K, V>; 4] = [
        DashMap::new(),
        DashMap::with_capacity(4),
        DashMap::with_shard_amount(2),
        DashMap::with_capacity_and_shard_amount(4, 2),
    ];
    maps.iter().map(DashMap::len).sum()
}

fn defaults<K: Eq + Hash + Storable, V: Storable, S: Default + BuildHasher + Clone>() -> usize {
    let map: DashMap<K, V, S> = DashMap::default();
    map.len()
}

fn with_hasher<'a, K, V, S>(hasher: S) -> DashMap<K, V, S>
where
    K: 'a + Eq + Hash + Storable,
    V: 'a + Storable,
    S: BuildHasher + Clone,
{
    let maps: [DashMap<K, V, S>; 4] = [
        DashMap::with_hasher(hasher.clone()),
        DashMap::with_capacity_and_hasher(4, hasher.clone()),
        DashMap::with_hasher_and_shard_amount(hasher.clone(), 2),
        DashMap::with_capacity_and_hasher_and_shard_amount(4, hasher, 2),
    ];
    let [_, _, _, map] = maps;
    map
}

/// Each method on one key, as it is declared there.
fn points<'a, K, V, S, Q>(map: &'a DashMap<K, V, S>, key: &Q, put: impl Fn() -> (K, V)) -> Seen
where
    K: 'a + Eq + Hash + Borrow<Q> + Storable,
    V: 'a + Storable,
    S: BuildHasher + Clone,
    Q: Hash + Eq + ?Sized,
{
    let mut seen = Seen::new();
    let insert = |map: &'a DashMap<K, V, S>| {
        let (key, value) = put();
        map.insert(key, value).is_some()
    };
    see!(seen, insert(map), insert(map));
    let read: Option<Ref<'a, K, V>> = map.get(key);
    see!(seen, read.is_some());
    drop(read);
    let written: Option<RefMut<'a, K, V>> = map.get_mut(key);
    see!(seen, written.is_some());
    drop(written);
    let tried: TryResult<Ref<'a, K, V>> = map.try_get(key);
    see!(seen, tried.is_present());
    drop(tried);
    let tried: TryResult<RefMut<'a, K, V>> = map.try_get_mut(key);
    see!(seen, tried.is_present());
    drop(tried);
    see!(
        seen,
        map.contains_key(key),
        map.view(key, |_, _| 7),
        map.remove_if(key, |_, _| false).is_some(),
        map.remove_if_mut(key, |_, _| true).is_some(),
        map.remove(key).is_some()
    );
    let entry: Entry<'a, K, V> = map.entry(put().0);
    drop(entry.or_insert(put().1));
    let entry: Option<Entry<'a, K, V>> = map.try_entry(put().0);
    see!(seen, entry.is_some());
    drop(entry);
    map.alter(key, |_, value| value);
    see!(
        seen,
        map.hash_usize(&7_u8) == map.hasher().hash_one(7_u8) as usize
    );
    seen
}

/// Each method on all entries, as it is declared there.
fn wholes<'a, K, V, S>(mut map: DashMap<K, V, S>, more: Vec<(K, V)>) -> Seen
where
    K: 'a + Eq + Hash + Storable,
    V: 'a + Storable,
    S: BuildHasher + Clone,
{
    let mut seen = Seen::new();
    map.extend(more);
    see!(seen, map.len(), map.is_empty(), map.capacity() >= map.len());
    see!(seen, map.try_reserve(10).is_ok());
    let iter: Iter<'_, K, V, S, DashMap<K, V, S>> = map.iter();
    see!(seen, iter.count());
    let iter: IterMut<'_, K, V, S, DashMap<K, V, S>> = map.iter_mut();
    see!(seen, iter.count(), (&map).into_iter().count());
    map.alter_all(|_, value| value);
    map.retain(|_, _| true);
    map.shrink_to_fit();
    let view: ReadOnlyView<K, V, S> = map.into_read_only();
    see!(seen, view.len());
    let map = view.into_inner();
    let iter: OwningIter<K, V, S> = map.into_iter();
    see!(seen, iter.count());
    seen
}

fn collected<K: Eq + Hash + Storable, V: Storable, S: BuildHasher + Clone + Default>(
    pairs: Vec<(K, V)>,
) -> DashMap<K, V, S> {
    pairs.into_iter().collect()
}

fn operated<'a, K, V, S, Q>(map: &'a DashMap<K, V, S>, key: &Q, pair: (K, V)) -> Seen
where
    K: 'a + Eq + Hash + Borrow<Q> + Storable,
    V: 'a + Storable,
    S: BuildHasher + Clone,
    Q: Hash + Eq + ?Sized,
{
    let mut seen = Seen::new();
    see!(seen, (map << pair).is_some(), map & key);
    drop((map >> key, map & key));
    drop(map | key);
    see!(seen, (map - key).is_some());
    seen
}

fn shown<K, V, S>(map: &DashMap<K, V, S>) -> String
where
    K: Eq + Hash + Debug + Storable,
    V: Debug + Storable,
    S: BuildHasher + Clone,
{
    format!("{map:?}")
}

fn twice<K: Eq + Hash + Clone + Storable, V: Clone + Storable, S: BuildHasher + Clone>(
    map: &DashMap<K, V, S>,
) -> (usize, usize) {
    let iter: Iter<'_, K, V, S> = map.iter();
    (iter.clone().count(), iter.count())
}

/// What is copied need not be able to hash.
fn copied<K: Eq + Hash + Clone + Storable, V: Clone + Storable, S: Clone>(
    map: &DashMap<K, V, S>,
) -> DashMap<K, V, S> {
    map.clone()
}

fn copied_set<K: Eq + Hash + Clone + Storable, S: Clone>(set: &DashSet<K, S>) -> DashSet<K, S> {
    set.clone()
}

fn copied_view<K: Eq + Hash + Clone + Storable, V: Clone + Storable, S: Clone>(
    view: &ReadOnlyView<K, V, S>,
) -> ReadOnlyView<K, V, S> {
    view.clone()
}

/// It is no hasher.
#[derive(Clone)]
struct Label;

fn cloned<T: Clone>() {}

pub(crate) fn bounds_of_clones() -> Seen {
    cloned::<DashMap<u8, String, Label>>();
    cloned::<DashSet<u8, Label>>();
    cloned::<ReadOnlyView<u8, String, Label>>();
    let mut seen = Seen::new();
    for many in [0, 1, 30, 5000] {
        let map = filled(many);
        let copy = copied(&map);
        map.clear();
        see!(seen, copy.len(), map.len(), copy.insert(7, String::new()));
        let set: DashSet<u64> = (0..many).collect();
        let copy_of_set = copied_set(&set);
        set.clear();
        see!(seen, copy_of_set.len(), copy_of_set.contains(&0));
        let view = copy.into_read_only();
        let copy = copied_view(&view);
        see!(seen, view.into_inner().len(), copy.len(), copy.get(&0));
    }
    seen
}

pub(crate) fn bounds_of_maps() -> Seen {
    let mut seen = Seen::new();
    see!(
        seen,
        made::<String, u8>(),
        defaults::<String, u8, RandomState>()
    );
    let map = with_hasher(RandomState::new());
    seen.extend(points(&map, "a", || ("a".to_owned(), 1)));
    seen.extend(operated(&map, "b", ("b".to_owned(), 2)));
    see!(seen, shown(&map));
    let copy = copied(&map);
    see!(seen, copy.len(), twice(&map));
    seen.extend(wholes(copy, vec![("c".to_owned(), 3)]));
    let map: DashMap<u8, u8, RandomState> = collected(vec![(1, 2)]);
    let mut keeps = Keeps {
        map,
        guard: None,
        part: None,
    };
    keeps.map.insert(2, 3);
    see!(seen, keeps.map.len(), keeps.guard.take().is_some());
    see!(seen, keeps.part.take().is_some());
    seen
}

fn read<K: Eq + Hash + Storable, V: Storable>(guard: Ref<'_, K, V>) -> bool {
    let (key, value) = guard.pair();
    let same = std::ptr::eq(key, guard.key()) && std::ptr::eq(value, guard.value());
    same && std::ptr::eq::<V>(&*guard, value)
}

fn written<'a, K: Eq + Hash + Storable, V: Storable>(
    mut guard: RefMut<'a, K, V>,
    value: V,
) -> Ref<'a, K, V> {
    *guard = value;
    let _ = (guard.key(), guard.value(), guard.pair());
    let _ = guard.pair_mut();
    let _ = guard.value_mut();
    guard.downgrade()
}

fn in_part<'a, K: Eq + Hash + Storable, V: Storable, T, U>(
    guard: Ref<'a, K, V>,
    f: impl FnOnce(&V) -> &T,
    g: impl Fn(&T) -> &U,
) -> Result<MappedRef<'a, K, V, U>, MappedRef<'a, K, V, T>> {
    let part: MappedRef<'a, K, V, T> = guard.map(f);
    let _ = (part.key(), part.value(), part.pair(), &*part);
    let part = part.try_map(|part| None::<&U>.or(Some(g(part))))?;
    Ok(part.map(|part| part))
}

fn in_part_mut<'a, K: Eq + Hash + Storable, V: Storable, T, U>(
    guard: RefMut<'a, K, V>,
    f: impl FnOnce(&mut V) -> &mut T,
    g: impl Fn(&mut T) -> &mut U,
) -> Result<MappedRefMut<'a, K, V, U>, MappedRefMut<'a, K, V, T>> {
    let mut part: MappedRefMut<'a, K, V, T> = guard.map(f);
    let _ = (part.key(), part.value(), part.pair());
    let _ = part.pair_mut();
    let _ = part.value_mut();
    let part = part.try_map(|part| Some(g(part)))?;
    Ok(part.map(|part| part))
}

fn shown_part<K, V, T>(part: &MappedRef<'_, K, V, T>) -> String
where
    K: Eq + Hash + Debug + Storable,
    V: Storable,
    T: Display + Debug + AsRef<str>,
{
    assert!(format!("{part:?}").starts_with("MappedRef"));
    let text: &str = part.as_ref();
    format!("{part} {text}")
}

fn multiple<K: Eq + Hash + Storable, V: Storable>(one: RefMulti<'_, K, V>) -> bool {
    let (key, value) = one.pair();
    std::ptr::eq(key, one.key())
        && std::ptr::eq(value, one.value())
        && std::ptr::eq::<V>(&*one, value)
}

fn multiple_mut<K: Eq + Hash + Storable, V: Storable>(mut one: RefMutMulti<'_, K, V>, value: V) {
    *one = value;
    let _ = (one.key(), one.value(), one.pair());
    let _ = one.pair_mut();
    let _ = one.value_mut();
}

fn placed<'a, K: Eq + Hash + Storable, V: Storable>(
    entry: Entry<'a, K, V>,
    value: impl Fn() -> V,
) -> RefMut<'a, K, V> {
    match entry.and_modify(|there| *there = value()) {
        Entry::Occupied(entry) => occupied(entry, value()),
        Entry::Vacant(entry) => vacant(entry, value()),
    }
}

fn occupied<'a, K: Eq + Hash + Storable, V: Storable>(
    mut entry: OccupiedEntry<'a, K, V>,
    value: V,
) -> RefMut<'a, K, V> {
    let _ = (entry.key(), entry.get());
    let _ = entry.get_mut();
    let _ = entry.insert(value);
    entry.into_ref()
}

fn vacant<'a, K: Eq + Hash + Storable, V: Storable>(
    entry: VacantEntry<'a, K, V>,
    value: V,
) -> RefMut<'a, K, V> {
    let _ = entry.key();
    entry.insert(value)
}

fn left<K: Eq + Hash + Storable, V: Default + Storable>(entry: Entry<'_, K, V>) -> K {
    let _ = entry.key();
    entry.into_key()
}

pub(crate) fn bounds_of_guards() -> Seen {
    let mut seen = Seen::new();
    let map = filled(3);
    see!(seen, read(map.get(&1).unwrap()));
    see!(seen, *written(map.get_mut(&1).unwrap(), "new".to_owned()));
    let part = in_part(map.get(&1).unwrap(), |value| value, |value| value);
    see!(seen, shown_part(&part.ok().unwrap()));
    let part = in_part_mut(map.get_mut(&1).unwrap(), |value| value, |value| value);
    see!(seen, part.ok().unwrap().push('!'));
    see!(seen, map.iter().all(multiple));
    map.iter_mut()
        .for_each(|one| multiple_mut(one, "all".to_owned()));
    see!(seen, *placed(map.entry(1), || "there".to_owned()));
    see!(seen, *placed(map.entry(9), || "not there".to_owned()));
    see!(seen, left(map.entry(10)), map.len());
    seen
}

/// Each method of a set, as it is declared there.
fn set<K, S, Q>(mut set: DashSet<K, S>, key: &Q, put: impl Fn() -> K) -> Seen
where
    K: Eq + Hash + Borrow<Q> + Storable,
    S: BuildHasher + Clone,
    Q: Hash + Eq + ?Sized,
{
    let mut seen = Seen::new();
    see!(
        seen,
        set.insert(put()),
        set.insert(put()),
        set.contains(key)
    );
    see!(
        seen,
        set.get(key).is_some_and(|found| found.key() == &*found)
    );
    see!(seen, set.iter().all(|found| found.key() == &*found));
    see!(seen, set.len(), set.is_empty(), set.capacity() > 0);
    see!(seen, set.hash_usize(&7_u8) == set.hash_usize(&7_u8));
    see!(seen, set.remove_if(key, |_| false).is_some());
    see!(seen, set.remove(key).is_some());
    set.extend([put()]);
    set.retain(|_| true);
    set.shrink_to_fit();
    see!(seen, set.into_iter().count());
    seen
}

fn made_sets<K, S>(hasher: S) -> DashSet<K, S>
where
    K: Eq + Hash + Storable,
    S: Default + BuildHasher + Clone,
{
    let sets: [DashSet<K, S>; 4] = [
        DashSet::with_hasher(hasher.clone()),
        DashSet::with_capacity_and_hasher(4, hasher),
        DashSet::default(),
        std::iter::empty().collect(),
    ];
    let [set, ..] = sets;
    set.clear();
    set
}

fn shown_set<K: Eq + Hash + Debug + Storable + Clone, S: BuildHasher + Clone>(
    set: &DashSet<K, S>,
) -> bool {
    format!("{:?}", set.clone()) == format!("{set:?}")
}

/// Each method of a view, as it is declared there.
fn view<'a, K, V, S, Q>(view: &'a ReadOnlyView<K, V, S>, key: &Q) -> Seen
where
    K: 'a + Eq + Hash + Borrow<Q> + Storable,
    V: 'a + Storable,
    S: BuildHasher + Clone,
    Q: Hash + Eq + ?Sized,
{
    let mut seen = Seen::new();
    see!(
        seen,
        view.len(),
        view.is_empty(),
        view.capacity() >= view.len()
    );
    let value: Option<&'a V> = view.get(key);
    let pair: Option<(&'a K, &'a V)> = view.get_key_value(key);
    see!(
        seen,
        value.is_some(),
        pair.is_some(),
        view.contains_key(key)
    );
    let (keys, values): (Vec<&'a K>, Vec<&'a V>) = view.iter().unzip();
    see!(seen, keys.len(), values.len());
    see!(seen, view.keys().count(), view.values().count());
    seen
}

fn back<K: Storable, V: Storable, S>(view: ReadOnlyView<K, V, S>) -> DashMap<K, V, S> {
    view.into_inner()
}

pub(crate) fn bounds_of_sets_and_views() -> Seen {
    let mut seen = Seen::new();
    let empty: DashSet<String, RandomState> = made_sets(RandomState::new());
    see!(seen, shown_set(&empty));
    seen.extend(set(empty, "a", || "a".to_owned()));
    let map = filled(3).into_read_only();
    seen.extend(view(&map, &1));
    see!(seen, back(map).len());
    let mut keeps = KeepsSet {
        set: made_sets::<u8, RandomState>(RandomState::new()),
        view: None,
    };
    see!(seen, keeps.set.insert(1), keeps.view.take().is_some());
    seen
}
