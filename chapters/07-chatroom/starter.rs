//! chatroom: what one says, all others hear.
//!
//! ```text
//! $ chatroom server 7007
//! $ chatroom 127.0.0.1 7007 --name Batman
//! ```
//!
//! The threads of chapters 3 to 6 shared nothing. Here everybody hears everybody, so somebody
//! must know who is there: who shares that list, and who may change it while another walks it?
//! The client has two things to wait for at once, the keyboard and the room.
//!
//! This is the starter: it listens and connects, and then `run`, `read_lines`, `hub` and the
//! client's `talk` are yours. The shape below is one of several: a list of members behind a
//! lock works too, if nobody holds the lock while it waits. From `common` you will want
//! `net::accept` and `net::spawn` (chapter 3's), `net::read_line` (chapter 2's), `typed`, `say`,
//! `printable` (a text without control characters), `LocalTime`, and `blocking` (around every
//! call that waits: `recv`, `send` and `lock` are such calls).

// Delete this line when you begin: the compiler then lists what is written and not used yet.
#![allow(dead_code)]

use common::{Error, Program, Role, net, note};
use std::{
    net::{TcpListener, TcpStream},
    process::ExitCode,
    sync::mpsc::{Receiver, SyncSender},
};

const PROGRAM: Program = Program {
    name: "chatroom",
    usage: "chatroom server PORT [--bind ADDR]\nchatroom HOST PORT [--name NAME]",
    example: "chatroom server 7007",
};

/// How many events may wait for the hub. What happens to a member who talks faster than that?
const INBOX: usize = 1024;

/// The longest line that is passed on, in bytes, its `\n` included.
const MAX_LINE: usize = 4096;

/// The longest login name, in characters.
const MAX_NAME: usize = 32;

/// How many bytes may wait for a member who does not read. Past this it is dropped.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// Something that happened on a connection. Which things can happen, and how does the hub know
/// on which connection?
struct Event;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let name: Option<String> = args.option("--name", "a name")?;
        match (args.role("127.0.0.1")?, name) {
            (Role::Server { .. }, Some(_)) => {
                Err(Error::Usage("--name is for the client".to_string()))
            }
            (Role::Server { bind, port }, None) => run(&net::listen(&bind, port)?),
            (Role::Client { host, port }, name) => {
                let server = net::connect(&host, port)?;
                note(format_args!("connected to {}", net::address(&host, port)));
                talk(&server, name)
            }
        }
    })
}

/// The server: starts the hub, and for each client a thread of its own that reads its lines.
fn run(_listener: &TcpListener) -> Result<(), Error> {
    Err(Error::failed("run", "not written yet"))
}

/// The thread of one connection: passes each line to the hub. What is a line when the peer
/// sends one byte at a time, ten lines in one packet, or [`MAX_LINE`] bytes without an end?
/// Which characters must nobody else ever see, and what could they forge? In how many ways can
/// a member go, and does the hub hear of each of them?
fn read_lines(_client: &TcpStream, _hub: &SyncSender<Event>) {}

/// The one thread that knows who is there. The first line of a connection is a name; which
/// names are refused, and what becomes of the connection then? Two ask for the same name at
/// the same moment: who can get in between the question and the joining? Who hears that
/// somebody has joined, and who hears a line? Do all members see the same order?
///
/// Then the hard one: `write` waits for a member who does not read. Who else waits then? Where
/// do its lines wait instead, how many may there be, and who writes them when it reads again?
fn hub(_inbox: &Receiver<Event>) {}

/// The client. Which thread waits for what? How does the user learn that a name is taken, and
/// what does the client do with the next line? At the end of stdin it says `quit`; who
/// ends the program then, and who ends it when the server goes away while the other thread
/// waits at the keyboard?
fn talk(_server: &TcpStream, _name: Option<String>) -> Result<(), Error> {
    note("chatroom: talk is not written yet");
    Ok(())
}
