//! A member's reader: the thread that waits for what the member says.

use crate::hub::{Event, What};
use crate::{PROGRAM, name::refusal, outbox::Outbox};
use common::{Error, LocalTime, blocking, note, printable};
use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc, mpsc::SyncSender};

/// The longest line that is passed on, in bytes, its `\n` included.
const MAX_LINE: usize = 4096;

/// One connection, from its name to its end. The hub knows who has joined or left before we say
/// so on stderr, which may make us wait.
pub fn session(stream: TcpStream, peer: SocketAddr, hub: &SyncSender<Event>) -> io::Result<()> {
    // A line is sent at once, even if the member's kernel has not confirmed the one before
    // (Nagle's algorithm would hold it back until then). The hub joins lines itself.
    let _ = stream.set_nodelay(true);
    let stream = Arc::new(stream);
    let outbox = Outbox::open(&stream, peer)?;
    let mut lines = BufReader::new(&*stream);
    let Some(name) = log_in(&mut lines, &outbox, hub)? else { return Ok(()) };
    note(format_args!("connected to {peer}"));
    let end = relay(&name, &mut lines, &outbox, hub);
    // However the member left, this is the one way out, and its name goes with it.
    tell(hub, &name, What::Left { at: LocalTime::now() });
    if outbox.is_over_limit() {
        return Err(io::Error::other("it did not read"));
    }
    end.map(|()| note(format_args!("{peer} left")))
}

/// Takes lines until one of them is a name that the client can have. `None`: it has gone.
fn log_in(
    lines: &mut impl BufRead,
    outbox: &Outbox,
    hub: &SyncSender<Event>,
) -> io::Result<Option<String>> {
    while let Some(name) = next_line(lines, outbox)? {
        let reason = match refusal(&name) {
            None if join(&name, outbox, hub) => return Ok(Some(name)),
            None => "this name is in use".to_string(),
            Some(reason) => reason,
        };
        outbox.put(format!("Server: {reason}: try another\n").into_bytes());
    }
    Ok(None)
}

/// True if the hub has given us the name. The clock is read here, and not by the hub, because
/// that may take time: `common` asks the system's `date` for the time zone.
fn join(name: &str, outbox: &Outbox, hub: &SyncSender<Event>) -> bool {
    let (answer, has_joined) = mpsc::channel();
    tell(hub, name, What::Join { outbox: outbox.clone(), at: LocalTime::now(), answer });
    // Blocks until the hub comes to this event. It waits for no member, so that is soon.
    blocking("recv", || has_joined.recv()).unwrap_or(false)
}

/// Passes on the member's lines until there will not be another.
fn relay(
    name: &str,
    lines: &mut impl BufRead,
    outbox: &Outbox,
    hub: &SyncSender<Event>,
) -> io::Result<()> {
    while let Some(line) = next_line(lines, outbox)? {
        if !line.is_empty() {
            tell(hub, name, What::Line(line));
        }
    }
    Ok(())
}

/// Blocks while the inbox is full. It fails only if the hub has died, and then the program ends:
/// a server that accepted members, and passed nothing on, would be worse than none.
fn tell(hub: &SyncSender<Event>, name: &str, what: What) {
    if blocking("send", || hub.send(Event { name: name.to_string(), what })).is_err() {
        PROGRAM.exit(Error::Failed("the hub has died".to_string()));
    }
}

/// The next line, without its ending and without control characters, which could forge a line
/// or move the cursor on another member's screen. `None`: the member quit or closed. A line
/// that the end cuts off is dropped, because we cannot know how it was going to end.
fn next_line(lines: &mut impl BufRead, outbox: &Outbox) -> io::Result<Option<String>> {
    loop {
        let mut line = Vec::new();
        // Blocks until the line is complete. One without an end fills MAX_LINE bytes at most.
        blocking("read", || lines.take(MAX_LINE as u64).read_until(b'\n', &mut line))?;
        if line.ends_with(b"\n") {
            let line = printable(&String::from_utf8_lossy(&line));
            return Ok((line != "quit").then_some(line));
        } else if line.len() < MAX_LINE {
            return Ok(None);
        }
        blocking("read", || lines.skip_until(b'\n'))?; // the rest of it costs no memory
        outbox.put(b"Server: error: line too long\n".to_vec());
    }
}
