//! Bytes, unpacked if they are packed.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};

/// The first two bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Room for a first line at least.
const BUFFER: usize = 1 << 16;

/// The text in the bytes, whatever the name of the file says. Its first `fill_buf` returns the whole first line, or `BUFFER` bytes.
pub(super) fn open<'a>(bytes: impl Read + 'a) -> impl BufRead + 'a {
    let (head, bytes) = gather(bytes);
    let packed = head.starts_with(&GZIP);
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(head).chain(bytes));
    let unpacked: Box<dyn Read + 'a> = if packed {
        Box::new(MultiGzDecoder::new(whole))
    } else {
        Box::new(whole)
    };
    let (head, rest) = gather(unpacked);
    BufReader::with_capacity(BUFFER, Cursor::new(head).chain(rest))
}

/// The first bytes, as many as fit into a buffer, and the rest; an error among them comes up after them.
fn gather<R: Read>(bytes: R) -> (Vec<u8>, Rest<R>) {
    let (mut head, mut rest) = (Vec::new(), Rest { bytes, error: None });
    rest.error = rest
        .by_ref()
        .take(BUFFER as u64)
        .read_to_end(&mut head)
        .err();
    (head, rest)
}

/// What comes after the head.
struct Rest<R> {
    bytes: R,
    error: Option<io::Error>,
}

impl<R: Read> Read for Rest<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.bytes.read(buffer),
        }
    }
}

/// Says that reading failed in or after this line.
pub(super) fn broken(line: u64, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => {
            format!("line {line}: expected more data, the gzip stream ends too early")
        }
        ErrorKind::InvalidInput | ErrorKind::InvalidData => {
            format!("line {line}: expected a sound gzip stream, found a damaged one: {error}")
        }
        _ => format!("line {line}: cannot read on: {error}"),
    }
}
