//! Threads that do everything at once to a map that splits and merges all the time: for the
//! sanitizers and Miri, and for values that would show a torn or freed read.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use map_core::Map;
use map_readdirty::ReadDirty;
use map_readdirty::promotion::{Amortized, Fill, Plain, Promotion};

const THREADS: usize = 3;
const ROUNDS: u64 = if cfg!(miri) {
    50
} else if cfg!(debug_assertions) {
    10_000
} else {
    100_000
};
const KEYS: u64 = if cfg!(miri) { 16 } else { 512 };

/// A value on the heap whose two halves belong together.
type Value = Box<(u64, u64)>;

fn value(key: u64, round: u64) -> Value {
    Box::new((key << 32 | round, !(key << 32 | round)))
}

fn check(key: u64, value: &Value) {
    assert_eq!(value.0, !value.1, "a torn value");
    assert_eq!(value.0 >> 32, key, "the value of another key");
}

/// Starts all threads at the same moment, and waits for all, by synchronisation of its own: a
/// sanitizer does not see std's.
fn together(work: impl Fn(u64) + Sync) {
    let waiting = AtomicUsize::new(THREADS);
    let working = AtomicUsize::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (waiting, working, work) = (&waiting, &working, &work);
            scope.spawn(move || {
                waiting.fetch_sub(1, Ordering::AcqRel);
                while waiting.load(Ordering::Acquire) > 0 {
                    std::hint::spin_loop();
                }
                work(thread as u64);
                working.fetch_sub(1, Ordering::AcqRel);
            });
        }
    });
    assert_eq!(working.load(Ordering::Acquire), 0, "all threads have ended");
}

/// Where the threads have no sessions, whatever is retired waits for plain reads alone.
fn everything_at_once<P: Promotion>(shard_limit: usize, with_sessions: bool) {
    let builder = Map::<u64, Value, ReadDirty<P>>::builder().shard_limit(shard_limit);
    let map = builder.build().expect("the limit is not zero");
    together(|thread| {
        let mut random = fastrand::Rng::with_seed(thread + 1);
        // Guards and a session that live on for a while.
        let mut kept = Vec::new();
        let mut session = with_sessions.then(|| map.pin());
        for round in 0..ROUNDS {
            let key = random.u64(..KEYS);
            match random.u32(..1000) {
                0..300 => drop(map.get_with(&key, |&key, value| check(key, value))),
                300..400 => match &session {
                    Some(session) => drop(session.get(&key).map(|value| check(key, value))),
                    None => drop(map.get_with(&key, |&key, value| {
                        // A read within a read, which begins while the other goes on.
                        map.get_with(&(key ^ 1), |&key, value| check(key, value));
                        check(key, value);
                    })),
                },
                400..450 => drop(map.get(&key).map(|found| check(key, &found))),
                450..470 => kept.extend(map.get(&key)),
                470..490 => {
                    for guard in kept.drain(..kept.len() / 2) {
                        check(*guard.key(), &guard);
                    }
                }
                490..500 => {
                    if let Some(session) = &mut session {
                        session.repin();
                    }
                }
                500..650 => drop(map.insert(key, value(key, round))),
                650..700 => map.store(key, value(key, round)),
                700..800 => drop(map.remove(&key).map(|(key, value)| check(key, &value))),
                800..850 => drop(map.delete(&key)),
                850..900 => {
                    if let Some(mut found) = map.get_mut(&key) {
                        check(key, &found);
                        *found = value(key, round);
                    }
                }
                900..950 => check(key, &map.entry(key).or_insert_with(|| value(key, round))),
                950..990 => check(key, &map.get_or_insert_with(key, || value(key, round))),
                990..994 => map.for_each(|&key, value| check(key, value)),
                994..997 => map.iter().for_each(|found| check(*found.key(), &found)),
                997..999 => map.retain(|&key, value| {
                    check(key, value);
                    key % 3 != 0
                }),
                _ if round % 8 == 0 => map.clear(),
                _ => map.shrink_to_fit(),
            }
        }
        for guard in kept {
            check(*guard.key(), &guard);
        }
    });
    let mut seen = 0;
    map.for_each(|&key, value| {
        check(key, value);
        seen += 1;
    });
    assert_eq!(seen, map.len(), "a quiet map knows its size");
    assert!(
        map.iter().all(|found| map.contains_key(found.key())),
        "what is met is found"
    );
}

#[test]
fn everything_at_once_where_new_keys_fill() {
    everything_at_once::<Fill>(7, true);
}

#[test]
fn everything_at_once_in_one_shard() {
    everything_at_once::<Fill>(4096, true);
}

#[test]
fn everything_at_once_without_sessions() {
    everything_at_once::<Fill>(7, false);
}

#[test]
fn everything_at_once_without_sessions_in_one_shard() {
    everything_at_once::<Fill>(4096, false);
}

#[test]
fn everything_at_once_where_promotion_is_amortized() {
    everything_at_once::<Amortized>(30, true);
}

#[test]
fn everything_at_once_by_the_plain_rule() {
    everything_at_once::<Plain>(60, true);
}
