//! The suite that every map of the family passes.
//!
//! A crate implements [`Maker`](maker::Maker) for its map and calls
//! [`conformance_suite!`](crate::conformance_suite), which makes a test of each behaviour and each
//! kind of hasher. All are in the list in [`suite`]; here is what they ask for:
//!
//! | behaviours | what must hold |
//! |---|---|
//! | [`single`], [`entries`], [`whole`] | every operation, on what is there and what is not |
//! | [`changes`], [`views`] | values changed by `alter` and by guards on all entries; maps that are only read; sets |
//! | [`sequences`] | random operations do what they do to a reference map; keys and values of all shapes |
//! | [`races`], [`walks`] | each race has as many winners as it should; walks see what they must while others write |
//! | [`histories`] | what threads see of a few keys is linearizable while the map grows |
//! | [`drops`], [`panics`], [`hostile`] | every instance is dropped once, whatever fails, or lies, in the user's code |
//! | [`nesting`] | calls within calls, guards held meanwhile |
//! | [`in_place`] | what only maps can do that never clone |
//!
//! What they are made of:
//!
//! - [`history`] records what threads asked of a map and what they were answered; [`workload`]
//!   makes such histories; [`linearizability`] says whether a map whose operations are atomic
//!   could have answered so.
//! - [`model`] runs random operations against a reference map, one after another, and shrinks
//!   what fails; [`operations`] are those that every map has; [`guards`] are the same by other
//!   means; [`exercise`] is any operation on keys and values of a nasty kind.
//! - [`samples`] are keys and values of many shapes; [`tracked`] are some that are accounted for.
//! - [`hashers`] are a good hasher and hostile ones, each of which counts its calls.
//! - [`threads`] begin together; [`watchdog`] turns a hang into a failure; [`seeds`] make it all
//!   replayable.
//!
//! Everything random has a seed. By default the seeds are always the same; the environment changes
//! that:
//!
//! | variable | meaning |
//! |---|---|
//! | `CONFORMANCE_SEED=17` | run only the case of this seed: how a reported failure is replayed |
//! | `CONFORMANCE_CASES=5000` | run that many seeds instead of the few that fit a quick run |
//!
//! This stands for all of the behaviours:
//!
//! ```
//! use std::hash::{BuildHasher, Hash};
//!
//! use map_core::conformance::hashers::Kind;
//! use map_core::conformance::maker::{Maker, run};
//! use map_core::{Map, Strategy};
//! use map_sharded::Sharded;
//!
//! #[derive(Clone, Copy)]
//! struct TinyShards;
//!
//! impl Maker for TinyShards {
//!     type Strategy = Sharded;
//!
//!     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>
//!     where
//!         Sharded: Strategy<K, V>,
//!     {
//!         let builder = Map::<K, V, Sharded>::builder().hasher(hasher);
//!         builder.shard_limit(14).build().expect("14 is not 0")
//!     }
//! }
//!
//! // In a test of a crate: each behaviour with each kind of hasher.
//! map_core::conformance_suite!(tiny_shards, TinyShards);
//!
//! fn main() {
//!     // One of them by itself.
//!     run(TinyShards, Kind::LowBits, map_core::conformance::single::insert);
//! }
//! ```

/// The example of a behaviour: each is a function of what makes maps.
macro_rules! behaviour {
    ($behaviour:literal) => {
        concat!(
            "\nPanics if that does not hold.\n",
            "\n```no_run\n",
            "# use std::hash::{BuildHasher, Hash};\n",
            "#\n",
            "# use map_core::conformance::hashers::Kind;\n",
            "# use map_core::conformance::maker::{Maker, run};\n",
            "# use map_core::{Map, Strategy};\n",
            "# use map_sharded::Sharded;\n",
            "#\n",
            "# #[derive(Clone, Copy)]\n",
            "# struct ShardedMaps;\n",
            "#\n",
            "# impl Maker for ShardedMaps {\n",
            "#     type Strategy = Sharded;\n",
            "#     fn make<K: Eq + Hash, V, S: BuildHasher>(self, hasher: S) -> Map<K, V, Sharded, S>\n",
            "#     where\n",
            "#         Sharded: Strategy<K, V>,\n",
            "#     {\n",
            "#         Map::with_hasher(hasher)\n",
            "#     }\n",
            "# }\n",
            "run(ShardedMaps, Kind::Good, map_core::conformance::", $behaviour, ");\n",
            "```",
        )
    };
}

pub mod announcements;
pub mod changes;
pub mod drops;
pub mod entries;
pub mod exercise;
pub mod guards;
pub mod hashers;
pub mod histories;
pub mod history;
pub mod hostile;
pub mod in_place;
pub mod linearizability;
pub mod maker;
pub mod model;
pub mod nesting;
pub mod operations;
pub mod panics;
pub mod races;
pub mod samples;
pub mod seeds;
pub mod sequences;
pub mod single;
pub mod suite;
pub mod threads;
pub mod tracked;
pub mod views;
pub mod walks;
pub mod watchdog;
pub mod whole;
pub mod workload;
