//! The thread of one connection: waits for its lines and passes them to the hub.

use crate::{
    hub::{Event, Id, What},
    socket::Socket,
};
use common::{blocking, cause, note, printable};
use std::{
    io::{self, BufRead, BufReader, Read},
    net::SocketAddr,
    sync::{Arc, mpsc::SyncSender},
};

/// The longest line that is passed on, in bytes, its `\n` included.
const MAX_LINE: usize = 4096;

/// Reads until the member quits or closes, or the connection breaks. It knows nothing of names
/// and of other members, and never writes: that is the hub's.
pub fn run(id: Id, peer: SocketAddr, socket: Arc<Socket>, hub: &SyncSender<Event>) {
    note(format_args!("connected to {peer}"));
    // Blocks while the inbox is full, until the hub takes something out of it. It fails only
    // when there is no hub any more, which lives as long as the program.
    let tell = |what| drop(blocking("send", || hub.send(Event { from: id, what })));
    tell(What::Connected(Arc::clone(&socket)));
    let end = pass_on(&mut BufReader::new(&*socket), tell);
    // However it ended: the hub is told, and tells the others.
    tell(What::Gone);
    match end {
        Ok(()) => note(format_args!("{peer} left")),
        Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
    }
}

/// A line cut off by the end is dropped: nobody knows what it was going to say.
fn pass_on(from: &mut impl BufRead, tell: impl Fn(What)) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        // A member who never ends its line fills MAX_LINE bytes of our memory, and no more.
        from.take(MAX_LINE as u64).read_until(b'\n', &mut line)?; // no mark: Socket has it
        if line.ends_with(b"\n") {
            // Without `\n`, and without any `\r` or escape that could forge a line or move a
            // cursor on somebody's screen.
            match printable(&String::from_utf8_lossy(&line)) {
                quit if quit == "quit" => return Ok(()),
                line => tell(What::Line(line)),
            }
        } else if line.len() == MAX_LINE {
            tell(What::TooLong);
            // The rest of it, however long, in constant memory.
            from.skip_until(b'\n')?; // no mark: Socket has it
        } else {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// What the hub hears of these bytes: each line, and `-` for one that was too long.
    fn heard(bytes: &[u8]) -> Vec<String> {
        let heard = RefCell::new(Vec::new());
        let tell = |what| match what {
            What::Line(line) => heard.borrow_mut().push(line),
            What::TooLong => heard.borrow_mut().push("-".to_string()),
            What::Connected(_) | What::Gone => {}
        };
        pass_on(&mut BufReader::with_capacity(3, bytes), tell).unwrap();
        heard.into_inner()
    }

    #[test]
    fn lines_end_at_their_newline_and_a_cut_one_is_dropped() {
        assert_eq!(heard(b"one\ntwo\r\n\nthr"), ["one", "two", ""]);
    }

    #[test]
    fn quit_is_the_end() {
        assert_eq!(heard(b"a\nquit\r\nb\n"), ["a"]);
        assert_eq!(heard(b"quit now\n"), ["quit now"]);
    }

    #[test]
    fn control_characters_are_gone_and_bad_bytes_marked() {
        assert_eq!(heard(b"a\x1b[2J\x07b\tc\xc2\x9b\n\xff\n"), ["a[2Jbc", "\u{fffd}"]);
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_to_its_end() {
        let line = |length| [&vec![b'x'; length][..], b"\n"].concat();
        let long = [line(MAX_LINE), b"after\n".to_vec(), line(MAX_LINE - 1)].concat();
        assert_eq!(heard(&long), ["-", "after", &"x".repeat(MAX_LINE - 1)]);
        assert_eq!(heard(&[b'x'; 3 * MAX_LINE]), ["-"]);
    }
}
