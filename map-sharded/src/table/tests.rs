use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use map_core::strategy::FETCHES;

use super::group::EMPTY;
use super::*;

/// So many steps; under an interpreter, fewer.
const fn steps(steps: u64) -> u64 {
    if cfg!(miri) { steps / 64 } else { steps }
}

/// Hashes from good to none at all.
const HASHES: [fn(u64) -> u64; 4] = [
    |key| key.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29),
    |key| (key % 5).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    |key| key << 57,
    |_| u64::MAX,
];

impl<T> SwissTable<T> {
    /// What is said of the fields holds.
    fn check(&self) {
        let buckets = self.raw.buckets();
        let control = |index| self.raw.control(index).unwrap();
        if buckets == 0 {
            assert_eq!((self.room, self.len, control(0)), (0, 0, EMPTY));
            return;
        }
        let count = |is: &dyn Fn(u8) -> bool| (0..buckets).filter(|n| is(control(*n))).count();
        assert_eq!(count(&is_full), self.len());
        let deleted = count(&|byte| byte == DELETED);
        assert_eq!(self.fits() + deleted, self.capacity());
        assert!(count(&|byte| byte == EMPTY) > 0);
        // What is repeated agrees: a search from the last bucket on meets the first ones.
        for start in 0..buckets {
            // SAFETY: 1. There are so many buckets.
            let group = unsafe { self.raw.group(start) };
            let expected: Vec<usize> = (0..group::Group::WIDTH)
                .filter(|position| {
                    let at = start + position;
                    match (at < buckets, buckets < group::Group::WIDTH) {
                        (true, _) => is_full(control(at)),
                        (false, false) => is_full(control(at - buckets)),
                        // Between the buckets and what is repeated lie empty ones.
                        (false, true) => {
                            at >= group::Group::WIDTH && is_full(control(at - group::Group::WIDTH))
                        }
                    }
                })
                .collect();
            assert_eq!(group.full().collect::<Vec<_>>(), expected, "from {start}");
        }
    }
}

/// A table of keys and values that grows when it must.
struct Grown<F>(SwissTable<(u64, Box<u64>)>, F);

impl<F: Fn(u64) -> u64> Grown<F> {
    fn insert(&mut self, key: u64, value: u64) -> Option<u64> {
        let hash = (self.1)(key);
        if let Some((_, entry)) = self.0.find_mut(hash, |(k, _)| *k == key) {
            return Some(std::mem::replace(&mut *entry.1, value));
        }
        if !self.0.has_room() {
            // Clears away what was deleted, or grows.
            let capacity = self.0.len() + self.0.len() / 2 + 1;
            self.0.rebuild(capacity, |(k, _)| (self.1)(*k)).unwrap();
        }
        let index = self.0.insert_new(hash, (key, Box::new(value)));
        assert_eq!(self.0.get(index).map(|entry| entry.0), Some(key));
        None
    }

    fn remove(&mut self, key: u64) -> Option<u64> {
        let found = self.0.remove_found((self.1)(key), |(k, _)| *k == key);
        found.map(|entry| *entry.1)
    }
}

#[test]
fn it_answers_as_a_map_of_std() {
    for (kind, hash) in HASHES.into_iter().enumerate() {
        for keys in [3, 12, 40, 300] {
            let mut random = fastrand::Rng::with_seed(kind as u64 * 1000 + keys);
            let mut table = Grown(SwissTable::new(), hash);
            let mut model = HashMap::new();
            for step in 0..steps(3000) {
                let key = random.u64(..keys);
                match random.u8(..20) {
                    0..8 => assert_eq!(table.insert(key, step), model.insert(key, step)),
                    8..15 => assert_eq!(table.remove(key), model.remove(&key)),
                    15..18 => {
                        let found = table.0.find(hash(key), |(k, _)| *k == key);
                        assert_eq!(found.map(|entry| &*entry.1), model.get(&key));
                    }
                    18 => {
                        let index = table.0.find_index(hash(key), |(k, _)| *k == key);
                        assert_eq!(index.is_some(), model.contains_key(&key));
                        if let Some(index) = index {
                            table.0.replace_with(index, |(k, v)| (k, Box::new(*v + 1)));
                            *model.get_mut(&key).unwrap() += 1;
                        }
                    }
                    _ if random.u8(..8) == 0 => {
                        let odd = |value: u64| value % 2 == 1;
                        let mut taken = 0;
                        table.0.extract(|entry| odd(*entry.1), |_| taken += 1);
                        let before = model.len();
                        model.retain(|_, value| !odd(*value));
                        assert_eq!(taken, before - model.len());
                    }
                    _ => table.0 = table.0.clone(),
                }
                if step % 16 == 0 || keys < 40 && !cfg!(miri) {
                    table.0.check();
                }
            }
            let entries = |entries: &mut dyn Iterator<Item = (u64, u64)>| {
                let mut entries: Vec<_> = entries.collect();
                entries.sort_unstable();
                entries
            };
            let expected = entries(&mut model.into_iter());
            assert!(cfg!(miri) || !expected.is_empty());
            let mut iter = table.0.iter();
            assert_eq!(iter.len(), expected.len());
            assert_eq!(entries(&mut iter.by_ref().map(|e| (e.0, *e.1))), expected);
            assert!(iter.next().is_none() && iter.next().is_none());
            let at = |index| table.0.get(index).map(|entry| (entry.0, *entry.1)).unwrap();
            assert_eq!(entries(&mut table.0.indices().map(at)), expected);
            for entry in table.0.iter_mut() {
                *entry.1 += 0;
            }
            assert_eq!(
                entries(&mut table.0.into_iter().map(|e| (e.0, *e.1))),
                expected
            );
        }
    }
}

#[test]
fn a_table_full_of_traces_is_searched_to_an_end() {
    for hash in HASHES {
        let mut table = SwissTable::try_with_capacity(28).unwrap();
        let mut next = 0;
        // Each takes a bucket's emptiness where it must.
        while table.has_room() && next < steps(10_000) {
            table.insert_new(hash(next), next);
            if next >= 20 {
                let old = next - 20;
                assert_eq!(table.remove_found(hash(old), |key| *key == old), Some(old));
            }
            next += 1;
        }
        table.check();
        assert_eq!(table.find(hash(1 << 40), |key| *key == 1 << 40), None);
        let copy = table.clone();
        copy.check();
        for key in next - 20..next {
            assert!(copy.find(hash(key), |k| *k == key).is_some());
        }
        table.rebuild(28, |key| hash(*key)).unwrap();
        table.check();
        assert_eq!((table.len(), table.has_room()), (20, true));
    }
}

#[test]
fn what_was_deleted_is_used_again_and_leaves_no_traces_where_it_need_not() {
    // One removed from among many of the same hash: the next goes there, and takes no room.
    let mut table = SwissTable::try_with_capacity(56).unwrap();
    let indices: Vec<usize> = (0..40).map(|key| table.insert_new(7, key)).collect();
    assert_eq!(table.remove(indices[9]), Some(9));
    table.check();
    let room = table.room;
    assert_eq!(room, 56 - 40, "its bucket is deleted, not empty");
    assert_eq!(table.insert_new(7, 99), indices[9]);
    assert_eq!(table.room, room);

    // Removed from among few, or from a small table, it leaves none.
    for capacity in [3, 7, 14, 28] {
        let mut table = SwissTable::try_with_capacity(capacity).unwrap();
        let few = capacity.min(group::Group::WIDTH - 2) as u64;
        for key in 0..few {
            table.insert_new(HASHES[0](key), key);
        }
        for key in 0..few {
            table.remove_found(HASHES[0](key), |k| *k == key).unwrap();
        }
        assert_eq!((table.len(), table.fits()), (0, capacity));
        table.check();
    }
}

#[test]
fn how_many_fit_is_what_can_be_added() {
    let mut table = SwissTable::try_with_capacity(56).unwrap();
    for key in 0..50 {
        table.insert_new(7, key);
    }
    for key in 10..30 {
        table.remove_found(7, |k| *k == key).unwrap();
    }
    let fits = table.fits();
    assert!(fits < table.capacity(), "there are traces");
    for key in table.len()..fits {
        table.insert_new(HASHES[0](key as u64), 1000 + key);
    }
    table.check();
}

#[test]
fn a_table_is_never_rebuilt_too_small() {
    let mut table = table_of(20..40, &Rc::new(Cell::new(0)));
    for capacity in [0, 1, 20, 100, 0] {
        table.rebuild(capacity, |entry| HASHES[0](entry.0)).unwrap();
        table.check();
        assert!(table.capacity() >= 20.max(capacity) && table.len() == 20);
    }
    let mut empty = SwissTable::<u8>::try_with_capacity(20).unwrap();
    empty.rebuild(0, |_| unreachable!()).unwrap();
    assert_eq!(empty.capacity(), 0);
}

#[test]
fn walks_count_and_fold_what_is_left() {
    let table = table_of(20..60, &Rc::new(Cell::new(0)));
    let mut iter = table.iter();
    for left in (0..40).rev() {
        let copy = iter.clone();
        assert_eq!((copy.len(), copy.count()), (left + 1, left + 1));
        iter.next().unwrap();
        assert_eq!(iter.len(), left);
    }
    let sum = table.iter().fold(0, |sum, entry| sum + entry.0);
    assert_eq!(sum, (20..60).sum());
}

#[test]
fn a_miss_compares_few_keys() {
    let mut table = SwissTable::try_with_capacity(448).unwrap();
    for key in 0..448 {
        table.insert_new(HASHES[0](key), key);
    }
    let mut compared = 0;
    for key in 1000..2000 {
        let found = table.find(HASHES[0](key), |_| {
            compared += 1;
            false
        });
        assert_eq!(found, None);
    }
    // A group of 16, seven eighths full, has one of 127 tags by chance in 0.11 of cases; some searches look at more groups.
    assert!(compared < 250, "{compared} in 1000");
}

#[test]
fn a_table_is_filled_as_it_would_be_one_by_one() {
    for hash in HASHES {
        for entries in [3, 7, 14, 28, steps(448) as usize] {
            let mut table = SwissTable::try_with_capacity(entries).unwrap();
            for key in 0..entries as u64 {
                let next = table.raw.next_empty(hash(key));
                assert_eq!(next, table.raw.vacancy(hash(key)), "of {entries}: {key}");
                table.fill(hash(key), key);
                assert_eq!(table.get(next), Some(&key));
            }
            table.check();
            for key in 0..entries as u64 {
                assert_eq!(table.find(hash(key), |k| *k == key), Some(&key));
            }
        }
    }
}

#[test]
fn without_memory_there_is_nothing() {
    let mut table = SwissTable::<String>::new();
    table.check();
    assert!(table.find(7, |_| true).is_none() && table.remove_found(u64::MAX, |_| true).is_none());
    assert!(table.get(0).is_none() && table.get_mut(1).is_none() && table.remove(0).is_none());
    assert_eq!(
        (table.len(), table.capacity(), table.has_room()),
        (0, 0, false)
    );
    assert_eq!(
        table.iter().count() + table.iter_mut().count() + table.indices().count(),
        0
    );
    assert!(table.clone().into_iter().next().is_none());
    let refused = catch_unwind(AssertUnwindSafe(|| table.insert_new(1, String::new())));
    assert!(refused.is_err());
    table.check();
}

#[test]
fn a_locator_leads_to_where_searches_begin() {
    type Entry = (u64, [u32; 3]);
    // The last two: the most buckets that a locator can tell, and more.
    for (capacity, tells) in [
        (1, true),
        (7, true),
        (14, true),
        (200, true),
        (28_672, true),
        (28_673, false),
    ] {
        let table = SwissTable::<Entry>::try_with_capacity(capacity).unwrap();
        let tells = tells && FETCHES;
        assert_eq!(table.locator() != 0, tells, "{capacity}");
        for hash in (0..200).flat_map(|key| HASHES.map(|hash| hash(key))) {
            let Some((bucket, control)) = Raw::<Entry>::first_of(table.locator(), hash) else {
                assert!(!tells);
                continue;
            };
            let first = Probe::new(hash, table.raw.mask()).at;
            // SAFETY: 1. There is memory, and a probe stays within the mask.
            let (expected, lowest) = unsafe { (table.raw.bucket(first), table.raw.bucket(0)) };
            assert_eq!(bucket.addr(), expected.addr().get());
            // The control bytes come after the lowest bucket.
            assert_eq!(
                control.addr(),
                lowest.addr().get() + size_of::<Entry>() + first
            );
        }
    }
    assert_eq!(SwissTable::<Entry>::new().locator(), 0);
}

#[test]
fn anything_may_be_prefetched() {
    let gone = SwissTable::<u64>::try_with_capacity(1_000)
        .unwrap()
        .locator();
    for locator in [
        0,
        1,
        15,
        16,
        gone,
        !gone,
        usize::MAX / 2 + 1,
        usize::MAX - 15,
        usize::MAX,
    ] {
        for hash in [0, 1, 1 << 40, u64::MAX] {
            for access in [Access::Read, Access::Write] {
                SwissTable::<u64>::prefetch(locator, hash, access);
                SwissTable::<[u64; 1_000]>::prefetch(locator, hash, access);
                SwissTable::<()>::prefetch(locator, hash, access);
            }
        }
    }
}

#[test]
fn buckets_that_are_none_hold_nothing() {
    let mut table = SwissTable::try_with_capacity(3).unwrap();
    let index = table.insert_new(0, "a".to_owned());
    for wrong in [index + 1, 4, 19, 20, usize::MAX] {
        assert!(table.get(wrong).is_none() && table.remove(wrong).is_none());
    }
    assert_eq!(table.remove(index).as_deref(), Some("a"));
    assert!(table.remove(index).is_none());
}

#[test]
fn what_cannot_be_had_is_refused() {
    const TOO_MANY: usize = (u32::MAX / 8 + 1) as usize * 7 + 1;
    for entries in [usize::MAX, TOO_MANY] {
        let error = SwissTable::<[u64; 16]>::try_with_capacity(entries).err();
        assert_eq!(error.unwrap(), TryReserveError::overflow(entries, 128));
        let error = SwissTable::<()>::try_with_capacity(entries).err();
        assert_eq!(error.unwrap(), TryReserveError::overflow(entries, 0));
    }
    // One less could be told; but not of such entries, which are no allocator's business.
    #[cfg(target_pointer_width = "64")]
    {
        let error = SwissTable::<[u64; 1 << 28]>::try_with_capacity(TOO_MANY - 1).err();
        let out_of_memory = TryReserveError::out_of_memory(TOO_MANY - 1);
        assert_eq!(error.unwrap(), out_of_memory);
    }
    // As little as fits.
    for (entries, capacity) in [
        (0, 0),
        (1, 3),
        (3, 3),
        (4, 7),
        (7, 7),
        (8, 14),
        (14, 14),
        (15, 28),
    ] {
        assert_eq!(
            SwissTable::<u8>::try_with_capacity(entries)
                .unwrap()
                .capacity(),
            capacity
        );
    }
}

#[test]
fn entries_of_any_size_and_alignment() {
    #[repr(align(128))]
    #[derive(Clone, Debug, PartialEq)]
    struct Wide(u8);

    let mut wide = SwissTable::try_with_capacity(20).unwrap();
    let mut none = SwissTable::try_with_capacity(20).unwrap();
    for n in 0..20_u8 {
        wide.insert_new(HASHES[0](u64::from(n)), Wide(n));
        none.insert_new(HASHES[0](u64::from(n)), ());
    }
    assert!(
        wide.iter()
            .all(|entry| std::ptr::from_ref(entry).addr() % 128 == 0)
    );
    assert_eq!(
        wide.find(HASHES[0](7), |entry| entry.0 == 7),
        Some(&Wide(7))
    );
    assert_eq!((none.len(), none.clone().into_iter().count()), (20, 20));
    assert_eq!(none.remove_found(HASHES[0](7), |()| true), Some(()));
    wide.check();
    none.check();
}

/// Counts those that live; one of them panics when it is cloned, one when it is dropped.
struct Counted(u64, Rc<Cell<isize>>);

impl Counted {
    fn new(key: u64, alive: &Rc<Cell<isize>>) -> Self {
        alive.set(alive.get() + 1);
        Self(key, alive.clone())
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        assert!(self.0 != 13, "13 is not cloned");
        Self::new(self.0, &self.1)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.set(self.1.get() - 1);
        assert!(self.0 != 14, "14 is dropped loudly");
    }
}

fn table_of(keys: std::ops::Range<u64>, alive: &Rc<Cell<isize>>) -> SwissTable<Counted> {
    let mut table = SwissTable::try_with_capacity(keys.clone().count()).unwrap();
    for key in keys {
        table.insert_new(HASHES[0](key), Counted::new(key, alive));
    }
    table
}

#[test]
fn each_entry_is_dropped_once_whoever_panics() {
    let alive = Rc::new(Cell::new(0));
    drop(table_of(0..13, &alive));
    assert_eq!(alive.get(), 0);

    let table = table_of(0..14, &alive);
    assert!(catch_unwind(AssertUnwindSafe(|| table.clone())).is_err());
    assert_eq!(alive.get(), 14);
    let mut some = table.into_iter();
    assert!(some.by_ref().take(5).count() == 5 && alive.get() == 9);
    drop(some);
    assert_eq!(alive.get(), 0);

    let table = table_of(0..100, &alive);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(table))).is_err());
    assert_eq!(alive.get(), 0);
}

#[test]
fn what_is_divided_is_all_there() {
    let alive = Rc::new(Cell::new(0));
    for hash in HASHES {
        // Traces of removed ones stay behind.
        let mut table = table_of(20..76, &alive);
        for key in (20..76).step_by(4) {
            let removed = table.remove_found(HASHES[0](key), |entry| entry.0 == key);
            assert!(removed.is_some());
        }
        let (all, capacity) = (table.len(), table.capacity());
        let chosen = |hash: u64| hash >> 32 & 1 == 1;
        let halves = table.divide(|entry| hash(entry.0), chosen).unwrap();
        table.check();
        assert_eq!((table.len(), table.capacity()), (0, 0));
        assert_eq!(halves.iter().map(SwissTable::len).sum::<usize>(), all);
        for (half, is_second) in halves.iter().zip([false, true]) {
            half.check();
            let expected = if half.len() == 0 { 0 } else { capacity };
            assert_eq!(half.capacity(), expected);
            for entry in half.iter() {
                assert_eq!(chosen(hash(entry.0)), is_second);
                let found = half.find(hash(entry.0), |other| other.0 == entry.0);
                assert!(found.is_some_and(|found| std::ptr::eq(found, entry)));
            }
        }
        drop(halves);
        assert_eq!(alive.get(), 0);
    }
}

/// Whose hash changes what it owns, as a key with a cache in it does: a copy of what it was before would own what is gone.
struct Remembers(u64, RefCell<Box<u64>>);

#[test]
fn a_division_that_panics_moves_nothing_and_leaves_no_copy_behind() {
    let mut table = SwissTable::try_with_capacity(28).unwrap();
    for key in 0..28 {
        table.insert_new(HASHES[0](key), Remembers(key, RefCell::new(Box::new(0))));
    }
    let calls = Cell::new(0);
    let count = |last| {
        calls.set(calls.get() + 1);
        assert!(calls.get() <= last, "no more");
        calls.get()
    };
    // Of those that are hashed and those that are chosen, each is the last in turn. (To tell of a panic takes Miri two seconds.)
    for last in (0..).step_by(if cfg!(miri) { 8 } else { 1 }) {
        calls.set(0);
        let hash = |entry: &Remembers| {
            // Another box: what an older copy has is freed.
            drop(entry.1.replace(Box::new(count(last))));
            HASHES[0](entry.0)
        };
        let divide = || table.divide(hash, |hash| count(last) > 0 && hash & 1 == 1);
        let divided = catch_unwind(AssertUnwindSafe(divide));
        let tables = match &divided {
            Ok(halves) => halves.as_ref().unwrap().each_ref().to_vec(),
            Err(_) => vec![&table],
        };
        tables.iter().for_each(|table| table.check());
        let mut seen: Vec<_> = tables.iter().flat_map(|table| table.iter()).collect();
        seen.sort_by_key(|entry| entry.0);
        assert!(seen.iter().map(|entry| entry.0).eq(0..28));
        let remembered = seen.iter().map(|entry| **entry.1.borrow());
        assert!(remembered.max().unwrap() <= last);
        if divided.is_ok() {
            assert_eq!((last, calls.get(), table.len()), (56, 56, 0));
            break;
        }
    }
}

#[test]
fn a_panic_of_foreign_code_loses_nothing_else() {
    let alive = Rc::new(Cell::new(0));
    let mut table = table_of(20..40, &alive);
    let hash = |entry: &Counted| {
        assert!(entry.0 != 30, "30 is not hashed");
        HASHES[0](entry.0)
    };
    assert!(catch_unwind(AssertUnwindSafe(|| table.rebuild(100, hash))).is_err());
    table.check();
    assert_eq!((table.len(), alive.get()), (20, 20));

    let index = table
        .find_index(HASHES[0](25), |entry| entry.0 == 25)
        .unwrap();
    let replace = |_| panic!("it is gone");
    assert!(catch_unwind(AssertUnwindSafe(|| table.replace_with(index, replace))).is_err());
    table.check();
    assert_eq!((table.len(), alive.get()), (19, 19));

    let is = |_: &Counted| panic!("it is not compared");
    assert!(
        catch_unwind(AssertUnwindSafe(|| table
            .find_mut(HASHES[0](26), is)
            .is_some()))
        .is_err()
    );
    let remove = AssertUnwindSafe(|| table.remove_found(HASHES[0](26), is).is_some());
    assert!(catch_unwind(remove).is_err());
    assert_eq!((table.len(), alive.get()), (19, 19));

    let mut taken = 0;
    let take = |entry: &mut Counted| {
        assert!(entry.0 != 33, "33 is not asked");
        entry.0.is_multiple_of(2)
    };
    let extract = AssertUnwindSafe(|| table.extract(take, |_| taken += 1));
    assert!(catch_unwind(extract).is_err());
    table.check();
    assert_eq!(
        (table.len(), alive.get()),
        (19 - taken, 19 - taken as isize)
    );
    assert!(table.find(HASHES[0](33), |entry| entry.0 == 33).is_some());
}
