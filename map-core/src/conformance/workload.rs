//! Threads that make a history worth checking.
//!
//! A few *hot* keys are fought over and recorded. Meanwhile every thread inserts and removes
//! *filler* keys of its own, so that the map grows, splits and rebuilds under the operations that
//! are recorded.

use std::ops::Range;
use std::thread;

use super::history::{Call, Clock, Event, Recorder, Reply};
use super::threads::together;
use crate::ConcurrentMap;

/// Filler keys begin here.
const FILLER: u64 = 1 << 32;

/// How large a history shall be, and which.
///
/// ```
/// use map_core::conformance::linearizability::check;
/// use map_core::conformance::workload::{Plan, record};
///
/// let plan = Plan { threads: 2, operations: 50, hot_keys: 3, filler: 1, seed: 7 };
/// assert!(check(&record(&map_sharded::ShardedMap::new(), &plan)).is_ok());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many threads.
    pub threads: usize,
    /// How many recorded operations on each thread.
    pub operations: usize,
    /// How many keys are fought over.
    pub hot_keys: u64,
    /// How many filler keys each thread inserts per recorded operation.
    pub filler: u64,
    /// Chooses the mix of operations, and the operations. (Not how they interleave.)
    pub seed: u64,
}

/// How often each kind of call is made. Some seeds leave some kinds out: many bugs show only
/// where few kinds meet, or need one that others would repair.
struct Mix([u8; 9]);

/// One thread's filler keys: those in `present` are in the map.
struct Filler {
    thread: u64,
    present: Range<u64>,
}

impl Mix {
    fn random(rng: &mut fastrand::Rng) -> Self {
        let mut weights = [0; 9].map(|_: u8| [0, 1, 1, 4][rng.usize(..4)]);
        weights[rng.usize(..2)] += 1; // something that reads,
        weights[[2, 6, 7][rng.usize(..3)]] += 1; // and something that inserts
        Self(weights)
    }

    fn kind(&self, rng: &mut fastrand::Rng) -> usize {
        let total: u8 = self.0.iter().sum();
        let mut at = rng.u8(..total);
        let chosen = self.0.iter().position(|&weight| {
            let here = at < weight;
            at = at.saturating_sub(weight);
            here
        });
        chosen.expect("the weights cover what was drawn")
    }
}

impl Filler {
    fn key(&self, index: u64) -> u64 {
        FILLER + (self.thread << 24) + index
    }

    /// Inserts `count` keys, and now and then removes some of the oldest.
    fn churn(&mut self, map: &impl ConcurrentMap<u64, u64>, count: u64, rng: &mut fastrand::Rng) {
        for _ in 0..count {
            let (index, key) = (self.present.end, self.key(self.present.end));
            assert_eq!(map.insert(key, index), None, "filler {key} was there");
            self.present.end += 1;
        }
        if rng.u8(..64) == 0 {
            for _ in 0..16 * count {
                if self.present.start + 1 >= self.present.end {
                    break;
                }
                let (index, key) = (self.present.start, self.key(self.present.start));
                assert_eq!(
                    map.remove(&key),
                    Some((key, index)),
                    "filler {key} is there"
                );
                self.present.start += 1;
            }
        }
    }

    /// Checks that the map holds exactly what this thread left in it.
    fn verify(&self, map: &impl ConcurrentMap<u64, u64>) {
        for index in 0..self.present.end {
            let expected = self.present.contains(&index).then_some(index);
            let found = map.get_cloned(&self.key(index));
            assert_eq!(found, expected, "filler {}", self.key(index));
        }
    }
}

/// Makes a history on `map`, which must be empty. It ends with a look at every hot key.
///
/// # Panics
///
/// If one thread alone sees a filler key of its own do what it should not.
///
/// ```
/// use map_core::conformance::linearizability::check;
/// use map_core::conformance::workload::{Plan, record};
///
/// let plan = Plan { threads: 2, operations: 50, hot_keys: 3, filler: 1, seed: 7 };
/// let history = record(&map_sharded::ShardedMap::new(), &plan);
/// // Each operation, and the last look at each key.
/// assert_eq!(history.len(), 2 * 50 + 3);
/// assert!(check(&history).is_ok());
/// ```
pub fn record<M: ConcurrentMap<u64, u64> + Sync>(map: &M, plan: &Plan) -> Vec<Event> {
    let clock = Clock::default();
    let mut rng = fastrand::Rng::with_seed(plan.seed);
    let mix = Mix::random(&mut rng);
    let seeds: Vec<u64> = (0..plan.threads).map(|_| rng.u64(..)).collect();

    let mut last = Recorder::new(map, &clock, plan.threads);
    let parts = together(plan.threads, |thread| {
        let mut rng = fastrand::Rng::with_seed(seeds[thread]);
        let mut recorder = Recorder::new(map, &clock, thread);
        let mut filler = Filler {
            thread: thread as u64,
            present: 0..0,
        };
        // What this thread last saw of each key: a guess that makes comparisons succeed at times.
        let mut seen = vec![0; plan.hot_keys as usize];
        for _ in 0..plan.operations {
            let key = rng.u64(..plan.hot_keys);
            let guess = &mut seen[key as usize];
            let call = match mix.kind(&mut rng) {
                0 => Call::Get,
                1 => Call::Contains,
                2 => Call::Insert(recorder.fresh()),
                3 => Call::Remove,
                4 => Call::CompareExchange(*guess, recorder.fresh()),
                5 => Call::CompareRemove(*guess),
                6 => Call::GetOrInsert(recorder.fresh()),
                7 => Call::Add(recorder.fresh_increment()),
                _ => Call::Take,
            };
            match (recorder.call(key, call), call) {
                (Reply::Exchanged(true), Call::CompareExchange(_, new))
                | (_, Call::Insert(new)) => {
                    *guess = new;
                }
                (Reply::Value(old), Call::Add(delta)) => *guess = old.unwrap_or(0) + delta,
                (Reply::Value(Some(value)), _) => *guess = value,
                _ => {}
            }
            filler.churn(map, plan.filler, &mut rng);
            if rng.u8(..16) == 0 {
                thread::yield_now();
            }
        }
        (recorder.into_events(), filler)
    });

    let mut history = Vec::new();
    for (events, filler) in parts {
        history.extend(events);
        filler.verify(map);
    }
    for key in 0..plan.hot_keys {
        last.call(key, Call::Get);
    }
    history.extend(last.into_events());
    history
}
