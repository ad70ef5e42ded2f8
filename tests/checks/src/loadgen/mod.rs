//! Chapter 8, a server and its load: the grader plays a few clients, then the server for many.

mod client;
mod conduct;
mod exercises;
mod measured;
mod server;
mod talk;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{
        BUSY_ACCEPT, DESCRIPTORS_KILL, END_IGNORED, FEW_DESCRIPTORS, FIXED_HOST, ONE_CLIENT,
        RESET_KILLS, connects_with, outlives_descriptors, written,
    },
};
use client::{CONNECTS, load, play};
use server::LISTENS;
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Halt, Saw, Step, fail, fail_having, quote},
    find, kernel, patience,
    peer::{Host, Peer},
    quiet,
};
use std::{
    collections::BTreeMap,
    env, fs,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process,
    sync::{Mutex, OnceLock},
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};
use talk::{NO_WELCOME, is_served, message, numbers, serve, takes_message, welcomed};

/// Chapter 8.
pub static CHAPTER: Chapter = Chapter {
    number: "08",
    name: "loadgen",
    roles: &[Role::Server, Role::Client],
    learn: Some(talk::learn),
    checks: &[
        &server::LISTENS,
        &server::INTRO,
        &server::TAKES,
        &server::COUNTS,
        &server::PIECES,
        &server::LONG,
        &server::CLOSES,
        &server::NEXT_CLIENT,
        &server::SECOND_CLIENT,
        &server::APART,
        &server::SURVIVES_RESET,
        &server::RESTS,
        &server::EMPTY,
        &server::CONSTANT_MEMORY,
        &server::DESCRIPTORS,
        &client::CONNECTS,
        &client::SENDS,
        &client::SENDS_LONG,
        &client::HEARS_INTRO,
        &client::AT_ONCE,
        &client::REPORTS,
        &client::CUT_OFF,
        &client::BROKEN,
        &measured::ANSWER_IN_PIECES,
        &measured::CSV,
        &measured::ONE_AFTER_ANOTHER,
        &measured::ROUNDS,
        &measured::NO_INTRO,
        &measured::KIND_REFUSED,
        &measured::KIND_RESET,
        &measured::KIND_TIMED_OUT,
        &measured::WHOLE_TIMEOUT,
        &measured::KIND_WRONG_ANSWER,
        &measured::KIND_FILES,
        &measured::CLOCK,
        &measured::PERCENTILES,
        &measured::KERNEL,
        &measured::SVG,
        &measured::UNWRITABLE,
        &measured::EXIT,
        &conduct::REFUSED,
        &conduct::IPV6,
        &conduct::HELP,
        &conduct::VERSION,
        &conduct::USAGE,
        &conduct::PORT_ZERO,
        &conduct::BLOCKING,
        &conduct::TRACE,
        &exercises::X_POOL,
        &exercises::X_LIMIT,
        &exercises::X_ARRIVALS,
    ],
};

// -- what its CSV file says

/// The counts of a row: how many were served, and how many failed how.
const COUNT_COLUMNS: [&str; 6] =
    ["done", "refused", "reset", "timed_out", "too_many_files", "wrong_answer"];

/// A row's values by their names.
type Row = BTreeMap<&'static str, String>;

/// A value as a number; what is none is 0.
fn number(row: &Row, name: &str) -> f64 {
    row[name].parse().unwrap_or_default()
}

/// Expects these counts in a row, and 0 for all others.
fn counted(row: &Row, expected: &[(&str, usize)]) -> Step {
    let wanted =
        |name| expected.iter().find(|(n, _)| *n == name).map_or(0, |(_, count)| *count);
    let wanted = COUNT_COLUMNS.map(|name| format!("{name}={}", wanted(name))).join(" ");
    let got = COUNT_COLUMNS.map(|name| format!("{name}={}", row[name])).join(" ");
    if got == wanted { Ok(()) } else { fail(format!("a row with {wanted}"), got) }
}
