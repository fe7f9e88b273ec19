//! From a hash to its shard: extendible hashing (Fagin, Nievergelt, Pippenger and Strong, 1979).
//!
//! A map starts with one shard, which lies in the map itself. Once that splits, an array of
//! `2^depth` shard addresses is put before the shards and indexed by the first `depth` bits of a
//! position. A shard that covers fewer bits than that stands in several places of the array.
//! Splitting a shard replaces half of its places; when there is only one, the array is doubled
//! first. Merging is the reverse.
//!
//! Nobody waits for a directory. Readers go by whatever array they find, lock the shard, and only
//! then ask it whether it (still) covers their hash:
//!
//! 1. Every hash is covered by exactly one shard at any time. Coverage changes only under the
//!    exclusive locks of all shards concerned, entries move under the same locks.
//! 2. So a shard that is locked and covers the hash is the right one.
//! 3. A shard that does not was split or merged before we got its lock; the new array and its
//!    places were stored before that lock was released, so looking again finds a newer shard.
//! 4. Arrays and headers live as long as the map, so an old address can be followed safely. An
//!    array that is no longer current stays for readers still in it and is used again if its size
//!    comes back: an old array may therefore change under a reader, which does no more harm than
//!    being old, by 2.
//!
//! In a map of which some shards have something for readers without the lock, a place also says whether its shard has: a hint which
//! way to try first. Whoever changes, splits or merges a shard puts it there. Beside these places are *plain* ones, which say nothing:
//! as long as no shard has anything, nobody has to ask. (While one has, a read of another takes ten to twenty instructions more.)
//!
//! *Three ways in.* The address of the current array stands in a map up to three times: for everybody, of the plain places for readers who announce
//! themselves, and of these for who takes the lock (writers, and readers who count themselves) and does nothing before. The latter two are null while they
//! do otherwise ([`Habits`]), or while some place says that its shard has something; which is
//! found out with the look whether there is an array at all. Who finds null tries the next, and everybody's in the end, and asks there for what else
//! he has to know. Before there is an array, the latter two say that the way is to the one shard in the map ([`FIRST`]; not its
//! address, for the map may be moved). That of who takes the lock is null then if that shard has something, and for no other reason, for nobody prefetches:
//! so it tells that to everybody.
//!
//! *Places of lanes.* Where shards may have [lanes](super::lanes), before the places lie as many for these, in turns with the locators: where a shard's lanes are, or null if it has none
//! open. While readers are to sit in them, the second root says so ([`LANES`]), and everybody's leads there. Who finds null goes another way, and opens some.
//!
//! *Locators.* Where several threads write, the lines of a table are as likely to be another core's as is that of its lock, and who takes it would wait for
//! one and then for the others. So before the places of an array lie as many [locators](Table::locator), of the same shards: where
//! their tables were when that was last told. While writers meet, and for a second or so after, and while readers sit in lanes, whoever is about to take a lock has the lines that he will want fetched before. It does
//! no harm that a locator is old, for nothing is read through it; so it is only now and then that they are looked after.
//!
//! Locks are taken in the order: shards, then the structure's mutex. A thread that has the mutex never waits for
//! a shard, and no user code runs under it. A second shard is only ever tried, not waited for.

use std::hint::cold_path;
use std::ptr::{self, NonNull};

use super::contention::{LastMeeting, Reading};
use super::coverage::{Coverage, hash_at};
use super::habits::{Habits, Readers};
use super::header::Header;
use super::held::Place;
use super::holds::Exclusive;
use super::lanes;
use super::limits::{Limits, Sizes, saturated};
use super::merges::Merges;
#[cfg(feature = "rayon")]
use super::merges::Unmerged;
use super::structure::Structure;
use super::way::{FIRST, LANES, Root, Signpost, tagged_root};
use crate::lock::slots;
use crate::lock::tally::is_one_of;
use crate::strategy::{Access, Open, Table};
use crate::sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use crate::sync::{Mutex, REAL_FENCES, hint};

/// The shards of a map and the way to them.
pub(crate) struct Directory<L, O> {
    /// Null: the map has one shard, `first`. Otherwise the current array's address, with
    /// `64 - depth` in its low six bits, where `depth` is not 0: one load gives both. Once set, never null again.
    root: AtomicPtr<AtomicPtr<Header<L, O>>>,
    /// The same of the plain places, for readers who announce themselves, or [`FIRST`]; or [`LANES`]; null while readers do neither, or some shard has something for
    /// readers without the lock.
    announcers_root: AtomicPtr<AtomicPtr<Header<L, O>>>,
    /// The same for who takes a lock and does not prefetch before, or [`FIRST`]; null while they are to prefetch, or as above.
    lockers_root: AtomicPtr<AtomicPtr<Header<L, O>>>,
    /// How many entries a shard may hold before it splits. A hint, written under `structure`.
    shard_limit: hint::AtomicU32,
    /// The same if there were one shard less. Likewise.
    merged_limit: hint::AtomicU32,
    /// What they are derived from, by the number of shards: [`Limits`], apart, so that there is room for the next.
    base_limit: u32,
    sizes: Sizes,
    /// The [`Habits`]. Written under `structure`.
    habits: hint::AtomicU8,
    /// When a writer last met somebody.
    last_meeting: LastMeeting,
    /// Who merges shards, and who forbids it.
    merges: Merges,
    /// Empty until the first split: an empty map is small.
    structure: Mutex<Option<Box<Structure<L, O>>>>,
    /// The only shard until the first split, out of use after it.
    first: Header<L, O>,
}

/// The way of a reader who does not take the lock, to a shard that may be the wrong one.
pub(crate) enum WayToRead<'a, L, O> {
    /// He announces himself there, by this name.
    Announce((&'a Header<L, O>, usize)),
    /// He sits in this lane of a shard of that identity.
    Sit((&'a Header<L, O>, usize)),
    /// He is to sit in a lane, but there are none: see [`Directory::mend_lanes`].
    Mend,
}

/// Shards of arrays of more than so many places, as a power of two, get no lanes: among so many, two threads seldom want the lines that the other has.
const DEEPEST_LANES: u32 = 11;

/// Why a shard shall be split.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason {
    /// It holds too many entries.
    Size,
    /// Its lock is fought over.
    Contention(Reading),
}

/// Shards split for contention are at most so many times the number of cores.
const CONTENTION_SHARDS_PER_CORE: usize = 64;
/// A split for contention has helped if a reading then takes so much longer, in percent.
const HELPED_PERCENT: usize = 150;
/// After so many splits in a row that did not help, no more are tried.
const FUTILE_SPLITS: u8 = 3;
/// A map that is to be whole until writers meet is divided after so many meetings, about: where two threads fill it, it is cheaper to leave it
/// whole for the first of them. (Measured: growth to 10,000 entries takes 0.65 of the time if it is not divided at the first, and to 100,000 1.6 times as long if at the 64th.)
const MEETINGS_TO_DIVIDE: u32 = if REAL_FENCES { 16 } else { 1 };
/// A reading that took longer (about 10 ms) is no contention worth a split.
const WORTH_TICKS: usize = 40_000;

fn cores() -> usize {
    use std::sync::OnceLock;
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(4, usize::from))
}

impl<L: Table, O: Open> Directory<L, O> {
    /// Whose readers may announce themselves, or not.
    pub(crate) fn new(limits: Limits, may_announce: bool) -> Self {
        let mut first = Header::new(Coverage::ALL, O::default());
        // Not its address: a map may be moved after a guard was forgotten, whose announcement would haunt what comes to its place.
        let name = may_announce.then(slots::draw_name).flatten();
        first.set_name(name.unwrap_or(0));
        Self {
            root: AtomicPtr::new(ptr::null_mut()),
            announcers_root: AtomicPtr::new(ptr::null_mut()),
            lockers_root: AtomicPtr::new(ptr::without_provenance_mut(FIRST)),
            shard_limit: hint::AtomicU32::new(saturated(limits.of(1, false))),
            merged_limit: hint::AtomicU32::new(saturated(limits.of(1, false))),
            base_limit: limits.base,
            sizes: limits.sizes,
            habits: hint::AtomicU8::new(0),
            last_meeting: LastMeeting::new(),
            merges: Merges::default(),
            structure: Mutex::new(None),
            first,
        }
    }

    /// The shard that covers `hash`, or did a moment ago.
    #[inline]
    pub(crate) fn find(&self, hash: u64) -> &Header<L, O> {
        match self.root() {
            Some(root) => root.find(hash).header(),
            None => &self.first,
        }
    }

    /// The shard that covers `hash`, or did a moment ago, for who will take its lock for such an access: he may have asked for what he will want.
    #[inline(always)]
    pub(crate) fn find_to_lock(&self, hash: u64, access: Access) -> &Header<L, O> {
        match self.way_to_lock(hash, access) {
            Some(way) => way.header(),
            None => &self.first,
        }
    }

    /// The same, the way there; `None` to the one that lies in the map itself, if that may have something for readers without the lock.
    #[inline(always)]
    pub(crate) fn way_to_lock(&self, hash: u64, access: Access) -> Option<Signpost<'_, L, O>> {
        // Acquire: pairs with the Release in `set_root`; publishes the array's places.
        let root = self.lockers_root.load(Acquire);
        if let Some(root) = Root::new(root, true) {
            return Some(root.find(hash));
        }
        if root.addr() == FIRST {
            // Not seldom, but apart: where there are many shards, one jump less.
            cold_path();
            return Some(Signpost::plain(&self.first));
        }
        let root = self.root()?;
        if lanes::may_be::<L, O>()
            && access == Access::Write
            && self.readers() == Readers::Sit
            && let Some(lanes) = root.find_lanes(hash)
        {
            lanes.fetch();
        }
        let way = root.find(hash);
        // Of nodes under a read table no locator tells. Where none may be, who comes here is to prefetch.
        if !O::MAY_HAVE_READ_TABLE || !way.says_read_table() && self.writers_meet() {
            L::prefetch(root.locator(hash), hash, access);
        }
        Some(way)
    }

    /// The shard that covers `hash`, or did a moment ago, for readers who announce themselves there or sit in its lanes, if they are to and no shard has anything for
    /// readers without the lock.
    #[inline(always)]
    pub(crate) fn way_to_read(&self, hash: u64) -> Option<WayToRead<'_, L, O>> {
        // Acquire: pairs with the Release in `set_root`; publishes the array's places.
        let root = self.announcers_root.load(Acquire);
        match Root::new(root, true) {
            Some(root) => {
                let header = root.find(hash).header();
                // Without a look at the header, which may not be here yet.
                Some(WayToRead::Announce((header, header.address())))
            }
            None if root.addr() == FIRST => {
                // As in `way_to_lock`.
                cold_path();
                Some(WayToRead::Announce((&self.first, self.first.drawn_name())))
            }
            None if lanes::may_be::<L, O>() && root.addr() == LANES => {
                // In a function of its own anyway.
                cold_path();
                Some(match self.root()?.find_lanes(hash) {
                    Some(lanes) => WayToRead::Sit((lanes.own(), lanes.identity())),
                    None => WayToRead::Mend,
                })
            }
            None => None,
        }
    }

    /// Has readers keep writers out as is `wanted`. What is missed when that changes at the same time is made good at the next
    /// sample.
    pub(crate) fn set_readers(&self, wanted: impl Fn() -> Readers) {
        while self.readers() != wanted() {
            self.set_habits(|habits| habits.set_readers(wanted()));
        }
    }

    /// How readers keep writers out.
    fn readers(&self) -> Readers {
        // Relaxed: nothing is read through it.
        Habits(self.habits.load(Relaxed)).readers()
    }

    /// Whether shards may have lanes: they are not too many, nor is there but the one that lies in the map itself.
    #[inline]
    pub(crate) fn may_have_lanes(&self) -> bool {
        // Relaxed: nothing is read through it.
        let depth = 64 - (self.root.load(Relaxed).addr() % 64) as u32;
        lanes::may_be::<L, O>() && depth <= DEEPEST_LANES
    }

    /// Gives the shard of a hash lanes, if readers are to sit in some, or takes them, if they are to announce themselves; unless somebody has it locked.
    #[inline]
    pub(crate) fn mend_lanes(&self, hash: u64, place: Place) {
        let wanted = match self.readers() {
            Readers::Count => return,
            Readers::Announce => false,
            Readers::Sit => self.may_have_lanes(),
        };
        let header = self.find(hash);
        // While readers are in, or somebody waits for some, there is no use trying.
        if lanes::may_be::<L, O>()
            && header.bias.has_lanes() != wanted
            && header.bias.is_settled()
            && !header.has_readers_now()
            && let Some(mut section) = header.try_lock_exclusive(place)
        {
            if wanted {
                self.add_lanes(&mut section);
            } else {
                section.remove_lanes();
            }
            section.unlock_leaving_waste();
        }
    }

    /// Whether readers are to sit in lanes, and how many do.
    #[cfg(feature = "conformance")]
    pub(crate) fn seated(&self) -> (bool, usize) {
        let structure = self.structure.lock();
        let seated = structure.as_ref().map_or(0, |structure| structure.seated());
        (self.readers() == Readers::Sit, seated)
    }

    #[cold]
    fn add_lanes(&self, section: &mut Exclusive<'_, L, O>) {
        if section.has_lanes() || section.coverage().is_nothing() {
            return;
        }
        section.disarm();
        let header = section.header();
        let found = self
            .root()
            .and_then(|root| root.find_lanes(hash_at(section.coverage().start())));
        if let (Some(lanes), Some(found)) = (header.lanes(), found)
            && ptr::eq(lanes, found)
        {
            // They were closed for a reader's sake, and the places lead there still.
            section.add_lanes();
            return self.tell(section);
        }
        let mut structure = self.structure.lock();
        let structure = structure.as_mut().expect("an array has a structure");
        structure.add_lanes(section);
        if section.has_lanes() {
            structure.publish(section);
        }
    }

    /// A writer has met somebody: so who takes a lock prefetches from now on, and some shards stay smaller ([`Sizes`]).
    pub(crate) fn note_meeting(&self) {
        self.last_meeting.note();
        let divides = self.sizes == Sizes::WholeUntilWritersMeet
            && !self.have_met()
            && is_one_of(MEETINGS_TO_DIVIDE);
        if divides || !self.writers_meet() {
            self.set_habits(|habits| {
                habits.set(Habits::WRITERS_MEET, true);
                if divides {
                    habits.set(Habits::HAVE_MET, true);
                }
            });
        }
    }

    /// Undoes that, unless some have met somebody lately.
    pub(crate) fn relax_if_quiet(&self) {
        if self.writers_meet() && self.last_meeting.is_long_ago() {
            // Asked again, lest somebody met somebody before we had the mutex.
            self.set_habits(|habits| {
                habits.set(Habits::WRITERS_MEET, !self.last_meeting.is_long_ago());
            });
        }
    }

    #[inline]
    fn has(&self, habit: Habits) -> bool {
        // Relaxed: nothing is read through it.
        Habits(self.habits.load(Relaxed)).has(habit)
    }

    /// Whether writers meet others, so that who takes a lock prefetches.
    #[inline]
    fn writers_meet(&self) -> bool {
        self.has(Habits::WRITERS_MEET)
    }

    /// Whether who takes a lock prefetches.
    fn locators_are_asked(&self) -> bool {
        self.writers_meet() || self.readers() == Readers::Sit
    }

    /// Whether they have met some so often that a map that was to be whole until then is not any more.
    pub(crate) fn have_met(&self) -> bool {
        self.has(Habits::HAVE_MET)
    }

    /// Changes who goes by which root.
    fn set_habits(&self, change: impl FnOnce(&mut Habits)) {
        let structure = self.structure.lock();
        // Relaxed: written under the mutex.
        let before = Habits(self.habits.load(Relaxed));
        let mut habits = before;
        change(&mut habits);
        if before == habits {
            return;
        }
        // Relaxed: nothing is read through it.
        self.habits.store(habits.0, Relaxed);
        match structure.as_ref() {
            // Before there is an array, there may be a structure already.
            Some(structure) if !self.is_inline() => self.set_root(structure),
            _ => {
                self.set_limits(1);
                self.lead_to_first(self.leads_to_first());
            }
        }
    }

    /// Whether who takes a lock is led to the one shard in the map itself, since that has nothing for readers without the lock.
    #[inline(always)]
    fn leads_to_first(&self) -> bool {
        // Relaxed: nothing is read through it.
        self.lockers_root.load(Relaxed).addr() == FIRST
    }

    /// Leads there, or does not any more. Under the structure's mutex, while there is no array.
    fn lead_to_first(&self, is_plain: bool) {
        let first_if = |it: bool| ptr::without_provenance_mut(if it { FIRST } else { 0 });
        let announces = self.has(Habits::ANNOUNCES);
        // Relaxed: nothing is read through them; the shard says for itself what is in it.
        self.announcers_root.store(
            first_if(is_plain && announces && self.first.drawn_name() != 0),
            Relaxed,
        );
        self.lockers_root.store(first_if(is_plain), Relaxed);
    }

    /// The way to the shards, unless there is but the one that lies in the map itself.
    #[inline(always)]
    pub(crate) fn root(&self) -> Option<Root<'_, L, O>> {
        // Acquire: pairs with the Release in `set_root`; publishes the array's places.
        Root::new(self.root.load(Acquire), false)
    }

    /// The way to the one shard that lies in the map itself.
    #[inline(always)]
    pub(crate) fn way_to_first(&self) -> Signpost<'_, L, O> {
        Signpost::new(
            &self.first,
            O::MAY_HAVE_READ_TABLE && !self.leads_to_first(),
        )
    }

    /// Has the places of a locked shard say whether it has something for readers without the lock, and, while somebody asks, where its table is.
    pub(crate) fn tell(&self, section: &Exclusive<'_, L, O>) {
        if section.coverage().is_nothing() {
            return;
        }
        let Some(root) = self.root() else {
            // The only shard, which we have locked.
            return self.tell_of_first(section.open());
        };
        let hash = hash_at(section.coverage().start());
        let says_table = !O::MAY_HAVE_READ_TABLE
            || root.find(hash).says_read_table() == section.open().has_read_table();
        let says_locator = !self.locators_are_asked() || root.locator(hash) == section.locator();
        if says_table && says_locator {
            return;
        }
        let mut structure = self.structure.lock();
        let structure = structure.as_mut().expect("an array has a structure");
        let said = structure.say_read_table();
        structure.publish(section);
        if said != structure.say_read_table() {
            self.set_root(structure);
        }
    }

    /// Has the roots say whether the one shard in the map itself, which nobody splits meanwhile, has something for readers without the lock.
    fn tell_of_first(&self, open: &O) {
        let is_plain = !O::MAY_HAVE_READ_TABLE || !open.has_read_table();
        if is_plain != self.leads_to_first() {
            let _structure = self.structure.lock();
            self.lead_to_first(is_plain);
        }
    }

    /// Holds a section that is about to be changed, and has its places say what came of it.
    pub(crate) fn telling<'a>(&'a self, section: Exclusive<'a, L, O>) -> Telling<'a, L, O> {
        Telling {
            directory: self,
            section,
        }
    }

    /// The open part of the first shard, whose siblings those of all shards are.
    pub(crate) fn open(&self) -> &O {
        self.first.open()
    }

    /// Whether there is but the one shard that lies in the map itself.
    #[inline]
    pub(crate) fn is_inline(&self) -> bool {
        // Relaxed: nothing is read through it.
        self.root.load(Relaxed).is_null()
    }

    /// The number of entries above which a shard splits.
    pub(crate) fn shard_limit(&self) -> usize {
        self.shard_limit.load(Relaxed) as usize
    }

    /// The most entries that two shards merge with: together they fill half of what may be in a shard then, when there is one
    /// shard less. (By the limit of now, the merger could be above that of then, and split at once.)
    pub(crate) fn merge_limit(&self) -> usize {
        self.merged_limit.load(Relaxed) as usize / 2
    }

    /// What the numbers of entries above which a shard splits are derived from.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            base: self.base_limit,
            sizes: self.sizes,
        }
    }

    /// The number of shards.
    pub(crate) fn shards(&self) -> usize {
        self.structure
            .lock()
            .as_ref()
            .map_or(1, |structure| structure.shards())
    }

    /// Splits a shard in two on its next bit, and returns the half that covers `hash`, locked; or
    /// the shard as it was, if it may not be split.
    ///
    /// `divide` moves the entries of the upper half from the first shard to the second. If it
    /// panics or returns `false` it must not have moved any; the shard stays as it was. `relocate` moves all entries
    /// of the first shard into the second, which is empty, and must not panic.
    pub(crate) fn split<'a>(
        &'a self,
        mut section: Exclusive<'a, L, O>,
        hash: u64,
        reason: Reason,
        place: Place,
        divide: impl FnOnce(&mut Exclusive<'a, L, O>, &mut Exclusive<'a, L, O>, Coverage) -> bool,
        relocate: impl FnOnce(&mut Exclusive<'a, L, O>, &mut Exclusive<'a, L, O>),
    ) -> Result<Exclusive<'a, L, O>, Exclusive<'a, L, O>> {
        let from = section.coverage();
        debug_assert!(!from.is_nothing(), "the shard of a hash");
        // Of the first shard, which has no look of its own at it, others may have been met long ago.
        self.relax_if_quiet();
        let futile = match reason {
            Reason::Size => 0,
            Reason::Contention(reading) => futility(&section, reading),
        };
        if !self.may_split(from.depth(), futile, reason) {
            return Err(section);
        }
        let mut upper = self.take_header(place);
        // The first shard lies in the map, which may be moved one day: it is emptied for good.
        let lower =
            ptr::eq(section.header(), &raw const self.first).then(|| self.take_header(place));
        if !divide(&mut section, upper.section_mut(), from.half(true)) {
            self.tell(&section);
            return Err(section);
        }

        let mut upper = upper.keep();
        let mut lower = match lower {
            None => section,
            Some(lower) => {
                let mut lower = lower.keep();
                relocate(&mut section, &mut lower);
                section.uncover();
                lower
            }
        };
        let before = match reason {
            Reason::Size => None,
            Reason::Contention(reading) => Some(reading),
        };
        for (half, is_upper) in [(&mut lower, false), (&mut upper, true)] {
            half.uncover();
            half.publish_len();
            half.set_coverage(from.half(is_upper));
            half.header().contention.reset(before, futile);
            half.scatter_samples();
        }
        {
            let mut structure = self.structure.lock();
            let structure = structure
                .as_mut()
                .expect("taking a header made the structure");
            structure.note_split(from.depth());
            structure.ensure_depth(from.depth() + 1);
            structure.publish(&lower);
            structure.publish(&upper);
            self.set_root(structure);
        }
        let (half, other) = if from.half(true).covers(hash) {
            (upper, lower)
        } else {
            (lower, upper)
        };
        drop(Beside(Some(other)));
        Ok(half)
    }

    fn may_split(&self, depth: u32, futile: u8, reason: Reason) -> bool {
        if depth >= super::coverage::MAX_DEPTH || futile >= FUTILE_SPLITS {
            return false;
        }
        let structure = self.structure.lock();
        let (shards, current) = structure
            .as_ref()
            .map_or((1, 0), |s| (s.shards(), s.depth()));
        // The directory has at most four places a shard: keys that hash badly must not blow it up.
        if depth == current && (2usize << current) > 4 * (shards + 1) {
            return false;
        }
        match reason {
            Reason::Size => true,
            Reason::Contention(reading) => {
                reading.ticks < WORTH_TICKS && shards < CONTENTION_SHARDS_PER_CORE * cores()
            }
        }
    }

    /// See [`Merges::forbid`].
    #[cfg(feature = "rayon")]
    pub(crate) fn forbid_merges(&self) -> Unmerged<'_> {
        self.merges.forbid()
    }

    /// Merges a shard with its buddy if `agree` (given both) says so and nobody forbids it, and returns the result,
    /// locked; or the shard as it was. Never waits.
    ///
    /// `unite` moves all entries of the second shard to the first. If it panics or returns `false`
    /// it must not have moved any.
    pub(crate) fn merge<'a>(
        &'a self,
        mut section: Exclusive<'a, L, O>,
        place: Place,
        agree: impl FnOnce(&Exclusive<'a, L, O>, &Exclusive<'a, L, O>) -> bool,
        unite: impl FnOnce(&mut Exclusive<'a, L, O>, &mut Exclusive<'a, L, O>) -> bool,
    ) -> Result<Exclusive<'a, L, O>, Exclusive<'a, L, O>> {
        let coverage = section.coverage();
        let (Some(parent), Some(buddy)) = (coverage.parent(), coverage.buddy()) else {
            return Err(section);
        };
        let header = self.find(hash_at(buddy.start()));
        if ptr::eq(header, section.header()) || header.coverage_hint() != buddy {
            return Err(section);
        }
        let Some(_merging) = self.merges.begin() else {
            return Err(section);
        };
        let Some(other) = header.try_lock_exclusive(place) else {
            return Err(section);
        };
        let mut other = Beside(Some(other));
        if other.section().coverage() != buddy || !agree(&section, other.section()) {
            return Err(section);
        }
        if !unite(&mut section, other.section()) {
            self.tell(&section);
            self.tell(other.section());
            return Err(section);
        }
        let other = other.section();
        other.uncover();
        section.uncover();
        section.publish_len();
        section.set_coverage(parent);
        section.header().contention.reset(None, 0);
        {
            let mut structure = self.structure.lock();
            let structure = structure.as_mut().expect("two shards have a structure");
            structure.note_merge(coverage.depth());
            structure.publish(&section);
            other.disarm();
            other.remove_lanes();
            structure.give_back(NonNull::from(other.header()));
            structure.shrink_depth();
            self.set_root(structure);
        }
        Ok(section)
    }

    /// A header out of use, locked, covering nothing.
    fn take_header(&self, place: Place) -> Fresh<'_, L, O> {
        let mut structure = self.structure.lock();
        let structure = structure.get_or_insert_default();
        let mut header = structure.take(self.open());
        loop {
            // SAFETY: headers of the structure live as long as `self`.
            if let Some(section) = unsafe { header.as_ref() }.try_lock_exclusive(place) {
                return Fresh {
                    directory: self,
                    section: Some(section),
                };
            }
            // A latecomer with an old address is having a look at this very moment: then one that
            // nobody has the address of.
            structure.give_back(header);
            header = structure.take_new(self.open());
        }
    }

    /// An empty shard, locked, for a map that nobody else has yet: to be filled, and given to
    /// [`begin_with`](Self::begin_with). Until then it cannot be found.
    pub(crate) fn prepare(&self, coverage: Coverage, place: Place) -> Exclusive<'_, L, O> {
        if coverage == Coverage::ALL {
            let first = self.first.try_lock_exclusive(place);
            return first.expect("nobody else has the map");
        }
        let mut section = self.take_header(place).keep();
        section.set_coverage(coverage);
        section.header().contention.reset(None, 0);
        section.scatter_samples();
        section
    }

    /// Makes the prepared shards those of the map, which nobody else has yet. Together they cover every hash once.
    pub(crate) fn begin_with(&self, shards: &[&Header<L, O>], place: Place) {
        if let [only] = shards {
            debug_assert!(ptr::eq(*only, &raw const self.first), "it covers all");
            return self.tell_of_first(only.open());
        }
        let first = self.first.try_lock_exclusive(place);
        first.expect("nobody else has the map").uncover();
        let mut structure = self.structure.lock();
        let structure = structure
            .as_mut()
            .expect("taking a header made the structure");
        structure.begin_with(shards);
        self.set_root(structure);
    }

    /// Makes the structure's current array the one that readers find.
    fn set_root(&self, structure: &Structure<L, O>) {
        let (places, plain, depth) = structure.current();
        debug_assert!(
            depth > 0,
            "after a split, merges leave the array four places at least"
        );
        // Release: pairs with the Acquire in `root`; publishes the array's places.
        self.root.store(tagged_root(places, depth), Release);
        let plain_if = |it: bool| {
            if it && !structure.say_read_table() {
                tagged_root(plain, depth)
            } else {
                ptr::null_mut()
            }
        };
        let readers = self.readers();
        let sit = readers == Readers::Sit && self.may_have_lanes();
        let announcers = match sit {
            true => ptr::without_provenance_mut(LANES),
            false => plain_if(readers == Readers::Announce),
        };
        // Release: likewise in `way_to_read` and `way_to_lock`.
        self.announcers_root.store(announcers, Release);
        self.lockers_root
            .store(plain_if(!self.writers_meet() && !sit), Release);
        self.set_limits(structure.shards());
    }

    /// The limits for so many shards. Under the structure's mutex.
    fn set_limits(&self, shards: usize) {
        let met = match self.sizes {
            Sizes::Small => false,
            Sizes::WholeUntilWritersMeet => self.have_met(),
            Sizes::LargeUntilWritersMeet => self.writers_meet(),
        };
        let limit_of = |shards| saturated(self.limits().of(shards, met));
        self.shard_limit.store(limit_of(shards), Relaxed);
        self.merged_limit
            .store(limit_of(shards.saturating_sub(1)), Relaxed);
    }

    /// Consumes the directory and returns what lay under the shards' locks.
    pub(crate) fn into_tables(mut self) -> Vec<L> {
        let mut tables = vec![std::mem::take(self.first.locked_mut())];
        if let Some(structure) = self.structure.get_mut() {
            // SAFETY: 1. `self` is owned.
            unsafe {
                structure
                    .for_each_header(|header| tables.push(std::mem::take(header.locked_mut())));
            }
        }
        tables
    }
}

impl<L, O> Drop for Directory<L, O> {
    fn drop(&mut self) {
        // The next lock at such an address shall not wait for a guard that was forgotten, nor shall the word be taken for ever.
        match self.structure.get_mut() {
            Some(structure) => {
                slots::forget(|name| name == self.first.name() || structure.has_header_at(name));
            }
            None if !self.first.bias.is_clear() => slots::forget(|name| name == self.first.name()),
            None => {}
        }
    }
}

/// How many splits in a row, one now included, did not lower contention.
fn futility<L: Table, O>(section: &Exclusive<'_, L, O>, reading: Reading) -> u8 {
    let contention = &section.header().contention;
    let before = usize::from(contention.before.load(Relaxed));
    let helped = before == 0 || reading.ticks.saturating_mul(100) >= before * HELPED_PERCENT;
    if helped {
        0
    } else {
        contention.futile.load(Relaxed).saturating_add(1)
    }
}

/// A shard that is locked beside another: when it is unlocked, its waste stays where it is until it is locked for writing the next
/// time, for that runs the user's Drop, which may want the other.
struct Beside<'a, L: Table, O>(Option<Exclusive<'a, L, O>>);

impl<'a, L: Table, O> Beside<'a, L, O> {
    fn section(&mut self) -> &mut Exclusive<'a, L, O> {
        self.0.as_mut().expect("kept until it is dropped")
    }
}

impl<L: Table, O> Drop for Beside<'_, L, O> {
    fn drop(&mut self) {
        if let Some(section) = self.0.take() {
            section.unlock_leaving_waste();
        }
    }
}

/// A section that is about to be changed: see [`Directory::telling`].
pub(crate) struct Telling<'a, L: Table, O: Open> {
    directory: &'a Directory<L, O>,
    section: Exclusive<'a, L, O>,
}

impl<'a, L: Table, O: Open> Telling<'a, L, O> {
    pub(crate) fn section_mut(&mut self) -> &mut Exclusive<'a, L, O> {
        &mut self.section
    }
}

impl<L: Table, O: Open> Drop for Telling<'_, L, O> {
    fn drop(&mut self) {
        self.directory.tell(&self.section);
    }
}

/// A header taken for a split, given back if the split does not come about.
struct Fresh<'a, L: Table, O: Open> {
    directory: &'a Directory<L, O>,
    section: Option<Exclusive<'a, L, O>>,
}

impl<'a, L: Table, O: Open> Fresh<'a, L, O> {
    fn section_mut(&mut self) -> &mut Exclusive<'a, L, O> {
        self.section.as_mut().expect("kept until `keep`")
    }

    fn keep(mut self) -> Exclusive<'a, L, O> {
        self.section.take().expect("kept until now")
    }
}

impl<L: Table, O: Open> Drop for Fresh<'_, L, O> {
    fn drop(&mut self) {
        if let Some(section) = self.section.take() {
            let header = NonNull::from(section.header());
            if let Some(structure) = self.directory.structure.lock().as_mut() {
                structure.give_back(header);
            }
        }
    }
}

#[cfg(all(test, not(crossbeam_loom)))]
mod tests;
