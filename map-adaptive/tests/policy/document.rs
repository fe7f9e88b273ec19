//! Every rule, at its threshold and off it.

use map_adaptive::policy::{Costs, DocumentPolicy, HISTORY, Kind, Policy, Proposal, Window};

use crate::mix;

/// Shares are what they seem: so thresholds can be met exactly.
fn exact() -> DocumentPolicy {
    DocumentPolicy {
        certainty: 0.0,
        ..DocumentPolicy::default()
    }
}

/// What the policy says to so many equal windows.
fn propose(policy: &DocumentPolicy, window: &Window, windows: usize) -> Option<Proposal> {
    policy.validate().expect("the test's policy makes sense");
    policy.propose(&vec![window.clone(); windows])
}

/// Target, rule, and whether it is urgent.
fn gist(proposal: Option<Proposal>) -> Option<(Kind, String, bool)> {
    proposal.map(|proposal| (proposal.to, proposal.rule.into_owned(), proposal.urgent))
}

fn settled(window: &Window) -> Option<(Kind, String, bool)> {
    gist(propose(&exact(), window, 2))
}

fn rule(to: Kind, name: &str) -> Option<(Kind, String, bool)> {
    Some((to, name.to_owned(), false))
}

/// A thousand operations of a kind, nearly all of them hits.
fn thousand(kind: Kind, change: impl FnOnce(&mut Window)) -> Window {
    let mut window = Window {
        samples: 1000,
        shards: 1,
        ..Window::empty(kind)
    };
    change(&mut window);
    window.hits = 1000 - window.operations();
    window
}

/// Neither rare writes nor many: nobody wants anything.
fn middling(kind: Kind, change: impl FnOnce(&mut Window)) -> Window {
    thousand(kind, |window| {
        window.updates = 70;
        change(window);
    })
}

#[test]
fn a_middling_mix_is_well_where_it_is() {
    for kind in Kind::ALL {
        assert_eq!(settled(&middling(kind, |_| ())), None, "{kind}");
    }
}

#[test]
fn no_windows_no_samples_no_operations_no_proposal() {
    assert_eq!(DocumentPolicy::default().propose(&[]), None);
    for kind in Kind::ALL {
        assert_eq!(settled(&Window::empty(kind)), None, "{kind}");
        let unsampled = Window {
            samples: 0,
            ..mix(kind, 1000, 0.5)
        };
        assert_eq!(settled(&unsampled), None, "{kind}");
        let few = Window {
            samples: 15,
            ..mix(kind, 1000, 0.5)
        };
        assert_eq!(settled(&few), None, "two windows have 30 samples: {kind}");
        // Sampled walks, no operations.
        let walked = Window {
            samples: 100,
            scanned: 1000,
            ..Window::empty(kind)
        };
        assert_eq!(settled(&walked), None, "{kind}");
    }
}

#[test]
fn contention_makes_a_lock_sharded_and_nothing_else() {
    let contended = |kind, count| middling(kind, |window| window.contended = count);
    assert_eq!(settled(&contended(Kind::Lock, 49)), None);
    assert_eq!(
        settled(&contended(Kind::Lock, 50)),
        rule(Kind::Sharded, "contention")
    );
    assert_eq!(settled(&contended(Kind::Sharded, 1000)), None);
    assert_eq!(settled(&contended(Kind::ReadDirty, 1000)), None);
    let reason = propose(&exact(), &contended(Kind::Lock, 50), 2).expect("see above");
    assert_eq!(
        reason.reason,
        "5.0 % of 2,000 acquisitions met somebody, 5 % or more"
    );
}

/// Of those that there were, readers of read/dirty shards not among them.
#[test]
fn contention_is_a_share_of_acquisitions() {
    // 120 acquisitions.
    let window = |contended| {
        thousand(Kind::ReadDirty, |window| {
            window.updates = 120;
            window.contended = contended;
        })
    };
    assert_eq!(settled(&window(5)), rule(Kind::Lock, "random writes"));
    assert_eq!(settled(&window(6)), rule(Kind::Sharded, "random writes"));
}

#[test]
fn slow_scans_make_a_read_dirty_shard_sharded() {
    let walked = |kind, scanned, entry, write| {
        middling(kind, |window| {
            window.scanned = scanned;
            window.costs = Costs {
                read: Some(10.0),
                write,
                scan_entry: entry,
                wait: None,
            };
        })
    };
    // A quarter of the work is 1000 entries to 3000 operations.
    let slow = walked(Kind::ReadDirty, 334, Some(150.1), Some(30.0));
    assert_eq!(settled(&slow), rule(Kind::Sharded, "slow scans"));
    let reason = propose(&exact(), &slow, 2).expect("see above").reason;
    assert_eq!(
        reason,
        "an entry of a walk cost 150.1 ns, more than 5 times a write (30.0 ns), \
         and 25.0 % of the work was walking, 25 % or more"
    );
    for other in [
        walked(Kind::ReadDirty, 333, Some(150.1), Some(30.0)),
        walked(Kind::ReadDirty, 334, Some(150.0), Some(30.0)),
        walked(Kind::ReadDirty, 334, None, Some(30.0)),
        walked(Kind::ReadDirty, 334, Some(150.1), None),
        walked(Kind::ReadDirty, 334, Some(f64::NAN), Some(30.0)),
        walked(Kind::Lock, 334, Some(150.1), Some(30.0)),
        walked(Kind::Sharded, 334, Some(150.1), Some(30.0)),
    ] {
        assert_eq!(settled(&other), None, "{other:?}");
    }
}

/// Costs are measured now and then: the newest window need not have them.
#[test]
fn slow_scans_are_found_by_the_costs_of_any_window() {
    let walked = middling(Kind::ReadDirty, |window| window.scanned = 500);
    let measured = Window {
        costs: Costs {
            read: None,
            write: Some(30.0),
            scan_entry: Some(200.0),
            wait: None,
        },
        ..walked.clone()
    };
    let windows = [measured, walked.clone(), walked];
    let found = gist(exact().propose(&windows));
    assert_eq!(found, rule(Kind::Sharded, "slow scans"));
    assert_eq!(gist(exact().propose(&windows[1..])), None);
}

#[test]
fn churn_makes_a_read_dirty_shard_sharded() {
    let churned = |kind, inserts, removes| {
        thousand(kind, |window| {
            window.inserts = inserts;
            window.removes = removes;
        })
    };
    let found = settled(&churned(Kind::ReadDirty, 101, 100));
    assert_eq!(found, rule(Kind::Sharded, "churn"));
    let reason = propose(&exact(), &churned(Kind::ReadDirty, 101, 100), 2);
    assert_eq!(
        reason.expect("see above").reason,
        "20.1 % of 2,000 operations created or destroyed a key, more than 20 %"
    );
    // Still more than 10 % of writes.
    let found = settled(&churned(Kind::ReadDirty, 100, 100));
    assert_eq!(found, rule(Kind::Lock, "random writes"));
    assert_eq!(settled(&churned(Kind::Lock, 500, 500)), None);
    assert_eq!(settled(&churned(Kind::Sharded, 500, 500)), None);
}

#[test]
fn random_writes_make_a_read_dirty_shard_a_lock() {
    // Whatever sort of writes they are.
    type Count = fn(&mut Window) -> &mut u64;
    let sorts: [Count; 5] = [
        |window| &mut window.updates,
        |window| &mut window.inserts,
        |window| &mut window.removes,
        |window| &mut window.mutations,
        |window| &mut window.other_writes,
    ];
    for sort in sorts {
        let written = |kind, count| thousand(kind, |window| *sort(window) = count);
        assert_eq!(settled(&written(Kind::ReadDirty, 100)), None);
        let found = settled(&written(Kind::ReadDirty, 101));
        assert_eq!(found, rule(Kind::Lock, "random writes"));
        assert_eq!(settled(&written(Kind::Lock, 101)), None);
        assert_eq!(settled(&written(Kind::Sharded, 101)), None);
    }
}

#[test]
fn the_reason_has_the_figures_and_the_threshold() {
    let window = Window {
        contended: 500,
        ..mix(Kind::ReadDirty, 128, 0.123)
    };
    let proposal = propose(&exact(), &window, 2).expect("more than 10 % are writes");
    assert_eq!(
        proposal.reason,
        "12.3 % of 16,384 operations were writes, more than 10 %; \
         49.6 % of 2,016 acquisitions met somebody, 5 % or more"
    );
}

/// The rule's other half shows only where the first is out of the way.
#[test]
fn many_stores_count_while_misses_grow() {
    let policy = DocumentPolicy {
        random_writes: 0.3,
        ..exact()
    };
    let stored = |updates, unsettled| {
        thousand(Kind::ReadDirty, |window| {
            window.inserts = 100;
            window.updates = updates;
            window.unsettled = unsettled;
        })
    };
    let found = policy.propose(&[stored(51, 10), stored(51, 20)]);
    let found = found.expect("they grow from 10 to 20");
    assert_eq!(
        (found.to, found.rule.as_ref()),
        (Kind::Lock, "random writes")
    );
    assert_eq!(
        found.reason,
        "15.1 % of 2,000 operations were updates and inserts, more than 15 %, \
         and the reads that had to take the lock grew from 1.2 % to 2.4 %"
    );
    for windows in [
        [stored(51, 20), stored(51, 20)],
        [stored(51, 20), stored(51, 10)],
        [stored(51, 0), stored(51, 0)],
        [stored(50, 10), stored(50, 20)],
    ] {
        assert_eq!(policy.propose(&windows), None, "{windows:?}");
    }
    // From 1.2 % to 2.4 % of so few samples may be an accident; from 1.2 % to 12 % is none.
    let certain = DocumentPolicy {
        certainty: 3.0,
        ..policy
    };
    let few = |mut window: Window| {
        window.samples = 100;
        window
    };
    let by = |old, new| {
        certain.propose(
            &[(); 20]
                .map(|()| few(stored(100, old)))
                .into_iter()
                .chain([few(stored(100, new)), few(stored(100, new))])
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(by(10, 20), None);
    assert!(by(10, 200).is_some());
}

#[test]
fn the_write_cliff_is_urgent_and_comes_first() {
    let written = |kind, count| thousand(kind, |window| window.inserts = count);
    let cliff = |to| Some((to, "write cliff".to_owned(), true));
    let one = |window: &Window| gist(propose(&exact(), window, 1));
    assert_eq!(one(&written(Kind::ReadDirty, 350)), cliff(Kind::Lock));
    assert_eq!(one(&written(Kind::ReadDirty, 349)), None, "not urgent");
    // It is churn as well.
    assert_eq!(settled(&written(Kind::ReadDirty, 350)), cliff(Kind::Lock));
    let contended = Window {
        contended: 100,
        ..written(Kind::ReadDirty, 500)
    };
    assert_eq!(one(&contended), cliff(Kind::Sharded));
    assert_eq!(settled(&written(Kind::Lock, 1000)), None);
    assert_eq!(settled(&written(Kind::Sharded, 1000)), None);
    // A tiny window does not count alone, but with those before it.
    let tiny = mix(Kind::ReadDirty, 8, 0.5);
    assert_eq!(
        gist(propose(&exact(), &tiny, 3)).map(|(_, _, urgent)| urgent),
        None
    );
    assert_eq!(gist(propose(&exact(), &tiny, 4)), cliff(Kind::Lock));
}

#[test]
fn what_is_mostly_read_becomes_read_dirty() {
    for kind in [Kind::Lock, Kind::Sharded] {
        let written = |change: fn(&mut Window)| settled(&thousand(kind, change));
        let read_mostly = rule(Kind::ReadDirty, "read-mostly");
        assert_eq!(written(|window| window.updates = 49), read_mostly);
        assert_eq!(written(|window| window.updates = 50), None);
        assert_eq!(written(|_| ()), read_mostly);
        // Walks of no more than 5 % of the work.
        assert_eq!(written(|window| window.scanned = 52), read_mostly);
        assert_eq!(written(|window| window.scanned = 53), None);
    }
    let written = |count| thousand(Kind::ReadDirty, |window| window.updates = count);
    assert_eq!(settled(&written(49)), None);
    // Only where it is set apart does churn matter: every key that comes or goes is a write.
    let policy = DocumentPolicy {
        quiet_churn: 0.01,
        ..exact()
    };
    let churned = |count| thousand(Kind::Lock, |window| window.inserts = count);
    assert!(propose(&policy, &churned(9), 2).is_some());
    assert_eq!(propose(&policy, &churned(10), 2), None);
}

/// A lock that is fought over is sharded first, even if it is mostly read.
#[test]
fn contention_goes_before_read_mostly() {
    let window = thousand(Kind::Lock, |window| window.contended = 100);
    assert_eq!(settled(&window), rule(Kind::Sharded, "contention"));
}

#[test]
fn patience_is_for_windows_in_a_row() {
    let (calm, busy) = (
        mix(Kind::ReadDirty, 1000, 0.07),
        mix(Kind::ReadDirty, 1000, 0.2),
    );
    let propose = |patience, pattern: &str| {
        let policy = DocumentPolicy {
            patience,
            ..exact()
        };
        let windows = pattern.chars().map(|c| match c {
            'b' => busy.clone(),
            _ => calm.clone(),
        });
        policy.propose(&windows.collect::<Vec<_>>()).is_some()
    };
    assert!(propose(1, "b"));
    assert!(!propose(1, "bc"));
    assert!(!propose(2, "b"));
    assert!(propose(2, "bb"));
    assert!(propose(2, "ccccbb"));
    assert!(!propose(2, "bbbbcb"));
    assert!(!propose(5, "bbbb"));
    assert!(propose(5, "bbbbb"));
    assert!(propose(HISTORY as u32, &"b".repeat(HISTORY)));
}

#[test]
fn only_windows_since_the_switch_count() {
    let policy = exact();
    let busy = mix(Kind::ReadDirty, 1000, 0.2);
    let before = mix(Kind::Lock, 1000, 0.2);
    assert_eq!(policy.propose(&[busy.clone(), before, busy]), None);
}

/// Of few samples nothing is certain but what is far off.
#[test]
fn what_sampling_may_have_done_is_no_reason() {
    let policy = DocumentPolicy::default();
    let windows = |count, writes| {
        propose(&policy, &mix(Kind::ReadDirty, 64, writes), count).map(|found| found.to)
    };
    assert_eq!(windows(2, 0.3), Some(Kind::Lock));
    assert_eq!(windows(2, 0.15), None);
    assert_eq!(windows(10, 0.15), Some(Kind::Lock));
    assert_eq!(windows(19, 0.125), None);
    assert_eq!(windows(21, 0.125), Some(Kind::Lock));
    // No write at all in 128 samples still is no proof that they are less than 5 %; in 192 it is.
    let reads = mix(Kind::Lock, 64, 0.0);
    assert_eq!(propose(&policy, &reads, 2), None);
    assert!(propose(&policy, &reads, 3).is_some());
}

#[test]
fn nothing_that_a_sampler_may_say_is_nonsense() {
    let mut random = fastrand::Rng::with_seed(7);
    let policy = DocumentPolicy::default();
    policy.validate().expect("the default makes sense");
    for _ in 0..20_000 {
        let kind = random.choice(Kind::ALL).expect("there are three");
        let windows: Vec<Window> = (0..random.usize(1..6))
            .map(|_| Window {
                kind,
                ..any_window(&mut random)
            })
            .collect();
        for window in &windows {
            for share in [
                window.write_share(),
                window.store_share(),
                window.churn_share(),
                window.miss_share(),
                window.unsettled_share(),
                window.contended_share(),
                window.scan_share(),
            ] {
                assert!((0.0..=1.0).contains(&share), "{share} of {window:?}");
            }
        }
        let Some(proposal) = policy.propose(&windows) else {
            continue;
        };
        assert_ne!(proposal.to, kind);
        assert!(!proposal.reason.contains("NaN"), "{}", proposal.reason);
        assert!(!proposal.reason.contains("inf"), "{}", proposal.reason);
        let expected: &[(&str, &[Kind])] = match kind {
            Kind::Lock => &[
                ("contention", &[Kind::Sharded]),
                ("read-mostly", &[Kind::ReadDirty]),
            ],
            Kind::Sharded => &[("read-mostly", &[Kind::ReadDirty])],
            Kind::ReadDirty => &[
                ("write cliff", &[Kind::Lock, Kind::Sharded]),
                ("slow scans", &[Kind::Sharded]),
                ("churn", &[Kind::Sharded]),
                ("random writes", &[Kind::Lock, Kind::Sharded]),
            ],
        };
        let allowed = expected
            .iter()
            .any(|(rule, to)| *rule == proposal.rule && to.contains(&proposal.to));
        assert!(allowed, "{kind}: {proposal:?}");
    }
}

/// Counts of every size, none and the greatest among them, whether they go together or not.
fn any_window(random: &mut fastrand::Rng) -> Window {
    let mut count = || match random.u32(0..8) {
        0..3 => 0,
        3..6 => random.u64(0..100),
        6 => random.u64(0..1_000_000),
        _ => u64::MAX,
    };
    Window {
        samples: count(),
        hits: count(),
        misses: count(),
        unsettled: count(),
        updates: count(),
        inserts: count(),
        removes: count(),
        mutations: count(),
        other_writes: count(),
        scanned: count(),
        contended: count(),
        entries: count(),
        shards: count(),
        costs: Costs {
            read: Some(count() as f64),
            write: Some(count() as f64),
            scan_entry: Some(count() as f64),
            wait: Some(count() as f64),
        },
        ..Window::default()
    }
}
