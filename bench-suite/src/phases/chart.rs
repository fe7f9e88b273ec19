//! The tables and the chart over time.

use super::{
    SLICES,
    score::{Cell, Placed, Score},
    script::Script,
};
use crate::{
    report::{digits, plain, warning},
    subject::Role,
};
use std::fmt::Write;

/// How to read them.
pub(super) const LEGEND: &str = "ns for one operation as one thread sees it (wall time / operations of a thread), \
    median of the rounds; * is the best\nof the family's strategies. oracle takes that one in each phase; total ms \
    is the sum of the phases, / oracle a round's\ntotal / the oracle's of that round, median of the rounds. driver is the measuring loop alone, which is in \
    every number; hashbrown is one thread without locks, the limit.";

/// A row for every phase, a column for every subject, then totals; below it a warning if the machine was not free.
pub(super) fn table(cell: &Cell, script: &Script, cores: usize) -> String {
    let names = cell.scores.iter().map(|score| score.subject);
    let oracle = cell.oracle.as_ref();
    let header: Vec<&str> = ["phase"]
        .into_iter()
        .chain(names)
        .chain(oracle.map(|_| "oracle"))
        .collect();
    let mut rows: Vec<Vec<String>> = labels(script)
        .into_iter()
        .enumerate()
        .map(|(at, label)| {
            let best = oracle.map(|oracle| oracle.subjects[at]);
            let entries = cell.scores.iter().map(|score| {
                let mark = if best == Some(score.subject) { "*" } else { "" };
                digits(score.phases[at].ns_per_op.median) + mark
            });
            [label]
                .into_iter()
                .chain(entries)
                .chain(oracle.map(|oracle| digits(oracle.ns_per_op[at])))
                .collect()
        })
        .collect();
    let row = |label: &str, entry: &dyn Fn(&Score) -> String, last: Option<String>| {
        let entries = cell.scores.iter().map(entry);
        [label.to_owned()]
            .into_iter()
            .chain(entries)
            .chain(last)
            .collect()
    };
    let total = oracle.map(|oracle| digits(oracle.total_ms));
    rows.push(row("total ms", &|score| digits(score.total_ms), total));
    if oracle.is_some() {
        let ratio = |score: &Score| score.ratio.map_or_else(|| "-".into(), digits);
        rows.push(row("/ oracle", &ratio, Some(digits(1.0))));
    }
    let phases = cell.scores.iter().flat_map(|score| &score.phases);
    let waits = phases.map(|phase| (cell.threads, phase.waiting));
    plain(&header, rows).trim_fmt() + &warning(waits, cores)
}

/// `1 read-mostly` and so on.
fn labels(script: &Script) -> Vec<String> {
    let phases = script.0.iter().enumerate();
    phases
        .map(|(at, phase)| format!("{} {}", at + 1, phase.name))
        .collect()
}

/// Throughput over time: a line for every map, a bar for every slice.
pub(super) fn chart(cell: &Cell, script: &Script) -> String {
    let maps: Vec<&Score> = cell
        .scores
        .iter()
        .filter(|score| score.role != Role::Driver)
        .collect();
    // The fastest slice of all maps in every phase.
    let tops: Vec<f64> = (0..script.0.len())
        .map(|at| {
            let slices = maps.iter().flat_map(|score| &score.phases[at].slices);
            slices.copied().fold(f64::INFINITY, f64::min)
        })
        .collect();
    let mut lines = vec![
        ("phase".to_owned(), labels(script)),
        (
            "full bar".to_owned(),
            tops.iter()
                .map(|top| format!("{} M/s", digits(cell.threads as f64 * 1e3 / top)))
                .collect(),
        ),
    ];
    let mut told = String::new();
    for score in maps {
        let bars = score.phases.iter().zip(&tops);
        let bars = bars.map(|(phase, top)| phase.slices.iter().map(|ns| bar(top / ns)).collect());
        lines.push((score.subject.to_owned(), bars.collect()));
        let typical = &score.rounds[score.typical].phases;
        if typical.iter().all(|part| part.in_force.is_none()) {
            continue;
        }
        let mut marks = Marks::default();
        let marked = typical.iter().map(|part| marks.line(&part.decisions));
        lines.push(("  decisions".to_owned(), marked.collect()));
        let in_force = typical
            .iter()
            .map(|part| part.in_force.clone().unwrap_or_default());
        lines.push(("  in force".to_owned(), in_force.collect()));
        told += &list(score, script);
    }
    let name = lines.iter().map(|line| line.0.chars().count()).max();
    let name = name.unwrap_or(0);
    let mut text = String::new();
    for (label, cells) in lines {
        let cells: Vec<String> = cells.iter().map(|cell| fit(cell)).collect();
        let line = format!("{label:name$}  {}", cells.join("|"));
        let _infallible = writeln!(text, "{}", line.trim_end());
    }
    text + &told
}

/// Width of a phase in the chart.
const WIDTH: usize = SLICES as usize;

/// Text cut or filled to the width of a phase.
fn fit(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return format!("{text:WIDTH$}");
    }
    text.chars().take(WIDTH - 1).chain(['…']).collect()
}

/// A bar for a share of the full one.
fn bar(share: f64) -> char {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    BARS[((share * 8.0).round() as usize).clamp(1, 8) - 1]
}

/// Names the decisions of a subject: 1 to 9, then a to z.
#[derive(Default)]
struct Marks(usize);

impl Marks {
    fn next(&mut self) -> char {
        const NAMES: &[u8] = b"123456789abcdefghijklmnopqrstuvwxyz";
        self.0 += 1;
        NAMES.get(self.0 - 1).map_or('*', |&name| name.into())
    }

    /// Puts the names of a phase's decisions under its slices; a + is several.
    fn line(&mut self, decisions: &[Placed]) -> String {
        let mut line = [' '; WIDTH];
        for decision in decisions {
            let name = self.next();
            let place = &mut line[decision.slice.unwrap_or(0).min(WIDTH - 1)];
            *place = if *place == ' ' { name } else { '+' };
        }
        line.iter().collect()
    }
}

/// The decisions of a subject, a line each.
fn list(score: &Score, script: &Script) -> String {
    let typical = &score.rounds[score.typical].phases;
    let mut text = format!(
        "\n{} decided, in round {}, whose total is the median of its rounds:\n",
        score.subject,
        score.typical + 1
    );
    let mut marks = Marks::default();
    for (label, part) in labels(script).into_iter().zip(typical) {
        for Placed { slice, ms, what } in &part.decisions {
            let slice = slice.map_or("before it".into(), |slice| format!("slice {}", slice + 1));
            let ms = digits(*ms);
            let mark = marks.next();
            let _infallible = writeln!(text, "  {mark}  {label}, {slice}, at {ms} ms: {what}");
        }
    }
    if marks.0 == 0 {
        text.push_str("  nothing\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_go_from_an_eighth_to_full() {
        let bars: String = [0.0, 0.1, 0.5, 0.99, 1.0].map(bar).iter().collect();
        assert_eq!(bars, "▁▁▄██");
    }

    #[test]
    fn decisions_stand_under_their_slices() {
        let decision = |slice| Placed {
            slice,
            ms: 1.0,
            what: String::new(),
        };
        let mut marks = Marks::default();
        assert_eq!(
            marks.line(&[None, Some(2), Some(19)].map(decision)),
            format!("1 2{}3", " ".repeat(16))
        );
        assert!(
            marks
                .line(&[Some(1), Some(1)].map(decision))
                .starts_with(" + ")
        );
        assert!(marks.line(&[Some(0)].map(decision)).starts_with('6'));
        marks.0 = 9;
        assert_eq!((marks.next(), marks.0), ('a', 10));
        marks.0 = 35;
        assert_eq!(marks.next(), '*');
    }

    #[test]
    fn names_are_cut_to_the_width_of_a_phase() {
        assert_eq!(fit("1 a").len(), WIDTH);
        assert_eq!(fit(&"ä".repeat(40)).chars().count(), WIDTH);
    }
}
