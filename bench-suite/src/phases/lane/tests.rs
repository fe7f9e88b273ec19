//! The lanes: that a script is played as written, with the same operations whoever the map is; and that the checks can fail.

use super::{
    super::script::{Phase, Picks},
    *,
};
use crate::{lane::tests::Plain, subject::Hasher};

const SEED: u64 = 42;

impl Act {
    /// From now on every map has too few.
    pub(in crate::phases) fn expect_one_more_key(&mut self) {
        self.keys += 1;
    }
}

fn phase(mix: Mix, picks: Picks, keys: u64) -> Phase {
    let (name, ops) = ("it".into(), 6000);
    Phase {
        name,
        mix,
        picks,
        keys,
        ops,
    }
}

/// All that a script can ask for: keys that stay, come, go, are more and fewer than before.
fn phases() -> Vec<Phase> {
    let none = Mix::default();
    let read = Mix {
        read_hit: 1.0,
        ..none
    };
    let mixed = Mix {
        read_hit: 0.5,
        read_miss: 0.2,
        update: 0.299,
        scan: 0.001,
        ..none
    };
    let churn = Mix {
        read_hit: 0.1,
        insert: 0.45,
        remove: 0.45,
        ..none
    };
    let growing = Mix {
        read_hit: 0.3,
        update: 0.2,
        insert: 0.4,
        remove: 0.099,
        scan: 0.001,
        ..none
    };
    let shrinking = Mix {
        read_hit: 0.5,
        update: 0.4,
        insert: 0.04,
        remove: 0.06,
        ..none
    };
    vec![
        phase(read, Picks::Zipf, 1000),
        phase(mixed, Picks::Uniform, 1000),
        phase(churn, Picks::Uniform, 1000),
        phase(mixed, Picks::Zipf, 1000),
        phase(growing, Picks::Zipf, 100),
        phase(shrinking, Picks::Zipf, 2000),
        phase(read, Picks::Uniform, 7),
        phase(churn, Picks::Zipf, 7),
        phase(mixed, Picks::Uniform, 3000),
    ]
}

fn acts(threads: usize) -> Vec<Act> {
    let mut acts = Vec::new();
    for phase in phases() {
        acts.push(Act::new(&phase, threads, SEED, &acts));
    }
    acts
}

fn lanes(threads: usize) -> Vec<Lane> {
    let lane = |thread| Lane::new(thread, threads, SEED, 64);
    (0..threads).map(lane).collect()
}

fn plain(lose_every: usize) -> Plain {
    Plain::with_capacity(lose_every, Hasher::with_seeds(1, 2, 3, 4))
}

fn enter(lanes: &mut [Lane], act: &Act, map: &Plain) {
    let tail = lanes.iter().map(Lane::tail).max().expect("a lane");
    for lane in lanes {
        lane.enter(act, tail, map);
    }
}

#[test]
fn a_script_is_played_as_written_and_every_answer_is_right() {
    for threads in [1, 2, 3] {
        let (map, mut lanes) = (plain(0), lanes(threads));
        for (phase, act) in phases().iter().zip(acts(threads)) {
            enter(&mut lanes, &act, &map);
            let due = phase.keys / threads as u64 * threads as u64;
            assert_eq!(map.len() as u64, due, "{phase}");
            // A slice at a time, in turns.
            for _ in 0..20 {
                for lane in &mut lanes {
                    lane.play(&map, 300);
                }
            }
            for lane in &lanes {
                lane.check(&act, &map).expect("an honest map");
                assert_eq!(lane.answers().ops(), 6000, "{phase}");
            }
            let held: u64 = lanes.iter().map(Lane::held).sum();
            assert_eq!(map.len() as u64, held, "{phase}");
            let steady = phase.mix.insert == phase.mix.remove;
            assert!(!steady || (due..=due + threads as u64).contains(&held));
        }
    }
}

#[test]
fn the_answers_of_a_map_do_not_change_what_it_is_asked() {
    let play = |lose_every| {
        let (map, mut lanes) = (plain(lose_every), lanes(1));
        let answers = acts(1).into_iter().map(|act| {
            enter(&mut lanes, &act, &map);
            lanes[0].play(&map, 6000);
            let Answers {
                tally,
                absent,
                scans,
                ..
            } = lanes[0].answers();
            [
                tally.reads,
                tally.updates,
                tally.inserts,
                tally.removes,
                absent,
                scans,
            ]
        });
        answers.collect::<Vec<_>>()
    };
    assert_eq!(play(0), play(3));
}

#[test]
fn zipf_picks_the_newest_most_often_and_uniform_all_alike() {
    let update = Mix {
        update: 1.0,
        ..Mix::default()
    };
    let counts = |picks| {
        let act = Act::new(&phase(update, picks, 100), 1, SEED, &[]);
        let (map, mut lanes) = (plain(0), lanes(1));
        enter(&mut lanes, &act, &map);
        let mut counts = [0u32; 100];
        for _ in 0..100_000 {
            let bits = lanes[0].draws.next(1)[0] >> 32;
            counts[lanes[0].pick(bits) as usize] += 1;
        }
        counts
    };
    let even = counts(Picks::Uniform);
    assert!(even.iter().all(|it| (800..1200).contains(it)), "{even:?}");
    let skewed = counts(Picks::Zipf);
    assert_eq!(skewed.iter().max(), Some(&skewed[99]), "{skewed:?}");
    assert!(skewed[99] > 10 * skewed[0].max(1), "{skewed:?}");
}

#[test]
fn picks_are_drawn_once_for_phases_that_are_alike() {
    let (zipf, other) = (&phases()[0], &phases()[4]);
    let first = Act::new(zipf, 2, SEED, &[]);
    let picks = |act: &Act| act.skews[1].clone().expect("skewed");
    let drawn = [first];
    let again = Act::new(zipf, 2, SEED, &drawn);
    assert!(Arc::ptr_eq(&picks(&drawn[0]), &picks(&again)));
    assert!(!Arc::ptr_eq(
        &picks(&drawn[0]),
        &picks(&Act::new(other, 2, SEED, &drawn))
    ));
    assert!(!Arc::ptr_eq(
        &picks(&drawn[0]),
        &drawn[0].skews[0].clone().expect("skewed")
    ));
}

#[test]
fn a_map_that_does_less_is_found_out() {
    // What goes wrong in which phase, after it was entered, and the complaint.
    type Harm = fn(&Plain, &mut Lane, &mut Act);
    let cases: [(usize, usize, Harm, &str); 5] = [
        (1000, 0, |_, _, _| (), "reads that hit"),
        (
            0,
            1,
            |map, _, _| map.map.lock().clear(),
            "where the workload implies",
        ),
        (0, 1, |_, _, act| act.expect_one_more_key(), "scans met"),
        (0, 1, |_, lane, _| lane.astray = 1, "keys astray"),
        (
            0,
            2,
            |_, _, act| (act.mix.read_hit, act.mix.update) = (0.0, 0.1),
            "reads of present keys of 6000 operations, where the workload says 0 %",
        ),
    ];
    for (lose_every, at, harm, complaint) in cases {
        let (map, mut lanes) = (plain(lose_every), lanes(1));
        let mut act = acts(1).swap_remove(at);
        enter(&mut lanes, &act, &map);
        harm(&map, &mut lanes[0], &mut act);
        lanes[0].play(&map, 6000);
        let wrong = lanes[0].check(&act, &map).expect_err(complaint);
        assert!(wrong.contains(complaint), "{wrong}");
    }
}

#[test]
fn a_key_lost_between_two_phases_is_found_out() {
    let (map, mut lanes, acts) = (plain(0), lanes(1), acts(1));
    enter(&mut lanes, &acts[0], &map);
    lanes[0].play(&map, 100);
    map.map.lock().remove(&number(999, SEED));
    // The next one has fewer keys.
    enter(&mut lanes, &acts[6], &map);
    assert_eq!(lanes[0].astray, 1);
}
