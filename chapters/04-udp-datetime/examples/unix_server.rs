//! unix_server: exercise 4.7, a third request. SEND_UNIX asks for the seconds since 1970.
//!
//! ```text
//! $ cargo run -p udp-datetime --example unix_server -- 7004
//! $ echo SEND_UNIX | nc -u -w 1 127.0.0.1 7004
//! ```
//!
//! A server without memory grows by one line, because there is no session that a new request
//! could disturb, and old clients notice nothing. The seconds know no time zone: two servers at
//! two ends of the world give the same answer, as they do not for dates and times.

use common::{Context, Error, LocalTime, Program, blocking, cause, net, note};
use std::{
    net::UdpSocket,
    process::ExitCode,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const PROGRAM: Program = Program {
    name: "unix_server",
    usage: "unix_server PORT [--bind ADDR]",
    example: "cargo run -p udp-datetime --example unix_server -- 7004",
};

/// Room for any datagram, in bytes.
const MAX_DATAGRAM: usize = 64 * 1024;

/// How long the server leaves its socket alone after an error.
const RECEIVE_PAUSE: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let bind = args.bind("127.0.0.1")?;
        let port = args.port("PORT")?;
        args.finish()?;
        run_server(&open(&bind, port)?)
    })
}

/// From now on the kernel keeps what is sent to this port until the program picks it up.
fn open(bind: &str, port: u16) -> Result<UdpSocket, Error> {
    let socket = UdpSocket::bind((bind, port))
        .context(format_args!("cannot listen on {}", net::address(bind, port)))?;
    note(format_args!("listening on {}", socket.local_addr().context("cannot listen")?));
    Ok(socket)
}

/// Answers each datagram to where it came from, as chapter 4's server does.
fn run_server(socket: &UdpSocket) -> ! {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        // Blocks until a datagram arrives, from anyone.
        match blocking("recv_from", || socket.recv_from(&mut buffer)) {
            Ok((length, client)) => {
                let Some(text) = answer(&buffer[..length]) else { continue };
                let sent = blocking("send_to", || socket.send_to(text.as_bytes(), client));
                if let Err(e) = sent {
                    note(format_args!("cannot answer {client}: {}", cause(&e)));
                }
            }
            Err(e) => {
                note(format_args!("cannot receive: {}", cause(&e)));
                blocking("sleep", || thread::sleep(RECEIVE_PAUSE));
            }
        }
    }
}

/// The answer to a request, from nothing but the request and the clock.
fn answer(request: &[u8]) -> Option<String> {
    match request.trim_ascii() {
        b"SEND_DATE" => {
            let now = LocalTime::now();
            Some(format!("{:04}-{:02}-{:02}", now.year, now.month, now.day))
        }
        b"SEND_TIME" => {
            let now = LocalTime::now();
            Some(format!("{:02}:{:02}:{:02}", now.hour, now.minute, now.second))
        }
        // A clock that is set before 1970 counts as 1970 here.
        b"SEND_UNIX" => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Some(since.as_secs().to_string())
        }
        other if other.starts_with(b"error:") => None,
        _ => Some("error: ask SEND_DATE, SEND_TIME or SEND_UNIX".to_string()),
    }
}
