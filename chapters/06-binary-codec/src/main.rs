//! binary-codec: text to binary digits and back, in messages that say how long they are.
//!
//! ```text
//! $ binary-codec encoder 7006
//! $ binary-codec 127.0.0.1 7006
//! ```
//!
//! Chapters 2 to 5 ended a message with `\n`. Here it begins with its length instead, so it
//! may hold any byte, and both ends must agree on what the four bytes of a number mean
//! (`frame.rs`). Notice what a length costs: the reader now believes a number that a stranger
//! sent, so it asks first what the number would make it do. Notice too that an error is an
//! answer like any other, while a frame that is cut off or too long ends the session: after
//! it nobody knows where the next one begins.

mod codec;
mod frame;

use codec::Codec;
use common::{Args, Context, Error, Program, interface_address, net, note, say, typed};
use frame::MAX_FRAME;
use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "binary-codec",
    usage: "binary-codec encoder|decoder PORT [--bind ADDR | --interface NAME]\n\
            \x20                            [--multi-threaded]\n\
            binary-codec HOST PORT",
    example: "binary-codec encoder 7006",
};

/// A server's options, which a client must not have.
struct Options {
    bind: Option<String>,
    interface: Option<String>,
    multi_threaded: bool,
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let options = Options {
            bind: args.option("--bind", "an address")?,
            interface: args.option("--interface", "the name of an interface")?,
            multi_threaded: args.flag("--multi-threaded"),
        };
        let (host, port) = (args.word("HOST")?, args.port("PORT")?);
        args.finish()?;
        match host.as_str() {
            "encoder" => start(codec::encode, port, &options),
            "decoder" => start(codec::decode, port, &options),
            host => connect(host, port, &options),
        }
    })
}

fn start(codec: Codec, port: u16, options: &Options) -> Result<(), Error> {
    let bind = match (&options.bind, &options.interface) {
        (Some(_), Some(_)) => {
            return Err(Error::Usage("--bind and --interface exclude each other".to_string()));
        }
        (Some(address), None) => address.clone(),
        (None, Some(name)) => interface_address(name)?.to_string(),
        (None, None) => "127.0.0.1".to_string(),
    };
    run(&net::listen(&bind, port)?, codec, options.multi_threaded)
}

/// One client at a time, each in turn; or a thread for each, as in chapter 3.
fn run(listener: &TcpListener, codec: Codec, multi_threaded: bool) -> Result<(), Error> {
    loop {
        let (client, peer) = net::accept(listener);
        if multi_threaded {
            net::spawn(peer, move || {
                if let Err(gone) = serve(&client, peer, codec) {
                    PROGRAM.exit(gone); // the main thread waits in accept and cannot be told
                }
            });
        } else {
            serve(&client, peer, codec)?;
        }
    }
}

/// Serves one client to its end. Whatever goes wrong with it ends its own session alone; the
/// only error that is left is a stdout which nobody reads any more.
fn serve(client: &TcpStream, peer: SocketAddr, codec: Codec) -> Result<(), Error> {
    note(format_args!("connected to {peer}"));
    match converse(client, codec) {
        Ok(()) => note(format_args!("{peer} left")),
        Err(gone @ Error::Stdout(_)) => return Err(gone),
        Err(e) => {
            note(format_args!("{peer} left: {e}"));
            net::hang_up(client); // what it was answered before shall still arrive
        }
    }
    Ok(())
}

/// Answers each frame with one frame, until the client says goodbye or closes.
fn converse(client: &TcpStream, codec: Codec) -> Result<(), Error> {
    while let Some(request) = frame::read(client).context("cannot read a frame")? {
        if request.is_empty() {
            return Ok(()); // goodbye, and not answered
        }
        say(&format!("Received: {}", String::from_utf8_lossy(&request)))?;
        let answer = answer(request, codec);
        frame::write(client, answer.as_bytes()).context("cannot send the answer")?;
        say(&format!("Sent: {answer}"))?;
    }
    Ok(())
}

/// The answer to a whole frame. Only a whole one can be decoded: a piece may end in the middle
/// of a character.
fn answer(request: Vec<u8>, codec: Codec) -> String {
    let text = String::from_utf8(request).map_err(|_| "the request is not UTF-8".to_string());
    match text.and_then(|text| codec(&text)) {
        Ok(answer) if answer.is_empty() => "error: the answer would be empty".to_string(),
        Ok(answer) if answer.len() > MAX_FRAME => {
            format!("error: the answer would be longer than {MAX_FRAME} bytes")
        }
        Ok(answer) => answer,
        Err(why) => format!("error: {why}"),
    }
}

fn connect(host: &str, port: u16, options: &Options) -> Result<(), Error> {
    if options.bind.is_some() || options.interface.is_some() || options.multi_threaded {
        let servers_own = "--bind, --interface and --multi-threaded are for a server";
        return Err(Error::Usage(servers_own.to_string()));
    }
    let server = net::connect(host, port)?;
    note(format_args!("connected to {}", net::address(host, port)));
    talk(&server)
}

/// The client: a line, its answer, the next line. A blank line or the end of stdin is goodbye.
fn talk(server: &TcpStream) -> Result<(), Error> {
    while let Some(line) = typed()?.filter(|line| !line.is_empty()) {
        frame::write(server, line.as_bytes()).context("cannot send the request")?;
        say(&read_answer(server)?)?;
    }
    frame::write(server, b"").context("cannot say goodbye")
}

fn read_answer(server: &TcpStream) -> Result<String, Error> {
    const ATTEMPT: &str = "cannot read the answer";
    match frame::read(server).context(ATTEMPT)? {
        Some(answer) if !answer.is_empty() => {
            String::from_utf8(answer).map_err(|_| Error::failed(ATTEMPT, "it is not UTF-8"))
        }
        _ => Err(Error::failed(ATTEMPT, "the server has gone away")),
    }
}
