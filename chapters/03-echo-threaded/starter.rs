//! echo-threaded: sends every byte back, to many clients at once.
//!
//! ```text
//! $ echo-threaded server 7003
//! $ one-to-one 127.0.0.1 7003
//! ```
//!
//! Chapter 2's server waits in one place, so it can serve one client. A thread is a second place
//! to wait: here the main thread waits in `accept`, and each client has a thread of its own,
//! which waits in `read` and `write` for that client alone. Notice what the threads share:
//! nothing. Each owns its socket and its buffer.

// This is the starter: everything below `main` is yours. `main` listens with `net::listen`, which
// chapter 2 wrote out. From `common` you will want `net::accept` (chapter 2's too), `blocking`
// (around every call that waits), `note` (a line to stderr) and `cause` (an error in words).

// Delete this line when you begin; then the compiler lists what is written but not used yet.
#![allow(unused)]

use common::{Error, Program, Role, blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
    thread,
};

const PROGRAM: Program = Program {
    name: "echo-threaded",
    usage: "echo-threaded server PORT [--bind ADDR]",
    example: "echo-threaded server 7003",
};

/// How much of a client's data we hold at any moment, in bytes.
const BUFFER: usize = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|args| match args.role("0.0.0.0")? {
        Role::Server { bind, port } => run_server(&net::listen(&bind, port)?),
        Role::Client { .. } => {
            Err(Error::Usage("this is a server; to talk to it, use one-to-one".to_string()))
        }
    })
}

/// The main thread. What is the only thing that it should ever wait for? What may it do between
/// two calls of `accept`, and for how long? When does this function return?
fn run_server(listener: &TcpListener) -> ! {
    PROGRAM.exit(Error::failed("cannot serve", "run_server is not written yet"))
}

/// Hands the client to a thread of its own. Who owns the socket from then on, and who closes it?
/// What would the clients see if you joined the thread here? What becomes of a client for whom no
/// thread can be started? What should stderr say when a client arrives, and when it leaves?
fn start_worker(client: TcpStream, peer: SocketAddr) {
    note("start_worker is not written yet");
}

/// A worker: sends back what it gets, until the client closes its sending side. Does it need to
/// know where a line ends, or what a character is? When `read` returns 0, is anything still owed?
/// If the client sends and sends and never reads, where does all that go, and who has to wait?
fn session(mut client: &TcpStream) -> io::Result<()> {
    Err(io::Error::other("session is not written yet"))
}
