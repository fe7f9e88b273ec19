//! Sessions: a pin kept over many reads.

use std::hash::Hash;

use map_core::Equivalent;
use map_core::strategy::{Held, Refused, Sessions};

use super::AtShard;
use super::forms::Hold;
use super::lookup::{find_locked, note};
use crate::adaptive::Adaptive;
use crate::adaptive::nodes::{self, Looked};
use crate::adaptive::shard::Open;
use crate::adaptive::study::Event;

impl<K: Clone, V: Clone, const READ_TABLES: bool> Sessions<K, V> for Adaptive<READ_TABLES> {
    type Pin = nodes::SessionPin;
    type Entry<'p>
        = map_core::mapref::one::Ref<'p, K, V, Self>
    where
        K: 'p,
        V: 'p;
    type Value<'p>
        = map_core::mapref::one::Ref<'p, K, V, Self>
    where
        K: 'p,
        V: 'p;

    #[inline]
    fn pin(open: &Open<K, V>) -> nodes::SessionPin {
        nodes::open_session(&open.nodes)
    }

    fn repin(pin: &mut nodes::SessionPin) {
        nodes::repin_session(pin);
    }

    #[inline(always)]
    unsafe fn peek_pinned<'p, Q>(
        at: AtShard<'p, K, V>,
        key: &Q,
        pin: &'p nodes::SessionPin,
    ) -> Result<Option<Self::Entry<'p>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>,
    {
        if READ_TABLES && nodes::COMPILED_IN && at.may_have_read_table() {
            // SAFETY: 1. Promised to us.
            match unsafe { nodes::peek_pinned(&at.open().nodes, at.hash(), key, pin) } {
                Looked::Found(pair) => {
                    note(&at, Event::Hit);
                    // SAFETY: 1., 2. It is alive as long as the session is pinned, wherever the reference goes. 3. It holds nothing.
                    let found = unsafe { Held::from_raw(pair.into(), Hold::Session) };
                    return Ok(Some(found.into()));
                }
                Looked::Absent => {
                    note(&at, Event::Miss);
                    return Ok(None);
                }
                Looked::Unsettled => {}
            }
        }
        // SAFETY: 1., 2. It is in there.
        let found = find_locked(at, key)?.map(|found| unsafe { found.wrap_hold(Hold::Lock) });
        Ok(found.map(Into::into))
    }

    #[inline(always)]
    fn value<'p>(entry: Self::Entry<'p>) -> Self::Value<'p>
    where
        K: 'p,
        V: 'p,
    {
        entry
    }
}
