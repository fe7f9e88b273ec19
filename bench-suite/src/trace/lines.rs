//! Lines with their numbers: what every format reads, and what every complaint names.

use super::source;
use std::io::{BufRead, Read};

/// Longest line that is read, in bytes.
pub(super) const LONGEST: usize = 1 << 16;

/// Lines of a source.
pub(super) struct Lines<R> {
    source: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// From the first one on.
    pub(super) fn new(source: R) -> Self {
        Lines {
            source,
            line: Vec::new(),
            number: 0,
        }
    }

    /// Hands the next line, without its end, to `read` and puts the line's number before its complaint. `None` at the end of the
    /// source.
    pub(super) fn next<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Option<Result<T, String>> {
        self.number += 1;
        self.line.clear();
        // Room for the end of the line, which may be two bytes.
        let got = self
            .source
            .by_ref()
            .take(LONGEST as u64 + 3)
            .read_until(b'\n', &mut self.line);
        match got {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => return Some(Err(source::broken(self.number, &error))),
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let result = match line.len() {
            0..=LONGEST => read(line),
            _ => Err(format!(
                "expected a line of at most {LONGEST} bytes, found a longer one"
            )),
        };
        Some(result.map_err(|reason| format!("line {}: {reason}", self.number)))
    }
}
