//! A script: what the threads do in which phase, for how long. From a file, or the built-in one.
//!
//! What a file says wrong is refused with the phase and the field, before anything is measured.

use crate::{
    args::{MOST_KEYS, short},
    fail::Fail,
    lane::common::percent,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fmt, fs, path::Path};

/// Most operations of a thread in a phase.
pub const MOST_OPS: u64 = 1 << 40;

/// How the keys of reads and updates are picked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Picks {
    /// All alike.
    #[default]
    Uniform,
    /// By Zipf's law, with the exponent that `compare` takes.
    Zipf,
}

/// The shares of the operations; their sum is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Mix {
    /// Reads of present keys.
    pub read_hit: f64,
    /// Reads of absent keys.
    pub read_miss: f64,
    /// Updates of present keys.
    pub update: f64,
    /// Inserts of new keys.
    pub insert: f64,
    /// Removes of the oldest keys.
    pub remove: f64,
    /// Looks at the whole map, each of which counts as one operation.
    pub scan: f64,
}

impl Mix {
    /// Each share by its name in a file.
    pub fn shares(&self) -> [(&'static str, f64); 6] {
        let &Mix {
            read_hit,
            read_miss,
            update,
            insert,
            remove,
            scan,
        } = self;
        [
            ("read-hit", read_hit),
            ("read-miss", read_miss),
            ("update", update),
            ("insert", insert),
            ("remove", remove),
            ("scan", scan),
        ]
    }

    /// True if keys come and go.
    pub fn turns_over(&self) -> bool {
        self.insert + self.remove > 0.0
    }
}

/// A part of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// What tables call it; several may have the same name.
    pub name: String,
    /// The operations.
    pub mix: Mix,
    /// How their keys are picked.
    #[serde(default)]
    pub picks: Picks,
    /// Keys in the map when the phase begins.
    pub keys: u64,
    /// Its length: operations of each thread.
    pub ops: u64,
}

/// The phases, in their order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Script(pub Vec<Phase>);

impl Script {
    /// The one that is played if no other is named.
    pub fn built_in() -> Script {
        let phase = |name: &str, picks, mix| Phase {
            name: name.into(),
            mix,
            picks,
            keys: 100_000,
            ops: 2_000_000,
        };
        let none = Mix::default();
        let mostly_reads = Mix {
            read_hit: 0.99,
            update: 0.01,
            ..none
        };
        let half_updates = Mix {
            read_hit: 0.5,
            update: 0.5,
            ..none
        };
        let churn = Mix {
            read_hit: 0.1,
            insert: 0.45,
            remove: 0.45,
            ..none
        };
        let scans = Mix {
            read_hit: 0.8999,
            update: 0.1,
            scan: 0.0001,
            ..none
        };
        Script(vec![
            phase("read-mostly", Picks::Zipf, mostly_reads),
            phase("write-heavy", Picks::Uniform, half_updates),
            phase("churn", Picks::Uniform, churn),
            phase("scans", Picks::Uniform, scans),
            phase("read-mostly", Picks::Zipf, mostly_reads),
        ])
    }

    /// Reads a file: a list of phases as JSON.
    pub fn read(path: &Path) -> Result<Script, Fail> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string());
        text.and_then(|text| Script::parse(&text))
            .map_err(|reason| Fail::Input(format!("{}: {reason}", path.display())))
    }

    /// The same from text.
    pub fn parse(text: &str) -> Result<Script, String> {
        let values = match serde_json::from_str(text) {
            Ok(Value::Array(values)) => values,
            Ok(_) => return Err("expected a list of phases: [{\"name\": ...}, ...]".into()),
            Err(error) => return Err(error.to_string()),
        };
        if values.is_empty() {
            return Err("expected at least one phase, found an empty list".into());
        }
        // One by one, so that what is wrong can be told with the phase's name.
        let phases = values.iter().enumerate().map(|(at, value)| {
            let phase = serde_path_to_error::deserialize::<_, Phase>(value);
            let phase = phase.map_err(|error| match error.path().to_string().as_str() {
                "." => error.inner().to_string(),
                field => format!("{field}: {}", error.inner()),
            });
            phase
                .and_then(|phase| phase.check().map(|()| phase))
                .map_err(|reason| {
                    let name = value.get("name").and_then(Value::as_str);
                    let name = name.map_or_else(String::new, |name| format!(" ({name})"));
                    format!("phase {}{name}: {reason}", at + 1)
                })
        });
        phases.collect::<Result<_, _>>().map(Script)
    }

    /// Stretches or shrinks it: the most keys and the longest phase become what is asked for, the others stay in proportion to them.
    pub fn scale(&mut self, keys: Option<u64>, ops: Option<u64>) {
        let scale = |asked: Option<u64>, field: fn(&mut Phase) -> &mut u64, script: &mut Script| {
            let most = script.0.iter_mut().map(|phase| *field(phase)).max();
            if let Some((asked, most)) = asked.zip(most) {
                for number in script.0.iter_mut().map(field) {
                    let scaled = u128::from(*number) * u128::from(asked) / u128::from(most);
                    *number = (scaled as u64).max(1);
                }
            }
        };
        scale(keys, |phase| &mut phase.keys, self);
        scale(ops, |phase| &mut phase.ops, self);
    }

    /// Refuses what so many threads cannot play.
    pub fn suits(&self, threads: u64) -> Result<(), String> {
        for (at, phase) in self.0.iter().enumerate() {
            let place = || format!("phase {} ({})", at + 1, phase.name);
            let &Phase { mix, keys, ops, .. } = phase;
            if keys < 2 * threads {
                return Err(format!(
                    "{}: {keys} keys are too few for --threads {threads}: take at least two keys for each thread",
                    place()
                ));
            }
            let fewer = (mix.remove - mix.insert) * ops as f64;
            if fewer >= (keys / threads) as f64 {
                return Err(format!(
                    "{}: {fewer:.0} more removes than inserts by each of {threads} threads leave nothing of {keys} keys: \
                     take more keys, or fewer operations",
                    place()
                ));
            }
        }
        Ok(())
    }

    /// The most entries that a map has at any time.
    pub fn room(&self, threads: u64) -> u64 {
        let most = |phase: &Phase| {
            let more = (phase.mix.insert - phase.mix.remove).max(0.0) * phase.ops as f64;
            // One entry of every thread may be on its way in.
            let own = (more as u64).saturating_add(1);
            phase.keys.saturating_add(own.saturating_mul(threads))
        };
        self.0.iter().map(most).max().unwrap_or(0)
    }
}

impl Phase {
    fn check(&self) -> Result<(), String> {
        let mut sum = 0.0;
        for (name, share) in self.mix.shares() {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!(
                    "mix.{name}: expected a share from 0 to 1, found {share}"
                ));
            }
            sum += share;
        }
        if (sum - 1.0_f64).abs() > 1e-6 {
            return Err(format!(
                "mix: expected shares that sum to 1, found a sum of {sum}"
            ));
        }
        let numbers = [("keys", self.keys, MOST_KEYS), ("ops", self.ops, MOST_OPS)];
        for (field, number, most) in numbers {
            if !(1..=most).contains(&number) {
                return Err(format!(
                    "{field}: expected a number from 1 to {most}, found {number}"
                ));
            }
        }
        let shown = self.name.trim();
        if shown.is_empty() || self.name.chars().any(char::is_control) {
            return Err("name: expected a line of text".into());
        }
        Ok(())
    }
}

/// One line for a person.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = self.mix.shares().into_iter().filter(|it| it.1 > 0.0);
        let shares: Vec<_> = shares
            .map(|(name, share)| format!("{} % {name}", percent(share)))
            .collect();
        let law = match self.picks {
            Picks::Uniform => "uniformly",
            Picks::Zipf => "by Zipf's law",
        };
        write!(
            f,
            "{}: {}, picked {law} from {} keys, {} operations a thread",
            self.name,
            shares.join(", "),
            short(self.keys),
            short(self.ops)
        )
    }
}

#[cfg(test)]
mod tests;
