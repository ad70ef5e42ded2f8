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

mod arithmetic;

use arithmetic::Expression;
use common::{Args, Context, Error, Program, Role, blocking, net, note, say, typed};
use std::{
    io::{self, BufReader, IsTerminal, Write},
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
        net::spawn(peer, move || {
            note(format_args!("connected to {peer}"));
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

/// One client from its first line to its last.
///
/// What it has sent and nobody has read yet is in the reader: two requests in one packet are
/// two lines, half a request waits for its other half. So there is one reader, for the whole
/// session.
fn serve(client: &mut BufReader<&TcpStream>, peer: SocketAddr) -> Result<(), Error> {
    let Some(name) = next_line(client)? else { return Ok(()) }; // not a session yet
    let name = match name.trim() {
        "" => peer.to_string(), // our own client sends none like this
        name => name.to_string(),
    };
    let ended = session(client, &name);
    // However it has ended: a client that crashes sends no `q`, it is just not there any more.
    say(&format!("{name}: Session ended"))?;
    ended
}

/// Answers each request, until `q` or the end. No request ends a session by being wrong.
fn session(client: &mut BufReader<&TcpStream>, name: &str) -> Result<(), Error> {
    while let Some(request) = next_line(client)? {
        if request.trim() == QUIT {
            return Ok(());
        }
        let result = Expression::parse(&request).and_then(|expression| expression.value());
        let answer = result.map_or_else(|why| format!("error: {why}"), |n| n.to_string());
        say(&format!("{name}: {request} = {answer}"))?;
        send(client.get_ref(), &answer)?;
    }
    Ok(())
}

/// Waits for the client's next line; `None`, when it has closed. Bytes that are no UTF-8 become
/// `\u{FFFD}`, which is part of no number. A line without an end is refused here: who cannot
/// find the end of this line cannot find the beginning of the next one.
fn next_line(client: &mut BufReader<&TcpStream>) -> Result<Option<String>, Error> {
    match net::read_line_bytes(client, net::MAX_LINE) {
        Ok(line) => Ok(line.map(|line| {
            let text = String::from_utf8_lossy(&line);
            text.strip_suffix('\r').unwrap_or(&text).to_string() // telnet ends lines with \r\n
        })),
        Err(e) => {
            if e.kind() == io::ErrorKind::InvalidData {
                let _ = send(client.get_ref(), &format!("error: {e}")); // it may be gone by now
            }
            Err(e).context("cannot read a line")
        }
    }
}

/// Hands one line over to the kernel. Blocks while its buffer is full: a client that asks and
/// asks and never reads the answers stops its own thread here, and nobody else's.
fn send(mut to: &TcpStream, line: &str) -> Result<(), Error> {
    let line = format!("{line}\n");
    blocking("write", || to.write_all(line.as_bytes())).context("cannot send a line")
}

/// The client: first the name, then a request and its answer, in turn.
fn be_client(server: &TcpStream, name: Option<String>) -> Result<(), Error> {
    let name = if name.is_some() { name } else { ask_name()? };
    let Some(name) = name else { return Ok(()) }; // nobody is there who could ask anything
    send(server, name.trim())?;
    let mut answers = BufReader::new(server);
    loop {
        match typed() {
            Ok(None) => break,
            Ok(Some(line)) if line.trim() == QUIT => break,
            Ok(Some(line)) => match Expression::parse(&line) {
                Ok(_) => say(&ask(&mut answers, line.trim())?)?,
                Err(why) => note(format_args!("warning: {why}")),
            },
            // The line was no text, and has been read: the next one may be.
            Err(Error::Failed(e)) if e.kind() == Some(io::ErrorKind::InvalidData) => {
                note(format_args!("warning: {e}"))
            }
            Err(e) => return Err(e),
        }
    }
    let _ = send(server, QUIT); // a server that is gone already needs no goodbye
    Ok(())
}

/// Waits for the user to type a name. `None`: the input has ended.
fn ask_name() -> Result<Option<String>, Error> {
    if io::stdin().is_terminal() {
        note("Your name?");
    }
    loop {
        match typed()? {
            Some(name) if !is_name(&name) => note("warning: a name is one line, and not empty"),
            name => return Ok(name),
        }
    }
}

/// A name must be there, and be one line: behind a line break the next request would begin.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() < net::MAX_LINE && !text.contains(char::is_control)
}

/// One request and its answer. The wait ends with the answer, or when the server is gone.
fn ask(server: &mut BufReader<&TcpStream>, request: &str) -> Result<String, Error> {
    send(server.get_ref(), request)?;
    match net::read_line(server).context("cannot read the answer")? {
        Some(answer) => Ok(answer),
        None => Err(Error::failed("cannot read the answer", "the server has gone")),
    }
}
