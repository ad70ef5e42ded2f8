//! loadgen: a server under load, and the load.
//!
//! ```text
//! $ loadgen server 7008
//! $ loadgen 127.0.0.1 7008 --clients 10,100,1000 --svg load.svg
//! ```
//!
//! The server has a thread for each client, and so has the load; all clients connect at the same
//! moment. Notice who is slow when there are many: neither program. The server's kernel has room
//! for 129 connections that wait for `accept`, and drops what does not fit. A client's kernel
//! asks again after a second. Or it believes that it is connected while the server's kernel has
//! forgotten it, and then the client waits until its own patience ends.
//!
//! Read [`server`], then [`session`], which is one client, then [`burst`], which is all of them
//! at once. The other modules tell what these have measured.

// This is the starter. Three modules are yours to write, and they are in this file; move them into
// files of their own whenever you like. Four are given: they read the options and the kernel's
// counters, print the table and draw the graph. `make start` lays them beside your main.rs. In
// `session`, what a session's end is called is given, too: `Kind`, `kind` and `check`.

// Delete this line when you begin; then the compiler lists what is written but not used yet.
#![allow(unused)]

#[path = "src/graph.rs"]
mod graph;
#[path = "src/kernel.rs"]
mod kernel;
#[path = "src/options.rs"]
mod options;
#[path = "src/report.rs"]
mod report;

use common::{Args, Error, Program, Role, net};
use options::Options;
use report::Report;
use session::Task;
use std::{process::ExitCode, sync::Arc};

const PROGRAM: Program = Program {
    name: "loadgen",
    usage: "loadgen server PORT [--bind ADDR]
loadgen HOST PORT [--clients N,N,...] [--message-bytes N] [--rounds N]
        [--timeout SECONDS] [--no-intro] [--csv FILE] [--svg FILE]",
    example: "loadgen 127.0.0.1 7008 --clients 10,100 --csv load.csv --svg load.svg",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let options = Options::take(&mut args)?;
        match args.role("127.0.0.1")? {
            Role::Server { .. } if options != Options::default() => {
                Err(Error::Usage("the server has one option, --bind".to_string()))
            }
            Role::Server { bind, port } => server::run_server(&net::listen(&bind, port)?),
            Role::Client { host, port } => run_client(&host, port, options),
        }
    })
}

/// The whole sweep: each number of clients comes `rounds` times and gets a row.
fn run_client(host: &str, port: u16, options: Options) -> Result<(), Error> {
    // Once, because a thousand threads that look up the same name would measure the name server.
    let addresses = net::look_up(host, port)?;
    let mut report = Report::begin(options.csv.as_ref(), options.svg.as_ref())?;
    let task = Arc::new(Task { target: net::address(host, port), addresses, options });
    for &clients in &task.options.clients {
        report.add(burst::run(clients, &task)?)?;
    }
    report.end()
}

/// The server that is put under load.
mod server {
    use crate::PROGRAM;
    use common::Error;
    use std::{
        io,
        net::{TcpListener, TcpStream},
    };

    /// Takes clients out of the kernel's queue, forever, and starts a thread for each that calls
    /// [`session`]. `common::net::accept` and `common::net::spawn` are what you wrote in
    /// chapter 3.
    pub fn run_server(listener: &TcpListener) -> ! {
        PROGRAM.exit(Error::failed("cannot serve", "not written yet"))
    }

    /// One client's conversation: send an intro line, read until the client closes its sending
    /// side, counting the bytes and keeping none of them, and answer `received N bytes`. Return
    /// the count.
    fn session(client: &TcpStream) -> io::Result<u64> {
        Err(io::Error::other("not written yet"))
    }
}

/// One client.
mod session {
    use crate::options::Options;
    use common::{Context, Error, invalid_data};
    use std::{
        io::{self, ErrorKind},
        net::{SocketAddr, TcpStream},
        sync::atomic::AtomicU64,
        time::{Duration, Instant},
    };

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

    /// Does the task once, and adds to `bytes` whatever is sent and heard: [`connect`], read the
    /// intro, send a message of `message_bytes`, close the sending side, read the answer to its
    /// end, and [`check`] both. Read the clock before you connect.
    pub fn run(task: &Task, bytes: &AtomicU64) -> Outcome {
        let begun = Instant::now();
        let server = connect(task, begun + task.options.timeout);
        let (connecting, connected) = (begun.elapsed(), server.is_ok());
        let result = server.map(|_| ());
        Outcome { begun, connecting, whole: begun.elapsed(), connected, result }
    }

    /// Tries each address in the time that is left. No call may wait forever: there are
    /// `connect_timeout`, `set_read_timeout` and `set_write_timeout`.
    fn connect(task: &Task, deadline: Instant) -> Result<TcpStream, Error> {
        Err(io::Error::other("not written yet")).context("cannot connect")
    }

    impl Outcome {
        /// How the session failed, if it did.
        pub fn kind(&self) -> Option<Kind> {
            let Err(Error::Failed(_, Some(e))) = &self.result else {
                return None;
            };
            Some(match e.kind() {
                ErrorKind::TimedOut => Kind::TimedOut,
                ErrorKind::InvalidData => Kind::WrongAnswer,
                _ if TOO_MANY_FILES.contains(&e.raw_os_error()) => Kind::TooManyFiles,
                _ if self.connected => Kind::Reset,
                _ => Kind::Refused,
            })
        }
    }

    /// Looks at what the first read returned and at the rest. A stream has no messages, so the end
    /// of the intro may be in the rest too, on a line of its own if the intro is a line.
    fn check(intro: &[u8], rest: &[u8], message_bytes: u64) -> io::Result<()> {
        let expected = format!("received {message_bytes} bytes");
        let complete = |text: &[u8]| text.is_empty() || text.ends_with(b"\n");
        match rest.trim_ascii_end().strip_suffix(expected.as_bytes()) {
            Some([]) => Ok(()),
            Some(before) if !intro.is_empty() && (complete(before) || !complete(intro)) => {
                Ok(())
            }
            _ if rest.is_empty() => Err(invalid_data("closed before it was complete")),
            _ => {
                let start = String::from_utf8_lossy(&rest[..rest.len().min(40)]);
                Err(invalid_data(format!("{:?}", start.trim_end()))) // harmless on a screen
            }
        }
    }
}

/// All clients at once.
mod burst {
    use crate::{
        kernel::Counters,
        session::{self, Outcome, Task},
    };
    use common::Error;
    use std::{
        sync::{Arc, atomic::AtomicU64},
        time::{Duration, Instant},
    };

    /// How often the watcher looks.
    pub const SAMPLE_EVERY: Duration = Duration::from_millis(20);

    /// Everything that is known about one number of clients.
    pub struct Step {
        pub clients: usize,
        pub sessions: Vec<Outcome>,
        /// When the first session began, and how long it was to the end of the last one.
        pub start: Instant,
        pub time: Duration,
        pub samples: Vec<Sample>,
        /// What the kernel counted meanwhile, if it says so.
        pub counted: Option<Counters>,
    }

    /// How many bytes and TCP errors there had been at some time after the start.
    pub struct Sample {
        pub at: Duration,
        pub bytes: u64,
        pub errors: u64,
    }

    /// Lets that many clients come at once, as often as the task says: starts a thread for each,
    /// has them wait for each other (std has a `Barrier` for it), watches them, and collects what
    /// came of their sessions. So far one client comes, on this thread, once.
    pub fn run(clients: usize, task: &Arc<Task>) -> Result<Step, Error> {
        let session = session::run(task, &AtomicU64::new(0));
        let (start, time) = (session.begun, session.whole);
        let (sessions, samples) = (vec![session], Vec::new());
        Ok(Step { clients, sessions, start, time, samples, counted: None })
    }
}
