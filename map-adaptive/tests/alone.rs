//! `AdaptiveMap` with whatever strategies are compiled in: one alone, several, or none.

/// Keys and values that cannot be cloned are refused in every set of features.
///
/// What is not there is not tested.
#[cfg(any(feature = "lock", feature = "readdirty", feature = "sharded"))]
mod tests {
    use std::thread;

    use map_adaptive::{AdaptiveMap, AdaptiveSet};

    #[test]
    fn is_a_map() {
        let map: AdaptiveMap<u64, String> = AdaptiveMap::new();
        thread::scope(|scope| {
            for thread in 0..4 {
                let map = &map;
                scope.spawn(move || {
                    for number in 0..1_000 {
                        let key = 4 * number + thread;
                        assert_eq!(map.insert(key, key.to_string()), None);
                        if number % 2 == 0 {
                            let removed = map.remove(&key);
                            assert_eq!(removed.map(|(_, value)| value), Some(key.to_string()));
                        }
                        if let Some(mut value) = map.get_mut(&key) {
                            value.push('!');
                        }
                    }
                });
            }
        });
        assert_eq!(map.len(), 2_000);
        assert!(
            map.iter()
                .all(|entry| *entry.value() == format!("{}!", entry.key()))
        );
        map.retain(|key, _| *key < 100);
        map.alter_all(|_, value| value + "?");
        assert!(map.get(&7).is_some_and(|value| *value == "7!?"));
        let entries: Vec<_> = map.into_iter().collect();
        assert_eq!(entries.len(), 48);
    }

    #[test]
    fn is_a_set() {
        let set: AdaptiveSet<u32> = (0..1_000).collect();
        assert!(set.contains(&7) && !set.insert(7) && set.remove(&7).is_some());
        assert_eq!(set.len(), 999);
    }

    /// With one strategy alone it is what that strategy's own map is.
    #[cfg(any(
        all(feature = "lock", feature = "sharded"),
        all(feature = "lock", feature = "readdirty"),
        all(feature = "sharded", feature = "readdirty"),
    ))]
    #[test]
    fn is_each_kind_that_is_compiled_in() {
        use map_adaptive::Kind;

        let map: AdaptiveMap<u64, u64> = (0..10_000).map(|n| (n, n)).collect();
        for kind in Kind::ALL {
            let has_it = match kind {
                Kind::ReadDirty => cfg!(feature = "readdirty"),
                // One does for the other.
                Kind::Lock | Kind::Sharded => true,
            };
            assert_eq!(map.pin_strategy(kind).is_ok(), has_it, "{kind}");
            assert!((0..10_000).all(|key| map.get_copied(&key) == Some(key)));
        }
    }

    #[cfg(not(any(
        all(feature = "lock", feature = "sharded"),
        all(feature = "lock", feature = "readdirty"),
        all(feature = "sharded", feature = "readdirty"),
    )))]
    #[test]
    fn has_the_size_of_its_strategy_alone() {
        #[cfg(feature = "lock")]
        type Same = map_adaptive::LockMap<u64, u64>;
        #[cfg(feature = "readdirty")]
        type Same = map_adaptive::ReadDirtyMap<u64, u64>;
        #[cfg(feature = "sharded")]
        type Same = map_adaptive::ShardedMap<u64, u64>;
        assert_eq!(size_of::<AdaptiveMap<u64, u64>>(), size_of::<Same>());
    }
}

/// Without any, the lock and the policies are still there.
#[test]
fn policies_and_lock_are_there() {
    use map_adaptive::{AdaptiveRwLock, DocumentPolicy, Policy};

    assert_eq!(DocumentPolicy::default().propose(&[]), None);
    assert_eq!(*AdaptiveRwLock::new(7).read(), 7);
}
