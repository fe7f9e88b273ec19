//! A client of dashmap 6.1, written as its users write: it uses every item of the public surface, and each
//! part returns what it saw.
//!
//! `dashmap` is whatever stands in the module above, and `Storable` what it asks of keys and values besides.
//! [`keys`] has what is done to one key, [`wholes`] what is done to whole maps and sets, [`code`] what code about them
//! looks like, [`bounds`], [`sending`] and [`variance`] what may be asked of types; [`formats`] and [`parallel`] are for
//! dashmap's features `serde` and `rayon`.

#![deny(warnings)]

use std::hash::Hash;

use super::{Storable, dashmap};
use dashmap::DashMap;

/// What a part saw.
type Seen = Vec<String>;

macro_rules! see {
    ($seen:ident, $($what:expr),+ $(,)?) => {
        $($seen.push(format!("{}: {:?}", stringify!($what), $what));)+
    };
}

mod auto;
mod bounds;
mod code;
mod formats;
mod keys;
mod parallel;
mod sending;
mod variance;
mod wholes;

pub(crate) use auto::auto_traits;
pub(crate) use bounds::{
    bounds_of_clones, bounds_of_guards, bounds_of_maps, bounds_of_sets_and_views,
};
pub(crate) use code::{drops, generic_code, hashers, named_types, threads};
pub(crate) use formats::formats;
pub(crate) use keys::{
    borrowed_keys, constructors, debugs, entries, guards, occupied_and_vacant, parts_of_values,
    points, tries,
};
pub(crate) use parallel::{
    parallel_hashers, parallel_maps, parallel_sets, parallel_types, parallel_views,
};
pub(crate) use sending::{futures, sent_types, spawned};
pub(crate) use variance::shorter_lifetimes;
pub(crate) use wholes::{
    changes, collections, everything, iterators, many_guards, operators, sets, views,
};

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}

fn filled(many: u64) -> DashMap<u64, String> {
    (0..many).map(|key| (key, format!("value {key}"))).collect()
}

fn contents<K: Ord + Clone + Hash, V: Ord + Clone>(map: &DashMap<K, V>) -> Vec<(K, V)> {
    sorted(
        map.iter()
            .map(|entry| (entry.key().clone(), entry.value().clone())),
    )
}
