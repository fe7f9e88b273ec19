//! Writes to one entry, and what samples of writes note.

use std::time::Instant;

use map_core::strategy::{Inside, Table, Within};

use crate::adaptive::nodes;
use crate::adaptive::shard::{Locked, Open, View, view};
use crate::adaptive::study::{Event, Timed};

/// Runs a part of a write; if it is a sample, notes what it did and how long it took.
#[inline(always)]
pub(super) fn noting<K, V, I, R>(
    section: &mut I,
    write: impl FnOnce(&mut I) -> R,
    event: impl FnOnce(&R, Growth) -> Event,
) -> R
where
    I: Inside<Locked<K, V>, Open<K, V>>,
{
    // Not the one here and the other there, each with the write in it: that would be too large to be compiled into its caller.
    let begun = if section.is_sample() {
        begin(section)
    } else {
        None
    };
    let done = write(section);
    if let Some(begun) = begun {
        end(section, begun, |growth| event(&done, growth));
    }
    done
}

/// What a write was that has removed an entry, if there was one.
pub(super) fn removal<T>(removed: &Option<T>, _: Growth) -> Event {
    match removed {
        Some(_) => Event::Remove,
        None => Event::Nothing,
    }
}

/// Whether a shard has more entries than before.
type Growth = bool;

/// When a write began, and how many entries there were.
type Begun = (Instant, usize);

#[cold]
#[inline(never)]
fn begin<K, V>(section: &impl Inside<Locked<K, V>, Open<K, V>>) -> Option<Begun> {
    let len = section.len();
    Some((Instant::now(), len))
}

#[cold]
#[inline(never)]
fn end<K, V>(
    section: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    (start, len): Begun,
    event: impl FnOnce(Growth) -> Event,
) {
    let took = start.elapsed();
    let event = event(section.len() > len);
    let (open, _) = section.parts();
    open.note(event);
    open.note_time(Timed::Write, took, 1);
}

/// The part of a write that is done to a shard of nodes, as a function of its own.
#[inline(never)]
pub(super) fn in_nodes<K, V, I, R>(
    section: &mut I,
    write: impl FnOnce(&mut Within<'_, nodes::Locked<K, V>, nodes::Open<K, V>>) -> R,
) -> R
where
    I: Inside<Locked<K, V>, Open<K, V>>,
{
    in_nodes_here(section, write)
}

/// The same where the front has a function of its own for what is not changed in place.
#[inline(always)]
pub(super) fn in_nodes_here<K, V, I, R>(
    section: &mut I,
    write: impl FnOnce(&mut Within<'_, nodes::Locked<K, V>, nodes::Open<K, V>>) -> R,
) -> R
where
    I: Inside<Locked<K, V>, Open<K, V>>,
{
    match view::<K, V>(section) {
        View::Nodes(mut above) => write(&mut above),
        View::Inline(_) => unreachable!("it was seen that it is in nodes"),
    }
}
