//! The other end of a connection, played by a check: it dribbles, coalesces, stays silent,
//! stops reading, closes half or resets, and says what it expected and what it got.

mod expect;

pub use crate::host::Host;

use crate::{
    Log,
    deadline::Deadline,
    failure::{
        Halt, Saw, Step, difference, fail, fail_having, is_peers_doing, quote, quote_complaint,
    },
    find, kernel, patience,
    process::Shared,
    quiet, whereabouts,
};

use std::{
    io::{self, ErrorKind, Read, Write},
    mem,
    net::{Shutdown, SocketAddr, TcpStream},
    sync::PoisonError,
    thread,
    time::{Duration, Instant},
};

/// How many bytes that nobody has expected are kept: as many as any check has to do with.
const MOST_UNREAD: usize = 80_000_000;

/// A connection to the program under test.
#[derive(Debug)]
pub struct Peer {
    name: String,
    stream: TcpStream,
    log: Log,
    /// What has come and was not expected yet.
    unread: Vec<u8>,
    /// The program at the other end, where it is known which it is.
    program: Option<Shared>,
}

/// What a program said, and whether it claims that its messages are lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its text, without white space at its end.
    pub text: String,
    /// True if it ended with `\n`.
    pub is_line: bool,
}

/// How a connection's input stands.
enum Input {
    Bytes,
    Nothing,
    Closed,
    Reset,
}

impl Input {
    fn saw(&self) -> Saw {
        match self {
            Input::Bytes => Saw::Something,
            Input::Nothing => Saw::Nothing,
            Input::Closed => Saw::Closed,
            Input::Reset => Saw::Reset,
        }
    }
}

impl Peer {
    /// Plays the peer on a connection that exists. Small pieces go out at once, each in a
    /// segment of its own.
    pub fn new(name: &str, stream: TcpStream, log: Log) -> io::Result<Peer> {
        stream.set_nodelay(true)?;
        Ok(Peer { name: name.to_string(), stream, log, unread: Vec::new(), program: None })
    }

    /// The same, of a connection to this program: what it said last is told when it hangs up.
    pub fn to(self, program: Shared) -> Peer {
        Peer { program: Some(program), ..self }
    }

    /// The name in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// This end's address.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// Adds a step to the log, with this name before it.
    pub fn step(&self, what: impl std::fmt::Display) {
        self.log.step(format_args!("{} {what}", self.name));
    }

    /// Sends all the bytes at once.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Step {
        let bytes = bytes.as_ref();
        self.step(format_args!("sends {}", quote(bytes)));
        self.write(bytes)
    }

    /// As [`Peer::send`], where there is too much for the log.
    pub fn send_quietly(&mut self, bytes: impl AsRef<[u8]>) -> Step {
        self.write(bytes.as_ref())
    }

    fn write(&mut self, bytes: &[u8]) -> Step {
        hand_over(&self.stream, bytes, &self.log).or_else(|e| {
            if !is_peers_doing(&e) {
                return Err(e.into());
            }
            let (saw, seen) = match e.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                    (Saw::Nothing, "it does not read".to_string())
                }
                _ => (Saw::Closed, format!("it closed the connection ({})", common::cause(&e))),
            };
            let taken =
                format!("the program takes the {} bytes that {} sends", bytes.len(), self.name);
            fail_having(saw, taken, seen)
        })
    }

    /// Sends the bytes one at a time, each only when the program has read the one before: each is
    /// a read of its own. A program that has let its time pass for three gets the rest at once.
    pub fn dribble(&mut self, bytes: impl AsRef<[u8]>) -> Step {
        let bytes = bytes.as_ref();
        self.step(format_args!("sends {} a byte at a time", quote(bytes)));
        let mut unread = 0;
        bytes.iter().try_for_each(|byte| {
            self.write(&[*byte])?;
            if unread < 3 && !self.settle() {
                unread += 1;
            }
            Ok(())
        })
    }

    /// Sends `block` again and again without reading, until the program takes no more, and
    /// returns how many bytes were taken. At most 64 MB, and what is taken in twice the patience:
    /// one that answers little reads on for long.
    pub fn send_until_stuck(&mut self, block: &[u8]) -> usize {
        self.send_until_stuck_within(2 * patience(), block)
    }

    /// As [`Peer::send_until_stuck`], within another time.
    pub fn send_until_stuck_within(&mut self, time: Duration, block: &[u8]) -> usize {
        const MOST: usize = 64_000_000;
        let (mut sent, mut left_unread) = (0, None);
        let mut deadline = self.log.deadline(quiet());
        let mut enough = self.log.deadline(time);
        let stuck = loop {
            if sent >= MOST || enough.is_over() {
                break false;
            }
            match write(&self.stream, &block[sent % block.len()..], &mut deadline) {
                Ok(Some(taken @ 1..)) => sent += taken,
                // A program that is slow reads on, and is not stuck yet.
                Ok(None) if left_unread != self.left_unread() => {
                    left_unread = self.left_unread()
                }
                _ => break true,
            }
            deadline.renew();
        };
        let how = if stuck { "as much as is taken" } else { "more and more" };
        self.step(format_args!("sends {how}, {sent} bytes, and reads nothing"));
        sent
    }

    /// Waits until the program has read all that was sent, so that what is sent next is a
    /// read of its own; not longer than a moment, because a program may leave it unread. True
    /// if it has.
    pub fn settle(&self) -> bool {
        let settled = kernel::look_until(self.log.deadline(quiet()), || self.is_read());
        // What was read is still to be looked at; a program that reads again at once would
        // otherwise find both pieces together.
        thread::yield_now();
        settled
    }

    /// True if nothing that has arrived is left for the program to read.
    pub fn is_read(&self) -> bool {
        self.left_unread().is_none_or(|unread| unread == 0)
    }

    /// How many bytes have arrived that the program has not read. `None`: it has no such socket.
    fn left_unread(&self) -> Option<u64> {
        let (ours, theirs) = (self.stream.local_addr().ok()?, self.stream.peer_addr().ok()?);
        kernel::unread(theirs.port(), ours.port())
    }

    /// Sends `bytes` while reading what comes back, so that neither side has to store much.
    /// Returns as many bytes as were sent, or what came until the program stopped.
    pub fn exchange(&mut self, bytes: &[u8]) -> Step<Vec<u8>> {
        self.step(format_args!("sends {} and reads meanwhile", quote(bytes)));
        let (sender, log) = (self.stream.try_clone()?, self.log.clone());
        thread::scope(|scope| {
            let all = scope.spawn(move || hand_over(&sender, bytes, &log));
            let got = self.take(bytes.len());
            if got.len() < bytes.len() {
                let _ = self.stream.shutdown(Shutdown::Both); // so that the sender ends too
            }
            let _ = all.join();
            Ok(got)
        })
    }

    /// Reads once, at most until the deadline.
    fn fill(&mut self, deadline: &mut Deadline) -> Input {
        if self.unread.len() > MOST_UNREAD {
            return Input::Nothing; // nothing more is taken from one that never ends
        }
        let mut block = [0; 64 * 1024];
        let read = in_time(deadline, |left| {
            self.stream.set_read_timeout(Some(left))?;
            self.stream.read(&mut block)
        });
        match read {
            Ok(None) => Input::Nothing,
            Ok(Some(0)) => Input::Closed,
            Ok(Some(length)) => {
                self.unread.extend(&block[..length]);
                Input::Bytes
            }
            Err(_) => Input::Reset,
        }
    }

    /// Reads until `needle` is there, and returns where it begins, or how the input stands.
    fn fill_until_found(&mut self, needle: &[u8]) -> Result<usize, Input> {
        let (mut searched, mut found) = (0, None);
        let input = self.fill_until(|unread| {
            // Only what is new, and what may be the needle's beginning.
            let from = usize::min(searched, unread.len()).saturating_sub(needle.len());
            found = find(&unread[from..], needle).map(|at| from + at);
            searched = unread.len();
            found.is_some()
        });
        found.ok_or(input)
    }

    /// Reads until `enough` says so or nothing has come for as long as patience lasts.
    fn fill_until(&mut self, mut enough: impl FnMut(&[u8]) -> bool) -> Input {
        let mut deadline = self.log.deadline(patience());
        while !enough(&self.unread) {
            match self.fill(&mut deadline) {
                Input::Bytes => deadline.renew(),
                other => return other,
            }
            if deadline.is_over() {
                return Input::Nothing; // one that sends without end has had all its time
            }
        }
        Input::Bytes
    }

    /// The next `length` bytes; fewer when the program closed, or nothing more came.
    pub fn take(&mut self, length: usize) -> Vec<u8> {
        self.fill_until(|unread| unread.len() >= length);
        let length = length.min(self.unread.len());
        self.take_front(length)
    }

    /// The first `length` bytes of what has come.
    fn take_front(&mut self, length: usize) -> Vec<u8> {
        let rest = self.unread.split_off(length);
        mem::replace(&mut self.unread, rest)
    }

    /// Waits until `seen` finds the end of what it looks for in what has come, and takes all
    /// up to there. `None`: the program closed, or nothing more came; then nothing is taken.
    pub fn take_through(
        &mut self,
        mut seen: impl FnMut(&[u8]) -> Option<usize>,
    ) -> Option<Vec<u8>> {
        let mut end = None;
        self.fill_until(|unread| {
            end = seen(unread);
            end.is_some()
        });
        Some(self.take_front(end?))
    }

    /// What has come so far and was not expected yet, without waiting for more.
    pub fn so_far(&mut self) -> &[u8] {
        // What is here by now; one that sends without end is left alone after a moment.
        let mut enough = self.log.deadline(quiet());
        while matches!(self.fill(&mut Duration::ZERO.into()), Input::Bytes) && !enough.is_over()
        {
        }
        &self.unread
    }

    /// Throws away what has come so far, without waiting for more.
    pub fn ignore_so_far(&mut self) {
        self.so_far();
        self.unread.clear();
    }

    /// Closes the sending side: the program reads the end, and can still answer.
    pub fn half_close(&mut self) {
        self.step("closes its sending side");
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Closes the connection.
    pub fn close(self) {
        self.step("closes the connection");
    }

    /// Resets the connection. A socket that is closed with bytes unread resets (RFC 1122,
    /// 4.2.2.13), so something must have come that nobody has expected yet.
    ///
    /// # Errors
    /// A failure when nothing comes that could stay unread.
    pub fn reset(mut self) -> Step {
        self.abort()
    }

    /// As [`Peer::reset`]: the connection is reset when this is dropped.
    pub fn abort(&mut self) -> Step {
        let waiting = in_time(&mut self.log.deadline(patience()), |left| {
            self.stream.set_read_timeout(Some(left))?;
            self.stream.peek(&mut [0])
        });
        if !matches!(waiting, Ok(Some(1..))) {
            let why =
                format!("nothing came that {} could leave unread, and so reset", self.name);
            return Err(Halt::NotJudged(why));
        }
        self.step("resets the connection");
        Ok(())
    }
}

/// Makes a call that takes a timeout, again and again until it is done. `None`: it was not
/// before the deadline. (It also comes back early, with EINTR, when our process was stopped
/// for a moment; that says nothing about the connection.)
pub(crate) fn in_time<T>(
    deadline: &mut Deadline,
    mut call: impl FnMut(Duration) -> io::Result<T>,
) -> io::Result<Option<T>> {
    const AT_LEAST: Duration = Duration::from_millis(1); // a socket takes 0 for no timeout
    loop {
        match call(deadline.left().max(AT_LEAST)) {
            Ok(done) => return Ok(Some(done)),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if deadline.is_over() {
                    return Ok(None);
                }
            }
            Err(e) => return Err(e),
        }
    }
}

/// Writes once. `None`: nothing was taken before the deadline.
fn write(
    mut stream: &TcpStream,
    bytes: &[u8],
    deadline: &mut Deadline,
) -> io::Result<Option<usize>> {
    in_time(deadline, |left| {
        stream.set_write_timeout(Some(left))?;
        stream.write(bytes)
    })
}

/// Writes all of the bytes; each piece that is taken gives the rest more time.
fn hand_over(stream: &TcpStream, mut bytes: &[u8], log: &Log) -> io::Result<()> {
    let mut deadline = log.deadline(patience());
    while !bytes.is_empty() {
        let taken = write(stream, bytes, &mut deadline)?.ok_or(ErrorKind::TimedOut)?;
        bytes = &bytes[taken..];
        deadline.renew();
    }
    Ok(())
}
