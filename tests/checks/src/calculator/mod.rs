//! Chapter 5, both sides: the grader plays the clients of the server, and the server of the
//! client.
//!
//! In a reply the number is looked for, and any reply without one counts as an error. A program
//! that ends its own messages with `\n` claims that its messages are lines, and must then join
//! and split them; one that does not is judged only with whole messages, and is spoken to as it
//! speaks.

mod client;
mod conduct;
mod exercises;
mod number;
mod server;
mod session;
mod sessions;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{
        AT_THE_END, END_IGNORED, END_MARK, FEW_AT_ONCE, FIXED_HOST, NEVER_FLUSHED, ONE_CLIENT,
        RESET_KILLS, SPINS, connects_to_the_given_host, is_over, reads_lines, rests,
    },
    together::{Together, WAIT_FOR_EACH_OTHER},
};
use client::CLIENT_HOST;
use server::LISTENS;
use session::{Client, calculates, serves, session, shown, speaks_in_lines, sum};
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Halt, Saw, Step, fail, quote},
    find, kernel, patience,
    peer::{Message, Peer},
    process::Heard,
    quiet,
};
use std::{env, fs, path::Path, process, thread, time::Duration};

/// Chapter 5.
pub static CHAPTER: Chapter = Chapter {
    number: "05",
    name: "calculator",
    roles: &[Role::Server, Role::Client],
    learn: Some(session::learn),
    checks: &[
        &server::LISTENS,
        &server::NAME,
        &server::ANSWERS,
        &server::GOES_ON,
        &server::CALCULATES,
        &server::DECIMALS,
        &server::BY_ZERO,
        &server::MALFORMED,
        &server::RUNS_NOTHING,
        &server::PIECES,
        &server::COALESCED,
        &server::SHOWS,
        &sessions::QUIT,
        &sessions::SECOND_CLIENT,
        &sessions::VANISHES,
        &sessions::MANY_CLIENTS,
        &sessions::OWN_NAME,
        &sessions::RESTS,
        &sessions::PRINTS,
        &sessions::END_NOTED,
        &sessions::RESET,
        &server::EXACT,
        &server::STRICT,
        &server::OVERFLOW,
        &server::NOT_UTF8,
        &server::TOO_LONG,
        &sessions::DEAF,
        &client::CLIENT_NAME,
        &client::CLIENT_HOST,
        &client::CLIENT_ASKS,
        &client::CLIENT_GOES_ON,
        &client::CLIENT_SENDS,
        &client::CLIENT_CHECKS,
        &client::CLIENT_PIECES,
        &client::CLIENT_QUITS,
        &client::CLIENT_RESTS,
        &client::TOGETHER,
        &client::CLIENT_INPUT_ENDS,
        &client::CLIENT_STRICT,
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
        &exercises::X_STATELESS,
        &exercises::X_REMEMBERS,
        &exercises::X_IDLE,
    ],
};

/// A request that has no result gets one reply, and the next one is answered.
fn outlives(stage: &Stage, client: &mut Client, request: &str) -> Step {
    client.gives_error(request)?;
    let (next, result) = sum(stage);
    client.gives(&next, result).map(|_| ())
}

const LAX_NUMBERS: Diagnosis = Diagnosis {
    id: "lax-numbers",
    they: "take for a number whatever their language takes for one",
    text: "`inf`, `1e5` or a line of four words passed for a request: a library's parser reads more than your protocol has. Say yourself what a number is.",
};

/// What a library's parser may take, and the protocol does not have.
const NO_REQUESTS: [&str; 6] = ["inf + 1", "1e5 + 2", "+5 + 1", "1 + 2 3", "12+42", "0x10 + 1"];

/// How much it has said, on both streams.
fn said(heard: &Heard) -> usize {
    heard.stdout.len() + heard.stderr.len()
}
