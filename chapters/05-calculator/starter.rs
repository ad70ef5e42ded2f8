//! calculator: a server that calculates, and knows each client by name.
//!
//! ```text
//! $ calculator server 7005
//! $ calculator 127.0.0.1 7005 --name Ada
//! ```
//!
//! The first line is the client's name, and each line after it is a request. So the same bytes
//! mean different things at different moments. Such a protocol is stateful, and its state is
//! what the server remembers of a client from its first line to its last. Notice where it does
//! so: in a local variable of the client's own thread. The name is born with the session, dies
//! with it, and cannot be mixed up with another client's.

// This is the starter. Each client gets its thread, as in chapter 3, and the rest is yours to
// write: the server's part, the client's part, `Connection`, and the arithmetic at the end of
// this file. From `common` you will want `net::read_line_bytes` and `net::write_line`, `say` (a
// line to stdout), `note` (a line to stderr) and `typed` (a line from the user).

// Delete this line when you begin; then the compiler lists what is written but not used yet.
#![allow(unused)]

use arithmetic::Expression;
use common::{Context, Error, Program, Role, net, note, say, typed};
use std::{
    io::{self, BufReader, IsTerminal},
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
    PROGRAM.main(|mut args| {
        let name: Option<String> = args.option("--name", "a name")?;
        if let Some(name) = name.as_ref().filter(|name| !is_name(name)) {
            return Err(Error::Usage(format!("--name must be a name, not {name:?}")));
        }
        match args.role("127.0.0.1")? {
            Role::Server { bind, port } if name.is_none() => {
                run_server(&net::listen(&bind, port)?)
            }
            Role::Server { .. } => Err(Error::Usage("--name is for the client".to_string())),
            Role::Client { host, port } => {
                let server = net::connect(&host, port)?;
                note(format_args!("connected to {}", net::address(&host, port)));
                run_client(&mut Connection::new(server), name)
            }
        }
    })
}

/// One end of a conversation in lines: the socket, and the buffer for what has arrived after the
/// end of the last line. They stay together, because what is in the buffer is not in the socket
/// any more.
struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn new(stream: TcpStream) -> Connection {
        Connection { stream: BufReader::new(stream) }
    }

    /// Waits for the other side's next line, without its line ending (`\n` or `\r\n`). `None`:
    /// the other side has closed. In how many pieces can a line arrive? What if it is not UTF-8?
    fn receive(&mut self) -> io::Result<Option<String>> {
        Err(io::Error::other("receive is not written yet"))
    }

    /// Hands one line to the kernel. When does this block, and who else has to wait then?
    fn send(&self, line: &str) -> Result<(), Error> {
        Err(Error::failed("cannot send a line", "send is not written yet"))
    }
}

/// The main thread waits for clients. Each is served on a thread of its own, as in chapter 3.
fn run_server(listener: &TcpListener) -> ! {
    loop {
        let (stream, peer) = net::accept(listener);
        net::spawn(peer, move || {
            note(format_args!("connected to {peer}"));
            let mut client = Connection::new(stream);
            match session(&mut client, peer) {
                Ok(()) => note(format_args!("{peer} left")),
                // What we print has no reader, so no client can be served as promised.
                Err(Error::Stdout(e)) => PROGRAM.exit(Error::Stdout(e)),
                Err(why) => note(format_args!("{peer} left: {why}")),
            }
            net::hang_up(client.stream.get_ref());
        });
    }
}

/// One client from its first line to its last. The first line is its name: where do you keep it,
/// so that no other client's thread can take it for its own? In which ways can a session end,
/// and which line does the server print after each of them?
fn session(client: &mut Connection, peer: SocketAddr) -> Result<(), Error> {
    Err(Error::failed("cannot serve", "session is not written yet"))
}

/// Answers each request, until `q` or the end, and prints `Ada: 12 + 42 = 54` for each. Which
/// request may end the session by being wrong?
fn answer_requests(client: &mut Connection, name: &str) -> Result<(), Error> {
    Err(Error::failed("cannot answer", "answer_requests is not written yet"))
}

/// Waits for the client's next line. What if it never ends: who is told so, and can you go on
/// with the line after it?
fn next_line(client: &mut Connection) -> Result<Option<String>, Error> {
    Err(Error::failed("cannot read a line", "next_line is not written yet"))
}

/// The client: first the name, from `--name` or from the user, then a request and its answer, in
/// turn. What do you do with a line that is not a request? What do you send at the end of the
/// input?
fn run_client(server: &mut Connection, name: Option<String>) -> Result<(), Error> {
    Err(Error::failed("cannot ask", "run_client is not written yet"))
}

/// Waits for the user's next line. What if the user types one that is not UTF-8: is that the end
/// of the program?
fn next_typed() -> Result<Option<String>, Error> {
    Err(Error::failed("cannot read stdin", "next_typed is not written yet"))
}

/// Waits for the user to type a name. `None`: the input has ended.
fn ask_name() -> Result<Option<String>, Error> {
    Err(Error::failed("cannot ask", "ask_name is not written yet"))
}

/// A name is not empty, and it is one line: after a line break the next request would begin.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() < net::MAX_LINE && !text.contains(char::is_control)
}

/// One request and its answer. The server goes away while you wait for the answer: how do you
/// notice, and what then?
fn ask(server: &mut Connection, request: &str) -> Result<String, Error> {
    Err(Error::failed("cannot ask", "ask is not written yet"))
}

mod arithmetic {
    //! The calculator itself: a line of text in, a number out. No network here.

    /// What we say about a line that is not an expression.
    pub const MALFORMED: &str = "malformed: write it as in 12 + 42, with + - * or /";

    /// `A OP B`, understood but not calculated yet.
    pub struct Expression {
        a: f64,
        b: f64,
        // and the operator
    }

    impl Expression {
        /// Reads `A OP B`. A and B are digits, with a `-` before them or not, and with `.` and
        /// more digits after them or not. OP is one of `+ - * /`, and spaces separate the three.
        /// Does yours take `inf + 1e9`? The client checks its user's lines with this, too.
        ///
        /// # Errors
        /// [`MALFORMED`] if it is anything else.
        pub fn parse(line: &str) -> Result<Expression, &'static str> {
            Err("Expression::parse is not written yet")
        }

        /// Calculates it. What does yours say to `1 / 0`, to `0 * -5`, and to a number of 300
        /// digits multiplied by itself?
        ///
        /// # Errors
        /// `division by zero`, and `overflow` if one of the three numbers is too large.
        pub fn value(&self) -> Result<f64, &'static str> {
            Err("Expression::value is not written yet")
        }
    }
}
