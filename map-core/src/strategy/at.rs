//! Operations on their way to a shard, and how they lock it for reading.

use super::Table;
#[expect(unused_imports, reason = "for links, in other crates' pages too")]
use super::{Open, Strategy};
use crate::lock::slots::Word;
use crate::raw::guarded::Held;
use crate::raw::header::{Header, Refused};
use crate::raw::held::Place;
use crate::raw::holds::{Kept, Shared};

/// What an operation does when it meets somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It does not take the lock, or comes back with another patience.
    Lockless,
    /// It announces itself instead of taking the lock, or comes back with [`Wait`](Self::Wait).
    Announce,
    /// It takes the seat of a lane, or comes back with [`Wait`](Self::Wait).
    Sit,
    /// It comes back with [`Wait`](Self::Wait).
    Fast,
    /// It waits.
    Wait,
    /// It gives up.
    None,
}

/// An operation on its way to a shard: where it goes, and whether it may wait.
///
/// ```
/// use map_core::strategy::{At, Refused, Table};
///
/// /// The length of the shard, if this is the one for the hash.
/// fn len_at<L: Table, O>(at: At<'_, L, O>) -> Result<usize, Refused> {
///     let shard = at.lock_shared()?;
///     assert!(shard.coverage().covers(at.hash()));
///     Ok(shard.len())
/// }
/// ```
pub struct At<'a, L, O> {
    pub(crate) header: &'a Header<L, O>,
    /// What an announced reader calls the shard's lock, if that is at hand. Of a lane, the shard's identity.
    pub(crate) name: Option<usize>,
    pub(crate) hash: u64,
    pub(crate) patience: Patience,
    /// What is found goes into a guard, which may be sent to another thread.
    pub(crate) movable: bool,
    /// Who waits may announce itself, if it can do so at the first try; if it then counts itself, it
    /// lets others announce themselves.
    pub(crate) announce: bool,
    /// It has been tried to tend the shard for this operation.
    pub(crate) tended: bool,
    /// It is only looked at: the operation itself follows.
    pub(crate) sample: bool,
    /// The shard has a read table, as far as is known on the way to it.
    pub(crate) read_tables: bool,
    pub(crate) place: Place,
}

impl<'a, L: Table, O> At<'a, L, O> {
    #[inline(always)]
    pub(crate) fn new(
        header: &'a Header<L, O>,
        hash: u64,
        patience: Patience,
        place: Place,
    ) -> Self {
        Self {
            header,
            name: None,
            hash,
            patience,
            movable: false,
            announce: false,
            tended: false,
            sample: false,
            read_tables: false,
            place,
        }
    }

    /// For a reader who announces itself, led to a shard whose name is known.
    #[inline(always)]
    pub(crate) fn to_announce(
        (header, name): (&'a Header<L, O>, usize),
        hash: u64,
        place: Place,
    ) -> Self {
        Self {
            name: Some(name),
            ..Self::new(header, hash, Patience::Announce, place)
        }
    }

    /// For a reader who sits in a lane of a shard of that identity.
    #[inline(always)]
    pub(crate) fn to_sit(
        (lane, identity): (&'a Header<L, O>, usize),
        hash: u64,
        place: Place,
    ) -> Self {
        Self {
            name: Some(identity),
            ..Self::new(lane, hash, Patience::Sit, place)
        }
    }

    /// For a look at what the shard has for readers without its lock, and nothing else.
    #[inline(always)]
    pub(crate) fn of_read_table(header: &'a Header<L, O>, hash: u64, place: Place) -> Self {
        Self {
            read_tables: true,
            ..Self::new(header, hash, Patience::Lockless, place)
        }
    }

    #[inline]
    pub(crate) fn for_guard(self) -> Self {
        Self {
            movable: true,
            ..self
        }
    }

    /// The key's mixed hash. It was computed once, when the operation began.
    ///
    /// ```
    /// use map_core::strategy::{At, position};
    ///
    /// fn stands_at<L: map_core::strategy::Table, O>(at: &At<'_, L, O>) -> u64 {
    ///     position(at.hash())
    /// }
    /// ```
    #[inline]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The part of the shard that needs no lock. It may have been split or merged since it was
    /// looked up: what is found here must say itself which hashes it covers. One pointer to follow; no lock, no
    /// wait.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use map_core::strategy::{At, Table};
    ///
    /// /// Counts reads in the open part of a shard, whoever has its lock.
    /// fn count<L: Table>(at: &At<'_, L, AtomicU64>) -> u64 {
    ///     at.open().fetch_add(1, Ordering::Relaxed)
    /// }
    /// ```
    #[inline]
    pub fn open(&self) -> &'a O {
        self.header.open()
    }

    /// Whether this is the rehearsal of an operation, to be noted: see [`Strategy::SELECTS`].
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use map_core::strategy::{At, Table};
    ///
    /// /// Counts hits among the samples.
    /// fn note_hit<L: Table>(at: &At<'_, L, AtomicU64>) {
    ///     if at.is_sample() {
    ///         at.open().fetch_add(1, Ordering::Relaxed);
    ///     }
    /// }
    /// ```
    #[inline(always)]
    pub fn is_sample(&self) -> bool {
        self.sample
    }

    /// Whether it is worth a look whether the shard has something for readers without its lock: whether [`Open::has_read_table`] said
    /// so a while ago.
    ///
    /// ```
    /// use map_core::strategy::{At, Refused, Table};
    ///
    /// /// A read that looks into what is open first, where there may be something.
    /// fn read<L: Table, O, R>(
    ///     at: At<'_, L, O>,
    ///     open: impl FnOnce(&O) -> Option<R>,
    ///     locked: impl FnOnce(&L) -> R,
    /// ) -> Result<R, Refused> {
    ///     if at.may_have_read_table()
    ///         && let Some(found) = open(at.open())
    ///     {
    ///         return Ok(found);
    ///     }
    ///     Ok(locked(&*at.lock_shared()?))
    /// }
    /// ```
    #[inline(always)]
    pub fn may_have_read_table(&self) -> bool {
        self.read_tables
    }

    /// Asks for [`Strategy::tend`]. Costs a comparison, and never waits itself.
    ///
    /// # Errors
    ///
    /// If that can be had: hand the error on to the front. Otherwise go on without it.
    ///
    /// ```
    /// use map_core::strategy::{At, Refused, Table};
    ///
    /// /// A read of a shard that had better be put in order first.
    /// fn len<L: Table, O>(at: At<'_, L, O>, is_in_order: impl Fn(&L) -> bool) -> Result<usize, Refused> {
    ///     let shard = at.lock_shared()?;
    ///     if is_in_order(&shard) {
    ///         return Ok(shard.len());
    ///     }
    ///     drop(shard);
    ///     at.ask_to_tend()?;
    ///     // It could not be had.
    ///     Ok(at.lock_shared()?.len())
    /// }
    /// ```
    pub fn ask_to_tend(&self) -> Result<(), Refused> {
        match self.patience {
            Patience::Lockless | Patience::Announce | Patience::Sit | Patience::Fast => {
                Err(Refused::Busy)
            }
            Patience::Wait if !self.tended => Err(Refused::Due),
            Patience::Wait | Patience::None => Ok(()),
        }
    }

    /// Locks the shard for reading, if it covers the hash.
    ///
    /// One atomic read-modify-write if nobody else is there. Waits for a writer if the operation may, and
    /// otherwise comes back at once.
    ///
    /// # Errors
    ///
    /// If the front has to do something first: hand the error on to it.
    ///
    /// ```
    /// use map_core::strategy::{At, Refused, Table};
    ///
    /// /// Whether the shard of a key has an entry, whichever.
    /// fn has_any<L: Table, O>(at: At<'_, L, O>) -> Result<bool, Refused> {
    ///     Ok(!at.lock_shared()?.is_empty())
    /// }
    /// ```
    // Always: what `patience` is, is known where this is called, and only one branch is left.
    #[inline(always)]
    pub fn lock_shared(&self) -> Result<Shared<'a, L, O>, Refused> {
        self.if_covering(self.lock_whichever()?)
    }

    /// Locks the shard for reading and looks something up that an entry's hash leads to; keeps the lock with what it
    /// finds. Costs and waits as [`lock_shared`](Self::lock_shared) does.
    ///
    /// Whatever is found is what was looked for: an entry is never in a shard that does not cover its hash. So only who finds
    /// nothing is asked whether this was the right shard.
    ///
    /// # Errors
    ///
    /// If the front has to do something first, or what `find` says: hand the error on to it.
    ///
    /// ```
    /// use map_core::strategy::{At, Held, Kept, Refused, Table};
    ///
    /// type Found<'a, L> = Held<'a, (u64, String), Kept<L, ()>>;
    ///
    /// /// The entry of a key in a shard that is a list of entries in order.
    /// fn get<'a, L>(at: At<'a, L, ()>, key: u64) -> Result<Option<Found<'a, L>>, Refused>
    /// where
    ///     L: Table + AsRef<[(u64, String)]>,
    /// {
    ///     at.find(|sorted| {
    ///         let place = sorted.as_ref().binary_search_by_key(&key, |(key, _)| *key);
    ///         Ok(place.ok().map(|place| &sorted.as_ref()[place]))
    ///     })
    /// }
    /// ```
    #[inline(always)]
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what is kept alive"
    )]
    pub fn find<P: ?Sized>(
        &self,
        find: impl FnOnce(&L) -> Result<Option<&P>, Refused>,
    ) -> Result<Option<Held<'a, P, Kept<L, O>>>, Refused> {
        match Held::find_or_keep(self.lock_whichever()?, find)? {
            Ok(found) => Ok(Some(found)),
            Err(shard) => self.if_covering(shard).map(|_| None),
        }
    }

    /// The hold, on the right shard; otherwise gives it back.
    #[inline(always)]
    fn if_covering(&self, shard: Shared<'a, L, O>) -> Result<Shared<'a, L, O>, Refused> {
        // Decisive: coverage changes only under the exclusive lock.
        if shard.coverage().covers(self.hash) {
            Ok(shard)
        } else {
            Err(Refused::Moved)
        }
    }

    /// Locks the shard for reading, whatever it covers.
    #[inline(always)]
    fn lock_whichever(&self) -> Result<Shared<'a, L, O>, Refused> {
        let word = match self.movable {
            true => Word::Guard,
            false => Word::Operation,
        };
        let shard = match self.patience {
            Patience::Lockless => Err(Refused::Busy),
            Patience::Announce => {
                let name = self.name.unwrap_or_else(|| self.header.name());
                self.header.announce(word, name, self.place)
            }
            Patience::Sit => self.header.sit(self.name.unwrap_or(0), self.place),
            Patience::Fast => self.header.lock_shared_fast(self.place),
            Patience::Wait => {
                let announced = match self.announce {
                    true => self.header.announce_anywhere(word, self.place),
                    false => Err(Refused::Busy),
                };
                announced.or_else(|_| self.header.lock_shared(self.announce, self.place))
            }
            Patience::None => self.header.try_lock_shared(self.place),
        }?;
        if self.movable {
            shard.set_movable();
        }
        Ok(shard)
    }
}
