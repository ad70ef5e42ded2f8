//! calculator, to be written: a server that calculates, and knows each client by name.
//!
//! ```text
//! $ calculator server 7005
//! $ calculator 127.0.0.1 7005 --name Ada
//! ```
//!
//! The command line is read already, and each client gets its thread, as in chapter 3;
//! [`answer`], [`serve`] and [`be_client`] are yours. `common::net` has what the chapters
//! before have taught: `read_line`, `hang_up`. Write each call that can wait as
//! `blocking("write", || stream.write_all(bytes))`, and look at it with `BLOCKING=1`. Chapter
//! 5 of the book tells what a session's state is.

use common::{Args, Error, Program, Role, net, note};
use std::{
    convert::Infallible,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{self, ExitCode},
};

const PROGRAM: Program = Program {
    name: "calculator",
    usage: "calculator server PORT [--bind ADDR]\ncalculator HOST PORT [--name NAME]",
    example: "calculator server 7005",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let name = args.option::<String>("--name", "a name")?;
        match (args.role("127.0.0.1")?, name) {
            (Role::Server { bind, port }, None) => match run(&net::listen(&bind, port)?) {},
            (Role::Server { .. }, Some(_)) => {
                Err(Error::Usage("--name is for the client".to_string()))
            }
            (Role::Client { .. }, Some(name)) if !is_name(&name) => {
                Err(Error::Usage(format!("--name must be a name, not {name:?}")))
            }
            (Role::Client { host, port }, name) => {
                let server = net::connect(&host, port)?;
                note(format_args!("connected to {}", net::address(&host, port)));
                be_client(&server, name)
            }
        }
    })
}

/// The main thread waits for clients; each is served on a thread of its own, as in chapter 3.
fn run(listener: &TcpListener) -> Infallible {
    loop {
        let (client, peer) = net::accept(listener);
        note(format_args!("connected to {peer}"));
        net::spawn(peer, move || {
            match serve(&client, peer) {
                Ok(()) => note(format_args!("{peer} left")),
                Err(Error::Failed(why)) => note(format_args!("{peer} left: {why}")),
                // Nobody reads what we print, which is the end for all clients alike.
                Err(_) => process::exit(0),
            }
        });
    }
}

/// A name must be there, and be one line: behind a line break the next request would begin.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() < net::MAX_LINE && !text.contains(char::is_control)
}

/// One client from its first line to its last, on its own thread. Write it:
///
/// - The first line is the client's name. It gets no reply. Where do you keep it, so that no
///   other client's thread can take it for its own?
/// - Each line behind it is a request: print `Ada: 12 + 42 = 54` (`common::say`), send the
///   [`answer`] as one line, and go on, whatever the answer was.
/// - Two requests may come in one packet, and one in two: what a `BufReader` has read and you
///   have not taken yet is lost when it goes out of scope.
/// - `q` ends the session. So does a client that closes, or is just not there any more. Print
///   `Ada: Session ended` each time.
/// - A line longer than `net::MAX_LINE` gets `error: line too long`, and the session ends.
///   Our last words should arrive: `net::hang_up`.
fn serve(client: &TcpStream, peer: SocketAddr) -> Result<(), Error> {
    let nothing_sent = answer("12 + 42")?.is_empty();
    Err(Error::failed(format_args!("{client:?}, {peer}, {nothing_sent}"), "not written yet"))
}

/// The answer to `A OP B`. Write it:
///
/// - A and B are digits with a `-` before them or not, and with `.` and digits behind them or
///   not; OP is one of `+ - * /`; spaces separate the three. Does `inf + 1e9` pass? It should
///   not.
/// - The answer is the number alone: `54`, `-0.75`.
/// - What is malformed, divides by zero or grows over all limits gets `error: …`.
fn answer(request: &str) -> Result<String, Error> {
    Err(Error::failed(format_args!("cannot calculate {request}"), "not written yet"))
}

/// The client. Write it:
///
/// - Send the name; where `--name` gave none, ask the user (`common::typed`) until [`is_name`].
/// - Read a line from the user. Where it is not `A OP B`, print a warning (`common::note`) and
///   do not send it. Otherwise send it, wait for the answer, and print it (`common::say`).
/// - `q`, or the end of the input, is sent as `q`, and ends the program.
/// - A server that goes away while you wait for its answer is an error (`Error::failed`).
fn be_client(server: &TcpStream, name: Option<String>) -> Result<(), Error> {
    Err(Error::failed(format_args!("{name:?} at {server:?}"), "the client is not written yet"))
}
