//! net_server: answers each line with a changed one.
//!
//! ```text
//! $ cargo run --example net_server -- 7004 --reply reverse
//! $ cargo run --example net_client -- 127.0.0.1 7004 --count 3
//! ```
//!
//! This is chapter 2's server again, with a rule instead of a person. It serves one client after
//! another, unless `--threaded` gives each a thread: find the one line that makes the difference.
//! A message is a line of UTF-8 that ends with `\n`. An `\r` in front of that, as telnet sends
//! it, belongs to the ending.

use common::{Program, cause, net, note};
use std::{
    io::{self, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
    str::FromStr,
};

const PROGRAM: Program = Program {
    name: "net_server",
    usage: "net_server PORT --reply reverse|length|upper|prefix:TEXT [--threaded] [--bind ADDR]",
    example: "cargo run --example net_server -- 7004 --reply reverse",
};

/// How a line is changed.
#[derive(Clone)]
enum Rule {
    /// Its characters from the last to the first.
    Reverse,
    /// How many characters it has.
    Length,
    /// In capitals.
    Upper,
    /// With this text in front.
    Prefix(String),
}

impl FromStr for Rule {
    type Err = ();

    fn from_str(word: &str) -> Result<Rule, ()> {
        match word {
            "reverse" => Ok(Rule::Reverse),
            "length" => Ok(Rule::Length),
            "upper" => Ok(Rule::Upper),
            // A line break in the prefix would make two lines of each answer.
            _ if word.contains('\n') => Err(()),
            _ => word
                .strip_prefix("prefix:")
                .map(|text| Rule::Prefix(text.to_string()))
                .ok_or(()),
        }
    }
}

impl Rule {
    /// A character is what Rust calls a `char`, a Unicode scalar value. `é` is one, so it is
    /// turned round as a whole, although it is two bytes on the wire.
    fn change(&self, line: &str) -> String {
        match self {
            Rule::Reverse => line.chars().rev().collect(),
            Rule::Length => line.chars().count().to_string(),
            Rule::Upper => line.to_uppercase(),
            Rule::Prefix(text) => format!("{text}{line}"),
        }
    }
}

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let rule = args.required("--reply", "reverse, length, upper or prefix:TEXT")?;
        let threaded = args.flag("--threaded");
        let (bind, port) = (args.bind("127.0.0.1")?, args.port("PORT")?);
        args.finish()?;
        run_server(&net::listen(&bind, port)?, &rule, threaded)
    })
}

/// The main thread waits for clients, and without `--threaded` for each client too.
fn run_server(listener: &TcpListener, rule: &Rule, threaded: bool) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        let rule = rule.clone();
        let serve = move || serve(&client, peer, &rule);
        if threaded { net::spawn(peer, serve) } else { serve() }
    }
}

/// One client, from its first line to its last.
fn serve(client: &TcpStream, peer: SocketAddr, rule: &Rule) {
    note(format_args!("connected to {peer}"));
    match session(client, rule) {
        Ok(()) => note(format_args!("{peer} left")),
        Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
    }
}

/// One line in, one line out, until the client closes. A line that is too long, cut off or not
/// UTF-8 is answered with an error, and ends the session: nothing after it can be trusted.
fn session(client: &TcpStream, rule: &Rule) -> io::Result<()> {
    let mut lines = BufReader::new(client);
    loop {
        // Blocks until the client has sent a whole line, or closed.
        match net::read_line(&mut lines) {
            Ok(Some(line)) => net::write_line(client, &answer(rule, &line))?,
            Ok(None) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                net::write_line(client, &format!("error: {e}"))?;
                net::hang_up(client);
                return Err(e);
            }
            Err(e) => return Err(e),
        }
    }
}

/// The answer to a line. Some rules make a line longer, and the limit holds for both ends.
fn answer(rule: &Rule, line: &str) -> String {
    let answer = rule.change(line.strip_suffix('\r').unwrap_or(line));
    if answer.len() < net::MAX_LINE { answer } else { "error: answer too long".to_string() }
}
