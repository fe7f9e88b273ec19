//! Where threads wait, and where they are woken. The module above tells the story.
//!
//! Three functions decide under the bucket lock, each for a caller that holds the lock while it
//! does: [`RawLock::release_exclusive_slow`] (the exclusive holder), [`RawLock::admit_readers`] (any
//! shared holder), and the look of one who goes to sleep, which changes nothing but its flag and the
//! gate. [`RawLock::tidy_slow`] only takes back what a writer that gives up has set.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::park::{self, Wants, Woken};
use super::{
    ANY_PARKED, BATCH, ExclusiveToken, GATE, HOLDERS, MAX_BATCHES, MAX_SHARED, PASSED_AT, PATIENCE,
    READERS, READERS_PARKED, RawLock, SharedToken, WRITER, WRITERS_PARKED, barrier,
};
use crate::sync::atomic::Ordering;
use crate::sync::parking::SpinWait;
use crate::sync::{REAL_FENCES, YIELDS, spin_loop, uptime, yield_now};

/// What becomes of the count of batches when readers are let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Batches {
    /// A writer was inside: it starts anew.
    Forget,
    /// It stays.
    Keep,
    /// One more, if it still is what it was when the caller began to wait.
    Pass(u32),
}

/// When one who keeps off looks, after so many microseconds of waiting. In a model, once. (Measured: looks that begin
/// with fractions of a microsecond cost a tenth to a third of the throughput that these leave.)
const LOOKS: &[u64] = if REAL_FENCES { &[2, 6, 13, 20] } else { &[0] };

/// The clock of the gate: ticks of 65 us since the process first asked, as many as fit into `parked` beside the rest. It goes
/// round in a minute; who takes an old time for a new one finds the gate ajar for a moment once more.
pub(super) struct Clock;

impl Clock {
    const TICK_BITS: u32 = 16;
    const ROUND: u32 = u32::MAX / PASSED_AT + 1;

    fn now() -> u32 {
        Self::ticks(uptime()) % Self::ROUND
    }

    /// What it said then, if it is not more than a round ago.
    #[cfg(test)]
    pub(super) fn ago(time: Duration) -> u32 {
        Self::now().wrapping_sub(Self::ticks(time)) % Self::ROUND
    }

    fn ticks(time: Duration) -> u32 {
        (time.as_nanos() >> Self::TICK_BITS) as u32
    }
}

/// How many batches have passed the gate since a writer got in, as `parked` says.
const fn batches_in(parked: u32) -> u32 {
    parked % PASSED_AT / BATCH
}

/// How long a reader waits at the gate when so many batches have passed.
fn patience_after(batches: u32) -> Duration {
    PATIENCE * (1 << batches.min(MAX_BATCHES))
}

/// What a reader makes of a gate that writers have shut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gate {
    /// It waits there, for as long as it is patient.
    Respected,
    /// It goes past, alone, since it may be what the readers inside wait for.
    Passed,
}

impl RawLock {
    /// The part of [`lock_shared`](Self::lock_shared) after its first try, with a deadline: spins
    /// briefly, then sleeps. A caller that counts contended acquisitions tries first and comes here.
    ///
    /// The sleep is a system call, and a thread's first one allocates in parking_lot_core.
    ///
    /// # Panics
    ///
    /// If there are 2^29 shared holds.
    ///
    /// ```
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let mut contended = 0;
    /// let hold = lock.try_lock_shared().or_else(|| {
    ///     contended += 1;
    ///     lock.lock_shared_slow(None)
    /// });
    /// assert!(hold.is_some() && contended == 0);
    /// ```
    #[cold]
    pub fn lock_shared_slow(&self, deadline: Option<Instant>) -> Option<SharedToken> {
        self.wait_shared(deadline, Gate::Respected)
    }

    /// Waits off the lock's cache line, and takes the lock by `take` if nobody is inside at one of a few looks; the
    /// caller began to wait at `since`. `take` succeeds only in that case, and so passes nobody at the gate.
    ///
    /// Who has the lock gets it back many times meanwhile without a look from us. Where sections are short and
    /// follow each other closely, that spares more time than is lost: the line does not go to and fro. Who has a deadline before
    /// the next look does not wait for that.
    #[cold]
    pub(crate) fn keep_off<T>(
        &self,
        since: Instant,
        deadline: Option<Instant>,
        take: impl Fn() -> Option<T>,
    ) -> Option<T> {
        for &micros in LOOKS {
            if deadline.is_some_and(|deadline| deadline <= since + Duration::from_micros(micros)) {
                return None;
            }
            while since.elapsed() < Duration::from_micros(micros) {
                for _ in 0..16 {
                    spin_loop();
                }
            }
            // Relaxed: a guess for what `take` does.
            if self.state.load(Ordering::Relaxed) == 0
                && let Some(token) = take()
            {
                return Some(token);
            }
        }
        None
    }

    /// The same, with or without respect for the gate.
    ///
    /// Who goes past the gate takes those along who sleep without a clock, unless readers are inside already: then
    /// the first of them has done so, or nobody sleeps so.
    #[cold]
    pub(super) fn wait_shared(&self, deadline: Option<Instant>, gate: Gate) -> Option<SharedToken> {
        let mut spin = SpinWait::new();
        let mut yields = 0;
        // Until when the gate is respected, and the batches that had passed when we came to it.
        let mut patience: Option<(Instant, u32)> = None;
        let mut impatient = false;
        loop {
            // Relaxed: a guess for the compare-exchange.
            let seen = self.state.load(Ordering::Relaxed);
            let inside = seen & WRITER != 0;
            let open = seen & GATE == 0 || impatient || gate == Gate::Passed;
            // Nobody sleeps without a clock whom it would have to take along: who made those readers come behind the gate has.
            let joins = !open && seen & READERS != 0 && self.is_ajar();
            if !inside && (open || joins) {
                assert!(
                    seen & READERS < MAX_SHARED,
                    "too many shared holds of one lock: guards were forgotten, or never dropped"
                );
                // Acquire: as in `try_lock_shared`.
                if self
                    .state
                    .compare_exchange_weak(seen, seen + 1, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
                {
                    match gate {
                        _ if seen & GATE == 0 || joins => {}
                        Gate::Respected => {
                            let before = patience.map_or(0, |(_, batches)| batches);
                            self.admit_readers(Batches::Pass(before));
                        }
                        Gate::Passed if seen & READERS == 0 => self.admit_readers(Batches::Keep),
                        Gate::Passed => {}
                    }
                    return Some(SharedToken(()));
                }
                continue;
            }
            if spin.spin() {
                continue;
            }
            if yields < YIELDS {
                yields += 1;
                yield_now();
                continue;
            }
            yields = 0;
            spin.reset();
            barrier::prepare();

            // A writer inside is waited for without a clock of ours, for who leaves the queue loses
            // its place in it.
            let until = if inside {
                deadline
            } else {
                let (gate, _) = *patience.get_or_insert_with(|| {
                    // Relaxed: how long to wait is not a matter of correctness.
                    let batches = batches_in(self.parked.load(Ordering::Relaxed));
                    (Instant::now() + patience_after(batches), batches)
                });
                Some(deadline.map_or(gate, |deadline| deadline.min(gate)))
            };
            let still_refused = || {
                self.announce(READERS_PARKED);
                // Relaxed: ordered after our flag by the barrier in `announce`, which pairs with the
                // light one of who leaves.
                let seen = self.state.load(Ordering::Relaxed);
                if inside {
                    seen & WRITER != 0
                } else {
                    seen & (WRITER | GATE) == GATE
                }
            };
            match park::sleep(self.key(), Wants::Shared, still_refused, || {}, until) {
                Woken::Granted => return Some(SharedToken(())),
                Woken::TimedOut if until == deadline => return None,
                Woken::TimedOut => impatient = true,
                Woken::Retry | Woken::Refused => {}
            }
        }
    }

    /// Whether a batch has just passed the gate, not longer ago than it had been patient.
    fn is_ajar(&self) -> bool {
        // Relaxed: whether to wait is not a matter of correctness.
        let parked = self.parked.load(Ordering::Relaxed);
        let Some(earlier) = batches_in(parked).checked_sub(1) else {
            return false;
        };
        // In a model it stays so.
        let passed = Clock::now().wrapping_sub(parked / PASSED_AT) % Clock::ROUND;
        !REAL_FENCES || passed < Clock::ticks(patience_after(earlier))
    }

    /// The part of [`lock_exclusive`](Self::lock_exclusive) after its first try, with a deadline:
    /// spins briefly, then sleeps. A caller that counts contended acquisitions tries first and comes here.
    /// Costs what [`lock_shared_slow`](Self::lock_shared_slow) does.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use map_core::lock::RawLock;
    ///
    /// let lock = RawLock::new();
    /// let reader = lock.lock_shared();
    /// let soon = Instant::now() + Duration::from_millis(1);
    /// assert!(lock.lock_exclusive_slow(Some(soon)).is_none());
    /// // SAFETY: 1. the hold is of this lock; 2. nothing is used under it any more.
    /// unsafe { lock.unlock_shared(reader) };
    /// assert!(lock.lock_exclusive_slow(None).is_some());
    /// ```
    #[cold]
    pub fn lock_exclusive_slow(&self, deadline: Option<Instant>) -> Option<ExclusiveToken> {
        let mut spin = SpinWait::new();
        let mut yields = 0;
        let mut wants = Wants::Exclusive;
        loop {
            // Relaxed: a guess for the compare-exchange.
            let seen = self.state.load(Ordering::Relaxed);
            if seen & (WRITER | READERS) == 0 {
                // SeqCst: as in `try_lock_exclusive`. The gate goes: `parked` has what it said.
                if self
                    .state
                    .compare_exchange_weak(seen, WRITER, Ordering::SeqCst, Ordering::Relaxed)
                    .is_ok()
                {
                    return Some(ExclusiveToken(()));
                }
                continue;
            }
            if spin.spin() {
                continue;
            }
            if yields < YIELDS {
                yields += 1;
                yield_now();
                continue;
            }
            yields = 0;
            spin.reset();
            barrier::prepare();

            let left_behind = Cell::new(false);
            let woken = park::sleep(
                self.key(),
                wants,
                || self.shut_gate(&left_behind),
                || {
                    if left_behind.get() {
                        // If no reader is inside any more, the last one has seen our gate.
                        self.join_and_admit_readers();
                    }
                },
                deadline,
            );
            match woken {
                Woken::Granted => return Some(ExclusiveToken(())),
                Woken::Retry => wants = Wants::ExclusiveNow,
                Woken::TimedOut => {
                    self.tidy_slow();
                    return None;
                }
                Woken::Refused => {}
            }
        }
    }

    /// A writer's look at `state` before it sleeps: whether it is still refused. If by readers,
    /// the gate is shut after this. `left_behind`: it was open while readers slept, who may have no
    /// clock; this writer answers for them.
    ///
    /// Runs under the bucket lock.
    pub(super) fn shut_gate(&self, left_behind: &Cell<bool>) -> bool {
        self.announce(WRITERS_PARKED);
        // Relaxed: this flag is changed only under the bucket lock, which we hold.
        let readers_parked = self.parked.load(Ordering::Relaxed) & READERS_PARKED != 0;
        // Relaxed, here and below: ordered after our flag by the barrier in `announce`, which pairs
        // with the light one of who leaves; the gate publishes nothing.
        let mut seen = self.state.load(Ordering::Relaxed);
        loop {
            if seen & WRITER != 0 {
                return true;
            }
            if seen & READERS == 0 {
                return false;
            }
            if seen & GATE != 0 {
                return true;
            }
            match self.state.compare_exchange_weak(
                seen,
                seen | GATE,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    left_behind.set(readers_parked);
                    return true;
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Sets a flag of `parked`, before a look at `state` that decides about sleeping.
    ///
    /// Runs under the bucket lock.
    fn announce(&self, flag: u32) {
        // Relaxed: this flag is changed only under the bucket lock, which we hold.
        let parked = self.parked.load(Ordering::Relaxed);
        if parked & flag != flag {
            // Relaxed: ordered before the look by the barrier.
            self.parked.fetch_or(flag, Ordering::Relaxed);
        }
        if parked & ANY_PARKED == 0 {
            // Between the store and the look. Pairs with the light barrier in `release_exclusive` and
            // `turn_shared`. Where a flag was set already, this has been done for it.
            barrier::heavy();
        }
    }

    /// Wakes sleepers, for a caller that has left the lock and learnt of them.
    #[cold]
    pub(super) fn wake_slow(&self, fair: bool) {
        // Relaxed: a guess for the compare-exchange; and if it says that somebody is inside, it is a
        // view no older than our leaving.
        let mut seen = self.state.load(Ordering::Relaxed);
        loop {
            if seen & WRITER != 0 {
                // Came after us, so the sleepers' look came before its unlock: it will find them.
                return;
            }
            if seen & READERS != 0 {
                // With the gate shut, the last of them wakes the writers; and readers that came while
                // it was open though somebody slept, are joined.
                if seen & GATE != 0 || self.join_and_admit_readers() {
                    return;
                }
                // Relaxed: as above.
                seen = self.state.load(Ordering::Relaxed);
                continue;
            }
            // SeqCst: as in `try_lock_exclusive`; what we received, we pass on with the lock.
            match self.state.compare_exchange_weak(
                seen,
                WRITER,
                Ordering::SeqCst,
                Ordering::Relaxed,
            ) {
                Ok(_) => return self.release_exclusive_slow(fair, false),
                Err(now) => seen = now,
            }
        }
    }

    /// Ends the exclusive hold in favour of who sleeps. `fair`: a writer is given the lock, not just
    /// a try. `wrote`: the caller got in as a writer, not as a waker.
    #[cold]
    pub(super) fn release_exclusive_slow(&self, fair: bool, wrote: bool) {
        park::wake(
            self.key(),
            // The first; and if that is a reader, all the others.
            |first, wants| match first {
                None => true,
                Some(first) => (first, wants) == (Wants::Shared, Wants::Shared),
            },
            |walk| {
                let give_lock = match walk.first {
                    Some(Wants::Exclusive) => fair,
                    Some(Wants::ExclusiveNow) => true,
                    Some(Wants::Shared) | None => false,
                };
                self.set_parked(
                    &walk,
                    if wrote || give_lock {
                        Batches::Forget
                    } else {
                        Batches::Keep
                    },
                );
                if give_lock {
                    // The lock changes hands with `WRITER` set; the wake-up publishes what was
                    // written under it.
                    return true;
                }
                let readers = match walk.first {
                    Some(Wants::Shared) => walk.picked,
                    _ => 0,
                };
                let gate = if walk.writers_left { GATE } else { 0 };
                // Release: as in `release_exclusive`. No fence follows, for those who go to sleep
                // look at `state` under the bucket lock, which we hold.
                self.state.store(readers | gate, Ordering::Release);
                readers != 0
            },
        );
    }

    /// Lets all parked readers in, for a caller that holds the lock shared, and sets the gate if
    /// writers sleep.
    #[cold]
    pub(super) fn admit_readers(&self, batches: Batches) {
        park::wake(
            self.key(),
            |_, wants| wants == Wants::Shared,
            |walk| {
                self.set_parked(&walk, batches);
                let gate = if walk.writers_left { GATE } else { 0 };
                // Relaxed: our own hold has received what these readers may read, and their wake-up
                // passes it on. Our hold also keeps `WRITER` away.
                let mut seen = self.state.load(Ordering::Relaxed);
                while let Err(now) = self.state.compare_exchange_weak(
                    seen,
                    ((seen & READERS) + walk.picked) | gate,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    seen = now;
                }
                true
            },
        );
    }

    /// If readers hold the lock, joins them, gate or no gate, for as long as it takes to let all
    /// parked readers in and to set the gate if writers sleep. Otherwise does nothing and says so.
    #[cold]
    fn join_and_admit_readers(&self) -> bool {
        // Relaxed: a guess for the compare-exchange.
        let mut seen = self.state.load(Ordering::Relaxed);
        while seen & WRITER == 0 && seen & READERS != 0 {
            // Acquire: as in `try_lock_shared`; what we received, we pass on to those we let in.
            match self.state.compare_exchange_weak(
                seen,
                seen + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    self.admit_readers(Batches::Keep);
                    self.release_shared(1, false);
                    return true;
                }
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Takes back the gate and the flag of a writer that gave up, if it was the last to sleep.
    #[cold]
    fn tidy_slow(&self) {
        let readers_alone = Cell::new(false);
        park::wake(
            self.key(),
            |_, _| false,
            |walk| {
                self.set_parked(&walk, Batches::Keep);
                if walk.writers_left {
                    return false;
                }
                readers_alone.set(walk.readers_left);
                // Relaxed, here and below: an open gate publishes nothing.
                let mut seen = self.state.load(Ordering::Relaxed);
                while seen & (WRITER | GATE) == GATE {
                    match self.state.compare_exchange_weak(
                        seen,
                        seen & !GATE,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    ) {
                        Ok(_) => break,
                        Err(now) => seen = now,
                    }
                }
                false
            },
        );
        if readers_alone.get() {
            self.wake_slow(false);
        }
    }

    /// Makes `parked` say what a walk through the queue found.
    ///
    /// Runs under the bucket lock.
    fn set_parked(&self, walk: &park::Walk, batches: Batches) {
        // Relaxed, here and below: but for the flags of holders, changed only under the bucket lock, which we hold.
        let old = self.parked.load(Ordering::Relaxed);
        let before = batches_in(old);
        let passed = match batches {
            _ if !walk.writers_left => 0,
            Batches::Forget => 0,
            Batches::Pass(seen) if seen == before => {
                (before + 1).min(MAX_BATCHES + 1) * BATCH + Clock::now() * PASSED_AT
            }
            Batches::Pass(_) | Batches::Keep => old & !(BATCH - 1),
        };
        let mut parked = passed;
        if walk.readers_left {
            parked |= READERS_PARKED;
        }
        if walk.writers_left {
            parked |= WRITERS_PARKED;
        }
        self.parked
            .fetch_xor((old ^ parked) & !HOLDERS, Ordering::Relaxed);
    }

    /// The key of this lock's queue.
    #[inline]
    pub(super) fn key(&self) -> usize {
        std::ptr::from_ref(&self.parked).addr()
    }
}
