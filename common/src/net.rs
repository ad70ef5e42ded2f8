//! What the chapters have taught about sockets, for the chapters behind them.

use crate::{Attempt, Error, blocking, cause, note, printable};
use std::{
    io::{self, BufRead, Read},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// The longest line of text in any protocol here, in bytes, its `\n` included.
pub const MAX_LINE: usize = 64 * 1024;

/// How long to leave a listener alone when accept() fails: the usual cause, no descriptor
/// left, lasts until somebody hangs up, and asking in a loop would burn a core meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long [`hang_up`] listens to a peer that does not stop talking.
const LAST_CALL: Duration = Duration::from_secs(1);

/// A host and a port as one writes them, to be shown: `localhost:80`, `[::1]:80`.
pub fn address(host: &str, port: u16) -> String {
    let host = printable(host);
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Connects to the first of the host's addresses that answers. Blocks while names are looked
/// up and until the other kernel has answered. First written out in chapter 1.
///
/// # Errors
/// `cannot connect to HOST:PORT: …`, with the cause of the last address tried.
pub fn connect(host: &str, port: u16) -> Result<TcpStream, Error> {
    blocking("connect", || TcpStream::connect((host, port)))
        .attempt(format_args!("cannot connect to {}", address(host, port)))
}

/// Listens, and says so once it is true. First written out in chapter 2.
///
/// # Errors
/// `cannot listen on ADDR:PORT: …`.
pub fn listen(bind: &str, port: u16) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind((bind, port))
        .attempt(format_args!("cannot listen on {}", address(bind, port)))?;
    note(format_args!("listening on {}", listener.local_addr().attempt("cannot listen")?));
    Ok(listener)
}

/// Waits for the next client, whatever goes wrong with those before it. First written out
/// in chapter 3.
pub fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match blocking("accept", || listener.accept()) {
            Ok(connection) => return connection,
            Err(e) => note(format_args!("cannot accept: {}", cause(&e))),
        }
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

/// Reads one line of UTF-8 without its `\n`. Blocks until a whole line is there; what has
/// come behind it stays in the reader. `None`: the peer closed, or the input ended. First
/// written out in chapter 2.
///
/// # Errors
/// As [`read_line_bytes`], and `line is not UTF-8`, of the same kind.
pub fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let Some(line) = read_line_bytes(from)? else { return Ok(None) };
    String::from_utf8(line).map_or_else(|_| wrong("line is not UTF-8"), |line| Ok(Some(line)))
}

/// Reads one line as [`read_line`] does, whatever its bytes are.
///
/// # Errors
/// The connection's own; `line too long` (over [`MAX_LINE`]) and `line cut off` by the end,
/// both of kind [`io::ErrorKind::InvalidData`].
pub fn read_line_bytes(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut limited = from.take(MAX_LINE as u64);
    blocking("read", || limited.read_until(b'\n', &mut line))?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if line.len() + 1 == MAX_LINE => wrong("line too long"),
        Some(_) => wrong("line cut off"),
    }
}

fn wrong<T>(what: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
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
    use std::io::Write;

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
