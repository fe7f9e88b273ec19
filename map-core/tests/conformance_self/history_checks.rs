//! The linearizability checker against histories of known worth, and against broken maps.

use map_core::conformance::history::Call::{
    Add, CompareExchange, Contains, Get, GetOrInsert, Insert, Remove,
};
use map_core::conformance::history::{Call, Event, Reply};
use map_core::conformance::linearizability::check;
use map_core::conformance::workload::{Plan, record};

use crate::broken::{Broken, FAULTS};
use crate::reference::Reference;

const PLAN: Plan = Plan {
    threads: 4,
    operations: 300,
    hot_keys: 3,
    filler: 0,
    seed: 0,
};

/// One operation on key 0, between these two moments, which are all different.
fn event(thread: usize, invoked: u64, returned: u64, call: Call, reply: Reply) -> Event {
    Event {
        thread,
        key: 0,
        call,
        reply,
        invoked,
        returned,
    }
}

fn value(value: u64) -> Reply {
    Reply::Value(Some(value))
}

const NONE: Reply = Reply::Value(None);

#[test]
fn histories_that_can_be_explained() {
    let histories: &[&[Event]] = &[
        &[],
        // A read may see a write that has not returned,
        &[
            event(0, 0, 9, Insert(1), NONE),
            event(1, 1, 2, Get, value(1)),
        ],
        // or may not see it,
        &[event(0, 0, 9, Insert(1), NONE), event(1, 1, 2, Get, NONE)],
        // and one after another may see two writes in the order that their answers dictate.
        &[
            event(0, 0, 9, Insert(1), value(2)),
            event(1, 1, 8, Insert(2), NONE),
            event(2, 2, 3, Get, value(2)),
            event(2, 4, 5, Get, value(1)),
        ],
        // Two increments at the same time.
        &[
            event(0, 0, 9, Add(1), value(10)),
            event(1, 1, 8, Add(10), NONE),
            event(2, 10, 11, Get, value(11)),
        ],
        // A stamp that equals another's claims no order.
        &[event(0, 0, 5, Insert(1), NONE), event(1, 5, 6, Get, NONE)],
    ];
    for history in histories {
        check(history).unwrap();
    }
}

#[test]
fn histories_that_cannot_be_explained() {
    let histories: &[&[Event]] = &[
        // A value from nowhere.
        &[event(0, 0, 1, Get, value(1))],
        // A write that is not seen,
        &[event(0, 0, 1, Insert(1), NONE), event(1, 2, 3, Get, NONE)],
        // or seen and then no longer,
        &[
            event(0, 0, 9, Insert(1), NONE),
            event(1, 1, 2, Get, value(1)),
            event(1, 3, 4, Contains, Reply::Present(false)),
        ],
        // or seen in another order by another thread.
        &[
            event(0, 0, 20, Insert(1), value(2)),
            event(1, 1, 19, Insert(2), NONE),
            event(2, 2, 3, Get, value(1)),
            event(2, 4, 5, Get, value(2)),
        ],
        // Two that both win.
        &[
            event(0, 0, 1, Insert(1), NONE),
            event(1, 2, 9, CompareExchange(1, 2), Reply::Exchanged(true)),
            event(2, 3, 8, CompareExchange(1, 3), Reply::Exchanged(true)),
        ],
        &[
            event(0, 0, 1, Insert(1), NONE),
            event(1, 2, 9, Remove, value(1)),
            event(2, 3, 8, Remove, value(1)),
        ],
        &[
            event(1, 2, 9, GetOrInsert(1), value(1)),
            event(2, 3, 8, GetOrInsert(2), value(2)),
        ],
        // A lost update.
        &[event(0, 0, 9, Add(1), NONE), event(1, 1, 8, Add(10), NONE)],
    ];
    for history in histories {
        check(history).unwrap_err();
    }
}

#[test]
fn each_key_is_checked_by_itself() {
    let good = event(0, 0, 1, Insert(1), NONE);
    let bad = Event {
        key: 1,
        ..event(0, 2, 3, Get, value(1))
    };
    check(&[good]).unwrap();
    assert_eq!(check(&[good, bad]).unwrap_err().key, 1);
}

#[test]
fn a_violation_shows_what_matters() {
    let mut history = Vec::new();
    for round in 0..100 {
        let (now, new) = (10 * round, round + 1);
        let old = Reply::Value((round > 0).then_some(round));
        history.push(event(0, now, now + 1, Insert(new), old));
        history.push(event(1, now + 2, now + 3, Get, value(new)));
    }
    history.push(event(2, 505, 506, Get, value(50)));
    let violation = check(&history).unwrap_err();
    assert_eq!(violation.before, [Some(51)]);
    assert_eq!(violation.window, [event(2, 505, 506, Get, value(50))]);
    let text = violation.to_string();
    assert!(
        text.contains(">>  [   505 ..   506] thread 2   get -> 50"),
        "{text}"
    );
}

#[test]
fn what_came_later_is_no_part_of_a_violation() {
    let history = [
        event(0, 0, 1, Insert(1), NONE),
        event(1, 2, 9, GetOrInsert(3), value(2)),
        event(2, 3, 4, Contains, Reply::Present(false)),
        event(2, 5, 6, Insert(2), value(1)),
    ];
    let violation = check(&history).unwrap_err();
    assert_eq!(violation.window[violation.culprit], history[2]);
}

/// Tries all orders.
fn brute_force(rest: &[Event], state: Option<u64>) -> bool {
    rest.is_empty()
        || rest.iter().any(|next| {
            let others = || rest.iter().filter(|other| *other != next);
            let (reply, after) = next.call.apply(state);
            reply == next.reply
                && others().all(|other| other.returned >= next.invoked)
                && brute_force(&others().copied().collect::<Vec<_>>(), after)
        })
}

#[test]
fn the_checker_agrees_with_trying_all_orders() {
    let (mut explained, mut refused) = (0, 0);
    for seed in 0..20_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        // Three threads with two operations each, whose answers are nearly right.
        let mut stamps: Vec<u64> = (0..12).collect();
        rng.shuffle(&mut stamps);
        let mut history = Vec::new();
        let mut state = None;
        for (thread, stamps) in stamps.chunks_mut(4).enumerate() {
            stamps.sort_unstable();
            for (turn, span) in stamps.chunks(2).enumerate() {
                let new = (thread * 2 + turn + 1) as u64;
                let call = match rng.u8(..6) {
                    0 => Get,
                    1 => Insert(new),
                    2 => Remove,
                    3 => CompareExchange(rng.u64(1..7), new),
                    4 => GetOrInsert(new),
                    _ => Add(new),
                };
                history.push(event(thread, span[0], span[1], call, NONE));
            }
        }
        // Answers of some order, which may or may not be one that the stamps allow.
        let by = rng.u8(..3);
        history.sort_by_key(|event| match by {
            0 => event.invoked,
            1 => event.returned,
            _ => event.invoked ^ 5,
        });
        for event in &mut history {
            (event.reply, state) = event.call.apply(state);
        }
        let expected = brute_force(&history, None);
        assert_eq!(
            check(&history).is_ok(),
            expected,
            "seed {seed}: {history:#?}"
        );
        *(if expected {
            &mut explained
        } else {
            &mut refused
        }) += 1;
    }
    assert!(
        explained > 1000 && refused > 1000,
        "{explained} explained, {refused} refused"
    );
}

#[test]
fn a_correct_map_passes() {
    for seed in 0..20 {
        let history = record(
            &Reference::default(),
            &Plan {
                seed,
                filler: seed % 4,
                ..PLAN
            },
        );
        assert_eq!(history.len(), 4 * 300 + 3);
        if let Err(violation) = check(&history) {
            panic!("seed {seed}: {violation}");
        }
    }
}

#[test]
fn every_broken_map_is_caught() {
    for fault in FAULTS {
        let caught = (0..32).find_map(|seed| {
            let map = Broken::new(fault);
            check(&record(&map, &Plan { seed, ..PLAN }))
                .err()
                .map(|violation| (seed, violation))
        });
        let Some((seed, violation)) = caught else {
            panic!("{fault:?} passes");
        };
        println!("{fault:?}, seed {seed}: {violation}");
        assert!(violation.to_string().lines().count() < 40, "{violation}");
    }
}
