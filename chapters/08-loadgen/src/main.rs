//! loadgen: a server under load, and the load.
//!
//! ```text
//! $ loadgen server 7008
//! $ loadgen 127.0.0.1 7008 --clients 10,100,1000 --svg load.svg
//! ```
//!
//! The server has a thread for each client, as in chapter 3. The load is as many threads,
//! which all connect at the same moment. Notice who is slow when it grows: no program. Until
//! the server calls `accept`, the kernel keeps its connections in a queue of 128 (std asks
//! for so many), and drops without a word what does not fit. The client's kernel asks again
//! after one second: so the slowest clients need a second more than the others. Or its kernel
//! believes that it is connected and the server's has forgotten it: then it waits for ever.
//!
//! What to read: [`server`] is what is measured, [`session`] what one client does and how
//! long that took, [`burst`] how all begin at once. The other modules tell about it.

mod burst;
mod graph;
mod kernel;
mod numbers;
mod report;
mod server;
mod session;
mod step;
mod timeline;

use common::{Args, Context, Error, Program, Role, Seconds, blocking, net};
use std::{
    net::{SocketAddr, ToSocketAddrs},
    num::NonZeroU32,
    process::ExitCode,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

const PROGRAM: Program = Program {
    name: "loadgen",
    usage: "loadgen server PORT [--bind ADDR]
loadgen HOST PORT [--clients N,N,...] [--message-bytes N] [--rounds N]
        [--timeout SECONDS] [--no-intro] [--csv FILE] [--svg FILE]",
    example: "loadgen 127.0.0.1 7008 --clients 10,100 --csv load.csv --svg load.svg",
};

/// How many clients come at once, one number after the other, when nobody says otherwise.
const CLIENTS: [usize; 7] = [10, 20, 50, 100, 200, 500, 1000];

/// The message that every client sends, in bytes.
const MESSAGE_BYTES: u64 = 64 * 1024;

/// How long a session may take from its first call to its last.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest timeout that one may ask for: a day.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// What the command line asks of the client.
#[derive(Default, PartialEq)]
struct Options {
    clients: Option<Counts>,
    message_bytes: Option<u64>,
    rounds: Option<NonZeroU32>,
    timeout: Option<Seconds>,
    no_intro: bool,
    csv: Option<String>,
    svg: Option<String>,
}

/// Numbers of clients, each from 1 to [`MOST`]: `10,20,50`.
#[derive(PartialEq)]
struct Counts(Vec<usize>);

/// More clients than any machine has threads for.
const MOST: usize = 1_000_000;

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let options = Options::take(&mut args)?;
        match args.role("127.0.0.1")? {
            Role::Server { .. } if options != Options::default() => {
                Err(Error::Usage("the server has one option, --bind".to_string()))
            }
            Role::Server { bind, port } => match server::run(&net::listen(&bind, port)?)? {},
            Role::Client { host, port } => run(&host, port, options),
        }
    })
}

/// The whole sweep: a burst of clients for each number, `rounds` times, and a row for it.
fn run(host: &str, port: u16, options: Options) -> Result<(), Error> {
    let mut report = report::Report::open(options.csv, options.svg)?;
    let task = Arc::new(session::Task {
        target: net::address(host, port),
        addresses: look_up(host, port)?,
        message_bytes: options.message_bytes.unwrap_or(MESSAGE_BYTES),
        timeout: options.timeout.map_or(TIMEOUT, |Seconds(time)| time),
        intro: !options.no_intro,
    });
    let clients = options.clients.map_or(CLIENTS.to_vec(), |Counts(numbers)| numbers);
    let rounds = options.rounds.map_or(1, NonZeroU32::get);
    let mut kernel = kernel::Kernel::open();
    report.begin()?;
    for clients in clients {
        report.add(burst::run(clients, rounds, &task, &mut kernel)?)?;
    }
    report.end()
}

/// Asks for the server's addresses once, before the run: a thousand threads that look up the
/// same name would measure the name server.
fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    blocking("getaddrinfo", || (host, port).to_socket_addrs())
        .context(format_args!("cannot connect to {}", net::address(host, port)))
        .map(Iterator::collect)
}

impl Options {
    fn take(args: &mut Args) -> Result<Options, Error> {
        let options = Options {
            clients: args
                .option("--clients", "numbers like 10,20,50, each from 1 to 1000000")?,
            message_bytes: args.option("--message-bytes", "a number of bytes")?,
            rounds: args.option("--rounds", "a number of at least 1")?,
            timeout: args.option("--timeout", "a number of seconds")?,
            no_intro: args.flag("--no-intro"),
            csv: args.option("--csv", "a file")?,
            svg: args.option("--svg", "a file")?,
        };
        let timeout = options.timeout.map_or(TIMEOUT, |Seconds(time)| time);
        if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
            return Err(Error::Usage(
                "--timeout must be over 0, and a day at most".to_string(),
            ));
        }
        Ok(options)
    }
}

impl FromStr for Counts {
    type Err = ();

    fn from_str(text: &str) -> Result<Counts, ()> {
        let count = |word: &str| word.parse().ok().filter(|count| (1..=MOST).contains(count));
        text.split(',').map(count).collect::<Option<_>>().map(Counts).ok_or(())
    }
}
