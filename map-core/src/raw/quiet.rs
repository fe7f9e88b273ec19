//! Shards that nobody locks any more.

use super::coverage::{Coverage, hash_at};
use super::directory::Directory;
use super::header::Header;
use super::limits::Limits;
use crate::strategy::{Open, Table};

/// A directory that is only looked at: what lies under the locks can be had without them.
pub(crate) struct Quiet<L, O>(Directory<L, O>);

impl<L: Table, O: Open> Quiet<L, O> {
    pub(crate) fn new(directory: Directory<L, O>) -> Self {
        Self(directory)
    }

    pub(crate) fn into_inner(self) -> Directory<L, O> {
        self.0
    }

    /// See [`Directory::limits`].
    pub(crate) fn limits(&self) -> Limits {
        self.0.limits()
    }

    /// What lies under the lock of the shard that covers `hash`.
    pub(crate) fn table(&self, hash: u64) -> &L {
        Self::look(self.0.find(hash))
    }

    /// What lies under all locks.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &L> {
        self.shards().map(|(_, _, table)| table)
    }

    /// The same, with what each shard covers and what lies open.
    pub(crate) fn shards(&self) -> impl Iterator<Item = (Coverage, &O, &L)> {
        let mut next = Some(0);
        std::iter::from_fn(move || {
            let header = self.0.find(hash_at(next?));
            let coverage = header.coverage_hint();
            next = coverage.end();
            Some((coverage, header.open(), Self::look(header)))
        })
    }

    /// See [`Directory::open`].
    pub(crate) fn open(&self) -> &O {
        self.0.open()
    }

    fn look(header: &Header<L, O>) -> &L {
        header.watch.read();
        // SAFETY: nothing writes there while `self`, which owns the header, is borrowed: `self` gives out
        // no way to lock a shard, and whoever had a guard before it got the directory has no more, or
        // has forgotten it and cannot use it.
        unsafe { &*header.locked.get() }
    }
}
