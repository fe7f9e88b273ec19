//! The operations that every map of the family has, one at a time.

use std::collections::HashMap;
use std::fmt::Debug;

use super::samples::Sample;
use crate::{Change, Computed, ConcurrentMap};

/// One operation; the numbers name keys and values.
///
/// ```
/// use map_core::conformance::operations::{Operation, run};
///
/// let map: map_sharded::ShardedMap<u64, u64> = map_sharded::ShardedMap::new();
/// assert_eq!(run(&map, &[Operation::Insert(1, 10), Operation::Remove(1)]), Ok(()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "these are the methods of `ConcurrentMap`")]
pub enum Operation {
    GetCloned(u64),
    ContainsKey(u64),
    Insert(u64, u64),
    Remove(u64),
    CompareExchange(u64, u64, u64),
    CompareRemove(u64, u64),
    GetOrInsertWith(u64, u64),
    Compute(u64, Change<u64>),
    ComputeIfPresent(u64, Change<u64>),
    ForEach,
    Len,
    Clear,
}

use Operation as Op;

impl Operation {
    /// An operation on one of `keys` keys with one of `values` values.
    ///
    /// ```
    /// use map_core::conformance::operations::Operation;
    ///
    /// let mut rng = fastrand::Rng::with_seed(7);
    /// let _ = Operation::random(&mut rng, 10, 100);
    /// ```
    pub fn random(rng: &mut fastrand::Rng, keys: u64, values: u64) -> Self {
        let (key, value, other) = (rng.u64(..keys), rng.u64(..values), rng.u64(..values));
        let change = match rng.u8(..4) {
            0 => Change::Keep,
            1 => Change::Remove,
            _ => Change::Set(value),
        };
        match rng.u8(..64) {
            0 => Op::Clear,
            1 => Op::ForEach,
            2 => Op::Len,
            3..10 => Op::GetCloned(key),
            10..14 => Op::ContainsKey(key),
            14..26 => Op::Insert(key, value),
            26..34 => Op::Remove(key),
            34..40 => Op::CompareExchange(key, other, value),
            40..46 => Op::CompareRemove(key, other),
            46..52 => Op::GetOrInsertWith(key, value),
            52..58 => Op::Compute(key, change),
            _ => Op::ComputeIfPresent(key, change),
        }
    }

    /// Carries this out on both.
    ///
    /// # Errors
    ///
    /// Says how the map's answer differs from the reference's.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use map_core::conformance::operations::Operation;
    ///
    /// let (map, mut reference) = (map_sharded::ShardedMap::<u64, u64>::new(), HashMap::new());
    /// assert_eq!(Operation::Insert(1, 10).apply(&map, &mut reference), Ok(()));
    /// assert_eq!(reference[&1], 10);
    /// ```
    pub fn apply<K: Sample, V: Sample>(
        self,
        map: &impl ConcurrentMap<K, V>,
        reference: &mut HashMap<K, V>,
    ) -> Result<(), String> {
        let (k, v) = (K::sample, V::sample);
        match self {
            Op::GetCloned(key) => {
                same(
                    self,
                    map.get_cloned(&k(key)),
                    reference.get(&k(key)).cloned(),
                )?;
                let pair = map.get_with(&k(key), |key, value| (key.clone(), value.clone()));
                let expected = reference.get_key_value(&k(key));
                same(
                    self,
                    pair,
                    expected.map(|(key, value)| (key.clone(), value.clone())),
                )
            }
            Op::ContainsKey(key) => same(
                self,
                map.contains_key(&k(key)),
                reference.contains_key(&k(key)),
            ),
            Op::Insert(key, value) => {
                let expected = reference.insert(k(key), v(value));
                same(self, map.insert(k(key), v(value)), expected)
            }
            Op::Remove(key) => same(self, map.remove(&k(key)), reference.remove_entry(&k(key))),
            Op::CompareExchange(key, current, new) => {
                let expected = match reference.get_mut(&k(key)) {
                    Some(value) if *value == v(current) => Ok(std::mem::replace(value, v(new))),
                    _ => Err(v(new)),
                };
                same(
                    self,
                    map.compare_exchange(&k(key), &v(current), v(new)),
                    expected,
                )
            }
            Op::CompareRemove(key, current) => {
                let expected = match reference.get(&k(key)) {
                    Some(value) if *value == v(current) => reference.remove_entry(&k(key)),
                    _ => None,
                };
                same(self, map.compare_remove(&k(key), &v(current)), expected)
            }
            Op::GetOrInsertWith(key, value) => {
                let mut runs = 0;
                let got = map.get_or_insert_with(k(key), || {
                    runs += 1;
                    v(value)
                });
                let vacant = !reference.contains_key(&k(key));
                same(self, runs, i32::from(vacant))?;
                same(
                    self,
                    got,
                    reference.entry(k(key)).or_insert(v(value)).clone(),
                )
            }
            Op::Compute(key, change) => {
                let mut seen = None;
                let done = map.compute(k(key), |present| {
                    seen = Some(present.cloned());
                    of_samples(change)
                });
                same(self, seen, Some(reference.get(&k(key)).cloned()))?;
                same(self, done, computed(k(key), change, reference))
            }
            Op::ComputeIfPresent(key, change) => {
                let mut seen = None;
                let done = map.compute_if_present(&k(key), |key, value| {
                    seen = Some((key.clone(), value.clone()));
                    of_samples(change)
                });
                let expected = reference.get_key_value(&k(key));
                let expected = expected.map(|(key, value)| (key.clone(), value.clone()));
                let change = if expected.is_some() {
                    change
                } else {
                    Change::Keep
                };
                same(self, seen, expected)?;
                same(self, done, computed(k(key), change, reference))
            }
            Op::ForEach => same_contents(map, reference),
            Op::Len => {
                same(self, map.is_empty(), reference.is_empty())?;
                same(self, map.len(), reference.len())
            }
            Op::Clear => {
                map.clear();
                reference.clear();
                same(self, map.len(), 0)
            }
        }
    }
}

/// Runs a sequence on `map`, which must be empty.
///
/// # Errors
///
/// Says which operation answered wrongly, or how the contents are wrong in the end.
///
/// ```
/// use map_core::conformance::operations::{Operation, run};
///
/// let map: map_sharded::ShardedMap<u64, u64> = map_sharded::ShardedMap::new();
/// assert_eq!(run(&map, &[Operation::Insert(1, 10), Operation::Len]), Ok(()));
/// ```
pub fn run<K: Sample, V: Sample>(
    map: &impl ConcurrentMap<K, V>,
    operations: &[Operation],
) -> Result<(), String> {
    let mut reference = HashMap::new();
    for operation in operations {
        operation.apply(map, &mut reference)?;
    }
    same_contents(map, &reference)
}

/// Compares a map with its reference, by iteration and by lookup.
///
/// # Errors
///
/// Says what differs.
///
/// ```
/// use std::collections::HashMap;
///
/// use map_core::conformance::operations::same_contents;
///
/// let map: map_sharded::ShardedMap<u64, u64> = [(1, 10)].into_iter().collect();
/// assert!(same_contents(&map, &HashMap::from([(1, 10)])).is_ok());
/// assert!(same_contents(&map, &HashMap::new()).is_err());
/// ```
pub fn same_contents<K: Sample, V: Sample>(
    map: &impl ConcurrentMap<K, V>,
    reference: &HashMap<K, V>,
) -> Result<(), String> {
    let mut found = HashMap::new();
    let mut twice = None;
    map.for_each(|key, value| {
        if found.insert(key.clone(), value.clone()).is_some() {
            twice = Some(key.clone());
        }
    });
    same("for_each saw twice", twice, None)?;
    same("for_each", &found, reference)?;
    same("len", map.len(), reference.len())?;
    for (key, value) in reference {
        same("get_cloned", map.get_cloned(key).as_ref(), Some(value))?;
    }
    Ok(())
}

/// Compares an answer with the expected one.
pub(crate) fn same<T: PartialEq + Debug>(
    what: impl Debug,
    got: T,
    expected: T,
) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what:?} answered {got:?} instead of {expected:?}"))
}

fn of_samples<V: Sample>(change: Change<u64>) -> Change<V> {
    match change {
        Change::Keep => Change::Keep,
        Change::Set(value) => Change::Set(V::sample(value)),
        Change::Remove => Change::Remove,
    }
}

/// Makes a change to the reference.
fn computed<K: Sample, V: Sample>(
    key: K,
    change: Change<u64>,
    reference: &mut HashMap<K, V>,
) -> Computed<K, V> {
    match change {
        Change::Keep => Computed::Unchanged,
        Change::Set(value) => match reference.insert(key, V::sample(value)) {
            Some(old) => Computed::Updated(old),
            None => Computed::Inserted,
        },
        Change::Remove => match reference.remove_entry(&key) {
            Some((key, value)) => Computed::Removed(key, value),
            None => Computed::Unchanged,
        },
    }
}
