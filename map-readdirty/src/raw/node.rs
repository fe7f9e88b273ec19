//! Entries on the heap.

use std::mem::MaybeUninit;
use std::ptr::NonNull;

use crate::sync::Watch;
use crate::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// An entry on the heap. While readers can reach it, nothing in it changes but the count of guards.
///
/// For a pair of two words it fills the smallest block that an allocator has: what is read at random should be small.
#[derive(Debug)]
pub(crate) struct Node<K, V> {
    /// Uninitialised only while the node waits in a pool.
    pair: MaybeUninit<(K, V)>,
    /// The mixed hash of the key, but for its low bits ([`HASH`]): promotion and splitting run none of the user's
    /// code. In the low bits the number of guards that refer to the entry and found no guard slot
    /// ([`GUARDS`]); above them [`KEPT`].
    word: AtomicU64,
    watch: Watch,
}

/// The bits of a hash that a node stores: the tag's seven, those that the deepest shard depends on, and some for the lines of its table.
pub(crate) const HASH: u64 = !(KEPT | GUARDS);
/// There were too many guards to be counted: the node stays until its map is dropped.
const KEPT: u64 = 1 << 16;
/// The number of guards.
const GUARDS: u64 = KEPT - 1;
/// So many are counted. Twice as many can be, and there are not so many threads that count at once.
const MOST_GUARDS: u64 = 1 << 15;

/// The address of a node.
///
/// Whoever has one knows why the node is alive: it is in a table of a shard that is locked; it was found
/// under a pin that has not ended, by a guard that has not gone; or it is in limbo or in a pool, which own it.
#[derive(Debug)]
pub(crate) struct Link<K, V>(NonNull<Node<K, V>>);

impl<K, V> Clone for Link<K, V> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Link<K, V> {}

// SAFETY: nodes are shared between threads as the entries of a map are, and owned by the map.
unsafe impl<K: Send + Sync, V: Send + Sync> Send for Link<K, V> {}
// SAFETY: as above.
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for Link<K, V> {}

impl<K, V> Link<K, V> {
    /// A new node.
    #[inline]
    pub(crate) fn new(hash: u64, pair: (K, V)) -> Self {
        Self(NonNull::from(Box::leak(Box::new(Node {
            pair: MaybeUninit::new(pair),
            word: AtomicU64::new(hash & HASH),
            watch: Watch::default(),
        }))))
    }

    #[inline]
    pub(crate) fn from_raw(node: *mut Node<K, V>) -> Option<Self> {
        NonNull::new(node).map(Self)
    }

    #[inline]
    pub(crate) fn as_ptr(self) -> *mut Node<K, V> {
        self.0.as_ptr()
    }

    /// The key and the value.
    ///
    /// # Safety
    ///
    /// 1. The node is alive for `'a`, with an entry in it, and nobody writes to it meanwhile.
    #[inline]
    pub(crate) unsafe fn pair<'a>(self) -> &'a (K, V) {
        // SAFETY: by (1).
        unsafe {
            let node = self.0.as_ref();
            node.watch.read();
            node.pair.assume_init_ref()
        }
    }

    /// The entry, which its only owner changes.
    ///
    /// # Safety
    ///
    /// 1. The node is alive for `'a`, with an entry in it, and nobody else has its address.
    #[inline]
    pub(crate) unsafe fn pair_mut<'a>(mut self) -> &'a mut (K, V) {
        // SAFETY: by (1).
        unsafe {
            let node = self.0.as_mut();
            node.watch.write();
            node.pair.assume_init_mut()
        }
    }

    /// The bits [`HASH`] of the key's mixed hash.
    ///
    /// # Safety
    ///
    /// 1. The node is alive, with an entry in it, and nobody writes to it meanwhile.
    #[inline]
    pub(crate) unsafe fn hash(self) -> u64 {
        // Relaxed: these bits do not change.
        // SAFETY: by (1).
        unsafe { self.0.as_ref() }.word.load(Relaxed) & HASH
    }

    /// Puts an entry into a node of the pool.
    ///
    /// # Safety
    ///
    /// 1. The node is empty, and nobody else has its address.
    #[inline]
    pub(crate) unsafe fn fill(mut self, hash: u64, pair: (K, V)) {
        // SAFETY: by (1).
        let node = unsafe { self.0.as_mut() };
        node.watch.write();
        // Relaxed: the slot that the node is put into publishes it.
        node.word.store(hash & HASH, Relaxed);
        node.pair.write(pair);
    }

    /// Takes the entry out and leaves the node empty.
    ///
    /// # Safety
    ///
    /// 1. The node is alive, with an entry in it, and nobody else will look at it any more.
    #[inline]
    pub(crate) unsafe fn empty(mut self) -> (K, V) {
        // SAFETY: by (1); the pair counts as uninitialised from now on.
        unsafe {
            let node = self.0.as_mut();
            node.watch.write();
            node.pair.assume_init_read()
        }
    }

    /// Frees an empty node.
    ///
    /// # Safety
    ///
    /// 1. The node is empty (or its entry shall leak), and nobody will use its address any more.
    #[inline]
    pub(crate) unsafe fn free(self) {
        // SAFETY: it came from a box; dropping it does not drop the pair.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }

    /// Counts a guard on the node; `false` if it is not counted, but keeps the node for good.
    ///
    /// # Safety
    ///
    /// 1. The node is alive.
    #[inline]
    pub(crate) unsafe fn count_guard(self) -> bool {
        // SAFETY: by (1).
        let word = unsafe { &self.0.as_ref().word };
        // Relaxed, all: what follows publishes it: the end of the pin under which the node was found, or of the
        // lock.
        let counted = word.fetch_add(1, Relaxed) & GUARDS < MOST_GUARDS;
        if !counted {
            word.fetch_or(KEPT, Relaxed);
            word.fetch_sub(1, Relaxed);
        }
        counted
    }

    /// Takes a guard off the count.
    ///
    /// # Safety
    ///
    /// 1. The guard was counted, and no other end of it will be.
    #[inline]
    pub(crate) unsafe fn uncount_guard(self) {
        // Release: pairs with the Acquire in `has_counted_guards`: what the guard read comes before what the
        // node's next owner writes.
        // SAFETY: by (1) the node is alive, since counted guards keep it.
        unsafe { self.0.as_ref() }.word.fetch_sub(1, Release);
    }

    /// Whether guards are counted, or were too many.
    ///
    /// # Safety
    ///
    /// 1. The node is alive.
    #[inline]
    pub(crate) unsafe fn has_counted_guards(self) -> bool {
        // Acquire: pairs with the Release in `uncount_guard`.
        // SAFETY: by (1).
        unsafe { self.0.as_ref() }.word.load(Acquire) & (KEPT | GUARDS) != 0
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;
    use map_core::strategy::Coverage;

    #[test]
    fn a_pair_of_words_makes_a_small_node() {
        assert_eq!(size_of::<Node<u64, u64>>(), 24);
    }

    #[test]
    fn stored_hashes_tell_the_deepest_shards_apart() {
        let mut whole = Coverage::ALL;
        while whole.depth() < map_core::strategy::MAX_DEPTH {
            let hash = map_core::strategy::hash_at(whole.half(true).start());
            assert_eq!(hash & HASH, hash);
            whole = whole.half(true);
        }
    }

    #[test]
    fn many_guards_keep_a_node() {
        let link = Link::new(u64::MAX, (1_u8, 2_u8));
        // SAFETY: 1. The node is ours; each counted guard is taken off once.
        unsafe {
            for _ in 0..MOST_GUARDS {
                assert!(link.count_guard());
            }
            assert!(!link.count_guard());
            for _ in 0..MOST_GUARDS {
                link.uncount_guard();
            }
            assert!(link.has_counted_guards(), "it is kept for good");
            assert_eq!(link.hash(), HASH);
            link.free();
        }
    }
}
