//! one-to-one: a chat for two, who take turns.
//!
//! ```text
//! $ one-to-one server 7002
//! $ one-to-one 127.0.0.1 7002
//! ```
//!
//! One thread, one conversation, one blocking call at a time. Notice what a program that
//! waits in one place cannot do: whoever waits for the keyboard does not hear the network,
//! whoever waits for the network does not hear the keyboard, and a server that talks does
//! not accept. A message is a line of UTF-8 ended by `\n`; a blank line typed says goodbye.
//!
//! This is the starter: every function below `main` is yours. From `common` you will want
//! `net::connect` (chapter 1's) and `net::accept`, `typed` (a line from the user), `say` (a
//! line to stdout), `note` (a line to stderr), `blocking` (around every call that waits) and
//! `Context` (an error that says what was attempted).

// Delete this line when you begin: the compiler then lists what is written and not used yet.
#![allow(dead_code)]

use common::{Error, Program, Role, note};
use std::{
    io::{self, BufRead},
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

/// Whose line is next. The whole protocol's state: both ends must agree on it.
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
        Role::Server { bind, port } => run(&listen(&bind, port)?),
        Role::Client { host, port } => meet(&host, port),
    })
}

/// Listens on the address and the port, and says so on stderr: `listening on 0.0.0.0:7002`,
/// with the port that it really is. From which call on can a client connect, and who answers
/// it, though nobody has called `accept` yet? So when may the line be printed?
fn listen(_bind: &str, _port: u16) -> Result<TcpListener, Error> {
    Err(Error::failed("listen", "not written yet"))
}

/// Serves one client after another. What does a second client see while the first one talks,
/// and who has answered its `connect`? After which [`End`] do you accept again, and after
/// which do you not? What of a conversation that ends with an error: whose end is it? When is
/// the client's socket closed, and by which line?
fn run(_listener: &TcpListener) -> Result<(), Error> {
    Err(Error::failed("run", "not written yet"))
}

/// The client: connects, says so on stderr, and talks once. Whose turn is it first?
fn meet(_host: &str, _port: u16) -> Result<(), Error> {
    note("one-to-one: meet is not written yet");
    Ok(())
}

/// The conversation, the same at both ends but for who begins. For whom do you wait at each
/// [`Turn`], and what happens meanwhile to what the other one says? In which three ways can it
/// end? A blank line ends it: does it go over the wire? Where does a second line wait that
/// came in the same packet as the first, and how long must that place live?
fn talk(_stream: &TcpStream, _first: Turn) -> Result<End, Error> {
    Err(Error::failed("talk", "not written yet"))
}

/// Sends one message. How does the reader find its end?
fn send(_stream: &TcpStream, _line: &str) -> Result<(), Error> {
    Err(Error::failed("send", "not written yet"))
}

/// Reads one message, without its `\n`. In how many pieces may it come? `None` says that the
/// peer has closed: how do you tell that from an empty line, and from a close in the middle
/// of a line? What if the line never ends, what if it is no UTF-8?
fn read_line(_from: &mut impl BufRead) -> io::Result<Option<String>> {
    Err(io::Error::other("read_line is not written yet"))
}
