//! The selector of a map: gathers what samples came to, asks the policy, tries its proposals on one shard, and lets the
//! others follow.
//!
//! It has no thread of its own. Operations that are samples count themselves; the one that finds a window complete asks the
//! policy; and each does a piece of what was decided: it changes the shard that it is in, and one other. Nobody waits
//! for the selector's mutex to end a window: who does not get it goes on without. Nothing of the user's runs under it.

mod asking;
mod kinds;
mod reviewing;
mod rolling;
mod told;
mod trying;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use map_core::strategy::{Coverage, RECALLED, Site};
use parking_lot::Mutex;

pub use self::kinds::Unavailable;
use self::kinds::{compiled_in, refuse};
use self::reviewing::Review;
use super::pace::Pace;
use super::recall::Recall;
use super::study::{KindCell, Study, Tally};
use super::trial::Trial;
use crate::policy::{DocumentPolicy, History, Kind, Log, Policy, SelectorConfig, Window};

/// So many shards have a history of their own.
const HISTORIES: usize = 1024;

/// What the selector goes by, read at each sample and replaced rarely.
#[derive(Debug)]
struct Rules {
    config: SelectorConfig,
    policy: Arc<dyn Policy>,
}

/// The selector of a map.
#[derive(Debug)]
pub(super) struct Selector {
    /// What all shards shall be but those that have a kind of their own.
    target: KindCell,
    /// Where the next shard to be changed is, if a pass is under way.
    next: AtomicU64,
    is_rolling: AtomicBool,
    /// The shards' own kinds are not asked for.
    is_pinned: AtomicBool,
    passes: AtomicUsize,
    /// The pass under way has left shards over.
    left_over: AtomicBool,
    /// Shards that have their entries in nodes.
    in_nodes: AtomicUsize,
    rules: ArcSwap<Rules>,
    /// What every sample asks of the configuration, at hand.
    window_samples: AtomicU64,
    read_tables_allowed: AtomicBool,
    /// The slowest pace, at hand.
    thinning: AtomicU32,
    pub(super) pace: Pace,
    pub(super) tally: Tally,
    /// Reads to be timed together, of the shard that is on trial, and of the others.
    recall_on_trial: Recall,
    recall: Recall,
    /// Somebody asks the policy, or goes on with a trial. Whose window is complete meanwhile leaves it so: the policy may use
    /// the map, and would be asked in the midst of that for ever.
    is_asking: AtomicBool,
    state: Mutex<State>,
    made: Instant,
}

/// Nobody else asks the policy as long as this is there. Dropped if it panics, too.
struct Asking<'a>(&'a AtomicBool);

impl<'a> Asking<'a> {
    fn begin(is_asking: &'a AtomicBool) -> Option<Self> {
        // Relaxed, here and below: it publishes nothing. What is decided is under the mutex.
        (!is_asking.swap(true, Relaxed)).then(|| Self(is_asking))
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

/// What only one at a time looks at.
#[derive(Debug)]
struct State {
    window_began: Instant,
    history: History,
    /// The histories of shards, by where their studies are.
    shards: HashMap<usize, (History, Instant)>,
    log: Log,
    trial: Option<Trial>,
    /// What the map has become by a trial, if it has.
    review: Option<Review>,
    pinned: Option<Kind>,
    /// How often a kind was tried in vain, and until when it is not tried again: for ever, if the clock does not go so far.
    refusals: HashMap<(Whose, Kind), (u32, Option<Instant>)>,
    /// When switches were made, of late: of the map, and of single shards.
    switches: HashMap<Whose, VecDeque<Instant>>,
    /// How often we were told something that a policy did not know when it was asked.
    told: u64,
    /// What was withheld last, so that it is said once.
    withheld: HashMap<(Whose, Kind), (String, Option<Instant>)>,
}

/// Whom a proposal is for: the map, or a shard, by where its study is.
type Whose = Option<usize>;

impl Default for Selector {
    fn default() -> Self {
        let config = SelectorConfig::default();
        let now = Instant::now();
        Self {
            target: KindCell::new(compiled_in(config.start).unwrap_or(config.start)),
            next: AtomicU64::new(0),
            is_rolling: AtomicBool::new(false),
            is_pinned: AtomicBool::new(false),
            passes: AtomicUsize::new(0),
            left_over: AtomicBool::new(false),
            in_nodes: AtomicUsize::new(0),
            window_samples: AtomicU64::new(config.window_samples.into()),
            read_tables_allowed: AtomicBool::new(config.read_tables),
            thinning: AtomicU32::new(config.thinning),
            pace: Pace::new(),
            tally: Tally::default(),
            recall_on_trial: Recall::default(),
            recall: Recall::default(),
            is_asking: AtomicBool::new(false),
            state: Mutex::new(State {
                window_began: now,
                history: History::default(),
                shards: HashMap::new(),
                log: Log::new(config.log),
                trial: None,
                review: None,
                pinned: None,
                refusals: HashMap::new(),
                switches: HashMap::new(),
                told: 0,
                withheld: HashMap::new(),
            }),
            rules: ArcSwap::from_pointee(Rules {
                config,
                policy: Arc::new(DocumentPolicy::default()),
            }),
            made: now,
        }
    }
}

impl Selector {
    /// What all shards shall be but those that have a kind of their own.
    pub(super) fn target(&self) -> Kind {
        self.target.get()
    }

    /// What a shard shall be, given what it shall be whatever the others are.
    pub(super) fn wanted(&self, own: Option<Kind>) -> Kind {
        let read_tables = self.read_tables_allowed.load(Relaxed);
        let allowed = |kind: &Kind| refuse(*kind, read_tables).is_none();
        let own = own.filter(|_| !self.is_pinned.load(Relaxed));
        let wanted = own.filter(allowed).unwrap_or_else(|| self.target());
        if allowed(&wanted) {
            wanted
        } else {
            compiled_in(Kind::Sharded).unwrap_or(wanted)
        }
    }

    /// Whether some shard has a read table, or had one a moment ago.
    pub(super) fn has_read_tables(&self) -> bool {
        self.in_nodes.load(Relaxed) > 0
    }

    /// A shard has its entries in nodes now, or has not any more.
    pub(super) fn count_in_nodes(&self, study: &Study, in_nodes: bool) {
        if study.swap_in_nodes(in_nodes) != in_nodes {
            if in_nodes {
                self.in_nodes.fetch_add(1, Relaxed);
            } else {
                self.in_nodes.fetch_sub(1, Relaxed);
            }
        }
    }

    /// Whether enough was seen for [`turn`](Self::turn).
    pub(super) fn is_complete(&self, study: &Study, coverage: Coverage) -> bool {
        let wanted = self.window_samples.load(Relaxed);
        self.tally.samples() >= wanted || is_complete(study, coverage, wanted)
    }

    /// Has all samples be taken from now on if the window takes long. What it has from before, of which each stands for more, would
    /// outweigh them: it begins anew.
    pub(super) fn look_closer_if_late(&self, study: &Study) {
        if self.pace.is_late() {
            self.pace.hurry();
            self.tally.reset();
            study.tally.reset();
        }
    }

    /// Ends the windows that are complete: goes on with a trial, or asks the policy. To be called with no shard locked, for
    /// that runs the user's code: with nothing of the selector's locked, either, so that it may ask the map whatever it likes.
    /// One at a time does that; for others the windows go on.
    pub(super) fn turn(&self, study: &Arc<Study>, site: Site) {
        if !self.is_complete(study, site.coverage) {
            return;
        }
        let Some(mut state) = self.state.try_lock() else {
            return;
        };
        // Until the policy is dropped, should that be here.
        let Some(_asking) = Asking::begin(&self.is_asking) else {
            return;
        };
        // They are replaced under the mutex.
        let rules = self.rules.load_full();
        let wanted = self.window_samples.load(Relaxed);
        let now = Instant::now();
        let epoch = study.epoch();
        let mut questions = [None, None];
        if self.tally.samples() >= wanted {
            let elapsed = now.duration_since(state.window_began);
            let window = self.tally.window(self.target(), elapsed);
            self.tally.reset();
            state.window_began = now;
            state.set_pace(self, elapsed);
            questions[0] = state.on_window(self, &rules, window, now);
        }
        if is_complete(study, site.coverage, wanted) {
            let window = study.tally.window(study.kind(), Duration::ZERO);
            study.tally.reset();
            let window = Window {
                entries: site.len as u64,
                shards: 1,
                ..window
            };
            questions[1] = state.on_shard_window(self, window, study, now);
        }
        let mut told = state.told;
        drop(state);
        for question in questions.into_iter().flatten() {
            let answer = question.ask(&*rules.policy);
            let for_all = question.for_all.is_some();
            if answer.is_none() && for_all {
                continue;
            }
            let mut state = match &answer {
                Some(_) => self.state.lock(),
                None => match self.state.try_lock() {
                    Some(state) => state,
                    None => continue,
                },
            };
            // Nor is the shard another one, or out of use, in which case nothing could be tried there.
            if state.told == told && study.epoch() == epoch {
                let seen = Seen {
                    selector: self,
                    rules: &rules,
                    window: question.window,
                    now,
                };
                if let Some(answer) = answer {
                    state.on_answer(&seen, answer, (study, epoch), site, for_all);
                }
                // Nothing that is to be done now was proposed.
                if !for_all && state.told == told {
                    state.begin_review(&seen, study, epoch);
                }
                told = state.told;
            }
        }
        // Should they have been replaced meanwhile, the policy's Drop runs here.
        drop(rules);
    }

    /// Keeps the hash of a sampled read or, if there are enough, hands them out instead: all of the shard that is on trial,
    /// or of whichever others.
    pub(super) fn recall(&self, study: &Study, hash: u64) -> Option<[u64; RECALLED]> {
        if study.is_on_trial() {
            self.recall_on_trial.keep(hash)
        } else {
            self.recall.keep(hash)
        }
    }

    /// What a read cost in a batch, in nanoseconds, for a trial that may be under way.
    pub(super) fn note_reads(&self, study: &Study, nanos: f64) {
        if let Some(mut state) = self.state.try_lock()
            && let Some(trial) = &mut state.trial
        {
            trial.note_reads(study, nanos);
        }
    }
}

/// Whether enough was seen of a shard, if it is not the only one.
fn is_complete(study: &Study, coverage: Coverage, wanted: u64) -> bool {
    coverage.depth() > 0 && study.tally.samples() >= wanted && !study.is_on_trial()
}

/// What is known where a decision is made.
struct Seen<'a> {
    selector: &'a Selector,
    rules: &'a Rules,
    window: Window,
    now: Instant,
}
