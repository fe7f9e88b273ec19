//! What windows prove, and what may be an accident of sampling.

use super::DocumentPolicy;
use crate::policy::history::HISTORY;
use crate::policy::window::Window;

/// The windows of one kind.
pub(super) struct Evidence<'a> {
    policy: &'a DocumentPolicy,
    /// Oldest first; at least one.
    windows: &'a [Window],
}

impl<'a> Evidence<'a> {
    /// Of the windows since the last switch; `None` if there are none.
    pub(super) fn new(policy: &'a DocumentPolicy, windows: &'a [Window]) -> Option<Self> {
        let kind = windows.last()?.kind;
        let earlier = windows.iter().rposition(|window| window.kind != kind);
        let start = earlier
            .map_or(0, |other| other + 1)
            .max(windows.len().saturating_sub(HISTORY));
        Some(Self {
            policy,
            windows: &windows[start..],
        })
    }

    /// The newest window, the sum of the newest two, and so on to all of them.
    fn sums(&self) -> impl Iterator<Item = Window> {
        let mut sum: Option<Window> = None;
        self.windows.iter().rev().map(move |window| {
            let mut longer = window.clone();
            if let Some(later) = &sum {
                longer.append(later);
            }
            sum = Some(longer.clone());
            longer
        })
    }

    /// The newest window, or as many of the newest as have enough samples.
    pub(super) fn newest(&self) -> Option<Window> {
        self.sums().find(|sum| self.is_enough(sum))
    }

    /// The newest windows, as few as will do, that prove it together, if it `applies` in each of the newest,
    /// as many of them as patience demands.
    pub(super) fn lasting(
        &self,
        applies: impl Fn(&Window) -> bool,
        proves: impl Fn(&Window) -> bool,
    ) -> Option<Window> {
        let patience = (self.policy.patience as usize).max(1);
        let before = self.windows.len().checked_sub(patience)?;
        if !self.windows[before..].iter().all(applies) {
            return None;
        }
        self.sums()
            .skip(patience - 1)
            .find(|sum| self.is_enough(sum) && proves(sum))
    }

    /// Whether a share is beyond a threshold by more than the error of a sample: `excess` is how far, `of`
    /// the operations that the share is a share of.
    ///
    /// Were the threshold the truth, the share would have this deviation: so a share of 0 is proved to be
    /// small only by a sample that is large enough.
    pub(super) fn is_certain(&self, excess: f64, threshold: f64, window: &Window, of: u64) -> bool {
        let deviation = (threshold * (1.0 - threshold) / samples(window, of)).sqrt();
        excess >= self.policy.certainty * deviation
    }

    /// The share of reads that had to take the lock, in older windows and in newer ones, if it has grown.
    pub(super) fn growing_misses(&self) -> Option<(f64, f64)> {
        let half = (self.windows.len() / 2).min(self.policy.patience as usize);
        let (rest, newer) = self.windows.split_at(self.windows.len() - half);
        let (newer, older) = (sum(newer)?, sum(&rest[rest.len() - half..])?);
        let (new, old) = (newer.unsettled_share(), older.unsettled_share());
        let (m, n) = (
            samples(&newer, newer.reads()),
            samples(&older, older.reads()),
        );
        // Were both of the same load, the difference would have this deviation.
        let both = (new * m + old * n) / (m + n);
        let deviation = (both * (1.0 - both) * (1.0 / m + 1.0 / n)).sqrt();
        (new > old && new - old >= self.policy.certainty * deviation).then_some((old, new))
    }

    fn is_enough(&self, window: &Window) -> bool {
        window.operations() > 0 && window.samples >= u64::from(self.policy.min_samples)
    }
}

fn sum(windows: &[Window]) -> Option<Window> {
    let (first, rest) = windows.split_first()?;
    let mut sum = first.clone();
    rest.iter().for_each(|later| sum.append(later));
    Some(sum)
}

/// The samples that fell on so many of the operations.
fn samples(window: &Window, of: u64) -> f64 {
    window.samples as f64 * (of as f64 / window.operations() as f64)
}
