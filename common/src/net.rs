//! What the chapters have taught about sockets, for the chapters after them.

use crate::{Context, Error, blocking, cause, note, printable};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    thread,
    time::{Duration, Instant},
};

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

/// All addresses of a host. Blocks while the name is looked up, until a name server answers or
/// the system gives up.
///
/// # Errors
/// `cannot find HOST:PORT: …`.
pub fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let found = blocking("getaddrinfo", || (host, port).to_socket_addrs())
        .context(format_args!("cannot find {}", address(host, port)))?;
    Ok(found.collect())
}

/// Connects to the first of the host's addresses that answers. Blocks while names are looked
/// up and until the other kernel has answered. First written out in chapter 1.
///
/// # Errors
/// `cannot connect to HOST:PORT: …`, with the cause of the last address tried.
pub fn connect(host: &str, port: u16) -> Result<TcpStream, Error> {
    blocking("connect", || TcpStream::connect((host, port)))
        .context(format_args!("cannot connect to {}", address(host, port)))
}

/// Listens, and says so once it is true. First written out in chapter 2.
///
/// # Errors
/// `cannot listen on ADDR:PORT: …`.
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

/// Reports a failed accept(), and pauses unless the failure is that of one client, which has
/// hung up while it was in the queue (ECONNABORTED in accept(2)). The next one is not to wait
/// for that.
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

/// Hands one line over to the kernel, in a single call. Blocks while the send buffer is full:
/// the peer's kernel takes bytes only as long as the peer reads them. First written out in
/// chapter 2.
///
/// # Errors
/// The connection's own.
pub fn write_line(mut to: impl Write, line: &str) -> io::Result<()> {
    let line = format!("{line}\n");
    blocking("write", || to.write_all(line.as_bytes()))
}

/// True if a socket's timeout has ended the call: systems disagree about that error's name.
pub fn timed_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Ends a connection whose peer may still be talking, so that what we said last arrives.
///
/// A socket that is closed over bytes which nobody has read answers with a reset, and a reset
/// may destroy what the peer has not read yet. So only our sending side is closed, and what
/// the peer still says is read and thrown away, until it closes too; for a second at most.
pub fn hang_up(mut stream: &TcpStream) {
    let end = Instant::now() + LAST_CALL;
    let mut waste = [0; 4096];
    // Whatever fails from here on: the connection is over, which is what we want.
    let _ = stream.shutdown(Shutdown::Write);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match blocking("read", || stream.read(&mut waste)) {
            Ok(1..) => {}
            // A read that has a timeout comes back early when the process is stopped for a moment.
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
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
