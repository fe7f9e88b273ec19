//! Point operations of every subject on one thread, by criterion: `cargo bench -p bench-suite`.
//!
//! For comparisons between maps use `bench-suite compare`, which takes turns; this is for watching one map over time.

use bench_suite::{
    compare::hasher,
    key::number,
    subject::{Session, Subject},
    subjects::{Booth, ROSTER, visit},
};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::{cell::RefCell, hint::black_box, time::Duration};

/// Keys in the map.
const KEYS: u64 = 10_000;

/// Operations in a session, and in an iteration.
const BATCH: u64 = 64;

/// One operation with one key; true if it did what it should.
#[derive(Clone, Copy)]
enum Point {
    GetHit,
    GetMiss,
    Update,
    InsertRemove,
}

struct Bench<'a> {
    point: Point,
    name: &'a str,
    criterion: RefCell<&'a mut Criterion>,
}

impl Booth<u64, u64> for Bench<'_> {
    type Out = ();

    fn visit<S: Subject<u64, u64> + 'static>(&self) {
        let point = self.point;
        let mut criterion = self.criterion.borrow_mut();
        let mut group = criterion.benchmark_group(self.name);
        group.throughput(Throughput::Elements(BATCH));
        let map = S::with_capacity(2 * KEYS as usize, hasher(1));
        (0..KEYS).for_each(|id| assert!(map.session().insert(number(id, 1), id)));
        let mut next = 0;
        group.bench_function(BenchmarkId::from_parameter(S::NAME), |bencher| {
            let batch = || {
                next = (next + BATCH) % (KEYS - BATCH);
                next
            };
            let run = |first: u64| {
                let mut session = map.session();
                for id in first..first + BATCH {
                    let key = number(id, 1);
                    let right = match point {
                        Point::GetHit => session.get(&key).map(black_box).is_some(),
                        Point::GetMiss => session.get(&!key).is_none() || S::NAME == "driver",
                        Point::Update => session.update(&key, id),
                        Point::InsertRemove => session.insert(!key, id) && session.remove(&!key),
                    };
                    assert!(
                        right,
                        "{}: the operation did not do what it should",
                        S::NAME
                    );
                }
            };
            bencher.iter_batched(batch, run, BatchSize::SmallInput);
        });
        group.finish();
    }
}

fn points(criterion: &mut Criterion) {
    for (point, name) in [
        (Point::GetHit, "get hit"),
        (Point::GetMiss, "get miss"),
        (Point::Update, "update"),
        (Point::InsertRemove, "insert and remove"),
    ] {
        let bench = Bench {
            point,
            name,
            criterion: RefCell::new(&mut *criterion),
        };
        for entry in ROSTER {
            visit::<u64, u64, _>(entry.name, &bench).expect("the roster knows its own names");
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = points
}
criterion_main!(benches);
