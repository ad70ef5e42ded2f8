//! chatroom: what one member says, all the others hear.
//!
//! ```text
//! $ chatroom server 7007
//! $ chatroom 127.0.0.1 7007 --name Batman
//! ```
//!
//! In chapters 3 to 6 the clients' threads shared nothing. Here the server must know who is in
//! the room, and that list must not change under a thread that walks it. So it has one owner,
//! the hub (`hub.rs`), and no lock. Each member has two threads of its own: a reader
//! (`member.rs`) waits for its lines and sends them to the hub's inbox, and a writer
//! (`outbox.rs`) waits for the member to take what the hub has put into its outbox.
//!
//! Notice where each thread waits. A member who says nothing holds up its reader, and one who
//! does not read holds up its writer. The hub waits for its inbox alone. The client has two
//! things to wait for as well, its keyboard and the room, so it has two threads (`client.rs`).

// This is the starter. The command line is read, and everything else is yours to write. Its modules
// are in this file, except one that is given: `name.rs` says which names are refused. Move the
// others into files of their own whenever you like. The shape is one of several: a list behind a
// lock works, too, if no thread waits for a member while it holds the lock. From `common` you will
// want `net::accept` and `net::spawn` (chapter 3's), `net::hang_up` (chapter 5's),
// `net::read_line_bytes`, `net::write_line`, `typed`, `say`, `note`, `printable` (a text without
// control characters), and `blocking` around every call that waits.

// Delete this line when you begin; then the compiler lists what is written but not used yet.
#![allow(unused)]

#[path = "src/name.rs"]
mod name;

use common::{Error, Program, Role, cause, net, note};
use std::{net::TcpListener, process::ExitCode, sync::mpsc, thread};

const PROGRAM: Program = Program {
    name: "chatroom",
    usage: "chatroom server PORT [--bind ADDR]\nchatroom HOST PORT [--name NAME]",
    example: "chatroom server 7007",
};

/// How many events may wait for the hub. What happens to a member who talks faster than that?
const INBOX: usize = 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let name: Option<String> = args.option("--name", "a name")?;
        match (args.role("127.0.0.1")?, name) {
            (Role::Server { .. }, Some(_)) => {
                Err(Error::Usage("--name is for the client".to_string()))
            }
            (Role::Server { bind, port }, None) => run_server(&net::listen(&bind, port)?),
            (Role::Client { host, port }, name) => client::run_client(&host, port, name),
        }
    })
}

/// Starts the hub on a thread of its own, with a channel as its inbox; then accepts, and gives
/// each connection a thread that runs [`member::session`]. An error of a session is said on
/// stderr, and is no reason to stop.
fn run_server(listener: &TcpListener) -> ! {
    PROGRAM.exit(Error::failed("run_server", "not written yet"))
}

/// The client: one thread types, one listens.
mod client {
    use common::Error;
    use std::net::TcpStream;
    use std::sync::mpsc::Sender;
    use std::time::Duration;

    /// How long a server may take to hang up on a member who has quit.
    const PATIENCE: Duration = Duration::from_secs(1);

    /// Connects, says so on stderr, starts the thread that types, and listens. Which of the two
    /// threads ends the program, and who ends the one that waits at the keyboard? `quit` cannot
    /// be a name. It is a failure if the room leaves us, and none if we leave the room.
    pub fn run_client(host: &str, port: u16, name: Option<String>) -> Result<(), Error> {
        Err(Error::failed("run_client", "not written yet"))
    }

    /// The typing thread: sends the name, if there is one, and then each line that is typed. If
    /// the name is refused, what does the server do with the next line? At `quit` or the end of
    /// the input it tells the listener first, and then the server.
    fn type_lines(server: &TcpStream, name: Option<String>, quit: &Sender<Result<(), Error>>) {}

    /// Shows the room's lines until the connection ends, and returns how it ended.
    fn listen(server: &TcpStream) -> Result<String, Error> {
        Err(Error::failed("listen", "not written yet"))
    }
}

/// The hub: the one thread that knows who is in the room.
mod hub {
    use super::outbox::Outbox;
    use common::LocalTime;
    use std::collections::BTreeMap;
    use std::sync::mpsc::{Receiver, Sender};

    /// How many bytes of lines the hub takes before it delivers them. Why is there a bound?
    const ROUND: usize = 64 * 1024;

    /// Something that a member did; its reader tells the hub.
    pub struct Event {
        /// Who did it, or who it wants to be.
        pub name: String,
        pub what: What,
    }

    /// What the member did.
    pub enum What {
        /// It asks for the name and takes it, in one message. What could happen between two?
        Join { outbox: Outbox, at: LocalTime, answer: Sender<bool> },
        /// It said a line, here without control characters.
        Line(String),
        /// It has gone, for whatever reason. This is its last event.
        Left { at: LocalTime },
    }

    /// Everyone who is here. Only the hub's thread ever sees this, so it needs no lock.
    #[derive(Default)]
    struct Room {
        people: BTreeMap<String, Person>,
        /// How much was said since the last delivery: its bytes, and one for each event.
        said: usize,
    }

    /// One member, as the hub knows it.
    struct Person {
        outbox: Outbox,
        /// What was said since then, for it to hear.
        batch: Vec<u8>,
    }

    /// Waits for an event, and for nothing else; then takes it and what else is there by now, and
    /// delivers what the members are to hear.
    pub fn run_hub(inbox: &Receiver<Event>) {}

    impl Room {
        /// One event.
        fn take(&mut self, event: Event) {}

        /// True if the name was free, and is taken now. Who hears of it, and in which words?
        fn join(&mut self, name: &str, outbox: Outbox, at: LocalTime) -> bool {
            false
        }

        /// What was said before the member left is still its due. Who hears that it has left?
        fn leave(&mut self, name: &str, at: LocalTime) {}

        /// Tells everyone who has joined or left, when, and how many are here now.
        fn announce(&mut self, name: &str, what: &str, at: LocalTime) {}

        /// Lets every member hear a line, except the one who said it.
        fn broadcast(&mut self, line: &str, speaker: Option<&str>) {}

        /// Puts each member's batch into its outbox.
        fn deliver(&mut self) {}

        /// Takes the other events that are there by now, too, within the bound. What does a
        /// delivery cost each member, and what if there were one for each line?
        fn take_more(&mut self, inbox: &Receiver<Event>) {}
    }
}

/// A member's reader: the thread that waits for what the member says.
mod member {
    use super::hub::{Event, What};
    use super::outbox::Outbox;
    use std::io::{self, BufRead, BufReader};
    use std::net::{SocketAddr, TcpStream};
    use std::sync::{Arc, mpsc::SyncSender};

    /// What each reader has of the hub: the sending end of its inbox.
    type Hub = SyncSender<Event>;

    /// The longest line that is passed on, in bytes, its `\n` included.
    const MAX_LINE: usize = 4096;

    /// One connection, from its name to its end: opens the outbox, logs in, passes lines on, and
    /// tells the hub when the member has left. In how many ways can that happen? What is said on
    /// stderr may make us wait: who must know first?
    pub fn session(stream: TcpStream, peer: SocketAddr, hub: &Hub) -> io::Result<()> {
        Err(io::Error::other("session is not written yet"))
    }

    /// Takes lines until one of them is a name that the client can have, and says why the others
    /// are not. `None`: it has gone.
    fn log_in(
        lines: &mut impl BufRead,
        outbox: &Outbox,
        hub: &Hub,
    ) -> io::Result<Option<String>> {
        Ok(None)
    }

    /// Asks the hub for the name, and waits for its answer.
    fn join(name: &str, outbox: &Outbox, hub: &Hub) -> bool {
        false
    }

    /// Passes on the member's lines until there will not be another. An empty one is ignored.
    fn relay(
        name: &str,
        lines: &mut impl BufRead,
        outbox: &Outbox,
        hub: &Hub,
    ) -> io::Result<()> {
        Ok(())
    }

    /// Sends the hub an event. When does that wait, and what if there is no hub any more?
    fn tell(hub: &Hub, name: &str, what: What) {}

    /// The next line, without its ending and without control characters. What could those forge?
    /// What is a line when the peer sends one byte at a time, ten lines in one packet, or
    /// [`MAX_LINE`] bytes without an end? `None`: the member quit or closed.
    fn next_line(lines: &mut impl BufRead, outbox: &Outbox) -> io::Result<Option<String>> {
        Ok(None)
    }
}

/// A member's outbox: what is put into it waits there until the member's writer has written it.
mod outbox {
    use std::net::{SocketAddr, TcpStream};
    use std::sync::{Arc, atomic::AtomicUsize, mpsc, mpsc::Receiver};
    use std::{io, time::Duration};

    /// How many bytes may wait for a member, beside what the kernel holds for it.
    const MAX_WAITING: usize = 8 * 1024 * 1024;

    /// What a batch costs beside its buffer: its place in the channel, and the allocator's bookkeeping.
    const BATCH_COST: usize = 64;

    /// How long the writer waits for room in the send buffer.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// The end of the outbox into which the hub and the member's reader put batches. When both
    /// have dropped it, the writer writes what is left, and hangs up.
    #[derive(Clone)]
    pub struct Outbox {
        batches: mpsc::Sender<Vec<u8>>,
        stream: Arc<TcpStream>,
        /// How many bytes wait: we add, and the writer subtracts.
        waiting: Arc<AtomicUsize>,
    }

    impl Outbox {
        /// Starts the writer.
        pub fn open(stream: &Arc<TcpStream>, peer: SocketAddr) -> io::Result<Outbox> {
            Err(io::Error::other("Outbox::open is not written yet"))
        }

        /// Puts a batch in, and never waits. So who counts what waits, and what happens past the
        /// bound? Which threads must notice, and which call of theirs does?
        pub fn put(&self, batch: Vec<u8>) {}

        /// True once too much has waited for a member who does not read.
        pub fn is_over_limit(&self) -> bool {
            false
        }
    }

    /// The writer thread, the only one that waits for the member to read. When does it end, and
    /// who hangs up then?
    fn run_writer(mut stream: &TcpStream, batches: &Receiver<Vec<u8>>, waiting: &AtomicUsize) {}
}
