//! The mixes: which operations, in which shares, on which keys.

use serde::Serialize;

/// A mix of operations on a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// Reads of present keys.
    ReadHit,
    /// The same, by Zipf's law.
    ReadHitZipf,
    /// Reads of absent keys.
    ReadMiss,
    /// 95 % reads, 5 % updates.
    #[serde(rename = "95-5")]
    Mostly95,
    /// The same, by Zipf's law.
    #[serde(rename = "95-5-zipf")]
    Mostly95Zipf,
    /// 70 % reads, 25 % updates, 5 % inserts and removes.
    #[serde(rename = "70-25-5")]
    Mixed70,
    /// Half reads, half updates.
    #[serde(rename = "50-50")]
    Half,
    /// Updates.
    Update,
    /// 10 % reads, 45 % inserts, 45 % removes.
    Churn,
    /// Inserts into an empty map.
    Growth,
}

/// The exponent of Zipf's law where nothing else is asked for.
pub const ZIPF: f64 = 0.99;

/// The shares of a mix, in percent, and where its keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Reads.
    pub read: u32,
    /// Updates of present keys.
    pub update: u32,
    /// Inserts of new keys and removes of old ones, in turns.
    pub turnover: u32,
    /// What reads look for.
    pub reads: Reads,
}

/// What the reads of a mix look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Keys that every thread shares and nobody removes.
    Residents,
    /// Keys that were never inserted.
    Strangers,
    /// Keys that the reading thread inserted and has not removed yet.
    OwnWindow,
}

/// How `keys` keys are divided between residents and the windows of the threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    /// Keys that stay. They are read and updated by all threads.
    pub residents: u64,
    /// Keys of each thread that come and go, oldest first.
    pub window: u64,
}

impl Workload {
    /// Every workload, in the order of the table.
    pub const ALL: [Workload; 10] = [
        Workload::ReadHit,
        Workload::ReadHitZipf,
        Workload::ReadMiss,
        Workload::Mostly95,
        Workload::Mostly95Zipf,
        Workload::Mixed70,
        Workload::Half,
        Workload::Update,
        Workload::Churn,
        Workload::Growth,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Workload::ReadHit => "read-hit",
            Workload::ReadHitZipf => "read-hit-zipf",
            Workload::ReadMiss => "read-miss",
            Workload::Mostly95 => "95-5",
            Workload::Mostly95Zipf => "95-5-zipf",
            Workload::Mixed70 => "70-25-5",
            Workload::Half => "50-50",
            Workload::Update => "update",
            Workload::Churn => "churn",
            Workload::Growth => "growth",
        }
    }

    /// One line for `--help`.
    pub fn about(self) -> &'static str {
        match self {
            Workload::ReadHit => "100 % reads of present keys",
            Workload::ReadHitZipf => "the same, keys picked by Zipf's law with exponent 0.99",
            Workload::ReadMiss => "100 % reads of absent keys",
            Workload::Mostly95 => "95 % reads, 5 % updates, all of present keys",
            Workload::Mostly95Zipf => "the same, keys picked by Zipf's law with exponent 0.99",
            Workload::Mixed70 => {
                "70 % reads and 25 % updates of the 90 % of the keys that stay; 5 % insert a new key or remove the \
                 oldest one that this thread inserted, in turns, so that the size is steady to one key a thread"
            }
            Workload::Half => "50 % reads, 50 % updates, all of present keys",
            Workload::Update => "100 % updates of present keys",
            Workload::Churn => {
                "10 % reads, 45 % inserts of new keys, 45 % removes of the oldest, the last two in turns; each thread \
                 has its share of the keys and reads those; every read hits; the size is steady to one key a thread"
            }
            Workload::Growth => {
                "inserts of new keys into an empty map, each thread its share, until all are in; making and dropping \
                 the map is not timed"
            }
        }
    }

    /// The shares; `None` for growth, which is not a steady state.
    pub fn shares(self) -> Option<Shares> {
        let shares = |read, update, turnover, reads| {
            Some(Shares {
                read,
                update,
                turnover,
                reads,
            })
        };
        match self {
            Workload::ReadHit | Workload::ReadHitZipf => shares(100, 0, 0, Reads::Residents),
            Workload::ReadMiss => shares(100, 0, 0, Reads::Strangers),
            Workload::Mostly95 | Workload::Mostly95Zipf => shares(95, 5, 0, Reads::Residents),
            Workload::Mixed70 => shares(70, 25, 5, Reads::Residents),
            Workload::Half => shares(50, 50, 0, Reads::Residents),
            Workload::Update => shares(0, 100, 0, Reads::Residents),
            Workload::Churn => shares(10, 0, 90, Reads::OwnWindow),
            Workload::Growth => None,
        }
    }

    /// The exponent of Zipf's law that picks the keys, where it is not picked uniformly.
    pub fn skew(self) -> Option<f64> {
        matches!(self, Workload::ReadHitZipf | Workload::Mostly95Zipf).then_some(ZIPF)
    }

    /// Divides the keys. Needs at least two keys for each thread.
    pub fn population(self, keys: u64, threads: u64) -> Population {
        let window = match self {
            Workload::Churn => keys / threads,
            Workload::Mixed70 => (keys / 10 / threads).max(1),
            _ => 0,
        };
        let residents = if self == Workload::Churn {
            0
        } else {
            keys - window * threads
        };
        Population { residents, window }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_a_hundred_and_names_match_the_json() {
        for workload in Workload::ALL {
            if let Some(shares) = workload.shares() {
                assert_eq!(shares.read + shares.update + shares.turnover, 100);
            }
            let json = serde_json::to_string(&workload).expect("a plain enum serialises");
            assert_eq!(json, format!("\"{}\"", workload.name()));
        }
    }

    #[test]
    fn populations_sum_to_the_keys() {
        for workload in Workload::ALL {
            for (keys, threads) in [(2, 1), (4, 2), (1000, 2), (1000, 16), (100_000, 3)] {
                let Population { residents, window } = workload.population(keys, threads);
                let lost = keys - residents - window * threads;
                assert!(lost < threads, "{workload:?}: {lost} keys lost");
                assert!(residents > 0 || workload == Workload::Churn);
            }
        }
    }
}
