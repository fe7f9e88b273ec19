//! What people read.

use std::time::Duration;

use map_adaptive::policy::{Costs, Decision, Explanation, Kind, Outcome, Scope, Window};

use crate::log::decision;

fn lines_fit(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(line.trim_end(), line);
    }
    assert!(!text.ends_with('\n'));
}

#[test]
fn nothing_to_explain() {
    let text = Explanation::default().to_string();
    let expected = "\
Strategy    none: there are no shards
Policy      none
Uptime      0 µs
Lately      nothing sampled yet
Withheld    nothing
Decisions   none";
    assert_eq!(text, expected);
}

#[test]
fn a_window_of_nothing() {
    let explanation = Explanation {
        latest: Some(Window::default()),
        dropped: 3,
        ..Explanation::default()
    };
    let text = explanation.to_string();
    let lately = "Lately      0 % reads, 0 % writes (0 operations in 0 µs, 0 of them sampled)";
    assert!(text.contains(lately), "{text}");
    assert!(
        text.ends_with("Decisions   none kept, 3 forgotten"),
        "{text}"
    );
}

fn busy() -> Explanation {
    let whole = |at, outcome| Decision {
        scope: Scope::Map { shards: 60 },
        ..decision(at, outcome)
    };
    let withheld = Decision {
        from: Kind::Lock,
        to: Kind::ReadDirty,
        ..decision(
            3_995,
            Outcome::Withheld {
                why: "it was taken back twice in a row".to_owned(),
                until: Some(Duration::from_secs(4_004)),
            },
        )
    };
    let kept = Outcome::Kept {
        before: 34.1,
        after: 20.5,
        control: Some(33.9),
    };
    let reverted = Outcome::Reverted {
        before: 20.0,
        after: 25.0,
        control: None,
    };
    Explanation {
        kinds: vec![(Kind::Lock, 60, 118_000), (Kind::ReadDirty, 1, 1)],
        pinned: None,
        policy: "document".to_owned(),
        latest: Some(Window {
            samples: 256,
            hits: 13_104,
            misses: 1_263,
            unsettled: 30,
            updates: 1_600,
            inserts: 200,
            removes: 150,
            mutations: 60,
            other_writes: 7,
            scanned: 1_000,
            contended: 3,
            entries: 120_000,
            shards: 61,
            costs: Costs {
                read: Some(9.24),
                write: Some(31.04),
                scan_entry: Some(2.0),
                wait: None,
            },
            elapsed: Duration::from_millis(1_250),
            ..Window::empty(Kind::Lock)
        }),
        decisions: vec![
            decision(130, kept),
            whole(131, Outcome::Followed),
            decision(3_990, reverted),
            withheld,
        ],
        dropped: 2,
        uptime: Duration::from_secs(4_000),
    }
}

#[test]
fn a_busy_night() {
    let text = busy().to_string();
    lines_fit(&text);
    let expected = "\
Strategy    lock: 60 shards, 118,000 entries, for 1 h 4 min
            read/dirty: 1 shard, 1 entry, for longer than the log goes back
Policy      document
Uptime      1 h 6 min
Lately      87.7 % reads, 12.3 % writes (16,384 operations in 1.2 s, 256 of them sampled)
            80.0 % hits, 7.7 % misses, 9.8 % updates, 1.2 % inserts, 0.92 % removes, 0.37 % changed
            in place, 0.04 % changed nothing
            0.21 % of the reads had to take a lock
            0.02 % of 16,384 acquisitions of a lock met somebody
            walks came by 1,000 entries, 5.8 % of the work
            a read took 9.2 ns, a write took 31.0 ns, an entry of a walk took 2.0 ns
Withheld    read/dirty, for 4.0 s more: it was taken back twice in a row
Decisions   the last 4, newest first; 2 older forgotten
  5.0 s ago, shard 0110: lock -> read/dirty (document)
      random writes: 12.3 % of 16,384 operations were writes, more than 10 %
      withheld for 4.0 s more: it was taken back twice in a row
  10 s ago, shard 0110: read/dirty -> lock (document)
      random writes: 12.3 % of 16,384 operations were writes, more than 10 %
      taken back: an operation took 20.0 ns before and 25.0 ns after, 25.0 % more
  1 h 4 min ago, 60 shards: read/dirty -> lock (document)
      random writes: 12.3 % of 16,384 operations were writes, more than 10 %
      carried out without a trial
  1 h 4 min ago, shard 0110: read/dirty -> lock (document)
      random writes: 12.3 % of 16,384 operations were writes, more than 10 %
      kept: an operation took 34.1 ns before and 20.5 ns after, 39.9 % less; other shards 33.9 ns";
    assert_eq!(text, expected);
}

#[test]
fn what_is_withheld_is_told_until_it_is_over() {
    let mut explanation = busy();
    explanation.uptime = Duration::from_secs(4_005);
    let text = explanation.to_string();
    assert!(text.contains("Withheld    nothing\n"), "{text}");
    let past = "      withheld until 1.0 s ago: it was taken back twice in a row\n";
    assert!(text.contains(past), "{text}");

    let last = explanation.decisions.last_mut().expect("there are four");
    last.outcome = Outcome::Withheld {
        why: "the map has no read tables".to_owned(),
        until: None,
    };
    let text = explanation.to_string();
    let withheld = "Withheld    read/dirty: the map has no read tables\n";
    assert!(text.contains(withheld), "{text}");
    assert!(
        text.contains("      withheld: the map has no read tables\n"),
        "{text}"
    );
}

#[test]
fn a_pinned_map_says_so() {
    let explanation = Explanation {
        kinds: vec![(Kind::Lock, 1, 0)],
        pinned: Some(Kind::Lock),
        policy: "document".to_owned(),
        decisions: vec![decision(10, Outcome::Pinned)],
        uptime: Duration::from_secs(20),
        ..Explanation::default()
    };
    let expected = "\
Strategy    lock: 1 shard, 0 entries, for 10 s
Pinned      to lock
Policy      document
Uptime      20 s
Lately      nothing sampled yet
Withheld    nothing
Decisions   1
  10 s ago, shard 0110: read/dirty -> lock (document)
      random writes: 12.3 % of 16,384 operations were writes, more than 10 %
      pinned by hand";
    assert_eq!(explanation.to_string(), expected);
}

/// Policies are anybody's, and so is what they say.
#[test]
fn long_and_odd_texts_fit() {
    let mut long = decision(
        1,
        Outcome::GivenUp {
            why: "w ".repeat(300),
        },
    );
    long.proposal.reason =
        "long\nwords: ".to_owned() + &"x".repeat(500) + " 1 2 3" + &" 7 %".repeat(99);
    long.policy = "p".repeat(150);
    long.scope = Scope::Shard {
        prefix: u64::MAX,
        depth: 64,
    };
    // Later than now: clocks are read one after the other.
    let later = decision(100, Outcome::Trying);
    let explanation = Explanation {
        decisions: vec![long, later],
        uptime: Duration::from_secs(2),
        ..Explanation::default()
    };
    lines_fit(&explanation.to_string());
}

#[test]
fn a_number_stays_with_its_unit() {
    let mut odd = decision(1, Outcome::Trying);
    odd.proposal.reason = "12.3 % ".repeat(60);
    let explanation = Explanation {
        decisions: vec![odd],
        ..Explanation::default()
    };
    let text = explanation.to_string();
    lines_fit(&text);
    assert!(text.lines().all(|line| !line.ends_with("12.3")), "{text}");
}
