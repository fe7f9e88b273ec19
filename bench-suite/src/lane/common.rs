//! What the lanes of steady mixes and those of scripts have in common: ids, stamps, filling, checks.

use crate::{
    key::{Key, Value, number},
    subject::{Session, Subject},
};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use rand_distr::{Distribution, Zipf};
use std::sync::Arc;

/// Random numbers, drawn a block at a time.
///
/// A generator that is asked in each operation has its state in memory, stored and loaded again between a map's atomic
/// instructions and its stores. On some processors a loop of such operations takes up to twice its time then, for one map
/// in six, by where it happens to lie: which says nothing about the map.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    rng: SmallRng,
    block: [u64; Draws::BLOCK],
    used: usize,
}

impl Draws {
    const BLOCK: usize = 64;

    pub(crate) fn new(seed: u64) -> Self {
        Draws {
            rng: SmallRng::seed_from_u64(seed),
            block: [0; Draws::BLOCK],
            used: Draws::BLOCK,
        }
    }

    /// Draws a block, if the last is used up. To be called before a session begins: else what a session takes to begin would go on
    /// while numbers are drawn.
    #[inline]
    pub(crate) fn prepare(&mut self) {
        if self.used == Draws::BLOCK {
            self.block.fill_with(|| self.rng.next_u64());
            self.used = 0;
        }
    }

    /// The next numbers: at least one, and `most` at most.
    #[inline]
    pub(crate) fn next(&mut self, most: u64) -> &[u64] {
        self.prepare();
        let from = self.used;
        self.used = Draws::BLOCK.min(from.saturating_add(most as usize));
        &self.block[from..self.used]
    }
}

/// The ids of keys that no workload inserts.
pub(crate) const STRANGERS: u64 = 1 << 60;

/// A value that says whose it is: any word written under an id has the id's low half. The other half is that of `mark`.
#[inline(always)]
pub(crate) fn stamp<V: Value>(id: u64, mark: u64) -> V {
    V::new(mark << 32 | id & 0xffff_ffff)
}

/// Inserts the keys of these ids; the number of those that were new.
pub(crate) fn fill<K: Key, V: Value, S: Subject<K, V>>(
    map: &S,
    salt: u64,
    ids: impl Iterator<Item = u64>,
) -> u64 {
    in_sessions(map, ids, |session, id| {
        let scratch = K::scratch(number(id, salt));
        session.insert(K::owned(K::lookup(&scratch)), stamp(id, 0))
    })
}

/// Removes the keys of these ids; the number of those that were there.
pub(crate) fn clear<K: Key, V: Value, S: Subject<K, V>>(
    map: &S,
    salt: u64,
    ids: impl Iterator<Item = u64>,
) -> u64 {
    in_sessions(map, ids, |session, id| {
        session.remove(K::lookup(&K::scratch(number(id, salt))))
    })
}

/// Does something with every id, with a session for every 64; the number of times it was true.
fn in_sessions<'a, K: Key, V: Value, S: Subject<K, V>>(
    map: &'a S,
    ids: impl Iterator<Item = u64>,
    mut body: impl FnMut(&mut S::Session<'a>, u64) -> bool,
) -> u64 {
    let mut ids = ids.peekable();
    let mut count = 0;
    while ids.peek().is_some() {
        let mut session = map.session();
        for id in ids.by_ref().take(64) {
            count += u64::from(body(&mut session, id));
        }
    }
    count
}

/// Looks at entries: they must be there, and hold something that was written under their key.
pub(crate) fn spot_check<K: Key, V: Value, S: Subject<K, V>>(
    map: &S,
    salt: u64,
    ids: impl Iterator<Item = u64>,
) -> Result<(), String> {
    let mut session = map.session();
    for id in ids {
        let scratch = K::scratch(number(id, salt));
        match session.get(K::lookup(&scratch)) {
            None => return Err(format!("entry {id:#x} is lost")),
            Some(word) if word & 0xffff_ffff != id & 0xffff_ffff => {
                return Err(format!(
                    "entry {id:#x} holds {word:#x}, which was written under another key"
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Some 64 numbers below `count`, or all if they are fewer.
pub(crate) fn spread(count: u64) -> impl Iterator<Item = u64> {
    (0..count).step_by((count as usize / 64).max(1))
}

/// Holds counts against what they must be; `Err` says what is wrong.
pub(crate) fn expect_counts(counts: &[(&str, u64, u64)]) -> Result<(), String> {
    for &(what, got, due) in counts {
        if got != due {
            return Err(format!("{got} {what}, where the workload implies {due}"));
        }
    }
    Ok(())
}

/// Holds the number of operations of a kind against its share of them all, which has been drawn by lot.
pub(crate) fn expect_share(what: &str, got: u64, ops: u64, share: f64) -> Result<(), String> {
    // Six standard deviations, and some for what is rare: never by chance.
    let due = ops as f64 * share;
    let tolerance = 6.0 * (due * (1.0 - share)).sqrt() + if due > 0.0 { 8.0 } else { 0.0 };
    if (got as f64 - due).abs() > tolerance {
        return Err(format!(
            "{got} {what} of {ops} operations, where the workload says {} %",
            percent(share)
        ));
    }
    Ok(())
}

/// A share in percent, without the digits that binary fractions bring.
pub(crate) fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// Indices below `span` that a thread picks by Zipf's law, the lowest most often. They are drawn beforehand, because drawing one
/// takes longer than a lookup.
pub(crate) fn skewed(span: u64, theta: f64, seed: u64, thread: usize, picks: usize) -> Arc<[u32]> {
    let law = Zipf::new(span as f64, theta).expect("the exponent was checked");
    let mut rng = SmallRng::seed_from_u64(seed ^ (thread as u64) << 32);
    let draw = |_| (law.sample(&mut rng) as u64 - 1).min(span - 1) as u32;
    (0..picks).map(draw).collect()
}

/// Most picks that are drawn beforehand.
pub(crate) const MOST_PICKS: usize = 1 << 20;
