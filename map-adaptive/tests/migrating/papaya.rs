//! What people write with papaya.

use papaya::{HashMap, Operation};

#[test]
fn as_in_the_table() {
    let map = papaya::HashMap::new();
    let (key, value) = (1_u64, 10_u64);
    assert_eq!(map.pin().insert(key, value), None);
    assert!(map.pin().try_insert(key, value).is_err());
    assert_eq!(map.pin().get(&key).copied(), Some(10));
    assert_eq!(map.pin().get(&key).cloned(), Some(10));
    assert_eq!(map.pin().get(&key).map(|v| *v + 1), Some(11));
    {
        let pinned = map.pin(); let value = pinned.get(&key);
        assert_eq!(value, Some(&10));
    }
    assert_eq!(map.pin().get_key_value(&key), Some((&1, &10)));
    assert!(map.pin().contains_key(&key));

    let make = || 7;
    assert_eq!(map.pin().get_or_insert(key, value), &10);
    assert_eq!(map.pin().get_or_insert_with(key, make), &10);
    assert_eq!(map.pin().update(key, |v| v + 1), Some(&11));
    assert_eq!(map.pin().update_or_insert(key, |v| v + 1, 0), &12);

    map.pin().insert(key, 9);
    map.pin().compute(key, |entry| match entry { Some((_, 9)) => Operation::Remove, Some((_, v)) => Operation::Insert(v + 1), None => Operation::Abort(()) });
    assert_eq!(map.pin().remove(&key), None);
    assert_eq!(map.pin().remove_entry(&key), None);
    map.pin().insert(key, 0);
    assert_eq!(map.pin().remove_if(&key, |_, v| *v == 0), Ok(Some((&1, &0))));

    map.pin().reserve(100);
    map.pin().insert(2, 20);
    let mut sum = 0;
    for (k, v) in map.pin().iter() { sum += k * v }
    assert_eq!(sum, 40);
    assert_eq!(map.pin().values().max().copied(), Some(20));
    map.pin().retain(|_, v| *v > 0);
    assert_eq!(map.len(), 1);
    map.pin().clear();
    assert!(map.is_empty());

    let map: HashMap<u64, u64> = HashMap::builder().capacity(100).build();
    assert_eq!(map.pin().insert(key, value), None);
}
