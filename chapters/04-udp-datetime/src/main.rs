//! udp-datetime: the date and the time by UDP, one datagram there and one back.
//!
//! ```text
//! $ udp-datetime server 7004
//! $ udp-datetime 127.0.0.1 7004
//! ```
//!
//! UDP has no connections: nothing is accepted and nothing is closed, and every datagram
//! brings its sender's address along. So the server serves any number of clients with one
//! socket and no thread, and remembers none of them: it is stateless. Notice what this costs
//! the client. A datagram may be lost, so it must bound its wait; anybody may send it one,
//! and a late one, so it must make sure that what came is the answer to what it asked.

use common::{
    Args, Context, Error, LocalTime, Program, Role, Seconds, blocking, cause, net, note, say,
};
use std::{
    hash::{BuildHasher, RandomState},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket},
    process::ExitCode,
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

const PROGRAM: Program = Program {
    name: "udp-datetime",
    usage: "udp-datetime server PORT [--bind ADDR]\n\
            udp-datetime HOST PORT [--count N] [--delay MIN-MAX] [--timeout SECONDS]",
    example: "udp-datetime server 7004",
};

/// The two requests that there are.
const SEND_DATE: &str = "SEND_DATE";
const SEND_TIME: &str = "SEND_TIME";

/// Room for any datagram, in bytes: its length is a 16-bit number. What does not fit into the
/// buffer of a `recv_from` is gone.
const MAX_DATAGRAM: usize = 64 * 1024;

/// How long the server leaves its socket alone when it cannot receive.
const RECEIVE_PAUSE: Duration = Duration::from_millis(10);

/// How long the client pauses between two requests, where `--delay` says nothing else.
const DELAY: Delay = Delay { min: Duration::from_secs(1), max: Duration::from_secs(2) };

/// How long the client waits for a reply, where `--timeout` says nothing else.
const TIMEOUT: Seconds = Seconds(Duration::from_secs(1));

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let options = Options::take(&mut args)?;
        match args.role("127.0.0.1")? {
            Role::Server { .. } if options != Options::default() => {
                Err(Error::Usage("a server takes no option but --bind".to_string()))
            }
            Role::Server { bind, port } => run(&open(&bind, port)?),
            Role::Client { host, port } => keep_asking(look_up(&host, port)?, &options),
        }
    })
}

/// What a client may be told on its command line.
#[derive(Default, PartialEq)]
struct Options {
    count: Option<u64>,
    delay: Option<Delay>,
    timeout: Option<Seconds>,
}

impl Options {
    fn take(args: &mut Args) -> Result<Options, Error> {
        Ok(Options {
            count: args.option("--count", "a whole number")?,
            delay: args.option("--delay", "MIN-MAX in seconds, MIN not over MAX")?,
            timeout: args.option("--timeout", "a number of seconds")?,
        })
    }
}

/// The bounds of a random pause.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Delay {
    min: Duration,
    max: Duration,
}

impl FromStr for Delay {
    type Err = ();

    fn from_str(text: &str) -> Result<Delay, ()> {
        let (min, max) = text.split_once('-').ok_or(())?;
        let (Seconds(min), Seconds(max)) = (min.parse()?, max.parse()?);
        if min <= max { Ok(Delay { min, max }) } else { Err(()) }
    }
}

/// `bind` is all that a UDP server needs: from now on the kernel keeps what is sent to this
/// port, for whoever calls `recv_from`.
fn open(bind: &str, port: u16) -> Result<UdpSocket, Error> {
    let socket = UdpSocket::bind((bind, port))
        .context(format_args!("cannot listen on {}", net::address(bind, port)))?;
    note(format_args!("listening on {}", socket.local_addr().context("cannot listen")?));
    Ok(socket)
}

/// Answers each datagram to where it came from, and forgets it. All clients wait in one queue,
/// but not for each other: no answer waits for any of them. (Once a minute one waits for the
/// system's `date`, which tells the time zone.)
fn run(socket: &UdpSocket) -> ! {
    let mut datagram = vec![0; MAX_DATAGRAM];
    loop {
        // Blocks until a datagram is there: a whole one, never half of one or two at once. One
        // of 0 bytes is a datagram like any other; there is no end that it could announce.
        match blocking("recv_from", || socket.recv_from(&mut datagram)) {
            Ok((length, client)) => reply(socket, &datagram[..length], client),
            Err(e) => {
                // Some systems tell us here that a reply of ours could not be delivered.
                note(format_args!("cannot receive: {}", cause(&e)));
                blocking("sleep", || thread::sleep(RECEIVE_PAUSE));
            }
        }
    }
}

/// Blocks only while the kernel has no room for one more datagram to send. It does not wait
/// for the client, who may be gone: we would not learn of it, and need not.
fn reply(socket: &UdpSocket, request: &[u8], client: SocketAddr) {
    let Some(text) = answer(request) else { return };
    if let Err(e) = blocking("send_to", || socket.send_to(text.as_bytes(), client)) {
        note(format_args!("cannot answer {client}: {}", cause(&e)));
    }
}

/// The answer to a request, made from nothing but the request and the clock; the calendar is
/// in `common/src/clock.rs`.
fn answer(request: &[u8]) -> Option<String> {
    let request = request.trim_ascii();
    if request == SEND_DATE.as_bytes() {
        let now = LocalTime::now();
        Some(format!("{:04}-{:02}-{:02}", now.year, now.month, now.day))
    } else if request == SEND_TIME.as_bytes() {
        let now = LocalTime::now();
        Some(format!("{:02}:{:02}:{:02}", now.hour, now.minute, now.second))
    } else if request.starts_with(b"error:") {
        // Another server's answer, perhaps because somebody forged our address as a client's.
        // Two servers that answer errors with errors would never stop.
        None
    } else {
        // Short, whatever the request was: its sender's address may be forged, and the owner
        // of that address has not asked for anything.
        Some(format!("error: ask {SEND_DATE} or {SEND_TIME}"))
    }
}

/// All addresses of the server. Blocks while the name is looked up.
fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let found = blocking("getaddrinfo", || (host, port).to_socket_addrs())
        .context(format_args!("cannot find {}", net::address(host, port)))?;
    Ok(found.collect())
}

/// The client: asks, prints, pauses, and asks again, whether an answer came or not.
fn keep_asking(mut servers: Vec<SocketAddr>, options: &Options) -> Result<(), Error> {
    let delay = options.delay.unwrap_or(DELAY);
    let Seconds(timeout) = options.timeout.unwrap_or(TIMEOUT);
    for round in 0..options.count.unwrap_or(u64::MAX) {
        if round > 0 {
            blocking("sleep", || thread::sleep(delay.random()));
        }
        let request = if random() < 0.5 { SEND_DATE } else { SEND_TIME };
        if let Some(reply) = ask_each(&mut servers, request, timeout) {
            say(&reply)?;
        }
    }
    Ok(())
}

/// Asks one address after the other until one answers, and from then on that one alone. TCP's
/// `connect` says at once that nobody is there; a UDP socket that is not connected hears only
/// the silence, and a whole timeout passes each time.
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

/// One request and its reply, on a socket of their own. The next request has another port
/// (almost surely: the kernel draws it from some 28,000), so a reply that comes too late finds
/// nobody, and is not taken for the next one's.
fn ask(server: SocketAddr, request: &str, timeout: Duration) -> io::Result<String> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?; // port 0: any that is free
    blocking("send_to", || socket.send_to(request.as_bytes(), server))?;
    receive(&socket, server, timeout)
}

/// Waits for the server's datagram. Anybody else's is not heard, and does not make the wait
/// longer: each turn waits for what is left of the timeout.
fn receive(socket: &UdpSocket, server: SocketAddr, timeout: Duration) -> io::Result<String> {
    let asked = Instant::now();
    let mut datagram = vec![0; MAX_DATAGRAM];
    loop {
        let left = timeout.saturating_sub(asked.elapsed());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("waited {timeout:?}")));
        }
        socket.set_read_timeout(Some(left))?;
        match blocking("recv_from", || socket.recv_from(&mut datagram)) {
            Ok((length, sender)) if sender == server => {
                let text = String::from_utf8_lossy(&datagram[..length]);
                return Ok(text.trim_end().to_string());
            }
            Ok(_) => {} // a stranger's
            Err(e) if woke_early(&e) => {}
            Err(e) => return Err(e),
        }
    }
}

/// The time may be up (systems disagree about that error's name), or a signal came.
fn woke_early(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

impl Delay {
    fn random(self) -> Duration {
        self.min + (self.max - self.min).mul_f64(random())
    }
}

/// A random number from 0 up to 1. std has no generator, but it keys each hash map at random,
/// so that nobody can make its entries collide: the hash of nothing under a new key is one.
fn random() -> f64 {
    let bits = RandomState::new().hash_one(());
    (bits >> 11) as f64 / (1u64 << 53) as f64 // 53 bits are what an f64 holds exactly
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_has_its_bounds_in_order() {
        let delay = "0.5-0.75".parse::<Delay>().unwrap();
        for _ in 0..1000 {
            let pause = delay.random();
            assert!(delay.min <= pause && pause < delay.max, "{pause:?}");
        }
        assert_eq!("1-1".parse::<Delay>().unwrap().random(), Duration::from_secs(1));
        for wrong in ["", "1", "-", "1-", "-1", "2-1", "1-2-3", "-1-2", "a-b"] {
            assert_eq!(wrong.parse::<Delay>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn random_numbers_fill_their_range() {
        let mut seen = [0; 10];
        for _ in 0..10_000 {
            seen[(random() * 10.0) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| (700..1300).contains(&count)), "{seen:?}");
    }
}
