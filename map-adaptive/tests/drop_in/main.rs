//! Code written for dashmap 6 compiles and does the same over the maps of the family: one file, `surface.rs`,
//! is a client of a crate named `dashmap`, which is the real one here and one that re-exports our types there.

#![expect(clippy::duplicate_mod, reason = "that is the point")]

mod lock;
mod sharded;
mod theirs;

/// What each part of `surface.rs` saw must be the same.
macro_rules! same {
    ($($part:ident),+ $(,)?) => {
        $(#[test]
        fn $part() {
            let theirs = theirs::surface::$part();
            assert!(!theirs.is_empty(), "nothing was seen");
            assert_eq!(sharded::surface::$part(), theirs, "over ShardedMap");
            assert_eq!(lock::surface::$part(), theirs, "over LockMap");
        })+
    };
}

same!(
    constructors,
    points,
    borrowed_keys,
    guards,
    parts_of_values,
    tries,
    entries,
    occupied_and_vacant,
    everything,
    iterators,
    many_guards,
    changes,
    operators,
    collections,
    views,
    sets,
    named_types,
    generic_code,
    hashers,
    threads,
    futures,
    drops,
);

/// It would be noticed if something were seen otherwise.
#[test]
fn a_difference_shows() {
    assert_ne!(theirs::surface::points(), sharded::surface::operators());
}
