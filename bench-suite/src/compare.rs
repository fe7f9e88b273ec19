//! `compare`: subjects x workloads x key counts x threads.

use crate::{
    args::{self, Dice, MOST_KEYS, Pace, Party},
    fail::Fail,
    growth::Growth,
    key::{Key, Value},
    lane::{
        Recipe,
        common::{MOST_PICKS, skewed},
    },
    machine::Machine,
    measure::{Effort, Score, measure},
    report::{Cell, LEGEND, LEGEND_OF_MAPS, OfMaps, Report, block},
    seat::{Laps, Seat, Steady},
    subject::{Hasher, Subject},
    subjects::{Booth, Entry, ROSTER, visit},
    workload::Workload,
};
use clap::{ArgAction, Args, ValueEnum, builder::PossibleValue};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::sync::Arc;

impl ValueEnum for Workload {
    fn value_variants<'a>() -> &'a [Self] {
        &Workload::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.about()))
    }
}

/// Types of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyType {
    /// Random 64-bit numbers
    U64,
    /// Strings of twenty bytes, looked up by `&str`
    String,
}

/// Compare the subjects on synthetic mixes
///
/// Every subject of a cell (workload, keys, threads, types) is built with room for its keys and filled, then they are measured
/// in turns, round by round. Every answer is counted and compared with what the workload implies: a subject that does less than it
/// should ends the run. Keys are scattered over 64 bits and picked uniformly, unless the workload or --zipf says otherwise.
#[derive(Args, Clone, Debug)]
pub struct Compare {
    #[command(flatten)]
    party: Party,
    /// Workloads, separated by commas [default: all]
    #[arg(short, long, value_delimiter = ',', hide_default_value = true)]
    workloads: Vec<Workload>,
    /// Numbers of keys in the map, separated by commas
    #[arg(short, long, value_delimiter = ',', default_value = "1k,100k", value_parser = args::count)]
    keys: Vec<u64>,
    /// Numbers of threads, separated by commas
    #[arg(short, long, value_delimiter = ',', default_value = "1,2", value_parser = args::threads())]
    threads: Vec<u16>,
    /// Sizes of the values in bytes, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "8", value_parser = ["8", "32"])]
    values: Vec<String>,
    /// Types of the keys, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "u64")]
    key_type: Vec<KeyType>,
    #[command(flatten)]
    pace: Pace,
    /// Pick the keys of reads and updates by Zipf's law with this exponent in the other workloads too, from a million picks drawn
    /// beforehand
    #[arg(long, value_name = "THETA", allow_negative_numbers = true, value_parser = theta)]
    zipf: Option<f64>,
    #[command(flatten)]
    dice: Dice,
    /// Do not explain the table
    #[arg(short, long, action = ArgAction::SetTrue)]
    quiet: bool,
}

/// The settings of a run, for its JSON.
#[derive(Debug, Serialize)]
struct Settings {
    hasher: &'static str,
    seed: u64,
    rounds: u32,
    round_ms: u64,
    batch: u64,
    zipf: Option<f64>,
}

fn theta(text: &str) -> Result<f64, String> {
    let theta = text
        .parse::<f64>()
        .ok()
        .filter(|theta| theta.is_finite() && (0.0..=10.0).contains(theta));
    theta.ok_or_else(|| "expected an exponent from 0 to 10, such as 0.99".into())
}

/// The hasher of every subject, from the seed.
pub fn hasher(seed: u64) -> Hasher {
    Hasher::with_seeds(seed, !seed, seed.rotate_left(32), 0x9e37_79b9_7f4a_7c15)
}

impl Compare {
    /// Measures and prints.
    pub fn run(&self) -> Result<(), Fail> {
        let subjects = self.party.chosen(ROSTER);
        let workloads = if self.workloads.is_empty() {
            Workload::ALL.to_vec()
        } else {
            self.workloads.clone()
        };
        self.reject(&subjects, &workloads)?;
        let json = self.party.open_json()?;
        let machine = Machine::here();
        args::print(&machine)?;
        args::print(format_args!(
            "hasher ahash, seed {}, {} rounds of {} ms",
            self.dice.seed, self.pace.rounds, self.pace.round_ms
        ))?;
        if !self.quiet {
            args::print(format_args!("{LEGEND}{LEGEND_OF_MAPS}"))?;
        }

        let bar = self.bar(&subjects, workloads.len());
        let mut cells = Vec::new();
        for &key_type in &self.key_type {
            for value in &self.values {
                for &threads in &self.threads {
                    let threads = usize::from(threads);
                    let title = format!(
                        "{} -> {value} bytes, threads: {threads}",
                        key_type_name(key_type)
                    );
                    let mut rows = Vec::new();
                    for &workload in &workloads {
                        for &keys in &self.keys {
                            bar.set_message(format!(
                                "{} {}, {title}",
                                workload.name(),
                                args::short(keys)
                            ));
                            let spot = Spot {
                                compare: self,
                                workload,
                                keys,
                                threads,
                                subjects: &subjects,
                                bar: &bar,
                            };
                            rows.push(match (key_type, &**value) {
                                (KeyType::U64, "8") => spot.cell::<u64, u64>(),
                                (KeyType::U64, _) => spot.cell::<u64, [u64; 4]>(),
                                (KeyType::String, "8") => spot.cell::<String, u64>(),
                                (KeyType::String, _) => spot.cell::<String, [u64; 4]>(),
                            }?);
                        }
                    }
                    let label = |cell: &Cell<OfMaps>| {
                        vec![cell.at.workload.clone(), args::short(cell.at.keys)]
                    };
                    let head = ["workload", "keys"];
                    let shown = block(&head, &subjects, &rows, machine.cores, label);
                    bar.suspend(|| args::print(format_args!("\n{title}\n{shown}")))?;
                    cells.append(&mut rows);
                }
            }
        }
        bar.finish_and_clear();
        let &Compare {
            dice: Dice { batch, seed },
            pace,
            zipf,
            ..
        } = self;
        let settings = Settings {
            hasher: "ahash::RandomState",
            seed,
            rounds: pace.rounds,
            round_ms: pace.round_ms,
            batch,
            zipf,
        };
        args::write_json(
            json,
            &Report {
                command: "compare",
                machine,
                settings,
                cells,
            },
        )
    }

    /// Refuses what cannot be measured, with what can.
    fn reject(&self, subjects: &[Entry], workloads: &[Workload]) -> Result<(), Fail> {
        let most_threads = u64::from(self.threads.iter().copied().max().unwrap_or(1));
        let fewest = self.keys.iter().copied().min().unwrap_or(MOST_KEYS);
        if fewest < 2 * most_threads {
            return Err(Fail::Input(format!(
                "--keys {fewest} is too few for --threads {most_threads}: take at least two keys for each thread"
            )));
        }
        args::somebody_fits(subjects, &self.threads)?;
        let key = if self.key_type.contains(&KeyType::String) {
            <String as Key>::BYTES
        } else {
            <u64 as Key>::BYTES
        };
        let value = if self.values.iter().any(|value| value == "32") {
            32
        } else {
            8
        };
        let steady = workloads.iter().any(|workload| workload.shares().is_some());
        let at_once = if steady { subjects.len() as u64 } else { 1 };
        let most = self.keys.iter().copied().max().unwrap_or(0);
        let needed = args::peak(most, key + value).saturating_mul(at_once);
        let subjects = format!("the {at_once} subjects that are in memory at once");
        args::fits(most, needed, &subjects, "--keys or --subjects")
    }

    fn bar(&self, subjects: &[Entry], workloads: usize) -> ProgressBar {
        let seats = |threads: u16| {
            subjects
                .iter()
                .filter(|entry| entry.fits(threads.into()))
                .count()
        };
        let seats: usize = self.threads.iter().map(|&threads| seats(threads)).sum();
        let cells = workloads * self.keys.len() * self.key_type.len() * self.values.len();
        progress((seats * cells) as u64 * u64::from(self.pace.rounds))
    }
}

/// A bar on the standard error stream, if that is a terminal.
pub fn progress(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {percent}% {eta} {msg}");
    ProgressBar::new(length).with_style(style.expect("the template is correct"))
}

fn key_type_name(key_type: KeyType) -> &'static str {
    match key_type {
        KeyType::U64 => <u64 as Key>::NAME,
        KeyType::String => <String as Key>::NAME,
    }
}

/// A cell before it is measured.
struct Spot<'a> {
    compare: &'a Compare,
    workload: Workload,
    keys: u64,
    threads: usize,
    subjects: &'a [Entry],
    bar: &'a ProgressBar,
}

impl Spot<'_> {
    fn cell<K: Key, V: Value>(&self) -> Result<Cell<OfMaps>, Fail> {
        let subjects: Vec<_> = self
            .subjects
            .iter()
            .filter(|entry| entry.fits(self.threads))
            .collect();
        let &Compare { dice, zipf, .. } = self.compare;
        let skews = skews(self.workload, self.keys, self.threads, zipf, dice.seed);
        let setup = Setup {
            workload: self.workload,
            keys: self.keys,
            skews: &skews,
            dice,
        };
        let seats: Vec<Box<dyn Seat>> = subjects
            .iter()
            .map(|entry| visit::<K, V, _>(entry.name, &setup))
            .map(|seat| seat.expect("the names come from the roster"))
            .collect();
        let effort: Effort = self.compare.pace.effort();
        let scores: Vec<Score> = measure(&seats, self.threads, effort, || self.bar.inc(1))
            .map_err(|fail| {
                fail.within(format_args!(
                    "{} with {} keys",
                    self.workload.name(),
                    self.keys
                ))
            })?;
        let at = OfMaps {
            workload: self.workload.name().into(),
            keys: self.keys,
            key_type: K::NAME,
            value_bytes: V::BYTES,
        };
        Ok(Cell::new(at, self.threads, scores))
    }
}

/// What a seat is made from.
pub(crate) struct Setup<'a> {
    pub(crate) workload: Workload,
    pub(crate) keys: u64,
    /// Picks for each thread: see [`skews`].
    pub(crate) skews: &'a [Option<Arc<[u32]>>],
    pub(crate) dice: Dice,
}

impl<K: Key, V: Value> Booth<K, V> for Setup<'_> {
    type Out = Box<dyn Seat>;

    fn visit<S: Subject<K, V> + 'static>(&self) -> Box<dyn Seat> {
        let &Setup {
            workload,
            keys,
            skews,
            dice: Dice { batch, seed },
        } = self;
        let threads = skews.len() as u64;
        match workload.shares() {
            Some(shares) => {
                let population = workload.population(keys, threads);
                let recipe = Recipe {
                    shares,
                    population,
                    keys,
                    seed,
                    batch,
                };
                Box::new(Steady::<K, V, S>::new(&recipe, skews, hasher(seed)))
            }
            None => {
                let script = Arc::new(Growth {
                    keys,
                    threads,
                    seed,
                    batch,
                });
                Box::new(Laps::<K, V, S, Growth>::new(script, hasher(seed)))
            }
        }
    }
}

/// For each thread a table of skewed picks, if the workload or `zipf` says so.
pub(crate) fn skews(
    workload: Workload,
    keys: u64,
    threads: usize,
    zipf: Option<f64>,
    seed: u64,
) -> Vec<Option<Arc<[u32]>>> {
    let residents = workload.population(keys, threads as u64).residents;
    let zipf = workload
        .skew()
        .or(zipf)
        .filter(|_| residents > 0 && workload.shares().is_some());
    let skew = |thread: usize| Some(skewed(residents, zipf?, seed, thread, MOST_PICKS));
    (0..threads).map(skew).collect()
}
