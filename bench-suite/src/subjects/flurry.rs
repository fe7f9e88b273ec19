//! flurry, a port of Java's `ConcurrentHashMap`.
//!
//! Its best configuration: one guard for a whole batch of operations. (Its collector cannot be configured but through
//! seize of another generation.)
//!
//! Once in some thousand times a map that two threads have filled takes itself to be growing for ever, and refuses by an assertion to be dropped (flurry
//! 0.5.2). It has all its entries, and so counts as the others; its table and they are leaked.

use crate::{
    key::{Key, Value},
    subject::{Hasher, Role, Scanned, Session, Subject},
};
use ::flurry::{HashMap, HashMapRef};
use std::{
    cell::Cell,
    mem,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
    thread,
};

/// The subject. None while it is dropped.
pub(super) struct Of<K, V>(Option<HashMap<K, V, Hasher>>);

impl<K, V> Of<K, V> {
    fn map(&self) -> &HashMap<K, V, Hasher> {
        self.0.as_ref().expect("a map that is used is not dropped")
    }
}

impl<K, V> Drop for Of<K, V> {
    fn drop(&mut self) {
        drop_or_leak(self.0.take());
    }
}

thread_local! {
    /// Whether the thread drops what may refuse.
    static DROPS: Cell<bool> = const { Cell::new(false) };
}

/// Tells of a panic, unless it is one of a drop that may refuse.
fn unless_it_drops(tell: impl FnOnce()) {
    if !DROPS.get() {
        tell();
    }
}

/// Drops it, and says nothing of it if that panics.
fn drop_or_leak<T>(it: T) {
    static HOOK: Once = Once::new();
    // A thread that panics cannot set the hook.
    if thread::panicking() {
        mem::forget(it);
        return;
    }
    HOOK.call_once(|| {
        let of_others = panic::take_hook();
        panic::set_hook(Box::new(move |info| unless_it_drops(|| of_others(info))));
    });
    DROPS.set(true);
    let _refused = catch_unwind(AssertUnwindSafe(|| drop(it)));
    DROPS.set(false);
}

impl<K: Key, V: Value> Subject<K, V> for Of<K, V> {
    const NAME: &'static str = "flurry";
    const ROLE: Role = Role::Peer;
    type Session<'a> = HashMapRef<'a, K, V, Hasher>;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        Self(Some(HashMap::with_capacity_and_hasher(capacity, hasher)))
    }

    fn by_default(hasher: Hasher) -> Self {
        Self(Some(HashMap::with_hasher(hasher)))
    }

    fn len(&self) -> usize {
        self.map().len()
    }

    fn session(&self) -> Self::Session<'_> {
        self.map().pin()
    }
}

impl<K: Key, V: Value> Session<K, V> for HashMapRef<'_, K, V, Hasher> {
    #[inline(always)]
    fn get(&mut self, key: &K::Lookup) -> Option<u64> {
        HashMapRef::get(self, key).map(V::word)
    }

    #[inline(always)]
    fn update(&mut self, key: &K::Lookup, value: V) -> bool {
        HashMapRef::insert(self, K::owned(key), value).is_some()
    }

    #[inline(always)]
    fn insert(&mut self, key: K, value: V) -> bool {
        HashMapRef::insert(self, key, value).is_none()
    }

    #[inline(always)]
    fn remove(&mut self, key: &K::Lookup) -> bool {
        HashMapRef::remove(self, key).is_some()
    }

    #[inline]
    fn scan(&mut self) -> Scanned {
        self.values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refuses<'a>(&'a Cell<u32>);

    impl Drop for Refuses<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            panic!("not now");
        }
    }

    #[test]
    fn what_refuses_to_be_dropped_ends_nothing() {
        let asked = Cell::new(0);
        for _ in 0..2 {
            drop_or_leak(Some(Refuses(&asked)));
        }
        assert_eq!((asked.get(), DROPS.get()), (2, false));
        // Amid another panic it is not tried.
        let amid = catch_unwind(AssertUnwindSafe(|| {
            struct Owner<'a>(&'a Cell<u32>);
            impl Drop for Owner<'_> {
                fn drop(&mut self) {
                    drop_or_leak(Refuses(self.0));
                }
            }
            let _owner = Owner(&asked);
            panic::resume_unwind(Box::new(()));
        }));
        assert!(amid.is_err() && asked.get() == 2);
    }

    #[test]
    fn others_are_told_of() {
        let told = Cell::new(0);
        let tell = || unless_it_drops(|| told.set(told.get() + 1));
        tell();
        DROPS.set(true);
        tell();
        DROPS.set(false);
        tell();
        assert_eq!(told.get(), 2);
    }
}
