//! The programs as a person uses them: output, files, and what happens to bad input.

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// The subjects that every table shows.
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

/// Settings that finish at once.
const QUICK: [&str; 4] = ["--rounds", "2", "--round-ms", "1"];

fn suite(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench-suite"))
        .args(words)
        .output()
        .expect("the program starts")
}

fn alloc(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench-alloc"))
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

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the file was written")).expect("it is JSON")
}

fn quick<'a>(words: &[&'a str]) -> Vec<&'a str> {
    words.iter().copied().chain(QUICK).collect()
}

#[test]
fn help_explains_every_workload_and_format() {
    let help = good(&suite(&["--help"]));
    for command in ["compare", "replay", "growth-pause", "locks"] {
        assert!(help.contains(command), "{help}");
    }
    let help = good(&suite(&["compare", "--help"]));
    for word in [
        "read-hit",
        "read-hit-zipf",
        "read-miss",
        "95-5",
        "95-5-zipf",
        "70-25-5",
        "50-50",
        "update",
        "churn",
        "growth",
        "in turns",
        "--zipf",
    ] {
        assert!(help.contains(word), "{help}");
    }
    assert!(good(&suite(&["replay", "--help"])).contains("cloudphysics"));
    assert!(good(&alloc(&["--help"])).contains("memory"));
}

#[test]
fn compare_shows_every_subject_and_writes_json() {
    let room = TempDir::new().expect("a room");
    let file = room.path().join("cells.json");
    let file_name = file.to_str().expect("UTF-8");
    let table = good(&suite(&quick(&[
        "compare", "--keys", "100", "--json", file_name,
    ])));
    for subject in SUBJECTS {
        assert!(table.contains(subject), "{table}");
    }
    let report = json(&file);
    let cells = report["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), 10 * 2);
    for cell in cells {
        let scores = cell["scores"].as_array().expect("scores");
        let one = cell["threads"] == 1;
        assert_eq!(
            scores.len(),
            SUBJECTS.len() - usize::from(!one),
            "the limit has one thread"
        );
        let best = cell["best_peer"].as_str().expect("there are peers");
        for score in scores {
            let spread = &score["ns_per_op"];
            assert!(
                spread["min"].as_f64() <= spread["median"].as_f64()
                    && spread["median"].as_f64() <= spread["max"].as_f64()
            );
            assert_eq!(score["samples"].as_array().map(Vec::len), Some(2));
            let ratio = score["ratio"].as_f64().expect("there are peers");
            assert!(ratio > 0.0 && (score["subject"] != best || ratio == 1.0));
        }
        let median = |score: &&Value| score["ns_per_op"]["median"].as_f64();
        let peers = scores.iter().filter(|score| score["role"] == "peer");
        let fastest = peers.min_by(|a, b| median(a).partial_cmp(&median(b)).expect("numbers"));
        assert_eq!(fastest.expect("there are peers")["subject"], best);
    }
}

#[test]
fn compare_takes_every_type_skew_and_filter() {
    let table = good(&suite(&quick(&[
        "compare",
        "-s",
        "scc,dashmap",
        "-w",
        "churn,70-25-5,read-miss,growth",
        "-k",
        "64,1k",
        "-t",
        "3",
        "--values",
        "8,32",
        "--key-type",
        "u64,string",
        "--zipf",
        "0.99",
        "--batch",
        "1",
        "--quiet",
    ])));
    assert!(
        !table.contains("papaya") && !table.contains("50-50") && table.contains("churn"),
        "{table}"
    );
    for block in [
        "u64 -> 8 bytes, threads: 3",
        "string -> 32 bytes, threads: 3",
    ] {
        assert!(table.contains(block), "{table}");
    }
}

#[test]
fn compare_refuses_what_it_cannot_measure_and_says_what_it_can() {
    for (words, expected) in [
        (&["compare", "--subjects", "chashmap"][..], "dashmap"),
        (&["compare", "--workloads", "reads"], "read-hit"),
        (&["compare", "--threads", "0"], "1..=256"),
        (&["compare", "--threads", "many"], "many"),
        (&["compare", "--keys", "0"], "from 1 to"),
        (
            &["compare", "--keys", "9999999999999999999999m"],
            "from 1 to",
        ),
        (&["compare", "--keys", "2147483648"], "available"),
        (
            &["compare", "--keys", "3", "--threads", "2"],
            "at least two keys",
        ),
        (&["compare", "--values", "16"], "32"),
        (&["compare", "--key-type", "u32"], "string"),
        (&["compare", "--rounds", "0"], "1..="),
        (&["compare", "--zipf", "-1"], "exponent"),
        (
            &["compare", "--subjects", "hashbrown", "--threads", "2"],
            "--threads 1",
        ),
        (
            &["compare", "--json", "/no/such/directory/file"],
            "cannot write",
        ),
        (&["measure"], "measure"),
        (&[], "Usage"),
    ] {
        let errors = refusal(&suite(words));
        assert!(errors.contains(expected), "{words:?}: {errors}");
    }
}

/// The columns of `locks`.
const LOCKS: [&str; 7] = [
    "driver",
    "adaptive",
    "raw",
    "pl-rwlock",
    "pl-mutex",
    "std-rwlock",
    "std-mutex",
];

#[test]
fn locks_shows_every_lock_section_and_share_and_writes_json() {
    let room = TempDir::new().expect("a room");
    let file = room.path().join("locks.json");
    let file_name = file.to_str().expect("UTF-8");
    let table = good(&suite(&quick(&[
        "locks", "-t", "1,3", "-w", "0,50,100", "--json", file_name,
    ])));
    for word in LOCKS.into_iter().chain([
        "threads: 1",
        "threads: 3",
        "empty",
        "map20",
        "0 %",
        "100 %",
        "best peer",
    ]) {
        assert!(table.contains(word), "{table}");
    }
    assert!(
        table.lines().all(|line| line.chars().count() <= 120),
        "{table}"
    );
    let report = json(&file);
    assert_eq!(report["command"], "locks");
    let cells = report["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), 2 * 2 * 3);
    for cell in cells {
        let scores = cell["scores"].as_array().expect("scores");
        let names: Vec<_> = scores.iter().map(|score| &score["subject"]).collect();
        assert_eq!(names, LOCKS);
        assert!(cell["section"] == "empty" || cell["section"] == "map20");
        for score in scores {
            let tally = &score["tally"];
            assert_eq!(tally["reads"] == 0, cell["writes"] == 100, "{cell}");
            assert_eq!(tally["updates"] == 0, cell["writes"] == 0, "{cell}");
            assert_eq!(tally["reads"], tally["hits"]);
            assert!(score["ns_per_op"]["median"].as_f64() > Some(0.0));
        }
    }
}

#[test]
fn locks_takes_filters_and_refuses_what_it_does_not_know() {
    let table = good(&suite(&quick(&[
        "locks",
        "-s",
        "raw,std-mutex",
        "-c",
        "map20",
        "-w",
        "5",
        "-t",
        "2",
        "--quiet",
    ])));
    for absent in ["pl-", "driver", "empty", "best peer", "threads: 1"] {
        assert!(!table.contains(absent), "{table}");
    }
    let rows = table.lines().filter(|line| line.starts_with("map20"));
    assert_eq!(rows.count(), 1, "{table}");
    for (words, expected) in [
        (&["locks", "--subjects", "dashmap"][..], "pl-rwlock"),
        (&["locks", "--sections", "full"], "map20"),
        (&["locks", "--writes", "101"], "0..=100"),
        (&["locks", "--threads", "0"], "1..=256"),
        (&["locks", "--rounds", "0"], "1..="),
        (
            &["locks", "--json", "/no/such/directory/file"],
            "cannot write",
        ),
    ] {
        let errors = refusal(&suite(words));
        assert!(errors.contains(expected), "{words:?}: {errors}");
    }
}

/// Files for replays.
struct Files(TempDir);

impl Files {
    fn new() -> Files {
        Files(TempDir::new().expect("a room"))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).expect("the room takes files");
        path
    }
}

fn csv(lines: u64) -> String {
    let line = |at: u64| {
        format!(
            "1,{at},{},512,{}\n",
            if at.is_multiple_of(3) { "2a" } else { "28" },
            at % 97
        )
    };
    format!(
        "version,time,op,size,lbn\n{}",
        (0..lines).map(line).collect::<String>()
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).expect("memory takes all");
    packer.finish().expect("memory takes all")
}

fn replay(path: &Path, words: &[&str]) -> Output {
    let words: Vec<_> = ["replay", path.to_str().expect("UTF-8")]
        .iter()
        .chain(words)
        .copied()
        .collect();
    suite(&quick(&words))
}

#[test]
fn replay_plays_every_format_on_every_subject() {
    let files = Files::new();
    let report = files.put("report.json", b"");
    let cases = [
        (
            "plain.csv",
            csv(5000).into_bytes(),
            "5000 operations on 97 keys, 66.7 % reads",
        ),
        (
            "packed.csv.gz",
            gzip(csv(5000).as_bytes()),
            "5000 operations on 97 keys, 66.7 % reads",
        ),
        (
            "packed.misnamed",
            gzip(b"1\n2\n1\n"),
            "3 operations on 2 keys, 100.0 % reads of which 33.3 % hit",
        ),
        (
            "words.txt",
            b"user:1\nuser:2\nuser:1\n".to_vec(),
            "3 operations on 2 keys",
        ),
    ];
    for (name, bytes, summary) in cases {
        let path = files.put(name, &bytes);
        let table = good(&replay(&path, &["--json", report.to_str().expect("UTF-8")]));
        assert!(table.contains(summary), "{table}");
        for subject in SUBJECTS {
            assert!(table.contains(subject), "{table}");
        }
        let cells = json(&report);
        assert_eq!(cells["cells"].as_array().map(Vec::len), Some(2));
        assert_eq!(
            cells["cells"][0]["key_type"],
            if name == "words.txt" { "string" } else { "u64" }
        );
    }
    let path = files.put("broken-later.csv", format!("{}oops\n", csv(10)).as_bytes());
    let table = good(&replay(
        &path,
        &[
            "--limit",
            "10",
            "-s",
            "mutex,scc",
            "-t",
            "1,4",
            "--values",
            "32",
        ],
    ));
    assert!(
        table.contains("10 operations") && !table.contains("papaya"),
        "{table}"
    );
}

#[test]
fn replay_refuses_broken_files_with_the_line() {
    let files = Files::new();
    let packed = gzip(csv(100_000).as_bytes());
    let mut damaged = packed.clone();
    damaged[packed.len() / 2] ^= 0x55;
    damaged[packed.len() / 2 + 1] ^= 0x55;
    let with = |line: &str| format!("{}{line}\n", csv(15)).into_bytes();
    for (name, bytes, expected) in [
        (
            "columns",
            with("1,2,3"),
            "line 17: expected 5 columns version,time,op,size,lbn, found 3",
        ),
        (
            "op",
            with("1,2,2b,512,1"),
            "line 17: expected 28 (read) or 2a (write) as op, found \"2b\"",
        ),
        (
            "lbn",
            with("1,2,28,512,x"),
            "line 17: expected a 64-bit number as lbn, found \"x\"",
        ),
        ("blank", with(""), "line 17: expected 5 columns"),
        (
            "no-key",
            b"a\nb\n\nc\n".to_vec(),
            "line 3: expected a key, found an empty line",
        ),
        (
            "not-utf8",
            b"a\n\xff\xfe\n".to_vec(),
            "line 2: expected a key in UTF-8",
        ),
        ("empty", Vec::new(), "expected at least one operation"),
        ("empty.gz", gzip(b""), "expected at least one operation"),
        (
            "short.gz",
            packed[..packed.len() / 2].to_vec(),
            "the gzip stream ends too early",
        ),
        (
            "head.gz",
            packed[..3].to_vec(),
            "line 1: expected more data",
        ),
        ("damaged.gz", damaged, "line "),
    ] {
        let errors = refusal(&replay(&files.put(name, &bytes), &[]));
        assert!(
            errors.contains(expected) && errors.contains(name),
            "{name}: {errors}"
        );
    }
    let keys = files.put("keys", b"1\nx\n");
    let errors = refusal(&replay(&keys, &["--key-type", "u64"]));
    assert!(
        errors.contains("line 2: expected a 64-bit number"),
        "{errors}"
    );
    assert!(
        refusal(&replay(&keys, &["--format", "cloudphysics"]))
            .contains("line 1: expected 5 columns")
    );
    assert!(refusal(&replay(&keys, &["--format", "parquet"])).contains("cloudphysics"));
    assert!(refusal(&replay(&keys, &["--threads", "0"])).contains("1..=256"));
    assert!(refusal(&replay(&keys, &["--limit", "0"])).contains("from 1 to"));
    assert!(refusal(&replay(Path::new("/no/such/trace"), &[])).contains("/no/such/trace"));
    assert!(refusal(&replay(files.0.path(), &[])).contains("directory"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bench-suite"))
        .args(quick(&["compare", "-k", "64", "-t", "1", "-s", "mutex"]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn growth_pause_shows_percentiles_of_every_subject() {
    let room = TempDir::new().expect("a room");
    let file = room.path().join("pauses.json");
    let file_name = file.to_str().expect("UTF-8");
    let table = good(&suite(&[
        "growth-pause",
        "-k",
        "10k",
        "-r",
        "3",
        "--json",
        file_name,
    ]));
    let columns = ["dashmap-default", "p50", "p99.99", "steady max / sharded"];
    for word in SUBJECTS.into_iter().chain(columns) {
        assert!(table.contains(word), "{table}");
    }
    let report = json(&file);
    for row in report["subjects"].as_array().expect("subjects") {
        let median: Vec<_> = row["median"]
            .as_array()
            .expect("columns")
            .iter()
            .map(Value::as_f64)
            .collect();
        assert!(median.is_sorted(), "percentiles ascend: {median:?}");
        let steady = row["steady_max"].as_f64().expect("one thread");
        assert!(steady <= median[4].expect("the longest"), "{row}");
        let ratio = row["ratio"].as_f64();
        assert_eq!(ratio.is_none(), row["subject"] == "driver", "{row}");
        assert!(row["subject"] != "sharded" || ratio == Some(1.0), "{row}");
    }
    let table = good(&suite(&[
        "growth-pause",
        "-k",
        "1k",
        "-r",
        "1",
        "-t",
        "2",
        "-s",
        "dashmap,hashbrown",
    ]));
    assert!(
        !table.contains("max / "),
        "nothing to compare with: {table}"
    );
    let errors = refusal(&suite(&["growth-pause", "-k", "2147483648"]));
    assert!(errors.contains("available"), "{errors}");
    assert!(
        refusal(&suite(&["growth-pause", "-t", "2", "-s", "hashbrown"])).contains("--threads 1")
    );
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn growth_pause_touches_its_memory_beforehand_unless_told_not_to() {
    let room = TempDir::new().expect("a room");
    let file = room.path().join("pauses.json");
    let file_name = file.to_str().expect("UTF-8");
    // Page faults of all subjects and rounds, and the header.
    let run = |more: &[&'static str]| {
        let words = [
            "growth-pause",
            "-k",
            "200k",
            "-r",
            "2",
            "-t",
            "2",
            "--json",
            file_name,
        ];
        let header = good(&suite(&[&words, more].concat()));
        let report = json(&file);
        let rows = report["subjects"].as_array().expect("subjects");
        let rounds = rows
            .iter()
            .flat_map(|row| row["faults"].as_array().expect("rounds"));
        let faults: u64 = rounds.map(|faults| faults.as_u64().expect("a count")).sum();
        (header, report["touched"].as_u64(), faults)
    };
    let (header, touched, warm) = run(&[]);
    assert!(header.contains("touched beforehand"), "{header}");
    assert!(touched > Some(200_000 * 16), "{touched:?}");
    let (header, touched, cold) = run(&["--cold"]);
    assert!(header.contains("as it comes"), "{header}");
    assert_eq!(touched, None);
    assert!(10 * warm < cold, "{warm} page faults warm, {cold} cold");
}

#[test]
fn memory_and_ops_count_what_must_be_true() {
    let room = TempDir::new().expect("a room");
    let file = room.path().join("counts.json");
    let file_name = file.to_str().expect("UTF-8");
    good(&alloc(&["memory", "-k", "20k", "--json", file_name]));
    let report = json(&file);
    let rows = report["subjects"].as_array().expect("subjects");
    assert_eq!(rows.len(), SUBJECTS.len() - 1, "the driver is no map");
    for row in rows {
        // An entry is sixteen bytes, and nobody needs twelve times as much.
        for column in ["grown_per_entry", "presized_per_entry"] {
            assert!(
                (16.0..192.0).contains(&row[column].as_f64().expect("a number")),
                "{row}"
            );
        }
        assert!(
            row["peak_per_entry"].as_f64() >= row["grown_per_entry"].as_f64(),
            "{row}"
        );
        assert!(
            row["small_per_map"].as_f64() > row["empty"].as_f64(),
            "{row}"
        );
    }
    good(&alloc(&["ops", "-k", "10k", "--json", file_name]));
    let report = json(&file);
    for row in report["subjects"].as_array().expect("subjects") {
        for cost in &row["costs"].as_array().expect("costs")[..2] {
            // A map that decides about its strategy writes that down, once in thousands of operations.
            let most = if row["subject"] == "adaptive" {
                0.01
            } else {
                0.0
            };
            assert!(
                cost["allocations"].as_f64().is_some_and(|it| it <= most),
                "nobody allocates to read: {row}"
            );
        }
    }
    assert!(refusal(&alloc(&["memory", "-s", "nobody"])).contains("dashmap"));
}
