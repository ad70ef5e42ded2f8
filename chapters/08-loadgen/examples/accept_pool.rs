//! accept_pool: chapter 8's server with a fixed number of threads, which all wait in accept().
//!
//! ```text
//! $ cargo run -p loadgen --example accept_pool -- 7008 --threads 4
//! $ loadgen 127.0.0.1 7008 --clients 4,5
//! ```
//!
//! Several threads may wait in `accept` on the same socket: each connection wakes one of them.
//! No thread is started while a client waits, and no more than so many are served at once, so
//! this server never runs out of threads, memory or descriptors. Notice where those wait now
//! for whom no thread is free: in the kernel's queue, which is short. One thread that accepts
//! fast (the chapter's) takes in all who come; here a long session keeps others outside.

use common::{Context, Error, Program, blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    num::NonZeroUsize,
    panic,
    process::ExitCode,
    thread,
};

const PROGRAM: Program = Program {
    name: "accept_pool",
    usage: "accept_pool PORT --threads N [--bind ADDR]",
    example: "cargo run -p loadgen --example accept_pool -- 7008 --threads 4",
};

const INTRO: &[u8] = b"Hello! Send a long message, then close your sending side.\n";

/// How much of a message is in memory at any moment, in bytes.
const BLOCK: usize = 16 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let bind = args.option("--bind", "an address")?;
        let bind = bind.unwrap_or_else(|| "127.0.0.1".to_string());
        let threads: Option<NonZeroUsize> = args.option("--threads", "at least 1")?;
        let port = args.port("PORT")?;
        args.finish()?;
        let threads = threads.ok_or(Error::Usage("--threads is missing".to_string()))?;
        run(&net::listen(&bind, port)?, threads.get())
    })
}

/// Starts all threads, each with a descriptor of its own for the same listening socket.
fn run(listener: &TcpListener, threads: usize) -> Result<(), Error> {
    let mut pool = Vec::new();
    for number in 1..=threads {
        let listener = listener.try_clone().context("cannot share the listener")?;
        let thread = thread::Builder::new().name(format!("server {number}"));
        let thread = thread.spawn(move || serve_one_after_another(&listener));
        pool.push(thread.context(format_args!("cannot start {threads} threads"))?);
    }
    // They serve for ever, so this waits for ever.
    pool.into_iter().for_each(|thread| {
        blocking("join", || thread.join())
            .unwrap_or_else(|panicked| panic::resume_unwind(panicked));
    });
    Ok(())
}

/// One thread's life: chapter 2's server, four times. A client's failure ends its session and
/// not the thread, which would be missing from then on.
fn serve_one_after_another(listener: &TcpListener) {
    loop {
        // Blocks until the kernel gives a connection to this thread, and to no other.
        let (client, peer) = net::accept(listener);
        match serve(&client) {
            Ok(length) => note(format_args!("{peer} left: received {length} bytes")),
            Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
        }
    }
}

fn serve(mut client: &TcpStream) -> io::Result<u64> {
    blocking("write", || client.write_all(INTRO))?;
    let mut block = vec![0; BLOCK];
    let mut length = 0;
    loop {
        match blocking("read", || client.read(&mut block))? {
            0 => break,
            more => length += more as u64,
        }
    }
    let answer = format!("received {length} bytes\n");
    blocking("write", || client.write_all(answer.as_bytes()))?;
    Ok(length)
}
