//! Each operation on one key, on keys that are there and keys that are not.

use super::maker::{Maker, MapOf, Rig};
use crate::mapref::entry::Entry;
use crate::{Change, Computed, Strategy};

/// How many keys are there: enough that the map has grown.
const KEYS: u64 = 100;

/// Runs a check on maps with the entries `key -> 10 * key`, for a key that is there, for the first
/// absent one, and for one in an empty map. Afterwards all the other entries must be as before.
fn on_present_and_absent<M>(
    rig: &Rig<M>,
    check: impl Fn(&MapOf<M, u64, u64>, u64, Option<u64>) -> Option<u64>,
) where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    for (keys, key) in [(KEYS, 7), (KEYS, KEYS), (1, 0), (0, 0)] {
        let map = rig.map();
        for key in 0..keys {
            assert_eq!(map.insert(key, 10 * key), None);
        }
        let before = (key < keys).then_some(10 * key);
        let after = check(&map, key, before);
        assert_eq!(map.get_cloned(&key), after, "the entry afterwards");
        assert_eq!(map.contains_key(&key), after.is_some());
        for other in (0..keys).filter(|&other| other != key) {
            assert_eq!(
                map.get_copied(&other),
                Some(10 * other),
                "another entry afterwards"
            );
        }
        let others = keys - u64::from(before.is_some());
        let expected = others + u64::from(after.is_some());
        assert_eq!(map.len() as u64, expected);
        assert_eq!(map.is_empty(), expected == 0);
        assert_eq!(map.iter().count() as u64, expected);
    }
}

/// `get`, `get_with`, `get_cloned`, `get_copied`, `contains_key`, `view` find what is there.
#[doc = behaviour!("single::reads")]
pub fn reads<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    on_present_and_absent(rig, |map, key, before| {
        assert_eq!(map.get(&key).map(|entry| *entry), before);
        let pair = map.get(&key).map(|entry| (*entry.key(), *entry.value()));
        assert_eq!(pair, before.map(|value| (key, value)));
        let pair = map.get_with(&key, |&key, &value| (key, value));
        assert_eq!(pair, before.map(|value| (key, value)));
        assert_eq!(map.view(&key, |&key, &value| (key, value)), pair);
        assert_eq!(map.get_cloned(&key), before);
        assert_eq!(map.get_copied(&key), before);
        assert_eq!(map.contains_key(&key), before.is_some());
        before
    });
}

/// `insert` stores, and returns what was there. `swap` is another name for it.
#[doc = behaviour!("single::insert")]
pub fn insert<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    on_present_and_absent(rig, |map, key, before| {
        assert_eq!(map.insert(key, 1), before);
        assert_eq!(map.insert(key, 2), Some(1));
        Some(2)
    });
    on_present_and_absent(rig, |map, key, before| {
        assert_eq!(map.swap(key, 1), before);
        assert_eq!(map.swap(key, 2), Some(1));
        Some(2)
    });
}

/// `get_mut` changes in place.
#[doc = behaviour!("single::get_mut")]
pub fn get_mut<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    on_present_and_absent(rig, |map, key, before| {
        let entry = map.get_mut(&key);
        assert_eq!(entry.is_some(), before.is_some());
        if let Some(mut entry) = entry {
            assert_eq!((*entry.key(), Some(*entry.value())), (key, before));
            *entry += 1;
            *entry.value_mut() += 1;
            assert_eq!(Some(*entry), before.map(|value| value + 2));
        }
        before.map(|value| value + 2)
    });
    // A guard that changes nothing changes nothing.
    on_present_and_absent(rig, |map, key, before| {
        assert_eq!(map.get_mut(&key).map(|entry| *entry), before);
        before
    });
}

/// `remove` and `remove_if` return what they removed.
#[doc = behaviour!("single::removes")]
pub fn removes<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    on_present_and_absent(rig, |map, key, before| {
        assert_eq!(map.remove(&key), before.map(|value| (key, value)));
        assert_eq!(map.remove(&key), None);
        None
    });
    on_present_and_absent(rig, |map, key, before| {
        assert_eq!(map.remove_if(&key, |_, _| false), None);
        before
    });
    on_present_and_absent(rig, |map, key, before| {
        let removed = map.remove_if(&key, |&shown, &value| {
            assert_eq!((shown, Some(value)), (key, before));
            true
        });
        assert_eq!(removed, before.map(|value| (key, value)));
        None
    });
    for remove in [false, true] {
        on_present_and_absent(rig, |map, key, before| {
            let removed = map.remove_if_mut(&key, |_, value| {
                *value += 1;
                remove
            });
            let changed = before.map(|value| value + 1);
            assert_eq!(
                removed,
                changed.filter(|_| remove).map(|value| (key, value))
            );
            changed.filter(|_| !remove)
        });
    }
}

/// An entry that was removed can be inserted again.
#[doc = behaviour!("single::insert_after_remove")]
pub fn insert_after_remove<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    on_present_and_absent(rig, |map, key, before| {
        for round in 0..10 {
            assert_eq!(map.remove(&key).is_some(), round > 0 || before.is_some());
            assert_eq!(map.get_cloned(&key), None);
            assert_eq!(map.insert(key, round), None);
            assert_eq!(map.get_cloned(&key), Some(round));
        }
        Some(9)
    });
}

/// `compare_exchange` and `compare_remove` act on an equal value, and on no other.
#[doc = behaviour!("single::comparisons")]
pub fn comparisons<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    on_present_and_absent(rig, |map, key, before| {
        assert_eq!(map.compare_exchange(&key, &999, 1), Err(1));
        assert_eq!(map.compare_remove(&key, &999), None);
        before
    });
    on_present_and_absent(rig, |map, key, before| {
        let current = 10 * key;
        assert_eq!(map.compare_exchange(&key, &current, 1), before.ok_or(1));
        before.and(Some(1))
    });
    on_present_and_absent(rig, |map, key, before| {
        let current = 10 * key;
        assert_eq!(
            map.compare_remove(&key, &current),
            before.map(|value| (key, value))
        );
        None
    });
}

/// `get_or_insert_with` runs its closure if the key is absent, and only then.
#[doc = behaviour!("single::get_or_insert")]
pub fn get_or_insert<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    on_present_and_absent(rig, |map, key, before| {
        let mut runs = 0;
        let made = map.get_or_insert_with(key, || {
            runs += 1;
            5
        });
        assert_eq!((*made.key(), *made), (key, before.unwrap_or(5)));
        drop(made);
        assert_eq!(runs, u64::from(before.is_none()));
        before.or(Some(5))
    });
}

/// `compute` shows what is there and does what its closure says; so does `compute_if_present`.
#[doc = behaviour!("single::computes")]
pub fn computes<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    for change in [Change::Keep, Change::Set(1), Change::Remove] {
        on_present_and_absent(rig, |map, key, before| {
            let mut seen = None;
            let done = map.compute(key, |present| {
                seen = Some(present.copied());
                change
            });
            assert_eq!(seen, Some(before));
            let (expected, after) = match (change, before) {
                (Change::Keep, _) | (Change::Remove, None) => (Computed::Unchanged, before),
                (Change::Set(new), None) => (Computed::Inserted, Some(new)),
                (Change::Set(new), Some(old)) => (Computed::Updated(old), Some(new)),
                (Change::Remove, Some(old)) => (Computed::Removed(key, old), None),
            };
            assert_eq!(done, expected);
            after
        });
        on_present_and_absent(rig, |map, key, before| {
            let mut seen = None;
            let done = map.compute_if_present(&key, |&key, &value| {
                seen = Some((key, value));
                change
            });
            assert_eq!(seen, before.map(|value| (key, value)));
            let (expected, after) = match (change, before) {
                (Change::Keep, _) | (_, None) => (Computed::Unchanged, before),
                (Change::Set(new), Some(old)) => (Computed::Updated(old), Some(new)),
                (Change::Remove, Some(old)) => (Computed::Removed(key, old), None),
            };
            assert_eq!(done, expected);
            after
        });
    }
}

/// The operators on references to a map.
#[doc = behaviour!("single::operators")]
pub fn operators<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<String, u64>>,
{
    let map = &rig.map::<String, u64>();
    assert_eq!(map << ("a".to_owned(), 1), None);
    assert_eq!(map << ("a".to_owned(), 2), Some(1));
    assert_eq!(*(map >> "a"), 2);
    *(map | "a") += 1;
    assert!(map & "a");
    assert_eq!(map - "a", Some(("a".to_owned(), 3)));
    assert_eq!(map - "a", None);
    assert!(!(map & "a"));
}

/// Operations that do not wait do what the others do where there is nothing to wait for.
#[doc = behaviour!("single::tries")]
pub fn tries<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    on_present_and_absent(rig, |map, key, before| {
        let found = map.try_get(&key);
        assert!(!found.is_locked());
        assert_eq!(found.try_unwrap().map(|entry| *entry), before);
        let found = map.try_get_mut(&key);
        assert!(!found.is_locked());
        if let Some(mut entry) = found.try_unwrap() {
            *entry += 1;
        }
        let entry: Entry<'_, _, _, _> = map.try_entry(key).expect("nobody else is here").into();
        assert_eq!(*entry.or_insert(5), before.map_or(5, |value| value + 1));
        before.map(|value| value + 1).or(Some(5))
    });
}

/// A key may be looked up by anything that is equivalent to it.
#[doc = behaviour!("single::equivalent_lookups")]
pub fn equivalent_lookups<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<String, u64>>,
{
    let map = rig.map::<String, u64>();
    for number in 0..KEYS {
        map.insert(number.to_string(), number);
    }
    assert_eq!(map.get("7").map(|entry| *entry), Some(7));
    assert_eq!(map.get_cloned("8"), Some(8));
    assert!(!map.contains_key("none"));
    *map.get_mut("7").expect("it is there") += 100;
    assert_eq!(map.compare_exchange("7", &107, 7), Ok(107));
    assert_eq!(
        map.compute_if_present("7", |_, _| Change::Set(0)),
        Computed::Updated(7)
    );
    assert_eq!(map.remove("7"), Some(("7".to_owned(), 0)));
    assert_eq!(
        map.remove_if("8", |_, &value| value == 8),
        Some(("8".to_owned(), 8))
    );
    assert_eq!(map.len() as u64, KEYS - 2);
}
