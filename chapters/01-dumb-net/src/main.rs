//! dumb-net: sends one line to a server and prints everything that comes back.
//!
//! ```text
//! $ echo 'GET /' | dumb-net 127.0.0.1 80
//! ```
//!
//! One line is a whole request of HTTP/0.9, which nginx still answers; a server that waits
//! for the headers of HTTP/1 waits for ever, and so do we.
//!
//! Notice the three calls that wait: for the server to answer (`connect`), for you to type
//! (`read` on stdin), and for whatever the server says, whenever it says it (`read` on the
//! socket). A TCP connection is a stream of bytes: it keeps their order, and nothing of how
//! they were sent. So one `read` is not one reply, and only a `read` of 0 bytes is the end.

use common::{Args, Context, Error, Program, blocking, put};
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

/// The longest line that is sent, in bytes, without its line ending.
const MAX_LINE: usize = 64 * 1024;

/// How much of the reply is in memory at any moment, in bytes.
const BLOCK: usize = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let (host, port) = (args.word("HOST")?, args.port("PORT")?);
        args.finish()?;
        let server = connect(&host, port)?;
        run(&server)
    })
}

/// Blocks while the name is looked up, and until the server's kernel has answered. Every
/// address of the name is tried in turn; the error is that of the last one.
fn connect(host: &str, port: u16) -> Result<TcpStream, Error> {
    blocking("connect", || TcpStream::connect((host, port)))
        .context(format_args!("cannot connect to {}", common::net::address(host, port)))
}

/// The whole conversation: we speak once, then only the server does.
fn run(server: &TcpStream) -> Result<(), Error> {
    let line = read_line()?;
    let sent = send(server, &line);
    // Our sending side stays open: the server must not take our silence for a goodbye. And a
    // server that has hung up may have said why: what has come is not lost with our line.
    print_reply(server)?;
    sent
}

/// Reads one line from stdin and gives it the ending that the network's text protocols want:
/// `\r\n`, whatever the keyboard or the file had (RFC 1123, section 2.1 of Telnet's end of
/// line; HTTP, SMTP and FTP took it over).
fn read_line() -> Result<Vec<u8>, Error> {
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock().take(MAX_LINE as u64 + 2);
    blocking("read", || stdin.read_until(b'\n', &mut line)).context("cannot read stdin")?;
    if line.is_empty() {
        return Err(Error::failed("cannot read stdin", "no line there"));
    }
    for ending in [b'\n', b'\r'] {
        if line.last() != Some(&ending) {
            break; // a `\r` without its `\n` is no ending
        }
        line.pop();
    }
    if line.len() > MAX_LINE {
        return Err(Error::failed("cannot read stdin", "line too long"));
    }
    line.extend(b"\r\n");
    Ok(line)
}

/// `write` may take less than it was given; `write_all` goes on until all is handed over. It
/// blocks while the kernel's send buffer is full, until the server's side takes some.
fn send(mut server: &TcpStream, line: &[u8]) -> Result<(), Error> {
    blocking("write", || server.write_all(line)).context("cannot send the line")
}

/// Copies the reply to stdout as it comes, in blocks of whatever size happens to be there.
fn print_reply(mut server: &TcpStream) -> Result<(), Error> {
    let mut block = vec![0; BLOCK];
    loop {
        // Blocks until at least one byte has come, or the server has closed.
        let length =
            blocking("read", || server.read(&mut block)).context("cannot read the reply")?;
        if length == 0 {
            return Ok(()); // not "nothing yet": the server has closed, nothing more can come
        }
        put(&block[..length])?;
    }
}
