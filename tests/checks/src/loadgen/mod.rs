//! Chapter 8, a server and its load: the grader plays a few clients, then the server for many.

mod client;
mod conduct;
mod exercises;
mod server;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{
        BUSY_ACCEPT, DESCRIPTORS_KILL, FEW_DESCRIPTORS, FIXED_HOST, ONE_CLIENT, RESET_KILLS,
        connects_with, outlives_descriptors, written,
    },
};
use client::CONNECTS;
use server::LISTENS;
use stage::{
    Program, Role, Stage,
    failure::{Diagnosis, Explain, Outcome, Stop, fail},
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

/// Chapter 8.
pub static CHAPTER: Chapter = Chapter {
    number: "08",
    name: "loadgen",
    roles: &[Role::Server, Role::Client],
    learn: None,
    checks: &[
        &server::LISTENS,
        &server::INTRO,
        &server::COUNTS,
        &server::PIECES,
        &server::LONG,
        &server::CLOSES,
        &server::NEXT_CLIENT,
        &server::SECOND_CLIENT,
        &server::APART,
        &server::SURVIVES_RESET,
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
        &client::ANSWER_IN_PIECES,
        &client::CSV,
        &client::ONE_AFTER_ANOTHER,
        &client::ROUNDS,
        &client::NO_INTRO,
        &client::KIND_REFUSED,
        &client::KIND_RESET,
        &client::KIND_TIMED_OUT,
        &client::WHOLE_TIMEOUT,
        &client::KIND_WRONG_ANSWER,
        &client::KIND_FILES,
        &client::CLOCK,
        &client::PERCENTILES,
        &client::KERNEL,
        &client::SVG,
        &client::UNWRITABLE,
        &client::EXIT,
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

// -- the server: the grader plays its clients
const INTRO_MISSING: Diagnosis = Diagnosis {
    id: "no-intro",
    they: "let the client speak first",
    text: "nothing comes until the client has said something: the server speaks first, right after accept(). Who would otherwise know that it has been taken?",
};

fn intro(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    a.expect_anything("an intro").map(|_| ()).probe(&INTRO_MISSING, || {
        let _ = a.send("x");
        let spoke = a.expect_anything("an intro").is_ok();
        spoke.then(|| "it spoke when the client had".to_string())
    })
}

/// A client that has heard its intro.
fn welcomed(server: &stage::Server, name: &str) -> Outcome<Peer> {
    let mut client = server.connect(name)?;
    client.expect_anything("an intro")?;
    Ok(client)
}

/// Sends a message of this length, and expects that it is counted.
fn is_served(stage: &Stage, client: &mut Peer, length: usize) -> Outcome {
    client.send(stage.payload(length))?;
    client.half_close();
    is_counted(client, length)
}

/// Expects the answer. What stands before it is the rest of an intro that came in pieces.
fn is_counted(client: &mut Peer, length: usize) -> Outcome {
    client.expect_among(format!("received {length} bytes")).map(|_| ())
}

const WAITS_FOR_LINE: Diagnosis = Diagnosis {
    id: "message-is-line",
    they: "wait for a line's end instead of the message's",
    text: "the message was over and no answer came; with a \\n at its end one does. The message has no mark for its end: that is where read returns 0.",
};

const WRONG_COUNT: Diagnosis = Diagnosis {
    id: "wrong-count",
    they: "answer with a wrong number of bytes",
    text: "the number is not that of the bytes that were sent: what is added up, what read returned or the size of the buffer?",
};

fn counts(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    let served = is_served(stage, &mut a, 1500);
    let counted = find(a.so_far(), b"received ").is_some();
    served.means(counted, &WRONG_COUNT).probe(&WAITS_FOR_LINE, || {
        let mut b = welcomed(&server, "b").ok()?;
        b.send(format!("{}\n", stage.payload(99))).ok()?;
        b.half_close();
        let answered = b.expect_among("received ").is_ok();
        answered.then(|| "a message that is a line was answered".to_string())
    })
}

const ONE_READ: Diagnosis = Diagnosis {
    id: "one-read-08",
    they: "take what one read returns for the whole message",
    text: "only the first piece was counted: one read returns what happens to be there. The message goes on until read returns 0.",
};

fn pieces(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    a.send(stage.payload(700))?;
    a.settle();
    let early = a.expect_silence("the message is not over");
    // More of an intro is no harm.
    let counted = find(a.so_far(), b"received").is_some();
    if counted || a.send(stage.payload(800)).is_err() {
        return early.means(true, &ONE_READ);
    }
    a.half_close();
    is_counted(&mut a, 1500).means(true, &ONE_READ)
}

const LIMITED: Diagnosis = Diagnosis {
    id: "limited",
    they: "do not count a long message to its end",
    text: "a short message is counted and a long one is not: is there a largest size, or do the bytes have to be text?",
};

fn long(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    let message = stage.bytes(4_000_000);
    let sent = a.send(&message);
    a.half_close();
    sent.and_then(|()| is_counted(&mut a, message.len())).means(true, &LIMITED)
}

const NEVER_CLOSED: Diagnosis = Diagnosis {
    id: "never-closed-08",
    they: "never close a connection",
    text: "the answer has come and the connection is still open: the client waits for its end, and each one costs the server a descriptor.",
};

fn closes(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    is_served(stage, &mut a, 100)?;
    let rest = a.take_until_close();
    if !rest.trim_ascii().is_empty() {
        return fail("nothing but white space behind the answer", stage::failure::quote(&rest));
    }
    a.expect_closed().means(true, &NEVER_CLOSED)
}

const NO_WELCOME: &str = "hello\n";

/// A session as it should be, for a message of this length.
fn serve(mut session: Peer, length: usize) -> Outcome {
    session.send(NO_WELCOME)?;
    takes_message(&mut session, length)?;
    session.send(format!("received {length} bytes\n"))
}

/// Reads the message to its end.
fn takes_message(session: &mut Peer, length: usize) -> Outcome {
    let got = session.take_until_close().len();
    if got == length {
        return Ok(());
    }
    let (few, many) = (format!("{got} of them, and the end"), format!("{got} bytes"));
    fail(
        format!("{} gets a message of {length} bytes", session.name()),
        if got < length { few } else { many },
    )
}

/// The words of all that the program has said; a number with a decimal point is one.
fn words(client: &Program) -> Vec<String> {
    let heard = client.process.heard();
    let text = [heard.stdout.as_slice(), b"\n", heard.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '.');
    words.map(|word| word.trim_end_matches('.').to_string()).collect()
}

/// True if the program has said this number somewhere, as a word of its own.
fn says(client: &Program, number: usize) -> bool {
    words(client).contains(&number.to_string())
}

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
fn counted(row: &Row, expected: &[(&str, usize)]) -> Outcome {
    let wanted =
        |name| expected.iter().find(|(n, _)| *n == name).map_or(0, |(_, count)| *count);
    let wanted = COUNT_COLUMNS.map(|name| format!("{name}={}", wanted(name))).join(" ");
    let got = COUNT_COLUMNS.map(|name| format!("{name}={}", row[name])).join(" ");
    if got == wanted { Ok(()) } else { fail(format!("a row with {wanted}"), got) }
}
