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
//!
//! This is the starter: the four functions below `run` are yours, and `run` itself. From
//! `common` you will want `blocking` (around every call that waits), `put` (bytes to stdout,
//! flushed) and `Context` (an error that says what was attempted); `cargo doc --open` tells
//! you about them.

// Delete this line when you begin: the compiler then lists what is written and not used yet.
#![allow(dead_code)]

use common::{Args, Error, Program, note};
use std::{net::TcpStream, process::ExitCode};

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
        run(&host, port)
    })
}

/// The whole conversation. Which of the four functions comes first, and does it matter? When
/// all is sent, should the server be told that no more will come? What would a server do that
/// took your silence for a goodbye?
fn run(_host: &str, _port: u16) -> Result<(), Error> {
    note("dumb-net: run is not written yet");
    Ok(())
}

/// Connects to the host. What does this call wait for: the other kernel, or the other
/// program? A name can have several addresses; who tries them all? What should the user read
/// when none of them answers, and with which exit status should the program end?
fn connect(_host: &str, _port: u16) -> Result<TcpStream, Error> {
    Err(Error::failed("connect", "not written yet"))
}

/// Reads one line from stdin and gives it the ending that the network wants, `\r\n`. Which
/// endings can the line have when it comes from a keyboard, from a file made on another
/// system, from a file whose last line was never ended? How do you notice that there is no
/// line at all? How much memory does a line take that never ends, and who stops it at
/// [`MAX_LINE`]?
fn read_line() -> Result<Vec<u8>, Error> {
    Err(Error::failed("read_line", "not written yet"))
}

/// Sends the line, all of it. What does `write` return, and what have you sent if it returns
/// less than you gave it? Can it wait, and for whom?
fn send(_server: &TcpStream, _line: &[u8]) -> Result<(), Error> {
    Err(Error::failed("send", "not written yet"))
}

/// Copies the reply to stdout until the server closes. How many times will you have to read?
/// What does a `read` of fewer bytes than [`BLOCK`] mean, and what does one of 0 bytes mean?
/// Is the reply text? If the server pauses in the middle, what should stdout have seen by
/// then? If the connection breaks, what becomes of the part that has come already?
fn print_reply(_server: &TcpStream) -> Result<(), Error> {
    Err(Error::failed("print_reply", "not written yet"))
}
