//! `locks`: locks x critical sections x shares of writes x threads.

use crate::{
    args::{self, Pace, Party},
    compare::{hasher, progress},
    fail::Fail,
    lane::Recipe,
    lock::{self, LOCKS},
    machine::Machine,
    measure::measure,
    report::{Cell, LEGEND, Report, block},
    seat::{Seat, Steady},
    subject::Subject,
    subjects::Booth,
    workload::{Population, Reads, Shares},
};
use clap::{ArgAction, Args, ValueEnum};
use serde::Serialize;

/// What is done under the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// Nothing; a write counts itself
    Empty,
    /// A lookup in a hash map of 20 entries; a write replaces a value, and counts itself
    Map20,
}

impl Section {
    /// Entries in the map under the lock.
    fn keys(self) -> u64 {
        match self {
            Section::Empty => 0,
            Section::Map20 => 20,
        }
    }
}

/// Compare read-write locks, one lock for all threads
///
/// `raw` is the family's lock under lock_api's RwLock; `pl-` are parking_lot's locks, `std-` the standard library's. A mutex
/// makes reads wait for each other; it is here because it is often faster all the same. Locks are measured as maps are by `compare`:
/// the same loop, in turns, round by round. Writes count themselves by an ordinary number under the lock, reads look whether
/// they found their own entry; a lock that lets two in at once ends the run. With more threads than cores, a round must be
/// long enough for every thread to get its turn.
#[derive(Args, Clone, Debug)]
#[command(
    mut_arg("subjects", |arg| arg.value_parser(args::names(LOCKS))),
    mut_arg("rounds", |arg| arg.default_value("7")),
    mut_arg("round_ms", |arg| arg.default_value("30").help("Length of a round in milliseconds")),
)]
pub struct Locks {
    #[command(flatten)]
    party: Party,
    /// Critical sections, separated by commas
    #[arg(
        short = 'c',
        long,
        value_delimiter = ',',
        default_value = "empty,map20"
    )]
    sections: Vec<Section>,
    /// Shares of the writes in percent, separated by commas
    #[arg(short, long, value_delimiter = ',', default_value = "0,1,5,20,50,100", value_parser = clap::value_parser!(u32).range(0..=100))]
    writes: Vec<u32>,
    /// Numbers of threads, separated by commas
    #[arg(short, long, value_delimiter = ',', default_value = "1,2,4,8", value_parser = args::threads())]
    threads: Vec<u16>,
    #[command(flatten)]
    pace: Pace,
    /// Seed of keys, dice and hasher
    #[arg(long, default_value_t = 1)]
    seed: u64,
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
}

/// The circumstances of a cell.
#[derive(Clone, Copy, Debug, Serialize)]
struct Mix {
    section: Section,
    /// Share of the writes in percent.
    writes: u32,
}

impl Locks {
    /// Measures and prints.
    pub fn run(&self) -> Result<(), Fail> {
        // As every map of the family does when it is made; now, because it is cheapest while there is one thread.
        map_adaptive::lock::prepare();
        let subjects = self.party.chosen(LOCKS);
        let json = self.party.open_json()?;
        let machine = Machine::here();
        let &Locks {
            pace: Pace { rounds, round_ms },
            seed,
            ..
        } = self;
        args::print(&machine)?;
        args::print(format_args!(
            "one lock for all threads; hasher ahash, seed {seed}, {rounds} rounds of {round_ms} ms"
        ))?;
        if !self.quiet {
            args::print(format_args!("{LEGEND}."))?;
        }
        let places = self.threads.len() * self.sections.len() * self.writes.len();
        let bar = progress((places * subjects.len()) as u64 * u64::from(rounds));
        let mut cells = Vec::new();
        for &threads in &self.threads {
            let threads = usize::from(threads);
            let mut rows = Vec::new();
            for &section in &self.sections {
                for &writes in &self.writes {
                    let mix = Mix { section, writes };
                    let place = format!("{}, threads: {threads}", mix.label().join(" "));
                    bar.set_message(place.clone());
                    let setup = Setup::new(section, writes, threads, seed);
                    let seats: Vec<_> = subjects.iter().map(|it| setup.seat(it.name)).collect();
                    let scores = measure(&seats, threads, self.pace.effort(), || bar.inc(1))
                        .map_err(|fail| fail.within(place))?;
                    rows.push(Cell::new(mix, threads, scores));
                }
            }
            let head = ["section", "writes"];
            let label = |cell: &Cell<Mix>| cell.at.label().into();
            let shown = block(&head, &subjects, &rows, machine.cores, label);
            bar.suspend(|| args::print(format_args!("\nthreads: {threads}\n{shown}")))?;
            cells.append(&mut rows);
        }
        bar.finish_and_clear();
        let settings = Settings {
            hasher: "ahash::RandomState",
            seed,
            rounds,
            round_ms,
        };
        let report = Report {
            command: "locks",
            machine,
            settings,
            cells,
        };
        args::write_json(json, &report)
    }
}

impl Mix {
    /// The first columns of its row.
    fn label(self) -> [String; 2] {
        let section = self.section.to_possible_value();
        let name = section.map_or_else(String::new, |it| it.get_name().to_owned());
        [name, format!("{} %", self.writes)]
    }
}

/// How a lock takes its seat.
pub(crate) struct Setup {
    section: Section,
    recipe: Recipe,
    threads: usize,
}

impl Setup {
    /// So many percent of the operations write.
    pub(crate) fn new(section: Section, writes: u32, threads: usize, seed: u64) -> Setup {
        let shares = Shares {
            read: 100 - writes,
            update: writes,
            turnover: 0,
            reads: Reads::Residents,
        };
        let keys = section.keys();
        let population = Population {
            residents: keys,
            window: 0,
        };
        let recipe = Recipe {
            shares,
            population,
            keys,
            seed,
            // A session of a lock is a reference, so this is only a bound of an inner loop.
            batch: 64,
        };
        Setup {
            section,
            recipe,
            threads,
        }
    }

    /// The lock of that name, in its seat.
    pub(crate) fn seat(&self, name: &str) -> Box<dyn Seat> {
        let seat = match self.section {
            Section::Empty => lock::visit::<0, _>(name, self),
            Section::Map20 => lock::visit::<20, _>(name, self),
        };
        seat.expect("the names come from the roster")
    }
}

impl Booth<u64, u64> for Setup {
    type Out = Box<dyn Seat>;

    fn visit<S: Subject<u64, u64> + 'static>(&self) -> Box<dyn Seat> {
        let uniform = vec![None; self.threads];
        let hasher = hasher(self.recipe.seed);
        Box::new(Steady::<u64, u64, S>::new(&self.recipe, &uniform, hasher))
    }
}
