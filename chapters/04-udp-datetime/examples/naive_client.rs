//! naive_client: sends each line that its user types as a datagram, and prints what arrives next.
//!
//! ```text
//! $ cargo run -p udp-datetime --example naive_client -- 127.0.0.1 7004
//! ```
//!
//! It works, and nearly everything about it is wrong. It waits forever for a reply that was
//! lost, it believes every sender, and it takes a late reply for the next one. Chapter 4 of the
//! book shows how each of these goes wrong. `--timeout` cures the first, and only the first. (And
//! its socket is one of IPv4, so it cannot ask `::1`.)

use common::{Context, Error, Program, blocking, net, note, say, typed};
use std::{net::UdpSocket, process::ExitCode};

const PROGRAM: Program = Program {
    name: "naive_client",
    usage: "naive_client HOST PORT [--timeout SECONDS]",
    example: "cargo run -p udp-datetime --example naive_client -- 127.0.0.1 7004",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let timeout = args.seconds("--timeout")?;
        let (host, port) = args.target()?;
        let socket = UdpSocket::bind("0.0.0.0:0").context("cannot open a socket")?;
        socket.set_read_timeout(timeout).context("cannot set a timeout")?;
        run_client(&socket, &host, port)
    })
}

/// One socket for all requests, and no look at who answers.
fn run_client(socket: &UdpSocket, host: &str, port: u16) -> Result<(), Error> {
    let mut buffer = [0; 512];
    while let Some(request) = typed()? {
        blocking("send_to", || socket.send_to(request.as_bytes(), (host, port)))
            .context("cannot send")?;
        // Blocks until a datagram arrives, from anyone and for whatever reason.
        match blocking("recv_from", || socket.recv_from(&mut buffer)) {
            Ok((length, _)) => say(&String::from_utf8_lossy(&buffer[..length]))?,
            Err(e) if net::timed_out(&e) => note("no reply"),
            Err(e) => return Err(e).context("cannot receive"),
        }
    }
    Ok(())
}
