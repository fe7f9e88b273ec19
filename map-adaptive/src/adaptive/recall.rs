//! Reads that are kept to be run again, together.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use map_core::strategy::RECALLED;

/// The hashes of the latest sampled reads, each to be handed out once: so that those that are not in the cache as a rule are
/// not there when they are looked up again, either.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Recall {
    hashes: [AtomicU64; RECALLED],
    /// How many of them there are.
    kept: AtomicUsize,
}

impl Recall {
    /// Keeps a hash or, if there are enough, hands them out instead.
    // Relaxed, here and below: of hashes that are kept or handed out at the same time one may get lost, or come
    // twice, or be an older one.
    pub(super) fn keep(&self, hash: u64) -> Option<[u64; RECALLED]> {
        let place = self.kept.load(Relaxed);
        if let Some(free) = self.hashes.get(place) {
            free.store(hash, Relaxed);
            self.kept.store(place + 1, Relaxed);
            return None;
        }
        self.kept.store(0, Relaxed);
        Some(self.hashes.each_ref().map(|hash| hash.load(Relaxed)))
    }

    /// Forgets those that there are.
    pub(super) fn forget(&self) {
        self.kept.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{RECALLED, Recall};

    #[test]
    fn each_is_handed_out_once() {
        let recall = Recall::default();
        let mut handed_out = Vec::new();
        let mut asked = 0;
        for hash in 0..5 * (RECALLED as u64 + 1) {
            match recall.keep(hash) {
                Some(hashes) => handed_out.extend(hashes),
                None => asked += 1,
            }
        }
        // But for those that came when there were enough.
        assert_eq!(handed_out.len(), asked);
        assert!(handed_out.is_sorted_by(|one, other| one < other));
    }

    #[test]
    fn what_is_forgotten_is_not_handed_out() {
        let recall = Recall::default();
        for hash in 0..RECALLED as u64 {
            assert_eq!(recall.keep(hash), None);
        }
        recall.forget();
        for hash in 100..100 + RECALLED as u64 {
            assert_eq!(recall.keep(hash), None);
        }
        let handed_out = recall.keep(0).expect("there are enough");
        assert!(handed_out.iter().all(|hash| *hash >= 100), "{handed_out:?}");
    }
}
