//! One cell: every seat calibrated, then rounds that go round the table.
//!
//! What happens to the machine in the meantime (another program, a change of frequency) happens to all seats, because each round
//! of one seat is followed by a round of the next. The order turns and is reversed every other round, so that nobody always sits after
//! the same neighbour. And what slows all alike in the midst of a cell changes no ratio: each round is compared with the peer's of the same turn.

use crate::{
    fail::Fail,
    pool::{Lap, Pool},
    seat::Seat,
    stats::Spread,
    subject::Role,
};
use serde::Serialize;
use std::time::Duration;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds of every seat.
    pub rounds: usize,
    /// Length of a round.
    pub round: Duration,
}

/// What was measured at one seat.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    /// The subject.
    pub subject: &'static str,
    /// What it is to the comparison.
    pub role: Role,
    /// Nanoseconds for an operation as one thread sees it: wall time x threads / operations of all threads.
    pub ns_per_op: Spread,
    /// Million operations a second of all threads together, in the median round.
    pub mops: f64,
    /// Its time / that of the best peer of the cell, in the median turn.
    pub ratio: Option<f64>,
    /// Median share of a round that the threads waited for a core: above a few percent, the machine was not free.
    pub waiting: f64,
    /// Operations of all threads in a round.
    pub ops_per_round: u64,
    /// Nanoseconds for an operation in every round.
    pub samples: Vec<f64>,
    /// What was asked and answered in all rounds, calibration and approaches included.
    pub tally: crate::lane::Tally,
}

/// So many times a calibrating round that seems to be long enough is played again.
const CONFIRMATIONS: u32 = 3;
/// So many amounts are tried at most. (It takes ten to get from 64 to 16 million, four times as many each time.)
const CALIBRATIONS: usize = 24;

/// Measures the seats against each other. `tick` is called after every round.
pub fn measure(
    seats: &[Box<dyn Seat>],
    threads: usize,
    effort: Effort,
    mut tick: impl FnMut(),
) -> Result<Vec<Score>, Fail> {
    let tasks: Vec<&dyn crate::pool::Task> = seats.iter().map(|seat| &**seat as _).collect();
    let mut samples = vec![Vec::with_capacity(effort.rounds); seats.len()];
    let mut waits = samples.clone();
    let mut amounts = Vec::with_capacity(seats.len());
    let is_long = |time: Duration| time * 4 >= effort.round;
    Pool::with(threads, |pool| -> Result<(), Fail> {
        let round = |at: usize, amount: u64| -> Result<Lap, Fail> {
            let seat: &dyn Seat = &*seats[at];
            seat.prepare(amount);
            let approach = (amount as f64 * seat.approach_share()) as u64;
            let lap = pool.round(tasks[at], approach, amount);
            seat.settle()
                .map_err(|wrong| Fail::Wrong(format!("{}: {wrong}", seat.name())))?;
            Ok(lap)
        };
        for (at, seat) in seats.iter().enumerate() {
            let (least, most) = seat.amounts();
            let mut amount = least;
            // Grow until a round is long enough to tell, then take what fills the time. A round that was interrupted looks long enough,
            // too: it is played again, and the shortest counts. And so do all of them while a map is rebuilt: then one of twice the amount does not take
            // much longer.
            for _ in 0..CALIBRATIONS {
                let mut time = round(at, amount)?.time.max(Duration::from_nanos(1));
                for _ in 0..CONFIRMATIONS {
                    if is_long(time) {
                        time = time.min(round(at, amount)?.time.max(Duration::from_nanos(1)));
                    }
                }
                if !is_long(time) && amount < most {
                    amount = (amount * 4).min(most);
                    continue;
                }
                let twice = (amount * 2).min(most);
                if twice == amount * 2 && round(at, twice)?.time < time * 3 / 2 {
                    amount = (amount * 4).min(most);
                    continue;
                }
                let filling = amount as f64 * effort.round.as_secs_f64() / time.as_secs_f64();
                amount = (filling as u64).clamp(least, most);
                break;
            }
            amounts.push(amount);
        }
        for turn in 0..effort.rounds {
            for at in order(turn, seats.len()) {
                let Lap { time, waiting } = round(at, amounts[at])?;
                waits[at].push(waiting);
                let ops = seats[at].ops(amounts[at]);
                samples[at].push(time.as_secs_f64() * 1e9 * threads as f64 / ops as f64);
                tick();
            }
        }
        Ok(())
    })?;
    let mut scores: Vec<Score> = seats
        .iter()
        .zip(samples)
        .zip(waits)
        .zip(amounts)
        .map(|(((seat, samples), waits), amount)| {
            let ns_per_op = Spread::of(&samples);
            Score {
                subject: seat.name(),
                role: seat.role(),
                ns_per_op,
                mops: 1e3 * threads as f64 / ns_per_op.median,
                ratio: None,
                waiting: Spread::of(&waits).median,
                ops_per_round: seat.ops(amount),
                samples,
                tally: seat.tally(),
            }
        })
        .collect();
    compare(&mut scores);
    Ok(scores)
}

/// Fills in the ratios to the best peer.
fn compare(scores: &mut [Score]) {
    if let Some(best) = best_peer(scores).map(|best| best.samples.clone()) {
        for score in scores {
            score.ratio = Some(median_ratio(&score.samples, &best));
        }
    }
}

/// One time / the other of the same turn, in the median turn.
pub(crate) fn median_ratio(times: &[f64], others: &[f64]) -> f64 {
    let ratios = times.iter().zip(others).map(|(time, other)| time / other);
    Spread::of(&ratios.collect::<Vec<_>>()).median
}

/// Who follows whom in a round: see above.
pub(crate) fn order(round: usize, seats: usize) -> impl Iterator<Item = usize> {
    (0..seats).map(move |place| {
        let place = if round.is_multiple_of(2) {
            place
        } else {
            seats - 1 - place
        };
        (place + round / 2) % seats
    })
}

/// The peer with the lowest median.
pub fn best_peer(scores: &[Score]) -> Option<&Score> {
    let peers = scores.iter().filter(|score| score.role == Role::Peer);
    peers.min_by(|a, b| a.ns_per_op.median.total_cmp(&b.ns_per_op.median))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lane::Tally, pool::Task};
    use std::{
        sync::atomic::{AtomicU32, Ordering::Relaxed},
        thread,
        time::Instant,
    };

    /// A tenth of a microsecond for an operation, but that so many rounds are interrupted first.
    struct Interrupted(AtomicU32);

    impl Task for Interrupted {
        fn approach(&self, _: usize, _: u64) {}

        fn run(&self, _: usize, amount: u64) {
            let left = self.0.load(Relaxed);
            if left > 0 {
                self.0.store(left - 1, Relaxed);
                thread::sleep(Duration::from_millis(10));
            }
            let start = Instant::now();
            while start.elapsed() < Duration::from_nanos(100) * amount as u32 {}
        }
    }

    impl Seat for Interrupted {
        fn name(&self) -> &'static str {
            "interrupted"
        }

        fn role(&self) -> Role {
            Role::Own
        }

        fn ops(&self, amount: u64) -> u64 {
            amount
        }

        fn amounts(&self) -> (u64, u64) {
            (64, 1 << 20)
        }

        fn approach_share(&self) -> f64 {
            0.0
        }

        fn prepare(&self, _: u64) {}

        fn settle(&self) -> Result<(), String> {
            Ok(())
        }

        fn tally(&self) -> Tally {
            Tally::default()
        }
    }

    #[test]
    fn an_interruption_makes_no_short_rounds() {
        // Some, and as many as a calibrating round is played.
        for interrupted in [2, 1 + CONFIRMATIONS] {
            let seats: [Box<dyn Seat>; 1] = [Box::new(Interrupted(AtomicU32::new(interrupted)))];
            let effort = Effort {
                rounds: 1,
                round: Duration::from_millis(10),
            };
            let scores = measure(&seats, 1, effort, || ()).expect("nothing is wrong");
            // A hundred thousand fill a round; judged by the interrupted ones, it were 64.
            assert!(scores[0].ops_per_round > 5_000, "{scores:?}");
        }
    }

    /// By their medians the map would be at 0.45 of the peer.
    #[test]
    fn a_machine_that_changes_its_pace_changes_no_ratio() {
        let score = |subject, role, samples: [f64; 5]| Score {
            subject,
            role,
            ns_per_op: Spread::of(&samples),
            mops: 0.0,
            ratio: None,
            waiting: 0.0,
            ops_per_round: 1,
            samples: samples.to_vec(),
            tally: Tally::default(),
        };
        // The change comes in the third turn, after the first of them and before the second.
        let mut scores = [
            score("map", Role::Own, [9.0, 9.0, 9.0, 18.0, 18.0]),
            score("peer", Role::Peer, [10.0, 10.0, 20.0, 20.0, 20.0]),
            score("slow", Role::Peer, [50.0, 50.0, 50.0, 50.0, 50.0]),
        ];
        compare(&mut scores);
        let ratios: Vec<_> = scores.iter().map(|score| score.ratio).collect();
        assert_eq!(ratios, [Some(0.9), Some(1.0), Some(2.5)]);
    }

    #[test]
    fn everybody_has_a_turn_in_every_round_and_follows_different_neighbours() {
        let rounds: Vec<Vec<usize>> = (0..6).map(|round| order(round, 3).collect()).collect();
        for round in &rounds {
            let mut seats = round.clone();
            seats.sort_unstable();
            assert_eq!(seats, [0, 1, 2]);
        }
        for seat in 0..3 {
            for place in 0..3 {
                assert!(rounds.iter().any(|round| round[place] == seat));
            }
        }
    }
}
