//! A frame: a length of four bytes, the most significant first, then that many bytes.
//!
//! TCP keeps the order of bytes, and nothing else: where a message ends, the bytes must say
//! themselves. A line says it with `\n`, and may then hold no `\n`; a frame says it in
//! advance, and may hold anything.

use common::blocking;
use std::io::{self, Error, ErrorKind, Read, Write};

/// The longest frame that is taken, in bytes, its length not counted: send none that is longer.
pub const MAX_FRAME: usize = 1024 * 1024;

/// How many bytes one `read` asks for, at most.
const BLOCK: usize = 16 * 1024;

/// Writes one frame: length and bytes in a single call, so that they leave in one packet
/// where they fit in one. Blocks while the peer's kernel and ours hold all they want to hold.
pub fn write(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| wrong("frame too long"))?;
    // Both ends must mean the same number: big-endian, the network's byte order, whatever
    // order this machine's memory has.
    let frame = [&length.to_be_bytes()[..], bytes].concat();
    blocking("write", || to.write_all(&frame))
}

/// Reads one frame; what comes behind it stays in the kernel, until it is asked for.
/// `None`: the peer has closed, between two frames.
pub fn read(mut from: impl Read) -> io::Result<Option<Vec<u8>>> {
    let length = match read_up_to(&mut from, 4)?[..] {
        [] => return Ok(None),
        [a, b, c, d] => u32::from_be_bytes([a, b, c, d]) as usize,
        _ => return Err(wrong("frame cut off")),
    };
    // The length is a stranger's claim. It is looked at before anything is done about it.
    if length > MAX_FRAME {
        return Err(wrong("frame too long"));
    }
    let frame = read_up_to(&mut from, length)?;
    if frame.len() < length {
        return Err(wrong("frame cut off"));
    }
    Ok(Some(frame))
}

/// Reads as many bytes as are wanted, from however many pieces they come in; fewer only when
/// the peer has closed. One `read` brings what is there: one byte of the length, or both
/// halves of a character that were never meant to be looked at apart.
fn read_up_to(from: &mut impl Read, wanted: usize) -> io::Result<Vec<u8>> {
    // Grows with what has come: a peer that promises a lot and sends nothing costs nothing.
    let mut bytes = Vec::new();
    let mut block = [0; BLOCK];
    while bytes.len() < wanted {
        let room = BLOCK.min(wanted - bytes.len());
        // Blocks until at least one byte has come, or the peer has closed.
        match blocking("read", || from.read(&mut block[..room]))? {
            0 => break,
            length => bytes.extend(&block[..length]),
        }
    }
    Ok(bytes)
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer that sends one byte at a time.
    struct Dribble<'a>(&'a [u8]);

    impl Read for Dribble<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let one = 1.min(into.len());
            self.0.read(&mut into[..one])
        }
    }

    fn written(bytes: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        write(&mut wire, bytes).unwrap();
        wire
    }

    fn error(wire: &[u8]) -> String {
        read(wire).unwrap_err().to_string()
    }

    #[test]
    fn the_length_is_big_endian_and_counts_bytes() {
        assert_eq!(written("é!".as_bytes()), [0, 0, 0, 3, 0xc3, 0xa9, b'!']);
        assert_eq!(written(b""), [0; 4]);
    }

    #[test]
    fn frames_in_one_piece_are_read_one_by_one() {
        let wire = [written(b"one"), written(b""), written(b"three")].concat();
        let mut rest = &wire[..];
        let mut next = || read(&mut rest).unwrap();
        assert_eq!(next(), Some(b"one".to_vec()));
        assert_eq!(next(), Some(vec![]));
        assert_eq!(next(), Some(b"three".to_vec()));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_frame_in_single_bytes_is_one_frame() {
        let wire = written(&[7; 70_000]);
        assert_eq!(read(Dribble(&wire)).unwrap(), Some(vec![7; 70_000]));
    }

    #[test]
    fn a_close_inside_a_frame_is_no_frame() {
        let wire = written(b"abc");
        for cut in 1..wire.len() {
            assert_eq!(error(&wire[..cut]), "frame cut off", "after {cut} bytes");
        }
    }

    #[test]
    fn a_claim_over_the_limit_is_refused_before_a_byte_of_it_has_come() {
        assert_eq!(error(&[0xff; 4]), "frame too long");
        assert_eq!(error(&(MAX_FRAME as u32 + 1).to_be_bytes()), "frame too long");
        // Exactly the limit is fine; here it is only cut off.
        assert_eq!(error(&(MAX_FRAME as u32).to_be_bytes()), "frame cut off");
    }
}
