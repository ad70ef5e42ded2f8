//! counting_tunnel: chapter 9's tunnel, which says how much went through.
//!
//! ```text
//! $ cargo run -p tunnel-chat --example counting_tunnel -- 8080 localhost 7009
//! $ tunnel-chat localhost 8080
//! ```
//!
//! Notice where the two numbers live: each on the stack of the thread whose direction it counts.
//! The threads do not share them, so there is nothing to lock, and `join` hands the second one
//! over when its thread has ended.

use common::{Program, blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    panic,
    process::ExitCode,
    thread,
};

const PROGRAM: Program = Program {
    name: "counting_tunnel",
    usage: "counting_tunnel LOCAL_PORT HOST PORT",
    example: "cargo run -p tunnel-chat --example counting_tunnel -- 8080 localhost 7009",
};

/// How much a direction reads at a time, in bytes.
const BUFFER: usize = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let local_port = args.port("LOCAL_PORT")?;
        let (host, port) = args.target()?;
        run_server(&net::listen("127.0.0.1", local_port)?, &host, port)
    })
}

fn run_server(listener: &TcpListener, host: &str, port: u16) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        let host = host.to_string();
        net::spawn(peer, move || match net::connect(&host, port) {
            Ok(target) => match relay_both(&client, &target, peer) {
                Ok((outward, back)) => {
                    note(format_args!("{peer} left: {outward} bytes there, {back} bytes back"));
                }
                Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
            },
            Err(e) => note(format_args!("{peer}: {e}")),
        });
    }
}

/// Makes one connection out of two, until both directions have ended. Returns how many bytes
/// went to the target, and how many came back.
fn relay_both(
    client: &TcpStream,
    target: &TcpStream,
    peer: SocketAddr,
) -> io::Result<(u64, u64)> {
    thread::scope(|scope| {
        // not reported: the `join` below waits before the scope does
        let back = thread::Builder::new().name(format!("{peer} back"));
        let back = back.spawn_scoped(scope, || relay(target, client, peer))?;
        let outward = relay(client, target, peer);
        let back = blocking("join", || back.join());
        Ok((outward, back.unwrap_or_else(|panicked| panic::resume_unwind(panicked))))
    })
}

/// One direction, up to its end. Returns how many bytes went through, even if it broke.
fn relay(from: &TcpStream, to: &TcpStream, peer: SocketAddr) -> u64 {
    let mut relayed = 0;
    if let Err(e) = copy(from, to, &mut relayed) {
        note(format_args!("{peer}: a connection broke: {}", cause(&e)));
        // Both directions end, so that the other thread wakes up.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    } else {
        let _ = to.shutdown(Shutdown::Write);
    }
    relayed
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, copied: &mut u64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match blocking("read", || from.read(&mut buffer))? {
            0 => return Ok(()),
            length => {
                blocking("write", || to.write_all(&buffer[..length]))?;
                *copied += length as u64;
            }
        }
    }
}
