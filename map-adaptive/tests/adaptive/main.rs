//! `AdaptiveMap`: what every map of the family does, and that it chooses its strategy, while it is in use.

mod conformance;
mod restless;
