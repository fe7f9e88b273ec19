//! One key a line.

use super::{Format, KeyType, Keys, Kind, Texts, Trace, lines::Lines};
use std::{io::BufRead, str};

/// Reads the trace.
pub(super) fn parse(
    source: impl BufRead,
    key_type: KeyType,
    limit: usize,
) -> Result<Trace, String> {
    let mut keys = match key_type {
        KeyType::String => Keys::Texts(Texts::default()),
        KeyType::Auto | KeyType::U64 => Keys::Numbers(Vec::new()),
    };
    let mut lines = Lines::new(source);
    let mut count = 0;
    while count < limit {
        let Some(read) = lines.next(|line| add(&mut keys, key_type, key(line)?)) else {
            break;
        };
        read?;
        count += 1;
    }
    Ok(Trace {
        kinds: vec![Kind::GetOrPut; count],
        keys,
        format: Format::Keys,
    })
}

fn add(keys: &mut Keys, key_type: KeyType, key: &str) -> Result<(), String> {
    match keys {
        Keys::Texts(texts) => texts.push(key),
        Keys::Numbers(numbers) => match number(key) {
            Some(number) => numbers.push(number),
            None if key_type == KeyType::U64 => {
                return Err(format!(
                    "expected a 64-bit number without leading zeros, found {key:?}"
                ));
            }
            None => {
                let mut texts = Texts::default();
                numbers
                    .iter()
                    .for_each(|number| texts.push(&number.to_string()));
                texts.push(key);
                *keys = Keys::Texts(texts);
            }
        },
    }
    Ok(())
}

fn key(line: &[u8]) -> Result<&str, String> {
    if line.is_empty() {
        return Err("expected a key, found an empty line".into());
    }
    str::from_utf8(line).map_err(|error| {
        format!(
            "expected a key in UTF-8, found something else after {} bytes",
            error.valid_up_to()
        )
    })
}

/// The number, if this is the one way to write it: else two different keys would become one.
fn number(key: &str) -> Option<u64> {
    let number = key.parse().ok()?;
    let canonical =
        key.bytes().all(|byte| byte.is_ascii_digit()) && (key.len() == 1 || !key.starts_with('0'));
    canonical.then_some(number)
}
