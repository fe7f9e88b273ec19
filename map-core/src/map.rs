//! The front: the public surface of every map of the family, written once.

use std::hash::{BuildHasher, Hash, Hasher};
use std::hint::black_box;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use ahash::RandomState;
use equivalent::Equivalent;

use crate::hash::hash_of;
use crate::lock::{slots, tally};
use crate::mapref::entry::Entry;
use crate::raw::coverage::{Coverage, Span, hash_at};
use crate::raw::directory::{Directory, Reason, WayToRead};
use crate::raw::habits::Readers;
use crate::raw::header::{Attempt, Header, Refused};
use crate::raw::held::Place;
use crate::raw::holds::Shared;
use crate::raw::limits::Sizes;
use crate::raw::way::Signpost;
use crate::strategy::{Access, At, Inside, NANOS_A_CONTENTION, Patience, Section, Strategy, Table};
use crate::sync::spin_loop;

mod build;
mod bulk;
mod change;
mod copy;
mod leaning;
mod lookup;
mod operators;
mod point;
mod selecting;
mod traits;
mod view;
mod walk;

pub use build::Builder;
pub use leaning::ReadBias;
use leaning::{Leaning, Tally};
pub use view::ReadOnlyView;
pub(crate) use walk::Walk;

/// A concurrent hash map: `T` says how its shards store and guard their entries.
///
/// Users name a map by its alias (`ShardedMap`, ...), which fills in `T`; the aliases say what
/// each operation costs there. What holds for all of them:
///
/// - Every operation on one key is atomic (linearizable), also while the map grows.
/// - A map starts as one shard, held inline, and splits as it fills or, if its strategy says so, is
///   fought over. No operation ever waits for the whole map: the longest pause is that of one shard.
/// - Operations over many keys go shard by shard and are no snapshots.
/// - Closures run while their shard is locked (or pinned). They may call other maps. On the same
///   map they may read if the closure was given a shared reference by a reading operation;
///   writing, or anything from within a writing operation, may wait for itself if it meets the
///   same shard. Debug builds panic instead, naming both places.
/// - If `Hash`, `Eq`, `Clone` or a closure panics, nothing is lost and the map goes on working.
///   Values and keys are dropped with no lock held, unless a guard or an entry holds it.
/// - Keys must hash and compare consistently, as for any hash map. If they do not, entries may
///   not be found, but nothing worse happens.
///
/// ```
/// // Code for every map of the family.
/// fn total<T: map_core::Strategy<u32, u64>>(map: &map_core::Map<u32, u64, T>) -> u64 {
///     map.iter().map(|entry| *entry).sum()
/// }
///
/// let map: map_sharded::ShardedMap<u32, u64> = [(1, 10), (2, 20)].into_iter().collect();
/// assert_eq!(total(&map), 30);
/// ```
pub struct Map<K, V, T: Strategy<K, V>, S = RandomState> {
    pub(crate) directory: Directory<T::Locked, T::Open>,
    hasher: S,
    leaning: Leaning,
    tally: Tally,
    entries: PhantomData<(K, V)>,
}

/// Runs a read that ends with the operation (an expression of an [`At`]) once, in the hope that it meets nobody: it makes no
/// call, and so saves no registers. The way is the one that the map leans to. What was refused, or shall be a sample, goes on with `look_up_slow`, best in a function
/// of its own.
///
/// If the shard has a read table, the whole function returns the last argument instead (of an [`At`] that looks into that alone); and if readers are to sit in
/// lanes, the one before (of the lane), best in a function of its own, too.
///
/// A macro, for these returns. The expression is compiled twice, for either way to keep writers out: compiled once, it asks again which
/// it is (measured: 2 to 5 instructions of 60). Three times, for lanes, it takes 1 to 4 more again.
macro_rules! read_fast {
    ($map:expr, $hash:expr, |$at:ident| $attempt:expr, |$lane:ident| $seated:expr, |$table:ident| $elsewhere:expr) => {{
        let (map, hash) = ($map, $hash);
        if map.is_sample() {
            Err(Refused::Busy)
        } else if let Some(way) = map.way_to_read(hash) {
            match way {
                $crate::raw::directory::WayToRead::Announce(found) => {
                    let $at = $crate::strategy::At::to_announce(found, hash, here());
                    $attempt
                }
                $crate::raw::directory::WayToRead::Sit($lane) => return $seated,
                $crate::raw::directory::WayToRead::Mend => Err(Refused::Busy),
            }
        } else {
            let (way, patience) = map.way_to_count(hash);
            if way.says_read_table() {
                let $table = $crate::strategy::At::of_read_table(way.header(), hash, here());
                return $elsewhere;
            }
            let $at = $crate::strategy::At::new(way.header(), hash, patience, here());
            $attempt
        }
    }};
}
pub(crate) use read_fast;

/// Runs a read that may find read tables or none. Whether it shall be a sample has been asked.
macro_rules! read_elsewhere {
    ($map:expr, $hash:expr, $place:expr, |$at:ident| $attempt:expr) => {{
        let (map, hash) = ($map, $hash);
        // Each is compiled without what is in the way there: first the lock, and then the read table.
        let way = map.way(hash);
        let found = if way.says_read_table() {
            let $at = $crate::strategy::At::of_read_table(way.header(), hash, $place);
            $attempt
        } else {
            Err(Refused::Busy)
        };
        match found {
            Ok(found) => Ok(found),
            Err(_) => {
                let $at = map.at_lock(hash, $place);
                $attempt
            }
        }
    }};
}
pub(crate) use read_elsewhere;

/// When somebody was met, and for how many such meetings that counts.
type Meeting = (Instant, u32);

/// How a key is looked up, whichever it is.
pub(crate) trait Lookup<'a, K, V, T: Strategy<K, V>> {
    /// What is found.
    type Found;

    /// Looks it up.
    fn find<Q>(&self, at: At<'a, T::Locked, T::Open>, key: &Q) -> Result<Self::Found, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>;
}

/// Stands for the key that is found: so that a lookup that is run again by its hash costs what it cost with the key.
struct Itself;

impl Hash for Itself {
    /// Nobody asks.
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl<K: Eq> Equivalent<K> for Itself {
    #[inline(always)]
    fn equivalent(&self, key: &K) -> bool {
        // As if they were two, lest the compiler know the answer.
        *black_box(key) == *key
    }
}

/// Runs so many reads one after the other, and says how long it took, if all went well.
#[inline(always)]
fn time_all(first: u64, hashes: &[u64], read: impl Fn(u64) -> bool) -> Option<Duration> {
    // What was found is let go of within the time.
    if !read(first) || !read(first) {
        return None;
    }
    let start = Instant::now();
    let all_went_well = hashes.iter().all(|hash| read(*hash));
    let took = start.elapsed();
    all_went_well.then_some(took)
}

/// A locked shard, or the attempt to lock one.
pub(crate) type By<'a, K, V, T> = Result<
    Section<'a, K, V, T>,
    Attempt<'a, <T as Strategy<K, V>>::Locked, <T as Strategy<K, V>>::Open>,
>;

impl<K, V, T: Strategy<K, V>, S> Map<K, V, T, S> {
    /// Has the directory lead readers in as the map leans.
    #[inline]
    pub(crate) fn lead_readers(&self) {
        if T::READS_LOCK {
            self.directory.set_readers(|| self.leaning.readers());
        }
    }
}

/// The steps that all operations are made of.
impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Map<K, V, T, S> {
    #[inline]
    pub(crate) fn hash<Q: ?Sized + Hash>(&self, key: &Q) -> u64 {
        hash_of(&self.hasher, key)
    }

    /// The open part of one of the shards.
    pub(crate) fn open(&self) -> &T::Open {
        self.directory.open()
    }

    /// The way to the shard of a hash, and into it by its lock.
    #[inline]
    pub(crate) fn at(
        &self,
        hash: u64,
        patience: Patience,
        place: Place,
    ) -> At<'_, T::Locked, T::Open> {
        At::new(self.directory.find(hash), hash, patience, place)
    }

    /// The same, after a look whether the shard has something for readers without its lock, if it may.
    pub(crate) fn at_either(
        &self,
        hash: u64,
        patience: Patience,
        place: Place,
    ) -> At<'_, T::Locked, T::Open> {
        let way = self.way(hash);
        At {
            read_tables: way.says_read_table(),
            ..At::new(way.header(), hash, patience, place)
        }
    }

    /// Counts a read, and says whether it shall be a sample.
    #[inline(always)]
    pub(crate) fn is_sample(&self) -> bool {
        T::READS_LOCK && leaning::is_sample()
    }

    /// Whether readers announce themselves.
    #[inline(always)]
    pub(crate) fn announces(&self) -> bool {
        T::READS_LOCK && self.leaning.announces()
    }

    /// How a read keeps writers out that is not to wait.
    #[inline(always)]
    pub(crate) fn patience(&self) -> Patience {
        if self.announces() {
            Patience::Announce
        } else {
            Patience::Fast
        }
    }

    /// For a read that looks under the lock alone, and is not to wait.
    #[inline(always)]
    pub(crate) fn at_lock(&self, hash: u64, place: Place) -> At<'_, T::Locked, T::Open> {
        self.at(hash, self.patience(), place)
    }

    /// The way of a read that does not take the lock: see [`Directory::way_to_read`].
    #[inline(always)]
    pub(crate) fn way_to_read(&self, hash: u64) -> Option<WayToRead<'_, T::Locked, T::Open>> {
        match T::READS_LOCK {
            true => self.directory.way_to_read(hash),
            false => None,
        }
    }

    /// The way to the shard that covers the hash, or did a moment ago.
    #[inline(always)]
    pub(crate) fn way(&self, hash: u64) -> Signpost<'_, T::Locked, T::Open> {
        match self.directory.root() {
            Some(root) => root.find(hash),
            None => self.directory.way_to_first(),
        }
    }

    /// The same for a read that is not to wait, and how it keeps writers out, where readers do not [announce
    /// themselves at once](Directory::way_to_read), nor sit in a lane.
    #[inline(always)]
    pub(crate) fn way_to_count(&self, hash: u64) -> (Signpost<'_, T::Locked, T::Open>, Patience) {
        let shard = if T::READS_LOCK {
            self.directory.way_to_lock(hash, Access::Read)
        } else {
            self.directory.root().map(|root| root.find(hash))
        };
        match shard {
            // Some shard has a read table, or writers meet.
            Some(shard) if T::SELECTS && !shard.is_plain() => (shard, self.patience()),
            Some(shard) => (shard, Patience::Fast),
            None => (self.directory.way_to_first(), self.patience()),
        }
    }

    /// Looks a key up until the shard that covers the hash is found; see [`read_fast`].
    #[cold]
    #[inline(never)]
    pub(crate) fn look_up_slow<'a, L, Q>(
        &'a self,
        hash: u64,
        key: &Q,
        place: Place,
        lookup: L,
    ) -> L::Found
    where
        L: Lookup<'a, K, V, T>,
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let drawn = self.prepare_read(true);
        if T::READS_LOCK {
            self.directory.mend_lanes(hash, place);
        }
        let mut met = None;
        if T::SELECTS {
            match drawn {
                Some(drawn) if T::takes_sample(self.open(), drawn) => {
                    self.rehearse(hash, key, place, &lookup);
                }
                Some(_) => self.do_a_piece_if_due(hash, place),
                None => met = self.meet(),
            }
        }
        let mut tended = false;
        let find = |at| lookup.find(at, key);
        let found = self.read_at_last(hash, true, place, &mut tended, find);
        // Otherwise it met nobody, but found something to be done.
        if !tended && let Some(since) = met {
            self.note_contention(hash, since);
        }
        found
    }

    /// Runs any other read until it has found the shard that covers the hash.
    #[cold]
    #[inline(never)]
    pub(crate) fn read_slow<'a, R>(
        &'a self,
        hash: u64,
        place: Place,
        attempt: impl FnMut(At<'a, T::Locked, T::Open>) -> Result<R, Refused>,
    ) -> R {
        self.prepare_read(false);
        self.read_at_last(hash, false, place, &mut false, attempt)
    }

    #[inline]
    fn read_at_last<'a, R>(
        &'a self,
        hash: u64,
        may_announce: bool,
        place: Place,
        tended: &mut bool,
        mut attempt: impl FnMut(At<'a, T::Locked, T::Open>) -> Result<R, Refused>,
    ) -> R {
        loop {
            let mut at = self.at_either(hash, Patience::Wait, place);
            at.announce = may_announce && self.announces();
            at.tended = *tended;
            match attempt(at) {
                Ok(found) => return found,
                Err(Refused::Due) => {
                    *tended = true;
                    self.tend(hash, place);
                }
                Err(refused) => self.recover(refused, hash, place),
            }
        }
    }

    /// What a reader does now and then, who might announce itself or could not. May it be a sample? Then a number was drawn for it.
    fn prepare_read(&self, could_announce: bool) -> Option<u8> {
        if !T::READS_LOCK {
            return None;
        }
        let drawn =
            self.leaning
                .note_read(could_announce, &self.tally, self.directory.may_have_lanes());
        self.lead_readers();
        if drawn.is_some() {
            self.directory.relax_if_quiet();
        }
        // The thread counts as a reader, also where it would not announce itself.
        slots::equip();
        drawn
    }

    /// Notes that an operation met somebody and waited since then: it counts as often as it could have been done meanwhile, and for others
    /// that were not timed.
    #[cold]
    fn note_contention(&self, hash: u64, (since, of): Meeting) {
        let times = since.elapsed().as_nanos() as f64 / NANOS_A_CONTENTION;
        // Saturates.
        let times = (1.0 + times) as u32;
        T::note_contention(self.directory.find(hash).open(), times, of);
    }

    /// Somebody is met: when, and for how many such meetings this one stands, if it is timed.
    fn meet(&self) -> Option<Meeting> {
        let of = T::timed_meetings(self.open());
        tally::is_one_of(of).then(|| (Instant::now(), of))
    }

    /// Runs a read for what it finds, as the fast path would, now and then several for what they cost, and then does a
    /// piece of whatever is due.
    #[cold]
    fn rehearse<'a, L, Q>(&'a self, hash: u64, key: &Q, place: Place, lookup: &L)
    where
        L: Lookup<'a, K, V, T>,
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let mut at = self.at_either(hash, self.patience(), place);
        at.sample = true;
        let header = at.header;
        let met_nobody = lookup.find(at, key).is_ok();
        if met_nobody
            && let Some(hashes) = T::recall(header.open(), hash)
            && let Some(took) = self.time_lookups(hash, &hashes, place, lookup)
        {
            T::note_lookups(header.open(), took, hashes.len() as u32);
        }
        T::note_read(header.open(), header.site(), met_nobody);
        self.do_a_piece(hash, place);
    }

    /// Looks up what is at some hashes, as the fast paths would, and says how long that took: a read is to cost what it
    /// costs among others, and alone in the midst of what has to be done for a sample it costs several times as
    /// much. `None` if it met somebody.
    ///
    /// The first hash is looked up beforehand, for all that is not at hand yet.
    #[inline(never)]
    fn time_lookups<'a, L: Lookup<'a, K, V, T>>(
        &'a self,
        first: u64,
        hashes: &[u64],
        place: Place,
        lookup: &L,
    ) -> Option<Duration> {
        // Each is compiled for the patience that it has, as they are where users call them.
        let lockless = |hash| {
            let at = At::of_read_table(self.directory.find(hash), hash, place);
            lookup.find(at, &Itself).is_ok()
        };
        if self.way(first).says_read_table() && lockless(first) {
            return time_all(first, hashes, lockless);
        }
        if self.announces() {
            let announced = |hash| {
                lookup
                    .find(self.at(hash, Patience::Announce, place), &Itself)
                    .is_ok()
            };
            return time_all(first, hashes, announced);
        }
        let counted = |hash| {
            let header = self.directory.find_to_lock(hash, Access::Read);
            let at = At::new(header, hash, Patience::Fast, place);
            lookup.find(at, &Itself).is_ok()
        };
        time_all(first, hashes, counted)
    }

    /// Runs a visit of a walk for its cost, if it is to be noted.
    #[inline]
    pub(crate) fn rehearse_visit(&self, hash: u64, span: Span, place: Place) {
        if T::SELECTS && leaning::is_sample() {
            self.rehearse_visit_now(hash, span, place);
        }
    }

    #[cold]
    #[inline(never)]
    fn rehearse_visit_now(&self, hash: u64, span: Span, place: Place) {
        if let Some(drawn) = self.prepare_read(false)
            && !T::takes_sample(self.open(), drawn)
        {
            return self.do_a_piece_if_due(hash, place);
        }
        let mut at = self.at_either(hash, Patience::Fast, place);
        at.sample = true;
        let header = at.header;
        let mut entries = 0;
        let start = Instant::now();
        let visited = T::for_each(
            at,
            span,
            |key| self.hash(key),
            |_, _| {
                entries += 1;
                ControlFlow::<()>::Continue(())
            },
        );
        let took = start.elapsed();
        if visited.is_ok() {
            T::note_visit(header.open(), header.site(), entries, took);
        }
        self.do_a_piece(hash, place);
    }

    /// Whether there is something for [`do_a_piece`](Self::do_a_piece) to do.
    fn is_due(&self, header: &Header<T::Locked, T::Open>) -> bool {
        T::is_turn(header.open(), header.site())
            || T::is_due(header.open())
            || T::next_due(self.open()).is_some()
    }

    /// What a read, or a piece of a walk, that was not taken for a sample does for the map.
    fn do_a_piece_if_due(&self, hash: u64, place: Place) {
        if self.is_due(self.directory.find(hash)) {
            self.do_a_piece(hash, place);
        }
    }

    /// Draws conclusions, and does what is due in a shard, and in one other, unless somebody is there.
    pub(crate) fn do_a_piece(&self, hash: u64, place: Place) {
        let header = self.directory.find(hash);
        T::turn(header.open(), header.site());
        T::look_after(self.open());
        if T::is_due(header.open()) {
            self.change(hash, place);
        }
        if let Some(next) = T::next_due(self.open()) {
            let (coverage, is_due) = self.change(hash_at(next), place);
            T::went_by(self.open(), next, coverage, is_due);
        }
    }

    /// Does what is due in a shard, unless somebody is there. Says what the shard covers, and whether it is still due.
    pub(crate) fn change(&self, hash: u64, place: Place) -> (Coverage, bool) {
        let header = self.directory.find(hash);
        if T::is_due(header.open())
            && let Some(section) = header.try_lock_exclusive(place)
            && section.coverage().covers(hash)
        {
            // Dropped after the change, also if that panics: the section after it.
            let mut telling = self.directory.telling(section);
            let waste = T::change(telling.section_mut(), |key| self.hash(key));
            drop(telling);
            // Both run the user's Drop, which may use the map.
            drop(waste);
            T::look_after(self.open());
        }
        (header.coverage_hint(), T::is_due(header.open()))
    }

    /// Does what a read has found to be due, unless somebody is in the way: this thread itself, perhaps.
    #[cold]
    fn tend(&self, hash: u64, place: Place) {
        if let Some(mut section) = self.directory.find(hash).try_lock_exclusive(place)
            && section.coverage().covers(hash)
        {
            T::tend(&mut section);
        }
    }

    /// Does what a read has asked for.
    #[cold]
    fn recover(&self, refused: Refused, hash: u64, place: Place) {
        let Refused::Crowded(crowd) = refused else {
            return;
        };
        if T::splits_for_contention(self.directory.find(hash).open())
            // Not waited for: this thread may have a read guard here.
            && let Some(section) = self.directory.find(hash).try_lock_exclusive(place)
            && section.coverage().covers(hash)
        {
            drop(self.split(section, hash, Reason::Contention(crowd.0), place));
        }
    }

    /// The shard of `hash`, locked for reading by the count: more holds can be added to it.
    pub(crate) fn lock_shared(&self, hash: u64, place: Place) -> Shared<'_, T::Locked, T::Open> {
        self.read_slow(hash, place, |at| at.lock_shared())
    }

    /// The shard of `hash`, locked for writing.
    #[inline]
    pub(crate) fn lock(&self, hash: u64, place: Place) -> Section<'_, K, V, T> {
        self.lock_by(self.lock_fast(hash, place), hash, place)
    }

    /// The same, if it meets nothing and is no sample. Otherwise go on with [`lock_by`](Self::lock_by), best in a function of its own:
    /// what is compiled for this case alone is shorter.
    #[inline(always)]
    pub(crate) fn lock_fast(&self, hash: u64, place: Place) -> By<'_, K, V, T> {
        self.lock_whichever(hash, place)?.if_covering(hash)
    }

    /// The same, perhaps of the wrong shard: whoever does not find his key there asks
    /// [`if_covering`](crate::strategy::Exclusive::if_covering).
    #[inline(always)]
    pub(crate) fn lock_whichever(&self, hash: u64, place: Place) -> By<'_, K, V, T> {
        self.directory
            .find_to_lock(hash, Access::Write)
            .lock_exclusive_fast(place)
    }

    /// Whether the entries of a shard are changed in place.
    #[inline(always)]
    pub(crate) fn is_in_place(locked: &T::Locked) -> bool {
        T::IN_PLACE || T::SELECTS && T::is_in_place(locked)
    }

    /// Goes on with what [`lock_whichever`](Self::lock_whichever) met.
    #[inline(always)]
    pub(crate) fn lock_by<'a>(
        &'a self,
        by: By<'a, K, V, T>,
        hash: u64,
        place: Place,
    ) -> Section<'a, K, V, T> {
        match by {
            Ok(section) => section,
            Err(attempt) => self.lock_at_last(attempt, hash, place),
        }
    }

    /// Goes on with an attempt of an operation that gives out a `&mut`: should it be a sample, its search is run for its
    /// cost before.
    #[cold]
    #[inline(never)]
    fn lock_to_mutate_at_last<'a, Q>(
        &'a self,
        attempt: Attempt<'a, T::Locked, T::Open>,
        hash: u64,
        key: &Q,
        place: Place,
    ) -> Section<'a, K, V, T>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let mut section = self.lock_at_last(attempt, hash, place);
        self.rehearse_mutation(&mut section, hash, key);
        section
    }

    #[inline]
    fn rehearse_mutation<Q>(&self, section: &mut Section<'_, K, V, T>, hash: u64, key: &Q)
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        if T::SELECTS && section.is_sample() {
            T::note_mutation(section, hash, key);
        }
    }

    /// Goes on with an attempt that met something.
    #[cold]
    #[inline(never)]
    fn lock_at_last<'a>(
        &'a self,
        attempt: Attempt<'a, T::Locked, T::Open>,
        hash: u64,
        place: Place,
    ) -> Section<'a, K, V, T> {
        match attempt.admit(hash, place) {
            Some(section) => self.look_after_sample(section, Some(hash), place),
            None => self.lock_slow(hash, place),
        }
    }

    /// The shard of `hash`, locked for writing, if that needs no waiting.
    #[inline]
    fn try_lock(&self, hash: u64, place: Place) -> Option<Section<'_, K, V, T>> {
        loop {
            let mut section = self.directory.find(hash).try_lock_exclusive(place)?;
            if section.coverage().covers(hash) {
                section.count_write();
                return Some(self.look_after_sample(section, None, place));
            }
        }
    }

    /// The place of a key in its locked shard, with room for it if it is not there.
    #[inline]
    fn entry_in<'a>(
        &'a self,
        // Before the section, since parameters are dropped backwards: if `Eq` or `Hash` panics, the
        // key's Drop runs with the shard unlocked.
        key: K,
        mut section: Section<'a, K, V, T>,
        hash: u64,
        place: Place,
    ) -> Entry<'a, K, V, T> {
        let slot = T::locate(&section, hash, &key);
        if slot.is_none() && !T::has_room(&section) {
            section = self.make_room(section, hash, place);
        }
        Entry::new(section, slot, hash, key)
    }

    #[cold]
    #[inline(never)]
    fn lock_slow(&self, hash: u64, place: Place) -> Section<'_, K, V, T> {
        let since = if T::SELECTS { self.meet() } else { None };
        let (section, met) = loop {
            match self.directory.find(hash).lock_exclusive_slow(hash, place) {
                Some(locked) => break locked,
                None => spin_loop(),
            }
        };
        if let Some(since) = since {
            self.note_contention(hash, since);
        }
        if met.contended {
            self.directory.note_meeting();
            self.directory.tell(&section);
        }
        if met.revoked {
            self.leaning
                .note_revocation(&self.tally, self.directory.may_have_lanes());
            self.lead_readers();
        }
        // It may have become smaller just now.
        if met.contended
            && build::sizes::<K, V, T>() == Sizes::WholeUntilWritersMeet
            && section.len() > self.directory.shard_limit()
        {
            return either(self.split(section, hash, Reason::Size, place));
        }
        if let Some(reading) = met.crowded
            && T::splits_for_contention(section.open())
        {
            return either(self.split(section, hash, Reason::Contention(reading), place));
        }
        self.look_after_sample(section, Some(hash), place)
    }

    /// Does what is due for a shard that has not been locked by the fast path.
    fn look_after_sample<'a>(
        &'a self,
        mut section: Section<'a, K, V, T>,
        hash: Option<u64>,
        place: Place,
    ) -> Section<'a, K, V, T> {
        if T::READS_LOCK {
            match self.leaning.readers() {
                Readers::Announce => section.remove_lanes(),
                Readers::Sit if self.directory.may_have_lanes() => section.disarm(),
                Readers::Sit | Readers::Count => {
                    section.disarm();
                    section.remove_lanes();
                }
            }
        }
        if section.is_sample() {
            self.look_after(section, hash, place)
        } else {
            section
        }
    }

    /// Does a piece of whatever is due before the write goes on: with its shard unlocked, for what a change leaves to be dropped runs
    /// the user's code.
    fn do_a_piece_between<'a>(
        &'a self,
        section: Section<'a, K, V, T>,
        hash: u64,
        place: Place,
    ) -> Section<'a, K, V, T> {
        if !self.is_due(section.header()) {
            return section;
        }
        drop(section);
        self.do_a_piece(hash, place);
        loop {
            match self.directory.find(hash).lock_exclusive_slow(hash, place) {
                Some((section, _)) => return section,
                None => spin_loop(),
            }
        }
    }

    /// What a writer does now and then. Without the hash, it must not wait.
    #[cold]
    #[inline(never)]
    fn look_after<'a>(
        &'a self,
        mut section: Section<'a, K, V, T>,
        hash: Option<u64>,
        place: Place,
    ) -> Section<'a, K, V, T> {
        let header = section.header();
        let delay = if T::SELECTS {
            T::delay_sample(section.open(), tally::draw())
        } else {
            0
        };
        // One that is put off is noted then.
        if T::READS_LOCK && (delay == 0 || delay == u8::MAX) {
            let lanes = self.directory.may_have_lanes();
            self.leaning
                .note_write(&self.tally, T::WRITES_A_SAMPLE, lanes);
            self.lead_readers();
        }
        self.directory.tell(&section);
        if T::SELECTS {
            if delay > 0 {
                section.put_off_sample(delay);
                if let Some(hash) = hash {
                    section = self.do_a_piece_between(section, hash, place);
                }
                // What is not taken for a sample counts for what is left to do.
                if delay < u8::MAX {
                    return section;
                }
            } else {
                T::note_write(&mut section, header.site());
            }
        }
        if section.header().count_sample() {
            self.relax_if_quiet(section, place)
        } else {
            section
        }
    }

    fn split<'a>(
        &'a self,
        section: Section<'a, K, V, T>,
        hash: u64,
        reason: Reason,
        place: Place,
    ) -> Result<Section<'a, K, V, T>, Section<'a, K, V, T>> {
        self.directory.split(
            section,
            hash,
            reason,
            place,
            |from, into, upper: Coverage| {
                T::divide(from, into, |key| self.hash(key), |hash| upper.covers(hash)).is_ok()
            },
            |from, into| {
                T::absorb(into, from, |key| self.hash(key))
                    .expect("moving to an empty shard takes no memory");
            },
        )
    }

    /// Undoes what was done about contention when there has been none for a while.
    fn relax_if_quiet<'a>(
        &'a self,
        section: Section<'a, K, V, T>,
        place: Place,
    ) -> Section<'a, K, V, T> {
        if !section.header().contention.is_quiet() {
            return section;
        }
        self.directory.relax_if_quiet();
        if !T::SPLITS_FOR_CONTENTION {
            return section;
        }
        let most = self.directory.merge_limit();
        either(self.merge(section, place, |ours, theirs| ours + theirs <= most))
    }

    fn merge<'a>(
        &'a self,
        section: Section<'a, K, V, T>,
        place: Place,
        agree: impl FnOnce(usize, usize) -> bool,
    ) -> Result<Section<'a, K, V, T>, Section<'a, K, V, T>> {
        self.directory.merge(
            section,
            place,
            |ours, theirs| agree(ours.len(), theirs.len()),
            |into, from| T::absorb(into, from, |key| self.hash(key)).is_ok(),
        )
    }

    /// Makes room for one more entry in the shard that covers `hash`: by clearing away traces of
    /// removed entries, by splitting it, or by letting it grow.
    #[cold]
    fn make_room<'a>(
        &'a self,
        mut section: Section<'a, K, V, T>,
        hash: u64,
        place: Place,
    ) -> Section<'a, K, V, T> {
        while !T::has_room(&section) {
            let capacity = T::capacity(&section);
            let mut wanted = capacity;
            // Below one half, most of the rest are traces of removed entries. (Above it, clearing
            // them away would be due again too soon; and a table that is churned is faster with
            // room to spare.)
            if section.len() >= capacity.div_ceil(2) {
                // Of locked shards that split for size alone, traces are no reason either: then a larger table.
                let size = match build::sizes::<K, V, T>() {
                    Sizes::WholeUntilWritersMeet => section.len(),
                    Sizes::Small | Sizes::LargeUntilWritersMeet => capacity,
                };
                if size >= self.directory.shard_limit() {
                    match self.split(section, hash, Reason::Size, place) {
                        Ok(half) => {
                            section = half;
                            continue;
                        }
                        Err(whole) => section = whole,
                    }
                }
                wanted = capacity + 1;
            }
            if let Err(error) = T::resize(&mut section, wanted, |key| self.hash(key)) {
                drop(section);
                panic!("{error}");
            }
        }
        self.directory.tell(&section);
        section
    }

    /// Inserts an entry whose key is known to be absent.
    #[inline]
    fn insert_vacant<'a>(
        &'a self,
        mut section: Section<'a, K, V, T>,
        hash: u64,
        key: K,
        value: V,
        place: Place,
    ) -> (Section<'a, K, V, T>, T::Slot) {
        if !T::has_room(&section) {
            section = self.make_room(section, hash, place);
        }
        let slot = T::insert_new(&mut section, hash, key, value);
        (section, slot)
    }
}

/// The shard that came back, changed or not.
fn either<T>(result: Result<T, T>) -> T {
    let (Ok(it) | Err(it)) = result;
    it
}
