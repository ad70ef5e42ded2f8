//! tunnel-chat: a chat in which both type whenever they like, and a tunnel for it to go
//! through.
//!
//! ```text
//! $ tunnel-chat server 7009
//! $ tunnel-chat tunnel 8080 localhost 7009 --via me@login.example.org
//! $ tunnel-chat localhost 8080
//! ```
//!
//! A TCP connection is two streams, one each way, that know nothing of each other: each has
//! its own end. Chapter 2 took turns because one thread can wait for one stream only. Here
//! are two threads, one for each way, and neither waits for the other. Notice that the chat
//! and the tunnel are the same loop, four times: read what is there, write it, until the end;
//! then pass on the end. Neither knows what the bytes mean.
//!
//! What to read: [`chat`], two ways between a person and a socket; [`tunnel`], two ways
//! between two sockets; [`via`], the same tunnel built by `ssh`, so that it is encrypted.

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
    PROGRAM.main(|mut args: Args| {
        let via = args.option("--via", "USER@LOGIN or USER@LOGIN:SSHPORT")?;
        if args.command("tunnel") {
            return build_tunnel(args, via);
        }
        match args.role("127.0.0.1")? {
            _ if via.is_some() => Err(Error::Usage("--via is for the tunnel".to_string())),
            Role::Server { bind, port } => chat::serve(net::listen(&bind, port)?),
            Role::Client { host, port } => chat::connect(&host, port),
        }
    })
}

/// `tunnel LOCAL_PORT HOST PORT`: by ourselves, or by ssh.
fn build_tunnel(mut args: Args, via: Option<via::Login>) -> Result<(), Error> {
    let local_port = args.port("LOCAL_PORT")?;
    let (host, port) = (args.word("HOST")?, args.port("PORT")?);
    args.finish()?;
    let Some(login) = via else {
        tunnel::run(&net::listen("127.0.0.1", local_port)?, &host, port)
    };
    if local_port == 0 {
        // ssh does the listening, and does not say which port it was given.
        return Err(Error::Usage("with --via, LOCAL_PORT must not be 0".to_string()));
    }
    via::run(&login, local_port, &net::address(&host, port))
}
