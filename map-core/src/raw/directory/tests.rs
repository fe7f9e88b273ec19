use std::cell::RefCell;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::raw::held::here;

thread_local! {
    /// What was asked to be fetched.
    static FETCHED: RefCell<Vec<(usize, u64, Access)>> = const { RefCell::new(Vec::new()) };
}

/// No entries, at some place.
#[derive(Default)]
struct Nothing(usize);

impl Table for Nothing {
    type Waste = ();

    fn take_waste(&mut self) {}

    fn len(&self) -> usize {
        0
    }

    fn locator(&self) -> usize {
        self.0
    }

    fn prefetch(locator: usize, hash: u64, access: Access) {
        FETCHED.with_borrow_mut(|fetched| fetched.push((locator, hash, access)));
    }
}

/// Whether there is something for readers without the lock.
#[derive(Default)]
struct Something(AtomicBool);

impl Open for Something {
    fn sibling(&self) -> Self {
        Self::default()
    }

    const MAY_HAVE_READ_TABLE: bool = true;

    fn has_read_table(&self) -> bool {
        self.0.load(Relaxed)
    }
}

type Toy = Directory<Nothing, Something>;

fn lock(directory: &Toy, hash: u64) -> Exclusive<'_, Nothing, Something> {
    let section = directory.find(hash).try_lock_exclusive(here());
    section.expect("nobody else is here")
}

/// Both halves have what the whole has.
fn split(directory: &Toy, hash: u64) {
    let copy = |from: &mut Exclusive<'_, Nothing, Something>,
                to: &mut Exclusive<'_, Nothing, Something>| {
        to.open().0.store(from.open().has_read_table(), Relaxed);
    };
    let section = lock(directory, hash);
    let divide = |from: &mut _, to: &mut _, _| {
        copy(from, to);
        true
    };
    let half = directory.split(section, hash, Reason::Size, here(), divide, copy);
    assert!(half.is_ok());
}

fn merge(directory: &Toy, hash: u64) {
    let section = lock(directory, hash);
    let merged = directory.merge(section, here(), |_, _| true, |_, _| true);
    assert!(merged.is_ok());
}

fn set(directory: &Toy, hash: u64, has: bool) {
    let section = lock(directory, hash);
    section.open().0.store(has, Relaxed);
    directory.tell(&section);
}

/// What the places say at the beginning of each eighth.
fn said(directory: &Toy) -> Vec<bool> {
    let hashes = (0..8).map(|eighth| hash_at(eighth << 60));
    let said = hashes.map(|hash| {
        let root = directory.root();
        let way = root.map_or_else(|| directory.way_to_first(), |root| root.find(hash));
        assert!(directory.find(hash).coverage_hint().covers(hash));
        assert!(ptr::eq(way.header(), directory.find(hash)));
        assert_eq!(way.says_read_table(), way.header().open().has_read_table());
        way.says_read_table()
    });
    let said: Vec<bool> = said.collect();
    // The plain places, too, lead to the shards, and are gone by exactly if none has any (while writers do not meet, as here).
    let plain = Root::new(directory.lockers_root.load(Relaxed), true);
    let is_any = said.contains(&true);
    assert!(directory.is_inline() || plain.is_some() != is_any);
    assert_eq!(directory.leads_to_first(), directory.is_inline() && !is_any);
    let structure = directory.structure.lock();
    if let Some(structure) = structure.as_ref().filter(|_| !directory.is_inline()) {
        let (_, plain, depth) = structure.current();
        for place in 0..1_usize << depth {
            // SAFETY: there are so many.
            let header = unsafe { &*plain.add(place) }.load(Relaxed);
            let hash = hash_at((place as u64) << (63 - depth));
            assert!(ptr::eq(header, directory.find(hash)));
        }
    }
    said
}

/// Has readers announce themselves, or not.
fn announce(directory: &Toy, wanted: impl Fn() -> bool) {
    let wanted = || match wanted() {
        true => Readers::Announce,
        false => Readers::Count,
    };
    directory.set_readers(wanted);
}

/// Where a reader that announces itself goes.
fn to_announce(directory: &Toy, hash: u64) -> Option<(&Header<Nothing, Something>, usize)> {
    match directory.way_to_read(hash)? {
        WayToRead::Announce(found) => Some(found),
        WayToRead::Sit(_) | WayToRead::Mend => unreachable!("there are no lanes"),
    }
}

#[test]
fn places_say_which_shards_have_read_tables() {
    let limits = Limits::new(8, Sizes::LargeUntilWritersMeet);
    let directory = Toy::new(limits, true);
    let [first, last] = [0, hash_at(7 << 60)];
    assert_eq!(said(&directory), [false; 8]);
    set(&directory, first, true);
    assert_eq!(said(&directory), [true; 8]);
    split(&directory, first);
    assert_eq!(said(&directory), [true; 8], "both halves");
    set(&directory, last, false);
    let halves = [[true; 4], [false; 4]].concat();
    assert_eq!(said(&directory), halves);
    split(&directory, first);
    split(&directory, first);
    assert_eq!(said(&directory), halves, "in a larger array");
    set(&directory, first, false);
    assert_eq!(said(&directory)[..4], [false, true, true, true]);
    set(&directory, last, true);
    assert_eq!(said(&directory)[4..], [true; 4], "in each of its places");
    // What remains is the lower half, which has none.
    merge(&directory, first);
    assert_eq!(said(&directory)[..2], [false; 2]);
    assert_eq!(directory.shards(), 3);
}

#[test]
fn no_two_shards_lie_on_one_pair_of_lines() {
    let directory = Toy::new(Limits::new(8, Sizes::LargeUntilWritersMeet), true);
    for depth in 0..4 {
        for part in 0..1 << depth {
            split(&directory, hash_at(part << (63 - depth)));
        }
    }
    assert_eq!(directory.shards(), 16);
    let pairs: std::collections::HashSet<usize> = (0..16)
        .map(|part| ptr::from_ref(directory.find(hash_at(part << 59))).addr() / 128)
        .collect();
    assert_eq!(pairs.len(), 16);
}

/// Nobody has met anybody for long.
fn grow_quiet(directory: &Toy) {
    directory.relax_if_quiet();
    assert!(
        directory.writers_meet(),
        "a meeting is not forgotten at once"
    );
    directory.last_meeting.make_long_ago();
    directory.relax_if_quiet();
}

/// The locators at the beginning of each eighth.
fn located(directory: &Toy) -> [usize; 8] {
    let root = directory.root().expect("there is an array");
    std::array::from_fn(|eighth| root.locator(hash_at((eighth as u64) << 60)))
}

/// Moves the table of a shard, and says so.
fn move_to(directory: &Toy, hash: u64, to: usize) {
    let mut section = lock(directory, hash);
    section.0 = to;
    directory.tell(&section);
}

#[test]
fn locators_are_told_while_writers_ask() {
    let directory = Toy::new(Limits::new(8, Sizes::LargeUntilWritersMeet), true);
    let [first, last] = [0, hash_at(7 << 60)];
    // There is nowhere to say it.
    directory.note_meeting();
    move_to(&directory, first, 16);
    grow_quiet(&directory);
    split(&directory, first);
    assert_eq!(
        located(&directory),
        [0, 0, 0, 0, 0, 0, 0, 0],
        "tables that were made by the split"
    );
    move_to(&directory, first, 16);
    assert_eq!(located(&directory), [0; 8], "nobody asks");
    directory.note_meeting();
    move_to(&directory, first, 32);
    move_to(&directory, last, 48);
    let halves = [32, 32, 32, 32, 48, 48, 48, 48];
    assert_eq!(located(&directory), halves);
    split(&directory, first);
    split(&directory, first);
    assert_eq!(located(&directory)[..4], [32, 0, 0, 0]);
    assert_eq!(located(&directory)[4..], [48; 4], "also in larger arrays");
    merge(&directory, first);
    assert_eq!(located(&directory), [32, 32, 0, 0, 48, 48, 48, 48]);
    grow_quiet(&directory);
    move_to(&directory, last, 64);
    assert_eq!(located(&directory)[4..], [48; 4], "nobody asks any more");
    move_to(&directory, last, 48);
}

#[test]
fn each_has_the_way_in_that_is_his() {
    let directory = Toy::new(Limits::new(8, Sizes::LargeUntilWritersMeet), true);
    let ways = || {
        let roots = [
            &directory.root,
            &directory.announcers_root,
            &directory.lockers_root,
        ];
        roots.map(|root| root.load(Relaxed))
    };
    let nowhere = ptr::null_mut();
    let first = ptr::without_provenance_mut(FIRST);
    assert_eq!(ways(), [nowhere, nowhere, first], "there is no array");
    announce(&directory, || true);
    assert_eq!(ways(), [nowhere, first, first]);
    let announced = || to_announce(&directory, 7);
    let (found, name) = announced().expect("the way is there");
    assert!(ptr::eq(found, &raw const directory.first));
    assert!(
        name == found.name() && !name.is_multiple_of(2),
        "no address"
    );
    // While it has something to ask for, nobody is led to it unasked; what they do otherwise is not forgotten.
    set(&directory, 7, true);
    assert_eq!(ways(), [nowhere; 3]);
    assert!(announced().is_none() && directory.way_to_lock(7, Access::Read).is_none());
    set(&directory, 7, false);
    assert_eq!(ways(), [nowhere, first, first]);
    announce(&directory, || false);
    assert_eq!(ways(), [nowhere, nowhere, first]);
    announce(&directory, || true);
    // Who has met is not led elsewhere before there is an array.
    directory.note_meeting();
    assert_eq!(ways(), [nowhere, first, first]);
    grow_quiet(&directory);
    split(&directory, 0);
    let [root, plain, lockers] = ways();
    assert!(
        root != plain && plain != nowhere && plain == lockers,
        "habits stay"
    );
    directory.note_meeting();
    assert_eq!(ways(), [root, plain, nowhere]);
    split(&directory, 0);
    let [larger, announcers, _] = ways();
    assert!(larger != root && announcers != plain);
    let plain = announcers;
    assert_eq!(ways(), [larger, plain, nowhere], "habits stay");
    grow_quiet(&directory);
    assert_eq!(ways(), [larger, plain, plain]);
    // While there is something to ask for, all go by the places that say it; what they do otherwise is not forgotten.
    set(&directory, 0, true);
    assert_eq!(ways(), [larger, nowhere, nowhere]);
    announce(&directory, || true);
    set(&directory, hash_at(7 << 60), true);
    set(&directory, 0, false);
    assert_eq!(ways(), [larger, nowhere, nowhere]);
    set(&directory, hash_at(7 << 60), false);
    assert_eq!(ways(), [larger, plain, plain]);
    announce(&directory, || false);
    assert_eq!(ways(), [larger, nowhere, plain]);
    // It changes while somebody says it: what is wanted in the end is what comes of it.
    let asked = std::cell::Cell::new(0);
    announce(&directory, || {
        asked.replace(asked.get() + 1) % 2 == 0 && asked.get() < 4
    });
    assert_eq!(ways(), [larger, nowhere, plain]);
    assert!(asked.get() >= 4);
    for hash in (0..8).map(|eighth| hash_at(eighth << 60)) {
        for change in [Toy::note_meeting, grow_quiet] {
            change(&directory);
            let found = directory.find_to_lock(hash, Access::Write);
            assert!(ptr::eq(found, directory.find(hash)));
        }
    }
}

#[test]
fn who_takes_a_lock_fetches_while_writers_meet_and_only_then() {
    let directory = Toy::new(Limits::new(8, Sizes::LargeUntilWritersMeet), true);
    let fetched = || FETCHED.take();
    let go = |access| {
        let way = directory.way_to_lock(7, access);
        assert!(way.is_none_or(|way| ptr::eq(way.header(), directory.find(7))));
        assert!(ptr::eq(
            directory.find_to_lock(7, Access::Write),
            directory.find(7)
        ));
    };
    go(Access::Read);
    assert_eq!(fetched(), [], "there is no array");
    split(&directory, 0);
    go(Access::Read);
    assert_eq!(fetched(), [], "nobody has met");
    directory.note_meeting();
    move_to(&directory, 7, 48);
    go(Access::Read);
    let written = (48, 7, Access::Write);
    assert_eq!(fetched(), [(48, 7, Access::Read), written]);
    go(Access::Write);
    assert_eq!(fetched(), [written; 2]);
    set(&directory, 7, true);
    go(Access::Read);
    assert_eq!(fetched(), [], "of nodes no locator tells");
    grow_quiet(&directory);
    go(Access::Write);
    assert_eq!(fetched(), []);
}

#[test]
fn a_structure_without_an_array_leads_to_the_first_shard() {
    let directory = Toy::new(Limits::new(8, Sizes::LargeUntilWritersMeet), true);
    let section = lock(&directory, 0);
    let refuse = |_: &mut _, _: &mut _, _| false;
    let whole = directory.split(section, 0, Reason::Size, here(), refuse, |_, _| ());
    assert!(whole.is_err());
    drop(whole);
    announce(&directory, || true);
    directory.note_meeting();
    assert!(directory.is_inline());
    let first = &raw const directory.first;
    assert!(ptr::eq(directory.find_to_lock(7, Access::Write), first));
    let announced = to_announce(&directory, 7);
    assert!(announced.is_some_and(|(found, _)| ptr::eq(found, first)));
    split(&directory, 0);
    let (found, name) = to_announce(&directory, 7).expect("by the array");
    assert_eq!((name, name), (found.name(), found.address()));
    // What is forgotten with the map are its shards' names, not those of others, which may be any numbers.
    let structure = directory.structure.lock();
    let has = |name| structure.as_ref().is_some_and(|s| s.has_header_at(name));
    assert!(has(name) && !has(name + 1) && !has(name + 64) && !has(name - 1));
    assert!(directory.writers_meet() && directory.lockers_root.load(Relaxed).is_null());
}

#[test]
fn a_meeting_of_long_ago_is_forgotten_by_the_first_split() {
    let directory = Toy::new(Limits::new(8, Sizes::LargeUntilWritersMeet), true);
    directory.note_meeting();
    directory.last_meeting.make_long_ago();
    split(&directory, 0);
    assert!(!directory.writers_meet());
    assert_eq!(directory.shard_limit(), 8);
    directory.note_meeting();
    split(&directory, 0);
    assert!(directory.writers_meet(), "just now");
    assert_eq!(directory.shard_limit(), 2);
}

#[test]
fn in_a_map_of_one_shard_nobody_fetches() {
    let directory = Toy::new(Limits::new(8, Sizes::LargeUntilWritersMeet), true);
    directory.note_meeting();
    move_to(&directory, 7, 48);
    directory.find_to_lock(7, Access::Write);
    let way = directory.way_to_lock(7, Access::Read);
    assert!(way.is_some_and(|way| way.is_plain() && !way.says_read_table()));
    assert_eq!(FETCHED.take(), []);
}

#[test]
fn a_map_that_begins_with_one_shard_says_what_it_has() {
    for has in [false, true] {
        let directory = Toy::new(Limits::new(8, Sizes::LargeUntilWritersMeet), true);
        let first = directory.prepare(Coverage::ALL, here());
        first.open().0.store(has, Relaxed);
        drop(first);
        directory.begin_with(&[&directory.first], here());
        assert_eq!(directory.leads_to_first(), !has);
    }
}

#[test]
fn plain_places_come_back_when_the_last_read_table_goes() {
    let directory = Toy::new(Limits::new(8, Sizes::LargeUntilWritersMeet), true);
    let last = hash_at(7 << 60);
    let are_plain = || {
        said(&directory);
        directory.lockers_root.load(Relaxed).addr() > FIRST
    };
    // Twice, for then arrays are used again in which places said otherwise.
    for _ in 0..2 {
        for _ in 0..4 {
            split(&directory, 0);
        }
        assert!(are_plain());
        set(&directory, last, true);
        assert!(!are_plain());
        for _ in 0..3 {
            merge(&directory, 0);
        }
        let depth = directory.structure.lock().as_ref().map(|it| it.depth());
        assert!(depth <= Some(3) && !are_plain(), "{depth:?}");
        split(&directory, last);
        set(&directory, last, false);
        assert!(!are_plain(), "half of it has one");
        set(&directory, hash_at(4 << 60), false);
        assert!(are_plain());
        merge(&directory, last);
        merge(&directory, 0);
    }
}

#[test]
fn locators_stay_when_the_array_is_halved() {
    let directory = Toy::new(Limits::new(8, Sizes::LargeUntilWritersMeet), true);
    for _ in 0..4 {
        split(&directory, 0);
    }
    directory.note_meeting();
    move_to(&directory, hash_at(7 << 60), 48);
    let [before, ..] = located(&directory);
    for _ in 0..3 {
        merge(&directory, 0);
    }
    let depth = directory.structure.lock().as_ref().map(|it| it.depth());
    assert_eq!((depth, before), (Some(3), 0));
    assert_eq!(located(&directory)[4..], [48; 4]);
}
