//! A strategy tried on one shard.
//!
//! First the cost of an operation as the shard is, then, when it has become what was proposed, the same again.
//! What the other shards cost meanwhile is the control: if all became slower, it was not the strategy. On a map of
//! one shard there is no control. What is found to be better has to be so a second time: a machine on which others
//! work gets faster now and then, but hardly twice when the shard has changed.
//!
//! Reads are timed [several together](super::recall), for a read costs a third among others of what it costs alone,
//! and which kind is ahead alone may be behind among others (20 ns to 22, and 10 to 7). Of what such batches took
//! it is the median that counts: one during which the thread was interrupted says nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::study::Study;
use crate::policy::{Canary, Costs, Kind, Window};

/// For so many windows of the map a trial waits for its shard to change, however many shards there are: who holds a guard
/// would keep all others from being tried. And for so many, at least, it is measured.
pub(super) const PATIENCE: u32 = 512;

/// A trial under way.
#[derive(Debug)]
pub(super) struct Trial {
    study: Arc<Study>,
    /// That of the shard when the policy was asked.
    epoch: u32,
    from: Kind,
    to: Kind,
    /// It is for this shard only.
    alone: bool,
    /// That of its decision.
    number: u64,
    /// What the shard was to be, whatever the others were.
    own: Option<Kind>,
    step: Step,
    /// What was found the first time, if it is the second.
    first: Option<Verdict>,
    /// What reads cost in this step, in the shard and in the others.
    reads: Batches,
    other_reads: Batches,
    /// Windows of the map seen in this step.
    control: Window,
    /// How many were seen while it was measured, in all; and while the shard had yet to change, in this step.
    measured: u32,
    waited: u32,
}

/// What a read cost, in nanoseconds, in each of the latest batches that were timed.
#[derive(Debug, Default)]
struct Batches(VecDeque<f64>);

impl Batches {
    const MOST: usize = 256;

    fn note(&mut self, nanos: f64) {
        if self.0.len() == Self::MOST {
            self.0.pop_front();
        }
        self.0.push_back(nanos);
    }

    /// The median, if there is one; of two, the lower: being interrupted only ever adds to what they take. None are left.
    fn take(&mut self) -> Option<f64> {
        let mut batches: Vec<f64> = std::mem::take(&mut self.0).into();
        if batches.is_empty() {
            return None;
        }
        let middle = (batches.len() - 1) / 2;
        let (_, median, _) = batches.select_nth_unstable_by(middle, f64::total_cmp);
        Some(*median)
    }
}

#[derive(Debug)]
enum Step {
    /// The cost of the shard as it is.
    Before,
    /// It shall become what was proposed.
    Changing { before: Window, control: Window },
    /// The cost of the shard as it has become.
    After { before: Window, control: Window },
    /// It shall become again what it was.
    Returning,
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
    pub(super) fn new(
        study: Arc<Study>,
        epoch: u32,
        from: Kind,
        to: Kind,
        alone: bool,
        number: u64,
    ) -> Self {
        study.set_on_trial(true);
        // Only what it costs now.
        study.tally.reset();
        let own = study.own();
        Self {
            study,
            epoch,
            from,
            to,
            alone,
            number,
            own,
            step: Step::Before,
            first: None,
            reads: Batches::default(),
            other_reads: Batches::default(),
            control: Window::empty(from),
            measured: 0,
            waited: 0,
        }
    }

    /// What a read cost in a batch, in a shard.
    pub(super) fn note_reads(&mut self, study: &Study, nanos: f64) {
        if std::ptr::eq(study, &*self.study) {
            self.reads.note(nanos);
        } else {
            self.other_reads.note(nanos);
        }
    }

    /// What was seen in this step, of the shard and of all. The next begins.
    fn take(&mut self, kind: Kind, elapsed: Duration) -> (Window, Window) {
        let mut own = self.study.tally.window(kind, elapsed);
        let mut control = std::mem::replace(&mut self.control, Window::empty(kind));
        self.study.tally.reset();
        self.waited = 0;
        own.costs.read = self.reads.take();
        control.costs.read = self.other_reads.take();
        (own, control)
    }

    pub(super) fn from(&self) -> Kind {
        self.from
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

    /// A window of the map is complete. For as many as its patience is, it may be measured.
    pub(super) fn go_on(&mut self, window: &Window, canary: &Canary, patience: u32) -> Phase {
        if self.study.epoch() != self.epoch {
            return Phase::Void;
        }
        match self.step {
            Step::Changing { .. } | Step::Returning => self.waited += 1,
            Step::Before | Step::After { .. } => self.measured += 1,
        }
        self.control.append(window);
        let is_measured = self.study.tally.timed() >= canary.samples;
        let is = |kind| self.study.kind() == kind && !self.study.is_leaving();
        match &self.step {
            Step::Before if is_measured => {
                let (before, control) = self.take(self.from, window.elapsed);
                self.step = Step::Changing { before, control };
                self.study.set_own(Some(self.to));
            }
            Step::Changing { before, control } if is(self.to) => {
                self.step = Step::After {
                    before: before.clone(),
                    control: control.clone(),
                };
                // What was seen meanwhile is of neither kind.
                self.take(self.to, window.elapsed);
            }
            Step::After { before, control } if is_measured => {
                let (before, control_before) = (before.clone(), control.clone());
                let (after, control) = self.take(self.to, window.elapsed);
                let verdict = judge(&before, &after, &control_before, &control);
                let is_better = verdict.gain() >= canary.min_gain;
                match self.first.take() {
                    None if is_better => {
                        self.first = Some(verdict);
                        self.step = Step::Returning;
                        self.study.set_own(self.own);
                    }
                    Some(first) if first.gain() < verdict.gain() => return Phase::Done(first),
                    _ => return Phase::Done(verdict),
                }
            }
            Step::Returning if is(self.from) => {
                self.step = Step::Before;
                self.take(self.from, window.elapsed);
            }
            Step::Changing { .. } | Step::Returning if self.waited > PATIENCE => {
                return Phase::Stuck(
                    "somebody holds a guard on the shard that was to try it".to_owned(),
                );
            }
            Step::Before | Step::After { .. } if self.measured > patience => {
                return Phase::Stuck("too little of what is done there can be timed".to_owned());
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
    let (quiet, now) = compare(control_before, control, &mix);
    let drift = if has_control && quiet > 0.0 && now > 0.0 {
        now / quiet
    } else {
        1.0
    };
    let (before, after) = compare(before, after, &mix);
    Verdict {
        before,
        after,
        control: has_control.then_some(now),
        drift,
    }
}

/// What an operation of a mix costs, twice: by what is known of both. A wait is a part of the operation that waited.
fn compare(one: &Window, other: &Window, mix: &Window) -> (f64, f64) {
    let costs = (&one.costs, &other.costs);
    let parts = [
        (mix.reads(), costs.0.read, costs.1.read),
        (mix.writes(), costs.0.write, costs.1.write),
        (mix.scanned, costs.0.scan_entry, costs.1.scan_entry),
    ];
    let mut sums = (0.0, 0.0, 0.0);
    for (times, one, other) in parts {
        if let (Some(one), Some(other)) = (one, other) {
            let times = times as f64;
            sums = (sums.0 + times, sums.1 + times * one, sums.2 + times * other);
        }
    }
    if sums.0 > 0.0 {
        let waits = mix.operations() as f64 / sums.0;
        let waited = |costs: &Costs| waits * costs.wait.unwrap_or(0.0);
        (
            sums.1 / sums.0 + waited(costs.0),
            sums.2 / sums.0 + waited(costs.1),
        )
    } else {
        (0.0, 0.0)
    }
}

#[cfg(test)]
mod tests;
