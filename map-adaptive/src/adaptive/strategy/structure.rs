//! Shards that are divided and joined: they become alike first.

use map_core::TryReserveError;
use map_core::strategy::{Inside, Strategy};

use crate::adaptive::nodes::{self, Nodes};
use crate::adaptive::shard::{Both, Inline, Locked, Open, View, settle, view, view_both};

/// [`Strategy::divide`].
pub(super) fn divide<K: Clone, V: Clone>(
    from: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    into: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    hash: impl Fn(&K) -> u64,
    chosen: impl Fn(u64) -> bool,
) -> Result<(), TryReserveError> {
    let left = from.left();
    // It covers nothing: whatever it was before.
    **into = Locked::default();
    let divided = view_both(from, into, &hash).and_then(|both| match both {
        Both::Inline(mut from, mut into) => {
            <Inline as Strategy<K, V>>::divide(&mut from, &mut into, &hash, chosen)
        }
        Both::Nodes(mut from, mut into) => {
            <Nodes as Strategy<K, V>>::divide(&mut from, &mut into, &hash, chosen)
        }
    });
    if divided.is_ok() {
        // The entries of both were here when readers were shut out.
        into.set_left(left);
        into.parts().0.inherit(from.parts().0);
    } else {
        **into = Locked::default();
    }
    settle(from, None);
    settle(into, None);
    divided
}

/// [`Strategy::absorb`].
pub(super) fn absorb<K: Clone, V: Clone>(
    into: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    from: &mut impl Inside<Locked<K, V>, Open<K, V>>,
    hash: impl Fn(&K) -> u64,
) -> Result<(), TryReserveError> {
    let left = from.left();
    let is_fresh = into.coverage().is_nothing();
    if is_fresh {
        **into = Locked::default();
        if from.is_in_nodes() {
            // Nothing of the user's is hashed for that.
            into.empty_nodes();
        }
    }
    let were_left = (into.left().is_some(), left.is_some());
    let absorbed = view_both(into, from, &hash).and_then(|both| match both {
        Both::Inline(mut into, mut from) => {
            <Inline as Strategy<K, V>>::absorb(&mut into, &mut from, &hash)
        }
        Both::Nodes(mut into, mut from) => {
            <Nodes as Strategy<K, V>>::absorb(&mut into, &mut from, &hash)
        }
    });
    if absorbed.is_ok() {
        if is_fresh {
            into.set_left(left);
            into.parts().0.inherit(from.parts().0);
        } else {
            into.parts().0.study.begin_epoch();
            let moment = match were_left {
                // Readers have been shut out of both, and this is after both moments.
                (true, true) => match view::<K, V>(into) {
                    View::Nodes(mut above) => nodes::conceal(&mut above).ok(),
                    View::Inline(_) => None,
                },
                _ => None,
            };
            into.set_left(moment);
        }
        from.parts().0.study.begin_epoch();
        // Not left with anything: it goes out of use.
        **from = Locked::default();
    }
    settle(from, None);
    settle(into, None);
    absorbed
}
