//! What every map of the family does, done by this one: as it comes, under policies that promote dirty tables, and
//! with shards so small that they split and merge all the time.

use std::cell::Cell;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use map_core::conformance::maker::Maker;
use map_core::{Map, Strategy};
use map_readdirty::ReadDirty;
use map_readdirty::promotion::{Amortized, Fill, Plain, Promotion, Standing};

/// Goes by the one rule and by the other, in turns: what either promotes when, the suite is compiled for both at once.
struct InTurns;

impl Promotion for InTurns {
    const FILLS: bool = false;

    fn is_due(shard: Standing) -> bool {
        thread_local! {
            static PLAIN: Cell<bool> = const { Cell::new(false) };
        }
        if PLAIN.replace(!PLAIN.get()) {
            Plain::is_due(shard)
        } else {
            Amortized::is_due(shard)
        }
    }
}

const _: () = assert!(!Plain::FILLS && !Amortized::FILLS);

/// Maps with a policy. Of one type, whether as they come or with tiny shards: so that the suite is compiled once for it.
struct Under<P> {
    tiny: bool,
    policy: PhantomData<fn() -> P>,
}

impl<P> Clone for Under<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Under<P> {}

impl<P: Promotion> Maker for Under<P> {
    type Strategy = ReadDirty<P>;

    fn make<K, V, S>(self, hasher: S) -> Map<K, V, ReadDirty<P>, S>
    where
        K: Eq + Hash,
        ReadDirty<P>: Strategy<K, V>,
        S: BuildHasher,
    {
        let builder = Map::<K, V, ReadDirty<P>>::builder().hasher(hasher);
        let builder = if self.tiny {
            // Two lines of a table: the entries of one hash, of which the suite has eight or nine, find room in one shard, and do
            // not have it split over and over.
            builder.shard_limit(10)
        } else {
            builder
        };
        builder.build().expect("10 is not 0")
    }
}

const fn as_it_comes<P>() -> Under<P> {
    Under {
        tiny: false,
        policy: PhantomData,
    }
}

const fn tiny<P>() -> Under<P> {
    Under {
        tiny: true,
        policy: PhantomData,
    }
}

map_core::conformance_suite!(as_it_comes, as_it_comes::<Fill>());
map_core::conformance_suite!(tiny_shards, tiny::<Fill>());
map_core::conformance_suite!(promoting, as_it_comes::<InTurns>());
map_core::conformance_suite!(promoting_tiny_shards, tiny::<InTurns>());
