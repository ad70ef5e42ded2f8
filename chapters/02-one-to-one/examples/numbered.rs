//! numbered: chapter 2's server, which numbers the lines of each client.
//!
//! ```text
//! $ cargo run -p one-to-one --example numbered -- 7002
//! $ one-to-one 127.0.0.1 7002
//! ```
//!
//! Notice where the number lives: it is born with the conversation and dies with it, like the
//! buffer beside it. Declared a few lines higher, in `run`, it would count the lines of all.

use common::{Context, Error, Program, blocking, net, note, say, typed};
use std::{
    io::{BufReader, Write},
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
        let bind = args.option("--bind", "an address")?;
        let bind = bind.unwrap_or_else(|| "0.0.0.0".to_string());
        let port = args.port("PORT")?;
        args.finish()?;
        run(&net::listen(&bind, port)?)
    })
}

/// One client after another, as in chapter 2.
fn run(listener: &TcpListener) -> Result<(), Error> {
    loop {
        let (client, peer) = net::accept(listener);
        note(format_args!("connected to {peer}"));
        match talk(&client) {
            Ok(End::InputEnded) => return Ok(()),
            Ok(End::BlankLine | End::PeerClosed) => {}
            Err(Error::Failed(why)) => note(format_args!("{}: {why}", PROGRAM.name)),
            Err(gone) => return Err(gone),
        }
        note(format_args!("{peer} left"));
    }
}

/// One conversation, with all that it remembers: the number, and what has come too early.
fn talk(client: &TcpStream) -> Result<End, Error> {
    let (mut lines, mut number) = (BufReader::new(client), 0_u64);
    loop {
        let line = net::read_line(&mut lines).context("cannot read a message")?;
        let Some(line) = line else { return Ok(End::PeerClosed) };
        number += 1;
        say(&format!("{number} {line}"))?;
        match typed()? {
            None => return Ok(End::InputEnded),
            Some(answer) if answer.is_empty() => return Ok(End::BlankLine),
            Some(answer) => send(client, &answer)?,
        }
    }
}

fn send(mut client: &TcpStream, line: &str) -> Result<(), Error> {
    let message = format!("{line}\n");
    blocking("write", || client.write_all(message.as_bytes())).context("cannot send a message")
}
