//! queued_room: a room with a lock around its list, and the chapter's outbox for each member, so
//! that no thread writes while it holds the lock. It also knows three things more.
//!
//! ```text
//! $ cargo run -p chatroom --example queued_room -- 7017
//! ```
//!
//! - `/msg NAME text` is for one member alone;
//! - `/who` is answered with the names of all members;
//! - a newcomer hears first what was said last, ten lines at most.
//!
//! This is the other way to build a room, beside the chapter's hub. Notice that the lock is held
//! only while lines are put into outboxes, which never waits. Notice also what is lost: each
//! line is a batch of its own now, with a `write` of its own for each member.

#[path = "../src/name.rs"]
mod name;
#[path = "../src/outbox.rs"]
mod outbox;

use common::{Program, blocking, cause, net, note, printable};
use outbox::Outbox;
use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, BufReader},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const PROGRAM: Program = Program {
    name: "queued_room",
    usage: "queued_room PORT",
    example: "cargo run -p chatroom --example queued_room -- 7017",
};

/// How many lines a newcomer hears of what was said before.
const HISTORY: usize = 10;

/// The longest line, in bytes, its `\n` included. A longer one ends its member here.
const MAX_LINE: usize = 4096;

/// Who is here, and what was said last.
#[derive(Default)]
struct Room {
    members: BTreeMap<String, Outbox>,
    said: VecDeque<String>,
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let port = args.port("PORT")?;
        args.finish()?;
        let listener = net::listen("127.0.0.1", port)?;
        let room = Arc::new(Mutex::new(Room::default()));
        loop {
            let (stream, peer) = net::accept(&listener);
            let room = Arc::clone(&room);
            net::spawn(peer, move || {
                if let Err(e) = session(stream, peer, &room) {
                    note(format_args!("{peer} left: {}", cause(&e)));
                }
            });
        }
    })
}

/// A member's reader: its name, and then its lines, until it leaves.
fn session(stream: TcpStream, peer: SocketAddr, room: &Mutex<Room>) -> io::Result<()> {
    stream.set_nodelay(true)?; // each line goes out at once, not when the one before has arrived
    let stream = Arc::new(stream);
    let outbox = Outbox::open(&stream, peer)?;
    let mut lines = BufReader::new(&*stream);
    let mut next = || {
        let line = net::read_line_bytes(&mut lines, MAX_LINE)?;
        let line = line.map(|line| printable(&String::from_utf8_lossy(&line)));
        io::Result::Ok(line.filter(|line| line != "quit"))
    };
    let name = loop {
        let Some(name) = next()? else { return Ok(()) };
        // Asking and taking are one step, because the lock is held over both.
        match name::refusal(&name) {
            None if lock(room).join(&name, &outbox) => break name,
            None => tell(&outbox, "Server: this name is in use: try another\n"),
            Some(reason) => tell(&outbox, &format!("Server: {reason}: try another\n")),
        }
    };
    let end = loop {
        match next() {
            Ok(Some(line)) => lock(room).hear(&name, &line),
            Ok(None) => break Ok(()),
            Err(e) => break Err(e),
        }
    };
    lock(room).leave(&name);
    end
}

/// Blocks while another thread has the lock. No thread waits for a member while it has it.
fn lock(room: &Mutex<Room>) -> MutexGuard<'_, Room> {
    blocking("lock", || room.lock()).unwrap_or_else(PoisonError::into_inner)
}

/// A member for whom too much waits is hung up on by its outbox, and leaves as all others do,
/// through its reader: so the list never changes while it is walked.
fn tell(outbox: &Outbox, line: &str) {
    outbox.put(line.as_bytes().to_vec());
}

impl Room {
    /// True if the name was free, and is taken now.
    fn join(&mut self, name: &str, outbox: &Outbox) -> bool {
        if self.members.contains_key(name) {
            return false;
        }
        self.said.iter().for_each(|line| tell(outbox, line));
        self.members.insert(name.to_string(), outbox.clone());
        self.broadcast(&format!("Server: {name} has joined.\n"), None);
        true
    }

    fn leave(&mut self, name: &str) {
        self.members.remove(name);
        self.broadcast(&format!("Server: {name} has left.\n"), None);
    }

    fn hear(&mut self, name: &str, line: &str) {
        let Some(own) = self.members.get(name) else { return };
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("/who"), None, None) => {
                let names: Vec<_> = self.members.keys().map(String::as_str).collect();
                tell(own, &format!("Server: here are {}\n", names.join(", ")));
            }
            (Some("/msg"), Some(other), Some(text)) => match self.members.get(other) {
                Some(other) => tell(other, &format!("{name} to you: {text}\n")),
                None => tell(own, &format!("Server: {other} is not here\n")),
            },
            _ => {
                let line = format!("{name}: {line}\n");
                self.broadcast(&line, Some(name));
                self.said.push_back(line);
                if self.said.len() > HISTORY {
                    self.said.pop_front();
                }
            }
        }
    }

    /// Lets every member hear a line, except the one who said it.
    fn broadcast(&self, line: &str, speaker: Option<&str>) {
        for (name, outbox) in &self.members {
            if Some(name.as_str()) != speaker {
                tell(outbox, line);
            }
        }
    }
}
