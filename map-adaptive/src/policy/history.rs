//! The windows since the last switch.

use super::window::Window;

/// How many windows a policy is shown at most.
pub const HISTORY: usize = 32;

/// The windows since the last switch, oldest first: at most [`HISTORY`] of them, however long ago that is.
///
/// When there is no more room, the two oldest become one. So nothing is forgotten: a
/// [`CostPolicy`](super::CostPolicy) adds up what a strategy has cost too much since it came into force, and
/// a big map may take more than 32 windows to be worth the switch. What has happened lately stays in windows
/// of its own.
///
/// ```
/// use map_adaptive::policy::{HISTORY, History, Window};
///
/// let mut history = History::default();
/// for _ in 0..100 {
///     history.push(Window { hits: 1, ..Window::default() });
/// }
/// assert_eq!(history.windows().len(), HISTORY);
/// assert_eq!(history.windows().iter().map(|window| window.hits).sum::<u64>(), 100);
/// assert_eq!(history.windows().last().map(|window| window.hits), Some(1));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    windows: Vec<Window>,
}

impl History {
    /// Adds the newest window. One of another kind than the others ends them: there was a switch.
    ///
    /// ```
    /// use map_adaptive::policy::{History, Kind, Window};
    ///
    /// let mut history = History::default();
    /// history.push(Window::empty(Kind::Lock));
    /// history.push(Window::empty(Kind::ReadDirty));
    /// assert_eq!(history.windows(), [Window::empty(Kind::ReadDirty)]);
    /// ```
    pub fn push(&mut self, window: Window) {
        if self
            .windows
            .last()
            .is_some_and(|last| last.kind != window.kind)
        {
            self.windows.clear();
        }
        if self.windows.len() == HISTORY {
            let second = self.windows.remove(1);
            self.windows[0].append(&second);
        }
        self.windows.push(window);
    }

    /// What to show a policy.
    ///
    /// ```
    /// use map_adaptive::policy::{CostPolicy, History, Policy, Window};
    ///
    /// let mut history = History::default();
    /// history.push(Window::default());
    /// assert_eq!(CostPolicy::default().propose(history.windows()), None);
    /// ```
    #[must_use]
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Forgets everything: after a switch, or when a proposal was refused.
    ///
    /// ```
    /// use map_adaptive::policy::{History, Window};
    ///
    /// let mut history = History::default();
    /// history.push(Window::default());
    /// history.clear();
    /// assert!(history.windows().is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.windows.clear();
    }
}
