//! The names under which users find a map's guards and iterators.

use crate::map::Map;

/// What kind of map a type is. For the aliases of iterators, whose last parameter names a map. It is there at compile
/// time alone, and costs nothing.
///
/// ```
/// use map_core::{Kind, Strategy};
///
/// fn name<M: Kind>(_: &M) -> &'static str {
///     std::any::type_name::<M::Strategy>()
/// }
///
/// assert!(name(&map_readdirty::ReadDirtyMap::<u32, u32>::new()).contains("ReadDirty"));
/// ```
pub trait Kind {
    /// Its strategy: the map is a `Map<K, V, Self::Strategy, S>`.
    type Strategy;
}

impl<K, V, T: crate::Strategy<K, V>, S> Kind for Map<K, V, T, S> {
    type Strategy = T;
}

/// Makes the modules `mapref`, `setref`, `iter`, `iter_set` and `try_result`, and `ReadOnlyView`, of a map and its
/// set: dashmap's names with dashmap's parameters, for one strategy. With the feature `rayon`, the module `rayon`, too.
///
/// The strategy has to be named by an absolute path. It stays open as a last parameter of the guards, so
/// that code for several maps can use one set of names. All are aliases but `mapref::entry::Entry`, an enum of its own: so
/// `use ...::Entry::{Occupied, Vacant}` works. The strategy names it as its [`OwnEntry`](crate::Strategy::OwnEntry).
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
///
/// A crate that says where it puts the modules, and what it calls its map and its set there, has an example in the
/// documentation of each: `map_aliases!(crate::Sharded, "map_sharded", "ShardedMap", "ShardedSet")`.
#[macro_export]
macro_rules! map_aliases {
    ($strategy:ty $(, $at:literal, $map:literal, $set:literal)?) => {
        /// Guards on entries: each keeps one shard locked, or one entry alive, while it lives. They may be sent to
        /// other threads and dropped there. What they mean to others is said in [`map_core::mapref`].
        pub mod mapref {
            /// Guards on one entry.
            $(#[doc = concat!(
                "\n",
                "```\n",
                "use ", $at, "::", $map, ";\n",
                "use ", $at, "::mapref::one::{MappedRef, Ref, RefMut};\n",
                "\n",
                "fn longer<'a>(one: Ref<'a, u32, String>, other: Ref<'a, u32, String>) -> Ref<'a, u32, String> {\n",
                "    if one.len() < other.len() { other } else { one }\n",
                "}\n",
                "\n",
                "fn close(mut guard: RefMut<'_, u32, String>) {\n",
                "    guard.push('.');\n",
                "}\n",
                "\n",
                "let names = ", $map, "::new();\n",
                "names.insert(1, \"Ada\".to_owned());\n",
                "names.insert(2, \"Grace\".to_owned());\n",
                "names.get_mut(&2).map(close);\n",
                "let (one, two) = (names.get(&1).unwrap(), names.get(&2).unwrap());\n",
                "let stem: MappedRef<'_, u32, String, str> = longer(one, two).map(|name| name.trim_end_matches('.'));\n",
                "assert_eq!(stem.pair(), (&2, \"Grace\"));\n",
                "```",
            )])?
            pub mod one {
                use $crate::mapref::one;

                /// A read guard on an entry: [`Ref`](map_core::mapref::one::Ref).
                pub type Ref<'a, K, V, T = $strategy> = one::Ref<'a, K, V, T>;
                /// A write guard on an entry: [`RefMut`](map_core::mapref::one::RefMut).
                pub type RefMut<'a, K, V, T = $strategy> = one::RefMut<'a, K, V, T>;
                /// A read guard on a part of a value: [`MappedRef`](map_core::mapref::one::MappedRef).
                pub type MappedRef<'a, K, V, U, T = $strategy> = one::MappedRef<'a, K, V, U, T>;
                /// A write guard on a part of a value: [`MappedRefMut`](map_core::mapref::one::MappedRefMut).
                pub type MappedRefMut<'a, K, V, U, T = $strategy> =
                    one::MappedRefMut<'a, K, V, U, T>;
            }

            /// Guards that iterators give out.
            $(#[doc = concat!(
                "\n",
                "```\n",
                "use ", $at, "::", $map, ";\n",
                "use ", $at, "::mapref::multiple::{RefMulti, RefMutMulti};\n",
                "\n",
                "let map: ", $map, "<u32, u32> = (0..10).map(|n| (n, n)).collect();\n",
                "let mut writable: Vec<RefMutMulti<'_, u32, u32>> = map.iter_mut().collect();\n",
                "writable.iter_mut().for_each(|entry| **entry *= 2);\n",
                "drop(writable);\n",
                "let readable: Vec<RefMulti<'_, u32, u32>> = map.iter().collect();\n",
                "assert_eq!(readable.iter().map(|entry| **entry).max(), Some(18));\n",
                "```",
            )])?
            pub mod multiple {
                use $crate::mapref::multiple;

                /// A read guard on an entry met by an iterator:
                /// [`RefMulti`](map_core::mapref::multiple::RefMulti).
                pub type RefMulti<'a, K, V, T = $strategy> = multiple::RefMulti<'a, K, V, T>;
                /// A write guard on an entry met by an iterator:
                /// [`RefMutMulti`](map_core::mapref::multiple::RefMutMulti).
                pub type RefMutMulti<'a, K, V, T = $strategy> = multiple::RefMutMulti<'a, K, V, T>;
            }

            /// Places in a map that hold an entry or could.
            $(#[doc = concat!(
                "\n",
                "```\n",
                "use ", $at, "::", $map, ";\n",
                "use ", $at, "::mapref::entry::{Entry, OccupiedEntry, VacantEntry};\n",
                "\n",
                "fn fill(place: VacantEntry<'_, &str, u32>) {\n",
                "    place.insert(1);\n",
                "}\n",
                "\n",
                "fn count(mut entry: OccupiedEntry<'_, &str, u32>) {\n",
                "    *entry.get_mut() += 1;\n",
                "}\n",
                "\n",
                "let words = ", $map, "::new();\n",
                "for word in [\"to\", \"be\", \"or\", \"not\", \"to\", \"be\"] {\n",
                "    match words.entry(word) {\n",
                "        Entry::Occupied(entry) => count(entry),\n",
                "        Entry::Vacant(place) => fill(place),\n",
                "    }\n",
                "}\n",
                "assert_eq!((words.len(), words.get_copied(\"be\")), (4, Some(2)));\n",
                "```",
            )])?
            pub mod entry {
                use $crate::mapref::entry;

                $crate::entry_of_its_own!($strategy $(, $at, $map)?);

                /// A locked entry: [`OccupiedEntry`](map_core::mapref::entry::OccupiedEntry).
                pub type OccupiedEntry<'a, K, V, T = $strategy> = entry::OccupiedEntry<'a, K, V, T>;
                /// A locked place where an entry could be:
                /// [`VacantEntry`](map_core::mapref::entry::VacantEntry).
                pub type VacantEntry<'a, K, V, T = $strategy> = entry::VacantEntry<'a, K, V, T>;
            }
        }

        /// Guards on the keys of a set.
        $(#[doc = concat!(
            "\n",
            "```\n",
            "use ", $at, "::", $set, ";\n",
            "use ", $at, "::setref::{multiple::RefMulti, one::Ref};\n",
            "\n",
            "let set: ", $set, "<String> = [\"a\", \"b\"].map(String::from).into_iter().collect();\n",
            "let key: Ref<'_, String> = set.get(\"a\").unwrap();\n",
            "let keys: Vec<RefMulti<'_, String>> = set.iter().collect();\n",
            "assert_eq!((key.as_str(), keys.len()), (\"a\", 2));\n",
            "```",
        )])?
        pub mod setref {
            /// Guards on one key.
            pub mod one {
                /// A read guard on a key: [`Ref`](map_core::setref::one::Ref).
                pub type Ref<'a, K, T = $strategy> = $crate::setref::one::Ref<'a, K, T>;
            }

            /// Guards that iterators give out.
            pub mod multiple {
                /// A read guard on a key met by an iterator:
                /// [`RefMulti`](map_core::setref::multiple::RefMulti).
                pub type RefMulti<'a, K, T = $strategy> =
                    $crate::setref::multiple::RefMulti<'a, K, T>;
            }
        }

        /// Iterators over a map. `M` is the map.
        $(#[doc = concat!(
            "\n",
            "```\n",
            "use ", $at, "::", $map, ";\n",
            "use ", $at, "::iter::{Iter, IterMut, OwningIter};\n",
            "\n",
            "fn grow(entries: IterMut<'_, u32, u32>) {\n",
            "    entries.for_each(|mut value| *value += 1);\n",
            "}\n",
            "\n",
            "fn total(entries: Iter<'_, u32, u32>) -> u32 {\n",
            "    entries.map(|value| *value).sum()\n",
            "}\n",
            "\n",
            "fn keys(entries: OwningIter<u32, u32>) -> Vec<u32> {\n",
            "    entries.map(|(key, _)| key).collect()\n",
            "}\n",
            "\n",
            "let map: ", $map, "<u32, u32> = (0..10).map(|n| (n, n)).collect();\n",
            "grow(map.iter_mut());\n",
            "assert_eq!((total(map.iter()), keys(map.into_iter()).len()), (55, 10));\n",
            "```",
        )])?
        pub mod iter {
            use $crate::{Kind, Map, RandomState, iter};

            /// Goes over the entries, giving out read guards: [`Iter`](map_core::iter::Iter).
            pub type Iter<'a, K, V, S = RandomState, M = Map<K, V, $strategy, S>> =
                iter::Iter<'a, K, V, <M as Kind>::Strategy, S>;
            /// Goes over the entries, giving out write guards: [`IterMut`](map_core::iter::IterMut).
            pub type IterMut<'a, K, V, S = RandomState, M = Map<K, V, $strategy, S>> =
                iter::IterMut<'a, K, V, <M as Kind>::Strategy, S>;
            /// Takes the entries out: [`OwningIter`](map_core::iter::OwningIter).
            pub type OwningIter<K, V, S = RandomState, T = $strategy> =
                iter::OwningIter<K, V, T, S>;
        }

        /// Iterators over a set. `M` is the map to `()` that is behind it.
        $(#[doc = concat!(
            "\n",
            "```\n",
            "use ", $at, "::", $set, ";\n",
            "use ", $at, "::iter_set::{Iter, OwningIter};\n",
            "\n",
            "fn sum(keys: Iter<'_, u32>) -> u32 {\n",
            "    keys.map(|key| *key).sum()\n",
            "}\n",
            "\n",
            "let set: ", $set, "<u32> = (0..10).collect();\n",
            "assert_eq!(sum(set.iter()), 45);\n",
            "let keys: OwningIter<u32> = set.into_iter();\n",
            "assert_eq!(keys.max(), Some(9));\n",
            "```",
        )])?
        pub mod iter_set {
            use $crate::{Kind, Map, RandomState, iter_set};

            /// Goes over the keys, giving out read guards: [`Iter`](map_core::iter_set::Iter).
            pub type Iter<'a, K, S = RandomState, M = Map<K, (), $strategy, S>> =
                iter_set::Iter<'a, K, <M as Kind>::Strategy, S>;
            /// Takes the keys out: [`OwningIter`](map_core::iter_set::OwningIter).
            pub type OwningIter<K, S = RandomState, T = $strategy> = iter_set::OwningIter<K, T, S>;
        }

        #[doc(no_inline)]
        pub use $crate::try_result;

        /// A map that is only read: it gives out plain references, and takes no locks. See
        /// [`ReadOnlyView`](map_core::ReadOnlyView).
        $(#[doc = concat!(
            "\n",
            "```\n",
            "use ", $at, "::{", $map, ", ReadOnlyView};\n",
            "\n",
            "fn longest(names: &ReadOnlyView<u32, String>) -> Option<&str> {\n",
            "    names.values().map(String::as_str).max_by_key(|name| name.len())\n",
            "}\n",
            "\n",
            "let names = ", $map, "::new();\n",
            "names.insert(1, \"Ada\".to_owned());\n",
            "names.insert(2, \"Grace\".to_owned());\n",
            "assert_eq!(longest(&names.into_read_only()), Some(\"Grace\"));\n",
            "```",
        )])?
        pub type ReadOnlyView<K, V, S = $crate::RandomState, T = $strategy> =
            $crate::ReadOnlyView<K, V, T, S>;

        $crate::parallel_aliases!($strategy $(, $at, $map, $set)?);
    };
}

/// The part of [`map_aliases`](crate::map_aliases) that is no alias.
#[doc(hidden)]
#[macro_export]
macro_rules! entry_of_its_own {
    ($strategy:ty $(, $at:literal, $map:literal)?) => {
        /// A locked place for a key, which is there or not: [`Entry`](map_core::mapref::entry::Entry), as a type of its own,
        /// since an alias would not let its variants be imported. Its methods do what those of the same name do there and
        /// cost as much; they wait for nobody, since the shard is locked already.
        $(#[doc = concat!(
            "\n",
            "```\n",
            "use ", $at, "::mapref::entry::Entry::{Occupied, Vacant};\n",
            "\n",
            "let map = ", $at, "::", $map, "::new();\n",
            "map.insert(\"a\", 1);\n",
            "let said = |key| match map.entry(key) {\n",
            "    Occupied(entry) => *entry.get(),\n",
            "    Vacant(_) => 0,\n",
            "};\n",
            "assert_eq!((said(\"a\"), said(\"b\")), (1, 0));\n",
            "```",
        )])?
        pub enum Entry<'a, K, V, T: $crate::Strategy<K, V> = $strategy> {
            /// The key is there.
            Occupied(OccupiedEntry<'a, K, V, T>),
            /// The key is not there.
            Vacant(VacantEntry<'a, K, V, T>),
        }

        impl<'a, K, V, T: $crate::Strategy<K, V>> From<entry::Entry<'a, K, V, T>>
            for Entry<'a, K, V, T>
        {
            #[inline(always)]
            fn from(entry: entry::Entry<'a, K, V, T>) -> Self {
                match entry {
                    entry::Entry::Occupied(entry) => Self::Occupied(entry),
                    entry::Entry::Vacant(entry) => Self::Vacant(entry),
                }
            }
        }

        impl<'a, K, V, T: $crate::Strategy<K, V>> From<Entry<'a, K, V, T>>
            for entry::Entry<'a, K, V, T>
        {
            #[inline(always)]
            fn from(entry: Entry<'a, K, V, T>) -> Self {
                match entry {
                    Entry::Occupied(entry) => Self::Occupied(entry),
                    Entry::Vacant(entry) => Self::Vacant(entry),
                }
            }
        }

        impl<K: std::fmt::Debug, V: std::fmt::Debug, T: $crate::Strategy<K, V>> std::fmt::Debug
            for Entry<'_, K, V, T>
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    Self::Occupied(entry) => f.debug_tuple("Occupied").field(entry).finish(),
                    Self::Vacant(entry) => f.debug_tuple("Vacant").field(entry).finish(),
                }
            }
        }

        impl<'a, K, V, T: $crate::Strategy<K, V>> Entry<'a, K, V, T> {
            #[inline(always)]
            fn any(self) -> entry::Entry<'a, K, V, T> {
                self.into()
            }

            /// Changes the value, if the key is there: see [`and_modify`](map_core::mapref::entry::Entry::and_modify).
            $(#[doc = concat!(
                "\n",
                "```\n",
                "let map = ", $at, "::", $map, "::new();\n",
                "map.insert(\"a\", 1);\n",
                "map.entry(\"a\").and_modify(|n| *n += 1).or_insert(9);\n",
                "assert_eq!(map.get_copied(\"a\"), Some(2));\n",
                "```",
            )])?
            #[inline]
            pub fn and_modify(self, f: impl FnOnce(&mut V)) -> Self {
                self.any().and_modify(f).into()
            }

            /// The key: of the entry if there is one, else the one asked for. See
            /// [`key`](map_core::mapref::entry::Entry::key).
            $(#[doc = concat!(
                "\n",
                "```\n",
                "let map = ", $at, "::", $map, "::new();\n",
                "map.insert(\"a\", 1);\n",
                "assert_eq!(map.entry(\"b\").key(), &\"b\");\n",
                "```",
            )])?
            #[inline]
            pub fn key(&self) -> &K {
                match self {
                    Self::Occupied(entry) => entry.key(),
                    Self::Vacant(entry) => entry.key(),
                }
            }

            /// The key that the entry was asked for with: see [`into_key`](map_core::mapref::entry::Entry::into_key).
            $(#[doc = concat!(
                "\n",
                "```\n",
                "let map = ", $at, "::", $map, "::new();\n",
                "map.insert(\"a\", 1);\n",
                "assert_eq!(map.entry(\"b\").into_key(), \"b\");\n",
                "```",
            )])?
            #[inline]
            pub fn into_key(self) -> K {
                self.any().into_key()
            }

            /// The value, which is the default one if the key was not there: see
            /// [`or_default`](map_core::mapref::entry::Entry::or_default).
            $(#[doc = concat!(
                "\n",
                "```\n",
                "let map = ", $at, "::", $map, "::new();\n",
                "map.insert(\"a\", 1);\n",
                "assert_eq!(*map.entry(\"b\").or_default(), 0);\n",
                "```",
            )])?
            #[inline]
            pub fn or_default(self) -> $crate::mapref::one::RefMut<'a, K, V, T>
            where
                V: Default,
            {
                self.any().or_default()
            }

            /// The value, which is `value` if the key was not there: see
            /// [`or_insert`](map_core::mapref::entry::Entry::or_insert).
            $(#[doc = concat!(
                "\n",
                "```\n",
                "let map = ", $at, "::", $map, "::new();\n",
                "map.insert(\"a\", 1);\n",
                "assert_eq!(*map.entry(\"a\").or_insert(9), 1);\n",
                "assert_eq!(*map.entry(\"b\").or_insert(9), 9);\n",
                "```",
            )])?
            #[inline]
            pub fn or_insert(self, value: V) -> $crate::mapref::one::RefMut<'a, K, V, T> {
                self.any().or_insert(value)
            }

            /// The value, which is what `make` returns if the key was not there: see
            /// [`or_insert_with`](map_core::mapref::entry::Entry::or_insert_with).
            $(#[doc = concat!(
                "\n",
                "```\n",
                "let map = ", $at, "::", $map, "::new();\n",
                "map.insert(\"a\", 1);\n",
                "assert_eq!(*map.entry(\"b\").or_insert_with(|| 9), 9);\n",
                "```",
            )])?
            #[inline]
            pub fn or_insert_with(
                self,
                make: impl FnOnce() -> V,
            ) -> $crate::mapref::one::RefMut<'a, K, V, T> {
                self.any().or_insert_with(make)
            }

            /// The same, with a `make` that can fail: see
            /// [`or_try_insert_with`](map_core::mapref::entry::Entry::or_try_insert_with).
            ///
            /// # Errors
            ///
            /// What `make` returned; nothing was inserted.
            $(#[doc = concat!(
                "\n",
                "```\n",
                "let map = ", $at, "::", $map, "::new();\n",
                "map.insert(\"a\", 1);\n",
                "assert!(map.entry(\"b\").or_try_insert_with(|| \"nine\".parse()).is_err());\n",
                "assert!(!map.contains_key(\"b\"));\n",
                "```",
            )])?
            #[inline]
            pub fn or_try_insert_with<E>(
                self,
                make: impl FnOnce() -> Result<V, E>,
            ) -> Result<$crate::mapref::one::RefMut<'a, K, V, T>, E> {
                self.any().or_try_insert_with(make)
            }

            /// Stores a value, whether the key was there or not: see
            /// [`insert`](map_core::mapref::entry::Entry::insert).
            $(#[doc = concat!(
                "\n",
                "```\n",
                "let map = ", $at, "::", $map, "::new();\n",
                "map.insert(\"a\", 1);\n",
                "*map.entry(\"a\").insert(8) += 1;\n",
                "assert_eq!(map.get_copied(\"a\"), Some(9));\n",
                "```",
            )])?
            #[inline]
            pub fn insert(self, value: V) -> $crate::mapref::one::RefMut<'a, K, V, T> {
                self.any().insert(value)
            }

            /// The same, but goes on with the entry: see
            /// [`insert_entry`](map_core::mapref::entry::Entry::insert_entry).
            $(#[doc = concat!(
                "\n",
                "```\n",
                "let map = ", $at, "::", $map, "::new();\n",
                "map.insert(\"a\", 1);\n",
                "assert_eq!(map.entry(\"b\").insert_entry(9).remove(), 9);\n",
                "```",
            )])?
            #[inline]
            pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K, V, T>
            where
                K: Clone,
            {
                self.any().insert_entry(value)
            }
        }
    };
}

/// The part of [`map_aliases`](crate::map_aliases) that there is with the feature `rayon`.
#[cfg(feature = "rayon")]
#[doc(hidden)]
#[macro_export]
macro_rules! parallel_aliases {
    ($strategy:ty $(, $at:literal, $map:literal, $set:literal)?) => {
        /// Parallel iterators over a map, or over another map if `T` says so. What may be called while
        /// they go on is said in [`map_core::rayon`].
        $(#[doc = concat!(
            "\n",
            "```\n",
            "use ", $at, "::{", $map, ", ", $set, ", rayon};\n",
            "use ::rayon::iter::{IntoParallelIterator, ParallelIterator};\n",
            "\n",
            "fn total(entries: rayon::map::Iter<'_, u32, u64>) -> u64 {\n",
            "    entries.map(|value| *value).sum()\n",
            "}\n",
            "\n",
            "let squares: ", $map, "<u32, u64> = (0..1000).into_par_iter().map(|n| (n, u64::from(n * n))).collect();\n",
            "assert_eq!(total(squares.par_iter()), 332_833_500);\n",
            "let keys: ", $set, "<u32> = (0..1000).into_par_iter().collect();\n",
            "let even: rayon::set::Iter<'_, u32> = keys.par_iter();\n",
            "assert_eq!(even.filter(|key| **key % 2 == 0).count(), 500);\n",
            "let view = squares.into_read_only();\n",
            "let entries: rayon::view::Iter<'_, u32, u64> = (&view).into_par_iter();\n",
            "assert_eq!(entries.map(|entry| entry.value()).max(), Some(&998_001));\n",
            "```",
        )])?
        pub mod rayon {
            /// Parallel iterators over a map.
            pub mod map {
                use $crate::rayon::{map, map_mut};

                /// Goes over the entries in parallel, giving out read guards: [`Iter`](map_core::rayon::map::Iter).
                pub type Iter<'a, K, V, T = $strategy> = map::Iter<'a, K, V, T>;
                /// Goes over the entries in parallel, giving out write guards:
                /// [`IterMut`](map_core::rayon::map_mut::IterMut).
                pub type IterMut<'a, K, V, T = $strategy> = map_mut::IterMut<'a, K, V, T>;
                /// Takes the entries out in parallel: [`OwningIter`](map_core::rayon::map::OwningIter).
                pub type OwningIter<K, V, T = $strategy> = map::OwningIter<K, V, T>;
            }

            /// Parallel iterators over a set.
            pub mod set {
                use $crate::rayon::set;

                /// Goes over the keys in parallel, giving out read guards: [`Iter`](map_core::rayon::set::Iter).
                pub type Iter<'a, K, T = $strategy> = set::Iter<'a, K, T>;
                /// Takes the keys out in parallel: [`OwningIter`](map_core::rayon::set::OwningIter).
                pub type OwningIter<K, T = $strategy> = set::OwningIter<K, T>;
            }

            #[doc(no_inline)]
            pub use self::view as read_only;

            /// Parallel iterators over a map that is only read.
            pub mod view {
                use $crate::rayon::view;

                #[doc(no_inline)]
                pub use view::Entry;

                /// Goes over the entries in parallel, without a lock: [`Iter`](map_core::rayon::view::Iter).
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
    ($strategy:ty $(, $at:literal, $map:literal, $set:literal)?) => {};
}
