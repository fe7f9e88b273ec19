//! Maps and guards go from thread to thread as their keys and values do.

use std::cell::Cell;
use std::rc::Rc;

use map_sharded::{ReadOnlyView, ShardedMap, ShardedSet, iter, iter_set, mapref, setref};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(ShardedMap<u64, String>: Send, Sync);
assert_impl_all!(mapref::one::Ref<'static, u64, String>: Send, Sync);
assert_impl_all!(mapref::one::RefMut<'static, u64, String>: Send, Sync);
assert_impl_all!(mapref::one::MappedRef<'static, u64, String, str>: Send, Sync);
assert_impl_all!(mapref::one::MappedRefMut<'static, u64, String, str>: Send, Sync);
assert_impl_all!(mapref::multiple::RefMulti<'static, u64, String>: Send, Sync);
assert_impl_all!(mapref::entry::Entry<'static, u64, String>: Send, Sync);
assert_impl_all!(mapref::entry::OccupiedEntry<'static, u64, String>: Send, Sync);
assert_impl_all!(mapref::entry::VacantEntry<'static, u64, String>: Send, Sync);
assert_impl_all!(iter::Iter<'static, u64, String>: Send, Sync);
assert_impl_all!(iter::OwningIter<u64, String>: Send, Sync);
assert_impl_all!(mapref::multiple::RefMutMulti<'static, u64, String>: Send, Sync);
assert_impl_all!(iter::IterMut<'static, u64, String>: Send, Sync);
assert_impl_all!(ReadOnlyView<u64, String>: Send, Sync);
assert_impl_all!(ShardedSet<String>: Send, Sync);
assert_impl_all!(setref::one::Ref<'static, String>: Send, Sync);
assert_impl_all!(setref::multiple::RefMulti<'static, String>: Send, Sync);
assert_impl_all!(iter_set::Iter<'static, String>: Send, Sync);
assert_impl_all!(iter_set::OwningIter<String>: Send, Sync);

// What is not Send or Sync inside is not so outside. An owned map of Send values may move, but
// readers of a shared one would share its cells.
assert_impl_all!(ShardedMap<u64, Cell<u64>>: Send);
assert_not_impl_any!(ShardedMap<u64, Cell<u64>>: Sync);
assert_not_impl_any!(ShardedMap<u64, Rc<u64>>: Send, Sync);
assert_not_impl_any!(ShardedMap<Rc<u64>, u64>: Send, Sync);
assert_not_impl_any!(mapref::one::Ref<'static, u64, Cell<u64>>: Send, Sync);
assert_not_impl_any!(mapref::one::RefMut<'static, u64, Rc<u64>>: Send, Sync);
assert_not_impl_any!(mapref::one::MappedRefMut<'static, u64, u64, Rc<u64>>: Send, Sync);
assert_not_impl_any!(mapref::multiple::RefMulti<'static, u64, Cell<u64>>: Send, Sync);
assert_not_impl_any!(mapref::multiple::RefMutMulti<'static, u64, Rc<u64>>: Send, Sync);
assert_not_impl_any!(mapref::multiple::RefMutMulti<'static, u64, Cell<u64>>: Sync);
assert_not_impl_any!(iter::IterMut<'static, u64, Rc<u64>>: Send, Sync);
assert_not_impl_any!(ReadOnlyView<u64, Cell<u64>>: Sync);
assert_impl_all!(ReadOnlyView<u64, Cell<u64>>: Send);
assert_not_impl_any!(setref::one::Ref<'static, Cell<u64>>: Send, Sync);

/// A guard may be dropped on another thread, and unlocks its shard there.
#[test]
fn guards_travel() {
    let map = ShardedMap::new();
    map.insert(1, String::from("one"));
    std::thread::scope(|scope| {
        let mut guard = map.get_mut(&1).expect("it was just inserted");
        scope.spawn(move || guard.push_str(", from elsewhere"));
    });
    assert_eq!(
        map.get(&1).as_deref().map(String::as_str),
        Some("one, from elsewhere")
    );
    let guards: Vec<_> = map.iter().collect();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(guards));
    });
    assert_eq!(
        map.insert(1, String::new()).as_deref(),
        Some("one, from elsewhere")
    );
}

/// Whatever the keys and values are, as long as they may be sent and shared.
fn generic<'a, K, V, U, S>()
where
    K: Eq + std::hash::Hash + Send + Sync + 'a,
    V: Send + Sync + 'a,
    U: Send + Sync + 'a,
    S: std::hash::BuildHasher + Send + Sync + 'a,
{
    fn check<T: Send + Sync>() {}
    check::<ShardedMap<K, V, S>>();
    check::<mapref::one::Ref<'a, K, V>>();
    check::<mapref::one::RefMut<'a, K, V>>();
    check::<mapref::one::MappedRef<'a, K, V, U>>();
    check::<mapref::one::MappedRefMut<'a, K, V, U>>();
    check::<mapref::multiple::RefMulti<'a, K, V>>();
    check::<mapref::multiple::RefMutMulti<'a, K, V>>();
    check::<mapref::entry::Entry<'a, K, V>>();
    check::<iter::Iter<'a, K, V, S, ShardedMap<K, V, S>>>();
    check::<iter::IterMut<'a, K, V, S, ShardedMap<K, V, S>>>();
    check::<iter::OwningIter<K, V, S>>();
    check::<ReadOnlyView<K, V, S>>();
    check::<ShardedSet<K, S>>();
    check::<setref::one::Ref<'a, K>>();
    check::<setref::multiple::RefMulti<'a, K>>();
    check::<iter_set::Iter<'a, K, S, ShardedMap<K, (), S>>>();
    check::<iter_set::OwningIter<K, S>>();
}

#[test]
fn what_holds_for_all_types_holds_for_some() {
    generic::<u64, String, u8, std::hash::RandomState>();
}
