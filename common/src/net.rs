//! What the chapters have taught about sockets, for the chapters after them.

use crate::{Context, Error, blocking, cause, note, printable};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

pub use crate::lines::{MAX_LINE, read_line, read_line_bytes};

/// How long to leave a listener alone after a failed accept(). The usual cause, no descriptor
/// left, lasts until a client hangs up, and asking in a loop would burn a core until then.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long [`hang_up`] listens to a peer that does not stop talking.
const LAST_CALL: Duration = Duration::from_secs(1);

/// A host and a port as one writes them, to be shown: `localhost:80`, `[::1]:80`.
pub fn address(host: &str, port: u16) -> String {
    let host = printable(host);
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// All addresses of a host. Blocks while its name is looked up.
pub fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let found = blocking("getaddrinfo", || (host, port).to_socket_addrs())
        .context(format_args!("cannot find {}", address(host, port)))?;
    Ok(found.collect())
}

/// Connects to the first of the host's addresses that answers. Blocks while its name is looked up,
/// and until the other kernel has answered. First written out in chapter 1.
pub fn connect(host: &str, port: u16) -> Result<TcpStream, Error> {
    blocking("connect", || TcpStream::connect((host, port)))
        .context(format_args!("cannot connect to {}", address(host, port)))
}

/// Listens, and says so once it is true. First written out in chapter 2.
pub fn listen(bind: &str, port: u16) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind((bind, port))
        .context(format_args!("cannot listen on {}", address(bind, port)))?;
    note(format_args!("listening on {}", listener.local_addr().context("cannot listen")?));
    Ok(listener)
}

/// Waits for the next client, whatever goes wrong with those before it. First written out in
/// chapter 2.
pub fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match blocking("accept", || listener.accept()) {
            Ok(connection) => return connection,
            Err(e) => after_failed_accept(&e),
        }
    }
}

/// Reports a failed accept(), and pauses, unless it was only a client that has hung up while it
/// was in the queue (ECONNABORTED in accept(2)).
pub fn after_failed_accept(error: &io::Error) {
    note(format_args!("cannot accept: {}", cause(error)));
    if error.kind() != io::ErrorKind::ConnectionAborted {
        blocking("sleep", || thread::sleep(ACCEPT_PAUSE));
    }
}

/// Serves one connection on a thread of its own, named after the peer. A thread that cannot
/// start is reported, and its connection closed. First written out in chapter 3.
pub fn spawn(peer: SocketAddr, serve: impl FnOnce() + Send + 'static) {
    if let Err(e) = thread::Builder::new().name(peer.to_string()).spawn(serve) {
        note(format_args!("cannot start a thread for {peer}: {}", cause(&e)));
    }
}

/// Hands one line to the kernel, in a single call. Blocks while the send buffer is full. First
/// written out in chapter 2.
pub fn write_line(mut to: impl Write, line: &str) -> io::Result<()> {
    let line = format!("{line}\n");
    blocking("write", || to.write_all(line.as_bytes()))
}

/// True if a socket's timeout has ended the call: systems disagree about that error's name.
pub fn timed_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Ends a connection whose peer may still be talking, so that what we said last arrives (a
/// lingering close). A kernel that closes a socket with unread bytes in it sends a reset, and that
/// may destroy what the peer has not read yet. So we close only our sending side, and throw away
/// what the peer still says, until it closes too, for a second at most.
pub fn hang_up(mut stream: &TcpStream) {
    let (end, mut waste) = (Instant::now() + LAST_CALL, [0; 4096]);
    // Whatever fails from here on: the connection is over, which is what we want.
    let _ = stream.shutdown(Shutdown::Write);
    // A read with a timeout returns early when the process is stopped for a moment.
    let interrupted = |e: io::Error| e.kind() == io::ErrorKind::Interrupted;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        let read = blocking("read", || stream.read(&mut waste));
        if !read.map_or_else(interrupted, |length| length > 0) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_that_has_hung_up_costs_the_next_one_no_pause() {
        let took = |kind: io::ErrorKind| {
            let begun = Instant::now();
            after_failed_accept(&kind.into());
            begun.elapsed()
        };
        assert!(took(io::ErrorKind::ConnectionAborted) < ACCEPT_PAUSE);
        assert!(took(io::ErrorKind::OutOfMemory) >= ACCEPT_PAUSE);
    }

    #[test]
    fn last_words_arrive_though_nobody_read_what_came_before() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.peek(&mut [0]).unwrap(); // something is there, and stays unread
            client.write_all(b"error: too much\n").unwrap();
            hang_up(&client);
        });
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(&[b'x'; 50_000]).unwrap();
        let mut heard = String::new();
        client.read_to_string(&mut heard).unwrap(); // a reset would be an error here
        assert_eq!(heard, "error: too much\n");
        drop(client);
        server.join().unwrap();
    }
}
