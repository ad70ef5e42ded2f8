//! queued_room: a room with a lock around its list, and a queue and a writing thread for each
//! member, so that nobody writes while the lock is held. It also knows three things more.
//!
//! ```text
//! $ cargo run -p chatroom --example queued_room -- 7017
//! ```
//!
//! - `/msg NAME text` is for one member alone;
//! - `/who` is answered with the names of all who are there;
//! - who joins hears first what was said last, ten lines at most.
//!
//! The other way to build a room, beside the chapter's hub. Notice that the lock is held while
//! lines are put into queues, which never waits: a queue that is full has a member who does
//! not read, and that one is dropped. Notice also what each member costs now: a second thread.

use common::{Args, Program, blocking, net, printable};
use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufReader, Write},
    net::{Shutdown, TcpStream},
    process::ExitCode,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, SyncSender},
    },
    thread::{self, ThreadId},
};

const PROGRAM: Program = Program {
    name: "queued_room",
    usage: "queued_room PORT",
    example: "cargo run -p chatroom --example queued_room -- 7017",
};

/// How many lines may wait for a member.
const QUEUE: usize = 10_000;

/// How many lines a newcomer hears of what was said before.
const HISTORY: usize = 10;

/// Who is there, and what was said last.
#[derive(Default)]
struct Room {
    members: BTreeMap<String, Member>,
    said: VecDeque<String>,
}

struct Member {
    /// Its first thread, which alone may speak for it: a name may be another's by now.
    served_by: ThreadId,
    /// To its second thread.
    queue: SyncSender<String>,
    /// To hang up on it.
    stream: TcpStream,
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let port = args.port("PORT")?;
        args.finish()?;
        let listener = net::listen("127.0.0.1", port)?;
        let room = Arc::new(Mutex::new(Room::default()));
        loop {
            let (stream, peer) = net::accept(&listener);
            let room = Arc::clone(&room);
            net::spawn(peer, move || serve(&stream, &room));
        }
    })
}

/// A member's first thread: its name, and then its lines, until it leaves.
fn serve(mut stream: &TcpStream, room: &Mutex<Room>) {
    let mut lines = BufReader::new(stream);
    let mut next = || net::read_line(&mut lines).ok().flatten().map(|line| printable(&line));
    let name = loop {
        let (Some(name), Ok(writer), Ok(own)) =
            (next(), stream.try_clone(), stream.try_clone())
        else {
            return;
        };
        let (queue, waiting) = mpsc::sync_channel(QUEUE);
        // Looking and taking are one step, because the lock is held over both.
        let served_by = thread::current().id();
        if lock(room).join(&name, Member { served_by, queue, stream: own }) {
            // It ends with its queue, when the room lets go of the member.
            let _ = thread::Builder::new().spawn(move || write_all(&writer, &waiting));
            break name;
        }
        let _ = blocking("write", || stream.write_all(b"Server: another name, please\n"));
    };
    while let Some(line) = next().filter(|line| line != "quit") {
        let mut room = lock(room);
        if !room.is_mine(&name) {
            return; // dropped meanwhile, with all that it had still to say
        }
        room.hear(&name, &line);
    }
    let mut room = lock(room);
    if room.is_mine(&name) {
        room.leave(&name);
    }
}

/// A member's second thread, the only one that waits for it to read.
fn write_all(mut stream: &TcpStream, waiting: &Receiver<String>) {
    while let Ok(line) = blocking("recv", || waiting.recv()) {
        if blocking("write", || stream.write_all(line.as_bytes())).is_err() {
            return; // the first thread finds out too
        }
    }
}

fn lock(room: &Mutex<Room>) -> MutexGuard<'_, Room> {
    blocking("lock", || room.lock()).unwrap_or_else(PoisonError::into_inner)
}

impl Room {
    /// True if the name was free, and is taken now.
    fn join(&mut self, name: &str, member: Member) -> bool {
        if name.is_empty() || name.contains([':', ' ']) || self.members.contains_key(name) {
            return false;
        }
        for line in &self.said {
            let _ = member.queue.try_send(line.clone()); // an empty queue has room for these
        }
        self.members.insert(name.to_string(), member);
        self.say(&format!("Server: {name} has joined.\n"), None);
        true
    }

    /// True if the member of this name is the one that this thread serves.
    fn is_mine(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|m| m.served_by == thread::current().id())
    }

    fn leave(&mut self, name: &str) {
        // One that was dropped already has left already.
        let Some(member) = self.members.remove(name) else { return };
        // Wakes both of its threads: one from a read, one from a write that nobody takes.
        let _ = member.stream.shutdown(Shutdown::Both);
        self.say(&format!("Server: {name} has left.\n"), None);
    }

    fn hear(&mut self, name: &str, line: &str) {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("/who"), None, None) => {
                let names: Vec<_> = self.members.keys().map(String::as_str).collect();
                let line = format!("Server: here are {}\n", names.join(", "));
                self.tell(name, line);
            }
            (Some("/msg"), Some(other), Some(text)) if self.members.contains_key(other) => {
                self.tell(other, format!("{name} to you: {text}\n"));
            }
            (Some("/msg"), ..) => self.tell(name, "Server: to whom, and what?\n".to_string()),
            _ => {
                let line = format!("{name}: {line}\n");
                self.say(&line, Some(name));
                self.said.push_back(line);
                if self.said.len() > HISTORY {
                    self.said.pop_front();
                }
            }
        }
    }

    /// Lets every member hear a line, but for the one who said it.
    fn say(&mut self, line: &str, speaker: Option<&str>) {
        let names: Vec<String> = self.members.keys().cloned().collect();
        for name in names.iter().filter(|name| Some(name.as_str()) != speaker) {
            self.tell(name, line.to_string());
        }
    }

    /// Puts a line into one member's queue, which never waits. If there is no room in it, the
    /// member is dropped.
    fn tell(&mut self, name: &str, line: String) {
        let sent = self.members.get(name).map(|member| member.queue.try_send(line));
        if matches!(sent, Some(Err(_))) {
            self.leave(name);
        }
    }
}
