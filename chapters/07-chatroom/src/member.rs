//! A member's reader: the thread that waits for what the member says.

use crate::hub::{Event, What};
use crate::{PROGRAM, name::refusal, outbox::Outbox};
use common::{Error, LocalTime, blocking, net, note, printable};
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc, mpsc::SyncSender};

/// What each reader has of the hub: the sending end of its inbox.
type Hub = SyncSender<Event>;

/// The longest line that is passed on, in bytes, its `\n` included.
const MAX_LINE: usize = 4096;

/// One connection, from its name to its end. The hub knows who has joined or left before we say
/// so on stderr, which may make us wait.
pub fn session(stream: TcpStream, peer: SocketAddr, hub: &Hub) -> io::Result<()> {
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
fn log_in(lines: &mut impl BufRead, outbox: &Outbox, hub: &Hub) -> io::Result<Option<String>> {
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
/// that may take time: once a minute, `common` has to ask the system's `date`.
fn join(name: &str, outbox: &Outbox, hub: &Hub) -> bool {
    let (answer, has_joined) = mpsc::channel();
    tell(hub, name, What::Join { outbox: outbox.clone(), at: LocalTime::now(), answer });
    // Blocks until the hub comes to this event. It waits for no member, so that is soon.
    blocking("recv", || has_joined.recv()).unwrap_or(false)
}

/// Passes on the member's lines until there will not be another.
fn relay(name: &str, lines: &mut impl BufRead, outbox: &Outbox, hub: &Hub) -> io::Result<()> {
    while let Some(line) = next_line(lines, outbox)? {
        if !line.is_empty() {
            tell(hub, name, What::Line(line));
        }
    }
    Ok(())
}

/// Blocks while the inbox is full. It fails only if the hub has died, and then the program ends:
/// a server that accepted members, and passed nothing on, would be worse than none.
fn tell(hub: &Hub, name: &str, what: What) {
    if blocking("send", || hub.send(Event { name: name.to_string(), what })).is_err() {
        PROGRAM.exit(Error::Failed("the hub has died".to_string(), None));
    }
}

/// The next line, without its ending and without control characters, which could forge a line
/// or move the cursor on another member's screen. `None`: the member quit or closed.
fn next_line(lines: &mut impl BufRead, outbox: &Outbox) -> io::Result<Option<String>> {
    loop {
        match net::read_line_bytes(lines, MAX_LINE) {
            Ok(line) => {
                let line = line.map(|line| printable(&String::from_utf8_lossy(&line)));
                return Ok(line.filter(|line| line != "quit"));
            }
            // Too long, or cut off by the end: no member sees it. The rest costs no memory.
            Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                outbox.put(format!("Server: error: {e}\n").into_bytes());
                blocking("read", || lines.skip_until(b'\n'))?;
            }
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{Shutdown, TcpListener};
    use std::{env, process::Command};

    /// A client that has sent these bytes and no more, and the other end with its outbox.
    fn sent(bytes: &[u8]) -> (TcpStream, Arc<TcpStream>, Outbox) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(bytes).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let (stream, peer) = listener.accept().unwrap();
        let stream = Arc::new(stream);
        let outbox = Outbox::open(&stream, peer).unwrap();
        (client, stream, outbox)
    }

    /// The lines that are passed on of these bytes, and what their sender is told.
    fn heard(bytes: &[u8]) -> (Vec<String>, String) {
        let (client, stream, outbox) = sent(bytes);
        let (mut lines, mut heard) = (BufReader::with_capacity(3, &*stream), Vec::new());
        while let Some(line) = next_line(&mut lines, &outbox).unwrap() {
            heard.push(line);
        }
        drop(outbox); // now the writer hangs up
        (heard, io::read_to_string(client).unwrap())
    }

    #[test]
    fn lines_end_at_their_newline_and_a_cut_one_is_dropped() {
        let told = "Server: error: line cut off\n";
        let lines = ["one", "two", ""].map(String::from).to_vec();
        assert_eq!(heard(b"one\ntwo\r\n\nthr"), (lines, told.to_string()));
    }

    #[test]
    fn quit_is_the_end() {
        assert_eq!(heard(b"a\nquit\r\n").0, ["a"]);
        assert_eq!(heard(b"quit now\n").0, ["quit now"]);
    }

    #[test]
    fn control_characters_are_gone_and_bad_bytes_marked() {
        assert_eq!(heard(b"a\x1b[2J\x07b\tc\xc2\x9b\n\xff\n").0, ["a[2Jbc", "\u{fffd}"]);
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_to_its_end() {
        let line = |length| [&vec![b'x'; length][..], b"\n"].concat();
        let long = [line(3 * MAX_LINE), b"after\n".to_vec(), line(MAX_LINE - 1)].concat();
        let lines = vec!["after".to_string(), "x".repeat(MAX_LINE - 1)];
        assert_eq!(heard(&long), (lines, "Server: error: line too long\n".to_string()));
    }

    /// A member of a room whose hub has died; it takes the process of this test with it.
    #[test]
    #[ignore = "started by the next one"]
    fn a_member_without_a_hub() {
        let (_client, stream, _outbox) = sent(b"Batman\n");
        let (hub, _) = mpsc::sync_channel(1);
        let peer = stream.peer_addr().unwrap();
        session(stream.try_clone().unwrap(), peer, &hub).unwrap();
    }

    #[test]
    fn the_program_does_not_outlive_its_hub() {
        let test =
            ["--exact", "member::tests::a_member_without_a_hub", "--ignored", "--nocapture"];
        let ended = Command::new(env::current_exe().unwrap()).args(test).output().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(stderr, "chatroom: the hub has died\n");
        assert_eq!(ended.status.code(), Some(1));
    }
}
