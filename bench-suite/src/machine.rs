//! What the numbers were made on.

use serde::Serialize;
use std::{fmt, fs, thread::available_parallelism};

/// The machine and the compiler.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Cores that the process may use.
    pub cores: usize,
    /// The processor's name.
    pub cpu: String,
    /// Operating system and architecture.
    pub system: String,
    /// The compiler.
    pub rustc: &'static str,
    /// False if the program was built without optimisation: then its numbers mean nothing.
    pub optimised: bool,
}

impl Machine {
    /// This one.
    pub fn here() -> Machine {
        let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|info| {
            let line = info.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        Machine {
            cores: available_parallelism().map_or(1, usize::from),
            cpu: cpu.unwrap_or_else(|| "unknown processor".into()),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            rustc: env!("BENCH_RUSTC"),
            optimised: !cfg!(debug_assertions),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine {
            cores,
            cpu,
            system,
            rustc,
            optimised,
        } = self;
        write!(f, "{cpu}, {cores} cores, {system}, {rustc}")?;
        if !optimised {
            f.write_str("\nBUILT WITHOUT OPTIMISATION: these numbers mean nothing")?;
        }
        Ok(())
    }
}

/// Memory that can be had without swapping, in bytes; `None` where the system does not say.
pub fn available_memory() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let line = info
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Nanoseconds that the calling thread has waited for a core since it began; zero where the system does not say.
pub fn waited() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let waited = stat
        .split_whitespace()
        .nth(1)
        .and_then(|field| field.parse().ok());
    waited.unwrap_or(0)
}
