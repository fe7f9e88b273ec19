//! Maps written and read through serde, in dashmap's format: a map is a map, a set a sequence, a guard its value.
//!
//! The number of entries is what makes writing a concurrent map difficult. Binary formats put it in
//! front, and a serializer that was told a wrong one writes what nobody can read: so there the
//! number must still be right when the last entry is written. Hence all shards are locked for
//! reading first. Formats that people read mark the end instead, and are told no number (even
//! there a wrong one does harm: told of an empty map, serde_json closes the braces at once); so
//! one locked shard at a time will do.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use ::serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use ::serde::ser::{Serialize, SerializeMap, Serializer};

use crate::map::{Map, Walk};
use crate::mapref::multiple::{RefMulti, RefMutMulti};
use crate::mapref::one::{MappedRef, MappedRefMut, Ref, RefMut};
use crate::raw::held::{Place, here};
use crate::raw::holds::Shared;
use crate::strategy::{Strategy, Table};

mod set;

/// Room is made ahead for so many bytes of entries at most, whatever the input says of its length.
const MOST_BYTES_AHEAD: usize = 1 << 20;

/// Writes a map of all entries. A user's `Serialize` runs with the entry's shard locked for reading: it
/// may read this map; if it writes to it, it waits for itself, and debug builds panic.
///
/// Where the format is human-readable (JSON, YAML, TOML, ...), this is [`for_each`](Map::for_each): one shard
/// at a time is locked, others can be written to, and the result is no snapshot. The serializer is not told the
/// number of entries.
///
/// Where it is not (postcard, bincode, MessagePack, CBOR, ...), it is told the exact number. So that it stays
/// exact, all shards are locked for reading before the first entry is written, and each is unlocked after its
/// last: the result is a snapshot, and writers wait for as long as their shard's turn takes. One
/// allocation, of a few words a shard. Waits for write guards: a thread that has one and then waits
/// for another shard of this map never gets it, as the one waits for the other.
///
/// If the serializer or a user's `Serialize` fails or panics, all shards are unlocked.
///
/// ```
/// let squares = map_sharded::ShardedMap::new();
/// squares.insert(3, 9);
/// assert_eq!(serde_json::to_string(&squares)?, r#"{"3":9}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<K, V, T, S> Serialize for Map<K, V, T, S>
where
    K: Serialize + Eq + Hash,
    V: Serialize,
    T: Strategy<K, V>,
    S: BuildHasher,
{
    #[cfg_attr(debug_assertions, track_caller)]
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        self.write_entries(
            serializer.is_human_readable(),
            here(),
            |len| serializer.serialize_map(len),
            |map, key, value| map.serialize_entry(key, value),
        )?
        .end()
    }
}

impl<K: Eq + Hash, V, T: Strategy<K, V>, S: BuildHasher> Map<K, V, T, S> {
    /// Begins with the number of entries, if that is called for, and writes each entry.
    pub(crate) fn write_entries<W, E>(
        &self,
        human_readable: bool,
        place: Place,
        begin: impl FnOnce(Option<usize>) -> Result<W, E>,
        mut each: impl FnMut(&mut W, &K, &V) -> Result<(), E>,
    ) -> Result<W, E> {
        if human_readable {
            let mut writer = begin(None)?;
            self.try_for_each(place, |key, value| each(&mut writer, key, value))?;
            return Ok(writer);
        }
        let shards = self.lock_all_shared(place);
        let len = shards.iter().map(|shard| shard.len()).sum();
        let mut writer = begin(Some(len))?;
        for shard in shards {
            for (key, value) in T::iter(&shard) {
                each(&mut writer, key, value)?;
            }
        }
        Ok(writer)
    }

    /// All shards, locked for reading: none is split or merged while they are.
    fn lock_all_shared(&self, place: Place) -> Vec<Shared<'_, T::Locked, T::Open>> {
        let mut shards = Vec::with_capacity(self.shards());
        let mut walk = Walk::new();
        while let Some(hash) = walk.next_hash() {
            let shard = self.lock_shared(hash, place);
            walk.visit(shard.coverage());
            shards.push(shard);
        }
        shards
    }

    /// An empty map with room for what the input says it holds, within reason: the input may lie.
    fn with_room_for(hint: Option<usize>) -> Self
    where
        S: Default,
    {
        let map = Self::default();
        let most = MOST_BYTES_AHEAD / size_of::<(K, V)>().max(1);
        // Without memory for all of it there may be memory for what comes.
        let _ = map.try_reserve(hint.unwrap_or(0).min(most));
        map
    }
}

/// Reads a map. Of several entries with one key the last one's value stays.
///
/// Makes room ahead for as many entries as the input says it holds, but for no more than a megabyte.
/// The hasher is a new one. Nobody else has the map yet, so nobody is waited for.
///
/// # Errors
///
/// What the input or the `Deserialize` of a key or value says; what was read is dropped.
///
/// ```
/// use map_sharded::ShardedMap;
///
/// let ports: ShardedMap<String, u16> = serde_json::from_str(r#"{"https":443,"ssh":22}"#)?;
/// assert_eq!((ports.len(), ports.get_copied("ssh")), (2, Some(22)));
/// assert!(serde_json::from_str::<ShardedMap<String, u16>>(r#"{"ssh":"?"}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<'de, K, V, T, S> Deserialize<'de> for Map<K, V, T, S>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
    T: Strategy<K, V>,
    S: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

struct MapVisitor<M>(PhantomData<fn() -> M>);

impl<'de, K, V, T, S> Visitor<'de> for MapVisitor<Map<K, V, T, S>>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
    T: Strategy<K, V>,
    S: BuildHasher + Default,
{
    type Value = Map<K, V, T, S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let map = Map::with_room_for(access.size_hint());
        while let Some((key, value)) = access.next_entry()? {
            map.insert(key, value);
        }
        Ok(map)
    }
}

/// Writes the value. The guard has what it needs: no further lock is taken.
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", (1, "one"));
/// let guard = map.get("a").expect("it was inserted");
/// assert_eq!(serde_json::to_string(&guard)?, r#"[1,"one"]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<K, V: Serialize, T: Strategy<K, V>> Serialize for Ref<'_, K, V, T> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        self.value().serialize(serializer)
    }
}

/// Writes the value. No further lock is taken.
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", (1, "one"));
/// let mut guard = map.get_mut("a").expect("it was inserted");
/// guard.0 = 7;
/// assert_eq!(serde_json::to_string(&guard)?, r#"[7,"one"]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<K, V: Serialize, T: Strategy<K, V>> Serialize for RefMut<'_, K, V, T> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        self.value().serialize(serializer)
    }
}

/// Writes the part of the value. The guard has what it needs: no further lock is taken.
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", (1, "one"));
/// let guard = map.get("a").expect("it was inserted").map(|pair| &pair.1);
/// assert_eq!(serde_json::to_string(&guard)?, r#""one""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<K, V, U: ?Sized + Serialize, T: Strategy<K, V>> Serialize for MappedRef<'_, K, V, U, T> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        self.value().serialize(serializer)
    }
}

/// Writes the part of the value. The guard has what it needs: no further lock is taken.
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", (1, "one"));
/// let guard = map.get_mut("a").expect("it was inserted").map(|pair| &mut pair.0);
/// assert_eq!(serde_json::to_string(&guard)?, "1");
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<K, V, U: ?Sized + Serialize, T: Strategy<K, V>> Serialize for MappedRefMut<'_, K, V, U, T> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        self.value().serialize(serializer)
    }
}

/// Writes the value. No further lock is taken.
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", (1, "one"));
/// let guards: Vec<_> = map.iter().collect();
/// assert_eq!(serde_json::to_string(&guards)?, r#"[[1,"one"]]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<K, V: Serialize, T: Strategy<K, V>> Serialize for RefMulti<'_, K, V, T> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        self.value().serialize(serializer)
    }
}

/// Writes the value. No further lock is taken.
///
/// ```
/// let map = map_sharded::ShardedMap::new();
/// map.insert("a", (1, "one"));
/// let guard = map.iter_mut().next().expect("it was inserted");
/// assert_eq!(serde_json::to_string(&guard)?, r#"[1,"one"]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<K, V: Serialize, T: Strategy<K, V>> Serialize for RefMutMulti<'_, K, V, T> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        self.value().serialize(serializer)
    }
}
