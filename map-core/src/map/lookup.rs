//! Looking up one key.

use std::hash::{BuildHasher, Hash};

use equivalent::Equivalent;

use super::{Lookup, Map, read_fast};
use crate::mapref::one::Ref;
use crate::raw::directory::WayToRead;
use crate::raw::header::{Header, Refused};
use crate::raw::held::{Place, here};
use crate::strategy::{At, Held, Patience, Strategy};
use crate::try_result::TryResult;

/// Looks a key up for the length of an operation.
pub(super) struct Peek;

impl<'a, K: 'a, V: 'a, T: Strategy<K, V> + 'a> Lookup<'a, K, V, T> for Peek {
    type Found = Option<Held<'a, (K, V), T::Brief>>;

    #[inline(always)]
    fn find<Q>(&self, at: At<'a, T::Locked, T::Open>, key: &Q) -> Result<Self::Found, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        T::peek(at, key)
    }
}

/// Looks a key up for a guard.
pub(super) struct Get;

impl<'a, K: 'a, V: 'a, T: Strategy<K, V> + 'a> Lookup<'a, K, V, T> for Get {
    type Found = Option<Held<'a, (K, V), T::Hold>>;

    #[inline(always)]
    fn find<Q>(&self, at: At<'a, T::Locked, T::Open>, key: &Q) -> Result<Self::Found, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        T::get(at.for_guard(), key)
    }
}

impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// A read guard on the entry of `key`.
    ///
    /// No allocation (but a thread's first read makes its slot, and the first of a shard its lanes, if readers are to sit in some). In a map of locked shards: one atomic read-modify-write, of a line of the
    /// thread's own or of its lane of the shard, or two of the shard's (see [`ReadBias`](crate::ReadBias)), one here and one when the
    /// guard goes; blocks while somebody writes to the shard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.get("a").map(|value| *value), Some(1));
    /// assert!(map.get("b").is_none());
    /// ```
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn get<Q>(&self, key: &Q) -> Option<Ref<'_, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        if !T::READS_LOCK {
            return self.get_without_lock(hash, key, here());
        }
        // Compiled into callers: a read under the lock, or an announced one. What else there is is one call, so that the guard is
        // put together in registers.
        let found = if self.is_sample() {
            Err(Refused::Busy)
        } else if let Some(way) = self.way_to_read(hash) {
            match way {
                WayToRead::Announce(found) => {
                    Self::get_locked(At::to_announce(found, hash, here()), key)
                }
                WayToRead::Sit(found) => {
                    return self.get_seated(found, hash, key);
                }
                WayToRead::Mend => Err(Refused::Busy),
            }
        } else {
            let (way, patience) = self.way_to_count(hash);
            if way.says_read_table() {
                return self.get_in_table(way.header(), hash, key);
            }
            Self::get_locked(At::new(way.header(), hash, patience, here()), key)
        };
        match found {
            Ok(found) => found,
            Err(_) => self.get_slow(hash, key, here()),
        }
    }

    /// A read for a guard, by the lock.
    #[inline(always)]
    fn get_locked<'a, Q>(
        at: At<'a, T::Locked, T::Open>,
        key: &Q,
    ) -> Result<Option<Ref<'a, K, V, T>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let found = if T::SELECTS {
            T::peek_locked(at.for_guard(), key)?.map(T::keep_locked)
        } else {
            T::get(at.for_guard(), key)?
        };
        Ok(found.map(Ref))
    }

    /// A read for a guard in a lane.
    #[inline(never)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn get_seated<'a, Q>(
        &'a self,
        lane: (&'a Header<T::Locked, T::Open>, usize),
        hash: u64,
        key: &Q,
    ) -> Option<Ref<'a, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match Self::get_locked(At::to_sit(lane, hash, here()), key) {
            Ok(found) => found,
            Err(_) => self.get_slow(hash, key, here()),
        }
    }

    /// A read for a guard of a shard that had a read table a moment ago.
    #[inline(never)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn get_in_table<'a, Q>(
        &'a self,
        header: &'a Header<T::Locked, T::Open>,
        hash: u64,
        key: &Q,
    ) -> Option<Ref<'a, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match T::get(At::of_read_table(header, hash, here()).for_guard(), key) {
            Ok(found) => found.map(Ref),
            Err(_) => self.get_elsewhere(hash, key),
        }
    }

    /// The same, if nothing was settled there.
    #[inline(never)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn get_elsewhere<Q>(&self, hash: u64, key: &Q) -> Option<Ref<'_, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let at = self.at_lock(hash, here());
        match T::get(at.for_guard(), key) {
            Ok(found) => found.map(Ref),
            Err(_) => self.get_slow(hash, key, here()),
        }
    }

    #[inline]
    fn get_without_lock<Q>(&self, hash: u64, key: &Q, place: Place) -> Option<Ref<'_, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match T::get(self.at(hash, Patience::Fast, place).for_guard(), key) {
            Ok(found) => found.map(Ref),
            Err(_) => self.get_slow(hash, key, place),
        }
    }

    #[cold]
    #[inline(never)]
    fn get_slow<Q>(&self, hash: u64, key: &Q, place: Place) -> Option<Ref<'_, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.look_up_slow(hash, key, place, Get).map(Ref)
    }

    /// A read guard on the entry of `key`, if that needs no waiting.
    ///
    /// Costs what [`get`](Self::get) does, and two read-modify-writes of the shard's line always. Strategies with lock-free
    /// reads never say [`Locked`](TryResult::Locked) where they need no lock.
    ///
    /// ```
    /// use map_sharded::try_result::TryResult;
    ///
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.get_mut("a");
    /// assert!(matches!(map.try_get("a"), TryResult::Locked));
    /// drop(guard);
    /// assert!(map.try_get("a").is_present());
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn try_get<Q>(&self, key: &Q) -> TryResult<Ref<'_, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        loop {
            let at = self.at_either(hash, Patience::None, here()).for_guard();
            return match T::get(at, key) {
                Ok(Some(found)) => TryResult::Present(Ref(found)),
                Ok(None) => TryResult::Absent,
                Err(Refused::Moved) => continue,
                Err(Refused::Busy | Refused::Crowded(_) | Refused::Due) => TryResult::Locked,
            };
        }
    }

    /// Runs `f` on the entry of `key`. The cheapest way to read; `f` runs with the shard locked
    /// for reading (or pinned), so it should be short.
    ///
    /// Allocates and blocks as [`get`](Self::get) does.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", vec![1, 2, 3]);
    /// assert_eq!(map.get_with("a", |_, list| list.len()), Some(3));
    /// ```
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn get_with<Q, R>(&self, key: &Q, f: impl FnOnce(&K, &V) -> R) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        if T::SELECTS {
            let found = read_fast!(
                self,
                hash,
                |at| T::peek_locked(at, key),
                |lane| self.get_with_seated(lane, hash, key, f),
                |table| match T::peek(table, key) {
                    Ok(found) => {
                        let found = found?;
                        let (key, value) = found.get();
                        Some(f(key, value))
                    }
                    Err(_) => self.get_with_elsewhere(hash, key, f),
                }
            );
            return match found {
                Ok(found) => {
                    let found = found?;
                    let (key, value) = found.get();
                    Some(f(key, value))
                }
                Err(_) => self.get_with_slow(hash, key, f, here()),
            };
        }
        let found = read_fast!(
            self,
            hash,
            |at| T::peek(at, key),
            |lane| self.get_with_seated(lane, hash, key, f),
            |_table| self.get_with_elsewhere(hash, key, f)
        );
        match found {
            Ok(found) => {
                let found = found?;
                let (key, value) = found.get();
                Some(f(key, value))
            }
            Err(_) => self.get_with_slow(hash, key, f, here()),
        }
    }

    /// A read in a lane.
    #[inline(never)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn get_with_seated<'a, Q, R>(
        &'a self,
        lane: (&'a Header<T::Locked, T::Open>, usize),
        hash: u64,
        key: &Q,
        f: impl FnOnce(&K, &V) -> R,
    ) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match T::peek(At::to_sit(lane, hash, here()), key) {
            Ok(found) => {
                let found = found?;
                let (key, value) = found.get();
                Some(f(key, value))
            }
            Err(_) => self.get_with_slow(hash, key, f, here()),
        }
    }

    /// A read of a shard that had a read table a moment ago, in which nothing was settled.
    #[inline(never)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn get_with_elsewhere<Q, R>(&self, hash: u64, key: &Q, f: impl FnOnce(&K, &V) -> R) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match T::peek(self.at_lock(hash, here()), key) {
            Ok(found) => {
                let found = found?;
                let (key, value) = found.get();
                Some(f(key, value))
            }
            Err(_) => self.get_with_slow(hash, key, f, here()),
        }
    }

    #[cold]
    #[inline(never)]
    fn get_with_slow<Q, R>(
        &self,
        hash: u64,
        key: &Q,
        f: impl FnOnce(&K, &V) -> R,
        place: Place,
    ) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let found = self.look_up_slow(hash, key, place, Peek)?;
        let (key, value) = found.get();
        Some(f(key, value))
    }

    /// The same as [`get_with`](Self::get_with), under the name that dashmap's users know. Costs and blocks as
    /// that does.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.view("a", |key, value| (*key, *value)), Some(("a", 1)));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn view<Q, R>(&self, key: &Q, f: impl FnOnce(&K, &V) -> R) -> Option<R>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.get_with(key, f)
    }

    /// A clone of the value of `key`, made with the shard locked for reading (or pinned). Costs what
    /// [`get_with`](Self::get_with) does, and the clone.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert(1, "one".to_owned());
    /// assert_eq!(map.get_cloned(&1).as_deref(), Some("one"));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn get_cloned<Q>(&self, key: &Q) -> Option<V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        V: Clone,
    {
        self.get_with(key, |_, value| value.clone())
    }

    /// A copy of the value of `key`.
    ///
    /// Costs and blocks as [`get_with`](Self::get_with).
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert(1, 10);
    /// assert_eq!(map.get_copied(&1), Some(10));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn get_copied<Q>(&self, key: &Q) -> Option<V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        V: Copy,
    {
        self.get_with(key, |_, value| *value)
    }

    /// Whether there is an entry for `key`.
    ///
    /// Costs and blocks as [`get_with`](Self::get_with).
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert(1, ());
    /// assert!(map.contains_key(&1) && !map.contains_key(&2));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.get_with(key, |_, _| ()).is_some()
    }
}
