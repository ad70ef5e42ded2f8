//! binary-codec: text to binary digits and back, in messages that say how long they are.
//!
//! ```text
//! $ binary-codec encoder 7006
//! $ binary-codec 127.0.0.1 7006
//! ```
//!
//! In chapters 2 to 5 a message ended with `\n`. Here it begins with its length ([`frame`]), so
//! it can contain any byte, and both ends have to agree on what the four bytes of a length mean.
//!
//! Notice what the length costs us: it is a number that a stranger has sent, so we ask what it
//! would make us do before we act on it. Notice also which failures end a session. A request
//! that cannot be served gets an answer `error: ...`, and the session goes on. A frame that is
//! cut off or too long ends it, because we no longer know where the next frame begins.

mod codec;
mod frame;
mod options;

use codec::Codec;
use common::{Context, Error, Program, net, note, say, typed};
use options::Options;
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

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let options = Options::take(&mut args)?;
        let (host, port) = args.target()?;
        let listen = || net::listen(&options.address()?, port);
        match host.as_str() {
            "encoder" => run_server(&listen()?, codec::encode, options.multi_threaded),
            "decoder" => run_server(&listen()?, codec::decode, options.multi_threaded),
            _ if options != Options::default() => {
                Err(Error::Usage("a client takes no options of a server".to_string()))
            }
            host => run_client(host, port),
        }
    })
}

/// Serves one client at a time, each in turn, or each on a thread of its own as in chapter 3.
fn run_server(listener: &TcpListener, codec: Codec, multi_threaded: bool) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        if multi_threaded {
            net::spawn(peer, move || serve(&client, peer, codec));
        } else {
            serve(&client, peer, codec);
        }
    }
}

/// Serves one client from its first frame to its last. Whatever goes wrong with it ends its own
/// session and no other.
fn serve(client: &TcpStream, peer: SocketAddr, codec: Codec) {
    note(format_args!("connected to {peer}"));
    match session(client, codec) {
        Ok(()) => note(format_args!("{peer} left")),
        // Without stdout we could not serve the next client either.
        Err(Error::Stdout(e)) => PROGRAM.exit(Error::Stdout(e)),
        Err(e) => note(format_args!("{peer} left: {e}")),
    }
    net::hang_up(client); // so that the answers we have sent still arrive
}

/// Answers each frame with one frame, until the client says goodbye or closes.
fn session(client: &TcpStream, codec: Codec) -> Result<(), Error> {
    while let Some(request) = frame::read(client).context("cannot read a frame")? {
        if request.is_empty() {
            return Ok(()); // a goodbye, which gets no answer
        }
        say(&format!("Received: {}", String::from_utf8_lossy(&request)))?;
        let answer = answer(request, codec);
        frame::write(client, answer.as_bytes()).context("cannot send the answer")?;
        say(&format!("Sent: {answer}"))?;
    }
    Ok(())
}

/// The answer to a whole frame. A piece of one could not be decoded, because it may end in the
/// middle of a character.
fn answer(request: Vec<u8>, codec: Codec) -> String {
    let text = String::from_utf8(request).map_err(|_| "the request is not UTF-8".to_string());
    match text.and_then(|text| codec(&text)) {
        Ok(answer) if answer.is_empty() => "error: the answer would be empty".to_string(),
        Ok(answer) => answer,
        Err(why) => format!("error: {why}"),
    }
}

/// The client: a line, its answer, the next line. A blank line or the end of stdin says goodbye.
fn run_client(host: &str, port: u16) -> Result<(), Error> {
    let server = net::connect(host, port)?;
    note(format_args!("connected to {}", net::address(host, port)));
    while let Some(line) = typed()?.filter(|line| !line.is_empty()) {
        frame::write(&server, line.as_bytes()).context("cannot send the request")?;
        say(&read_answer(&server)?)?;
    }
    frame::write(&server, b"").context("cannot say goodbye")
}

/// Blocks until a whole answer has arrived. An empty frame is none: a server has no goodbye.
fn read_answer(server: &TcpStream) -> Result<String, Error> {
    match frame::read(server).context("cannot read the answer")? {
        Some(answer) if !answer.is_empty() => Ok(String::from_utf8_lossy(&answer).into_owned()),
        _ => Err(Error::failed("cannot read the answer", "the server has gone away")),
    }
}
