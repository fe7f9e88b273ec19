//! Maps and guards go from thread to thread as their keys and values do.

use std::cell::Cell;
use std::rc::Rc;

use map_readdirty::{ReadDirtyMap, ReadDirtySet, ReadOnlyView, iter, iter_set, mapref, setref};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(ReadDirtyMap<u64, String>: Send, Sync);
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
assert_impl_all!(ReadDirtySet<String>: Send, Sync);
assert_impl_all!(setref::one::Ref<'static, String>: Send, Sync);
assert_impl_all!(setref::multiple::RefMulti<'static, String>: Send, Sync);
assert_impl_all!(iter_set::Iter<'static, String>: Send, Sync);
assert_impl_all!(iter_set::OwningIter<String>: Send, Sync);

// What is not Send or Sync inside is not so outside. An owned map of Send values may move, but
// readers of a shared one would share its cells.
assert_impl_all!(ReadDirtyMap<u64, Cell<u64>>: Send);
assert_not_impl_any!(ReadDirtyMap<u64, Cell<u64>>: Sync);
assert_not_impl_any!(ReadDirtyMap<u64, Rc<u64>>: Send, Sync);
assert_not_impl_any!(ReadDirtyMap<Rc<u64>, u64>: Send, Sync);
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

/// Whatever the keys and values are, as long as they may be sent and shared.
fn generic<'a, K, V, U, S>()
where
    K: Eq + std::hash::Hash + Send + Sync + Clone + 'a,
    V: Send + Sync + Clone + 'a,
    U: Send + Sync + 'a,
    S: std::hash::BuildHasher + Send + Sync + 'a,
{
    fn check<T: Send + Sync>() {}
    check::<ReadDirtyMap<K, V, S>>();
    check::<mapref::one::Ref<'a, K, V>>();
    check::<mapref::one::RefMut<'a, K, V>>();
    check::<mapref::one::MappedRef<'a, K, V, U>>();
    check::<mapref::one::MappedRefMut<'a, K, V, U>>();
    check::<mapref::multiple::RefMulti<'a, K, V>>();
    check::<mapref::multiple::RefMutMulti<'a, K, V>>();
    check::<mapref::entry::Entry<'a, K, V>>();
    check::<iter::Iter<'a, K, V, S, ReadDirtyMap<K, V, S>>>();
    check::<iter::IterMut<'a, K, V, S, ReadDirtyMap<K, V, S>>>();
    check::<iter::OwningIter<K, V, S>>();
    check::<ReadOnlyView<K, V, S>>();
    check::<ReadDirtySet<K, S>>();
    check::<setref::one::Ref<'a, K>>();
    check::<setref::multiple::RefMulti<'a, K>>();
    check::<iter_set::Iter<'a, K, S, ReadDirtyMap<K, (), S>>>();
    check::<iter_set::OwningIter<K, S>>();
}

#[test]
fn what_holds_for_all_types_holds_for_some() {
    generic::<u64, String, u8, std::hash::RandomState>();
}
