//! Words of the command line that several commands share.

use crate::{
    fail::Fail,
    machine::available_memory,
    measure::Effort,
    subjects::{Entry, ROSTER},
};
use clap::{Args, builder::PossibleValuesParser};
use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

/// Most threads that can be asked for.
pub const MOST_THREADS: u16 = 256;

/// Most keys that can be asked for.
pub const MOST_KEYS: u64 = 1 << 31;

/// Accepts the names of the roster.
pub fn names(roster: &[Entry]) -> PossibleValuesParser {
    PossibleValuesParser::new(roster.iter().map(|entry| entry.name))
}

/// Accepts a number of threads.
pub fn threads() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=i64::from(MOST_THREADS))
}

/// Accepts a number of things such as `1000`, `100k` or `4m`.
pub fn count(text: &str) -> Result<u64, String> {
    let expected = || {
        format!("expected a number from 1 to {MOST_KEYS}, with k or m for thousands or millions")
    };
    let lower = text.to_ascii_lowercase();
    let (digits, unit) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 1_000),
        Some(b'm') => (&lower[..lower.len() - 1], 1_000_000),
        _ => (&*lower, 1),
    };
    let count = digits
        .replace('_', "")
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    count
        .filter(|count| (1..=MOST_KEYS).contains(count))
        .ok_or_else(expected)
}

/// Writes a number the way `count` reads it.
pub fn short(count: u64) -> String {
    match count {
        _ if count >= 1_000_000 && count.is_multiple_of(1_000_000) => {
            format!("{}m", count / 1_000_000)
        }
        _ if count >= 1_000 && count.is_multiple_of(1_000) => format!("{}k", count / 1_000),
        _ => count.to_string(),
    }
}

/// Who takes part, and where the numbers go. The subjects are maps, unless the command says otherwise (by `mut_arg`).
#[derive(Args, Clone, Debug)]
pub struct Party {
    /// Subjects to measure, separated by commas [default: all]
    #[arg(short, long, value_delimiter = ',', value_parser = names(ROSTER), hide_default_value = true)]
    pub subjects: Vec<String>,
    /// Write everything that was measured to this file
    #[arg(short, long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Party {
    /// The subjects of the roster that take part, in its order; all of them if none is named.
    pub fn chosen(&self, roster: &[Entry]) -> Vec<Entry> {
        let chosen = |entry: &&Entry| {
            self.subjects.is_empty() || self.subjects.iter().any(|name| name == entry.name)
        };
        roster.iter().filter(chosen).copied().collect()
    }

    /// Creates the JSON file now, so that a name that cannot be written costs no measurement.
    pub fn open_json(&self) -> Result<Option<File>, Fail> {
        let Some(path) = &self.json else {
            return Ok(None);
        };
        let file = File::create(path);
        file.map(Some)
            .map_err(|error| Fail::Input(format!("cannot write {}: {error}", path.display())))
    }
}

/// How long to measure.
#[derive(Args, Clone, Copy, Debug)]
pub struct Pace {
    /// Rounds of every subject in every cell; the table shows their median
    #[arg(short, long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rounds: u32,
    /// Length of a round in milliseconds, at least as long as one map takes to grow
    #[arg(long, default_value_t = 4, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub round_ms: u64,
}

impl Pace {
    /// For the runner.
    pub fn effort(self) -> Effort {
        Effort {
            rounds: self.rounds as usize,
            round: Duration::from_millis(self.round_ms),
        }
    }
}

/// What the operations are drawn from, and how they are taken together.
#[derive(Args, Clone, Copy, Debug)]
pub struct Dice {
    /// Operations of a session: what pins, pins once in so many operations
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub batch: u64,
    /// Seed of keys, dice and hasher
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Refuses subjects of which none can be used by any of these numbers of threads.
pub fn somebody_fits(subjects: &[Entry], threads: &[u16]) -> Result<(), Fail> {
    let fits = |&threads: &u16| subjects.iter().any(|entry| entry.fits(threads.into()));
    if threads.iter().any(fits) {
        return Ok(());
    }
    Err(Fail::Input(
        "hashbrown is the limit of one thread: take --threads 1, or other --subjects as well"
            .into(),
    ))
}

/// Bytes that a map of that many entries may take at the peak of its growth, whichever subject it is.
pub fn peak(keys: u64, entry: usize) -> u64 {
    // Tables are between half and seven eighths full; while a table grows there are two. A box adds about fifty bytes an entry, and
    // flurry another hundred.
    keys.saturating_mul(entry as u64 * 3 + 150)
}

/// Refuses numbers of keys that need more memory than there is, with what they need it `for_what` and what `less` to ask for.
pub fn fits(keys: u64, needed: u64, for_what: &str, less: &str) -> Result<(), Fail> {
    match available_memory() {
        Some(available) if needed > available => Err(Fail::Input(format!(
            "--keys {keys} needs about {} MB for {for_what}, and {} MB are available: take fewer {less}",
            needed >> 20,
            available >> 20
        ))),
        _ => Ok(()),
    }
}

/// Writes the report as JSON.
pub fn write_json(file: Option<File>, report: &impl serde::Serialize) -> Result<(), Fail> {
    let Some(mut file) = file else { return Ok(()) };
    serde_json::to_writer_pretty(&mut file, report)
        .map_err(|error| Fail::Output(io::Error::from(error)))?;
    file.write_all(b"\n")?;
    Ok(())
}

/// Prints text; the error of a closed pipe is the caller's to pass on.
pub fn print(text: impl std::fmt::Display) -> Result<(), Fail> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        assert_eq!(count("1000"), Ok(1000));
        assert_eq!(count("100k"), Ok(100_000));
        assert_eq!(count("4M"), Ok(4_000_000));
        assert_eq!(count("1_000"), Ok(1000));
        for bad in [
            "",
            "k",
            "0",
            "0k",
            "-1",
            "1.5k",
            "many",
            "99999999999m",
            "2147483649",
            "é",
        ] {
            assert!(count(bad).is_err(), "{bad}");
        }
        for number in [1, 999, 1000, 1500, 100_000, 4_000_000] {
            assert_eq!(count(&short(number)), Ok(number));
        }
    }
}
