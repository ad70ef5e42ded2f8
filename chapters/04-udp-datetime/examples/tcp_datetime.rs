//! tcp_datetime: exercise 4.7, the date and the time by TCP, a connection for each request.
//!
//! ```text
//! $ cargo run -p udp-datetime --example tcp_datetime -- 7004
//! $ echo SEND_TIME | dumb-net 127.0.0.1 7004
//! ```
//!
//! The service is the same, and nothing is lost any more: `connect` fails at once if no program
//! listens, and the kernel sends again what was lost. The price is three packets before the
//! first byte, up to four after the last, and memory at both ends, so that a client which
//! connects and says nothing holds a thread here. The protocol is still stateless, because the
//! server forgets a client with its connection.

use common::{LocalTime, Program, cause, net, note};
use std::{
    io::{self, BufReader},
    net::{TcpListener, TcpStream},
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "tcp_datetime",
    usage: "tcp_datetime PORT [--bind ADDR]",
    example: "cargo run -p udp-datetime --example tcp_datetime -- 7004",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let bind = args.bind("127.0.0.1")?;
        let port = args.port("PORT")?;
        args.finish()?;
        run_server(&net::listen(&bind, port)?)
    })
}

/// A thread for each client, so that one that says nothing keeps no other client waiting. The
/// server of datagrams needs none, because a datagram is never half there.
fn run_server(listener: &TcpListener) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        net::spawn(peer, move || {
            if let Err(e) = session(&client) {
                note(format_args!("{peer} left: {}", cause(&e)));
            }
            net::hang_up(&client);
        });
    }
}

/// One line in, one line out. Blocks until the client has sent its line, or closed.
fn session(client: &TcpStream) -> io::Result<()> {
    let line = match net::read_line(&mut BufReader::new(client)) {
        Ok(Some(request)) => answer(request.trim()),
        Ok(None) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => format!("error: {e}"),
        Err(e) => return Err(e),
    };
    net::write_line(client, &line)
}

/// Here an error can be answered with an error: the client has connected, so its address is not
/// forged.
fn answer(request: &str) -> String {
    let now = LocalTime::now();
    match request {
        "SEND_DATE" => format!("{:04}-{:02}-{:02}", now.year, now.month, now.day),
        "SEND_TIME" => format!("{:02}:{:02}:{:02}", now.hour, now.minute, now.second),
        _ => "error: ask SEND_DATE or SEND_TIME".to_string(),
    }
}
