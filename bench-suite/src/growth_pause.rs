//! `growth-pause`: how long single inserts take while a map grows.

use crate::{
    args::{self, Party},
    compare::{hasher, progress},
    fail::Fail,
    key::number,
    machine::Machine,
    pool::{Pool, Task},
    report::{digits, plain},
    subject::{Hasher, Role, Session, Subject},
    subjects::{Booth, Entry, ROSTER, visit},
};
use clap::Args;
use comfy_table::Table;
use hdrhistogram::Histogram;
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use std::time::Instant;

/// Measure each insert's latency while a map grows from empty
///
/// Every insert is timed by itself with the system's clock, which adds some tens of nanoseconds to each. The row `driver` times
/// nothing at all: what it shows, above all as its maximum, is the clock and the machine's own interruptions, and every other row has
/// it too. Several rounds, in turns; the table shows the median of each percentile over the rounds. Sessions hold one operation each.
#[derive(Args, Clone, Debug)]
pub struct GrowthPause {
    #[command(flatten)]
    party: Party,
    /// Number of keys to insert
    #[arg(short, long, default_value = "4m", value_parser = args::count)]
    keys: u64,
    /// Number of threads, each with its share of the keys
    #[arg(short, long, default_value_t = 1, value_parser = args::threads())]
    threads: u16,
    /// Rounds of every subject
    #[arg(short, long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Seed of keys and hasher
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What the table shows of each subject.
const COLUMNS: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("max", 1.0),
];

/// One subject's latencies in nanoseconds: a column, then its value in every round.
#[derive(Clone, Debug, Serialize)]
struct Row {
    subject: &'static str,
    role: Role,
    /// Median over the rounds of each column.
    median: Vec<f64>,
    /// Every round: its columns.
    rounds: Vec<Vec<u64>>,
}

#[derive(Debug, Serialize)]
struct Report {
    command: &'static str,
    machine: Machine,
    hasher: &'static str,
    keys: u64,
    threads: u16,
    seed: u64,
    columns: Vec<&'static str>,
    subjects: Vec<Row>,
}

impl GrowthPause {
    /// Measures and prints.
    pub fn run(&self) -> Result<(), Fail> {
        let threads = usize::from(self.threads);
        let subjects: Vec<Entry> = self
            .party
            .chosen(ROSTER)
            .into_iter()
            .filter(|entry| entry.fits(threads))
            .collect();
        if subjects.is_empty() {
            return Err(Fail::Input(
                "hashbrown is the limit of one thread: take --threads 1, or other --subjects"
                    .into(),
            ));
        }
        let json = self.party.open_json()?;
        let machine = Machine::here();
        args::print(&machine)?;
        args::print(format_args!(
            "latency of an insert in microseconds while a map grows from empty to {} u64 -> u64, threads: {threads},\n\
             median of {} rounds; hasher ahash, seed {}; driver is the clock and the machine alone",
            args::short(self.keys),
            self.rounds,
            self.seed
        ))?;

        let make = |entry: &Entry| {
            visit::<u64, u64, _>(entry.name, &Setup(self)).expect("the names come from the roster")
        };
        let seats: Vec<Box<dyn Pausing>> = subjects.iter().map(make).collect();
        let tasks: Vec<&dyn Task> = seats.iter().map(|seat| &**seat as _).collect();
        let mut rows: Vec<Row> = subjects
            .iter()
            .map(|entry| Row {
                subject: entry.name,
                role: entry.role,
                median: Vec::new(),
                rounds: Vec::new(),
            })
            .collect();
        let bar = progress(u64::from(self.rounds) * seats.len() as u64);
        Pool::with(threads, |pool| -> Result<(), Fail> {
            for round in 0..self.rounds as usize {
                for place in 0..seats.len() {
                    let at = (round + place) % seats.len();
                    bar.set_message(subjects[at].name);
                    seats[at].prepare();
                    pool.round(tasks[at], 0, 0);
                    let histogram = seats[at].settle()?;
                    rows[at].rounds.push(
                        COLUMNS
                            .iter()
                            .map(|&(_, quantile)| histogram.value_at_quantile(quantile))
                            .collect(),
                    );
                    bar.inc(1);
                }
            }
            Ok(())
        })?;
        bar.finish_and_clear();
        for row in &mut rows {
            let column = |at: usize| {
                row.rounds
                    .iter()
                    .map(|round| round[at] as f64)
                    .collect::<Vec<_>>()
            };
            row.median = (0..COLUMNS.len())
                .map(|at| crate::stats::Spread::of(&column(at)).median)
                .collect();
        }
        args::print(format_args!("\n{}", table(&rows).trim_fmt()))?;
        let columns = COLUMNS.iter().map(|column| column.0).collect();
        let (keys, threads, seed) = (self.keys, self.threads, self.seed);
        let command = "growth-pause";
        args::write_json(
            json,
            &Report {
                command,
                machine,
                hasher: "ahash::RandomState",
                keys,
                threads,
                seed,
                columns,
                subjects: rows,
            },
        )
    }
}

fn table(rows: &[Row]) -> Table {
    let header: Vec<_> = ["subject"]
        .into_iter()
        .chain(COLUMNS.iter().map(|column| column.0))
        .collect();
    let texts = rows.iter().map(|row| {
        let medians = row
            .median
            .iter()
            .map(|nanoseconds| digits(nanoseconds / 1e3));
        [row.subject.to_owned()]
            .into_iter()
            .chain(medians)
            .collect()
    });
    plain(&header, texts)
}

/// A subject that grows with a histogram in hand.
trait Pausing: Task {
    fn prepare(&self);
    fn settle(&self) -> Result<Histogram<u64>, Fail>;
}

struct Growing<S> {
    map: RwLock<Option<S>>,
    histogram: Mutex<Histogram<u64>>,
    keys: u64,
    threads: u64,
    seed: u64,
    hasher: Hasher,
}

/// From nanoseconds to a minute, three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are in order")
}

impl<S: Subject<u64, u64>> Task for Growing<S> {
    fn approach(&self, _: usize, _: u64) {}

    fn run(&self, thread: usize, _: u64) {
        let map = self.map.read();
        let map = map.as_ref().expect("prepared before the round");
        let mut latencies = histogram();
        let bound = |thread: usize| self.keys * thread as u64 / self.threads;
        let mut lost = 0;
        for id in bound(thread)..bound(thread + 1) {
            let key = number(id, self.seed);
            let begin = Instant::now();
            let new = map.session().insert(key, id);
            let latency = begin.elapsed();
            lost += u64::from(!new);
            latencies.saturating_record(latency.as_nanos() as u64);
        }
        assert_eq!(
            lost,
            0,
            "{}: inserts of new keys found them present",
            S::NAME
        );
        self.histogram
            .lock()
            .add(latencies)
            .expect("the bounds are alike");
    }
}

impl<S: Subject<u64, u64>> Pausing for Growing<S> {
    fn prepare(&self) {
        *self.map.write() = Some(S::with_capacity(0, self.hasher.clone()));
        self.histogram.lock().reset();
    }

    fn settle(&self) -> Result<Histogram<u64>, Fail> {
        let map = self.map.write().take().expect("prepared before the round");
        if S::ROLE != Role::Driver && map.len() as u64 != self.keys {
            return Err(Fail::Wrong(format!(
                "{}: {} entries after {} inserts",
                S::NAME,
                map.len(),
                self.keys
            )));
        }
        Ok(self.histogram.lock().clone())
    }
}

struct Setup<'a>(&'a GrowthPause);

impl Booth<u64, u64> for Setup<'_> {
    type Out = Box<dyn Pausing>;

    fn visit<S: Subject<u64, u64> + 'static>(&self) -> Box<dyn Pausing> {
        let &GrowthPause {
            keys,
            threads,
            seed,
            ..
        } = self.0;
        let (map, histogram) = (RwLock::new(None), Mutex::new(histogram()));
        Box::new(Growing::<S> {
            map,
            histogram,
            keys,
            threads: threads.into(),
            seed,
            hasher: hasher(seed),
        })
    }
}
