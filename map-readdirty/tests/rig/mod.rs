#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]
//! What the models share: the real map, over keys whose places are known.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use loom::thread;
use map_core::Map;

use crate::promotion::{Fill, Promotion};
use crate::raw::strategy::ReadDirty;

/// The map, whatever its policy.
pub type ModelMap<P = Fill, V = u64> = Map<u64, V, ReadDirty<P>, Unmixed>;

/// Hashes a number to itself; the front mixes it.
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

/// The models of walks would notice if they lay elsewhere.
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

/// A map of so many shards, which split when they have more entries than `limit`, as long as they are few.
pub fn map<P: Promotion, V: Clone>(shards: usize, limit: usize) -> ModelMap<P, V> {
    let builder = Map::<u64, V, ReadDirty<P>>::builder().hasher(Unmixed::default());
    let map = builder.shards(shards).shard_limit(limit).build();
    map.expect("no memory is asked for")
}

/// Runs a model of the map.
pub fn model(check: impl Fn(Keys, &Seen) + Send + Sync + 'static) {
    model_less(0, check);
}

/// Runs a large model of the map, with so many preemptions fewer than others.
pub fn model_less(fewer: usize, check: impl Fn(Keys, &Seen) + Send + Sync + 'static) {
    let keys = keys();
    explore_less(fewer, move |seen| check(keys, seen));
}

/// Runs a model.
pub fn explore(check: impl Fn() + Send + Sync + 'static) {
    explore_less(0, move |_| check());
}

/// What a model has come across: all of it in some schedule at least, or it shows less than it seems to.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<BTreeMap<&'static str, bool>>>);

impl Seen {
    /// Notes whether this schedule is one in which something happens.
    pub fn note(&self, what: &'static str, happens: bool) {
        let mut seen = self.0.lock().expect("nobody panics here");
        *seen.entry(what).or_default() |= happens;
    }
}

/// Runs a large model, with so many preemptions fewer than others.
pub fn explore_less(fewer: usize, check: impl Fn(&Seen) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 50_000;
    builder.preemption_bound = builder
        .preemption_bound
        .map(|bound| bound.saturating_sub(fewer));
    let explored = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&explored);
    let seen = Seen::default();
    let noted = seen.clone();
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        check(&noted);
    });
    let explored = explored.load(Ordering::Relaxed);
    assert!(explored > 1, "the model has no schedules to try");
    println!("{explored} schedules");
    for (what, happened) in &*seen.0.lock().expect("nobody panics there") {
        assert!(happened, "in no schedule of the model: {what}");
    }
}

/// An operation on one key, and what it answered.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Get(Option<u64>),
    /// And what it replaced.
    Store(u64, Option<u64>),
    Remove(Option<u64>),
    /// What would be stored where nothing is, whether it was, and what is there then.
    GetOrInsert(u64, bool, u64),
    /// What is expected, what is to come, and whether it did.
    CompareExchange(u64, u64, bool),
    CompareRemove(u64, bool),
}

impl Op {
    /// What is there afterwards, if it can have been so.
    fn apply(self, state: Option<u64>) -> Option<Option<u64>> {
        let (answered, after) = match self {
            Self::Get(got) => (got == state, state),
            Self::Store(new, old) => (old == state, Some(new)),
            Self::Remove(old) => (old == state, None),
            Self::GetOrInsert(new, made, got) => (
                made == state.is_none() && got == state.unwrap_or(new),
                Some(got),
            ),
            Self::CompareExchange(old, new, done) if state == Some(old) => (done, Some(new)),
            Self::CompareExchange(_, _, done) => (!done, state),
            Self::CompareRemove(old, done) if state == Some(old) => (done, None),
            Self::CompareRemove(_, done) => (!done, state),
        };
        answered.then_some(after)
    }
}

/// Whether the threads' operations on a key can have been done one after the other, between what was there at first and
/// what is there at last.
pub fn is_linear(first: Option<u64>, threads: &[&[Op]], last: Option<u64>) -> bool {
    if threads.iter().all(|ops| ops.is_empty()) {
        return first == last;
    }
    (0..threads.len()).any(|next| {
        let mut rest = threads.to_vec();
        let Some((op, after)) = rest[next].split_first() else {
            return false;
        };
        rest[next] = after;
        op.apply(first)
            .is_some_and(|state| is_linear(state, &rest, last))
    })
}

#[track_caller]
pub fn assert_linear(first: Option<u64>, threads: &[&[Op]], last: Option<u64>) {
    assert!(
        is_linear(first, threads, last),
        "{first:?}, then {threads:?}, then {last:?}"
    );
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
