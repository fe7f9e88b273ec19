//! Random sequences against the reference: what is sound passes, what is not is shrunk.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use map_core::conformance::model::{explore, shrink};
use map_core::conformance::operations::{Operation, run};
use map_core::conformance::samples::{Aligned, Large, Sample};

use crate::broken::{Broken, Fault};
use crate::panic_of;
use crate::reference::Reference;

fn passes<K: Sample, V: Sample>() {
    explore(
        50,
        300,
        |rng| Operation::random(rng, 8, 4),
        |operations| run(&Reference::<K, V>::default(), operations),
    );
}

#[test]
fn a_correct_map_passes_with_keys_and_values_of_any_shape() {
    passes::<u64, u64>();
    passes::<String, Box<u64>>();
    passes::<Arc<str>, Large>();
    passes::<(), ()>();
    passes::<u8, Aligned>();
}

#[test]
fn faults_that_need_no_second_thread_are_found_and_shrunk() {
    for (fault, at_most) in [
        (Fault::StaleRead, 6),
        (Fault::DroppedInsert, 12),
        (Fault::BlindCompareRemove, 12),
        (Fault::LyingContains, 12),
    ] {
        let message = panic_of(AssertUnwindSafe(|| {
            explore(
                200,
                300,
                |rng| Operation::random(rng, 8, 4),
                |operations| run(&Broken::new(fault), operations),
            );
        }));
        assert!(message.contains("CONFORMANCE_SEED="), "{message}");
        let steps = message
            .lines()
            .skip_while(|line| !line.contains("on a new map"))
            .skip(1);
        let steps = steps.count();
        assert!((1..=at_most).contains(&steps), "{fault:?}: {message}");
    }
}

#[test]
fn panics_are_found_and_shrunk() {
    let message = panic_of(|| {
        let run = |numbers: &[u8]| match numbers.iter().filter(|&&number| number > 200).count() {
            0 | 1 => Ok(()),
            _ => panic!("two large numbers"),
        };
        explore(100, 100, |rng| rng.u8(..), run);
    });
    assert!(message.contains("two large numbers, after"), "{message}");
    assert_eq!(message.lines().count(), 5, "{message}");
}

#[test]
fn shrinking_leaves_what_matters() {
    let needs = |numbers: &[u32]| match numbers {
        _ if [3, 500, 999].iter().all(|number| numbers.contains(number)) => Err("still there"),
        _ => Ok(()),
    };
    let (shortest, error) = shrink((0..1000).collect(), "at first", &needs);
    assert_eq!((&shortest[..], error), (&[3, 500, 999][..], "still there"));
}
