//! What is held while a shard becomes something else stays what it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use map_adaptive::policy::Pinned;
use map_adaptive::{AdaptiveMap, Kind, TryResult};

/// Uses the map until all its shards are what they shall be: each sampled operation does a piece.
fn settle<V: Clone>(map: &AdaptiveMap<u64, V>) -> bool {
    (0..1_000_000).any(|number| {
        let _ = map.contains_key(&(number % 64));
        number % 1_024 == 0 && map.stats().leaving_shards == 0
    })
}

fn pin<V: Clone>(map: &AdaptiveMap<u64, V>, kind: Kind) {
    map.pin_strategy(kind).expect("any map may have these");
}

const BOTH_WAYS: [(Kind, Kind); 2] = [
    (Kind::Sharded, Kind::ReadDirty),
    (Kind::ReadDirty, Kind::Sharded),
];

#[test]
fn guards_stay_valid() {
    for (from, to) in BOTH_WAYS {
        let map: AdaptiveMap<u64, String> = (0..64).map(|n| (n, n.to_string())).collect();
        pin(&map, from);
        let guards: Vec<_> = (0..32).filter_map(|key| map.get(&key)).collect();
        let part = map.get(&40).map(|guard| guard.map(|value| &value[1..]));
        pin(&map, to);
        for (key, guard) in guards.iter().enumerate() {
            assert_eq!(
                (*guard.key(), guard.as_str()),
                (key as u64, &*key.to_string())
            );
        }
        assert_eq!(part.as_deref(), Some("0"));
        drop((guards, part));
        assert!(settle(&map), "{:?}", map.stats());
        pin(&map, to);
        assert_eq!(map.stats().of(to).entries, 64);
    }
}

/// Whether the map is one shard or many.
#[test]
fn guards_of_read_tables_keep_nobody_from_writing() {
    for keys in [100, 10_000] {
        let map: AdaptiveMap<u64, u64> = (0..keys).map(|n| (n, n)).collect();
        assert_eq!(map.shards() == 1, keys == 100);
        pin(&map, Kind::ReadDirty);
        for key in 0..100 {
            let guard = map.get(&key).expect("it is there");
            map.insert(key, 7);
            assert_eq!((*guard, map.get_copied(&key)), (key, Some(7)), "of {keys}");
        }
    }
}

/// A guard keeps a shard from leaving its read table; reads of it meet nobody all the same.
#[test]
fn who_reads_a_leaving_shard_meets_nobody() {
    for keys in [100, 10_000] {
        let map: AdaptiveMap<u64, u64> = (0..keys).map(|n| (n, n)).collect();
        pin(&map, Kind::ReadDirty);
        let guards: Vec<_> = (0..keys).map(|key| map.get(&key)).collect();
        pin(&map, Kind::Sharded);
        let shards = map.shards() as u64;
        assert_eq!(map.stats().leaving_shards, shards);
        map.set_policy(Arc::new(Pinned(Kind::Sharded)));
        map.release();
        for round in 0..100_000 {
            let key = round % keys;
            assert_eq!(map.get(&key).as_deref(), Some(&key));
            assert_eq!(map.get_copied(&key), Some(key));
        }
        assert_eq!(map.stats().leaving_shards, shards, "guards are still there");
        let latest = map.explain().latest.expect("there were samples");
        assert!(latest.hits > 0, "{latest:?}");
        assert_eq!(latest.contended, 0, "of {keys}: {latest:?}");
        drop(guards);
    }
}

#[test]
fn a_kept_guard_holds_its_shard_until_it_goes() {
    let map: AdaptiveMap<u64, u64> = (0..64).map(|n| (n, n)).collect();
    pin(&map, Kind::ReadDirty);
    let guard = map.get(&7).expect("it is there");
    pin(&map, Kind::Lock);
    // It keeps nobody from writing, nor from reading what was written.
    for round in 0..10_000 {
        map.insert(7, round);
        assert_eq!(map.get_copied(&7), Some(round));
    }
    assert_eq!(*guard, 7);
    assert_eq!(map.strategy(), Kind::Lock);
    drop(guard);
    assert!(settle(&map), "{:?}", map.stats());

    // A locked shard that somebody is in is left for later.
    thread::scope(|scope| {
        let guard = map.get_mut(&7).expect("it is there");
        scope
            .spawn(|| pin(&map, Kind::ReadDirty))
            .join()
            .expect("it waits for nobody");
        assert_eq!(map.strategy(), Kind::ReadDirty);
        drop(guard);
    });
    (0..100_000).for_each(|key| assert!(map.contains_key(&(key % 64))));
    assert_eq!(map.stats().of(Kind::ReadDirty).entries, 64);
}

#[test]
fn changes_through_guards_are_kept() {
    for (from, to) in BOTH_WAYS {
        let map: AdaptiveMap<u64, u64> = (0..64).map(|n| (n, n)).collect();
        pin(&map, from);
        thread::scope(|scope| {
            let mut guard = map.get_mut(&1).expect("it is there");
            *guard += 100;
            // Meets the guard, and goes on without.
            scope
                .spawn(|| pin(&map, to))
                .join()
                .expect("it waits for nobody");
            *guard += 100;
        });
        assert_eq!(map.get_copied(&1), Some(201));
        let mut entries = map.iter_mut();
        let mut first = entries.next().expect("there are some");
        *first.value_mut() = 1_000;
        let key = *first.key();
        thread::scope(|scope| {
            scope
                .spawn(|| pin(&map, from))
                .join()
                .expect("it waits for nobody");
        });
        drop((first, entries));
        assert_eq!(map.get_copied(&key), Some(1_000));
        assert_eq!(map.len(), 64);
    }
}

#[test]
fn iterators_go_on() {
    for (from, to) in BOTH_WAYS {
        let map: AdaptiveMap<u64, u64> = (0..10_000).map(|n| (n, n)).collect();
        pin(&map, from);
        let mut seen: Vec<u64> = Vec::new();
        for (number, entry) in map.iter().enumerate() {
            seen.push(*entry.key());
            if number % 1_000 == 0 {
                pin(&map, if number % 2_000 == 0 { to } else { from });
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, Vec::from_iter(0..10_000));
        let mut sum = 0;
        map.for_each(|key, _| {
            sum += key;
            if key % 1_000 == 0 {
                pin(&map, to);
            }
        });
        assert_eq!(sum, (0..10_000).sum());
    }
}

#[test]
fn sessions_go_on() {
    let map: AdaptiveMap<u64, String> = (0..64).map(|n| (n, n.to_string())).collect();
    for (from, to) in BOTH_WAYS {
        pin(&map, from);
        let mut session = map.pin();
        let before = session.get(&1);
        thread::scope(|scope| {
            scope
                .spawn(|| pin(&map, to))
                .join()
                .expect("it waits for nobody");
        });
        let after = session.get(&1);
        assert_eq!(before.as_deref().map(String::as_str), Some("1"));
        assert_eq!(after.as_deref().map(String::as_str), Some("1"));
        assert!(session.get(&64).is_none() && session.contains_key(&2));
        drop((before, after));
        session.repin();
        assert_eq!(session.get(&3).as_deref().map(String::as_str), Some("3"));
    }
}

#[test]
fn only_locked_shards_are_locked() {
    let map: AdaptiveMap<u64, u64> = (0..64).map(|n| (n, n)).collect();
    for (kind, is_locked) in [(Kind::Sharded, true), (Kind::ReadDirty, false)] {
        pin(&map, kind);
        assert!(settle(&map));
        thread::scope(|scope| {
            let guard = map.get_mut(&1).expect("it is there");
            let tried = scope
                .spawn(|| matches!(map.try_get(&1), TryResult::Locked))
                .join();
            assert_eq!(tried.expect("it waits for nobody"), is_locked, "{kind}");
            drop(guard);
        });
    }
}

/// Counts its clones.
struct Counted(Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[test]
fn switches_clone_nothing_nor_do_locked_shards() {
    let clones = Arc::new(AtomicUsize::new(0));
    let map: AdaptiveMap<u64, Counted> = AdaptiveMap::new();
    for key in 0..1_000 {
        map.insert(key, Counted(Arc::clone(&clones)));
    }
    for round in 0..100 {
        pin(&map, Kind::ALL[round % 3]);
        assert!(settle(&map));
    }
    pin(&map, Kind::Lock);
    assert!(settle(&map));
    for key in 0..1_000 {
        map.insert(key, Counted(Arc::clone(&clones)));
        drop(map.get(&key));
        map.alter(&key, |_, value| value);
        if let Some(mut value) = map.get_mut(&key) {
            *value = Counted(Arc::clone(&clones));
        }
        drop(map.remove(&key));
    }
    assert_eq!(clones.load(Relaxed), 0);
}
