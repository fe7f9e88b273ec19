//! `memory`: bytes an entry, an empty map, and many small maps.

use crate::{
    alone, chosen,
    counting::{counts, forget_peak},
};
use bench_suite::{
    args::{self, Party},
    compare::hasher,
    fail::Fail,
    key::number,
    machine::Machine,
    report::{digits, plain},
    subject::{Session, Subject},
    subjects::{Booth, visit},
};
use clap::Args;
use serde::Serialize;

/// Measure the memory of each subject
///
/// Maps of u64 -> u64. The big ones are configured for speed, as in the other commands; empty and small ones are as their crates make
/// them by default. `grown` is a map that was filled from empty, `presized` one that was made with room for its keys; `peak` is the
/// most that was live at any time while the map grew. Garbage that a map has not freed yet counts. `empty` is a new map, the map object
/// itself included; `small` is one of 1,000 maps with 10 entries each. `left` is what is still live after the big maps were dropped.
#[derive(Args, Clone, Debug)]
pub(crate) struct Memory {
    #[command(flatten)]
    party: Party,
    /// Number of keys in the big maps
    #[arg(short, long, default_value = "1m", value_parser = args::count)]
    keys: u64,
}

/// Number of small maps, and of entries in each.
const SMALL: (u64, u64) = (1000, 10);

/// Bytes of one subject.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    subject: &'static str,
    grown_per_entry: f64,
    peak_per_entry: f64,
    presized_per_entry: f64,
    empty: u64,
    small_per_map: f64,
    left: i64,
}

#[derive(Debug, Serialize)]
struct Report {
    command: &'static str,
    machine: Machine,
    keys: u64,
    small_maps: u64,
    small_entries: u64,
    subjects: Vec<Row>,
}

impl Memory {
    pub(crate) fn run(&self) -> Result<(), Fail> {
        let json = self.party.open_json()?;
        let machine = Machine::here();
        args::print(&machine)?;
        args::print(format_args!(
            "bytes, u64 -> u64: per entry of a map of {}, of an empty map, per map of {} with {} entries each\n",
            args::short(self.keys),
            SMALL.0,
            SMALL.1
        ))?;
        let rows: Vec<Row> = chosen(&self.party)
            .into_iter()
            .map(|entry| {
                visit::<u64, u64, _>(entry.name, self).expect("the names come from the roster")
            })
            .collect();
        let texts = rows.iter().map(|row| {
            let [grown, peak, presized, small] = [
                row.grown_per_entry,
                row.peak_per_entry,
                row.presized_per_entry,
                row.small_per_map,
            ]
            .map(digits);
            let (empty, left) = (row.empty.to_string(), row.left.to_string());
            vec![
                row.subject.to_owned(),
                grown,
                peak,
                presized,
                empty,
                small,
                left,
            ]
        });
        let header = [
            "subject", "grown", "peak", "presized", "empty", "small", "left",
        ];
        args::print(plain(&header, texts).trim_fmt())?;
        let report = Report {
            command: "memory",
            machine,
            keys: self.keys,
            small_maps: SMALL.0,
            small_entries: SMALL.1,
            subjects: rows,
        };
        args::write_json(json, &report)
    }
}

impl Booth<u64, u64> for Memory {
    type Out = Row;

    fn visit<S: Subject<u64, u64> + 'static>(&self) -> Row {
        let keys = self.keys;
        // What the process needs once, for whichever map comes first, is nobody's.
        alone(|| drop(filled(S::by_default(hasher(1)), 1000)));
        let ground = counts().live;
        let (grown, peak) = alone(|| {
            forget_peak();
            let before = counts();
            let map = filled(S::with_capacity(0, hasher(1)), keys);
            let after = counts();
            drop(map);
            (after.live - before.live, after.peak - before.live)
        });
        let presized = alone(|| {
            let before = counts().live;
            let map = filled(S::with_capacity(keys as usize, hasher(1)), keys);
            let after = counts().live;
            drop(map);
            after - before
        });
        let left = counts().live as i64 - ground as i64;
        let empty = alone(|| {
            let before = counts().live;
            let map = Box::new(S::by_default(hasher(1)));
            let after = counts().live;
            drop(map);
            after - before
        });
        let small = alone(|| {
            let before = counts().live;
            let maps: Box<[S]> = (0..SMALL.0)
                .map(|_| filled(S::by_default(hasher(1)), SMALL.1))
                .collect();
            let after = counts().live;
            drop(maps);
            after - before
        });
        let per_entry = |bytes: u64| bytes as f64 / keys as f64;
        Row {
            subject: S::NAME,
            grown_per_entry: per_entry(grown),
            peak_per_entry: per_entry(peak),
            presized_per_entry: per_entry(presized),
            empty,
            small_per_map: small as f64 / SMALL.0 as f64,
            left,
        }
    }
}

fn filled<S: Subject<u64, u64>>(map: S, keys: u64) -> S {
    for id in 0..keys {
        assert!(
            map.session().insert(number(id, 1), id),
            "{}: a new key is present",
            S::NAME
        );
    }
    assert_eq!(map.len() as u64, keys, "{}: entries", S::NAME);
    map
}
