//! CSV of block requests: version, time, SCSI operation, size, logical block number. Nothing in it is ever quoted, so a comma is a
//! comma.

use super::{Format, Keys, Kind, Trace, lines::Lines};
use std::{io::BufRead, str};

const COLUMNS: [&str; 5] = ["version", "time", "op", "size", "lbn"];

/// Reads the trace. The header may be missing.
pub(super) fn parse(source: impl BufRead, limit: usize) -> Result<Trace, String> {
    let mut lines = Lines::new(source);
    let (mut kinds, mut numbers) = (Vec::new(), Vec::new());
    let mut first = true;
    while kinds.len() < limit {
        let header = std::mem::take(&mut first);
        let read = |line: &[u8]| {
            let is_header = header
                && line
                    .split(|&byte| byte == b',')
                    .eq(COLUMNS.map(str::as_bytes));
            if is_header {
                Ok(None)
            } else {
                operation(line).map(Some)
            }
        };
        let Some(line) = lines.next(read) else { break };
        if let Some((kind, number)) = line? {
            kinds.push(kind);
            numbers.push(number);
        }
    }
    Ok(Trace {
        kinds,
        keys: Keys::Numbers(numbers),
        format: Format::Cloudphysics,
    })
}

fn operation(line: &[u8]) -> Result<(Kind, u64), String> {
    let mut fields = line.split(|&byte| byte == b',');
    let record = [(); COLUMNS.len()].map(|()| fields.next());
    let [Some(version), Some(time), Some(op), Some(size), Some(lbn)] = record else {
        return Err(wrong_count(line));
    };
    if fields.next().is_some() {
        return Err(wrong_count(line));
    }
    number("version", version)?;
    number("time", time)?;
    let kind = match op {
        b"28" => Kind::Get,
        b"2a" | b"2A" => Kind::Put,
        other => {
            return Err(format!(
                "expected 28 (read) or 2a (write) as op, found {}",
                quote(other)
            ));
        }
    };
    number("size", size)?;
    Ok((kind, number("lbn", lbn)?))
}

fn wrong_count(line: &[u8]) -> String {
    let expected = format!("expected {} columns {}", COLUMNS.len(), COLUMNS.join(","));
    match line.split(|&byte| byte == b',').count() {
        _ if line.is_empty() => format!("{expected}, found an empty line"),
        found => format!("{expected}, found {found}"),
    }
}

fn number(column: &str, field: &[u8]) -> Result<u64, String> {
    let number = str::from_utf8(field)
        .ok()
        .and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| {
        format!(
            "expected a 64-bit number as {column}, found {}",
            quote(field)
        )
    })
}

/// A field as it may be printed: short, without control characters.
fn quote(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(&field[..field.len().min(40)]);
    format!("{text:?}{}", if field.len() > 40 { "..." } else { "" })
}
