//! What threads see of a few keys has an explanation, while the map grows under them.

use super::guards::Guards;
use super::history::Event;
use super::linearizability::check;
use super::maker::{Maker, MapOf, Rig};
use super::seeds::each_seed;
use super::workload::{Plan, record};
use crate::Strategy;

/// Checks histories of this size, with more and more filler, recorded on new maps.
fn linearizable<M>(
    rig: &Rig<M>,
    cases: usize,
    plan: Plan,
    record: impl Fn(&MapOf<M, u64, u64>, &Plan) -> Vec<Event>,
) where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    each_seed(cases as u64, |seed| {
        let filler = if rig.slowdown() == 1 {
            seed % 8
        } else {
            seed % 2
        };
        let history = record(
            &rig.map(),
            &Plan {
                seed,
                filler,
                ..plan
            },
        );
        if let Err(violation) = check(&history) {
            panic!("{violation}");
        }
    });
}

/// Long histories: maps grow, shards split because of their size and because they are fought over.
const LONG: Plan = Plan {
    threads: 4,
    operations: 600,
    hot_keys: 4,
    filler: 0,
    seed: 0,
};

/// Short ones, in which the first things happen that happen to a map.
const SHORT: Plan = Plan {
    threads: 3,
    operations: 8,
    hot_keys: 1,
    filler: 0,
    seed: 0,
};

/// Operations that take closures and values.
#[doc = behaviour!("histories::operations")]
pub fn operations<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    linearizable(rig, 48, LONG, record);
    linearizable(rig, 600, SHORT, record);
}

/// Guards and entries.
#[doc = behaviour!("histories::guards")]
pub fn guards<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
    MapOf<M, u64, u64>: Sync,
{
    linearizable(rig, 48, LONG, |map, plan| record(&Guards(map), plan));
    linearizable(rig, 600, SHORT, |map, plan| record(&Guards(map), plan));
}
