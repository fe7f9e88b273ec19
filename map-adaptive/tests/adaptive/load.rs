//! Loads to put on a map, one operation after another: no clock, no threads.

use std::collections::VecDeque;

use map_adaptive::policy::Canary;
use map_adaptive::{AdaptiveMap, Kind, SelectorConfig};

/// Keys that are always there.
pub(crate) const KEYS: u64 = 10_000;

/// At most so many operations lie between one sample and the next: of a thread's reads 128 to 384, of a shard's writes
/// 256, and 128 more each other time.
pub(crate) const A_SAMPLE: u64 = 384;

/// Windows of so many samples leave next to nothing to chance. A share of 30 % is then off by 1.4 %, typically, and the
/// mixes below are five times that away from any threshold that they are not to cross.
pub(crate) const WINDOW: u32 = 1024;

pub(crate) type Map = AdaptiveMap<u64, u64>;

/// So many of a thousand operations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    /// Replace the value of a key.
    pub(crate) updates: u32,
    /// Create a key, or destroy one.
    pub(crate) churn: u32,
}

pub(crate) const READ_MOSTLY: Mix = Mix {
    updates: 10,
    churn: 0,
};
/// More than 10 % of random writes.
pub(crate) const RANDOM_WRITES: Mix = Mix {
    updates: 200,
    churn: 0,
};
/// More than 35 %.
pub(crate) const WRITE_HEAVY: Mix = Mix {
    updates: 500,
    churn: 0,
};
/// More than 20 %, and not yet 35 %.
pub(crate) const CHURN: Mix = Mix {
    updates: 0,
    churn: 280,
};

/// One thread's operations.
#[derive(Debug)]
pub(crate) struct Load {
    random: fastrand::Rng,
    /// Keys that have come and will go.
    passing: VecDeque<u64>,
    next: u64,
}

impl Load {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            passing: VecDeque::new(),
            next: KEYS,
        }
    }

    /// So many operations.
    pub(crate) fn run(&mut self, map: &Map, mix: Mix, operations: u64) {
        for _ in 0..operations {
            let chosen = self.random.u32(..1000);
            if chosen < mix.updates {
                map.insert(self.random.u64(..KEYS), chosen.into());
            } else if chosen < mix.updates + mix.churn {
                self.come_or_go(map);
            } else {
                assert!(map.contains_key(&self.random.u64(..KEYS)));
            }
        }
    }

    /// Operations until something is so, `limit` at most. Says how many.
    pub(crate) fn run_until(
        &mut self,
        map: &Map,
        mix: Mix,
        limit: u64,
        is_so: impl Fn(&Map) -> bool,
    ) -> u64 {
        let mut done = 0;
        while !is_so(map) {
            assert!(
                done < limit,
                "{done} operations of {mix:?}, and: {:#?}",
                map.explain()
            );
            self.run(map, mix, A_SAMPLE);
            done += A_SAMPLE;
        }
        done
    }

    fn come_or_go(&mut self, map: &Map) {
        let comes = match self.passing.len() {
            0 => true,
            1000.. => false,
            _ => self.random.bool(),
        };
        if comes {
            assert_eq!(map.insert(self.next, self.next), None);
            self.passing.push_back(self.next);
            self.next += 1;
        } else if let Some(key) = self.passing.pop_front() {
            assert_eq!(map.remove(&key), Some((key, key)));
        }
    }
}

/// What is proposed is done, unseen: these tests are about what is proposed, and costs are a matter of luck. And so are the
/// times that windows take: all samples are taken.
pub(crate) fn unseen(start: Kind) -> SelectorConfig {
    SelectorConfig {
        start,
        window_samples: WINDOW,
        thinning: 1,
        canary: Canary {
            skip: true,
            ..Canary::default()
        },
        ..SelectorConfig::default()
    }
}

/// A map of all keys and so many shards.
pub(crate) fn filled(config: SelectorConfig, shards: usize) -> Map {
    let builder = Map::builder()
        .selector(config)
        .shards(shards)
        .shard_limit(1 << 20);
    let map = builder.build().expect("the configuration is sound");
    for key in 0..KEYS {
        map.insert(key, key);
    }
    assert_eq!(map.shards(), shards);
    map
}

/// Whether all shards are of a kind, and nothing is left to be done.
pub(crate) fn all_are(map: &Map, kind: Kind) -> bool {
    let stats = map.stats();
    map.strategy() == kind && stats.of(kind).shards == stats.shards() && stats.leaving_shards == 0
}
