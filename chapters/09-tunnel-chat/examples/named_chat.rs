//! named_chat: chapter 9's chat, whose lines say who speaks.
//!
//! ```text
//! $ cargo run -p tunnel-chat --example named_chat -- server 7009 --name alice
//! $ cargo run -p tunnel-chat --example named_chat -- localhost 7009 --name bob
//! ```
//!
//! The chapter's chat passes on bytes, and what they mean is the people's own affair. A name in
//! front of each line is a protocol: both ends must agree on what a line is and that the first
//! one is a name. Notice what is lost with it: `nc` is no partner any more, and no picture can
//! be sent.

use common::{Context, Error, Program, Role, blocking, net, note, printable, say, typed};
use std::{
    io::{BufReader, Write},
    net::{Shutdown, TcpStream},
    panic,
    process::ExitCode,
    thread,
};

const PROGRAM: Program = Program {
    name: "named_chat",
    usage: "named_chat server PORT --name NAME [--bind ADDR]
named_chat HOST PORT --name NAME",
    example: "cargo run -p tunnel-chat --example named_chat -- server 7009 --name alice",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let name: Option<String> = args.option("--name", "a name")?;
        let name = name.filter(|name| !name.is_empty() && !name.contains('\n'));
        let name = name.ok_or(Error::Usage("--name needs a name".to_string()))?;
        let partner = match args.role("127.0.0.1")? {
            Role::Server { bind, port } => net::accept(&net::listen(&bind, port)?).0,
            Role::Client { host, port } => net::connect(&host, port)?,
        };
        talk(&partner, name)
    })
}

/// Two threads, one for each way, as in the chapter.
fn talk(partner: &TcpStream, name: String) -> Result<(), Error> {
    let to_partner = partner.try_clone().context("cannot share the connection")?;
    let typing = thread::Builder::new()
        .name("typing".to_string())
        .spawn(move || {
            let result = send_typed(&to_partner, name);
            let _ = to_partner.shutdown(Shutdown::Write);
            result
        })
        .context("cannot start a thread")?;
    print_received(partner)?;
    note("the other side has ended; this one ends with its input");
    blocking("join", || typing.join()).unwrap_or_else(|panicked| panic::resume_unwind(panicked))
}

/// The name, then each line that is typed.
fn send_typed(mut partner: &TcpStream, name: String) -> Result<(), Error> {
    let mut next = Some(name);
    while let Some(line) = next {
        blocking("write", || partner.write_all(format!("{line}\n").as_bytes()))
            .context("cannot send to the other side")?;
        next = typed()?;
    }
    Ok(())
}

/// The first line is the partner's name, and stands in front of all others.
fn print_received(partner: &TcpStream) -> Result<(), Error> {
    const ATTEMPT: &str = "cannot read from the other side";
    let mut lines = BufReader::new(partner);
    let Some(name) = net::read_line(&mut lines).context(ATTEMPT)? else { return Ok(()) };
    note(format_args!("talking to {}", printable(&name)));
    while let Some(line) = net::read_line(&mut lines).context(ATTEMPT)? {
        say(&format!("{name}: {line}"))?;
    }
    Ok(())
}
