//! The other end of a connection, played by a check: it dribbles, coalesces, stays silent,
//! stops reading, closes half or resets, and says what it expected and what it got.

use crate::{
    Log,
    deadline::Deadline,
    failure::{
        Outcome, Saw, Stop, difference, fail, fail_having, is_peers_doing, quote,
        quote_complaint,
    },
    find, kernel, patience,
    process::Shared,
    quiet, whereabouts,
};
use std::{
    io::{self, ErrorKind, Read, Write},
    mem,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
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
    ///
    /// # Errors
    /// When the socket is broken already.
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
    ///
    /// # Errors
    /// When the socket is broken.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// Adds a step to the log, with this name before it.
    pub fn step(&self, what: impl std::fmt::Display) {
        self.log.step(format_args!("{} {what}", self.name));
    }

    /// Sends all the bytes at once.
    ///
    /// # Errors
    /// A failure when the program does not take them.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Outcome {
        let bytes = bytes.as_ref();
        self.step(format_args!("sends {}", quote(bytes)));
        self.write(bytes)
    }

    /// As [`Peer::send`], where there is too much for the log.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub fn send_quietly(&mut self, bytes: impl AsRef<[u8]>) -> Outcome {
        self.write(bytes.as_ref())
    }

    fn write(&mut self, bytes: &[u8]) -> Outcome {
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
    ///
    /// # Errors
    /// A failure when the program does not take them.
    pub fn dribble(&mut self, bytes: impl AsRef<[u8]>) -> Outcome {
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
    ///
    /// # Errors
    /// When the grader's own sockets fail.
    pub fn exchange(&mut self, bytes: &[u8]) -> Outcome<Vec<u8>> {
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

    /// Expects exactly these bytes next.
    ///
    /// # Errors
    /// A failure that shows both, with a caret under the first difference.
    pub fn expect(&mut self, bytes: impl AsRef<[u8]>) -> Outcome {
        let bytes = bytes.as_ref();
        let begun = Instant::now();
        let input = self.fill_until(|got| got.len() >= bytes.len() || !bytes.starts_with(got));
        if self.unread.starts_with(bytes) {
            self.unread.drain(..bytes.len());
            self.step(format_args!("gets {}", quote(bytes)));
            return Ok(());
        }
        let ending = self.ending(&input, begun);
        if self.unread.is_empty() {
            return fail_having(
                input.saw(),
                format!("{} gets {}", self.name, quote(bytes)),
                format!("nothing: {ending}"),
            );
        }
        let (expected, got) = difference(bytes, &self.unread);
        let got =
            if matches!(input, Input::Bytes) { got } else { format!("{got}\nthen {ending}") };
        fail(format!("{} gets {expected}", self.name), got)
    }

    /// Expects `length` bytes, and returns them.
    ///
    /// # Errors
    /// A failure when fewer come; they stay where they are, for [`Peer::so_far`].
    pub fn expect_bytes(&mut self, length: usize, what: &str) -> Outcome<Vec<u8>> {
        let begun = Instant::now();
        let input = self.fill_until(|got| got.len() >= length);
        if self.unread.len() >= length {
            let bytes = self.take_front(length);
            self.step(format_args!("gets {}", quote(&bytes)));
            return Ok(bytes);
        }
        let ending = self.ending(&input, begun);
        let (saw, got) = self.instead(&input);
        let expected = format!("{} gets {what}, {length} bytes", self.name);
        fail_having(saw, expected, format!("{got}: {ending}"))
    }

    /// Expects anything at all, and returns what has come.
    ///
    /// # Errors
    /// A failure when nothing comes.
    pub fn expect_anything(&mut self, what: &str) -> Outcome<Vec<u8>> {
        let begun = Instant::now();
        let input = self.fill_until(|got| !got.is_empty());
        if self.unread.is_empty() {
            let ending = self.ending(&input, begun);
            let expected = format!("{} gets {what}", self.name);
            return fail_having(input.saw(), expected, format!("nothing: {ending}"));
        }
        let got = std::mem::take(&mut self.unread);
        self.step(format_args!("gets {}", quote(&got)));
        Ok(got)
    }

    /// Expects these bytes, and returns what came before them.
    ///
    /// # Errors
    /// A failure that shows what came instead.
    pub fn expect_among(&mut self, bytes: impl AsRef<[u8]>) -> Outcome<Vec<u8>> {
        let (bytes, begun) = (bytes.as_ref(), Instant::now());
        match self.fill_until_found(bytes) {
            Ok(at) => {
                self.step(format_args!("gets {}", quote(bytes)));
                let mut before = self.take_front(at + bytes.len());
                before.truncate(at);
                Ok(before)
            }
            Err(input) => {
                let ending = self.ending(&input, begun);
                let (saw, got) = self.instead(&input);
                let expected = format!("{} gets {}", self.name, quote(bytes));
                fail_having(saw, expected, format!("{got}: {ending}"))
            }
        }
    }

    /// Expects a line, and returns it without its `\n`.
    ///
    /// # Errors
    /// A failure when none comes.
    pub fn expect_line(&mut self, what: &str) -> Outcome<String> {
        let line = self.expect_line_quietly(what)?;
        self.step(format_args!("gets {}", quote(format!("{line}\n").as_bytes())));
        Ok(line)
    }

    /// As [`Peer::expect_line`], where there is too much for the log.
    ///
    /// # Errors
    /// As [`Peer::expect_line`].
    pub fn expect_line_quietly(&mut self, what: &str) -> Outcome<String> {
        let begun = Instant::now();
        match self.fill_until_found(b"\n") {
            Ok(end) => {
                let line = self.take_front(end + 1);
                Ok(String::from_utf8_lossy(&line[..end]).into_owned())
            }
            Err(input) => {
                let ending = self.ending(&input, begun);
                let (saw, got) = self.instead(&input);
                let expected = format!("{} gets {what}, a line", self.name);
                fail_having(saw, expected, format!("{got}: {ending}"))
            }
        }
    }

    /// Expects a message from a program that may end its messages with `\n` or not: a line, or
    /// what has come when nothing more comes for a moment.
    ///
    /// # Errors
    /// A failure when nothing comes.
    pub fn expect_message(&mut self, what: &str) -> Outcome<Message> {
        let begun = Instant::now();
        let input = self.fill_until(|got| !got.is_empty());
        if self.unread.is_empty() {
            let ending = self.ending(&input, begun);
            let expected = format!("{} gets {what}", self.name);
            return fail_having(input.saw(), expected, format!("nothing: {ending}"));
        }
        self.fill_until_or_quiet(|got| got.contains(&b'\n'));
        let end = self.unread.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(self.unread.len(), |end| end + 1);
        let message: Vec<u8> = self.unread.drain(..length).collect();
        self.step(format_args!("gets {}", quote(&message)));
        let text = String::from_utf8_lossy(&message).trim_end().to_string();
        Ok(Message { text, is_line: end.is_some() })
    }

    /// Expects what `seen` finds the end of, within `time` altogether, however much else comes
    /// meanwhile, and returns all up to there. It is not noted in the log.
    ///
    /// # Errors
    /// A failure that shows what came instead; it stays where it is, for [`Peer::so_far`].
    pub fn expect_seen(
        &mut self,
        time: Duration,
        what: &str,
        mut seen: impl FnMut(&[u8]) -> Option<usize>,
    ) -> Outcome<Vec<u8>> {
        let (begun, mut deadline) = (Instant::now(), self.log.deadline(time));
        let input = loop {
            if let Some(end) = seen(&self.unread) {
                return Ok(self.take_front(end));
            }
            match self.fill(&mut deadline) {
                Input::Bytes if deadline.is_over() => break Input::Nothing,
                Input::Bytes => {}
                other => break other,
            }
        };
        let ending = self.ending(&input, begun);
        let (saw, got) = self.instead(&input);
        fail_having(saw, format!("{} gets {what}", self.name), format!("{got}: {ending}"))
    }

    /// How many bytes the two kernels hold for this end, which does not read them. `None`: the
    /// program has no such connection (any more).
    pub fn held(&self) -> Option<u64> {
        let (ours, theirs) = (self.stream.local_addr().ok()?, self.stream.peer_addr().ok()?);
        kernel::held(theirs.port(), ours.port())
    }

    /// What was seen instead of what was expected.
    fn instead(&self, input: &Input) -> (Saw, String) {
        match self.unread.as_slice() {
            [] => (input.saw(), "nothing".to_string()),
            unread => (Saw::Something, quote(unread)),
        }
    }

    fn ending(&self, input: &Input, begun: Instant) -> String {
        let time = begun.elapsed().as_secs_f64();
        match input {
            Input::Closed => {
                format!(
                    "the program closed the connection after {time:.1} s{}",
                    self.last_words()
                )
            }
            Input::Reset => {
                format!(
                    "the program reset the connection after {time:.1} s{}",
                    self.last_words()
                )
            }
            Input::Bytes | Input::Nothing => {
                format!("nothing more within {time:.1} s{}", self.whereabouts())
            }
        }
    }

    /// Where the program at the other end is instead.
    fn whereabouts(&self) -> String {
        let Some(program) = &self.program else { return String::new() };
        let heard = program.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, over) = (heard.first(), heard.exit().is_some());
        drop(heard);
        let whereabouts = if over { None } else { whereabouts::of(first) };
        whereabouts.map_or_else(String::new, |clause| format!("; {clause}"))
    }

    fn last_words(&self) -> String {
        let Some(program) = &self.program else { return String::new() };
        let heard = program.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.last_words().map_or_else(String::new, |line| {
            format!("; last on its stderr {}", quote_complaint(&line))
        })
    }

    /// Expects that nothing comes for a moment, and that the connection stays open.
    ///
    /// # Errors
    /// A failure that shows what came.
    pub fn expect_silence(&mut self, why: &str) -> Outcome {
        if self.unread.is_empty() {
            match self.fill(&mut self.log.deadline(quiet())) {
                Input::Nothing => {
                    self.step(format_args!("hears nothing: {why}"));
                    return Ok(());
                }
                Input::Bytes => {}
                Input::Closed | Input::Reset => {
                    return fail_having(
                        Saw::Closed,
                        format!("{} hears nothing: {why}", self.name),
                        "the program closed the connection",
                    );
                }
            }
        }
        fail(format!("{} hears nothing: {why}", self.name), quote(&self.unread))
    }

    /// As [`Peer::expect_silence`], but the connection may be closed.
    ///
    /// # Errors
    /// A failure that shows what came.
    pub fn expect_no_bytes(&mut self, why: &str) -> Outcome {
        if self.unread.is_empty() {
            self.fill(&mut self.log.deadline(quiet()));
        }
        if self.unread.is_empty() {
            self.step(format_args!("gets no more bytes: {why}"));
            return Ok(());
        }
        fail(format!("{} gets no more bytes: {why}", self.name), quote(&self.unread))
    }

    /// Takes the end of a line that was expected without it: `\n`, `\r\n` or nothing. True if
    /// there was one.
    pub fn skip_line_end(&mut self) -> bool {
        self.fill_until_or_quiet(|unread| unread.contains(&b'\n'));
        let end = self.unread.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.unread.drain(..end);
        end > 0
    }

    fn fill_until_or_quiet(&mut self, mut enough: impl FnMut(&[u8]) -> bool) {
        let mut deadline = self.log.deadline(quiet());
        while !enough(&self.unread)
            && matches!(self.fill(&mut deadline), Input::Bytes)
            && !deadline.is_over()
        {}
    }

    /// All that comes until the program closes or patience ends.
    pub fn take_until_close(&mut self) -> Vec<u8> {
        self.fill_until(|_| false);
        std::mem::take(&mut self.unread)
    }

    /// Expects the end of the program's sending side, with nothing before it.
    ///
    /// # Errors
    /// A failure when it stays open, or more bytes come first.
    pub fn expect_close(&mut self) -> Outcome {
        let input = self.fill_until(|unread| !unread.is_empty());
        self.is_close(&input)
    }

    /// As [`Peer::expect_close`], where patience has been had already: what came before has been
    /// taken until the close.
    ///
    /// # Errors
    /// As [`Peer::expect_close`].
    pub fn expect_closed(&mut self) -> Outcome {
        let input = self.fill(&mut Duration::ZERO.into());
        self.is_close(&input)
    }

    fn is_close(&self, input: &Input) -> Outcome {
        let expected = format!("the program closes its connection to {}", self.name);
        if !self.unread.is_empty() {
            return fail(expected, format!("more bytes: {}", quote(&self.unread)));
        }
        if !matches!(input, Input::Closed | Input::Reset) {
            let got = format!("it is still open after {:?}", patience());
            return fail_having(Saw::Nothing, expected, got);
        }
        self.step("sees the connection closed");
        Ok(())
    }

    /// Expects that the connection is still open, whatever has come on it.
    ///
    /// # Errors
    /// A failure when the program has closed it.
    pub fn expect_no_close(&mut self) -> Outcome {
        self.so_far();
        match self.fill(&mut Duration::ZERO.into()) {
            Input::Closed | Input::Reset => fail_having(
                Saw::Closed,
                format!("the connection to {} stays open", self.name),
                "the program closed it",
            ),
            Input::Bytes | Input::Nothing => Ok(()),
        }
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
    pub fn reset(mut self) -> Outcome {
        self.abort()
    }

    /// As [`Peer::reset`]: the connection is reset when this is dropped.
    ///
    /// # Errors
    /// As [`Peer::reset`].
    pub fn abort(&mut self) -> Outcome {
        let waiting = in_time(&mut self.log.deadline(patience()), |left| {
            self.stream.set_read_timeout(Some(left))?;
            self.stream.peek(&mut [0])
        });
        if !matches!(waiting, Ok(Some(1..))) {
            let why =
                format!("nothing came that {} could leave unread, and so reset", self.name);
            return Err(Stop::NotJudged(why));
        }
        self.step("resets the connection");
        Ok(())
    }
}

/// Makes a call that takes a timeout, again and again until it is done. `None`: it was not
/// before the deadline. (It also comes back early, with EINTR, when our process was stopped
/// for a moment; that says nothing about the connection.)
fn in_time<T>(
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

/// Binds `port`, or another free one: it can be taken between our look and our bind.
pub(crate) fn bind_near<T>(
    mut port: u16,
    bind: impl Fn(u16) -> io::Result<T>,
) -> io::Result<T> {
    const TRIES: u32 = 20;
    let mut tries = 1;
    loop {
        match bind(port) {
            Err(e) if e.kind() == ErrorKind::AddrInUse && tries < TRIES => {
                tries += 1;
                port = kernel::free_port().ok_or(e)?;
            }
            result => return result,
        }
    }
}

/// A listener of the grader's own, to which the program under test connects.
#[derive(Debug)]
pub struct Host {
    listener: TcpListener,
    log: Log,
    /// The address to give to the program.
    pub address: SocketAddr,
}

impl Host {
    /// Listens on `ip` and a port that was free, or another one if it is taken by now.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn new(ip: &str, port: u16, log: Log) -> Outcome<Host> {
        let listener = bind_near(port, |port| TcpListener::bind((ip, port)))?;
        Ok(Host::accepting(listener, log)?)
    }

    /// Listens on this very address.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn at(address: SocketAddr, log: Log) -> io::Result<Host> {
        Host::accepting(TcpListener::bind(address)?, log)
    }

    fn accepting(listener: TcpListener, log: Log) -> io::Result<Host> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Host { listener, log, address })
    }

    /// Waits for the program's connection, at most `within`; none if it does not come.
    ///
    /// # Errors
    /// When the grader's own accept fails.
    pub fn accept_within(&self, name: &str, within: Duration) -> Outcome<Option<Peer>> {
        let mut accepted = Ok(None);
        kernel::look_until(self.log.deadline(within), || {
            accepted = self.accept(name);
            !matches!(accepted, Ok(None))
        });
        accepted
    }

    /// Accepts the program's connection, if there is one already.
    ///
    /// # Errors
    /// When the grader's own accept fails.
    pub fn accept(&self, name: &str) -> Outcome<Option<Peer>> {
        match self.listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                self.log.step(format_args!("{name} accepts the program's connection"));
                Ok(Some(Peer::new(name, stream, self.log.clone())?))
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}
