//! Guards that an iterator gives out.

use std::fmt;
use std::ops::Deref;

use crate::raw::guarded::Held;
use crate::strategy::Strategy;

/// A read guard on an entry met by an iterator. It may outlive the iterator.
#[must_use = "the guard holds what it refers to only as long as it lives"]
pub struct RefMulti<'a, K, V, T: Strategy<K, V> + 'a>(pub(crate) Held<'a, (K, V), T::Hold<'a>>);

impl<K, V, T: Strategy<K, V>> RefMulti<'_, K, V, T> {
    /// The key.
    #[inline]
    pub fn key(&self) -> &K {
        &self.0.get().0
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> &V {
        &self.0.get().1
    }

    /// Key and value.
    #[inline]
    pub fn pair(&self) -> (&K, &V) {
        let (key, value) = self.0.get();
        (key, value)
    }
}

impl<K, V, T: Strategy<K, V>> Deref for RefMulti<'_, K, V, T> {
    type Target = V;
    #[inline]
    fn deref(&self) -> &V {
        self.value()
    }
}

impl<K: fmt::Debug, V: fmt::Debug, T: Strategy<K, V>> fmt::Debug for RefMulti<'_, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefMulti")
            .field("key", self.key())
            .field("value", self.value())
            .finish()
    }
}
