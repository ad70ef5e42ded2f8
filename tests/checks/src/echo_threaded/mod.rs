//! Chapter 3, a server: the grader plays its clients, one or many.

mod conduct;
mod exercises;
mod server;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{
        AS_TEXT, BUSY_ACCEPT, DESCRIPTORS_KILL, FEW_DESCRIPTORS, ONE_ADDRESS, ONE_CLIENT,
        RESET_KILLS, outlives_descriptors,
    },
};
use server::LISTENS;
use stage::{
    Role, Stage,
    failure::{Diagnosis, Explain, Outcome, Stop, difference, fail},
    peer::Peer,
};
use std::thread;

/// Chapter 3.
pub static CHAPTER: Chapter = Chapter {
    number: "03",
    name: "echo-threaded",
    roles: &[Role::Server],
    learn: None,
    checks: &[
        &server::LISTENS,
        &server::INTERFACES,
        &server::ECHOES,
        &server::GOES_ON,
        &server::HALF_LINE,
        &server::BYTES,
        &server::MEGABYTE,
        &server::NEXT_CLIENT,
        &server::SECOND_CLIENT,
        &server::APART,
        &server::OWED,
        &server::CLOSES,
        &server::RESET,
        &server::SILENT_READER,
        &server::DESCRIPTORS,
        &conduct::HELP,
        &conduct::VERSION,
        &conduct::USAGE,
        &conduct::PORT_ZERO,
        &conduct::BLOCKING,
        &conduct::TRACE,
        &exercises::X_REPLY,
        &exercises::X_FILES,
        &exercises::X_POLLING,
    ],
};
