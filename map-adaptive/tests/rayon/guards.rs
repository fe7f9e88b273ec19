//! Guards held by whoever asks for a parallel iterator, by its closures, and beyond its end.

use map_adaptive::rayon::{map, set, view};
use map_adaptive::{ShardedMap, mapref};
use rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};
use static_assertions::assert_impl_all;

use crate::pool;

/// The names of each map, with as few parameters as may be.
macro_rules! sent {
    ($($names:ident),+) => {
        $(mod $names {
            use map_adaptive::$names::rayon::{map, set, view};

            use super::assert_impl_all;

            assert_impl_all!(map::Iter<'static, u64, String>: Send, Sync, Clone);
            assert_impl_all!(map::IterMut<'static, u64, String>: Send, Sync);
            assert_impl_all!(map::OwningIter<u64, String>: Send, Sync);
            assert_impl_all!(set::Iter<'static, u64>: Send, Sync, Clone);
            assert_impl_all!(set::OwningIter<u64>: Send, Sync);
            assert_impl_all!(view::Iter<'static, u64, String>: Send, Sync, Clone);
            assert_impl_all!(view::Entry<'static, u64, String>: Send, Sync, Copy);
        })+
    };
}

sent!(lock_map, read_dirty_map);

assert_impl_all!(map::Iter<'static, u64, String>: Send, Sync, Clone);
assert_impl_all!(map::IterMut<'static, u64, String>: Send, Sync);
assert_impl_all!(map::OwningIter<u64, String>: Send, Sync);
assert_impl_all!(set::Iter<'static, u64>: Send, Sync, Clone);
assert_impl_all!(set::OwningIter<u64>: Send, Sync);
assert_impl_all!(view::Iter<'static, u64, String>: Send, Sync, Clone);
assert_impl_all!(view::Entry<'static, u64, String>: Send, Sync, Copy);

fn filled(entries: u32) -> ShardedMap<u32, u32> {
    let map = ShardedMap::builder().shards(8).build().expect("a fine map");
    for key in 0..entries {
        map.insert(key, key);
    }
    map
}

/// Read guards are in no reader's way.
#[test]
fn a_map_with_read_guards_is_gone_over() {
    let map = filled(1000);
    let one = map.get(&1).expect("it is there");
    let all: Vec<_> = map.iter().collect();
    assert_eq!(pool(3).install(|| map.par_iter().count()), 1000);
    assert_eq!((*one, all.len()), (1, 1000));
    drop((one, all));
    assert_eq!(map.insert(1, 2), Some(1));
}

/// The guards outlive the iterator, are good on this thread, and keep writers out of their shards.
#[test]
fn guards_may_be_collected() {
    let map = filled(1000);
    let guards: Vec<mapref::multiple::RefMulti<'_, u32, u32>> =
        pool(3).install(|| map.par_iter().filter(|entry| *entry.key() < 10).collect());
    assert_eq!(guards.len(), 10);
    assert!(
        guards
            .iter()
            .all(|guard| map.try_get_mut(guard.key()).is_locked())
    );
    drop(guards);
    assert!((0..10).all(|key| map.try_get_mut(&key).is_present()));
}

/// Closures may read their map, write to others, and wait for rayon as long as nobody writes.
#[test]
fn closures_may_read_and_write_elsewhere() {
    let map = filled(1000);
    let sums = ShardedMap::<u32, u32>::new();
    pool(3).install(|| {
        map.par_iter().for_each(|entry| {
            let successor = map.get(&((entry.key() + 1) % 1000)).expect("it is there");
            sums.insert(*entry.key(), *entry.value() + *successor);
            if entry.key() % 100 == 0 {
                let inner = map.par_iter().filter(|inner| inner.key() < entry.key());
                assert_eq!(inner.count() as u32, *entry.key());
            }
        });
    });
    assert_eq!(sums.len(), 1000);
    assert_eq!(
        (sums.get_copied(&7), sums.get_copied(&999)),
        (Some(15), Some(999))
    );
}

/// A map made by a pool while one of its other jobs writes to the same map, and another reads it.
#[test]
fn writers_and_readers_share_a_pool() {
    let map = ShardedMap::<u32, u32>::new();
    let pool = pool(3);
    pool.scope(|scope| {
        for part in 0..4 {
            let map = &map;
            scope.spawn(move |_| {
                let mut target = map;
                let pairs = (0..2000u32).into_par_iter().map(|n| (n * 4 + part, part));
                target.par_extend(pairs);
            });
            scope.spawn(move |_| {
                // No closure waits for rayon with a guard.
                let wrong = map.par_iter().filter(|entry| entry.key() % 4 != **entry);
                assert_eq!(wrong.count(), 0);
            });
        }
    });
    assert_eq!(map.len(), 8000);
}

/// A closure that writes to the map it goes over may meet its own guard: a debug build says so.
#[cfg(debug_assertions)]
#[test]
fn a_closure_that_writes_is_reported() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let map = filled(1);
    let pool = pool(2);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        pool.install(|| map.par_iter().for_each(|entry| _ = map.remove(entry.key())));
    }))
    .expect_err("a deadlock");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.contains("deadlock"), "{message}");
    assert_eq!(
        message.matches("guards.rs").count(),
        2,
        "both places: {message}"
    );
    assert_eq!(map.remove(&0), Some((0, 0)));
}
