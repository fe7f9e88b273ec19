//! Every kind of good and broken file; and bytes of any kind never panic.

use super::*;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::io::Write;

const CSV: &str =
    "version,time,op,size,lbn\n1,10,28,512,7\n1,11,2a,512,7\n1,12,28,512,7\n1,13,2A,512,9\n";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(text).expect("memory takes all");
    packer.finish().expect("memory takes all")
}

fn auto(bytes: &[u8]) -> Result<Trace, String> {
    parse(bytes, Format::Auto, KeyType::Auto, usize::MAX)
}

fn complaint(bytes: &[u8]) -> String {
    auto(bytes).expect_err("this file is broken")
}

#[test]
fn csv_plain_packed_in_members_without_header_and_with_other_line_ends() {
    let trace = auto(CSV.as_bytes()).expect("a good file");
    assert_eq!(trace.kinds, [Kind::Get, Kind::Put, Kind::Get, Kind::Put]);
    assert_eq!(trace.keys, Keys::Numbers(vec![7, 7, 7, 9]));
    let summary = Summary {
        ops: 4,
        reads: 2,
        puts: 2,
        distinct: 2,
        hits: 1,
        entries: 2,
    };
    assert_eq!(trace.summary(), summary);
    assert_eq!(auto(&gzip(CSV.as_bytes())), Ok(trace.clone()));
    let (a, b) = CSV.split_at(40);
    assert_eq!(
        auto(&[gzip(a.as_bytes()), gzip(b.as_bytes())].concat()),
        Ok(trace.clone())
    );
    let (_, headless) = CSV.split_once('\n').expect("it has lines");
    assert_eq!(auto(headless.as_bytes()), Ok(trace.clone()));
    assert_eq!(
        auto(CSV.replace('\n', "\r\n").as_bytes()),
        Ok(trace.clone())
    );
    assert_eq!(auto(CSV.trim_end().as_bytes()), Ok(trace));
}

#[test]
fn keys_are_numbers_if_all_are() {
    let trace = auto(b"5\n6\n5\n").expect("a good file");
    assert_eq!(trace.keys, Keys::Numbers(vec![5, 6, 5]));
    assert_eq!(
        trace.summary(),
        Summary {
            ops: 3,
            reads: 3,
            puts: 0,
            distinct: 2,
            hits: 1,
            entries: 2
        }
    );
    for (text, count) in [
        ("5\n6\nuser:1\n5", 4),
        ("07\n7\n", 2),
        ("+7\n7\n", 2),
        ("18446744073709551616\r\n1\r\n", 2),
    ] {
        let trace = auto(text.as_bytes()).expect("a good file");
        let Keys::Texts(texts) = &trace.keys else {
            panic!("{text:?} has a key that is no number")
        };
        let lines: Vec<_> = (0..count).map(|at| texts.at(at)).collect();
        assert_eq!(lines, text.lines().collect::<Vec<_>>());
    }
    let forced =
        parse(&b"5\n5\n"[..], Format::Keys, KeyType::String, usize::MAX).expect("a good file");
    assert!(matches!(forced.keys, Keys::Texts(_)));
    let commas =
        parse(&b"a,b\n"[..], Format::Keys, KeyType::Auto, usize::MAX).expect("a good file");
    assert_eq!(commas.kinds, [Kind::GetOrPut]);
}

#[test]
fn a_malformed_line_is_named() {
    let with = |line: &str| complaint(format!("{CSV}{line}\n").as_bytes());
    assert_eq!(
        with("1,2,28"),
        "line 6: expected 5 columns version,time,op,size,lbn, found 3"
    );
    assert_eq!(
        with("1,2,28,512,7,8"),
        "line 6: expected 5 columns version,time,op,size,lbn, found 6"
    );
    assert_eq!(
        with("1,2,35,512,7"),
        "line 6: expected 28 (read) or 2a (write) as op, found \"35\""
    );
    assert_eq!(
        with("1,2,28,512,-7"),
        "line 6: expected a 64-bit number as lbn, found \"-7\""
    );
    assert_eq!(
        with("1,2,28,big,7"),
        "line 6: expected a 64-bit number as size, found \"big\""
    );
    assert_eq!(
        with("1,,28,512,7"),
        "line 6: expected a 64-bit number as time, found \"\""
    );
    assert_eq!(
        with("1,2,28,512,\"7\n8\""),
        "line 6: expected a 64-bit number as lbn, found \"\\\"7\""
    );
    assert!(with(&format!("{},2,28,512,7", "9".repeat(99))).ends_with("99\"..."));
    assert_eq!(
        complaint(b"a\n\nb\n"),
        "line 2: expected a key, found an empty line"
    );
    assert_eq!(
        complaint(b"a\nb\xff\n"),
        "line 2: expected a key in UTF-8, found something else after 1 bytes"
    );
    let long = [b"a\n", "x".repeat(70_000).as_bytes()].concat();
    assert_eq!(
        complaint(&long),
        "line 2: expected a line of at most 65536 bytes, found a longer one"
    );
    let letters =
        parse(&b"1\nx\n"[..], Format::Keys, KeyType::U64, usize::MAX).expect_err("x is no number");
    assert_eq!(
        letters,
        "line 2: expected a 64-bit number without leading zeros, found \"x\""
    );
}

#[test]
fn an_empty_file_is_refused() {
    for nothing in [&b""[..], b"version,time,op,size,lbn\n", &gzip(b"")] {
        assert_eq!(
            complaint(nothing),
            "expected at least one operation, found none"
        );
    }
}

#[test]
fn a_broken_gzip_file_is_refused_wherever_it_breaks() {
    let text: String = (0..20_000u64)
        .map(|at| format!("1,{at},28,512,{}\n", crate::key::number(at, 0)))
        .collect();
    let packed = gzip(text.as_bytes());
    for end in [2, 5, 12, packed.len() / 2, packed.len() - 1] {
        let complaint = complaint(&packed[..end]);
        assert!(
            complaint.contains("gzip") && complaint.starts_with("line "),
            "cut at {end}: {complaint}"
        );
    }
    for at in [2, packed.len() / 2, packed.len() - 6] {
        let mut damaged = packed.clone();
        damaged[at] ^= 0xff;
        let complaint = complaint(&damaged);
        assert!(
            complaint.starts_with("line "),
            "damaged at {at}: {complaint}"
        );
    }
}

#[test]
fn the_limit_ends_the_trace_before_a_broken_line() {
    let text = format!("{CSV}broken,line\n");
    let trace = parse(text.as_bytes(), Format::Auto, KeyType::Auto, 3).expect("three good lines");
    assert_eq!(trace.kinds.len(), 3);
    assert!(auto(text.as_bytes()).is_err());
}

proptest! {
    #[test]
    fn bytes_of_any_kind_never_panic(mut bytes: Vec<u8>, packed in 0..3, format in 0..3usize) {
        let format = [Format::Auto, Format::Cloudphysics, Format::Keys][format];
        match packed {
            0 => {}
            1 => bytes = gzip(&bytes),
            _ => bytes.splice(0..0, [0x1f, 0x8b, 8]).for_each(drop),
        }
        if let Ok(trace) = parse(&*bytes, format, KeyType::Auto, usize::MAX) {
            prop_assert!(trace.summary().ops > 0);
        }
    }

    #[test]
    fn lines_that_look_like_a_trace_never_panic(text in "([0-9a,]{0,12}\r?\n|1,2,(28|2a),512,[0-9]{1,22}\n){0,20}") {
        if let Ok(trace) = auto(text.as_bytes()) {
            prop_assert_eq!(trace.summary().ops, trace.kinds.len() as u64);
        }
    }
}
