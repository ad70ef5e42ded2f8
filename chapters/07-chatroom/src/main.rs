//! chatroom: what one says, all others hear.
//!
//! ```text
//! $ chatroom server 7007
//! $ chatroom 127.0.0.1 7007 --name Batman
//! ```
//!
//! The threads of chapters 3 to 6 shared nothing. Here everybody hears everybody, so somebody
//! must know who is there: who shares that list, and who may change it while another walks
//! it? The list has one owner, the hub (`hub.rs`). A thread for each connection waits for its
//! lines and drops them into the hub's inbox; the hub takes them out one by one. That gives
//! them an order, the same for all, and no lock
//! is needed around the list. Notice the price: a thread that
//! everybody waits for may wait for nobody (`socket.rs`). The client has the opposite trouble,
//! two things to wait for at once: the keyboard and the room. It waits in two threads.

mod client;
mod hub;
mod reader;
mod socket;

use common::{Context, Error, Program, Role, net};
use hub::Event;
use socket::Socket;
use std::{
    net::TcpListener,
    process::ExitCode,
    sync::{Arc, mpsc},
    thread,
};

const PROGRAM: Program = Program {
    name: "chatroom",
    usage: "chatroom server PORT [--bind ADDR]\nchatroom HOST PORT [--name NAME]",
    example: "chatroom server 7007",
};

/// How many events may wait for the hub. When there is no room, a reader waits before it reads
/// on: so a flood ends in its sender's own socket, not in our memory.
const INBOX: usize = 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let name: Option<String> = args.option("--name", "a name")?;
        match (args.role("127.0.0.1")?, name) {
            (Role::Server { .. }, Some(_)) => {
                Err(Error::Usage("--name is for the client".to_string()))
            }
            (Role::Server { bind, port }, None) => run(&net::listen(&bind, port)?),
            (Role::Client { host, port }, name) => client::run(&host, port, name),
        }
    })
}

/// The server: the hub has a thread, each connection has one, and this one accepts.
fn run(listener: &TcpListener) -> Result<(), Error> {
    let (hub, inbox) = mpsc::sync_channel::<Event>(INBOX);
    thread::Builder::new()
        .name("hub".to_string())
        .spawn(move || hub::run(&inbox))
        .context("cannot start the hub")?;
    let mut id = 0;
    loop {
        let (stream, peer) = net::accept(listener);
        let (socket, hub) = (Arc::new(Socket::new(stream)), hub.clone());
        net::spawn(peer, move || reader::run(id, peer, socket, &hub));
        id += 1;
    }
}
