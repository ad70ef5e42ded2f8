//! Chapter 5, both sides: the grader plays the clients of the server, and the server of the
//! client.
//!
//! Replies are compared as numbers, and any reply that is no number counts as an error. A
//! program that ends its own messages with `\n` claims that its messages are lines, and must
//! then join and split them; one that does not is judged only with whole messages.

mod client;
mod conduct;
mod exercises;
mod server;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{FIXED_HOST, RESET_KILLS, connects_to_the_given_host},
};
use client::CLIENT_HOST;
use server::LISTENS;
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Outcome, fail, quote},
    kernel, patience,
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
    learn: None,
    checks: &[
        &server::LISTENS,
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
        &server::QUIT,
        &server::SECOND_CLIENT,
        &server::VANISHES,
        &server::MANY_CLIENTS,
        &server::OWN_NAME,
        &server::END_NOTED,
        &server::RESET,
        &server::EXACT,
        &server::STRICT,
        &server::OVERFLOW,
        &server::NOT_UTF8,
        &server::TOO_LONG,
        &server::DEAF,
        &client::CLIENT_NAME,
        &client::CLIENT_HOST,
        &client::CLIENT_ASKS,
        &client::CLIENT_GOES_ON,
        &client::CLIENT_CHECKS,
        &client::CLIENT_PIECES,
        &client::CLIENT_QUITS,
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

/// Connects a client, who says its name: a message of its own, read before the next one.
fn join(server: &Server, name: &str) -> Outcome<Peer> {
    let mut client = server.connect(name)?;
    client.send(format!("{name}\n"))?;
    // A thread has to start first. A client whom nobody accepts is not waited for so long.
    let waits = || kernel::queued(server.port).is_some_and(|waiting| waiting > 0);
    (1..=8).any(|look| client.settle() || (look >= 3 && waits()));
    Ok(client)
}

/// A server, and a client in a session.
fn session(stage: &Stage) -> Outcome<(Server, Peer)> {
    let server = stage.serve(Role::Server)?;
    let client = join(&server, "Ada")?;
    Ok((server, client))
}

/// Sends a request, whole, and returns the reply.
fn ask(client: &mut Peer, request: &str) -> Outcome<Message> {
    client.send(format!("{request}\n"))?;
    client.expect_message(&format!("the reply to {request}"))
}

/// Sends a request, and expects this number.
fn gives(client: &mut Peer, request: &str, expected: f64) -> Outcome<Message> {
    let reply = ask(client, request)?;
    is_number(&reply, expected)?;
    Ok(reply)
}

/// Sends a request, and expects a reply that is no number.
fn gives_error(client: &mut Peer, request: &str) -> Outcome {
    let reply = ask(client, request)?;
    match number(&reply.text) {
        Some(_) => fail(format!("an error as the reply to {request}"), shown(&reply)),
        None => Ok(()),
    }
}

fn is_number(reply: &Message, expected: f64) -> Outcome {
    match number(&reply.text) {
        Some(n) if is_close(n, expected) => Ok(()),
        _ => fail(format!("{expected}, as a number"), shown(reply)),
    }
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

fn shown(reply: &Message) -> String {
    quote(reply.text.as_bytes())
}

/// A sum of two numbers that nobody can guess, and its result.
fn sum(stage: &Stage) -> (String, f64) {
    let small = || u32::from(stage.bytes(1)[0]) + 10;
    let (a, b) = (small() * 1000, small());
    (format!("{a} + {b}"), f64::from(a + b))
}

/// A request that has no result gets one reply, and the next one is answered.
fn outlives(stage: &Stage, client: &mut Peer, request: &str) -> Outcome {
    gives_error(client, request)?;
    let (next, result) = sum(stage);
    gives(client, &next, result).map(|_| ())
}

const MALFORMED_KILLS: Diagnosis = Diagnosis {
    id: "malformed-kills",
    they: "end a session over a malformed request",
    text: "a malformed request ended the session, or got no reply: whoever writes to a server need not be your own client.",
};

fn malformed(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    for request in ["12 +", "hello", "twelve + 1", "+"] {
        outlives(stage, &mut ada, request).means(true, &MALFORMED_KILLS)?;
    }
    Ok(())
}

const READ_IS_REQUEST: Diagnosis = Diagnosis {
    id: "read-is-request",
    they: "take what one read returns for one request",
    text: "half a request was answered before its other half had come: one recv is not one message. Where does your protocol say that a request ends?",
};

fn pieces(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    if !gives(&mut ada, &request, result)?.is_line {
        stage.log.step("its replies have no line end: it is judged with whole messages only");
        return Ok(());
    }
    let (request, result) = sum(stage);
    let (first, rest) = request.split_at(request.len() / 2);
    ada.dribble(first)?;
    ada.expect_silence("half a request is none").means(true, &READ_IS_REQUEST)?;
    ada.dribble(format!("{rest}\n"))?;
    let reply = ada.expect_message("the reply").means(true, &READ_IS_REQUEST)?;
    is_number(&reply, result).means(true, &READ_IS_REQUEST)
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
