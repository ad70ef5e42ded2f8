//! calculator: a server that calculates, and knows each client by name.
//!
//! ```text
//! $ calculator server 7005
//! $ calculator 127.0.0.1 7005 --name Ada
//! ```
//!
//! The first line is the client's name, each line behind it a request. So the same bytes mean
//! different things at different moments: the protocol is stateful, and its state is what the
//! server remembers of a client from its first line to its last. Notice where it lives: in a
//! local variable of the client's own thread, so that it is born with the session, dies with
//! it, and cannot be mistaken for another client's.
//!
//! This is the starter: each client gets its thread, as in chapter 3, and then `serve`,
//! `session`, `next_line`, `answer`, `send` and the client's part are yours. From `common` you
//! will want `net::read_line` and `net::read_line_bytes`, `say` (a line to stdout), `typed` (a
//! line from the user), `blocking` (around every call that waits), and `Context`.

// Delete this line when you begin: the compiler then lists what is written and not used yet.
#![allow(dead_code)]

use common::{Args, Error, Program, Role, net, note};
use std::{
    io::BufReader,
    net::{SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "calculator",
    usage: "calculator server PORT [--bind ADDR]\ncalculator HOST PORT [--name NAME]",
    example: "calculator server 7005",
};

/// The line that ends a session.
const QUIT: &str = "q";

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let name = args.option::<String>("--name", "a name")?;
        match (args.role("127.0.0.1")?, name) {
            (Role::Server { bind, port }, None) => run(&net::listen(&bind, port)?),
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
fn run(listener: &TcpListener) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        note(format_args!("connected to {peer}"));
        net::spawn(peer, move || {
            match serve(&mut BufReader::new(&client), peer) {
                Ok(()) => note(format_args!("{peer} left")),
                Err(Error::Failed(why)) => note(format_args!("{peer} left: {why}")),
                // Nobody reads what we print, which is the end for all clients alike.
                Err(gone) => PROGRAM.exit(gone),
            }
            net::hang_up(&client);
        });
    }
}

/// One client from its first line to its last. The first line is its name: where do you keep
/// it, so that no other client's thread can take it for its own? In which ways can a session
/// end, and which line does the server print after each of them? Why is it handed a reader
/// and not the socket: what would be lost with a reader that is made anew for each line?
fn serve(_client: &mut BufReader<&TcpStream>, _peer: SocketAddr) -> Result<(), Error> {
    Err(Error::failed("serve", "not written yet"))
}

/// Answers each request, until `q` or the end, and prints `Ada: 12 + 42 = 54` for each. What
/// may a request be, so that the session does not go on after it?
fn session(_client: &mut BufReader<&TcpStream>, _name: &str) -> Result<(), Error> {
    Err(Error::failed("session", "not written yet"))
}

/// Waits for the client's next line. In how many pieces may it come? What if it is no UTF-8?
/// What if it never ends: who is told so, and can you go on with the next line?
fn next_line(_client: &mut BufReader<&TcpStream>) -> Result<Option<String>, Error> {
    Err(Error::failed("next_line", "not written yet"))
}

/// The answer to `A OP B`: the number alone (`54`, `-0.75`) or `error: …`. A and B are digits,
/// with a `-` before them or not, with `.` and more digits behind them or not; OP is one of
/// `+ - * /`; spaces separate the three. Does yours take `inf + 1e9`? What does it say to
/// `1 / 0`, and to a number of 300 digits multiplied by itself? The client checks each line
/// before it sends it: which half of this function does it need?
fn answer(_request: &str) -> String {
    "error: answer is not written yet".to_string()
}

/// Hands one line over to the kernel. When does this block, and for how long? Who else waits?
fn send(_to: &TcpStream, _line: &str) -> Result<(), Error> {
    Err(Error::failed("send", "not written yet"))
}

/// The client: first the name, from `--name` or from the user, then a request and its answer,
/// in turn. What is done with a line that is no request? What is sent at the end of the input?
/// The server goes away while you wait for an answer: how do you notice, and what then?
fn be_client(_server: &TcpStream, _name: Option<String>) -> Result<(), Error> {
    Err(Error::failed("be_client", "not written yet"))
}

/// A name must be there, and be one line: behind a line break the next request would begin.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() < net::MAX_LINE && !text.contains(char::is_control)
}
