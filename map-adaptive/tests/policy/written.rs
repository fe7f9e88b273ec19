//! Policies, configurations and decisions through serde.

use std::fmt::Debug;
use std::time::Duration;

use map_adaptive::policy::{
    Canary, CostPolicy, DocumentPolicy, Explanation, Kind, Log, Outcome, PolicyConfig, Scope,
    SelectorConfig, Window,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::log::decision;

/// In a format that people read, and in one that has no names.
#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).expect("JSON can be written");
    let read: T = serde_json::from_str(&json).expect("what was written can be read");
    assert_eq!(&read, value, "{json}");
    let bytes = postcard::to_stdvec(value).expect("bytes can be written");
    let read: T = postcard::from_bytes(&bytes).expect("what was written can be read");
    assert_eq!(&read, value);
}

fn outcomes() -> Vec<Outcome> {
    let (before, after) = (20.5, 30.25);
    let why = "because".to_owned();
    vec![
        Outcome::Trying,
        Outcome::Kept {
            before,
            after,
            control: Some(21.0),
        },
        Outcome::Reverted {
            before,
            after,
            control: None,
        },
        Outcome::Followed,
        Outcome::GivenUp { why: why.clone() },
        Outcome::Withheld {
            why: why.clone(),
            until: Some(Duration::from_millis(1500)),
        },
        Outcome::Withheld { why, until: None },
        Outcome::Pinned,
    ]
}

#[test]
fn everything_makes_the_round_trip() {
    for kind in Kind::ALL {
        round_trip(&kind);
        round_trip(&PolicyConfig::Pinned(kind));
    }
    round_trip(&PolicyConfig::default());
    round_trip(&PolicyConfig::Cost(CostPolicy::default()));
    round_trip(&SelectorConfig::default());
    let mut log = Log::new(5);
    for outcome in outcomes() {
        round_trip(&outcome);
        log.push(decision(7, outcome));
    }
    round_trip(&log);
    round_trip(&Scope::Map { shards: 3 });
    round_trip(&Explanation {
        kinds: vec![(Kind::Lock, 1, 2)],
        pinned: Some(Kind::Lock),
        policy: "document".to_owned(),
        latest: Some(Window::default()),
        decisions: log.iter().cloned().collect(),
        dropped: log.dropped(),
        uptime: Duration::from_nanos(1_234_567_890_123),
    });
}

/// The names are what people have in their files and dashboards.
#[test]
fn a_configuration_in_full() {
    let json = r#"{
        "window_samples": 128,
        "thinning": 4,
        "canary": { "samples": 64, "min_gain": 0.05, "skip": false },
        "budget": 4,
        "budget_period": 30,
        "back_off": 0.25,
        "back_off_limit": 120,
        "log": 1000,
        "start": "read_dirty",
        "read_tables": true
    }"#;
    let config: SelectorConfig = serde_json::from_str(json).expect("every name is known");
    let expected = SelectorConfig {
        window_samples: 128,
        thinning: 4,
        canary: Canary {
            samples: 64,
            min_gain: 0.05,
            skip: false,
        },
        budget: 4,
        budget_period: Duration::from_secs(30),
        back_off: Duration::from_millis(250),
        back_off_limit: Duration::from_secs(120),
        log: 1000,
        start: Kind::ReadDirty,
        read_tables: true,
    };
    assert_eq!(config, expected);

    let json = r#"{ "document": {
        "contention": 0.1, "slow_scans": 4, "scans": 0.3, "churn": 0.25, "random_writes": 0.2,
        "stores": 0.25, "write_cliff": 0.5, "read_mostly": 0.1, "quiet_churn": 0.02,
        "quiet_scans": 0.01, "patience": 3, "min_samples": 100, "certainty": 2
    } }"#;
    let config: PolicyConfig = serde_json::from_str(json).expect("every name is known");
    assert_eq!(config.validate(), Ok(()));

    let json = r#"{ "cost": {
        "caution": 2, "switch_ns_per_entry": 100, "switch_ns_per_shard": 5000, "belief": 4,
        "model": { "lock": {
            "read": 10, "write": 20, "churn": 30, "scan_entry": 3,
            "contended_read": 200, "contended_write": 300
        } }
    } }"#;
    let config: PolicyConfig = serde_json::from_str(json).expect("every name is known");
    let PolicyConfig::Cost(policy) = config else {
        panic!("it is a cost policy");
    };
    assert_eq!(policy.model.lock.contended_write, 300.0);
    assert_eq!(policy.model.sharded, CostPolicy::default().model.sharded);
}

#[test]
fn what_is_not_there_is_as_by_default() {
    let read = |json| serde_json::from_str::<PolicyConfig>(json).expect("nothing is required");
    let document = PolicyConfig::Document(DocumentPolicy::default());
    assert_eq!(read(r#"{ "document": {} }"#), document);
    let cost = PolicyConfig::Cost(CostPolicy::default());
    assert_eq!(read(r#"{ "cost": {} }"#), cost);
    let selector: SelectorConfig = serde_json::from_str("{}").expect("nothing is required");
    assert_eq!(selector, SelectorConfig::default());
}

#[test]
fn unknown_names_are_errors_that_tell_them() {
    let lock = r#""read": 1, "write": 1, "churn": 1, "scan_entry": 1, "contended_read": 1"#;
    for (json, name) in [
        (
            r#"{ "document": { "radnom_writes": 0.2 } }"#.to_owned(),
            "radnom_writes",
        ),
        (r#"{ "cost": { "cuation": 2 } }"#.to_owned(), "cuation"),
        (
            r#"{ "cost": { "model": { "lokc": {} } } }"#.to_owned(),
            "lokc",
        ),
        (
            format!(r#"{{ "cost": {{ "model": {{ "lock": {{ {lock}, "wrte": 1 }} }} }} }}"#),
            "wrte",
        ),
        (
            format!(r#"{{ "cost": {{ "model": {{ "lock": {{ {lock} }} }} }} }}"#),
            "contended_write",
        ),
        (r#"{ "pinned": "read/dirty" }"#.to_owned(), "read/dirty"),
        (r#"{ "documnet": {} }"#.to_owned(), "documnet"),
    ] {
        let error = serde_json::from_str::<PolicyConfig>(&json).expect_err("nobody knows it");
        assert!(error.to_string().contains(name), "{error}");
    }
    for json in [r#"{ "budgte": 1 }"#, r#"{ "canary": { "budgte": 1 } }"#] {
        let error = serde_json::from_str::<SelectorConfig>(json).expect_err("nobody knows it");
        assert!(error.to_string().contains("budgte"), "{error}");
    }
}

#[test]
fn times_that_are_none_are_errors() {
    for seconds in ["-1", "1e300", "\"1 s\"", "null"] {
        let json = format!(r#"{{ "back_off": {seconds} }}"#);
        assert!(
            serde_json::from_str::<SelectorConfig>(&json).is_err(),
            "{json}"
        );
    }
}

#[test]
fn decisions_are_written_for_dashboards() {
    let decision = decision(
        90,
        Outcome::Withheld {
            why: "budget".to_owned(),
            until: Some(Duration::from_millis(100_500)),
        },
    );
    let json = serde_json::to_value(&decision).expect("JSON can be written");
    assert_eq!(json["at"], 90.0);
    assert_eq!(json["scope"]["shard"]["prefix"], 6);
    assert_eq!(json["from"], "read_dirty");
    assert_eq!(json["proposal"]["rule"], "random writes");
    assert_eq!(json["outcome"]["withheld"]["until"], 100.5);
}
