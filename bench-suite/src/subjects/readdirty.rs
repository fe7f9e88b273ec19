//! The family's map with lock-free reads, as it comes: each read pins for itself.

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Scanned, Session, Subject},
};
use map_adaptive::{Change, Computed, Map, ReadDirty, ReadDirtyMap};

/// The subject.
pub(super) struct Of<K: Key, V: Value>(pub(super) ReadDirtyMap<K, V, Hasher>);

impl<K: Key, V: Value> Of<K, V> {
    pub(super) fn new(capacity: usize, hasher: Hasher) -> Self {
        let builder = Map::<K, V, ReadDirty>::builder().hasher(hasher);
        Self(
            builder
                .capacity(capacity)
                .build()
                .expect("the options check the memory"),
        )
    }
}

impl<K: Key, V: Value> Subject<K, V> for Of<K, V> {
    const NAME: &'static str = "readdirty";
    const ROLE: Role = Role::Own;
    const CHOICE: bool = true;
    type Session<'a> = Plain<'a, K, V>;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        Self::new(capacity, hasher)
    }

    fn by_default(hasher: Hasher) -> Self {
        Self(Map::with_hasher(hasher))
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn session(&self) -> Plain<'_, K, V> {
        Plain(&self.0)
    }
}

pub(super) struct Plain<'a, K: Key, V: Value>(pub(super) &'a ReadDirtyMap<K, V, Hasher>);

impl<K: Key, V: Value> Session<K, V> for Plain<'_, K, V> {
    #[inline(always)]
    fn get(&mut self, key: &K::Lookup) -> Option<u64> {
        self.0.get_with(key, |_, value| value.word())
    }

    #[inline(always)]
    fn update(&mut self, key: &K::Lookup, value: V) -> bool {
        let computed = self.0.compute_if_present(key, |_, _| Change::Set(value));
        matches!(computed, Computed::Updated(_))
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: V) -> bool {
        self.0.insert(key, value).is_none()
    }

    #[inline(always)]
    fn remove(&mut self, key: &K::Lookup) -> bool {
        self.0.delete(key)
    }

    #[inline]
    fn scan(&mut self) -> Scanned {
        let mut scanned = Scanned::default();
        self.0.for_each(|_, value| scanned.meet(value));
        scanned
    }
}
