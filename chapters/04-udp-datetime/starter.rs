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

// This is the starter. The command line is read (`options`, at the end of this file) and the
// socket is bound. Everything that sends or receives is yours to write. From `common` you will
// want `blocking` (around every call that waits), `LocalTime` (the clock), `say` (a line to
// stdout), `note` (a line to stderr), `cause` (an error in words) and `net::timed_out`.

// Delete this line when you begin; then the compiler lists what is written but not used yet.
#![allow(unused, clippy::ptr_arg)]

use common::{Args, Context, Error, LocalTime, Program, Role, blocking, cause, net, note, say};
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

/// Answers each datagram to the address that it came from. Where do you learn that address? Does
/// a second client have to wait until the first one leaves, and can a client leave at all? What
/// does a datagram of 0 bytes mean? Which errors end the server?
fn run_server(socket: &UdpSocket) -> ! {
    PROGRAM.exit(Error::failed("cannot serve", "run_server is not written yet"))
}

/// Sends the answer to `client`, if there is one. What can fail here, and whose problem is it?
fn reply(socket: &UdpSocket, request: &[u8], client: SocketAddr) {}

/// The answer to a request: the date as `2026-11-20` or the time as `09:05:00`, as it is at this
/// moment. White space around the request does not matter. Any other request, however long, gets
/// an answer that begins with `error:` and has at most 64 bytes. `None` means no answer at all,
/// for a datagram that itself begins with `error:`. What would two servers do without that rule?
fn answer(request: &[u8]) -> Option<String> {
    None
}

/// All addresses of the server: a name may have several. A datagram to 0.0.0.0 is answered from
/// 127.0.0.1. What does that mean for a client that looks at the sender?
fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    net::look_up(host, port)
}

/// Asks for the date or the time at random, prints the reply, pauses for `options.delay.random()`
/// and asks again, `options.count` times. What if no reply comes: is that the end of the program,
/// and what is its exit status?
fn run_client(mut servers: Vec<SocketAddr>, options: &Options) -> Result<(), Error> {
    Err(Error::failed("cannot ask", "run_client is not written yet"))
}

/// Asks one address after the other until one answers. How does the next request know which one
/// that was? What do you tell your user about the others?
fn ask_each(servers: &mut Vec<SocketAddr>, request: &str, timeout: Duration) -> Option<String> {
    None
}

/// One request and its reply. Which address and which port does the client's own socket have? A
/// reply to the request before this one may come late, just before this one is sent or just
/// after: how do you make sure that it is not taken for this one's?
fn ask(server: SocketAddr, request: &str, timeout: Duration) -> io::Result<String> {
    Err(io::Error::other("ask is not written yet"))
}

/// Waits for the server's datagram. Who else can send one to this socket? If a stranger sends
/// ten of them a second, when is the timeout over?
fn receive(socket: &UdpSocket, server: SocketAddr, timeout: Duration) -> io::Result<String> {
    Err(io::Error::other("receive is not written yet"))
}

mod options {
    //! What udp-datetime can be told on its command line, and the random numbers that its client
    //! needs. The lesson of the chapter is in `main.rs`.

    use common::{Args, Error, Role, Seconds};
    use std::{
        hash::{BuildHasher, RandomState},
        str::FromStr,
        time::Duration,
    };

    /// How the client asks.
    pub struct Options {
        /// How often it asks.
        pub count: u64,
        /// How long it pauses between two requests.
        pub delay: Delay,
        /// How long it waits for a reply.
        pub timeout: Duration,
    }

    /// The bounds of a random pause.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Delay {
        min: Duration,
        max: Duration,
    }

    /// Where `--delay` is not given.
    const DELAY: Delay = Delay { min: Duration::from_secs(1), max: Duration::from_secs(2) };

    /// Where `--timeout` is not given.
    const TIMEOUT: Duration = Duration::from_secs(1);

    /// Reads the whole command line. Only a client has options.
    pub fn take(mut args: Args) -> Result<(Role, Options), Error> {
        let count = args.option("--count", "a whole number")?;
        let delay = args.option("--delay", "MIN-MAX in seconds, MIN not over MAX")?;
        let timeout = args.seconds("--timeout")?;
        let given = count.is_some() || delay.is_some() || timeout.is_some();
        let role = args.role("127.0.0.1")?;
        if given && matches!(role, Role::Server { .. }) {
            return Err(Error::Usage("a server takes no option but --bind".to_string()));
        }
        let options = Options {
            count: count.unwrap_or(u64::MAX), // which takes longer than any of us has
            delay: delay.unwrap_or(DELAY),
            timeout: timeout.unwrap_or(TIMEOUT),
        };
        Ok((role, options))
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
        /// A random time between the two bounds.
        pub fn random(self) -> Duration {
            self.min + (self.max - self.min).mul_f64(random())
        }
    }

    /// A random number from 0 up to 1. std has no generator, but it gives each hash map a random
    /// key, so that an attacker cannot make its entries collide. So even the hash of `()` is a new
    /// random number each time.
    pub fn random() -> f64 {
        let bits = RandomState::new().hash_one(());
        (bits >> 11) as f64 / (1u64 << 53) as f64 // an f64 holds 53 bits exactly
    }
}
