//! How the front uses the shards: each function hands on to the strategy that the shard has at the moment.

mod forms;
mod lookup;
mod sessions;
mod structure;
mod walks;
mod writes;

use std::hash::Hash;
use std::ops::ControlFlow;
use std::time::Duration;

use map_core::strategy::{
    Anchored, At, Coverage, Held, Inside, Kept, Observed, Options, RECALLED, Refused, Section,
    Site, Span, Strategy, Table,
};
use map_core::{BuildError, Equivalent, TryReserveError};

use self::forms::{Brief, Hold, IntoIter, Iter, Slot, Visit};
use self::lookup::{find_locked, note};
use self::writes::{in_nodes, in_nodes_here, noting, removal};
use super::Adaptive;
use super::nodes::{self, Looked, Nodes};
use super::shard::{
    Inline, Locked, Open, Stored, View, inline, settle, step, view, within_entries,
};
use super::stats::Stats;
use super::study::{Event, Timed, WRITES};
use crate::policy::Kind;

type AtShard<'a, K, V> = At<'a, Locked<K, V>, Open<K, V>>;
type Lock<K, V> = Kept<Locked<K, V>, Open<K, V>>;
type Found<'a, K, V, H> = Option<Held<'a, (K, V), H>>;

/// Of one in so many that meet somebody it is noted how long they waited, while samples are thinned out.
const TIMED_MEETINGS: u32 = 8;

/// Whether shards of nodes may have left something that is to be looked after now.
fn has_left_over<K, V>(open: &Open<K, V>) -> bool {
    nodes::COMPILED_IN && nodes::has_left_over(&open.nodes)
}

// SAFETY: 1. Nodes are exchanged for entries inline, or dropped, where they have nothing: `take_back` has taken their
// entries, or another shard has absorbed them; or they are those of a shard that covers nothing, which is new or was
// absorbed. 2. Each is called for the shards that are stored as it stores them, for what this was called for; and a
// shard gives out slots of what it is.
unsafe impl<K: Clone, V: Clone, const READ_TABLES: bool> Strategy<K, V> for Adaptive<READ_TABLES> {
    type Locked = Locked<K, V>;
    type Open = Open<K, V>;
    type Slot = Slot;
    type Brief = Brief<K, V>;
    type Hold = Hold<K, V>;
    type OwnEntry<'a>
        = crate::adaptive_map::mapref::entry::Entry<'a, K, V, Self>
    where
        K: 'a,
        V: 'a;
    type Edit = nodes::Edit<K, V>;
    type Iter<'a>
        = Iter<'a, K, V>
    where
        K: 'a,
        V: 'a;
    type Visit = Visit<K, V, READ_TABLES>;
    type IntoIter = IntoIter<K, V>;

    const IN_PLACE: bool = false;
    const SPLITS_FOR_CONTENTION: bool = true;
    const READS_LOCK: bool = true;
    const SELECTS: bool = true;
    const WRITES_A_SAMPLE: u16 = WRITES;

    #[inline(always)]
    fn peek<'a, Q>(at: AtShard<'a, K, V>, key: &Q) -> Result<Found<'a, K, V, Brief<K, V>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        if READ_TABLES && nodes::COMPILED_IN && at.may_have_read_table() {
            match nodes::peek(&at.open().nodes, at.hash(), key) {
                Looked::Found(found) => {
                    note(&at, Event::Hit);
                    // SAFETY: 1., 2. It is in there.
                    return Ok(Some(unsafe { found.wrap_hold(Brief::Pin) }));
                }
                Looked::Absent => {
                    note(&at, Event::Miss);
                    return Ok(None);
                }
                Looked::Unsettled => {}
            }
        }
        // SAFETY: 1., 2. It is in there.
        Ok(find_locked(at, key)?.map(|found| unsafe { found.wrap_hold(Brief::Lock) }))
    }

    #[inline(always)]
    fn peek_locked<'a, Q>(
        at: AtShard<'a, K, V>,
        key: &Q,
    ) -> Result<Found<'a, K, V, Lock<K, V>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        at.find(|shard| shard.find_inline(at.hash(), key))
    }

    #[inline(always)]
    fn keep_locked<'a>(found: Held<'a, (K, V), Lock<K, V>>) -> Held<'a, (K, V), Hold<K, V>> {
        // SAFETY: 1., 2. It is in there.
        unsafe { found.wrap_hold(Hold::Lock) }
    }

    #[inline(always)]
    fn get<'a, Q>(at: AtShard<'a, K, V>, key: &Q) -> Result<Found<'a, K, V, Hold<K, V>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        if READ_TABLES && nodes::COMPILED_IN && at.may_have_read_table() {
            match nodes::get(&at.open().nodes, at.hash(), key) {
                Looked::Found(found) => {
                    note(&at, Event::Hit);
                    // SAFETY: 1., 2. It is in there.
                    return Ok(Some(unsafe { found.wrap_hold(Hold::Node) }));
                }
                Looked::Absent => {
                    note(&at, Event::Miss);
                    return Ok(None);
                }
                Looked::Unsettled => {}
            }
        }
        // SAFETY: 1., 2. It is in there.
        Ok(find_locked(at, key)?.map(|found| unsafe { found.wrap_hold(Hold::Lock) }))
    }

    fn tend(section: &mut impl Inside<Locked<K, V>, Open<K, V>>) {
        if section.left().is_none()
            && let View::Nodes(mut above) = view::<K, V>(section)
        {
            <Nodes as Strategy<K, V>>::tend(&mut above);
        }
    }

    fn set_up(open: &Open<K, V>, options: &Options) -> Result<(), BuildError> {
        super::set_up::<K, V, READ_TABLES>(open, options)
    }

    fn note_read(open: &Open<K, V>, site: Site, met_nobody: bool) {
        if !met_nobody {
            // Before it found anything; most reads do find something.
            open.note(Event::Hit);
        }
        open.note_site(site);
    }

    fn recall(open: &Open<K, V>, hash: u64) -> Option<[u64; RECALLED]> {
        open.selector.recall(&open.study, hash)
    }

    fn note_lookups(open: &Open<K, V>, took: Duration, times: u32) {
        let took = open.note_time(Timed::Read, took, times);
        let nanos = took.as_nanos() as f64 / f64::from(times);
        open.selector.note_reads(&open.study, nanos);
    }

    fn note_visit(open: &Open<K, V>, site: Site, entries: usize, took: Duration) {
        open.note_visit(entries, took);
        open.note_site(site);
    }

    fn timed_meetings(open: &Open<K, V>) -> u32 {
        // Where something is tried, all samples are taken: there a wait is not to count for others.
        match open.selector.pace.get() {
            1 => 1,
            _ => TIMED_MEETINGS,
        }
    }

    fn note_contention(open: &Open<K, V>, times: u32, of: u32) {
        open.note_contention(times, of);
    }

    fn takes_sample(open: &Open<K, V>, drawn: u8) -> bool {
        open.selector.look_closer_if_late(&open.study);
        open.selector.pace.takes(drawn)
    }

    fn delay_sample(open: &Open<K, V>, drawn: u16) -> u8 {
        open.selector.look_closer_if_late(&open.study);
        open.study.delay_sample(&open.selector.pace, drawn)
    }

    fn note_write(section: &mut impl Inside<Locked<K, V>, Open<K, V>>, site: Site) {
        let (open, _) = section.parts();
        open.note(Event::Write);
        open.note_site(site);
    }

    fn is_turn(open: &Open<K, V>, site: Site) -> bool {
        open.selector.is_complete(&open.study, site.coverage) || has_left_over(open)
    }

    fn turn(open: &Open<K, V>, site: Site) {
        open.selector.turn(&open.study, site);
    }

    fn look_after(open: &Open<K, V>) {
        if has_left_over(open) {
            let are_others = open.selector.has_read_tables();
            drop(nodes::look_after(&open.nodes, are_others));
        }
    }

    fn is_due(open: &Open<K, V>) -> bool {
        open.study.is_leaving() || open.study.kind() != open.wanted()
    }

    fn change(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        hash: impl Fn(&K) -> u64,
    ) -> Option<<Locked<K, V> as Table>::Waste> {
        let wanted = section.parts().0.wanted();
        // The kind is in force as soon as readers can tell it, though entries may have yet to be moved back.
        let waste = step::<K, V>(section, wanted, hash);
        settle(section, Some(wanted));
        waste.map(Some)
    }

    fn next_due(open: &Open<K, V>) -> Option<u64> {
        open.selector.next_due()
    }

    fn went_by(open: &Open<K, V>, position: u64, coverage: Coverage, is_due: bool) {
        open.selector.went_by(position, coverage, is_due);
    }

    fn set_up_like(open: &Open<K, V>, other: &Open<K, V>) {
        open.selector.set_up_like(&other.selector);
        <Nodes as Strategy<K, V>>::set_up_like(&open.nodes, &other.nodes);
    }

    fn splits_for_contention(open: &Open<K, V>) -> bool {
        open.study.kind() != Kind::Lock
    }

    fn is_in_place(locked: &Locked<K, V>) -> bool {
        !locked.is_in_nodes()
    }

    #[inline(always)]
    fn locate<Q>(locked: &Locked<K, V>, hash: u64, key: &Q) -> Option<Slot>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        match locked.stored() {
            Stored::Inline(entries) => {
                <Inline as Strategy<K, V>>::locate(entries, hash, key).map(Slot)
            }
            Stored::Nodes(upper) => {
                <Nodes as Strategy<K, V>>::locate(upper.locked(), hash, key).map(Slot::of_nodes)
            }
        }
    }

    #[inline(always)]
    fn locate_mut<'x, Q>(
        section: &'x mut impl Inside<Locked<K, V>, Open<K, V>>,
        hash: u64,
        key: &Q,
    ) -> Option<(Slot, &'x mut (K, V))>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        let (slot, pair) = section.entries_mut().find_mut(hash, key)?;
        Some((Slot(slot), pair))
    }

    fn note_mutation<Q>(section: &mut impl Inside<Locked<K, V>, Open<K, V>>, hash: u64, key: &Q)
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        if !section.is_in_nodes() {
            noting(
                section,
                |section| section.holds(hash, key),
                |_, _| Event::Mutation,
            );
        }
    }

    #[inline(always)]
    fn remove_key<Q>(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        hash: u64,
        key: &Q,
    ) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => <Inline as Strategy<K, V>>::remove_key(&mut s, hash, key),
                None => in_nodes_here(section, |s| {
                    <Nodes as Strategy<K, V>>::remove_key(s, hash, key)
                }),
            },
            removal,
        )
    }

    #[inline]
    fn pair(locked: &Locked<K, V>, slot: Slot) -> &(K, V) {
        match locked.stored() {
            Stored::Inline(entries) => <Inline as Strategy<K, V>>::pair(entries, slot.0),
            Stored::Nodes(upper) => upper.pair(slot.in_nodes()),
        }
    }

    #[inline(always)]
    fn has_room(locked: &Locked<K, V>) -> bool {
        match locked.stored() {
            Stored::Inline(_) => locked.has_room_inline(),
            Stored::Nodes(upper) => upper.has_room(),
        }
    }

    #[inline(always)]
    fn has_room_in_place(locked: &Locked<K, V>) -> bool {
        locked.has_room_inline()
    }

    #[inline(always)]
    fn insert_new_in_place(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        hash: u64,
        key: K,
        value: V,
    ) -> Slot {
        noting(
            section,
            |section| {
                let mut s = inline(section);
                Slot(<Inline as Strategy<K, V>>::insert_new(
                    &mut s, hash, key, value,
                ))
            },
            |_, _| Event::Insert,
        )
    }

    #[inline(always)]
    fn remove_key_in_place<Q>(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        hash: u64,
        key: &Q,
    ) -> Option<(K, V)>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        noting(
            section,
            |section| <Inline as Strategy<K, V>>::remove_key(&mut inline(section), hash, key),
            removal,
        )
    }

    #[inline(always)]
    fn upsert(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        hash: u64,
        key: K,
        value: V,
    ) -> Option<(Option<K>, V)>
    where
        K: Eq,
    {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => <Inline as Strategy<K, V>>::upsert(&mut s, hash, key, value),
                None => in_nodes_here(section, |s| {
                    <Nodes as Strategy<K, V>>::upsert(s, hash, key, value)
                }),
            },
            |_, grew| if grew { Event::Insert } else { Event::Update },
        )
    }

    #[inline(always)]
    fn store(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        hash: u64,
        key: K,
        value: V,
    ) -> Option<(Option<K>, Option<V>)>
    where
        K: Eq,
    {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => <Inline as Strategy<K, V>>::store(&mut s, hash, key, value),
                None => in_nodes(section, |s| {
                    <Nodes as Strategy<K, V>>::store(s, hash, key, value)
                }),
            },
            |_, grew| if grew { Event::Insert } else { Event::Update },
        )
    }

    #[inline(always)]
    fn insert_new(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        hash: u64,
        key: K,
        value: V,
    ) -> Slot {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => Slot(<Inline as Strategy<K, V>>::insert_new(
                    &mut s, hash, key, value,
                )),
                None => in_nodes(section, |s| {
                    Slot::of_nodes(<Nodes as Strategy<K, V>>::insert_new(s, hash, key, value))
                }),
            },
            |_, _| Event::Insert,
        )
    }

    #[inline(always)]
    fn replace(section: &mut impl Inside<Locked<K, V>, Open<K, V>>, slot: Slot, value: V) -> V {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => <Inline as Strategy<K, V>>::replace(&mut s, slot.0, value),
                None => in_nodes(section, |s| {
                    <Nodes as Strategy<K, V>>::replace(s, slot.in_nodes(), value)
                }),
            },
            |_, _| Event::Update,
        )
    }

    fn replace_pair(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        slot: Slot,
        key: K,
        value: V,
    ) -> (K, V) {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => <Inline as Strategy<K, V>>::replace_pair(&mut s, slot.0, key, value),
                None => in_nodes(section, |s| {
                    let slot = slot.in_nodes();
                    <Nodes as Strategy<K, V>>::replace_pair(s, slot, key, value)
                }),
            },
            |_, _| Event::Update,
        )
    }

    #[inline(always)]
    fn remove(section: &mut impl Inside<Locked<K, V>, Open<K, V>>, slot: Slot) -> (K, V) {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => <Inline as Strategy<K, V>>::remove(&mut s, slot.0),
                None => in_nodes(section, |s| {
                    <Nodes as Strategy<K, V>>::remove(s, slot.in_nodes())
                }),
            },
            |_, _| Event::Remove,
        )
    }

    #[inline(always)]
    fn delete(section: &mut impl Inside<Locked<K, V>, Open<K, V>>, slot: Slot) -> Option<(K, V)> {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => <Inline as Strategy<K, V>>::delete(&mut s, slot.0),
                None => in_nodes(section, |s| {
                    <Nodes as Strategy<K, V>>::delete(s, slot.in_nodes())
                }),
            },
            |_, _| Event::Remove,
        )
    }

    #[inline]
    fn edit<'x>(
        section: &'x mut impl Inside<Locked<K, V>, Open<K, V>>,
        slot: Slot,
        edit: &'x mut nodes::Edit<K, V>,
    ) -> &'x mut (K, V) {
        // The first time.
        if section.is_sample() && nodes::is_untouched(edit) {
            section.parts().0.note(Event::Mutation);
        }
        let (open, locked) = section.parts();
        match locked.stored() {
            Stored::Inline(_) => locked.entries_mut().at_mut(slot.0),
            Stored::Nodes(upper) => upper.edit(&open.nodes, slot.in_nodes(), edit),
        }
    }

    fn draft<'x>(
        locked: &Locked<K, V>,
        slot: Slot,
        edit: &'x mut nodes::Edit<K, V>,
    ) -> &'x mut (K, V) {
        match locked.stored() {
            Stored::Inline(_) => unreachable!("asked only where entries are not changed in place"),
            Stored::Nodes(upper) => {
                <Nodes as Strategy<K, V>>::draft(upper.locked(), slot.in_nodes(), edit)
            }
        }
    }

    #[inline]
    fn finish(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        slot: Slot,
        edit: nodes::Edit<K, V>,
    ) {
        if section.is_in_nodes() {
            noting(
                section,
                |section| {
                    in_nodes(section, |s| {
                        <Nodes as Strategy<K, V>>::finish(s, slot.in_nodes(), edit);
                    });
                },
                |(), _| Event::Nothing,
            );
        }
    }

    fn alter(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        slot: Slot,
        f: impl FnOnce(K, V) -> (K, V),
    ) -> Option<(K, V)> {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => <Inline as Strategy<K, V>>::alter(&mut s, slot.0, f),
                None => in_nodes(section, |s| {
                    <Nodes as Strategy<K, V>>::alter(s, slot.in_nodes(), f)
                }),
            },
            |_, _| Event::Mutation,
        )
    }

    fn remove_edited(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        slot: Slot,
        edit: nodes::Edit<K, V>,
    ) -> (K, V) {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => <Inline as Strategy<K, V>>::remove(&mut s, slot.0),
                None => in_nodes(section, |s| {
                    let slot = slot.in_nodes();
                    <Nodes as Strategy<K, V>>::remove_edited(s, slot, edit)
                }),
            },
            |_, _| Event::Remove,
        )
    }

    fn replace_edited(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        slot: Slot,
        edit: nodes::Edit<K, V>,
        key: K,
        value: V,
    ) -> (K, V) {
        noting(
            section,
            |section| match within_entries(section) {
                Some(mut s) => <Inline as Strategy<K, V>>::replace_pair(&mut s, slot.0, key, value),
                None => in_nodes(section, |s| {
                    let slot = slot.in_nodes();
                    <Nodes as Strategy<K, V>>::replace_edited(s, slot, edit, key, value)
                }),
            },
            |_, _| Event::Update,
        )
    }

    fn downgrade<'a>(section: Section<'a, K, V, Self>, slot: Slot) -> Held<'a, (K, V), Hold<K, V>> {
        match section.stored() {
            Stored::Nodes(upper) if section.left().is_none() => {
                // SAFETY: `hold`: 1. The shard is locked; `'a` is a borrow of its map. `wrap_hold`: 1., 2. It is in there.
                let found =
                    unsafe { nodes::hold(upper.locked(), slot.in_nodes()).wrap_hold(Hold::Node) };
                // Here and not at the end: should something that was removed earlier panic in its Drop, the hold is not leaked.
                drop(section);
                found
            }
            _ => {
                let found = Held::find(section.downgrade(), |shard| {
                    Some(<Self as Strategy<K, V>>::pair(shard, slot))
                });
                let found = found.expect("a slot stays occupied while its shard is locked");
                // SAFETY: 1., 2. It is in there.
                unsafe { found.wrap_hold(Hold::Lock) }
            }
        }
    }

    fn capacity(locked: &Locked<K, V>) -> usize {
        match locked.stored() {
            Stored::Inline(entries) => <Inline as Strategy<K, V>>::capacity(entries),
            Stored::Nodes(upper) => <Nodes as Strategy<K, V>>::capacity(upper.locked()),
        }
    }

    fn resize(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        capacity: usize,
        hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        match view::<K, V>(section) {
            View::Inline(mut s) => <Inline as Strategy<K, V>>::resize(&mut s, capacity, hash),
            View::Nodes(mut s) => <Nodes as Strategy<K, V>>::resize(&mut s, capacity, hash),
        }
    }

    fn divide(
        from: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        into: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        hash: impl Fn(&K) -> u64,
        chosen: impl Fn(u64) -> bool,
    ) -> Result<(), TryReserveError> {
        structure::divide(from, into, hash, chosen)
    }

    fn absorb(
        into: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        from: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        hash: impl Fn(&K) -> u64,
    ) -> Result<(), TryReserveError> {
        structure::absorb(into, from, hash)
    }

    fn clone_shard(
        open: &Open<K, V>,
        locked: &Locked<K, V>,
        into: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    ) {
        if locked.is_in_nodes() {
            into.empty_nodes();
        }
        match (locked.stored(), view::<K, V>(into)) {
            (Stored::Inline(entries), View::Inline(mut into)) => {
                <Inline as Strategy<K, V>>::clone_shard(&(), entries, &mut into);
            }
            (Stored::Nodes(upper), View::Nodes(mut into)) => {
                <Nodes as Strategy<K, V>>::clone_shard(&open.nodes, upper.locked(), &mut into);
            }
            _ => unreachable!("both are in nodes if the one that is cloned is"),
        }
        if locked.left().is_some()
            && let View::Nodes(mut above) = view::<K, V>(into)
        {
            // They shall be moved back there, too, and nobody has seen any.
            let moment = nodes::conceal(&mut above).ok();
            into.set_left(moment);
        }
        let wanted = into.parts().0.wanted();
        settle(into, Some(wanted));
    }

    fn take(section: &mut impl Inside<Locked<K, V>, Open<K, V>>) -> Locked<K, V> {
        match view::<K, V>(section) {
            View::Inline(mut s) => Locked::of(<Inline as Strategy<K, V>>::take(&mut s)),
            View::Nodes(mut s) => {
                // Nothing is handed out: readers may still see it.
                drop(<Nodes as Strategy<K, V>>::take(&mut s));
                Locked::default()
            }
        }
    }

    fn retain(
        section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
        keep: impl FnMut(&K, &mut V) -> bool,
        removed: &mut Vec<(K, V)>,
    ) {
        match view::<K, V>(section) {
            View::Inline(mut s) => <Inline as Strategy<K, V>>::retain(&mut s, keep, removed),
            View::Nodes(mut s) => <Nodes as Strategy<K, V>>::retain(&mut s, keep, removed),
        }
    }

    fn iter<'a>(locked: &'a Locked<K, V>) -> Iter<'a, K, V>
    where
        Self: 'a,
        K: 'a,
        V: 'a,
    {
        match locked.stored() {
            Stored::Inline(entries) => Iter::Inline(<Inline as Strategy<K, V>>::iter(entries)),
            Stored::Nodes(upper) => Iter::Nodes(<Nodes as Strategy<K, V>>::iter(upper.locked())),
        }
    }

    fn iter_mut<'a>(locked: &'a mut Locked<K, V>) -> impl Iterator<Item = &'a mut (K, V)>
    where
        K: 'a,
        V: 'a,
    {
        debug_assert!(
            !locked.is_in_nodes(),
            "asked only where entries are changed in place"
        );
        <Inline as Strategy<K, V>>::iter_mut(locked.entries_mut())
    }

    fn slots(locked: &Locked<K, V>) -> impl Iterator<Item = Slot> {
        let (inline, above) = match locked.stored() {
            Stored::Inline(entries) => (
                Some(<Inline as Strategy<K, V>>::slots(entries).map(Slot)),
                None,
            ),
            Stored::Nodes(upper) => (
                None,
                Some(<Nodes as Strategy<K, V>>::slots(upper.locked()).map(Slot::of_nodes)),
            ),
        };
        inline
            .into_iter()
            .flatten()
            .chain(above.into_iter().flatten())
    }

    fn visit<'a>(
        at: AtShard<'a, K, V>,
        span: Span,
    ) -> Result<(Anchored<'a, Self::Visit>, Option<u64>), Refused> {
        walks::visit(at, span)
    }

    #[inline]
    fn visited<'a>(
        visit: &mut Anchored<'a, Self::Visit>,
        hash: impl Fn(&K) -> u64,
    ) -> Found<'a, K, V, Hold<K, V>> {
        // SAFETY: `get_mut`: 1. Nothing is put in its place. 2. What is taken out is anchored again. `next_for`: 1. It is
        // anchored in `'a`. `wrap_hold`: 1., 2. It is in there.
        unsafe {
            match visit.get_mut() {
                Visit::Locked(visit) => Some(visit.next_for(hash)?.wrap_hold(Hold::Lock)),
                Visit::Nodes(visit) => Some(visit.next_for()?.wrap_hold(Hold::Node)),
            }
        }
    }

    fn for_each<B>(
        at: AtShard<'_, K, V>,
        span: Span,
        hash: impl Fn(&K) -> u64,
        f: impl FnMut(&K, &V) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B, Option<u64>>, Refused> {
        walks::for_each::<_, _, _, READ_TABLES>(at, span, hash, f)
    }

    fn into_iter(locked: Locked<K, V>) -> IntoIter<K, V> {
        match locked.into_parts() {
            (entries, None) => IntoIter::Inline(<Inline as Strategy<K, V>>::into_iter(entries)),
            (_, Some(nodes)) => IntoIter::Nodes(<Nodes as Strategy<K, V>>::into_iter(nodes)),
        }
    }
}

impl<K: Clone, V: Clone, const READ_TABLES: bool> Observed<K, V> for Adaptive<READ_TABLES> {
    type Stats = Stats;

    fn observe(stats: &mut Stats, open: &Open<K, V>, locked: &Locked<K, V>) {
        stats.add(open, locked);
    }
}
