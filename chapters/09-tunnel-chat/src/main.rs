//! tunnel-chat: a chat in which both sides type whenever they like, and a tunnel for it to go
//! through.
//!
//! ```text
//! $ tunnel-chat server 7009
//! $ tunnel-chat tunnel 8080 localhost 7009 --via me@login.example.org
//! $ tunnel-chat localhost 8080
//! ```
//!
//! A TCP connection is two streams, one in each direction, and each has an end of its own. In
//! chapter 2 people took turns because one thread can wait for only one stream. Here there are
//! two threads, one for each direction, and neither waits for the other. Notice that the chat
//! and the tunnel are the same loop, four times: read what is there, write it, and at the end
//! pass on the end. None of them knows what the bytes mean.
//!
//! [`chat`] has two directions between a person and a socket, [`tunnel`] has two between two
//! sockets, and [`via`] lets `ssh` build the same tunnel, encrypted.

mod chat;
mod tunnel;
mod via;

use common::{Args, Error, Program, Role, net};
use std::process::ExitCode;

const PROGRAM: Program = Program {
    name: "tunnel-chat",
    usage: "tunnel-chat server PORT [--bind ADDR]
tunnel-chat HOST PORT
tunnel-chat tunnel LOCAL_PORT HOST PORT [--via USER@LOGIN[:SSHPORT]]",
    example: "tunnel-chat server 7009",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let via = args.option("--via", "USER@LOGIN or USER@LOGIN:SSHPORT")?;
        if args.command("tunnel") {
            return run_tunnel(args, via);
        }
        match args.role("127.0.0.1")? {
            _ if via.is_some() => Err(Error::Usage("--via is for the tunnel".to_string())),
            Role::Server { bind, port } => chat::run_server(net::listen(&bind, port)?),
            Role::Client { host, port } => chat::run_client(&host, port),
        }
    })
}

/// `tunnel LOCAL_PORT HOST PORT`, built by us or by ssh.
fn run_tunnel(mut args: Args, via: Option<via::Login>) -> Result<(), Error> {
    let local_port = args.port("LOCAL_PORT")?;
    let (host, port) = args.target()?;
    let Some(login) = via else {
        tunnel::run_server(&net::listen("127.0.0.1", local_port)?, &host, port)
    };
    if local_port == 0 {
        // ssh does the listening, and does not tell us which port the kernel has chosen.
        return Err(Error::Usage("with --via, LOCAL_PORT must not be 0".to_string()));
    }
    via::run(&login, local_port, &net::address(&host, port))
}
