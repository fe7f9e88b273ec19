//! The shared front of the map family.
