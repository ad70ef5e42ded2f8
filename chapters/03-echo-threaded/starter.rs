//! echo-threaded: sends every byte back, to many clients at once.
//!
//! ```text
//! $ echo-threaded server 7003
//! $ one-to-one 127.0.0.1 7003
//! ```
//!
//! Chapter 2's server waited in one place, so it could serve one client. A thread is a
//! second place to wait: here the main thread waits in `accept` for ever, and each client
//! has a thread of its own that waits in `read` and `write` for that client alone. Notice
//! what the threads share: nothing. Each owns its socket and its buffer.
//!
//! This is the starter: `run`, `start_worker` and `echo` are yours, and the line in `main` that
//! calls them. From `common` you will want `net::listen` (chapter 2's), `blocking` (around every
//! call that waits), `note` (a line to stderr) and `cause` (an error in words).

// Delete this line when you begin: the compiler then lists what is written and not used yet.
#![allow(dead_code)]

use common::{Error, Program, Role};
use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
    time::Duration,
};

const PROGRAM: Program = Program {
    name: "echo-threaded",
    usage: "echo-threaded server PORT [--bind ADDR]",
    example: "echo-threaded server 7003",
};

/// A client's buffer, in bytes, when it arrives: most clients say little and wait long, and
/// a thousand of them should cost little.
const SMALL_BUFFER: usize = 1024;

/// What a buffer grows to, by doubling, while its client fills it.
const LARGE_BUFFER: usize = 64 * 1024;

/// How long to leave the listener alone when accept() fails: the usual cause, no descriptor
/// left, lasts until somebody hangs up, and asking in a loop would burn a core meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    PROGRAM.main(|args| match args.role("0.0.0.0")? {
        // What goes here listens as chapter 2 did, `net::listen(&bind, port)?`, and then runs.
        Role::Server { .. } => Err(Error::failed("run", "not written yet")),
        Role::Client { .. } => {
            Err(Error::Usage("this is a server; to talk to it, use one-to-one".to_string()))
        }
    })
}

/// The main thread. What is the only thing it should ever wait for? What may it do between two
/// calls of `accept`, and for how long? When `accept` fails, is that the end of the server?
/// When does this function return?
fn run(_listener: &TcpListener) -> Result<(), Error> {
    Err(Error::failed("run", "not written yet"))
}

/// Hands the client to a thread of its own. Who owns the socket from now on, and who closes
/// it? What would the clients see if you joined the thread here? What becomes of a client for
/// whom no thread can be started? What should stderr say when a client comes, and when it
/// leaves?
fn start_worker(_client: TcpStream, _peer: SocketAddr) {}

/// A worker: gives back what it gets, until the client has said its last byte. Does it need
/// to know where a line ends, or what a character is? What does it mean when `read` returns 0,
/// and is anything still owed then? What if `write` takes less than it was given? If the
/// client sends and sends and never reads, where does all that go, and who has to wait in the
/// end? If the client breaks the connection, who must hear of it, and who must not?
fn echo(_client: &TcpStream) -> io::Result<()> {
    Err(io::Error::other("echo is not written yet"))
}
