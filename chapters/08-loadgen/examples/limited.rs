//! limited: chapter 8's server, which tells those for whom it has no room, and lets nobody wait.
//!
//! ```text
//! $ cargo run -p loadgen --example limited -- 7008 --limit 5
//! $ loadgen 127.0.0.1 7008 --clients 5,6
//! ```
//!
//! A queue that is full answers with silence, and whoever is in it does not know how long it
//! will take. Here everybody gets an answer at once: the intro, or the reason why not. Notice
//! who counts: nobody. Each session owns a share of one value, and the value knows how many
//! shares there are; a share that goes out of scope, for whatever reason, is a free place.

use common::{Error, Program, blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
    sync::Arc,
};

const PROGRAM: Program = Program {
    name: "limited",
    usage: "limited PORT --limit N [--bind ADDR]",
    example: "cargo run -p loadgen --example limited -- 7008 --limit 5",
};

const INTRO: &[u8] = b"Hello! Send a long message, then close your sending side.\n";

/// What those hear for whom there is no room.
const NO_ROOM: &[u8] = b"error: no room, come again later\n";

/// How much of a message is in memory at any moment, in bytes.
const BLOCK: usize = 16 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let bind = args.option("--bind", "an address")?;
        let bind = bind.unwrap_or_else(|| "127.0.0.1".to_string());
        let limit = args.option("--limit", "a number of clients")?;
        let port = args.port("PORT")?;
        args.finish()?;
        let limit = limit.ok_or(Error::Usage("--limit is missing".to_string()))?;
        run(&net::listen(&bind, port)?, limit)
    })
}

/// Gives out places. Only this thread does, so nobody takes one between the look and the
/// taking; that one becomes free meanwhile is no harm.
fn run(listener: &TcpListener, limit: usize) -> Result<(), Error> {
    let places = Arc::new(());
    loop {
        let (client, peer) = net::accept(listener);
        let taken = Arc::strong_count(&places) - 1; // one share is ours
        if taken >= limit {
            // On a thread too: saying no takes up to a second, and others are waiting.
            net::spawn(peer, move || refuse(&client));
            continue;
        }
        let place = Arc::clone(&places);
        net::spawn(peer, move || {
            match serve(&client) {
                Ok(length) => note(format_args!("{peer} left: received {length} bytes")),
                Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
            }
            drop(place);
        });
    }
}

/// The client may be sending already: closing over what it has sent would be a reset, which
/// may cost it the reason. So we hang up as chapter 5 does: slowly.
fn refuse(mut client: &TcpStream) {
    if blocking("write", || client.write_all(NO_ROOM)).is_ok() {
        net::hang_up(client);
    }
}

fn serve(mut client: &TcpStream) -> io::Result<u64> {
    blocking("write", || client.write_all(INTRO))?;
    let mut block = vec![0; BLOCK];
    let mut length = 0;
    loop {
        match blocking("read", || client.read(&mut block))? {
            0 => break,
            more => length += more as u64,
        }
    }
    let answer = format!("received {length} bytes\n");
    blocking("write", || client.write_all(answer.as_bytes()))?;
    Ok(length)
}
