//! `ops`: allocations for each operation.

use crate::{alone, chosen, counting::counts};
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

/// Count the allocations of each operation
///
/// One thread, u64 -> u64, a map with room for everything, so that growth does not count. Each operation is done once for each key, in
/// sessions of 64. A cell is allocations for an operation, and the bytes of these.
#[derive(Args, Clone, Debug)]
pub(crate) struct Ops {
    #[command(flatten)]
    party: Party,
    /// Number of keys
    #[arg(short, long, default_value = "100k", value_parser = args::count)]
    keys: u64,
}

const COLUMNS: [&str; 5] = ["get hit", "get miss", "update", "insert", "remove"];

/// What one kind of operation allocates.
#[derive(Clone, Copy, Debug, Serialize)]
struct Cost {
    operation: &'static str,
    allocations: f64,
    bytes: f64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    subject: &'static str,
    costs: [Cost; COLUMNS.len()],
}

#[derive(Debug, Serialize)]
struct Report {
    command: &'static str,
    machine: Machine,
    keys: u64,
    subjects: Vec<Row>,
}

impl Ops {
    pub(crate) fn run(&self) -> Result<(), Fail> {
        let json = self.party.open_json()?;
        let machine = Machine::here();
        args::print(&machine)?;
        args::print(format_args!(
            "allocations for an operation (and their bytes), u64 -> u64, {} keys, presized\n",
            args::short(self.keys)
        ))?;
        let rows: Vec<Row> = chosen(&self.party)
            .into_iter()
            .map(|entry| {
                visit::<u64, u64, _>(entry.name, self).expect("the names come from the roster")
            })
            .collect();
        let text = |cost: &Cost| match cost.allocations {
            0.0 => "0".to_owned(),
            allocations => format!("{} ({})", digits(allocations), digits(cost.bytes)),
        };
        let texts = rows.iter().map(|row| {
            [row.subject.to_owned()]
                .into_iter()
                .chain(row.costs.iter().map(text))
                .collect()
        });
        let header: Vec<_> = ["subject"].into_iter().chain(COLUMNS).collect();
        args::print(plain(&header, texts).trim_fmt())?;
        args::write_json(
            json,
            &Report {
                command: "ops",
                machine,
                keys: self.keys,
                subjects: rows,
            },
        )
    }
}

impl Booth<u64, u64> for Ops {
    type Out = Row;

    fn visit<S: Subject<u64, u64> + 'static>(&self) -> Row {
        let keys = self.keys;
        let costs = alone(|| {
            let map = S::with_capacity(2 * keys as usize, hasher(1));
            // The first operations of a thread may set up what the thread keeps.
            let first = number(u64::MAX, 1);
            map.session().insert(first, 0);
            for _ in 0..4096 {
                map.session().get(&first);
            }
            let insert = spent(&map, keys, |session, key| session.insert(key, 1));
            let hit = spent(&map, keys, |session, key| session.get(&key).is_some());
            let miss = spent(&map, keys, |session, key| session.get(&!key).is_none());
            let update = spent(&map, keys, |session, key| session.update(&key, 2));
            let remove = spent(&map, keys, |session, key| session.remove(&key));
            [hit, miss, update, insert, remove]
        });
        let cost = |at: usize| Cost {
            operation: COLUMNS[at],
            allocations: costs[at].0 as f64 / keys as f64,
            bytes: costs[at].1 as f64 / keys as f64,
        };
        Row {
            subject: S::NAME,
            costs: std::array::from_fn(cost),
        }
    }
}

/// Allocations and bytes of an operation on every key; the operation says whether it found what it should.
fn spent<S: Subject<u64, u64>>(
    map: &S,
    keys: u64,
    operation: impl Fn(&mut S::Session<'_>, u64) -> bool,
) -> (u64, u64) {
    let before = counts();
    let mut right = 0;
    let mut id = 0;
    while id < keys {
        let mut session = map.session();
        let end = keys.min(id + 64);
        while id < end {
            right += u64::from(operation(&mut session, number(id, 1)));
            id += 1;
        }
    }
    let after = counts();
    assert_eq!(
        right,
        keys,
        "{}: an operation did not do what it should",
        S::NAME
    );
    (after.calls - before.calls, after.taken - before.taken)
}
