//! patient: chapter 2's server, which waits for a client's line only so long.
//!
//! ```text
//! $ cargo run -p one-to-one --example patient -- 7002 --patience 10
//! $ one-to-one 127.0.0.1 7002
//! ```
//!
//! Notice that the clock, too, can wake a blocking call, so the server needs no second thread to
//! get rid of a client that says nothing. Notice also what this does not solve: the time starts
//! again with each byte, so a client that sends one now and then can stay forever.

use common::{Context, Error, Program, net, note, say, typed};
use std::{
    io::BufReader,
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
        let Some(patience) = args.seconds("--patience")? else {
            return Err(Error::Usage("--patience is missing".to_string()));
        };
        let (bind, port) = (args.bind("0.0.0.0")?, args.port("PORT")?);
        args.finish()?;
        run_server(&net::listen(&bind, port)?, patience)
    })
}

/// One client after another, as in chapter 2. A silent one, too, has an end now.
fn run_server(listener: &TcpListener, patience: Duration) -> Result<(), Error> {
    loop {
        let (client, peer) = net::accept(listener);
        note(format_args!("connected to {peer}"));
        match session(&client, patience) {
            Ok(End::BlankLine | End::PeerClosed) => {}
            Ok(End::PeerSilent) => note(format_args!("{peer} said nothing for {patience:?}")),
            Ok(End::InputEnded) => return Ok(()),
            Err(Error::Stdout(e)) => return Err(Error::Stdout(e)),
            Err(why) => note(format_args!("{}: {why}", PROGRAM.name)),
        }
        note(format_args!("{peer} left"));
    }
}

/// One conversation. Our own user may think for as long as it takes: only the client's silence
/// is measured.
fn session(client: &TcpStream, patience: Duration) -> Result<End, Error> {
    client.set_read_timeout(Some(patience)).context("cannot set a timeout")?;
    let mut lines = BufReader::new(client);
    loop {
        // Blocks until a whole line has arrived, the client has closed, or the time is up.
        match net::read_line(&mut lines) {
            Ok(Some(line)) => say(&line)?,
            Ok(None) => return Ok(End::PeerClosed),
            Err(e) if net::timed_out(&e) => return Ok(End::PeerSilent),
            Err(e) => return Err(e).context("cannot read a message"),
        }
        match typed()? {
            None => return Ok(End::InputEnded),
            Some(answer) if answer.is_empty() => return Ok(End::BlankLine),
            Some(answer) => {
                net::write_line(client, &answer).context("cannot send a message")?;
            }
        }
    }
}
