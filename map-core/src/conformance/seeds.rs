//! Which seeds a test runs, and how a failure says which one it was.

use std::any::Any;
use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

/// Runs `case` for each seed: for `quick` of them, unless the environment says otherwise (see the
/// [module](super)).
///
/// # Panics
///
/// If a case panics; the message says which seed replays it.
///
/// ```
/// use map_core::conformance::seeds::each_seed;
///
/// each_seed(3, |seed| assert!(fastrand::Rng::with_seed(seed).u8(..9) < 9));
/// ```
pub fn each_seed(quick: u64, mut case: impl FnMut(u64)) {
    if let Some(seed) = number("CONFORMANCE_SEED") {
        return case(seed);
    }
    for seed in 0..number("CONFORMANCE_CASES").unwrap_or(quick) {
        if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| case(seed))) {
            fail(seed, &message(&*panic));
        }
    }
}

/// Panics with how to replay the case of `seed`.
pub(crate) fn fail(seed: u64, message: &str) -> ! {
    let test = thread::current();
    let test = test.name().unwrap_or_default();
    panic!(
        "the case of seed {seed} failed; to replay it:\n    \
         CONFORMANCE_SEED={seed} cargo test -- --exact {test}\n{message}"
    )
}

/// What a caught panic said.
///
/// ```
/// use map_core::conformance::seeds::message;
///
/// let panic = std::panic::catch_unwind(|| panic!("no")).expect_err("it panics");
/// assert_eq!(message(&*panic), "no");
/// ```
#[must_use]
pub fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

/// A number from the environment.
fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}
