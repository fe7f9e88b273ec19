//! Random sequences of operations, compared with a reference.

use std::sync::Arc;

use super::guards::Guards;
use super::maker::{Maker, Rig};
use super::model::explore;
use super::operations::{Operation, run};
use super::samples::{Aligned, Large, Sample};
use crate::Strategy;

/// How many keys, so that most operations meet entries of others; and how many values, so that
/// comparisons succeed at times.
const KEYS: u64 = 12;
const VALUES: u64 = 3;

fn sequences<M, K, V>(rig: &Rig<M>, cases: u64, longest: usize, keys: u64)
where
    M: Maker<Strategy: Strategy<K, V>>,
    K: Sample,
    V: Sample,
{
    let draw = |rng: &mut fastrand::Rng| Operation::random(rng, keys, VALUES);
    explore(cases, longest, draw, |operations| {
        run(&rig.map::<K, V>(), operations)
    });
    explore(cases, longest, draw, |operations| {
        run(&Guards(&rig.map::<K, V>()), operations)
    });
}

/// Few keys: every operation meets what others left behind.
#[doc = behaviour!("sequences::few_keys")]
pub fn few_keys<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    sequences::<_, u64, u64>(rig, 400, 400, KEYS);
}

/// Many keys: the map grows and splits on the way.
#[doc = behaviour!("sequences::many_keys")]
pub fn many_keys<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, u64>>,
{
    sequences::<_, u64, u64>(rig, 12, rig.about(20_000), 10_000);
}

/// Keys and values on the heap.
#[doc = behaviour!("sequences::heap")]
pub fn heap<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<String, Box<u64>> + Strategy<Arc<str>, String>>,
{
    sequences::<_, String, Box<u64>>(rig, 100, 300, KEYS);
    sequences::<_, Arc<str>, String>(rig, 100, 300, KEYS);
}

/// Keys and values of no size.
#[doc = behaviour!("sequences::zero_sized")]
pub fn zero_sized<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<(), ()> + Strategy<(), u64> + Strategy<u64, ()>>,
{
    sequences::<_, (), ()>(rig, 50, 50, 1);
    sequences::<_, (), u64>(rig, 50, 50, 1);
    sequences::<_, u64, ()>(rig, 100, 300, 300);
}

/// Large values, and values that want to stand at particular addresses.
#[doc = behaviour!("sequences::large_and_aligned")]
pub fn large_and_aligned<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<u64, Large> + Strategy<Large, u8> + Strategy<u8, Aligned>>,
{
    sequences::<_, u64, Large>(rig, 32, 300, 100);
    sequences::<_, Large, u8>(rig, 16, 300, 100);
    sequences::<_, u8, Aligned>(rig, 50, 300, 100);
}
