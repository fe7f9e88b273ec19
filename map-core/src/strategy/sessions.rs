//! What only some strategies can do: reads under one pin, and memory kept at hand.

use std::hash::Hash;

use equivalent::Equivalent;

use super::{At, Strategy};
use crate::raw::header::Refused;

/// A strategy whose readers (mostly) take no lock, so that one pin can serve many reads.
///
/// ```
/// use map_core::strategy::Sessions;
/// use map_core::{Map, Strategy};
///
/// fn known<T: Sessions<u32, u32>>(map: &Map<u32, u32, T>, keys: &[u32]) -> usize {
///     let mut session = map.pin(); // pin
///     let known = keys.iter().filter(|&key| session.contains_key(key)).count(); // peek_pinned
///     session.repin(); // repin
///     known
/// }
///
/// let map: map_readdirty::ReadDirtyMap<u32, u32> = (0..10).map(|n| (n, n)).collect();
/// assert_eq!(known(&map, &[1, 2, 30]), 2);
/// ```
pub trait Sessions<K, V>: Strategy<K, V> {
    /// Keeps alive whatever was found under it.
    type Pin;
    /// An entry that was found under a pin.
    type Entry<'p>
    where
        Self: 'p,
        K: 'p,
        V: 'p;
    /// Its value.
    type Value<'p>
    where
        Self: 'p,
        K: 'p,
        V: 'p;

    /// Pins a session, given the open part of any shard of the map. Waits for nobody; what it costs is what
    /// [`Map::pin`](crate::Map::pin) costs.
    #[doc = in_shard!(
        "map_readdirty::ReadDirty",
        "use map_core::strategy::Sessions;",
        "",
        "let pin = <T as Sessions<u64, String>>::pin(&open);",
        "drop(pin);",
    )]
    fn pin(open: &Self::Open) -> Self::Pin;

    /// Pins it anew. Waits for nobody.
    #[doc = in_shard!(
        "map_readdirty::ReadDirty",
        "use map_core::strategy::Sessions;",
        "",
        "let mut pin = <T as Sessions<u64, String>>::pin(&open);",
        "// What was found under it is let go of.",
        "<T as Sessions<u64, String>>::repin(&mut pin);",
    )]
    fn repin(pin: &mut Self::Pin);

    /// Finds an entry, for as long as the pin.
    ///
    /// # Errors
    ///
    /// What [`At::lock_shared`] said.
    ///
    /// # Safety
    ///
    /// 1. The pin is of the map that `at` leads into.
    ///
    /// ```
    /// use std::hash::Hash;
    ///
    /// use map_core::strategy::{At, Refused, Sessions};
    ///
    /// /// Whether there is an entry for a key.
    /// ///
    /// /// # Safety
    /// ///
    /// /// 1. The pin is of the map that `at` leads into.
    /// unsafe fn has<K: Eq + Hash, V, T: Sessions<K, V>>(
    ///     at: At<'_, T::Locked, T::Open>,
    ///     key: &K,
    ///     pin: &T::Pin,
    /// ) -> Result<bool, Refused> {
    ///     // SAFETY: 1. Promised to us.
    ///     Ok(unsafe { T::peek_pinned(at, key, pin) }?.is_some())
    /// }
    /// ```
    #[expect(unsafe_code, reason = "a pin of another map would keep nothing alive")]
    unsafe fn peek_pinned<'p, Q>(
        at: At<'p, Self::Locked, Self::Open>,
        key: &Q,
        pin: &'p Self::Pin,
    ) -> Result<Option<Self::Entry<'p>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<K>;

    /// The value of an entry. Costs and waits for nothing.
    ///
    /// ```
    /// use map_core::strategy::Sessions;
    ///
    /// assert_eq!(<map_readdirty::ReadDirty as Sessions<u32, &str>>::value((&1, &"one")), &"one");
    /// ```
    fn value<'p>(entry: Self::Entry<'p>) -> Self::Value<'p>
    where
        Self: 'p,
        K: 'p,
        V: 'p;
}

/// A strategy that keeps the memory of entries that were removed at hand, for entries to come: see
/// [`Builder::pool`](crate::Builder::pool).
///
/// ```
/// use map_core::strategy::Recycling;
/// use map_core::{Builder, Strategy};
///
/// /// Keeps nothing at hand.
/// fn frugal<T: Recycling + Strategy<u32, u32>>(builder: Builder<u32, u32, T>) -> Builder<u32, u32, T> {
///     builder.pool(0)
/// }
/// assert!(frugal(map_readdirty::ReadDirtyMap::builder()).build().is_ok());
/// ```
pub trait Recycling {}
