//! polling: chapter 3's echo by a single thread that never blocks on a socket.
//!
//! ```text
//! $ cargo run --release --example polling -- 7006
//! $ one-to-one 127.0.0.1 7006
//! ```
//!
//! This is the counter-example. A call on a non-blocking socket returns at once, if need be with
//! the error "would block": there is nothing now. So one thread can ask a thousand sockets in
//! turn, which is cheaper than a thousand threads when all of them have something to say: there
//! is one stack instead of a thousand, and no switching from one thread to the next.
//!
//! Notice what was lost: the kernel does not wake us. A blocking call hands the waiting to the
//! kernel, which knows when something arrives. Here we have to ask, and ask again. Asking without
//! a pause takes a whole processor, even if no client is there (try it: set [`LONGEST_PAUSE`] to 0
//! and look at `top`). A pause between two rounds gives the processor back, and makes each answer
//! late by up to as much. So the pause grows while nothing happens, and is gone when something
//! does: cheap when idle, quick when busy, and at worst [`LONGEST_PAUSE`] late. And each round asks
//! every client, although only one has spoken. What is missing is one call that waits for all
//! sockets at once. The kernel has it (poll, epoll, kqueue), and std does not.

use common::{Context, Program, blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

const PROGRAM: Program = Program {
    name: "polling",
    usage: "polling PORT [--bind ADDR]",
    example: "cargo run --release --example polling -- 7006",
};

/// What is read from one client in one round at most, in bytes. One buffer serves all.
const BUFFER: usize = 64 * 1024;

/// The pause after the first round in which nothing happened.
const SHORTEST_PAUSE: Duration = Duration::from_micros(20);

/// What the pause grows to, by doubling, while nothing happens.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// How long to leave the listener alone after a failed accept(), while the clients are served.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A client between two rounds. What a worker of chapter 3 keeps on its stack, including its place
/// in the code, has to be written down here.
struct Client {
    stream: TcpStream,
    peer: SocketAddr,
    /// What it sent and has not taken back yet. While there is any, we read no more from it.
    owed: Vec<u8>,
}

/// What became of a client in one round.
enum Round {
    Nothing,
    Something,
    Left,
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let (bind, port) = (args.bind("127.0.0.1")?, args.port("PORT")?);
        args.finish()?;
        let listener = net::listen(&bind, port)?;
        listener.set_nonblocking(true).context("cannot listen")?;
        run_server(&listener)
    })
}

/// Round after round: new clients, then every client, then perhaps a pause.
fn run_server(listener: &TcpListener) -> ! {
    let (mut clients, mut buffer) = (Vec::new(), vec![0; BUFFER]);
    let (mut pause, mut next_accept) = (SHORTEST_PAUSE, Instant::now());
    loop {
        let mut idle = true;
        if Instant::now() >= next_accept {
            if let Err(e) = welcome(listener, &mut clients) {
                note(format_args!("cannot accept: {}", cause(&e)));
                // A client that has hung up in the queue is no reason to wait for the next one.
                if e.kind() != io::ErrorKind::ConnectionAborted {
                    next_accept = Instant::now() + ACCEPT_PAUSE;
                }
            }
        }
        clients.retain_mut(|client| {
            let round = visit(client, &mut buffer);
            idle &= matches!(round, Ok(Round::Nothing));
            stays(client, round)
        });
        pause = if idle { wait(pause) } else { SHORTEST_PAUSE };
    }
}

/// Accepts all who have connected since the last round.
fn welcome(listener: &TcpListener, clients: &mut Vec<Client>) -> io::Result<()> {
    while let Some((stream, peer)) = now(listener.accept())? {
        stream.set_nonblocking(true)?;
        note(format_args!("connected to {peer}"));
        clients.push(Client { stream, peer, owed: Vec::new() });
    }
    Ok(())
}

/// Turns "would block" into `None`: it is not a failure, there is just nothing now.
fn now<T>(asked: io::Result<T>) -> io::Result<Option<T>> {
    match asked {
        Err(e)
            if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) =>
        {
            Ok(None)
        }
        answer => answer.map(Some),
    }
}

/// Chapter 3's `read` and `write_all`, as far as they get without waiting.
fn visit(client: &mut Client, buffer: &mut [u8]) -> io::Result<Round> {
    if client.owed.is_empty() {
        match now(client.stream.read(buffer))? {
            None => return Ok(Round::Nothing),
            Some(0) => return Ok(Round::Left), // it has closed, and nothing is owed
            Some(length) => client.owed.extend(&buffer[..length]),
        }
    }
    match now(client.stream.write(&client.owed))? {
        None => Ok(Round::Nothing), // it does not read; the rest has to wait for another round
        Some(length) => {
            client.owed.drain(..length);
            Ok(Round::Something)
        }
    }
}

/// False if this was the client's last round: then its socket is closed.
fn stays(client: &Client, round: io::Result<Round>) -> bool {
    match round {
        Ok(Round::Nothing | Round::Something) => return true,
        Ok(Round::Left) => note(format_args!("{} left", client.peer)),
        Err(e) => note(format_args!("{} left: {}", client.peer, cause(&e))),
    }
    false
}

/// The only call here that blocks, and nothing that a client does can end it earlier.
fn wait(pause: Duration) -> Duration {
    blocking("sleep", || thread::sleep(pause));
    (pause * 2).min(LONGEST_PAUSE)
}
