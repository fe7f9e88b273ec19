//! What the front is given: each is of one of the strategies that a shard can have.

use map_core::strategy::{LockedVisit, Strategy};

use super::Lock;
use crate::adaptive::Adaptive;
use crate::adaptive::nodes;
use crate::adaptive::shard::Inline;

/// Keeps an entry alive during an operation.
pub enum Brief<K, V> {
    /// By the shard's lock.
    Lock(Lock<K, V>),
    /// By a pin.
    Pin(nodes::Pin),
}

/// Keeps an entry alive while there is a guard.
pub enum Hold<K, V> {
    /// By the shard's lock.
    Lock(Lock<K, V>),
    /// By its node.
    Node(nodes::Hold<K, V>),
    /// By the session that it was found in.
    Session,
}

impl<K, V> std::fmt::Debug for Brief<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Brief").finish_non_exhaustive()
    }
}

impl<K, V> std::fmt::Debug for Hold<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hold").finish_non_exhaustive()
    }
}

/// Where an entry stands: a slot of the strategy that the shard has at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Slot(pub(super) usize);

impl Slot {
    #[inline(always)]
    pub(super) fn of_nodes(slot: nodes::Slot) -> Self {
        Self(slot.to_raw())
    }

    #[inline(always)]
    pub(super) fn in_nodes(self) -> nodes::Slot {
        // SAFETY: 1. A shard gives out slots of what it is, and does not become anything else while they are good.
        unsafe { nodes::Slot::from_raw(self.0) }
    }
}

/// Goes over what lies under the lock.
pub enum Iter<'a, K, V> {
    /// Entries inline.
    Inline(<Inline as Strategy<K, V>>::Iter<'a>),
    /// Entries in nodes.
    Nodes(nodes::Iter<'a, K, V>),
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = &'a (K, V);

    #[inline]
    fn next(&mut self) -> Option<&'a (K, V)> {
        match self {
            Self::Inline(entries) => entries.next(),
            Self::Nodes(entries) => entries.next(),
        }
    }
}

/// Entries of a shard, held.
pub enum Visit<K: Clone, V: Clone, const READ_TABLES: bool> {
    /// By its lock.
    Locked(LockedVisit<K, V, Adaptive<READ_TABLES>>),
    /// One by one.
    Nodes(nodes::Visit<K, V>),
}

impl<K: Clone, V: Clone, const READ_TABLES: bool> std::fmt::Debug for Visit<K, V, READ_TABLES> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visit").finish_non_exhaustive()
    }
}

/// All entries, to keep.
pub enum IntoIter<K, V> {
    /// Those of an inline shard.
    Inline(<Inline as Strategy<K, V>>::IntoIter),
    /// Those of nodes.
    Nodes(nodes::Entries<K, V>),
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        match self {
            Self::Inline(entries) => entries.next(),
            Self::Nodes(entries) => entries.next(),
        }
    }
}

macro_rules! opaque {
    ($($name:ident<$($life:lifetime,)? K, V>),*) => {$(
        impl<$($life,)? K, V> std::fmt::Debug for $name<$($life,)? K, V> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
opaque!(Iter<'a, K, V>, IntoIter<K, V>);
