//! Growth from empty: every thread inserts its share of the keys.

use crate::{
    key::{Key, Value, number},
    lane::Tally,
    seat::Script,
    subject::{Session, Subject},
};

/// The script.
#[derive(Clone, Debug)]
pub struct Growth {
    /// Number of keys.
    pub keys: u64,
    /// Number of threads.
    pub threads: u64,
    /// Seed of the keys.
    pub seed: u64,
    /// Operations in a session.
    pub batch: u64,
}

impl<K: Key, V: Value> Script<K, V> for Growth {
    type Shared = ();

    fn ops(&self) -> u64 {
        self.keys
    }

    fn play<S: Subject<K, V>>(&self, map: &S, thread: usize, (): &()) -> Tally {
        let bound = |thread| self.keys * thread / self.threads;
        let (mut id, end) = (bound(thread as u64), bound(thread as u64 + 1));
        let mut tally = Tally {
            inserts: end - id,
            ..Tally::default()
        };
        while id < end {
            let mut session = map.session();
            let stop = end.min(id + self.batch);
            while id < stop {
                let scratch = K::scratch(number(id, self.seed));
                tally.inserted +=
                    u64::from(session.insert(K::owned(K::lookup(&scratch)), V::new(id)));
                id += 1;
            }
        }
        tally
    }

    fn entries(&self) -> u64 {
        self.keys
    }

    fn check(&self, tally: &Tally, laps: u64) -> Result<(), String> {
        let due = self.keys * laps;
        match (tally.inserts, tally.inserted) {
            (inserts, inserted) if inserts == due && inserted == due => Ok(()),
            (inserts, inserted) => Err(format!(
                "{inserted} new keys in {inserts} inserts, where it should be {due}"
            )),
        }
    }
}
