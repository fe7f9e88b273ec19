//! How the program fails.

use std::{fmt, io};

/// A reason to stop.
#[derive(Debug)]
pub enum Fail {
    /// The caller's input is unusable: exit code 2.
    Input(String),
    /// A subject did not do what the workload implies, so the measurement means nothing: exit code 1.
    Wrong(String),
    /// The output cannot be written: exit code 1, or 0 if the reader has closed the pipe.
    Output(io::Error),
}

impl Fail {
    /// The process's exit code.
    pub fn code(&self) -> u8 {
        match self {
            Fail::Input(_) => 2,
            Fail::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Fail::Wrong(_) | Fail::Output(_) => 1,
        }
    }

    /// Says where it happened, if it is about a measurement.
    pub fn within(self, place: impl fmt::Display) -> Fail {
        match self {
            Fail::Wrong(reason) => Fail::Wrong(format!("{place}: {reason}")),
            other => other,
        }
    }
}

impl fmt::Display for Fail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fail::Input(reason) => f.write_str(reason),
            Fail::Wrong(reason) => write!(f, "the measurement is not what it says: {reason}"),
            Fail::Output(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

impl std::error::Error for Fail {}

impl From<io::Error> for Fail {
    fn from(error: io::Error) -> Fail {
        Fail::Output(error)
    }
}
