//! udp-datetime, to be written: the date and the time by UDP.
//!
//! ```text
//! $ udp-datetime server 7004
//! $ udp-datetime 127.0.0.1 7004
//! ```
//!
//! The command line is read already; [`run`] and [`keep_asking`] are yours. Write each call
//! that can wait as `blocking("recv_from", || socket.recv_from(&mut datagram))`, and look at
//! it with `BLOCKING=1`. Chapter 4 of the book tells what the calls do.

use common::{Args, Attempt, Error, Program, Role, Seconds, net, note};
use std::{
    convert::Infallible,
    hash::{BuildHasher, RandomState},
    net::UdpSocket,
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
            Role::Server { bind, port } => match run(&open(&bind, port)?)? {},
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

/// `bind` is all that a UDP server needs: from now on the kernel keeps what is sent to this
/// port, for whoever calls `recv_from`.
fn open(bind: &str, port: u16) -> Result<UdpSocket, Error> {
    let socket = UdpSocket::bind((bind, port))
        .attempt(format_args!("cannot listen on {}", net::address(bind, port)))?;
    note(format_args!("listening on {}", socket.local_addr().attempt("cannot listen")?));
    Ok(socket)
}

/// The server. Write it, without a thread:
///
/// - Wait for a datagram, and send the answer to the address that `recv_from` gives with it.
/// - `SEND_DATE` is answered with `2026-11-20`, `SEND_TIME` with `09:05:00`, the local time of
///   this moment (`common::LocalTime`); white space around the request does not matter.
/// - Any other request, an empty one too, is answered with `error: …` and at most 64 bytes;
///   but one that begins with `error:` is not answered. What would two servers do otherwise?
/// - Nothing that comes in, and no call that fails, ends the server.
fn run(socket: &UdpSocket) -> Result<Infallible, Error> {
    Err(Error::failed(format_args!("{socket:?}"), "the server is not written yet"))
}

/// The client. Write it:
///
/// - Ask for the date or the time, by chance (`random() < 0.5`), print the reply (`common::say`),
///   pause for `delay.random()`, and ask again: for ever, or `options.count` times.
/// - A reply that is not there in time (`set_read_timeout`) is a warning on stderr; go on.
/// - A datagram that another address has sent is no reply, and does not make the wait longer.
/// - What came before the request was sent is no reply to it. (How do you make sure?)
fn keep_asking(host: &str, port: u16, options: &Options) -> Result<(), Error> {
    let pause = options.delay.unwrap_or(DELAY).random();
    let Seconds(timeout) = options.timeout.unwrap_or(TIMEOUT);
    let plan =
        format!("would wait {timeout:?} for {}, then {pause:?}", net::address(host, port));
    Err(Error::failed(plan, "the client is not written yet"))
}
