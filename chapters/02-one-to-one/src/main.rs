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

/// From here on the kernel connects clients and puts them into a queue, whether we call `accept`
/// or not. That is why we say that we listen only now, when it is true.
fn listen(bind: &str, port: u16) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind((bind, port))
        .context(format_args!("cannot listen on {}", net::address(bind, port)))?;
    note(format_args!("listening on {}", listener.local_addr().context("cannot listen")?));
    Ok(listener)
}

/// Serves one client after another. The others are connected too, and wait in the queue.
fn run_server(listener: &TcpListener) -> Result<(), Error> {
    loop {
        // Blocks while the queue is empty, until the kernel has connected the next client.
        let (client, peer) = match blocking("accept", || listener.accept()) {
            Ok(connection) => connection,
            Err(e) => {
                net::after_failed_accept(&e); // reported; we wait for the next client
                continue;
            }
        };
        note(format_args!("connected to {peer}"));
        match session(&client, Turn::Theirs) {
            Ok(End::BlankLine | End::PeerClosed) => {}
            Ok(End::InputEnded) => return Ok(()), // our user has left, so no one can answer
            Err(Error::Stdout(e)) => return Err(Error::Stdout(e)),
            Err(why) => note(format_args!("{}: {why}", PROGRAM.name)),
        }
        note(format_args!("{peer} left"));
    } // `client` goes out of scope here, in each round, and that closes its socket
}

fn run_client(host: &str, port: u16) -> Result<(), Error> {
    let server = net::connect(host, port)?;
    note(format_args!("connected to {}", net::address(host, port)));
    session(&server, Turn::Ours).map(|_| ())
}

/// One conversation. It is the same at both ends, except for who begins.
fn session(stream: &TcpStream, first: Turn) -> Result<End, Error> {
    // The reader may pick up more than the line that we want. What is left over has to wait in
    // its buffer for the next turn, so the reader lives as long as the conversation.
    let mut from_peer = BufReader::new(stream);
    let mut turn = first;
    loop {
        turn = match turn {
            // Waits for our user alone. Whatever the peer does is noticed later.
            Turn::Ours => match typed()? {
                None => return Ok(End::InputEnded),
                Some(line) if line.is_empty() => return Ok(End::BlankLine),
                Some(line) => send(stream, &line)?,
            },
            // Waits for the peer alone. What our user types stays with the terminal.
            Turn::Theirs => match read_line(&mut from_peer).context("cannot read a message")? {
                None => return Ok(End::PeerClosed),
                Some(line) => {
                    say(&line)?;
                    Turn::Ours
                }
            },
        }
    }
}

/// Hands one message to the kernel in one call; then it is the peer's turn.
fn send(mut stream: &TcpStream, line: &str) -> Result<Turn, Error> {
    let message = format!("{line}\n");
    blocking("write", || stream.write_all(message.as_bytes()))
        .context("cannot send a message")?;
    Ok(Turn::Theirs)
}

/// Reads one message, without its `\n`, however many pieces it arrives in. `None`: the peer has
/// closed, between two messages.
fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    // A peer that never ends its line may fill MAX_LINE bytes of our memory, and no more.
    let mut limited = from.take(MAX_LINE as u64);
    blocking("read", || limited.read_until(b'\n', &mut line))?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => {
            String::from_utf8(line).map(Some).map_err(|_| invalid_data("line is not UTF-8"))
        }
        Some(_) if line.len() + 1 == MAX_LINE => Err(invalid_data("line too long")),
        Some(_) => Err(invalid_data("line cut off")),
    }
}
