//! Any operation, on keys and values that may be of a nasty kind. Nothing is asserted here.

use std::hash::{BuildHasher, Hash};

use crate::mapref::entry::Entry;
use crate::{Change, Map, Strategy};

/// Carries out a random operation on one of `keys` keys.
///
/// ```
/// use map_core::conformance::exercise::exercise;
///
/// let map = map_sharded::ShardedMap::new();
/// let mut rng = fastrand::Rng::with_seed(7);
/// (0..100).for_each(|_| exercise(&map, &mut rng, 10, |key| key, |value| value));
/// assert!(map.len() <= 10);
/// ```
pub fn exercise<K, V, T, S>(
    map: &Map<K, V, T, S>,
    rng: &mut fastrand::Rng,
    keys: u64,
    key: impl Fn(u64) -> K,
    value: impl Fn(u64) -> V,
) where
    K: Eq + Hash + Clone,
    V: PartialEq + Clone,
    T: Strategy<K, V>,
    S: BuildHasher,
{
    let make = || value(1);
    let number = rng.u64(..keys);
    let key = key(number);
    let change = || match number % 3 {
        0 => Change::Keep,
        1 => Change::Remove,
        _ => Change::Set(make()),
    };
    match rng.u8(..100) {
        0 => map.clear(),
        1 => {
            let mut turn = number;
            map.retain(|_, _| {
                turn += 1;
                turn.is_multiple_of(2)
            });
        }
        2 => map.shrink_to_fit(),
        3 => map.reserve(number as usize),
        4 => match number % 4 {
            0 => drop(map.iter_mut().take(number as usize).collect::<Vec<_>>()),
            1 => map.iter_mut().for_each(|mut entry| *entry = make()),
            2 => map.alter_all(|_, value| if number % 8 < 4 { make() } else { value }),
            _ => drop(map.iter().take(number as usize).collect::<Vec<_>>()),
        },
        5 => map.for_each(|key, value| drop((key.clone(), value.clone()))),
        6..10 => drop(map.get(&key)),
        10..15 => drop(map.get_cloned(&key)),
        15..35 => drop(map.insert(key, make())),
        35..45 => drop(map.remove(&key)),
        45..48 => drop(map.remove_if(&key, |_, _| number.is_multiple_of(2))),
        48 => map.alter(&key, |_, _| make()),
        49..51 => drop(map.remove_if_mut(&key, |_, value| {
            *value = make();
            number.is_multiple_of(2)
        })),
        51..55 => drop(map.compare_exchange(&key, &make(), make())),
        55..58 => drop(map.compare_remove(&key, &make())),
        58..64 => drop(map.get_or_insert_with(key, make)),
        64..70 => drop(map.compute(key, |_| change())),
        70..76 => drop(map.compute_if_present(&key, |_, _| change())),
        76..82 => {
            if let Some(mut entry) = map.get_mut(&key) {
                *entry = make();
            }
        }
        82..86 => drop(map.place(key).or_insert_with(make)),
        86..90 => drop(
            map.place(key)
                .and_modify(|value| *value = make())
                .or_insert(make()),
        ),
        90..92 => drop(map.place(key).insert_entry(make())),
        92..94 => drop(map.place(key)),
        _ => match map.place(key) {
            Entry::Occupied(mut entry) => match number % 4 {
                0 => drop(entry.remove_entry()),
                1 => drop(entry.replace_entry(make())),
                2 => drop(entry.insert(make())),
                _ => drop(entry.into_key()),
            },
            Entry::Vacant(entry) => match number % 2 {
                0 => drop(entry.insert(make())),
                _ => drop(entry.into_key()),
            },
        },
    }
}
