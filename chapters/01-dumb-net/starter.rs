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

// This is the starter: everything below `main` is yours. From `common` you will want `blocking`
// (around every call that waits), `prompt` (`> ` for a user at a terminal), `put` (bytes to
// stdout, at once) and `context` (an error that says what we were trying to do).

// Delete this line when you begin; then the compiler lists what is written but not used yet.
#![allow(unused)]

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

/// Connects to the server. What does this call wait for, the other program or its kernel? A name
/// can have several addresses: who tries them all? What should the user read when none of them
/// answers?
fn connect(host: &str, port: u16) -> Result<TcpStream, Error> {
    Err(Error::failed("cannot connect", "connect is not written yet"))
}

/// The whole conversation: we speak once, then only the server does. Should the server be told
/// that no more will come from us, and what would it do if it took that for a goodbye? If it has
/// hung up before our line was sent, is there still something to read?
fn run(server: &TcpStream) -> Result<(), Error> {
    Err(Error::failed("cannot talk", "run is not written yet"))
}

/// Copies the reply to stdout as it arrives, until the server closes. How many times will you have
/// to read? What does a `read` of fewer bytes than [`BUFFER`] mean, and what does one of 0 bytes
/// mean? If the server pauses in the middle of its reply, what should stdout have seen by then?
fn print_reply(mut server: &TcpStream) -> Result<(), Error> {
    Err(Error::failed("cannot print the reply", "print_reply is not written yet"))
}

/// Reads one line from stdin and gives it the ending of the Internet's text protocols, `\r\n`
/// (RFC 1123, section 3.3.1). Which endings can it have when it comes from a keyboard, from
/// another system's file, or from a file whose last line was never ended? How do you notice that
/// there is no line at all? How much memory does a line take that never ends?
fn read_line() -> Result<Vec<u8>, Error> {
    Err(Error::failed("cannot read stdin", "read_line is not written yet"))
}

/// Sends the whole line. What does `write` return, and what have you sent if it returns less than
/// you gave it? Can it wait, and for whom?
fn send(mut server: &TcpStream, line: &[u8]) -> Result<(), Error> {
    Err(Error::failed("cannot send the line", "send is not written yet"))
}
