//! Sessions: one pin for many reads.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::ops::Deref;

use equivalent::Equivalent;

use crate::map::{Lookup, Map, read_elsewhere};
use crate::raw::header::Refused;
use crate::raw::held::{Place, here};
use crate::strategy::{At, Observed, Patience, Sessions};

/// A session of a map whose reads take no lock: it is pinned once, and what its reads find stays alive as long
/// as it does. Made by [`Map::pin`].
///
/// Reads through a session pay for no pin of their own, and give out plain references, good until the session
/// is [pinned anew](Self::repin) or dropped. Meanwhile nothing that was removed from this map is freed (other maps are not
/// held back): sessions are for batches of operations, not for keeping.
///
/// A session stays on its thread. It dereferences to its map, for all other operations; those do not need
/// the session, and neither help nor hinder it.
///
/// ```
/// let map = map_readdirty::ReadDirtyMap::new();
/// map.store("a", 1);
/// let session = map.pin();
/// let (one, none) = (session.get("a"), session.get("b"));
/// assert_eq!((one, none), (Some(&1), None));
/// ```
#[must_use = "a session holds back the map's garbage as long as it lives"]
pub struct Pinned<'m, K, V, T: Sessions<K, V>, S> {
    map: &'m Map<K, V, T, S>,
    pin: T::Pin,
}

/// Looks a key up for the length of a session.
struct InSession<'p, P>(&'p P);

impl<'p, P> InSession<'p, P> {
    /// # Safety
    ///
    /// 1. Only of the pin's map it is asked to find anything.
    unsafe fn of(pin: &'p P) -> Self {
        Self(pin)
    }
}

impl<'p, K: 'p, V: 'p, T: Sessions<K, V> + 'p> Lookup<'p, K, V, T> for InSession<'p, T::Pin> {
    type Found = Option<T::Entry<'p>>;

    #[inline(always)]
    fn find<Q>(&self, at: At<'p, T::Locked, T::Open>, key: &Q) -> Result<Self::Found, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        // SAFETY: 1. Promised to `of`.
        unsafe { T::peek_pinned(at.for_guard(), key, self.0) }
    }
}

impl<'m, K: Eq + Hash, V, T: Sessions<K, V>, S: BuildHasher> Pinned<'m, K, V, T, S> {
    pub(crate) fn new(map: &'m Map<K, V, T, S>) -> Self {
        Self {
            map,
            pin: T::pin(map.open()),
        }
    }

    /// The map. Costs nothing.
    ///
    /// ```
    /// let map = map_readdirty::ReadDirtyMap::new();
    /// map.store("a", 1);
    /// let map = map.pin().map();
    /// assert_eq!(map.len(), 1);
    /// ```
    pub fn map(&self) -> &'m Map<K, V, T, S> {
        self.map
    }

    /// The key and the value stored for `key`. Costs what [`get`](Self::get) does.
    ///
    /// ```
    /// let map = map_readdirty::ReadDirtyMap::new();
    /// map.store("a", 1);
    /// assert_eq!(map.pin().get_key_value("a"), Some((&"a", &1)));
    /// ```
    // Always: the call would cost a quarter of what it does.
    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<T::Entry<'_>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.map.hash(key);
        // Where it was called is not known in a closure.
        let place = here();
        // SAFETY: 1. The pin is of this map, and what comes back borrows it.
        let find = |at| unsafe { T::peek_pinned(at, key, &self.pin) };
        if T::SELECTS {
            let found = if self.map.is_sample() {
                Err(Refused::Busy)
            } else {
                read_elsewhere!(self.map, hash, place, |at| find(at.for_guard()))
            };
            return found.unwrap_or_else(|_| self.find_slow(hash, key, place));
        }
        find(self.map.at(hash, Patience::Fast, place))
            .unwrap_or_else(|_| self.find_slow(hash, key, place))
    }

    #[cold]
    #[inline(never)]
    fn find_slow<Q>(&self, hash: u64, key: &Q, place: Place) -> Option<T::Entry<'_>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        // SAFETY: 1. The pin is of this map.
        let lookup = unsafe { InSession::of(&self.pin) };
        self.map.look_up_slow(hash, key, place, lookup)
    }

    /// The value of `key`.
    ///
    /// No lock, no allocation, no write to memory that other threads read. (Where the key is in a dirty
    /// table, one lock.)
    ///
    /// ```
    /// let map = map_readdirty::ReadDirtyMap::new();
    /// map.store("a", 1);
    /// assert_eq!(map.pin().get("a"), Some(&1));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn get<Q>(&self, key: &Q) -> Option<T::Value<'_>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.get_key_value(key).map(T::value)
    }

    /// Whether there is an entry for `key`. Costs what [`get`](Self::get) does.
    ///
    /// ```
    /// let map = map_readdirty::ReadDirtyMap::new();
    /// map.store("a", 1);
    /// assert!(map.pin().contains_key("a"));
    /// ```
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        self.get_key_value(key).is_some()
    }

    /// Pins the session anew: what was removed before may be freed. References that it gave out must be gone,
    /// which the compiler sees to. Costs what [`Map::pin`] does, and waits for nobody.
    ///
    /// ```
    /// let map = map_readdirty::ReadDirtyMap::new();
    /// map.store("a", 1);
    /// let mut session = map.pin();
    /// assert!(session.contains_key("a"));
    /// map.delete("a");
    /// session.repin();
    /// assert!(!session.contains_key("a"));
    /// ```
    pub fn repin(&mut self) {
        T::repin(&mut self.pin);
    }
}

impl<K, V, T: Sessions<K, V>, S> Deref for Pinned<'_, K, V, T, S> {
    type Target = Map<K, V, T, S>;

    #[inline]
    fn deref(&self) -> &Map<K, V, T, S> {
        self.map
    }
}

impl<K, V, T: Sessions<K, V>, S> fmt::Debug for Pinned<'_, K, V, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash, V, T: Sessions<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// Opens a session: see [`Pinned`].
    ///
    /// Costs a look into the thread's memory and one atomic read-modify-write; the first of a thread on this
    /// map allocates.
    ///
    /// ```
    /// let map = map_readdirty::ReadDirtyMap::new();
    /// map.store("a", 1);
    /// assert_eq!(map.pin().get("a"), Some(&1));
    /// ```
    #[inline]
    pub fn pin(&self) -> Pinned<'_, K, V, T, S> {
        Pinned::new(self)
    }
}

impl<K: Eq + Hash, V, T: Observed<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// What has happened in the map, and what it holds. Locks one shard at a time for reading.
    ///
    /// ```
    /// let map = map_readdirty::ReadDirtyMap::new();
    /// map.store("a", 1);
    /// assert_eq!(map.stats().dirty_entries, 1);
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn stats(&self) -> T::Stats {
        let mut stats = T::Stats::default();
        let place = here();
        self.for_each_shard(place, |open, shard| T::observe(&mut stats, open, shard));
        stats
    }
}
