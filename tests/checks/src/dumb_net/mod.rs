//! Chapter 1, a client: the grader plays the server.

mod client;
mod conduct;
mod exercises;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{
        AS_TEXT, DECODES_PIECES, END_IGNORED, FIXED_HOST, SPINS, connects_to_the_given_host,
        rests,
    },
};
use client::CONNECTS;
use stage::{
    Program, Role, Stage,
    failure::{Diagnosis, Explain, Saw, Step, difference, fail},
    find, patience,
    peer::Peer,
    quiet,
};
use std::time::Duration;

/// Chapter 1.
pub static CHAPTER: Chapter = Chapter {
    number: "01",
    name: "dumb-net",
    roles: &[Role::Client],
    learn: None,
    checks: &[
        &client::CONNECTS,
        &client::SENDS,
        &client::CRLF,
        &client::ONE_LINE,
        &client::LONG_LINE,
        &client::PRINTS,
        &client::PIECES,
        &client::LONG_REPLY,
        &client::THINKS,
        &client::SPLIT_LETTER,
        &client::ENDS,
        &client::RESTS,
        &client::BYTES,
        &client::AS_IT_COMES,
        &client::STAYS_OPEN,
        &client::ANY_ENDING,
        &client::NO_LINE,
        &client::BREAKS,
        &client::CONSTANT_MEMORY,
        &conduct::REFUSED,
        &conduct::IPV6,
        &conduct::HELP,
        &conduct::VERSION,
        &conduct::USAGE,
        &exercises::X_GET,
        &exercises::X_LENGTH,
    ],
};
