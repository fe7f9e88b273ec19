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
    subjects::{Booth, Entry, GROWING, visit},
    warm::{faults, warm},
};
use clap::{ArgAction, Args};
use comfy_table::Table;
use hdrhistogram::Histogram;
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use std::time::Instant;

/// Measure each insert's latency while a map grows from empty
///
/// Every insert is timed by itself with the system's clock, which adds some tens of nanoseconds to each. The row `driver` times
/// nothing at all: what it shows, above all as its maximum, is the clock and the machine's own interruptions, and every other row has
/// it too. Several rounds, in turns; the table shows the median of each percentile over the rounds. Sessions hold one operation each. `dashmap` has as many shards as are best for it in `compare`,
/// `dashmap-default` as many as it comes with.
///
/// One thread inserts the same keys into a map with the same hasher in each round, so that tables grow and shards split at the same
/// inserts each time. `steady max` is the longest insert if of every insert's times the shortest counts: growth is in it, and what hits now
/// this insert and now that is not, be it the machine's doing or a map's that goes by a clock or a stranger's progress (as the
/// reclamation of memory does); `max` has all of it. With more threads growth is not at the same inserts. The last column has
/// the longest insert against that of the family's map, by `steady max` if there is one.
///
/// Memory is mapped when it is first touched, and on a virtual machine a thread that touches fresh memory can stall for hundreds of
/// microseconds, whatever it does there. That is the kernel's and the host's doing, not the map's. So the process first touches as
/// much as the largest map will need, and its allocator keeps that (with glibc: one arena, nothing given back): inserts then
/// take memory that is mapped already, as they do in a process that has run for a while. What this changes besides: threads share
/// an arena, and a map that asks for zeroed memory (papaya, scc) has it cleared then and there, where fresh memory is zero already.
#[derive(Args, Clone, Debug)]
#[command(mut_arg("subjects", |arg| arg.value_parser(args::names(GROWING))))]
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
    /// Take memory from the system as it comes: do not touch it beforehand
    #[arg(long, action = ArgAction::SetTrue)]
    cold: bool,
}

/// What the table shows of each subject.
const COLUMNS: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("max", 1.0),
];

/// The column of the longest insert that is as long in every round.
const STEADY: &str = "steady max";

/// One subject's latencies in nanoseconds: a column, then its value in every round.
#[derive(Clone, Debug, Serialize)]
struct Row {
    subject: &'static str,
    role: Role,
    /// Median over the rounds of each column.
    median: Vec<f64>,
    /// The longest insert, if of each only its shortest time of all rounds counts. With one thread.
    steady_max: Option<u32>,
    /// `steady_max`, or the last column where there is none, against that of the family's first map: how much longer its
    /// longest insert takes.
    ratio: Option<f64>,
    /// Every round: its columns.
    rounds: Vec<Vec<u64>>,
    /// Every round: page faults of the process while the map grew.
    faults: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct Report {
    command: &'static str,
    machine: Machine,
    hasher: &'static str,
    keys: u64,
    threads: u16,
    seed: u64,
    /// Bytes touched beforehand, if any.
    touched: Option<u64>,
    columns: Vec<&'static str>,
    subjects: Vec<Row>,
}

impl GrowthPause {
    /// Measures and prints.
    pub fn run(&self) -> Result<(), Fail> {
        let threads = usize::from(self.threads);
        let subjects: Vec<Entry> = self
            .party
            .chosen(GROWING)
            .into_iter()
            .filter(|entry| entry.fits(threads))
            .collect();
        args::somebody_fits(&subjects, &[self.threads])?;
        // A quarter more than one map needs: what the last one has left behind may lie in its way.
        let peak = args::peak(self.keys, 2 * size_of::<u64>());
        let times = match threads {
            1 => (self.keys).saturating_mul((subjects.len() * size_of::<u32>()) as u64),
            _ => 0,
        };
        let needed = peak.saturating_add(peak / 4).saturating_add(times);
        args::fits(self.keys, needed, "the peak of growing", "--keys")?;
        let json = self.party.open_json()?;
        let touched = (!self.cold && warm(needed as usize)).then_some(needed);
        let machine = Machine::here();
        args::print(&machine)?;
        args::print(format_args!(
            "latency of an insert in microseconds while a map grows from empty to {} u64 -> u64, threads: {threads},\n\
             median of {} rounds; hasher ahash, seed {}; driver is the clock and the machine alone;\n\
             memory {}",
            args::short(self.keys),
            self.rounds,
            self.seed,
            match touched {
                Some(bytes) => format!(
                    "touched beforehand, {} MB (--cold leaves that out)",
                    bytes >> 20
                ),
                None if self.cold => "as it comes from the system (--cold)".into(),
                None =>
                    "as it comes from the system: its allocator cannot be told to keep it".into(),
            }
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
                steady_max: None,
                ratio: None,
                rounds: Vec::new(),
                faults: Vec::new(),
            })
            .collect();
        let bar = progress(u64::from(self.rounds) * seats.len() as u64);
        Pool::with(threads, |pool| -> Result<(), Fail> {
            for round in 0..self.rounds as usize {
                for place in 0..seats.len() {
                    let at = (round + place) % seats.len();
                    bar.set_message(subjects[at].name);
                    seats[at].prepare();
                    let before = faults();
                    pool.round(tasks[at], 0, 0);
                    rows[at].faults.push(faults() - before);
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
        for (row, seat) in rows.iter_mut().zip(&seats) {
            row.steady_max = seat.steady_max();
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
        let longest = |row: &Row| {
            row.steady_max
                .map(f64::from)
                .or_else(|| row.median.last().copied())
        };
        let own = rows.iter().find(|row| row.role == Role::Own);
        let (name, reference) = (own.map(|row| row.subject), own.and_then(longest));
        for row in rows.iter_mut().filter(|row| row.role != Role::Driver) {
            row.ratio = longest(row).zip(reference).map(|(a, b)| a / b);
        }
        args::print(format_args!(
            "\n{}",
            table(&rows, name, threads == 1).trim_fmt()
        ))?;
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
                touched,
                columns,
                subjects: rows,
            },
        )
    }
}

/// `reference` is whose longest insert the ratios are against.
fn table(rows: &[Row], reference: Option<&str>, is_steady: bool) -> Table {
    let longest = if is_steady { STEADY } else { "max" };
    let ratio = reference.map(|name| format!("{longest} / {name}"));
    let header: Vec<_> = ["subject"]
        .into_iter()
        .chain(COLUMNS.iter().map(|column| column.0))
        .chain(is_steady.then_some(STEADY))
        .chain(ratio.as_deref())
        .collect();
    let texts = rows.iter().map(|row| {
        let medians = row
            .median
            .iter()
            .map(|nanoseconds| digits(nanoseconds / 1e3));
        [row.subject.to_owned()]
            .into_iter()
            .chain(medians)
            .chain(
                row.steady_max
                    .map(|nanoseconds| digits(f64::from(nanoseconds) / 1e3)),
            )
            .chain(reference.map(|_| row.ratio.map_or_else(|| "-".into(), digits)))
            .collect()
    });
    plain(&header, texts)
}

/// A subject that grows with a histogram in hand.
trait Pausing: Task {
    fn prepare(&self);
    fn settle(&self) -> Result<Histogram<u64>, Fail>;
    fn steady_max(&self) -> Option<u32>;
}

struct Growing<S> {
    map: RwLock<Option<S>>,
    histogram: Mutex<Histogram<u64>>,
    /// Of each insert the shortest time of all rounds so far, in nanoseconds. Nothing with several threads, which split the
    /// map now at this insert, now at that.
    shortest: Mutex<Vec<u32>>,
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
        let mut shortest = std::mem::take(&mut *self.shortest.lock());
        let bound = |thread: usize| self.keys * thread as u64 / self.threads;
        let mut lost = 0;
        for id in bound(thread)..bound(thread + 1) {
            let key = number(id, self.seed);
            let begin = Instant::now();
            let new = map.session().insert(key, id);
            let latency = begin.elapsed();
            lost += u64::from(!new);
            let latency = latency.as_nanos() as u64;
            latencies.saturating_record(latency);
            if let Some(shortest) = shortest.get_mut(id as usize) {
                *shortest = (*shortest).min(u32::try_from(latency).unwrap_or(u32::MAX));
            }
        }
        if self.threads == 1 {
            *self.shortest.lock() = shortest;
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

    fn steady_max(&self) -> Option<u32> {
        self.shortest.lock().iter().max().copied()
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
        let shortest = vec![u32::MAX; if threads == 1 { keys as usize } else { 0 }];
        Box::new(Growing::<S> {
            map,
            histogram,
            shortest: Mutex::new(shortest),
            keys,
            threads: threads.into(),
            seed,
            hasher: hasher(seed),
        })
    }
}
