//! Chapter 3, a server: the grader plays its clients, one or many.

mod conduct;
mod exercises;
mod server;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{
        AS_TEXT, AT_THE_END, BUSY_ACCEPT, DESCRIPTORS_KILL, END_IGNORED, FEW_AT_ONCE,
        FEW_DESCRIPTORS, NEVER_FLUSHED, ONE_ADDRESS, ONE_CLIENT, READER_LOST, RESET_KILLS,
        SPINS, WHOLE_BUFFER, outlives_descriptors, rests,
    },
};
use server::LISTENS;
use stage::{
    Role, Server, Stage,
    failure::{Diagnosis, Explain, Halt, Saw, Step, difference, fail},
    find, kernel,
    peer::Peer,
};
use std::{mem, thread};

/// Chapter 3.
pub static CHAPTER: Chapter = Chapter {
    number: "03",
    name: "echo-threaded",
    roles: &[Role::Server],
    learn: None,
    checks: &[
        &server::LISTENS,
        &server::INTERFACES,
        &server::ANSWERS,
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
        &server::RESTS,
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
