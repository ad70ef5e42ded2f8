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

use common::{Context, Error, Program, Role, blocking, note, say, typed};
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
        Role::Client { host, port } => {
            let server = common::net::connect(&host, port)?;
            note(format_args!("connected to {}", common::net::address(&host, port)));
            talk(&server, Turn::Ours).map(|_| ())
        }
    })
}

/// After `bind` the port is ours, and the kernel accepts connections into a queue, whether
/// we call `accept` or not. So we say that we listen only now, when it is true.
fn listen(bind: &str, port: u16) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind((bind, port))
        .context(format_args!("cannot listen on {}", common::net::address(bind, port)))?;
    note(format_args!("listening on {}", listener.local_addr().context("cannot listen")?));
    Ok(listener)
}

/// Serves one client after another. The second one's `connect` succeeds, because the kernel
/// answers it; then it waits in the queue until the first conversation has ended.
fn run(listener: &TcpListener) -> Result<(), Error> {
    loop {
        let (client, peer) = common::net::accept(listener);
        note(format_args!("connected to {peer}"));
        match talk(&client, Turn::Theirs) {
            Ok(End::InputEnded) => return Ok(()), // nobody is left to answer with
            Ok(End::BlankLine | End::PeerClosed) => {}
            Err(Error::Failed(why)) => note(format_args!("{}: {why}", PROGRAM.name)),
            Err(gone) => return Err(gone),
        }
        note(format_args!("{peer} left")); // `client` goes out of scope: its socket is closed
    }
}

/// The conversation, the same at both ends but for who begins.
fn talk(stream: &TcpStream, first: Turn) -> Result<End, Error> {
    // What comes behind a line's end stays in this buffer until its turn: it must live as
    // long as the conversation.
    let mut peer = BufReader::new(stream);
    let mut turn = first;
    loop {
        turn = match turn {
            // Waits for the user alone. What the peer does meanwhile, we see later.
            Turn::Ours => match typed()? {
                None => return Ok(End::InputEnded),
                Some(line) if line.is_empty() => return Ok(End::BlankLine),
                Some(line) => {
                    send(stream, &line)?;
                    Turn::Theirs
                }
            },
            // Waits for the peer alone. What the user types meanwhile waits in the terminal.
            Turn::Theirs => match read_line(&mut peer).context("cannot read a message")? {
                None => return Ok(End::PeerClosed),
                Some(line) => {
                    say(&line)?;
                    Turn::Ours
                }
            },
        }
    }
}

/// One message is one line, handed over in one call.
fn send(mut stream: &TcpStream, line: &str) -> Result<(), Error> {
    let message = format!("{line}\n");
    blocking("write", || stream.write_all(message.as_bytes())).context("cannot send a message")
}

/// Reads one message, without its `\n`, from however many pieces it comes in. `None`: the
/// peer has closed, between two messages.
fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    // A peer that never ends its line may fill MAX_LINE bytes of our memory, and no more.
    let mut limited = from.take(MAX_LINE as u64);
    blocking("read", || limited.read_until(b'\n', &mut line))?;
    let wrong = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    match line.pop() {
        None => return Ok(None),
        Some(b'\n') => {}
        Some(_) if line.len() + 1 == MAX_LINE => return wrong("line too long"),
        Some(_) => return wrong("line cut off"),
    }
    String::from_utf8(line).map_or_else(|_| wrong("line is not UTF-8"), |line| Ok(Some(line)))
}
