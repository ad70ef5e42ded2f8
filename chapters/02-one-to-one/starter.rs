//! one-to-one: a chat for two, who take turns.
//!
//! ```text
//! $ one-to-one server 7002
//! $ one-to-one 127.0.0.1 7002
//! ```
//!
//! A message is a line of UTF-8 that ends with `\n`. The client speaks first, and a blank line
//! says goodbye.
//!
//! Notice what a program with one thread, which waits in one place, cannot do. While it waits
//! for the keyboard it does not hear the network, while it waits for the network it does not
//! hear the keyboard, and while it talks to one client it does not accept the next.

// This is the starter: everything below `main` is yours. From `common` you will want `blocking`
// (around every call that waits), `net::connect` (chapter 1's), `net::after_failed_accept`,
// `typed` (a line from the user), `say` (a line to stdout), `note` (a line to stderr), `context`
// (an error that says what we were trying to do) and `invalid_data` (an error of the protocol).

// Delete this line when you begin; then the compiler lists what is written but not used yet.
#![allow(unused)]

use common::{Context, Error, Program, Role, blocking, invalid_data, net, note, say, typed};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "one-to-one",
    usage: "one-to-one server PORT [--bind ADDR]\none-to-one HOST PORT",
    example: "one-to-one server 7002",
};

/// The longest message, in bytes, its `\n` included.
const MAX_LINE: usize = 64 * 1024;

/// Whose line is next. This is all the state that the protocol has, and each end keeps its own.
#[derive(Clone, Copy)]
enum Turn {
    Ours,
    Theirs,
}

/// Why a conversation ended, when nothing went wrong.
enum End {
    BlankLine,
    PeerClosed,
    InputEnded,
}

fn main() -> ExitCode {
    PROGRAM.main(|args| match args.role("0.0.0.0")? {
        Role::Server { bind, port } => run_server(&listen(&bind, port)?),
        Role::Client { host, port } => run_client(&host, port),
    })
}

/// Listens on the address and the port, and says so on stderr: `listening on 0.0.0.0:7002`, with
/// the port that it really is. From which call on can a client connect, and who answers it before
/// you have called `accept`? So when may the line be printed?
fn listen(bind: &str, port: u16) -> Result<TcpListener, Error> {
    Err(Error::failed("cannot listen", "listen is not written yet"))
}

/// Serves one client after another. What does a second client see while the first one talks? After
/// which [`End`] do you accept the next one, and after which do you not? If a conversation ends
/// with an error, what else has to end? When is the client's socket closed, and by which line?
fn run_server(listener: &TcpListener) -> Result<(), Error> {
    Err(Error::failed("cannot serve", "run_server is not written yet"))
}

/// Connects, says so on stderr, and has one conversation. Whose turn is it first?
fn run_client(host: &str, port: u16) -> Result<(), Error> {
    Err(Error::failed("cannot connect", "run_client is not written yet"))
}

/// One conversation. It is the same at both ends, except for who begins. For whom do you wait at
/// each [`Turn`], and what happens to what the other one says in the meantime? A blank line ends
/// it: does that line go over the wire? Where does a second line wait that arrived together with
/// the first, and how long must that place live?
fn session(stream: &TcpStream, first: Turn) -> Result<End, Error> {
    Err(Error::failed("cannot talk", "session is not written yet"))
}

/// Hands one message to the kernel; then it is the peer's turn. How does the reader find its end?
fn send(mut stream: &TcpStream, line: &str) -> Result<Turn, Error> {
    Err(Error::failed("cannot send a message", "send is not written yet"))
}

/// Reads one message, without its `\n`. In how many pieces can it arrive? `None` says that the peer
/// has closed: how do you tell that from an empty line, and from a close in the middle of a line?
/// What if the line never ends, or is not UTF-8?
fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    Err(io::Error::other("read_line is not written yet"))
}
