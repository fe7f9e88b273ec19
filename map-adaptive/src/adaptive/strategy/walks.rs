//! Walks over a shard.

use std::ops::ControlFlow;

use map_core::strategy::{Anchored, LockedVisit, Refused, Span, Strategy, position};

use super::AtShard;
use super::forms::Visit;
use crate::adaptive::nodes::{self, Nodes};
use crate::adaptive::shard::{Inline, Locked, Stored};

/// [`Strategy::visit`].
#[expect(
    clippy::type_complexity,
    reason = "an alias would hide what is kept alive"
)]
pub(super) fn visit<'a, K: Clone, V: Clone, const READ_TABLES: bool>(
    at: AtShard<'a, K, V>,
    span: Span,
) -> Result<(Anchored<'a, Visit<K, V, READ_TABLES>>, Option<u64>), Refused> {
    if READ_TABLES
        && nodes::COMPILED_IN
        && at.may_have_read_table()
        && nodes::is_published(&at.open().nodes)
        && let Some((visit, next)) = nodes::visit(&at.open().nodes, at.hash(), span)
    {
        // SAFETY: 1., 2. It is in there.
        return Ok((unsafe { visit.map(Visit::Nodes) }, next));
    }
    let shard = at.lock_shared()?;
    if let Some(visit) = Locked::visit_nodes(&shard, span) {
        // SAFETY: 1., 2. It is in there.
        let visit = unsafe { visit.map(Visit::Nodes) };
        return Ok((visit, shard.coverage().end()));
    }
    let (visit, next) = LockedVisit::over(shard, span);
    // SAFETY: 1., 2. It is in there.
    Ok((unsafe { visit.map(Visit::Locked) }, next))
}

/// [`Strategy::for_each`].
pub(super) fn for_each<K: Clone, V: Clone, B, const READ_TABLES: bool>(
    at: AtShard<'_, K, V>,
    span: Span,
    hash: impl Fn(&K) -> u64,
    mut f: impl FnMut(&K, &V) -> ControlFlow<B>,
) -> Result<ControlFlow<B, Option<u64>>, Refused> {
    if READ_TABLES
        && nodes::COMPILED_IN
        && at.may_have_read_table()
        && nodes::is_published(&at.open().nodes)
        && let Some((mut visit, next)) = nodes::visit(&at.open().nodes, at.hash(), span)
    {
        while let Some(held) = nodes::Visit::next(&mut visit) {
            let (key, value) = held.get();
            if let ControlFlow::Break(broken) = f(key, value) {
                return Ok(ControlFlow::Break(broken));
            }
        }
        return Ok(ControlFlow::Continue(next));
    }
    let shard = at.lock_shared()?;
    let coverage = shard.coverage();
    if let Some(mut visit) = Locked::visit_nodes(&shard, span) {
        drop(shard);
        while let Some(held) = nodes::Visit::next(&mut visit) {
            let (key, value) = held.get();
            if let ControlFlow::Break(broken) = f(key, value) {
                return Ok(ControlFlow::Break(broken));
            }
        }
        return Ok(ControlFlow::Continue(coverage.end()));
    }
    let all = span.contains_all(coverage);
    let is_in = |key: &K| all || span.contains(position(hash(key)));
    // Each by an iterator of its own: one that is either asks at each entry which.
    let went = match shard.stored() {
        Stored::Inline(entries) => go_over(<Inline as Strategy<K, V>>::iter(entries), is_in, f),
        Stored::Nodes(upper) => go_over(<Nodes as Strategy<K, V>>::iter(upper.locked()), is_in, f),
    };
    Ok(match went {
        ControlFlow::Break(broken) => ControlFlow::Break(broken),
        ControlFlow::Continue(()) => ControlFlow::Continue(coverage.end()),
    })
}

#[inline(always)]
fn go_over<'x, K: 'x, V: 'x, B>(
    entries: impl Iterator<Item = &'x (K, V)>,
    is_in: impl Fn(&K) -> bool,
    mut f: impl FnMut(&K, &V) -> ControlFlow<B>,
) -> ControlFlow<B> {
    for (key, value) in entries {
        if is_in(key) {
            f(key, value)?;
        }
    }
    ControlFlow::Continue(())
}
