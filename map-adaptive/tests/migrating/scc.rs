//! What people write with scc.

#[test]
fn as_in_the_table() {
    let map: scc::HashMap<u64, u64> = scc::HashMap::new();
    let (key, value) = (1_u64, 10_u64);
    assert_eq!(map.insert_sync(key, value), Ok(()));
    assert_eq!(map.insert_sync(key, 11), Err((1, 11)), "scc's insert replaces nothing");
    assert_eq!(map.upsert_sync(key, value), Some(10));
    assert_eq!(map.update_sync(&key, |_, v| { *v += 1; *v }), Some(11));
    assert_eq!(map.read_sync(&key, |_, v| *v), Some(11));
    assert!(map.contains_sync(&key));
    {
        let entry = map.get_sync(&key);
        assert!(entry.is_some());
        assert!(map.try_entry(key).is_none(), "scc's get locks exclusively");
    }
    assert!(map.try_entry(key).is_some());
    *map.entry_sync(key).or_insert(0).get_mut() += 1;
    map.entry_sync(key).and_modify(|v| *v += 1).or_default();

    let mut sum = 0;
    map.iter_sync(|k, v| { sum += k * v; true });
    assert_eq!(sum, 13);
    assert!(map.iter_sync(|_, v| *v > 0));
    map.iter_mut_sync(|mut entry| { *entry += 1; true });
    map.iter_mut_sync(|entry| { if *entry == 0 { _ = entry.consume(); } true });
    map.retain_sync(|_, v| *v > 0);
    assert!(map.any_sync(|_, v| *v > 9).is_some());
    assert_eq!(map.remove_if_sync(&key, |v| *v == 0), None);
    assert_eq!(map.remove_sync(&key), Some((1, 14)));

    let reserved = map.reserve(100);
    assert!(reserved.is_some());
    drop(reserved);
    let capacity = map.capacity();
    map.clear_sync();
    assert_eq!(map.len(), 0);
    assert!(map.capacity() <= capacity);
}
