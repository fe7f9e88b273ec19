//! The threads of a cell: started once, released together for every round.

use crate::machine;
use std::{
    hint, process,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// Something that all threads do at once: an untimed approach, then the timed part.
pub trait Task: Sync {
    /// Brings the caches into the state that the timed part will keep.
    fn approach(&self, thread: usize, amount: u64);
    /// What is timed.
    fn run(&self, thread: usize, amount: u64);
}

/// Lets threads go at the same moment. It spins, because a thread woken by the kernel would come tens of microseconds late;
/// now and then it yields, for the case that there are more threads than cores.
struct Gate {
    /// Arrivals of all rounds so far; a thread of round r passes once it has reached `r * threads`.
    arrived: AtomicUsize,
    threads: usize,
}

impl Gate {
    fn pass(&self, round: usize) {
        // Release: pairs with the Acquire below; whatever a thread did before the gate happens before what the others do after.
        self.arrived.fetch_add(1, Ordering::Release);
        let mut spins = 0u32;
        while self.arrived.load(Ordering::Acquire) < round * self.threads {
            spins += 1;
            if spins.is_multiple_of(1024) {
                thread::yield_now()
            } else {
                hint::spin_loop()
            }
        }
    }
}

/// Ends the process if a subject panics: the other threads would wait at the gate for ever.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if thread::panicking() {
            process::exit(101);
        }
    }
}

/// When a thread began and ended, and how long it had no core in between.
struct Span {
    begin: Instant,
    end: Instant,
    waited: u64,
}

/// How long a round took.
#[derive(Clone, Copy, Debug)]
pub struct Lap {
    /// From the first start to the last end.
    pub time: Duration,
    /// Share of the threads' time that they waited for a core, because others had it.
    pub waiting: f64,
}

/// Threads that wait for tasks.
pub struct Pool<'env> {
    orders: Vec<mpsc::Sender<(&'env dyn Task, u64, u64)>>,
    times: mpsc::Receiver<Span>,
}

impl<'env> Pool<'env> {
    /// Starts the threads, hands the pool to `body`, and joins them at the end.
    pub fn with<R>(threads: usize, body: impl FnOnce(&Pool<'env>) -> R) -> R {
        let gate = Gate {
            arrived: AtomicUsize::new(0),
            threads,
        };
        thread::scope(|scope| {
            let (done, times) = mpsc::channel();
            let orders = (0..threads)
                .map(|thread| {
                    let (order, inbox) = mpsc::channel::<(&'env dyn Task, u64, u64)>();
                    let (done, gate) = (done.clone(), &gate);
                    scope.spawn(move || {
                        let _bomb = Bomb;
                        for (round, (task, approach, amount)) in inbox.into_iter().enumerate() {
                            task.approach(thread, approach);
                            let before = machine::waited();
                            gate.pass(round + 1);
                            let begin = Instant::now();
                            task.run(thread, amount);
                            let end = Instant::now();
                            let waited = machine::waited().saturating_sub(before);
                            done.send(Span { begin, end, waited })
                                .expect("the pool waits for every thread");
                        }
                    });
                    order
                })
                .collect();
            body(&Pool { orders, times })
        })
    }

    /// Runs the task on every thread: `approach` of it untimed, `amount` of it timed.
    pub fn round(&self, task: &'env dyn Task, approach: u64, amount: u64) -> Lap {
        for order in &self.orders {
            order
                .send((task, approach, amount))
                .expect("threads live as long as the pool");
        }
        let spans: Vec<Span> = self.times.iter().take(self.orders.len()).collect();
        let begin = spans.iter().map(|span| span.begin).min();
        let end = spans.iter().map(|span| span.end).max();
        let time = end.expect("a pool has a thread") - begin.expect("a pool has a thread");
        let waited: u64 = spans.iter().map(|span| span.waited).sum();
        let waiting = waited as f64 / (time.as_nanos().max(1) as f64 * spans.len() as f64);
        Lap {
            time,
            waiting: waiting.min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[derive(Default)]
    struct Count {
        approached: AtomicU64,
        ran: AtomicU64,
        early: AtomicU64,
    }

    impl Task for Count {
        fn approach(&self, _: usize, amount: u64) {
            self.approached.fetch_add(amount, Ordering::SeqCst);
        }

        fn run(&self, _: usize, amount: u64) {
            if !self.approached.load(Ordering::SeqCst).is_multiple_of(30) {
                self.early.fetch_add(1, Ordering::SeqCst);
            }
            thread::sleep(Duration::from_millis(1));
            self.ran.fetch_add(amount, Ordering::SeqCst);
        }
    }

    #[test]
    fn every_thread_takes_part_and_nobody_starts_before_all_have_arrived() {
        let task = Count::default();
        Pool::with(3, |pool| {
            for _ in 0..20 {
                assert!(pool.round(&task, 10, 7).time >= Duration::from_millis(1));
            }
        });
        assert_eq!(task.approached.into_inner(), 20 * 30);
        assert_eq!(task.ran.into_inner(), 20 * 21);
        assert_eq!(task.early.into_inner(), 0);
    }
}
