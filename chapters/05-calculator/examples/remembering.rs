//! remembering: chapter 5's calculator, which remembers one thing more: `ans`, the last result.
//!
//! ```text
//! $ cargo run -p calculator --example remembering -- 7005 --idle 60
//! $ printf 'Ada\n12 + 42\nans / 2\n' | nc 127.0.0.1 7005
//! ```
//!
//! Notice that the second thing to remember lies where the first does, in the session's own
//! variables. Notice also that what is remembered costs something as long as the session
//! lasts, and that a client that says nothing could make it last for ever: so it ends when
//! nothing has come for a while.

use common::{Args, Context, Error, Program, Seconds, blocking, net, say};
use std::{
    io::{BufReader, ErrorKind, Write},
    net::TcpStream,
    process::ExitCode,
    time::Duration,
};

// The exercise is about the session; how a line is calculated stays the chapter's.
#[path = "../src/arithmetic.rs"]
mod arithmetic;
use arithmetic::{Expression, MALFORMED};

const PROGRAM: Program = Program {
    name: "remembering",
    usage: "remembering PORT [--idle SECONDS]",
    example: "cargo run -p calculator --example remembering -- 7005 --idle 60",
};

/// How long a session may be silent where nobody says otherwise.
const IDLE: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let idle: Option<Seconds> = args.option("--idle", "a time in seconds")?;
        let idle = idle.map_or(IDLE, |Seconds(time)| time);
        let port = args.port("PORT")?;
        args.finish()?;
        if idle.is_zero() {
            return Err(Error::Usage("--idle needs more than 0 seconds".to_string()));
        }
        let listener = net::listen("127.0.0.1", port)?;
        loop {
            let (client, peer) = net::accept(&listener);
            net::spawn(peer, move || {
                // From now on a read waits so long for a byte, and no longer.
                let _ = client.set_read_timeout(Some(idle));
                match serve(&client) {
                    Err(gone @ Error::Stdout(_)) => PROGRAM.exit(gone), // the end for all alike
                    _ => net::hang_up(&client), // the end of nothing but this session
                }
            });
        }
    })
}

/// One client from its first line to its last, however that comes.
fn serve(client: &TcpStream) -> Result<(), Error> {
    let mut lines = BufReader::new(client);
    let Some(name) = next_line(&mut lines)? else { return Ok(()) };
    let ended = session(&mut lines, &name);
    say(&format!("{name}: Session ended"))?;
    ended
}

/// One session, and all that it remembers: the name, and the last result.
fn session(lines: &mut BufReader<&TcpStream>, name: &str) -> Result<(), Error> {
    let (mut client, mut ans) = (*lines.get_ref(), None);
    while let Some(request) = next_line(lines)?.filter(|line| line.trim() != "q") {
        let result = calculate(&request, ans);
        ans = result.ok().or(ans); // an error is no result, and the last one stays
        let answer = result.map_or_else(|why| format!("error: {why}"), |n| n.to_string());
        say(&format!("{name}: {request} = {answer}"))?;
        blocking("write", || client.write_all(format!("{answer}\n").as_bytes()))
            .context("cannot answer")?;
    }
    Ok(())
}

/// A request, in which `ans` stands for the last result.
fn calculate(request: &str, ans: Option<f64>) -> Result<f64, &'static str> {
    let number = |word: &str| match (word, ans) {
        ("ans", Some(result)) => result.to_string(),
        (word, _) => word.to_string(), // `ans` before the first result is no number
    };
    let words: Vec<String> = request.split_whitespace().map(number).collect();
    if words.is_empty() {
        return Err(MALFORMED);
    }
    Expression::parse(&words.join(" "))?.value()
}

/// The next line; none when the client has closed, or was silent for too long.
fn next_line(lines: &mut BufReader<&TcpStream>) -> Result<Option<String>, Error> {
    match net::read_line(lines) {
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
        line => line.context("cannot read a line"),
    }
}
