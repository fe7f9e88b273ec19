//! Which way the operations on a map lean, and so how its readers keep writers out: see the
//! [tally](crate::lock::tally).

pub use crate::lock::tally::ReadBias;
use crate::lock::tally::{Now, Turn, take_sample};
pub(super) use crate::lock::tally::{Tally, is_sample};
use crate::raw::habits::Readers;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::hint;

/// The low bit of a [`Leaning`]: readers announce themselves.
const ANNOUNCE: u8 = 1;
/// The next: the samples say so, not the owner.
const ADAPTIVE: u8 = 2;
/// The next: readers sit in lanes. Not if they announce themselves.
const SIT: u8 = 4;

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
                ReadBias::Adaptive => ADAPTIVE | now & (ANNOUNCE | SIT),
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

    /// Has readers sit in lanes, whatever the samples say.
    #[cfg(any(feature = "conformance", crossbeam_loom))]
    pub(super) fn sit(&self) {
        self.0.store(SIT, Relaxed);
    }

    /// How readers keep writers out.
    pub(super) fn readers(&self) -> Readers {
        match self.0.load(Relaxed) & !ADAPTIVE {
            ANNOUNCE => Readers::Announce,
            SIT => Readers::Sit,
            _ => Readers::Count,
        }
    }

    /// Whether readers announce themselves.
    #[inline(always)]
    pub(super) fn announces(&self) -> bool {
        self.0.load(Relaxed) & ANNOUNCE != 0
    }

    /// Notes the read, if it is to be a sample; for nothing if it could not have announced itself. Returns a number drawn for it.
    /// `lanes`: whether readers might sit in some.
    pub(super) fn note_read(&self, could_announce: bool, tally: &Tally, lanes: bool) -> Option<u8> {
        let drawn = take_sample();
        if let Some(drawn) = drawn
            && could_announce
            && self.is_adaptive()
        {
            self.turn(tally.note_read(drawn, self.now(lanes)));
        }
        // Eight bits of it are random.
        drawn.map(|drawn| drawn as u8)
    }

    /// Notes a sample of writes, which stands for so many.
    pub(super) fn note_write(&self, tally: &Tally, stands_for: u16, lanes: bool) {
        if self.is_adaptive() {
            self.turn(tally.note_write(stands_for, self.now(lanes)));
        }
    }

    /// Notes a write that had to wait for announced readers.
    pub(super) fn note_revocation(&self, tally: &Tally, lanes: bool) {
        if self.is_adaptive() {
            self.turn(tally.note_revocation(self.now(lanes)));
        }
    }

    fn is_adaptive(&self) -> bool {
        self.0.load(Relaxed) & ADAPTIVE != 0
    }

    /// What they do now, and whether they might sit in lanes.
    fn now(&self, lanes: bool) -> Now {
        let turn = match self.readers() {
            Readers::Announce => Turn::Announce,
            Readers::Sit => Turn::Sit,
            Readers::Count => Turn::Count,
        };
        Now { turn, lanes }
    }

    fn turn(&self, turn: Option<Turn>) {
        let to = match turn {
            Some(Turn::Announce) => ADAPTIVE | ANNOUNCE,
            Some(Turn::Sit) => ADAPTIVE | SIT,
            Some(Turn::Count) => ADAPTIVE,
            None => return,
        };
        // Relaxed: as above. The look spares the others the line's change. If something else has been set meanwhile, that stays.
        let from = self.0.load(Relaxed);
        if from & ADAPTIVE != 0 && from != to {
            let _ = self.0.compare_exchange(from, to, Relaxed, Relaxed);
        }
    }
}
