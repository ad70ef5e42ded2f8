//! retry_client: exercise 4.7, a lost request is sent again, up to three times in all.
//!
//! ```text
//! $ cargo run -p udp-datetime --example retry_client -- 127.0.0.1 7004
//! ```
//!
//! This is what TCP does in the kernel, done by hand for one datagram. Was the request lost, or
//! the answer? The client cannot tell, so it may ask the server twice for one answer. That does
//! no harm here, because asking for the time changes nothing: such a request is idempotent. It
//! would do harm to `take 5 from my account`.

use common::{Error, Program, blocking, cause, net, note, say};
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    process::ExitCode,
    time::Duration,
};

const PROGRAM: Program = Program {
    name: "retry_client",
    usage: "retry_client HOST PORT [--timeout SECONDS]",
    example: "cargo run -p udp-datetime --example retry_client -- 127.0.0.1 7004",
};

/// How often a request is sent before we give up.
const TRIES: u32 = 3;

/// How long each try waits for its answer, if `--timeout` does not say it.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Room for any datagram, in bytes.
const MAX_DATAGRAM: usize = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let timeout = args.seconds("--timeout")?.unwrap_or(TIMEOUT);
        let (host, port) = args.target()?;
        run_client(&net::look_up(&host, port)?, timeout)
    })
}

/// Asks each address of the server in turn, until one answers.
fn run_client(servers: &[SocketAddr], timeout: Duration) -> Result<(), Error> {
    for &server in servers {
        match ask(server, timeout) {
            Ok(answer) => return say(&answer),
            Err(e) => note(format_args!("warning: no answer from {server}: {}", cause(&e))),
        }
    }
    Ok(())
}

/// One request, sent as often as it takes. All tries share a socket, so an answer to the first
/// one is welcome during the third: it answers the same question.
fn ask(server: SocketAddr, timeout: Duration) -> io::Result<String> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    // This waits for nothing, because UDP has no connections. The kernel notes the server's
    // address in our socket: it drops what others send, and tells us if the port is closed.
    socket.connect(server)?;
    socket.set_read_timeout(Some(timeout))?;
    let mut buffer = vec![0; MAX_DATAGRAM];
    for _ in 0..TRIES {
        blocking("send", || socket.send(b"SEND_TIME"))?;
        // Blocks until the server's datagram arrives, or the time is up.
        match blocking("recv", || socket.recv(&mut buffer)) {
            Ok(length) => {
                return Ok(String::from_utf8_lossy(&buffer[..length]).trim_end().to_string());
            }
            Err(e) if net::timed_out(&e) => note(format_args!("no answer within {timeout:?}")),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {} // we were stopped; ask again
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, format!("asked {TRIES} times")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn every_address_of_a_name_is_tried() {
        let [silent, server] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let addresses = [&silent, &server].map(|socket| socket.local_addr().unwrap());
        let timeout = Duration::from_millis(20);
        let client = thread::spawn(move || run_client(&addresses, timeout));
        server.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let (_, sender) = server.recv_from(&mut [0; 64]).unwrap();
        server.send_to(b"now", sender).unwrap();
        client.join().unwrap().unwrap();
    }
}
