//! Chapter 9: bytes through a tunnel, beside what forwards them elsewhere.

use super::rivals::{Measured, Running, compare, file, is_here, ours, rival};
use checks::workspace::Programs;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::Instant,
};

/// How many bytes go each way, at the same time.
const BYTES: usize = 256_000_000;

pub fn measure(programs: &Programs) -> Measured<()> {
    let tunnel = ours(programs, "tunnel-chat")?;
    let echo = ours(programs, "echo-threaded")?;
    let echo = Running::start(&[&echo, "server", "{port}"])?;
    let port = echo.port.to_string();
    let target = format!("TCP:127.0.0.1:{port}");
    let through = |words: &[&str]| {
        let forwarder = Running::start(words)?;
        there_and_back(&forwarder.connect()?)
    };
    let haproxy = format!(
        "PORT={{port}} TARGET={port} exec haproxy -q -f '{}'",
        file("bench/haproxy.cfg")
    );
    let mut all = vec![
        rival("tunnel-chat tunnel", || {
            through(&[&tunnel, "tunnel", "{port}", "127.0.0.1", &port])
        }),
        rival("io::copy, twice", || {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let here = listener.local_addr()?;
            thread::scope(|scope| {
                scope.spawn(|| copy(&listener, echo.port));
                there_and_back(&TcpStream::connect(here)?)
            })
        }),
        rival("no tunnel", || there_and_back(&echo.connect()?)),
    ];
    if is_here("socat") {
        all.push(rival("socat", || {
            through(&["socat", "TCP-LISTEN:{port},reuseaddr,bind=127.0.0.1", &target])
        }));
        all.push(rival("socat -b 262144", || {
            through(&[
                "socat",
                "-b262144",
                "TCP-LISTEN:{port},reuseaddr,bind=127.0.0.1",
                &target,
            ])
        }));
    }
    if is_here("haproxy") {
        all.push(rival("haproxy, with splice", || through(&["sh", "-c", &haproxy])));
    }
    compare("256 MB to an echo server and back, at the same time", "MB a second", &all)
}

/// Forwards one connection, in both directions, with what std has for it.
fn copy(listener: &TcpListener, port: u16) -> io::Result<()> {
    let (client, _) = listener.accept()?;
    let target = TcpStream::connect(("127.0.0.1", port))?;
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut &client, &mut &target);
            target.shutdown(Shutdown::Write)
        });
        io::copy(&mut &target, &mut &client)?;
        client.shutdown(Shutdown::Write)
    })
}

/// How many MB a second come back.
fn there_and_back(stream: &TcpStream) -> Measured<f64> {
    let begun = Instant::now();
    thread::scope(|scope| {
        let sending = scope.spawn(|| -> io::Result<()> {
            let block = vec![b'x'; 250_000];
            (0..BYTES / block.len()).try_for_each(|_| (&*stream).write_all(&block))?;
            stream.shutdown(Shutdown::Write)
        });
        let (mut back, mut block) = (0, vec![0; 256 * 1024]);
        loop {
            match (&*stream).read(&mut block)? {
                0 => break,
                length => back += length,
            }
        }
        sending.join().map_err(|_| "a thread panicked")??;
        if back == BYTES { Ok(()) } else { Err(format!("{back} bytes came back").into()) }
    })
    .map(|()| BYTES as f64 / 1e6 / begun.elapsed().as_secs_f64())
}
