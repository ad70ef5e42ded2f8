//! A member's outbox: what is put into it waits there until the member's writer has written it.

use common::{blocking, net};
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, mpsc, mpsc::Receiver};
use std::{thread, time::Duration};

/// How many bytes may wait for a member, beside what the kernel holds for it.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// What a batch costs beside its buffer: its place in the channel, and the allocator's bookkeeping.
const BATCH_COST: usize = 64;

/// How long the writer waits for room in the send buffer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The end of the outbox into which the hub and the member's reader put batches. When both have
/// dropped it, the writer writes what is left, and hangs up.
#[derive(Clone)]
pub struct Outbox {
    batches: mpsc::Sender<Vec<u8>>,
    stream: Arc<TcpStream>,
    /// How many bytes wait: we add, and the writer subtracts.
    waiting: Arc<AtomicUsize>,
}

impl Outbox {
    /// Starts the writer.
    pub fn open(stream: &Arc<TcpStream>, peer: SocketAddr) -> io::Result<Outbox> {
        stream.set_write_timeout(Some(PATIENCE))?;
        let (sender, batches) = mpsc::channel();
        let (stream, waiting) = (Arc::clone(stream), Arc::new(AtomicUsize::new(0)));
        let outbox =
            Outbox { batches: sender, stream: stream.clone(), waiting: waiting.clone() };
        let writer = thread::Builder::new().name(format!("writer of {peer}"));
        writer.spawn(move || run_writer(&stream, &batches, &waiting))?;
        Ok(outbox)
    }

    /// Never waits: the channel takes everything, and so we count. Past the bound we shut the
    /// socket down. That wakes the writer, whose `write` fails, and the reader, whose `read`
    /// returns what is left and then 0, or fails.
    pub fn put(&self, batch: Vec<u8>) {
        self.waiting.fetch_add(batch.capacity() + BATCH_COST, Relaxed);
        if self.is_over_limit() {
            let _ = self.stream.shutdown(Shutdown::Both);
        } else {
            let _ = self.batches.send(batch); // it fails when the writer has failed before
        }
    }

    /// True once too much has waited for a member who does not read.
    pub fn is_over_limit(&self) -> bool {
        self.waiting.load(Relaxed) > MAX_WAITING
    }
}

/// The writer thread, the only one that waits for the member to read.
fn run_writer(mut stream: &TcpStream, batches: &Receiver<Vec<u8>>, waiting: &AtomicUsize) {
    // Blocks until something is put into the outbox.
    while let Ok(batch) = blocking("recv", || batches.recv()) {
        // Blocks while the send buffer is full, until the member reads.
        if blocking("write", || stream.write_all(&batch)).is_err() {
            let _ = stream.shutdown(Shutdown::Both); // the reader must find out, too
            return;
        }
        waiting.fetch_sub(batch.capacity() + BATCH_COST, Relaxed);
    }
    net::hang_up(stream);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;

    fn pair() -> (TcpStream, Outbox, Arc<TcpStream>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (stream, peer) = listener.accept().unwrap();
        let stream = Arc::new(stream);
        (client, Outbox::open(&stream, peer).unwrap(), stream)
    }

    #[test]
    fn what_is_put_in_last_is_written_before_the_end() {
        let (mut client, outbox, _stream) = pair();
        let (mut said, mut heard) = (Vec::new(), Vec::new());
        for n in 0..100 {
            let batch = format!("{n}\n").repeat(1000).into_bytes();
            said.extend_from_slice(&batch);
            outbox.put(batch);
        }
        drop(outbox);
        client.read_to_end(&mut heard).unwrap();
        assert!(said == heard);
    }

    #[test]
    fn a_member_who_does_not_read_is_hung_up_on_past_the_bound() {
        for size in [1, 1000, 100_000] {
            let (_client, outbox, stream) = pair();
            let mut put = 0;
            while !outbox.is_over_limit() {
                assert!(put < 32 * 1024 * 1024, "no bound for batches of {size}");
                outbox.put(vec![b'x'; size]);
                put += size;
            }
            assert!(put > 100_000, "only {put} bytes may wait in batches of {size}");
            assert_eq!((&*stream).read(&mut [0]).unwrap(), 0); // and its reader is awake
        }
    }

    #[test]
    fn what_was_written_waits_no_more() {
        let (mut client, outbox, _stream) = pair();
        for _ in 0..100 {
            outbox.put(vec![b'x'; 1_000_000]);
            client.read_exact(&mut vec![0; 1_000_000]).unwrap();
        }
        assert!(!outbox.is_over_limit());
    }
}
