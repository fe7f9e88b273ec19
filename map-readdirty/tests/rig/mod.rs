#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]
//! What the models share: the real map, over keys whose places are known.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use loom::thread;
use map_core::Map;

use crate::promotion::Fill;
use crate::raw::strategy::ReadDirty;

/// The map, whatever its policy.
pub type ModelMap<P = Fill> = Map<u64, u64, ReadDirty<P>, Unmixed>;

/// Hashes a number to one that the front mixes to it: a key is its own mixed hash.
#[derive(Clone, Default)]
pub struct Unmixed(u64);

impl BuildHasher for Unmixed {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for Unmixed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are numbers")
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Keys named by the first bits that tell shards apart. All have different tags.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    pub k00: u64,
    pub k01: u64,
    pub k10: u64,
    pub k11: u64,
    /// In the shard and the line of `k00`, with the same tag.
    pub twin: u64,
}

/// How the front mixes what a hasher returned that it does not know.
const fn mix(hash: u64) -> u64 {
    let wide = hash as u128 * 0xf3f5_4fcc_30a1_8a09;
    (wide as u64) ^ ((wide >> 64) as u64)
}

pub fn keys() -> Keys {
    let find = |tag: u64, prefix: u64, not: u64| {
        let found = (1..1_000_000_u64).find(|&key| {
            let hash = mix(key);
            hash >> 57 == tag && hash << 7 >> 62 == prefix && key != not
        });
        found.expect("one in 512 keys is like that")
    };
    let k00 = find(1, 0, 0);
    Keys {
        k00,
        k01: find(2, 1, 0),
        k10: find(3, 2, 0),
        k11: find(4, 3, 0),
        twin: find(1, 0, k00),
    }
}

/// A map of so many shards, which split when they have more entries than `limit`.
pub fn map<P>(shards: usize, limit: usize) -> ModelMap<P>
where
    ReadDirty<P>: map_core::Strategy<u64, u64>,
{
    let builder = Map::<u64, u64, ReadDirty<P>>::builder().hasher(Unmixed::default());
    let map = builder.shards(shards).shard_limit(limit).build();
    map.expect("no memory is asked for")
}

/// Runs a model of the map.
pub fn model(check: impl Fn(Keys) + Send + Sync + 'static) {
    let keys = keys();
    explore(move || check(keys));
}

/// Runs a model.
pub fn explore(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 50_000;
    let explored = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&explored);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        check();
    });
    let explored = explored.load(Ordering::Relaxed);
    assert!(explored > 1, "the model has no schedules to try");
    println!("{explored} schedules");
}

pub fn spawn<T: 'static, R: 'static>(
    shared: &Arc<T>,
    run: impl FnOnce(&T) -> R + 'static,
) -> thread::JoinHandle<R> {
    let shared = Arc::clone(shared);
    thread::spawn(move || run(&shared))
}

pub fn join<R>(thread: thread::JoinHandle<R>) -> R {
    thread.join().expect("a model that panicked has ended")
}
