//! Turns a hang into a failure.

use std::panic;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long one behaviour may take. A sound one takes a second; on an emulated processor, up to a hundred times as long.
const LIMIT: Duration = Duration::from_secs(180);

/// Runs `test` and passes on its panic.
///
/// # Panics
///
/// If `test` panics, or is not done within three minutes; its thread is then left behind.
///
/// ```
/// use map_core::conformance::watchdog::watch;
///
/// let map = map_sharded::ShardedMap::new();
/// watch(move || assert_eq!(map.insert(1, 10), None));
/// ```
pub fn watch(test: impl FnOnce() + Send + 'static) {
    watch_for(LIMIT, test);
}

/// [`watch`] with a limit of the caller's.
///
/// # Panics
///
/// As [`watch`] does.
///
/// ```
/// use std::time::Duration;
///
/// use map_core::conformance::watchdog::watch_for;
///
/// watch_for(Duration::from_secs(10), || assert!(map_sharded::ShardedMap::<u8, u8>::new().is_empty()));
/// ```
pub fn watch_for(limit: Duration, test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel::<()>();
    // The name of the test, for the messages of panics within.
    let name = thread::current().name().unwrap_or("test").to_owned();
    let worker = thread::Builder::new()
        .name(name)
        .spawn(move || {
            // Dropped at the end, by a panic too.
            let _done = done;
            test();
        })
        .expect("the system has a thread for us");
    match is_done.recv_timeout(limit) {
        Err(RecvTimeoutError::Timeout) => panic!("still not done after {limit:?}: it hangs"),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            if let Err(panic) = worker.join() {
                panic::resume_unwind(panic);
            }
        }
    }
}
