//! What code about maps looks like: types, functions and structures that name them.

use std::borrow::Borrow;
use std::collections::hash_map::RandomState;
use std::fmt::Debug;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Seen, Storable, dashmap, filled};
use dashmap::iter::{Iter, IterMut, OwningIter};
use dashmap::mapref::multiple::RefMulti;
use dashmap::mapref::one::Ref;
use dashmap::{DashMap, ReadOnlyView};

/// Every type by its name, with as few parameters as may be.
#[expect(dead_code, reason = "it is about the types")]
struct Named<'a, K: Eq + Hash + Storable, V: Storable> {
    iter: Iter<'a, K, V>,
    iter_with_hasher: Iter<'a, K, V, RandomState>,
    iter_of_map: Iter<'a, K, V, RandomState, DashMap<K, V, RandomState>>,
    iter_mut: IterMut<'a, K, V>,
    iter_mut_of_map: IterMut<'a, K, V, RandomState, DashMap<K, V, RandomState>>,
    owning: OwningIter<K, V>,
    owning_with_hasher: OwningIter<K, V, RandomState>,
    view: ReadOnlyView<K, V, RandomState>,
    of_set: dashmap::iter_set::Iter<'a, K, RandomState, DashMap<K, (), RandomState>>,
    owning_set: dashmap::iter_set::OwningIter<K, RandomState>,
}

/// A wrapper that keeps guards and iterators.
struct Wrapper<'a> {
    entry: Ref<'a, u64, String>,
    rest: Iter<'a, u64, String>,
}

impl<'a> Wrapper<'a> {
    fn new(map: &'a DashMap<u64, String>) -> Option<Self> {
        let (entry, rest) = (map.get(&0)?, map.iter());
        Some(Self { entry, rest })
    }
}

impl<'a> Iterator for Wrapper<'a> {
    type Item = RefMulti<'a, u64, String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest.next()
    }
}

pub(crate) fn named_types() -> Seen {
    let mut seen = Seen::new();
    let map = filled(50);
    let mut wrapper = Wrapper::new(&map).unwrap();
    see!(
        seen,
        *wrapper.entry,
        wrapper.next().is_some(),
        wrapper.count()
    );
    fn consume<K: Eq + Hash + Storable, V: Storable, S: BuildHasher + Clone>(
        iter: OwningIter<K, V, S>,
    ) -> usize {
        iter.count()
    }
    fn go_over<K: Eq + Hash + Storable, V: Storable, S: BuildHasher + Clone>(
        iter: Iter<'_, K, V, S, DashMap<K, V, S>>,
    ) -> usize {
        iter.count()
    }
    see!(seen, go_over(map.iter()), consume(map.into_iter()));
    seen
}

/// Generic code with dashmap's own bounds.
fn generic<K, V, S, Q>(map: &DashMap<K, V, S>, key: K, lookup: &Q, value: V) -> Seen
where
    K: Eq + Hash + Borrow<Q> + Clone + Debug,
    V: Clone + Debug,
    S: BuildHasher + Clone,
    Q: Hash + Eq + ?Sized,
{
    let mut seen = Seen::new();
    see!(seen, map.insert(key.clone(), value.clone()));
    see!(
        seen,
        map.get(lookup).map(|value| value.clone()),
        map.contains_key(lookup)
    );
    map.alter(lookup, |_, value| value);
    if let Some(mut guard) = map.get_mut(lookup) {
        *guard = value.clone();
    }
    see!(
        seen,
        map.try_get(lookup).is_present(),
        map.view(lookup, |_, value| value.clone())
    );
    see!(seen, map.entry(key).or_insert(value).value(), map.len());
    see!(
        seen,
        map.remove_if_mut(lookup, |_, _| true),
        map.clone().len()
    );
    seen
}

/// A type that keeps a map of anything.
struct Cache<K: Storable, V: Storable, S> {
    map: Arc<DashMap<K, V, S>>,
}

impl<K: Eq + Hash + Storable + Clone, V: Storable, S: BuildHasher + Clone + Default>
    Cache<K, V, S>
{
    fn new() -> Self {
        let map = Arc::default();
        Self { map }
    }

    fn get_or(&self, key: K, make: impl FnOnce() -> V) -> Ref<'_, K, V> {
        self.map.entry(key).or_insert_with(make).downgrade()
    }

    fn get(&self, key: &K) -> Option<Ref<'_, K, V>> {
        self.map.get(key)
    }
}

pub(crate) fn generic_code() -> Seen {
    let map: DashMap<String, u32> = DashMap::new();
    let mut seen = generic(&map, "a".to_owned(), "a", 1);
    let map: DashMap<u8, Vec<u8>, RandomState> = DashMap::default();
    seen.extend(generic(&map, 1, &1, vec![1]));
    let cache: Cache<String, u32, RandomState> = Cache::new();
    see!(
        seen,
        *cache.get_or("a".to_owned(), || 1),
        *cache.get_or("a".to_owned(), || 2)
    );
    see!(seen, cache.get(&"a".to_owned()).map(|value| *value));
    seen
}

/// Passes a number on as its hash.
#[derive(Default, Clone)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only for numbers");
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

pub(crate) fn hashers() -> Seen {
    let mut seen = Seen::new();
    let map: DashMap<u64, u64, BuildHasherDefault<Identity>> = DashMap::default();
    for key in 0..2000 {
        map.insert(key << 8, key);
    }
    see!(
        seen,
        map.len(),
        map.get(&(7 << 8)).map(|value| *value),
        map.get(&7).is_none()
    );
    see!(seen, map.hash_usize(&7_u64), map.hasher().hash_one(8_u64));
    see!(
        seen,
        (0..2000_u64).all(|key| map.remove(&(key << 8)) == Some((key << 8, key)))
    );
    seen
}

pub(crate) fn threads() -> Seen {
    let mut seen = Seen::new();
    let map: Arc<DashMap<u32, u32>> = Arc::new(DashMap::new());
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let map = Arc::clone(&map);
            thread::spawn(move || {
                for key in 0..500 {
                    *map.entry(key).or_insert(0) += 1;
                }
            })
        })
        .collect();
    workers
        .into_iter()
        .for_each(|worker| worker.join().unwrap());
    see!(seen, map.len(), map.iter().all(|value| *value == 4));
    // A guard goes to another thread, and ends there.
    thread::scope(|scope| {
        let guard = map.get(&1).unwrap();
        scope.spawn(move || drop(guard));
    });
    see!(seen, map.insert(1, 0));
    seen
}

/// Looks, when it is dropped, whether its map can be used.
#[derive(Clone)]
struct Looks(std::sync::Weak<DashMap<u8, Looks>>, Arc<AtomicUsize>);

impl Drop for Looks {
    fn drop(&mut self) {
        if let Some(map) = self.0.upgrade() {
            let free = map.try_get(&1).is_absent();
            self.1
                .fetch_add(if free { 1 } else { 1000 }, Ordering::Relaxed);
        }
    }
}

pub(crate) fn drops() -> Seen {
    let mut seen = Seen::new();
    let count = Arc::new(AtomicUsize::new(0));
    let map = Arc::new(DashMap::new());
    // A pair that was removed is dropped when its shard is free again.
    for _ in 0..3 {
        map.insert(1, Looks(Arc::downgrade(&map), Arc::clone(&count)));
        map.remove(&1);
        map.insert(1, Looks(Arc::downgrade(&map), Arc::clone(&count)));
        map.remove_if(&1, |_, _| true);
    }
    see!(seen, count.load(Ordering::Relaxed), map.len());
    let value = Arc::new(());
    let map: DashMap<u64, Arc<()>> = (0..100).map(|key| (key, Arc::clone(&value))).collect();
    map.remove(&1);
    map.insert(2, Arc::default());
    see!(seen, Arc::strong_count(&value));
    let mut iter = map.into_iter();
    let first = iter.next();
    drop((iter, first));
    see!(seen, Arc::strong_count(&value));
    seen
}
