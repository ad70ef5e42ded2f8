//! unix_server: exercise 4.7, a third request. SEND_UNIX asks for the seconds since 1970.
//!
//! ```text
//! $ cargo run --example unix_server -- 7004
//! $ echo SEND_UNIX | nc -u -w 1 127.0.0.1 7004
//! ```
//!
//! A server without memory grows by one line: there is no session whose course a new request
//! could change. And old clients notice nothing. The seconds know no time zone: two servers
//! at two ends of the world give the same answer, which dates and times do not.

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
    example: "cargo run --example unix_server -- 7004",
};

/// Room for any datagram, in bytes.
const MAX_DATAGRAM: usize = 64 * 1024;

/// How long to leave a socket alone that cannot receive.
const RECEIVE_PAUSE: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let bind = args.option("--bind", "an address")?;
        let bind = bind.unwrap_or_else(|| "127.0.0.1".to_string());
        let port = args.port("PORT")?;
        args.finish()?;
        run(&bind, port)
    })
}

/// Answers each datagram to where it came from, as chapter 4's server does.
fn run(bind: &str, port: u16) -> Result<(), Error> {
    let attempt = format!("cannot listen on {}", net::address(bind, port));
    let socket = UdpSocket::bind((bind, port)).context(&attempt)?;
    note(format_args!("listening on {}", socket.local_addr().context(&attempt)?));
    let mut datagram = vec![0; MAX_DATAGRAM];
    loop {
        // Blocks until a datagram is there, from anybody.
        match blocking("recv_from", || socket.recv_from(&mut datagram)) {
            Ok((length, client)) => {
                let Some(text) = answer(&datagram[..length]) else { continue };
                if let Err(e) = blocking("send_to", || socket.send_to(text.as_bytes(), client))
                {
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
