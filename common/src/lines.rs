//! One line at a time, from the network, a file or the keyboard.

use crate::{blocking, invalid_data};
use std::io::{self, BufRead, ErrorKind, Read};

/// The longest line of text in any protocol here, in bytes, its `\n` included.
pub const MAX_LINE: usize = 64 * 1024;

/// Reads up to the next `\n`, which is included. Blocks until it has arrived, or the stream has
/// ended, or `limit` bytes are there without it: a sender that never ends its line can fill that
/// much of our memory and no more. What follows the `\n` stays in the reader.
fn read_bounded(from: &mut impl BufRead, limit: usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut limited = from.by_ref().take(limit as u64);
    blocking("read", || limited.read_until(b'\n', &mut line))?;
    let too_long = line.len() == limit && !line.ends_with(b"\n");
    if too_long { Err(invalid_data("line too long")) } else { Ok(line) }
}

/// Reads one line from the network, whatever its bytes are, and returns it without its `\n`.
/// `None`: the peer has closed its side, between two lines. A `line too long` (its rest is still
/// to be read) and a `line cut off` are of kind [`ErrorKind::InvalidData`]. First written out in
/// chapter 2.
pub fn read_line_bytes(from: &mut impl BufRead, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut line = read_bounded(from, limit)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) => Err(invalid_data("line cut off")),
    }
}

/// Like [`read_line_bytes`], for UTF-8 of at most [`MAX_LINE`] bytes.
pub fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    read_line_bytes(from, MAX_LINE)?.map(utf8).transpose()
}

/// Reads one line of a file, or of what a user types, without its line ending (`\n` or `\r\n`),
/// which the last line may lack, and without the byte order mark (U+FEFF) that some editors put
/// in front of a file. `None`: the input has ended. A line that is too long or not UTF-8 is an
/// error and has been read to its end, so that the caller can go on with the next one.
pub fn text_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let line = read_bounded(input, MAX_LINE);
    if line.as_ref().is_err_and(|e| e.kind() == ErrorKind::InvalidData) {
        blocking("read", || input.skip_until(b'\n'))?;
    }
    let line = line?;
    let text = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(&line);
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    if line.is_empty() { Ok(None) } else { utf8(text.to_vec()).map(Some) }
}

fn utf8(line: Vec<u8>) -> io::Result<String> {
    String::from_utf8(line).map_err(|_| invalid_data("line is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn too_long(next: &[u8]) -> Vec<u8> {
        // It may be cut within a character.
        [&[b'x'; MAX_LINE - 1], "é and more\n".as_bytes(), next].concat()
    }

    #[test]
    fn a_text_line_has_no_ending_and_a_limit() {
        let read = |mut text: &[u8]| {
            let mut next = || text_line(&mut text).map_err(|e| e.to_string());
            (next(), next())
        };
        let line = |text: &str| Ok(Some(text.to_string()));
        assert_eq!(read(b"a\r\n\nb"), (line("a"), line("")));
        assert_eq!(read(b"last"), (line("last"), Ok(None)));
        let wrong = |cause: &str| Err(cause.to_string());
        assert_eq!(read(b"\xff\nb\r"), (wrong("line is not UTF-8"), line("b\r")));
        assert_eq!(read(&too_long(b"b")), (wrong("line too long"), line("b")));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let mut text = "\u{feff}Ada\n\u{feff}\n".as_bytes();
        assert_eq!(text_line(&mut text).unwrap(), Some("Ada".to_string()));
        assert_eq!(text_line(&mut text).unwrap(), Some(String::new()));
        assert_eq!(text_line(&mut text).unwrap(), None);
    }

    #[test]
    fn a_line_from_the_network_is_whole_or_an_error() {
        let read = |mut text: &[u8]| read_line(&mut text).map_err(|e| e.to_string());
        let wrong = |cause: &str| Err(cause.to_string());
        assert_eq!(read(b"a\r\nb"), Ok(Some("a\r".to_string())));
        assert_eq!(read(b""), Ok(None));
        assert_eq!(read(b"cut"), wrong("line cut off"));
        assert_eq!(read(b"\xff\n"), wrong("line is not UTF-8"));
        assert_eq!(read(&too_long(b"")), wrong("line too long"));
    }

    #[test]
    fn a_limit_counts_the_line_ending() {
        let read = |mut text: &[u8], limit| read_line_bytes(&mut text, limit).ok().flatten();
        assert_eq!(read(b"abc\n", 4), Some(b"abc".to_vec()));
        assert_eq!(read(b"abc\n", 3), None);
    }
}
