//! The client: one thread types, one listens.

use common::{Context, Error, blocking, cause, net, note, printable, say, typed};
use std::io::{self, BufReader, IsTerminal};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::{thread, time::Duration};

/// How long a server may take to hang up on a member who has quit.
const PATIENCE: Duration = Duration::from_secs(1);

/// The main thread listens, because the program ends when the room does. The other one types.
/// It may wait at the keyboard forever, and ends with the program.
pub fn run_client(host: &str, port: u16, name: Option<String>) -> Result<(), Error> {
    let name = name.map(|name| printable(&name));
    if name.as_deref() == Some("quit") {
        return Err(Error::Usage("--name cannot be quit, which leaves the room".to_string()));
    }
    let server = net::connect(host, port)?;
    note(format_args!("connected to {}", net::address(host, port)));
    let _ = server.set_nodelay(true); // a line is sent when it is typed
    if name.is_none() && io::stdin().is_terminal() {
        note("Enter login name:"); // once: the server asks for another if it is refused
    }
    let (quit, has_quit) = mpsc::channel();
    let keyboard = server.try_clone().context("cannot share the connection")?;
    let thread = thread::Builder::new().name("keyboard".to_string());
    thread
        .spawn(move || type_lines(&keyboard, name, &quit))
        .context("cannot start a thread")?;
    let end = listen(&server)?;
    match has_quit.try_recv() {
        Ok(result) => result, // we have left the room
        Err(_) => Err(Error::failed("the server has gone away", end)),
    }
}

/// The typing thread. The name is a line like any other: if it is refused, the server takes the
/// next line for it, so what is typed simply goes out in its order.
fn type_lines(server: &TcpStream, name: Option<String>, quit: &Sender<Result<(), Error>>) {
    let mut next = name;
    let result = loop {
        let line = if next.is_some() { Ok(next.take()) } else { typed() };
        let line = match line {
            Ok(Some(line)) if line != "quit" => line,
            Ok(_) => break Ok(()),
            Err(e) => break Err(e),
        };
        // Blocks while the server does not read. If it fails, the listener knows why.
        if net::write_line(server, &line).is_err() {
            return;
        }
    };
    let _ = quit.send(result); // first, or the server's answer might arrive before it
    let _ = net::write_line(server, "quit");
    let _ = server.shutdown(Shutdown::Write);
    // Now the server should hang up, which ends the program. If it does not, we do.
    blocking("sleep", || thread::sleep(PATIENCE));
    let _ = server.shutdown(Shutdown::Both); // the listener's read returns 0
}

/// Shows the room's lines until the connection ends, and returns how it ended.
fn listen(server: &TcpStream) -> Result<String, Error> {
    let mut lines = BufReader::new(server);
    loop {
        // What a server sends is data, and bytes that are not UTF-8 end nothing.
        match net::read_line_bytes(&mut lines, net::MAX_LINE) {
            Ok(Some(line)) => say(&String::from_utf8_lossy(&line))?,
            Ok(None) => return Ok("it has closed the connection".to_string()),
            Err(e) => return Ok(cause(&e)),
        }
    }
}
