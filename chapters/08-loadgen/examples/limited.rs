//! limited: chapter 8's server, which turns away the clients for which it has no room.
//!
//! ```text
//! $ cargo run -p loadgen --example limited -- 7008 --limit 5
//! $ loadgen 127.0.0.1 7008 --clients 5,6
//! ```
//!
//! A queue that is full answers with silence, and a client that is in it does not know how long
//! that will take. Here every client gets an answer at once: the intro, or the reason why not.
//! Notice who counts: nobody. Each session owns a share of one value, and the value knows how
//! many shares there are. A share that goes out of scope, for whatever reason, is a free place.

use common::{Context, Error, Program, blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::ExitCode,
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

const PROGRAM: Program = Program {
    name: "limited",
    usage: "limited PORT --limit N [--bind ADDR]",
    example: "cargo run -p loadgen --example limited -- 7008 --limit 5",
};

const INTRO: &[u8] = b"Hello! Send a long message, then close your sending side.\n";

/// What a client hears for which there is no room.
const NO_ROOM: &str = "error: no room, come again later";

/// How long the socket of a client that was turned away stays open.
const LAST_CALL: Duration = Duration::from_secs(1);

/// How much of a message is in memory at any moment, in bytes.
const BUFFER: usize = 16 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let bind = args.bind("127.0.0.1")?;
        let limit = args.required("--limit", "a number of clients")?;
        let port = args.port("PORT")?;
        args.finish()?;
        run_server(&net::listen(&bind, port)?, limit)
    })
}

/// Gives out places. Only this thread does, so no other can take one between the look and the
/// taking. If a place becomes free in between, one client too many is turned away.
fn run_server(listener: &TcpListener, limit: usize) -> Result<(), Error> {
    let (turned_away, waiting) = mpsc::channel();
    let closer = thread::Builder::new().name("closer".to_string());
    closer.spawn(move || close_later(&waiting)).context("cannot start a thread")?;
    let places = Arc::new(());
    loop {
        let (client, peer) = net::accept(listener);
        let taken = Arc::strong_count(&places) - 1; // one share is ours
        if taken >= limit {
            turn_away(&client);
            let _ = turned_away.send((client, Instant::now())); // the closer lives as we do
            continue;
        }
        let place = Arc::clone(&places);
        net::spawn(peer, move || {
            match session(&client) {
                Ok(length) => note(format_args!("{peer} left: received {length} bytes")),
                Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
            }
            drop(place);
        });
    }
}

/// Tells a client the reason, and that there will be no more. The write does not block, because
/// the send buffer of a new connection is empty. What fails here has cost nobody anything.
fn turn_away(client: &TcpStream) {
    let _ = net::write_line(client, NO_ROOM);
    let _ = client.shutdown(Shutdown::Write);
}

/// Closes the sockets of clients that were turned away, each a second later. A client that does
/// not wait for the intro has sent something by then, and a socket that is closed over unread
/// bytes answers with a reset, which may cost the client the reason. (Chapter 5's lingering
/// close would need a thread for each of them, and a limited server has no thread to spare.)
fn close_later(waiting: &Receiver<(TcpStream, Instant)>) {
    while let Ok((client, since)) = blocking("recv", || waiting.recv()) {
        blocking("sleep", || thread::sleep(LAST_CALL.saturating_sub(since.elapsed())));
        drop(client);
    }
}

fn session(mut client: &TcpStream) -> io::Result<u64> {
    blocking("write", || client.write_all(INTRO))?;
    let mut buffer = vec![0; BUFFER];
    let mut length = 0;
    loop {
        match blocking("read", || client.read(&mut buffer))? {
            0 => break,
            more => length += more as u64,
        }
    }
    net::write_line(client, &format!("received {length} bytes"))?;
    Ok(length)
}
