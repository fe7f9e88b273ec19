#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]
//! What the models of the front share: the real front over a strategy whose shards are vectors.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use equivalent::Equivalent;
use loom::thread;
use map_core::strategy::{
    Anchored, At, Copied, Held, Inside, Kept, LockedVisit, Refused, Section, Span, Strategy, Table,
};
use map_core::{Map, ReadBias, TryReserveError};

/// Shards are vectors.
pub struct Tiny;

pub type TinyMap = Map<u64, u64, Tiny, Identity>;

#[derive(Default)]
pub struct Entries {
    pairs: Vec<(u64, u64)>,
    capacity: usize,
}

impl Table for Entries {
    #[expect(unsafe_code, reason = "readers see copies of it")]
    // SAFETY: 1. There are no cells in it. 2. What it owns it has by a `Vec`.
    const COPIED: Option<Copied<Self>> = Some(unsafe { Copied::promise() });

    type Waste = ();

    fn has_waste(&self) -> bool {
        false
    }

    fn take_waste(&mut self) {}

    fn len(&self) -> usize {
        self.pairs.len()
    }
}

#[expect(unsafe_code, reason = "strategies are unsafe to implement")]
// SAFETY: 1., 2. It is made of no other.
unsafe impl Strategy<u64, u64> for Tiny {
    type Locked = Entries;
    type Open = ();
    type Slot = usize;
    type Brief = Kept<Entries, ()>;
    type Hold = Kept<Entries, ()>;
    type OwnEntry<'a> = map_core::mapref::entry::Entry<'a, u64, u64, Self>;
    type Edit = ();
    type Iter<'a> = std::slice::Iter<'a, (u64, u64)>;
    type Visit = LockedVisit<u64, u64, Self>;
    type IntoIter = std::vec::IntoIter<(u64, u64)>;

    const IN_PLACE: bool = true;
    const SPLITS_FOR_CONTENTION: bool = false;
    const READS_LOCK: bool = true;

    fn peek<'a, Q>(
        at: At<'a, Entries, ()>,
        key: &Q,
    ) -> Result<Option<Held<'a, (u64, u64), Self::Brief>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<u64>,
    {
        HASHES.with_borrow_mut(|hashes| hashes.push(at.hash()));
        at.find(|entries| Ok(entries.pairs.iter().find(|(k, _)| key.equivalent(k))))
    }

    fn get<'a, Q>(
        at: At<'a, Entries, ()>,
        key: &Q,
    ) -> Result<Option<Held<'a, (u64, u64), Self::Hold>>, Refused>
    where
        Q: ?Sized + Hash + Equivalent<u64>,
    {
        at.find(|entries| Ok(entries.pairs.iter().find(|(k, _)| key.equivalent(k))))
    }

    fn locate<Q>(locked: &Entries, _hash: u64, key: &Q) -> Option<usize>
    where
        Q: ?Sized + Hash + Equivalent<u64>,
    {
        locked.pairs.iter().position(|(k, _)| key.equivalent(k))
    }

    fn locate_mut<'x, Q>(
        section: &'x mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: &Q,
    ) -> Option<(usize, &'x mut (u64, u64))>
    where
        Q: ?Sized + Hash + Equivalent<u64>,
    {
        let slot = Self::locate(section, hash, key)?;
        Some((slot, &mut section.pairs[slot]))
    }

    fn pair(locked: &Entries, slot: usize) -> &(u64, u64) {
        &locked.pairs[slot]
    }

    fn has_room(locked: &Entries) -> bool {
        locked.pairs.len() < locked.capacity
    }

    fn upsert(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        hash: u64,
        key: u64,
        value: u64,
    ) -> Option<(Option<u64>, u64)> {
        match Self::locate(section, hash, &key) {
            Some(slot) => Some((Some(key), Self::replace(section, slot, value))),
            None => {
                Self::insert_new(section, hash, key, value);
                None
            }
        }
    }

    fn insert_new(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        _hash: u64,
        key: u64,
        value: u64,
    ) -> usize {
        section.pairs.push((key, value));
        section.pairs.len() - 1
    }

    fn replace(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: usize,
        value: u64,
    ) -> u64 {
        std::mem::replace(&mut section.pairs[slot].1, value)
    }

    fn replace_pair(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: usize,
        key: u64,
        value: u64,
    ) -> (u64, u64) {
        std::mem::replace(&mut section.pairs[slot], (key, value))
    }

    fn remove(section: &mut impl Inside<Self::Locked, Self::Open>, slot: usize) -> (u64, u64) {
        section.pairs.remove(slot)
    }

    fn edit<'x>(
        section: &'x mut impl Inside<Self::Locked, Self::Open>,
        slot: usize,
        _edit: &'x mut (),
    ) -> &'x mut (u64, u64) {
        &mut section.pairs[slot]
    }

    fn finish(_section: &mut impl Inside<Self::Locked, Self::Open>, _slot: usize, _edit: ()) {}

    fn alter(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        slot: usize,
        f: impl FnOnce(u64, u64) -> (u64, u64),
    ) -> Option<(u64, u64)> {
        let (key, value) = section.pairs[slot];
        section.pairs[slot] = f(key, value);
        None
    }

    fn downgrade<'a>(
        section: Section<'a, u64, u64, Self>,
        slot: usize,
    ) -> Held<'a, (u64, u64), Self::Hold> {
        Held::find(section.downgrade(), |entries| entries.pairs.get(slot))
            .expect("the shard was locked all the time")
    }

    fn capacity(locked: &Entries) -> usize {
        locked.capacity
    }

    fn resize(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        capacity: usize,
        _hash: impl Fn(&u64) -> u64,
    ) -> Result<(), TryReserveError> {
        section.capacity = capacity;
        Ok(())
    }

    fn divide(
        from: &mut impl Inside<Self::Locked, Self::Open>,
        into: &mut impl Inside<Self::Locked, Self::Open>,
        hash: impl Fn(&u64) -> u64,
        chosen: impl Fn(u64) -> bool,
    ) -> Result<(), TryReserveError> {
        assert!(into.pairs.is_empty(), "a header out of use has no entries");
        into.capacity = from.capacity;
        into.pairs = from
            .pairs
            .extract_if(.., |(key, _)| chosen(hash(key)))
            .collect();
        Ok(())
    }

    fn absorb(
        into: &mut impl Inside<Self::Locked, Self::Open>,
        from: &mut impl Inside<Self::Locked, Self::Open>,
        _hash: impl Fn(&u64) -> u64,
    ) -> Result<(), TryReserveError> {
        let Entries { pairs, capacity } = std::mem::take(&mut **from);
        into.pairs.extend(pairs);
        into.capacity = into.capacity.max(capacity).max(into.pairs.len());
        Ok(())
    }

    fn clone_shard(_open: &(), locked: &Entries, into: &mut impl Inside<Self::Locked, Self::Open>) {
        into.pairs = locked.pairs.clone();
        into.capacity = locked.capacity;
    }

    fn take(section: &mut impl Inside<Self::Locked, Self::Open>) -> Entries {
        std::mem::take(&mut **section)
    }

    fn retain(
        section: &mut impl Inside<Self::Locked, Self::Open>,
        mut keep: impl FnMut(&u64, &mut u64) -> bool,
        removed: &mut Vec<(u64, u64)>,
    ) {
        removed.extend(
            section
                .pairs
                .extract_if(.., |(key, value)| !keep(key, value)),
        );
    }

    fn iter<'a>(locked: &'a Entries) -> std::slice::Iter<'a, (u64, u64)>
    where
        Self: 'a,
    {
        locked.pairs.iter()
    }

    fn visit<'a>(
        at: At<'a, Entries, ()>,
        span: Span,
    ) -> Result<(Anchored<'a, Self::Visit>, Option<u64>), Refused> {
        LockedVisit::new(&at, span)
    }

    fn visited<'a>(
        visit: &mut Anchored<'a, Self::Visit>,
        hash: impl Fn(&u64) -> u64,
    ) -> Option<Held<'a, (u64, u64), Self::Hold>> {
        LockedVisit::next(visit, hash)
    }

    fn iter_mut<'a>(locked: &'a mut Entries) -> impl Iterator<Item = &'a mut (u64, u64)>
    where
        u64: 'a,
    {
        locked.pairs.iter_mut()
    }

    fn slots(locked: &Entries) -> impl Iterator<Item = usize> {
        0..locked.pairs.len()
    }

    fn into_iter(locked: Entries) -> std::vec::IntoIter<(u64, u64)> {
        locked.pairs.into_iter()
    }
}

/// Hashes a number to itself; the front mixes it.
#[derive(Clone, Default)]
pub struct Identity(u64);

impl BuildHasher for Identity {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are numbers")
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

thread_local! {
    /// The mixed hashes that [`Tiny::peek`] was asked for; a model runs on one thread.
    static HASHES: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Keys named by the first bits that tell shards apart.
#[derive(Clone, Copy)]
pub struct Keys {
    pub k00: u64,
    pub k01: u64,
    pub k10: u64,
    pub k11: u64,
}

/// Finds them, in a model of one thread.
pub fn keys() -> Keys {
    let found = Arc::new(std::sync::Mutex::new([None; 4]));
    let out = Arc::clone(&found);
    loom::model(move || {
        let map = map(1, 1);
        let mut keys = [None; 4];
        for key in 1.. {
            HASHES.take();
            map.contains_key(&key);
            let hash = HASHES.take()[0];
            keys[(hash << 7 >> 62) as usize].get_or_insert(key);
            if keys.iter().all(Option::is_some) {
                break;
            }
        }
        *out.lock().expect("nobody panicked") = keys;
    });
    let keys = *found.lock().expect("nobody panicked");
    let [k00, k01, k10, k11] = keys.map(|key| key.expect("the loop ends with all of them"));
    Keys { k00, k01, k10, k11 }
}

/// A map that starts with so many shards and, as long as they are few, splits those that are full at `limit`.
pub fn map(shards: usize, limit: usize) -> TinyMap {
    let builder = Map::<u64, u64, Tiny>::builder().hasher(Identity::default());
    let builder = builder
        .shards(shards)
        .shard_limit(limit)
        .read_bias(ReadBias::Always);
    let map = builder.build();
    map.expect("no memory is asked for")
}

pub fn model(check: impl Fn(Keys) + Send + Sync + 'static) {
    model_with(loom::model::Builder::new(), check);
}

/// With at least so many preemptions, whatever the environment says.
#[allow(dead_code, reason = "each test file uses what it needs")]
pub fn model_preempted(least: usize, check: impl Fn(Keys) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.map(|bound| bound.max(least));
    model_with(builder, check);
}

fn model_with(mut builder: loom::model::Builder, check: impl Fn(Keys) + Send + Sync + 'static) {
    let keys = keys();
    builder.max_branches = 20_000;
    let explored = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&explored);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        check(keys);
    });
    let explored = explored.load(Ordering::Relaxed);
    assert!(explored > 1, "the model has no schedules to try");
    println!("{explored} schedules");
}

pub fn spawn<R: 'static>(
    map: &Arc<TinyMap>,
    run: impl FnOnce(&TinyMap) -> R + 'static,
) -> thread::JoinHandle<R> {
    let map = Arc::clone(map);
    thread::spawn(move || run(&map))
}

pub fn join<R>(thread: thread::JoinHandle<R>) -> R {
    thread.join().expect("a model that panicked has ended")
}
