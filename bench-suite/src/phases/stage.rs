//! A subject that plays a script: one map from the first phase to the last, and the lanes of its threads.

use super::lane::{Act, Answers, Lane};
use crate::{
    compare::hasher,
    pool::Task,
    subject::{Role, Subject, SwitchReport},
    subjects::Booth,
};
use parking_lot::{Mutex, RwLock};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What all subjects play.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) acts: Vec<Act>,
    pub(super) threads: usize,
    pub(super) seed: u64,
    pub(super) batch: u64,
    /// Most entries of the map at any time.
    pub(super) room: u64,
    /// Parts of a phase whose time is taken.
    pub(super) slices: u64,
}

/// What the runner knows of a subject's stage.
pub(super) trait Stage: Task + Send {
    /// Makes a new map, for the first phase.
    fn open(&self);
    /// Goes to this phase; the next round of the pool plays it.
    fn go_to(&self, act: usize);
    /// Says what happened in the phase, checked; `Err` says what is wrong.
    fn settle(&self) -> Result<Taken, String>;
    /// Drops the map.
    fn close(&self);
}

/// What was taken down of a phase.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// Nanoseconds for an operation as one thread sees it, in every slice.
    pub(super) slices: Vec<f64>,
    pub(super) answers: Answers,
    /// When the first thread began, from the making of the map.
    pub(super) begin: Duration,
    /// When it came to the end of each slice.
    pub(super) ends: Vec<Duration>,
    pub(super) report: Option<SwitchReport>,
}

/// The map of a round.
struct Current<S> {
    map: S,
    made: Instant,
    act: usize,
    /// The number of every thread's first key in this phase.
    tail: u64,
}

/// What a thread has of its own.
struct Part {
    lane: Lane,
    /// When it began the phase, and when it came to the end of each slice.
    marks: Vec<Instant>,
}

/// The stage of a subject.
pub(super) struct Playing<S> {
    play: Arc<Play>,
    current: RwLock<Option<Current<S>>>,
    parts: Vec<Mutex<Part>>,
}

/// Why there is a map when one is asked for.
const OPEN: &str = "opened before the first phase";

impl<S: Subject<u64, u64>> Playing<S> {
    pub(super) fn new(play: Arc<Play>) -> Self {
        let part = |thread| {
            let lane = Lane::new(thread, play.threads, play.seed, play.batch);
            let marks = Vec::with_capacity(play.slices as usize + 1);
            Mutex::new(Part { lane, marks })
        };
        let parts = (0..play.threads).map(part).collect();
        Playing {
            current: RwLock::new(None),
            parts,
            play,
        }
    }
}

/// Where a slice ends, in operations.
fn bound(slice: u64, slices: u64, ops: u64) -> u64 {
    (u128::from(ops) * u128::from(slice) / u128::from(slices)) as u64
}

impl<S: Subject<u64, u64>> Task for Playing<S> {
    /// Brings this thread's keys to those of the phase.
    fn approach(&self, thread: usize, _: u64) {
        let current = self.current.read();
        let current = current.as_ref().expect(OPEN);
        let mut part = self.parts[thread].lock();
        part.lane
            .enter(&self.play.acts[current.act], current.tail, &current.map);
    }

    fn run(&self, thread: usize, ops: u64) {
        let current = self.current.read();
        let map = &current.as_ref().expect(OPEN).map;
        let Part { lane, marks } = &mut *self.parts[thread].lock();
        marks.clear();
        marks.push(Instant::now());
        let slices = self.play.slices.min(ops);
        for slice in 0..slices {
            lane.play(
                map,
                bound(slice + 1, slices, ops) - bound(slice, slices, ops),
            );
            marks.push(Instant::now());
        }
    }
}

impl<S: Subject<u64, u64>> Stage for Playing<S> {
    fn open(&self) {
        let &Play {
            threads,
            seed,
            batch,
            room,
            ..
        } = &*self.play;
        for (thread, part) in self.parts.iter().enumerate() {
            part.lock().lane = Lane::new(thread, threads, seed, batch);
        }
        *self.current.write() = Some(Current {
            map: S::with_capacity(room as usize, hasher(seed)),
            // Now, not before: a decision made at once must not seem to be older than its phase.
            made: Instant::now(),
            act: 0,
            tail: 0,
        });
    }

    fn go_to(&self, act: usize) {
        let mut current = self.current.write();
        let current = current.as_mut().expect(OPEN);
        let tails = self.parts.iter().map(|part| part.lock().lane.tail());
        (current.act, current.tail) = (act, tails.max().expect("there is a thread"));
    }

    fn settle(&self) -> Result<Taken, String> {
        let current = self.current.read();
        let Current { map, made, act, .. } = current.as_ref().expect(OPEN);
        let act = &self.play.acts[*act];
        let parts: Vec<_> = self.parts.iter().map(|part| part.lock()).collect();
        let answers: Answers = parts.iter().map(|part| part.lane.answers()).sum();
        if S::ROLE != Role::Driver {
            let mut due = 0;
            for part in &parts {
                part.lane.check(act, map)?;
                due += part.lane.held();
            }
            crate::seat::expect_len(map, due)?;
        }
        let marks = || parts.iter().map(|part| &part.marks);
        let ops = answers.ops() / parts.len() as u64;
        let slices = marks().map(|marks| marks.len() - 1).max().unwrap_or(0);
        let slice = |at: usize| {
            let spent: Duration = marks().map(|marks| marks[at + 1] - marks[at]).sum();
            let (at, slices) = (at as u64, slices as u64);
            let ops = bound(at + 1, slices, ops) - bound(at, slices, ops);
            spent.as_secs_f64() * 1e9 / (ops * parts.len() as u64) as f64
        };
        let since = |mark: &Instant| mark.saturating_duration_since(*made);
        let first = marks().min_by_key(|marks| marks[0]);
        let first = first.expect("there is a thread");
        Ok(Taken {
            slices: (0..slices).map(slice).collect(),
            answers,
            begin: since(&first[0]),
            ends: first[1..].iter().map(since).collect(),
            report: map.report(),
        })
    }

    fn close(&self) {
        *self.current.write() = None;
    }
}

impl Booth<u64, u64> for Arc<Play> {
    type Out = Box<dyn Stage>;

    fn visit<S: Subject<u64, u64> + 'static>(&self) -> Box<dyn Stage> {
        Box::new(Playing::<S>::new(Arc::clone(self)))
    }
}
