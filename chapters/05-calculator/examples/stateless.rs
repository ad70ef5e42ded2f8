//! stateless: chapter 5's calculator without a session: each request says who asks.
//!
//! ```text
//! $ cargo run -p calculator --example stateless -- 7005
//! $ printf 'Ada 12 + 42\n' | nc 127.0.0.1 7005
//! ```
//!
//! Notice what has become simpler: a line means the same whenever it comes, a server that is
//! started anew can go on in the middle, and one connection may carry the requests of many.
//! Notice also the price: the name is sent each time, and whoever asks may say any name.

use common::{Args, Context, Error, Program, blocking, net, say};
use std::{
    io::{BufReader, Write},
    net::TcpStream,
    process::ExitCode,
};

// The exercise is about the session; how a line is calculated stays the chapter's.
#[path = "../src/arithmetic.rs"]
mod arithmetic;
use arithmetic::{Expression, MALFORMED};

const PROGRAM: Program = Program {
    name: "stateless",
    usage: "stateless PORT",
    example: "cargo run -p calculator --example stateless -- 7005",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let port = args.port("PORT")?;
        args.finish()?;
        let listener = net::listen("127.0.0.1", port)?;
        loop {
            let (client, peer) = net::accept(&listener);
            net::spawn(peer, move || {
                let _ = serve(&client); // its end is the end of nothing but this connection
                net::hang_up(&client);
            });
        }
    })
}

/// A line, its answer, the next line. Nothing is kept from one to the next.
fn serve(mut client: &TcpStream) -> Result<(), Error> {
    let mut lines = BufReader::new(client);
    while let Some(line) = net::read_line(&mut lines).context("cannot read a line")? {
        let answer = answer(&line)? + "\n";
        blocking("write", || client.write_all(answer.as_bytes())).context("cannot answer")?;
    }
    Ok(())
}

/// The answer to `NAME A OP B`, made from nothing but this line.
fn answer(line: &str) -> Result<String, Error> {
    let result = match line.trim().split_once(' ') {
        Some((name, request)) => {
            let result = Expression::parse(request).and_then(|expression| expression.value());
            let result = result.map_or_else(|why| format!("error: {why}"), |n| n.to_string());
            say(&format!("{name}: {request} = {result}"))?;
            result
        }
        None => format!("error: {MALFORMED}"),
    };
    Ok(result)
}
