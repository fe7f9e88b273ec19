//! What must not outlive its map, though its type does not say so.
//!
//! A guard is covariant in its lifetime, as dashmap's are: one on a map may be passed for one on a shorter borrow of it.
//! It would not be if what keeps its entry alive were `Strategy::Hold<'a>`, for nothing is known of how that depends on
//! `'a`. So holds have no lifetime, and are given to users only [`Anchored`] in one.

use std::fmt;
use std::marker::PhantomData;

/// Something of a map, for as long as `'a`: a hold, or a visit. It is dropped while `'a` lasts, and safe code does not get
/// at it. Costs nothing.
///
/// ```
/// use map_core::strategy::Anchored;
///
/// // SAFETY: 1. A string may be used for ever.
/// let long: Anchored<'static, String> = unsafe { Anchored::new("a".to_owned()) };
/// fn shorten<'l: 's, 's>(long: Anchored<'l, String>) -> Anchored<'s, String> {
///     long
/// }
/// assert_eq!(shorten(long).get(), "a");
/// ```
///
/// What is anchored in a map is not dropped after it:
///
/// ```compile_fail
/// # use map_core::strategy::Anchored;
/// struct Map;
/// fn hold(_: &Map) -> Anchored<'_, String> {
///     // SAFETY: 1. A string may be used for ever.
///     unsafe { Anchored::new("a".to_owned()) }
/// }
/// let _hold;
/// let map = Map;
/// _hold = hold(&map);
/// ```
///
/// ```
/// # use map_core::strategy::Anchored;
/// # struct Map;
/// # fn hold(_: &Map) -> Anchored<'_, String> {
/// #     // SAFETY: 1. A string may be used for ever.
/// #     unsafe { Anchored::new("a".to_owned()) }
/// # }
/// let map = Map;
/// let _hold;
/// _hold = hold(&map);
/// ```
pub struct Anchored<'a, X> {
    inner: X,
    anchor: Anchor<'a>,
}

/// Has to be dropped within its lifetime, which the compiler sees to for what has a destructor.
struct Anchor<'a>(PhantomData<&'a ()>);

impl Drop for Anchor<'_> {
    #[inline(always)]
    fn drop(&mut self) {}
}

impl<'a, X> Anchored<'a, X> {
    /// Bounds it. Moves it, and does nothing else.
    ///
    /// # Safety
    ///
    /// 1. It may be used, and dropped, until `'a` ends.
    ///
    /// ```
    /// use map_core::strategy::Anchored;
    ///
    /// // SAFETY: 1. A string may be used for ever.
    /// let held: Anchored<'_, String> = unsafe { Anchored::new("a".to_owned()) };
    /// assert_eq!(held.get(), "a");
    /// ```
    #[inline(always)]
    pub unsafe fn new(inner: X) -> Self {
        Self {
            inner,
            anchor: Anchor(PhantomData),
        }
    }

    /// What is anchored.
    ///
    /// ```
    /// use map_core::strategy::Anchored;
    ///
    /// // SAFETY: 1. A string may be used for ever.
    /// let held: Anchored<'_, String> = unsafe { Anchored::new("a".to_owned()) };
    /// assert_eq!(held.get().len(), 1);
    /// ```
    #[inline(always)]
    pub fn get(&self) -> &X {
        &self.inner
    }

    /// What is anchored, to be changed.
    ///
    /// # Safety
    ///
    /// 1. What is behind the reference afterwards may be used, and dropped, until `'a` ends.
    /// 2. What was moved out of it is not used, nor dropped, after that.
    ///
    /// ```
    /// use map_core::strategy::Anchored;
    ///
    /// // SAFETY: 1. A string may be used for ever.
    /// let mut held: Anchored<'_, String> = unsafe { Anchored::new("a".to_owned()) };
    /// // SAFETY: 1. So may this one. 2. Nothing is moved out of it.
    /// unsafe { held.get_mut() }.push('b');
    /// assert_eq!(held.get(), "ab");
    /// ```
    #[inline(always)]
    pub unsafe fn get_mut(&mut self) -> &mut X {
        &mut self.inner
    }

    /// Makes something else of it. Calls `f`.
    ///
    /// # Safety
    ///
    /// 1. What `f` returns may be used, and dropped, until `'a` ends, given that this is so of what it is called with.
    /// 2. What else `f` does with that ends before `'a` does.
    ///
    /// ```
    /// use map_core::strategy::Anchored;
    ///
    /// // SAFETY: 1. A string may be used for ever.
    /// let held: Anchored<'_, String> = unsafe { Anchored::new("a".to_owned()) };
    /// // SAFETY: 1., 2. A number may be used for ever.
    /// assert_eq!(unsafe { held.map(|held| held.len()) }.get(), &1);
    /// ```
    #[inline(always)]
    pub unsafe fn map<Y>(self, f: impl FnOnce(X) -> Y) -> Anchored<'a, Y> {
        Anchored {
            inner: f(self.inner),
            anchor: self.anchor,
        }
    }
}

impl<X> fmt::Debug for Anchored<'_, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anchored").finish_non_exhaustive()
    }
}
