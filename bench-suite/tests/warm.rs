//! Warmed memory causes no page faults when it is used again. A program of its own, without the test harness, because
//! the allocator is told so for the whole process, and only while that has one thread.

use bench_suite::warm::{faults, warm};
use std::{hint::black_box, thread};

/// More than glibc maps into an arena of a thread.
const BYTES: usize = 100 << 20;

/// Faults of an allocation whose every byte is written.
fn touching() -> u64 {
    let before = faults();
    drop(black_box(vec![1u8; BYTES]));
    faults() - before
}

fn main() {
    if cfg!(not(all(target_os = "linux", target_env = "gnu"))) {
        assert!(!warm(BYTES), "nobody has said how");
        return;
    }
    // Twice: the system's memory is fresh each time. Few faults are many bytes where pages are huge.
    let cold = [touching(), touching()];
    assert!(cold.iter().all(|&faults| faults >= 40), "{cold:?}");
    assert!(warm(BYTES));
    let here = touching();
    let elsewhere = thread::scope(|scope| scope.spawn(touching).join()).expect("no panic");
    println!("page faults: {cold:?} cold, {here} and {elsewhere} on another thread after warming");
    assert!(10 * here <= cold[0], "{here} of {cold:?}");
    assert!(10 * elsewhere <= cold[0], "{elsewhere} of {cold:?}");
    let refused = thread::scope(|scope| scope.spawn(|| !warm(0)).join()).expect("no panic");
    assert!(refused, "there is another thread");
}
