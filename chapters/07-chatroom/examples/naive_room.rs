//! naive_room: a chat room with one lock around the list of members, and a `write` to each of
//! them while it is held. It works, until one member does not read.
//!
//! ```text
//! $ naive_room 7017
//! ```
//!
//! This is the counter-example to the chapter's hub. It has no rules for names, and no limits.

use common::{Program, blocking, net};
use std::{
    io::{BufReader, Write},
    net::TcpStream,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const PROGRAM: Program =
    Program { name: "naive_room", usage: "naive_room PORT", example: "naive_room 7017" };

type Room = Mutex<Vec<Arc<TcpStream>>>;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let port = args.port("PORT")?;
        args.finish()?;
        let listener = net::listen("127.0.0.1", port)?;
        let room = Arc::new(Room::default());
        loop {
            let (stream, peer) = net::accept(&listener);
            let (member, room) = (Arc::new(stream), Arc::clone(&room));
            net::spawn(peer, move || session(&member, &room));
        }
    })
}

/// A member's thread: its first line is its name, and the others are for all other members.
fn session(member: &Arc<TcpStream>, room: &Room) {
    let mut lines = BufReader::new(member.as_ref());
    let Ok(Some(name)) = net::read_line(&mut lines) else { return };
    lock(room).push(Arc::clone(member));
    broadcast(room, None, &format!("Server: {name} has joined.\n"));
    while let Ok(Some(line)) = net::read_line(&mut lines) {
        broadcast(room, Some(member), &format!("{name}: {line}\n"));
    }
    lock(room).retain(|other| !Arc::ptr_eq(other, member));
    broadcast(room, None, &format!("Server: {name} has left.\n"));
}

/// Writes a line to every member, except the one who said it.
fn broadcast(room: &Room, speaker: Option<&Arc<TcpStream>>, line: &str) {
    let members = lock(room);
    for member in members.iter() {
        if speaker.is_none_or(|speaker| !Arc::ptr_eq(member, speaker)) {
            let _ = blocking("write", || member.as_ref().write_all(line.as_bytes()));
        }
    }
}

fn lock(room: &Room) -> MutexGuard<'_, Vec<Arc<TcpStream>>> {
    blocking("lock", || room.lock()).unwrap_or_else(PoisonError::into_inner)
}
