//! One client's session, and the time it took.

use crate::timeline::Timeline;
use common::{blocking, cause, printable};
use std::{
    fmt::Display,
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// What the message is made of. It is sent from here again and again, so that a message of
/// any length costs no memory.
const PIECE: &[u8] = &[b'x'; 64 * 1024];

/// How much a server may say before we stop listening to it, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// How much is read at a time, in bytes. It lives on the thread's small stack.
const BLOCK: usize = 1024;

/// The system's numbers for "too many open files", in the process and in the whole system:
/// the same on Linux, macOS and the BSDs. std has no name for them.
const TOO_MANY_FILES: [i32; 2] = [24, 23];

/// What every client is to do.
pub struct Task {
    /// The server as its user wrote it, for error messages.
    pub target: String,
    /// The server's addresses. Each is tried in turn.
    pub addresses: Vec<SocketAddr>,
    /// The length of the message.
    pub message_bytes: u64,
    /// How long a session may take, from its first call to its last.
    pub timeout: Duration,
    /// Whether the server speaks first.
    pub intro: bool,
}

/// What came of one session.
pub struct Outcome {
    /// When it began: before its first call.
    pub begun: Instant,
    /// How long it took to be connected, or to fail at that.
    pub connecting: Duration,
    /// How long it took altogether, whether it was served or not.
    pub whole: Duration,
    /// The bytes of the message and of the answers, since `begun`.
    pub bytes: Timeline,
    /// Why it was not served, if it was not.
    pub failure: Option<Failure>,
}

/// Why a session was not served.
pub struct Failure {
    /// The column that it is counted in.
    pub kind: Kind,
    /// What was attempted, and what went wrong.
    pub text: String,
}

/// The kinds of failure, in the order of their columns.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Nobody listens there, or there is no way to get there.
    Refused,
    /// The connection broke.
    Reset,
    /// The session's time was up.
    TimedOut,
    /// No socket to be had: our own machine is out of descriptors, of ports or of memory.
    TooManyFiles,
    /// The server did not say what it should, or closed before it had.
    WrongAnswer,
}

/// Does the task once. The clock starts before `connect`, so that everything a client waits
/// for is in the time: also the second that passes until a dropped connection request is
/// sent again. A clock that starts after `connect` never sees that.
pub fn run(task: &Task) -> Outcome {
    let begun = Instant::now();
    let mut bytes = Timeline::default();
    let connected = connect(task, begun + task.timeout);
    let connecting = begun.elapsed();
    let result = connected.and_then(|stream| {
        Session { task, stream, begun, bytes: &mut bytes }.talk()
        // The stream goes out of scope here: its socket is closed.
    });
    Outcome { begun, connecting, whole: begun.elapsed(), bytes, failure: result.err() }
}

/// Tries each address in the time that is left. The failure is that of the last one.
fn connect(task: &Task, deadline: Instant) -> Result<TcpStream, Failure> {
    let mut result = Err(ErrorKind::AddrNotAvailable.into());
    for address in &task.addresses {
        result = time_left(deadline)
            .and_then(|left| blocking("connect", || TcpStream::connect_timeout(address, left)));
        if result.is_ok() {
            break;
        }
    }
    result.map_err(|e| Failure {
        kind: kind_of(&e, Kind::Refused),
        text: format!("cannot connect to {}: {}", task.target, cause(&e)),
    })
}

/// A connected client.
struct Session<'a> {
    task: &'a Task,
    stream: TcpStream,
    begun: Instant,
    bytes: &'a mut Timeline,
}

impl Session<'_> {
    /// The conversation. Nothing is sent before the intro has begun to come: only then do we
    /// know that the server, and not only its kernel, has taken us.
    fn talk(&mut self) -> Result<(), Failure> {
        let mut heard = Vec::new();
        if self.task.intro
            && self.read(&mut heard).map_err(broken("cannot read the intro"))? == 0
        {
            return Err(wrong_answer("closed before its intro"));
        }
        let intro = heard.len();
        self.send_message().map_err(broken("cannot send the message"))?;
        while self.read(&mut heard).map_err(broken("cannot read the answer"))? > 0 {
            if heard.len() > MAX_ANSWER {
                return Err(wrong_answer("an answer without end"));
            }
        }
        check(&heard[..intro], &heard[intro..], self.task.message_bytes)
    }

    /// Sends the message, and closes our sending side: that is how the server knows its end.
    fn send_message(&mut self) -> io::Result<()> {
        let mut left = self.task.message_bytes;
        while left > 0 {
            let length =
                usize::try_from(left).map_or(PIECE.len(), |left| left.min(PIECE.len()));
            left -= self.write(&PIECE[..length])? as u64;
        }
        self.stream.shutdown(Shutdown::Write)
    }

    /// Waits until the kernel takes some of the piece, however much that is. `write_all`
    /// would have the same timeout again for each part.
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let deadline = self.begun + self.task.timeout;
        let length = until_done(|| {
            self.stream.set_write_timeout(Some(time_left(deadline)?))?;
            blocking("write", || self.stream.write(piece))
        })?;
        self.bytes.add(self.begun.elapsed(), length as u64);
        Ok(length)
    }

    /// Waits until something has come, and puts it behind what was heard before. 0: the
    /// server has closed.
    fn read(&mut self, heard: &mut Vec<u8>) -> io::Result<usize> {
        let deadline = self.begun + self.task.timeout;
        let mut block = [0; BLOCK];
        let length = until_done(|| {
            self.stream.set_read_timeout(Some(time_left(deadline)?))?;
            blocking("read", || self.stream.read(&mut block))
        })?;
        self.bytes.add(self.begun.elapsed(), length as u64);
        heard.extend(&block[..length]);
        Ok(length)
    }
}

/// The timeout is for the whole session: each call gets what the calls before it have left.
fn time_left(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// A call with a timeout is interrupted when the program was stopped and goes on (Ctrl-Z,
/// `fg`): then it is made again.
fn until_done<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Looks at all that the server has said: what came in the first piece is `intro`, all
/// behind it `rest`. A stream knows no messages, so the rest of the intro may be in `rest`
/// too; but then it stands before the answer, on a line of its own if the intro is lines.
fn check(intro: &[u8], rest: &[u8], message_bytes: u64) -> Result<(), Failure> {
    let expected = format!("received {message_bytes} bytes");
    let complete = |text: &[u8]| text.is_empty() || text.ends_with(b"\n");
    match rest.trim_ascii_end().strip_suffix(expected.as_bytes()) {
        Some([]) => Ok(()),
        Some(before) if !intro.is_empty() && (complete(before) || !complete(intro)) => Ok(()),
        _ if rest.is_empty() => Err(wrong_answer("closed before its answer")),
        _ => Err(wrong_answer(quoted(rest))),
    }
}

/// The first words of a wrong answer, harmless on a screen.
fn quoted(text: &[u8]) -> String {
    let start = String::from_utf8_lossy(&text[..text.len().min(40)]);
    format!("{:?}", printable(start.trim_end()))
}

fn wrong_answer(what: impl Display) -> Failure {
    Failure { kind: Kind::WrongAnswer, text: format!("wrong answer from the server: {what}") }
}

/// A failure of an established connection.
fn broken(attempt: &str) -> impl Fn(io::Error) -> Failure {
    move |e| {
        let kind = kind_of(&e, Kind::Reset);
        let cause = match kind {
            Kind::TimedOut => "timed out".to_string(), // the kernel's word is "try again"
            _ => cause(&e),
        };
        Failure { kind, text: format!("{attempt}: {cause}") }
    }
}

/// Which column an error is counted in; `other` where its name does not say.
fn kind_of(error: &io::Error, other: Kind) -> Kind {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Kind::TimedOut,
        ErrorKind::AddrNotAvailable | ErrorKind::OutOfMemory => Kind::TooManyFiles,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Kind::Reset,
        _ if error.raw_os_error().is_some_and(|n| TOO_MANY_FILES.contains(&n)) => {
            Kind::TooManyFiles
        }
        _ => other,
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
}
