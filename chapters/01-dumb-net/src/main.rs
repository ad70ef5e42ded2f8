//! dumb-net: sends one line to a server and prints everything that comes back.
//!
//! ```text
//! $ echo 'GET /' | dumb-net 127.0.0.1 80
//! ```
//!
//! That line is a whole request in HTTP/0.9, which nginx still answers. A server that expects
//! the headers of a later HTTP waits for them forever, and dumb-net waits for the server.
//!
//! Notice the five calls that wait: `connect` for the server's kernel, `read` for your line,
//! `write` for room in the send buffer, `read` for the reply, and `write` for the program that
//! reads our stdout. A TCP connection is a stream of bytes: it keeps their order, and nothing
//! of how they were sent. So one `read` is not one reply, and only a `read` of 0 bytes is the
//! end.

use common::{Context, Error, Program, blocking, prompt, put};
use std::{
    io::{self, BufRead, Read, Write},
    net::TcpStream,
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "dumb-net",
    usage: "dumb-net HOST PORT",
    example: "echo 'GET /' | dumb-net 127.0.0.1 80",
};

/// The longest line that we send, in bytes, without its line ending.
const MAX_LINE: usize = 64 * 1024;

/// How much of the reply we hold in memory at any moment, in bytes.
const BUFFER: usize = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let (host, port) = (args.word("HOST")?, args.port("PORT")?);
        args.finish()?;
        let server = connect(&host, port)?;
        run(&server)
    })
}

/// Blocks while the name is looked up, and until the server's kernel has answered. The
/// addresses of a name are tried in turn; the error is that of the last one.
fn connect(host: &str, port: u16) -> Result<TcpStream, Error> {
    blocking("connect", || TcpStream::connect((host, port)))
        .context(format_args!("cannot connect to {}", common::net::address(host, port)))
}

/// The whole conversation: we speak once, then only the server does.
fn run(server: &TcpStream) -> Result<(), Error> {
    let line = read_line()?;
    let sent = send(server, &line);
    // A server that has hung up on us may have said why: print that before we report it.
    print_reply(server)?;
    sent
}

/// Copies the reply to stdout as it arrives, in pieces of whatever size happens to be there.
fn print_reply(mut server: &TcpStream) -> Result<(), Error> {
    let mut buffer = vec![0; BUFFER];
    loop {
        // Blocks until at least one byte has arrived, or the server has closed.
        let length =
            blocking("read", || server.read(&mut buffer)).context("cannot read the reply")?;
        if length == 0 {
            return Ok(()); // not "nothing yet": the server has closed, nothing more can come
        }
        put(&buffer[..length])?;
    }
}

/// Reads one line from stdin and gives it the ending of the Internet's text protocols, `\r\n`
/// (RFC 1123, section 3.3.1).
fn read_line() -> Result<Vec<u8>, Error> {
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock().take(MAX_LINE as u64 + 2);
    prompt();
    blocking("read", || stdin.read_until(b'\n', &mut line)).context("cannot read stdin")?;
    if line.is_empty() {
        return Err(Error::failed("cannot read stdin", "no line there"));
    }
    let text = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(&line);
    if text.len() > MAX_LINE {
        return Err(Error::failed("cannot read stdin", "line too long"));
    }
    Ok([text, b"\r\n"].concat())
}

/// Sends the whole line. Blocks while the send buffer is full, until the server's kernel has
/// taken some of it.
fn send(mut server: &TcpStream, line: &[u8]) -> Result<(), Error> {
    blocking("write", || server.write_all(line)).context("cannot send the line")
}
