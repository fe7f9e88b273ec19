//! The family's maps: one front, so one implementation of the traits. A subject of them is a [`Kind`].

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Scanned, Session, Subject, SwitchReport},
};
use map_adaptive::{Builder, Map, Strategy};

/// What tells one subject of the family from another.
pub(super) trait Kind<K: Key, V: Value>: Sized + 'static {
    /// The subject's name.
    const NAME: &'static str;
    /// Whether its map keeps to one strategy, see [`Subject::CHOICE`].
    const CHOICE: bool = true;
    /// The strategy of its map.
    type Strategy: Strategy<K, V> + 'static;

    /// Sets what shall not be as it comes.
    fn configure(
        builder: Builder<K, V, Self::Strategy, Hasher>,
    ) -> Builder<K, V, Self::Strategy, Hasher> {
        builder
    }

    /// What the map says of its switches, if it makes any.
    fn report(_map: &MapOf<K, V, Self>) -> Option<SwitchReport> {
        None
    }
}

/// A map of some kind.
pub(super) type MapOf<K, V, C> = Map<K, V, <C as Kind<K, V>>::Strategy, Hasher>;

/// A subject.
pub(super) struct Of<K: Key, V: Value, C: Kind<K, V>>(MapOf<K, V, C>);

impl<K: Key, V: Value, C: Kind<K, V>> Subject<K, V> for Of<K, V, C>
where
    MapOf<K, V, C>: Send + Sync,
{
    const NAME: &'static str = C::NAME;
    const ROLE: Role = Role::Own;
    const CHOICE: bool = C::CHOICE;
    type Session<'a> = &'a MapOf<K, V, C>;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        let builder = C::configure(Map::<K, V, C::Strategy>::builder().hasher(hasher));
        Self(
            builder
                .capacity(capacity)
                .build()
                .expect("the options check the memory"),
        )
    }

    fn by_default(hasher: Hasher) -> Self {
        Self(Map::with_hasher(hasher))
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn report(&self) -> Option<SwitchReport> {
        C::report(&self.0)
    }

    fn session(&self) -> &MapOf<K, V, C> {
        &self.0
    }
}

impl<K: Key, V: Value, T: Strategy<K, V>> Session<K, V> for &Map<K, V, T, Hasher> {
    #[inline(always)]
    fn get(&mut self, key: &K::Lookup) -> Option<u64> {
        self.get_with(key, |_, value| value.word())
    }

    #[inline(always)]
    fn update(&mut self, key: &K::Lookup, value: V) -> bool {
        self.get_mut(key).map(|mut entry| *entry = value).is_some()
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: V) -> bool {
        Map::insert(self, key, value).is_none()
    }

    #[inline(always)]
    fn remove(&mut self, key: &K::Lookup) -> bool {
        Map::remove(self, key).is_some()
    }

    #[inline]
    fn scan(&mut self) -> Scanned {
        let mut scanned = Scanned::default();
        self.for_each(|_, value| scanned.meet(value));
        scanned
    }
}
