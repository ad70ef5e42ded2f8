//! arrivals: a load whose clients come at their own pace, however long the server takes.
//!
//! ```text
//! $ loadgen server 7008
//! $ cargo run -p loadgen --example arrivals -- 127.0.0.1 7008 --rate 40 --clients 200
//! ```
//!
//! The chapter's burst waits for its last session before the next burst begins: a slow server
//! is asked less often, and so looks better than it is. People do not do that; they come when
//! they come. Here each client has a moment at which it is due, and its clock starts then, even
//! if we ourselves were late. Notice what happens when the server cannot keep up: not every
//! session takes a little longer, but each takes longer than the one before.
//!
//! (The field calls the burst a closed loop and this an open one, and what the closed one does
//! not see coordinated omission.)

use common::{Args, Context, Error, Program, blocking, cause, net, note, say};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs},
    num::NonZeroU32,
    process::ExitCode,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

const PROGRAM: Program = Program {
    name: "arrivals",
    usage: "arrivals HOST PORT --rate CLIENTS_PER_SECOND [--clients N] [--message-bytes N]",
    example: "cargo run -p loadgen --example arrivals -- 127.0.0.1 7008 --rate 40",
};

/// How many clients come, and how much each sends, when nobody says otherwise.
const CLIENTS: u32 = 100;
const MESSAGE_BYTES: usize = 64 * 1024;

/// How long a client waits for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much a server may say before we stop listening to it, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let rate: Option<NonZeroU32> = args.option("--rate", "clients in a second")?;
        let rate = rate.ok_or(Error::Usage("--rate is missing".to_string()))?;
        let clients = args.option("--clients", "a number")?.unwrap_or(CLIENTS);
        let length = args.option("--message-bytes", "a number")?.unwrap_or(MESSAGE_BYTES);
        let (host, port) = (args.word("HOST")?, args.port("PORT")?);
        args.finish()?;
        let address = look_up(&host, port)?;
        run(address, clients, Duration::from_secs(1) / rate.get(), vec![b'x'; length])
    })
}

fn look_up(host: &str, port: u16) -> Result<SocketAddr, Error> {
    let cannot = format!("cannot connect to {}", net::address(host, port));
    let mut addresses =
        blocking("getaddrinfo", || (host, port).to_socket_addrs()).context(&cannot)?;
    addresses.next().ok_or_else(|| Error::failed(cannot, "no address"))
}

/// Starts a client whenever one is due, and waits for no other: then all of their results.
fn run(
    server: SocketAddr,
    clients: u32,
    apart: Duration,
    message: Vec<u8>,
) -> Result<(), Error> {
    let (message, (sender, results)) = (Arc::new(message), mpsc::channel());
    let begun = Instant::now();
    for number in 0..clients {
        let due = begun + apart * number;
        blocking("sleep", || thread::sleep(due.saturating_duration_since(Instant::now())));
        let (message, sender) = (Arc::clone(&message), sender.clone());
        let client = thread::Builder::new().name(format!("client {}", number + 1));
        client
            .spawn(move || {
                let result = session(server, &message);
                // Fails only when nobody listens any more, and then nobody misses it.
                let _ = sender.send(result.map(|()| due.elapsed()));
            })
            .context("cannot start a thread")?;
    }
    drop(sender); // when the last client has done the same, the channel is at its end
    let mut times = Vec::new();
    while let Ok(result) = blocking("recv", || results.recv()) {
        match result {
            Ok(time) => times.push(time),
            Err(e) => note(format_args!("a session failed: {}", cause(&e))),
        }
    }
    report(times, clients)
}

/// One client's session. It is not served unless the answer says what it must.
fn session(server: SocketAddr, message: &[u8]) -> io::Result<()> {
    let mut server = blocking("connect", || TcpStream::connect_timeout(&server, PATIENCE))?;
    server.set_read_timeout(Some(PATIENCE))?;
    server.set_write_timeout(Some(PATIENCE))?;
    if blocking("read", || server.read(&mut [0; 1024]))? == 0 {
        return Err(io::Error::other("closed before the intro"));
    }
    blocking("write", || server.write_all(message))?;
    server.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    blocking("read", || server.take(MAX_ANSWER).read_to_string(&mut answer))?;
    if answer.trim_end().ends_with(&format!("received {} bytes", message.len())) {
        return Ok(());
    }
    Err(io::Error::other("wrong answer"))
}

fn report(mut times: Vec<Duration>, clients: u32) -> Result<(), Error> {
    times.sort_unstable();
    let ms = |percent: usize| {
        let rank = (times.len() * percent).div_ceil(100);
        let time = times.get(rank.saturating_sub(1)).copied().unwrap_or_default();
        format!("{:.2}", time.as_secs_f64() * 1e3)
    };
    say(&format!(
        "{} of {clients} served; since each was due, in ms: p50 {}, p99 {}, max {}",
        times.len(),
        ms(50),
        ms(99),
        ms(100)
    ))?;
    if times.len() == clients as usize {
        return Ok(());
    }
    let unserved = clients as usize - times.len();
    Err(Error::Failed(format!("{unserved} of {clients} were not served").into()))
}
