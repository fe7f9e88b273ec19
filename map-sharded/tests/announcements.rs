//! Who announces itself. In a process of its own, where nobody leaves guards behind for the next thread of the same slot.

use map_core::ReadBias;
use map_core::conformance::announcements::announced_here;
use map_sharded::ShardedMap;

fn always(shards: usize) -> ShardedMap<u64, u64> {
    let builder = ShardedMap::builder().read_bias(ReadBias::Always);
    let map = builder.shards(shards).build().expect("a fine map");
    map.insert(7, 7);
    // The first of all arms the bias.
    drop(map.get(&7));
    map
}

#[test]
fn guards_leave_a_word_to_operations() {
    for shards in [1, 8] {
        let (kept, map) = (always(shards), always(shards));
        let guards: Vec<_> = (0..4).map(|_| kept.get(&7)).collect();
        assert_eq!(announced_here(), 3, "the fourth has counted itself");
        let operation = map.get_with(&7, |_, _| announced_here());
        assert_eq!(operation, Some(4));
        drop(guards);
    }
}

/// The one shard of a small map lies in the map itself, which may be moved then.
#[test]
fn a_guard_that_is_forgotten_keeps_its_shard_until_the_map_is_dropped() {
    for shards in [1, 8] {
        let map = always(shards);
        std::mem::forget(map.get(&7));
        assert_eq!(announced_here(), 1, "{shards} shards");
        let moved = Box::new(map);
        assert!(moved.try_get_mut(&7).is_locked(), "{shards} shards");
        assert_eq!(moved.get_copied(&7), Some(7));
        drop(moved);
        assert_eq!(announced_here(), 0, "{shards} shards");
    }
}

/// But for those who only try.
#[test]
fn readers_announce_themselves_where_they_shall() {
    type Way = fn(&ShardedMap<u64, u64>) -> Option<usize>;
    const WAYS: [Way; 4] = [
        |map| map.get_with(&7, |_, _| announced_here()),
        |map| map.view(&7, |_, _| announced_here()),
        |map| map.get(&7).map(|_guard| announced_here()),
        |map| map.try_get(&7).try_unwrap().map(|_guard| announced_here()),
    ];
    for (bias, shards, expected) in [
        (ReadBias::Always, 1, [1, 1, 1, 0]),
        (ReadBias::Always, 8, [1, 1, 1, 0]),
        (ReadBias::Never, 1, [0; 4]),
        (ReadBias::Never, 8, [0; 4]),
    ] {
        let builder = ShardedMap::<u64, u64>::builder().read_bias(bias);
        let map = builder.shards(shards).build().expect("a fine map");
        map.insert(7, 7);
        let announced = WAYS.map(|way| {
            // The first of all arms the bias.
            way(&map);
            let announced = way(&map).expect("it is there");
            assert_eq!(announced_here(), 0, "it has gone");
            announced
        });
        assert_eq!(announced, expected, "{bias:?}, {shards} shards");
    }
}
