//! Walks over all entries, in the order of their buckets.

use std::iter::FusedIterator;
use std::mem;

use super::group::{Group, Positions};
use super::raw::Raw;

/// How far a walk is.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    /// Where the group begins that it looks at.
    at: usize,
    /// What is left of that.
    full: Positions,
}

impl Cursor {
    #[inline]
    pub(super) fn new<T>(raw: &Raw<T>) -> Self {
        // SAFETY: 1. 0 is at most any mask.
        let full = unsafe { raw.group(0) }.full();
        Self { at: 0, full }
    }

    /// The next full bucket of the table, each once. Full it is as long as the table is the same each time, and no bucket has become
    /// vacant that was not given out yet: for the caller to see to.
    #[inline]
    pub(super) fn next<T>(&mut self, raw: &Raw<T>) -> Option<usize> {
        loop {
            if let Some(position) = self.full.next() {
                return Some(self.at + position);
            }
            let next = self.at + Group::WIDTH;
            if next > raw.mask() {
                return None;
            }
            self.at = next;
            // SAFETY: 1. It is not more than the mask.
            self.full = unsafe { raw.group(next) }.full();
        }
    }
}

/// All entries of a shard.
pub struct Iter<'a, T> {
    raw: &'a Raw<T>,
    cursor: Cursor,
    left: usize,
}

impl<'a, T> Iter<'a, T> {
    #[inline]
    pub(super) fn new(raw: &'a Raw<T>, len: usize) -> Self {
        Self {
            raw,
            cursor: Cursor::new(raw),
            left: len,
        }
    }
}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        let index = self.cursor.next(self.raw)?;
        self.left -= 1;
        // SAFETY: 1. There is an entry in it: the table is borrowed, so nothing became vacant.
        Some(unsafe { self.raw.bucket(index).as_ref() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}
impl<T> FusedIterator for Iter<'_, T> {}

/// The same, to be changed.
pub(crate) struct IterMut<'a, T> {
    raw: &'a mut Raw<T>,
    cursor: Cursor,
}

impl<'a, T> IterMut<'a, T> {
    pub(super) fn new(raw: &'a mut Raw<T>) -> Self {
        Self {
            cursor: Cursor::new(raw),
            raw,
        }
    }
}

impl<'a, T> Iterator for IterMut<'a, T> {
    type Item = &'a mut T;

    fn next(&mut self) -> Option<&'a mut T> {
        let index = self.cursor.next(self.raw)?;
        // SAFETY: 1. There is an entry in it: the table is borrowed for `'a`, so nothing became vacant; and each bucket is given
        // out once.
        Some(unsafe { self.raw.bucket(index).as_mut() })
    }
}

/// All entries of a table that is no more.
pub struct IntoIter<T> {
    /// What the cursor has passed has been moved out.
    raw: Raw<T>,
    cursor: Cursor,
}

impl<T> IntoIter<T> {
    pub(super) fn new(raw: Raw<T>) -> Self {
        Self {
            cursor: Cursor::new(&raw),
            raw,
        }
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let index = self.cursor.next(&self.raw)?;
        // SAFETY: 1. There is an entry in it: of the table, which is ours, nothing is moved out but here, once, since the cursor
        // passes it; and it drops none.
        Some(unsafe { self.raw.bucket(index).read() })
    }
}

impl<T> Drop for IntoIter<T> {
    /// If the drop of one entry panics, the others are dropped all the same.
    fn drop(&mut self) {
        struct Rest<'a, T>(&'a mut IntoIter<T>);

        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                self.0.for_each(drop);
            }
        }

        if mem::needs_drop::<T>() {
            let rest = Rest(self);
            rest.0.for_each(drop);
        }
    }
}
