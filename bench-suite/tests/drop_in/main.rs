//! Code written for dashmap 6 compiles and does the same over the maps of the family: one module, `surface`,
//! is a client of a crate named `dashmap`, which is the real one here and one that re-exports our types there.

#![expect(clippy::duplicate_mod, reason = "that is the point")]

mod adaptive;
mod lock;
mod read_dirty;
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
            assert_eq!(adaptive::surface::$part(), theirs, "over AdaptiveMap");
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
    debugs,
    bounds_of_clones,
    bounds_of_maps,
    bounds_of_guards,
    bounds_of_sets_and_views,
    sent_types,
    spawned,
    shorter_lifetimes,
);

same!(
    parallel_hashers,
    parallel_maps,
    parallel_sets,
    parallel_views,
    parallel_types
);

same!(formats);

/// The same over `ReadDirtyMap`, where that does not mean something else.
mod over_read_dirty {
    macro_rules! same {
        ($($part:ident),+ $(,)?) => {
            $(#[test]
            fn $part() {
                let theirs = crate::theirs::surface::$part();
                assert_eq!(crate::read_dirty::surface::$part(), theirs);
            })+
        };
    }

    same!(
        constructors,
        points,
        borrowed_keys,
        guards,
        parts_of_values,
        entries,
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
        debugs,
        bounds_of_clones,
        bounds_of_maps,
        bounds_of_guards,
        bounds_of_sets_and_views,
        sent_types,
        spawned,
        shorter_lifetimes,
    );

    same!(
        parallel_hashers,
        parallel_maps,
        parallel_sets,
        parallel_views,
        parallel_types
    );

    same!(formats);
}

/// The rest over `ReadDirtyMap`: `others` are the lines that it may see otherwise.
fn same_but_for(ours: &[String], theirs: &[String], others: &[usize]) {
    assert_eq!(ours.len(), theirs.len());
    for (line, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!(
            others.contains(&line) || ours == theirs,
            "{ours} and {theirs}"
        );
    }
}

/// Its read guards are snapshots, and in no writer's way.
#[test]
fn tries_over_read_dirty() {
    let (ours, theirs) = (read_dirty::surface::tries(), theirs::surface::tries());
    same_but_for(&ours, &theirs, &[8]);
    assert_eq!(ours[8], "map.try_get_mut(&1).is_locked(): false");
}

/// There an inserted key takes the place of the stored one.
#[test]
fn occupied_and_vacant_over_read_dirty() {
    let ours = read_dirty::surface::occupied_and_vacant();
    let theirs = theirs::surface::occupied_and_vacant();
    let last = theirs.len() - 1;
    same_but_for(&ours, &theirs, &[last]);
    assert!(ours[last].contains("Name(\"a\", 10), 60"), "{}", ours[last]);
}

/// There drops come late, and pairs that were removed are clones: the counts of drops (line 0) and of
/// values that are left (line 2) may differ as long as the map lives.
#[test]
fn drops_over_read_dirty() {
    let (ours, theirs) = (read_dirty::surface::drops(), theirs::surface::drops());
    same_but_for(&ours, &theirs, &[0, 2]);
}

/// Where dashmap lets more go to other threads than is sound, or we less than would be.
///
/// - Who has a write guard or an entry can take the value out: so one that is sent takes the value along, which has to be
///   `Send`. (It is not shared by itself, either: that is asked of the shard that it is in.)
/// - An iterator that is sent is used beside the map on the thread that it came from: so what both meet, keys, values
///   and hasher, has to be what the map asks for to be shared.
fn stays_here(fact: &str) -> bool {
    // How types are spaced depends on how the compiler came to know them.
    let fact: String = fact.split_whitespace().collect();
    let (of, what) = fact.rsplit_once(':').expect("a type and a trait");
    let (name, parameters) = of.split_once('<').unwrap_or((of, ""));
    let names = |names: &[&str]| names.contains(&name);
    let has = |kinds: &[&str]| kinds.iter().any(|kind| parameters.contains(kind));
    let writes = [
        "RefMut",
        "RefMutMulti",
        "Entry",
        "OccupiedEntry",
        "VacantEntry",
    ];
    let walks = ["Iter", "IterMut", "iter_set::Iter"];
    ["Send", "Sync"].contains(&what)
        && (names(&writes) && has(&["SyncOnly"])
            || names(&walks) && has(&["SyncOnly", "SendOnly", "Neither"]))
}

/// Whatever may be sent, shared and so on there, may be here.
#[test]
fn auto_traits() {
    let theirs = theirs::surface::auto_traits();
    assert!(theirs.iter().any(|fact| stays_here(fact)));
    for (name, ours) in [
        ("ShardedMap", sharded::surface::auto_traits()),
        ("LockMap", lock::surface::auto_traits()),
        ("AdaptiveMap", adaptive::surface::auto_traits()),
        ("ReadDirtyMap", read_dirty::surface::auto_traits()),
    ] {
        // Nodes are sent and shared alike, also those that are taken apart.
        let in_nodes = ["AdaptiveMap", "ReadDirtyMap"].contains(&name);
        let stays = |fact: &str| stays_here(fact) || in_nodes && fact.contains("OwningIter");
        let is_less = |fact: &&String| !ours.contains(fact) && !stays(fact);
        let less: Vec<_> = theirs.iter().filter(is_less).collect();
        assert!(less.is_empty(), "{name}: {less:#?}");
    }
}

/// It would be noticed if something were seen otherwise.
#[test]
fn a_difference_shows() {
    assert_ne!(theirs::surface::points(), sharded::surface::operators());
}
