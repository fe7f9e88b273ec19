//! Compares concurrent maps: on synthetic mixes, on recorded traces, on the pauses of growth, on memory. And locks, which stand
//! behind the same trait ([`lock`]).
//!
//! The way from a map to a number, one module a step:
//!
//! - [`subject`]: the one trait behind which every map stands; [`subjects`]: the maps, one small file each.
//! - [`key`], [`workload`], [`lane`]: keys, mixes, and the operations of one thread.
//! - [`seat`], [`pool`], [`measure`]: a subject with its state, the threads, and the rounds that go from seat to seat.
//! - [`report`]: medians and ratios, as a table and as JSON.
//!
//! The commands ([`compare`] and the rest) put these together; [`phases`] has steps of its own, because there a map lives through
//! many mixes. Correctness is part of the measurement: answers are counted and checked after every round, and a map that does less
//! than the workload says ends the run.

pub mod args;
pub mod compare;
pub mod fail;
pub mod growth;
pub mod growth_pause;
pub mod instructions;
pub mod key;
pub mod lane;
pub mod lock;
pub mod locks;
pub mod machine;
pub mod measure;
pub mod phases;
pub mod pool;
pub mod replay;
pub mod report;
pub mod seat;
pub mod stats;
pub mod subject;
pub mod subjects;
pub mod trace;
pub mod warm;
pub mod workload;
