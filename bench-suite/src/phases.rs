//! `phases`: throughput over time while the mix of operations changes.
//!
//! Every map lives through a whole script, because what a map has become in one phase is what it begins the next one with. So a
//! turn of a subject is the script once. [`script`] says what is played, `lane` plays it, `stage` holds the map, `score` keeps the
//! numbers and `chart` shows them.

mod chart;
mod lane;
mod score;
pub mod script;
mod stage;

use self::{
    lane::Act,
    score::{Cell, Part, Round},
    script::Script,
    stage::{Play, Stage},
};
use crate::{
    args::{self, Dice, Party},
    compare::progress,
    fail::Fail,
    machine::Machine,
    measure::order,
    pool::{Pool, Task},
    subjects::{Entry, ROSTER, visit},
};
use clap::{ArgAction, Args};
use indicatif::ProgressBar;
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};

/// Parts of a phase whose throughput is shown.
const SLICES: u64 = 20;

/// What `--help` says of script files.
const OF_SCRIPTS: &str = r#"Scripts:
  A list of phases as JSON, such as

    [
      {
        "name": "reads",
        "mix": { "read-hit": 0.9, "update": 0.1 },
        "picks": "zipf",
        "keys": 100000,
        "ops": 2000000
      },
      {
        "name": "churn",
        "mix": { "insert": 0.5, "remove": 0.5 },
        "keys": 1000,
        "ops": 500000
      }
    ]

  A mix has shares of read-hit, read-miss, update, insert, remove, and scan,
  which looks at the whole map; they sum to 1. Keys are picked uniformly, or
  by Zipf's law with exponent 0.99 ("zipf"). keys are those in the map when
  the phase begins, rounded down to as many for each thread; ops are the
  operations of each thread."#;

/// Measure the subjects while the mix of operations changes
///
/// Every subject plays a script of phases, in turns, round by round: one map from the first phase to the last,
/// made with room for the most keys. All threads begin a phase at once, and each does as many operations as the
/// script says: the same ones for every subject and in every round. Between two phases, outside the clock, the map
/// is brought to the keys of the next one. A phase has no approach: what a map needs to get used to it is in its
/// time. Every answer is counted and checked, as in compare.
///
/// The built-in script has five phases: read-mostly, write-heavy, churn, scans, and read-mostly again. A script of your own is
/// a file, see below. In a phase in which keys come and go, each thread has its share of the keys, and reads and updates those.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = OF_SCRIPTS)]
pub struct Phases {
    #[command(flatten)]
    party: Party,
    /// The script [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Keys in the phase that has the most of them; the others stay in proportion [default: as the script says]
    #[arg(short, long, value_parser = args::count)]
    keys: Option<u64>,
    /// Operations of each thread in the longest phase; the others stay in proportion [default: as the script says]
    #[arg(short, long, value_parser = args::count)]
    ops: Option<u64>,
    /// Numbers of threads, separated by commas
    #[arg(short, long, value_delimiter = ',', default_value = "2", value_parser = args::threads())]
    threads: Vec<u16>,
    /// Rounds of every subject; the tables show their median
    #[arg(short, long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    #[command(flatten)]
    dice: Dice,
    /// Do not explain the script and the tables
    #[arg(short, long, action = ArgAction::SetTrue)]
    quiet: bool,
}

/// The settings of a run, for its JSON.
#[derive(Debug, Serialize)]
struct Settings<'a> {
    hasher: &'static str,
    seed: u64,
    rounds: u32,
    batch: u64,
    slices: u64,
    script: &'a Script,
}

/// Everything of a run.
#[derive(Debug, Serialize)]
struct Report<'a> {
    command: &'static str,
    machine: Machine,
    settings: Settings<'a>,
    cells: Vec<Cell>,
}

impl Phases {
    /// Measures and prints.
    pub fn run(&self) -> Result<(), Fail> {
        let subjects = self.party.chosen(ROSTER);
        args::somebody_fits(&subjects, &self.threads)?;
        let mut script = match &self.script {
            None => Script::built_in(),
            Some(path) => Script::read(path)?,
        };
        script.scale(self.keys, self.ops);
        let most_threads = self.threads.iter().copied().max().unwrap_or(1).into();
        script.suits(most_threads).map_err(Fail::Input)?;
        let room = script.room(most_threads);
        let needed = args::peak(room, 2 * size_of::<u64>());
        args::fits(room, needed, "the largest phase", "--keys")?;
        let json = self.party.open_json()?;
        let machine = Machine::here();
        let &Phases {
            dice: Dice { batch, seed },
            rounds,
            ..
        } = self;
        args::print(&machine)?;
        args::print(format_args!(
            "u64 -> 8 bytes; hasher ahash, seed {seed}, {rounds} rounds of {} phases",
            script.0.len()
        ))?;
        if !self.quiet {
            for (at, phase) in script.0.iter().enumerate() {
                args::print(format_args!("{} {phase}", at + 1))?;
            }
            args::print(chart::LEGEND)?;
        }
        let seats = |threads: u16| {
            let seats = subjects.iter().copied();
            seats.filter(move |entry| entry.fits(threads.into()))
        };
        let turns: usize = self.threads.iter().map(|&it| seats(it).count()).sum();
        let bar = progress(turns as u64 * u64::from(rounds));
        let mut cells = Vec::new();
        for &threads in &self.threads {
            let subjects: Vec<Entry> = seats(threads).collect();
            if subjects.is_empty() {
                continue;
            }
            let cell = self.cell(&script, threads.into(), &subjects, &bar)?;
            let table = chart::table(&cell, &script, machine.cores);
            let chart = chart::chart(&cell, &script);
            bar.suspend(|| args::print(format_args!("\nthreads: {threads}\n{table}\n")))?;
            if !self.quiet {
                bar.suspend(|| args::print(EXPLAINED))?;
            }
            bar.suspend(|| args::print(chart.trim_end()))?;
            cells.push(cell);
        }
        bar.finish_and_clear();
        let settings = Settings {
            hasher: "ahash::RandomState",
            seed,
            rounds,
            batch,
            slices: SLICES,
            script: &script,
        };
        args::write_json(
            json,
            &Report {
                command: "phases",
                machine,
                settings,
                cells,
            },
        )
    }

    fn cell(
        &self,
        script: &Script,
        threads: usize,
        subjects: &[Entry],
        bar: &ProgressBar,
    ) -> Result<Cell, Fail> {
        let mut acts = Vec::new();
        for phase in &script.0 {
            acts.push(Act::new(phase, threads, self.dice.seed, &acts));
        }
        let play = Arc::new(Play {
            acts,
            threads,
            seed: self.dice.seed,
            batch: self.dice.batch,
            room: script.room(threads as u64),
            slices: SLICES,
        });
        let stages: Vec<Box<dyn Stage>> = subjects
            .iter()
            .map(|entry| visit(entry.name, &play).expect("the names come from the roster"))
            .collect();
        let tasks: Vec<&dyn Task> = stages.iter().map(|stage| &**stage as _).collect();
        let mut rounds = vec![Vec::new(); stages.len()];
        Pool::with(threads, |pool| -> Result<(), Fail> {
            for round in 0..self.rounds as usize {
                for at in order(round, stages.len()) {
                    let name = subjects[at].name;
                    bar.set_message(format!("{name}, threads: {threads}"));
                    let round = turn(pool, &*stages[at], tasks[at], script)
                        .map_err(|fail| fail.within(name))?;
                    rounds[at].push(round);
                    bar.inc(1);
                }
            }
            Ok(())
        })?;
        let subjects = subjects.iter().copied();
        Ok(Cell::new(threads, subjects.zip(rounds).collect()))
    }
}

/// What else to say of the chart.
const EXPLAINED: &str = "throughput over time, a bar for every twentieth of a phase; full is the fastest of all \
    maps in that phase:";

/// Plays the script once, on a new map.
fn turn<'env>(
    pool: &Pool<'env>,
    stage: &dyn Stage,
    task: &'env dyn Task,
    script: &Script,
) -> Result<Round, Fail> {
    stage.open();
    let mut parts = Vec::new();
    let mut told = Vec::new();
    for (at, phase) in script.0.iter().enumerate() {
        stage.go_to(at);
        let lap = pool.round(task, 0, phase.ops);
        let taken = stage
            .settle()
            .map_err(|wrong| Fail::Wrong(format!("phase {} ({}): {wrong}", at + 1, phase.name)))?;
        let decisions = taken.report.as_ref().map(|it| it.decisions.clone());
        parts.push(Part::new(lap, phase.ops, taken, &told));
        told = decisions.unwrap_or_default();
    }
    stage.close();
    Ok(Round::new(parts))
}

#[cfg(test)]
mod tests;
