//! idle_tunnel: chapter 9's tunnel, which ends a connection that nobody uses.
//!
//! ```text
//! $ cargo run -p tunnel-chat --example idle_tunnel -- 8080 localhost 7009 --idle 60
//! $ tunnel-chat localhost 8080
//! ```
//!
//! A client whose machine was switched off says nothing, not even goodbye, and its two threads
//! wait for ever. A timeout wakes them; but a direction that is silent may be the other side's
//! download. So a connection has one clock, which both of its threads wind up, and a thread
//! that wakes without having heard anything looks at that.

use common::{Error, Program, Seconds, blocking, cause, net, note};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    panic,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const PROGRAM: Program = Program {
    name: "idle_tunnel",
    usage: "idle_tunnel LOCAL_PORT HOST PORT --idle SECONDS",
    example: "cargo run -p tunnel-chat --example idle_tunnel -- 8080 localhost 7009 --idle 60",
};

/// How much goes through at a time, in bytes.
const BLOCK: usize = 64 * 1024;

/// A connection through the tunnel. Both of its threads own it.
struct Line {
    client: TcpStream,
    target: TcpStream,
    /// How long it may be silent.
    limit: Duration,
    begun: Instant,
    /// When something went through last, in milliseconds since `begun`.
    last_used: AtomicU64,
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let idle: Option<Seconds> = args.option("--idle", "a time in seconds")?;
        let local_port = args.port("LOCAL_PORT")?;
        let (host, port) = (args.word("HOST")?, args.port("PORT")?);
        args.finish()?;
        match idle {
            Some(Seconds(limit)) if !limit.is_zero() => {
                run(&net::listen("127.0.0.1", local_port)?, &host, port, limit)
            }
            _ => Err(Error::Usage("--idle needs more than 0 seconds".to_string())),
        }
    })
}

fn run(listener: &TcpListener, host: &str, port: u16, limit: Duration) -> Result<(), Error> {
    loop {
        let (client, peer) = net::accept(listener);
        let host = host.to_string();
        net::spawn(peer, move || match net::connect(&host, port) {
            Ok(target) => match Line::new(client, target, limit).and_then(join) {
                Ok(()) => note(format_args!("{peer} left")),
                Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
            },
            Err(e) => note(format_args!("{peer}: {e}")),
        });
    }
}

/// Both directions, to their ends.
fn join(line: Line) -> io::Result<()> {
    let here = Arc::new(line);
    let there = Arc::clone(&here);
    let back =
        thread::Builder::new().spawn(move || there.pass_on(&there.target, &there.client))?;
    let result = here.pass_on(&here.client, &here.target);
    let back = blocking("join", || back.join());
    result.and(back.unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
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

    /// One direction, to its end; a failure, and silence is one, ends both.
    fn pass_on(&self, from: &TcpStream, to: &TcpStream) -> io::Result<()> {
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
        let mut block = vec![0; BLOCK];
        loop {
            let length = self.used(|| blocking("read", || from.read(&mut block)))?;
            if length == 0 {
                return Ok(());
            }
            let mut written = 0;
            // `write`, because `write_all` does not say how far it got when its time was up.
            while written < length {
                written +=
                    self.used(|| blocking("write", || to.write(&block[written..length])))?;
            }
        }
    }

    /// Makes a call again whose time was up, as long as the other direction is in use.
    fn used<T>(&self, mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            match call() {
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
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
