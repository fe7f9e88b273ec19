//! What a lock does, and what it was told, in one word: so no decision outlives the configuration that it was made by.

use super::config::{Behaviour, Config};
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::hint;

/// Bits of the word: what is tried first.
const CONDUCT: u64 = 0xff;
/// Of [`CONDUCT`]: [`Shared`](Behaviour::Shared), and nobody has met anybody of late. Acquisitions are not counted.
const QUIET: u64 = 0;
/// Of [`CONDUCT`]: [`Shared`](Behaviour::Shared), and somebody has met another. Acquisitions are counted, and sampled.
const WATCHED: u64 = 1;
/// Of [`CONDUCT`]: [`Biased`](Behaviour::Biased). Acquisitions are counted.
const BIASED: u64 = 2;
/// Of [`CONDUCT`]: [`Exclusive`](Behaviour::Exclusive). Acquisitions are counted.
const EXCLUSIVE: u64 = 3;
/// Unit of the word in which notes are counted before there is a record; eight bits have room for them.
const NOTE: u64 = 1 << 8;
/// Where the [`Config`] begins.
const CONFIG: u32 = 32;

/// The word. Each change is a compare-exchange.
#[derive(Debug)]
pub(super) struct Mode(hint::AtomicU64);

/// What it was at some moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen(u64);

// Relaxed throughout: rules of thumb; who may be inside does not depend on them.
impl Mode {
    /// That of a new lock.
    pub(super) const fn new() -> Self {
        Self(hint::AtomicU64::new(
            (Config::DEFAULT.pack() as u64) << CONFIG | QUIET,
        ))
    }

    #[inline(always)]
    pub(super) fn load(&self) -> Seen {
        Seen(self.0.load(Relaxed))
    }

    /// Somebody has met another: has acquisitions counted from now on.
    pub(super) fn watch(&self) {
        let seen = self.load();
        if seen.is_quiet() {
            let _ = self.exchange(seen, seen.with_conduct(WATCHED));
        }
    }

    /// Has acquisitions counted no more, if that is still so which was seen, and the behaviour lets them be.
    pub(super) fn rest(&self, seen: Seen) {
        if seen.conduct() == WATCHED {
            let _ = self.exchange(seen, seen.with_conduct(QUIET));
        }
    }

    /// Changes the behaviour, if all is as it was seen; otherwise says so, and what was decided is void.
    pub(super) fn turn(&self, seen: Seen, to: Behaviour) -> bool {
        self.exchange(seen, seen.turned(to))
    }

    /// Replaces the configuration, and with it the behaviour by what `choose` makes of it; says from what to what that
    /// turned.
    pub(super) fn configure(
        &self,
        config: Config,
        choose: impl Fn(Behaviour) -> Behaviour,
    ) -> (Behaviour, Behaviour) {
        loop {
            let seen = self.load();
            let from = seen.behaviour();
            let to = choose(from);
            let turned = if to == from { seen } else { seen.turned(to) };
            let rest = turned.0 & ((1 << CONFIG) - 1);
            if self.exchange(seen, Seen(rest | u64::from(config.pack()) << CONFIG)) {
                return (from, to);
            }
        }
    }

    /// How many notes have been taken before this one, which is counted unless there have been `enough`.
    pub(super) fn note_early(&self, enough: u8) -> u8 {
        let seen = self.load();
        let before = (seen.0 / NOTE) as u8;
        if before < enough {
            // If somebody else takes one at the same time, they are one.
            let _ = self.exchange(seen, Seen(seen.0 + NOTE));
        }
        before
    }

    fn exchange(&self, seen: Seen, next: Seen) -> bool {
        self.0
            .compare_exchange(seen.0, next.0, Relaxed, Relaxed)
            .is_ok()
    }
}

impl Seen {
    #[inline(always)]
    fn conduct(self) -> u64 {
        self.0 & CONDUCT
    }

    fn with_conduct(self, conduct: u64) -> Self {
        Self(self.0 & !CONDUCT | conduct)
    }

    fn turned(self, to: Behaviour) -> Self {
        self.with_conduct(match to {
            Behaviour::Shared => WATCHED,
            Behaviour::Biased => BIASED,
            Behaviour::Exclusive => EXCLUSIVE,
        })
    }

    /// Whether acquisitions need not be counted.
    #[inline(always)]
    pub(super) fn is_quiet(self) -> bool {
        self.conduct() == QUIET
    }

    #[inline(always)]
    pub(super) fn is_biased(self) -> bool {
        self.conduct() == BIASED
    }

    #[inline(always)]
    pub(super) fn is_exclusive(self) -> bool {
        self.conduct() == EXCLUSIVE
    }

    pub(super) fn behaviour(self) -> Behaviour {
        match self.conduct() {
            BIASED => Behaviour::Biased,
            EXCLUSIVE => Behaviour::Exclusive,
            _ => Behaviour::Shared,
        }
    }

    pub(super) fn config(self) -> Config {
        Config::unpack((self.0 >> CONFIG) as u32)
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests {
    use super::*;
    use crate::lock::tally::ReadBias;

    const TOLD: Config = Config {
        bias: ReadBias::Never,
        conflicts_on_percent: 100,
        conflicts_off_percent: 99,
        exclusive_nanos: u16::MAX,
    };

    #[test]
    fn its_parts_leave_each_other_alone() {
        let mode = Mode::new();
        assert_eq!(mode.load().config(), Config::DEFAULT);
        for before in 0..3 {
            assert_eq!(mode.note_early(3), before);
        }
        assert_eq!((mode.note_early(3), mode.note_early(3)), (3, 3));
        for to in [Behaviour::Biased, Behaviour::Exclusive, Behaviour::Shared] {
            assert!(mode.turn(mode.load(), to));
            mode.configure(TOLD, |now| now);
            let seen = mode.load();
            assert_eq!((seen.behaviour(), seen.config()), (to, TOLD));
            assert_eq!(mode.note_early(3), 3);
        }
    }

    #[test]
    fn a_decision_by_an_older_configuration_is_void() {
        let mode = Mode::new();
        let seen = mode.load();
        mode.configure(TOLD, |now| now);
        assert!(!mode.turn(seen, Behaviour::Biased));
        assert_eq!(mode.load().behaviour(), Behaviour::Shared);
        assert!(mode.turn(mode.load(), Behaviour::Biased));
        let seen = mode.load();
        let turned = mode.configure(Config::DEFAULT, |_| Behaviour::Shared);
        assert_eq!(turned, (Behaviour::Biased, Behaviour::Shared));
        assert!(!mode.turn(seen, Behaviour::Exclusive));
        assert_eq!(mode.load().behaviour(), Behaviour::Shared);
    }

    #[test]
    fn only_a_shared_one_is_quiet() {
        let mode = Mode::new();
        assert!(mode.load().is_quiet());
        mode.watch();
        let watched = mode.load();
        assert!(!watched.is_quiet());
        assert_eq!(watched.behaviour(), Behaviour::Shared);
        mode.rest(watched);
        assert!(mode.load().is_quiet());
        for busy in [Behaviour::Biased, Behaviour::Exclusive] {
            assert!(mode.turn(mode.load(), busy));
            mode.watch();
            mode.rest(mode.load());
            assert_eq!(mode.load().behaviour(), busy);
        }
        assert!(mode.turn(mode.load(), Behaviour::Shared));
        assert!(!mode.load().is_quiet(), "it is watched at first");
    }
}
