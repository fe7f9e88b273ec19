//! The names under which users find a map's guards and iterators.

use crate::map::Map;

/// What kind of map a type is. For the aliases of iterators, whose last parameter names a map.
pub trait Kind {
    /// Its strategy.
    type Strategy;
}

impl<K, V, T: crate::Strategy<K, V>, S> Kind for Map<K, V, T, S> {
    type Strategy = T;
}

/// Makes the modules `mapref`, `setref`, `iter`, `iter_set` and `try_result`, and `ReadOnlyView`, of a map and its
/// set: dashmap's names with dashmap's parameters, for one strategy. With the feature `rayon`, the module `rayon`, too.
///
/// The strategy has to be named by an absolute path. It stays open as a last parameter of the guards, so
/// that code for several maps can use one set of names.
///
/// ```
/// /// A map of one's own.
/// pub mod my_map {
///     map_core::map_aliases!(map_sharded::Sharded);
/// }
///
/// fn name(guard: &my_map::mapref::one::Ref<'_, u32, String>) -> usize {
///     guard.len()
/// }
///
/// let map = map_sharded::ShardedMap::new();
/// map.insert(1, "one".to_owned());
/// assert_eq!(map.get(&1).map(|guard| name(&guard)), Some(3));
/// ```
#[macro_export]
macro_rules! map_aliases {
    ($strategy:ty) => {
        /// Guards on entries: each keeps one shard locked while it lives. They may be sent to other
        /// threads and dropped there.
        pub mod mapref {
            /// Guards on one entry.
            pub mod one {
                use $crate::mapref::one;

                /// A read guard on an entry.
                pub type Ref<'a, K, V, T = $strategy> = one::Ref<'a, K, V, T>;
                /// A write guard on an entry.
                pub type RefMut<'a, K, V, T = $strategy> = one::RefMut<'a, K, V, T>;
                /// A read guard on a part of a value.
                pub type MappedRef<'a, K, V, U, T = $strategy> = one::MappedRef<'a, K, V, U, T>;
                /// A write guard on a part of a value.
                pub type MappedRefMut<'a, K, V, U, T = $strategy> =
                    one::MappedRefMut<'a, K, V, U, T>;
            }

            /// Guards that iterators give out.
            pub mod multiple {
                use $crate::mapref::multiple;

                /// A read guard on an entry met by an iterator.
                pub type RefMulti<'a, K, V, T = $strategy> = multiple::RefMulti<'a, K, V, T>;
                /// A write guard on an entry met by an iterator.
                pub type RefMutMulti<'a, K, V, T = $strategy> = multiple::RefMutMulti<'a, K, V, T>;
            }

            /// Places in a map that hold an entry or could.
            pub mod entry {
                use $crate::mapref::entry;

                /// A locked place for a key, which is there or not.
                pub type Entry<'a, K, V, T = $strategy> = entry::Entry<'a, K, V, T>;
                /// A locked entry.
                pub type OccupiedEntry<'a, K, V, T = $strategy> = entry::OccupiedEntry<'a, K, V, T>;
                /// A locked place where an entry could be.
                pub type VacantEntry<'a, K, V, T = $strategy> = entry::VacantEntry<'a, K, V, T>;
            }
        }

        /// Guards on the keys of a set.
        pub mod setref {
            /// Guards on one key.
            pub mod one {
                /// A read guard on a key.
                pub type Ref<'a, K, T = $strategy> = $crate::setref::one::Ref<'a, K, T>;
            }

            /// Guards that iterators give out.
            pub mod multiple {
                /// A read guard on a key met by an iterator.
                pub type RefMulti<'a, K, T = $strategy> =
                    $crate::setref::multiple::RefMulti<'a, K, T>;
            }
        }

        /// Iterators over a map. `M` is the map.
        pub mod iter {
            use $crate::{Kind, Map, RandomState, iter};

            /// Goes over the entries, giving out read guards.
            pub type Iter<'a, K, V, S = RandomState, M = Map<K, V, $strategy, S>> =
                iter::Iter<'a, K, V, <M as Kind>::Strategy, S>;
            /// Goes over the entries, giving out write guards.
            pub type IterMut<'a, K, V, S = RandomState, M = Map<K, V, $strategy, S>> =
                iter::IterMut<'a, K, V, <M as Kind>::Strategy, S>;
            /// Takes the entries out.
            pub type OwningIter<K, V, S = RandomState, T = $strategy> =
                iter::OwningIter<K, V, T, S>;
        }

        /// Iterators over a set. `M` is the map to `()` that is behind it.
        pub mod iter_set {
            use $crate::{Kind, Map, RandomState, iter_set};

            /// Goes over the keys, giving out read guards.
            pub type Iter<'a, K, S = RandomState, M = Map<K, (), $strategy, S>> =
                iter_set::Iter<'a, K, <M as Kind>::Strategy, S>;
            /// Takes the keys out.
            pub type OwningIter<K, S = RandomState, T = $strategy> = iter_set::OwningIter<K, T, S>;
        }

        #[doc(no_inline)]
        pub use $crate::try_result;

        /// A map that is only read: it gives out plain references, and takes no locks.
        pub type ReadOnlyView<K, V, S = $crate::RandomState, T = $strategy> =
            $crate::ReadOnlyView<K, V, T, S>;

        $crate::parallel_aliases!($strategy);
    };
}

/// The part of [`map_aliases`](crate::map_aliases) that there is with the feature `rayon`.
#[cfg(feature = "rayon")]
#[doc(hidden)]
#[macro_export]
macro_rules! parallel_aliases {
    ($strategy:ty) => {
        /// Parallel iterators over a map, or over another map if `T` says so. What may be called while
        /// they go on is said in [`map_core::rayon`].
        pub mod rayon {
            /// Parallel iterators over a map.
            pub mod map {
                use $crate::RandomState;
                use $crate::rayon::{map, map_mut};

                /// Goes over the entries in parallel, giving out read guards.
                pub type Iter<'a, K, V, S = RandomState, T = $strategy> = map::Iter<'a, K, V, T, S>;
                /// Goes over the entries in parallel, giving out write guards.
                pub type IterMut<'a, K, V, S = RandomState, T = $strategy> =
                    map_mut::IterMut<'a, K, V, T, S>;
                /// Takes the entries out in parallel.
                pub type OwningIter<K, V, T = $strategy> = map::OwningIter<K, V, T>;
            }

            /// Parallel iterators over a set.
            pub mod set {
                use $crate::RandomState;
                use $crate::rayon::set;

                /// Goes over the keys in parallel, giving out read guards.
                pub type Iter<'a, K, S = RandomState, T = $strategy> = set::Iter<'a, K, T, S>;
                /// Takes the keys out in parallel.
                pub type OwningIter<K, T = $strategy> = set::OwningIter<K, T>;
            }

            /// Parallel iterators over a map that is only read.
            pub mod view {
                use $crate::rayon::view;

                #[doc(no_inline)]
                pub use view::Entry;

                /// Goes over the entries in parallel, without a lock.
                pub type Iter<'a, K, V, T = $strategy> = view::Iter<'a, K, V, T>;
            }
        }
    };
}

/// Nothing, without the feature `rayon`.
#[cfg(not(feature = "rayon"))]
#[doc(hidden)]
#[macro_export]
macro_rules! parallel_aliases {
    ($strategy:ty) => {};
}
