//! The server that is put under load: a thread for each client, as in chapter 3, and an
//! `accept` that keeps up with a thousand of them.

use common::{Context, Error, blocking, cause, net, note};
use std::{
    convert::Infallible,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver},
    thread,
};

/// What a client hears before it has said anything. One that hears this is served: it has
/// left the kernel's queue, and a thread waits for it.
const INTRO: &[u8] = b"Hello! Send a long message, then close your sending side.\n";

/// How much of a message is in memory at any moment, in bytes, however long the message is.
const BLOCK: usize = 16 * 1024;

/// Takes every client out of the kernel's queue as soon as it is there, and does nothing
/// else: the queue is short, and whom it has no room for waits a second or for ever. Starting
/// a thread takes ten times as long as `accept`, so another thread does that.
///
/// # Errors
/// When that thread cannot be started. A client's thread that cannot costs that client only.
pub fn run(listener: &TcpListener) -> Result<Infallible, Error> {
    let (accepted, clients) = mpsc::channel();
    let starter = thread::Builder::new().name("starter".to_string());
    starter.spawn(move || start_threads(&clients)).context("cannot start a thread")?;
    loop {
        // Never blocks: this queue has no end but that of the descriptors. Nor does it fail
        // while the starter lives, and that is as long as we do.
        let _ = accepted.send(net::accept(listener));
    }
}

/// A thread for each client.
fn start_threads(clients: &Receiver<(TcpStream, SocketAddr)>) {
    while let Ok((client, peer)) = blocking("recv", || clients.recv()) {
        net::spawn(peer, move || match serve(&client) {
            Ok(length) => note(format_args!("{peer} left: received {length} bytes")),
            Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
        });
    }
}

/// One client's conversation: we speak, it speaks, we say how much that was. The message has
/// no mark for its end; its end is the end of the stream, so `read` must say 0 first.
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
    // Only the client's sending side is closed: it still listens, and waits for this.
    let answer = format!("received {length} bytes\n");
    blocking("write", || client.write_all(answer.as_bytes()))?;
    Ok(length)
}
