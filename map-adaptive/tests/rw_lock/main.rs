//! `AdaptiveRwLock`, in each of its behaviours and while it changes from one to another.

mod behaviours;
mod guards;
mod stress;
mod threads;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use map_adaptive::lock::{Config, Control};
use map_adaptive::{AdaptiveRwLock, ReadBias};

/// Fails instead of hanging.
fn within_a_minute(work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let worker = thread::spawn(move || {
        work();
        done.send(()).ok();
    });
    if let Err(mpsc::RecvTimeoutError::Timeout) = wait.recv_timeout(Duration::from_secs(60)) {
        panic!("somebody waits for ever");
    }
    if let Err(panic) = worker.join() {
        std::panic::resume_unwind(panic);
    }
}

fn config(bias: ReadBias) -> Config {
    Config {
        bias,
        ..Config::DEFAULT
    }
}

fn set<T>(lock: &AdaptiveRwLock<T>, bias: ReadBias) {
    lock.set_config(config(bias))
        .expect("the shares are left alone");
}

/// A lock whose readers announce themselves from the second on.
fn armed<T>(value: T) -> AdaptiveRwLock<T> {
    let lock = AdaptiveRwLock::new(value);
    set(&lock, ReadBias::Always);
    drop(lock.read());
    lock
}

/// One lock of each behaviour that can be had by asking.
fn both<T: Clone>(value: T) -> [AdaptiveRwLock<T>; 2] {
    let counted = AdaptiveRwLock::new(value.clone());
    set(&counted, ReadBias::Never);
    [counted, armed(value)]
}
