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
            Some(leaning)
        });
    }

    pub(super) fn get(&self) -> ReadBias {
        match self.0.load(Relaxed) {
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
        // Relaxed: as above. The look spares the others the line's change. If something else has been set meanwhile, that stays.
        if self.0.load(Relaxed) == from {
            let _ = self.0.compare_exchange(from, to, Relaxed, Relaxed);
        }
    }
}
