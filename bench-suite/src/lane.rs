//! The operations of one thread in a steady mix.
//!
//! Operations are drawn while they are played, a few at a time: a generator of a nanosecond and arithmetic keys touch hardly any
//! memory that the map could have used, and no branch predictor can learn a stream that never comes round. One draw gives both: its
//! low half is the dice, its high half picks the key.
//!
//! Every answer is counted, and `Lane::check` holds the counts against what the workload promises.

pub(crate) mod common;

use self::common::{
    Draws, STRANGERS, expect_counts, expect_share, fill, spot_check, spread, stamp,
};
use crate::{
    key::{Key, Value, number},
    subject::{Session, Subject},
    workload::{Population, Reads, Shares},
};
use std::{hint::black_box, sync::Arc};

/// First id of the keys that come and go with this thread.
fn transients(thread: usize) -> u64 {
    (thread as u64 + 1) << 40
}

/// What was asked and what was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Reads.
    pub reads: u64,
    /// Reads that found the key.
    pub hits: u64,
    /// Updates.
    pub updates: u64,
    /// Updates that found the key.
    pub updated: u64,
    /// Inserts.
    pub inserts: u64,
    /// Inserts of a key that was new.
    pub inserted: u64,
    /// Removes.
    pub removes: u64,
    /// Removes that found the key.
    pub removed: u64,
}

impl Tally {
    /// All operations.
    pub fn ops(&self) -> u64 {
        self.reads + self.updates + self.inserts + self.removes
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Tally>>(tallies: I) -> Tally {
        tallies.fold(Tally::default(), |a, b| Tally {
            reads: a.reads + b.reads,
            hits: a.hits + b.hits,
            updates: a.updates + b.updates,
            updated: a.updated + b.updated,
            inserts: a.inserts + b.inserts,
            inserted: a.inserted + b.inserted,
            removes: a.removes + b.removes,
            removed: a.removed + b.removed,
        })
    }
}

/// What a lane is made from.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The shares of the operations.
    pub shares: Shares,
    /// The keys.
    pub population: Population,
    /// Number of keys in all, the range of absent keys.
    pub keys: u64,
    /// Seed of keys and dice.
    pub seed: u64,
    /// Operations in a session.
    pub batch: u64,
}

/// The operations of one thread.
#[derive(Clone, Debug)]
pub struct Lane {
    draws: Draws,
    salt: u64,
    batch: u64,
    /// A dice below this is a read; below `update_below`, an update; else it is a turnover.
    read_below: u64,
    update_below: u64,
    shares: Shares,
    /// Reads pick from `read_base .. read_base + read_span`.
    read_base: u64,
    read_span: u64,
    residents: u64,
    /// This thread's keys in the map are `tail .. head`.
    tail: u64,
    head: u64,
    window: u64,
    /// Skewed picks below `residents`, a power of two of them, played in a circle; `None` for uniform picks.
    skew: Option<Arc<[u32]>>,
    skew_at: usize,
    tally: Tally,
}

impl Lane {
    /// The lane of thread number `thread`. `skew` holds indices below the number of keys that reads and updates pick from.
    pub fn new(recipe: &Recipe, thread: usize, skew: Option<Arc<[u32]>>) -> Self {
        let Recipe {
            shares, population, ..
        } = *recipe;
        let dice = |percent: u32| (u64::from(percent) << 32) / 100;
        let tail = transients(thread);
        let (read_base, read_span) = match shares.reads {
            Reads::Residents => (0, population.residents),
            Reads::Strangers => (STRANGERS, recipe.keys),
            Reads::OwnWindow => (tail, population.window),
        };
        let skew = if shares.reads == Reads::OwnWindow {
            None
        } else {
            skew
        };
        Lane {
            draws: Draws::new(number(thread as u64, recipe.seed)),
            salt: recipe.seed,
            batch: recipe.batch,
            read_below: dice(shares.read),
            update_below: dice(shares.read + shares.update),
            shares,
            read_base,
            read_span,
            residents: population.residents,
            tail,
            head: tail + population.window,
            window: population.window,
            skew,
            skew_at: thread * 7919,
            tally: Tally::default(),
        }
    }

    /// Puts this thread's keys into the map, and the residents too if asked to.
    pub fn fill<K: Key, V: Value, S: Subject<K, V>>(&self, map: &S, residents: bool) {
        let residents = if residents { 0..self.residents } else { 0..0 };
        fill(map, self.salt, residents.chain(self.tail..self.head));
    }

    /// Plays that many operations.
    pub fn play<K: Key, V: Value, S: Subject<K, V>>(&mut self, map: &S, ops: u64) {
        // Played on a copy: the compiler may then keep the state in registers.
        let (mut lane, mut draws) = (self.clone(), self.draws.clone());
        let mut left = ops;
        while left > 0 {
            let batch = left.min(self.batch);
            draws.prepare();
            let mut session = map.session();
            let mut in_session = batch;
            while in_session > 0 {
                let next = draws.next(in_session);
                for &draw in next {
                    lane.step(draw, &mut session);
                }
                in_session -= next.len() as u64;
            }
            left -= batch;
        }
        lane.draws = draws;
        *self = lane;
    }

    #[inline(always)]
    fn step<K: Key, V: Value>(&mut self, draw: u64, session: &mut impl Session<K, V>) {
        let dice = draw & 0xffff_ffff;
        if dice < self.read_below {
            let id = self.read_base + self.pick(draw >> 32, self.read_span);
            let scratch = K::scratch(number(id, self.salt));
            self.tally.reads += 1;
            if let Some(word) = session.get(K::lookup(&scratch)) {
                black_box(word);
                self.tally.hits += 1;
            }
        } else if dice < self.update_below {
            let id = self.pick(draw >> 32, self.residents);
            let scratch = K::scratch(number(id, self.salt));
            self.tally.updates += 1;
            let value = stamp(id, draw);
            self.tally.updated += u64::from(session.update(K::lookup(&scratch), value));
        } else if self.head - self.tail <= self.window {
            let scratch = K::scratch(number(self.head, self.salt));
            self.tally.inserts += 1;
            let new = session.insert(K::owned(K::lookup(&scratch)), stamp(self.head, 0));
            self.tally.inserted += u64::from(new);
            self.head += 1;
        } else {
            let scratch = K::scratch(number(self.tail, self.salt));
            self.tally.removes += 1;
            self.tally.removed += u64::from(session.remove(K::lookup(&scratch)));
            self.tail += 1;
            if self.shares.reads == Reads::OwnWindow {
                self.read_base = self.tail;
            }
        }
    }

    /// A number below `span`, from 32 random bits.
    #[inline(always)]
    fn pick(&mut self, bits: u64, span: u64) -> u64 {
        match &self.skew {
            None => (bits * span) >> 32,
            Some(picks) => {
                let pick = picks[self.skew_at & (picks.len() - 1)];
                self.skew_at += 1;
                u64::from(pick)
            }
        }
    }

    /// What happened so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// This thread's entries in the map now.
    pub fn held(&self) -> u64 {
        self.head - self.tail
    }

    /// Holds the answers against what the workload promises; `Err` says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let Tally {
            reads,
            hits,
            updates,
            updated,
            inserts,
            inserted,
            removes,
            removed,
        } = self.tally;
        let due = if self.shares.reads == Reads::Strangers {
            0
        } else {
            reads
        };
        expect_counts(&[
            ("reads that hit", hits, due),
            ("updates that found their key", updated, updates),
            ("inserts of a new key", inserted, inserts),
            ("removes that found their key", removed, removes),
        ])?;
        let turnover = inserts + removes;
        let Shares {
            read,
            update,
            turnover: turnover_share,
            ..
        } = self.shares;
        for (what, got, percent) in [
            ("reads", reads, read),
            ("updates", updates, update),
            ("turnover", turnover, turnover_share),
        ] {
            expect_share(what, got, self.tally.ops(), f64::from(percent) / 100.0)?;
        }
        Ok(())
    }

    /// Looks at a few entries: they must be there, and hold something that was written under their key.
    pub fn spot_check<K: Key, V: Value, S: Subject<K, V>>(&self, map: &S) -> Result<(), String> {
        let own = spread(self.head - self.tail).map(|at| self.tail + at);
        spot_check(map, self.salt, spread(self.residents).chain(own))
    }
}

#[cfg(test)]
pub(crate) mod tests;
