//! Sets: sequences of their keys.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use ::serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use ::serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::map::Map;
use crate::raw::held::here;
use crate::set::Set;
use crate::setref::multiple::RefMulti;
use crate::setref::one::Ref;
use crate::strategy::Strategy;

/// Writes a sequence of all keys. What is locked meanwhile, and what a user's `Serialize` may do, is said
/// of [`Map`].
///
/// ```
/// let primes = map_sharded::ShardedSet::new();
/// primes.insert(7);
/// assert_eq!(serde_json::to_string(&primes)?, "[7]");
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<K, T, S> Serialize for Set<K, T, S>
where
    K: Serialize + Eq + Hash,
    T: Strategy<K, ()>,
    S: BuildHasher,
{
    #[cfg_attr(debug_assertions, track_caller)]
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        self.map
            .write_entries(
                serializer.is_human_readable(),
                here(),
                |len| serializer.serialize_seq(len),
                |seq, key, ()| seq.serialize_element(key),
            )?
            .end()
    }
}

/// Reads a set from a sequence; keys may occur in it more than once.
///
/// Makes room ahead for as many keys as the input says it holds, but for no more than a megabyte. The
/// hasher is a new one.
///
/// # Errors
///
/// What the input or the `Deserialize` of a key says; what was read is dropped.
///
/// ```
/// let primes: map_sharded::ShardedSet<u32> = serde_json::from_str("[2,3,5,3]")?;
/// assert!(primes.len() == 3 && primes.contains(&5));
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<'de, K, T, S> Deserialize<'de> for Set<K, T, S>
where
    K: Deserialize<'de> + Eq + Hash,
    T: Strategy<K, ()>,
    S: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SetVisitor(PhantomData))
    }
}

struct SetVisitor<M>(PhantomData<fn() -> M>);

impl<'de, K, T, S> Visitor<'de> for SetVisitor<Set<K, T, S>>
where
    K: Deserialize<'de> + Eq + Hash,
    T: Strategy<K, ()>,
    S: BuildHasher + Default,
{
    type Value = Set<K, T, S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let map = Map::with_room_for(access.size_hint());
        while let Some(key) = access.next_element()? {
            map.insert(key, ());
        }
        Ok(map.into())
    }
}

/// Writes the key. No further lock is taken.
///
/// ```
/// let set: map_sharded::ShardedSet<&str> = ["a"].into_iter().collect();
/// let key = set.get("a").expect("it was inserted");
/// assert_eq!(serde_json::to_string(&key)?, r#""a""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<K: Serialize, T: Strategy<K, ()>> Serialize for Ref<'_, K, T> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        self.key().serialize(serializer)
    }
}

/// Writes the key. No further lock is taken.
///
/// ```
/// let set: map_sharded::ShardedSet<&str> = ["a"].into_iter().collect();
/// let keys: Vec<_> = set.iter().collect();
/// assert_eq!(serde_json::to_string(&keys)?, r#"["a"]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<K: Serialize, T: Strategy<K, ()>> Serialize for RefMulti<'_, K, T> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        self.key().serialize(serializer)
    }
}
