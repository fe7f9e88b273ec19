//! Bench suite.
fn main() {}
