//! Reads that write nothing shared: a bias of the lock towards readers (BRAVO, Dice and Kogan 2019).
//!
//! # The story
//!
//! Beside its lock a shard has a word, the [`Bias`]. While that is *armed*, a reader stores the
//! address of the shard in a slot of its own thread ([`slots`]), looks at the word
//! once more, and if it still is armed, reads, without having touched the lock. Then it clears its slot.
//!
//! *A writer* that finds the word armed revokes it, before it takes the lock: it makes the word *pending*,
//! counts itself in it, runs the heavy side of the fence, and waits for each slot that has the
//! address of the shard. Then it leaves the count and clears *pending*. It does not hold the lock
//! meanwhile, so a reader that it waits for still gets in a second time, by the lock.
//!
//! *Nobody reads beside a writer.* The announcement and the second look of the reader, the change of the word and
//! the scan of the writer: with the fence between, either the look sees the change, or the scan sees
//! the announcement. The word is armed only by a reader that holds the lock shared, so an exclusive
//! holder who has seen it neither armed nor pending knows that it stays so, and that all who read under an earlier
//! bias have left: whoever cleared *pending* has waited for them.
//!
//! *A late revoker does no harm.* Several may scan at once, each for itself; the first that has
//! done so clears *pending*. The word is not armed again before the last has left the count, so none
//! of them can meet a later bias and end it unscanned.
//!
//! *When it is worth it.* Revoking costs a system call. So the word is armed only after a row of
//! samples, one in about 64 reads of a thread, without an exclusive hold between them: some 4,000
//! reads.

use super::{barrier, slots};
use crate::sync::atomic::{AtomicU16, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use crate::sync::{REAL_FENCES, const_fn};

/// Readers may announce themselves.
const ARMED: u16 = 1 << 15;
/// Somebody revokes, or has tried to: announced readers may still be inside.
const PENDING: u16 = 1 << 14;
/// Unit of the count of revokers.
const REVOKER: u16 = 1 << 6;
/// All of that count.
const REVOKERS: u16 = PENDING - REVOKER;
/// The samples without a write between them.
const SAMPLES: u16 = REVOKER - 1;
/// So many arm the bias; in a model, the first.
const ENOUGH: u16 = if REAL_FENCES { SAMPLES } else { 1 };

/// Whether readers of a shard may leave its lock alone.
///
/// | value | means | who may change it |
/// |---|---|---|
/// | `s` | so many samples since the last exclusive hold | shared holders count, exclusive holders set back |
/// | `ARMED` | announced readers may be inside; nobody may hold the lock exclusively | who wants to write |
/// | `PENDING + r` | nobody announces himself any more, `r` revokers wait for who has; nobody may hold the lock exclusively | revokers |
/// | `PENDING + s` | the only revoker did not wait, and gave up | revokers; shared holders count, and may arm it as it was |
/// | `r + s` | announced readers have left; `r` revokers have not seen it yet | revokers; exclusive holders set `s` back |
///
/// Each change is a read-modify-write. It becomes `ARMED` only without revokers, under a shared hold.
#[derive(Debug)]
pub(crate) struct Bias(AtomicU16);

impl Bias {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self(AtomicU16::new(0))
        }
    }

    /// Announces a reader of the shard at `address`, if the bias is armed and this thread's slot is free.
    #[inline(always)]
    pub(crate) fn announce(&self, address: usize) -> Option<slots::Announced> {
        // Relaxed: a hint; the look below decides.
        if self.0.load(Relaxed) & ARMED == 0 {
            return None;
        }
        let announced = slots::announce(address)?;
        // Between the announcement and the look. Pairs with the heavy barrier in `revoke`. The
        // word was armed, so there is a heavy barrier that needs no fence of ours.
        barrier::light_for_armed();
        // Acquire: pairs with the Release in `sample`; receives what was written under the lock
        // before the one who armed the bias got it.
        if self.0.load(Acquire) & ARMED != 0 {
            Some(announced)
        } else {
            None
        }
    }

    /// Counts a sample, for a shared holder of the lock; arms the bias if it is enough.
    pub(crate) fn sample(&self) {
        if !barrier::light_is_free() {
            return;
        }
        // Relaxed: a guess for the compare-exchange.
        let seen = self.0.load(Relaxed);
        if seen & (ARMED | REVOKERS) != 0 {
            return;
        }
        let enough = (seen & SAMPLES) + 1 >= ENOUGH;
        let next = if enough { ARMED } else { seen + 1 };
        // Release: pairs with the Acquire in `announce`; passes on what our hold of the lock has
        // received. A lost sample is no loss.
        let _ = self.0.compare_exchange(seen, next, Release, Relaxed);
    }

    /// Whether a writer had better revoke before it asks for the lock. A hint.
    #[inline]
    pub(crate) fn is_revocable(&self) -> bool {
        // Relaxed: a hint.
        self.0.load(Relaxed) & (ARMED | PENDING) != 0
    }

    /// Whether all readers are known by the lock, for its exclusive holder. If not, it has to go,
    /// and to revoke.
    #[inline]
    pub(crate) fn admits_writer(&self) -> bool {
        // Acquire: pairs with the Release in `leave`; what announced readers have read comes before
        // what we write.
        let seen = self.0.load(Acquire);
        seen == 0 || self.admits_writer_slow(seen)
    }

    #[cold]
    fn admits_writer_slow(&self, seen: u16) -> bool {
        if seen & (ARMED | PENDING) != 0 {
            return false;
        }
        if seen & SAMPLES != 0 {
            // Relaxed: shared holders alone count samples, and the lock orders us.
            self.0.fetch_and(!SAMPLES, Relaxed);
        }
        true
    }

    /// Ends the bias, for somebody who does not hold the lock exclusively. Waits for announced readers (so
    /// the caller must not be one), or if it may not `wait` and there are any, says `false`.
    #[cold]
    pub(crate) fn revoke(&self, address: usize, wait: bool) -> bool {
        // Relaxed: a guess for the compare-exchange.
        let mut seen = self.0.load(Relaxed);
        loop {
            if seen & (ARMED | PENDING) == 0 {
                // Somebody else did; whoever gets the lock looks again.
                return true;
            }
            if seen & REVOKERS == REVOKERS {
                if !wait {
                    return false;
                }
                crate::sync::yield_now();
                // Relaxed: as above.
                seen = self.0.load(Relaxed);
                continue;
            }
            let pending = (seen & REVOKERS) + REVOKER + PENDING;
            // Relaxed: ordered before the scan by the barrier.
            match self
                .0
                .compare_exchange_weak(seen, pending, Relaxed, Relaxed)
            {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        // Between the change and the scan. Pairs with the light barrier in `announce`. Who joins
        // others runs one of its own, for they may have scanned nothing yet.
        barrier::heavy();
        let alone = slots::none_has(address, wait);
        self.leave(alone);
        alone
    }

    /// Leaves the count of revokers; `done`: with no announced reader inside.
    fn leave(&self, done: bool) {
        let gone = if done { PENDING } else { 0 };
        // Relaxed: a guess for the compare-exchange.
        let mut seen = self.0.load(Relaxed);
        // Release: pairs with the Acquire in `admits_writer`; passes on that readers have left.
        while let Err(now) =
            self.0
                .compare_exchange_weak(seen, (seen & !gone) - REVOKER, Release, Relaxed)
        {
            seen = now;
        }
    }
}
