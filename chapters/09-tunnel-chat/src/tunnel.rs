//! The tunnel that we build ourselves: each connection to us becomes one to the target. Such a
//! program is also called a port forwarder, or a TCP proxy.

use common::{blocking, cause, net, note};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    panic, thread,
};

/// How much a direction reads at a time, in bytes, and all that it ever holds. While the target
/// does not read, our `write` blocks; so we do not read, and in the end the client's own `write`
/// blocks too.
const BUFFER: usize = 256 * 1024;

/// Serves each client on a thread of its own. We connect to the target only when a client is
/// there, so the target may start later than we do, and come and go.
pub fn run_server(listener: &TcpListener, host: &str, port: u16) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        let host = host.to_string();
        net::spawn(peer, move || match net::connect(&host, port) {
            Ok(target) => session(&client, &target, peer),
            // This drops the client: its connection is closed, and no other one is.
            Err(e) => note(format_args!("{peer}: {e}")),
        });
    }
}

fn session(client: &TcpStream, target: &TcpStream, peer: SocketAddr) {
    match relay_both(client, target, peer) {
        Ok(()) => note(format_args!("{peer} left")),
        Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
    }
}

/// Makes one connection out of two, until both directions have ended. The second thread borrows
/// both sockets: a scope does not end before the threads that were started in it.
fn relay_both(client: &TcpStream, target: &TcpStream, peer: SocketAddr) -> io::Result<()> {
    for socket in [client, target] {
        // What arrives goes on at once: whether to wait for more, its sender has decided.
        socket.set_nodelay(true)?;
    }
    thread::scope(|scope| {
        // not reported: the `join` below waits before the scope does
        let back = thread::Builder::new().name(format!("{peer} back"));
        let back = back.spawn_scoped(scope, || relay(target, client))?;
        let outward = relay(client, target);
        let back = blocking("join", || back.join());
        outward.and(back.unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
    })
}

/// One direction, up to its end. An end is passed on as the end of this direction only, because
/// a reply can go on long after its request is over.
///
/// A failure, such as a reset, ends both connections in both directions, so that the thread of
/// the other direction does not wait for a partner who is gone. The partner who is still there
/// sees an end and not a reset, because std cannot send one.
fn relay(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    let result = copy(from, to);
    if result.is_ok() {
        let _ = to.shutdown(Shutdown::Write);
    } else {
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
    result
}

/// Blocks in `read` until bytes arrive, or the end, and in `write` while the send buffer is full,
/// because the receiving program does not read.
fn copy(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match blocking("read", || from.read(&mut buffer))? {
            0 => return Ok(()),
            length => blocking("write", || to.write_all(&buffer[..length]))?,
        }
    }
}
