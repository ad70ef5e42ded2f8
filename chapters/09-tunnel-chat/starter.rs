//! tunnel-chat: a chat in which both type whenever they like, and a tunnel for it to go
//! through.
//!
//! Yours to write, from the top: [`talk`], the chat with its two directions at once;
//! [`run_tunnel`], which is the same between two sockets. Mind the end: a direction that has
//! ended (`read` says 0) is passed on as an end of this direction alone, by
//! `shutdown(Shutdown::Write)`, and the other one goes on.

use common::{Args, Error, Program, Role, net, note};
use std::{
    net::{TcpListener, TcpStream},
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "tunnel-chat",
    usage: "tunnel-chat server PORT [--bind ADDR]
tunnel-chat HOST PORT
tunnel-chat tunnel LOCAL_PORT HOST PORT",
    example: "tunnel-chat server 7009",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        if args.command("tunnel") {
            let local_port = args.port("LOCAL_PORT")?;
            let (host, port) = (args.word("HOST")?, args.port("PORT")?);
            args.finish()?;
            return run_tunnel(&net::listen("127.0.0.1", local_port)?, &host, port);
        }
        match args.role("127.0.0.1")? {
            Role::Server { bind, port } => {
                let (partner, address) = net::accept(&net::listen(&bind, port)?);
                note(format_args!("connected to {address}"));
                talk(&partner)
            }
            Role::Client { host, port } => talk(&net::connect(&host, port)?),
        }
    })
}

/// Two threads: one reads stdin and sends what it reads (bytes, as they come), one reads the
/// socket and prints what it reads (`common::put`). The end of stdin closes the sending side
/// only. Returns when both directions have ended; when the other side ends first, says so on
/// stderr (`common::note`).
fn talk(partner: &TcpStream) -> Result<(), Error> {
    let _ = partner;
    Err(Error::failed("cannot talk", "not written yet"))
}

/// For each connection to the listener, one to the target, and two threads between them. A
/// target that cannot be reached costs that one connection, and a line on stderr. A failure
/// in one direction must end the other one too, or its thread waits for ever.
fn run_tunnel(listener: &TcpListener, host: &str, port: u16) -> Result<(), Error> {
    let _ = (listener, host, port);
    Err(Error::failed("cannot build the tunnel", "not written yet"))
}
