//! named_chat: chapter 9's chat, whose lines say who speaks.
//!
//! ```text
//! $ cargo run -p tunnel-chat --example named_chat -- server 7009 --name alice
//! $ cargo run -p tunnel-chat --example named_chat -- localhost 7009 --name bob
//! ```
//!
//! The chapter's chat passes on bytes, and what they mean is up to the two people. A name in
//! front of each line is a protocol: both ends have to agree on what a line is, and that the
//! first one is a name. Notice what that costs: `nc` is not a partner any more, and a picture
//! can no longer be sent.

use common::{Context, Error, Program, Role, blocking, net, note, printable, say, typed};
use std::{
    io::BufReader,
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
        let name: String = args.required("--name", "a name")?;
        if name.is_empty() || name.contains('\n') {
            return Err(Error::Usage("--name must be one line".to_string()));
        }
        let partner = match args.role("127.0.0.1")? {
            Role::Server { bind, port } => net::accept(&net::listen(&bind, port)?).0,
            Role::Client { host, port } => net::connect(&host, port)?,
        };
        session(&partner, name)
    })
}

/// Two threads, one for each direction, as in the chapter.
fn session(partner: &TcpStream, name: String) -> Result<(), Error> {
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
fn send_typed(partner: &TcpStream, name: String) -> Result<(), Error> {
    let mut next = Some(name);
    while let Some(line) = next {
        net::write_line(partner, &line).context("cannot send to the other side")?;
        next = typed()?;
    }
    Ok(())
}

/// The first line is the partner's name, and comes in front of every other line.
fn print_received(partner: &TcpStream) -> Result<(), Error> {
    let what = "cannot read from the other side";
    let mut lines = BufReader::new(partner);
    let Some(name) = net::read_line(&mut lines).context(what)? else { return Ok(()) };
    note(format_args!("talking to {}", printable(&name)));
    while let Some(line) = net::read_line(&mut lines).context(what)? {
        say(&format!("{name}: {line}"))?;
    }
    Ok(())
}
