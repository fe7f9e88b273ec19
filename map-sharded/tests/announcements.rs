//! Who announces itself. In a process of its own, where nobody leaves guards behind for the next thread of the same slot.

use map_core::ReadBias;
use map_core::conformance::announcements::announced_here;
use map_sharded::ShardedMap;

/// But for guards of a shard that lies in the map itself, and for those who only try.
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
        (ReadBias::Always, 1, [1, 1, 0, 0]),
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
