//! Which way readers and writers of a lock (or of all locks of a map) lean, told from samples.
//!
//! A reader that announces itself spares two read-modify-writes of a line that others use, but each
//! write then looks through the slots of all threads. What pays depends on the share of writes. So
//! one in about 256 reads and writes is a sample, and a balance is kept of what announcements would have spared
//! and cost. The readers announce themselves once it has gone far enough up, and count themselves again
//! once it has gone far enough down. For lanes, where two threads can have some, there is a second balance of the same kind: between
//! them and counting; the first is between announcements and whichever of these is the better, then.

use std::cell::Cell;
use std::ops::RangeInclusive;

use super::slots;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::{REAL_FENCES, hint};

/// One in about so many operations of a thread is a sample.
pub(crate) const A_SAMPLE: u16 = 256;
/// The same; in a model, often.
pub(crate) const INTERVAL: u16 = if REAL_FENCES { A_SAMPLE } else { 2 };

/// What a sample of reads puts on the balance, in units of some two nanoseconds.
const READ: i32 = 6;
/// What a sample of writes takes off if the writing thread alone reads: its scan looks at a line
/// of its own. (Measured: worth it up to about a quarter of the operations, if little from a fifth on. What is spared is one of two locked
/// instructions; and then a write makes a call and looks around where it would have made none.)
const WRITE_ALONE: i32 = 16;
/// What it takes off for each slot besides, if its thread does not read.
const WRITE_PER_SLOT: i32 = 1;
/// What it takes off for each other thread that reads, in whatever map, whose line it fetches and which fetches it back.
/// (Measured with two threads: worth it up to 6 % writes. At 5 %, well away from where the balance hangs, lest readers do now the one thing and now the other: an operation
/// takes 0.95 of the time then.)
const WRITE_PER_READER: i32 = 66;
/// What it takes off for each instead where two threads read and could sit in lanes, which takes them longer, and a write half as long. (Measured:
/// with 1 % writes an operation takes 0.95 of the time if they announce themselves, with 3 % 1.05.)
const WRITE_PER_READER_BESIDE_LANES: i32 = 225;
/// What it takes off of the balance by which two threads sit in lanes or count themselves. (Measured: with 5 % writes an operation takes 0.8 of the time
/// if they sit, with 8 % 0.9, with 15 % 1.03.)
const WRITE_IN_LANES: i32 = 50;
/// How many threads but for one read where there are two, about, in units of 1/16. (Of more some would share a lane, and not spare much; nor was that
/// measured, with two cores.)
const ONE_OTHER: RangeInclusive<i32> = 8..=24;
/// How many for those who sit in lanes to stay there, lest they come and go; three threads are 32.
const ONE_STILL: RangeInclusive<i32> = 4..=28;
/// What it takes off at least, of a lock by itself. (Measured with one thread: worth it up to about 5 % writes. A map's look into
/// its table hides more of what the way of an announced write costs.)
const WRITE_TO_LOCK: i32 = 114;
/// What it takes off at least, if threads fight for the lock: compared with taking turns at it for some microseconds
/// each, which is what they could do instead. (Measured with two, four and eight threads on two cores: worth it up to about
/// 0.6 % writes.)
const WRITE_IN_CROWD: i32 = 1000;
/// The balance turns at so many samples of writes, on either side.
const TURN: i32 = 8;
/// Who reads is judged by so many of the latest samples of reads, about: some milliseconds, as long as a thread
/// waits for its core.
const MEMORY: u32 = 1024;

/// What readers had better do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Announce themselves.
    Announce,
    /// Count themselves in the lock.
    Count,
    /// Sit in [lanes](crate::raw::lanes) of the shard.
    Sit,
}

/// What the readers of a map do now, and whether there may be lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) turn: Turn,
    pub(crate) lanes: bool,
}

/// How those who read and write stand in each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowd {
    /// They use the locks of a map, or meet at one lock that they keep for longer than it takes to get.
    Map,
    /// They use one lock, and hardly meet.
    Loose,
    /// They want one lock all the time, and not for long.
    Dense,
}

/// Whether the readers of a map or of a lock announce themselves, each in a slot of its thread, instead of
/// counting themselves in the lock (of a map: that of the shard that they read).
///
/// One that announces itself spares an atomic read-modify-write and writes to no cache line that other readers write to; in
/// return, each write to such a shard or lock looks through the slots of all threads that read.
///
/// ```
/// use map_core::ReadBias;
/// use map_sharded::ShardedMap;
///
/// let map = ShardedMap::<u32, u32>::builder().read_bias(ReadBias::Always).build()?;
/// assert_eq!(map.read_bias(), ReadBias::Always);
/// # Ok::<(), map_core::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadBias {
    /// It goes by the share of writes that it sees and by the number of threads of the process that read: about 22 % with
    /// one thread, 6.5 % with two, 1 % with ten. In a map of locked shards, two threads may also take seats in two lanes beside each shard, a cache line
    /// for either; then they announce themselves up to some 2 %, and sit in lanes up to some 11 %. Of a lock by itself 5 % at most, and 0.6 % of one that threads fight for, unless
    /// they keep it for longer than it takes to get. The default.
    #[default]
    Adaptive,
    /// They do. For what is known to be read nearly always.
    Always,
    /// They do not.
    Never,
}

/// What the samples came to. On a line of its own, lest each sample takes from others what they need for
/// each operation.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Tally {
    balance: hint::AtomicI32,
    /// The same for lanes, of a map.
    of_lanes: hint::AtomicI32,
}

/// How the samples of reads are spread over the threads of the process, whatever they read: a scan
/// looks at all slots, and fetches those that were written to since the last.
#[repr(align(128))]
struct Readers {
    /// A thread that had a sample of late, whichever: twice the number of its slot, and its lane.
    one: hint::AtomicU32,
    /// The share of samples that another thread had than that one, in units of 2^-20. Of `n` threads that read
    /// alike, `1 - 1/n` (Simpson's index of diversity, 1949).
    differ: hint::AtomicU32,
}

/// All of a share.
const WHOLE: u32 = 1 << 20;

static READERS: Readers = Readers {
    one: hint::AtomicU32::new(u32::MAX),
    differ: hint::AtomicU32::new(0),
};

impl Readers {
    fn note(&self, own: u32, drawn: u32) {
        // Relaxed, here and below: rules of thumb, and a lost sample is no loss.
        let one = self.one.load(Relaxed);
        let differs = one >> 1 != own;
        if differs && one & 1 == slots::lane() as u32 && own > one >> 1 {
            // Of two threads that read, one has to.
            slots::change_lane();
        }
        // Not each time, for threads take turns.
        if differs && drawn.is_multiple_of(8) {
            self.one.store(own << 1 | slots::lane() as u32, Relaxed);
        }
        let target = if differs { WHOLE } else { 0 };
        let share = self.differ.load(Relaxed);
        let next = share - share / MEMORY + target / MEMORY;
        if next != share {
            self.differ.store(next, Relaxed);
        }
    }

    /// The number of threads that read, but for one, in units of 1/16.
    fn others(&self) -> u32 {
        let share = self.differ.load(Relaxed).min(WHOLE - WHOLE / MEMORY);
        16 * share / (WHOLE - share)
    }
}

thread_local! {
    /// So many more reads before the next sample; below zero it is due.
    static COUNTDOWN: Cell<i32> = const { Cell::new(INTERVAL as i32) };
    static RANDOM: Cell<u32> = const { Cell::new(0) };
}

/// Counts a read of this thread, and says whether it shall be a sample. Models do without.
#[inline(always)]
pub(crate) fn is_sample() -> bool {
    REAL_FENCES
        && COUNTDOWN
            .try_with(|left| {
                let now = left.get().wrapping_sub(1);
                left.set(now);
                now < 0
            })
            .unwrap_or(false)
}

/// A random number of this thread's. Its high bits are the random ones.
fn draw_number() -> u32 {
    let drawn = RANDOM.try_with(|random| {
        let last = match random.get() {
            // Not the same numbers for all threads.
            0 => slots::own_number().unwrap_or(0).wrapping_mul(0x9e37_79b9),
            last => last,
        };
        let next = last.wrapping_mul(0x2c92_77b5).wrapping_add(0xac56_4b05);
        random.set(next);
        next
    });
    drawn.unwrap_or(0)
}

/// Draws by lot one event of this thread in so many.
pub(crate) fn is_one_of(many: u32) -> bool {
    many == 1 || (u64::from(draw_number()) * u64::from(many)) >> u32::BITS == 0
}

/// A random number of this thread's.
pub(crate) fn draw() -> u16 {
    (draw_number() >> 16) as u16
}

/// If a sample is due, draws a number for it, once. The next is some way off, not always the same one, for
/// programs that are periodic.
pub(crate) fn take_sample() -> Option<u32> {
    let drawn = COUNTDOWN.try_with(|left| {
        if left.get() >= 0 {
            return None;
        }
        let drawn = draw_number();
        // From half the interval to one and a half.
        left.set(i32::from(INTERVAL / 2) + (drawn >> 24) as i32);
        // Its high bits are the random ones, and eight of them are used.
        Some(drawn << 8 >> 24)
    });
    drawn.ok().flatten()
}

/// What a write costs while readers announce themselves.
fn cost_of_write(crowd: Crowd) -> i32 {
    let readers = others() * WRITE_PER_READER / 16;
    let readers = match crowd {
        Crowd::Map => readers,
        Crowd::Loose => readers.max(WRITE_TO_LOCK),
        Crowd::Dense => readers.max(WRITE_IN_CROWD),
    };
    of_slots() + readers
}

/// The threads that read but for one, in units of 1/16; far from the end of an `i32`.
fn others() -> i32 {
    READERS.others() as i32
}

/// What a write costs by what slots there are.
fn of_slots() -> i32 {
    // Far from the end of an `i32`.
    let slots = slots::made().min(1 << 20) as i32;
    WRITE_ALONE + slots * WRITE_PER_SLOT
}

/// What a write costs in a map.
struct Costs {
    /// While readers announce themselves.
    announced: i32,
    /// While they sit in lanes, if that is of any use.
    in_lanes: Option<i32>,
}

impl Costs {
    fn now(now: Now) -> Self {
        Self::among(others(), now)
    }

    /// The same, if so many others read.
    fn among(others: i32, now: Now) -> Self {
        let two = match now.turn {
            Turn::Sit => ONE_STILL,
            Turn::Announce | Turn::Count => ONE_OTHER,
        };
        if !now.lanes || !two.contains(&others) {
            return Self {
                announced: of_slots() + others * WRITE_PER_READER / 16,
                in_lanes: None,
            };
        }
        Self {
            announced: of_slots() + others * WRITE_PER_READER_BESIDE_LANES / 16,
            in_lanes: Some(WRITE_IN_LANES),
        }
    }
}

/// Where a balance stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Up,
    Between,
    Down,
}

/// Puts something on a balance that turns at so much, and says where it stands then.
fn put(balance: &hint::AtomicI32, weight: i32, turn: i32) -> Side {
    let now = balance.load(Relaxed).saturating_add(weight);
    balance.store(now.clamp(-turn, turn), Relaxed);
    match now {
        up if up >= turn => Side::Up,
        down if down <= -turn => Side::Down,
        _ => Side::Between,
    }
}

impl Tally {
    /// Notes a read that is a sample, with the number drawn for it. Which way do the balances turn?
    pub(crate) fn note_read(&self, drawn: u32, now: Now) -> Option<Turn> {
        if let Some(own) = slots::own_number() {
            READERS.note(own, drawn);
        }
        self.put_all(&Costs::now(now), now.turn, |_| READ)
    }

    /// The same of a lock by itself, in such a crowd.
    pub(crate) fn note_read_in(&self, crowd: Crowd, drawn: u32) -> Option<Turn> {
        if let Some(own) = slots::own_number() {
            READERS.note(own, drawn);
        }
        self.put(READ, crowd)
    }

    /// The same of a write that stands for so many.
    pub(crate) fn note_write(&self, stands_for: u16, now: Now) -> Option<Turn> {
        // A sample of reads stands for so many. (In models, too, where there are more of either.)
        let reads = i64::from(A_SAMPLE);
        self.put_all(&Costs::now(now), now.turn, |cost| {
            let cost = i64::from(cost) * i64::from(stands_for) / reads;
            -i32::try_from(cost).unwrap_or(i32::MAX)
        })
    }

    /// The same of one that stands for as many as a read, in such a crowd.
    pub(crate) fn note_write_in(&self, crowd: Crowd) -> Option<Turn> {
        self.put(-cost_of_write(crowd), crowd)
    }

    /// The same of a write that had to wait for announced readers that stayed: as bad as hundreds.
    pub(crate) fn note_revocation(&self, now: Now) -> Option<Turn> {
        self.put_all(&Costs::now(now), now.turn, |cost| -TURN * cost / 2)
    }

    /// Puts on both balances what weighs so much by the cost of a write.
    fn put_all(&self, costs: &Costs, now: Turn, weight: impl Fn(i32) -> i32) -> Option<Turn> {
        let put = |balance, cost| put(balance, weight(cost), TURN * cost);
        let announce = put(&self.balance, costs.announced);
        let sit = match costs.in_lanes {
            Some(cost) => put(&self.of_lanes, cost),
            None => {
                // Should there be some again, it is asked anew.
                self.of_lanes.store(0, Relaxed);
                Side::Down
            }
        };
        match (announce, sit) {
            (Side::Up, _) => Some(Turn::Announce),
            (Side::Between, _) if now == Turn::Announce => None,
            (_, Side::Up) => Some(Turn::Sit),
            (_, Side::Down) => Some(Turn::Count),
            // What is better than to announce themselves, it does not take long to find out.
            (_, Side::Between) if now == Turn::Announce => Some(Turn::Sit),
            (_, Side::Between) => None,
        }
    }

    fn put(&self, weight: i32, crowd: Crowd) -> Option<Turn> {
        match put(&self.balance, weight, TURN * cost_of_write(crowd)) {
            Side::Up => Some(Turn::Announce),
            Side::Down => Some(Turn::Count),
            Side::Between => None,
        }
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;

    /// What readers do after many samples, of which so many of a thousand are writes.
    fn turn_at(tally: &Tally, costs: &Costs, mut turn: Turn, writes: u32) -> Turn {
        for sample in 0..4_000u32 {
            // Spread evenly, and not in a row.
            let is_write = sample.wrapping_mul(617) % 1000 < writes;
            let weight = |cost: i32| if is_write { -cost } else { READ };
            turn = tally.put_all(costs, turn, weight).unwrap_or(turn);
        }
        turn
    }

    #[test]
    fn lanes_are_for_two() {
        let has_lanes = |others, turn, lanes| {
            let costs = Costs::among(others, Now { turn, lanes });
            costs.in_lanes.is_some()
        };
        for (others, begin, stay) in [(0, false, false), (6, false, true), (16, true, true)] {
            assert_eq!(has_lanes(others, Turn::Count, true), begin, "{others}");
            assert_eq!(has_lanes(others, Turn::Announce, true), begin, "{others}");
            assert_eq!(has_lanes(others, Turn::Sit, true), stay, "{others}");
            assert!(!has_lanes(others, Turn::Sit, false), "there are none");
        }
        // Three, four, very many.
        for others in [32, 48, 16 * 1023] {
            assert!(!has_lanes(others, Turn::Sit, true), "{others}");
        }
    }

    #[test]
    fn readers_do_what_the_share_of_writes_makes_best() {
        let two = Costs {
            announced: of_slots() + WRITE_PER_READER_BESIDE_LANES,
            in_lanes: Some(WRITE_IN_LANES),
        };
        let tally = Tally::default();
        let mut turn = Turn::Count;
        for (writes, best) in [
            (0, Turn::Announce),
            (50, Turn::Sit),
            (200, Turn::Count),
            (50, Turn::Sit),
            (10, Turn::Announce),
            (150, Turn::Count),
            (10, Turn::Announce),
        ] {
            turn = turn_at(&tally, &two, turn, writes);
            assert_eq!(turn, best, "at {writes} writes of 1000");
        }
        // Where there are no lanes any more, nobody sits in them.
        let none = Costs {
            announced: two.announced,
            in_lanes: None,
        };
        turn = turn_at(&tally, &two, turn, 50);
        assert_eq!(turn, Turn::Sit);
        assert_eq!(turn_at(&tally, &none, turn, 50), Turn::Count);
    }

    #[test]
    fn a_write_weighs_what_it_stands_for() {
        let weight = |stands_for| {
            let tally = Tally::default();
            let now = Now {
                turn: Turn::Count,
                lanes: false,
            };
            let _ = tally.note_write(stands_for, now);
            -tally.balance.load(Relaxed)
        };
        loop {
            // What others read meanwhile, in other tests, changes what a write costs.
            let before = cost_of_write(Crowd::Map);
            let weights = [256, 512, 384, 0, u16::MAX].map(weight);
            if before == cost_of_write(Crowd::Map) {
                let most = TURN * before;
                assert_eq!(weights, [before, 2 * before, before * 3 / 2, 0, most]);
                return;
            }
        }
    }
}
