//! What the operations of a window cost, and what they would have cost in another kind of shard.
//!
//! The model says what to expect; what was measured says how far this machine, these keys and these values are from
//! the model. How much of that to expect of another kind depends on where it comes from:
//!
//! - Reads: from hashing, comparing keys and missing the cache. Every kind does that, so all are scaled alike.
//! - Writes of locked shards: from the same, and from moving values. A read/dirty shard does all that, too,
//!   so it is scaled alike.
//! - Writes of read/dirty shards: also from cloning values and from reclaiming nodes, which locked shards do
//!   not. So these are scaled as the reads are.
//! - Walks: from how entries lie in memory, which is the same in the locked kinds, and different between
//!   these and read/dirty. So they are scaled among the former alone.
//!
//! Where all is scaled alike, the measured costs say how much there is to gain or lose, and the model which of both.
//!
//! Measured costs contain waiting. What they are compared with contains it, too: the model's cost of meeting
//! somebody, as often as that happened.

use super::CostModel;
use crate::policy::kind::Kind;
use crate::policy::window::Window;

/// Mean nanoseconds.
#[derive(Clone, Copy)]
struct Means {
    read: f64,
    write: f64,
    scan_entry: f64,
}

impl Means {
    fn total(self, window: &Window) -> f64 {
        let part = |count: u64, mean: f64| count as f64 * mean;
        part(window.reads(), self.read)
            + part(window.writes(), self.write)
            + part(window.scanned, self.scan_entry)
    }

    /// What the model expects, where such a share of those that come for the lock meets somebody.
    fn expected(model: &CostModel, kind: Kind, window: &Window, met: f64) -> Self {
        let costs = model.of(kind);
        let churned = match window.writes() {
            0 => 0.0,
            writes => window.churn() as f64 / writes as f64,
        };
        Self {
            read: costs.read + met * costs.contended_read,
            write: costs.write * (1.0 - churned)
                + costs.churn * churned
                + met * costs.contended_write,
            scan_entry: costs.scan_entry,
        }
    }
}

/// The nanoseconds of a window's operations and walks in the kind in force, or in another.
pub(super) fn cost(model: &CostModel, belief: f64, window: &Window, kind: Kind) -> f64 {
    let met = window.contended_share();
    let expected = Means::expected(model, window.kind, window, met);
    let by_read = ratio(window.costs.read, expected.read, belief);
    let by_write = ratio(window.costs.write, expected.write, belief);
    let by_entry = ratio(window.costs.scan_entry, expected.scan_entry, belief);
    let measured = Means {
        read: expected.read * by_read,
        write: expected.write * by_write,
        scan_entry: expected.scan_entry * by_entry,
    };
    let here = measured.total(window);
    if kind == window.kind {
        return here;
    }
    let (from_locks, to_locks) = (window.kind.is_locked(), kind.is_locked());
    let met = if from_locks {
        met
    } else {
        met.max(meetings(window, here))
    };
    let there = Means::expected(model, kind, window, met);
    Means {
        read: there.read * by_read,
        write: there.write * if from_locks { by_write } else { by_read },
        scan_entry: there.scan_entry
            * if from_locks && to_locks {
                by_entry
            } else {
                1.0
            },
    }
    .total(window)
}

/// How many times what was expected something cost; 1 where nobody knows.
///
/// No further from 1 than we believe: among few samples, one of a thread that the scheduler took away in the
/// middle makes the mean a thousand times what it should be.
fn ratio(measured: Option<f64>, expected: f64, belief: f64) -> f64 {
    match measured {
        Some(nanos) if nanos.is_finite() && nanos > 0.0 && expected > 0.0 => {
            // A policy that nobody validated is no reason to panic.
            let belief = belief.max(1.0);
            (nanos / expected).clamp(1.0 / belief, belief)
        }
        _ => 1.0,
    }
}

/// What share of those who come for a shard's lock would meet somebody, if all had to.
///
/// Readers of a read/dirty shard pass each other unseen. But so much time spent inside, in so short a time,
/// takes so many threads inside at once on average (Little's law), and whoever comes meets the others.
/// Without this, a shard that turned read/dirty because its readers fought over the lock would look peaceful,
/// and be turned back.
fn meetings(window: &Window, nanos_inside: f64) -> f64 {
    let elapsed = window.elapsed.as_secs_f64() * 1e9;
    if elapsed <= 0.0 {
        return 0.0;
    }
    let others = nanos_inside / elapsed - 1.0;
    (others / window.shards.max(1) as f64).clamp(0.0, 1.0)
}
