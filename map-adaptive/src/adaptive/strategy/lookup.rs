//! Reads of one entry under the lock, and what samples of reads note.

use std::hash::Hash;

use map_core::Equivalent;
use map_core::strategy::{Held, Refused, Shared};

use super::{AtShard, Found, Lock};
use crate::adaptive::shard::{Locked, Open};
use crate::adaptive::study::Event;

/// Notes what an operation that is a sample has done.
#[inline(always)]
pub(super) fn note<K, V>(at: &AtShard<'_, K, V>, event: Event) {
    if at.is_sample() {
        at.open().note(event);
    }
}

/// The same of a lookup.
#[inline(always)]
fn note_found<K, V>(at: &AtShard<'_, K, V>, found: bool) {
    note(at, if found { Event::Hit } else { Event::Miss });
}

/// Finds an entry under the lock.
#[inline(always)]
pub(super) fn find_locked<'a, K: Clone, V: Clone, Q>(
    at: AtShard<'a, K, V>,
    key: &Q,
) -> Result<Found<'a, K, V, Lock<K, V>>, Refused>
where
    Q: ?Sized + Hash + Equivalent<K>,
{
    let mut in_nodes = false;
    let found = at.find(|shard| {
        let found = shard.find_inline(at.hash(), key);
        in_nodes = found.is_err();
        found
    });
    if in_nodes {
        let shard = at.lock_shared()?;
        return find_in_nodes(at, key, shard);
    }
    let found = found?;
    note_found(&at, found.is_some());
    Ok(found)
}

#[cold]
#[inline(never)]
fn find_in_nodes<'a, K: Clone, V: Clone, Q>(
    at: AtShard<'a, K, V>,
    key: &Q,
    mut shard: Shared<'a, Locked<K, V>, Open<K, V>>,
) -> Result<Found<'a, K, V, Lock<K, V>>, Refused>
where
    Q: ?Sized + Hash + Equivalent<K>,
{
    note(&at, Event::Unsettled);
    if shard.wants_promotion() {
        drop(shard);
        at.ask_to_tend()?;
        // It could not be had.
        shard = at.lock_shared()?;
    }
    let found = Held::find(shard, |shard| shard.find(at.hash(), key));
    note_found(&at, found.is_some());
    Ok(found)
}
