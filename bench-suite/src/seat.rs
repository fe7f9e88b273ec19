//! A subject at the table: a map, a workload and the state of its threads. Two kinds: a steady mix, and a number of laps from
//! an empty map each (growth, traces).

use crate::{
    key::{Key, Value},
    lane::{Lane, Recipe, Tally},
    pool::Task,
    subject::{Hasher, Role, Subject},
};
use parking_lot::{Mutex, RwLock};
use std::{hint::black_box, marker::PhantomData, sync::Arc};

/// What the runner knows of a seat.
pub trait Seat: Task + Send {
    /// The subject's name.
    fn name(&self) -> &'static str;
    /// What the subject is to the comparison.
    fn role(&self) -> Role;
    /// The operations of all threads in a round of that amount.
    fn ops(&self, amount: u64) -> u64;
    /// The smallest and the largest amount that make sense.
    fn amounts(&self) -> (u64, u64);
    /// Share of the amount that is played untimed before each round.
    fn approach_share(&self) -> f64;
    /// Makes everything ready, outside the clock.
    fn prepare(&self, amount: u64);
    /// Checks the answers after a round, and clears up; `Err` says what is wrong.
    fn settle(&self) -> Result<(), String>;
    /// The answers so far.
    fn tally(&self) -> Tally;
}

/// A steady mix on one map.
pub struct Steady<K, V, S> {
    map: S,
    residents: u64,
    lanes: Vec<Mutex<Lane>>,
    types: PhantomData<fn(K, V)>,
}

impl<K: Key, V: Value, S: Subject<K, V>> Steady<K, V, S> {
    /// A map with room for the keys, filled with them.
    pub fn new(recipe: &Recipe, skews: &[Option<Arc<[u32]>>], hasher: Hasher) -> Self {
        // One entry of every thread may be on its way in.
        let map = S::with_capacity(recipe.keys as usize + skews.len(), hasher);
        let lanes: Vec<_> = skews
            .iter()
            .enumerate()
            .map(|(thread, skew)| Lane::new(recipe, thread, skew.clone()))
            .collect();
        for (thread, lane) in lanes.iter().enumerate() {
            lane.fill(&map, thread == 0);
        }
        let lanes = lanes.into_iter().map(Mutex::new).collect();
        Steady {
            map,
            residents: recipe.population.residents,
            lanes,
            types: PhantomData,
        }
    }
}

impl<K: Key, V: Value, S: Subject<K, V>> Task for Steady<K, V, S> {
    fn approach(&self, thread: usize, amount: u64) {
        self.lanes[thread].lock().play(&self.map, amount);
    }

    fn run(&self, thread: usize, amount: u64) {
        self.lanes[thread].lock().play(&self.map, amount);
    }
}

impl<K: Key, V: Value, S: Subject<K, V>> Seat for Steady<K, V, S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn role(&self) -> Role {
        S::ROLE
    }

    fn ops(&self, amount: u64) -> u64 {
        amount * self.lanes.len() as u64
    }

    fn amounts(&self) -> (u64, u64) {
        (64, 1 << 30)
    }

    fn approach_share(&self) -> f64 {
        0.25
    }

    fn prepare(&self, _: u64) {}

    fn settle(&self) -> Result<(), String> {
        if S::ROLE == Role::Driver {
            return Ok(());
        }
        let mut due = self.residents;
        for lane in &self.lanes {
            let lane = lane.lock();
            lane.check()?;
            lane.spot_check(&self.map)?;
            due += lane.held();
        }
        expect_len(&self.map, due)?;
        self.map.audit(&self.tally())
    }

    fn tally(&self) -> Tally {
        self.lanes.iter().map(|lane| lane.lock().tally()).sum()
    }
}

/// A script that is played on an empty map: one lap.
pub trait Script<K: Key, V: Value>: Send + Sync {
    /// The state that the threads of one lap share.
    type Shared: Default + Send + Sync;
    /// Operations in a lap.
    fn ops(&self) -> u64;
    /// Plays this thread's part.
    fn play<S: Subject<K, V>>(&self, map: &S, thread: usize, shared: &Self::Shared) -> Tally;
    /// Entries in the map after a lap.
    fn entries(&self) -> u64;
    /// Checks the answers of that many laps.
    fn check(&self, tally: &Tally, laps: u64) -> Result<(), String>;
}

/// A script on a number of maps that begin empty, one after the other. A round has as many laps as fill its time, so that
/// small maps can be timed too. Making and dropping the maps is outside the clock; threads go from lap to lap without waiting.
pub struct Laps<K, V, S, P: Script<K, V>>
where
    K: Key,
    V: Value,
{
    script: Arc<P>,
    hasher: Hasher,
    maps: RwLock<Vec<(S, P::Shared)>>,
    tally: Mutex<Tally>,
    laps: Mutex<u64>,
    types: PhantomData<fn(K, V)>,
}

impl<K: Key, V: Value, S: Subject<K, V>, P: Script<K, V>> Laps<K, V, S, P> {
    /// Takes the seat.
    pub fn new(script: Arc<P>, hasher: Hasher) -> Self {
        let (maps, tally, laps) = (RwLock::default(), Mutex::default(), Mutex::default());
        Laps {
            script,
            hasher,
            maps,
            tally,
            laps,
            types: PhantomData,
        }
    }
}

impl<K: Key, V: Value, S: Subject<K, V>, P: Script<K, V>> Task for Laps<K, V, S, P> {
    /// Lets the allocator tidy up what the subjects before have freed. It does that at the next allocation of
    /// some size, and it can take milliseconds: nobody shall pay for it but the one who was there before.
    fn approach(&self, _: usize, _: u64) {
        for size in [1 << 12, 1 << 16, 100 << 10] {
            drop(black_box(Vec::<u8>::with_capacity(size)));
        }
    }

    fn run(&self, thread: usize, _: u64) {
        let maps = self.maps.read();
        let tally: Tally = maps
            .iter()
            .map(|(map, shared)| self.script.play(map, thread, shared))
            .sum();
        let mut sum = self.tally.lock();
        *sum = [*sum, tally].into_iter().sum();
    }
}

impl<K: Key, V: Value, S: Subject<K, V>, P: Script<K, V>> Seat for Laps<K, V, S, P> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn role(&self) -> Role {
        S::ROLE
    }

    fn ops(&self, amount: u64) -> u64 {
        amount * self.script.ops()
    }

    fn amounts(&self) -> (u64, u64) {
        // The maps of a round are all in memory at once: no more than a million entries, if more than one.
        (1, (1_000_000 / self.script.ops()).clamp(1, 1024))
    }

    fn approach_share(&self) -> f64 {
        0.0
    }

    fn prepare(&self, amount: u64) {
        let map = || {
            (
                S::with_capacity(0, self.hasher.clone()),
                P::Shared::default(),
            )
        };
        *self.maps.write() = (0..amount).map(|_| map()).collect();
        *self.laps.lock() += amount;
    }

    fn settle(&self) -> Result<(), String> {
        let maps = std::mem::take(&mut *self.maps.write());
        if S::ROLE == Role::Driver {
            return Ok(());
        }
        for (map, _) in &maps {
            expect_len(map, self.script.entries())?;
        }
        self.script.check(&self.tally.lock(), *self.laps.lock())
    }

    fn tally(&self) -> Tally {
        *self.tally.lock()
    }
}

pub(crate) fn expect_len<K: Key, V: Value, S: Subject<K, V>>(
    map: &S,
    due: u64,
) -> Result<(), String> {
    match map.len() as u64 {
        len if len == due => Ok(()),
        len => Err(format!(
            "the map holds {len} entries, where the workload implies {due}"
        )),
    }
}
