//! tagged_encoder: chapter 6's encoder, whose errors cannot be mistaken for text.
//!
//! ```text
//! $ cargo run -p binary-codec --example tagged_encoder -- 7006
//! ```
//!
//! The first byte of each frame that it sends says what the rest is: `=` an answer, `!` an
//! error. Notice that the frames did not have to change for that. A frame says where a message
//! ends, and what the message means is the business of another layer. Notice also that an answer
//! may be empty now, because a frame of one byte does not say goodbye.

use common::{Context, Error, Program, net, note};
use std::{
    net::{TcpListener, TcpStream},
    process::ExitCode,
};

// The exercise is about what a frame contains, so frames and codes are the chapter's own.
#[path = "../src/codec.rs"]
#[allow(dead_code)]
mod codec;
#[path = "../src/frame.rs"]
#[allow(dead_code)]
mod frame;

const PROGRAM: Program = Program {
    name: "tagged_encoder",
    usage: "tagged_encoder PORT",
    example: "cargo run -p binary-codec --example tagged_encoder -- 7006",
};

/// The byte in front of an answer.
const ANSWER: &str = "=";

/// The byte in front of the reason why there is none.
const ERROR: &str = "!";

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let port = args.port("PORT")?;
        args.finish()?;
        run_server(&net::listen("127.0.0.1", port)?)
    })
}

/// Serves one client at a time.
fn run_server(listener: &TcpListener) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        if let Err(e) = session(&client) {
            note(format_args!("{peer} left: {e}"));
        }
    }
}

/// One client, until its empty frame or its close.
fn session(client: &TcpStream) -> Result<(), Error> {
    while let Some(request) = frame::read(client).context("cannot read a request")? {
        if request.is_empty() {
            return Ok(());
        }
        frame::write(client, answer(request).as_bytes()).context("cannot answer")?;
    }
    Ok(())
}

fn answer(request: Vec<u8>) -> String {
    let text = String::from_utf8(request).map_err(|_| "the request is not UTF-8".to_string());
    match text.and_then(|text| codec::encode(&text)) {
        Ok(groups) => format!("{ANSWER}{groups}"), // no space after the last: room for the tag
        Err(why) => format!("{ERROR}{why}"),
    }
}
