//! Several entries of one exclusively locked shard, each in a guard of its own.
//!
//! An iterator that gives out write guards locks each shard once, and gives every entry out with a
//! share of that lock. The last share to go unlocks the shard, on whatever thread. Until then, what
//! lies under the lock is reached in one of two ways only:
//!
//! - Where entries are changed in place: by the guards, each at its own entry. They came from one
//!   iterator over exclusive references, so no two have the same, and nobody goes through the table.
//! - Otherwise: by shared references. A guard that is written through works on a copy that is its own.
//!   Changes are put aside as guards go, and published with the last share, which has the shard to
//!   itself.

use std::vec;

use super::guarded::Cursor;
use super::share::Share;
use crate::strategy::{Section, Strategy};
use crate::sync::Mutex;

/// The lock that the guards of a shard have in common.
struct Common<'a, K, V, T: Strategy<K, V>> {
    section: Section<'a, K, V, T>,
    /// What guards that are gone have changed, where not in place.
    changes: Mutex<Vec<(T::Slot, T::Edit)>>,
}

impl<K, V, T: Strategy<K, V>> Drop for Common<'_, K, V, T> {
    fn drop(&mut self) {
        for (slot, edit) in self.changes.get_mut().drain(..) {
            T::finish(&mut self.section, slot, edit);
        }
    }
}

/// What is to be given out.
enum Targets<P, Slot> {
    InPlace(vec::IntoIter<Cursor<P>>),
    Slots(vec::IntoIter<Slot>),
}

/// The entries of one exclusively locked shard.
pub(crate) struct ShardIterMut<'a, K, V, T: Strategy<K, V>> {
    targets: Targets<(K, V), T::Slot>,
    common: Share<Common<'a, K, V, T>>,
}

impl<'a, K, V, T: Strategy<K, V>> ShardIterMut<'a, K, V, T> {
    /// The entries that are `wanted`; `None`, with the shard unlocked, if there are none.
    pub(crate) fn over(
        mut section: Section<'a, K, V, T>,
        mut wanted: impl FnMut(&K) -> bool,
    ) -> Option<Self> {
        let targets = if T::is_in_place(&section) {
            let wanted = T::iter_mut(&mut section).filter(|(key, _)| wanted(key));
            let cursors: Vec<_> = wanted.map(Cursor::new).collect();
            if cursors.is_empty() {
                return None;
            }
            Targets::InPlace(cursors.into_iter())
        } else {
            let slots = T::slots(&section);
            let slots: Vec<_> = slots
                .filter(|&slot| wanted(&T::pair(&section, slot).0))
                .collect();
            if slots.is_empty() {
                return None;
            }
            Targets::Slots(slots.into_iter())
        };
        section.set_movable();
        let common = Common {
            section,
            changes: Mutex::new(Vec::new()),
        };
        Some(Self {
            targets,
            common: Share::new(common),
        })
    }

    pub(crate) fn next(&mut self) -> Option<EditingOneOf<'a, K, V, T>> {
        let (slot, cursor) = match &mut self.targets {
            Targets::InPlace(cursors) => (None, cursors.next()?),
            Targets::Slots(slots) => {
                let slot = slots.next()?;
                let pair = T::pair(&self.common.section, slot);
                (Some(slot), Cursor::to_shared(pair))
            }
        };
        Some(EditingOneOf {
            cursor,
            slot,
            edit: None,
            common: Share::clone(&self.common),
        })
    }

    pub(crate) fn len(&self) -> usize {
        match &self.targets {
            Targets::InPlace(cursors) => cursors.len(),
            Targets::Slots(slots) => slots.len(),
        }
    }
}

/// One of several entries of an exclusively locked shard, with a share of the lock: what is behind
/// `RefMutMulti`.
pub(crate) struct EditingOneOf<'a, K, V, T: Strategy<K, V>> {
    /// The entry as its owner sees it: in place, or the copy in `edit` once there is one.
    cursor: Cursor<(K, V)>,
    /// Where to publish the copy; `None` where entries are changed in place.
    slot: Option<T::Slot>,
    edit: Option<T::Edit>,
    common: Share<Common<'a, K, V, T>>,
}

impl<K, V, T: Strategy<K, V>> EditingOneOf<'_, K, V, T> {
    #[inline]
    pub(crate) fn get(&self) -> &(K, V) {
        // SAFETY: 1. `self` has a share of the lock. 2. While there are shares, nobody changes the table
        // or, in place, this entry; a copy is changed through `self` alone.
        unsafe { self.cursor.get() }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> (&K, &mut V) {
        if let Some(slot) = self.slot
            && self.edit.is_none()
        {
            // If `Clone` panics, the cursor stays at the original.
            let mut edit = T::Edit::default();
            // The copy is borrowed from the edit alone, and so stays good when that is moved: see `Edit`.
            self.cursor = Cursor::new(T::draft(&self.common.section, slot, &mut edit));
            self.edit = Some(edit);
        }
        // SAFETY: as in `get`; and the cursor was made from `&mut`: here, or in place by `iter_mut`.
        let (key, value) = unsafe { self.cursor.get_mut() };
        (key, value)
    }
}

impl<K, V, T: Strategy<K, V>> Drop for EditingOneOf<'_, K, V, T> {
    #[inline]
    fn drop(&mut self) {
        if let (Some(slot), Some(edit)) = (self.slot, self.edit.take()) {
            self.common.changes.lock().push((slot, edit));
        }
    }
}
