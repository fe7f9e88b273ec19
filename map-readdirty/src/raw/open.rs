//! What readers see of a shard without its lock: the read word.

use std::sync::Arc;

use map_core::Equivalent;
use map_core::strategy::{self, Span};

use super::clock::Clocks;
use super::limbos::Limbos;
use super::node::Link;
use super::table::View;
use crate::sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Relaxed};
use crate::sync::hint;

/// What the shards of a map have in common.
#[derive(Debug)]
pub(crate) struct Common<K, V> {
    pub(crate) clocks: Clocks,
    pub(crate) limbos: Limbos<K, V>,
    /// A shard has gone, and left what nobody looks after, perhaps. A hint.
    pub(crate) left_over: hint::AtomicBool,
}

impl<K, V> Default for Common<K, V> {
    fn default() -> Self {
        Self {
            clocks: Clocks::default(),
            limbos: Limbos::default(),
            left_over: hint::AtomicBool::new(false),
        }
    }
}

/// What readers see without the lock. On a line of its own, which is written when a read table is published, and
/// no more often.
#[derive(Debug)]
#[repr(align(64))]
pub struct Open<K, V> {
    /// The read word. Null: all entries are in the dirty table, and readers take the lock. Otherwise the address
    /// of a view of the read table, which says whether there are entries in the dirty table too; what its slots reach is alive.
    ///
    /// Stored under the exclusive lock only. A reader loads it under its pin, once for each lookup.
    pub(super) word: AtomicPtr<View<K, V>>,
    common: Arc<Common<K, V>>,
}

impl<K, V> Default for Open<K, V> {
    fn default() -> Self {
        Self {
            word: AtomicPtr::default(),
            common: Arc::default(),
        }
    }
}

impl<K, V> strategy::Open for Open<K, V> {
    fn sibling(&self) -> Self {
        Self {
            word: AtomicPtr::default(),
            common: Arc::clone(&self.common),
        }
    }
}

/// What a lookup without the lock says.
#[derive(Debug)]
pub(crate) enum Look<K, V> {
    Found(Link<K, V>),
    Absent,
    /// Ask again under the lock.
    Unsettled,
}

impl<K, V> Open<K, V> {
    pub(crate) fn clocks(&self) -> &Clocks {
        &self.common.clocks
    }

    #[inline(always)]
    pub(crate) fn common(&self) -> &Common<K, V> {
        &self.common
    }

    /// Whether there is a read table at all. A hint: whether to pin.
    #[inline(always)]
    pub(crate) fn is_published(&self) -> bool {
        // Relaxed: nothing is read through it.
        !self.word.load(Relaxed).is_null()
    }

    /// The read table.
    ///
    /// # Safety
    ///
    /// 1. The thread is pinned for `'p`, in a clock of the map.
    #[inline(always)]
    unsafe fn load<'p>(&self) -> Option<&'p View<K, V>> {
        // Acquire: pairs with the Release in `Locked::publish`; receives the table and its nodes.
        // SAFETY: tables are retired after the word has changed, so one loaded under a pin lives until
        // the pin ends, by (1).
        unsafe { self.word.load(Acquire).as_ref() }
    }

    /// Looks a key up. What is found is alive as long as the pin.
    ///
    /// # Safety
    ///
    /// 1. The thread is pinned in a clock of the map.
    #[inline(always)]
    pub(crate) unsafe fn look<Q>(&self, hash: u64, key: &Q) -> Look<K, V>
    where
        Q: ?Sized + Equivalent<K>,
    {
        // SAFETY: by (1), for as long as `table` is used here.
        let Some(table) = (unsafe { self.load() }) else {
            return Look::Unsettled;
        };
        // SAFETY: 1. The table was loaded under the pin.
        match unsafe { table.find(hash, key) } {
            // Whatever the shard covers: where a key is found, it is.
            Some((_, link)) => Look::Found(link),
            None if table.is_complete() && table.coverage().covers(hash) => Look::Absent,
            // A shard that was split or merged: the lock says where to look.
            None => Look::Unsettled,
        }
    }

    /// Shows `f` the first nodes at the positions of a span, and says where to go on, as
    /// [`Table::at_home`] does; `None` if that has to be asked under the lock.
    ///
    /// # Safety
    ///
    /// 1. As for [`look`](Self::look).
    #[expect(
        clippy::option_option,
        reason = "the inner one is a position or the end"
    )]
    pub(crate) unsafe fn walk(
        &self,
        hash: u64,
        span: Span,
        f: impl FnMut(Link<K, V>),
    ) -> Option<Option<u64>> {
        // SAFETY: by (1).
        let table = unsafe { self.load() }?;
        if !table.is_complete() || !table.coverage().covers(hash) {
            return None;
        }
        // SAFETY: 1. The table was loaded under the pin.
        Some(unsafe { table.at_home(span, f) })
    }
}
