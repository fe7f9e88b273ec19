//! What samples of operations came to: counts of a shard, and the same of a map.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use map_core::strategy::{Coverage, NANOS_A_CONTENTION};

use super::pace::Pace;
use crate::policy::{Costs, Kind, Window};

/// A sampled read stands for so many, on average; where one in so many is taken for a sample, for so many times that.
const READS: u64 = 256;
/// And a sampled write for so many: see [`Study::delay_sample`].
pub(super) const WRITES: u16 = 256 + DELAY as u16 / 2;
/// The most by which the sample of a write is put off.
const DELAY: u8 = 128;
/// What a timed operation is counted as at most: so many times the mean, and as many nanoseconds on top. A thread that
/// was interrupted is not what a map costs.
const OUTLIER: f64 = 8.0;
const OUTLIER_NANOS: f64 = 300.0;
/// Several that were timed together: they vary less.
const OUTLIER_OF_MANY: f64 = 2.0;
/// As at most so many, while there is no mean; and as a wait.
const FIRST_NANOS: f64 = 5_000.0;

/// What an operation that is a sample has done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// A read found its key, or did not.
    Hit,
    Miss,
    /// A read of a read/dirty shard took the lock.
    Unsettled,
    /// A write began: it has the lock.
    Write,
    Update,
    Insert,
    Remove,
    Mutation,
    /// A piece of a walk met entries.
    Visit,
    /// Nothing worth a word.
    Nothing,
}

const EVENTS: usize = Event::Nothing as usize + 1;

/// What is timed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timed {
    Read,
    Write,
    /// By the entry.
    Scan,
}

#[derive(Debug, Default)]
struct Clocked {
    nanos: AtomicU64,
    times: AtomicU32,
}

impl Clocked {
    fn add(&self, nanos: u64, times: u32) {
        self.nanos.fetch_add(nanos, Relaxed);
        self.times.fetch_add(times, Relaxed);
    }

    fn mean(&self) -> Option<f64> {
        let times = self.times.load(Relaxed);
        (times > 0).then(|| self.nanos.load(Relaxed) as f64 / f64::from(times))
    }
}

/// Counts since the window began. Everything is a hint: samples that come while a window ends may be counted in
/// either, or twice.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Sampled operations, and pieces of walks: one each.
    operations: AtomicU32,
    visits: AtomicU32,
    /// What they did, each counted for as many as it was taken of.
    events: [AtomicU64; EVENTS],
    /// Entries that sampled visits met, counted likewise.
    scanned: AtomicU64,
    contended: AtomicU64,
    /// Nanoseconds that operations waited.
    waited: AtomicU64,
    timed: [Clocked; 3],
    /// Sums over samples: how many entries and shards the map would have if all were as the sampled shard.
    entries: AtomicU64,
    shards: AtomicU64,
    sites: AtomicU32,
}

impl Tally {
    /// Notes an event of a sample that was one in `pace`.
    pub(super) fn note(&self, event: Event, pace: u32) {
        self.events[event as usize].fetch_add(pace.into(), Relaxed);
        match event {
            Event::Hit | Event::Miss | Event::Write => self.operations.fetch_add(1, Relaxed),
            Event::Visit => self.visits.fetch_add(1, Relaxed),
            _ => 0,
        };
    }

    /// Notes how long something took that was done so many times. To go by nothing but empty places takes time too.
    pub(super) fn note_time(&self, what: Timed, took: Duration, times: u32) {
        let clocked = &self.timed[what as usize];
        let many = f64::from(times.max(1));
        let most = match clocked.mean() {
            Some(mean) if times > 1 => OUTLIER_OF_MANY * mean * many + OUTLIER_NANOS,
            Some(mean) => OUTLIER * mean + OUTLIER_NANOS,
            None => FIRST_NANOS + OUTLIER_NANOS * many,
        };
        clocked.add((took.as_nanos() as u64).min(most as u64), times);
    }

    pub(super) fn note_scanned(&self, entries: u64, pace: u32) {
        self.scanned
            .fetch_add(entries.saturating_mul(pace.into()), Relaxed);
    }

    /// Notes that an operation waited, which stands for so many (`of`) that did, and how often it could have been done meanwhile.
    pub(super) fn note_contention(&self, times: u32, of: u32) {
        self.contended
            .fetch_add(u64::from(times) * u64::from(of), Relaxed);
        let nanos = (NANOS_A_CONTENTION * f64::from(times)).min(FIRST_NANOS);
        self.waited.fetch_add(nanos as u64 * u64::from(of), Relaxed);
    }

    pub(super) fn note_site(&self, coverage: Coverage, len: usize) {
        if coverage.is_nothing() {
            return;
        }
        let shards = 1 << coverage.depth();
        self.entries.fetch_add(len as u64 * shards, Relaxed);
        self.shards.fetch_add(shards, Relaxed);
        self.sites.fetch_add(1, Relaxed);
    }

    fn count(&self, event: Event) -> u64 {
        self.events[event as usize].load(Relaxed)
    }

    /// Sampled operations, and pieces of walks.
    pub(super) fn samples(&self) -> u64 {
        self.operations() + u64::from(self.visits.load(Relaxed))
    }

    /// Sampled operations without the pieces of walks: what shares of operations rest on.
    fn operations(&self) -> u64 {
        self.operations.load(Relaxed).into()
    }

    /// Sampled operations whose time is known.
    pub(super) fn timed(&self) -> u32 {
        let times = |what: Timed| self.timed[what as usize].times.load(Relaxed);
        times(Timed::Read) + times(Timed::Write)
    }

    /// What was counted.
    pub(super) fn window(&self, kind: Kind, elapsed: Duration) -> Window {
        let reads = |event| self.count(event) * READS;
        let writes = |event| self.count(event) * u64::from(WRITES);
        let changes = [Event::Update, Event::Insert, Event::Remove, Event::Mutation];
        let changed: u64 = changes.map(|event| self.count(event)).iter().sum();
        let mean = |what: Timed| self.timed[what as usize].mean();
        let all: u64 = [Event::Hit, Event::Miss]
            .map(reads)
            .into_iter()
            .chain([writes(Event::Write)])
            .sum();
        let sites = u64::from(self.sites.load(Relaxed)).max(1);
        Window {
            samples: self.operations(),
            hits: reads(Event::Hit),
            misses: reads(Event::Miss),
            unsettled: reads(Event::Unsettled),
            updates: writes(Event::Update),
            inserts: writes(Event::Insert),
            removes: writes(Event::Remove),
            mutations: writes(Event::Mutation),
            other_writes: self.count(Event::Write).saturating_sub(changed) * u64::from(WRITES),
            scanned: self.scanned.load(Relaxed) * READS,
            // Who waited counts as often as it could have done something else.
            contended: self.contended.load(Relaxed).min(all),
            entries: self.entries.load(Relaxed) / sites,
            shards: self.shards.load(Relaxed).div_ceil(sites),
            costs: Costs {
                read: mean(Timed::Read),
                write: mean(Timed::Write),
                scan_entry: mean(Timed::Scan),
                wait: (all > 0).then(|| self.waited.load(Relaxed) as f64 / all as f64),
            },
            elapsed,
            ..Window::empty(kind)
        }
    }

    /// A new window begins.
    pub(super) fn reset(&self) {
        for count in &self.events {
            count.store(0, Relaxed);
        }
        self.operations.store(0, Relaxed);
        self.visits.store(0, Relaxed);
        self.scanned.store(0, Relaxed);
        self.contended.store(0, Relaxed);
        self.waited.store(0, Relaxed);
        for clocked in &self.timed {
            clocked.nanos.store(0, Relaxed);
            clocked.times.store(0, Relaxed);
        }
        self.entries.store(0, Relaxed);
        self.shards.store(0, Relaxed);
        self.sites.store(0, Relaxed);
    }
}

/// What is known of a shard. On lines of its own: read for each sample, and written for it.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Study {
    /// The kind in force. Written under the shard's lock.
    kind: AtomicU8,
    /// The kind that this shard shall be whatever the others are, if there is one.
    own: AtomicU8,
    /// Readers have been shut out, and entries have yet to be moved back. Written under the shard's lock.
    leaving: AtomicBool,
    /// The sample of the next write was put off already.
    put_off: AtomicBool,
    /// Its entries are in nodes: readers need not take the lock, or need not have a moment ago. Written under it.
    in_nodes: AtomicBool,
    /// It tries out a kind for others.
    on_trial: AtomicBool,
    /// Another number since the shard was split or merged: what was found out before then, or tried, says nothing any more.
    epoch: AtomicU32,
    pub(super) tally: Tally,
}

const NONE: u8 = u8::MAX;

fn encode(kind: Kind) -> u8 {
    match kind {
        Kind::Lock => 0,
        Kind::Sharded => 1,
        Kind::ReadDirty => 2,
    }
}

fn decode(byte: u8) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| encode(*kind) == byte)
}

/// A kind that can be changed.
#[derive(Debug)]
pub(super) struct KindCell(AtomicU8);

impl KindCell {
    pub(super) fn new(kind: Kind) -> Self {
        Self(AtomicU8::new(encode(kind)))
    }

    pub(super) fn get(&self) -> Kind {
        decode(self.0.load(Relaxed)).unwrap_or(Kind::Sharded)
    }

    pub(super) fn set(&self, kind: Kind) {
        self.0.store(encode(kind), Relaxed);
    }
}

impl Study {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind: AtomicU8::new(encode(kind)),
            own: AtomicU8::new(NONE),
            leaving: AtomicBool::new(false),
            put_off: AtomicBool::new(false),
            in_nodes: AtomicBool::new(false),
            on_trial: AtomicBool::new(false),
            epoch: AtomicU32::new(0),
            tally: Tally::default(),
        }
    }

    /// The kind in force.
    // Relaxed, here and below: decisive for holders of the lock alone, a hint for others.
    pub(super) fn kind(&self) -> Kind {
        decode(self.kind.load(Relaxed)).unwrap_or(Kind::Sharded)
    }

    pub(super) fn set_kind(&self, kind: Kind) {
        self.kind.store(encode(kind), Relaxed);
    }

    pub(super) fn own(&self) -> Option<Kind> {
        decode(self.own.load(Relaxed))
    }

    pub(super) fn set_own(&self, kind: Option<Kind>) {
        self.own.store(kind.map_or(NONE, encode), Relaxed);
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Relaxed)
    }

    pub(super) fn set_leaving(&self, leaving: bool) {
        self.leaving.store(leaving, Relaxed);
    }

    pub(super) fn is_in_nodes(&self) -> bool {
        self.in_nodes.load(Relaxed)
    }

    /// Returns what was so before.
    pub(super) fn swap_in_nodes(&self, in_nodes: bool) -> bool {
        self.in_nodes.swap(in_nodes, Relaxed)
    }

    pub(super) fn is_on_trial(&self) -> bool {
        self.on_trial.load(Relaxed)
    }

    pub(super) fn set_on_trial(&self, on_trial: bool) {
        self.on_trial.store(on_trial, Relaxed);
    }

    pub(super) fn epoch(&self) -> u32 {
        self.epoch.load(Relaxed)
    }

    pub(super) fn begin_epoch(&self) {
        // It comes round after four thousand million splits of one shard.
        self.epoch.fetch_add(1, Relaxed);
    }

    /// The kind in force is another: what was counted says nothing about it.
    pub(super) fn change_kind(&self, kind: Kind) {
        if self.kind() != kind {
            self.set_kind(kind);
            self.tally.reset();
        }
    }

    /// By how many writes the next sample is put off, each other time: so that it does not always meet the same
    /// operation of a program that is periodic. And by as many as lie between two, if it is not taken for one: that is asked when it has been
    /// put off, lest others have changed the pace before it is noted.
    pub(super) fn delay_sample(&self, pace: &Pace, drawn: u16) -> u8 {
        let was_put_off = self.put_off.load(Relaxed);
        self.put_off.store(!was_put_off, Relaxed);
        if !was_put_off {
            1 + (drawn % u16::from(DELAY)) as u8
        } else if pace.takes((drawn >> 8) as u8) {
            0
        } else {
            u8::MAX
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many of each, at a pace.
    fn noted(pace: u32, events: &[(Event, u32)]) -> Window {
        let tally = Tally::default();
        for (event, times) in events {
            (0..*times).for_each(|_| tally.note(*event, pace));
        }
        tally.window(Kind::Sharded, Duration::ZERO)
    }

    #[test]
    fn a_sample_stands_for_what_was_left_out() {
        let events = [(Event::Hit, 10), (Event::Write, 5), (Event::Update, 4)];
        let window = noted(1, &events);
        assert_eq!((window.hits, window.updates), (10 * 256, 4 * 320));
        assert_eq!((window.other_writes, window.samples), (320, 15));
        let window = noted(8, &events);
        assert_eq!((window.hits, window.updates), (10 * 2048, 4 * 2560));
        assert_eq!((window.other_writes, window.samples), (2560, 15));
        // Nobody was there.
        assert_eq!(noted(8, &[]).operations(), 0);
    }

    /// By the front's rules: a sample is due each 256th time, or when those are over by which it was put off. The pace changes as often as that, and
    /// so is another when a write is noted than when it was put off.
    #[test]
    fn writes_stand_for_as_many_as_there_were() {
        let (study, pace) = (Study::new(Kind::Sharded), Pace::new());
        let mut random = 1_u64;
        let (mut samples, mut writes, mut seen) = (0_u64, 0_u64, 0_u64);
        for turn in 0..400_000 {
            match turn % 3 {
                0 => pace.hurry(),
                _ => pace.slow_down(Duration::ZERO, 8),
            }
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            match study.delay_sample(&pace, (random >> 48) as u16) {
                0 => {
                    samples += 1;
                    writes += 256;
                    seen += u64::from(WRITES) * u64::from(pace.get());
                }
                put_off => writes += u64::from(put_off),
            }
        }
        assert!(samples > 50_000, "{samples}");
        let share = seen as f64 / writes as f64;
        assert!((0.98..1.02).contains(&share), "{share}");
    }
}
