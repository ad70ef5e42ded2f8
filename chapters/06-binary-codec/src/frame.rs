//! A frame: a length of four bytes, the most significant first, then that many bytes.
//!
//! TCP keeps the bytes in order and forgets how they were sent, so the bytes themselves have to
//! say where a message ends. A line says it with a `\n` at its end, and then cannot contain one.
//! A frame says it in advance, and can contain anything.

use common::{blocking, invalid_data};
use std::io::{self, Read, Write};

/// The longest frame that we send or take, in bytes, without the length in front of it.
pub const MAX_FRAME: usize = 1024 * 1024;

/// How many bytes we ask a single `read` for, at most.
const BUFFER: usize = 16 * 1024;

/// Writes one frame: the length and the bytes in a single call, so that a short frame leaves in
/// one packet. Blocks while the send buffer is full, until the receiver's kernel makes room, as
/// the receiving program reads.
pub fn write(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    if bytes.len() > MAX_FRAME {
        return Err(invalid_data(format!("a frame of {} bytes is too long", bytes.len())));
    }
    // Big-endian is the network's byte order. Both ends have to read the same number, in
    // whatever order their machines keep one in memory.
    let length = (bytes.len() as u32).to_be_bytes();
    let frame = [&length, bytes].concat();
    blocking("write", || to.write_all(&frame))
}

/// Reads one frame, and not a byte more: what follows it stays in the receive buffer. `None`
/// means that the peer has closed its sending side between two frames.
pub fn read(mut from: impl Read) -> io::Result<Option<Vec<u8>>> {
    let length = match read_up_to(&mut from, 4)?[..] {
        [] => return Ok(None),
        [a, b, c, d] => u32::from_be_bytes([a, b, c, d]) as usize,
        _ => return Err(invalid_data("frame cut off")),
    };
    // The length is a stranger's claim, so we look at it before we act on it.
    if length > MAX_FRAME {
        return Err(invalid_data(format!("a frame of {length} bytes is too long")));
    }
    let frame = read_up_to(&mut from, length)?;
    if frame.len() < length {
        return Err(invalid_data("frame cut off"));
    }
    Ok(Some(frame))
}

/// Reads as many bytes as are wanted, in however many pieces they arrive; fewer only if the peer
/// closes first.
fn read_up_to(from: &mut impl Read, wanted: usize) -> io::Result<Vec<u8>> {
    // Grows with what arrives: a peer that promises a lot and sends nothing costs us nothing.
    let mut bytes = Vec::new();
    let mut buffer = [0; BUFFER];
    while bytes.len() < wanted {
        let room = BUFFER.min(wanted - bytes.len());
        // Blocks until at least one byte has arrived, or the peer has closed.
        match blocking("read", || from.read(&mut buffer[..room]))? {
            0 => break,
            length => bytes.extend(&buffer[..length]),
        }
    }
    Ok(bytes)
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
    fn nothing_over_the_limit_is_written() {
        assert_eq!(written(&vec![7; MAX_FRAME]).len(), 4 + MAX_FRAME);
        let mut wire = Vec::new();
        let error = write(&mut wire, &vec![7; MAX_FRAME + 1]).unwrap_err();
        let too_long = "a frame of 1048577 bytes is too long".to_string();
        assert_eq!((error.to_string(), wire), (too_long, vec![]));
    }

    #[test]
    fn a_close_inside_a_frame_is_an_error() {
        let wire = written(b"abc");
        for cut in 1..wire.len() {
            assert_eq!(error(&wire[..cut]), "frame cut off", "after {cut} bytes");
        }
    }

    #[test]
    fn a_claim_over_the_limit_is_refused_before_a_byte_of_it_arrives() {
        assert_eq!(error(&[0xff; 4]), "a frame of 4294967295 bytes is too long");
        let too_long = "a frame of 1048577 bytes is too long";
        assert_eq!(error(&(MAX_FRAME as u32 + 1).to_be_bytes()), too_long);
        // Exactly the limit is fine; here it is only cut off.
        assert_eq!(error(&(MAX_FRAME as u32).to_be_bytes()), "frame cut off");
    }
}
