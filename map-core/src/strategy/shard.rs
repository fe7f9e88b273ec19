//! What a strategy does with a shard: the trait that it implements.

use std::hash::Hash;
use std::ops::ControlFlow;
use std::time::Duration;

use equivalent::Equivalent;

use super::{At, Open, Options, RECALLED, Site, Table};
use crate::error::{BuildError, TryReserveError};
use crate::mapref::entry::Entry;
use crate::raw::anchored::Anchored;
use crate::raw::coverage::{Coverage, Span, position};
#[expect(unused_imports, reason = "for links, in other crates' pages too")]
use crate::raw::guarded::LockedVisit;
use crate::raw::guarded::{Edit, Held};
use crate::raw::header::Refused;
use crate::raw::holds::{Exclusive, Inside, Kept};

/// An exclusively locked shard of a strategy.
///
/// ```
/// use map_core::strategy::{Section, Strategy, Table};
///
/// /// Whether the next insert makes the shard split.
/// fn is_full<K, V, T: Strategy<K, V>>(section: &Section<'_, K, V, T>) -> bool {
///     !T::has_room(section) && section.len() == T::capacity(section)
/// }
/// ```
pub type Section<'a, K, V, T> =
    Exclusive<'a, <T as Strategy<K, V>>::Locked, <T as Strategy<K, V>>::Open>;

/// A way to store and guard the entries of a shard.
///
/// Functions that take a `hash` closure may call it (it runs the user's `Hash`, which may panic)
/// only before they have changed anything. `Equivalent` and `Clone` of the user may panic
/// anywhere: run them before a change, or such that nothing is lost. The user's `Drop` must not
/// run at all in these functions: what leaves the map is handed back.
///
/// None of them waits, but for [`At::lock_shared`], and those that are given a [`Section`] or what lies under
/// the lock run with the shard locked: what they cost, all who want it pay. Those that take a slot find the
/// entry without a search. Memory may be asked for where a result says that it may be refused, and for an entry
/// where entries are not stored in tables.
///
/// Users reach each through the [`Map`](crate::Map), as this shows. In the examples of the functions themselves, `T` is a strategy,
/// `shard` the inside of an empty shard of it, with room for ten entries, `open` what is open of that, and `hash` hashes.
///
/// ```
/// use map_core::{Map, Strategy};
///
/// fn exercise<T: Strategy<u32, String>>() {
///     let map: Map<u32, String, T> = Map::new();
///     map.insert(1, "one".to_owned()); // has_room, upsert
///     assert_eq!(map.get_cloned(&1).as_deref(), Some("one")); // peek
///     assert_eq!(map.get(&1).map(|name| name.len()), Some(3)); // get
///     map.alter(&1, |_, name| name + "!"); // locate, alter
///     map.get_mut(&1).expect("it is there").push('?'); // locate or locate_mut, edit, finish
///     map.reserve(10_000); // resize, divide
///     map.for_each(|_, name| assert_eq!(name, "one!?")); // for_each
///     assert_eq!(map.iter().count(), 1); // visit, visited
///     map.retain(|key, _| *key != 1); // retain
///     map.shrink_to_fit(); // absorb, resize
///     assert!(map.into_iter().next().is_none()); // into_iter
/// }
///
/// exercise::<map_sharded::Sharded>();
/// exercise::<map_readdirty::ReadDirty>();
/// ```
///
/// # Safety
///
/// The front trusts a strategy with nothing that safe code could break. But it hands out what lies under a lock as a `&mut`
/// (see [`Inside`]), and a strategy that is made of others has theirs there, into which readers may look without the lock.
/// Taken out of the shard it would be freed while they do; in another shard it would be changed under a lock that does not guard it.
///
/// 1. What belongs to another strategy under the lock stays where it is, beside what is open of it. Neither these
///    functions nor those of [`Table`] move it, drop it or put something else in its place unless there is nothing in it: it
///    is new, or that strategy has [moved](Self::absorb) all of it away, or says that readers without the lock have gone.
/// 2. Another strategy's functions are called as the front calls those of this one: with parts of a shard that are its own, with slots
///    that are good there, and when what their documentation presupposes is so.
///
/// A strategy that is made of no other has nothing to answer for: what it keeps under the lock is its own affair.
#[expect(
    unsafe_code,
    reason = "made of others, it could take their shards apart"
)]
#[diagnostic::on_unimplemented(
    message = "the map strategy `{Self}` cannot store entries of `{K}` and `{V}`",
    note = "strategies with lock-free reads need `K: Clone` and `V: Clone`; wrap what cannot be \
            cloned in an `Arc`, or use a map of locked shards, which needs nothing"
)]
pub unsafe trait Strategy<K, V>: Sized {
    /// What a shard keeps under its lock.
    type Locked: Table;
    /// What readers without the lock may look at.
    type Open: Open;
    /// Where an entry stands; good until the shard is unlocked or changed otherwise.
    type Slot: Copy;
    /// Keeps an entry alive during an operation. As with what follows, what bounds its life is not this type, but what
    /// it is given out in.
    type Brief;
    /// Keeps an entry alive while the user has a guard. [`Kept`] where the shard's lock does that.
    type Hold;
    /// What [`Map::entry`](crate::Map::entry) gives out: the enum `Entry` of the map's own module, which
    /// [`map_aliases!`](crate::map_aliases) makes, or, where there is none, [`mapref::entry::Entry`](Entry) itself.
    type OwnEntry<'a>: From<Entry<'a, K, V, Self>> + Into<Entry<'a, K, V, Self>>
    where
        Self: 'a,
        K: 'a,
        V: 'a;
    /// A value being changed through a guard, not yet to be seen by others.
    type Edit: Edit;
    /// Goes over what lies under the lock.
    type Iter<'a>: Iterator<Item = &'a (K, V)>
    where
        Self: 'a,
        K: 'a,
        V: 'a;
    /// Some entries of a shard, on their way into guards: [`LockedVisit`] for shards that are read locked.
    type Visit;
    /// Takes apart what lay under the lock.
    type IntoIter: Iterator<Item = (K, V)>;

    /// Whether values change where they stand, so that an [`Edit`](Self::Edit) is nothing. Then a write that finds its key
    /// changes the value itself, and asks for nothing but [`locate_mut`](Self::locate_mut); and there is no
    /// [waste](Table::Waste), as [`has_waste`](Table::has_waste) says.
    ///
    /// ```
    /// use map_core::Strategy;
    ///
    /// assert!(<map_sharded::Sharded as Strategy<u32, u32>>::IN_PLACE);
    /// assert!(!<map_readdirty::ReadDirty as Strategy<u32, u32>>::IN_PLACE);
    /// ```
    const IN_PLACE: bool;
    /// Whether shards split because their lock is fought over. Locked shards that do not are for one thread at a time: the first of a map becomes very
    /// large, until writers have met others some sixteen times, and of traces of removed entries their tables grow instead.
    ///
    /// ```
    /// use map_core::Strategy;
    ///
    /// assert!(<map_sharded::Sharded as Strategy<u32, u32>>::SPLITS_FOR_CONTENTION);
    /// assert!(!<map_adaptive::Lock as Strategy<u32, u32>>::SPLITS_FOR_CONTENTION);
    /// ```
    const SPLITS_FOR_CONTENTION: bool;
    /// Whether reads may announce themselves instead of counting themselves in the lock: reads
    /// that take it at all, that is.
    ///
    /// ```
    /// use map_core::Strategy;
    ///
    /// assert!(<map_sharded::Sharded as Strategy<u32, u32>>::READS_LOCK);
    /// assert!(!<map_readdirty::ReadDirty as Strategy<u32, u32>>::READS_LOCK);
    /// ```
    const READS_LOCK: bool;
    /// Whether the map changes by what it sees how its shards store their entries. One in some hundreds of the operations is
    /// noted then, and may do a piece of the work: see [`note_read`](Self::note_read) and those that follow it.
    ///
    /// ```
    /// use map_core::Strategy;
    ///
    /// assert!(<map_adaptive::Adaptive as Strategy<u32, u32>>::SELECTS);
    /// assert!(!<map_sharded::Sharded as Strategy<u32, u32>>::SELECTS);
    /// ```
    const SELECTS: bool = false;
    /// So many writes one that is a sample stands for, on average: 256, and those by which samples are [put off](Self::delay_sample).
    ///
    /// ```
    /// use map_core::Strategy;
    ///
    /// assert_eq!(<map_sharded::Sharded as Strategy<u32, u32>>::WRITES_A_SAMPLE, 256);
    /// ```
    const WRITES_A_SAMPLE: u16 = crate::lock::tally::A_SAMPLE;

    /// Sets a new map up: once as it comes, which must not fail, and then as its builder was told.
    ///
    /// # Errors
    ///
    /// If the options are no good.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "let set_up = <T as Strategy<u64, String>>::set_up(&open, &Options::default());",
        "assert!(set_up.is_ok());",
    )]
    fn set_up(open: &Self::Open, options: &Options) -> Result<(), BuildError> {
        let _ = (open, options);
        Ok(())
    }

    /// Notes that a read was rehearsed, and whether it met nobody. What it found then, [`peek`](Self::peek) and
    /// [`get`](Self::get) can note, for [`At::is_sample`] says so.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# let site = Site { coverage: Coverage::ALL, len: 3 };",
        "T::note_read(&open, site, true);",
        "assert!(!T::is_turn(&open, site), \"one read says nothing\");",
    )]
    fn note_read(open: &Self::Open, site: Site, met_nobody: bool) {
        let _ = (open, site, met_nobody);
    }

    /// Keeps the hash of a read that is a sample and, if it has enough of them, hands them out instead: the front looks them up
    /// one after the other, for what that costs.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "// The first of a few.",
        "assert_eq!(T::recall(&open, hash(&1)), None);",
    )]
    fn recall(open: &Self::Open, hash: u64) -> Option<[u64; RECALLED]> {
        let _ = (open, hash);
        None
    }

    /// Notes how long it took to look up so many keys, one after the other.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "use std::time::Duration;",
        "",
        "use map_core::strategy::RECALLED;",
        "",
        "T::note_lookups(&open, Duration::from_nanos(160), RECALLED as u32);",
    )]
    fn note_lookups(open: &Self::Open, took: Duration, times: u32) {
        let _ = (open, took, times);
    }

    /// Notes that a visit of a walk was rehearsed: it met so many entries, in so much time.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# let site = Site { coverage: Coverage::ALL, len: 3 };",
        "use std::time::Duration;",
        "",
        "T::note_visit(&open, site, site.len, Duration::from_nanos(30));",
    )]
    fn note_visit(open: &Self::Open, site: Site, entries: usize, took: Duration) {
        let _ = (open, site, entries, took);
    }

    /// Of one in how many operations that meet somebody it is to be noted how long they waited, by lot: at least 1. Two looks at the clock
    /// take as long as some operations.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "// At first of all.",
        "assert_eq!(T::timed_meetings(&open), 1);",
    )]
    fn timed_meetings(open: &Self::Open) -> u32 {
        let _ = open;
        1
    }

    /// Notes that somebody was met at the shard's lock, and how often the operation could have been done instead of waiting; and for
    /// how many that met somebody this counts.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "// Somebody could have done three operations instead of waiting.",
        "T::note_contention(&open, 3, 1);",
    )]
    fn note_contention(open: &Self::Open, times: u32, of: u32) {
        let _ = (open, times, of);
    }

    /// Whether a read, or a piece of a walk, that may be a sample is taken for one. `drawn` is a random number.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "// At first all are.",
        "assert!((0..=u8::MAX).all(|drawn| T::takes_sample(&open, drawn)));",
    )]
    fn takes_sample(open: &Self::Open, drawn: u8) -> bool {
        let _ = (open, drawn);
        true
    }

    /// How many more writes to a shard shall pass before one is a sample, or is asked about again, when it would be one anyway: for the
    /// intervals are all alike, and programs may be periodic; and not all may be wanted, which [`u8::MAX`] says. `drawn` is a random number.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "let delay = T::delay_sample(&open, 12345);",
        "// It goes on at once when it has been put off.",
        "assert_eq!((delay > 0, T::delay_sample(&open, 12345)), (true, 0));",
    )]
    fn delay_sample(open: &Self::Open, drawn: u16) -> u8 {
        let _ = (open, drawn);
        0
    }

    /// Notes a write that is a sample, before it does anything. What it does, [`upsert`](Self::upsert) and so on can note,
    /// for [`Inside::is_sample`] says so.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# let site = Site { coverage: Coverage::ALL, len: 3 };",
        "T::note_write(&mut shard, site);",
        "assert_eq!(shard.len(), 0, \"it has yet to do something\");",
    )]
    fn note_write(section: &mut impl Inside<Self::Locked, Self::Open>, site: Site) {
        let _ = (section, site);
    }

    /// Whether enough was noted to draw conclusions, or there is something to be [looked after](Self::look_after).
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# let site = Site { coverage: Coverage::ALL, len: 3 };",
        "assert!(!T::is_turn(&open, site));",
    )]
    fn is_turn(open: &Self::Open, site: Site) -> bool {
        let _ = (open, site);
        false
    }

    /// Draws conclusions, if enough was noted. The operation that does has nothing locked: this may run the user's code.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# let site = Site { coverage: Coverage::ALL, len: 3 };",
        "if T::is_turn(&open, site) {",
        "    T::turn(&open, site);",
        "}",
        "assert!(!T::is_due(&open), \"there is nothing to conclude\");",
    )]
    fn turn(open: &Self::Open, site: Site) {
        let _ = (open, site);
    }

    /// Whether there is something to do in a shard for [`change`](Self::change).
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "assert!(!T::is_due(&open));",
        "# <T as Selecting<u64, String>>::pin_kind(&open, map_adaptive::Kind::ReadDirty).expect(\"it is compiled in\");",
        "// Somebody has asked for read tables.",
        "assert!(T::is_due(&open));",
    )]
    fn is_due(open: &Self::Open) -> bool {
        let _ = open;
        false
    }

    /// Changes how a shard stores its entries, if that is due. If `hash` panics, nothing is lost. What comes back is to be
    /// dropped once the shard is unlocked.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "# <T as Selecting<u64, String>>::pin_kind(&open, map_adaptive::Kind::ReadDirty).expect(\"it is compiled in\");",
        "// Somebody has asked for read tables.",
        "let waste = T::change(&mut shard, hash);",
        "assert_eq!((shard.len(), T::is_due(&open)), (1, false));",
        "drop(shard);",
        "// Where it runs the user's `Drop`.",
        "drop(waste);",
    )]
    fn change(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: impl Fn(&K) -> u64,
    ) -> Option<<Self::Locked as Table>::Waste> {
        let _ = (section, hash);
        None
    }

    /// The position of another shard of the map that may be due.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "assert_eq!(T::next_due(&open), None);",
        "# <T as Selecting<u64, String>>::pin_kind(&open, map_adaptive::Kind::ReadDirty).expect(\"it is compiled in\");",
        "// Somebody has asked for read tables: in all shards, from the first one on.",
        "assert_eq!(T::next_due(&open), Some(0));",
    )]
    fn next_due(open: &Self::Open) -> Option<u64> {
        let _ = open;
        None
    }

    /// The shard at that position has been looked after, or is in use and still due: on to what is behind it.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# <T as Selecting<u64, String>>::pin_kind(&open, map_adaptive::Kind::ReadDirty).expect(\"it is compiled in\");",
        "let next = T::next_due(&open).expect(\"read tables are wanted\");",
        "let lower_half = Coverage::ALL.half(false);",
        "T::went_by(&open, next, lower_half, false);",
        "assert_eq!(T::next_due(&open), lower_half.end());",
    )]
    fn went_by(open: &Self::Open, position: u64, coverage: Coverage, is_due: bool) {
        let _ = (open, position, coverage, is_due);
    }

    /// Lets go of what shards that were [changed](Self::change) have left behind, if that can be done now. With none of them locked: it runs the
    /// user's Drop.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "// Nothing was changed.",
        "T::look_after(&open);",
    )]
    fn look_after(open: &Self::Open) {
        let _ = open;
    }

    /// A map that was cloned is set up as the other.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# <T as Selecting<u64, String>>::pin_kind(&open, map_adaptive::Kind::ReadDirty).expect(\"it is compiled in\");",
        "// A map of read tables is cloned.",
        "let clone = <T as Strategy<u64, String>>::Open::default();",
        "T::set_up_like(&clone, &open);",
        "assert!(T::is_due(&clone));",
    )]
    fn set_up_like(open: &Self::Open, other: &Self::Open) {
        let _ = (open, other);
    }

    /// Whether this shard splits when its lock is fought over.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "assert!(T::splits_for_contention(&open));",
    )]
    fn splits_for_contention(open: &Self::Open) -> bool {
        let _ = open;
        Self::SPLITS_FOR_CONTENTION
    }

    /// Whether the entries of this shard change where they stand. Not all shards of a map need be alike, unless
    /// [`IN_PLACE`](Self::IN_PLACE) says so.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "assert!(T::is_in_place(&shard));",
        "# <T as Selecting<u64, String>>::pin_kind(&open, map_adaptive::Kind::ReadDirty).expect(\"it is compiled in\");",
        "T::change(&mut shard, hash);",
        "assert!(!T::is_in_place(&shard), \"a change is made to a copy now\");",
    )]
    fn is_in_place(locked: &Self::Locked) -> bool {
        let _ = locked;
        Self::IN_PLACE
    }

    /// Finds an entry, for the length of an operation.
    ///
    /// # Errors
    ///
    /// What [`At::lock_shared`] said.
    ///
    /// ```
    /// use std::hash::Hash;
    ///
    /// use map_core::strategy::{At, Refused, Strategy};
    ///
    /// /// Whether there is an entry for a key.
    /// fn has<K, V, T: Strategy<K, V>>(at: At<'_, T::Locked, T::Open>, key: &K) -> Result<bool, Refused>
    /// where
    ///     K: Eq + Hash,
    /// {
    ///     Ok(T::peek(at, key)?.is_some())
    /// }
    /// ```
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what is kept alive"
    )]
    fn peek<'a, Q>(
        at: At<'a, Self::Locked, Self::Open>,
        key: &Q,
    ) -> Result<Option<Held<'a, (K, V), Self::Brief>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>;

    /// Finds an entry as [`peek`](Self::peek) does, of a shard that keeps its entries by its lock alone; others may be refused with
    /// [`Refused::Busy`]. Has to be there where the map [selects](Self::SELECTS); otherwise nobody asks.
    ///
    /// # Errors
    ///
    /// What [`At::lock_shared`] said.
    ///
    /// ```
    /// use std::hash::Hash;
    ///
    /// use map_core::strategy::{At, Refused, Strategy};
    ///
    /// /// Whether there is an entry for a key in a shard that is its lock's alone.
    /// fn has<K, V, T: Strategy<K, V>>(at: At<'_, T::Locked, T::Open>, key: &K) -> Result<bool, Refused>
    /// where
    ///     K: Eq + Hash,
    /// {
    ///     assert!(T::SELECTS, "nobody else asks");
    ///     Ok(T::peek_locked(at, key)?.is_some())
    /// }
    /// ```
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what is kept alive"
    )]
    fn peek_locked<'a, Q>(
        at: At<'a, Self::Locked, Self::Open>,
        key: &Q,
    ) -> Result<Option<Held<'a, (K, V), Kept<Self::Locked, Self::Open>>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let _ = (at, key);
        unreachable!("asked only where the map selects")
    }

    /// Makes what [`peek_locked`](Self::peek_locked) has found fit for a guard. Has to be there where the map
    /// [selects](Self::SELECTS); otherwise nobody asks. Moves it, and does nothing else.
    ///
    /// ```
    /// use std::hash::Hash;
    ///
    /// use map_core::strategy::{At, Held, Refused, Strategy};
    ///
    /// type Found<'a, K, V, T> = Option<Held<'a, (K, V), <T as Strategy<K, V>>::Hold>>;
    ///
    /// /// Finds an entry for a guard, in a shard that is its lock's alone.
    /// fn get<'a, K: Eq + Hash, V, T: Strategy<K, V>>(
    ///     at: At<'a, T::Locked, T::Open>,
    ///     key: &K,
    /// ) -> Result<Found<'a, K, V, T>, Refused> {
    ///     assert!(T::SELECTS, "nobody else asks");
    ///     Ok(T::peek_locked(at, key)?.map(T::keep_locked))
    /// }
    /// ```
    fn keep_locked<'a>(
        found: Held<'a, (K, V), Kept<Self::Locked, Self::Open>>,
    ) -> Held<'a, (K, V), Self::Hold> {
        let _ = found;
        unreachable!("asked only where the map selects")
    }

    /// Finds an entry, for a guard.
    ///
    /// # Errors
    ///
    /// What [`At::lock_shared`] said.
    ///
    /// ```
    /// use std::hash::Hash;
    ///
    /// use map_core::mapref::one::Ref;
    /// use map_core::strategy::{At, Refused, Strategy};
    ///
    /// /// A guard on the entry of a key.
    /// fn get<'a, K: Eq + Hash, V, T: Strategy<K, V>>(
    ///     at: At<'a, T::Locked, T::Open>,
    ///     key: &K,
    /// ) -> Result<Option<Ref<'a, K, V, T>>, Refused> {
    ///     Ok(T::get(at, key)?.map(Ref::from))
    /// }
    /// ```
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what is kept alive"
    )]
    fn get<'a, Q>(
        at: At<'a, Self::Locked, Self::Open>,
        key: &Q,
    ) -> Result<Option<Held<'a, (K, V), Self::Hold>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>;

    /// Does what a read has [asked for](At::ask_to_tend).
    #[doc = in_shard!(
        "map_readdirty::ReadDirty",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "// A read has found that the entries had better be where it needs no lock.",
        "T::tend(&mut shard);",
        "assert_eq!(shard.len(), 1);",
    )]
    fn tend(section: &mut impl Inside<Self::Locked, Self::Open>) {
        let _ = section;
    }

    /// Finds an entry under the lock.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let slot = T::locate(&shard, hash(&1), &1).expect(\"it is there\");",
        "assert_eq!(T::pair(&shard, slot).1, \"one\");",
        "assert!(T::locate(&shard, hash(&2), &2).is_none());",
    )]
    fn locate<Q>(locked: &Self::Locked, hash: u64, key: &Q) -> Option<Self::Slot>
    where
        Q: ?Sized + Hash + Equivalent<K>;

    /// Finds an entry to change it in place. Where [`IN_PLACE`](Self::IN_PLACE) says that entries are, it has to
    /// be there, and where [`SELECTS`](Self::SELECTS) is set: there it finds nothing in a shard whose entries are not changed in place.
    /// Otherwise nobody asks.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let (_slot, pair) = T::locate_mut(&mut shard, hash(&1), &1).expect(\"it is there\");",
        "pair.1.push('!');",
        "assert_eq!(T::iter(&shard).next(), Some(&(1, \"one!\".to_owned())));",
    )]
    fn locate_mut<'x, Q>(
        section: &'x mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: &Q,
    ) -> Option<(Self::Slot, &'x mut (K, V))>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let _ = (section, hash, key);
        unreachable!("asked only where entries are changed in place")
    }

    /// Notes that the write, a sample, is about to look for an entry and give out a `&mut` to its value, where entries are
    /// changed in place.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "T::note_mutation(&mut shard, hash(&1), &1);",
        "assert_eq!(T::iter(&shard).next(), Some(&(1, \"one\".to_owned())), \"it only looks\");",
    )]
    fn note_mutation<Q>(section: &mut impl Inside<Self::Locked, Self::Open>, hash: u64, key: &Q)
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let _ = (section, hash, key);
    }

    /// Finds and removes an entry.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "assert_eq!(T::remove_key(&mut shard, hash(&1), &1), Some((1, \"one\".to_owned())));",
        "assert_eq!(T::remove_key(&mut shard, hash(&1), &1), None);",
    )]
    #[inline]
    fn remove_key<Q>(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: &Q,
    ) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let slot = Self::locate(section, hash, key)?;
        Some(Self::remove(section, slot))
    }

    /// The same of an entry that is changed in place: in a shard whose entries are not, it finds nothing. Asked where
    /// [`IN_PLACE`](Self::IN_PLACE) or [`SELECTS`](Self::SELECTS) is set.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "assert!(T::is_in_place(&shard));",
        "let removed = T::remove_key_in_place(&mut shard, hash(&1), &1);",
        "assert_eq!(removed, Some((1, \"one\".to_owned())));",
    )]
    #[inline(always)]
    fn remove_key_in_place<Q>(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: &Q,
    ) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        if !Self::IN_PLACE && !Self::is_in_place(section) {
            return None;
        }
        Self::remove_key(section, hash, key)
    }

    /// The entry at a slot.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "assert_eq!(T::pair(&shard, slot), &(1, \"one\".to_owned()));",
    )]
    fn pair(locked: &Self::Locked, slot: Self::Slot) -> &(K, V);

    /// Whether one more entry fits.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "assert!(T::has_room(&shard));",
        "let full = <T as Strategy<u64, String>>::Locked::default();",
        "assert!(!T::has_room(&full), \"a shard begins without a table\");",
    )]
    fn has_room(locked: &Self::Locked) -> bool;

    /// The same of an entry that is changed in place: in a shard whose entries are not, none fits. Asked where
    /// [`IN_PLACE`](Self::IN_PLACE) or [`SELECTS`](Self::SELECTS) is set.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "assert!(T::is_in_place(&shard) && T::has_room_in_place(&shard));",
    )]
    #[inline(always)]
    fn has_room_in_place(locked: &Self::Locked) -> bool {
        (Self::IN_PLACE || Self::is_in_place(locked)) && Self::has_room(locked)
    }

    /// Stores a value, where there is room for one more entry. If the key was present, returns the
    /// value that was replaced and, if it was not needed, the key.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "assert_eq!(T::upsert(&mut shard, hash(&1), 1, \"one\".to_owned()), None);",
        "let before = T::upsert(&mut shard, hash(&1), 1, \"uno\".to_owned());",
        "assert_eq!(before, Some((Some(1), \"one\".to_owned())));",
    )]
    fn upsert(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Option<(Option<K>, V)>
    where
        K: Eq;

    /// Stores a value as [`upsert`](Self::upsert) does, for somebody who does not ask for the old one. Returns what
    /// is left over.
    #[doc = in_shard!(
        "map_readdirty::ReadDirty",
        "assert_eq!(T::store(&mut shard, hash(&1), 1, \"one\".to_owned()), None);",
        "// The old value is not at hand: a reader may be looking at it.",
        "assert_eq!(T::store(&mut shard, hash(&1), 1, \"uno\".to_owned()), None);",
    )]
    fn store(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Option<(Option<K>, Option<V>)>
    where
        K: Eq,
    {
        Self::upsert(section, hash, key, value).map(|(key, value)| (key, Some(value)))
    }

    /// Inserts an entry whose key is known to be absent, where there is room for it. Runs no code
    /// of the user.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "assert_eq!((shard.len(), T::pair(&shard, slot).0), (1, 1));",
    )]
    fn insert_new(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Self::Slot;

    /// The same where there is [room in place](Self::has_room_in_place) for it.
    #[doc = in_shard!(
        "map_adaptive::Adaptive",
        "let slot = T::insert_new_in_place(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "assert_eq!((shard.len(), T::pair(&shard, slot).0), (1, 1));",
    )]
    #[inline(always)]
    fn insert_new_in_place(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: K,
        value: V,
    ) -> Self::Slot {
        Self::insert_new(section, hash, key, value)
    }

    /// Replaces the value at a slot and returns the old one.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "assert_eq!(T::replace(&mut shard, slot, \"uno\".to_owned()), \"one\");",
        "assert_eq!(T::pair(&shard, slot).1, \"uno\");",
    )]
    fn replace(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        value: V,
    ) -> V;

    /// Replaces key (by an equal one) and value at a slot and returns the old ones.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let before = T::replace_pair(&mut shard, slot, 1, \"uno\".to_owned());",
        "assert_eq!(before, (1, \"one\".to_owned()));",
    )]
    fn replace_pair(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        key: K,
        value: V,
    ) -> (K, V);

    /// Removes the entry at a slot, for somebody who does not ask for it. Returns what is left over.
    #[doc = in_shard!(
        "map_readdirty::ReadDirty",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "// Nothing is left over: a reader may be looking at it.",
        "assert_eq!(T::delete(&mut shard, slot), None);",
        "assert!(shard.is_empty());",
    )]
    fn delete(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
    ) -> Option<(K, V)> {
        Some(Self::remove(section, slot))
    }

    /// Removes the entry at a slot.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "assert_eq!(T::remove(&mut shard, slot), (1, \"one\".to_owned()));",
    )]
    fn remove(section: &mut impl Inside<Self::Locked, Self::Open>, slot: Self::Slot) -> (K, V);

    /// The entry at a slot, to be changed: in place, or a copy kept in `edit`, which is made at
    /// the first call. The result is used until the next call or [`finish`](Self::finish), and
    /// `section` and `edit` are moved meanwhile: hence what [`Edit`] demands.
    #[doc = in_shard!(
        "map_readdirty::ReadDirty",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let mut edit = Default::default();",
        "T::edit(&mut shard, slot, &mut edit).1.push('!');",
        "assert_eq!(T::pair(&shard, slot).1, \"one\", \"others do not see it yet\");",
        "T::finish(&mut shard, slot, edit);",
        "assert_eq!(T::pair(&shard, slot).1, \"one!\");",
    )]
    fn edit<'x>(
        section: &'x mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        edit: &'x mut Self::Edit,
    ) -> &'x mut (K, V);

    /// The copy of the entry at a slot that is kept in `edit`, made at the first call. Others may look at
    /// the shard meanwhile, so this changes nothing in it. Has to be there unless entries are changed
    /// [in place](Self::IN_PLACE); otherwise nobody asks.
    #[doc = in_shard!(
        "map_readdirty::ReadDirty",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let mut edit = Default::default();",
        "// The shard is only looked at.",
        "T::draft(&shard, slot, &mut edit).1.push('!');",
        "T::finish(&mut shard, slot, edit);",
        "assert_eq!(T::pair(&shard, slot).1, \"one!\");",
    )]
    fn draft<'x>(
        locked: &Self::Locked,
        slot: Self::Slot,
        edit: &'x mut Self::Edit,
    ) -> &'x mut (K, V) {
        let _ = (locked, slot, edit);
        unreachable!("asked only where entries are not changed in place")
    }

    /// Makes a change to be seen. Called once for every edit, also for one that changed nothing.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "T::edit(&mut shard, slot, &mut ()).1.push('!');",
        "// There is nothing left to do where it was changed in place.",
        "T::finish(&mut shard, slot, ());",
        "assert_eq!(T::pair(&shard, slot).1, \"one!\");",
    )]
    fn finish(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        edit: Self::Edit,
    );

    /// Replaces the entry at a slot by what `f`, called once, makes of it: the same key and another value.
    /// Returns what has to be dropped. The other slots stay good, as does this one.
    ///
    /// If `f` panics, the entry is gone where entries are changed [in place](Self::IN_PLACE), and as it was
    /// where they are not.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let left = T::alter(&mut shard, slot, |key, name| (key, name + \"!\"));",
        "assert_eq!((left, &*T::pair(&shard, slot).1), (None, \"one!\"));",
    )]
    fn alter(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        f: impl FnOnce(K, V) -> (K, V),
    ) -> Option<(K, V)>;

    /// Removes the entry at a slot as an edit has changed it; the change is not to be seen by others before.
    #[doc = in_shard!(
        "map_readdirty::ReadDirty",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let mut edit = Default::default();",
        "T::edit(&mut shard, slot, &mut edit).1.push('!');",
        "assert_eq!(T::remove_edited(&mut shard, slot, edit), (1, \"one!\".to_owned()));",
    )]
    fn remove_edited(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        edit: Self::Edit,
    ) -> (K, V) {
        Self::finish(section, slot, edit);
        Self::remove(section, slot)
    }

    /// Replaces the entry at a slot, and returns it as an edit has changed it; the change is not to be seen by
    /// others before.
    #[doc = in_shard!(
        "map_readdirty::ReadDirty",
        "let slot = T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let mut edit = Default::default();",
        "T::edit(&mut shard, slot, &mut edit).1.push('!');",
        "let before = T::replace_edited(&mut shard, slot, edit, 1, \"uno\".to_owned());",
        "assert_eq!((&*before.1, &*T::pair(&shard, slot).1), (\"one!\", \"uno\"));",
    )]
    fn replace_edited(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: Self::Slot,
        edit: Self::Edit,
        key: K,
        value: V,
    ) -> (K, V) {
        Self::finish(section, slot, edit);
        Self::replace_pair(section, slot, key, value)
    }

    /// Unlocks the shard but keeps the entry at a slot alive.
    ///
    /// ```
    /// use map_core::mapref::one::Ref;
    /// use map_core::strategy::{Section, Strategy};
    ///
    /// /// Inserts an entry, and reads on.
    /// fn insert<'a, K, V, T: Strategy<K, V>>(
    ///     mut section: Section<'a, K, V, T>,
    ///     (hash, key, value): (u64, K, V),
    /// ) -> Ref<'a, K, V, T> {
    ///     let slot = T::insert_new(&mut section, hash, key, value);
    ///     T::downgrade(section, slot).into()
    /// }
    /// ```
    fn downgrade<'a>(
        section: Section<'a, K, V, Self>,
        slot: Self::Slot,
    ) -> Held<'a, (K, V), Self::Hold>;

    /// How many entries fit before the shard has to grow, once it is free of traces of removed
    /// ones.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "assert!(T::capacity(&shard) >= 10);",
    )]
    fn capacity(locked: &Self::Locked) -> usize;

    /// Rebuilds the shard for at least so many entries (at least as many as it has), free of
    /// traces of removed ones.
    ///
    /// # Errors
    ///
    /// If there is not so much memory; then nothing has changed.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "T::resize(&mut shard, 100, hash)?;",
        "assert!(T::capacity(&shard) >= 100);",
        "T::resize(&mut shard, 1, hash)?;",
        "assert_eq!((shard.len(), T::capacity(&shard) < 10), (1, true));",
    )]
    fn resize(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        capacity: usize,
        hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError>;

    /// Moves the entries whose hashes are `chosen` to an empty shard.
    ///
    /// # Errors
    ///
    /// If there is not enough memory; then nothing has changed.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# let mut locked = <T as Strategy<u64, String>>::Locked::default();",
        "# // SAFETY: 1. They are never met apart.",
        "# let mut other = unsafe { Within::new(Coverage::ALL, &open, &mut locked) };",
        "for key in 0..10 {",
        "    T::insert_new(&mut shard, hash(&key), key, key.to_string());",
        "}",
        "T::divide(&mut shard, &mut other, hash, |hash| Coverage::ALL.half(true).covers(hash))?;",
        "assert_eq!(shard.len() + other.len(), 10);",
        "assert!(T::iter(&other).all(|(key, _)| Coverage::ALL.half(true).covers(hash(key))));",
    )]
    fn divide(
        from: &mut impl Inside<Self::Locked, Self::Open>,
        into: &mut impl Inside<Self::Locked, Self::Open>,
        hash: impl Fn(&K) -> u64,
        chosen: impl Fn(u64) -> bool,
    ) -> Result<(), TryReserveError>;

    /// Moves all entries to another shard: to its buddy, or to one that covers nothing yet and takes over
    /// whatever `from` covers. In the latter case must not fail or panic, nor run any code of the user.
    ///
    /// # Errors
    ///
    /// If there is not enough memory; then nothing has changed.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# let mut locked = <T as Strategy<u64, String>>::Locked::default();",
        "# // SAFETY: 1. They are never met apart.",
        "# let mut other = unsafe { Within::new(Coverage::ALL, &open, &mut locked) };",
        "# T::resize(&mut other, 10, hash)?;",
        "T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "T::insert_new(&mut other, hash(&2), 2, \"two\".to_owned());",
        "T::absorb(&mut shard, &mut other, hash)?;",
        "assert_eq!((shard.len(), other.len()), (2, 0));",
    )]
    fn absorb(
        into: &mut impl Inside<Self::Locked, Self::Open>,
        from: &mut impl Inside<Self::Locked, Self::Open>,
        hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError>;

    /// Clones all entries into an empty shard of another map, which covers the same hashes and which nobody else has yet. Keys
    /// are not hashed: entries go where those that they are clones of are.
    ///
    /// The shard that is cloned is locked for reading, or is one that nobody writes to any more. If `Clone` panics, no clone
    /// is lost: what was made is in the new shard, or has been dropped. (This is the one function that may run the user's
    /// `Drop`, of clones, and then alone.)
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# let mut locked = <T as Strategy<u64, String>>::Locked::default();",
        "# // SAFETY: 1. They are never met apart.",
        "# let mut other = unsafe { Within::new(Coverage::ALL, &open, &mut locked) };",
        "T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "T::clone_shard(&open, &shard, &mut other);",
        "assert!(T::locate(&other, hash(&1), &1).is_some());",
        "assert_eq!((shard.len(), other.len()), (1, 1));",
    )]
    fn clone_shard(
        open: &Self::Open,
        locked: &Self::Locked,
        into: &mut impl Inside<Self::Locked, Self::Open>,
    ) where
        K: Clone,
        V: Clone;

    /// Takes all entries out.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let taken = T::take(&mut shard);",
        "assert!(shard.is_empty());",
        "drop(shard);",
        "// Where it runs the user's `Drop`.",
        "assert_eq!(T::into_iter(taken).count(), 1);",
    )]
    fn take(section: &mut impl Inside<Self::Locked, Self::Open>) -> Self::Locked;

    /// Keeps the entries that `keep` says; the others go to `removed`.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let mut removed = Vec::new();",
        "T::retain(&mut shard, |key, _| *key > 1, &mut removed);",
        "assert_eq!((shard.len(), removed), (0, vec![(1, \"one\".to_owned())]));",
    )]
    fn retain(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        keep: impl FnMut(&K, &mut V) -> bool,
        removed: &mut Vec<(K, V)>,
    );

    /// All entries.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "assert_eq!(T::iter(&shard).collect::<Vec<_>>(), [&(1, \"one\".to_owned())]);",
    )]
    fn iter<'a>(locked: &'a Self::Locked) -> Self::Iter<'a>
    where
        Self: 'a,
        K: 'a,
        V: 'a;

    /// Finds entries at the positions that are left of a walk, or the first of them, to give out guards on them; and says
    /// from which position to go on, if not at the end of all.
    ///
    /// What is found are all entries between these positions: those present throughout, and no key twice.
    ///
    /// # Errors
    ///
    /// What [`At::lock_shared`] said.
    ///
    /// ```
    /// use map_core::strategy::{At, Refused, Span, Strategy};
    ///
    /// /// Goes over the first entries of what is left of a walk, and says where to go on.
    /// fn go_over<K, V, T: Strategy<K, V>>(
    ///     at: At<'_, T::Locked, T::Open>,
    ///     span: Span,
    ///     hash: impl Fn(&K) -> u64,
    ///     f: impl Fn(&K, &V),
    /// ) -> Result<Option<u64>, Refused> {
    ///     let (mut visit, next) = T::visit(at, span)?;
    ///     while let Some(entry) = T::visited(&mut visit, &hash) {
    ///         let (key, value) = entry.get();
    ///         f(key, value);
    ///     }
    ///     Ok(next)
    /// }
    /// ```
    fn visit<'a>(
        at: At<'a, Self::Locked, Self::Open>,
        span: Span,
    ) -> Result<(Anchored<'a, Self::Visit>, Option<u64>), Refused>;

    /// The next of the entries found. `hash` computes the mixed hash of a key.
    ///
    /// ```
    /// use map_core::strategy::{Anchored, Strategy};
    ///
    /// /// How many entries were found.
    /// fn count<'a, K: 'a, V: 'a, T: Strategy<K, V>>(
    ///     mut visit: Anchored<'a, T::Visit>,
    ///     hash: impl Fn(&K) -> u64,
    /// ) -> usize {
    ///     std::iter::from_fn(|| T::visited(&mut visit, &hash)).count()
    /// }
    /// ```
    fn visited<'a>(
        visit: &mut Anchored<'a, Self::Visit>,
        hash: impl Fn(&K) -> u64,
    ) -> Option<Held<'a, (K, V), Self::Hold>>;

    /// Calls `f` on what [`visit`](Self::visit) would find, until it breaks off; and says where to go on. `f` runs
    /// with whatever `visit` keeps its entries alive by.
    ///
    /// # Errors
    ///
    /// What [`At::lock_shared`] said, before any call of `f`.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use map_core::strategy::{At, Refused, Span, Strategy};
    ///
    /// /// Looks for a value at the first of the positions that are left, and says where to go on if it is not there.
    /// fn find<V: PartialEq, T: Strategy<u32, V>>(
    ///     at: At<'_, T::Locked, T::Open>,
    ///     span: Span,
    ///     hash: impl Fn(&u32) -> u64,
    ///     wanted: &V,
    /// ) -> Result<ControlFlow<u32, Option<u64>>, Refused> {
    ///     T::for_each(at, span, hash, |key, value| match value == wanted {
    ///         true => ControlFlow::Break(*key),
    ///         false => ControlFlow::Continue(()),
    ///     })
    /// }
    /// ```
    fn for_each<B>(
        at: At<'_, Self::Locked, Self::Open>,
        span: Span,
        hash: impl Fn(&K) -> u64,
        mut f: impl FnMut(&K, &V) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B, Option<u64>>, Refused> {
        let shard = at.lock_shared()?;
        let coverage = shard.coverage();
        let all = span.contains_all(coverage);
        for (key, value) in Self::iter(&shard) {
            if (all || span.contains(position(hash(key))))
                && let ControlFlow::Break(broken) = f(key, value)
            {
                return Ok(ControlFlow::Break(broken));
            }
        }
        Ok(ControlFlow::Continue(coverage.end()))
    }

    /// All entries, to be changed in place. Where [`IN_PLACE`](Self::IN_PLACE) says that they are, it has to be
    /// there; otherwise nobody asks.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "T::iter_mut(&mut shard).for_each(|(_, name)| name.push('!'));",
        "assert_eq!(T::iter(&shard).next(), Some(&(1, \"one!\".to_owned())));",
    )]
    fn iter_mut<'a>(locked: &'a mut Self::Locked) -> impl Iterator<Item = &'a mut (K, V)>
    where
        K: 'a,
        V: 'a,
    {
        let _ = locked;
        assert!(
            !Self::IN_PLACE,
            "a strategy that changes entries in place goes over them"
        );
        std::iter::empty()
    }

    /// The slots of all entries.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let slots: Vec<_> = T::slots(&shard).collect();",
        "assert_eq!(T::pair(&shard, slots[0]).0, 1);",
    )]
    fn slots(locked: &Self::Locked) -> impl Iterator<Item = Self::Slot>;

    /// All entries, to keep.
    #[doc = in_shard!(
        "map_sharded::Sharded",
        "# T::insert_new(&mut shard, hash(&1), 1, \"one\".to_owned());",
        "let taken = T::take(&mut shard);",
        "assert_eq!(T::into_iter(taken).collect::<Vec<_>>(), [(1, \"one\".to_owned())]);",
    )]
    fn into_iter(locked: Self::Locked) -> Self::IntoIter;
}
