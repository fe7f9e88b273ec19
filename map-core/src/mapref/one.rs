//! Guards on one entry.
//!
//! A [`Ref`] shows an entry, a [`RefMut`] changes it; the mapped ones do so to a part of its value. Their
//! accessors take no further lock; what a guard means to other threads is said [here](crate::mapref).
//!
//! ```
//! use map_sharded::ShardedMap;
//!
//! let names = ShardedMap::new();
//! names.insert(1, ("Ada".to_owned(), 36));
//! // Written through one guard, read through another.
//! names.get_mut(&1).expect("it was inserted").1 += 1;
//! let age = names.get(&1).expect("it was inserted").map(|person| &person.1);
//! assert_eq!((*age, names.contains_key(&1)), (37, true));
//! ```

use std::fmt;
use std::hash::Hash;
use std::ops::{Deref, DerefMut};

use equivalent::Equivalent;

use crate::raw::guarded::{Editing, EditingPart, Held};
use crate::strategy::{Section, Strategy};

/// A read guard on an entry.
///
/// In a map of locked shards it keeps its shard locked for reading; elsewhere it keeps its entry alive, and shows it as
/// it was when the guard was made. It may go to another thread, and be kept in a future that waits.
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", (1, "one".to_owned()));
/// let guard = map.get("a").expect("it was inserted");
/// assert_eq!((guard.key(), guard.0), (&"a", 1));
/// ```
pub struct Ref<'a, K, V, T: Strategy<K, V>>(pub(crate) Held<'a, (K, V), T::Hold>);

#[doc(hidden)]
impl<'a, K, V, T: Strategy<K, V>> From<Held<'a, (K, V), T::Hold>> for Ref<'a, K, V, T> {
    #[inline(always)]
    fn from(found: Held<'a, (K, V), T::Hold>) -> Self {
        Self(found)
    }
}

impl<'a, K, V, T: Strategy<K, V>> Ref<'a, K, V, T> {
    /// The key. No search, no lock: the guard points to the entry.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.get("a").expect("it was inserted");
    /// assert_eq!(guard.key(), &"a");
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        &self.0.get().0
    }

    /// The value. Costs as much as following a pointer; so does a dereference of the guard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.get("a").expect("it was inserted");
    /// assert_eq!(guard.value(), &1);
    /// ```
    #[inline]
    pub fn value(&self) -> &V {
        &self.0.get().1
    }

    /// Key and value. Costs as much as following a pointer.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.get("a").expect("it was inserted");
    /// assert_eq!(guard.pair(), (&"a", &1));
    /// ```
    #[inline]
    pub fn pair(&self) -> (&K, &V) {
        let (key, value) = self.0.get();
        (key, value)
    }

    /// A guard on a part of the value.
    ///
    /// Allocates nothing and takes no lock: what kept the whole entry keeps the part. If `f` panics, the guard
    /// is dropped.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one".to_owned()));
    /// let name = map.get("a").expect("it was inserted").map(|value| &value.1);
    /// assert_eq!(*name, "one");
    /// ```
    #[inline]
    pub fn map<F, U: ?Sized>(self, f: F) -> MappedRef<'a, K, V, U, T>
    where
        F: FnOnce(&V) -> &U,
    {
        match self.try_map(|value| Some(f(value))) {
            Ok(part) => part,
            Err(_) => unreachable!("the part is always there"),
        }
    }

    /// A guard on a part of the value, if there is that part.
    ///
    /// Costs what [`map`](Self::map) does.
    ///
    /// # Errors
    ///
    /// The guard itself comes back if `f` returned `None`.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one".to_owned()));
    /// let guard = map.get("a").expect("it was inserted");
    /// let whole = guard.try_map(|value| value.1.strip_prefix("two")).expect_err("it is no prefix");
    /// assert_eq!(whole.0, 1);
    /// ```
    #[inline]
    pub fn try_map<F, U: ?Sized>(self, f: F) -> Result<MappedRef<'a, K, V, U, T>, Self>
    where
        F: FnOnce(&V) -> Option<&U>,
    {
        self.0.part(|pair| f(&pair.1)).map(MappedRef).map_err(Ref)
    }
}

/// The [value](Ref::value).
impl<K, V, T: Strategy<K, V>> Deref for Ref<'_, K, V, T> {
    type Target = V;
    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

impl<K: fmt::Debug, V: fmt::Debug, T: Strategy<K, V>> fmt::Debug for Ref<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ref")
            .field("key", self.key())
            .field("value", self.value())
            .finish()
    }
}

/// A write guard on an entry: nobody else can reach the shard while it lives.
///
/// It may go to another thread, and be kept in a future that waits.
///
/// # Panics
///
/// Where values are not changed in place, the first write access clones the entry, or [`get_mut`](crate::Map::get_mut) of a map that
/// chooses among strategies. If a `Clone` panics in a write access, the
/// map keeps the entry as it was, and this guard panics when it is read through, until a write access succeeds.
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", (1, "one".to_owned()));
/// let mut guard = map.get_mut("a").expect("it was inserted");
/// guard.0 += 1;
/// assert_eq!(guard.value().0, 2);
/// ```
pub struct RefMut<'a, K, V, T: Strategy<K, V>>(pub(crate) Editing<'a, K, V, T>);

impl<'a, K, V, T: Strategy<K, V>> RefMut<'a, K, V, T> {
    #[inline]
    pub(crate) fn new(section: Section<'a, K, V, T>, slot: T::Slot) -> Self {
        section.set_movable();
        Self(Editing::new(section, slot))
    }

    #[inline(always)]
    pub(crate) fn find<Q>(
        section: Section<'a, K, V, T>,
        hash: u64,
        key: &Q,
    ) -> Result<Self, Section<'a, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        section.set_movable();
        Editing::find(section, hash, key).map(Self)
    }

    /// The same where entries are changed where they stand; in a shard where they are not, nothing is found.
    #[inline(always)]
    pub(crate) fn find_in_place<Q>(
        section: Section<'a, K, V, T>,
        hash: u64,
        key: &Q,
    ) -> Result<Self, Section<'a, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        section.set_movable();
        Editing::find_in_place(section, hash, key).map(Self)
    }

    /// The key. No search, no lock: the guard points to the entry.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.get_mut("a").expect("it was inserted");
    /// assert_eq!(guard.key(), &"a");
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        &self.0.get().0
    }

    /// The value. Costs as much as following a pointer; so does a dereference of the guard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.get_mut("a").expect("it was inserted");
    /// assert_eq!(guard.value(), &1);
    /// ```
    #[inline]
    pub fn value(&self) -> &V {
        &self.0.get().1
    }

    /// The value, to be changed.
    ///
    /// Costs as much as following a pointer where values are changed in place. Elsewhere the first call, of
    /// this or of anything else that gives out `&mut V`, clones the entry, unless the guard came with a clone.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let mut guard = map.get_mut("a").expect("it was inserted");
    /// *guard.value_mut() += 1;
    /// assert_eq!(*guard, 2);
    /// ```
    #[inline]
    pub fn value_mut(&mut self) -> &mut V {
        self.0.get_mut().1
    }

    /// Key and value. Costs as much as following a pointer.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let guard = map.get_mut("a").expect("it was inserted");
    /// assert_eq!(guard.pair(), (&"a", &1));
    /// ```
    #[inline]
    pub fn pair(&self) -> (&K, &V) {
        let (key, value) = self.0.get();
        (key, value)
    }

    /// Key and value, the latter to be changed.
    ///
    /// Costs what [`value_mut`](Self::value_mut) does.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", 1);
    /// let mut guard = map.get_mut("a").expect("it was inserted");
    /// let (_, value) = guard.pair_mut();
    /// *value += 1;
    /// assert_eq!(*guard, 2);
    /// ```
    #[inline]
    pub fn pair_mut(&mut self) -> (&K, &mut V) {
        self.0.get_mut()
    }

    /// A read guard on the same entry, without a moment in which others could change it.
    ///
    /// Never waits. In a map of locked shards one atomic store: readers of the shard get in from here on, those
    /// that wait for it are woken, and writers stay out. Elsewhere the change is published, and the shard is unlocked
    /// altogether.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one".to_owned()));
    /// let mut guard = map.get_mut("a").expect("it was inserted");
    /// guard.0 = 7;
    /// let guard = guard.downgrade();
    /// assert_eq!((guard.0, map.contains_key("a")), (7, true));
    /// ```
    #[inline]
    pub fn downgrade(self) -> Ref<'a, K, V, T> {
        let (section, slot) = self.0.finish();
        Ref(T::downgrade(section, slot))
    }

    /// A write guard on a part of the value.
    ///
    /// Allocates nothing of its own and keeps the lock; where values are not changed in place, clones the entry
    /// if that has not been done. If `f` panics, the guard is dropped, with the value as `f` left it.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one".to_owned()));
    /// let mut name = map.get_mut("a").expect("it was inserted").map(|value| &mut value.1);
    /// name.push('!');
    /// assert_eq!(name.pair(), (&"a", &"one!".to_owned()));
    /// ```
    #[inline]
    pub fn map<F, U: ?Sized>(self, f: F) -> MappedRefMut<'a, K, V, U, T>
    where
        F: FnOnce(&mut V) -> &mut U,
    {
        match self.try_map(|value| Some(f(value))) {
            Ok(part) => part,
            Err(_) => unreachable!("the part is always there"),
        }
    }

    /// A write guard on a part of the value, if there is that part.
    ///
    /// Costs what [`map`](Self::map) does.
    ///
    /// # Errors
    ///
    /// The guard itself comes back if `f` returned `None`.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", vec![1]);
    /// let guard = map.get_mut("a").expect("it was inserted");
    /// let whole = guard.try_map(|list| list.get_mut(7)).expect_err("it is too short");
    /// let mut first = whole.try_map(|list| list.first_mut()).expect("it is not empty");
    /// *first += 1;
    /// ```
    #[inline]
    pub fn try_map<F, U: ?Sized>(self, f: F) -> Result<MappedRefMut<'a, K, V, U, T>, Self>
    where
        F: FnOnce(&mut V) -> Option<&mut U>,
    {
        EditingPart::new(self.0, f)
            .map(MappedRefMut)
            .map_err(RefMut)
    }
}

/// The [value](RefMut::value).
impl<K, V, T: Strategy<K, V>> Deref for RefMut<'_, K, V, T> {
    type Target = V;
    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

/// The [value, to be changed](RefMut::value_mut).
impl<K, V, T: Strategy<K, V>> DerefMut for RefMut<'_, K, V, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut V {
        self.value_mut()
    }
}

impl<K: fmt::Debug, V: fmt::Debug, T: Strategy<K, V>> fmt::Debug for RefMut<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefMut")
            .field("key", self.key())
            .field("value", self.value())
            .finish()
    }
}

/// A read guard on a part of a value. Keeps alive, or locked, what the [`Ref`] did that it was made of.
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", (1, "one"));
/// let guard = map.get("a").expect("it was inserted").map(|value| &value.1);
/// assert_eq!((guard.key(), guard.len()), (&"a", 3));
/// ```
pub struct MappedRef<'a, K, V, U: ?Sized, T: Strategy<K, V>>(
    Held<'a, U, Held<'a, (K, V), T::Hold>>,
);

impl<'a, K, V, U: ?Sized, T: Strategy<K, V>> MappedRef<'a, K, V, U, T> {
    /// The key of the entry. No search, no lock: the guard points to the entry.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let guard = map.get("a").expect("it was inserted").map(|value| &value.1);
    /// assert_eq!(guard.key(), &"a");
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        &self.0.hold().get().0
    }

    /// The part. Costs as much as following a pointer; so does a dereference of the guard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let guard = map.get("a").expect("it was inserted").map(|value| &value.1);
    /// assert_eq!(guard.value(), &"one");
    /// ```
    #[inline]
    pub fn value(&self) -> &U {
        self.0.get()
    }

    /// Key and part. Costs as much as following two pointers.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let guard = map.get("a").expect("it was inserted").map(|value| &value.1);
    /// assert_eq!(guard.pair(), (&"a", &"one"));
    /// ```
    #[inline]
    pub fn pair(&self) -> (&K, &U) {
        (self.key(), self.value())
    }

    /// A guard on a part of the part.
    ///
    /// Allocates nothing and takes no lock. If `f` panics, the guard is dropped.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let guard = map.get("a").expect("it was inserted").map(|value| value);
    /// assert_eq!(*guard.map(|value| &value.0), 1);
    /// ```
    #[inline]
    pub fn map<F, W: ?Sized>(self, f: F) -> MappedRef<'a, K, V, W, T>
    where
        F: FnOnce(&U) -> &W,
    {
        match self.try_map(|value| Some(f(value))) {
            Ok(part) => part,
            Err(_) => unreachable!("the part is always there"),
        }
    }

    /// A guard on a part of the part, if there is that part.
    ///
    /// Costs what [`map`](Self::map) does.
    ///
    /// # Errors
    ///
    /// The guard itself comes back if `f` returned `None`.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let guard = map.get("a").expect("it was inserted").map(|value| value.1);
    /// assert!(guard.try_map(|name| name.strip_prefix("two")).is_err());
    /// ```
    #[inline]
    pub fn try_map<F, W: ?Sized>(self, f: F) -> Result<MappedRef<'a, K, V, W, T>, Self>
    where
        F: FnOnce(&U) -> Option<&W>,
    {
        self.0.try_map(f).map(MappedRef).map_err(MappedRef)
    }
}

/// The [part](MappedRef::value).
impl<K, V, U: ?Sized, T: Strategy<K, V>> Deref for MappedRef<'_, K, V, U, T> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        self.value()
    }
}

impl<K: fmt::Debug, V, U: ?Sized + fmt::Debug, T: Strategy<K, V>> fmt::Debug
    for MappedRef<'_, K, V, U, T>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedRef")
            .field("key", self.key())
            .field("value", &self.value())
            .finish()
    }
}

impl<K, V, U: ?Sized + fmt::Display, T: Strategy<K, V>> fmt::Display for MappedRef<'_, K, V, U, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl<K, V, U, W, T> AsRef<W> for MappedRef<'_, K, V, U, T>
where
    U: ?Sized + AsRef<W>,
    W: ?Sized,
    T: Strategy<K, V>,
{
    fn as_ref(&self) -> &W {
        self.value().as_ref()
    }
}

/// A write guard on a part of a value. Keeps the shard of its entry locked for writing, as the [`RefMut`] did
/// that it was made of.
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", (1, "one"));
/// let mut count = map.get_mut("a").expect("it was inserted").map(|value| &mut value.0);
/// *count += 1;
/// drop(count);
/// assert_eq!(map.get_copied("a"), Some((2, "one")));
/// ```
pub struct MappedRefMut<'a, K, V, U: ?Sized, T: Strategy<K, V>>(EditingPart<'a, K, V, U, T>);

impl<'a, K, V, U: ?Sized, T: Strategy<K, V>> MappedRefMut<'a, K, V, U, T> {
    /// The key of the entry. No search, no lock: the guard points to the entry.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let guard = map.get_mut("a").expect("it was inserted").map(|value| &mut value.0);
    /// assert_eq!(guard.key(), &"a");
    /// ```
    #[inline]
    pub fn key(&self) -> &K {
        self.0.key()
    }

    /// The part. Costs as much as following a pointer; so does a dereference of the guard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let guard = map.get_mut("a").expect("it was inserted").map(|value| &mut value.0);
    /// assert_eq!(guard.value(), &1);
    /// ```
    #[inline]
    pub fn value(&self) -> &U {
        self.0.get()
    }

    /// The part, to be changed. Costs as much as following a pointer: what had to be cloned was cloned when the
    /// guard on this part was made.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let mut guard = map.get_mut("a").expect("it was inserted").map(|value| &mut value.0);
    /// *guard.value_mut() += 1;
    /// assert_eq!(*guard, 2);
    /// ```
    #[inline]
    pub fn value_mut(&mut self) -> &mut U {
        self.0.get_mut()
    }

    /// Key and part. Costs as much as following two pointers.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let guard = map.get_mut("a").expect("it was inserted").map(|value| &mut value.0);
    /// assert_eq!(guard.pair(), (&"a", &1));
    /// ```
    #[inline]
    pub fn pair(&self) -> (&K, &U) {
        (self.key(), self.value())
    }

    /// Key and part, the latter to be changed. Costs as much as following two pointers.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let mut guard = map.get_mut("a").expect("it was inserted").map(|value| &mut value.0);
    /// let (_, value) = guard.pair_mut();
    /// *value += 1;
    /// assert_eq!(*guard, 2);
    /// ```
    #[inline]
    pub fn pair_mut(&mut self) -> (&K, &mut U) {
        self.0.pair_mut()
    }

    /// A guard on a part of the part.
    ///
    /// Allocates nothing and takes no lock. If `f` panics, the guard is dropped, with the value as `f` left it.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let guard = map.get_mut("a").expect("it was inserted").map(|value| value);
    /// *guard.map(|value| &mut value.0) += 1;
    /// assert_eq!(map.get_copied("a"), Some((2, "one")));
    /// ```
    #[inline]
    pub fn map<F, W: ?Sized>(self, f: F) -> MappedRefMut<'a, K, V, W, T>
    where
        F: FnOnce(&mut U) -> &mut W,
    {
        match self.try_map(|value| Some(f(value))) {
            Ok(part) => part,
            Err(_) => unreachable!("the part is always there"),
        }
    }

    /// A guard on a part of the part, if there is that part.
    ///
    /// Costs what [`map`](Self::map) does.
    ///
    /// # Errors
    ///
    /// The guard itself comes back if `f` returned `None`.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("a", (1, "one"));
    /// let guard = map.get_mut("a").expect("it was inserted").map(|value| value);
    /// let whole = guard.try_map(|_| None::<&mut u32>).expect_err("there is no such part");
    /// assert_eq!(whole.0, 1);
    /// ```
    #[inline]
    pub fn try_map<F, W: ?Sized>(self, f: F) -> Result<MappedRefMut<'a, K, V, W, T>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut W>,
    {
        self.0.try_map(f).map(MappedRefMut).map_err(MappedRefMut)
    }
}

/// The [part](MappedRefMut::value).
impl<K, V, U: ?Sized, T: Strategy<K, V>> Deref for MappedRefMut<'_, K, V, U, T> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        self.value()
    }
}

/// The [part, to be changed](MappedRefMut::value_mut).
impl<K, V, U: ?Sized, T: Strategy<K, V>> DerefMut for MappedRefMut<'_, K, V, U, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        self.value_mut()
    }
}

impl<K: fmt::Debug, V, U: ?Sized + fmt::Debug, T: Strategy<K, V>> fmt::Debug
    for MappedRefMut<'_, K, V, U, T>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedRefMut")
            .field("key", self.key())
            .field("value", &self.value())
            .finish()
    }
}
