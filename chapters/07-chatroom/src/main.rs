//! chatroom: what one member says, all the others hear.
//!
//! ```text
//! $ chatroom server 7007
//! $ chatroom 127.0.0.1 7007 --name Batman
//! ```
//!
//! In chapters 3 to 6 the clients' threads shared nothing. Here the server must know who is in
//! the room, and that list must not change under a thread that walks it. So it has one owner,
//! the hub (`hub.rs`), and no lock. Each member has two threads of its own: a reader
//! (`member.rs`) waits for its lines and sends them to the hub's inbox, and a writer
//! (`outbox.rs`) waits for the member to take what the hub has put into its outbox.
//!
//! Notice where each thread waits. A member who says nothing holds up its reader, and one who
//! does not read holds up its writer. The hub waits for its inbox alone. The client has two
//! things to wait for as well, its keyboard and the room, so it has two threads (`client.rs`).

mod client;
mod hub;
mod member;
mod name;
mod outbox;

use common::{Error, Program, Role, cause, net, note};
use std::{net::TcpListener, process::ExitCode, sync::mpsc, thread};

const PROGRAM: Program = Program {
    name: "chatroom",
    usage: "chatroom server PORT [--bind ADDR]\nchatroom HOST PORT [--name NAME]",
    example: "chatroom server 7007",
};

/// How many events may wait for the hub. When the inbox is full, a reader waits before it reads
/// on, so a flood ends in the socket of the member who sends it, and not in our memory.
const INBOX: usize = 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let name: Option<String> = args.option("--name", "a name")?;
        match (args.role("127.0.0.1")?, name) {
            (Role::Server { .. }, Some(_)) => {
                Err(Error::Usage("--name is for the client".to_string()))
            }
            (Role::Server { bind, port }, None) => run_server(&net::listen(&bind, port)?),
            (Role::Client { host, port }, name) => client::run_client(&host, port, name),
        }
    })
}

/// The hub has a thread, each connection has two, and this one accepts.
fn run_server(listener: &TcpListener) -> ! {
    let (hub, inbox) = mpsc::sync_channel(INBOX);
    let thread = thread::Builder::new().name("hub".to_string());
    if let Err(e) = thread.spawn(move || hub::run_hub(&inbox)) {
        PROGRAM.exit(Error::failed("cannot start the hub", cause(&e)));
    }
    loop {
        let (stream, peer) = net::accept(listener);
        let hub = hub.clone();
        net::spawn(peer, move || {
            if let Err(e) = member::session(stream, peer, &hub) {
                note(format_args!("{peer} left: {}", cause(&e)));
            }
        });
    }
}
