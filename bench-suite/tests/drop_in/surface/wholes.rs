//! What is done to whole maps and sets.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use super::{Seen, contents, dashmap, filled, sorted};
use dashmap::mapref::multiple::{RefMulti, RefMutMulti};
use dashmap::{DashMap, DashSet, ReadOnlyView};

pub(crate) fn everything() -> Seen {
    let mut seen = Seen::new();
    let map = &mut filled(1000);
    map.retain(|key, value| {
        value.push('.');
        key % 10 == 0
    });
    see!(seen, map.len(), map.get(&20).map(|value| value.clone()));
    map.shrink_to_fit();
    see!(seen, map.capacity() >= 100, map.len());
    see!(seen, map.try_reserve(500).is_ok(), map.capacity() >= 600);
    let error: Option<dashmap::TryReserveError> = map.try_reserve(usize::MAX / 2).err();
    see!(seen, error.is_some(), error == error.clone());
    map.clear();
    see!(seen, map.len(), map.is_empty(), contents(map));
    seen
}

pub(crate) fn iterators() -> Seen {
    let mut seen = Seen::new();
    let map = filled(300);
    see!(
        seen,
        map.iter().count(),
        map.iter().map(|entry| *entry.key()).sum::<u64>()
    );
    for entry in &map {
        if *entry.key() == 7 {
            see!(seen, entry.key(), entry.value(), entry.pair(), entry.len());
        }
    }
    for mut entry in map.iter_mut() {
        entry.push('!');
        entry.value_mut().push('?');
        let (key, value) = entry.pair_mut();
        value.push_str(&key.to_string());
        if *entry.key() == 7 {
            see!(seen, entry.key(), entry.value(), entry.pair(), entry.len());
        }
    }
    let iter = map.iter();
    see!(seen, iter.clone().count(), iter.skip(1).count());
    see!(seen, sorted(map).last());
    seen
}

pub(crate) fn many_guards() -> Seen {
    let mut seen = Seen::new();
    let map = filled(500);
    // Kept while the iteration goes on.
    let guards: Vec<RefMulti<'_, u64, String>> = map.iter().collect();
    see!(
        seen,
        guards.len(),
        map.get(&1).is_some(),
        map.iter().count()
    );
    drop(guards);
    let mut guards: Vec<RefMutMulti<'_, u64, String>> = map.iter_mut().collect();
    for guard in &mut guards {
        guard.clear();
    }
    see!(seen, guards.len());
    thread::scope(|scope| {
        while !guards.is_empty() {
            let some = guards.split_off(guards.len().saturating_sub(100));
            scope.spawn(move || {
                for mut guard in some {
                    guard.push('x');
                }
            });
        }
    });
    see!(seen, map.iter().all(|value| *value == "x"), map.len());
    map.clear();
    see!(seen, map.len());
    seen
}

pub(crate) fn changes() -> Seen {
    let mut seen = Seen::new();
    let map = filled(100);
    map.alter(&1, |key, value| format!("{key} was {value}"));
    map.alter(&1000, |_, _| unreachable!());
    see!(seen, map.get(&1).map(|value| value.clone()));
    map.alter_all(|key, mut value| {
        value.push_str(&key.to_string());
        value
    });
    see!(seen, contents(&map));
    seen
}

pub(crate) fn operators() -> Seen {
    let mut seen = Seen::new();
    let owned: DashMap<String, u32> = DashMap::new();
    let map = &owned;
    see!(seen, map << ("a".to_owned(), 1), map << ("a".to_owned(), 2));
    see!(seen, *(map >> "a"), map & "a", map & "b");
    *(map | "a") += 1;
    see!(seen, map - "a", map - "a");
    seen
}

pub(crate) fn collections() -> Seen {
    let mut seen = Seen::new();
    let mut map: DashMap<u32, &str> = [(1, "a"), (2, "b"), (1, "c")].into_iter().collect();
    map.extend([(3, "d"), (2, "e")]);
    see!(seen, contents(&map));
    let clone = map.clone();
    map.remove(&1);
    see!(seen, contents(&clone), map.len());
    see!(seen, clone.into_iter().collect::<BTreeMap<_, _>>());
    map.retain(|key, _| *key == 3);
    see!(seen, map);
    see!(seen, DashMap::<u8, u8>::default());
    seen
}

pub(crate) fn views() -> Seen {
    let mut seen = Seen::new();
    let map = filled(200);
    let capacity = map.capacity();
    let view: ReadOnlyView<u64, String> = map.into_read_only();
    see!(
        seen,
        view.len(),
        view.is_empty(),
        view.capacity() == capacity
    );
    see!(seen, view.contains_key(&1), view.contains_key(&1000));
    let one: &String = view.get(&1).unwrap();
    let two = view.get_key_value(&2);
    see!(seen, one, two, view.get(&1000));
    see!(
        seen,
        sorted(view.iter()),
        sorted(view.keys()),
        sorted(view.values())
    );
    let clone = view.clone();
    let map = view.into_inner();
    map.clear();
    see!(seen, clone.len(), map.len());
    map.insert(1, "one".to_owned());
    see!(seen, map.into_read_only());
    seen
}

pub(crate) fn sets() -> Seen {
    let mut seen = Seen::new();
    let mut set: DashSet<String> = DashSet::new();
    see!(
        seen,
        set.insert("a".to_owned()),
        set.insert("a".to_owned()),
        set.insert("b".to_owned())
    );
    see!(
        seen,
        set.contains("a"),
        set.contains("c"),
        set.len(),
        set.is_empty()
    );
    let guard: dashmap::setref::one::Ref<'_, String> = set.get("a").unwrap();
    see!(seen, guard.key(), guard.len(), set.get("c").is_none());
    drop(guard);
    see!(
        seen,
        set.remove_if("a", |key| key == "b"),
        set.remove_if("a", |key| key == "a")
    );
    see!(seen, set.remove("b"), set.remove("b"));
    set.extend((0..50).map(|number| number.to_string()));
    let keys: Vec<dashmap::setref::multiple::RefMulti<'_, String>> = set.iter().collect();
    see!(
        seen,
        sorted(keys.iter().map(|key| key.key().clone())),
        keys[0].is_empty()
    );
    drop(keys);
    set.retain(|key| key.starts_with('1'));
    set.shrink_to_fit();
    see!(seen, set.len(), set.capacity() >= 11);
    let clone = set.clone();
    set.clear();
    see!(seen, set.len(), clone.into_iter().collect::<BTreeSet<_>>());
    let sets: [DashSet<u8, RandomState>; 3] = [
        DashSet::with_hasher(RandomState::new()),
        DashSet::with_capacity_and_hasher(10, RandomState::new()),
        DashSet::default(),
    ];
    for set in sets {
        see!(
            seen,
            set.insert(1),
            set.hash_usize(&1) == set.hash_usize(&1)
        );
    }
    let set: DashSet<u8> = [3, 1, 3].into_iter().collect();
    see!(
        seen,
        sorted(set),
        DashSet::<u8>::with_capacity(10).capacity() >= 10
    );
    seen
}
