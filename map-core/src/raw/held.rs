//! Who holds which shard lock: in debug builds, a thread that would wait for itself is told so.
//!
//! Each hold is entered here with the thread that acquired it and the place in its code. A thread
//! about to wait looks for holds of its own that stand in its way. A hold that a guard carries
//! may have moved to another thread, so such a conflict gets a second of patience; the holds of
//! operations that run a closure cannot move, and are reported at once.
//!
//! In release builds all of this is empty.

#[cfg(all(debug_assertions, not(crossbeam_loom)))]
mod registry {
    use std::collections::BTreeMap;
    use std::hash::{DefaultHasher, Hash, Hasher};
    use std::panic::Location;
    use std::thread::{self, ThreadId};
    use std::time::Duration;

    use parking_lot::Mutex;

    /// How long a thread waits for a guard that it acquired itself and may have given away.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

    /// Where in the user's code a lock was asked for.
    pub(crate) type Place = &'static Location<'static>;

    struct Hold {
        lock: usize,
        thread: ThreadId,
        place: Place,
        exclusive: bool,
        movable: bool,
    }

    /// Several lists, picked by thread, so that the registry does not serialise the program.
    static HOLDS: [Mutex<(u64, BTreeMap<u64, Hold>)>; LISTS] =
        [const { Mutex::new((0, BTreeMap::new())) }; LISTS];
    const LISTS: usize = 64;

    fn own_list() -> usize {
        let mut hasher = DefaultHasher::new();
        thread::current().id().hash(&mut hasher);
        hasher.finish() as usize % LISTS
    }

    /// An entry of the registry, taken out again when dropped, on whatever thread.
    #[derive(Debug)]
    pub(crate) struct Ticket {
        list: usize,
        number: u64,
    }

    impl Ticket {
        pub(crate) fn new(lock: usize, exclusive: bool, place: Place) -> Self {
            let list = own_list();
            let mut holds = HOLDS[list].lock();
            let number = holds.0;
            holds.0 += 1;
            let thread = thread::current().id();
            holds.1.insert(
                number,
                Hold {
                    lock,
                    thread,
                    place,
                    exclusive,
                    movable: false,
                },
            );
            Self { list, number }
        }

        /// Another hold on the same lock.
        pub(crate) fn duplicate(&self) -> Self {
            let mut holds = HOLDS[self.list].lock();
            let number = holds.0;
            holds.0 += 1;
            let &Hold {
                lock,
                thread,
                place,
                exclusive,
                ..
            } = holds
                .1
                .get(&self.number)
                .expect("a ticket's entry lives as long as the ticket");
            holds.1.insert(
                number,
                Hold {
                    lock,
                    thread,
                    place,
                    exclusive,
                    movable: true,
                },
            );
            Self {
                list: self.list,
                number,
            }
        }

        /// The hold goes into a guard that the user may send elsewhere.
        pub(crate) fn set_movable(&self) {
            if let Some(hold) = HOLDS[self.list].lock().1.get_mut(&self.number) {
                hold.movable = true;
            }
        }

        /// An exclusive hold became a shared one.
        pub(crate) fn set_shared(&self) {
            if let Some(hold) = HOLDS[self.list].lock().1.get_mut(&self.number) {
                hold.exclusive = false;
            }
        }
    }

    impl Drop for Ticket {
        fn drop(&mut self) {
            HOLDS[self.list].lock().1.remove(&self.number);
        }
    }

    /// A hold of this thread that makes waiting for `lock` hopeless.
    pub(crate) struct Conflict {
        place: Place,
        exclusive: bool,
        pub(crate) movable: bool,
    }

    impl Conflict {
        pub(crate) fn find(lock: usize, exclusive: bool) -> Option<Self> {
            let me = thread::current().id();
            let holds = HOLDS[own_list()].lock();
            holds
                .1
                .values()
                .filter(|hold| {
                    hold.lock == lock && hold.thread == me && (exclusive || hold.exclusive)
                })
                // First one that leaves no hope.
                .min_by_key(|hold| hold.movable)
                .map(|hold| Self {
                    place: hold.place,
                    exclusive: hold.exclusive,
                    movable: hold.movable,
                })
        }

        /// Panics, naming both places.
        pub(crate) fn report(self, exclusive: bool, place: Place) -> ! {
            let wanted = if exclusive { "write to" } else { "read" };
            let held = if self.exclusive {
                "for writing"
            } else {
                "for reading"
            };
            panic!(
                "deadlock: at {place} this thread wants to {wanted} a shard of the map that it \
                 has held {held} since {}; drop that guard first, or leave the closure",
                self.place,
            )
        }
    }
}

#[cfg(all(debug_assertions, not(crossbeam_loom)))]
pub(crate) use registry::{Conflict, PATIENCE, Place, Ticket};

#[cfg(any(not(debug_assertions), crossbeam_loom))]
mod empty {
    /// Nothing: release builds do not record places.
    #[derive(Clone, Copy)]
    pub(crate) struct Place;

    /// Nothing: release builds do not record holds.
    #[derive(Debug)]
    pub(crate) struct Ticket;

    impl Ticket {
        #[inline]
        pub(crate) const fn new(_lock: usize, _exclusive: bool, _place: Place) -> Self {
            Self
        }
        #[inline]
        pub(crate) const fn duplicate(&self) -> Self {
            Self
        }
        #[inline]
        pub(crate) const fn set_movable(&self) {}
        #[inline]
        pub(crate) const fn set_shared(&self) {}
    }
}

#[cfg(any(not(debug_assertions), crossbeam_loom))]
pub(crate) use empty::{Place, Ticket};

/// The place in the code of whoever called the tracked function around it.
#[cfg(all(debug_assertions, not(crossbeam_loom)))]
#[track_caller]
#[inline]
pub(crate) fn here() -> Place {
    std::panic::Location::caller()
}

/// The place in the code of whoever called the tracked function around it.
#[cfg(any(not(debug_assertions), crossbeam_loom))]
#[inline]
pub(crate) const fn here() -> Place {
    Place
}
