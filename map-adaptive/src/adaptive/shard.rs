//! A shard that is a locked shard or a read/dirty shard, and can become the other while it is in use.
//!
//! Both are kept as they are in the maps that have nothing else, by the strategies of those maps: here it is only told
//! which of them a shard is at the moment, and how it becomes the other. All of it happens under the shard's
//! exclusive lock.
//!
//! - *Up*, from entries inline to nodes: nobody is in the shard, so the entries move into nodes, and the read table
//!   is published.
//! - *Down*: readers are shut out first ([`nodes::conceal`]): the read word is null from then on, and those who come now take
//!   the lock. Those who were in may still reach nodes, and guards keep some; so entries stay in nodes, changes are made by
//!   replacing nodes as before, and nobody waits. Once the last of them has gone, a writer or a sampled
//!   reader moves the entries back ([`nodes::take_back`]). Until then what is found under the lock is kept by the lock, so
//!   that no new guard is made on a node.
//!
//! A read that finds its key in the read table takes effect when it loads the slot. One that takes the lock takes
//! effect under it. One that loaded the read word before it was null finds in the old table what was there
//! then: it overlaps with whatever is changed after that, for its pin began before.

use std::hash::Hash;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use map_core::strategy::{
    self, Access, Anchored, Inside, Refused, Shared, Site, Span, Strategy, Table, Within,
};
use map_core::{Equivalent, TryReserveError};

use super::nodes::{self, Nodes, Present};
use super::selector::Selector;
use super::study::{Event, Study, Timed};
use crate::policy::Kind;

/// The strategy of shards that have their entries inline.
pub(super) type Inline = map_sharded::Sharded;

/// What lies under the lock of an inline shard.
pub(super) type Entries<K, V> = map_sharded::Entries<K, V>;

/// What lies under the lock.
pub struct Locked<K, V> {
    /// The entries that are inline: all, or none, and then there is no room for any either. So whoever looks for one here need
    /// not ask first.
    entries: Entries<K, V>,
    /// The entries that are in nodes, if they are.
    // In a box: so that what operations need of a shard fills one cache line as long as it has none.
    upper: Option<(Box<Upper<K, V>>, Present)>,
}

/// How the entries of a shard are stored.
pub(super) enum Stored<'x, K, V> {
    /// In the table itself.
    Inline(&'x Entries<K, V>),
    /// In nodes.
    Nodes(&'x Upper<K, V>),
}

/// The same, to be changed.
enum StoredMut<'x, K, V> {
    Inline(&'x mut Entries<K, V>),
    Nodes(&'x mut Upper<K, V>),
}

/// A read/dirty shard.
pub(super) struct Upper<K, V> {
    locked: nodes::Locked<K, V>,
    /// When readers without the lock were shut out, if they were.
    left: Option<nodes::Moment>,
}

impl<K, V> Upper<K, V> {
    // Never: it is not to weigh on shards that have their entries inline.
    #[inline(never)]
    fn has_waste(&self) -> bool {
        self.locked.has_waste()
    }

    #[inline(always)]
    pub(super) fn locked(&self) -> &nodes::Locked<K, V> {
        &self.locked
    }
}

/// What operations on one key ask of it.
// Never, as above.
impl<K: Clone, V: Clone> Upper<K, V> {
    #[inline(never)]
    pub(super) fn pair(&self, slot: nodes::Slot) -> &(K, V) {
        <Nodes as Strategy<K, V>>::pair(&self.locked, slot)
    }

    #[inline(never)]
    pub(super) fn has_room(&self) -> bool {
        <Nodes as Strategy<K, V>>::has_room(&self.locked)
    }

    #[inline(never)]
    pub(super) fn edit<'x>(
        &self,
        open: &nodes::Open<K, V>,
        slot: nodes::Slot,
        edit: &'x mut nodes::Edit<K, V>,
    ) -> &'x mut (K, V) {
        nodes::edit(open, &self.locked, slot, edit)
    }
}

impl<K, V> Default for Locked<K, V> {
    fn default() -> Self {
        Self::of(Entries::default())
    }
}

impl<K, V> std::fmt::Debug for Locked<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.stored() {
            Stored::Inline(_) => "Inline",
            Stored::Nodes(_) => "Nodes",
        })
    }
}

impl<K, V> Table for Locked<K, V> {
    type Waste = Option<<nodes::Locked<K, V> as Table>::Waste>;

    #[inline(always)]
    fn has_waste(&self) -> bool {
        match self.stored() {
            Stored::Inline(_) => false,
            Stored::Nodes(upper) => upper.has_waste(),
        }
    }

    fn take_waste(&mut self) -> Self::Waste {
        match self.stored_mut() {
            StoredMut::Inline(_) => None,
            StoredMut::Nodes(upper) => Some(upper.locked.take_waste()),
        }
    }

    #[inline]
    fn len(&self) -> usize {
        match self.stored() {
            Stored::Inline(entries) => entries.len(),
            Stored::Nodes(upper) => upper.locked.len(),
        }
    }

    #[inline]
    fn locator(&self) -> usize {
        match self.stored() {
            Stored::Inline(entries) => entries.locator(),
            Stored::Nodes(_) => 0,
        }
    }

    #[inline(always)]
    fn prefetch(locator: usize, hash: u64, access: Access) {
        Entries::<K, V>::prefetch(locator, hash, access);
    }
}

/// What readers may look at without the lock, and what is known of the shard.
pub struct Open<K, V> {
    pub(super) nodes: nodes::Open<K, V>,
    pub(super) study: Arc<Study>,
    pub(super) selector: Arc<Selector>,
}

impl<K, V> std::fmt::Debug for Open<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").finish_non_exhaustive()
    }
}

impl<K, V> Default for Open<K, V> {
    fn default() -> Self {
        let selector = Arc::<Selector>::default();
        Self {
            nodes: nodes::Open::default(),
            study: Arc::new(Study::new(selector.target())),
            selector,
        }
    }
}

impl<K, V> strategy::Open for Open<K, V> {
    fn sibling(&self) -> Self {
        Self {
            nodes: strategy::Open::sibling(&self.nodes),
            study: Arc::new(Study::new(self.selector.target())),
            selector: Arc::clone(&self.selector),
        }
    }

    const MAY_HAVE_READ_TABLE: bool = nodes::COMPILED_IN;

    fn has_read_table(&self) -> bool {
        self.study.is_in_nodes()
    }
}

impl<K, V> Open<K, V> {
    /// What the shard shall be.
    pub(super) fn wanted(&self) -> Kind {
        self.selector.wanted(self.study.own())
    }

    /// Notes what an operation that is a sample has done, here and below for the shard and the map.
    pub(super) fn note(&self, event: Event) {
        let pace = self.selector.pace.get();
        self.study.tally.note(event, pace);
        self.selector.tally.note(event, pace);
    }

    /// Returns what it took without the looks at the clock.
    pub(super) fn note_time(&self, what: Timed, took: Duration, times: u32) -> Duration {
        let took = took.saturating_sub(overhead());
        self.study.tally.note_time(what, took, times);
        self.selector.tally.note_time(what, took, times);
        took
    }

    pub(super) fn note_visit(&self, entries: usize, took: Duration) {
        if entries > 0 {
            self.note(Event::Visit);
        }
        let times = u32::try_from(entries).unwrap_or(u32::MAX);
        self.note_time(Timed::Scan, took, times);
        let pace = self.selector.pace.get();
        self.study.tally.note_scanned(entries as u64, pace);
        self.selector.tally.note_scanned(entries as u64, pace);
    }

    pub(super) fn note_contention(&self, times: u32, of: u32) {
        self.study.tally.note_contention(times, of);
        self.selector.tally.note_contention(times, of);
    }

    pub(super) fn note_site(&self, site: Site) {
        self.study.tally.note_site(site.coverage, site.len);
        self.selector.tally.note_site(site.coverage, site.len);
    }

    /// What is known of another shard, half of which this one is, holds for it too.
    pub(super) fn inherit(&self, from: &Self) {
        from.study.begin_epoch();
        self.study.begin_epoch();
        // What the other one tries out is for a while: its half is what the others are.
        let own = from.study.own().filter(|_| !from.study.is_on_trial());
        self.study.set_own(own);
        self.study.set_kind(from.study.kind());
        self.study.tally.reset();
    }
}

/// What it takes to look at the clock twice.
fn overhead() -> Duration {
    static OVERHEAD: OnceLock<Duration> = OnceLock::new();
    *OVERHEAD.get_or_init(|| {
        let look = |_| {
            let start = Instant::now();
            start.elapsed()
        };
        (0..64).map(look).min().unwrap_or_default()
    })
}

/// Brings what others are told about a shard in line with it, after a change towards a kind, or to its entries.
pub(super) fn settle<K, V>(
    section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    wanted: Option<Kind>,
) {
    let (open, locked) = section.parts();
    let is_leaving = locked.left().is_some();
    let has_read_table = locked.is_in_nodes() && !is_leaving;
    if has_read_table {
        open.study.change_kind(Kind::ReadDirty);
    } else if let Some(wanted) = wanted
        && wanted != Kind::ReadDirty
    {
        open.study.change_kind(wanted);
    }
    open.study.set_leaving(is_leaving);
    open.selector
        .count_in_nodes(&open.study, locked.is_in_nodes());
}

/// A shard seen as what it is at the moment.
pub(super) enum View<'x, K, V> {
    Inline(Within<'x, Entries<K, V>, ()>),
    Nodes(Within<'x, nodes::Locked<K, V>, nodes::Open<K, V>>),
}

/// Looks at a shard as what it is at the moment.
#[inline(always)]
pub(super) fn view<K, V>(section: &mut impl Inside<Locked<K, V>, Open<K, V>>) -> View<'_, K, V> {
    let coverage = section.coverage();
    let (open, locked) = section.parts();
    // SAFETY: 1. They are parts of one shard that is locked for writing. What is open of the nodes is used with
    // one `Upper` for as long as that has entries; and the unit with anything.
    unsafe {
        match locked.stored_mut() {
            StoredMut::Inline(entries) => View::Inline(Within::new(coverage, &(), entries)),
            StoredMut::Nodes(upper) => {
                View::Nodes(Within::new(coverage, &open.nodes, &mut upper.locked))
            }
        }
    }
}

/// A shard, if its entries are inline.
#[inline(always)]
pub(super) fn within_entries<K, V>(
    section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
) -> Option<Within<'_, Entries<K, V>, ()>> {
    let coverage = section.coverage();
    match section.stored_mut() {
        // SAFETY: 1. The unit belongs to anything.
        StoredMut::Inline(entries) => Some(unsafe { Within::new(coverage, &(), entries) }),
        StoredMut::Nodes(_) => None,
    }
}

/// What a shard has inline: everything, or nothing.
#[inline(always)]
pub(super) fn inline<K, V>(
    section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
) -> Within<'_, Entries<K, V>, ()> {
    let coverage = section.coverage();
    // SAFETY: 1. As above.
    unsafe { Within::new(coverage, &(), &mut section.entries) }
}

/// Two shards seen as what both are.
pub(super) enum Both<'x, K, V> {
    Inline(Within<'x, Entries<K, V>, ()>, Within<'x, Entries<K, V>, ()>),
    Nodes(
        Within<'x, nodes::Locked<K, V>, nodes::Open<K, V>>,
        Within<'x, nodes::Locked<K, V>, nodes::Open<K, V>>,
    ),
}

/// Looks at two shards. If one of them has its entries inline and the other in nodes, so has the first afterwards.
pub(super) fn view_both<'x, K: Clone, V: Clone>(
    one: &'x mut impl Inside<Locked<K, V>, Open<K, V>>,
    other: &'x mut impl Inside<Locked<K, V>, Open<K, V>>,
    hash: impl Fn(&K) -> u64,
) -> Result<Both<'x, K, V>, TryReserveError> {
    if one.is_in_nodes() || other.is_in_nodes() {
        go_up(one, &hash)?;
        go_up(other, &hash)?;
    }
    Ok(match (view(one), view(other)) {
        (View::Inline(one), View::Inline(other)) => Both::Inline(one, other),
        (View::Nodes(one), View::Nodes(other)) => Both::Nodes(one, other),
        _ => unreachable!("both have gone up if one was up"),
    })
}

impl<K, V> Locked<K, V> {
    #[inline(always)]
    pub(super) fn stored(&self) -> Stored<'_, K, V> {
        match &self.upper {
            None => Stored::Inline(&self.entries),
            Some((upper, _)) => Stored::Nodes(upper),
        }
    }

    #[inline(always)]
    fn stored_mut(&mut self) -> StoredMut<'_, K, V> {
        match &mut self.upper {
            None => StoredMut::Inline(&mut self.entries),
            Some((upper, _)) => StoredMut::Nodes(upper),
        }
    }

    /// A shard of these entries, inline.
    pub(super) fn of(entries: Entries<K, V>) -> Self {
        Self {
            entries,
            upper: None,
        }
    }

    /// The entries that are inline, if any are.
    #[inline(always)]
    pub(super) fn entries_mut(&mut self) -> &mut Entries<K, V> {
        &mut self.entries
    }

    /// The entries that are inline, and what there is otherwise.
    pub(super) fn into_parts(self) -> (Entries<K, V>, Option<nodes::Locked<K, V>>) {
        (self.entries, self.upper.map(|(upper, _)| upper.locked))
    }

    /// Whether one more entry fits inline.
    #[inline(always)]
    pub(super) fn has_room_inline(&self) -> bool {
        <Inline as Strategy<K, V>>::has_room(&self.entries)
    }

    /// Looks for an entry where they are inline.
    #[inline(always)]
    pub(super) fn find_inline<Q>(&self, hash: u64, key: &Q) -> Result<Option<&(K, V)>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match self.entries.find(hash, key) {
            None if self.is_in_nodes() => Err(Refused::Busy),
            found => Ok(found),
        }
    }

    /// Whether there is such an entry inline.
    pub(super) fn holds<Q>(&self, hash: u64, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        matches!(self.find_inline(hash, key), Ok(Some(_)))
    }

    pub(super) fn find<Q>(&self, hash: u64, key: &Q) -> Option<&(K, V)>
    where
        K: Clone,
        V: Clone,
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match self.stored() {
            Stored::Inline(entries) => entries.find(hash, key),
            Stored::Nodes(upper) => {
                let slot = <Nodes as Strategy<K, V>>::locate(&upper.locked, hash, key)?;
                Some(<Nodes as Strategy<K, V>>::pair(&upper.locked, slot))
            }
        }
    }

    /// Entries of a shard that readers can look into without its lock, each held by itself.
    pub(super) fn visit_nodes<'a>(
        shard: &Shared<'a, Self, Open<K, V>>,
        span: Span,
    ) -> Option<Anchored<'a, nodes::Visit<K, V>>> {
        match shard.stored() {
            // Otherwise guards on nodes would keep entries from being moved back.
            Stored::Nodes(upper) if upper.left.is_none() => {
                // SAFETY: 1. It is locked, and `'a` is a borrow of its map.
                Some(unsafe { nodes::visit_locked(&upper.locked, span) })
            }
            _ => None,
        }
    }

    /// Whether readers would be better off if the shard were tended.
    pub(super) fn wants_promotion(&self) -> bool {
        match self.stored() {
            Stored::Inline(_) => false,
            Stored::Nodes(upper) => upper.left.is_none() && nodes::wants_promotion(&upper.locked),
        }
    }

    pub(super) fn is_in_nodes(&self) -> bool {
        self.upper.is_some()
    }

    /// When readers were shut out, if they were.
    pub(super) fn left(&self) -> Option<nodes::Moment> {
        match self.stored() {
            Stored::Inline(_) => None,
            Stored::Nodes(upper) => upper.left,
        }
    }

    /// Readers were shut out of another shard, whose entries are here now.
    pub(super) fn set_left(&mut self, moment: Option<nodes::Moment>) {
        if let Some((upper, _)) = &mut self.upper {
            upper.left = moment;
        }
    }

    /// A shard of nodes without any.
    pub(super) fn empty_nodes(&mut self) {
        debug_assert_eq!(self.len(), 0, "only an empty shard becomes another one");
        let upper = Box::new(Upper {
            locked: nodes::Locked::default(),
            left: None,
        });
        if let Some(present) = nodes::PRESENT {
            *self = Self {
                entries: Entries::default(),
                upper: Some((upper, present)),
            };
        }
    }
}

/// Moves the entries into nodes, if they are not: readers see them only once the shard is [tended](Strategy::tend).
///
/// # Errors
///
/// If there is not enough memory; then, or if `hash` panics, nothing has changed.
pub(super) fn go_up<K: Clone, V: Clone>(
    section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    hash: impl Fn(&K) -> u64,
) -> Result<(), TryReserveError> {
    let coverage = section.coverage();
    let (open, locked) = section.parts();
    let (StoredMut::Inline(entries), Some(present)) = (locked.stored_mut(), nodes::PRESENT) else {
        return Ok(());
    };
    let hashes: Vec<u64> = <Inline as Strategy<K, V>>::iter(entries)
        .map(|(key, _)| hash(key))
        .collect();
    let mut upper = Box::new(Upper {
        locked: nodes::Locked::default(),
        left: None,
    });
    // SAFETY: 1. No shard of nodes was here since the last one had all its entries taken back, and its read word is null.
    let mut above = unsafe { Within::new(coverage, &open.nodes, &mut upper.locked) };
    let room = <Inline as Strategy<K, V>>::capacity(entries).max(hashes.len());
    if room > 0 {
        <Nodes as Strategy<K, V>>::resize(&mut above, room, &hash)?;
    }
    // Nothing of the user's runs from here on.
    let entries = <Inline as Strategy<K, V>>::into_iter(std::mem::take(entries));
    for (hash, (key, value)) in hashes.into_iter().zip(entries) {
        <Nodes as Strategy<K, V>>::insert_new(&mut above, hash, key, value);
    }
    locked.upper = Some((upper, present));
    Ok(())
}

/// Takes a step towards what the shard shall be. What comes back is to be dropped once the shard is unlocked.
///
/// If `hash` panics, nothing is lost, and the step is not taken.
pub(super) fn step<K: Clone, V: Clone>(
    section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    wanted: Kind,
    hash: impl Fn(&K) -> u64,
) -> Option<Waste<K, V>> {
    if wanted == Kind::ReadDirty {
        if go_up(section, hash).is_ok() {
            section.set_left(None);
            if let View::Nodes(mut above) = view::<K, V>(section) {
                <Nodes as Strategy<K, V>>::tend(&mut above);
            }
        }
        return None;
    }
    if !section.is_in_nodes() {
        return None;
    }
    if section.left().is_none() {
        let View::Nodes(mut above) = view::<K, V>(section) else {
            unreachable!("it was seen that it is in nodes")
        };
        let moment = nodes::conceal(&mut above).ok()?;
        section.set_left(Some(moment));
        // Before anything of the user's runs: should it panic, the shard is known to be half-way, and either way is open.
        settle(section, Some(wanted));
    }
    go_down(section, hash)
}

/// What leaves a shard of nodes.
type Waste<K, V> = <nodes::Locked<K, V> as Table>::Waste;

/// Moves the entries back from nodes, if nobody can reach them without the lock any more.
fn go_down<K: Clone, V: Clone>(
    section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    hash: impl Fn(&K) -> u64,
) -> Option<Waste<K, V>> {
    let coverage = section.coverage();
    let (open, locked) = section.parts();
    let StoredMut::Nodes(upper) = locked.stored_mut() else {
        return None;
    };
    let left = upper.left?;
    let room = nodes::room_in_place(<Nodes as Strategy<K, V>>::capacity(&upper.locked))
        .max(upper.locked.len());
    // SAFETY: 1. As in `view`.
    let mut above = unsafe { Within::new(coverage, &open.nodes, &mut upper.locked) };
    let prepare = |above: &nodes::Locked<K, V>| {
        let hashes: Vec<u64> = <Nodes as Strategy<K, V>>::iter(above)
            .map(|(key, _)| hash(key))
            .collect();
        let mut entries = Entries::<K, V>::default();
        // SAFETY: 1. The unit belongs to anything.
        let mut inline = unsafe { Within::new(coverage, &(), &mut entries) };
        if room > 0 {
            <Inline as Strategy<K, V>>::resize(&mut inline, room, &hash).ok()?;
        }
        Some((hashes, entries))
    };
    // SAFETY: 1. It came from `conceal`, and was forgotten whenever the shard was tended, or was
    // joined by a shard that readers can look into.
    let taken = unsafe { nodes::take_back(&mut above, left, prepare) };
    let ((hashes, mut entries), pairs, waste) = taken?;
    // SAFETY: 1. As above.
    let mut inline = unsafe { Within::new(coverage, &(), &mut entries) };
    // Nothing of the user's runs here.
    for (hash, (key, value)) in hashes.into_iter().zip(pairs) {
        <Inline as Strategy<K, V>>::insert_new(&mut inline, hash, key, value);
    }
    (locked.entries, locked.upper) = (entries, None);
    Some(waste)
}
