//! net_client: sends messages, one after another, and prints each answer.
//!
//! ```text
//! $ cargo run --example net_server -- 7004 --reply reverse
//! $ cargo run --example net_client -- 127.0.0.1 7004 --count 3
//! ```
//!
//! Notice the step it walks in: one line out, one line in. It waits for each answer before
//! it sends the next line, so the time of a run is the number of lines times the way there
//! and back, however fast the line between them is.

use common::{Context, Error, Program, blocking, net, note, say, text_line};
use std::{
    fs::File,
    io::{BufReader, Write},
    iter,
    net::TcpStream,
    process::ExitCode,
};

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
        let (host, port) = (args.word("HOST")?, args.port("PORT")?);
        args.finish()?;
        let messages = messages(count, file)?;
        let server = net::connect(&host, port)?;
        note(format_args!("connected to {}", net::address(&host, port)));
        run(&server, messages)
    })
}

/// The numbers from 1 to N, or the lines of a file; the user decides for one of the two.
fn messages(count: Option<u64>, file: Option<String>) -> Result<Messages, Error> {
    match (count, file) {
        (Some(count), None) => Ok(Box::new((1..=count).map(|number| Ok(number.to_string())))),
        (None, Some(name)) => {
            let file = blocking("open", || File::open(&name))
                .context(format_args!("cannot open {name}"))?;
            let mut file = BufReader::new(file);
            Ok(Box::new(iter::from_fn(move || text_line(&mut file, &name).transpose())))
        }
        _ => Err(Error::Usage("one of --count N and --file F is needed".to_string())),
    }
}

/// One message, one answer, until there are no more messages. That is all the server is told:
/// it reads the end when our socket closes behind us.
fn run(mut server: &TcpStream, messages: Messages) -> Result<(), Error> {
    let mut answers = BufReader::new(server);
    for message in messages {
        let line = format!("{}\n", message?);
        blocking("write", || server.write_all(line.as_bytes()))
            .context("cannot send a message")?;
        // Blocks until the server has answered. With a server that serves somebody else first,
        // this is where we stand in the queue: it was our kernel alone that let us connect.
        match net::read_line(&mut answers).context("cannot read the answer")? {
            Some(answer) => say(&answer)?,
            None => {
                return Err(Error::failed("cannot read the answer", "the server has closed"));
            }
        }
    }
    Ok(())
}
