//! References that carry what keeps them alive.

use std::convert::Infallible;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::vec;

use equivalent::Equivalent;

use super::anchored::Anchored;
use super::coverage::{Span, position};
use super::header::Refused;
use super::holds::{Duplicates, Kept, Plain, Shared};
use crate::strategy::{At, Section, Strategy, Table};

/// A shared reference to a `P`, together with the hold `H` that keeps it alive: a lock, a pin, a
/// guard slot. Reading through it never branches. No allocation: a pointer, and the hold by value.
///
/// ```
/// use std::ptr::NonNull;
/// use std::sync::Arc;
///
/// use map_core::strategy::Held;
///
/// let pair = Arc::new((1, "one".to_owned()));
/// let pointer = NonNull::from(&*pair);
/// // SAFETY: 1. the `Arc` keeps the pair as it is; 2. wherever it is moved; 3. for ever.
/// let held: Held<'_, (i32, String), _> = unsafe { Held::from_raw(pointer, pair) };
/// assert_eq!(held.get().0, 1);
/// ```
pub struct Held<'a, P: ?Sized, H> {
    pointer: NonNull<P>,
    hold: Anchored<'a, H>,
    lifetime: PhantomData<&'a P>,
}

// SAFETY: shared access to the `P`, and the hold.
unsafe impl<P: ?Sized + Sync, H: Send> Send for Held<'_, P, H> {}
// SAFETY: as above.
unsafe impl<P: ?Sized + Sync, H: Sync> Sync for Held<'_, P, H> {}

impl<'a, P: ?Sized, L, O> Held<'a, P, Kept<L, O>> {
    /// Looks something up under a shard's lock and keeps the lock with it. Runs `find` once, and unlocks the
    /// shard if it finds nothing. To look up a key, [`At::find`] does this with fewer questions.
    ///
    /// ```
    /// use map_core::strategy::{At, Held, Kept, Refused, Table};
    ///
    /// /// A shard that is a list in order.
    /// #[derive(Default)]
    /// struct Sorted(Vec<(u64, String)>);
    ///
    /// impl Table for Sorted {
    ///     type Waste = ();
    ///     fn take_waste(&mut self) {}
    ///     fn len(&self) -> usize {
    ///         self.0.len()
    ///     }
    /// }
    ///
    /// type Found<'a> = Held<'a, (u64, String), Kept<Sorted, ()>>;
    ///
    /// fn get<'a>(at: At<'a, Sorted, ()>, key: u64) -> Result<Option<Found<'a>>, Refused> {
    ///     let shard = at.lock_shared()?;
    ///     Ok(Held::find(shard, |sorted| {
    ///         let place = sorted.0.binary_search_by_key(&key, |(key, _)| *key).ok()?;
    ///         sorted.0.get(place)
    ///     }))
    /// }
    /// ```
    #[inline]
    pub fn find(shard: Shared<'a, L, O>, find: impl FnOnce(&L) -> Option<&P>) -> Option<Self> {
        let found = Self::find_or_keep(shard, |locked| Ok::<_, Infallible>(find(locked)));
        let Ok(found) = found;
        found.ok()
    }

    /// The same, but the shard comes back locked if nothing is found. `find` may refuse to look, too.
    #[inline(always)]
    pub(crate) fn find_or_keep<E>(
        shard: Shared<'a, L, O>,
        find: impl FnOnce(&L) -> Result<Option<&P>, E>,
    ) -> Result<Result<Self, Shared<'a, L, O>>, E> {
        Ok(match find(&shard)?.map(NonNull::from) {
            // The pointer stays good: it was borrowed from what lies under the lock, which does not
            // change and does not move as long as the hold keeps writers out.
            Some(pointer) => Ok(Self {
                pointer,
                hold: shard.into_kept(),
                lifetime: PhantomData,
            }),
            None => Err(shard),
        })
    }
}

impl<'a, P: ?Sized, H> Held<'a, P, H> {
    /// Puts a pointer and its hold together. Moves both, and does nothing else.
    ///
    /// # Safety
    ///
    /// 1. `pointer` may be read as a `&P` from now until `hold` is dropped, or `'a` ends.
    /// 2. This stays true when the hold is moved, also to another thread if it is `Send`.
    /// 3. The hold may be used, and dropped, until `'a` ends.
    ///
    /// ```
    /// use std::ptr::NonNull;
    /// use std::sync::Arc;
    ///
    /// use map_core::strategy::Held;
    ///
    /// let pair = Arc::new((1, "one".to_owned()));
    /// let pointer = NonNull::from(&*pair);
    /// // SAFETY: 1. the `Arc` keeps the pair as it is; 2. wherever it is moved; 3. for ever.
    /// let held: Held<'_, (i32, String), _> = unsafe { Held::from_raw(pointer, pair) };
    /// assert_eq!(held.get().1, "one");
    /// ```
    #[inline]
    pub unsafe fn from_raw(pointer: NonNull<P>, hold: H) -> Self {
        Self {
            pointer,
            // SAFETY: 1. By (3).
            hold: unsafe { Anchored::new(hold) },
            lifetime: PhantomData,
        }
    }

    /// What is referred to. Costs as much as following a pointer.
    ///
    /// ```
    /// # use std::ptr::NonNull;
    /// # use std::sync::Arc;
    /// #
    /// # use map_core::strategy::Held;
    /// #
    /// # let pair = Arc::new((1, "one".to_owned()));
    /// # let pointer = NonNull::from(&*pair);
    /// # // SAFETY: 1. the `Arc` keeps the pair as it is; 2. wherever it is moved; 3. for ever.
    /// # let held: Held<'_, (i32, String), _> = unsafe { Held::from_raw(pointer, pair) };
    /// assert_eq!(held.get(), &(1, "one".to_owned()));
    /// ```
    #[inline]
    pub fn get(&self) -> &P {
        // SAFETY: promised when `self` was made; the hold is alive as long as `self` is.
        unsafe { self.pointer.as_ref() }
    }

    /// What keeps it alive. Costs nothing.
    ///
    /// ```
    /// # use std::ptr::NonNull;
    /// # use std::sync::Arc;
    /// #
    /// # use map_core::strategy::Held;
    /// #
    /// # let pair = Arc::new((1, "one".to_owned()));
    /// # let pointer = NonNull::from(&*pair);
    /// # // SAFETY: 1. the `Arc` keeps the pair as it is; 2. wherever it is moved; 3. for ever.
    /// # let held: Held<'_, (i32, String), _> = unsafe { Held::from_raw(pointer, pair) };
    /// assert_eq!(Arc::strong_count(held.hold()), 1);
    /// ```
    #[inline]
    pub fn hold(&self) -> &H {
        self.hold.get()
    }

    /// Wraps the hold. Moves the pointer, and calls `f`.
    ///
    /// # Safety
    ///
    /// 1. What `f` returns keeps alive whatever the hold given to it did.
    /// 2. It may be used, and dropped, until `'a` ends, and so may whatever else `f` makes of that hold.
    ///
    /// ```
    /// # use std::ptr::NonNull;
    /// # use std::sync::Arc;
    /// #
    /// # use map_core::strategy::Held;
    /// #
    /// # let pair = Arc::new((1, "one".to_owned()));
    /// # let pointer = NonNull::from(&*pair);
    /// # // SAFETY: 1. the `Arc` keeps the pair as it is; 2. wherever it is moved; 3. for ever.
    /// # let held: Held<'_, (i32, String), _> = unsafe { Held::from_raw(pointer, pair) };
    /// // SAFETY: 1. the `Arc` is kept beside the number; 2. as long as one likes.
    /// let held = unsafe { held.wrap_hold(|pair| (pair, 7)) };
    /// assert_eq!((held.get().0, held.hold().1), (1, 7));
    /// ```
    #[inline]
    pub unsafe fn wrap_hold<G>(self, f: impl FnOnce(H) -> G) -> Held<'a, P, G> {
        Held {
            pointer: self.pointer,
            // SAFETY: 1., 2. By (2).
            hold: unsafe { self.hold.map(f) },
            lifetime: PhantomData,
        }
    }

    /// Refers to a part of it, and keeps the whole within reach as the hold. Allocates nothing.
    ///
    /// # Errors
    ///
    /// The whole comes back if `f` returned `None`.
    ///
    /// ```
    /// # use std::ptr::NonNull;
    /// # use std::sync::Arc;
    /// #
    /// # use map_core::strategy::Held;
    /// #
    /// # let pair = Arc::new((1, "one".to_owned()));
    /// # let pointer = NonNull::from(&*pair);
    /// # // SAFETY: 1. the `Arc` keeps the pair as it is; 2. wherever it is moved; 3. for ever.
    /// # let held: Held<'_, (i32, String), _> = unsafe { Held::from_raw(pointer, pair) };
    /// let name = held.part(|pair| Some(&pair.1)).ok().expect("it is there");
    /// assert_eq!((name.get(), name.hold().get().0), (&"one".to_owned(), 1));
    /// ```
    #[inline]
    pub fn part<U: ?Sized>(
        self,
        f: impl FnOnce(&P) -> Option<&U>,
    ) -> Result<Held<'a, U, Self>, Self> {
        match f(self.get()).map(NonNull::from) {
            Some(pointer) => Ok(Held {
                pointer,
                // SAFETY: 1. It says so itself.
                hold: unsafe { Anchored::new(self) },
                lifetime: PhantomData,
            }),
            None => Err(self),
        }
    }

    /// Refers to a part of it, or to something else that lives as long. Allocates nothing.
    ///
    /// # Errors
    ///
    /// What was held comes back if `f` returned `None`.
    ///
    /// ```
    /// # use std::ptr::NonNull;
    /// # use std::sync::Arc;
    /// #
    /// # use map_core::strategy::Held;
    /// #
    /// # let pair = Arc::new((1, "one".to_owned()));
    /// # let pointer = NonNull::from(&*pair);
    /// # // SAFETY: 1. the `Arc` keeps the pair as it is; 2. wherever it is moved; 3. for ever.
    /// # let held: Held<'_, (i32, String), _> = unsafe { Held::from_raw(pointer, pair) };
    /// let held = held.try_map(|pair| pair.1.get(..9)).err().expect("it is shorter");
    /// let start = held.try_map(|pair| pair.1.get(..2)).ok().expect("it is longer");
    /// assert_eq!(start.get(), "on");
    /// ```
    #[inline]
    pub fn try_map<U: ?Sized>(
        self,
        f: impl FnOnce(&P) -> Option<&U>,
    ) -> Result<Held<'a, U, H>, Self> {
        match f(self.get()).map(NonNull::from) {
            Some(pointer) => Ok(Held {
                pointer,
                hold: self.hold,
                lifetime: PhantomData,
            }),
            None => Err(self),
        }
    }
}

/// A pointer into an exclusively locked shard, next to the lock in the same guard: the guard owns
/// both, so the pointer is used only while the lock is held.
///
/// Made from `&mut`, it may be used as one as long as nothing else touches what it points to. And
/// like `&mut P` it must be invariant in `P`: else a `&'static str` behind it could be overwritten
/// with a shorter-lived one.
pub(crate) struct Cursor<P: ?Sized>(NonNull<P>, PhantomData<*mut P>);

// SAFETY: an exclusive reference, as far as its owner is concerned.
unsafe impl<P: ?Sized + Send> Send for Cursor<P> {}
// SAFETY: as above.
unsafe impl<P: ?Sized + Sync> Sync for Cursor<P> {}

impl<P: ?Sized> Cursor<P> {
    #[inline]
    pub(crate) fn new(target: &mut P) -> Self {
        Self(NonNull::from(target), PhantomData)
    }

    /// A cursor that is only read through.
    #[inline]
    pub(crate) fn to_shared(target: &P) -> Self {
        Self(NonNull::from(target), PhantomData)
    }

    /// # Safety
    ///
    /// 1. The shard that the target was borrowed from is still locked exclusively by the guard
    ///    that owns this cursor, or it owns a share of that lock.
    /// 2. The entry was not removed or replaced since, and the table was not changed.
    #[inline]
    pub(crate) unsafe fn get(&self) -> &P {
        // SAFETY: by (1) and (2) the target is where it was, and nobody else has it; the result
        // borrows `self`.
        unsafe { self.0.as_ref() }
    }

    /// # Safety
    ///
    /// 1. and 2. as for [`get`](Self::get).
    /// 3. It was made by [`new`](Self::new).
    #[inline]
    pub(crate) unsafe fn get_mut(&mut self) -> &mut P {
        // SAFETY: as in `get`; by (3) the target was borrowed exclusively, and so is `self`.
        unsafe { self.0.as_mut() }
    }
}

/// A value being changed through a guard: see [`Strategy::Edit`].
///
/// # Safety
///
/// 1. Whatever reference safe code can get out of a `&mut Self` stays good when the value is
///    moved. So the value is not kept inside, nor in a `Box`, whose move ends all references into
///    it, but behind a raw pointer. The type has no public constructor or field that would let
///    a strategy in another crate break this.
///
/// ```
/// // Where values are changed in place there is nothing to keep.
/// fn is_edit<E: map_core::strategy::Edit>() -> E {
///     E::default()
/// }
/// is_edit::<()>();
/// ```
pub unsafe trait Edit: Default {}

// SAFETY: 1. Nothing can be got out of it.
unsafe impl Edit for () {}

/// Where an entry stands, and the entry.
type Located<K, V, T> = (<T as Strategy<K, V>>::Slot, Cursor<(K, V)>);

/// An entry of an exclusively locked shard, with the lock: what is behind `RefMut`.
pub(crate) struct Editing<'a, K, V, T: Strategy<K, V>> {
    section: ManuallyDrop<Section<'a, K, V, T>>,
    slot: T::Slot,
    /// The entry as its owner sees it: in place, or the copy in `edit` once there is one.
    ///
    /// `None` while [`Strategy::edit`] runs, and for ever if it panics, for it may have moved the entry;
    /// never where entries are changed in place.
    cursor: Option<Cursor<(K, V)>>,
    /// Whether this one is changed where it stands, in a map where not all need be.
    in_place: bool,
    /// Whether the entry may be changed through the cursor, in such a map: in place, or in the copy that was made already.
    is_ready: bool,
    edit: ManuallyDrop<T::Edit>,
}

impl<'a, K, V, T: Strategy<K, V>> Editing<'a, K, V, T> {
    #[inline]
    pub(crate) fn new(mut section: Section<'a, K, V, T>, slot: T::Slot) -> Self {
        // The entry may be new; later on their number does not change.
        section.publish_len();
        let mut edit = T::Edit::default();
        let in_place = T::IN_PLACE || T::SELECTS && T::is_in_place(&section);
        let cursor = if in_place {
            Cursor::new(T::edit(&mut section, slot, &mut edit))
        } else {
            Cursor::to_shared(T::pair(&section, slot))
        };
        Self {
            section: ManuallyDrop::new(section),
            slot,
            cursor: Some(cursor),
            in_place,
            is_ready: in_place,
            edit: ManuallyDrop::new(edit),
        }
    }

    /// The entry of a key, if there is one. Otherwise the shard comes back locked.
    #[inline(always)]
    pub(crate) fn find<Q>(
        section: Section<'a, K, V, T>,
        hash: u64,
        key: &Q,
    ) -> Result<Self, Section<'a, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        if T::IN_PLACE || T::SELECTS && T::is_in_place(&section) {
            return Self::find_in_place(section, hash, key);
        }
        let located = if T::SELECTS {
            Self::find_elsewhere(&section, hash, key)
        } else {
            Self::find_shared(&section, hash, key)
        };
        match located {
            Some((slot, cursor)) => Ok(Self::at(section, slot, cursor, false)),
            None => Err(section),
        }
    }

    /// The same where entries are changed where they stand; in a shard where they are not, nothing is found.
    #[inline(always)]
    pub(crate) fn find_in_place<Q>(
        mut section: Section<'a, K, V, T>,
        hash: u64,
        key: &Q,
    ) -> Result<Self, Section<'a, K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match T::locate_mut(&mut Plain(&mut section), hash, key) {
            Some((slot, target)) => {
                let cursor = Cursor::new(target);
                Ok(Self::at(section, slot, cursor, true))
            }
            None => Err(section),
        }
    }

    #[inline(always)]
    fn at(
        section: Section<'a, K, V, T>,
        slot: T::Slot,
        cursor: Cursor<(K, V)>,
        in_place: bool,
    ) -> Self {
        Self {
            section: ManuallyDrop::new(section),
            slot,
            cursor: Some(cursor),
            in_place,
            is_ready: in_place,
            edit: ManuallyDrop::new(T::Edit::default()),
        }
    }

    /// An entry that is not changed in place.
    #[inline(always)]
    fn find_shared<Q>(
        section: &Section<'a, K, V, T>,
        hash: u64,
        key: &Q,
    ) -> Option<Located<K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let slot = T::locate(section, hash, key)?;
        Some((slot, Cursor::to_shared(T::pair(section, slot))))
    }

    /// The same as a function of its own.
    #[inline(never)]
    fn find_elsewhere<Q>(
        section: &Section<'a, K, V, T>,
        hash: u64,
        key: &Q,
    ) -> Option<Located<K, V, T>>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        Self::find_shared(section, hash, key)
    }

    /// Whether the entry is changed where it stands.
    #[inline(always)]
    fn is_in_place(&self) -> bool {
        T::IN_PLACE || T::SELECTS && self.in_place
    }

    /// Whether the entry may be changed through the cursor.
    #[inline(always)]
    fn is_ready(&self) -> bool {
        T::IN_PLACE || T::SELECTS && self.is_ready
    }

    /// Makes the copy that is to be changed now, in a map where not all are changed in place.
    pub(crate) fn prepare(mut self) -> Prepared<'a, K, V, T> {
        if T::SELECTS && !self.is_ready {
            self.edit();
            self.is_ready = true;
        }
        Prepared(self)
    }

    #[inline]
    fn cursor(&self) -> &Cursor<(K, V)> {
        if self.is_ready() {
            // SAFETY: set when `self` was made, and set to `None` only by `edit` of those that are not ready.
            unsafe { self.cursor.as_ref().unwrap_unchecked() }
        } else {
            self.cursor.as_ref().expect(LOST)
        }
    }

    #[inline]
    pub(crate) fn get(&self) -> &(K, V) {
        // SAFETY: 1. `self` owns the lock. 2. `self` does not touch the table but through the
        // cursor.
        unsafe { self.cursor().get() }
    }

    /// The key alone: does not claim to read the value, of which an [`EditingPart`] may have a
    /// part exclusively.
    #[inline]
    pub(crate) fn key(&self) -> &K {
        // SAFETY: as in `get`; only the key is referred to.
        unsafe { &(*self.cursor().0.as_ptr()).0 }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> (&K, &mut V) {
        let cursor = if self.is_ready() {
            // SAFETY: as in `cursor`.
            unsafe { self.cursor.as_mut().unwrap_unchecked() }
        } else if T::SELECTS {
            self.edit_elsewhere()
        } else {
            self.edit()
        };
        // SAFETY: as in `get`; and the cursor was made from `&mut`: here, or when `self` was.
        let (key, value) = unsafe { cursor.get_mut() };
        (key, value)
    }

    /// Makes the copy that is to be changed, if there is none yet.
    #[inline]
    fn edit(&mut self) -> &mut Cursor<(K, V)> {
        self.cursor = None;
        let target = T::edit(&mut *self.section, self.slot, &mut self.edit);
        self.cursor.insert(Cursor::new(target))
    }

    /// The same as a function of its own.
    #[inline(never)]
    fn edit_elsewhere(&mut self) -> &mut Cursor<(K, V)> {
        self.edit()
    }

    /// Takes it apart.
    #[inline]
    fn into_parts(self) -> (Section<'a, K, V, T>, T::Slot, T::Edit) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: taken once, as `this` is not dropped.
        let (section, edit) = unsafe {
            (
                ManuallyDrop::take(&mut this.section),
                ManuallyDrop::take(&mut this.edit),
            )
        };
        (section, this.slot, edit)
    }

    /// Publishes the change and gives back the lock.
    #[inline]
    pub(crate) fn finish(self) -> (Section<'a, K, V, T>, T::Slot) {
        let (mut section, slot, edit) = self.into_parts();
        T::finish(&mut section, slot, edit);
        (section, slot)
    }

    /// Removes the entry as it was changed, and unlocks the shard.
    #[inline]
    pub(crate) fn remove(self) -> (K, V) {
        let (mut section, slot, edit) = self.into_parts();
        let pair = T::remove_edited(&mut section, slot, edit);
        // Here and not at the end: should something that was removed earlier panic in its Drop, the pair is not
        // leaked.
        drop(section);
        pair
    }

    /// Replaces the entry, returns it as it was changed, and unlocks the shard.
    #[inline]
    pub(crate) fn replace(self, key: K, value: V) -> (K, V) {
        let (mut section, slot, edit) = self.into_parts();
        let pair = T::replace_edited(&mut section, slot, edit, key, value);
        // As above.
        drop(section);
        pair
    }
}

/// An entry that may be changed without asking whether there is a copy of it already, in a map where that could be.
pub(crate) struct Prepared<'a, K, V, T: Strategy<K, V>>(Editing<'a, K, V, T>);

impl<'a, K, V, T: Strategy<K, V>> Prepared<'a, K, V, T> {
    /// The entry. Who has it from here knows when he is compiled that he need not ask.
    #[inline(always)]
    pub(crate) fn into_inner(self) -> Editing<'a, K, V, T> {
        let Self(mut editing) = self;
        debug_assert!(!T::SELECTS || editing.is_ready);
        // It is. So the cursor is good to be written through.
        editing.is_ready = true;
        editing
    }
}

impl<K, V, T: Strategy<K, V>> Editing<'_, K, V, T> {
    /// Publishes the change, at the end.
    #[inline]
    fn publish(&mut self) {
        // SAFETY: taken once, at the end.
        let (section, edit) = unsafe {
            (
                ManuallyDrop::take(&mut self.section),
                ManuallyDrop::take(&mut self.edit),
            )
        };
        if T::SELECTS {
            Self::publish_elsewhere(section, self.slot, edit);
        } else {
            Self::publish_by(section, self.slot, edit);
        }
    }

    #[inline(always)]
    fn publish_by(mut section: Section<'_, K, V, T>, slot: T::Slot, edit: T::Edit) {
        T::finish(&mut section, slot, edit);
    }

    /// The same as a function of its own. It is not told where a guard lies in memory, so that it need not lie there.
    #[inline(never)]
    fn publish_elsewhere(section: Section<'_, K, V, T>, slot: T::Slot, edit: T::Edit) {
        Self::publish_by(section, slot, edit);
    }
}

impl<K, V, T: Strategy<K, V>> Drop for Editing<'_, K, V, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_in_place() {
            // There is nothing to publish, nor anything in the edit; and who changes an entry where it stands leaves no waste.
            // SAFETY: taken once, here; `into_parts` forgets `self`.
            unsafe { ManuallyDrop::take(&mut self.section) }.unlock_as_it_was();
        } else {
            self.publish();
        }
    }
}

const LOST: &str = "this guard's value was lost when cloning it panicked";

/// A part of an entry being edited.
pub(crate) struct EditingPart<'a, K, V, U: ?Sized, T: Strategy<K, V>> {
    part: Cursor<U>,
    whole: Editing<'a, K, V, T>,
}

impl<'a, K, V, U: ?Sized, T: Strategy<K, V>> EditingPart<'a, K, V, U, T> {
    #[inline]
    pub(crate) fn new(
        mut whole: Editing<'a, K, V, T>,
        f: impl FnOnce(&mut V) -> Option<&mut U>,
    ) -> Result<Self, Editing<'a, K, V, T>> {
        match f(whole.get_mut().1).map(Cursor::new) {
            Some(part) => Ok(Self { part, whole }),
            None => Err(whole),
        }
    }

    #[inline]
    pub(crate) fn key(&self) -> &K {
        // Not `get().0`: a reference to the whole entry would end `part`'s claim on the value.
        self.whole.key()
    }

    #[inline]
    pub(crate) fn get(&self) -> &U {
        // SAFETY: 1. `whole` owns the lock. 2. Neither `self` nor `whole` touches the value but
        // through this cursor.
        unsafe { self.part.get() }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut U {
        // SAFETY: as in `get`.
        unsafe { self.part.get_mut() }
    }

    /// Key and part: they do not overlap.
    #[inline]
    pub(crate) fn pair_mut(&mut self) -> (&K, &mut U) {
        // SAFETY: as in `get`; the key is not behind this cursor.
        (self.whole.key(), unsafe { self.part.get_mut() })
    }

    #[inline]
    pub(crate) fn try_map<W: ?Sized>(
        mut self,
        f: impl FnOnce(&mut U) -> Option<&mut W>,
    ) -> Result<EditingPart<'a, K, V, W, T>, Self> {
        match f(self.get_mut()).map(Cursor::new) {
            Some(part) => Ok(EditingPart {
                part,
                whole: self.whole,
            }),
            None => Err(self),
        }
    }
}

/// How many holds an iterator takes at once for the guards that it will give out.
const STOCK: u32 = 128;

/// The entries of a shard that is locked for reading, each given out with a hold of its own. Keeps the shard
/// locked for reading, and a list of where its entries are; each entry costs a share of an atomic operation, of which one
/// serves up to 128.
///
/// ```
/// use map_core::strategy::{Anchored, At, LockedVisit, Refused, Span, Strategy};
///
/// /// [`Strategy::visit`] of any strategy whose shards are read locked.
/// fn visit<'a, K: 'a, V: 'a, T: Strategy<K, V>>(
///     at: At<'a, T::Locked, T::Open>,
///     span: Span,
/// ) -> Result<(Anchored<'a, LockedVisit<K, V, T>>, Option<u64>), Refused> {
///     LockedVisit::new(&at, span)
/// }
/// ```
pub struct LockedVisit<K, V, T: Strategy<K, V>> {
    /// Those that are left. (An iterator over the table would have a lifetime.)
    entries: vec::IntoIter<Cursor<(K, V)>>,
    /// Only these are wanted, if not all.
    only: Option<Span>,
    stock: Option<Duplicates<T::Locked, T::Open>>,
    shard: Kept<T::Locked, T::Open>,
}

/// An entry of a strategy whose shards are read locked.
type Met<'a, K, V, T> =
    Held<'a, (K, V), Kept<<T as Strategy<K, V>>::Locked, <T as Strategy<K, V>>::Open>>;

impl<K, V, T: Strategy<K, V>> LockedVisit<K, V, T> {
    /// See [`Strategy::visit`]. Locks the shard, and waits for it, if `at` says so.
    ///
    /// # Errors
    ///
    /// What [`At::lock_shared`] said.
    ///
    /// ```
    /// use map_core::strategy::{Anchored, At, LockedVisit, Refused, Span, Strategy};
    ///
    /// /// [`Strategy::visit`] of a strategy whose shards are read locked.
    /// fn visit<'a, K: 'a, V: 'a, T: Strategy<K, V>>(
    ///     at: At<'a, T::Locked, T::Open>,
    ///     span: Span,
    /// ) -> Result<(Anchored<'a, LockedVisit<K, V, T>>, Option<u64>), Refused> {
    ///     LockedVisit::new(&at, span)
    /// }
    /// ```
    pub fn new<'a>(
        at: &At<'a, T::Locked, T::Open>,
        span: Span,
    ) -> Result<(Anchored<'a, Self>, Option<u64>), Refused> {
        Ok(Self::over(at.lock_shared()?, span))
    }

    /// The same in a shard that is locked already, by [`At::lock_shared`] for a visit.
    ///
    /// ```
    /// use map_core::strategy::{Anchored, At, LockedVisit, Refused, Span, Strategy};
    ///
    /// /// [`Strategy::visit`] of a strategy that has to look at a shard before it knows.
    /// fn visit<'a, K: 'a, V: 'a, T: Strategy<K, V>>(
    ///     at: At<'a, T::Locked, T::Open>,
    ///     span: Span,
    /// ) -> Result<(Anchored<'a, LockedVisit<K, V, T>>, Option<u64>), Refused> {
    ///     let shard = at.lock_shared()?;
    ///     assert!(T::capacity(&shard) < usize::MAX);
    ///     Ok(LockedVisit::over(shard, span))
    /// }
    /// ```
    pub fn over<'a>(
        shard: Shared<'a, T::Locked, T::Open>,
        span: Span,
    ) -> (Anchored<'a, Self>, Option<u64>) {
        shard.set_movable();
        let coverage = shard.coverage();
        // Only if the shard is the merger of one that was seen with one that was not, or goes beyond the part
        // that is walked over.
        let only = (!span.contains_all(coverage)).then_some(span);
        let mut entries = Vec::with_capacity(shard.len());
        // As a table goes over its entries fastest.
        T::iter(&shard).for_each(|entry| entries.push(Cursor::to_shared(entry)));
        let visit = |shard| Self {
            entries: entries.into_iter(),
            only,
            stock: None,
            shard,
        };
        // SAFETY: 1. It has the shard; the pointers are used by `next_for` alone. 2. There is nothing else.
        let visit = unsafe { shard.into_kept().map(visit) };
        (visit, coverage.end())
    }

    /// See [`Strategy::visited`]. Hashes keys only where the walk wants some of the shard's entries and not
    /// others. Never waits; no allocation.
    ///
    /// ```
    /// use map_core::strategy::{Anchored, LockedVisit, Strategy};
    ///
    /// /// How many entries were found.
    /// fn count<'a, K: 'a, V: 'a, T: Strategy<K, V>>(
    ///     mut visit: Anchored<'a, LockedVisit<K, V, T>>,
    ///     hash: impl Fn(&K) -> u64,
    /// ) -> usize {
    ///     std::iter::from_fn(|| LockedVisit::next(&mut visit, &hash)).count()
    /// }
    /// ```
    #[inline]
    pub fn next<'a>(
        this: &mut Anchored<'a, Self>,
        hash: impl Fn(&K) -> u64,
    ) -> Option<Met<'a, K, V, T>> {
        // SAFETY: `get_mut`: 1. Nothing is put in its place. 2. Holds that are taken out of its stock are anchored again.
        // `next_for`: 1. It is anchored in `'a`.
        unsafe { this.get_mut().next_for(hash) }
    }

    /// The same for a visit that is part of what is anchored.
    ///
    /// # Safety
    ///
    /// 1. This is anchored in `'a`.
    ///
    /// ```
    /// use map_core::strategy::{Anchored, LockedVisit, Strategy};
    ///
    /// /// How many entries were found, of a visit that knows its number.
    /// fn count<'a, K: 'a, V: 'a, T: Strategy<K, V>>(
    ///     mut visit: Anchored<'a, (LockedVisit<K, V, T>, u32)>,
    ///     hash: impl Fn(&K) -> u64,
    /// ) -> usize {
    ///     // SAFETY: `get_mut`: 1. Nothing is put in its place. 2. What is taken out is dropped here. `next_for`: 1. It is
    ///     // anchored in `'a`.
    ///     std::iter::from_fn(|| unsafe { visit.get_mut().0.next_for(&hash) }).count()
    /// }
    /// ```
    #[inline]
    pub unsafe fn next_for<'a>(&mut self, hash: impl Fn(&K) -> u64) -> Option<Met<'a, K, V, T>> {
        let only = self.only;
        let entry = self.entries.find(|entry| {
            // SAFETY: 1. `self` has the shard locked, if for reading. 2. So nothing has changed.
            let (key, _) = unsafe { entry.get() };
            only.is_none_or(|only| only.contains(position(hash(key))))
        })?;
        let hold = match self.stock.as_mut().and_then(Duplicates::take) {
            Some(hold) => hold,
            None => {
                let left = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
                let stock = self.shard.duplicates(left.saturating_add(1).min(STOCK));
                let stock = self.stock.insert(stock);
                stock.take().expect("a fresh stock is not empty")
            }
        };
        // SAFETY: 1. It was borrowed from what lies under the lock, which does not change and does not move as long as
        // the hold keeps writers out; 2. whoever has it. 3. By (1), the header is there until `'a` ends.
        Some(unsafe { Held::from_raw(entry.0, hold) })
    }
}

impl<K, V, T: Strategy<K, V>> fmt::Debug for LockedVisit<K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedVisit").finish_non_exhaustive()
    }
}
