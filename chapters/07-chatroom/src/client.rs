//! The client: one thread types, one listens.

use common::{Context, Error, blocking, cause, net, note, printable, say, typed};
use std::{
    io::{self, BufReader, IsTerminal, Write},
    net::{Shutdown, TcpStream},
    sync::mpsc::{self, Sender},
    thread,
    time::Duration,
};

/// How long a server may take to hang up on somebody who has quit.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the first line begins with that a member hears: the news of its own joining. All lines
/// before it say why a name is refused.
const JOINED: &str = "Server: time=";

/// The main thread listens, because the program ends when the room does. The other one types;
/// it may wait at the keyboard for ever, and the end of the program ends it too.
pub fn run(host: &str, port: u16, name: Option<String>) -> Result<(), Error> {
    let server = net::connect(host, port)?;
    note(format_args!("connected to {}", net::address(host, port)));
    let _ = server.set_nodelay(true); // a line is sent when it is typed
    if name.is_none() {
        ask_for_name();
    }
    let (quit, has_quit) = mpsc::channel();
    let keyboard = server.try_clone().context("cannot share the connection")?;
    thread::Builder::new()
        .name("keyboard".to_string())
        .spawn(move || type_lines(&keyboard, name, &quit))
        .context("cannot start a thread")?;
    let end = listen(&server)?;
    // Did we leave the room, or did the room leave us?
    has_quit.try_recv().unwrap_or_else(|_| Err(Error::failed("the server has gone away", end)))
}

fn ask_for_name() {
    if io::stdin().is_terminal() {
        note("Enter login name:");
    }
}

/// The typing thread. The name is a line like any other: if it is refused, the server takes
/// the next line for it, so what is typed simply goes out in its order.
fn type_lines(mut server: &TcpStream, name: Option<String>, quit: &Sender<Result<(), Error>>) {
    let mut next = name.map(|name| printable(&name));
    let result = loop {
        let line = match next.take().map_or_else(typed, |name| Ok(Some(name))) {
            Ok(Some(line)) if line != "quit" => line,
            end => break end.map(|_| ()),
        };
        // Blocks while the server does not read. If it fails, the listener knows why.
        if blocking("write", || server.write_all(format!("{line}\n").as_bytes())).is_err() {
            return;
        }
    };
    let _ = quit.send(result); // first, or the server's answer might come before it
    say_goodbye(server);
}

/// The server should hang up now; the listener hears all until then. If it does not, we do.
fn say_goodbye(mut server: &TcpStream) {
    let _ = blocking("write", || server.write_all(b"quit\n"));
    let _ = server.shutdown(Shutdown::Write);
    blocking("sleep", || thread::sleep(PATIENCE));
    let _ = server.shutdown(Shutdown::Both); // the listener's read returns 0
}

/// Shows the room's lines until the connection ends; returns how it ended.
fn listen(server: &TcpStream) -> Result<String, Error> {
    let mut lines = BufReader::new(server);
    let mut joined = false;
    loop {
        // Whoever serves: what comes is data, and bytes that are no text end nothing.
        let line = net::read_line_bytes(&mut lines, net::MAX_LINE);
        match line.map(|line| line.map(|line| String::from_utf8_lossy(&line).into_owned())) {
            Ok(Some(line)) => {
                say(&line)?;
                joined = joined || line.starts_with(JOINED);
                if !joined {
                    ask_for_name();
                }
            }
            Ok(None) => return Ok("it has closed the connection".to_string()),
            Err(e) => return Ok(cause(&e)),
        }
    }
}
