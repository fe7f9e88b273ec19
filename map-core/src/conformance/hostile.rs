//! Keys whose `Hash` and `Eq` do not do what they must. Entries may then not be found, or be there
//! twice; but nothing crashes, leaks, or is dropped twice.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};

use super::exercise::exercise;
use super::maker::{Maker, MapOf, Rig};
use super::threads::together;
use super::tracked::{Key, Ledger, Value};
use crate::Strategy;

/// What a key does wrong.
#[derive(Debug, Clone, Copy)]
enum Mood {
    EqualsAll,
    EqualsNone,
    EqualsAnyhow,
    HashesAnyhow,
    Anyhow,
}

const MOODS: [Mood; 5] = [
    Mood::EqualsAll,
    Mood::EqualsNone,
    Mood::EqualsAnyhow,
    Mood::HashesAnyhow,
    Mood::Anyhow,
];

/// A key that does that.
///
/// ```
/// use map_core::Map;
/// use map_core::conformance::hostile::Hostile;
///
/// /// A map for these keys; a behaviour makes them.
/// fn map() -> Map<Hostile, u32, map_sharded::Sharded> {
///     Map::new()
/// }
/// assert!(map().is_empty());
/// ```
#[derive(Debug, Clone)]
pub struct Hostile {
    key: Key,
    mood: Mood,
}

thread_local! {
    static WHIM: RefCell<fastrand::Rng> = const {
        RefCell::new(fastrand::Rng::with_seed(0))
    };
}

fn whim() -> u64 {
    WHIM.with_borrow_mut(|rng| rng.u64(..))
}

impl Hash for Hostile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.mood {
            Mood::HashesAnyhow | Mood::Anyhow => whim().hash(state),
            _ => self.key.hash(state),
        }
    }
}

impl PartialEq for Hostile {
    fn eq(&self, other: &Self) -> bool {
        let equal = self.key == other.key;
        match self.mood {
            Mood::EqualsAll => true,
            Mood::EqualsNone => false,
            Mood::EqualsAnyhow | Mood::Anyhow => whim().is_multiple_of(2),
            Mood::HashesAnyhow => equal,
        }
    }
}

impl Eq for Hostile {}

/// Any operations with such keys; then many inserts, so that the map grows with them.
#[doc = behaviour!("hostile::keys")]
pub fn keys<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Hostile, Value>>,
{
    for mood in MOODS {
        for keys in [10, 1_000] {
            let ledger = Ledger::new();
            let map = rig.map::<Hostile, Value>();
            let key = |number| Hostile {
                key: ledger.key(number),
                mood,
            };
            let mut rng = fastrand::Rng::with_seed(keys);
            for _ in 0..rig.about(10_000) {
                exercise(&map, &mut rng, keys, key, |number| ledger.value(number));
            }
            for number in 0..rig.about(4_000) as u64 {
                map.insert(key(number), ledger.value(number));
            }
            // Whatever is there, iteration shows, and the length says: unless the map changes on the way how it
            // finds its way, by hashes that are not what they were.
            if !<M::Strategy as Strategy<Hostile, Value>>::SELECTS {
                assert_eq!(map.iter().count(), map.len());
            }
            let entries = map.len();
            drop(map.clone());
            assert_eq!(map.into_iter().count(), entries);
            ledger.assert_settled();
        }
    }
}

/// So too when several threads do it.
#[doc = behaviour!("hostile::keys_from_threads")]
pub fn keys_from_threads<M>(rig: &Rig<M>)
where
    M: Maker<Strategy: Strategy<Hostile, Value>>,
    MapOf<M, Hostile, Value>: Sync,
{
    for mood in MOODS {
        let ledger = Ledger::new();
        let map = rig.map::<Hostile, Value>();
        together(4, |thread| {
            let mut rng = fastrand::Rng::with_seed(thread as u64);
            let key = |number| Hostile {
                key: ledger.key(number),
                mood,
            };
            for _ in 0..rig.about(4_000) {
                exercise(&map, &mut rng, 200, key, |number| ledger.value(number));
            }
        });
        ledger.assert_sound();
        drop(map);
        ledger.assert_settled();
    }
}
