//! The operations of one thread through a script. As in steady mixes they are drawn while they are played, and every answer is
//! counted.
//!
//! The ids of the keys in the map are a run of numbers, and belong to the threads by turns: thread `t` of `n` has the ids `t`,
//! `t + n`, `t + 2n`, ... from its `tail` to its `head`.
//!
//! - While keys neither come nor go, all threads read and update all keys: the run is the same for all.
//! - Else a thread reads and updates its own keys alone, so that each read has one right answer. It inserts at its head and
//!   removes at its tail, evenly mixed as the shares say: in turns if they are equal.
//!
//! Threads turn over by lot, so at the end of such a phase their tails differ a little. `Lane::enter` brings every thread to the
//! foremost tail and to the keys of the next phase, outside the clock; the run is whole again.
//!
//! The newest key is the one that Zipf's law picks most often.

use super::script::{Mix, Phase};
use crate::{
    key::{Key, Value, number},
    lane::{
        Tally,
        common::{
            Draws, MOST_PICKS, STRANGERS, clear, expect_counts, expect_share, fill, skewed,
            spot_check, spread, stamp,
        },
    },
    subject::{Session, Subject},
    workload::ZIPF,
};
use serde::Serialize;
use std::{hint::black_box, sync::Arc};

/// What was asked in a phase, and what was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Answers {
    /// Point operations.
    #[serde(flatten)]
    pub(super) tally: Tally,
    /// Those of the reads that looked for absent keys.
    pub(super) absent: u64,
    /// Scans.
    pub(super) scans: u64,
    /// Entries that they met.
    pub(super) scanned: u64,
}

impl Answers {
    /// All operations.
    pub(super) fn ops(&self) -> u64 {
        self.tally.ops() + self.scans
    }
}

impl std::iter::Sum for Answers {
    fn sum<I: Iterator<Item = Answers>>(answers: I) -> Answers {
        answers.fold(Answers::default(), |a, b| Answers {
            tally: [a.tally, b.tally].into_iter().sum(),
            absent: a.absent + b.absent,
            scans: a.scans + b.scans,
            scanned: a.scanned + b.scanned,
        })
    }
}

/// A phase as the lanes play it.
#[derive(Clone, Debug)]
pub(super) struct Act {
    mix: Mix,
    /// A dice below the first is a read of a present key; below the second, of an absent one; then update, turnover, scan.
    below: [u64; 4],
    /// How much of a turnover is an insert, of `WHOLE`.
    inserts: u64,
    /// Keys of each thread at the beginning.
    window: u64,
    /// Keys that reads of absent ones pick from.
    keys: u64,
    /// Skewed picks for each thread.
    skews: Vec<Option<Arc<[u32]>>>,
}

/// One, of 32 binary digits.
const WHOLE: u64 = 1 << 32;

impl Act {
    /// For so many threads. `drawn` are acts of the same threads and seed; their picks are taken where they fit.
    pub(super) fn new(phase: &Phase, threads: usize, seed: u64, drawn: &[Act]) -> Act {
        let mix = phase.mix;
        let shares = [
            mix.read_hit,
            mix.read_miss,
            mix.update,
            mix.insert + mix.remove,
            mix.scan,
        ];
        let sum: f64 = shares.iter().sum();
        let mut so_far = 0.0;
        let below = [0, 1, 2, 3].map(|at| {
            so_far += shares[at];
            // What has no share after it gets all of the dice: the same floating-point sums are made, so this is exact.
            (so_far / sum * WHOLE as f64).round() as u64
        });
        let turnover = shares[3];
        let inserts = if mix.turns_over() {
            (mix.insert / turnover * WHOLE as f64).round() as u64
        } else {
            0
        };
        let window = phase.keys / threads as u64;
        let mut act = Act {
            mix,
            below,
            inserts,
            window,
            keys: window * threads as u64,
            skews: vec![None; threads],
        };
        if phase.picks == super::script::Picks::Zipf && mix.read_hit + mix.update > 0.0 {
            let picks = (phase.ops.min(MOST_PICKS as u64) as usize).next_power_of_two();
            let alike = drawn.iter().find(|other| {
                let length = |act: &Act| act.skews[0].as_ref().map(|picks| picks.len());
                other.picked_from(threads) == act.picked_from(threads)
                    && length(other) == Some(picks)
            });
            act.skews = match alike {
                Some(other) => other.skews.clone(),
                None => (0..threads)
                    .map(|thread| {
                        let span = act.picked_from(threads);
                        Some(skewed(span, ZIPF, seed, thread, picks))
                    })
                    .collect(),
            };
        }
        act
    }

    /// Number of keys that a thread picks from at the beginning.
    fn picked_from(&self, threads: usize) -> u64 {
        if self.mix.turns_over() {
            self.window
        } else {
            self.window * threads as u64
        }
    }
}

/// The operations of one thread.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    draws: Draws,
    salt: u64,
    batch: u64,
    thread: u64,
    threads: u64,
    /// This thread's keys in the map are numbers `tail .. head` of its own.
    tail: u64,
    head: u64,
    below: [u64; 4],
    inserts: u64,
    /// What is left of the last insert; one is due when this is `WHOLE`.
    due: u64,
    /// The `n`th pick is of id `(newest - n) * stride + offset`, and less than `span`.
    newest: u64,
    span: u64,
    stride: u64,
    offset: u64,
    /// Keys that reads of absent ones pick from.
    strangers: u64,
    /// Skewed picks, a power of two of them, played in a circle; `None` for uniform picks.
    skew: Option<Arc<[u32]>>,
    skew_at: usize,
    /// Keys that `enter` found in the map, or did not find, against what it should.
    astray: u64,
    answers: Answers,
}

impl Lane {
    /// Before the first phase: without any key.
    pub(super) fn new(thread: usize, threads: usize, seed: u64, batch: u64) -> Lane {
        Lane {
            draws: Draws::new(number(thread as u64, seed)),
            salt: seed,
            batch,
            thread: thread as u64,
            threads: threads as u64,
            tail: 0,
            head: 0,
            below: [0; 4],
            inserts: 0,
            due: 0,
            newest: 0,
            span: 0,
            stride: 0,
            offset: 0,
            strangers: 0,
            skew: None,
            skew_at: thread * 7919,
            astray: 0,
            answers: Answers::default(),
        }
    }

    /// Goes over to a phase: brings this thread's keys to those of the phase, the first of which is number `tail`, which is not
    /// below that of any thread.
    pub(super) fn enter<S: Subject<K, V>, K: Key, V: Value>(
        &mut self,
        act: &Act,
        tail: u64,
        map: &S,
    ) {
        let head = tail + act.window;
        let (thread, threads, salt) = (self.thread, self.threads, self.salt);
        let ids = |numbers: std::ops::Range<u64>| numbers.map(move |it| it * threads + thread);
        debug_assert!(tail >= self.tail, "keys leave at their tail");
        let old = self.tail..self.head.min(tail);
        let excess = head..self.head.max(head);
        let missing = self.head.max(tail)..self.head.max(head);
        let leaving = (old.end - old.start) + (excess.end - excess.start);
        let coming = missing.end - missing.start;
        let left = clear(map, salt, ids(old).chain(ids(excess)));
        let came = fill(map, salt, ids(missing));
        self.astray = (leaving - left) + (coming - came);
        (self.tail, self.head) = (tail, head);
        (self.below, self.inserts) = (act.below, act.inserts);
        // An insert comes first: the keys are never fewer than at the beginning unless removes are more.
        self.due = WHOLE - 1;
        if act.mix.turns_over() {
            (self.stride, self.offset) = (threads, thread);
            (self.newest, self.span) = (head - 1, act.window);
        } else {
            (self.stride, self.offset) = (1, 0);
            (self.newest, self.span) = (head * threads - 1, act.window * threads);
        }
        self.strangers = act.keys;
        self.skew.clone_from(&act.skews[thread as usize]);
        self.answers = Answers::default();
    }

    /// Plays that many operations.
    pub(super) fn play<S: Subject<K, V>, K: Key, V: Value>(&mut self, map: &S, ops: u64) {
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
        let (dice, bits) = (draw & 0xffff_ffff, draw >> 32);
        let tally = &mut self.answers.tally;
        if dice < self.below[1] {
            tally.reads += 1;
            let id = if dice < self.below[0] {
                self.pick(bits)
            } else {
                self.answers.absent += 1;
                STRANGERS + ((bits * self.strangers) >> 32)
            };
            let scratch = K::scratch(number(id, self.salt));
            if let Some(word) = session.get(K::lookup(&scratch)) {
                black_box(word);
                self.answers.tally.hits += 1;
            }
        } else if dice < self.below[2] {
            tally.updates += 1;
            let id = self.pick(bits);
            let scratch = K::scratch(number(id, self.salt));
            let found = session.update(K::lookup(&scratch), stamp(id, draw));
            self.answers.tally.updated += u64::from(found);
        } else if dice < self.below[3] {
            self.turn_over(session);
        } else {
            let scanned = session.scan();
            black_box(scanned.words);
            self.answers.scans += 1;
            self.answers.scanned += scanned.entries;
        }
    }

    #[inline(always)]
    fn turn_over<K: Key, V: Value>(&mut self, session: &mut impl Session<K, V>) {
        let tally = &mut self.answers.tally;
        self.due += self.inserts;
        // The last key stays, so that reads have something to find.
        if self.due >= WHOLE || self.span == 1 {
            self.due = self.due.saturating_sub(WHOLE);
            let id = self.head * self.threads + self.thread;
            let scratch = K::scratch(number(id, self.salt));
            tally.inserts += 1;
            let new = session.insert(K::owned(K::lookup(&scratch)), stamp(id, 0));
            tally.inserted += u64::from(new);
            self.head += 1;
            self.newest += 1;
            self.span += 1;
        } else {
            let id = self.tail * self.threads + self.thread;
            let scratch = K::scratch(number(id, self.salt));
            tally.removes += 1;
            tally.removed += u64::from(session.remove(K::lookup(&scratch)));
            self.tail += 1;
            self.span -= 1;
        }
    }

    /// The id of a present key, from 32 random bits.
    #[inline(always)]
    fn pick(&mut self, bits: u64) -> u64 {
        let pick = match &self.skew {
            None => (bits * self.span) >> 32,
            Some(picks) => {
                let pick = picks[self.skew_at & (picks.len() - 1)];
                self.skew_at += 1;
                // Drawn below the span that was: removes may have made it smaller.
                u64::from(pick).min(self.span - 1)
            }
        };
        (self.newest - pick) * self.stride + self.offset
    }

    /// What happened in this phase.
    pub(super) fn answers(&self) -> Answers {
        self.answers
    }

    /// The number of its first key.
    pub(super) fn tail(&self) -> u64 {
        self.tail
    }

    /// This thread's entries in the map now.
    pub(super) fn held(&self) -> u64 {
        self.head - self.tail
    }

    /// Holds the answers of a phase against what it promises, and looks at a few entries; `Err` says what is wrong.
    pub(super) fn check<S: Subject<K, V>, K: Key, V: Value>(
        &self,
        act: &Act,
        map: &S,
    ) -> Result<(), String> {
        let Answers {
            tally,
            absent,
            scans,
            scanned,
        } = self.answers;
        expect_counts(&[
            ("keys astray between the phases", self.astray, 0),
            ("reads that hit", tally.hits, tally.reads - absent),
            ("updates that found their key", tally.updated, tally.updates),
            ("inserts of a new key", tally.inserted, tally.inserts),
            ("removes that found their key", tally.removed, tally.removes),
        ])?;
        // Where keys come and go, nobody can say how many a scan must meet.
        let due = scans * act.keys;
        if !act.mix.turns_over() && scanned < due {
            return Err(format!(
                "{scans} scans met {scanned} entries, where the workload implies {due}"
            ));
        }
        let Mix {
            read_hit,
            read_miss,
            update,
            insert,
            remove,
            scan,
        } = act.mix;
        let ops = self.answers.ops();
        let turnover = tally.inserts + tally.removes;
        for (what, got, share) in [
            ("reads of present keys", tally.reads - absent, read_hit),
            ("reads of absent keys", absent, read_miss),
            ("updates", tally.updates, update),
            ("inserts and removes", turnover, insert + remove),
            ("scans", scans, scan),
        ] {
            expect_share(what, got, ops, share)?;
        }
        let id = |at: u64| (self.tail + at) * self.threads + self.thread;
        spot_check(map, self.salt, spread(self.held()).map(id))
    }
}

#[cfg(test)]
mod tests;
