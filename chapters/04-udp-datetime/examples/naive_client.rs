//! naive_client: sends each line that its user types as a datagram, and prints what arrives next.
//!
//! ```text
//! $ cargo run -p udp-datetime --example naive_client -- 127.0.0.1 7004
//! ```
//!
//! It works, and nearly everything about it is wrong. It waits forever for a reply that was
//! lost, it believes every sender, and it takes a late reply for the next one. Chapter 4 of the
//! book shows how each of these goes wrong. `--timeout` and `--connect` each cure a part of it.

use common::{Args, Context, Error, Program, blocking, cause, note, say, typed};
use std::{io, net::UdpSocket, process::ExitCode};

const PROGRAM: Program = Program {
    name: "naive_client",
    usage: "naive_client HOST PORT [--timeout SECONDS] [--connect]",
    example: "cargo run -p udp-datetime --example naive_client -- 127.0.0.1 7004",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let timeout = args.seconds("--timeout")?;
        let connect = args.flag("--connect");
        let (host, port) = args.target()?;
        let socket = UdpSocket::bind("0.0.0.0:0").context("cannot open a socket")?;
        socket.set_read_timeout(timeout).context("cannot set a timeout")?;
        if connect {
            // Waits for nothing: the kernel only notes the server's address in our socket.
            socket.connect((host.as_str(), port)).context("cannot connect")?;
        }
        run_client(&socket, (&host, port), connect)
    })
}

/// One socket for all requests.
fn run_client(socket: &UdpSocket, server: (&str, u16), connected: bool) -> Result<(), Error> {
    let mut buffer = [0; 512];
    while let Some(request) = typed()? {
        let request = request.as_bytes();
        if connected {
            blocking("send", || socket.send(request)).context("cannot send")?;
        } else {
            blocking("send_to", || socket.send_to(request, server)).context("cannot send")?;
        }
        // Blocks until a datagram arrives, from anyone and for whatever reason.
        match blocking("recv_from", || socket.recv_from(&mut buffer)) {
            Ok((length, _)) => say(&String::from_utf8_lossy(&buffer[..length]))?,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => note("no reply"),
            Err(e) => note(format_args!("cannot receive: {}", cause(&e))),
        }
    }
    Ok(())
}
