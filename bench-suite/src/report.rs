//! What a run says: the same cells as a table for people and as JSON for programs.

use crate::{
    machine::Machine,
    measure::{Score, best_peer},
    subject::Role,
    subjects::Entry,
};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::fmt::Write;

/// Everything of a run; `S` are its settings, `C` its cells.
#[derive(Debug, Serialize)]
pub struct Report<S, C> {
    /// What was run.
    pub command: &'static str,
    /// The machine and the compiler.
    pub machine: Machine,
    /// The settings of the run.
    pub settings: S,
    /// The cells.
    pub cells: Vec<C>,
}

/// The circumstances of maps.
#[derive(Clone, Debug, Serialize)]
pub struct OfMaps {
    /// Workload or trace.
    pub workload: String,
    /// Keys.
    pub keys: u64,
    /// Type of the keys.
    pub key_type: &'static str,
    /// Size of a value in bytes.
    pub value_bytes: usize,
}

/// The circumstances of a cell and what every subject did in them.
#[derive(Clone, Debug, Serialize)]
pub struct Cell<At> {
    /// What the command varies.
    #[serde(flatten)]
    pub at: At,
    /// Threads.
    pub threads: usize,
    /// The fastest peer here: every ratio is against it.
    pub best_peer: Option<&'static str>,
    /// The subjects.
    pub scores: Vec<Score>,
}

impl<At> Cell<At> {
    /// Fills in the best peer.
    pub fn new(at: At, threads: usize, scores: Vec<Score>) -> Self {
        let best_peer = best_peer(&scores).map(|best| best.subject);
        Cell {
            at,
            threads,
            best_peer,
            scores,
        }
    }
}

/// Share of waiting for a core above which a cell is not to be trusted.
const DISTURBED: f64 = 0.05;

/// A warning, if other programs had the cores while these cells were measured; else nothing.
fn disturbance<At>(cells: &[Cell<At>], cores: usize) -> String {
    let waits = cells
        .iter()
        .flat_map(|cell| cell.scores.iter().map(|score| (cell.threads, score)));
    warning(
        waits.map(|(threads, score)| (threads, score.waiting)),
        cores,
    )
}

/// The same from entries, each with its number of threads and its share of waiting. More threads than cores wait by design.
pub(crate) fn warning(entries: impl Iterator<Item = (usize, f64)>, cores: usize) -> String {
    let entries = entries.filter(|&(threads, _)| threads <= cores);
    let all: Vec<f64> = entries.map(|(_, waiting)| waiting).collect();
    let bad: Vec<f64> = all.iter().copied().filter(|&it| it > DISTURBED).collect();
    match bad.iter().copied().reduce(f64::max) {
        None => String::new(),
        Some(worst) => format!(
            "\nwarning: in {} of {} entries the threads waited for a core more than {:.0} % of the time (up to {:.0} %):\n\
             other programs were running, do not trust these numbers",
            bad.len(),
            all.len(),
            DISTURBED * 100.0,
            worst * 100.0
        ),
    }
}

/// How to read the tables.
pub const LEGEND: &str = "ns for one operation as one thread sees it (wall time x threads / operations), median of the \
    rounds;\nbehind it its time / the best peer's, median of the turns (below 1 is faster); * is the best peer.\n\
    driver is the measuring loop alone, which is in every number and no peer";

/// What else to know of the maps' tables.
pub const LEGEND_OF_MAPS: &str =
    "; hashbrown is one thread without locks, the limit, and no peer either.";

/// A row for every cell, a column for every subject; below it a warning if the machine was not free. `label` names the rows.
pub fn block<At>(
    head: &[&str],
    subjects: &[Entry],
    cells: &[Cell<At>],
    cores: usize,
    label: impl Fn(&Cell<At>) -> Vec<String>,
) -> String {
    let names = subjects.iter().map(|entry| entry.name);
    let header: Vec<&str> = head.iter().copied().chain(names).collect();
    let rows = cells.iter().map(|cell| {
        let mut row = label(cell);
        for entry in subjects {
            let score = cell.scores.iter().find(|score| score.subject == entry.name);
            row.push(score.map_or_else(|| "-".into(), |score| entry_text(cell, score)));
        }
        row
    });
    plain(&header, rows).trim_fmt() + &disturbance(cells, cores)
}

/// A table without lines, words to the left and numbers to the right.
pub fn plain(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    table.add_rows(rows);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if at > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn entry_text<At>(cell: &Cell<At>, score: &Score) -> String {
    let mut text = digits(score.ns_per_op.median);
    if let Some(ratio) = score.ratio.filter(|_| score.role != Role::Driver) {
        let mark = if cell.best_peer == Some(score.subject) {
            "*"
        } else {
            ""
        };
        let _infallible = write!(text, " {}{mark}", digits(ratio));
    }
    text
}

/// Three digits that matter.
pub fn digits(number: f64) -> String {
    match number {
        _ if number < 9.995 => format!("{number:.2}"),
        _ if number < 99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subjects::ROSTER;

    fn score(subject: &'static str, role: Role, ns: f64, waiting: f64) -> Score {
        Score {
            subject,
            role,
            ns_per_op: crate::stats::Spread::of(&[ns]),
            mops: 1.0,
            ratio: None,
            waiting,
            ops_per_round: 1,
            samples: vec![ns],
            tally: Default::default(),
        }
    }

    /// With every subject, and operations of some hundred nanoseconds, each peer being the best once.
    #[test]
    fn a_line_has_room_in_a_terminal() {
        let peers = ROSTER.iter().filter(|entry| entry.role == Role::Peer);
        let cells = peers.map(|best| {
            let scores = ROSTER.iter().map(|entry| {
                let ratio = if entry.name == best.name { 1.0 } else { 3.0 };
                Score {
                    ratio: Some(ratio),
                    ..score(entry.name, entry.role, 111.0 * ratio, 0.0)
                }
            });
            Cell::new((), 1, scores.collect())
        });
        let cells: Vec<_> = cells.collect();
        let label = |_: &Cell<()>| vec!["read-miss".into(), "100k".into()];
        let table = block(&["workload", "keys"], ROSTER, &cells, 1, label);
        assert_eq!(table.matches("111 1.00*").count(), cells.len(), "{table}");
        assert!(
            // A wide one: the subjects are many.
            table.lines().all(|line| line.chars().count() <= 150),
            "{table}"
        );
    }

    #[test]
    fn three_digits() {
        let texts = [0.5, 1.234, 9.99, 9.999, 12.34, 99.96, 123.4, 12345.6].map(digits);
        assert_eq!(
            texts,
            [
                "0.50", "1.23", "9.99", "10.0", "12.3", "100", "123", "12346"
            ]
        );
    }

    #[test]
    fn a_busy_machine_is_told_but_not_what_waits_by_design() {
        let cells = |threads| {
            let scores = vec![
                score("mutex", Role::Peer, 1.0, 0.01),
                score("mutex", Role::Peer, 1.0, 0.5),
            ];
            [Cell::new((), threads, scores)]
        };
        assert!(disturbance(&cells(2), 2).contains("in 1 of 2 entries"));
        assert_eq!(disturbance(&cells(3), 2), "");
    }
}
