//! The generators: shares, steady size, hits, and that the checks can fail.

use super::*;
use crate::{
    subject::{Hasher, Role, Scanned},
    workload::Workload,
};
use parking_lot::Mutex;
use std::collections::HashMap;

/// A subject that can be told to lie.
pub(crate) struct Plain {
    pub(crate) map: Mutex<HashMap<u64, u64>>,
    lose_every: u64,
    asked: Mutex<u64>,
}

impl Subject<u64, u64> for Plain {
    const NAME: &'static str = "plain";
    const ROLE: Role = Role::Peer;
    type Session<'a> = &'a Plain;

    fn with_capacity(lose_every: usize, _: Hasher) -> Self {
        Plain {
            map: Mutex::default(),
            lose_every: lose_every as u64,
            asked: Mutex::new(0),
        }
    }

    fn len(&self) -> usize {
        self.map.lock().len()
    }

    fn session(&self) -> &Plain {
        self
    }
}

impl Session<u64, u64> for &Plain {
    fn get(&mut self, key: &u64) -> Option<u64> {
        let mut asked = self.asked.lock();
        *asked += 1;
        if self.lose_every > 0 && asked.is_multiple_of(self.lose_every) {
            return None;
        }
        self.map.lock().get(key).copied()
    }

    fn update(&mut self, key: &u64, value: u64) -> bool {
        self.map
            .lock()
            .get_mut(key)
            .map(|old| *old = value)
            .is_some()
    }

    fn insert(&mut self, key: u64, value: u64) -> bool {
        self.map.lock().insert(key, value).is_none()
    }

    fn remove(&mut self, key: &u64) -> bool {
        self.map.lock().remove(key).is_some()
    }

    fn scan(&mut self) -> Scanned {
        self.map.lock().values().collect()
    }
}

fn recipe(workload: Workload, keys: u64, threads: u64) -> Recipe {
    let shares = workload.shares().expect("a steady workload");
    Recipe {
        shares,
        population: workload.population(keys, threads),
        keys,
        seed: 42,
        batch: 64,
    }
}

fn steady() -> impl Iterator<Item = Workload> {
    Workload::ALL
        .into_iter()
        .filter(|workload| workload.shares().is_some())
}

#[test]
fn shares_hits_and_size_are_what_the_workload_says() {
    for workload in steady() {
        for keys in [4, 1000] {
            let recipe = recipe(workload, keys, 2);
            let map = Plain::with_capacity(0, Hasher::with_seeds(1, 2, 3, 4));
            let mut lanes = [Lane::new(&recipe, 0, None), Lane::new(&recipe, 1, None)];
            lanes[0].fill(&map, true);
            lanes[1].fill(&map, false);
            assert_eq!(map.len() as u64, keys);
            for _ in 0..50 {
                for lane in &mut lanes {
                    lane.play(&map, 501);
                    lane.check().expect("an honest map");
                    lane.spot_check(&map).expect("an honest map");
                }
                let held: u64 = lanes.iter().map(Lane::held).sum();
                assert_eq!(map.len() as u64, recipe.population.residents + held);
                assert!(
                    (keys..=keys + 2).contains(&(map.len() as u64)),
                    "{workload:?} is not steady"
                );
            }
            assert_eq!(lanes[0].tally().ops(), 50 * 501);
        }
    }
}

#[test]
fn draws_are_the_same_however_they_are_taken() {
    let (mut ones, mut some) = (common::Draws::new(7), common::Draws::new(7));
    for most in [1, 63, 64, 65, 1_000_000, 3, u64::MAX] {
        let taken = some.next(most);
        assert!((1..=most).contains(&(taken.len() as u64)), "{most}");
        for &draw in taken {
            assert_eq!(ones.next(1), [draw]);
        }
    }
}

#[test]
fn uniform_picks_reach_every_resident_evenly() {
    let recipe = recipe(Workload::Update, 100, 1);
    let mut lane = Lane::new(&recipe, 0, None);
    let mut seen = [0u32; 100];
    for _ in 0..100_000 {
        let bits = lane.draws.next(1)[0] >> 32;
        seen[lane.pick(bits, 100) as usize] += 1;
    }
    assert!(
        seen.iter().all(|count| (800..1200).contains(count)),
        "{seen:?}"
    );
}

#[test]
fn a_map_that_loses_reads_is_found_out() {
    let recipe = recipe(Workload::Half, 100, 1);
    let map = Plain::with_capacity(1000, Hasher::with_seeds(1, 2, 3, 4));
    let mut lane = Lane::new(&recipe, 0, None);
    lane.fill(&map, true);
    lane.play(&map, 10_000);
    let complaint = lane.check().expect_err("every thousandth read is lost");
    assert!(complaint.contains("reads that hit"), "{complaint}");
}

#[test]
fn a_workload_with_other_shares_is_found_out() {
    let recipe = recipe(Workload::Half, 100, 1);
    let map = Plain::with_capacity(0, Hasher::with_seeds(1, 2, 3, 4));
    let mut lane = Lane::new(&recipe, 0, None);
    lane.fill(&map, true);
    lane.read_below = (52 << 32) / 100;
    lane.play(&map, 100_000);
    assert!(
        lane.check()
            .expect_err("52 % are not 50 %")
            .contains("50 %")
    );
}

#[test]
fn a_map_that_mixes_up_values_is_found_out() {
    let recipe = recipe(Workload::ReadHit, 10, 1);
    let map = Plain::with_capacity(0, Hasher::with_seeds(1, 2, 3, 4));
    let lane = Lane::new(&recipe, 0, None);
    lane.fill(&map, true);
    lane.spot_check(&map).expect("an honest map");
    map.map.lock().insert(number(3, 42), 4);
    assert!(lane.spot_check(&map).is_err());
    map.map.lock().remove(&number(3, 42));
    assert!(
        lane.spot_check(&map)
            .expect_err("it is gone")
            .contains("lost")
    );
}
