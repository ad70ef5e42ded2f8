//! Chapter 7, both sides: the grader plays the members of the room, and the room to a client.
//!
//! Greetings, lines of other kinds and an echo of one's own line are skipped: the lab forbids none
//! of them.

mod client;
mod conduct;
mod exercises;
mod leaving;
mod limits;
mod member;
mod names;
mod server;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{END_IGNORED, FIXED_HOST, RESET_KILLS, connects_to_the_given_host},
    together::{Together, WAIT_FOR_EACH_OTHER},
};
use client::CLIENT_HOST;
use member::{Member, room};
use server::LISTENS;
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Halt, Saw, Step, fail, quote},
    find, patience,
    peer::Peer,
    quiet,
    zone::{Moment, Zone},
};
use std::thread;

/// Chapter 7.
pub static CHAPTER: Chapter = Chapter {
    number: "07",
    name: "chatroom",
    roles: &[Role::Server, Role::Client],
    learn: Some(member::learn),
    checks: &[
        &server::LISTENS,
        &server::JOINS,
        &server::TOLD,
        &server::HEARS,
        &server::WHO,
        &server::COUNTS,
        &server::ONCE,
        &leaving::QUIT,
        &leaving::CLOSE,
        &leaving::RESET,
        &leaving::RESTS,
        &names::DOOR,
        &names::NAMELESS,
        &names::NAME_IN_USE,
        &names::AT_ONCE,
        &names::FREED_NAME,
        &server::ALL_HEAR,
        &server::STALLED,
        &server::WORDS,
        &server::TIME,
        &server::PIECES,
        &server::SAME_ORDER,
        &names::NEXT_NAME,
        &names::BAD_NAMES,
        &limits::NO_ESCAPES,
        &limits::OWN_LINE,
        &limits::EMPTY_LINE,
        &limits::TOO_LONG,
        &limits::DROPPED,
        &client::CLIENT_NAME,
        &client::CLIENT_HOST,
        &client::CLIENT_SHOWS,
        &client::CLIENT_SAYS,
        &client::CLIENT_QUITS,
        &client::CLIENT_RESTS,
        &client::TOGETHER,
        &client::CLIENT_ASKS_AGAIN,
        &client::CLIENT_INPUT_ENDS,
        &client::CLIENT_SERVER_LEAVES,
        &client::CLIENT_NAME_OPTION,
        &conduct::REFUSED,
        &conduct::IPV6,
        &conduct::HELP,
        &conduct::VERSION,
        &conduct::USAGE,
        &conduct::PORT_ZERO,
        &conduct::BLOCKING,
        &conduct::TRACE,
        &exercises::X_PRIVATE,
        &exercises::X_HISTORY,
        &exercises::X_WHO,
    ],
};

/// What our contract's room says behind the time when somebody has joined.
fn joined(name: &str, count: usize) -> String {
    format!("{name} has joined. Member count={count}")
}

/// A client that has sent its user's name: when it connected, or when it was asked for it, which
/// many do who follow one book, with this word.
fn member(stage: &Stage) -> Step<(Program, Peer)> {
    let (client, mut server) = stage.client_told("Batman", "the server")?;
    let silent = stage.is_outside() && server.expect_silence("it may wait to be asked").is_ok();
    if silent {
        server.send("NICK")?;
    }
    server.expect_among("Batman")?;
    server.skip_line_end();
    server.send("Server: time=10.01 Batman has joined. Member count=1\n")?;
    Ok((client, server))
}
