//! A subject that switches, from the report that it makes to the chart.

use super::{
    score::Placed,
    script::{Mix, Phase, Picks},
    stage::Playing,
    *,
};
use crate::subject::{Decision, Hasher, Role, Scanned, Session, Subject, SwitchReport};
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::time::Instant;

type Inner = Mutex<HashMap<u64, u64, Hasher>>;

/// A map that decides something at its first update and at its first scan.
struct Chooser {
    map: Inner,
    made: Instant,
    decisions: Mutex<Vec<Decision>>,
}

impl Chooser {
    fn decide(&self, what: &str) {
        let mut decisions = self.decisions.lock();
        if decisions.iter().all(|decision| decision.what != what) {
            let at = self.made.elapsed();
            decisions.push(Decision {
                at,
                what: what.into(),
            });
        }
    }
}

impl Subject<u64, u64> for Chooser {
    const NAME: &'static str = "chooser";
    const ROLE: Role = Role::Own;
    type Session<'a> = &'a Chooser;

    fn with_capacity(capacity: usize, hasher: Hasher) -> Self {
        Chooser {
            map: Subject::<u64, u64>::with_capacity(capacity, hasher),
            made: Instant::now(),
            decisions: Mutex::default(),
        }
    }

    fn len(&self) -> usize {
        self.map.lock().len()
    }

    fn report(&self) -> Option<SwitchReport> {
        let decisions = self.decisions.lock().clone();
        let last = decisions.last();
        Some(SwitchReport {
            in_force: last.map_or("first".into(), |it| it.what.clone()),
            decisions,
        })
    }

    fn session(&self) -> &Chooser {
        self
    }
}

impl Session<u64, u64> for &Chooser {
    fn get(&mut self, key: &u64) -> Option<u64> {
        self.map.session().get(key)
    }

    fn update(&mut self, key: &u64, value: u64) -> bool {
        self.decide("for updates");
        self.map.session().update(key, value)
    }

    fn insert(&mut self, key: u64, value: u64) -> bool {
        self.map.session().insert(key, value)
    }

    fn remove(&mut self, key: &u64) -> bool {
        self.map.session().remove(key)
    }

    fn scan(&mut self) -> Scanned {
        self.decide("for scans");
        self.map.session().scan()
    }
}

fn script() -> Script {
    let none = Mix::default();
    let phase = |name: &str, mix| Phase {
        name: name.into(),
        mix,
        picks: Picks::Uniform,
        keys: 100,
        ops: 400,
    };
    let read_hit = 1.0;
    let (read, update, scan) = (
        Mix { read_hit, ..none },
        Mix {
            update: 1.0,
            ..none
        },
        Mix { scan: 1.0, ..none },
    );
    Script(vec![
        phase("reading", read),
        phase("updating", update),
        phase("scanning", scan),
    ])
}

fn play(threads: usize, rounds: usize) -> Cell {
    let script = script();
    let acts = script
        .0
        .iter()
        .map(|phase| Act::new(phase, threads, 1, &[]))
        .collect();
    let stage = Playing::<Chooser>::new(Arc::new(Play {
        acts,
        threads,
        seed: 1,
        batch: 8,
        room: 100,
        slices: SLICES,
    }));
    let rounds = Pool::with(threads, |pool| {
        let turn = |_| turn(pool, &stage, &stage, &script).expect("an honest map");
        (0..rounds).map(turn).collect()
    });
    let (name, role, choice) = (Chooser::NAME, Chooser::ROLE, Chooser::CHOICE);
    Cell::new(threads, vec![(Entry { name, role, choice }, rounds)])
}

#[test]
fn decisions_are_told_in_the_phase_that_brought_them() {
    let cell = play(2, 3);
    for round in &cell.scores[0].rounds {
        let told = round.phases.iter().map(|part| {
            let whats = part.decisions.iter().map(|it| it.what.clone());
            (part.in_force.clone(), whats.collect::<Vec<_>>())
        });
        let due = [
            ("first", vec![]),
            ("for updates", vec!["for updates".to_owned()]),
            ("for scans", vec!["for scans".to_owned()]),
        ];
        assert!(told.eq(due.map(|(now, whats)| (Some(now.to_owned()), whats))));
        for Placed { slice, .. } in round.phases.iter().flat_map(|part| &part.decisions) {
            assert!(slice.is_some_and(|slice| slice < 20));
        }
        let sum: f64 = round.phases.iter().map(|part| part.ms).sum();
        assert_eq!(round.total_ms, sum);
        for (at, part) in round.phases.iter().enumerate() {
            assert_eq!(part.slices.len(), 20);
            let Part { answers, .. } = part;
            assert_eq!(answers.ops(), 800);
            assert_eq!(answers.scans, if at == 2 { 800 } else { 0 });
        }
    }
    assert!(cell.oracle.is_none(), "who switches is no fixed strategy");
}

#[test]
fn the_chart_shows_decisions_and_what_is_in_force() {
    let cell = play(1, 1);
    let (chart, table) = (
        chart::chart(&cell, &script()),
        chart::table(&cell, &script(), 1),
    );
    let line = |begin: &str| {
        let mut lines = chart.lines();
        lines
            .find(|line| line.starts_with(begin))
            .unwrap_or_else(|| panic!("{begin}: {chart}"))
    };
    assert_eq!(line("chooser").matches('|').count(), 2, "{chart}");
    assert!(
        line("chooser").chars().filter(|&it| it > '▀').count() == 60,
        "{chart}"
    );
    let marks: Vec<&str> = line("  decisions").splitn(3, '|').collect();
    assert!(marks[1].contains('1') && marks[2].contains('2'), "{chart}");
    let in_force = line("  in force");
    assert!(
        in_force.contains("first") && in_force.ends_with("for scans"),
        "{chart}"
    );
    assert!(chart.contains("chooser decided, in round 1"), "{chart}");
    assert!(
        line("  2  3 scanning, slice ").ends_with("ms: for scans"),
        "{chart}"
    );
    assert!(
        table.contains("2 updating") && !table.contains("oracle"),
        "{table}"
    );
}

#[test]
fn the_example_of_the_help_is_a_script() {
    let (begin, end) = (OF_SCRIPTS.find("[\n"), OF_SCRIPTS.find("]\n\n"));
    let (begin, end) = begin.zip(end).expect("there is an example");
    let script = Script::parse(&OF_SCRIPTS[begin..=end]).expect("a good one");
    assert_eq!(script.0.len(), 2);
    assert!(OF_SCRIPTS.lines().all(|line| line.len() <= 80));
}

#[test]
fn a_wrong_answer_ends_the_run_with_the_phase() {
    let script = script();
    let act = |phase: &Phase| Act::new(phase, 1, 1, &[]);
    let mut acts: Vec<Act> = script.0.iter().map(act).collect();
    acts[2].expect_one_more_key();
    let (threads, seed, batch, room, slices) = (1, 1, 8, 100, SLICES);
    let play = Play {
        acts,
        threads,
        seed,
        batch,
        room,
        slices,
    };
    let stage = Playing::<Chooser>::new(Arc::new(play));
    let wrong = Pool::with(1, |pool| turn(pool, &stage, &stage, &script));
    let wrong = wrong.expect_err("scans meet too few").to_string();
    assert!(
        wrong.contains("phase 3 (scanning): 400 scans met 40000 entries"),
        "{wrong}"
    );
}
