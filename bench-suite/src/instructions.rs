//! `instructions`: instructions of an operation, which do not depend on what else the machine does.
//!
//! The program runs itself under callgrind, once for each subject and cell and number of operations. What is the same in both, making
//! and filling the map, cancels out.

use crate::{
    args::{self, Dice, Party},
    compare::{Setup, progress, skews},
    fail::Fail,
    machine::Machine,
    report::{Report, plain},
    seat::Seat,
    subject::Role,
    subjects::{Entry, ROSTER, visit},
    workload::Workload,
};
use clap::{ArgAction, Args};
use serde::Serialize;
use std::{env, io, process::Command, thread};

/// Count the instructions of an operation, by callgrind
///
/// The same loops as those of compare, on one thread, u64 -> 8 bytes. Needs valgrind. Two runs of each subject, one of them longer:
/// what is shown is the difference of their instructions / the difference of their operations. The loop itself (driver) is in
/// every number.
#[derive(Args, Clone, Debug)]
pub struct Instructions {
    #[command(flatten)]
    party: Party,
    /// Workloads, separated by commas; all but growth, which has no steady state [default: all of these]
    #[arg(
        short,
        long,
        value_delimiter = ',',
        hide_default_value = true,
        hide_possible_values = true
    )]
    workloads: Vec<Workload>,
    /// Numbers of keys in the map, separated by commas
    #[arg(short, long, value_delimiter = ',', default_value = "1k", value_parser = args::count)]
    keys: Vec<u64>,
    /// Operations by which the longer run is longer
    #[arg(short, long, default_value = "100k", value_parser = args::count)]
    operations: u64,
    #[command(flatten)]
    dice: Dice,
    /// Do not explain the table
    #[arg(short, long, action = ArgAction::SetTrue)]
    quiet: bool,
    /// Only play one cell of one subject: what runs under callgrind
    #[arg(long, hide = true)]
    play: bool,
}

/// The settings of a run, for its JSON.
#[derive(Debug, Serialize)]
struct Settings {
    seed: u64,
    operations: u64,
    batch: u64,
}

/// A cell and what every subject took there.
#[derive(Debug, Serialize)]
struct Cell {
    workload: &'static str,
    keys: u64,
    counts: Vec<Count>,
}

#[derive(Debug, Serialize)]
struct Count {
    subject: &'static str,
    /// Instructions of an operation, and of the loop around it.
    instructions: f64,
    /// That / the fewest of those strategies of the family that took part.
    ratio: Option<f64>,
}

const LEGEND: &str = "instructions of one operation, with those of the measuring loop (driver); behind them: / the fewest of the \
    family's\nfixed strategies here, those marked *";

impl Instructions {
    /// Counts and prints.
    pub fn run(&self) -> Result<(), Fail> {
        let subjects = self.party.chosen(ROSTER);
        let workloads = self.steady()?;
        if self.keys.iter().any(|keys| *keys < 2) {
            return Err(Fail::Input("--keys 1 is too few: take at least two".into()));
        }
        let most = self.keys.iter().copied().max().unwrap_or(0);
        let needed = args::peak(most, 16).saturating_mul(subjects.len() as u64);
        let at_once = format!("the {} subjects that are in memory at once", subjects.len());
        args::fits(most, needed, &at_once, "--keys or --subjects")?;
        if self.play {
            return self.play_one(&subjects, &workloads);
        }
        let json = self.party.open_json()?;
        let machine = Machine::here();
        args::print(&machine)?;
        if !self.quiet {
            args::print(LEGEND)?;
        }
        let bar = progress((workloads.len() * self.keys.len() * subjects.len()) as u64);
        let mut cells = Vec::new();
        for &workload in &workloads {
            for &keys in &self.keys {
                bar.set_message(format!("{} {}", workload.name(), args::short(keys)));
                cells.push(self.cell(workload, keys, &subjects, || bar.inc(1))?);
            }
        }
        bar.finish_and_clear();
        let names = subjects.iter().map(|entry| entry.name);
        let header: Vec<&str> = ["workload", "keys"].into_iter().chain(names).collect();
        args::print(plain(&header, cells.iter().map(row)).trim_fmt())?;
        let settings = Settings {
            seed: self.dice.seed,
            operations: self.operations,
            batch: self.dice.batch,
        };
        let report = Report {
            command: "instructions",
            machine,
            settings,
            cells,
        };
        args::write_json(json, &report)
    }

    /// What was asked for, if each has a steady state.
    fn steady(&self) -> Result<Vec<Workload>, Fail> {
        let steady = |workload: &Workload| workload.shares().is_some();
        if let Some(other) = self.workloads.iter().find(|workload| !steady(workload)) {
            return Err(Fail::Input(format!(
                "--workloads {} has no steady state: how many operations it takes is fixed by --keys",
                other.name()
            )));
        }
        Ok(match self.workloads.is_empty() {
            true => Workload::ALL.into_iter().filter(steady).collect(),
            false => self.workloads.clone(),
        })
    }

    /// Plays the cell, in this process.
    fn play_one(&self, subjects: &[Entry], workloads: &[Workload]) -> Result<(), Fail> {
        let (&[subject], &[workload], &[keys]) = (subjects, workloads, &*self.keys) else {
            return Err(Fail::Input("--play plays one cell of one subject".into()));
        };
        let setup = Setup {
            workload,
            keys,
            skews: &skews(workload, keys, 1, None, self.dice.seed),
            dice: self.dice,
        };
        let seat: Box<dyn Seat> =
            visit::<u64, u64, _>(subject.name, &setup).expect("the names come from the roster");
        seat.prepare(self.operations);
        seat.run(0, self.operations);
        seat.settle().map_err(Fail::Wrong)
    }

    /// Counts the subjects of a cell, all at once. `tick` is called after each.
    fn cell(
        &self,
        workload: Workload,
        keys: u64,
        subjects: &[Entry],
        tick: impl Fn() + Sync,
    ) -> Result<Cell, Fail> {
        let counted: Vec<Result<f64, Fail>> = thread::scope(|scope| {
            let count = |entry: &Entry| {
                let (name, tick) = (entry.name, &tick);
                scope.spawn(move || {
                    let count = self.count(workload, keys, name);
                    tick();
                    count
                })
            };
            let counting: Vec<_> = subjects.iter().map(count).collect();
            let join =
                |it: thread::ScopedJoinHandle<'_, _>| it.join().expect("counting never panics");
            counting.into_iter().map(join).collect()
        });
        let counted: Vec<f64> = counted.into_iter().collect::<Result<_, _>>()?;
        let fixed = |(entry, _): &(&Entry, &f64)| entry.role == Role::Own && entry.choice;
        let own = subjects.iter().zip(&counted).filter(fixed);
        let fewest = own.map(|(_, count)| *count).reduce(f64::min);
        let counts = subjects
            .iter()
            .zip(counted)
            .map(|(entry, instructions)| Count {
                subject: entry.name,
                instructions,
                ratio: fewest
                    .filter(|_| entry.role != Role::Driver)
                    .map(|fewest| instructions / fewest),
            });
        Ok(Cell {
            workload: workload.name(),
            keys,
            counts: counts.collect(),
        })
    }

    /// Instructions of an operation.
    fn count(&self, workload: Workload, keys: u64, subject: &str) -> Result<f64, Fail> {
        // So many that what happens once in many operations, to the first of them above all, is behind them.
        let short = self.operations.div_ceil(5);
        let long = short + self.operations;
        let [short, long] =
            [short, long].map(|operations| self.collected(workload, keys, subject, operations));
        Ok((long? as f64 - short? as f64) / self.operations as f64)
    }

    /// Instructions of a whole process that plays so many operations.
    fn collected(
        &self,
        workload: Workload,
        keys: u64,
        subject: &str,
        operations: u64,
    ) -> Result<u64, Fail> {
        let program = env::current_exe()?;
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program)
            .args([
                "instructions",
                "--play",
                "--subjects",
                subject,
                "--workloads",
                workload.name(),
            ]);
        for (word, number) in [
            ("--keys", keys),
            ("--operations", operations),
            ("--batch", self.dice.batch),
            ("--seed", self.dice.seed),
        ] {
            command.arg(word).arg(number.to_string());
        }
        let output = command.output().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Fail::Input(
                "valgrind was not found: it counts the instructions (Debian's package valgrind)"
                    .into(),
            ),
            _ => Fail::Input(format!("valgrind does not start: {error}")),
        })?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let last = said.lines().last().unwrap_or_default();
            return Err(Fail::Wrong(format!(
                "{subject} under valgrind ended with {}: {last}",
                output.status
            )));
        }
        collected(&said).ok_or_else(|| Fail::Wrong("callgrind told no count".into()))
    }
}

/// The count in what callgrind says at its end.
fn collected(said: &str) -> Option<u64> {
    let line = said
        .lines()
        .rev()
        .find(|line| line.contains("Collected :"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

fn row(cell: &Cell) -> Vec<String> {
    let mut row = vec![cell.workload.to_owned(), args::short(cell.keys)];
    row.extend(cell.counts.iter().map(|count| match count.ratio {
        None => format!("{:.0}", count.instructions),
        Some(ratio) => {
            let mark = if ratio == 1.0 { "*" } else { "" };
            format!("{:.0} {ratio:.2}{mark}", count.instructions)
        }
    }));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 57857760\n==7== \n==7== I   refs:      57,857,760\n";
        assert_eq!(collected(said), Some(57_857_760));
        assert_eq!(collected("==7== Collected : many"), None);
        assert_eq!(collected(""), None);
    }
}
