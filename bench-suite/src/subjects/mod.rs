//! The roster. A new subject is one small file, its `mod` line and its name in `roster!`.

mod adaptive;
mod dashmap;
mod dashmap_default;
mod driver;
mod family;
mod flurry;
mod hashbrown;
mod lockmap;
mod mutex;
mod papaya;
mod readdirty;
mod readdirty_pinned;
mod rwlock;
mod scc;
mod sharded;

use crate::{
    key::{Key, Value},
    subject::{Role, Subject},
};

/// A line of the roster.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The subject's name.
    pub name: &'static str,
    /// What it is to the comparison.
    pub role: Role,
    /// Whether it is one strategy of the family, see [`Subject::CHOICE`].
    pub choice: bool,
}

impl Entry {
    /// True if the subject can be used by that many threads.
    pub fn fits(&self, threads: usize) -> bool {
        self.role != Role::Limit || threads == 1
    }
}

/// Something that can be done with any subject: a generic closure, which the language does not have.
pub trait Booth<K: Key, V: Value> {
    /// What comes out.
    type Out;
    /// Does it with `S`.
    fn visit<S: Subject<K, V> + 'static>(&self) -> Self::Out;
}

const fn entry<S: Subject<u64, u64>>() -> Entry {
    Entry {
        name: S::NAME,
        role: S::ROLE,
        choice: S::CHOICE,
    }
}

macro_rules! roster {
    ($($module:ident),+; $($more:ident),+) => {
        /// The subjects of every command, in the order of the tables' columns.
        pub const ROSTER: &[Entry] = &[$(entry::<$module::Of<u64, u64>>()),+];

        /// Those, and what is of interest only where growth is measured.
        pub const GROWING: &[Entry] = &[
            $(entry::<$module::Of<u64, u64>>(),)+
            $(entry::<$more::Of<u64, u64>>()),+
        ];

        /// Does something with the subject of that name; `None` if there is no such subject.
        pub fn visit<K: Key, V: Value, B: Booth<K, V>>(name: &str, booth: &B) -> Option<B::Out> {
            $(if name == <$module::Of<K, V> as Subject<K, V>>::NAME {
                return Some(booth.visit::<$module::Of<K, V>>());
            })+
            $(if name == <$more::Of<K, V> as Subject<K, V>>::NAME {
                return Some(booth.visit::<$more::Of<K, V>>());
            })+
            None
        }
    };
}

roster! { driver, hashbrown, sharded, lockmap, readdirty, readdirty_pinned, adaptive, dashmap, papaya, flurry, scc, rwlock, mutex; dashmap_default }

#[cfg(test)]
mod tests;
