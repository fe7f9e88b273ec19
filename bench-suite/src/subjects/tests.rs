//! Every subject does what the trait says: a benchmark of a wrong adapter measures nothing.

use super::{Booth, GROWING, ROSTER, visit};
use crate::{
    key::{Key, Value, number},
    subject::{Hasher, Role, Scanned, Session, Subject},
};

struct Check;

impl<K: Key, V: Value> Booth<K, V> for Check {
    type Out = ();

    fn visit<S: Subject<K, V> + 'static>(&self) {
        let hasher = Hasher::with_seeds(1, 2, 3, 4);
        for map in [
            S::with_capacity(0, hasher.clone()),
            S::with_capacity(2000, hasher.clone()),
            S::by_default(hasher.clone()),
        ] {
            let mut session = map.session();
            for id in 0..1000 {
                let scratch = K::scratch(number(id, 0));
                let key = K::lookup(&scratch);
                assert_eq!(session.get(key), None);
                assert!(!session.remove(key));
                assert!(session.insert(K::owned(key), V::new(id)));
                assert!(!session.insert(K::owned(key), V::new(id + 1)));
                assert_eq!(session.get(key), Some(id + 1));
                assert!(session.update(key, V::new(id + 2)));
                assert_eq!(session.get(key), Some(id + 2));
            }
            drop(session);
            assert_eq!(map.len(), 1000);
            let mut session = map.session();
            let words = (2..1002).sum();
            let entries = 1000;
            assert_eq!(session.scan(), Scanned { entries, words });
            for id in 0..1000 {
                let scratch = K::scratch(number(id, 0));
                assert!(session.remove(K::lookup(&scratch)));
            }
            assert_eq!(session.scan(), Scanned::default());
            drop(session);
            assert!(map.is_empty());
        }
    }
}

#[test]
fn every_subject_is_a_map() {
    for entry in GROWING.iter().filter(|entry| entry.role != Role::Driver) {
        visit::<u64, u64, _>(entry.name, &Check).expect("the roster knows its own names");
        visit::<u64, [u64; 4], _>(entry.name, &Check).expect("the roster knows its own names");
        visit::<String, u64, _>(entry.name, &Check).expect("the roster knows its own names");
    }
}

#[test]
fn names_are_distinct_and_the_choices_are_the_strategies() {
    let mut names: Vec<_> = GROWING.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), GROWING.len());
    let choices = ROSTER.iter().filter(|entry| entry.choice);
    assert!(choices.clone().all(|entry| entry.role == Role::Own));
    assert!(
        choices
            .map(|entry| entry.name)
            .eq(["sharded", "lockmap", "readdirty"])
    );
    assert!(visit::<u64, u64, _>("no such map", &Check).is_none());
}
