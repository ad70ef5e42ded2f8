//! Chapter 2, both sides: the grader plays the client to the server and the server to the
//! client.
//!
//! A program that ends its own messages with `\n` claims that its messages are lines, and must
//! then join and split them. One that sends no line end (one recv, one message) is judged only
//! with whole messages, each in a segment of its own.

mod client;
mod conduct;
mod exercises;
mod server;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{
        DECODES_PIECES, END_IGNORED, END_MARK, FIXED_HOST, ONE_ADDRESS, ONE_CLIENT,
        RESET_KILLS, SPINS, connects_to_the_given_host, reads_lines, rests,
    },
    together::{Together, WAIT_FOR_EACH_OTHER},
};
use client::HOST;
use server::LISTENS;
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Halt, Saw, Step, fail, quote},
    find,
    peer::Peer,
    quiet,
    speech::{MessageEnd, Speech},
};

/// Chapter 2.
pub static CHAPTER: Chapter = Chapter {
    number: "02",
    name: "one-to-one",
    roles: &[Role::Server, Role::Client],
    learn: Some(learn),
    checks: &[
        &server::LISTENS,
        &server::INTERFACES,
        &server::HEARS_FIRST,
        &server::ANSWERS,
        &server::TAKES_TURNS,
        &server::LINES,
        &server::EMPTY_READ,
        &server::NEXT_CLIENT,
        &server::WAITING_CLIENT,
        &server::BLANK_LINE,
        &server::AFTER_BLANK,
        &server::SPLIT_LETTER,
        &server::RESTS,
        &server::ONE_AT_A_TIME,
        &server::SERVER_INPUT_ENDS,
        &server::SURVIVES_RESET,
        &server::NOT_UTF8,
        &server::TOO_LONG,
        &server::CUT_OFF,
        &client::BEGINS,
        &client::HOST,
        &client::PRINTS,
        &client::CLIENT_TURNS,
        &client::CLIENT_LINES,
        &client::CLIENT_BLANK_LINE,
        &client::CLIENT_INPUT_ENDS,
        &client::SERVER_LEAVES,
        &client::CLIENT_SPLIT_LETTER,
        &client::CLIENT_RESTS,
        &client::TOGETHER,
        &client::ONLY_THE_PEER,
        &conduct::REFUSED,
        &conduct::IPV6,
        &conduct::HELP,
        &conduct::VERSION,
        &conduct::USAGE,
        &conduct::PORT_ZERO,
        &conduct::BLOCKING,
        &conduct::TRACE,
        &exercises::X_NUMBERS,
        &exercises::X_PATIENCE,
    ],
};

/// Whether a program ends its messages with a line end: the message that its user types shows it.
/// One that does not may wait for a line end in what it reads all the same.
fn learn(stage: &Stage, role: Role) -> Step<Speech> {
    let word = stage.payload(8);
    if role == Role::Server {
        let mut server = stage.serve(role)?;
        let mut client = server.connect("a")?;
        client.send(format!("{}\n", stage.payload(8)))?;
        client.settle();
        server.program.types(&word);
        client.expect(&word)?;
        return learn_end(stage, &mut server.program, &mut client);
    }
    let (mut client, mut server) = stage.client_and_peer("server")?;
    client.types(&word);
    server.expect(&word)?;
    learn_end(stage, &mut client, &mut server)
}

/// The program's message has come but for its end, and it is the network's turn.
fn learn_end(stage: &Stage, program: &mut Program, peer: &mut Peer) -> Step<Speech> {
    if peer.skip_line_end() {
        return Ok(Speech::default());
    }
    let text = stage.payload(8);
    let wants_lines = reads_lines(program, peer, &text)?;
    Ok(Speech { ends: MessageEnd::Pause, wants_lines, ..Speech::default() })
}

/// Sends a message as the program in this role would: a line, or its text in a packet of its own.
fn say(stage: &Stage, role: Role, peer: &mut Peer, text: &str) -> Step {
    match stage.speech(role).ends {
        MessageEnd::Pause if !stage.speech(role).wants_lines => {
            peer.send(text).map(|()| _ = peer.settle())
        }
        _ => peer.send(format!("{text}\n")),
    }
}

/// Stops a check that is about lines, if the program has none. A diff or a crate has them, as our
/// contract says.
fn speaks_in_lines(stage: &Stage, role: Role) -> Step {
    match stage.speech(role).ends {
        MessageEnd::Line => Ok(()),
        MessageEnd::Pause => Err(Halt::NotJudged(
            "its messages have no line end: it is judged with whole ones".to_string(),
        )),
    }
}

const NO_TURNS: Diagnosis = Diagnosis {
    id: "no-turns",
    they: "send out of turn",
    text: "it sent a second line before the other side had answered the first: after each line sent, a line must be read.",
};

const READ_IS_MESSAGE: Diagnosis = Diagnosis {
    id: "read-is-message",
    they: "take what one read returns for one message",
    text: "one recv is not one message: TCP keeps the order of the bytes and nothing of how they were sent. Read until the line's end, and keep what stands behind it for the next turn.",
};

const BLANK_SENT: Diagnosis = Diagnosis {
    id: "blank-sent",
    they: "send a blank line instead of ending",
    text: "the blank line went over the network: it is for the program, which should close the connection.",
};

const CLIENT_WAITS: Diagnosis = Diagnosis {
    id: "client-waits",
    they: "let the client wait for the network first",
    text: "it sent its line only after it had been spoken to: at the start it is the client's user who has the turn.",
};

fn begins(stage: &Stage) -> Step {
    let (client, mut server) = stage.client_and_peer("server")?;
    let line = format!("{} {}", stage.payload(8), stage.payload(8));
    client.types(&line);
    server.expect(&line).probe(&CLIENT_WAITS, || {
        let _ = say(stage, Role::Client, &mut server, "hello");
        server
            .expect(&line)
            .is_ok()
            .then(|| "it did when a line had come from the network".to_string())
    })
}

const NOT_FLUSHED: Diagnosis = Diagnosis {
    id: "not-flushed",
    they: "do not flush what they print",
    text: "the answer was printed only when the program ended: on a pipe stdout keeps what is written until it is flushed.",
};

fn prints(stage: &Stage) -> Step {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    let line = stage.payload(16);
    client.types(&line);
    server.expect(&line)?;
    server.skip_line_end();
    let mark = server.so_far().to_vec();
    let answer = stage.payload(16);
    say(stage, Role::Client, &mut server, &answer)?;
    let printed = client.prints(&answer).probe(&END_MARK, || {
        server.send(&mark).ok().filter(|()| !mark.is_empty())?;
        client.prints(&answer).ok()?;
        Some(format!("with {} behind the answer, it was", quote(&mark)))
    });
    printed.probe(&NOT_FLUSHED, || {
        client.types("");
        client.end_input();
        server.close();
        client.prints(&answer).is_ok().then(|| "it came when the program had ended".to_string())
    })
}

const LAST_LINE_LOST: Diagnosis = Diagnosis {
    id: "last-line-lost",
    they: "leave as soon as their input ends",
    text: "its input ended and it left at once, although the other side had still something to say: the end of the input is met at one's own turn, not before.",
};
