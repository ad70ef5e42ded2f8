//! tcp_datetime: exercise 4.7, the date and the time by TCP, a connection for each request.
//!
//! ```text
//! $ cargo run --example tcp_datetime -- 7004
//! $ echo SEND_TIME | dumb-net 127.0.0.1 7004
//! ```
//!
//! The same service, and nothing is lost any more: the client's connect says at once that
//! nobody is there, and an answer that cannot be delivered is sent again by the kernel. What
//! it costs: three packets before the first byte, up to four after the last, and a state at both
//! ends, so that a client which connects and says nothing holds a thread here. Is the
//! protocol stateless all the same? (The server forgets a client with its connection.)

use common::{LocalTime, Program, blocking, cause, net, note};
use std::{
    io::{self, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "tcp_datetime",
    usage: "tcp_datetime PORT [--bind ADDR]",
    example: "cargo run --example tcp_datetime -- 7004",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let bind = args.option("--bind", "an address")?;
        let bind = bind.unwrap_or_else(|| "127.0.0.1".to_string());
        let port = args.port("PORT")?;
        args.finish()?;
        run(&net::listen(&bind, port)?)
    })
}

/// A thread for each client: one that says nothing shall keep nobody else waiting. The server
/// of datagrams needed none, because no datagram is ever half there.
fn run(listener: &TcpListener) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        net::spawn(peer, move || {
            if let Err(e) = serve(&client) {
                note(format_args!("{peer} left: {}", cause(&e)));
            }
            net::hang_up(&client);
        });
    }
}

/// One line in, one line out. Blocks until the client has sent its line, or closed.
fn serve(mut client: &TcpStream) -> io::Result<()> {
    let line = match net::read_line(&mut BufReader::new(client)) {
        Ok(Some(request)) => answer(request.trim()),
        Ok(None) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => format!("error: {e}"),
        Err(e) => return Err(e),
    };
    blocking("write", || client.write_all(format!("{line}\n").as_bytes()))
}

/// An error may be answered here: whoever asks has shown, by connecting, that the address is not
/// forged.
fn answer(request: &str) -> String {
    match request {
        "SEND_DATE" => {
            let now = LocalTime::now();
            format!("{:04}-{:02}-{:02}", now.year, now.month, now.day)
        }
        "SEND_TIME" => {
            let now = LocalTime::now();
            format!("{:02}:{:02}:{:02}", now.hour, now.minute, now.second)
        }
        _ => "error: ask SEND_DATE or SEND_TIME".to_string(),
    }
}
