//! echo-threaded: sends every byte back, to many clients at once.
//!
//! ```text
//! $ echo-threaded server 7003
//! $ one-to-one 127.0.0.1 7003
//! ```
//!
//! Chapter 2's server waits in one place, so it can serve one client. A thread is a second place
//! to wait: here the main thread waits in `accept`, and each client has a thread of its own,
//! which waits in `read` and `write` for that client alone. Notice what the threads share:
//! nothing. Each owns its socket and its buffer.

use common::{Error, Program, Role, blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
    thread,
};

const PROGRAM: Program = Program {
    name: "echo-threaded",
    usage: "echo-threaded server PORT [--bind ADDR]",
    example: "echo-threaded server 7003",
};

/// How much of a client's data we hold at any moment, in bytes.
const BUFFER: usize = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|args| match args.role("0.0.0.0")? {
        Role::Server { bind, port } => run_server(&net::listen(&bind, port)?),
        Role::Client { .. } => {
            Err(Error::Usage("this is a server; to talk to it, use one-to-one".to_string()))
        }
    })
}

/// The main thread. It waits for clients and does nothing else, so that no client waits for the
/// one before it. It never returns, whatever happens to a single client.
fn run_server(listener: &TcpListener) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        start_worker(client, peer);
    }
}

/// Hands the client to a thread of its own. We do not join that thread: if we waited for it
/// here, the clients would queue up again.
fn start_worker(client: TcpStream, peer: SocketAddr) {
    let worker = move || {
        note(format_args!("connected to {peer}"));
        match session(&client) {
            Ok(()) => note(format_args!("{peer} left")),
            Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
        }
    };
    // If the thread cannot start, the closure is dropped, and the socket in it is closed.
    if let Err(e) = thread::Builder::new().name(peer.to_string()).spawn(worker) {
        note(format_args!("cannot start a thread for {peer}: {}", cause(&e)));
    }
}

/// A worker: sends back what it gets, until the client closes its sending side.
///
/// It sends bytes, not lines and not text. Each `read` is sent back as it came, half a line too,
/// and nothing has to be understood to be sent back. How the client cut its bytes up is lost.
fn session(mut client: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        // Blocks until the client sends something, or closes its sending side.
        let length = blocking("read", || client.read(&mut buffer))?;
        if length == 0 {
            return Ok(()); // nothing is owed: each piece was sent before we read the next one
        }
        // Blocks while the client does not read what we send back. As long as that lasts we do
        // not read from it either, and in the end its own `write` blocks too.
        blocking("write", || client.write_all(&buffer[..length]))?;
    }
}
