//! The selector of a map: gathers what samples came to, asks the policy, tries its proposals on one shard, and lets the
//! others follow.
//!
//! It has no thread of its own. Operations that are samples count themselves; the one that finds a window complete asks the
//! policy; and each does a piece of what was decided: it changes the shard that it is in, and one other. Nobody waits
//! for the selector's mutex to end a window: who does not get it goes on without. Nothing of the user's runs under it.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use map_core::strategy::{Coverage, RECALLED, Site, hash_at};
use parking_lot::Mutex;

use super::nodes;
use super::recall::Recall;
use super::study::{KindCell, Study, Tally};
use super::trial::{PATIENCE, Phase, Trial};
use crate::policy::{
    Decision, DocumentPolicy, Explanation, History, Kind, Log, Outcome, Policy, PolicyError,
    Proposal, Scope, SelectorConfig, Window,
};

/// Behind all positions.
const END: u64 = u64::MAX;
/// A pass over the shards is repeated so often while some are left over; those will be changed when they are next used.
const PASSES: usize = 64;
/// A trial is given up that was measured for [`PATIENCE`] windows and not to the end, and for so many times those that it takes if
/// all shards are used alike.
const PATIENCE_WITH_MANY: u64 = 16;
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
    /// Shards that have read tables.
    read_tables: AtomicUsize,
    rules: ArcSwap<Rules>,
    /// What every sample asks of the configuration, at hand.
    window_samples: AtomicU64,
    read_tables_allowed: AtomicBool,
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
            read_tables: AtomicUsize::new(0),
            window_samples: AtomicU64::new(config.window_samples.into()),
            read_tables_allowed: AtomicBool::new(config.read_tables),
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

/// The kind that does for another among those that are compiled in.
fn compiled_in(kind: Kind) -> Option<Kind> {
    let has = |kind| match kind {
        Kind::Lock => cfg!(feature = "lock"),
        Kind::Sharded => cfg!(feature = "sharded"),
        Kind::ReadDirty => nodes::COMPILED_IN,
    };
    let other = match kind {
        Kind::Lock => Kind::Sharded,
        Kind::Sharded => Kind::Lock,
        Kind::ReadDirty => return has(kind).then_some(kind),
    };
    [kind, other].into_iter().find(|kind| has(*kind))
}

/// A map cannot be pinned to a kind of shard that it may not have.
///
/// ```
/// use map_adaptive::{AdaptiveInPlaceMap, Kind};
///
/// let map: AdaptiveInPlaceMap<u32, u32> = AdaptiveInPlaceMap::new();
/// let error = map.pin_strategy(Kind::ReadDirty).expect_err("its entries stay where they are");
/// assert_eq!(error.to_string(), "no read/dirty shards: this map has no read tables");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    kind: Kind,
    why: &'static str,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} shards: {}", self.kind, self.why)
    }
}

impl Error for Unavailable {}

/// Why a kind cannot be had.
fn refuse(kind: Kind, read_tables: bool) -> Option<&'static str> {
    if compiled_in(kind).is_none() {
        Some("it is not compiled in")
    } else if kind == Kind::ReadDirty && !read_tables {
        Some("this map has no read tables")
    } else {
        None
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

    /// Whether some shard has a read table.
    pub(super) fn has_read_tables(&self) -> bool {
        self.read_tables.load(Relaxed) > 0
    }

    /// A shard has a read table now, or has it no more.
    pub(super) fn count_read_table(&self, study: &Study, has: bool) {
        if study.swap_has_read_table(has) != has {
            if has {
                self.read_tables.fetch_add(1, Relaxed);
            } else {
                self.read_tables.fetch_sub(1, Relaxed);
            }
        }
    }

    /// The position of a shard that may have to be changed.
    pub(super) fn next_due(&self) -> Option<u64> {
        if !self.is_rolling.load(Relaxed) {
            return None;
        }
        Some(self.next.load(Relaxed)).filter(|next| *next != END)
    }

    /// The shard at that position has been changed, or is left over.
    pub(super) fn went_by(&self, position: u64, coverage: Coverage, is_due: bool) {
        if is_due {
            self.left_over.store(true, Relaxed);
        }
        if !coverage.covers(hash_at(position)) {
            // It was split or merged just now: the same position again.
            return;
        }
        let next = coverage.end().unwrap_or(END);
        // Only who was first goes on.
        let went_on = self
            .next
            .compare_exchange(position, next, Relaxed, Relaxed)
            .is_ok();
        if went_on && next == END {
            self.end_pass();
        }
    }

    fn end_pass(&self) {
        // Twice at least: some operation may just now have gone by as if for the last roll-out.
        let passes = self.passes.fetch_add(1, Relaxed);
        let again = passes == 0 || self.left_over.swap(false, Relaxed) && passes < PASSES;
        self.is_rolling.store(again, Relaxed);
        self.next.store(0, Relaxed);
    }

    fn roll_out(&self, to: Kind) {
        self.target.set(to);
        self.passes.store(0, Relaxed);
        self.left_over.store(false, Relaxed);
        self.next.store(0, Relaxed);
        self.is_rolling.store(true, Relaxed);
    }

    /// Whether enough was seen for [`turn`](Self::turn).
    pub(super) fn is_complete(&self, study: &Study, coverage: Coverage) -> bool {
        let wanted = self.window_samples.load(Relaxed);
        self.tally.samples() >= wanted || is_complete(study, coverage, wanted)
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
            let Some(answer) = question.ask(&*rules.policy) else {
                continue;
            };
            let mut state = self.state.lock();
            // Nor is the shard another one, or out of use, in which case nothing could be tried there.
            if state.told == told && study.epoch() == epoch {
                let seen = Seen {
                    selector: self,
                    rules: &rules,
                    window: question.window,
                    now,
                };
                state.on_answer(
                    &seen,
                    answer,
                    (study, epoch),
                    site,
                    question.for_all.is_some(),
                );
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

    /// Replaces what the selector goes by.
    pub(super) fn set_config(&self, config: SelectorConfig) -> Result<(), PolicyError> {
        config.validate()?;
        let mut state = self.state.lock();
        state.told += 1;
        state.log.set_capacity(config.log);
        let read_tables = config.read_tables;
        let policy = Arc::clone(&self.rules.load().policy);
        self.put_at_hand(&config);
        let old = self.rules.swap(Arc::new(Rules { config, policy }));
        if !read_tables {
            state.pinned = state.pinned.filter(|pinned| *pinned != Kind::ReadDirty);
            self.is_pinned.store(state.pinned.is_some(), Relaxed);
            if state
                .trial
                .as_ref()
                .is_some_and(|trial| [trial.from(), trial.to()].contains(&Kind::ReadDirty))
            {
                state.give_up_trial("read tables are not wanted any more");
            }
            if self.target() == Kind::ReadDirty {
                self.roll_out(compiled_in(Kind::Sharded).unwrap_or(Kind::Sharded));
            }
        }
        drop(state);
        drop(old);
        Ok(())
    }

    fn put_at_hand(&self, config: &SelectorConfig) {
        self.window_samples
            .store(config.window_samples.into(), Relaxed);
        self.read_tables_allowed.store(config.read_tables, Relaxed);
    }

    /// A map that was cloned goes by what the other does.
    pub(super) fn set_up_like(&self, other: &Self) {
        let rules = other.rules.load_full();
        self.put_at_hand(&rules.config);
        let old = self.rules.swap(rules);
        self.state.lock().log.set_capacity(self.config().log);
        self.roll_out(other.target());
        drop(old);
    }

    /// The same for a map that nobody uses yet: it starts as the configuration says.
    pub(super) fn start(&self, config: SelectorConfig) -> Result<(), PolicyError> {
        let start = config.start;
        self.set_config(config)?;
        if let Some(start) = compiled_in(start) {
            self.roll_out(start);
        }
        Ok(())
    }

    pub(super) fn config(&self) -> SelectorConfig {
        self.rules.load().config.clone()
    }

    pub(super) fn set_policy(&self, policy: Arc<dyn Policy>) {
        let mut state = self.state.lock();
        let config = self.config();
        let old = self.rules.swap(Arc::new(Rules { config, policy }));
        state.told += 1;
        state.history.clear();
        state.shards.clear();
        state.refusals.clear();
        state.withheld.clear();
        // Runs the old policy's Drop, unless it is in use: then who uses it does, with nothing locked, either.
        drop(state);
        drop(old);
    }

    pub(super) fn policy(&self) -> Arc<dyn Policy> {
        Arc::clone(&self.rules.load().policy)
    }

    /// All shards shall be of a kind, until [`release`](Self::release).
    pub(super) fn pin(&self, kind: Kind) -> Result<(), Unavailable> {
        let now = Instant::now();
        let mut state = self.state.lock();
        if let Some(why) = refuse(kind, self.rules.load().config.read_tables) {
            return Err(Unavailable { kind, why });
        }
        let to = compiled_in(kind).unwrap_or(kind);
        state.told += 1;
        state.give_up_trial("somebody has pinned the map");
        state.history.clear();
        state.shards.clear();
        let from = self.target();
        let window = self
            .tally
            .window(from, now.duration_since(state.window_began));
        self.tally.reset();
        state.window_began = now;
        let shards = window.shards.max(1);
        state.pinned = Some(to);
        self.is_pinned.store(true, Relaxed);
        state.log.push(Decision {
            at: now.duration_since(self.made),
            scope: Scope::Map { shards },
            from,
            to,
            policy: "by hand".to_owned(),
            proposal: Proposal {
                to,
                rule: "pinned".into(),
                reason: "somebody has called pin_strategy".to_owned(),
                urgent: true,
            },
            window,
            outcome: Outcome::Pinned,
        });
        self.roll_out(to);
        Ok(())
    }

    /// The policy decides again.
    pub(super) fn release(&self) {
        let mut state = self.state.lock();
        state.told += 1;
        state.pinned = None;
        state.history.clear();
        state.shards.clear();
        self.tally.reset();
        state.window_began = Instant::now();
        self.is_pinned.store(false, Relaxed);
    }

    pub(super) fn decisions(&self) -> Vec<Decision> {
        self.state.lock().log.iter().cloned().collect()
    }

    /// All that is to be said, but for the kinds of the shards.
    pub(super) fn explain(&self, kinds: Vec<(Kind, u64, u64)>) -> Explanation {
        // The user's code: not under the mutex.
        let policy = self.policy().name().to_owned();
        let state = self.state.lock();
        let now = Instant::now();
        let latest = match state.history.windows().last() {
            Some(latest) => Some(latest.clone()),
            // A new window has begun, perhaps after a switch: better than nothing.
            None => {
                let elapsed = now.duration_since(state.window_began);
                let window = self.tally.window(self.target(), elapsed);
                (window.samples > 0).then_some(window)
            }
        };
        Explanation {
            kinds,
            pinned: state.pinned,
            policy,
            latest,
            decisions: state.log.iter().cloned().collect(),
            dropped: state.log.dropped(),
            uptime: now.duration_since(self.made),
        }
    }
}

/// What a policy is to be asked: with nothing locked, for it is the user's.
struct Question {
    windows: Vec<Window>,
    /// The newest of them.
    window: Window,
    /// Those of the map, if it is about a shard.
    for_all: Option<Vec<Window>>,
}

/// What it proposed.
struct Answer {
    proposal: Proposal,
    /// The policy's name.
    policy: String,
}

impl Question {
    fn ask(&self, policy: &dyn Policy) -> Option<Answer> {
        let proposal = policy.propose(&self.windows)?;
        if let Some(windows) = &self.for_all {
            let to = compiled_in(proposal.to);
            let for_all = policy.propose(windows);
            // What is proposed for the whole map is not for one shard to do.
            if for_all.is_some_and(|all| compiled_in(all.to) == to) {
                return None;
            }
        }
        Some(Answer {
            proposal,
            policy: policy.name().to_owned(),
        })
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

impl State {
    /// A window of the map is complete. What is the policy to be asked?
    fn on_window(
        &mut self,
        selector: &Selector,
        rules: &Rules,
        window: Window,
        now: Instant,
    ) -> Option<Question> {
        if selector.is_rolling.load(Relaxed) {
            // Shards are of different kinds.
            self.history.clear();
            return None;
        }
        self.history.push(window.clone());
        if self.pinned.is_some() {
            return None;
        }
        if self.trial.is_some() {
            self.go_on_with_trial(&Seen {
                selector,
                rules,
                window,
                now,
            });
            return None;
        }
        Some(Question {
            windows: self.history.windows().to_vec(),
            window,
            for_all: None,
        })
    }

    /// A window of a shard is complete.
    fn on_shard_window(
        &mut self,
        selector: &Selector,
        window: Window,
        study: &Arc<Study>,
        now: Instant,
    ) -> Option<Question> {
        let busy = self.pinned.is_some()
            || self.trial.is_some()
            || selector.is_rolling.load(Relaxed)
            || study.kind() != study.own().unwrap_or_else(|| selector.target());
        if busy {
            return None;
        }
        let id = Arc::as_ptr(study).addr();
        if self.shards.len() >= HISTORIES
            && !self.shards.contains_key(&id)
            && let Some(other) = self.shards.keys().next().copied()
        {
            self.shards.remove(&other);
        }
        let (history, began) = self
            .shards
            .entry(id)
            .or_insert_with(|| (History::default(), self.window_began));
        let window = Window {
            elapsed: now.duration_since(*began),
            ..window
        };
        *began = now;
        history.push(window.clone());
        let for_all = self.history.windows();
        (!for_all.is_empty()).then(|| Question {
            windows: history.windows().to_vec(),
            window,
            for_all: Some(for_all.to_vec()),
        })
    }

    /// The policy has proposed something, and nobody has told us anything else meanwhile.
    fn on_answer(
        &mut self,
        seen: &Seen<'_>,
        answer: Answer,
        (study, epoch): (&Arc<Study>, u32),
        site: Site,
        alone: bool,
    ) {
        let selector = seen.selector;
        let to = compiled_in(answer.proposal.to);
        if self.trial.is_some() || selector.is_rolling.load(Relaxed) || alone && to.is_none() {
            return;
        }
        if alone && to == Some(selector.target()) && to != Some(study.kind()) {
            // Back to what the others are.
            self.told += 1;
            study.set_own(None);
            self.shards.remove(&Arc::as_ptr(study).addr());
            let (scope, from) = (scope_of(site.coverage), study.kind());
            self.note(
                seen,
                scope,
                from,
                selector.target(),
                answer,
                Outcome::Followed,
            );
            return;
        }
        self.consider(seen, answer, (study, epoch), site, alone);
    }

    /// Deals with a proposal.
    fn consider(
        &mut self,
        seen: &Seen<'_>,
        answer: Answer,
        (study, epoch): (&Arc<Study>, u32),
        site: Site,
        alone: bool,
    ) {
        let Seen {
            selector,
            rules,
            ref window,
            now,
        } = *seen;
        let from = window.kind;
        let scope = if alone {
            scope_of(site.coverage)
        } else {
            Scope::Map {
                shards: window.shards.max(1),
            }
        };
        let to = answer.proposal.to;
        let to = compiled_in(to).unwrap_or(to);
        if to == from {
            return;
        }
        let whose = alone.then(|| Arc::as_ptr(study).addr());
        if let Some((why, until)) = self.withhold(seen, whose, to) {
            // Once, not in each window.
            let said = (why.clone(), until);
            if self.withheld.get(&(whose, to)) != Some(&said) {
                if self.withheld.len() >= HISTORIES {
                    self.withheld.clear();
                }
                self.withheld.insert((whose, to), said);
                let until = until.map(|until| until.duration_since(selector.made));
                let outcome = Outcome::Withheld { why, until };
                self.note(seen, scope, from, to, answer, outcome);
            }
            return;
        }
        if !alone && (study.own().is_some() || study.kind() != from) && !rules.config.canary.skip {
            // It is no example for the others: the next time it may be one that is.
            return;
        }
        self.told += 1;
        self.withheld.clear();
        self.switches.entry(whose).or_default().push_back(now);
        if rules.config.canary.skip {
            self.note(seen, scope, from, to, answer, Outcome::Followed);
            if alone {
                study.set_own(Some(to));
                self.shards.remove(&Arc::as_ptr(study).addr());
            } else {
                self.history.clear();
                selector.roll_out(to);
            }
            return;
        }
        let number = self.note(seen, scope, from, to, answer, Outcome::Trying);
        // Whatever the last one has left.
        selector.recall_on_trial.forget();
        self.trial = Some(Trial::new(
            Arc::clone(study),
            epoch,
            from,
            to,
            alone,
            number,
        ));
    }

    /// Why a proposal is not carried out, and until when.
    fn withhold(
        &mut self,
        seen: &Seen<'_>,
        whose: Whose,
        to: Kind,
    ) -> Option<(String, Option<Instant>)> {
        let config = &seen.rules.config;
        if let Some(why) = refuse(to, config.read_tables) {
            return Some((why.to_owned(), None));
        }
        if let Some((times, until)) = self.refusals.get(&(whose, to))
            && until.is_none_or(|until| until > seen.now)
        {
            let why = match times {
                1 => "it was tried in vain".to_owned(),
                times => format!("it was tried in vain {times} times"),
            };
            return Some((why, *until));
        }
        let period = config.budget_period;
        let is_old = |at: &Instant| seen.now.duration_since(*at) >= period;
        if self.switches.len() >= HISTORIES {
            self.switches
                .retain(|_, made| made.back().is_some_and(|last| !is_old(last)));
        }
        let budget = config.budget;
        if let Some(made) = self.switches.get_mut(&whose) {
            while made.pop_front_if(|first| is_old(first)).is_some() {}
            if made.len() >= budget as usize {
                let why = format!("{budget} switches in {period:?} are allowed, and were made");
                return Some((
                    why,
                    made.front().and_then(|first| first.checked_add(period)),
                ));
            }
        } else if self.switches.len() >= HISTORIES {
            let why = format!("{HISTORIES} shards were switched alone in {period:?}");
            return Some((why, None));
        }
        None
    }

    fn go_on_with_trial(&mut self, seen: &Seen<'_>) {
        let Some(trial) = &mut self.trial else {
            return;
        };
        let config = &seen.rules.config;
        let windows = u64::from(config.canary.samples) * seen.window.shards
            / u64::from(config.window_samples);
        let patience = u32::try_from(PATIENCE_WITH_MANY * windows).unwrap_or(u32::MAX);
        let (to, alone, number, id) = (trial.to(), trial.is_alone(), trial.number(), trial.id());
        let whose = alone.then_some(id);
        match trial.go_on(&seen.window, &config.canary, patience.max(PATIENCE)) {
            Phase::Running => {}
            Phase::Void => self.give_up_trial("the shard that tried it was split or merged"),
            Phase::Stuck(why) => {
                self.give_up_trial(&why);
                self.refuse(seen, whose, to);
            }
            Phase::Done(verdict) => {
                let (before, after, control) = (verdict.before, verdict.after, verdict.control);
                self.history.clear();
                // Lest they propose of one shard after the other what was tried in vain, before the map does.
                self.shards.clear();
                let config = &seen.rules.config;
                let is_allowed = refuse(to, config.read_tables).is_none();
                if verdict.gain() >= config.canary.min_gain && is_allowed {
                    if alone {
                        self.keep_trial();
                    } else {
                        // The others follow, and this one is as they are.
                        seen.selector.roll_out(to);
                        self.end_trial();
                    }
                    self.refusals.remove(&(whose, to));
                    self.set_outcome(
                        number,
                        Outcome::Kept {
                            before,
                            after,
                            control,
                        },
                    );
                } else {
                    self.end_trial();
                    self.refuse(seen, whose, to);
                    self.set_outcome(
                        number,
                        Outcome::Reverted {
                            before,
                            after,
                            control,
                        },
                    );
                }
            }
        }
    }

    /// A kind was tried in vain: not again for a while.
    fn refuse(&mut self, seen: &Seen<'_>, whose: Whose, to: Kind) {
        let now = seen.now;
        let limit = seen.rules.config.back_off_limit;
        let is_over = |until: Instant| until.checked_add(limit).is_some_and(|end| end <= now);
        self.refusals
            .retain(|(whose, _), (_, until)| whose.is_none() || !until.is_some_and(is_over));
        let times = self
            .refusals
            .get(&(whose, to))
            .map_or(0, |(times, _)| *times)
            + 1;
        let until = now.checked_add(seen.rules.config.back_off_after(times));
        self.refusals.insert((whose, to), (times, until));
    }

    /// Ends a trial that will not come to its own end.
    fn give_up_trial(&mut self, why: &str) {
        if let Some(trial) = &self.trial {
            let number = trial.number();
            self.end_trial();
            self.set_outcome(
                number,
                Outcome::GivenUp {
                    why: why.to_owned(),
                },
            );
        }
    }

    /// The shard on trial goes back to what the others are.
    fn end_trial(&mut self) {
        if let Some(trial) = self.trial.take() {
            trial.end();
        }
    }

    /// The shard on trial stays as it is.
    fn keep_trial(&mut self) {
        if let Some(trial) = self.trial.take() {
            trial.keep();
        }
    }

    fn set_outcome(&mut self, number: u64, outcome: Outcome) {
        if let Some(decision) = self.log.get_mut(number) {
            decision.outcome = outcome;
        }
    }

    fn note(
        &mut self,
        seen: &Seen<'_>,
        scope: Scope,
        from: Kind,
        to: Kind,
        answer: Answer,
        outcome: Outcome,
    ) -> u64 {
        self.log.push(Decision {
            at: seen.now.duration_since(seen.selector.made),
            scope,
            from,
            to,
            policy: answer.policy,
            proposal: answer.proposal,
            window: seen.window.clone(),
            outcome,
        })
    }
}

fn scope_of(coverage: Coverage) -> Scope {
    let depth = coverage.depth();
    Scope::Shard {
        prefix: coverage.start().checked_shr(63 - depth).unwrap_or(0),
        depth,
    }
}
