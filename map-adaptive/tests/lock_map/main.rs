//! `LockMap`: what every map of the family does, and that it splits for size alone.

mod conformance;
mod send_sync;
mod splits;
