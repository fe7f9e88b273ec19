//! Sums of windows, and their shares.

use std::time::Duration;

use map_adaptive::policy::{Costs, HISTORY, History, Kind, Window};

/// All counts differ, so that none is taken for another.
fn window(kind: Kind) -> Window {
    Window {
        kind,
        samples: 1,
        hits: 2,
        misses: 3,
        unsettled: 4,
        updates: 5,
        inserts: 6,
        removes: 7,
        mutations: 8,
        other_writes: 9,
        scanned: 10,
        contended: 11,
        entries: 12,
        shards: 13,
        costs: Costs {
            read: Some(14.0),
            write: None,
            scan_entry: None,
            wait: None,
        },
        elapsed: Duration::from_secs(15),
    }
}

#[test]
fn shares_are_of_what_they_say() {
    let window = window(Kind::Lock);
    assert_eq!((window.reads(), window.writes()), (5, 35));
    assert_eq!((window.stores(), window.churn()), (11, 13));
    assert_eq!(window.operations(), 40);
    assert_eq!(window.acquisitions(), 40);
    assert_eq!(window.write_share(), 35.0 / 40.0);
    assert_eq!(window.store_share(), 11.0 / 40.0);
    assert_eq!(window.churn_share(), 13.0 / 40.0);
    assert_eq!(window.miss_share(), 3.0 / 5.0);
    assert_eq!(window.unsettled_share(), 4.0 / 5.0);
    assert_eq!(window.contended_share(), 11.0 / 40.0);
    assert_eq!(window.scan_share(), 10.0 / 50.0);
}

#[test]
fn shards_of_one_time_are_merged() {
    let mut sum = Window {
        elapsed: Duration::from_secs(20),
        ..window(Kind::Lock)
    };
    sum.merge(&window(Kind::ReadDirty));
    let expected = Window {
        samples: 2,
        hits: 4,
        misses: 6,
        unsettled: 8,
        updates: 10,
        inserts: 12,
        removes: 14,
        mutations: 16,
        other_writes: 18,
        scanned: 20,
        contended: 22,
        entries: 24,
        shards: 26,
        elapsed: Duration::from_secs(20),
        ..window(Kind::Lock)
    };
    assert_eq!(sum, expected);
    let busier = Window {
        hits: 1000,
        ..window(Kind::ReadDirty)
    };
    sum.merge(&busier);
    assert_eq!(sum.kind, Kind::ReadDirty);
    let mut nothing = Window::default();
    nothing.merge(&busier);
    assert_eq!(nothing, busier);
}

#[test]
fn windows_in_a_row_are_appended() {
    let mut sum = window(Kind::Lock);
    let later = Window {
        entries: 100,
        shards: 101,
        ..window(Kind::Lock)
    };
    sum.append(&later);
    assert_eq!((sum.entries, sum.shards), (100, 101));
    assert_eq!((sum.samples, sum.contended), (2, 22));
    assert_eq!(sum.elapsed, Duration::from_secs(30));
}

#[test]
fn costs_are_weighted_by_what_they_are_costs_of() {
    let costing = |reads, updates, scanned, nanos| Window {
        hits: reads,
        updates,
        scanned,
        costs: Costs {
            read: nanos,
            write: nanos,
            scan_entry: nanos,
            wait: nanos,
        },
        ..Window::default()
    };
    let mut sum = costing(1, 2, 4, Some(10.0));
    sum.merge(&costing(3, 2, 12, Some(30.0)));
    let expected = Costs {
        read: Some(25.0),
        write: Some(20.0),
        scan_entry: Some(25.0),
        wait: Some(22.5),
    };
    assert_eq!(sum.costs, expected);
    for unknown in [None, Some(f64::NAN), Some(f64::INFINITY)] {
        sum.append(&costing(1_000, 1_000, 1_000, unknown));
        assert_eq!(sum.costs, expected);
    }
    let mut nothing = costing(0, 0, 0, Some(10.0));
    nothing.merge(&costing(0, 0, 0, Some(20.0)));
    assert_eq!(nothing.costs.read, Some(15.0));
    nothing.merge(&costing(5, 5, 5, Some(40.0)));
    assert_eq!(nothing.costs.read, Some(40.0));
}

#[test]
fn counts_do_not_overflow() {
    let all = |count| Window {
        hits: count,
        misses: count,
        updates: count,
        inserts: count,
        scanned: count,
        entries: count,
        elapsed: Duration::MAX,
        ..Window::default()
    };
    let mut sum = all(u64::MAX);
    sum.merge(&all(u64::MAX));
    sum.append(&all(u64::MAX));
    assert_eq!(sum.operations(), u64::MAX);
    assert_eq!(sum.elapsed, Duration::MAX);
    assert!(sum.write_share() <= 1.0);
}

#[test]
fn a_history_forgets_when_its_kind_ends() {
    let mut history = History::default();
    for _ in 0..HISTORY * 3 {
        history.push(window(Kind::Lock));
    }
    let windows = history.windows();
    assert_eq!(windows.len(), HISTORY);
    assert_eq!(windows[0].samples as usize, HISTORY * 2 + 1);
    assert!(
        windows[1..]
            .iter()
            .all(|later| *later == window(Kind::Lock))
    );
    history.push(window(Kind::Sharded));
    assert_eq!(history.windows(), [window(Kind::Sharded)]);
}
