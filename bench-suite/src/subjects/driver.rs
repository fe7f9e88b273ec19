//! No map: the measuring loop alone. It computes the same keys and draws the same dice, so its row is the floor under all
//! others.

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Scanned, Session, Subject},
};
use std::{hint::black_box, marker::PhantomData};

/// The subject.
pub(super) type Of<K, V> = Driver<K, V>;

/// Answers every operation with what the workload expects to hear.
pub(crate) struct Driver<K, V>(PhantomData<fn(K, V)>);

impl<K: Key, V: Value> Subject<K, V> for Driver<K, V> {
    const NAME: &'static str = "driver";
    const ROLE: Role = Role::Driver;
    type Session<'a> = &'a Self;

    fn with_capacity(_: usize, _: Hasher) -> Self {
        Driver(PhantomData)
    }

    fn len(&self) -> usize {
        0
    }

    fn session(&self) -> &Self {
        self
    }
}

impl<K: Key, V: Value> Session<K, V> for &Driver<K, V> {
    #[inline(always)]
    fn get(&mut self, key: &K::Lookup) -> Option<u64> {
        black_box(key);
        Some(0)
    }

    #[inline(always)]
    fn update(&mut self, key: &K::Lookup, value: V) -> bool {
        black_box(key);
        black_box(value);
        true
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: V) -> bool {
        black_box(key);
        black_box(value);
        true
    }

    #[inline(always)]
    fn remove(&mut self, key: &K::Lookup) -> bool {
        black_box(key);
        true
    }

    #[inline]
    fn scan(&mut self) -> Scanned {
        Scanned::default()
    }
}
