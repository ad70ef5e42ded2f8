//! retry_client: exercise 4.7, a lost request is sent again, up to three times in all.
//!
//! ```text
//! $ cargo run --example retry_client -- 127.0.0.1 7004
//! ```
//!
//! What TCP does in the kernel, done by hand for one datagram. Was the request lost, or the
//! answer? Nobody can tell, so the server may be asked twice for one answer. That does no
//! harm here, because asking for the time changes nothing: such a request is idempotent. It
//! would do harm to `take 5 from my account`.

use common::{Context, Error, Program, Seconds, blocking, cause, net, note, say};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs, UdpSocket},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

const PROGRAM: Program = Program {
    name: "retry_client",
    usage: "retry_client HOST PORT [--timeout SECONDS]",
    example: "cargo run --example retry_client -- 127.0.0.1 7004",
};

/// How often a request is sent before it is given up.
const TRIES: u32 = 3;

/// How long each try waits for its answer.
const TIMEOUT: Seconds = Seconds(Duration::from_secs(1));

/// Room for any datagram, in bytes.
const MAX_DATAGRAM: usize = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let timeout = args.option("--timeout", "a number of seconds")?.unwrap_or(TIMEOUT);
        let (host, port) = (args.word("HOST")?, args.port("PORT")?);
        args.finish()?;
        let attempt = format!("cannot find {}", net::address(&host, port));
        let mut found = blocking("getaddrinfo", || (host.as_str(), port).to_socket_addrs())
            .context(&attempt)?;
        let server = found.next().ok_or(Error::failed(attempt, "it has no address"))?;
        run(server, timeout.0)
    })
}

/// One request, as often as it takes. All tries share a socket, so an answer to the first one
/// that comes during the third is taken: it is the answer to the same question.
fn run(server: SocketAddr, timeout: Duration) -> Result<(), Error> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let attempt = format_args!("cannot ask {server}").to_string();
    let socket = UdpSocket::bind(any).context(&attempt)?;
    // A UDP socket that is connected has no connection: it has one peer, and the kernel drops
    // what anybody else sends.
    socket.connect(server).context(&attempt)?; // waits for nobody
    socket.set_read_timeout(Some(timeout)).context(&attempt)?;
    for _ in 0..TRIES {
        let next = Instant::now() + timeout;
        match ask(&socket) {
            Ok(answer) => return say(&answer),
            Err(e) => note(format_args!("no answer from {server}: {}", cause(&e))),
        }
        // A connected socket may hear at once that nobody is there. Somebody may come.
        let left = next.saturating_duration_since(Instant::now());
        blocking("sleep", || thread::sleep(left));
    }
    note(format_args!("warning: {server} was asked {TRIES} times and has not answered"));
    Ok(())
}

fn ask(socket: &UdpSocket) -> io::Result<String> {
    let mut datagram = vec![0; MAX_DATAGRAM];
    blocking("send", || socket.send(b"SEND_TIME"))?;
    // Blocks until the server's datagram is there, or the timeout is over.
    let length = blocking("recv", || socket.recv(&mut datagram))?;
    Ok(String::from_utf8_lossy(&datagram[..length]).trim_end().to_string())
}
