//! The tunnel by ourselves: each connection to us becomes one to the target. (The field calls
//! it a port forwarder, or a TCP proxy.)

use common::{blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    panic,
    sync::Arc,
    thread,
};

/// How much goes through at a time, in bytes. It is also all that a direction ever holds: when
/// the target does not read, `write` blocks, then we do not read, and then the client's own
/// `write` blocks.
const BLOCK: usize = 256 * 1024;

/// Waits for clients, for ever. The target is called anew for each of them: it need not be
/// there yet, and may come and go.
pub fn run(listener: &TcpListener, host: &str, port: u16) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        let host = host.to_string();
        net::spawn(peer, move || match net::connect(&host, port) {
            Ok(target) => report(peer, join(client, target, peer)),
            // The client goes out of scope: its connection is closed, and no other one.
            Err(e) => note(format_args!("{peer}: {e}")),
        });
    }
}

fn report(peer: SocketAddr, result: io::Result<()>) {
    match result {
        Ok(()) => note(format_args!("{peer} left")),
        Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
    }
}

/// Joins two connections to one, until both directions have ended. Both threads own both of
/// them: whoever ends last closes them.
fn join(client: TcpStream, target: TcpStream, peer: SocketAddr) -> io::Result<()> {
    for socket in [&client, &target] {
        // What somebody sent at once goes on at once: the kernel must not wait for more to
        // fill a segment, as its sender's kernel did or did not do already.
        socket.set_nodelay(true)?;
    }
    let here = Arc::new((client, target));
    let there = Arc::clone(&here);
    let back = thread::Builder::new().name(format!("{peer} back"));
    let back = back.spawn(move || pass_on(&there.1, &there.0))?;
    let result = pass_on(&here.0, &here.1);
    let back = blocking("join", || back.join());
    result.and(back.unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
}

/// One direction, to its end. An end is passed on as an end, of this direction alone: the
/// request may be over long before the reply is.
///
/// A failure (one side was reset) ends both connections in both directions: the thread of the
/// other direction must not wait for somebody who is gone. The side that is still there then
/// sees an end, not a reset: std cannot send one.
fn pass_on(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    let result = copy(from, to);
    if result.is_ok() {
        let _ = to.shutdown(Shutdown::Write);
    } else {
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
    result
}

/// Blocks in `read` while nothing comes, in `write` while nobody takes it.
fn copy(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        match blocking("read", || from.read(&mut block))? {
            0 => return Ok(()),
            length => blocking("write", || to.write_all(&block[..length]))?,
        }
    }
}
