//! What may be passed for what: guards and iterators for such of a shorter lifetime, as dashmap's are.

use std::hash::Hash;

use super::{Seen, Storable, dashmap, filled};
use dashmap::iter::{Iter, IterMut};
use dashmap::mapref::entry::{Entry, OccupiedEntry, VacantEntry};
use dashmap::mapref::multiple::{RefMulti, RefMutMulti};
use dashmap::mapref::one::{MappedRef, MappedRefMut, Ref, RefMut};
use dashmap::try_result::TryResult;
use dashmap::{DashMap, DashSet, iter_set, setref};

/// A function for each that lets it be taken for one of a shorter lifetime.
macro_rules! shorten {
    ($($function:ident: $guard:ident<K, V>),+ $(,)?) => {$(
        fn $function<'s, 'l: 's, K: Eq + Hash + Storable, V: Storable>(
            long: $guard<'l, K, V>,
        ) -> $guard<'s, K, V> {
            long
        }
    )+};
}

shorten!(
    one: Ref<K, V>,
    one_mut: RefMut<K, V>,
    met: RefMulti<K, V>,
    met_mut: RefMutMulti<K, V>,
    entry: Entry<K, V>,
    occupied: OccupiedEntry<K, V>,
    vacant: VacantEntry<K, V>,
    all: Iter<K, V>,
    all_mut: IterMut<K, V>,
);

fn part<'s, 'l: 's, K: Eq + Hash + Storable, V: Storable, T>(
    long: MappedRef<'l, K, V, T>,
) -> MappedRef<'s, K, V, T> {
    long
}

fn part_mut<'s, 'l: 's, K: Eq + Hash + Storable, V: Storable, T>(
    long: MappedRefMut<'l, K, V, T>,
) -> MappedRefMut<'s, K, V, T> {
    long
}

/// A part is read only: so what it refers to may live shorter, too.
fn shorter_part<'s, 'l: 's, K: Eq + Hash + Storable, V: Storable>(
    long: MappedRef<'l, K, V, &'l str>,
) -> MappedRef<'s, K, V, &'s str> {
    long
}

fn tried<'s, 'l: 's, K: Eq + Hash + Storable, V: Storable>(
    long: TryResult<Ref<'l, K, V>>,
) -> TryResult<Ref<'s, K, V>> {
    long
}

fn key<'s, 'l: 's, K: Eq + Hash + Storable>(
    long: setref::one::Ref<'l, K>,
) -> setref::one::Ref<'s, K> {
    long
}

fn met_key<'s, 'l: 's, K: Eq + Hash + Storable>(
    long: setref::multiple::RefMulti<'l, K>,
) -> setref::multiple::RefMulti<'s, K> {
    long
}

fn keys<'s, 'l: 's, K: Eq + Hash + Storable, S>(
    long: iter_set::Iter<'l, K, S, DashMap<K, (), S>>,
) -> iter_set::Iter<'s, K, S, DashMap<K, (), S>> {
    long
}

/// A guard as a cache gives it out, by a name of its own.
struct Reference<'a, K: Storable, V: Storable>(Ref<'a, K, V>);

impl<'a, K: Eq + Hash + Storable, V: Storable> Reference<'a, K, V> {
    /// Borrowed for as long as the guard may live: that is no longer than the guard is there.
    fn key(&'a self) -> &'a K {
        self.0.key()
    }

    fn value(&'a self) -> &'a V {
        self.0.value()
    }
}

/// The longer of two names: their guards live as long as the shorter borrow.
fn longer<'a>(one: Ref<'a, u64, String>, other: Ref<'a, u64, String>) -> Ref<'a, u64, String> {
    if one.len() < other.len() { other } else { one }
}

pub(crate) fn shorter_lifetimes() -> Seen {
    let mut seen = Seen::new();
    let map = filled(3);
    see!(
        seen,
        *one(map.get(&1).unwrap()),
        met(map.iter().next().unwrap()).len()
    );
    see!(
        seen,
        *tried(map.try_get(&2)).unwrap(),
        all(map.iter()).count()
    );
    let first = |name: MappedRef<'_, u64, String, u8>| *name;
    see!(
        seen,
        first(part(map.get(&1).unwrap().map(|name| &name.as_bytes()[0])))
    );
    one_mut(map.get_mut(&1).unwrap()).push('!');
    part_mut(map.get_mut(&1).unwrap().map(|name| name)).push('?');
    all_mut(map.iter_mut()).for_each(|name| met_mut(name).push('.'));
    match entry(map.entry(1)) {
        Entry::Occupied(there) => {
            see!(seen, occupied(there).get());
        }
        Entry::Vacant(_) => unreachable!("it is there"),
    }
    match map.entry(3) {
        Entry::Occupied(_) => unreachable!("it is not there"),
        Entry::Vacant(free) => {
            see!(seen, vacant(free).insert("new".to_owned()).value());
        }
    }

    // A guard on a borrow that is longer than the other's.
    let other = filled(1);
    see!(seen, *longer(map.get(&1).unwrap(), other.get(&0).unwrap()));
    let reference = Reference(map.get(&2).unwrap());
    see!(seen, reference.key(), reference.value());

    let names: DashMap<u64, &'static str> = DashMap::new();
    names.insert(1, "one");
    let name = String::from("longer than that");
    let mut longest = name.as_str();
    let guard = names.get(&1).unwrap();
    let guard = shorter_part(guard.map(|name| name));
    if guard.len() > longest.len() {
        longest = *guard;
    }
    see!(seen, longest);

    let set: DashSet<u64> = [7].into_iter().collect();
    see!(
        seen,
        *key(set.get(&7).unwrap()),
        *met_key(set.iter().next().unwrap())
    );
    see!(seen, keys(set.iter()).count());
    seen
}
