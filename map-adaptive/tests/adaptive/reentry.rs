//! User code that uses the map in the midst of what the map does of itself: switches, trials, splits. It gets through or, where it
//! would wait for itself, is told so in a debug build; and nothing is lost.

use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use map_adaptive::policy::Canary;
use map_adaptive::{AdaptiveMap, Kind, Policy, Proposal, SelectorConfig, Window};
use map_core::conformance::seeds::message;
use map_core::conformance::watchdog::watch;

use super::restless::{self, Restless};

/// Keys that stay, each with ten times its number.
const KEYS: u64 = 64;
/// Keys from here on come and go.
const PASSING: u64 = 1_000;

thread_local! {
    /// User code that uses the map is not to call itself for ever.
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Runs something, unless it is within such a thing already.
fn once(f: impl FnOnce()) -> bool {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            IS_BUSY.set(false);
        }
    }
    if thread::panicking() || IS_BUSY.replace(true) {
        return false;
    }
    let _reset = Reset;
    f();
    true
}

mod policies {
    use super::*;

    type Map = AdaptiveMap<u64, u64>;

    /// All that can be done with a map.
    fn use_all(map: &Map, number: u64) {
        for key in 0..KEYS {
            assert_eq!(map.get_copied(&key), Some(10 * key));
            assert_eq!(map.insert(key, 10 * key), Some(10 * key));
        }
        let passing = PASSING + number % 500;
        map.insert(passing, 0);
        *map.entry(passing).or_insert(1) += 1;
        if let Some(mut value) = map.get_mut(&passing) {
            *value += 1;
        }
        map.remove(&passing);
        assert!(map.pin().contains_key(&3));
        map.for_each(|_, _| ());
        assert!(map.iter().count() as u64 >= KEYS);
        map.retain(|_, _| true);
        map.shrink_to_fit();
        // What the map can say of itself.
        assert!(map.stats().entries() >= KEYS);
        assert!(map.explain().to_string().contains("shard"));
        drop((map.decisions(), map.strategy(), map.policy()));
        match number % 16 {
            0 => drop(map.pin_strategy(Kind::ALL[number as usize / 16 % 3])),
            1 => map.release(),
            2 => map
                .set_selector_config(map.selector_config())
                .expect("it is the same"),
            _ => {}
        }
    }

    /// Uses the map in each of its functions.
    #[derive(Debug, Default)]
    struct Curious {
        map: OnceLock<Weak<Map>>,
        restless: Restless,
        asked: AtomicUsize,
    }

    impl Curious {
        fn use_map(&self) {
            let map = self.map.get().and_then(Weak::upgrade);
            if let Some(map) = map
                && once(|| use_all(&map, self.asked.load(Relaxed) as u64))
            {
                self.asked.fetch_add(1, Relaxed);
            }
        }
    }

    impl Policy for Curious {
        fn name(&self) -> &str {
            self.use_map();
            "curious"
        }

        fn propose(&self, windows: &[Window]) -> Option<Proposal> {
            self.use_map();
            self.restless.propose(windows)
        }
    }

    fn filled(canary: Canary, policy: Arc<dyn Policy>, shard_limit: usize) -> Arc<Map> {
        let config = SelectorConfig {
            canary,
            back_off: Duration::from_nanos(1),
            back_off_limit: Duration::from_nanos(1),
            ..restless::config()
        };
        let map = Map::builder()
            .selector(config)
            .policy(policy)
            .shard_limit(shard_limit)
            .build()
            .expect("the configuration is sound");
        for key in 0..KEYS {
            map.insert(key, 10 * key);
        }
        Arc::new(map)
    }

    fn canaries() -> [Canary; 2] {
        [true, false].map(|skip| Canary {
            samples: 1,
            min_gain: 0.0,
            skip,
        })
    }

    fn check(map: &Map) {
        for key in 0..KEYS {
            assert_eq!(map.get_copied(&key), Some(10 * key));
        }
        let mut staying: Vec<u64> = map.iter().map(|entry| *entry.key()).collect();
        staying.retain(|key| *key < PASSING);
        staying.sort_unstable();
        assert_eq!(staying, Vec::from_iter(0..KEYS));
    }

    fn operate(map: &Map, way: usize, rng: &mut fastrand::Rng) {
        let key = rng.u64(..KEYS);
        match way {
            0 => assert_eq!(map.get(&key).map(|value| *value), Some(10 * key)),
            1 => assert_eq!(map.insert(key, 10 * key), Some(10 * key)),
            2 => map.for_each(|_, _| ()),
            3 => drop(map.entry(key).or_insert(0)),
            // So many come and go that shards split.
            _ => {
                let passing = PASSING + rng.u64(500..1_000);
                match rng.bool() {
                    true => drop(map.insert(passing, 0)),
                    false => drop(map.remove(&passing)),
                }
            }
        }
    }

    #[test]
    fn one_may_use_the_map() {
        watch(|| {
            for canary in canaries() {
                for shard_limit in [14, 1_000] {
                    let curious = Arc::new(Curious::default());
                    let policy = Arc::clone(&curious) as Arc<dyn Policy>;
                    let map = filled(canary.clone(), policy, shard_limit);
                    curious.map.set(Arc::downgrade(&map)).expect("only once");
                    for threads in [1, 3] {
                        for way in 0..5 {
                            if way == 2 && threads > 1 {
                                // Walks that overlap keep the switch of their only shard waiting.
                                continue;
                            }
                            let before = curious.asked.load(Relaxed);
                            thread::scope(|scope| {
                                for thread in 0..threads {
                                    let (map, curious) = (&map, &curious);
                                    scope.spawn(move || {
                                        let mut rng = fastrand::Rng::with_seed(thread);
                                        while curious.asked.load(Relaxed) < before + 40 {
                                            operate(map, way, &mut rng);
                                            // It may have pinned it.
                                            if rng.u8(..) == 0 {
                                                map.release();
                                            }
                                        }
                                    });
                                }
                            });
                            check(&map);
                        }
                    }
                    assert!(!map.decisions().is_empty());
                }
            }
        });
    }

    /// Uses the map whenever it is asked, for several windows; and panics each third time.
    #[derive(Debug, Default)]
    struct Insatiable {
        map: OnceLock<Weak<Map>>,
        within: AtomicUsize,
        most_within: AtomicUsize,
        asked: AtomicUsize,
    }

    impl Policy for Insatiable {
        fn name(&self) -> &str {
            "insatiable"
        }

        fn propose(&self, _: &[Window]) -> Option<Proposal> {
            struct Leave<'a>(&'a AtomicUsize);
            impl Drop for Leave<'_> {
                fn drop(&mut self) {
                    self.0.fetch_sub(1, Relaxed);
                }
            }
            let within = self.within.fetch_add(1, Relaxed) + 1;
            let _leave = Leave(&self.within);
            self.most_within.fetch_max(within, Relaxed);
            // If it is asked within itself, that is found out before the stack is at its end.
            if within < 10 {
                let map = self.map.get()?.upgrade()?;
                for number in 0..2_000 {
                    let key = number % KEYS;
                    assert_eq!(map.get_copied(&key), Some(10 * key));
                    map.insert(key, 10 * key);
                }
                let asked = self.asked.fetch_add(1, Relaxed);
                assert!(!asked.is_multiple_of(3), "each third time");
            }
            None
        }
    }

    /// Nothing but the map keeps it from calling itself, or from being called by several at once.
    #[test]
    fn one_that_uses_the_map_is_not_asked_meanwhile() {
        watch(|| {
            for threads in [1, 3] {
                let policy = Arc::new(Insatiable::default());
                let [canary, _] = canaries();
                let map = filled(canary, Arc::clone(&policy) as Arc<dyn Policy>, 1_000);
                policy.map.set(Arc::downgrade(&map)).expect("only once");
                thread::scope(|scope| {
                    for thread in 0..threads {
                        let (map, policy) = (&map, &policy);
                        scope.spawn(move || {
                            let mut rng = fastrand::Rng::with_seed(thread);
                            while policy.asked.load(Relaxed) < 20 {
                                for way in 0..2 {
                                    let result = catch_unwind(AssertUnwindSafe(|| {
                                        operate(map, way, &mut rng);
                                    }));
                                    if let Err(panic) = result {
                                        assert!(message(&*panic).contains("each third time"));
                                    }
                                }
                            }
                        });
                    }
                });
                assert_eq!(policy.most_within.load(Relaxed), 1);
                check(&map);
            }
        });
    }

    thread_local! {
        static IS_WORKER: Cell<bool> = const { Cell::new(false) };
    }

    /// Uses the map when it is dropped. Answers only when it has been replaced, so that it is dropped where it is asked.
    #[derive(Debug)]
    struct Last {
        map: Weak<Map>,
        is_replaced: Arc<AtomicBool>,
        dropped_by_workers: Arc<AtomicUsize>,
        restless: Restless,
    }

    impl Policy for Last {
        fn name(&self) -> &str {
            "last"
        }

        fn propose(&self, windows: &[Window]) -> Option<Proposal> {
            while IS_WORKER.get() && !self.is_replaced.load(Relaxed) {
                thread::yield_now();
            }
            self.restless.propose(windows)
        }
    }

    impl Drop for Last {
        fn drop(&mut self) {
            let Some(map) = self.map.upgrade() else {
                return;
            };
            once(|| use_all(&map, 3));
            let by_worker = usize::from(IS_WORKER.get());
            self.dropped_by_workers.fetch_add(by_worker, Relaxed);
        }
    }

    #[test]
    fn one_that_is_replaced_while_it_is_asked_may_use_the_map_when_it_is_dropped() {
        watch(|| {
            for canary in canaries() {
                // Of reads, of writes, of walks; in one shard, so that they are in it.
                for way in 0..4 {
                    let map = filled(canary.clone(), restless::policy(), 1_000);
                    let dropped = Arc::new(AtomicUsize::new(0));
                    let is_done = AtomicBool::new(false);
                    thread::scope(|scope| {
                        scope.spawn(|| {
                            IS_WORKER.set(true);
                            let mut rng = fastrand::Rng::with_seed(1);
                            while !is_done.load(Relaxed) {
                                operate(&map, way, &mut rng);
                            }
                        });
                        while dropped.load(Relaxed) < 5 {
                            let is_replaced = Arc::new(AtomicBool::new(false));
                            map.set_policy(Arc::new(Last {
                                map: Arc::downgrade(&map),
                                is_replaced: Arc::clone(&is_replaced),
                                dropped_by_workers: Arc::clone(&dropped),
                                restless: Restless::default(),
                            }));
                            thread::sleep(Duration::from_micros(300));
                            map.set_policy(restless::policy());
                            is_replaced.store(true, Relaxed);
                        }
                        is_done.store(true, Relaxed);
                    });
                    check(&map);
                }
            }
        });
    }
}

mod entries {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Point {
        Hash,
        Eq,
        Clone,
        Drop,
    }

    type Map = AdaptiveMap<Key, Value>;

    thread_local! {
        /// Where the map is used, and which.
        static MEDDLE: RefCell<Option<(Point, Weak<Map>)>> = const { RefCell::new(None) };
    }

    fn meddle_at(point: Option<Point>, map: &Arc<Map>) {
        MEDDLE.set(point.map(|point| (point, Arc::downgrade(map))));
    }

    fn meddle(here: Point) {
        // Not while the thread goes down, either.
        let _ = MEDDLE.try_with(|meddle| {
            let map = match &*meddle.borrow() {
                Some((point, map)) if *point == here => map.upgrade(),
                _ => None,
            };
            if let Some(map) = map {
                once(|| use_map(&map, here == Point::Drop));
            }
        });
    }

    fn use_map(map: &Map, writes: bool) {
        for key in 0..4 {
            assert_eq!(map.get(&Key(key)).map(|value| value.0), Some(10 * key));
        }
        if writes {
            map.insert(Key(PASSING), Value(0));
            map.store(Key(3), Value(30));
            map.remove(&Key(PASSING));
        }
    }

    #[derive(Debug)]
    struct Key(u64);

    impl Hash for Key {
        fn hash<H: Hasher>(&self, state: &mut H) {
            meddle(Point::Hash);
            self.0.hash(state);
        }
    }

    impl PartialEq for Key {
        fn eq(&self, other: &Self) -> bool {
            meddle(Point::Eq);
            self.0 == other.0
        }
    }

    impl Eq for Key {}

    impl Clone for Key {
        fn clone(&self) -> Self {
            meddle(Point::Clone);
            Self(self.0)
        }
    }

    impl Drop for Key {
        fn drop(&mut self) {
            meddle(Point::Drop);
        }
    }

    #[derive(Debug)]
    struct Value(u64);

    impl Clone for Value {
        fn clone(&self) -> Self {
            meddle(Point::Clone);
            Self(self.0)
        }
    }

    impl Drop for Value {
        fn drop(&mut self) {
            meddle(Point::Drop);
        }
    }

    fn filled(shard_limit: usize) -> Arc<Map> {
        let config = SelectorConfig {
            // It switches when it is told to.
            window_samples: u32::MAX,
            ..SelectorConfig::default()
        };
        let map = Map::builder()
            .selector(config)
            .shard_limit(shard_limit)
            .build()
            .expect("the configuration is sound");
        for key in 0..KEYS {
            map.insert(Key(key), Value(10 * key));
        }
        Arc::new(map)
    }

    fn pin(map: &Map, kind: Kind) {
        map.pin_strategy(kind).expect("any map may have these");
    }

    fn check(map: &Map) {
        let mut seen: Vec<(u64, u64)> = map
            .iter()
            .map(|entry| (entry.key().0, entry.value().0))
            .filter(|(key, _)| *key < PASSING)
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, Vec::from_iter((0..KEYS).map(|key| (key, 10 * key))));
    }

    /// What is dropped amid switches and splits: nothing is locked then.
    #[test]
    fn a_drop_may_use_the_map() {
        watch(|| {
            for shard_limit in [14, 1_000] {
                let map = filled(shard_limit);
                let is_done = AtomicBool::new(false);
                thread::scope(|scope| {
                    let switcher = scope.spawn(|| {
                        meddle_at(Some(Point::Drop), &map);
                        let mut rng = fastrand::Rng::with_seed(7);
                        while !is_done.load(Relaxed) {
                            pin(&map, Kind::ALL[rng.usize(..3)]);
                            thread::yield_now();
                        }
                    });
                    let workers = [0, 1].map(|seed| {
                        let map = &map;
                        scope.spawn(move || {
                            meddle_at(Some(Point::Drop), map);
                            let mut rng = fastrand::Rng::with_seed(seed);
                            for _ in 0..6_000 {
                                let key = rng.u64(..KEYS);
                                let passing = PASSING + 1 + rng.u64(..200);
                                match rng.u8(..6) {
                                    0 => drop(map.insert(Key(key), Value(10 * key))),
                                    1 => map.store(Key(key), Value(10 * key)),
                                    2 => drop(map.insert(Key(passing), Value(0))),
                                    3 => drop(map.remove(&Key(passing))),
                                    4 => {
                                        if let Some(mut value) = map.get_mut(&Key(key)) {
                                            // Not a new one: the old one would be dropped here, with the guard in hand.
                                            value.0 = 10 * key;
                                        }
                                    }
                                    _ => drop(map.get_cloned(&Key(key))),
                                }
                            }
                        })
                    });
                    for worker in workers {
                        worker.join().expect("a Drop may do that");
                    }
                    is_done.store(true, Relaxed);
                    switcher.join().expect("a Drop may do that");
                });
                check(&map);
            }
        });
    }

    /// Runs something in which the thread would have to wait for itself.
    fn is_told(what: &str, f: impl FnOnce()) {
        let panic = catch_unwind(AssertUnwindSafe(f)).expect_err(what);
        let text = message(&*panic);
        let places = text.matches("reentry.rs:").count();
        assert!(
            text.starts_with("deadlock:") && places == 2,
            "{what}: {text}"
        );
    }

    /// Code that runs with the shard locked is told so, in a debug build: in others it would wait, as is documented.
    #[test]
    fn who_would_wait_for_itself_amid_a_switch_is_told_so() {
        if !cfg!(debug_assertions) {
            return;
        }
        watch(|| {
            for (from, to) in [
                (Kind::Sharded, Kind::ReadDirty),
                (Kind::ReadDirty, Kind::Lock),
            ] {
                let map = filled(1_000);
                pin(&map, from);
                meddle_at(Some(Point::Hash), &map);
                is_told("a Hash amid a switch", || pin(&map, to));
                meddle_at(None, &map);
                check(&map);
                pin(&map, to);
                let stats = map.stats();
                assert_eq!(stats.of(to).shards, stats.shards());
                check(&map);
            }

            // Half-way down, for a guard is still there: no reader gets by without the lock.
            let map = filled(1_000);
            pin(&map, Kind::ReadDirty);
            let guard = map.get(&Key(9));
            pin(&map, Kind::Lock);
            assert_eq!(map.stats().leaving_shards, 1);
            meddle_at(Some(Point::Eq), &map);
            is_told("an Eq amid a switch", || {
                drop(map.insert(Key(1), Value(10)));
            });
            meddle_at(Some(Point::Clone), &map);
            is_told("a Clone amid a switch", || {
                if let Some(mut value) = map.get_mut(&Key(1)) {
                    value.0 = 10;
                }
            });
            meddle_at(None, &map);
            check(&map);
            drop(guard);
            pin(&map, Kind::Lock);
            assert_eq!(map.stats().leaving_shards, 0);
            check(&map);
        });
    }
}
