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
//!
//! This is the starter: it binds its socket, and then `run`, `answer`, `keep_asking`, `ask` and
//! `receive` are yours. From `common` you will want `blocking` (around every call that waits),
//! `LocalTime` (chapter 4's clock), `say` (a line to stdout), `note` (a line to stderr) and
//! `cause` (an error in words).

// Delete this line when you begin: the compiler then lists what is written and not used yet.
#![allow(dead_code)]

use common::{Args, Context, Error, Program, Role, Seconds, net, note};
use std::{
    hash::{BuildHasher, RandomState},
    io,
    net::{SocketAddr, UdpSocket},
    process::ExitCode,
    str::FromStr,
    time::Duration,
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
            Role::Client { host, port } => keep_asking(&host, port, &options),
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

/// Answers each datagram to where it came from, and forgets it. Where do you learn whom to
/// answer? Does a second client have to wait for the first one to leave, and can it leave? What
/// does a datagram of 0 bytes mean here? Which errors end the server?
fn run(_socket: &UdpSocket) -> Result<(), Error> {
    Err(Error::failed("run", "not written yet"))
}

/// The answer to a request: the date as `2026-11-20`, the time as `09:05:00`, each as it is at
/// this moment, or `error: …` in at most 64 bytes, however long the request was. White space
/// around the request does not matter. `None`: no answer at all, for what begins with `error:`.
/// What would two servers do otherwise, when one of them got the other's answer as a request?
fn answer(_request: &[u8]) -> Option<String> {
    None
}

/// The client: asks for the date or the time by chance, prints the reply, pauses for a random
/// time ([`Delay::random`]), and asks again. What if no reply came: is the run over, and what
/// is its exit status? A name may have several addresses (`ToSocketAddrs`): how do you learn
/// which of them the server is at?
fn keep_asking(_host: &str, _port: u16, _options: &Options) -> Result<(), Error> {
    Err(Error::failed("keep_asking", "not written yet"))
}

/// One request and its reply. Which address and which port does the client's own socket have?
/// A reply to the last request may come late, just before this one is sent or just behind it:
/// how do you make sure that it is not taken for this one's?
fn ask(_server: SocketAddr, _request: &str, _timeout: Duration) -> io::Result<String> {
    Err(io::Error::other("ask is not written yet"))
}

/// Waits for the server's datagram. Who else can send one to this socket? If a stranger sends
/// ten of them a second, when is the timeout over?
fn receive(_socket: &UdpSocket, _server: SocketAddr, _timeout: Duration) -> io::Result<String> {
    Err(io::Error::other("receive is not written yet"))
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
