//! The family's map of small locked shards, as it comes.

use super::family::{self, Kind};
use crate::key::{Key, Value};
use map_adaptive::Sharded;

/// The subject.
pub(super) type Of<K, V> = family::Of<K, V, AsItComes>;

pub(super) struct AsItComes;

impl<K: Key, V: Value> Kind<K, V> for AsItComes {
    const NAME: &'static str = "sharded";
    type Strategy = Sharded;
}
