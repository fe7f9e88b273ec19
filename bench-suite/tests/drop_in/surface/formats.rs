//! What dashmap's feature `serde` writes and reads.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Seen, Storable, contents, dashmap, sorted};
use dashmap::{DashMap, DashSet};

fn json(what: &impl Serialize) -> String {
    serde_json::to_string(what).unwrap()
}

/// With the bounds that dashmap has: to be written ...
fn written<K, V, S>(map: &DashMap<K, V, S>, set: &DashSet<K, S>) -> Seen
where
    K: Serialize + Eq + Hash + Storable,
    V: Serialize + Storable,
    S: BuildHasher + Clone,
{
    let mut seen = Seen::new();
    see!(seen, json(map), json(set));
    see!(
        seen,
        map.iter().map(|entry| json(&entry)).collect::<Vec<_>>()
    );
    see!(
        seen,
        map.iter_mut().map(|entry| json(&entry)).collect::<Vec<_>>()
    );
    see!(seen, set.iter().map(|key| json(&key)).collect::<Vec<_>>());
    seen
}

/// ... and to be read.
fn read<'de, K, V, S>(map: &'de str, set: &'de str) -> (DashMap<K, V, S>, DashSet<K, S>)
where
    K: Deserialize<'de> + Eq + Hash + Storable,
    V: Deserialize<'de> + Storable,
    S: BuildHasher + Clone + Default,
{
    let map = serde_json::from_str(map).unwrap();
    (map, serde_json::from_str(set).unwrap())
}

/// A structure that is written whole.
#[derive(Serialize, Deserialize)]
#[serde(bound(serialize = "K: Serialize + Eq + Hash + Storable"))]
#[serde(bound(deserialize = "K: DeserializeOwned + Eq + Hash + Storable"))]
struct State<K: Eq + Hash + Storable> {
    counts: DashMap<K, u64>,
    seen: DashSet<K>,
}

pub(crate) fn formats() -> Seen {
    let mut seen = Seen::new();
    let (map, set): (DashMap<String, [u8; 2], RandomState>, _) =
        read(r#"{"a":[1,2]}"#, r#"["a","a"]"#);
    seen.extend(written(&map, &set));
    see!(
        seen,
        json(&map.get("a").unwrap()),
        json(&set.get("a").unwrap())
    );
    see!(seen, json(&map.get_mut("a").unwrap()));
    see!(seen, json(&map.get("a").unwrap().map(|pair| &pair[0])));
    see!(
        seen,
        json(&map.get_mut("a").unwrap().map(|pair| &mut pair[1]))
    );
    let state: State<u32> =
        serde_json::from_str(r#"{"counts":{"1":10,"2":20},"seen":[3]}"#).unwrap();
    see!(seen, contents(&state.counts), sorted(state.seen.clone()));
    state.counts.remove(&2);
    see!(seen, json(&state));
    let wrong = serde_json::from_str::<DashMap<u32, u32>>("[1]");
    see!(seen, wrong.is_err());
    seen
}
