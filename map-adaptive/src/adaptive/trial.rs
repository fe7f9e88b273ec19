//! A strategy tried on one shard.
//!
//! First the cost of an operation as the shard is, then, when it has become what was proposed, the same again.
//! What the other shards cost meanwhile is the control: if all became slower, it was not the strategy. On a map of
//! one shard there is no control.

use std::sync::Arc;

use super::study::Study;
use crate::policy::{Costs, Kind, Window};

/// A trial under way.
#[derive(Debug)]
pub(super) struct Trial {
    study: Arc<Study>,
    from: Kind,
    to: Kind,
    /// It is for this shard only.
    alone: bool,
    /// That of its decision.
    number: u64,
    /// What the shard was to be, whatever the others were.
    own: Option<Kind>,
    step: Step,
    /// Windows of the map seen in this step, and in all.
    control: Window,
    windows: u32,
}

#[derive(Debug)]
enum Step {
    /// The cost of the shard as it is.
    Before,
    /// It shall become what was proposed.
    Changing { before: Window, control: Window },
    /// The cost of the shard as it has become.
    After { before: Window, control: Window },
}

/// How far a trial has come.
#[derive(Debug)]
pub(super) enum Phase {
    Running,
    /// It does not come to its end.
    Stuck(String),
    /// The shard is not what it was.
    Void,
    Done(Verdict),
}

/// What an operation cost, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) before: f64,
    pub(super) after: f64,
    /// In the other shards, after.
    pub(super) control: Option<f64>,
    /// By how much the other shards have become slower.
    drift: f64,
}

impl Verdict {
    /// The share of the cost that is saved.
    pub(super) fn gain(&self) -> f64 {
        let ratio = self.after / self.before / self.drift;
        // Nothing known is nothing gained.
        if ratio.is_finite() { 1.0 - ratio } else { 0.0 }
    }
}

impl Trial {
    pub(super) fn new(study: Arc<Study>, from: Kind, to: Kind, alone: bool, number: u64) -> Self {
        study.set_on_trial(true);
        // Only what it costs now.
        study.tally.reset();
        let own = study.own();
        Self {
            study,
            from,
            to,
            alone,
            number,
            own,
            step: Step::Before,
            control: Window::empty(from),
            windows: 0,
        }
    }

    pub(super) fn to(&self) -> Kind {
        self.to
    }

    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// By what its shard is known.
    pub(super) fn id(&self) -> usize {
        Arc::as_ptr(&self.study).addr()
    }

    /// A window of the map is complete.
    pub(super) fn go_on(&mut self, window: &Window, samples: u32, patience: u32) -> Phase {
        if self.study.is_void() {
            return Phase::Void;
        }
        self.windows += 1;
        self.control.append(window);
        let is_measured = self.study.tally.timed() >= samples;
        let (from, to) = (self.from, self.to);
        let control = |control: &mut Window, kind| std::mem::replace(control, Window::empty(kind));
        match &mut self.step {
            Step::Before if is_measured => {
                self.step = Step::Changing {
                    before: self.study.tally.window(from, window.elapsed),
                    control: control(&mut self.control, from),
                };
                self.study.set_own(Some(to));
            }
            Step::Changing {
                before,
                control: control_before,
            } if self.study.kind() == to && !self.study.is_leaving() => {
                self.study.tally.reset();
                control(&mut self.control, from);
                self.step = Step::After {
                    before: before.clone(),
                    control: control_before.clone(),
                };
            }
            Step::After { before, control } if is_measured => {
                let after = self.study.tally.window(to, window.elapsed);
                return Phase::Done(judge(before, &after, control, &self.control));
            }
            _ if self.windows > patience => {
                return Phase::Stuck(match self.step {
                    Step::Changing { .. } => {
                        "somebody holds a guard on the shard that was to try it".to_owned()
                    }
                    _ => "too little of what is done there can be timed".to_owned(),
                });
            }
            _ => {}
        }
        Phase::Running
    }

    /// The shard goes back to what it was.
    pub(super) fn end(self) {
        self.study.set_own(self.own);
        self.study.set_on_trial(false);
        self.study.tally.reset();
    }

    /// The shard stays as it is.
    pub(super) fn keep(self) {
        self.study.set_on_trial(false);
        self.study.tally.reset();
    }
}

fn judge(before: &Window, after: &Window, control_before: &Window, control: &Window) -> Verdict {
    let mut mix = after.clone();
    mix.merge(before);
    // Others there have to be, and more of them than of it.
    let others = |all: &Window, own: &Window| all.shards > 1 && all.samples >= 2 * own.samples;
    let has_control = others(control, after) && others(control_before, before);
    let (quiet, now) = compare(&control_before.costs, &control.costs, &mix);
    let drift = if has_control && quiet > 0.0 && now > 0.0 {
        now / quiet
    } else {
        1.0
    };
    let (before, after) = compare(&before.costs, &after.costs, &mix);
    Verdict {
        before,
        after,
        control: has_control.then_some(now),
        drift,
    }
}

/// What an operation of a mix costs, twice: by what is known of both.
fn compare(one: &Costs, other: &Costs, mix: &Window) -> (f64, f64) {
    let parts = [
        (mix.reads(), one.read, other.read),
        (mix.writes(), one.write, other.write),
        (mix.scanned, one.scan_entry, other.scan_entry),
    ];
    let mut sums = (0.0, 0.0, 0.0);
    for (times, one, other) in parts {
        if let (Some(one), Some(other)) = (one, other) {
            let times = times as f64;
            sums = (sums.0 + times, sums.1 + times * one, sums.2 + times * other);
        }
    }
    if sums.0 > 0.0 {
        (sums.1 / sums.0, sums.2 / sums.0)
    } else {
        (0.0, 0.0)
    }
}
