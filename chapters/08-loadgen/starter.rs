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

use common::{Args, Error, Program, Role, net, say};
use session::Task;
use std::{process::ExitCode, sync::Arc, time::Duration};

const PROGRAM: Program = Program {
    name: "loadgen",
    usage: "loadgen server PORT [--bind ADDR]
loadgen HOST PORT [--clients N] [--message-bytes N] [--timeout SECONDS]",
    example: "loadgen 127.0.0.1 7008 --clients 100",
};

/// What the user may choose. There is more to choose in the contract, once this works: several
/// numbers of clients, `--rounds`, `--no-intro`, `--csv` and `--svg`.
pub struct Options {
    /// How many clients come at once.
    pub clients: usize,
    /// The length of each client's message.
    pub message_bytes: u64,
    /// How long a session may take, from its first call to its last.
    pub timeout: Duration,
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let options = Options {
            clients: args.option("--clients", "a number of clients")?.unwrap_or(10),
            message_bytes: args
                .option("--message-bytes", "a number of bytes")?
                .unwrap_or(65536),
            timeout: args.seconds("--timeout")?.unwrap_or(Duration::from_secs(10)),
        };
        match args.role("127.0.0.1")? {
            Role::Server { bind, port } => server::run_server(&net::listen(&bind, port)?),
            Role::Client { host, port } => run_client(&host, port, options),
        }
    })
}

/// Lets all clients come, and says how many of them were served. When that works, go on: how
/// long did connecting take, and the whole session? Not the mean: the median, and the slowest.
/// Which failures were there, and of which kind?
fn run_client(host: &str, port: u16, options: Options) -> Result<(), Error> {
    let addresses = net::look_up(host, port)?;
    let task = Arc::new(Task { target: net::address(host, port), addresses, options });
    let step = burst::run(task.options.clients, &task)?;
    let served = step.sessions.iter().filter(|session| session.result.is_ok()).count();
    let slowest = step.sessions.iter().map(|session| (session.whole, session.connecting)).max();
    let (whole, connecting) = slowest.unwrap_or_default();
    say(&format!("{} clients: {served} served", step.clients))?;
    say(&format!("the slowest took {whole:?}, of which {connecting:?} to connect"))?;
    match step.sessions.into_iter().find_map(|session| session.result.err()) {
        None if served == step.clients => Ok(()),
        None => Err(Error::failed("cannot measure", "not written yet")),
        Some(e) => Err(e),
    }
}

/// The server that is put under load.
mod server {
    use super::PROGRAM;
    use common::Error;
    use std::{
        io,
        net::{TcpListener, TcpStream},
    };

    /// Takes clients out of the kernel's queue, forever, and starts a thread for each that calls
    /// [`session`]. `common::net::accept` and `common::net::spawn` are what you wrote in
    /// chapter 3.
    pub fn run_server(listener: &TcpListener) -> ! {
        let _ = (listener, session);
        PROGRAM.exit(Error::failed("cannot serve", "not written yet"))
    }

    /// One client's conversation: send an intro line, read until the client closes its sending
    /// side, counting the bytes and keeping none of them, and answer `received N bytes`. Return
    /// the count.
    fn session(client: &TcpStream) -> io::Result<u64> {
        let _ = client;
        Err(io::Error::other("not written yet"))
    }
}

/// One client.
mod session {
    use super::Options;
    use common::Error;
    use std::{
        net::{SocketAddr, TcpStream},
        sync::atomic::AtomicU64,
        time::{Duration, Instant},
    };

    /// What every client is to do.
    pub struct Task {
        /// The server as the user wrote it, for error messages.
        pub target: String,
        pub addresses: Vec<SocketAddr>,
        pub options: Options,
    }

    /// What came of one session.
    pub struct Outcome {
        /// How long it took to connect, or to fail at that.
        pub connecting: Duration,
        /// How long it took altogether, served or not.
        pub whole: Duration,
        pub result: Result<(), Error>,
    }

    /// Does the task once, and adds to `bytes` whatever is sent and heard: [`connect`], read the
    /// intro, send a message of `message_bytes`, close the sending side, read the answer to its
    /// end, and check that it says `received N bytes`. Read the clock before you connect.
    pub fn run(task: &Task, bytes: &AtomicU64) -> Outcome {
        let _ = (bytes, task.options.message_bytes, &task.target);
        let begun = Instant::now();
        let result = connect(task, begun + task.options.timeout).map(|_| ());
        Outcome { connecting: begun.elapsed(), whole: begun.elapsed(), result }
    }

    /// Tries each address in the time that is left. No call may wait forever: there are
    /// `connect_timeout`, `set_read_timeout` and `set_write_timeout`.
    fn connect(task: &Task, deadline: Instant) -> Result<TcpStream, Error> {
        let _ = (&task.addresses, deadline);
        Err(Error::failed("cannot connect", "not written yet"))
    }
}

/// All clients at once.
mod burst {
    use super::session::{self, Outcome, Task};
    use common::Error;
    use std::sync::Arc;

    /// Everything that is known about one number of clients.
    pub struct Step {
        pub clients: usize,
        pub sessions: Vec<Outcome>,
    }

    /// Lets that many clients come at once: starts a thread for each, has them wait for each
    /// other (std has a `Barrier` for it), and collects what came of their sessions. A session
    /// that fails must not take the others along.
    pub fn run(clients: usize, task: &Arc<Task>) -> Result<Step, Error> {
        let _ = (task, session::run);
        Ok(Step { clients, sessions: Vec::new() })
    }
}
