//! The family's map of locked shards that split for size alone, as it comes.

use super::family::{self, Kind};
use crate::key::{Key, Value};
use map_adaptive::Lock;

/// The subject.
pub(super) type Of<K, V> = family::Of<K, V, ForSizeAlone>;

pub(super) struct ForSizeAlone;

impl<K: Key, V: Value> Kind<K, V> for ForSizeAlone {
    const NAME: &'static str = "lockmap";
    type Strategy = Lock;
}
