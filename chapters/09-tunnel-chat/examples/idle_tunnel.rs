//! idle_tunnel: chapter 9's tunnel, which ends a connection that is not used.
//!
//! ```text
//! $ cargo run -p tunnel-chat --example idle_tunnel -- 8080 localhost 7009 --idle 60
//! $ tunnel-chat localhost 8080
//! ```
//!
//! A client whose machine was switched off says nothing, not even goodbye, and its two threads
//! wait forever. A timeout wakes them. But a direction in which nothing passes may belong to a
//! download in the other one, so each connection has one clock, which both of its threads reset.
//! A thread whose time is up looks at that clock before it gives up.

use common::{Error, Program, blocking, cause, net, note};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    panic,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

const PROGRAM: Program = Program {
    name: "idle_tunnel",
    usage: "idle_tunnel LOCAL_PORT HOST PORT --idle SECONDS",
    example: "cargo run -p tunnel-chat --example idle_tunnel -- 8080 localhost 7009 --idle 60",
};

/// How much a direction reads at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// A connection through the tunnel, which both of its threads borrow.
struct Line {
    client: TcpStream,
    target: TcpStream,
    /// How long nothing may pass in either direction.
    limit: Duration,
    begun: Instant,
    /// When something passed last, in milliseconds since `begun`.
    last_used: AtomicU64,
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let limit = args.seconds("--idle")?;
        let limit = limit.ok_or_else(|| Error::Usage("--idle is missing".to_string()))?;
        let local_port = args.port("LOCAL_PORT")?;
        let (host, port) = args.target()?;
        run_server(&net::listen("127.0.0.1", local_port)?, &host, port, limit)
    })
}

fn run_server(listener: &TcpListener, host: &str, port: u16, limit: Duration) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        let host = host.to_string();
        net::spawn(peer, move || match net::connect(&host, port) {
            Ok(target) => {
                match Line::new(client, target, limit).and_then(|line| line.relay()) {
                    Ok(()) => note(format_args!("{peer} left")),
                    Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
                }
            }
            Err(e) => note(format_args!("{peer}: {e}")),
        });
    }
}

impl Line {
    fn new(client: TcpStream, target: TcpStream, limit: Duration) -> io::Result<Line> {
        for socket in [&client, &target] {
            socket.set_read_timeout(Some(limit))?;
            socket.set_write_timeout(Some(limit))?;
        }
        let (begun, last_used) = (Instant::now(), AtomicU64::new(0));
        Ok(Line { client, target, limit, begun, last_used })
    }

    /// Both directions, up to their ends.
    fn relay(&self) -> io::Result<()> {
        thread::scope(|scope| {
            // not reported: the `join` below waits before the scope does
            let back = thread::Builder::new()
                .spawn_scoped(scope, || self.relay_one_way(&self.target, &self.client))?;
            let there = self.relay_one_way(&self.client, &self.target);
            let back = blocking("join", || back.join());
            there.and(back.unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
        })
    }

    /// One direction, up to its end. A failure, which includes silence, ends both directions.
    fn relay_one_way(&self, from: &TcpStream, to: &TcpStream) -> io::Result<()> {
        let result = self.copy(from, to);
        if result.is_ok() {
            let _ = to.shutdown(Shutdown::Write);
        } else {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        }
        result
    }

    fn copy(&self, mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let length = self.patient(|| blocking("read", || from.read(&mut buffer)))?;
            if length == 0 {
                return Ok(());
            }
            let mut written = 0;
            // `write`, because `write_all` does not say how far it got when its time was up.
            while written < length {
                written +=
                    self.patient(|| blocking("write", || to.write(&buffer[written..length])))?;
            }
        }
    }

    /// Repeats a call whose time was up, as long as the other direction is in use.
    fn patient(&self, mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match call() {
                Err(e) if net::timed_out(&e) => {
                    if self.silence() >= self.limit {
                        let why = format!("silent for {:?}", self.limit);
                        return Err(io::Error::new(ErrorKind::TimedOut, why));
                    }
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                result => {
                    let now = self.begun.elapsed().as_millis() as u64;
                    self.last_used.store(now, Ordering::Relaxed);
                    return result;
                }
            }
        }
    }

    fn silence(&self) -> Duration {
        let last_used = Duration::from_millis(self.last_used.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(last_used)
    }
}
