//! dashmap's operators, on references to a map.

use std::hash::{BuildHasher, Hash};
use std::ops::{BitAnd, BitOr, Shl, Shr, Sub};

use equivalent::Equivalent;

use super::Map;
use crate::mapref::one::{Ref, RefMut};
use crate::strategy::Strategy;

/// `&map << (key, value)` is [`insert`](Map::insert).
///
/// ```
/// let map = &map_sharded::ShardedMap::new();
/// map.insert("a", 1);
/// assert_eq!(map << ("a", 2), Some(1));
/// ```
impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Shl<(K, V)> for &Map<K, V, T, S> {
    type Output = Option<V>;

    #[cfg_attr(debug_assertions, track_caller)]
    fn shl(self, (key, value): (K, V)) -> Option<V> {
        self.insert(key, value)
    }
}

/// `&map >> &key` is [`get`](Map::get), where there must be an entry.
///
/// # Panics
///
/// If there is none.
///
/// ```
/// let map = &map_sharded::ShardedMap::new();
/// map.insert("a", 1);
/// assert_eq!(*(map >> "a"), 1);
/// ```
impl<'a, K, V, T, S, Q> Shr<&Q> for &'a Map<K, V, T, S>
where
    K: Eq + Hash,
    T: Strategy<K, V>,
    S: BuildHasher,
    Q: ?Sized + Hash + Equivalent<K>,
{
    type Output = Ref<'a, K, V, T>;

    #[track_caller]
    fn shr(self, key: &Q) -> Self::Output {
        self.get(key).expect(ABSENT)
    }
}

/// `&map | &key` is [`get_mut`](Map::get_mut), where there must be an entry.
///
/// # Panics
///
/// If there is none.
///
/// ```
/// let map = &map_sharded::ShardedMap::new();
/// map.insert("a", 1);
/// *(map | "a") += 1;
/// assert_eq!(map.get_copied("a"), Some(2));
/// ```
impl<'a, K, V, T, S, Q> BitOr<&Q> for &'a Map<K, V, T, S>
where
    K: Eq + Hash,
    T: Strategy<K, V>,
    S: BuildHasher,
    Q: ?Sized + Hash + Equivalent<K>,
{
    type Output = RefMut<'a, K, V, T>;

    #[track_caller]
    fn bitor(self, key: &Q) -> Self::Output {
        self.get_mut(key).expect(ABSENT)
    }
}

/// `&map - &key` is [`remove`](Map::remove).
///
/// ```
/// let map = &map_sharded::ShardedMap::new();
/// map.insert("a", 1);
/// assert_eq!(map - "a", Some(("a", 1)));
/// ```
impl<K, V, T, S, Q> Sub<&Q> for &Map<K, V, T, S>
where
    K: Eq + Hash,
    T: Strategy<K, V>,
    S: BuildHasher,
    Q: ?Sized + Hash + Equivalent<K>,
{
    type Output = Option<(K, V)>;

    #[cfg_attr(debug_assertions, track_caller)]
    fn sub(self, key: &Q) -> Self::Output {
        self.remove(key)
    }
}

/// `&map & &key` is [`contains_key`](Map::contains_key).
///
/// ```
/// let map = &map_sharded::ShardedMap::new();
/// map.insert("a", 1);
/// assert!(map & "a");
/// ```
impl<K, V, T, S, Q> BitAnd<&Q> for &Map<K, V, T, S>
where
    K: Eq + Hash,
    T: Strategy<K, V>,
    S: BuildHasher,
    Q: ?Sized + Hash + Equivalent<K>,
{
    type Output = bool;

    #[cfg_attr(debug_assertions, track_caller)]
    fn bitand(self, key: &Q) -> bool {
        self.contains_key(key)
    }
}

const ABSENT: &str = "this operator is for keys that are in the map";
