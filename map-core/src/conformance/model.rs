//! Random operation sequences against a reference, replayable and shrinking.

use std::fmt::Debug;
use std::panic::{self, AssertUnwindSafe};

use super::seeds;

/// Runs random sequences of up to `longest` operations: `draw` makes one, `run` carries a sequence
/// out on a new map and says how it differs from the reference.
///
/// # Panics
///
/// If a sequence fails, by an error or by a panic: with its seed, and with the shortest sequence
/// found that fails.
///
/// ```
/// use map_core::conformance::model::explore;
/// use map_core::conformance::operations::{Operation, run};
/// use map_sharded::ShardedMap;
///
/// let draw = |rng: &mut fastrand::Rng| Operation::random(rng, 8, 8);
/// explore(10, 50, draw, |operations| run::<u64, u64>(&ShardedMap::new(), operations));
/// ```
pub fn explore<O: Clone + Debug>(
    cases: u64,
    longest: usize,
    draw: impl Fn(&mut fastrand::Rng) -> O,
    run: impl Fn(&[O]) -> Result<(), String>,
) {
    let run = |operations: &[O]| {
        panic::catch_unwind(AssertUnwindSafe(|| run(operations)))
            .unwrap_or_else(|panic| Err(seeds::message(&*panic)))
    };
    seeds::each_seed(cases, |seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        // Short sequences find simple mistakes quickly, long ones make the map grow.
        let at_most = longest.min(1 << rng.u32(2..16));
        let length = rng.usize(1..=at_most);
        let operations: Vec<O> = (0..length).map(|_| draw(&mut rng)).collect();
        if let Err(first) = run(&operations) {
            let (shortest, error) = shrink(operations, first, &run);
            let steps: Vec<String> = shortest
                .iter()
                .map(|step| format!("    {step:?}\n"))
                .collect();
            panic!(
                "{error}, after these operations on a new map:\n{}",
                steps.concat()
            );
        }
    });
}

/// Takes out whatever can be taken out while the sequence still fails: halves first, then ever
/// smaller pieces, at last single operations (delta debugging).
///
/// ```
/// use map_core::conformance::model::shrink;
///
/// let fails = |numbers: &[u32]| match numbers.contains(&7) {
///     true => Err("there is a seven"),
///     false => Ok(()),
/// };
/// assert_eq!(shrink((0..100).collect(), "", &fails).0, [7]);
/// ```
pub fn shrink<O: Clone, E>(
    mut operations: Vec<O>,
    mut error: E,
    run: &impl Fn(&[O]) -> Result<(), E>,
) -> (Vec<O>, E) {
    let mut piece = operations.len().div_ceil(2);
    while piece > 0 {
        let mut shrunk = false;
        let mut at = 0;
        while at < operations.len() {
            let end = operations.len().min(at + piece);
            let fewer = [&operations[..at], &operations[end..]].concat();
            match run(&fewer) {
                Err(same) => {
                    (operations, error, shrunk) = (fewer, same, true);
                }
                Ok(()) => at = end,
            }
        }
        if !shrunk || piece > operations.len() {
            piece /= 2;
        }
    }
    (operations, error)
}
