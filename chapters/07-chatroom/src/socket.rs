//! A connection that two threads use: its reader waits in `read`, and the hub writes without
//! ever waiting.

use common::blocking;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The two ends of one connection, for two threads.
///
/// A socket that is set non-blocking never waits: `write` takes what fits into the kernel's
/// buffer, or fails with `WouldBlock`. That is what the hub wants. But the setting belongs to
/// the open socket, not to the thread that made it (nor to a `try_clone`): the reader's `read`
/// would not wait any more either. So it lasts only as long as one `write`. A `read` that
/// waits already is not touched by it; one that begins just then comes back at once with
/// `WouldBlock`, waits for the end of that `write`, and is made again.
pub struct Socket {
    stream: TcpStream,
    /// Held by the hub while the socket is non-blocking.
    writing: Mutex<()>,
}

impl Socket {
    pub fn new(stream: TcpStream) -> Socket {
        // A line goes out at once, even if the one before is not acknowledged yet (Nagle's
        // algorithm would keep it back for that long). The hub joins lines itself.
        let _ = stream.set_nodelay(true);
        Socket { stream, writing: Mutex::new(()) }
    }

    /// Hands over as much as the kernel takes right now, perhaps nothing. Never waits.
    pub fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let _writing = self.lock();
        self.stream.set_nonblocking(true)?;
        let written = blocking("write", || (&self.stream).write(bytes));
        self.stream.set_nonblocking(false)?;
        match written {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    /// Ends the connection, both ways: the reader's `read` returns 0. What the kernel has
    /// taken is still sent.
    pub fn hang_up(&self) {
        // It fails when the peer has ended it before us, which is as well.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// The lock guards a moment, not a value: there is nothing in it to be half done.
    fn lock(&self) -> MutexGuard<'_, ()> {
        blocking("lock", || self.writing.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for &Socket {
    /// Blocks until something has come, or the connection has ended.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match blocking("read", || (&self.stream).read(into)) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => drop(self.lock()),
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        net::TcpListener,
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Socket::new(listener.accept().unwrap().0), client)
    }

    #[test]
    fn a_write_takes_what_there_is_room_for_and_does_not_wait_for_more() {
        let (socket, _client) = pair();
        while socket.write_now(&[b'x'; 64 * 1024]).unwrap() > 0 {}
        assert_eq!(socket.write_now(b"x").unwrap(), 0);
    }

    #[test]
    fn the_reader_waits_whatever_the_writer_does() {
        let (socket, mut client) = pair();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    socket.write_now(b"x").unwrap();
                }
            });
            for turn in 0..2000 {
                let mut byte = [0];
                client.write_all(&[turn as u8]).unwrap();
                let read = (&socket).read(&mut byte);
                done.store(read.is_err() || turn == 1999, Ordering::Relaxed);
                assert_eq!((read.unwrap(), byte), (1, [turn as u8]));
            }
        });
    }
}
