//! Which way the operations on a map lean, and so how its readers keep writers out: see the
//! [tally](crate::lock::tally).

pub use crate::lock::tally::ReadBias;
pub(super) use crate::lock::tally::{Tally, is_sample};
use crate::lock::tally::{Turn, take_sample};
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::hint;

/// The low bit of a [`Leaning`]: readers announce themselves.
const ANNOUNCE: u8 = 1;
/// Its other bit: the samples say so, not the owner.
const ADAPTIVE: u8 = 2;

/// Another bit, which has nothing to do with them: some shard has something for readers without its lock. It is asked while there
/// is but the one shard in the map itself, by who is not led there at once; of others their places say it.
const READ_TABLES: u8 = 4;

/// What the readers of a map do.
#[derive(Debug)]
pub(super) struct Leaning(hint::AtomicU8);

impl Leaning {
    pub(super) fn new(bias: ReadBias) -> Self {
        Self(hint::AtomicU8::new(match bias {
            ReadBias::Adaptive => ADAPTIVE,
            ReadBias::Always => ANNOUNCE,
            ReadBias::Never => 0,
        }))
    }

    // Relaxed, here and below: each shard says for itself whether it lets readers announce themselves.
    pub(super) fn set(&self, bias: ReadBias) {
        let _ = self.0.fetch_update(Relaxed, Relaxed, |now| {
            let leaning = match bias {
                ReadBias::Adaptive => ADAPTIVE | now & ANNOUNCE,
                ReadBias::Always => ANNOUNCE,
                ReadBias::Never => 0,
            };
            Some(leaning | now & READ_TABLES)
        });
    }

    pub(super) fn get(&self) -> ReadBias {
        match self.0.load(Relaxed) & (ADAPTIVE | ANNOUNCE) {
            ANNOUNCE => ReadBias::Always,
            0 => ReadBias::Never,
            _ => ReadBias::Adaptive,
        }
    }

    /// Whether readers announce themselves.
    #[inline(always)]
    pub(super) fn announces(&self) -> bool {
        self.0.load(Relaxed) & ANNOUNCE != 0
    }

    /// Whether some shard has something for readers without its lock, as far as is known.
    #[inline(always)]
    pub(super) fn has_read_tables(&self) -> bool {
        self.0.load(Relaxed) & READ_TABLES != 0
    }

    pub(super) fn set_read_tables(&self, has: bool) {
        if has != self.has_read_tables() {
            let _ = self.0.fetch_update(Relaxed, Relaxed, |now| {
                Some(now & !READ_TABLES | if has { READ_TABLES } else { 0 })
            });
        }
    }

    /// Notes the read, if it is to be a sample; for nothing if it could not have announced itself. Returns a number drawn for it.
    pub(super) fn note_read(&self, could_announce: bool, tally: &Tally) -> Option<u8> {
        let drawn = take_sample();
        if let Some(drawn) = drawn
            && could_announce
            && self.is_adaptive()
        {
            self.turn(tally.note_read(drawn));
        }
        // Eight bits of it are random.
        drawn.map(|drawn| drawn as u8)
    }

    /// Notes a sample of writes, which stands for so many.
    pub(super) fn note_write(&self, tally: &Tally, stands_for: u16) {
        if self.is_adaptive() {
            self.turn(tally.note_write(stands_for));
        }
    }

    /// Notes a write that had to wait for announced readers.
    pub(super) fn note_revocation(&self, tally: &Tally) {
        if self.is_adaptive() {
            self.turn(tally.note_revocation());
        }
    }

    fn is_adaptive(&self) -> bool {
        self.0.load(Relaxed) & ADAPTIVE != 0
    }

    fn turn(&self, turn: Option<Turn>) {
        let (from, to) = match turn {
            Some(Turn::Announce) => (ADAPTIVE, ADAPTIVE | ANNOUNCE),
            Some(Turn::Count) => (ADAPTIVE | ANNOUNCE, ADAPTIVE),
            None => return,
        };
        let now = self.0.load(Relaxed);
        if now & (ADAPTIVE | ANNOUNCE) == from {
            // If something else has been set meanwhile, that stays.
            let to = to | now & READ_TABLES;
            let _ = self.0.compare_exchange(now, to, Relaxed, Relaxed);
        }
    }
}
