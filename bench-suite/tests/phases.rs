//! `phases` as a person uses it: tables, files, and what happens to bad scripts. No time is held against another.

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// The subjects of one thread; the second is left out with more.
const SUBJECTS: [&str; 13] = [
    "driver",
    "hashbrown",
    "sharded",
    "lockmap",
    "readdirty",
    "rd-pinned",
    "adaptive",
    "dashmap",
    "papaya",
    "flurry",
    "scc",
    "rwlock",
    "mutex",
];

/// The strategies that the oracle takes.
const CHOICES: [&str; 3] = ["sharded", "lockmap", "readdirty"];

/// Every kind of operation, and numbers of keys that grow and shrink.
const ALL: &str = r#"[
    {"name": "reads", "mix": {"read-hit": 0.7, "read-miss": 0.3}, "picks": "zipf", "keys": 200, "ops": 500},
    {"name": "scans", "mix": {"read-hit": 0.5, "update": 0.45, "scan": 0.05}, "keys": 400, "ops": 400},
    {"name": "churn", "mix": {"read-hit": 0.1, "insert": 0.45, "remove": 0.45}, "keys": 400, "ops": 500},
    {"name": "grows", "mix": {"insert": 0.8, "remove": 0.1, "update": 0.1}, "picks": "zipf", "keys": 100, "ops": 500},
    {"name": "short", "mix": {"update": 1}, "keys": 50, "ops": 7}
]"#;

fn phases(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench-suite"))
        .arg("phases")
        .args(words)
        .output()
        .expect("the program starts")
}

fn good(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(
        errors.is_empty(),
        "no progress bar without a terminal: {errors}"
    );
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}

/// What a refusal says; it must have exit code 2 and no panic.
fn refusal(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    errors
}

struct Room(TempDir);

impl Room {
    fn new() -> Room {
        Room(TempDir::new().expect("a room"))
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("the room takes files");
        path
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

/// The report of a run of the script `ALL`.
fn report(more: &[&str]) -> (String, Value) {
    let room = Room::new();
    let (script, json) = (room.put("script.json", ALL), room.put("out.json", ""));
    let words = ["--script", text(&script), "--json", text(&json)];
    let shown = good(&phases(&[&words[..], more].concat()));
    let json = fs::read(&json).expect("the file was written");
    (shown, serde_json::from_slice(&json).expect("it is JSON"))
}

#[test]
fn every_subject_plays_every_phase_and_totals_are_their_sums() {
    let (shown, report) = report(&["-r", "3", "-t", "1,2"]);
    for word in SUBJECTS
        .into_iter()
        .chain(["oracle", "full bar", "5 short", "threads: 2"])
    {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert_eq!(report["command"], "phases");
    let due: Value = serde_json::from_str(ALL).expect("it is JSON");
    let script = list(&report["settings"]["script"]);
    let names = |phases: &[Value]| {
        phases
            .iter()
            .map(|it| it["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(script), names(list(&due)));
    let cells = list(&report["cells"]);
    assert_eq!(cells.len(), 2);
    for cell in cells {
        let threads = number(&cell["threads"]);
        let scores = list(&cell["scores"]);
        let names: Vec<_> = scores.iter().map(|score| &score["subject"]).collect();
        let fits = |name: &&str| threads == 1.0 || *name != "hashbrown";
        assert_eq!(
            names,
            SUBJECTS.iter().copied().filter(fits).collect::<Vec<_>>()
        );
        for score in scores {
            check(score, threads);
        }
        let driver = &scores[0];
        for score in scores {
            for (round, due) in list(&score["rounds"]).iter().zip(list(&driver["rounds"])) {
                assert_eq!(asked(round), asked(due), "the same work for all");
            }
        }
        check_oracle(&cell["oracle"], scores);
    }
}

/// Equal, but for what reading decimal digits costs.
fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b, "{a} is not {b}");
}

/// The numbers of operations of each kind in every phase.
fn asked(round: &Value) -> Vec<Vec<Value>> {
    let kinds = ["reads", "absent", "updates", "inserts", "removes", "scans"];
    list(&round["phases"])
        .iter()
        .map(|phase| kinds.map(|kind| phase["answers"][kind].clone()).to_vec())
        .collect()
}

/// Sums, slices and counts of a subject.
fn check(score: &Value, threads: f64) {
    let rounds = list(&score["rounds"]);
    assert_eq!(rounds.len(), 3);
    let medians = list(&score["phases"])
        .iter()
        .map(|it| number(&it["ms"]["median"]));
    near(number(&score["total_ms"]), medians.sum());
    for round in rounds {
        let phases = list(&round["phases"]);
        near(
            number(&round["total_ms"]),
            phases.iter().map(|phase| number(&phase["ms"])).sum(),
        );
        for (phase, (ops, slices)) in
            phases
                .iter()
                .zip([(500.0, 20), (400.0, 20), (500.0, 20), (500.0, 20), (7.0, 7)])
        {
            let answers = &phase["answers"];
            let kinds = ["reads", "updates", "inserts", "removes", "scans"];
            let sum: f64 = kinds.iter().map(|kind| number(&answers[kind])).sum();
            assert_eq!(sum, ops * threads);
            assert_eq!(list(&phase["slices"]).len(), slices);
            // One of them changes its strategy, and says which it has.
            let says = !phase["in_force"].is_null();
            assert_eq!(says, score["subject"] == "adaptive", "{phase}");
            assert!(says || list(&phase["decisions"]).is_empty());
            if score["role"] != "driver" {
                let hits = number(&answers["reads"]) - number(&answers["absent"]);
                assert_eq!(number(&answers["hits"]), hits);
                assert_eq!(answers["removed"], answers["removes"]);
            }
        }
        let scanned = number(&phases[1]["answers"]["scanned"]);
        let scans = number(&phases[1]["answers"]["scans"]);
        assert!(scans > 0.0);
        assert!(
            score["role"] == "driver" || scanned == 400.0 * scans,
            "{score}"
        );
    }
}

/// The oracle is the best of the strategies in each phase, and the measure of all in each round.
fn check_oracle(oracle: &Value, scores: &[Value]) {
    let choices: Vec<_> = scores.iter().filter(|it| it["choice"] == true).collect();
    let names: Vec<_> = choices.iter().map(|it| &it["subject"]).collect();
    assert_eq!(names, CHOICES);
    let mut total = 0.0;
    for (at, ms) in list(&oracle["ms"]).iter().enumerate() {
        let best = choices
            .iter()
            .map(|it| number(&it["phases"][at]["ms"]["median"]));
        assert_eq!(number(ms), best.fold(f64::INFINITY, f64::min));
        total += number(ms);
    }
    near(number(&oracle["total_ms"]), total);
    let chosen = |name: &Value| choices.iter().find(|it| it["subject"] == *name);
    let chosen: Vec<_> = list(&oracle["subjects"]).iter().map(chosen).collect();
    for (round, ms) in list(&oracle["rounds_ms"]).iter().enumerate() {
        let parts = chosen.iter().enumerate();
        let parts = parts.map(|(at, it)| {
            number(&it.expect("one of the choices")["rounds"][round]["phases"][at]["ms"])
        });
        near(number(ms), parts.sum());
    }
    for score in scores {
        let ratio = score["ratio"].as_f64();
        assert_eq!(ratio.is_none(), score["role"] == "driver", "{score}");
        let Some(ratio) = ratio else { continue };
        let rounds = list(&score["rounds"]).iter();
        let mut ratios: Vec<_> = rounds
            .zip(list(&oracle["rounds_ms"]))
            .map(|(round, ms)| number(&round["total_ms"]) / number(ms))
            .collect();
        ratios.sort_unstable_by(f64::total_cmp);
        assert!(ratios.len() % 2 == 1, "there is one in the middle");
        near(ratio, ratios[ratios.len() / 2]);
    }
}

#[test]
fn the_built_in_script_is_scaled_and_filtered() {
    let shown = good(&phases(&[
        "-o",
        "2k",
        "-k",
        "1k",
        "-r",
        "1",
        "-s",
        "dashmap,mutex",
        "-t",
        "3",
        "--batch",
        "1",
    ]));
    for word in [
        "1 read-mostly: 99 % read-hit, 1 % update, picked by Zipf's law from 1k keys, 2k operations a thread",
        "2 write-heavy: 50 % read-hit, 50 % update, picked uniformly from 1k keys",
        "3 churn: 10 % read-hit, 45 % insert, 45 % remove",
        "4 scans: 89.99 % read-hit, 10 % update, 0.01 % scan",
        "5 read-mostly: ",
        "total ms",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let rows: Vec<_> = shown.lines().skip_while(|it| *it != "threads: 3").collect();
    let rows = rows.join("\n");
    assert!(!rows.contains("oracle") && !rows.contains("scc"), "{rows}");
    let chart = rows.lines().filter(|line| line.starts_with("mutex"));
    assert_eq!(
        chart.map(|line| line.matches('|').count()).sum::<usize>(),
        4
    );
    let quiet = good(&phases(&[
        "-o",
        "100",
        "-k",
        "100",
        "-r",
        "1",
        "-s",
        "readdirty",
        "-q",
    ]));
    assert!(
        !quiet.contains("read-hit") && quiet.contains('*'),
        "{quiet}"
    );
    assert!(quiet.contains("/ oracle"), "{quiet}");
}

#[test]
fn bad_scripts_are_refused_with_the_file_the_phase_and_the_field() {
    let room = Room::new();
    let with = |name: &str, value: &str| {
        let mut script: Value = serde_json::from_str(ALL).expect("it is JSON");
        script[2][name] = serde_json::from_str(value).expect("it is JSON");
        script.to_string()
    };
    for (name, script, expected) in [
        (
            "keys.json",
            with("keys", "0"),
            "phase 3 (churn): keys: expected a number from 1",
        ),
        (
            "negative.json",
            with("ops", "-3"),
            "phase 3 (churn): ops: invalid value: integer `-3`",
        ),
        (
            "sum.json",
            with("mix", r#"{"insert": 0.5}"#),
            "phase 3 (churn): mix: expected shares that sum to 1",
        ),
        (
            "share.json",
            with("mix", r#"{"insert": -1, "scan": 1}"#),
            "phase 3 (churn): mix.insert: expected a share from 0 to 1, found -1",
        ),
        (
            "field.json",
            with("length", "7"),
            "phase 3 (churn): length: unknown field `length`",
        ),
        (
            "threads.json",
            with("keys", "3"),
            "phase 3 (churn): 3 keys are too few for --threads 2",
        ),
        (
            "drain.json",
            with("mix", r#"{"remove": 1}"#),
            "phase 3 (churn): 500 more removes than inserts",
        ),
        (
            "memory.json",
            with("keys", "2147483648"),
            "are available: take fewer --keys",
        ),
        ("empty.json", "[]".into(), "expected at least one phase"),
        ("broken.json", "[".into(), "line 1 column 1"),
    ] {
        let path = room.put(name, &script);
        let errors = refusal(&phases(&["--script", text(&path)]));
        assert!(errors.contains(expected), "{name}: {errors}");
        let of_run = ["threads.json", "drain.json", "memory.json"].contains(&name);
        assert!(of_run || errors.contains(name), "{name}: {errors}");
    }
    assert!(refusal(&phases(&["--script", "/no/such/script"])).contains("/no/such/script"));
    assert!(refusal(&phases(&["--script", text(room.0.path())])).contains("directory"));
}

#[test]
fn other_bad_input_is_refused_as_by_compare() {
    for (words, expected) in [
        (&["--subjects", "chashmap"][..], "dashmap"),
        (&["--threads", "0"], "1..=256"),
        (&["--threads", "1,x"], "x"),
        (&["--keys", "0"], "from 1 to"),
        (&["--keys", "3"], "too few for --threads 2"),
        (&["--ops", "0"], "from 1 to"),
        (&["--ops", "-1"], "-1"),
        (&["--rounds", "0"], "1..="),
        (&["--batch", "0"], "1..="),
        (&["--subjects", "hashbrown"], "--threads 1"),
        (&["--json", "/no/such/directory/file"], "cannot write"),
        (&["file"], "unexpected"),
    ] {
        let errors = refusal(&phases(words));
        assert!(errors.contains(expected), "{words:?}: {errors}");
    }
    let help = good(&phases(&["--help"]));
    for word in [
        "read-miss",
        "\"picks\": \"zipf\"",
        "--script",
        "in proportion",
    ] {
        assert!(help.contains(word), "{help}");
    }
}
