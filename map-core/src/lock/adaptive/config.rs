//! What can be set on an adaptive lock, and what it tells.

use std::fmt;
use std::time::Duration;

use crate::lock::tally::ReadBias;

/// How an [`AdaptiveRawRwLock`](super::AdaptiveRawRwLock) chooses its [`Behaviour`].
///
/// ```
/// use map_core::lock::{AdaptiveRwLock, Config, Control};
///
/// let lock = AdaptiveRwLock::new(0);
/// lock.set_config(Config { conflicts_on_percent: 10, ..Config::default() })?;
/// # Ok::<(), map_core::lock::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether readers announce themselves. `Always` leaves the lock no other behaviour than
    /// [`Biased`](Behaviour::Biased); `Never` leaves it the other two.
    pub bias: ReadBias,
    /// The lock turns [`Exclusive`](Behaviour::Exclusive) when the share of conflicts is so many percent, or more: from 1
    /// to 100. At first 5. An acquisition that waits counts as one conflict, and as one more for each 64 nanoseconds that it
    /// waits: for those that could have been made meanwhile.
    pub conflicts_on_percent: u8,
    /// It stops being so when the share is so many percent, or less: less than
    /// [`conflicts_on_percent`](Self::conflicts_on_percent). At first 2.
    pub conflicts_off_percent: u8,
    /// It turns so only if the threads that use it take such locks more than once in so many nanoseconds, not counting
    /// what they wait for them; and remains so if they do in half of that. At first 64: about what it takes to
    /// get a cache line from another core. At a slower pace, taking turns costs more than it spares. 0: never; 65535: at any pace.
    pub exclusive_nanos: u16,
}

impl Config {
    /// What a lock is made with.
    ///
    /// ```
    /// use map_core::lock::Config;
    ///
    /// assert_eq!(Config::DEFAULT.conflicts_on_percent, 5);
    /// assert_eq!(Config::DEFAULT, Config::default());
    /// ```
    pub const DEFAULT: Self = Self {
        bias: ReadBias::Adaptive,
        conflicts_on_percent: 5,
        conflicts_off_percent: 2,
        exclusive_nanos: 64,
    };

    pub(super) fn check(self) -> Result<Self, ConfigError> {
        if !(1..=100).contains(&self.conflicts_on_percent) {
            return Err(ConfigError::ConflictsOnPercent {
                asked: self.conflicts_on_percent,
            });
        }
        if self.conflicts_off_percent >= self.conflicts_on_percent {
            return Err(ConfigError::ConflictsOffPercent {
                asked: self.conflicts_off_percent,
                on: self.conflicts_on_percent,
            });
        }
        Ok(self)
    }

    /// All of it in one word.
    pub(super) const fn pack(self) -> u32 {
        let bias = match self.bias {
            ReadBias::Adaptive => 0,
            ReadBias::Always => 1,
            ReadBias::Never => 2,
        };
        let shares = self.conflicts_on_percent as u32 | (self.conflicts_off_percent as u32) << 7;
        bias | shares << 2 | (self.exclusive_nanos as u32) << 16
    }

    pub(super) fn unpack(packed: u32) -> Self {
        // Shares have seven bits each, as they are below 128.
        let share = |at: u32| (packed >> at & 0x7f) as u8;
        Self {
            bias: match packed & 3 {
                0 => ReadBias::Adaptive,
                1 => ReadBias::Always,
                _ => ReadBias::Never,
            },
            conflicts_on_percent: share(2),
            conflicts_off_percent: share(9),
            exclusive_nanos: (packed >> 16) as u16,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A [`Config`] that makes no sense; the lock keeps the one that it had.
///
/// ```
/// use map_core::lock::{AdaptiveRwLock, Config, ConfigError, Control};
///
/// let lock = AdaptiveRwLock::new(0);
/// let wrong = Config { conflicts_off_percent: 50, ..Config::DEFAULT };
/// let error = lock.set_config(wrong);
/// assert_eq!(error, Err(ConfigError::ConflictsOffPercent { asked: 50, on: 5 }));
/// assert_eq!(lock.config(), Config::DEFAULT);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// [`Config::conflicts_on_percent`] is no share.
    ConflictsOnPercent {
        /// What was asked for.
        asked: u8,
    },
    /// [`Config::conflicts_off_percent`] is not less than the share that turns the behaviour on.
    ConflictsOffPercent {
        /// What was asked for.
        asked: u8,
        /// What it has to be less than.
        on: u8,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConflictsOnPercent { asked } => write!(
                f,
                "conflicts_on_percent is a share from 1 to 100, {asked} was asked for"
            ),
            Self::ConflictsOffPercent { asked, on } => write!(
                f,
                "conflicts_off_percent is less than conflicts_on_percent ({on}), {asked} was asked for"
            ),
        }
    }
}

impl std::error::Error for ConfigError {}

/// What a lock does for those who come. It changes who waits how, never who may be inside.
///
/// ```
/// use map_core::ReadBias;
/// use map_core::lock::{AdaptiveRwLock, Behaviour, Config, Control};
///
/// let lock = AdaptiveRwLock::new(0);
/// assert_eq!(lock.stats().behaviour, Behaviour::Shared);
/// lock.set_config(Config { bias: ReadBias::Always, ..Config::DEFAULT })?;
/// assert_eq!(lock.stats().behaviour, Behaviour::Biased);
/// # Ok::<(), map_core::lock::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Readers count themselves in the lock: an ordinary read-write lock.
    Shared,
    /// Readers announce themselves, each in a slot of its thread; a writer looks through all slots.
    Biased,
    /// Who meets anybody, be it a reader that meets a reader, stays off the lock for some microseconds, and leaves it to
    /// who has it: for locks that are fought over by threads that want them all the time.
    Exclusive,
}

/// What has become of a lock. Each number is right, but they are not of one moment.
///
/// ```
/// use map_core::lock::{AdaptiveRwLock, Control};
///
/// let lock = AdaptiveRwLock::new(0);
/// let reader = lock.read();
/// for _ in 0..100_000 {
///     let _ = *lock.read();
/// }
/// let stats = lock.stats();
/// assert_eq!((stats.to_biased, stats.to_exclusive), (1, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// What the lock does now.
    pub behaviour: Behaviour,
    /// How often it turned [`Biased`](Behaviour::Biased).
    pub to_biased: u64,
    /// How often it turned [`Shared`](Behaviour::Shared), which it was at first.
    pub to_shared: u64,
    /// How often it turned [`Exclusive`](Behaviour::Exclusive).
    pub to_exclusive: u64,
    /// How often a writer waited for announced readers without the lock, because they stayed longer than a moment.
    pub revocations: u64,
    /// How long writers did so, all together. Had these readers counted themselves, the writers would have waited for them all the same.
    pub revocation_time: Duration,
}
