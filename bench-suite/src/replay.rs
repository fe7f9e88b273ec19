//! `replay FILE`: a recorded trace on every subject.

use crate::{
    args::{self, Pace, Party},
    compare::{hasher, progress},
    fail::Fail,
    key::{Key, Value},
    lane::Tally,
    machine::Machine,
    measure::measure,
    report::{Cell, LEGEND, LEGEND_OF_MAPS, OfMaps, Report, block},
    seat::{Laps, Script, Seat},
    subject::{Session, Subject},
    subjects::{Booth, Entry, ROSTER, visit},
    trace::{self, Format, KeyType, Keys, Kind, Summary, Texts},
};
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use std::{
    hint::black_box,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Operations that a thread takes at a time.
const BATCH: usize = 64;

/// Replay a recorded trace on the subjects
///
/// The trace is read into memory, then played from an empty map to its end, growth included, in rounds that go from subject to subject. A
/// short trace is played several times in a round, each time on a new map. Threads take the operations in order of arrival, 64 at a
/// time, off a shared counter; what pins, pins once for such a batch. In a cloudphysics trace a read is a get, which may miss, and
/// a write inserts or replaces; a line of a key file is a get that inserts on a miss. Hits and the size of the map are checked
/// against a play on one thread (hits only with --threads 1: with more, they depend on who is faster).
#[derive(Args, Clone, Debug)]
#[command(mut_arg("round_ms", |arg| arg.default_value("10")))]
pub struct Replay {
    /// The trace, plain or compressed by gzip
    file: PathBuf,
    #[command(flatten)]
    party: Party,
    /// Numbers of threads, separated by commas
    #[arg(short, long, value_delimiter = ',', default_value = "1,2", value_parser = args::threads())]
    threads: Vec<u16>,
    /// Sizes of the values in bytes, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "8", value_parser = ["8", "32"])]
    values: Vec<String>,
    /// The format of the file
    #[arg(short, long, default_value = "auto")]
    format: Format,
    /// The type of the keys, for files of keys
    #[arg(long, default_value = "auto")]
    key_type: KeyType,
    /// Read no more operations than this
    #[arg(short, long, value_name = "N", value_parser = args::count)]
    limit: Option<u64>,
    #[command(flatten)]
    pace: Pace,
    /// Seed of the hasher
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The settings of a run, for its JSON.
#[derive(Debug, Serialize)]
struct Settings {
    file: PathBuf,
    format: Format,
    summary: Summary,
    hasher: &'static str,
    seed: u64,
    rounds: u32,
    round_ms: u64,
}

impl Replay {
    /// Reads, plays and prints.
    pub fn run(&self) -> Result<(), Fail> {
        let subjects = self.party.chosen(ROSTER);
        args::somebody_fits(&subjects, &self.threads)?;
        let limit = self.limit.map_or(usize::MAX, |limit| limit as usize);
        let trace = trace::read(&self.file, self.format, self.key_type, limit)?;
        let json = self.party.open_json()?;
        let summary = trace.summary();
        let machine = Machine::here();
        args::print(&machine)?;
        let &Summary {
            ops,
            reads,
            distinct,
            hits,
            entries,
            ..
        } = &summary;
        args::print(format_args!(
            "{}: {ops} operations on {distinct} keys, {:.1} % reads of which {:.1} % hit; {entries} entries at the end",
            self.file.display(),
            100.0 * reads as f64 / ops as f64,
            100.0 * hits as f64 / reads.max(1) as f64,
        ))?;
        args::print(format_args!(
            "hasher ahash, seed {}, {} rounds",
            self.seed, self.pace.rounds
        ))?;
        args::print(format_args!("{LEGEND}{LEGEND_OF_MAPS}"))?;
        let cells = match trace.keys {
            Keys::Numbers(keys) => self.cells::<u64, _>(&subjects, trace.kinds, keys, summary),
            Keys::Texts(keys) => self.cells::<String, _>(&subjects, trace.kinds, keys, summary),
        }?;
        let label =
            |cell: &Cell<OfMaps>| vec![cell.threads.to_string(), cell.at.value_bytes.to_string()];
        let head = ["threads", "value"];
        let shown = block(&head, &subjects, &cells, machine.cores, label);
        args::print(format_args!("\n{shown}"))?;
        let &Replay {
            seed,
            pace: Pace { rounds, round_ms },
            ..
        } = self;
        let (file, format) = (self.file.clone(), trace.format);
        let settings = Settings {
            file,
            format,
            summary,
            hasher: "ahash::RandomState",
            seed,
            rounds,
            round_ms,
        };
        args::write_json(
            json,
            &Report {
                command: "replay",
                machine,
                settings,
                cells,
            },
        )
    }

    fn cells<K: Key, C: Column<K> + 'static>(
        &self,
        subjects: &[Entry],
        kinds: Vec<Kind>,
        keys: C,
        due: Summary,
    ) -> Result<Vec<Cell<OfMaps>>, Fail> {
        let mut play = Arc::new(Play {
            kinds,
            keys,
            due,
            threads: 0,
        });
        let seats = |threads: usize| subjects.iter().filter(move |entry| entry.fits(threads));
        let turns: usize = self
            .threads
            .iter()
            .map(|&threads| seats(threads.into()).count())
            .sum();
        let bar = progress((turns * self.values.len()) as u64 * u64::from(self.pace.rounds));
        let mut cells = Vec::new();
        for value in &self.values {
            for &threads in &self.threads {
                let threads = usize::from(threads);
                Arc::get_mut(&mut play)
                    .expect("the seats of the last cell are gone")
                    .threads = threads;
                bar.set_message(format!("{threads} threads, {value}-byte values"));
                let names = seats(threads).map(|entry| entry.name);
                cells.push(match &**value {
                    "8" => self.cell::<K, u64, C>(names, &play, &bar),
                    _ => self.cell::<K, [u64; 4], C>(names, &play, &bar),
                }?);
            }
        }
        bar.finish_and_clear();
        Ok(cells)
    }

    fn cell<K: Key, V: Value, C: Column<K> + 'static>(
        &self,
        names: impl Iterator<Item = &'static str>,
        play: &Arc<Play<C>>,
        bar: &ProgressBar,
    ) -> Result<Cell<OfMaps>, Fail> {
        let setup = Setup {
            play: Arc::clone(play),
            seed: self.seed,
        };
        let seats: Vec<_> = names
            .map(|name| visit::<K, V, _>(name, &setup).expect("the names come from the roster"))
            .collect();
        let scores = measure(&seats, play.threads, self.pace.effort(), || bar.inc(1))?;
        let name = self
            .file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let at = OfMaps {
            workload: name,
            keys: play.due.distinct,
            key_type: K::NAME,
            value_bytes: V::BYTES,
        };
        Ok(Cell::new(at, play.threads, scores))
    }
}

/// The keys of a trace, in their type.
trait Column<K: Key>: Send + Sync {
    fn at(&self, at: usize) -> &K::Lookup;
}

impl Column<u64> for Vec<u64> {
    #[inline(always)]
    fn at(&self, at: usize) -> &u64 {
        &self[at]
    }
}

impl Column<String> for Texts {
    #[inline(always)]
    fn at(&self, at: usize) -> &str {
        Texts::at(self, at)
    }
}

/// A trace as a script.
struct Play<C> {
    kinds: Vec<Kind>,
    keys: C,
    due: Summary,
    threads: usize,
}

impl<K: Key, V: Value, C: Column<K>> Script<K, V> for Play<C> {
    /// The operations that somebody has taken.
    type Shared = AtomicUsize;

    fn ops(&self) -> u64 {
        self.due.ops
    }

    fn play<S: Subject<K, V>>(&self, map: &S, _: usize, taken: &AtomicUsize) -> Tally {
        let mut tally = Tally::default();
        loop {
            // Relaxed: the counter hands out numbers and publishes nothing.
            let begin = taken.fetch_add(BATCH, Ordering::Relaxed);
            if begin >= self.kinds.len() {
                return tally;
            }
            let mut session = map.session();
            for at in begin..self.kinds.len().min(begin + BATCH) {
                let (kind, key) = (self.kinds[at], self.keys.at(at));
                let mut put = kind == Kind::Put;
                if !put {
                    tally.reads += 1;
                    match session.get(key) {
                        Some(word) => {
                            black_box(word);
                            tally.hits += 1;
                        }
                        None => put = kind == Kind::GetOrPut,
                    }
                }
                if put {
                    tally.inserts += 1;
                    tally.inserted += u64::from(session.insert(K::owned(key), V::new(at as u64)));
                }
            }
        }
    }

    fn entries(&self) -> u64 {
        self.due.entries
    }

    fn check(&self, tally: &Tally, laps: u64) -> Result<(), String> {
        let Summary {
            reads,
            hits,
            entries,
            ..
        } = self.due;
        let mut counts = vec![
            ("reads", tally.reads, reads),
            ("inserts of a new key", tally.inserted, entries),
        ];
        if self.threads == 1 {
            counts.push(("reads that hit", tally.hits, hits));
        }
        for (what, got, due) in counts {
            if got != due * laps {
                return Err(format!(
                    "{got} {what}, where the trace implies {}",
                    due * laps
                ));
            }
        }
        Ok(())
    }
}

struct Setup<C> {
    play: Arc<Play<C>>,
    seed: u64,
}

impl<K: Key, V: Value, C: Column<K> + 'static> Booth<K, V> for Setup<C> {
    type Out = Box<dyn Seat>;

    fn visit<S: Subject<K, V> + 'static>(&self) -> Box<dyn Seat> {
        Box::new(Laps::<K, V, S, Play<C>>::new(
            Arc::clone(&self.play),
            hasher(self.seed),
        ))
    }
}
