//! remembering: chapter 5's calculator, which also remembers `ans`, the last result.
//!
//! ```text
//! $ cargo run -p calculator --example remembering -- 7005 --idle 60
//! $ printf 'Ada\n12 + 42\nans / 2\n' | nc 127.0.0.1 7005
//! ```
//!
//! Notice that the last result lives where the name does, in the local variables of the session.
//! Notice also that a session costs memory and a thread for as long as it lasts, and that a
//! client which says nothing could make it last forever. So `--idle` ends it after a silence.

use common::{Context, Error, Program, net, say};
use std::{
    io::{self, BufReader},
    net::{TcpListener, TcpStream},
    process::ExitCode,
    time::Duration,
};

// The exercise is about the session, so the arithmetic is the chapter's own.
#[path = "../src/arithmetic.rs"]
mod arithmetic;
use arithmetic::Expression;

const PROGRAM: Program = Program {
    name: "remembering",
    usage: "remembering PORT [--idle SECONDS]",
    example: "cargo run -p calculator --example remembering -- 7005 --idle 60",
};

/// How long a session may be silent, if `--idle` does not say it.
const IDLE: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let idle = args.seconds("--idle")?.unwrap_or(IDLE);
        let port = args.port("PORT")?;
        args.finish()?;
        run_server(&net::listen("127.0.0.1", port)?, idle)
    })
}

/// A thread for each client. What ends one session ends no other, except a stdout that cannot be
/// written any more: that ends the program.
fn run_server(listener: &TcpListener, idle: Duration) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        net::spawn(peer, move || {
            // From now on each read waits this long at most.
            let _ = client.set_read_timeout(Some(idle));
            match session(&client) {
                Err(Error::Stdout(e)) => PROGRAM.exit(Error::Stdout(e)),
                _ => net::hang_up(&client),
            }
        });
    }
}

/// One client from its first line to its last, however that comes.
fn session(client: &TcpStream) -> Result<(), Error> {
    let mut lines = BufReader::new(client);
    let Some(name) = next_line(&mut lines)? else { return Ok(()) };
    let name = name.trim(); // a client like telnet sends \r\n
    let ended = answer_requests(&mut lines, name);
    say(&format!("{name}: Session ended"))?;
    ended
}

/// Answers each request. `ans` is born here, and dies with the session.
fn answer_requests(lines: &mut BufReader<&TcpStream>, name: &str) -> Result<(), Error> {
    let mut ans = None;
    while let Some(request) = next_line(lines)?.filter(|line| line.trim() != "q") {
        let result = calculate(&request, ans);
        ans = result.ok().or(ans); // an error is not a result, so the last one stays
        let answer = result.map_or_else(|why| format!("error: {why}"), |n| n.to_string());
        say(&format!("{name}: {request} = {answer}"))?;
        net::write_line(*lines.get_ref(), &answer).context("cannot answer")?;
    }
    Ok(())
}

/// The value of a request in which the word `ans` means the last result, if there is one.
fn calculate(request: &str, ans: Option<f64>) -> Result<f64, &'static str> {
    let number = |word: &str| match (word, ans) {
        ("ans", Some(result)) => result.to_string(),
        (word, _) => word.to_string(),
    };
    let words: Vec<String> = request.trim().split(' ').map(number).collect();
    Expression::parse(&words.join(" "))?.value()
}

/// The next line. `None`: the client has closed, or was silent for too long. A line that is too
/// long, or not text, ends the session, and the client is told why.
fn next_line(lines: &mut BufReader<&TcpStream>) -> Result<Option<String>, Error> {
    match net::read_line(lines) {
        Err(e) if net::timed_out(&e) => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => {
            // The client may be gone by now.
            let _ = net::write_line(*lines.get_ref(), &format!("error: {e}"));
            Err(e)
        }
        line => line,
    }
    .context("cannot read a line")
}
