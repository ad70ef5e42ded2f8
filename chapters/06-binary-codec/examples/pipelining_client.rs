//! pipelining_client: chapter 6's client, which does not wait for an answer before it asks on.
//!
//! ```text
//! $ cargo run -p binary-codec --example pipelining_client -- 127.0.0.1 7006
//! ```
//!
//! Notice what makes this possible: frames end where they say, so answers may come one behind
//! the other, in the order of the requests. Notice also why it takes two threads: whoever only
//! sends may be stopped by a server that waits until somebody reads its answers.

use common::{Args, Context, Error, Program, net, say, typed};
use std::{
    net::{Shutdown, TcpStream},
    process::ExitCode,
    sync::mpsc,
    thread,
};

// The exercise is about the waiting; frames stay the chapter's.
#[path = "../src/frame.rs"]
#[allow(dead_code)]
mod frame;

const PROGRAM: Program = Program {
    name: "pipelining_client",
    usage: "pipelining_client HOST PORT",
    example: "cargo run -p binary-codec --example pipelining_client -- 127.0.0.1 7006",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let (host, port) = (args.word("HOST")?, args.port("PORT")?);
        args.finish()?;
        let server = net::connect(&host, port)?;
        let to_server = server.try_clone().context("cannot share the connection")?;
        let (sent, all_sent) = mpsc::channel();
        thread::Builder::new()
            .name("typing".to_string())
            .spawn(move || {
                let _ = sent.send(send_typed(&to_server)); // first: the answer comes quickly
                let _ = frame::write(&to_server, b""); // a server that is gone needs no goodbye
                let _ = to_server.shutdown(Shutdown::Write);
            })
            .context("cannot start a thread")?;
        // When this ends the program does, though the other thread may wait at the keyboard.
        let answers = print_answers(&server)?;
        match all_sent.try_recv() {
            Ok(Ok(requests)) if requests <= answers => Ok(()),
            Ok(Err(why)) => Err(why),
            _ => Err(Error::failed("cannot read an answer", "the server has gone away")),
        }
    })
}

/// Every line goes out as soon as it is typed, up to a blank one, or the end. Returns how many.
fn send_typed(server: &TcpStream) -> Result<u64, Error> {
    let mut requests = 0;
    while let Some(line) = typed()?.filter(|line| !line.is_empty()) {
        frame::write(server, line.as_bytes()).context("cannot send a request")?;
        requests += 1;
    }
    Ok(requests)
}

/// Answers, in the order of their requests, until the server has closed. Returns how many.
fn print_answers(server: &TcpStream) -> Result<u64, Error> {
    let mut answers = 0;
    while let Some(answer) = frame::read(server).context("cannot read an answer")? {
        say(&String::from_utf8_lossy(&answer))?;
        answers += 1;
    }
    Ok(answers)
}
