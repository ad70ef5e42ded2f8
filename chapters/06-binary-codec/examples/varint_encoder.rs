//! varint_encoder: chapter 6's encoder, whose lengths take as many bytes as they need.
//!
//! ```text
//! $ cargo run -p binary-codec --example varint_encoder -- 7006
//! ```
//!
//! A length is written seven bits at a time, the lowest first, and every byte but the last has
//! its highest bit set: 9 is one byte, 300 is `AC 02`. (The format is called LEB128; DWARF and
//! Protocol Buffers use it.) Notice the price: only the bytes of the length say how many there
//! are, so we read them one by one, through a buffer, because without one each byte would cost a
//! call into the kernel. And a length that never ends has to be stopped.

use common::{Context, Error, Program, blocking, invalid_data, net, note};
use frame::MAX_FRAME;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
};

// The exercise is about the length, so the codes and the limit are the chapter's own.
#[path = "../src/codec.rs"]
#[allow(dead_code)]
mod codec;
#[path = "../src/frame.rs"]
#[allow(dead_code)]
mod frame;

const PROGRAM: Program = Program {
    name: "varint_encoder",
    usage: "varint_encoder PORT",
    example: "cargo run -p binary-codec --example varint_encoder -- 7006",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let port = args.port("PORT")?;
        args.finish()?;
        run_server(&net::listen("127.0.0.1", port)?)
    })
}

/// Serves one client at a time.
fn run_server(listener: &TcpListener) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        if let Err(e) = session(&client) {
            note(format_args!("{peer} left: {e}"));
        }
    }
}

/// One client, until its empty frame or its close.
fn session(client: &TcpStream) -> Result<(), Error> {
    let mut requests = BufReader::new(client);
    while let Some(request) = read(&mut requests).context("cannot read a request")? {
        if request.is_empty() {
            return Ok(());
        }
        write(client, answer(request).as_bytes()).context("cannot answer")?;
    }
    Ok(())
}

fn answer(request: Vec<u8>) -> String {
    let text = String::from_utf8(request).map_err(|_| "the request is not UTF-8".to_string());
    match text.and_then(|text| codec::encode(&text)) {
        Ok(answer) => answer,
        Err(why) => format!("error: {why}"),
    }
}

/// Reads one frame. `None` means that the peer has closed between two frames.
fn read(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = read_length(from)? else { return Ok(None) };
    let mut frame = Vec::new();
    let wanted = length as u64;
    blocking("read", || from.take(wanted).read_to_end(&mut frame))?;
    if frame.len() < length { Err(invalid_data("frame cut off")) } else { Ok(Some(frame)) }
}

/// Takes seven bits from each byte, until a byte says that it is the last. The limit ends it
/// too, because a number that is over it already cannot become a good one.
fn read_length(from: &mut impl BufRead) -> io::Result<Option<usize>> {
    let (mut length, mut shift) = (0, 0);
    loop {
        let mut byte = [0];
        match blocking("read", || from.read(&mut byte))? {
            0 if shift == 0 => return Ok(None),
            0 => return Err(invalid_data("frame cut off")),
            _ => {}
        }
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if length > MAX_FRAME || shift > 21 {
            return Err(invalid_data("frame too long"));
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
