//! What is written is what dashmap writes, and each reads what the other wrote.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, RandomState};

use dashmap::{DashMap, DashSet};
use map_adaptive::{LockMap, LockSet, Map, ShardedMap, ShardedSet, Strategy};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Account {
    owner: String,
    cents: Option<i64>,
}

fn accounts(count: u32) -> impl Iterator<Item = (u32, Account)> {
    (0..count).map(|number| {
        let owner = format!("owner of {number}");
        let cents = (number % 3 > 0).then_some(i64::from(number) - 100);
        (number, Account { owner, cents })
    })
}

fn sorted<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    entries.into_iter().collect()
}

/// Ours reads ours, dashmap reads ours, ours reads dashmap's: the same entries, and as many bytes.
fn round_trips<M>(count: u32)
where
    M: Serialize + DeserializeOwned + FromIterator<(u32, Account)>,
    M: IntoIterator<Item = (u32, Account)>,
{
    let expected = sorted(accounts(count));
    let ours: M = accounts(count).collect();
    let dash: DashMap<u32, Account> = accounts(count).collect();

    let json = serde_json::to_string(&ours).expect("JSON can be written");
    let dash_json = serde_json::to_string(&dash).expect("JSON can be written");
    assert_eq!(json.len(), dash_json.len());
    let read: M = serde_json::from_str(&json).expect("ours reads ours");
    assert_eq!(sorted(read), expected);
    let read: M = serde_json::from_str(&dash_json).expect("ours reads dashmap's");
    assert_eq!(sorted(read), expected);
    let read: DashMap<u32, Account> = serde_json::from_str(&json).expect("dashmap reads ours");
    assert_eq!(sorted(read), expected);

    let bytes = postcard::to_stdvec(&ours).expect("bytes can be written");
    let dash_bytes = postcard::to_stdvec(&dash).expect("bytes can be written");
    assert_eq!(bytes.len(), dash_bytes.len());
    let read: M = postcard::from_bytes(&bytes).expect("ours reads ours");
    assert_eq!(sorted(read), expected);
    let read: M = postcard::from_bytes(&dash_bytes).expect("ours reads dashmap's");
    assert_eq!(sorted(read), expected);
    let read: DashMap<u32, Account> = postcard::from_bytes(&bytes).expect("dashmap reads ours");
    assert_eq!(sorted(read), expected);
}

/// Empty, of one shard, and of many.
const COUNTS: [u32; 4] = [0, 1, 100, 5000];

#[test]
fn sharded_maps_make_the_round_trip() {
    for count in COUNTS {
        round_trips::<ShardedMap<u32, Account>>(count);
    }
}

#[test]
fn lock_maps_make_the_round_trip() {
    for count in COUNTS {
        round_trips::<LockMap<u32, Account>>(count);
    }
}

/// Where there is no order to choose, the very bytes are dashmap's.
#[test]
fn a_map_of_one_entry_is_byte_for_byte_dashmaps() {
    let ours: ShardedMap<&str, u64> = [("answer", 42)].into_iter().collect();
    let dash: DashMap<&str, u64> = [("answer", 42)].into_iter().collect();
    assert_eq!(
        serde_json::to_string_pretty(&ours).expect("JSON can be written"),
        serde_json::to_string_pretty(&dash).expect("JSON can be written"),
    );
    assert_eq!(postcard::to_stdvec(&ours), postcard::to_stdvec(&dash));
    let (ours, dash) = (
        ShardedMap::<u8, u8>::new(),
        DashMap::<u8, u8>::with_capacity(10),
    );
    assert_eq!(serde_json::to_string(&ours).expect("JSON"), "{}");
    assert_eq!(serde_json::to_string(&dash).expect("JSON"), "{}");
    assert_eq!(postcard::to_stdvec(&ours), postcard::to_stdvec(&dash));
}

/// Sets are sequences, and make the same round trips.
fn set_round_trips<S>(count: u32)
where
    S: Serialize + DeserializeOwned + FromIterator<u32> + IntoIterator<Item = u32>,
{
    let expected = BTreeSet::from_iter(0..count);
    let ours: S = (0..count).collect();
    let dash: DashSet<u32> = (0..count).collect();

    let json = serde_json::to_string(&ours).expect("JSON can be written");
    let dash_json = serde_json::to_string(&dash).expect("JSON can be written");
    assert_eq!(json.len(), dash_json.len());
    let read: S = serde_json::from_str(&dash_json).expect("ours reads dashmap's");
    assert_eq!(BTreeSet::from_iter(read), expected);
    let read: DashSet<u32> = serde_json::from_str(&json).expect("dashmap reads ours");
    assert_eq!(BTreeSet::from_iter(read), expected);

    let bytes = postcard::to_stdvec(&ours).expect("bytes can be written");
    let dash_bytes = postcard::to_stdvec(&dash).expect("bytes can be written");
    assert_eq!(bytes.len(), dash_bytes.len());
    let read: S = postcard::from_bytes(&dash_bytes).expect("ours reads dashmap's");
    assert_eq!(BTreeSet::from_iter(read), expected);
    let read: DashSet<u32> = postcard::from_bytes(&bytes).expect("dashmap reads ours");
    assert_eq!(BTreeSet::from_iter(read), expected);
}

#[test]
fn sets_make_the_round_trip() {
    for count in COUNTS {
        set_round_trips::<ShardedSet<u32>>(count);
        set_round_trips::<LockSet<u32>>(count);
    }
    let read: ShardedSet<u8> = serde_json::from_str("[1, 2, 1]").expect("it is a sequence");
    assert_eq!(read.len(), 2);
    let no_set = serde_json::from_str::<ShardedSet<u8>>("{}").expect_err("it is a map");
    assert!(
        no_set.to_string().contains("expected a sequence of keys"),
        "{no_set}"
    );
}

/// A guard is written as its value, as dashmap's is.
#[test]
fn guards_are_written_as_their_values() {
    fn json(guard: &impl Serialize) -> String {
        serde_json::to_string(guard).expect("JSON can be written")
    }
    let map: ShardedMap<u8, (u8, String)> = ShardedMap::new();
    map.insert(1, (2, "three".to_owned()));
    let whole = r#"[2,"three"]"#;
    assert_eq!(json(&map.get(&1).expect("it is there")), whole);
    assert_eq!(json(&map.get_mut(&1).expect("it is there")), whole);
    assert_eq!(json(&map.iter().next().expect("it is there")), whole);
    assert_eq!(json(&map.iter_mut().next().expect("it is there")), whole);
    let set: ShardedSet<u8> = [7].into_iter().collect();
    assert_eq!(json(&set.get(&7).expect("it is there")), "7");
    assert_eq!(json(&set.iter().next().expect("it is there")), "7");
    let part = map.get(&1).expect("it is there").map(|pair| &*pair.1);
    assert_eq!(json(&part), r#""three""#);
    drop(part);
    let part = map
        .get_mut(&1)
        .expect("it is there")
        .map(|pair| &mut *pair.1);
    assert_eq!(json(&part), r#""three""#);
}

/// Maps of any hasher that can be made from nothing are fields like others.
#[derive(Serialize, Deserialize)]
#[serde(bound = "K: Serialize + DeserializeOwned + Eq + Hash")]
struct Holder<K: Eq + Hash> {
    name: String,
    entries: ShardedMap<K, (), RandomState>,
    nested: LockMap<String, ShardedMap<u8, u8>>,
}

#[test]
fn maps_are_fields_of_what_is_derived() {
    let holder = Holder {
        name: "first".to_owned(),
        entries: [(1, ()), (2, ())].into_iter().collect(),
        nested: [("a".to_owned(), [(1, 2)].into_iter().collect())]
            .into_iter()
            .collect(),
    };
    let json = serde_json::to_value(&holder).expect("JSON can be written");
    assert_eq!(
        json,
        serde_json::json!({
            "name": "first",
            "entries": {"1": null, "2": null},
            "nested": {"a": {"1": 2}},
        })
    );
    let read: Holder<u64> = serde_json::from_value(json).expect("it reads back");
    assert_eq!((read.name.as_str(), read.entries.len()), ("first", 2));
    let nested = read.nested.get("a").expect("it was written");
    assert_eq!(nested.get_copied(&1), Some(2));
}

/// What a map was made with besides its entries is not written: the reader's defaults hold.
#[test]
fn any_map_of_the_family_reads_what_another_wrote() {
    fn reread<T: Strategy<u32, u32>>(bytes: &[u8]) -> Map<u32, u32, T> {
        postcard::from_bytes(bytes).expect("maps have one format")
    }
    let written = ShardedMap::builder()
        .shards(16)
        .build()
        .expect("a fine map");
    for key in 0..50 {
        written.insert(key, key * 2);
    }
    let bytes = postcard::to_stdvec(&written).expect("bytes can be written");
    let std_map: HashMap<u32, u32> = postcard::from_bytes(&bytes).expect("a map is a map");
    assert_eq!(
        sorted(reread::<map_adaptive::Lock>(&bytes)),
        sorted(std_map.clone())
    );
    assert_eq!(
        sorted(reread::<map_adaptive::Sharded>(&bytes)),
        sorted(std_map)
    );
}
