//! What people write with a map behind the standard library's lock.

use std::collections::HashMap;
use std::sync::RwLock;

#[test]
fn as_in_the_tables() {
    let map = RwLock::new(HashMap::new());
    let (key, value) = (1_u64, 10_u64);
    assert_eq!(map.write().unwrap().insert(key, value), None);
    assert_eq!(map.read().unwrap().get(&key).copied(), Some(10));
    assert_eq!(map.read().unwrap().get(&key).cloned(), Some(10));
    assert_eq!(map.read().unwrap().get(&key).map(|v| *v + 1), Some(11));
    {
        let guard = map.read().unwrap(); let value = guard.get(&key);
        assert_eq!(value, Some(&10));
    }
    assert!(map.read().unwrap().contains_key(&key));
    assert_eq!(map.read().unwrap().len(), 1);
    assert!(!map.read().unwrap().is_empty());

    if let Some(v) = map.write().unwrap().get_mut(&key) { *v += 1 }
    *map.write().unwrap().entry(key).or_insert(0) += 1;
    let make = || 7;
    assert_eq!(*map.write().unwrap().entry(key).or_insert_with(make), 12);
    let mut found = None;
    if let Ok(guard) = map.try_read() { found = guard.get(&key).copied() }
    assert_eq!(found, Some(12));

    let pairs = [(2, 20), (3, 30)];
    map.write().unwrap().extend(pairs);
    let mut sum = 0;
    for (k, v) in map.read().unwrap().iter() { sum += k * v }
    assert_eq!(sum, 12 + 40 + 90);
    assert_eq!(map.read().unwrap().values().max().copied(), Some(30));
    for v in map.write().unwrap().values_mut() { *v += 1 }
    map.write().unwrap().retain(|_, v| *v > 0);
    assert_eq!(map.read().unwrap().clone().len(), 3);

    map.write().unwrap().insert(key, 1);
    {
        let mut guard = map.write().unwrap(); if guard.get(&key) == Some(&1) { guard.insert(key, 2); }
    }
    {
        let mut guard = map.write().unwrap(); if guard.get(&key) == Some(&2) { guard.remove(&key); }
    }
    {
        let mut guard = map.write().unwrap(); let old = guard.remove(&key); if old.is_none() { guard.insert(key, 1); }
    }
    assert_eq!(map.write().unwrap().remove(&key), Some(1));
    assert_eq!(map.write().unwrap().remove_entry(&key), None);

    map.write().unwrap().reserve(100);
    map.write().unwrap().clear();
    assert_eq!(map.into_inner().unwrap(), HashMap::new());
}
