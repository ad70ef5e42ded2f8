//! net_client: sends messages, one after another, and prints each answer.
//!
//! ```text
//! $ cargo run --example net_server -- 7004 --reply reverse
//! $ cargo run --example net_client -- 127.0.0.1 7004 --count 3
//! ```
//!
//! Notice its rhythm: one line out, one line in. It waits for each answer before it sends the
//! next line, so a run takes the number of lines times the way there and back, no matter how many
//! bytes a second the network could carry.

use common::{Context, Error, Program, blocking, net, note, say, text_line};
use std::{fs::File, io::BufReader, iter, net::TcpStream, process::ExitCode};

const PROGRAM: Program = Program {
    name: "net_client",
    usage: "net_client HOST PORT --count N\nnet_client HOST PORT --file F",
    example: "cargo run --example net_client -- 127.0.0.1 7004 --count 3",
};

/// Where the messages come from, one by one, so that a large file costs no memory.
type Messages = Box<dyn Iterator<Item = Result<String, Error>>>;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let count: Option<u64> = args.option("--count", "a number")?;
        let file: Option<String> = args.option("--file", "a file")?;
        let (host, port) = args.target()?;
        let messages = messages(count, file)?;
        let server = net::connect(&host, port)?;
        note(format_args!("connected to {}", net::address(&host, port)));
        session(&server, messages)
    })
}

/// The numbers from 1 to N, or the lines of a file. The user asks for one of the two.
fn messages(count: Option<u64>, file: Option<String>) -> Result<Messages, Error> {
    match (count, file) {
        (Some(count), None) => Ok(Box::new((1..=count).map(|number| Ok(number.to_string())))),
        (None, Some(name)) => {
            let file = blocking("open", || File::open(&name))
                .context(format_args!("cannot open {name}"))?;
            let mut file = BufReader::new(file);
            let next = move || {
                text_line(&mut file).context(format_args!("cannot read {name}")).transpose()
            };
            Ok(Box::new(iter::from_fn(next)))
        }
        _ => Err(Error::Usage("one of --count N and --file F is needed".to_string())),
    }
}

/// One message, one answer, until there are no more messages. The server is not told so: it reads
/// the end when our socket is closed.
fn session(server: &TcpStream, messages: Messages) -> Result<(), Error> {
    let mut answers = BufReader::new(server);
    for message in messages {
        net::write_line(server, &message?).context("cannot send a message")?;
        // Blocks until the server has answered. If it serves another client first, this is where
        // we wait for our turn: it was only its kernel that let us connect.
        match net::read_line(&mut answers).context("cannot read the answer")? {
            Some(answer) => say(&answer)?,
            None => {
                return Err(Error::failed("cannot read the answer", "the server has closed"));
            }
        }
    }
    Ok(())
}
