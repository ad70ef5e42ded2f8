//! pipelining_client: chapter 6's client, which does not wait for an answer before it asks on.
//!
//! ```text
//! $ cargo run -p binary-codec --example pipelining_client -- 127.0.0.1 7006
//! ```
//!
//! Notice what makes this possible: frames end where they say, so answers may come one behind
//! the other, in the order of the requests. Notice also why it takes two threads: whoever only
//! sends may be stopped by a server that waits until somebody reads its answers.

use common::{Args, Attempt, Error, Program, blocking, net, say, typed};
use std::{
    net::{Shutdown, TcpStream},
    panic,
    process::ExitCode,
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
        let to_server = server.try_clone().attempt("cannot share the connection")?;
        let sender = thread::Builder::new()
            .name("typing".to_string())
            .spawn(move || send_typed(&to_server))
            .attempt("cannot start a thread")?;
        // If this fails the program ends, though the other thread may wait at the keyboard.
        print_answers(&server)?;
        blocking("join", || sender.join()).unwrap_or_else(|e| panic::resume_unwind(e))
    })
}

/// Every line goes out as soon as it is typed; a blank one, or the end, says goodbye.
fn send_typed(server: &TcpStream) -> Result<(), Error> {
    while let Some(line) = typed()?.filter(|line| !line.is_empty()) {
        frame::write(server, line.as_bytes()).attempt("cannot send a request")?;
    }
    frame::write(server, b"").attempt("cannot say goodbye")?;
    let _ = server.shutdown(Shutdown::Write); // nothing more will come
    Ok(())
}

/// Answers, in the order of their requests, until the server has closed.
fn print_answers(server: &TcpStream) -> Result<(), Error> {
    while let Some(answer) = frame::read(server).attempt("cannot read an answer")? {
        say(&String::from_utf8_lossy(&answer))?;
    }
    Ok(())
}
