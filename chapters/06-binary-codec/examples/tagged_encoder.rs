//! tagged_encoder: chapter 6's encoder, whose errors cannot be mistaken for text.
//!
//! ```text
//! $ cargo run -p binary-codec --example tagged_encoder -- 7006
//! ```
//!
//! The first byte of each frame that it sends says what the rest is: `=` an answer, `!` an
//! error. Notice that the frame's end needed no change for that: framing says where a message
//! ends, and what it means is another layer's business. A frame of one byte is no goodbye any
//! more, so an answer may be empty now.

use common::{Args, Context, Error, Program, net, note};
use std::{net::TcpStream, process::ExitCode};

// The exercise is about what is in a frame; frames and codes stay the chapter's.
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

/// In front of an answer.
const ANSWER: &str = "=";

/// In front of the reason why there is none.
const ERROR: &str = "!";

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let port = args.port("PORT")?;
        args.finish()?;
        let listener = net::listen("127.0.0.1", port)?;
        loop {
            let (client, peer) = net::accept(&listener);
            if let Err(e) = serve(&client) {
                note(format_args!("{peer} left: {e}"));
            }
        }
    })
}

/// One client, until its empty frame or its close.
fn serve(client: &TcpStream) -> Result<(), Error> {
    while let Some(request) = frame::read(client).context("cannot read a request")? {
        if request.is_empty() {
            return Ok(());
        }
        let answer = match String::from_utf8(request) {
            Ok(text) => codec::encode(&text),
            Err(_) => Err("these bytes are not UTF-8".to_string()),
        };
        let frame = match answer {
            Ok(groups) if groups.len() < frame::MAX_FRAME => format!("{ANSWER}{groups}"),
            Ok(_) => format!("{ERROR}the answer would be too long"),
            Err(why) => format!("{ERROR}{why}"),
        };
        frame::write(client, frame.as_bytes()).context("cannot answer")?;
    }
    Ok(())
}
