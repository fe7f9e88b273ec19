//! Maps through rayon.

mod collecting;
mod guards;
mod walking;

use std::thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// A pool of its own for each test: what one does to its threads is no concern of the others.
fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads can be started")
}

const LONG: Duration = Duration::from_secs(20);

/// Waits for something, but not for ever; whether it came.
fn wait_for(condition: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() > LONG {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}
