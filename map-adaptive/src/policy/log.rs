//! The decisions that are kept.

use std::collections::VecDeque;

use super::decision::Decision;

/// The latest decisions, so many and no more; the oldest make way.
///
/// ```
/// use map_adaptive::policy::{Decision, Kind, Log, Outcome, Pinned, Policy, Scope, Window};
///
/// let window = Window::empty(Kind::Lock);
/// let proposal = Pinned(Kind::ReadDirty).propose(std::slice::from_ref(&window)).expect("it is a lock");
/// let mut log = Log::new(1);
/// let mut numbers = Vec::new();
/// for at in [1, 2] {
///     numbers.push(log.push(Decision {
///         at: std::time::Duration::from_secs(at),
///         scope: Scope::Map { shards: 1 },
///         from: Kind::Lock,
///         to: Kind::ReadDirty,
///         policy: "pinned".to_owned(),
///         proposal: proposal.clone(),
///         window: window.clone(),
///         outcome: Outcome::Trying,
///     }));
/// }
/// assert_eq!((log.len(), log.dropped()), (1, 1));
/// assert_eq!(log.get_mut(numbers[0]), None);
/// log.get_mut(numbers[1]).expect("it is the latest").outcome = Outcome::Followed;
/// assert_eq!(log.iter().next().map(|kept| &kept.outcome), Some(&Outcome::Followed));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Log {
    capacity: usize,
    dropped: u64,
    decisions: VecDeque<Decision>,
}

impl Log {
    /// An empty one that keeps so many decisions, which may be none. Allocates as it fills.
    ///
    /// ```
    /// let log = map_adaptive::policy::Log::new(64);
    /// assert!(log.is_empty());
    /// assert_eq!(log.capacity(), 64);
    /// ```
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            dropped: 0,
            decisions: VecDeque::new(),
        }
    }

    /// Adds the latest decision, and returns its number: for [`get_mut`](Self::get_mut), when it is known
    /// what became of it.
    ///
    /// ```
    /// use map_adaptive::policy::{Decision, Kind, Log, Outcome, Pinned, Policy, Scope, Window};
    ///
    /// # let window = Window::empty(Kind::Lock);
    /// # let proposal = Pinned(Kind::Sharded).propose(std::slice::from_ref(&window)).expect("it is a lock");
    /// # let decision = Decision {
    /// #     at: std::time::Duration::ZERO,
    /// #     scope: Scope::Map { shards: 1 },
    /// #     from: Kind::Lock,
    /// #     to: Kind::Sharded,
    /// #     policy: "pinned".to_owned(),
    /// #     proposal,
    /// #     window,
    /// #     outcome: Outcome::Trying,
    /// # };
    /// let mut log = Log::new(64);
    /// assert_eq!(log.push(decision.clone()), 0);
    /// assert_eq!(log.push(decision), 1);
    /// ```
    pub fn push(&mut self, decision: Decision) -> u64 {
        let number = self.dropped + self.decisions.len() as u64;
        self.decisions.push_back(decision);
        while self.decisions.len() > self.capacity {
            self.decisions.pop_front();
            self.dropped += 1;
        }
        number
    }

    /// The decision of that number, if it is still there.
    ///
    /// ```
    /// use map_adaptive::policy::{Decision, Kind, Log, Outcome, Pinned, Policy, Scope, Window};
    ///
    /// # let window = Window::empty(Kind::Lock);
    /// # let proposal = Pinned(Kind::Sharded).propose(std::slice::from_ref(&window)).expect("it is a lock");
    /// # let decision = Decision {
    /// #     at: std::time::Duration::ZERO,
    /// #     scope: Scope::Map { shards: 1 },
    /// #     from: Kind::Lock,
    /// #     to: Kind::Sharded,
    /// #     policy: "pinned".to_owned(),
    /// #     proposal,
    /// #     window,
    /// #     outcome: Outcome::Trying,
    /// # };
    /// let mut log = Log::new(64);
    /// let number = log.push(decision);
    /// log.get_mut(number).expect("it is the latest").outcome = Outcome::Followed;
    /// assert_eq!(log.get_mut(number + 1), None);
    /// ```
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Decision> {
        let index = usize::try_from(number.checked_sub(self.dropped)?).ok()?;
        self.decisions.get_mut(index)
    }

    /// The decisions that are kept, oldest first.
    ///
    /// ```
    /// use map_adaptive::policy::{Decision, Kind, Log, Outcome, Pinned, Policy, Scope, Window};
    ///
    /// # let window = Window::empty(Kind::Lock);
    /// # let proposal = Pinned(Kind::Sharded).propose(std::slice::from_ref(&window)).expect("it is a lock");
    /// # let decision = Decision {
    /// #     at: std::time::Duration::ZERO,
    /// #     scope: Scope::Map { shards: 1 },
    /// #     from: Kind::Lock,
    /// #     to: Kind::Sharded,
    /// #     policy: "pinned".to_owned(),
    /// #     proposal,
    /// #     window,
    /// #     outcome: Outcome::Trying,
    /// # };
    /// let mut log = Log::new(64);
    /// log.push(decision);
    /// let newest = log.iter().next_back().expect("there is one");
    /// assert_eq!(newest.outcome, Outcome::Trying);
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Decision> + DoubleEndedIterator {
        self.decisions.iter()
    }

    /// How many are kept.
    ///
    /// ```
    /// let log = map_adaptive::policy::Log::new(64);
    /// assert_eq!(log.len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.decisions.len()
    }

    /// Whether none is.
    ///
    /// ```
    /// let log = map_adaptive::policy::Log::new(64);
    /// assert!(log.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty()
    }

    /// How many it keeps at most.
    ///
    /// ```
    /// let log = map_adaptive::policy::Log::new(64);
    /// assert_eq!(log.capacity(), 64);
    /// ```
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Keeps so many from now on.
    ///
    /// ```
    /// use map_adaptive::policy::Log;
    ///
    /// let mut log = Log::new(8);
    /// log.set_capacity(16);
    /// assert_eq!(log.capacity(), 16);
    /// ```
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        while self.decisions.len() > capacity {
            self.decisions.pop_front();
            self.dropped += 1;
        }
    }

    /// How many have made way.
    ///
    /// ```
    /// let log = map_adaptive::policy::Log::new(64);
    /// assert_eq!(log.dropped(), 0);
    /// ```
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}
