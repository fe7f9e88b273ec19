//! What a script may say, and what it is told if it says something else.

use super::*;

/// A phase as JSON, with one field as told.
fn with(field: &str, value: &str) -> String {
    let fields = [
        ("name", "\"only\""),
        ("mix", "{\"read-hit\": 0.5, \"update\": 0.5}"),
        ("picks", "\"zipf\""),
        ("keys", "1000"),
        ("ops", "500"),
    ];
    let fields = fields.map(|(name, usual)| {
        let value = if name == field { value } else { usual };
        format!("\"{name}\": {value}")
    });
    format!("{{{}}}", fields.join(", "))
}

#[test]
fn the_built_in_script_is_a_good_one_and_survives_json() {
    let script = Script::built_in();
    let json = serde_json::to_string(&script).expect("plain data serialises");
    assert_eq!(Script::parse(&json), Ok(script.clone()));
    for threads in [1, 2, 256] {
        assert_eq!(script.suits(threads), Ok(()));
    }
    assert_eq!(script.room(2), 100_002);
}

#[test]
fn a_phase_needs_no_picks_and_no_share_of_what_it_does_not_do() {
    let text = r#"[{"name": "all", "mix": {"scan": 1}, "keys": 10, "ops": 1}]"#;
    let script = Script::parse(text).expect("nothing is missing");
    assert_eq!(script.0[0].picks, Picks::Uniform);
    assert_eq!(script.0[0].mix.scan, 1.0);
    assert_eq!(
        script.0[0].to_string(),
        "all: 100 % scan, picked uniformly from 10 keys, 1 operations a thread"
    );
}

#[test]
fn what_is_wrong_is_told_with_the_phase_and_the_field() {
    for (field, value, expected) in [
        (
            "keys",
            "0",
            "phase 2 (only): keys: expected a number from 1 to 2147483648, found 0",
        ),
        (
            "keys",
            "-1",
            "phase 2 (only): keys: invalid value: integer `-1`, expected u64",
        ),
        ("keys", "2147483649", "found 2147483649"),
        (
            "ops",
            "0",
            "phase 2 (only): ops: expected a number from 1 to",
        ),
        (
            "ops",
            "-5",
            "phase 2 (only): ops: invalid value: integer `-5`",
        ),
        (
            "ops",
            "1.5",
            "phase 2 (only): ops: invalid type: floating point `1.5`",
        ),
        (
            "ops",
            "\"1k\"",
            "phase 2 (only): ops: invalid type: string \"1k\"",
        ),
        (
            "picks",
            "\"normal\"",
            "phase 2 (only): picks: unknown variant `normal`, expected `uniform` or `zipf`",
        ),
        ("name", "7", "phase 2: name: invalid type: integer `7`"),
        ("name", "\" \"", "name: expected a line of text"),
        ("name", "\"a\\nb\"", "name: expected a line of text"),
        (
            "mix",
            "{}",
            "phase 2 (only): mix: expected shares that sum to 1, found a sum of 0",
        ),
        (
            "mix",
            "{\"read-hit\": 0.9}",
            "mix: expected shares that sum to 1, found a sum of 0.9",
        ),
        (
            "mix",
            "{\"read-hit\": 1.5, \"update\": -0.5}",
            "mix.read-hit: expected a share from 0 to 1, found 1.5",
        ),
        (
            "mix",
            "{\"update\": -0.5, \"scan\": 1}",
            "mix.update: expected a share from 0 to 1, found -0.5",
        ),
        (
            "mix",
            "{\"update\": \"half\"}",
            "phase 2 (only): mix.update: invalid type: string \"half\"",
        ),
        (
            "mix",
            "{\"reads\": 1}",
            "unknown field `reads`, expected one of `read-hit`",
        ),
    ] {
        let text = format!("[{}, {}]", with("", ""), with(field, value));
        let reason = Script::parse(&text).expect_err(value);
        assert!(reason.contains(expected), "{value}: {reason}");
    }
    for (text, expected) in [
        ("[]", "at least one phase"),
        ("{}", "expected a list of phases"),
        ("3", "expected a list of phases"),
        ("", "line 1"),
        ("[{]", "line 1 column 3"),
        ("[7]", "phase 1: invalid type: integer `7`"),
        ("[{\"name\": \"a\"}]", "phase 1 (a): missing field `mix`"),
        (
            "[{\"name\": \"a\", \"length\": 3}]",
            "unknown field `length`",
        ),
    ] {
        let reason = Script::parse(text).expect_err(text);
        assert!(reason.contains(expected), "{text}: {reason}");
    }
}

fn phase(mix: Mix, keys: u64, ops: u64) -> Phase {
    Phase {
        name: "it".into(),
        mix,
        picks: Picks::Uniform,
        keys,
        ops,
    }
}

#[test]
fn scaling_keeps_proportions_and_leaves_at_least_one() {
    let read = Mix {
        read_hit: 1.0,
        ..Mix::default()
    };
    let mut script = Script(vec![phase(read, 1000, 10), phase(read, 10, 1_000_000)]);
    script.scale(None, None);
    assert_eq!((script.0[0].keys, script.0[1].ops), (1000, 1_000_000));
    script.scale(Some(50_000), Some(1000));
    let lengths: Vec<_> = script.0.iter().map(|it| (it.keys, it.ops)).collect();
    assert_eq!(lengths, [(50_000, 1), (500, 1000)]);
    // The largest of both leave no overflow.
    script.scale(Some(MOST_KEYS), Some(MOST_OPS));
    script.scale(Some(MOST_KEYS), Some(MOST_OPS));
    assert_eq!((script.0[0].keys, script.0[1].ops), (MOST_KEYS, MOST_OPS));
}

#[test]
fn too_few_keys_for_the_threads_or_the_removes_are_refused() {
    let (insert, remove) = (0.25, 0.75);
    let mix = Mix {
        insert,
        remove,
        ..Mix::default()
    };
    let script = |keys, ops| Script(vec![phase(mix, keys, ops)]);
    assert_eq!(script(1000, 900).suits(2), Ok(()));
    let reason = script(1000, 1000).suits(2).expect_err("nothing is left");
    assert!(reason.contains("500 more removes"), "{reason}");
    let reason = script(3, 1).suits(2).expect_err("one and a half a thread");
    assert!(reason.starts_with("phase 1 (it): 3 keys"), "{reason}");
    let growing = Mix {
        insert: remove,
        remove: insert,
        ..mix
    };
    assert_eq!(Script(vec![phase(growing, 1000, 100)]).room(2), 1102);
}
