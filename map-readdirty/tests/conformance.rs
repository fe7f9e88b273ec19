//! What every map of the family does, done by this one: as it comes, under the other promotion policies, and
//! with shards so small that they split and merge all the time.

use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use map_core::conformance::maker::Maker;
use map_core::{Map, Strategy};
use map_readdirty::ReadDirty;
use map_readdirty::promotion::{Amortized, Fill, Plain, Promotion};

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
            builder.shard_limit(14)
        } else {
            builder
        };
        builder.build().expect("14 is not 0")
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
map_core::conformance_suite!(amortized, tiny::<Amortized>());
map_core::conformance_suite!(plain, as_it_comes::<Plain>());
