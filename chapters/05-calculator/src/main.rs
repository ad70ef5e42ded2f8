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

mod arithmetic;

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

    /// Waits for the other side's next line. `None`: it has closed. Bytes that are not UTF-8
    /// become `\u{FFFD}`, which is part of no number.
    fn receive(&mut self) -> io::Result<Option<String>> {
        let line = net::read_line_bytes(&mut self.stream, net::MAX_LINE)?;
        Ok(line.map(|line| {
            let text = String::from_utf8_lossy(&line);
            text.strip_suffix('\r').unwrap_or(&text).to_string() // telnet sends \r\n
        }))
    }

    /// Hands one line to the kernel. Blocks while the send buffer is full: a client that asks
    /// and asks and never reads the answers stops its own thread here, and no other.
    fn send(&self, line: &str) -> Result<(), Error> {
        net::write_line(self.stream.get_ref(), line).context("cannot send a line")
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

/// One client from its first line to its last.
fn session(client: &mut Connection, peer: SocketAddr) -> Result<(), Error> {
    let Some(name) = next_line(client)? else { return Ok(()) }; // it has not said who it is
    let name = match name.trim() {
        "" => peer.to_string(), // our own client sends no such name
        name => name.to_string(),
    };
    let ended = answer_requests(client, &name);
    // However it has ended: a client that crashes sends no `q`, it is just gone.
    say(&format!("{name}: Session ended"))?;
    ended
}

/// Answers each request, until `q` or the end. A wrong request gets an answer like any other.
fn answer_requests(client: &mut Connection, name: &str) -> Result<(), Error> {
    while let Some(request) = next_line(client)? {
        if request.trim() == QUIT {
            return Ok(());
        }
        let result = Expression::parse(&request).and_then(|expression| expression.value());
        let answer = result.map_or_else(|why| format!("error: {why}"), |n| n.to_string());
        say(&format!("{name}: {request} = {answer}"))?;
        client.send(&answer)?;
    }
    Ok(())
}

/// Waits for the client's next line. One that is too long, or cut off, ends the session: if we
/// cannot find the end of this line, we cannot find the beginning of the next one.
fn next_line(client: &mut Connection) -> Result<Option<String>, Error> {
    match client.receive() {
        Err(e) if e.kind() == io::ErrorKind::InvalidData => {
            let _ = client.send(&format!("error: {e}")); // the client may be gone by now
            Err(e)
        }
        line => line,
    }
    .context("cannot read a line")
}

/// The client: first the name, then a request and its answer, in turn.
fn run_client(server: &mut Connection, name: Option<String>) -> Result<(), Error> {
    let name = if name.is_some() { name } else { ask_name()? };
    let Some(name) = name else { return Ok(()) }; // there is no user who could ask anything
    server.send(name.trim())?;
    while let Some(line) = next_typed()?.filter(|line| line.trim() != QUIT) {
        match Expression::parse(&line) {
            Ok(_) => say(&ask(server, line.trim())?)?,
            Err(why) => note(format_args!("warning: {why}")),
        }
    }
    let _ = server.send(QUIT); // a server that is gone already needs no goodbye
    Ok(())
}

/// Waits for the user's next line of text. What is no text gets a warning.
fn next_typed() -> Result<Option<String>, Error> {
    loop {
        match typed() {
            Err(why) if why.kind() == Some(io::ErrorKind::InvalidData) => {
                note(format_args!("warning: {why}"));
            }
            line => return line,
        }
    }
}

/// Waits for the user to type a name. `None`: the input has ended.
fn ask_name() -> Result<Option<String>, Error> {
    if io::stdin().is_terminal() {
        note("Your name?");
    }
    loop {
        match next_typed()? {
            Some(name) if !is_name(&name) => note("warning: a name is one line, and not empty"),
            name => return Ok(name),
        }
    }
}

/// A name is not empty, and it is one line: after a line break the next request would begin.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() < net::MAX_LINE && !text.contains(char::is_control)
}

/// One request and its answer. The wait ends with the answer, or when the server is gone.
fn ask(server: &mut Connection, request: &str) -> Result<String, Error> {
    server.send(request)?;
    let answer = server.receive().context("cannot read the answer")?;
    answer.ok_or_else(|| Error::failed("cannot read the answer", "the server has gone"))
}
