//! What trials make of costs that are given.

use std::sync::Arc;
use std::time::Duration;

use map_core::strategy::{self, RECALLED};

use super::super::shard::Open;
use super::super::study::{Event, Study, Timed};
use super::{Phase, Trial, Verdict};
use crate::policy::{Canary, Costs, Kind, Window};

const CANARY: Canary = Canary {
    samples: 64,
    min_gain: 0.1,
    skip: false,
};
const PATIENCE: u32 = 100;

/// A trial, and what it is fed with.
struct Fed {
    trial: Trial,
    study: Arc<Study>,
    other: Study,
    patience: u32,
}

impl Fed {
    fn new() -> Self {
        let study = Arc::new(Study::new(Kind::Sharded));
        Self {
            trial: Trial::new(
                Arc::clone(&study),
                0,
                Kind::Sharded,
                Kind::ReadDirty,
                false,
                0,
            ),
            study,
            other: Study::new(Kind::Sharded),
            patience: PATIENCE,
        }
    }

    /// Batches of reads took so much each; and in the other shards.
    fn read(&mut self, batches: &[f64], others: &[f64]) -> Phase {
        for nanos in batches {
            let took = Duration::from_nanos((*nanos * RECALLED as f64) as u64);
            self.study
                .tally
                .note_time(Timed::Read, took, RECALLED as u32);
            self.trial.note_reads(&self.study, *nanos);
            for _ in 0..RECALLED {
                self.study.tally.note(Event::Hit, 1);
            }
        }
        for nanos in others {
            self.trial.note_reads(&self.other, *nanos);
        }
        self.go_on()
    }

    /// A window of four shards ends.
    fn go_on(&mut self) -> Phase {
        let window = Window {
            samples: 1_000,
            hits: 256_000,
            shards: 4,
            ..Window::empty(Kind::Sharded)
        };
        let phase = self.trial.go_on(&window, &CANARY, self.patience);
        // The shard does at once what it is told.
        self.study
            .change_kind(self.study.own().unwrap_or(Kind::Sharded));
        phase
    }

    /// A round: the shard as it is, and as it becomes.
    fn round(&mut self, before: &[f64], after: &[f64]) -> Phase {
        self.controlled((before, &[]), (after, &[]))
    }

    fn controlled(&mut self, before: (&[f64], &[f64]), after: (&[f64], &[f64])) -> Phase {
        for phase in [self.read(before.0, before.1), self.go_on()] {
            assert!(matches!(phase, Phase::Running), "{phase:?}");
        }
        assert_eq!(self.study.kind(), Kind::ReadDirty);
        let phase = self.read(after.0, after.1);
        if matches!(phase, Phase::Running) {
            // Back again, for the second time.
            assert_eq!(self.study.kind(), Kind::Sharded);
            assert!(matches!(self.go_on(), Phase::Running));
        }
        phase
    }
}

fn verdict(phase: Phase) -> Verdict {
    match phase {
        Phase::Done(verdict) => verdict,
        other => panic!("it ought to be done: {other:?}"),
    }
}

const FAST: [f64; 4] = [5.0; 4];
const SLOW: [f64; 4] = [10.0; 4];

#[test]
fn what_is_slower_goes_back_at_once() {
    let mut fed = Fed::new();
    let verdict = verdict(fed.round(&FAST, &SLOW));
    assert_eq!((verdict.before, verdict.after), (5.0, 10.0));
    assert_eq!(verdict.gain(), -1.0);
}

#[test]
fn what_is_faster_has_to_be_so_twice() {
    let mut fed = Fed::new();
    let phase = fed.round(&SLOW, &FAST);
    assert!(matches!(phase, Phase::Running), "{phase:?}");
    assert_eq!(verdict(fed.round(&SLOW, &FAST)).gain(), 0.5);

    let mut fed = Fed::new();
    fed.round(&SLOW, &FAST);
    let unproved = verdict(fed.round(&FAST, &FAST));
    assert_eq!(unproved.gain(), 0.0, "the worse of the two counts");

    let mut fed = Fed::new();
    fed.round(&[6.0; 4], &FAST);
    let little = verdict(fed.round(&SLOW, &FAST)).gain();
    assert!(
        (0.16..0.17).contains(&little),
        "the first was worse: {little}"
    );
}

#[test]
fn a_batch_that_was_interrupted_says_nothing() {
    // Half of them, too.
    for interrupted in [[5.0, 900_000.0, 5.5, 5.0], [5.0, 900_000.0, 5.5, 900_000.0]] {
        let mut fed = Fed::new();
        let verdict = verdict(fed.round(&interrupted, &SLOW));
        assert!(verdict.gain() < 0.0, "{verdict:?}");
    }
}

#[test]
fn if_all_became_slower_it_was_not_the_kind() {
    let mut fed = Fed::new();
    let slower = verdict(fed.controlled((&SLOW, &FAST), (&[20.0; 4], &SLOW)));
    assert_eq!(slower.control, Some(10.0));
    assert_eq!(slower.gain(), 0.0, "twice as slow, as the others are");

    // So what is as slow as before is better.
    let mut fed = Fed::new();
    fed.controlled((&SLOW, &FAST), (&SLOW, &SLOW));
    let phase = fed.controlled((&SLOW, &FAST), (&SLOW, &SLOW));
    assert_eq!(verdict(phase).gain(), 0.5);
}

#[test]
fn fewer_than_all_samples_decide_nothing() {
    let mut fed = Fed::new();
    for _ in 0..3 {
        assert!(matches!(fed.read(&FAST[..1], &[]), Phase::Running));
        assert_eq!(fed.study.own(), None, "not yet");
    }
    assert!(matches!(fed.read(&FAST[..1], &[]), Phase::Running));
    assert_eq!(fed.study.own(), Some(Kind::ReadDirty));
}

#[test]
fn somebody_who_waits_pays_for_it() {
    let costs = |nanos, wait| Window {
        hits: 100,
        costs: Costs {
            read: Some(nanos),
            wait: Some(wait),
            ..Costs::default()
        },
        ..Window::default()
    };
    let quiet = Window::default();
    let verdict = super::judge(&costs(5.0, 15.0), &costs(10.0, 0.0), &quiet, &quiet);
    assert_eq!((verdict.before, verdict.after), (20.0, 10.0));
}

#[test]
fn a_trial_that_comes_to_no_end_is_given_up() {
    let mut fed = Fed::new();
    for _ in 0..PATIENCE {
        assert!(matches!(fed.go_on(), Phase::Running));
    }
    let phase = fed.go_on();
    assert!(
        matches!(&phase, Phase::Stuck(why) if why.contains("timed")),
        "{phase:?}"
    );
}

/// However much patience it has with what it measures.
#[test]
fn a_shard_that_does_not_change_is_not_waited_for_as_long() {
    for patience in [PATIENCE, u32::MAX] {
        let mut fed = Fed::new();
        fed.patience = patience;
        for _ in 0..PATIENCE / 2 {
            assert!(matches!(fed.go_on(), Phase::Running));
        }
        fed.read(&FAST, &[]);
        assert_eq!(fed.study.own(), Some(Kind::ReadDirty));
        fed.study.set_leaving(true);
        for _ in 0..super::PATIENCE {
            assert!(matches!(fed.go_on(), Phase::Running));
        }
        let phase = fed.go_on();
        assert!(
            matches!(&phase, Phase::Stuck(why) if why.contains("guard")),
            "{phase:?}"
        );
    }
}

/// What was waited counts by the operation, and no wait for more than a few microseconds.
#[test]
fn waits_are_spread_over_the_operations() {
    let study = Study::new(Kind::Sharded);
    for _ in 0..10 {
        study.tally.note(Event::Hit, 1);
    }
    let wait = || study.tally.window(Kind::Sharded, Duration::ZERO).costs.wait;
    assert_eq!(wait(), Some(0.0));
    study.tally.note_contention(5, 8);
    assert_eq!(wait(), Some(1.0), "64 ns each, of 2560 operations");
    study.tally.note_contention(1_000_000, 1);
    let long = wait().expect("there were operations");
    assert!((1.5..4.0).contains(&long), "{long}");
}

/// The other half goes its own way where the shard did, and not where the shard tries one.
#[test]
fn what_is_tried_is_not_for_the_other_half() {
    let shard = Open::<u64, u64>::default();
    let half = strategy::Open::sibling(&shard);
    shard.study.set_own(Some(Kind::Lock));
    half.inherit(&shard);
    assert_eq!(half.study.own(), Some(Kind::Lock));

    let study = Arc::clone(&shard.study);
    let epoch = study.epoch();
    let mut trial = Trial::new(study, epoch, Kind::Lock, Kind::ReadDirty, true, 0);
    let mut go_on = || trial.go_on(&Window::empty(Kind::Lock), &CANARY, PATIENCE);
    assert!(matches!(go_on(), Phase::Running));
    shard.study.set_own(Some(Kind::ReadDirty));
    half.inherit(&shard);
    assert_eq!(half.study.own(), None);
    assert!(matches!(go_on(), Phase::Void));
    trial.end();
    assert_eq!(shard.study.own(), Some(Kind::Lock));
}
