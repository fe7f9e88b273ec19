//! Locks behind the trait of the maps: one lock, and a small map under it. So the loops, the seats and the checks are those of
//! `compare`, and a lock's own part is to let a critical section in.
//!
//! A new lock is a line in `roster!`, and an implementation of [`Lock`] if it has not lock_api's interface.

use crate::{
    lane::Tally,
    subject::{Hasher, Role, Scanned, Session, Subject},
    subjects::{self, Booth, Entry},
};
use hashbrown::HashMap;
use map_adaptive::lock::{AdaptiveRawRwLock, RawLock};
use std::{hint::black_box, sync};

/// What a lock protects. The map is in a box, so that a lock and its counter take one cache line, however they are laid out.
#[derive(Debug)]
pub struct Room {
    /// How often a critical section has written: an ordinary number, right only if nobody else was inside.
    writes: u64,
    map: Box<HashMap<u64, u64, Hasher>>,
}

/// A lock around a room. Each of them is compiled into the loop: left to itself, the compiler calls some of them instead, by
/// their size.
pub trait Lock: Send + Sync + 'static {
    /// A free lock.
    fn new(room: Room) -> Self;
    /// Runs a critical section that others may read in at the same time, if the lock knows the difference.
    fn read<R>(&self, section: impl FnOnce(&Room) -> R) -> R;
    /// Runs a critical section alone.
    fn write<R>(&self, section: impl FnOnce(&mut Room) -> R) -> R;
}

impl<L: lock_api::RawRwLock + Send + Sync + 'static> Lock for lock_api::RwLock<L, Room> {
    fn new(room: Room) -> Self {
        Self::new(room)
    }

    #[inline(always)]
    fn read<R>(&self, section: impl FnOnce(&Room) -> R) -> R {
        section(&self.read())
    }

    #[inline(always)]
    fn write<R>(&self, section: impl FnOnce(&mut Room) -> R) -> R {
        section(&mut self.write())
    }
}

impl<L: lock_api::RawMutex + Send + Sync + 'static> Lock for lock_api::Mutex<L, Room> {
    fn new(room: Room) -> Self {
        Self::new(room)
    }

    #[inline(always)]
    fn read<R>(&self, section: impl FnOnce(&Room) -> R) -> R {
        section(&self.lock())
    }

    #[inline(always)]
    fn write<R>(&self, section: impl FnOnce(&mut Room) -> R) -> R {
        section(&mut self.lock())
    }
}

/// Why no lock is poisoned.
const NO_PANIC: &str = "a critical section does not panic";

impl Lock for sync::RwLock<Room> {
    fn new(room: Room) -> Self {
        Self::new(room)
    }

    #[inline(always)]
    fn read<R>(&self, section: impl FnOnce(&Room) -> R) -> R {
        section(&self.read().expect(NO_PANIC))
    }

    #[inline(always)]
    fn write<R>(&self, section: impl FnOnce(&mut Room) -> R) -> R {
        section(&mut self.write().expect(NO_PANIC))
    }
}

impl Lock for sync::Mutex<Room> {
    fn new(room: Room) -> Self {
        Self::new(room)
    }

    #[inline(always)]
    fn read<R>(&self, section: impl FnOnce(&Room) -> R) -> R {
        section(&self.lock().expect(NO_PANIC))
    }

    #[inline(always)]
    fn write<R>(&self, section: impl FnOnce(&mut Room) -> R) -> R {
        section(&mut self.lock().expect(NO_PANIC))
    }
}

/// A lock with what the tables say of it.
pub trait Contestant: 'static {
    /// The name on the command line and in reports.
    const NAME: &'static str;
    /// What it is to the comparison.
    const ROLE: Role;
    /// The lock.
    type Lock: Lock;
}

macro_rules! roster {
    ($($marker:ident = $name:literal, $role:ident, $lock:ty;)+) => {
        $(
            #[doc = concat!("The contestant `", $name, "`.")]
            #[derive(Debug)]
            pub enum $marker {}

            impl Contestant for $marker {
                const NAME: &'static str = $name;
                const ROLE: Role = Role::$role;
                type Lock = $lock;
            }
        )+

        /// Every lock, and the loop without one, in the order of the tables' columns.
        pub const LOCKS: &[Entry] = &[
            Entry { name: "driver", role: Role::Driver, choice: false },
            $(Entry { name: $name, role: Role::$role, choice: false }),+
        ];

        /// Does something with the lock of that name, around a map of `KEYS` entries; `None` if there is no such lock.
        pub fn visit<const KEYS: usize, B: Booth<u64, u64>>(name: &str, booth: &B) -> Option<B::Out> {
            match name {
                "driver" => subjects::visit(name, booth),
                $($name => Some(booth.visit::<Locked<$marker, KEYS>>()),)+
                _ => None,
            }
        }
    };
}

roster! {
    Adaptive = "adaptive", Own, lock_api::RwLock<AdaptiveRawRwLock, Room>;
    Raw = "raw", Own, lock_api::RwLock<RawLock, Room>;
    ParkingLotRwLock = "pl-rwlock", Peer, parking_lot::RwLock<Room>;
    ParkingLotMutex = "pl-mutex", Peer, parking_lot::Mutex<Room>;
    StdRwLock = "std-rwlock", Peer, sync::RwLock<Room>;
    StdMutex = "std-mutex", Peer, sync::Mutex<Room>;
}

/// A locked map of `KEYS` entries as a subject: reads look a key up under a shared hold, updates write under an exclusive one.
/// Without keys there is nothing to look up, and the critical sections are empty but for the counter. Begins a cache line of
/// its own (and the one that is fetched along with it), so that no lock is lucky with its neighbours.
#[derive(Debug)]
#[repr(align(128))]
pub struct Locked<C: Contestant, const KEYS: usize>(C::Lock);

/// Where the upper bits of a stored word begin, which repeat the key's lower ones: a read sees whether it found its own entry.
const TAG: u32 = 48;

impl<C: Contestant, const KEYS: usize> Subject<u64, u64> for Locked<C, KEYS> {
    const NAME: &'static str = C::NAME;
    const ROLE: Role = C::ROLE;
    type Session<'a> = &'a Self;

    fn with_capacity(_: usize, hasher: Hasher) -> Self {
        // No room for one more entry of every thread: the table shall be the same for any number of threads.
        let map = Box::new(HashMap::with_capacity_and_hasher(KEYS, hasher));
        Locked(C::Lock::new(Room { writes: 0, map }))
    }

    fn len(&self) -> usize {
        self.0.read(|room| room.map.len())
    }

    fn session(&self) -> &Self {
        self
    }

    fn audit(&self, answers: &Tally) -> Result<(), String> {
        match (self.0.read(|room| room.writes), answers.updates) {
            (counted, made) if counted == made => Ok(()),
            (counted, made) => Err(format!(
                "{counted} writes were counted under the lock, where {made} were made"
            )),
        }
    }
}

impl<C: Contestant, const KEYS: usize> Session<u64, u64> for &Locked<C, KEYS> {
    #[inline(always)]
    fn get(&mut self, key: &u64) -> Option<u64> {
        begin(Way::Read);
        self.0.read(|room| {
            if KEYS == 0 {
                black_box(room);
                return Some(0);
            }
            let word = room.map.get(key).copied();
            word.filter(|word| word >> TAG == key & (u64::MAX >> TAG))
        })
    }

    #[inline(always)]
    fn update(&mut self, key: &u64, value: u64) -> bool {
        begin(Way::Write);
        self.0.write(|room| {
            room.writes += 1;
            if KEYS == 0 {
                black_box(room);
                return true;
            }
            let entry = room.map.get_mut(key);
            entry.map(|word| *word = tagged(*key, value)).is_some()
        })
    }

    #[inline]
    fn insert(&mut self, key: u64, value: u64) -> bool {
        self.0
            .write(|room| room.map.insert(key, tagged(key, value)).is_none())
    }

    #[inline]
    fn remove(&mut self, key: &u64) -> bool {
        self.0.write(|room| room.map.remove(key).is_some())
    }

    fn scan(&mut self) -> Scanned {
        self.0.read(|room| room.map.values().collect())
    }
}

/// What a critical section is for.
#[derive(Clone, Copy)]
enum Way {
    Read,
    Write,
}

/// Comes before each critical section, a different thing for either way. In a program reads and writes stand in different places. Here they stand side by side, and of two that
/// begin alike the compiler makes one: then who takes a mutex chooses between nothing, and who takes a read-write lock by lot.
#[inline(always)]
fn begin(way: Way) {
    black_box(way);
}

#[inline(always)]
fn tagged(key: u64, value: u64) -> u64 {
    key << TAG | value & ((1 << TAG) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fail::Fail,
        locks::{Section, Setup},
        measure::{Effort, Score, measure},
    };
    use std::time::Duration;

    /// Half of the operations write, on three threads.
    fn setup(section: Section) -> Setup {
        Setup::new(section, 50, 3, 1)
    }

    fn brief(seat: Box<dyn crate::seat::Seat>) -> Result<Vec<Score>, Fail> {
        let effort = Effort {
            rounds: 3,
            round: Duration::from_millis(2),
        };
        measure(&[seat], 3, effort, || {})
    }

    #[test]
    fn every_lock_keeps_count() {
        for entry in LOCKS {
            for section in [Section::Empty, Section::Map20] {
                let seat = setup(section).seat(entry.name);
                let scores = brief(seat).expect("a lock that is right");
                let Tally {
                    reads,
                    hits,
                    updates,
                    updated,
                    ..
                } = scores[0].tally;
                assert!(reads > 0 && updates > 0, "{}", entry.name);
                assert_eq!((reads, updates), (hits, updated), "{}", entry.name);
                assert_eq!(
                    (scores[0].subject, scores[0].role),
                    (entry.name, entry.role)
                );
            }
        }
        assert!(visit::<0, _>("no such lock", &setup(Section::Empty)).is_none());
    }

    /// Loses counts, as if two threads had been inside.
    struct Forgetful(parking_lot::Mutex<Room>);

    /// Shows readers what a writer has not finished.
    struct Leaky(parking_lot::Mutex<Room>);

    impl Lock for Forgetful {
        fn new(room: Room) -> Self {
            Forgetful(room.into())
        }

        fn read<R>(&self, section: impl FnOnce(&Room) -> R) -> R {
            section(&self.0.lock())
        }

        fn write<R>(&self, section: impl FnOnce(&mut Room) -> R) -> R {
            let mut room = self.0.lock();
            let result = section(&mut room);
            room.writes -= u64::from(room.writes == 10);
            result
        }
    }

    impl Lock for Leaky {
        fn new(room: Room) -> Self {
            Leaky(room.into())
        }

        fn read<R>(&self, section: impl FnOnce(&Room) -> R) -> R {
            let mut room = self.0.lock();
            let torn = room.writes >= 10;
            let damage = |room: &mut Room| room.map.values_mut().for_each(|word| *word ^= 1 << TAG);
            if torn {
                damage(&mut room);
            }
            let result = section(&room);
            if torn {
                damage(&mut room);
            }
            result
        }

        fn write<R>(&self, section: impl FnOnce(&mut Room) -> R) -> R {
            section(&mut self.0.lock())
        }
    }

    impl Contestant for Forgetful {
        const NAME: &'static str = "forgetful";
        const ROLE: Role = Role::Peer;
        type Lock = Self;
    }

    impl Contestant for Leaky {
        const NAME: &'static str = "leaky";
        const ROLE: Role = Role::Peer;
        type Lock = Self;
    }

    #[test]
    fn a_lost_count_and_a_torn_read_end_the_run() {
        let empty = setup(Section::Empty).visit::<Locked<Forgetful, 0>>();
        let fail = brief(empty).expect_err("a count is lost").to_string();
        assert!(fail.contains("counted under the lock"), "{fail}");
        let torn = setup(Section::Map20).visit::<Locked<Leaky, 20>>();
        let fail = brief(torn).expect_err("a read is torn").to_string();
        assert!(fail.contains("reads that hit"), "{fail}");
    }
}
