//! Maps that are only read, and sets.

use std::collections::{BTreeMap, BTreeSet};

use super::maker::{Maker, MapOf, Rig};
use crate::{Set, Strategy};

/// A view shows what the map had, and the map it is turned back into goes on.
#[doc = behaviour!("views::read_only")]
pub fn read_only<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<String, u64>>,
    MapOf<M, String, u64>: Sync,
{
    for many in [0, 1, 100, rig.about(5_000)] {
        let map = rig.map::<String, u64>();
        for number in 0..many as u64 {
            map.insert(number.to_string(), number);
        }
        // Some strategies store what was read often in another way.
        for number in 0..many as u64 {
            assert!(map.contains_key(&*number.to_string()));
        }
        map.remove("7");
        let expected: BTreeMap<String, u64> = map
            .iter()
            .map(|entry| (entry.key().clone(), *entry))
            .collect();
        let (len, capacity) = (map.len(), map.capacity());

        let view = map.into_read_only();
        assert_eq!(view.len(), len);
        assert_eq!(view.is_empty(), len == 0);
        assert_eq!(view.capacity(), capacity);
        for number in 0..=many as u64 {
            let key = number.to_string();
            assert_eq!(view.get(&key), expected.get(&key));
            assert_eq!(view.get_key_value(&*key), expected.get_key_value(&key));
            assert_eq!(view.contains_key(&*key), expected.contains_key(&key));
        }
        // References live as long as the view, whatever else is asked for.
        let kept: BTreeMap<&String, &u64> = view.iter().collect();
        assert_eq!(kept.len(), view.keys().count());
        assert!(kept.into_iter().eq(&expected));
        let values: BTreeSet<u64> = view.values().copied().collect();
        assert_eq!(values, expected.values().copied().collect());
        let clone = view.clone();
        assert_eq!(format!("{clone:?}").len(), format!("{view:?}").len());

        let map = view.into_inner();
        assert_eq!(map.insert("new".to_owned(), 1), None);
        assert_eq!(map.remove("new"), Some(("new".to_owned(), 1)));
        assert_eq!(map.len(), len);
        assert_eq!(clone.len(), len);
        assert!(clone.into_inner().into_iter().collect::<BTreeMap<_, _>>() == expected);
    }
}

/// A set does what a map to nothing does.
#[doc = behaviour!("views::sets")]
pub fn sets<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<String, ()> + Strategy<u64, ()>>,
{
    let mut set: Set<String, M::Strategy, _> = rig.map::<String, ()>().into();
    let many = rig.about(2_000);
    let names = || (0..many).map(|number| number.to_string());
    for name in names() {
        assert!(set.insert(name.clone()));
        assert!(!set.insert(name));
    }
    assert_eq!((set.len(), set.is_empty()), (many, false));
    assert!(set.capacity() >= many);
    assert!(set.contains("7") && !set.contains("none"));
    assert_eq!(set.get("7").as_deref().map(String::as_str), Some("7"));
    assert_eq!(set.get("7").map(|name| name.key().len()), Some(1));
    assert!(set.get("none").is_none());
    assert_eq!(set.remove("7").as_deref(), Some("7"));
    assert_eq!(set.remove("7"), None);
    assert_eq!(set.remove_if("8", |name| name != "8"), None);
    assert_eq!(set.remove_if("8", |name| name == "8").as_deref(), Some("8"));
    let items: Vec<_> = set.iter().collect();
    let shown: BTreeSet<&str> = items.iter().map(|name| name.as_str()).collect();
    assert_eq!(shown.len(), many - 2);
    drop(items);
    set.retain(|name| name.len() == 1);
    let expected: BTreeSet<String> = names()
        .filter(|name| name.len() == 1 && !["7", "8"].contains(&name.as_str()))
        .collect();
    let shown = |set: &Set<String, M::Strategy, _>| -> BTreeSet<String> {
        set.into_iter().map(|name| name.clone()).collect()
    };
    assert_eq!(shown(&set), expected);
    set.shrink_to_fit();
    let clone = set.clone();
    set.extend(["7".to_owned(), "8".to_owned()]);
    assert_eq!(set.len(), expected.len() + 2);
    assert_eq!(shown(&clone), expected);
    assert_eq!(clone.into_iter().collect::<BTreeSet<_>>(), expected);
    set.clear();
    assert!(set.is_empty());
    set.insert("one".to_owned());
    assert_eq!(format!("{set:?}"), r#"{"one"}"#);
    let map: MapOf<M, String, ()> = set.into();
    assert!(map.contains_key("one"));
    let collected: Set<u64, M::Strategy, ahash::RandomState> = [1, 2, 1].into_iter().collect();
    assert_eq!(collected.len(), 2);
}
