//! Changing values by what they are: `alter`, and write guards on all entries.

use std::hash::{BuildHasher, Hash};

use equivalent::Equivalent;

use super::{Map, Walk};
use crate::iter::IterMut;
use crate::raw::held::here;
use crate::strategy::{Section, Strategy};

/// What comes out of a shard while it is locked, to be dropped after that.
struct Waste<K, V> {
    /// The key of an entry that was lost to a panic.
    key: Option<K>,
    pairs: Vec<(K, V)>,
}

impl<K, V> Waste<K, V> {
    const fn new() -> Self {
        Self {
            key: None,
            pairs: Vec::new(),
        }
    }
}

/// A key lent to the user's closure, which may panic: then it goes to the waste.
struct Lent<'x, K> {
    key: Option<K>,
    waste: &'x mut Option<K>,
}

impl<K> Drop for Lent<'_, K> {
    fn drop(&mut self) {
        if self.key.is_some() {
            *self.waste = self.key.take();
        }
    }
}

/// Replaces the value at a slot by what `f` makes of it.
fn alter_at<K, V, T: Strategy<K, V>>(
    section: &mut Section<'_, K, V, T>,
    slot: T::Slot,
    waste: &mut Waste<K, V>,
    f: impl FnOnce(&K, V) -> V,
) {
    let Waste { key: lost, pairs } = waste;
    let replaced = T::alter(section, slot, |key, value| {
        let mut lent = Lent {
            key: Some(key),
            waste: lost,
        };
        let value = f(lent.key.as_ref().expect("it is put in above"), value);
        (lent.key.take().expect("only lent"), value)
    });
    pairs.extend(replaced);
}

impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// Replaces the value of `key`, if there is one, by what `f` makes of it.
    ///
    /// `f` runs once, with the shard locked for writing; it must not call this map. No allocation where
    /// values are changed in place; otherwise `f` is given a clone. Blocks while somebody else uses the
    /// shard. To insert or remove as well, use [`compute`](Self::compute).
    ///
    /// # Panics
    ///
    /// If `f` does: the map goes on working, and no lock is poisoned. Where values are changed in place, as in
    /// maps of locked shards, the entry is then gone, for `f` had its value; elsewhere it is as it was.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert("log", vec![1]);
    /// map.alter("log", |_, mut lines| {
    ///     lines.push(2);
    ///     lines
    /// });
    /// assert_eq!(map.get_cloned("log"), Some(vec![1, 2]));
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn alter<Q>(&self, key: &Q, f: impl FnOnce(&K, V) -> V)
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let hash = self.hash(key);
        // Dropped after the section, also when `f` panics.
        let mut waste = Waste::new();
        let mut section = self.lock(hash, here());
        if let Some(slot) = T::locate(&section, hash, key) {
            alter_at::<K, V, T>(&mut section, slot, &mut waste, f);
        }
    }

    /// Replaces every value by what `f` makes of it.
    ///
    /// One shard at a time is locked for writing while `f` runs on its entries, each that is present
    /// throughout exactly once; `f` must not call this map. One allocation per shard; where values are not
    /// changed in place, `f` is given clones. [`retain`](Self::retain) does the same to values that
    /// are changed by reference.
    ///
    /// # Panics
    ///
    /// If `f` does, as for [`alter`](Self::alter): that one entry may be lost, those that `f` has not seen
    /// stay as they were.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert(1, 10);
    /// map.insert(2, 20);
    /// map.alter_all(|key, value| value + key);
    /// assert_eq!((map.get_copied(&1), map.get_copied(&2)), (Some(11), Some(22)));
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn alter_all(&self, mut f: impl FnMut(&K, V) -> V) {
        let place = here();
        let mut walk = Walk::new();
        while let Some(hash) = walk.next_hash() {
            // As above.
            let mut waste = Waste::new();
            let mut section = self.lock(hash, place);
            let seen = walk.visit(section.coverage());
            let slots = T::slots(&section);
            let slots: Vec<_> = slots
                .filter(|&slot| !seen.contains(|| self.hash(&T::pair(&section, slot).0)))
                .collect();
            for slot in slots {
                alter_at::<K, V, T>(&mut section, slot, &mut waste, &mut f);
            }
        }
    }

    /// Goes over all entries, giving out write guards: each entry that is present throughout is given
    /// out exactly once, no key twice.
    ///
    /// The shard that the iterator is in is locked for writing, and stays so until all guards from it are
    /// gone; they may outlive the iterator, be kept together, and go to other threads. So the
    /// thread that iterates must not use this map otherwise, unless it knows that it meets another shard; a debug
    /// build panics instead of waiting for ever. Two allocations per shard that has entries, one atomic
    /// operation per entry; where values are not changed in place, a clone of each entry that is
    /// written to, published when its shard is unlocked. Blocks while somebody else uses the next shard.
    ///
    /// ```
    /// let map = map_sharded::ShardedMap::new();
    /// map.insert(1, 10);
    /// map.insert(2, 20);
    /// for mut entry in map.iter_mut() {
    ///     *entry += 1;
    /// }
    /// assert_eq!((map.get_copied(&1), map.get_copied(&2)), (Some(11), Some(21)));
    /// ```
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn iter_mut(&self) -> IterMut<'_, K, V, T, S> {
        IterMut::new(self, here())
    }
}
