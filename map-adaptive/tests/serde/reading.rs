//! Reading what is odd, wrong or hostile.

use dashmap::DashMap;
use map_adaptive::ShardedMap;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

/// The last value stays, in dashmap as here.
#[test]
fn of_duplicate_keys_the_last_value_stays() {
    let json = r#"{"a": 1, "b": 2, "a": 3, "a": 4}"#;
    let ours: ShardedMap<String, u8> = serde_json::from_str(json).expect("it is a map");
    let dash: DashMap<String, u8> = serde_json::from_str(json).expect("it is a map");
    assert_eq!((ours.len(), dash.len()), (2, 2));
    for key in ["a", "b"] {
        assert_eq!(ours.get_copied(key), dash.get(key).map(|value| *value));
    }
}

#[test]
fn what_is_no_map_is_refused() {
    type Read = Result<ShardedMap<u8, u8>, serde_json::Error>;
    for (json, complaint) in [
        ("[1, 2]", "invalid type: sequence, expected a map"),
        (r#"{"1": "x"}"#, r#"invalid type: string "x", expected u8"#),
        (r#"{"1": 2"#, "EOF while parsing an object"),
    ] {
        let error = Read::map_err(serde_json::from_str(json), |error| error.to_string());
        let error = error.expect_err("it is no map of numbers");
        assert!(error.starts_with(complaint), "{json}: {error}");
    }
    let read: Read = serde_json::from_str(r#"{"1": 2}"#);
    assert_eq!(read.expect("the twin: a map of numbers").len(), 1);
}

/// An input that says it holds so many entries, and then fails or ends.
struct Liar {
    hint: usize,
    entries: u32,
    fails: bool,
}

impl<'de> Deserializer<'de> for Liar {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl<'de> MapAccess<'de> for Liar {
    type Error = de::value::Error;

    fn next_key_seed<K>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error>
    where
        K: de::DeserializeSeed<'de>,
    {
        match self.entries.checked_sub(1) {
            Some(left) => {
                self.entries = left;
                let key = de::value::U32Deserializer::new(left);
                seed.deserialize(key).map(Some)
            }
            None if self.fails => Err(de::Error::custom("the input is torn off")),
            None => Ok(None),
        }
    }

    fn next_value_seed<V>(&mut self, seed: V) -> Result<V::Value, Self::Error>
    where
        V: de::DeserializeSeed<'de>,
    {
        seed.deserialize(de::value::U32Deserializer::new(7))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint)
    }
}

/// A number of entries out of the air neither takes the memory for them nor panics.
#[test]
fn a_hostile_length_reserves_little() {
    for hint in [usize::MAX, usize::MAX / 16, usize::MAX >> 24, 1 << 30] {
        for fails in [false, true] {
            let liar = Liar {
                hint,
                entries: 3,
                fails,
            };
            let read = ShardedMap::<u32, u32>::deserialize(liar);
            assert_eq!(read.is_err(), fails, "{hint}");
            if let Ok(map) = read {
                assert_eq!(map.len(), 3);
                assert!(map.capacity() < 1 << 19, "{} entries", map.capacity());
            }
        }
    }
    // Large entries, too.
    let liar = || Liar {
        hint: usize::MAX,
        entries: 3,
        fails: false,
    };
    #[derive(Deserialize)]
    #[serde(from = "u32")]
    struct Large([u128; 1 << 10]);
    impl From<u32> for Large {
        fn from(word: u32) -> Self {
            Self([word.into(); 1 << 10])
        }
    }
    let read = ShardedMap::<u32, Large>::deserialize(liar()).expect("the input is fine");
    assert!(read.capacity() < 1000, "{} entries", read.capacity());
    assert!(read.get(&2).is_some_and(|large| large.0[1023] == 7));
    // The twin: what may be reserved is reserved.
    let honest = Liar {
        hint: 10_000,
        entries: 3,
        fails: false,
    };
    let read = ShardedMap::<u32, u32>::deserialize(honest).expect("the input is fine");
    assert!(read.capacity() >= 10_000, "{} entries", read.capacity());
}

/// The same through a real format: the greatest length there is in front of two entries.
#[test]
fn a_hostile_length_in_bytes_is_an_error() {
    let mut bytes = postcard::to_allocvec(&usize::MAX).expect("a number");
    bytes.extend([1, 2, 3, 4]);
    let read = postcard::from_bytes::<ShardedMap<u8, u8>>(&bytes);
    assert!(
        matches!(read, Err(postcard::Error::DeserializeUnexpectedEnd)),
        "{read:?}"
    );
    let read = postcard::from_bytes::<ShardedMap<u8, u8>>(&[2, 1, 2, 3, 4]);
    assert_eq!(read.expect("the twin: a true length").len(), 2);
}
