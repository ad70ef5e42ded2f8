//! varint_encoder: chapter 6's encoder, whose lengths take as many bytes as they need.
//!
//! ```text
//! $ cargo run -p binary-codec --example varint_encoder -- 7006
//! ```
//!
//! A length is written seven bits at a time, the lowest first, and each byte but the last has
//! its highest bit set (LEB128, as DWARF and Protocol Buffers have it): 9 is one byte, 300 is
//! `AC 02`. Notice the price: how long the length is, only its bytes say. So it is read byte
//! by byte, through a buffer, or each byte would cost a call into the kernel; and whoever never
//! ends it must be stopped.

use common::{Args, Context, Error, Program, blocking, net, note};
use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    process::ExitCode,
};

// The exercise is about the length; codes stay the chapter's.
#[path = "../src/codec.rs"]
#[allow(dead_code)]
mod codec;

const PROGRAM: Program = Program {
    name: "varint_encoder",
    usage: "varint_encoder PORT",
    example: "cargo run -p binary-codec --example varint_encoder -- 7006",
};

/// The longest frame, in bytes.
const MAX_FRAME: usize = 1024 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let port = args.port("PORT")?;
        args.finish()?;
        let listener = net::listen("127.0.0.1", port)?;
        loop {
            let (client, peer) = net::accept(&listener);
            if let Err(e) = serve(&client) {
                note(format_args!("{peer} left: {e}"));
            }
        }
    })
}

/// One client, until its empty frame or its close.
fn serve(client: &TcpStream) -> Result<(), Error> {
    let mut requests = BufReader::new(client);
    while let Some(request) = read(&mut requests).context("cannot read a request")? {
        if request.is_empty() {
            return Ok(());
        }
        let text = String::from_utf8(request).map_err(|e| e.to_string());
        let answer = text.and_then(|text| codec::encode(&text));
        let answer = answer.unwrap_or_else(|why| format!("error: {why}"));
        write(client, answer.as_bytes()).context("cannot answer")?;
    }
    Ok(())
}

/// Reads one frame. `None`: the peer has closed, between two frames.
fn read(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = read_length(from)? else { return Ok(None) };
    let mut frame = Vec::new();
    let wanted = length as u64;
    blocking("read", || from.take(wanted).read_to_end(&mut frame))?;
    if frame.len() < length { Err(wrong("frame cut off")) } else { Ok(Some(frame)) }
}

/// Seven bits from each byte, until one says that it is the last. The limit ends it too: a
/// number that is over it already cannot become a good one.
fn read_length(from: &mut impl BufRead) -> io::Result<Option<usize>> {
    let (mut length, mut shift) = (0, 0);
    loop {
        let mut byte = [0];
        match blocking("read", || from.read(&mut byte))? {
            0 if shift == 0 => return Ok(None),
            0 => return Err(wrong("frame cut off")),
            _ => {}
        }
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if length > MAX_FRAME || shift > 21 {
            return Err(wrong("frame too long"));
        }
        if byte[0] & 0x80 == 0 {
            return Ok(Some(length));
        }
    }
}

/// Writes one frame, in a single call.
fn write(mut to: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    let mut frame = Vec::new();
    let mut length = bytes.len();
    while length >= 0x80 {
        frame.push(length as u8 | 0x80);
        length >>= 7;
    }
    frame.push(length as u8);
    frame.extend(bytes);
    blocking("write", || to.write_all(&frame))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
