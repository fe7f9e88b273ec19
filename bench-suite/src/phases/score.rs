//! What was measured: of every round, phase and slice, and the medians over the rounds; and the oracle.

use super::{lane::Answers, stage::Taken};
use crate::{
    measure::median_ratio,
    pool::Lap,
    stats::Spread,
    subject::{Decision, Role},
    subjects::Entry,
};
use serde::Serialize;

/// One phase of one round.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Part {
    /// Wall time from the first thread's start to the last one's end.
    pub(super) ms: f64,
    /// Nanoseconds for an operation as one thread sees it.
    pub(super) ns_per_op: f64,
    /// Share of the time that the threads waited for a core.
    pub(super) waiting: f64,
    /// The same as `ns_per_op` of every slice.
    pub(super) slices: Vec<f64>,
    pub(super) answers: Answers,
    /// The strategy at the end of the phase, of a map that changes it.
    pub(super) in_force: Option<String>,
    pub(super) decisions: Vec<Placed>,
}

/// A decision, with its place in the phase in which it was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Placed {
    /// The slice; none if it was made while the map was brought to the phase's keys, outside the clock.
    pub(super) slice: Option<usize>,
    /// Milliseconds from the making of the map.
    pub(super) ms: f64,
    pub(super) what: String,
}

impl Part {
    /// `ops` are the operations of a thread; `told` are the decisions that the map remembered after the last phase.
    pub(super) fn new(lap: Lap, ops: u64, taken: Taken, told: &[Decision]) -> Part {
        let Taken {
            slices,
            answers,
            begin,
            ends,
            report,
        } = taken;
        let (in_force, decisions) = match report {
            None => (None, Vec::new()),
            Some(report) => (Some(report.in_force), report.decisions),
        };
        let place = |Decision { at, what }: Decision| {
            let slice = ends.iter().take_while(|&&end| end < at).count();
            Placed {
                // The last thread ends a little after the first.
                slice: (at >= begin).then(|| slice.min(ends.len().saturating_sub(1))),
                ms: at.as_secs_f64() * 1e3,
                what: what.replace('\n', " "),
            }
        };
        Part {
            ms: lap.time.as_secs_f64() * 1e3,
            ns_per_op: lap.time.as_secs_f64() * 1e9 / ops as f64,
            waiting: lap.waiting,
            slices,
            answers,
            in_force,
            decisions: decisions
                .into_iter()
                .filter(|decision| !told.contains(decision))
                .map(place)
                .collect(),
        }
    }
}

/// The whole script once.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Round {
    /// The sum of the phases.
    pub(super) total_ms: f64,
    pub(super) phases: Vec<Part>,
}

impl Round {
    pub(super) fn new(phases: Vec<Part>) -> Round {
        let total_ms = phases.iter().map(|part| part.ms).sum();
        Round { total_ms, phases }
    }
}

/// A phase over all rounds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PhaseScore {
    pub(super) ms: Spread,
    pub(super) ns_per_op: Spread,
    /// Median share of waiting.
    pub(super) waiting: f64,
    /// Median nanoseconds for an operation in every slice.
    pub(super) slices: Vec<f64>,
}

impl PhaseScore {
    fn of(parts: &[&Part]) -> PhaseScore {
        let spread = |number: &dyn Fn(&Part) -> f64| {
            let numbers: Vec<f64> = parts.iter().map(|part| number(part)).collect();
            Spread::of(&numbers)
        };
        let slices = parts[0].slices.len();
        PhaseScore {
            ms: spread(&|part| part.ms),
            ns_per_op: spread(&|part| part.ns_per_op),
            waiting: spread(&|part| part.waiting).median,
            slices: (0..slices)
                .map(|at| spread(&|part| part.slices[at]).median)
                .collect(),
        }
    }
}

/// A subject over all rounds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Score {
    pub(super) subject: &'static str,
    pub(super) role: Role,
    /// True if the oracle chooses among it and others.
    pub(super) choice: bool,
    /// The sum of the phases' medians.
    pub(super) total_ms: f64,
    /// A round's total / the oracle's of the same round, in the median round.
    pub(super) ratio: Option<f64>,
    /// The round whose total is the median: what is shown of decisions is from there.
    pub(super) typical: usize,
    pub(super) phases: Vec<PhaseScore>,
    pub(super) rounds: Vec<Round>,
}

impl Score {
    /// Of at least one round.
    fn new(entry: &Entry, rounds: Vec<Round>) -> Score {
        let phases: Vec<_> = (0..rounds[0].phases.len())
            .map(|at| {
                let parts: Vec<_> = rounds.iter().map(|round| &round.phases[at]).collect();
                PhaseScore::of(&parts)
            })
            .collect();
        let mut order: Vec<usize> = (0..rounds.len()).collect();
        order.sort_by(|&a, &b| rounds[a].total_ms.total_cmp(&rounds[b].total_ms));
        Score {
            subject: entry.name,
            role: entry.role,
            choice: entry.choice,
            total_ms: phases.iter().map(|phase| phase.ms.median).sum(),
            ratio: None,
            typical: order[(order.len() - 1) / 2],
            phases,
            rounds,
        }
    }
}

/// Who knows the script and changes the strategy for nothing: in each phase the best of the family's strategies.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Oracle {
    /// What it would take in every phase.
    pub(super) subjects: Vec<&'static str>,
    pub(super) ns_per_op: Vec<f64>,
    pub(super) ms: Vec<f64>,
    pub(super) total_ms: f64,
    /// What they took in all phases, in every round.
    pub(super) rounds_ms: Vec<f64>,
}

impl Oracle {
    /// None if no strategy of the family takes part.
    fn of(scores: &[Score]) -> Option<Oracle> {
        let phases = scores.first()?.phases.len();
        let best = |at: usize| {
            let choices = scores.iter().filter(|score| score.choice);
            choices.min_by(|a, b| a.phases[at].ms.median.total_cmp(&b.phases[at].ms.median))
        };
        let best: Vec<&Score> = (0..phases).map(best).collect::<Option<_>>()?;
        let numbers = |number: &dyn Fn(&PhaseScore) -> f64| {
            let scores = best.iter().enumerate();
            scores.map(|(at, it)| number(&it.phases[at])).collect()
        };
        let ms: Vec<f64> = numbers(&|phase| phase.ms.median);
        Some(Oracle {
            subjects: best.iter().map(|score| score.subject).collect(),
            ns_per_op: numbers(&|phase| phase.ns_per_op.median),
            total_ms: ms.iter().sum(),
            ms,
            rounds_ms: (0..best.first()?.rounds.len())
                .map(|round| {
                    let phases = best.iter().enumerate();
                    phases.map(|(at, it)| it.rounds[round].phases[at].ms).sum()
                })
                .collect(),
        })
    }
}

/// A number of threads, and what every subject did with it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Cell {
    pub(super) threads: usize,
    pub(super) oracle: Option<Oracle>,
    pub(super) scores: Vec<Score>,
}

impl Cell {
    /// From each subject's rounds.
    pub(super) fn new(threads: usize, rounds: Vec<(Entry, Vec<Round>)>) -> Cell {
        let mut scores: Vec<Score> = rounds
            .into_iter()
            .map(|(entry, rounds)| Score::new(&entry, rounds))
            .collect();
        let oracle = Oracle::of(&scores);
        if let Some(oracle) = &oracle {
            for score in scores.iter_mut().filter(|it| it.role != Role::Driver) {
                let totals: Vec<f64> = score.rounds.iter().map(|it| it.total_ms).collect();
                score.ratio = Some(median_ratio(&totals, &oracle.rounds_ms));
            }
        }
        Cell {
            threads,
            oracle,
            scores,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn part(ms: f64) -> Part {
        Part {
            ms,
            ns_per_op: 10.0 * ms,
            waiting: 0.0,
            slices: vec![ms, 2.0 * ms],
            answers: Answers::default(),
            in_force: None,
            decisions: Vec::new(),
        }
    }

    fn subject(name: &'static str, role: Role, rounds: &[[f64; 2]]) -> (Entry, Vec<Round>) {
        let choice = role == Role::Own && name != "chooser";
        let rounds = rounds
            .iter()
            .map(|times| Round::new(times.map(part).to_vec()))
            .collect();
        (Entry { name, role, choice }, rounds)
    }

    #[test]
    fn the_oracle_takes_the_best_strategy_of_every_phase_and_totals_are_sums() {
        let cell = Cell::new(
            2,
            vec![
                subject("driver", Role::Driver, &[[0.1, 0.1]]),
                subject("a", Role::Own, &[[1.0, 9.0], [3.0, 9.0], [2.0, 7.0]]),
                subject("b", Role::Own, &[[5.0, 4.0]; 3]),
                subject("chooser", Role::Own, &[[1.0, 1.0]; 3]),
                subject("peer", Role::Peer, &[[0.5, 0.5]; 3]),
            ],
        );
        let oracle = cell.oracle.expect("there are strategies");
        assert_eq!(oracle.subjects, ["a", "b"]);
        assert_eq!((&*oracle.ms, oracle.total_ms), (&[2.0, 4.0][..], 6.0));
        assert_eq!(oracle.ns_per_op, [20.0, 40.0]);
        let totals: Vec<_> = cell.scores.iter().map(|score| score.total_ms).collect();
        assert_eq!(totals, [0.2, 11.0, 9.0, 2.0, 1.0]);
        let ratios: Vec<_> = cell.scores.iter().map(|score| score.ratio).collect();
        // Of each round with the oracle's choices in the same: a 10 / 5, 12 / 7, 9 / 6.
        let due = [
            None,
            Some(12.0 / 7.0),
            Some(1.5),
            Some(1.0 / 3.0),
            Some(1.0 / 6.0),
        ];
        assert_eq!(ratios, due);
        assert_eq!(cell.scores[1].typical, 0, "10 is between 9 and 12");
        assert_eq!(cell.scores[1].phases[1].slices, [9.0, 18.0]);
    }

    #[test]
    fn without_a_strategy_of_the_family_there_is_no_oracle() {
        let cell = Cell::new(1, vec![subject("peer", Role::Peer, &[[1.0, 1.0]])]);
        assert!(cell.oracle.is_none() && cell.scores[0].ratio.is_none());
    }

    #[test]
    fn decisions_are_placed_where_they_were_made_and_told_once() {
        let ms = Duration::from_millis;
        let decision = |at| Decision {
            at: ms(at),
            what: format!("at\n{at}"),
        };
        let taken = Taken {
            slices: vec![1.0; 3],
            answers: Answers::default(),
            begin: ms(100),
            ends: vec![ms(110), ms(120), ms(130)],
            report: Some(crate::subject::SwitchReport {
                in_force: "lock".into(),
                decisions: [10, 95, 100, 110, 111, 130, 131].map(decision).to_vec(),
            }),
        };
        let lap = Lap {
            time: ms(30),
            waiting: 0.0,
        };
        let part = Part::new(lap, 1000, taken, &[decision(10)]);
        assert_eq!(part.ns_per_op, 30_000.0);
        assert_eq!(part.in_force.as_deref(), Some("lock"));
        let places: Vec<_> = part.decisions.iter().map(|it| (it.ms, it.slice)).collect();
        let due = [
            (95.0, None),
            (100.0, Some(0)),
            (110.0, Some(0)),
            (111.0, Some(1)),
            (130.0, Some(2)),
            (131.0, Some(2)),
        ];
        assert_eq!(places, due);
        assert_eq!(part.decisions[0].what, "at 95");
    }
}
