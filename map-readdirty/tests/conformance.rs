//! What every map of the family does, done by this one: as it comes, under the other promotion policies, and
//! with shards so small that they split and merge all the time.

use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use map_core::conformance::maker::Maker;
use map_core::{Map, Strategy};
use map_readdirty::ReadDirty;
use map_readdirty::promotion::{Amortized, Fill, Plain, Promotion};

/// Maps with a policy, as they come.
struct Under<P>(PhantomData<fn() -> P>);

/// The same, with tiny shards.
struct Tiny<P>(PhantomData<fn() -> P>);

macro_rules! maker {
    ($name:ident, $builder:ident => $configured:expr) => {
        impl<P> Clone for $name<P> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<P> Copy for $name<P> {}

        impl<P: Promotion> Maker for $name<P> {
            type Strategy = ReadDirty<P>;

            fn make<K, V, S>(self, hasher: S) -> Map<K, V, ReadDirty<P>, S>
            where
                K: Eq + Hash,
                ReadDirty<P>: Strategy<K, V>,
                S: BuildHasher,
            {
                let $builder = Map::<K, V, ReadDirty<P>>::builder().hasher(hasher);
                $configured.build().expect("the configuration is sound")
            }
        }
    };
}

maker!(Under, builder => builder);
maker!(Tiny, builder => builder.shard_limit(14));

map_core::conformance_suite!(as_it_comes, Under::<Fill>(PhantomData));
map_core::conformance_suite!(tiny_shards, Tiny::<Fill>(PhantomData));
map_core::conformance_suite!(amortized, Tiny::<Amortized>(PhantomData));
map_core::conformance_suite!(plain, Under::<Plain>(PhantomData));
