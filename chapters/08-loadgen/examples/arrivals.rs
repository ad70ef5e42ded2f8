//! arrivals: a load whose clients come at their own pace, however long the server takes.
//!
//! ```text
//! $ loadgen server 7008
//! $ cargo run -p loadgen --example arrivals -- 127.0.0.1 7008 --rate 40 --clients 200
//! ```
//!
//! The chapter's clients wait for the slowest of them before the next round begins. So a slow
//! server is asked less often, and looks better than it is: the measurement adapts itself to
//! what it measures. The field calls this coordinated omission. People do not adapt; they come
//! when they come. Here each client has a moment at which it is due, and its clock starts then,
//! even if we were late ourselves. Notice what happens when the server cannot keep up: it is not
//! that every session takes a little longer, but that each takes longer than the one before.

use common::{Context, Error, Program, blocking, cause, net, note, say};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    num::NonZeroU32,
    process::ExitCode,
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

const PROGRAM: Program = Program {
    name: "arrivals",
    usage: "arrivals HOST PORT --rate CLIENTS_PER_SECOND [--clients N] [--message-bytes N]
         [--timeout SECONDS]",
    example: "cargo run -p loadgen --example arrivals -- 127.0.0.1 7008 --rate 40",
};

/// What the command line may leave out: how many clients come, how much each of them sends, and
/// how long it waits for any one thing.
const CLIENTS: u32 = 100;
const MESSAGE_BYTES: usize = 64 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an answer we read before we stop listening, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// What every client is to do.
struct Task {
    addresses: Vec<SocketAddr>,
    message: Vec<u8>,
    timeout: Duration,
}

/// How long a client was served for, or what went wrong; in both cases since it was due.
type Outcome = (Duration, io::Result<()>);

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let rate: NonZeroU32 = args.required("--rate", "clients in a second")?;
        let clients = args.option("--clients", "a number")?.unwrap_or(CLIENTS);
        let length = args.option("--message-bytes", "a number")?.unwrap_or(MESSAGE_BYTES);
        let timeout = args.seconds("--timeout")?.unwrap_or(TIMEOUT);
        let (host, port) = args.target()?;
        let addresses = net::look_up(&host, port)?;
        let task = Arc::new(Task { addresses, message: vec![b'x'; length], timeout });
        report(&run_clients(clients, Duration::from_secs(1) / rate.get(), &task)?)
    })
}

/// Starts a client whenever one is due, waiting for no other, and then collects what came of
/// them.
fn run_clients(
    clients: u32,
    apart: Duration,
    task: &Arc<Task>,
) -> Result<Receiver<Outcome>, Error> {
    let (sender, outcomes) = mpsc::channel();
    let begun = Instant::now();
    for number in 0..clients {
        let due = begun + apart * number;
        blocking("sleep", || thread::sleep(due.saturating_duration_since(Instant::now())));
        let (task, sender) = (Arc::clone(task), sender.clone());
        let client = move || {
            let result = session(&task);
            // It fails only if nobody listens any more, and then nobody misses it.
            let _ = sender.send((due.elapsed(), result));
        };
        let thread = thread::Builder::new().name(format!("client {}", number + 1));
        thread.spawn(client).context("cannot start a thread")?;
    }
    Ok(outcomes)
}

/// One client's session. It was not served unless the answer says what it should.
fn session(task: &Task) -> io::Result<()> {
    let mut server = connect(task)?;
    server.set_read_timeout(Some(task.timeout))?;
    server.set_write_timeout(Some(task.timeout))?;
    // Unlike a single `read`, `read_to_end` goes on after a signal.
    let mut first = Vec::new();
    if blocking("read", || (&server).take(1).read_to_end(&mut first))? == 0 {
        return Err(io::Error::other("closed before the intro"));
    }
    blocking("write", || server.write_all(&task.message))?;
    server.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    blocking("read", || server.take(MAX_ANSWER).read_to_string(&mut answer))?;
    if answer.trim_end().ends_with(&format!("received {} bytes", task.message.len())) {
        return Ok(());
    }
    Err(io::Error::other("wrong answer"))
}

/// Tries each address. The error is that of the last one.
fn connect(task: &Task) -> io::Result<TcpStream> {
    let mut result = Err(ErrorKind::AddrNotAvailable.into());
    for address in &task.addresses {
        result = blocking("connect", || TcpStream::connect_timeout(address, task.timeout));
        if result.is_ok() {
            break;
        }
    }
    result
}

/// The percentiles are of the sessions that were served or timed out. To leave out those that
/// timed out would be to ask the survivors alone; any other failure says nothing about time.
fn report(outcomes: &Receiver<Outcome>) -> Result<(), Error> {
    let (mut times, mut served, mut all) = (Vec::new(), 0, 0);
    // Blocks until the next session ends, or all of them have ended.
    while let Ok((time, result)) = blocking("recv", || outcomes.recv()) {
        all += 1;
        match result {
            Ok(()) => served += 1,
            Err(e) if net::timed_out(&e) => note("a session failed: timed out"),
            Err(e) => {
                note(format_args!("a session failed: {}", cause(&e)));
                continue;
            }
        }
        times.push(time);
    }
    times.sort_unstable();
    let ms = |percent: usize| {
        let rank = (times.len() * percent).div_ceil(100);
        let time = times.get(rank.saturating_sub(1)).copied().unwrap_or_default();
        format!("{:.2}", time.as_secs_f64() * 1e3)
    };
    let [p50, p99, max] = [50, 99, 100].map(ms);
    say(&format!("{served} of {all} served; since due, ms: p50 {p50}, p99 {p99}, max {max}"))?;
    if served == all {
        return Ok(());
    }
    Err(Error::Failed(format!("{} of {all} were not served", all - served), None))
}
