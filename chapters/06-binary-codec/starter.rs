//! binary-codec: text to binary digits and back, in messages that say how long they are.
//!
//! ```text
//! $ binary-codec encoder 7006
//! $ binary-codec 127.0.0.1 7006
//! ```
//!
//! Chapters 2 to 5 ended a message with `\n`. Here it begins with its length instead, so it
//! may hold any byte, and both ends must agree on what the four bytes of a number mean.
//!
//! This is the starter: it listens and connects, and then `read_frame`, `write_frame`,
//! `encode`, `decode`, `run`, `serve` and `talk` are yours. From `common` you will want
//! `net::accept`, `net::spawn` (chapter 3's), `typed` (a line from the user), `say` (a line to
//! stdout), `blocking` (around every call that waits), and `Context`.

// Delete this line when you begin: the compiler then lists what is written and not used yet.
#![allow(dead_code)]

use common::{Args, Error, Program, interface_address, net, note};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "binary-codec",
    usage: "binary-codec encoder|decoder PORT [--bind ADDR | --interface NAME]\n\
            \x20                            [--multi-threaded]\n\
            binary-codec HOST PORT",
    example: "binary-codec encoder 7006",
};

/// The longest frame that is sent or taken, in bytes, its length not counted.
const MAX_FRAME: usize = 1024 * 1024;

/// Turns a request into its answer, or says why that cannot be done.
type Codec = fn(&str) -> Result<String, String>;

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
            "encoder" => start(encode, port, &options),
            "decoder" => start(decode, port, &options),
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

fn connect(host: &str, port: u16, options: &Options) -> Result<(), Error> {
    if options.bind.is_some() || options.interface.is_some() || options.multi_threaded {
        let servers_own = "--bind, --interface and --multi-threaded are for a server";
        return Err(Error::Usage(servers_own.to_string()));
    }
    let server = net::connect(host, port)?;
    note(format_args!("connected to {}", net::address(host, port)));
    talk(&server)
}

/// The bytes of a text as groups of eight binary digits: `co` → `01100011 01101111`. How many
/// groups has `é`?
fn encode(_text: &str) -> Result<String, String> {
    Err("encode is not written yet".to_string())
}

/// The text whose bytes are given as groups of one to eight binary digits. What is no such
/// group? Which groups are fine one by one and still no text?
fn decode(_groups: &str) -> Result<String, String> {
    Err("decode is not written yet".to_string())
}

/// Writes one frame: a length of four bytes, the most significant first, then the bytes. What
/// does the length count, characters or bytes? What goes over the wire if you write the number
/// as it stands in your machine's memory?
fn write_frame(_to: impl Write, _bytes: &[u8]) -> io::Result<()> {
    Err(io::Error::other("write_frame is not written yet"))
}

/// Reads one frame. In how many pieces may its length come, and its bytes? What if the next
/// frame came in the same packet? `None` says that the peer has closed: how do you tell that
/// from a close in the middle of a frame? What does your program do when a stranger sends the
/// length FFFFFFFF and then nothing more? How much memory should a frame take before it has
/// come?
fn read_frame(_from: impl Read) -> io::Result<Option<Vec<u8>>> {
    Err(io::Error::other("read_frame is not written yet"))
}

/// One client at a time, each in turn; or a thread for each, as in chapter 3. Whose end is it
/// when a session fails?
fn run(_listener: &TcpListener, _codec: Codec, _multi_threaded: bool) -> Result<(), Error> {
    Err(Error::failed("run", "not written yet"))
}

/// One session: each frame gets one frame in answer, and a `Received:` and a `Sent:` line on
/// stdout, until the client sends the empty frame or closes. After which errors do both ends
/// still know where the next frame begins, so that the session can go on with an answer
/// `error: …`? When can the bytes become text: as they come, or at the end? Which answers
/// cannot be sent, because they would be over the limit or say goodbye?
fn serve(_client: &TcpStream, _codec: Codec) -> Result<(), Error> {
    Err(Error::failed("serve", "not written yet"))
}

/// The client: a line, its answer, the next line. What does it send at a blank line or at the
/// end of stdin? What should the user read, and with which exit status should the program end,
/// when the server goes away instead of answering?
fn talk(_server: &TcpStream) -> Result<(), Error> {
    note("binary-codec: talk is not written yet");
    Ok(())
}
