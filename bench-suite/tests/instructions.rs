//! `instructions` as a person uses it.

use serde_json::Value;
use std::{
    fs,
    process::{Command, Output},
};
use tempfile::TempDir;

fn instructions(words: &[&str], path: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench-suite"));
    command.arg("instructions").args(words);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.output().expect("the program starts")
}

fn has_valgrind() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok()
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let room = TempDir::new().expect("a room");
    let nothing = room.path().to_str().expect("UTF-8");
    for (words, path, expected) in [
        (
            &["-w", "read-hit,growth"][..],
            None,
            "growth has no steady state",
        ),
        (&["-k", "1k,1"], None, "at least two"),
        (&["-k", "2g"], None, "expected a number"),
        (&["-s", "nobody"], None, "sharded"),
        (&["--play"], None, "one cell of one subject"),
        (&["-j", "/no/such/directory/file"], None, "cannot write"),
        (&["-k", "2"], Some(nothing), "valgrind was not found"),
    ] {
        let output = instructions(words, path);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {errors}");
        assert!(errors.contains(expected), "{words:?}: {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
    }
}

#[test]
fn more_work_is_more_instructions() {
    if !has_valgrind() {
        eprintln!("!! SKIPPED: no valgrind, so no instructions were counted");
        return;
    }
    let room = TempDir::new().expect("a room");
    let file = room.path().join("counts.json");
    let file_name = file.to_str().expect("UTF-8");
    let words = [
        "-s",
        "driver,hashbrown,sharded",
        "-w",
        "read-hit,churn",
        "-k",
        "8",
        "-o",
        "2k",
        "-j",
        file_name,
    ];
    let output = instructions(&words, None);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let table = String::from_utf8(output.stdout).expect("output is UTF-8");
    assert_eq!(table.matches("1.00*").count(), 2, "{table}");
    let report: Value =
        serde_json::from_slice(&fs::read(&file).expect("it was written")).expect("it is JSON");
    assert_eq!(report["command"], "instructions");
    let cells = report["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), 2);
    for cell in cells {
        let count = |at: usize| {
            let count = &cell["counts"][at];
            (
                count["subject"].clone(),
                count["instructions"].as_f64().expect("a number"),
            )
        };
        let ((driver, loop_alone), (_, limit), (sharded, own)) = (count(0), count(1), count(2));
        assert_eq!((driver, sharded), ("driver".into(), "sharded".into()));
        // A lock and a directory take some; the loop takes some, too.
        assert!(
            0.0 < loop_alone && loop_alone < limit && limit < own,
            "{cell}"
        );
        assert_eq!(cell["counts"][2]["ratio"], 1.0);
        assert!(cell["counts"][0]["ratio"].is_null());
    }
}
