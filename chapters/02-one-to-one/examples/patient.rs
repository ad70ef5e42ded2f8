//! patient: chapter 2's server, which waits for a client's line only so long.
//!
//! ```text
//! $ cargo run -p one-to-one --example patient -- 7002 --patience 10
//! $ one-to-one 127.0.0.1 7002
//! ```
//!
//! Notice that a blocking call can be woken by the clock too: then nobody needs a second
//! thread to get rid of a client who says nothing. Notice also what this does not mend: the
//! clock starts again with each byte, so whoever sends one now and then can stay for ever.

use common::{Context, Error, Program, Seconds, blocking, net, note, say, typed};
use std::{
    io::{BufReader, ErrorKind, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
    time::Duration,
};

const PROGRAM: Program = Program {
    name: "patient",
    usage: "patient PORT --patience SECONDS [--bind ADDR]",
    example: "cargo run -p one-to-one --example patient -- 7002 --patience 10",
};

/// Why a conversation ended, when nothing went wrong.
enum End {
    BlankLine,
    PeerClosed,
    PeerSilent,
    InputEnded,
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let bind = args.option("--bind", "an address")?;
        let bind = bind.unwrap_or_else(|| "0.0.0.0".to_string());
        let patience: Option<Seconds> = args.option("--patience", "a time in seconds")?;
        let port = args.port("PORT")?;
        args.finish()?;
        match patience {
            Some(Seconds(time)) if !time.is_zero() => run(&net::listen(&bind, port)?, time),
            _ => Err(Error::Usage("--patience needs more than 0 seconds".to_string())),
        }
    })
}

/// One client after another, as in chapter 2; a silent one too has an end now.
fn run(listener: &TcpListener, patience: Duration) -> Result<(), Error> {
    loop {
        let (client, peer) = net::accept(listener);
        note(format_args!("connected to {peer}"));
        match talk(&client, patience) {
            Ok(End::InputEnded) => return Ok(()),
            Ok(End::PeerSilent) => note(format_args!("{peer} said nothing for {patience:?}")),
            Ok(End::BlankLine | End::PeerClosed) => {}
            Err(Error::Failed(why)) => note(format_args!("{}: {why}", PROGRAM.name)),
            Err(gone) => return Err(gone),
        }
        note(format_args!("{peer} left"));
    }
}

/// One conversation. Our own user may think for as long as it takes: only the client's silence is
/// measured.
fn talk(client: &TcpStream, patience: Duration) -> Result<End, Error> {
    client.set_read_timeout(Some(patience)).context("cannot set a timeout")?;
    let mut lines = BufReader::new(client);
    loop {
        // Blocks until a whole line has come, the client has closed, or the time is over.
        match net::read_line(&mut lines) {
            Ok(Some(line)) => say(&line)?,
            Ok(None) => return Ok(End::PeerClosed),
            Err(e) if is_timeout(e.kind()) => return Ok(End::PeerSilent),
            Err(e) => return Err(e).context("cannot read a message"),
        }
        match typed()? {
            None => return Ok(End::InputEnded),
            Some(answer) if answer.is_empty() => return Ok(End::BlankLine),
            Some(answer) => send(client, &answer)?,
        }
    }
}

/// Which of the two a system says is its own business.
fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn send(mut client: &TcpStream, line: &str) -> Result<(), Error> {
    let message = format!("{line}\n");
    blocking("write", || client.write_all(message.as_bytes())).context("cannot send a message")
}
