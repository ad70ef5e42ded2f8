//! echo-threaded: sends every byte back, to many clients at once.
//!
//! ```text
//! $ echo-threaded server 7003
//! $ one-to-one 127.0.0.1 7003
//! ```
//!
//! Chapter 2's server waited in one place, so it could serve one client. A thread is a
//! second place to wait: here the main thread waits in `accept` for ever, and each client
//! has a thread of its own that waits in `read` and `write` for that client alone. Notice
//! what the threads share: nothing. Each owns its socket and its buffer.

use common::{Error, Program, Role, blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
    thread,
    time::Duration,
};

const PROGRAM: Program = Program {
    name: "echo-threaded",
    usage: "echo-threaded server PORT [--bind ADDR]",
    example: "echo-threaded server 7003",
};

/// A client's buffer, in bytes, when it arrives: most clients say little and wait long, and
/// a thousand of them should cost little.
const SMALL_BUFFER: usize = 1024;

/// What a buffer grows to, by doubling, while its client fills it.
const LARGE_BUFFER: usize = 64 * 1024;

/// How long to leave the listener alone when accept() fails: the usual cause, no descriptor
/// left, lasts until somebody hangs up, and asking in a loop would burn a core meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    PROGRAM.main(|args| match args.role("0.0.0.0")? {
        Role::Server { bind, port } => run(&net::listen(&bind, port)?),
        Role::Client { .. } => {
            Err(Error::Usage("this is a server; to talk to it, use one-to-one".to_string()))
        }
    })
}

/// The main thread: waits for clients and does nothing else, so that the next one never
/// waits for the one before. It serves for ever, whatever happens to a single client.
fn run(listener: &TcpListener) -> ! {
    loop {
        match blocking("accept", || listener.accept()) {
            Ok((client, peer)) => start_worker(client, peer),
            Err(e) => {
                note(format_args!("cannot accept: {}", cause(&e)));
                blocking("sleep", || thread::sleep(ACCEPT_PAUSE));
            }
        }
    }
}

/// Hands the client to a thread of its own. Nobody joins it: waiting for it here would make
/// the clients queue up again.
fn start_worker(client: TcpStream, peer: SocketAddr) {
    let worker = move || {
        note(format_args!("connected to {peer}"));
        match echo(&client) {
            Ok(()) => note(format_args!("{peer} left")),
            Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
        }
    };
    // A thread that cannot start is dropped with all that it owns: the socket is closed.
    if let Err(e) = thread::Builder::new().name(peer.to_string()).spawn(worker) {
        note(format_args!("cannot start a thread for {peer}: {}", cause(&e)));
    }
}

/// A worker: gives back what it gets, until the client has said its last byte.
///
/// Bytes, not lines and not text: what comes in two pieces goes back in two, half a line is
/// answered at once, and nothing has to be understood to be returned.
fn echo(mut client: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; SMALL_BUFFER];
    loop {
        // Blocks until the client says something, and ends with 0 when it has said its last.
        let length = blocking("read", || client.read(&mut buffer))?;
        if length == 0 {
            return Ok(()); // all that was owed is sent already: each piece before the next read
        }
        // Blocks while the client does not take back what it sent: then we read no more
        // either, and in the end its own writes block too.
        blocking("write", || client.write_all(&buffer[..length]))?;
        if length == buffer.len() && length < LARGE_BUFFER {
            buffer.resize(length * 2, 0);
        }
    }
}
