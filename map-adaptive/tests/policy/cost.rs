//! Regret and the price of a switch.

use std::time::Duration;

use map_adaptive::policy::{CostModel, CostPolicy, Costs, History, Kind, Policy, Window};

use crate::mix;

fn measured(window: Window, read: f64, write: f64, scan_entry: f64) -> Window {
    let costs = Costs {
        read: Some(read),
        write: Some(write),
        scan_entry: Some(scan_entry),
        wait: None,
    };
    Window { costs, ..window }
}

/// A window of one operation of each sort.
fn one_of_each(kind: Kind) -> Window {
    Window {
        hits: 1,
        updates: 1,
        scanned: 1,
        ..Window::empty(kind)
    }
}

#[test]
fn without_measurements_costs_are_the_models() {
    let policy = CostPolicy::default();
    for from in Kind::ALL {
        let window = Window {
            hits: 3,
            misses: 4,
            updates: 2,
            mutations: 3,
            other_writes: 1,
            inserts: 3,
            removes: 1,
            scanned: 10,
            ..Window::empty(from)
        };
        for kind in Kind::ALL {
            let model = policy.model.of(kind);
            let expected =
                7.0 * model.read + 6.0 * model.write + 4.0 * model.churn + 10.0 * model.scan_entry;
            let cost = policy.cost(&window, kind);
            assert!((cost - expected).abs() < 1e-9, "{from} {kind}: {cost}");
        }
    }
}

#[test]
fn meetings_cost_what_the_kind_makes_of_them() {
    let policy = CostPolicy::default();
    let window = Window {
        hits: 50,
        updates: 50,
        contended: 10,
        ..Window::empty(Kind::Lock)
    };
    let base = 50.0 * (8.5 + 14.0);
    let near = |kind, expected: f64| {
        let cost = policy.cost(&window, kind);
        assert!((cost - expected).abs() < 1e-9, "{kind}: {cost}");
    };
    near(Kind::Lock, base + 10.0 * 120.0);
    near(Kind::Sharded, base + 10.0 * 30.0);
    near(Kind::ReadDirty, 50.0 * (10.0 + 30.0) + 5.0 * 30.0);
}

#[test]
fn measured_costs_take_the_models_place() {
    let policy = CostPolicy::default();
    for kind in Kind::ALL {
        let window = measured(one_of_each(kind), 11.0, 22.0, 3.0);
        let cost = policy.cost(&window, kind);
        assert!((cost - 36.0).abs() < 1e-9, "{kind}: {cost}");
    }
}

/// Twice as slow reads, thrice as slow writes, four times as slow walks: what of it is to be expected elsewhere?
#[test]
fn measured_costs_scale_what_is_alike() {
    let policy = CostPolicy::default();
    let slow = |kind| {
        let model = policy.model.of(kind);
        measured(
            one_of_each(kind),
            model.read * 2.0,
            model.write * 3.0,
            model.scan_entry * 4.0,
        )
    };
    let near = |from, to, expected: f64| {
        let cost = policy.cost(&slow(from), to);
        assert!((cost - expected).abs() < 1e-9, "{from} to {to}: {cost}");
    };
    near(Kind::Lock, Kind::Sharded, 17.0 + 42.0 + 8.0);
    near(Kind::Sharded, Kind::Lock, 17.0 + 42.0 + 8.0);
    near(Kind::Lock, Kind::ReadDirty, 20.0 + 90.0 + 6.0);
    near(Kind::ReadDirty, Kind::Lock, 17.0 + 28.0 + 2.0);
    near(Kind::ReadDirty, Kind::Sharded, 17.0 + 28.0 + 2.0);
}

/// A sampled thread that was taken off its processor makes the mean enormous, not the regret.
#[test]
fn absurd_measurements_are_not_believed() {
    let policy = CostPolicy::default();
    let window = |read| {
        let costs = Costs {
            read: Some(read),
            ..Costs::default()
        };
        Window {
            costs,
            ..mix(Kind::Lock, 64, 0.0)
        }
    };
    let plain = policy.cost(&mix(Kind::Lock, 64, 0.0), Kind::Lock);
    assert_eq!(policy.cost(&window(1e9), Kind::Lock), plain * 16.0);
    assert_eq!(policy.cost(&window(1e-9), Kind::Lock), plain / 16.0);
    for nonsense in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        assert_eq!(policy.cost(&window(nonsense), Kind::Lock), plain);
    }
    // Not even by a policy that nobody has validated.
    for belief in [0.0, f64::NAN, -1.0] {
        let policy = CostPolicy {
            belief,
            ..policy.clone()
        };
        assert!(policy.validate().is_err());
        assert_eq!(policy.cost(&window(1e9), Kind::Lock), plain);
    }
}

/// Readers that pass each other unseen would meet under a lock.
#[test]
fn crowded_read_dirty_shards_are_not_taken_for_peaceful() {
    let policy = CostPolicy::default();
    let window = |elapsed| Window {
        elapsed: Duration::from_nanos(elapsed),
        shards: 1,
        ..mix(Kind::ReadDirty, 1000, 0.0)
    };
    let reads = 64_000.0;
    // One thread, all of the time: 10 ns a read.
    let alone = policy.cost(&window(640_000), Kind::Lock);
    assert!((alone - reads * 8.5).abs() < 1e-6, "{alone}");
    // Half of another besides.
    let two = policy.cost(&window(426_667), Kind::Lock);
    assert!((two - reads * (8.5 + 60.0)).abs() < 100.0, "{two}");
    let sharded = policy.cost(
        &Window {
            shards: 10,
            ..window(426_667)
        },
        Kind::Sharded,
    );
    assert!((sharded - reads * (8.5 + 1.5)).abs() < 100.0, "{sharded}");
    // What the clock says makes no odds under locks, where meetings are counted.
    let locked = Window {
        kind: Kind::Lock,
        ..window(1)
    };
    assert_eq!(policy.cost(&locked, Kind::Sharded), reads * 8.5);
}

#[test]
fn contention_drives_a_lock_to_shards_or_read_tables() {
    let policy = CostPolicy::default();
    let contended = |writes, share: f64| {
        let window = mix(Kind::Lock, 256, writes);
        Window {
            contended: (window.operations() as f64 * share) as u64,
            entries: 100,
            ..window
        }
    };
    let to = |window: Window| policy.propose(&[window]).map(|found| found.to);
    assert_eq!(to(contended(0.01, 0.2)), Some(Kind::ReadDirty));
    assert_eq!(to(contended(0.5, 0.2)), Some(Kind::Sharded));
    assert_eq!(to(contended(0.5, 0.0)), None);
}

#[test]
fn the_reason_names_regret_and_price() {
    let policy = CostPolicy {
        caution: 1.5,
        ..CostPolicy::default()
    };
    let window = Window {
        entries: 100,
        ..mix(Kind::ReadDirty, 64, 0.5)
    };
    let found = policy.propose(&[window]).expect("16 ns a write add up");
    assert_eq!(
        found.to_string(),
        "regret: 4,096 operations cost 35.8 µs more as read/dirty than as sharded, \
         a switch 10.0 µs, which counts 1.5 times"
    );
}

/// What a map costs that follows the policy, and what one would have cost that knew the load in advance and
/// switched at once or never, both beyond what the load costs in the better kind.
fn excess(policy: &CostPolicy, window: &Window, better: Kind, windows: usize) -> (f64, f64) {
    let rent = policy.cost(window, window.kind) - policy.cost(window, better);
    let price = policy.price(window, better);
    let mut history = History::default();
    let mut paid = 0.0;
    for _ in 0..windows {
        paid += rent;
        history.push(window.clone());
        if let Some(proposal) = policy.propose(history.windows()) {
            assert_eq!(proposal.to, better);
            return (paid + price, price.min(rent * windows as f64));
        }
    }
    (paid, price.min(rent * windows as f64))
}

/// Twice what it would have cost to know, and the rent of the window in which that was found out.
#[test]
fn nobody_pays_more_than_twice() {
    let policy = CostPolicy {
        // So that there is but one alternative to speak of.
        model: CostModel {
            sharded: CostModel::default().read_dirty,
            ..CostModel::default()
        },
        ..CostPolicy::default()
    };
    let mut random = fastrand::Rng::with_seed(11);
    let mut worst: f64 = 0.0;
    for _ in 0..2000 {
        let window = Window {
            entries: random.u64(0..200_000),
            shards: random.u64(1..64),
            ..mix(Kind::ReadDirty, 64, 0.05 + random.f64() * 0.9)
        };
        let rent = policy.cost(&window, Kind::ReadDirty) - policy.cost(&window, Kind::Lock);
        let (paid, best) = excess(&policy, &window, Kind::Lock, random.usize(1..3000));
        assert!(paid <= 2.0 * best + rent + 1.0, "{paid} {best} {window:?}");
        worst = worst.max(paid / best);
    }
    assert!(worst > 1.5, "the adversary is none: {worst}");
}

/// The bound is caution's: with more of it more is paid, and the test above would fail.
#[test]
fn with_more_caution_more_is_paid() {
    let policy = CostPolicy {
        caution: 3.0,
        ..CostPolicy::default()
    };
    let window = Window {
        entries: 10_000,
        ..mix(Kind::ReadDirty, 64, 0.3)
    };
    let (paid, best) = excess(&policy, &window, Kind::Sharded, 10_000);
    assert!(paid > 3.5 * best, "{paid} {best}");
}

/// More regret than 32 windows can hold, unless the old ones are added up.
#[test]
fn a_big_map_switches_in_the_end() {
    let policy = CostPolicy::default();
    let window = Window {
        entries: 100_000,
        ..mix(Kind::ReadDirty, 64, 0.2)
    };
    assert_eq!(policy.propose(&vec![window.clone(); 32]), None);
    let (paid, best) = excess(&policy, &window, Kind::Sharded, 10_000);
    assert!(paid < 2.1 * best, "{paid} {best}");
}

#[test]
fn good_times_are_no_credit() {
    let policy = CostPolicy::default();
    let good = Window {
        entries: 100,
        ..mix(Kind::Lock, 64, 0.0)
    };
    let bad = Window {
        contended: 400,
        ..good.clone()
    };
    let mut windows = vec![good; 20];
    assert_eq!(policy.propose(&windows), None);
    let alone = policy.regret(std::slice::from_ref(&bad), Kind::ReadDirty);
    windows.push(bad);
    assert_eq!(policy.regret(&windows, Kind::ReadDirty), alone);
    assert!(alone > 0.0);
    assert!(policy.propose(&windows).is_some());
}
