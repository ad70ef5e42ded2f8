//! counting_tunnel: chapter 9's tunnel, which knows how much went through.
//!
//! ```text
//! $ cargo run -p tunnel-chat --example counting_tunnel -- 8080 localhost 7009
//! $ tunnel-chat localhost 8080
//! ```
//!
//! Notice where the two numbers live: each on the stack of the thread whose direction it counts.
//! Nobody shares them, so there is nothing to lock; `join` brings the second one home.

use common::{Error, Program, blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    panic,
    process::ExitCode,
    sync::Arc,
    thread,
};

const PROGRAM: Program = Program {
    name: "counting_tunnel",
    usage: "counting_tunnel LOCAL_PORT HOST PORT",
    example: "cargo run -p tunnel-chat --example counting_tunnel -- 8080 localhost 7009",
};

/// How much goes through at a time, in bytes.
const BLOCK: usize = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let local_port = args.port("LOCAL_PORT")?;
        let (host, port) = (args.word("HOST")?, args.port("PORT")?);
        args.finish()?;
        run(&net::listen("127.0.0.1", local_port)?, &host, port)
    })
}

fn run(listener: &TcpListener, host: &str, port: u16) -> Result<(), Error> {
    loop {
        let (client, peer) = net::accept(listener);
        let host = host.to_string();
        net::spawn(peer, move || match net::connect(&host, port) {
            Ok(target) => match join(client, target) {
                Ok((there, back)) => {
                    note(format_args!("{peer} left: {there} bytes there, {back} bytes back"));
                }
                Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
            },
            Err(e) => note(format_args!("{peer}: {e}")),
        });
    }
}

/// Joins two connections to one, until both directions have ended; returns how many bytes went
/// to the target, and how many came back.
fn join(client: TcpStream, target: TcpStream) -> io::Result<(u64, u64)> {
    let here = Arc::new((client, target));
    let there = Arc::clone(&here);
    let back = thread::Builder::new().spawn(move || pass_on(&there.1, &there.0))?;
    let passed_on = pass_on(&here.0, &here.1);
    let back = blocking("join", || back.join());
    Ok((passed_on, back.unwrap_or_else(|panicked| panic::resume_unwind(panicked))))
}

/// One direction, to its end. A failure ends both, so that the other one's thread wakes up;
/// what went through until then has gone through all the same.
fn pass_on(mut from: &TcpStream, mut to: &TcpStream) -> u64 {
    let mut block = vec![0; BLOCK];
    let mut passed_on = 0;
    let result = loop {
        let length = match blocking("read", || from.read(&mut block)) {
            Ok(0) => break Ok(()),
            Ok(length) => length,
            Err(e) => break Err(e),
        };
        if let Err(e) = blocking("write", || to.write_all(&block[..length])) {
            break Err(e);
        }
        passed_on += length as u64;
    };
    if let Err(e) = result {
        note(format_args!("a connection broke: {}", cause(&e)));
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    } else {
        let _ = to.shutdown(Shutdown::Write);
    }
    passed_on
}
