//! The behaviours as tests: one for each behaviour and kind of hasher.

/// Tests the maps of a [`Maker`](crate::conformance::maker::Maker), in a module of this name:
/// `conformance_suite!(sharded, ShardedMaps)`.
///
/// With `in_place` as the third argument, also what only maps can do whose entries stay where they
/// are and are never cloned: keep values that are not [`Clone`], drop at once what leaves the map,
/// and catch every attempt of a thread to wait for itself. With `guards_stay`, guards need not be
/// [`Send`].
///
/// ```
/// # use std::hash::{BuildHasher, Hash};
/// #
/// # use map_core::conformance::maker::Maker;
/// # use map_core::{Map, Strategy};
/// # use map_sharded::Sharded;
/// #
/// # #[derive(Clone, Copy)]
/// # struct ShardedMaps;
/// #
/// # impl Maker for ShardedMaps {
/// #     type Strategy = Sharded;
/// #     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
/// #     where
/// #         Sharded: Strategy<K, V>,
/// #     {
/// #         Map::with_hasher(hasher)
/// #     }
/// # }
/// // In a test of a crate.
/// map_core::conformance_suite!(sharded, ShardedMaps);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance_suite {
    ($module:ident, $maker:expr) => {
        mod $module {
            use super::*;
            $crate::__conformance_hashers!(every_map $maker);
            $crate::__conformance_behaviours!(once any_hasher Good $maker);
            $crate::__conformance_send!($maker);
        }
    };
    ($module:ident, $maker:expr, guards_stay) => {
        mod $module {
            use super::*;
            $crate::__conformance_hashers!(every_map $maker);
            $crate::__conformance_behaviours!(once any_hasher Good $maker);
        }
    };
    ($module:ident, $maker:expr, in_place) => {
        mod $module {
            use super::*;
            $crate::conformance_suite!(every_map, $maker);
            mod in_place {
                use super::*;
                $crate::__conformance_hashers!(in_place $maker);
                $crate::__conformance_behaviours!(once_in_place any_hasher Good $maker);
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_hashers {
    ($which:ident $maker:expr) => {
        $crate::__conformance_behaviours!($which good Good $maker);
        $crate::__conformance_behaviours!($which constant Constant $maker);
        $crate::__conformance_behaviours!($which low_bits LowBits $maker);
        $crate::__conformance_behaviours!($which high_bits HighBits $maker);
    };
}

/// The list of all behaviours.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_behaviours {
    (every_map $($how:tt)*) => {
        $crate::__conformance_tests! { $($how)*;
            single: reads, insert, get_mut, removes, insert_after_remove, comparisons,
                get_or_insert, computes, tries, equivalent_lookups, operators;
            entries: or_inserts, and_modify, either, occupied, vacant, growth;
            whole: iterations, items_outlive_the_iterator, abandoned_iterators, retain, clear,
                capacity, memory_comes_back, shard_amounts, clones, collections;
            changes: alter, alter_all, panics, iter_mut, guards_together, changes_add_up, drops;
            views: read_only, sets;
            sequences: few_keys, many_keys, heap, zero_sized, large_and_aligned;
            races: insertion_happens_once, one_wins, increments_add_up, tokens_are_kept,
                inserts_while_splitting;
            walks: iteration, iteration_of_less_and_less, lookups, len_while_growing, len, clear_and_retain, reshaping;
            histories: operations, guards;
            drops: everything_once, everything_once_from_threads, churn;
            panics: reads, writes, removals, entries, growth, all_entries, the_end, beside_others;
            hostile: keys, keys_from_threads;
            nesting: reads_within_reads, reads_past_a_waiting_writer, other_maps,
                tries_do_not_wait, guards_keep_others_out, drops_that_use_the_map;
        }
    };
    // What does not depend on the hasher, and takes a while.
    (once $($how:tt)*) => {
        $crate::__conformance_tests! { $($how)*;
            nesting: waiting_for_oneself;
        }
    };
    (in_place $($how:tt)*) => {
        $crate::__conformance_tests! { $($how)*;
            in_place: unclonable, nothing_is_cloned, immediate_drops, interior_mutability;
        }
    };
    (once_in_place $($how:tt)*) => {
        $crate::__conformance_tests! { $($how)*;
            in_place: waiting_for_oneself;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($hasher:ident $kind:ident $maker:expr; $($group:ident: $($behaviour:ident),+;)*) => {
        mod $hasher {
            use super::*;
            $(mod $group {
                use super::*;
                $(#[test]
                fn $behaviour() {
                    $crate::conformance::maker::run(
                        $maker,
                        $crate::conformance::hashers::Kind::$kind,
                        $crate::conformance::$group::$behaviour,
                    );
                })+
            })*
        }
    };
}

/// Written for the type itself: whether a guard is `Send` cannot be asked for generically.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_send {
    ($maker:expr) => {
        /// A guard may go to another thread and end there.
        #[test]
        fn guards_change_threads() {
            use $crate::conformance::{maker::Maker, watchdog};
            watchdog::watch(|| {
                let map = Maker::make::<u64, u64, _>($maker, ::std::hash::RandomState::new());
                map.insert(1, 1);
                map.insert(2, 2);
                ::std::thread::scope(|scope| {
                    let guard = map.get(&1).expect("it is there");
                    scope.spawn(move || assert_eq!(*guard, 1));
                });
                ::std::thread::scope(|scope| {
                    let mut guard = map.get_mut(&1).expect("it is there");
                    scope.spawn(move || *guard += 2);
                });
                ::std::thread::scope(|scope| {
                    let entry = map.entry(1);
                    scope.spawn(move || *entry.or_insert(0) += 3);
                });
                ::std::thread::scope(|scope| {
                    let items: Vec<_> = map.iter().collect();
                    scope
                        .spawn(move || assert_eq!(items.iter().map(|item| **item).sum::<u64>(), 8));
                });
                ::std::thread::scope(|scope| {
                    // Guards of one shard, used and dropped by two threads at once.
                    for mut guard in map.iter_mut() {
                        scope.spawn(move || *guard += 10);
                    }
                });
                assert_eq!(map.insert(1, 0), Some(16));
                assert_eq!(map.remove(&2), Some((2, 12)));
            });
        }
    };
}
