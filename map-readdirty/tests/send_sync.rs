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
