//! One client's session: what a client does, how long that takes, and how it can fail.

use crate::options::Options;
use common::{Context, Error, blocking, invalid_data, net};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The message is made of this, sent again and again, so its length costs no memory.
const PIECE: &[u8] = &[b'x'; 64 * 1024];

/// How much of an answer we read at a time, and how much before we call it endless.
const BUFFER: usize = 1024;
const MAX_HEARD: usize = 64 * 1024;

/// "Too many open files", in the whole system and in this process: the same numbers on Linux,
/// macOS and the BSDs (errno(3)). std has no name for them.
const TOO_MANY_FILES: [Option<i32>; 2] = [Some(23), Some(24)];

/// What every client is to do.
pub struct Task {
    /// The server as the user wrote it, for error messages.
    pub target: String,
    pub addresses: Vec<SocketAddr>,
    pub options: Options,
}

/// What came of one session.
pub struct Outcome {
    pub begun: Instant,
    /// How long it took to connect, or to fail at that; and altogether, served or not.
    pub connecting: Duration,
    pub whole: Duration,
    pub connected: bool,
    pub result: Result<(), Error>,
}

/// The ways in which a session can fail, in the order of their columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Refused, // we never got a connection: no program was there, or no way to get there
    Reset,   // we had a connection, and it broke
    TimedOut,
    TooManyFiles, // our own machine had no descriptor left for a socket
    WrongAnswer,  // the server did not say what it should, or closed before it had
}

/// Does the task once, and adds to `bytes` whatever is sent and heard. The clock starts before
/// `connect`, so it sees everything that a client waits for.
pub fn run(task: &Task, bytes: &AtomicU64) -> Outcome {
    let begun = Instant::now();
    let deadline = begun + task.options.timeout;
    let server = connect(task, deadline);
    let (connecting, connected) = (begun.elapsed(), server.is_ok());
    // The session owns the stream, so its socket is closed when the talk is over.
    let result = server.and_then(|server| Session { task, server, deadline, bytes }.talk());
    Outcome { begun, connecting, whole: begun.elapsed(), connected, result }
}

/// Tries each address in the time that is left. The error is that of the last one.
fn connect(task: &Task, deadline: Instant) -> Result<TcpStream, Error> {
    let mut result = Err(ErrorKind::AddrNotAvailable.into());
    for address in &task.addresses {
        if result.is_err() {
            // Blocks until the server's kernel answers, and one that drops our request does not.
            result = in_time(deadline, |left| {
                blocking("connect", || TcpStream::connect_timeout(address, left))
            });
        }
    }
    result.context(format_args!("cannot connect to {}", task.target))
}

/// Makes a call that may take as long as the calls before it have left of the session's time.
/// It is made again only if it was interrupted, because the program was stopped and continued.
fn in_time<T>(end: Instant, mut call: impl FnMut(Duration) -> io::Result<T>) -> io::Result<T> {
    loop {
        match end.saturating_duration_since(Instant::now()) {
            Duration::ZERO => return Err(ErrorKind::TimedOut.into()),
            left => match call(left) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if net::timed_out(&e) => return Err(ErrorKind::TimedOut.into()),
                result => return result,
            },
        }
    }
}

/// A client that is connected.
struct Session<'a> {
    task: &'a Task,
    server: TcpStream,
    deadline: Instant,
    bytes: &'a AtomicU64,
}

impl Session<'_> {
    /// The conversation. We send nothing before the intro has begun to arrive: only then do we
    /// know that the server has taken us, and not only its kernel.
    fn talk(mut self) -> Result<(), Error> {
        let mut heard = Vec::new();
        if self.task.options.intro {
            self.read(&mut heard).context("cannot read the intro")?;
        }
        let intro = heard.len();
        if intro > 0 || !self.task.options.intro {
            self.send_message().context("cannot send the message")?;
            while self.read(&mut heard).context("cannot read the answer")? > 0 {}
        }
        check(&heard[..intro], &heard[intro..], self.task.options.message_bytes)
            .context("wrong answer from the server")
    }

    /// Sends the message and closes our sending side, which tells the server that it was all.
    fn send_message(&mut self) -> io::Result<()> {
        let mut left = self.task.options.message_bytes;
        while left > 0 {
            let piece = &PIECE[..left.min(PIECE.len() as u64) as usize];
            // Blocks until the kernel takes some of it, however little. (`write_all` would begin
            // the timeout again for each part.)
            let sent = in_time(self.deadline, |left| {
                self.server.set_write_timeout(Some(left))?;
                blocking("write", || self.server.write(piece))
            })? as u64;
            self.bytes.fetch_add(sent, Relaxed);
            left -= sent;
        }
        self.server.shutdown(Shutdown::Write)
    }

    /// Blocks until something has arrived, and adds it to `heard`. 0: the server has closed.
    fn read(&mut self, heard: &mut Vec<u8>) -> io::Result<usize> {
        let mut buffer = [0; BUFFER];
        let length = in_time(self.deadline, |left| {
            self.server.set_read_timeout(Some(left))?;
            blocking("read", || self.server.read(&mut buffer))
        })?;
        heard.extend(&buffer[..length]);
        self.bytes.fetch_add(length as u64, Relaxed);
        if heard.len() > MAX_HEARD { Err(invalid_data("it does not end")) } else { Ok(length) }
    }
}

/// Looks at what the first read returned and at the rest. A stream has no messages, so the end
/// of the intro may be in the rest too, on a line of its own if the intro is a line.
fn check(intro: &[u8], rest: &[u8], message_bytes: u64) -> io::Result<()> {
    let expected = format!("received {message_bytes} bytes");
    let complete = |text: &[u8]| text.is_empty() || text.ends_with(b"\n");
    match rest.trim_ascii_end().strip_suffix(expected.as_bytes()) {
        Some([]) => Ok(()),
        Some(before) if !intro.is_empty() && (complete(before) || !complete(intro)) => Ok(()),
        _ if rest.is_empty() => Err(invalid_data("closed before it was complete")),
        _ => {
            let start = String::from_utf8_lossy(&rest[..rest.len().min(40)]);
            Err(invalid_data(format!("{:?}", start.trim_end()))) // harmless on a screen
        }
    }
}

impl Outcome {
    /// How the session failed, if it did.
    pub fn kind(&self) -> Option<Kind> {
        let Err(Error::Failed(_, Some(e))) = &self.result else { return None };
        Some(match e.kind() {
            ErrorKind::TimedOut => Kind::TimedOut,
            ErrorKind::InvalidData => Kind::WrongAnswer,
            _ if TOO_MANY_FILES.contains(&e.raw_os_error()) => Kind::TooManyFiles,
            _ if self.connected => Kind::Reset,
            _ => Kind::Refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(intro: &str, rest: &str) -> bool {
        check(intro.as_bytes(), rest.as_bytes(), 12).is_ok()
    }

    #[test]
    fn the_answer_is_checked_to_the_last_byte() {
        assert!(right("Hello\n", "received 12 bytes\n"));
        assert!(right("", "received 12 bytes \r\n\n"));
        for wrong in ["", "received 1", "received 112 bytes\n", "not received 12 bytes\n"] {
            assert!(!right("Hello\n", wrong) && !right("", wrong), "{wrong}");
        }
        assert!(!right("", "Hello\nreceived 12 bytes\n"), "nobody asked for an intro");
        assert!(!right("Hello\n", "received 12 bytes\nand more\n"));
    }

    #[test]
    fn an_intro_may_come_in_pieces() {
        assert!(right("Hel", "lo\nreceived 12 bytes\n"));
        assert!(right("Hello\n", "and welcome\nreceived 12 bytes\n"));
        assert!(right("no line: ", "none at allreceived 12 bytes"));
    }

    #[test]
    fn only_an_interrupted_call_is_made_again() {
        let end = Instant::now() + Duration::from_secs(60);
        for of_time in [ErrorKind::WouldBlock, ErrorKind::TimedOut] {
            let mut errors = vec![of_time, ErrorKind::Interrupted];
            let call = |_| Err::<(), _>(errors.pop().expect("made again after that").into());
            assert_eq!(in_time(end, call).unwrap_err().kind(), ErrorKind::TimedOut);
            assert!(errors.is_empty());
        }
    }

    #[test]
    fn a_failure_is_counted_as_what_it_is() {
        let of = |connected, error: io::Error| {
            let (begun, connecting, whole) = (Instant::now(), Duration::ZERO, Duration::ZERO);
            let result = Err(error).context("");
            Outcome { begun, connecting, whole, connected, result }.kind().unwrap()
        };
        for connected in [false, true] {
            let files =
                [23, 24].map(|number| of(connected, io::Error::from_raw_os_error(number)));
            assert_eq!(files, [Kind::TooManyFiles; 2]);
            assert_eq!(of(connected, ErrorKind::TimedOut.into()), Kind::TimedOut);
        }
        // No local port left is not a lack of descriptors, and neither is a lack of memory.
        assert_eq!(of(false, ErrorKind::AddrNotAvailable.into()), Kind::Refused);
        assert_eq!(of(false, ErrorKind::OutOfMemory.into()), Kind::Refused);
        assert_eq!(of(true, ErrorKind::ConnectionReset.into()), Kind::Reset);
        assert_eq!(of(true, ErrorKind::BrokenPipe.into()), Kind::Reset);
    }
}
