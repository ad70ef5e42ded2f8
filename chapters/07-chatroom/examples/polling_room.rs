//! polling_room: a chat room by a single thread that never blocks on a socket.
//!
//! ```text
//! $ polling_room 7017
//! ```
//!
//! The chapter's room has two threads for each member. This one has none: its sockets are
//! non-blocking, so `read` and `write` answer "would block" where they would have waited, and
//! one thread can ask them all in turn. It needs no hub, no lock and no channel, because there
//! is no second thread from which it would have to keep its list.
//!
//! Notice what it does when nothing happens: it asks again, every [`PAUSE`], and a line is late
//! by as much. What is missing is one call that waits for all of these sockets at once. The
//! kernel has it (`poll`, `epoll`), and std does not; chapter 10 of the book is about it.

use common::{Context, Program, blocking, net, note, printable};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
    thread,
    time::Duration,
};

const PROGRAM: Program =
    Program { name: "polling_room", usage: "polling_room PORT", example: "polling_room 7017" };

/// How long to rest after a round in which nothing happened.
const PAUSE: Duration = Duration::from_millis(10);

/// The longest line, in bytes; a member with a longer one has to go.
const MAX_LINE: usize = 4096;

/// How many bytes may wait for a member; past this it has to go.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// A member between two rounds. All that its threads would keep on their stacks is here.
struct Member {
    stream: TcpStream,
    /// Its first line, once that is complete.
    name: Option<String>,
    /// What it has sent of a line that is not complete.
    heard: Vec<u8>,
    /// What it must hear and its kernel has not taken yet.
    waiting: Vec<u8>,
    gone: bool,
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let port = args.port("PORT")?;
        args.finish()?;
        let listener = net::listen("127.0.0.1", port)?;
        listener.set_nonblocking(true).context("cannot listen")?;
        run_server(&listener)
    })
}

/// Round after round: newcomers, what each member says, what each must hear, perhaps a pause.
fn run_server(listener: &TcpListener) -> ! {
    let mut members = Vec::new();
    loop {
        let mut busy = welcome(listener, &mut members);
        for n in 0..members.len() {
            for line in members[n].read_lines() {
                busy = true;
                hear(&mut members, n, &line);
            }
        }
        for member in &mut members {
            busy |= member.write_now();
        }
        while let Some(n) = members.iter().position(|member| member.gone) {
            if let Some(name) = members.remove(n).name {
                broadcast(&mut members, None, &format!("Server: {name} has left.\n"));
            }
        }
        if !busy {
            blocking("sleep", || thread::sleep(PAUSE)); // no member can end this sooner
        }
    }
}

/// Takes in all who have connected since the last round. True if there was one.
fn welcome(listener: &TcpListener, members: &mut Vec<Member>) -> bool {
    let before = members.len();
    while let Ok((stream, peer)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok() {
            note(format_args!("connected to {peer}"));
            let (heard, waiting) = (Vec::new(), Vec::new());
            members.push(Member { stream, name: None, heard, waiting, gone: false });
        }
    }
    members.len() > before
}

fn hear(members: &mut [Member], n: usize, line: &str) {
    match &members[n].name {
        Some(name) => {
            let line = format!("{name}: {line}\n");
            broadcast(members, Some(n), &line);
        }
        None => {
            members[n].name = Some(line.to_string());
            broadcast(members, None, &format!("Server: {line} has joined.\n"));
        }
    }
}

/// Lets every member hear a line, except the one who said it. There is no lock, because there is
/// no other thread.
fn broadcast(members: &mut [Member], speaker: Option<usize>, line: &str) {
    for (n, member) in members.iter_mut().enumerate() {
        if member.name.is_some() && Some(n) != speaker {
            member.waiting.extend_from_slice(line.as_bytes());
            member.gone |= member.waiting.len() > MAX_WAITING;
        }
    }
}

impl Member {
    /// The lines that are complete by now; what is left of one stays in `heard`.
    fn read_lines(&mut self) -> Vec<String> {
        let mut buffer = [0; MAX_LINE];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.gone = true,
            Ok(length) => self.heard.extend_from_slice(&buffer[..length]),
            Err(e) => self.gone |= e.kind() != io::ErrorKind::WouldBlock,
        }
        let mut lines = Vec::new();
        while let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.heard.drain(..=end).collect();
            lines.push(printable(&String::from_utf8_lossy(&line)));
        }
        self.gone |= self.heard.len() > MAX_LINE;
        lines
    }

    /// Hands over what the kernel takes now, perhaps nothing. True if it took something.
    fn write_now(&mut self) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        match self.stream.write(&self.waiting) {
            Ok(length) => drop(self.waiting.drain(..length)),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
            Err(_) => self.gone = true,
        }
        true
    }
}
