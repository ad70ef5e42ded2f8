//! The server that is put under load: a thread for each client, as in chapter 3.

use common::{blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
};

/// A client that hears this has left the kernel's queue, and a thread of ours listens to it.
const INTRO: &[u8] = b"Hello! Send a long message, then close your sending side.\n";

/// How much of a message is in memory at any moment, in bytes, however long the message is.
const BUFFER: usize = 16 * 1024;

/// Takes clients out of the kernel's queue, forever, and starts a thread for each. The queue
/// is short, and a client that finds it full waits for a second at least.
pub fn run_server(listener: &TcpListener) -> ! {
    loop {
        // Blocks while the kernel's queue is empty.
        let (client, peer) = net::accept(listener);
        net::spawn(peer, move || match session(&client) {
            Ok(length) => note(format_args!("{peer} left: received {length} bytes")),
            Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
        });
    }
}

/// One client's conversation: we speak, it speaks, we say how much that was. The message has
/// no mark at its end. It is over when the stream is, so `read` must return 0 first.
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
    // The client has closed its sending side alone: it still listens, and waits for this.
    net::write_line(client, &format!("received {length} bytes"))?;
    Ok(length)
}
