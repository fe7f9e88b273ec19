//! The conformance suite finds what is wrong, and nothing else.

mod broken;
mod history_checks;
mod model_checks;
mod reference;

use std::hash::BuildHasher;
use std::panic;
use std::time::Duration;

use map_core::ConcurrentMap;
use map_core::conformance::hashers::{Build, Kind};
use map_core::conformance::seeds;
use map_core::conformance::watchdog;
use reference::Reference;

/// What `test` panics with.
fn panic_of(test: impl FnOnce() + panic::UnwindSafe) -> String {
    let panic = panic::catch_unwind(test).expect_err("this panics");
    seeds::message(&*panic)
}

#[test]
fn hashers_leave_what_they_say_and_count() {
    let hashes = |kind| {
        let (build, calls) = Build::new(kind);
        let mut hashes: Vec<u64> = (0..100_u64).map(|key| build.hash_one(key)).collect();
        assert_eq!(calls.count(), 100);
        assert_eq!(
            Build::new(kind).0.hash_one(7_u64),
            build.clone().hash_one(7_u64)
        );
        assert_eq!(calls.count(), 101, "clones share the count, others do not");
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    };
    assert_eq!(hashes(Kind::Good).len(), 100);
    assert_eq!(hashes(Kind::Constant), [0]);
    assert_eq!(hashes(Kind::LowBits), (0..8).collect::<Vec<_>>());
    assert_eq!(
        hashes(Kind::HighBits),
        (0..8).map(|bits| bits << 61).collect::<Vec<_>>()
    );
}

#[test]
fn a_map_with_a_counted_hasher_shows_its_calls() {
    let (build, calls) = Build::new(Kind::Constant);
    let map = Reference::with_hasher(build);
    assert_eq!(map.insert("key", 1), None);
    assert!(calls.count() > 0);
}

#[test]
fn the_watchdog_bites() {
    watchdog::watch(|| ());
    assert_eq!(
        panic_of(|| watchdog::watch(|| panic!("as it is"))),
        "as it is"
    );
    let hang = || {
        watchdog::watch_for(Duration::from_millis(20), || {
            loop {
                std::thread::park();
            }
        })
    };
    let message = panic_of(hang);
    assert!(message.contains("hangs"), "{message}");
}
