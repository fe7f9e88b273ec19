//! What dashmap's feature `rayon` has: parallel iterators, and maps and sets made of them.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, DefaultHasher, Hash};
use std::marker::PhantomData;
use std::rc::Rc;

use rayon::iter::{
    FromParallelIterator, IntoParallelIterator, IntoParallelRefIterator,
    IntoParallelRefMutIterator, ParallelExtend, ParallelIterator,
};

use super::{Seen, Storable, contents, dashmap, sorted};
use dashmap::mapref::multiple::{RefMulti, RefMutMulti};
#[expect(unused_imports, reason = "there is nothing in it but implementations")]
use dashmap::rayon::read_only;
use dashmap::rayon::{map, set};
use dashmap::{DashMap, DashSet, ReadOnlyView, setref};

/// The bounds that dashmap asks for, of what is made in parallel ...
fn made<K, V, S>(pairs: Vec<(K, V)>) -> DashMap<K, V, S>
where
    K: Send + Sync + Eq + Hash + Storable,
    V: Send + Sync + Storable,
    S: Send + Sync + Clone + Default + BuildHasher,
{
    pairs.into_par_iter().collect()
}

fn extended<K, V, S>(mut map: DashMap<K, V, S>, [one, other]: [Vec<(K, V)>; 2]) -> DashMap<K, V, S>
where
    K: Send + Sync + Eq + Hash + Storable,
    V: Send + Sync + Storable,
    S: Send + Sync + Clone + BuildHasher,
{
    map.par_extend(one);
    (&map).par_extend(other);
    map
}

/// ... gone over ...
fn counted<K, V, S>(map: &DashMap<K, V, S>) -> usize
where
    K: Send + Sync + Eq + Hash + Storable,
    V: Send + Sync + Storable,
    S: Send + Sync + Clone + BuildHasher,
{
    let by_reference = map.par_iter().count();
    assert_eq!(by_reference, map.into_par_iter().count());
    by_reference
}

fn changed<K, V>(map: &mut DashMap<K, V>, change: impl Fn(&K, &mut V) + Sync)
where
    K: Send + Sync + Eq + Hash + Storable,
    V: Send + Sync + Storable,
{
    let change = |mut entry: RefMutMulti<'_, K, V>| {
        let (key, value) = entry.pair_mut();
        change(key, value);
    };
    IntoParallelRefMutIterator::par_iter_mut(map).for_each(change);
    map.into_par_iter().for_each(change);
}

/// To change values nothing is asked of the hasher.
fn changed_by_any<K, V, S>(map: &DashMap<K, V, S>, change: impl Fn(&K, &mut V) + Sync)
where
    K: Send + Sync + Eq + Hash + Storable,
    V: Send + Sync + Storable,
{
    map.par_iter_mut().for_each(|mut entry| {
        let (key, value) = entry.pair_mut();
        change(key, value);
    });
}

/// ... and taken apart.
fn taken<K, V, S>(map: DashMap<K, V, S>) -> Vec<(K, V)>
where
    K: Send + Eq + Hash + Storable,
    V: Send + Storable,
    S: Send + Clone + BuildHasher,
{
    map.into_par_iter().collect()
}

pub(crate) fn parallel_maps() -> Seen {
    let mut seen = Seen::new();
    let squares = |range: std::ops::Range<u64>| range.map(|n| (n, n * n)).collect::<Vec<_>>();
    let map: DashMap<u64, u64, RandomState> = made(squares(0..1000));
    see!(seen, map.len(), counted(&map));
    let map = extended(map, [squares(1000..1500), squares(1400..2000)]);
    see!(seen, counted(&map), map.get(&1999).map(|value| *value));
    let odd = map.par_iter().filter(|entry| *entry.value() % 2 == 1);
    see!(seen, odd.map(|entry| *entry.key()).sum::<u64>());
    // Through `&self`, as long as the values are changed and nothing else.
    map.par_iter_mut().for_each(|mut entry| *entry += 1);
    see!(seen, map.par_iter().map(|entry| *entry).max());
    see!(seen, sorted(taken(map)).last());
    let mut map: DashMap<u64, u64> = DashMap::from_par_iter(squares(0..100));
    changed(&mut map, |key, value| *value += key);
    see!(seen, contents(&map));
    seen
}

/// A hasher that stays on its thread.
#[derive(Clone, Default)]
struct Stays(RandomState, PhantomData<Rc<()>>);

impl BuildHasher for Stays {
    type Hasher = DefaultHasher;
    fn build_hasher(&self) -> DefaultHasher {
        self.0.build_hasher()
    }
}

/// The iterators have no hasher in their names, whichever the map has.
fn unnamed<'a, S: Send + Sync + Clone + BuildHasher>(
    map: &'a DashMap<u64, u64, S>,
    set: &'a DashSet<u64, S>,
) -> (
    map::Iter<'a, u64, u64>,
    map::IterMut<'a, u64, u64>,
    set::Iter<'a, u64>,
) {
    (map.par_iter(), map.par_iter_mut(), set.par_iter())
}

pub(crate) fn parallel_hashers() -> Seen {
    let mut seen = Seen::new();
    let map: DashMap<u64, u64, Stays> = (0..3000).map(|n| (n, n)).collect();
    changed_by_any(&map, |key, value| *value += key);
    see!(seen, map.iter().all(|entry| *entry == 2 * entry.key()));
    let map: DashMap<u64, u64, RandomState> = (0..3000).map(|n| (n, n)).collect();
    let set: DashSet<u64, RandomState> = (0..3000).collect();
    let (entries, changes, keys) = unnamed(&map, &set);
    see!(seen, entries.count(), keys.count());
    changes.for_each(|mut entry| *entry += 1);
    see!(seen, map.iter().map(|entry| *entry).sum::<u64>());
    seen
}

fn set_made<K, S>(keys: Vec<K>) -> DashSet<K, S>
where
    K: Send + Sync + Eq + Hash + Storable,
    S: Send + Sync + Clone + Default + BuildHasher,
{
    keys.into_par_iter().collect()
}

fn set_extended<K, S>(mut set: DashSet<K, S>, [one, other]: [Vec<K>; 2]) -> DashSet<K, S>
where
    K: Send + Sync + Eq + Hash + Storable,
    S: Send + Sync + Clone + BuildHasher,
{
    set.par_extend(one);
    (&set).par_extend(other);
    set
}

fn set_counted<K, S>(set: &DashSet<K, S>) -> usize
where
    K: Send + Sync + Eq + Hash + Storable,
    S: Send + Sync + Clone + BuildHasher,
{
    let by_reference = set.par_iter().count();
    assert_eq!(by_reference, set.into_par_iter().count());
    by_reference
}

fn set_taken<K, S>(set: DashSet<K, S>) -> Vec<K>
where
    K: Send + Eq + Hash + Storable,
    S: Send + Clone + BuildHasher,
{
    set.into_par_iter().collect()
}

pub(crate) fn parallel_sets() -> Seen {
    let mut seen = Seen::new();
    let set: DashSet<u32, RandomState> = set_made((0..1000).collect());
    let set = set_extended(set, [(900..1200).collect(), vec![5000]]);
    see!(seen, set.len(), set_counted(&set));
    see!(seen, set.par_iter().map(|key| u64::from(*key)).sum::<u64>());
    see!(seen, sorted(set_taken(set)).last());
    seen
}

fn view_counted<K, V, S>(view: &ReadOnlyView<K, V, S>) -> usize
where
    K: Send + Sync + Eq + Hash + Storable,
    V: Send + Sync + Storable,
    S: Send + Sync + Clone + BuildHasher,
{
    view.par_iter().count()
}

fn view_taken<K, V, S>(view: ReadOnlyView<K, V, S>) -> Vec<(K, V)>
where
    K: Send + Eq + Hash + Storable,
    V: Send + Storable,
    S: Send + Clone + BuildHasher,
{
    view.into_par_iter().collect()
}

pub(crate) fn parallel_views() -> Seen {
    let mut seen = Seen::new();
    let map: DashMap<u32, u32> = (0..1000).into_par_iter().map(|n| (n, n / 2)).collect();
    let view = map.into_read_only();
    see!(seen, view_counted(&view));
    let same = |key: &u32, value: &u32| view.get(key) == Some(value);
    let all = view.par_iter().all(|entry| {
        let (key, value) = entry.pair();
        same(key, value) && same(entry.key(), entry.value()) && *entry == *value
    });
    see!(seen, all, sorted(view_taken(view)).last());
    seen
}

/// Each iterator by its name, with as few parameters as may be.
struct Named<'a, K: Eq + Hash + Storable, V: Storable> {
    entries: map::Iter<'a, K, V>,
    changes: map::IterMut<'a, K, V>,
    pairs: map::OwningIter<K, V>,
    keys: set::Iter<'a, K>,
    owned_keys: set::OwningIter<K>,
}

fn sent<T: Send>(of: T) -> T {
    of
}

/// And each for a shorter lifetime than it has.
fn shortened<'s, 'l: 's, K: Eq + Hash + Storable, V: Storable>(
    Named {
        entries,
        changes,
        pairs,
        keys,
        owned_keys,
    }: Named<'l, K, V>,
) -> Named<'s, K, V> {
    Named {
        entries,
        changes,
        pairs,
        keys,
        owned_keys,
    }
}

fn gone_over<'a, K, V>(named: Named<'a, K, V>) -> Seen
where
    K: Send + Sync + Eq + Hash + Storable + 'a,
    V: Send + Sync + Storable + 'a,
{
    let mut seen = Seen::new();
    let mut guards: Vec<RefMulti<'a, K, V>> = named.entries.collect();
    guards.truncate(2);
    see!(seen, guards.len(), sent(guards).pop().is_some());
    let changes: Vec<RefMutMulti<'a, K, V>> = named.changes.collect();
    see!(seen, sent(changes).len(), named.pairs.count());
    let keys: Vec<setref::multiple::RefMulti<'a, K>> = named.keys.collect();
    see!(seen, sent(keys).len(), named.owned_keys.count());
    seen
}

pub(crate) fn parallel_types() -> Seen {
    let mut maps: [DashMap<u32, u32>; 3] =
        std::array::from_fn(|_| (0..100).map(|n| (n, n)).collect());
    let set: DashSet<u32> = (0..100).collect();
    let [read, changed, taken] = &mut maps;
    gone_over(shortened(Named {
        entries: sent(read.par_iter()),
        changes: sent(changed.into_par_iter()),
        pairs: sent(std::mem::take(taken).into_par_iter()),
        keys: sent(set.par_iter()),
        owned_keys: sent(set.clone().into_par_iter()),
    }))
}
