//! numbered: chapter 2's server, which numbers the lines of each client.
//!
//! ```text
//! $ cargo run -p one-to-one --example numbered -- 7002
//! $ one-to-one 127.0.0.1 7002
//! ```
//!
//! Notice where the number lives. It is born with the conversation and dies with it, like the
//! buffer next to it. Declared in `run_server` it would count the lines of all clients.

use common::{Context, Error, Program, net, note, say, typed};
use std::{
    io::BufReader,
    net::{TcpListener, TcpStream},
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "numbered",
    usage: "numbered PORT [--bind ADDR]",
    example: "cargo run -p one-to-one --example numbered -- 7002",
};

/// Why a conversation ended, when nothing went wrong.
enum End {
    BlankLine,
    PeerClosed,
    InputEnded,
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let (bind, port) = (args.bind("0.0.0.0")?, args.port("PORT")?);
        args.finish()?;
        run_server(&net::listen(&bind, port)?)
    })
}

/// One client after another, as in chapter 2.
fn run_server(listener: &TcpListener) -> Result<(), Error> {
    loop {
        let (client, peer) = net::accept(listener);
        note(format_args!("connected to {peer}"));
        match session(&client) {
            Ok(End::BlankLine | End::PeerClosed) => {}
            Ok(End::InputEnded) => return Ok(()),
            Err(Error::Stdout(e)) => return Err(Error::Stdout(e)),
            Err(why) => note(format_args!("{}: {why}", PROGRAM.name)),
        }
        note(format_args!("{peer} left"));
    }
}

/// One conversation, with all that it remembers: the number, and what has arrived early.
fn session(client: &TcpStream) -> Result<End, Error> {
    let (mut lines, mut number) = (BufReader::new(client), 0_u64);
    loop {
        let line = net::read_line(&mut lines).context("cannot read a message")?;
        let Some(line) = line else { return Ok(End::PeerClosed) };
        number += 1;
        say(&format!("{number} {line}"))?;
        match typed()? {
            None => return Ok(End::InputEnded),
            Some(answer) if answer.is_empty() => return Ok(End::BlankLine),
            Some(answer) => {
                net::write_line(client, &answer).context("cannot send a message")?;
            }
        }
    }
}
