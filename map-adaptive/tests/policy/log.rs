//! The log is bounded, and what it has is what came last.

use std::time::Duration;

use map_adaptive::policy::{Decision, Kind, Log, Outcome, Proposal, Scope, Window};

pub(crate) fn decision(at: u64, outcome: Outcome) -> Decision {
    Decision {
        at: Duration::from_secs(at),
        scope: Scope::Shard {
            prefix: 0b0110,
            depth: 4,
        },
        from: Kind::ReadDirty,
        to: Kind::Lock,
        policy: "document".to_owned(),
        proposal: Proposal {
            to: Kind::Lock,
            rule: "random writes".into(),
            reason: "12.3 % of 16,384 operations were writes, more than 10 %".to_owned(),
            urgent: false,
        },
        window: Window::empty(Kind::ReadDirty),
        outcome,
    }
}

#[test]
fn the_oldest_make_way() {
    let mut log = Log::new(3);
    for at in 0..10 {
        assert_eq!(log.push(decision(at, Outcome::Trying)), at);
        assert!(log.len() <= 3);
    }
    assert_eq!((log.len(), log.dropped(), log.capacity()), (3, 7, 3));
    let kept: Vec<u64> = log.iter().map(|kept| kept.at.as_secs()).collect();
    assert_eq!(kept, [7, 8, 9]);
}

#[test]
fn what_was_tried_is_found_again_by_its_number() {
    let mut log = Log::new(2);
    let numbers = [0, 1, 2].map(|at| log.push(decision(at, Outcome::Trying)));
    assert_eq!(log.get_mut(numbers[0]), None);
    assert_eq!(log.get_mut(numbers[2] + 1), None);
    let middle = log.get_mut(numbers[1]).expect("it is kept");
    middle.outcome = Outcome::Followed;
    let outcomes: Vec<&Outcome> = log.iter().map(|kept| &kept.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Followed, &Outcome::Trying]);
}

#[test]
fn a_log_of_nothing_counts() {
    let mut log = Log::new(0);
    let number = log.push(decision(1, Outcome::Pinned));
    assert_eq!((log.is_empty(), log.dropped()), (true, 1));
    assert_eq!(log.get_mut(number), None);
}
