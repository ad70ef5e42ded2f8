//! accept_pool: chapter 8's server with a fixed number of threads, which all wait in accept().
//!
//! ```text
//! $ cargo run -p loadgen --example accept_pool -- 7008 --threads 4
//! $ loadgen 127.0.0.1 7008 --clients 4,5
//! ```
//!
//! Several threads may wait in `accept` on the same socket, and each connection wakes one of
//! them. No thread is started while a client waits, and no more than `--threads` clients are
//! served at once, so this server never runs out of threads, memory or descriptors. Notice where
//! the other clients wait now: in the kernel's queue, which is short. A thread for each client
//! (the chapter's way) takes in everybody who comes; here a long session keeps others outside.

use common::{Context, Program, blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    num::NonZeroUsize,
    process::ExitCode,
    sync::Arc,
    thread,
};

const PROGRAM: Program = Program {
    name: "accept_pool",
    usage: "accept_pool PORT --threads N [--bind ADDR]",
    example: "cargo run -p loadgen --example accept_pool -- 7008 --threads 4",
};

const INTRO: &[u8] = b"Hello! Send a long message, then close your sending side.\n";

/// How much of a message is in memory at any moment, in bytes.
const BUFFER: usize = 16 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let bind = args.bind("127.0.0.1")?;
        let threads: NonZeroUsize = args.required("--threads", "at least 1")?;
        let port = args.port("PORT")?;
        args.finish()?;
        run_server(net::listen(&bind, port)?, threads.get())
    })
}

/// Starts the pool, whose threads share the listening socket. This thread is the first of them.
fn run_server(listener: TcpListener, threads: usize) -> ! {
    let listener = Arc::new(listener);
    for number in 2..=threads {
        let listener = Arc::clone(&listener);
        let thread = thread::Builder::new().name(format!("server {number}"));
        thread
            .spawn(move || serve_in_turn(&listener))
            .context(format_args!("cannot start {threads} threads"))
            .unwrap_or_else(|e| PROGRAM.exit(e));
    }
    serve_in_turn(&listener)
}

/// One thread's life: chapter 2's server. A client's failure ends its session and not the
/// thread, because the pool would be one thread smaller from then on.
fn serve_in_turn(listener: &TcpListener) -> ! {
    loop {
        // Blocks until the kernel gives a connection to this thread and to no other.
        let (client, peer) = net::accept(listener);
        match session(&client) {
            Ok(length) => note(format_args!("{peer} left: received {length} bytes")),
            Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
        }
    }
}

fn session(mut client: &TcpStream) -> io::Result<u64> {
    blocking("write", || client.write_all(INTRO))?;
    let mut buffer = vec![0; BUFFER];
    let mut length = 0;
    loop {
        match blocking("read", || client.read(&mut buffer))? {
            0 => break,
            more => length += more as u64,
        }
    }
    net::write_line(client, &format!("received {length} bytes"))?;
    Ok(length)
}
