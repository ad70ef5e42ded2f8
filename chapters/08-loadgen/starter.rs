//! loadgen: a server under load, and the load.
//!
//! Yours to write, from the top: [`serve`], which is chapter 3's server with another
//! conversation; [`session`], one client's side of it; [`burst`], in which many clients start
//! at the same moment. What stands here already reads the command line and prints a line for
//! each number of clients. Then go on: how long did connecting take, and the whole session?
//! Not the mean: the median, and the slowest. Which failures were there, of which kind?

use common::{Args, Error, Program, Role, net, put};
use std::{
    io,
    net::{TcpListener, TcpStream},
    num::ParseIntError,
    process::ExitCode,
    str::FromStr,
};

const PROGRAM: Program = Program {
    name: "loadgen",
    usage: "loadgen server PORT [--bind ADDR]
loadgen HOST PORT [--clients N,N,...] [--message-bytes N]",
    example: "loadgen 127.0.0.1 7008 --clients 10,100",
};

/// Numbers of clients: `10,20,50`.
struct Counts(Vec<usize>);

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let clients = args.option("--clients", "numbers like 10,20,50")?;
        let message_bytes = args.option("--message-bytes", "a number of bytes")?;
        let Counts(clients) = clients.unwrap_or(Counts(vec![10, 20, 50, 100, 200, 500, 1000]));
        match args.role("127.0.0.1")? {
            Role::Server { bind, port } => run_server(&net::listen(&bind, port)?),
            Role::Client { host, port } => {
                run_clients(&host, port, &clients, message_bytes.unwrap_or(65536))
            }
        }
    })
}

/// Waits for clients, and serves each on a thread of its own ([`net::accept`] and
/// [`net::spawn`] are what you wrote in chapter 3), for ever.
fn run_server(listener: &TcpListener) -> Result<(), Error> {
    let _ = (listener, serve);
    Err(Error::failed("cannot serve", "not written yet"))
}

/// One client's conversation: sends an intro line, reads until the client closes its sending
/// side, counting the bytes and keeping none of them, and answers `received N bytes`. The
/// count is returned.
fn serve(client: &TcpStream) -> io::Result<u64> {
    let _ = client;
    Err(io::Error::other("not written yet"))
}

/// A burst for each number of clients, and a line about each.
fn run_clients(host: &str, port: u16, numbers: &[usize], bytes: u64) -> Result<(), Error> {
    let mut all_served = true;
    for &clients in numbers {
        let served = burst(host, port, clients, bytes);
        put(format!("{clients} clients: {served} served\n").as_bytes())?;
        all_served &= served == clients;
    }
    if all_served {
        Ok(())
    } else {
        Err(Error::Failed("some sessions failed".to_string().into()))
    }
}

/// Starts that many threads, lets all of them begin at the same moment (std has a `Barrier`
/// for it), waits for all, and returns how many sessions were served. A session that fails
/// must not take the others along.
fn burst(host: &str, port: u16, clients: usize, bytes: u64) -> usize {
    let _ = (host, port, clients, bytes, session);
    0
}

/// One session: connects, reads the intro, sends a message of so many bytes, closes the
/// sending side, reads the answer to its end, and checks that it says `received N bytes`. Your
/// clock must start before `connect`, and no call may wait for ever: `connect_timeout`,
/// `set_read_timeout` and `set_write_timeout`, each with the time that is left.
fn session(host: &str, port: u16, bytes: u64) -> io::Result<()> {
    let _ = (host, port, bytes);
    Err(io::Error::other("not written yet"))
}

impl FromStr for Counts {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Counts, ParseIntError> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Counts)
    }
}
