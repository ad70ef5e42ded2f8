//! stateless: chapter 5's calculator without a session. Each request says who asks.
//!
//! ```text
//! $ cargo run -p calculator --example stateless -- 7005
//! $ printf 'Ada 12 + 42\n' | nc 127.0.0.1 7005
//! ```
//!
//! Notice what has become simpler. A line means the same at any time, a server that is restarted
//! can go on in the middle of a conversation, and one connection can carry the requests of many
//! users. Notice the price, too: each line carries the name, and a client may put any name there.

use common::{Context, Error, Program, net, say};
use std::{
    io::{self, BufReader},
    net::{TcpListener, TcpStream},
    process::ExitCode,
};

// The exercise is about the session, so the arithmetic is the chapter's own.
#[path = "../src/arithmetic.rs"]
mod arithmetic;
use arithmetic::{Expression, MALFORMED};

const PROGRAM: Program = Program {
    name: "stateless",
    usage: "stateless PORT",
    example: "cargo run -p calculator --example stateless -- 7005",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let port = args.port("PORT")?;
        args.finish()?;
        run_server(&net::listen("127.0.0.1", port)?)
    })
}

/// A thread for each client. What ends one connection ends no other, except a stdout that cannot
/// be written any more: that ends the program.
fn run_server(listener: &TcpListener) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        net::spawn(peer, move || {
            match session(&client) {
                Err(Error::Stdout(e)) => PROGRAM.exit(Error::Stdout(e)),
                // A line that is too long, or not text.
                Err(Error::Failed(_, Some(e))) if e.kind() == io::ErrorKind::InvalidData => {
                    let _ = net::write_line(&client, &format!("error: {e}"));
                }
                _ => {}
            }
            net::hang_up(&client);
        });
    }
}

/// A line, its answer, the next line. Nothing is kept from one to the next.
fn session(client: &TcpStream) -> Result<(), Error> {
    let mut lines = BufReader::new(client);
    while let Some(line) = net::read_line(&mut lines).context("cannot read a line")? {
        net::write_line(client, &answer(&line)?).context("cannot answer")?;
    }
    Ok(())
}

/// The answer to `NAME A OP B`, made from nothing but this line.
fn answer(line: &str) -> Result<String, Error> {
    let Some((name, request)) = line.trim().split_once(' ') else {
        return Ok(format!("error: {MALFORMED}"));
    };
    let result = Expression::parse(request).and_then(|expression| expression.value());
    let answer = result.map_or_else(|why| format!("error: {why}"), |n| n.to_string());
    say(&format!("{name}: {request} = {answer}"))?;
    Ok(answer)
}
