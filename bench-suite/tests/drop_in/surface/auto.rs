//! Which of the types may be sent, shared, moved when pinned, and taken along where a panic is caught, for each kind of key,
//! value and hasher.

use std::cell::Cell;
use std::hash::{BuildHasher, DefaultHasher};
use std::marker::{PhantomData, PhantomPinned};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::MutexGuard;

use super::{Seen, dashmap};
use dashmap::iter::{Iter, IterMut, OwningIter};
use dashmap::mapref::entry::{Entry, OccupiedEntry, VacantEntry};
use dashmap::mapref::multiple::{RefMulti, RefMutMulti};
use dashmap::mapref::one::{MappedRef, MappedRefMut, Ref, RefMut};
use dashmap::try_result::TryResult;
use dashmap::{DashMap, DashSet, ReadOnlyView, TryReserveError, iter_set, setref};

macro_rules! kinds {
    ($($kind:ident($what:ty)),+ $(,)?) => {$(
        /// May be what its field may be; it hashes, too.
        #[derive(Clone, PartialEq, Eq, Hash)]
        struct $kind(PhantomData<$what>);

        impl BuildHasher for $kind {
            type Hasher = DefaultHasher;
            fn build_hasher(&self) -> DefaultHasher {
                DefaultHasher::new()
            }
        }
    )+};
}

kinds!(
    Plain(u8),
    SendOnly(Cell<u8>),
    SyncOnly(MutexGuard<'static, ()>),
    Neither(*const Cell<u8>),
    Pinned(PhantomPinned),
    NoUnwind(&'static mut u8),
);

/// Whether a type has a trait: what is there by a bound is asked before what all have.
macro_rules! has {
    ($type:ty, $trait:ident) => {{
        struct Asked<T>(PhantomData<T>);
        #[allow(dead_code, reason = "if all types have it")]
        trait Otherwise {
            const HAS: bool = false;
        }
        impl<T> Otherwise for Asked<T> {}
        #[allow(dead_code, reason = "if no type has it")]
        impl<T: $trait> Asked<T> {
            const HAS: bool = true;
        }
        Asked::<$type>::HAS
    }};
}

/// A type, a trait, and whether it has it.
type Fact = (&'static str, &'static str, bool);

macro_rules! note {
    ($seen:ident: $($type:ty),+ $(,)?) => {{
        const FACTS: &[[Fact; 5]] = &[$(note!(one $type: Send Sync Unpin UnwindSafe RefUnwindSafe)),+];
        keep(&mut $seen, FACTS);
    }};
    (one $type:ty: $($trait:ident)+) => {
        [$((stringify!($type), stringify!($trait), has!($type, $trait))),+]
    };
}

/// Keeps what is so.
fn keep(seen: &mut Seen, facts: &[[Fact; 5]]) {
    for (of, what, _) in facts.iter().flatten().filter(|(.., holds)| *holds) {
        seen.push(format!("{of}: {what}"));
    }
}

macro_rules! of_entries {
    ($seen:ident, $key:ident, $($value:ident)+) => {$(
        note!(
            $seen:
            Ref<'static, $key, $value>,
            RefMut<'static, $key, $value>,
            MappedRef<'static, $key, Plain, $value>,
            MappedRefMut<'static, $key, Plain, $value>,
            RefMulti<'static, $key, $value>,
            RefMutMulti<'static, $key, $value>,
            Entry<'static, $key, $value>,
            OccupiedEntry<'static, $key, $value>,
            VacantEntry<'static, $key, $value>,
            TryResult<Ref<'static, $key, $value>>,
        );
        of_maps!($seen, $key, $value, Plain);
    )+};
}

macro_rules! of_maps {
    ($seen:ident, $key:ident, $value:ident, $($hasher:ident)+) => {$(
        note!(
            $seen:
            DashMap<$key, $value, $hasher>,
            ReadOnlyView<$key, $value, $hasher>,
            Iter<'static, $key, $value, $hasher, DashMap<$key, $value, $hasher>>,
            IterMut<'static, $key, $value, $hasher, DashMap<$key, $value, $hasher>>,
            OwningIter<$key, $value, $hasher>,
        );
    )+};
}

macro_rules! of_sets {
    ($seen:ident, $key:ident, $($hasher:ident)+) => {$(
        note!(
            $seen:
            DashSet<$key, $hasher>,
            iter_set::Iter<'static, $key, $hasher, DashMap<$key, (), $hasher>>,
            iter_set::OwningIter<$key, $hasher>,
            setref::one::Ref<'static, $key>,
            setref::multiple::RefMulti<'static, $key>,
        );
    )+};
}

macro_rules! of_keys {
    ($seen:ident, $($key:ident)+) => {$(
        of_entries!($seen, $key, Plain);
        of_sets!($seen, $key, Plain);
    )+};
}

/// All that is so, of each kind of key, value and hasher beside plain ones.
pub(crate) fn auto_traits() -> Seen {
    let mut seen = Seen::new();
    note!(seen: TryReserveError);
    of_keys!(seen, Plain SendOnly SyncOnly Neither Pinned NoUnwind);
    of_entries!(seen, Plain, SendOnly SyncOnly Neither Pinned NoUnwind);
    of_maps!(seen, Plain, Plain, SendOnly SyncOnly Neither Pinned NoUnwind);
    of_sets!(seen, Plain, SendOnly SyncOnly Neither Pinned NoUnwind);
    seen
}
