//! pipelining_client: chapter 6's client, which asks on without waiting for an answer.
//!
//! ```text
//! $ cargo run -p binary-codec --example pipelining_client -- 127.0.0.1 7006
//! ```
//!
//! Notice what makes this possible: a frame says where it ends, so the answers can follow each
//! other without a gap, in the order of the requests. Notice also why it takes two threads. A
//! client that only sends would stop in `write` sooner or later, because the server stops in
//! `write` too, until its answers are read.

use common::{Context, Error, Program, net, say, typed};
use std::{
    net::{Shutdown, TcpStream},
    process::ExitCode,
    sync::mpsc,
    thread,
};

// The exercise is about the waiting, so the frames are the chapter's own.
#[path = "../src/frame.rs"]
#[allow(dead_code)]
mod frame;

const PROGRAM: Program = Program {
    name: "pipelining_client",
    usage: "pipelining_client HOST PORT",
    example: "cargo run -p binary-codec --example pipelining_client -- 127.0.0.1 7006",
};

fn main() -> ExitCode {
    PROGRAM.main(|args| {
        let (host, port) = args.target()?;
        run_client(&net::connect(&host, port)?)
    })
}

fn run_client(server: &TcpStream) -> Result<(), Error> {
    let to_server = server.try_clone().context("cannot share the connection")?;
    let (sent, all_sent) = mpsc::channel();
    thread::Builder::new()
        .name("typing".to_string())
        .spawn(move || {
            // Told before the goodbye, because the server closes when it hears that.
            let _ = sent.send(send_typed(&to_server));
            let _ = frame::write(&to_server, b""); // a server that is gone needs no goodbye
            let _ = to_server.shutdown(Shutdown::Write);
        })
        .context("cannot start a thread")?;
    // The program ends with this, even if the other thread still waits for a line to be typed.
    let answers = print_answers(server)?;
    match all_sent.try_recv() {
        Ok(Ok(requests)) if requests <= answers => Ok(()),
        Ok(Err(why)) => Err(why),
        _ => Err(Error::failed("cannot read an answer", "the server has gone away")),
    }
}

/// Sends every line as soon as it is typed, up to a blank one or the end. Returns how many.
fn send_typed(server: &TcpStream) -> Result<u64, Error> {
    let mut requests = 0;
    while let Some(line) = typed()?.filter(|line| !line.is_empty()) {
        frame::write(server, line.as_bytes()).context("cannot send a request")?;
        requests += 1;
    }
    Ok(requests)
}

/// Prints the answers in the order in which they arrive, until the server has closed. Returns
/// how many.
fn print_answers(server: &TcpStream) -> Result<u64, Error> {
    let mut answers = 0;
    while let Some(answer) = frame::read(server).context("cannot read an answer")? {
        say(&String::from_utf8_lossy(&answer))?;
        answers += 1;
    }
    Ok(answers)
}
