//! udp-datetime: the date and the time by UDP, one datagram there and one back.
//!
//! ```text
//! $ udp-datetime server 7004
//! $ udp-datetime 127.0.0.1 7004
//! ```
//!
//! UDP has no connections. Nothing is accepted and nothing is closed, and every datagram brings
//! its sender's address along. So the server needs one socket and one thread for any number of
//! clients, and it remembers none of them: it is stateless. Notice what this costs the client.
//! A datagram may be lost, so the client has to limit its wait. Any program can send it one,
//! and a reply may be late, so it has to check that what arrived is the reply to its question.

mod options;

use common::{Context, Error, LocalTime, Program, Role, blocking, cause, net, note, say};
use options::{Options, random};
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

const PROGRAM: Program = Program {
    name: "udp-datetime",
    usage: "udp-datetime server PORT [--bind ADDR]\n\
            udp-datetime HOST PORT [--count N] [--delay MIN-MAX] [--timeout SECONDS]",
    example: "udp-datetime server 7004",
};

/// The two requests that the server knows.
const SEND_DATE: &str = "SEND_DATE";
const SEND_TIME: &str = "SEND_TIME";

/// Room for any datagram, in bytes: its length is a 16-bit number. What does not fit into the
/// buffer of a `recv_from` is lost.
const MAX_DATAGRAM: usize = 64 * 1024;

/// How long the server leaves its socket alone after an error.
const RECEIVE_PAUSE: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    PROGRAM.main(|args| {
        let (role, options) = options::take(args)?;
        match role {
            Role::Server { bind, port } => run_server(&open(&bind, port)?),
            Role::Client { host, port } => run_client(addresses(&host, port)?, &options),
        }
    })
}

/// `bind` is all that a UDP server needs: from now on the kernel keeps what is sent to this
/// port until the program picks it up.
fn open(bind: &str, port: u16) -> Result<UdpSocket, Error> {
    let socket = UdpSocket::bind((bind, port))
        .context(format_args!("cannot listen on {}", net::address(bind, port)))?;
    note(format_args!("listening on {}", socket.local_addr().context("cannot listen")?));
    Ok(socket)
}

/// Answers each datagram and forgets it. All clients wait in one queue, but no answer waits for
/// a client. (Once a minute one waits for the system's `date`, which knows the time zone.)
fn run_server(socket: &UdpSocket) -> ! {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        // Blocks until a datagram arrives, exactly one: never half a datagram, never two. One
        // of 0 bytes is a datagram like any other, because there is nothing that could end.
        match blocking("recv_from", || socket.recv_from(&mut buffer)) {
            Ok((length, client)) => reply(socket, &buffer[..length], client),
            Err(e) => {
                // Windows, for one, reports here that an earlier reply was not delivered.
                note(format_args!("cannot receive: {}", cause(&e)));
                blocking("sleep", || thread::sleep(RECEIVE_PAUSE));
            }
        }
    }
}

/// Sends the answer to the address that the request came from. Blocks only while the kernel has
/// no room for one more datagram. It does not wait for the client, which may be gone by now.
fn reply(socket: &UdpSocket, request: &[u8], client: SocketAddr) {
    let Some(text) = answer(request) else { return };
    if let Err(e) = blocking("send_to", || socket.send_to(text.as_bytes(), client)) {
        note(format_args!("cannot answer {client}: {}", cause(&e)));
    }
}

/// The answer to a request, made from nothing but the request and the clock.
fn answer(request: &[u8]) -> Option<String> {
    match String::from_utf8_lossy(request).trim() {
        SEND_DATE => {
            let now = LocalTime::now();
            Some(format!("{:04}-{:02}-{:02}", now.year, now.month, now.day))
        }
        SEND_TIME => {
            let now = LocalTime::now();
            Some(format!("{:02}:{:02}:{:02}", now.hour, now.minute, now.second))
        }
        // Another server's answer, perhaps to a request that was forged in our name. Two
        // servers that answer errors with errors would never stop.
        error if error.starts_with("error:") => None,
        // Short, however long the request was: its sender's address may be forged, and the
        // owner of that address has not asked for anything.
        _ => Some(format!("error: ask {SEND_DATE} or {SEND_TIME}")),
    }
}

/// All addresses of the server. A datagram to 0.0.0.0 reaches this machine, but the reply comes
/// from 127.0.0.1, where `receive` would take it for a stranger's. So we ask there.
fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let mut servers = net::look_up(host, port)?;
    for server in servers.iter_mut().filter(|server| server.ip().is_unspecified()) {
        let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
        server.set_ip(if server.is_ipv4() { v4 } else { v6 });
    }
    Ok(servers)
}

/// Asks, prints the reply, pauses, and asks again, whether a reply came or not.
fn run_client(mut servers: Vec<SocketAddr>, options: &Options) -> Result<(), Error> {
    for round in 0..options.count {
        if round > 0 {
            blocking("sleep", || thread::sleep(options.delay.random()));
        }
        let request = if random() < 0.5 { SEND_DATE } else { SEND_TIME };
        if let Some(reply) = ask_each(&mut servers, request, options.timeout) {
            say(&reply)?;
        }
    }
    Ok(())
}

/// Asks one address after the other until one answers, and from then on only that one. TCP's
/// `connect` says at once that no program listens there. UDP says nothing, so each address that
/// does not answer costs a whole timeout.
fn ask_each(servers: &mut Vec<SocketAddr>, request: &str, timeout: Duration) -> Option<String> {
    for at in 0..servers.len() {
        let server = servers[at];
        match ask(server, request, timeout) {
            Ok(reply) => {
                *servers = vec![server];
                return Some(reply);
            }
            Err(e) => note(format_args!("warning: no reply from {server}: {}", cause(&e))),
        }
    }
    None
}

/// One request and its reply, on a socket of their own. The next request will almost surely
/// come from another port (Linux picks one of about 28,000), so a reply that arrives too late
/// finds no socket, and is not taken for the reply to the next request.
fn ask(server: SocketAddr, request: &str, timeout: Duration) -> io::Result<String> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?; // port 0: any that is free
    blocking("send_to", || socket.send_to(request.as_bytes(), server))?;
    receive(&socket, server, timeout)
}

/// Waits for the server's datagram. A stranger's is ignored, and does not make the wait longer,
/// because each turn waits for what is left of the timeout.
fn receive(socket: &UdpSocket, server: SocketAddr, timeout: Duration) -> io::Result<String> {
    let asked = Instant::now();
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let left = timeout.saturating_sub(asked.elapsed());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("waited {timeout:?}")));
        }
        socket.set_read_timeout(Some(left))?;
        // Blocks until a datagram arrives, from anyone, or the time is up.
        match blocking("recv_from", || socket.recv_from(&mut buffer)) {
            Ok((length, sender)) if sender == server => {
                let text = String::from_utf8_lossy(&buffer[..length]);
                return Ok(text.trim_end().to_string());
            }
            Ok(_) => {} // a stranger's
            Err(e) if net::timed_out(&e) || e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
