//! Which way readers and writers of a lock (or of all locks of a map) lean, told from samples.
//!
//! A reader that announces itself spares two read-modify-writes of a line that others use, but each
//! write then looks through the slots of all threads. What pays depends on the share of writes. So
//! one in about 256 reads and writes is a sample, and a balance is kept of what announcements would have spared
//! and cost. The readers announce themselves once it has gone far enough up, and count themselves again
//! once it has gone far enough down.

use std::cell::Cell;

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
    /// one thread, 6.5 % with two, 1 % with ten; of a lock by itself 5 % at most, and 0.6 % of one that threads fight for, unless
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
}

/// How the samples of reads are spread over the threads of the process, whatever they read: a scan
/// looks at all slots, and fetches those that were written to since the last.
#[repr(align(128))]
struct Readers {
    /// The slot of a thread that had a sample of late, whichever.
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
        let differs = self.one.load(Relaxed) != own;
        // Not each time, for threads take turns.
        if differs && drawn.is_multiple_of(8) {
            self.one.store(own, Relaxed);
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
    // Both are far from the ends of an `i32`: the others by what `others` allows.
    let slots = slots::made().min(1 << 20) as i32;
    let others = READERS.others() as i32;
    let readers = others * WRITE_PER_READER / 16;
    let readers = match crowd {
        Crowd::Map => readers,
        Crowd::Loose => readers.max(WRITE_TO_LOCK),
        Crowd::Dense => readers.max(WRITE_IN_CROWD),
    };
    WRITE_ALONE + slots * WRITE_PER_SLOT + readers
}

impl Tally {
    /// Notes a read that is a sample, with the number drawn for it. Which way does the balance turn?
    pub(crate) fn note_read(&self, drawn: u32) -> Option<Turn> {
        self.note_read_in(Crowd::Map, drawn)
    }

    /// The same, in such a crowd.
    pub(crate) fn note_read_in(&self, crowd: Crowd, drawn: u32) -> Option<Turn> {
        if let Some(own) = slots::own_number() {
            READERS.note(own, drawn);
        }
        self.put(READ, crowd)
    }

    /// The same of a write that stands for so many.
    pub(crate) fn note_write(&self, stands_for: u16) -> Option<Turn> {
        // A sample of reads stands for so many. (In models, too, where there are more of either.)
        let reads = i64::from(A_SAMPLE);
        let cost = i64::from(cost_of_write(Crowd::Map)) * i64::from(stands_for) / reads;
        self.put(-i32::try_from(cost).unwrap_or(i32::MAX), Crowd::Map)
    }

    /// The same of one that stands for as many as a read, in such a crowd.
    pub(crate) fn note_write_in(&self, crowd: Crowd) -> Option<Turn> {
        self.put(-cost_of_write(crowd), crowd)
    }

    /// The same of a write that had to wait for announced readers that stayed: as bad as hundreds.
    pub(crate) fn note_revocation(&self) -> Option<Turn> {
        self.put(-TURN * cost_of_write(Crowd::Map) / 2, Crowd::Map)
    }

    fn put(&self, weight: i32, crowd: Crowd) -> Option<Turn> {
        let turn = TURN * cost_of_write(crowd);
        let balance = self.balance.load(Relaxed).saturating_add(weight);
        self.balance.store(balance.clamp(-turn, turn), Relaxed);
        match balance {
            up if up >= turn => Some(Turn::Announce),
            down if down <= -turn => Some(Turn::Count),
            _ => None,
        }
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_write_weighs_what_it_stands_for() {
        let weight = |stands_for| {
            let tally = Tally::default();
            let _ = tally.note_write(stands_for);
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
