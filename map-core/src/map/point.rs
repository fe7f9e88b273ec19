//! Operations on one key that may change its entry.

use std::hash::{BuildHasher, Hash};

use equivalent::Equivalent;

use super::lookup::Get;
use super::{By, Map, read_elsewhere};
use crate::concurrent::{Change, Computed};
use crate::mapref::entry::Entry;
use crate::mapref::one::{Ref, RefMut};
use crate::raw::guarded::{Editing, Prepared};
use crate::raw::header::Refused;
use crate::raw::held::{Place, here};
use crate::raw::holds::Plain;
use crate::strategy::{Section, Strategy};
use crate::try_result::TryResult;

impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// Stores `value` for `key` and returns the value that it replaced. A key that is already
    /// there stays; the one passed in is dropped.
    ///
    /// In a map of locked shards: one atomic read-modify-write, no allocation unless the shard
    /// grows or splits. Blocks while somebody else uses the shard.
    ///
    /// # Panics
    ///
    /// If a shard would have to grow beyond the address space.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// assert_eq!(map.insert("a", 1), None);
    /// assert_eq!(map.insert("a", 2), Some(1));
    /// ```
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        let hash = self.hash(&key);
        if T::IN_PLACE || T::SELECTS {
            self.insert_in_place(hash, key, value, here())
        } else {
            self.insert_called(hash, key, value, here())
        }
    }

    /// Where entries are changed in place, of all shards or of some: what makes no call in these.
    #[inline(always)]
    fn insert_in_place(&self, hash: u64, key: K, value: V, place: Place) -> Option<V> {
        let mut section = match self.lock_whichever(hash, place) {
            Ok(section) => section,
            by => return self.insert_elsewhere(hash, key, value, by, place),
        };
        if let Some((_, entry)) = T::locate_mut(&mut Plain(&mut section), hash, &key) {
            let old = std::mem::replace(&mut entry.1, value);
            section.unlock_as_it_was();
            // Here and not at the end: a panic in its Drop would leak what is being returned.
            drop(key);
            return Some(old);
        }
        if section.coverage().covers(hash) && T::has_room_in_place(&section) {
            T::insert_new_in_place(&mut Plain(&mut section), hash, key, value);
            return None;
        }
        self.insert_elsewhere(hash, key, value, Self::confirm(section, hash), place)
    }

    /// Where they are in none: a function of its own, for there is too much of it for callers.
    #[inline(never)]
    fn insert_called(&self, hash: u64, key: K, value: V, place: Place) -> Option<V> {
        self.insert_by(hash, key, value, self.lock_fast(hash, place), place)
    }

    #[inline(always)]
    fn insert_by(
        &self,
        hash: u64,
        key: K,
        value: V,
        // Last, since parameters are dropped backwards: if `Eq` or `Hash` panics, the other's Drop runs with the shard unlocked.
        by: By<'_, K, V, T>,
        place: Place,
    ) -> Option<V> {
        let mut section = self.lock_by(by, hash, place);
        if !T::has_room(&section) {
            if let Some(slot) = T::locate(&section, hash, &key) {
                let old = T::replace(&mut section, slot, value);
                drop(section);
                drop(key);
                return Some(old);
            }
            section = self.make_room(section, hash, place);
        }
        let replaced = T::upsert(&mut section, hash, key, value);
        drop(section);
        let (key, old) = replaced?;
        drop(key);
        Some(old)
    }

    /// The same as a function of its own.
    #[inline(never)]
    fn insert_elsewhere(
        &self,
        hash: u64,
        key: K,
        value: V,
        by: By<'_, K, V, T>,
        place: Place,
    ) -> Option<V> {
        self.insert_by(hash, key, value, by, place)
    }

    /// Stores `value` for `key`, and drops the value that it replaces.
    ///
    /// The same as [`insert`](Self::insert), but for maps whose readers take no lock: there `insert` has to
    /// clone the value that it returns, and this clones nothing.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// map.store("a", 2);
    /// assert_eq!(map.get_copied("a"), Some(2));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn store(&self, key: K, value: V) {
        let hash = self.hash(&key);
        let mut section = self.lock(hash, here());
        if !T::has_room(&section) {
            if let Some(slot) = T::locate(&section, hash, &key) {
                let old = T::replace(&mut section, slot, value);
                drop(section);
                drop((key, old));
                return;
            }
            section = self.make_room(section, hash, here());
        }
        let rest = T::store(&mut section, hash, key, value);
        // Before what is left over is dropped.
        drop(section);
        drop(rest);
    }

    /// Stores `value` for `key` and returns the value that it replaced: [`insert`](Self::insert),
    /// under the name that users of Go's `sync.Map` look for. Costs and blocks as that does.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// assert_eq!(map.swap("a", 1), None);
    /// assert_eq!(map.swap("a", 2), Some(1));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn swap(&self, key: K, value: V) -> Option<V> {
        self.insert(key, value)
    }

    /// A write guard on the entry of `key`. Its shard is locked as long as the guard lives.
    ///
    /// Costs and blocks as [`insert`](Self::insert) on a present key. Where values are not changed in place, the
    /// guard changes a clone, which others see when the guard is gone: made when it is first written through, or with the guard by
    /// a map that chooses among strategies.
    ///
    /// # Panics
    ///
    /// If a `Clone` that this calls panics; then nothing has changed.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// if let Some(mut value) = map.get_mut("a") {
    ///     *value += 1;
    /// }
    /// assert_eq!(map.get_copied("a"), Some(2));
    /// ```
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn get_mut<Q>(&self, key: &Q) -> Option<RefMut<'_, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        if !T::IN_PLACE && !T::SELECTS {
            return self.get_mut_by(hash, key, self.lock_fast(hash, here()), here());
        }
        let section = match self.lock_whichever(hash, here()) {
            Ok(section) => section,
            by => return self.get_mut_by(hash, key, by, here()),
        };
        match RefMut::find_in_place(section, hash, key) {
            Ok(found) => Some(found),
            Err(section) => match Self::confirm(section, hash) {
                Ok(section) if Self::is_in_place(&section) => None,
                by => self.get_mut_by(hash, key, by, here()),
            },
        }
    }

    #[inline(always)]
    fn get_mut_by<'a, Q>(
        &'a self,
        hash: u64,
        key: &Q,
        by: By<'a, K, V, T>,
        place: Place,
    ) -> Option<RefMut<'a, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let found = self.get_mut_elsewhere(hash, key, by, place)?;
        Some(RefMut(found.into_inner()))
    }

    /// What [`get_mut`](Self::get_mut) has not compiled into its callers.
    #[inline(never)]
    fn get_mut_elsewhere<'a, Q>(
        &'a self,
        hash: u64,
        key: &Q,
        by: By<'a, K, V, T>,
        place: Place,
    ) -> Option<Prepared<'a, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let section = match by {
            Ok(section) => section,
            Err(attempt) => self.lock_to_mutate_at_last(attempt, hash, key, place),
        };
        let found = RefMut::find(section, hash, key).ok()?;
        Some(found.0.prepare())
    }

    /// Asks a shard, where a key was not found, whether it covers its hash. Not compiled into its callers: what a miss needs is
    /// not to be computed for a hit.
    #[inline(never)]
    fn confirm<'a>(section: Section<'a, K, V, T>, hash: u64) -> By<'a, K, V, T> {
        section.if_covering(hash)
    }

    /// A write guard on the entry of `key`, if that needs no waiting.
    ///
    /// Costs what [`get_mut`](Self::get_mut) does, and never waits.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.get("a");
    /// assert!(map.try_get_mut("a").is_locked());
    /// drop(guard);
    /// assert!(map.try_get_mut("a").is_present());
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn try_get_mut<Q>(&self, key: &Q) -> TryResult<RefMut<'_, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        let Some(mut section) = self.try_lock(hash, here()) else {
            return TryResult::Locked;
        };
        self.rehearse_mutation(&mut section, hash, key);
        match RefMut::find(section, hash, key) {
            Ok(found) => TryResult::Present(found),
            Err(_) => TryResult::Absent,
        }
    }

    /// Removes and returns the entry of `key`.
    ///
    /// The pair is dropped by the caller, with no lock held. No allocation. Blocks while somebody else uses the shard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a".to_owned(), 1);
    /// assert_eq!(map.remove("a"), Some(("a".to_owned(), 1)));
    /// assert_eq!(map.remove("a"), None);
    /// ```
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn remove<Q>(&self, key: &Q) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        if T::IN_PLACE || T::SELECTS {
            self.remove_in_place(hash, key, here())
        } else {
            self.remove_called(hash, key, here())
        }
    }

    /// As [`insert_in_place`](Self::insert_in_place).
    #[inline(always)]
    fn remove_in_place<Q>(&self, hash: u64, key: &Q, place: Place) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let mut section = match self.lock_whichever(hash, place) {
            Ok(section) => section,
            by => return self.remove_elsewhere(hash, key, by, place),
        };
        if let Some(removed) = T::remove_key_in_place(&mut Plain(&mut section), hash, key) {
            // Here and not at the end: should something that was removed earlier panic in its Drop, what is being
            // returned is not leaked.
            drop(section);
            return Some(removed);
        }
        if section.coverage().covers(hash) && Self::is_in_place(&section) {
            return None;
        }
        self.remove_elsewhere(hash, key, Self::confirm(section, hash), place)
    }

    /// As [`insert_called`](Self::insert_called).
    #[inline(never)]
    fn remove_called<Q>(&self, hash: u64, key: &Q, place: Place) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.remove_by(hash, key, self.lock_fast(hash, place), place)
    }

    #[inline(always)]
    fn remove_by<Q>(&self, hash: u64, key: &Q, by: By<'_, K, V, T>, place: Place) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let mut section = self.lock_by(by, hash, place);
        let removed = T::remove_key(&mut section, hash, key);
        // As above.
        drop(section);
        removed
    }

    /// The same as a function of its own.
    #[inline(never)]
    fn remove_elsewhere<Q>(
        &self,
        hash: u64,
        key: &Q,
        by: By<'_, K, V, T>,
        place: Place,
    ) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.remove_by(hash, key, by, place)
    }

    /// Removes and drops the entry of `key`; `false` if there is none.
    ///
    /// The same as [`remove`](Self::remove), but for maps whose readers take no lock: there `remove` has to
    /// clone what it returns, and this clones nothing.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert!(map.delete("a") && !map.delete("a"));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn delete<Q>(&self, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        let mut section = self.lock(hash, here());
        let Some(slot) = T::locate(&section, hash, key) else {
            return false;
        };
        let rest = T::delete(&mut section, slot);
        // Before what is left over is dropped.
        drop(section);
        drop(rest);
        true
    }

    /// Removes and returns the entry of `key` if `f` says so.
    ///
    /// `f` runs at most once, with the shard locked for writing; it must not call this map, and if it panics,
    /// nothing has changed. Blocks while somebody else uses the shard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.remove_if("a", |_, value| *value > 1), None);
    /// assert_eq!(map.remove_if("a", |_, value| *value == 1), Some(("a", 1)));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn remove_if<Q>(&self, key: &Q, f: impl FnOnce(&K, &V) -> bool) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        let mut section = self.lock(hash, here());
        let slot = T::locate(&section, hash, key)?;
        let (key, value) = T::pair(&section, slot);
        let removed = f(key, value).then(|| T::remove(&mut section, slot));
        // As in `remove`.
        drop(section);
        removed
    }

    /// Removes and returns the entry of `key` if `f`, which may change the value, says so.
    ///
    /// `f` runs at most once, with the shard locked for writing; it must not call this map. If it panics, the entry
    /// stays, with the value as `f` left it. Blocks while somebody else uses the shard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 2);
    /// let spend = |_: &&str, value: &mut i32| {
    ///     *value -= 1;
    ///     *value == 0
    /// };
    /// assert_eq!(map.remove_if_mut("a", spend), None);
    /// assert_eq!(map.remove_if_mut("a", spend), Some(("a", 0)));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn remove_if_mut<Q>(&self, key: &Q, f: impl FnOnce(&K, &mut V) -> bool) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        let section = self.lock(hash, here());
        let slot = T::locate(&section, hash, key)?;
        let mut entry = Editing::<K, V, T>::new(section, slot);
        let (key, value) = entry.get_mut();
        if f(key, value) {
            Some(entry.remove())
        } else {
            drop(entry);
            None
        }
    }

    /// The place of `key`, locked: to look at what is there and then decide. See
    /// [`mapref::entry`](crate::mapref::entry) for what the lock means to other operations.
    ///
    /// Costs and blocks as [`insert`](Self::insert), and makes room for the key if it is not there.
    ///
    /// What comes back is the `Entry` of the map's own module. Code that is given any strategy asks for a
    /// [`place`](Self::place) instead.
    ///
    /// # Panics
    ///
    /// If a shard would have to grow beyond the address space.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// *map.entry("a").or_insert(0) += 1;
    /// map.entry("a").and_modify(|value| *value += 1).or_insert(7);
    /// assert_eq!(map.get_copied("a"), Some(2));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn entry(&self, key: K) -> T::OwnEntry<'_> {
        self.place(key).into()
    }

    /// The place of `key`, locked: [`entry`](Self::entry), for code that is given any strategy. The
    /// [`Entry`] that it gives out is the same type in all maps, but for what they store.
    ///
    /// # Panics
    ///
    /// If a shard would have to grow beyond the address space.
    ///
    /// ```
    /// use map_core::{Map, Strategy};
    ///
    /// fn count<T: Strategy<char, u32>>(seen: &Map<char, u32, T>, text: &str) {
    ///     for letter in text.chars() {
    ///         *seen.place(letter).or_insert(0) += 1;
    ///     }
    /// }
    ///
    /// let seen = map_sharded::ShardedMap::new();
    /// count(&seen, "letter");
    /// assert_eq!((seen.len(), seen.get_copied(&'t')), (4, Some(2)));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn place(&self, key: K) -> Entry<'_, K, V, T> {
        let hash = self.hash(&key);
        let section = self.lock(hash, here());
        self.entry_in(key, section, hash, here())
    }

    /// The place of `key`, if that needs no waiting.
    ///
    /// Costs what [`entry`](Self::entry) does, and never waits for the lock; making room for the key may take a
    /// split of the shard.
    ///
    /// # Panics
    ///
    /// If a shard would have to grow beyond the address space.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// let entry = map.entry("a");
    /// assert!(map.try_entry("a").is_none());
    /// drop(entry);
    /// assert!(map.try_entry("a").is_some_and(|entry| *entry.or_insert(1) == 1));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn try_entry(&self, key: K) -> Option<T::OwnEntry<'_>> {
        let hash = self.hash(&key);
        let section = self.try_lock(hash, here())?;
        Some(self.entry_in(key, section, hash, here()).into())
    }

    /// Shows `f` the value of `key`, or `None`, and does what it answers. The value that left the
    /// map comes back.
    ///
    /// `f` runs once, with the shard locked for writing; if it panics, nothing has changed.
    ///
    /// Costs and blocks as [`insert`](Self::insert). `f` must not call this map.
    ///
    /// ```
    /// use map_core::{Change, Computed};
    ///
    /// let map = map_sharded::ShardedMap::new();
    /// let increment = |value: Option<&u32>| Change::Set(value.map_or(1, |value| value + 1));
    /// assert_eq!(map.compute("a", increment), Computed::Inserted);
    /// assert_eq!(map.compute("a", increment), Computed::Updated(1));
    /// assert_eq!(map.compute("a", |_| Change::Remove), Computed::Removed("a", 2));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn compute(&self, key: K, f: impl FnOnce(Option<&V>) -> Change<V>) -> Computed<K, V> {
        let hash = self.hash(&key);
        let mut section = self.lock(hash, here());
        let Some(slot) = T::locate(&section, hash, &key) else {
            if let Change::Set(value) = f(None) {
                let place = here();
                drop(self.insert_vacant(section, hash, key, value, place));
                return Computed::Inserted;
            }
            return Computed::Unchanged;
        };
        let done = match f(Some(&T::pair(&section, slot).1)) {
            Change::Keep => Computed::Unchanged,
            Change::Set(value) => Computed::Updated(T::replace(&mut section, slot, value)),
            Change::Remove => {
                let (key, value) = T::remove(&mut section, slot);
                Computed::Removed(key, value)
            }
        };
        drop(section);
        // Here and not at the end: a panic in its Drop would leak what is being returned.
        drop(key);
        done
    }

    /// Shows `f` the entry of `key`, if there is one, and does what it answers.
    ///
    /// `f` runs at most once, with the shard locked for writing; if it panics, nothing has changed.
    ///
    /// Costs and blocks as [`get_mut`](Self::get_mut). `f` must not call this map.
    ///
    /// ```
    /// use map_core::{Change, Computed};
    ///
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let double = |_: &&str, value: &i32| Change::Set(2 * value);
    /// assert_eq!(map.compute_if_present("a", double), Computed::Updated(1));
    /// assert_eq!(map.compute_if_present("b", double), Computed::Unchanged);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn compute_if_present<Q>(
        &self,
        key: &Q,
        f: impl FnOnce(&K, &V) -> Change<V>,
    ) -> Computed<K, V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        let mut section = self.lock(hash, here());
        let Some(slot) = T::locate(&section, hash, key) else {
            return Computed::Unchanged;
        };
        let (key, value) = T::pair(&section, slot);
        let done = match f(key, value) {
            Change::Keep => Computed::Unchanged,
            Change::Set(value) => Computed::Updated(T::replace(&mut section, slot, value)),
            Change::Remove => {
                let (key, value) = T::remove(&mut section, slot);
                Computed::Removed(key, value)
            }
        };
        // As in `remove`.
        drop(section);
        done
    }

    /// Replaces the value of `key` by `new` if it equals `current`, and returns the old value.
    ///
    /// Costs and blocks as [`get_mut`](Self::get_mut). The comparison runs with the shard locked for writing;
    /// if it panics, nothing has changed.
    ///
    /// # Errors
    ///
    /// `new` comes back if the value differs, or if there is no entry: this never inserts.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.compare_exchange("a", &1, 2), Ok(1));
    /// assert_eq!(map.compare_exchange("a", &1, 3), Err(3));
    /// assert_eq!(map.compare_exchange("b", &1, 3), Err(3));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn compare_exchange<Q, C>(&self, key: &Q, current: &C, new: V) -> Result<V, V>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        C: ?Sized,
        V: PartialEq<C>,
    {
        let hash = self.hash(key);
        let mut section = self.lock(hash, here());
        let done = match T::locate(&section, hash, key) {
            Some(slot) if T::pair(&section, slot).1 == *current => {
                Ok(T::replace(&mut section, slot, new))
            }
            _ => Err(new),
        };
        // As in `remove`.
        drop(section);
        done
    }

    /// Removes and returns the entry of `key` if its value equals `current`.
    ///
    /// Costs and blocks as [`remove`](Self::remove); the comparison runs as it does in
    /// [`compare_exchange`](Self::compare_exchange).
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// assert_eq!(map.compare_remove("a", &2), None);
    /// assert_eq!(map.compare_remove("a", &1), Some(("a", 1)));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn compare_remove<Q, C>(&self, key: &Q, current: &C) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
        C: ?Sized,
        V: PartialEq<C>,
    {
        self.remove_if(key, |_, value| value == current)
    }

    /// A read guard on the entry of `key`; where there is none, `make` is run and its value
    /// stored.
    ///
    /// Among calls that race for one absent key, exactly one runs its closure, with the shard
    /// locked for writing; if it panics, nothing was inserted. If the key is present this costs
    /// what [`get`](Self::get) costs.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// assert_eq!(*map.get_or_insert_with("a", || 1), 1);
    /// assert_eq!(*map.get_or_insert_with("a", || unreachable!()), 1);
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> Ref<'_, K, V, T> {
        let hash = self.hash(&key);
        let found = if self.is_sample() {
            Err(Refused::Busy)
        } else {
            read_elsewhere!(self, hash, here(), |at| T::get(at.for_guard(), &key))
        };
        // Where it was called is not known in a closure.
        let place = here();
        let found = found.unwrap_or_else(|_| self.look_up_slow(hash, &key, place, Get));
        if let Some(found) = found {
            let guard = Ref(found);
            // Here and not at the end: a panic in their Drop would leak the guard.
            drop(make);
            drop(key);
            return guard;
        }
        let section = self.lock(hash, here());
        let Some(slot) = T::locate(&section, hash, &key) else {
            let value = make();
            let (section, slot) = self.insert_vacant(section, hash, key, value, here());
            section.set_movable();
            return Ref(T::downgrade(section, slot));
        };
        section.set_movable();
        let guard = Ref(T::downgrade(section, slot));
        drop(make);
        drop(key);
        guard
    }
}
