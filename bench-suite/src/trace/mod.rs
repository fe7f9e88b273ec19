//! Recorded traces: operations in the order in which a real program asked for them.
//!
//! A trace is read into memory as a whole before anything is measured. Formats differ only in how a line becomes an operation; each
//! has a file of its own. Whatever the bytes are, reading ends with a trace or with a sentence that names the line.

mod cloudphysics;
mod keys;
mod lines;
mod source;

use crate::fail::Fail;
use clap::ValueEnum;
use hashbrown::HashSet;
use serde::Serialize;
use std::{
    fs::File,
    io::{BufRead, Read},
    path::Path,
};

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Read the key.
    Get,
    /// Insert the key or replace its value.
    Put,
    /// Read the key; insert it if it is not there, as a cache does.
    GetOrPut,
}

/// The keys of a trace, one for each operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Numbers.
    Numbers(Vec<u64>),
    /// Texts.
    Texts(Texts),
}

/// Texts one behind the other in the order of the operations, so that reading them costs as little as it would in a program that
/// has just received them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    all: String,
    ends: Vec<usize>,
}

impl Texts {
    /// Appends a text.
    pub fn push(&mut self, text: &str) {
        self.all.push_str(text);
        self.ends.push(self.all.len());
    }

    /// The text of the operation with this number.
    #[inline]
    pub fn at(&self, at: usize) -> &str {
        let begin = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.all[begin..self.ends[at]]
    }
}

/// Operations in order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What each operation asks for.
    pub kinds: Vec<Kind>,
    /// The key of each operation.
    pub keys: Keys,
    /// The format it was read in.
    pub format: Format,
}

/// What there is in a trace, and what comes of it if one thread plays it on an empty map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Operations.
    pub ops: u64,
    /// Operations that read: gets, and gets that insert on a miss.
    pub reads: u64,
    /// Operations that write whatever they find.
    pub puts: u64,
    /// Different keys.
    pub distinct: u64,
    /// Reads that find their key.
    pub hits: u64,
    /// Entries in the map at the end.
    pub entries: u64,
}

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// By the first line: with a comma it is cloudphysics, else keys
    Auto,
    /// CSV of version,time,op,size,lbn: op 28 is a get of lbn, 2a a put
    Cloudphysics,
    /// One key a line: a get that puts on a miss, as a cache does
    Keys,
}

/// The type of the keys, where the format leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyType {
    /// Numbers if every line is one, else strings
    Auto,
    /// 64-bit numbers
    U64,
    /// Strings
    String,
}

/// Reads at most `limit` operations from a file, compressed by gzip or not.
pub fn read(path: &Path, format: Format, key_type: KeyType, limit: usize) -> Result<Trace, Fail> {
    let trace = File::open(path).map_err(|error| error.to_string());
    let trace = trace.and_then(|file| parse(file, format, key_type, limit));
    trace.map_err(|reason| Fail::Input(format!("{}: {reason}", path.display())))
}

/// Reads at most `limit` operations.
pub fn parse(
    bytes: impl Read,
    format: Format,
    key_type: KeyType,
    limit: usize,
) -> Result<Trace, String> {
    let mut source = source::open(bytes);
    let format = match format {
        Format::Auto => {
            let first = source
                .fill_buf()
                .map_err(|error| source::broken(1, &error))?;
            let line = first
                .split(|&byte| byte == b'\n')
                .next()
                .unwrap_or_default();
            if line.contains(&b',') {
                Format::Cloudphysics
            } else {
                Format::Keys
            }
        }
        chosen => chosen,
    };
    let trace = match format {
        Format::Cloudphysics if key_type == KeyType::String => {
            return Err("the keys of a cloudphysics trace are numbers, not strings".into());
        }
        Format::Cloudphysics => cloudphysics::parse(source, limit)?,
        Format::Auto | Format::Keys => keys::parse(source, key_type, limit)?,
    };
    if trace.kinds.is_empty() {
        return Err("expected at least one operation, found none".into());
    }
    Ok(trace)
}

impl Trace {
    /// Plays it once on a set.
    pub fn summary(&self) -> Summary {
        match &self.keys {
            Keys::Numbers(numbers) => self.play(|at| numbers[at]),
            Keys::Texts(texts) => self.play(|at| texts.at(at)),
        }
    }

    fn play<K: Eq + std::hash::Hash>(&self, key: impl Fn(usize) -> K) -> Summary {
        let mut summary = Summary {
            ops: self.kinds.len() as u64,
            ..Summary::default()
        };
        let (mut seen, mut map) = (HashSet::new(), HashSet::new());
        for (at, kind) in self.kinds.iter().enumerate() {
            seen.insert(key(at));
            match kind {
                Kind::Get => {
                    summary.reads += 1;
                    summary.hits += u64::from(map.contains(&key(at)));
                }
                Kind::Put => {
                    summary.puts += 1;
                    map.insert(key(at));
                }
                Kind::GetOrPut => {
                    summary.reads += 1;
                    summary.hits += u64::from(!map.insert(key(at)));
                }
            }
        }
        summary.distinct = seen.len() as u64;
        summary.entries = map.len() as u64;
        summary
    }
}

#[cfg(test)]
mod tests;
