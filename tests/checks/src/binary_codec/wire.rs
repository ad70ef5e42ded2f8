//! How requests and answers go over the wire: in frames, as our contract has it, or, with a
//! program from outside that has none, one message at a time or line by line.

use super::*;
use stage::speech::{MessageEnd, Speech};
use std::time::Duration;

/// How long an answer is waited for at the first contact.
const A_MOMENT: Duration = Duration::from_millis(500);

/// Sends a request, or an answer, as the program speaks in this role.
pub(super) fn send(
    stage: &Stage,
    role: Role,
    peer: &mut Peer,
    text: impl AsRef<[u8]>,
) -> Outcome {
    let (way, text) = (stage.speech(role), text.as_ref());
    if !way.no_frames {
        return peer.send(frame(text));
    }
    peer.settle(); // a message of its own
    match way.ends {
        MessageEnd::Line => peer.send([text, b"\n"].concat()),
        MessageEnd::Pause => peer.send(text),
    }
}

/// Expects what the program says in this role: a request of the client's, an answer of a server's.
pub(super) fn expect_answer(
    stage: &Stage,
    role: Role,
    peer: &mut Peer,
    what: &str,
) -> Outcome<Vec<u8>> {
    if !stage.speech(role).no_frames {
        return expect_frame(peer, what);
    }
    Ok(peer.expect_message(what)?.text.into_bytes())
}

/// Asks, and returns the answer.
pub(super) fn ask(
    stage: &Stage,
    role: Role,
    peer: &mut Peer,
    request: impl AsRef<[u8]>,
) -> Outcome<Vec<u8>> {
    send(stage, role, peer, request)?;
    expect_answer(stage, role, peer, "the answer")
}

/// Stops a check that is about frames, if the program has none.
pub(super) fn frames_only(stage: &Stage, role: Role) -> Outcome {
    match stage.speech(role).no_frames {
        true => Err(Stop::NotJudged("it speaks without frames".to_string())),
        false => Ok(()),
    }
}

/// Finds out whether a program has frames, and how its messages end where it has none.
pub(super) fn learn(stage: &Stage, role: Role) -> Outcome<Speech> {
    match role {
        Role::Client => learn_client(stage),
        _ => learn_server(stage, role),
    }
}

fn learn_server(stage: &Stage, role: Role) -> Outcome<Speech> {
    let (request, answer) = request(role, "co");
    let answered = |pieces: &[&[u8]]| -> Outcome<Vec<u8>> {
        let server = stage.serve(role)?;
        let mut a = server.connect("a")?;
        for piece in pieces {
            a.send(piece)?;
            let _ =
                a.expect_seen(A_MOMENT, "an answer", |came| (!came.is_empty()).then_some(0));
            let came = a.so_far().to_vec();
            if !came.is_empty() {
                return Ok(came);
            }
        }
        Ok(Vec::new())
    };
    let way = |no_frames, ends| Speech { no_frames, ends, ..Speech::default() };
    // A frame. Who has none takes its length for a part of the text, or does not understand it.
    let in_frames = answered(&[&frame(&request)]).unwrap_or_default();
    if in_frames.iter().take(4).any(|byte| *byte == 0) {
        return Ok(way(false, MessageEnd::Line));
    }
    let plain = |came: &[u8]| same(&answer, came);
    let alone = answered(&[request.as_bytes()]).unwrap_or_default();
    if plain(&alone) {
        return Ok(way(true, MessageEnd::Pause));
    }
    let in_a_line = answered(&[request.as_bytes(), b"\n"]).unwrap_or_default();
    Ok(way(plain(&in_a_line), MessageEnd::Line))
}

fn learn_client(stage: &Stage) -> Outcome<Speech> {
    let (client, mut server) = stage.client_and_peer("the server")?;
    let line = stage.payload(9);
    client.types(&line);
    let sent = server.expect_message("the request")?;
    let ends = if sent.is_line { MessageEnd::Line } else { MessageEnd::Pause };
    let no_frames = sent.text == line;
    Ok(Speech { no_frames, ends, ..Speech::default() })
}
