//! `AdaptiveMap`: what every map of the family does, and that it chooses its strategy, while it is in use.

mod across;
mod calm;
mod canary;
mod conformance;
mod histories;
mod in_place;
mod load;
mod panics;
mod patterns;
mod phases;
mod reentry;
mod restless;
mod shards_apart;
mod switching;
mod thinning;
