//! How requests and answers go over the wire: in frames, as our contract has it, or, with a
//! program from outside that has none, one message at a time or line by line.

use super::*;
use stage::patience;
use stage::speech::{MessageEnd, Speech};
use std::time::Duration;

/// How long an answer is waited for at the first contact.
const A_MOMENT: Duration = Duration::from_millis(500);

/// Sends a request, or an answer, as the program speaks in this role.
pub(super) fn send(stage: &Stage, role: Role, peer: &mut Peer, text: impl AsRef<[u8]>) -> Step {
    let (way, text) = (stage.speech(role), text.as_ref());
    if !way.no_frames {
        return peer.send(framed(stage, role, text));
    }
    peer.settle(); // a message of its own
    match way.ends {
        MessageEnd::Line => peer.send([text, b"\n"].concat()),
        MessageEnd::Pause => peer.send(text),
    }
}

/// A frame as the program understands it in this role.
pub(super) fn framed(stage: &Stage, role: Role, body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut frame = frame(body);
    if stage.speech(role).little_endian {
        frame[..4].reverse();
    }
    frame
}

/// Expects what the program says in this role: a request of the client's, an answer of a server's.
pub(super) fn expect_answer(
    stage: &Stage,
    role: Role,
    peer: &mut Peer,
    what: &str,
) -> Step<Vec<u8>> {
    let way = stage.speech(role);
    if way.no_frames {
        return Ok(peer.expect_message(what)?.text.into_bytes());
    }
    let head = peer.expect_bytes(4, &format!("{what}, and first its length"))?;
    if way.wrong_length {
        // What its length says has a check of its own.
        let _ = peer.expect_seen(A_MOMENT, what, |_| None);
        let body = peer.so_far().to_vec();
        peer.ignore_so_far();
        return Ok(body);
    }
    let claim = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
    peer.expect_bytes(claim as usize, what)
}

/// Asks, and returns the answer.
pub(super) fn ask(
    stage: &Stage,
    role: Role,
    peer: &mut Peer,
    request: impl AsRef<[u8]>,
) -> Step<Vec<u8>> {
    send(stage, role, peer, request)?;
    expect_answer(stage, role, peer, "the answer")
}

/// Stops a check that is about frames, if the program has none.
pub(super) fn frames_only(stage: &Stage, role: Role) -> Step {
    match stage.speech(role).no_frames {
        true => Err(Halt::NotJudged("it speaks without frames".to_string())),
        false => Ok(()),
    }
}

/// Stops a check that cannot tell where an answer ends, because its length is wrong.
pub(super) fn right_lengths(stage: &Stage, role: Role) -> Step {
    frames_only(stage, role)?;
    match stage.speech(role).wrong_length {
        true => Err(Halt::NotJudged("the lengths of its answers are wrong".to_string())),
        false => Ok(()),
    }
}

/// Finds out whether a program has frames, and how its messages end where it has none.
pub(super) fn learn(stage: &Stage, role: Role) -> Step<Speech> {
    match role {
        Role::Client => learn_client(stage),
        _ => learn_server(stage, role),
    }
}

fn learn_server(stage: &Stage, role: Role) -> Step<Speech> {
    let (request, _) = request(role, "co");
    let answered = |pieces: &[&[u8]]| -> Step<Vec<u8>> {
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
    let frames = |little_endian, came: &[u8]| Speech {
        wrong_length: has_wrong_length(came),
        little_endian,
        ..Speech::default()
    };
    if has_head(&in_frames) {
        return Ok(frames(false, &in_frames));
    }
    // Right or wrong: who answers a text has no frames.
    let plain = |came: &[u8]| !came.is_empty() && !has_head(came);
    let alone = answered(&[request.as_bytes()]).unwrap_or_default();
    if plain(&alone) {
        return Ok(way(true, MessageEnd::Pause));
    }
    let mut reversed = frame(&request);
    reversed[..4].reverse();
    let in_reversed = answered(&[&reversed]).unwrap_or_default();
    if has_head(&in_reversed) {
        return Ok(frames(true, &in_reversed));
    }
    let in_a_line = answered(&[request.as_bytes(), b"\n"]).unwrap_or_default();
    Ok(way(plain(&in_a_line), MessageEnd::Line))
}

/// True if this begins with a length, right or wrong, and with no text.
fn has_head(came: &[u8]) -> bool {
    came.len() > 4 && came[..4].contains(&0)
}

fn has_wrong_length(came: &[u8]) -> bool {
    came.len() > 4 && frame(&came[4..])[..4] != came[..4]
}

fn learn_client(stage: &Stage) -> Step<Speech> {
    let (client, mut server) = stage.client_and_peer("the server")?;
    let line = stage.payload(9);
    client.types(&line);
    let sent = server.expect_seen(patience(), "the request", |came| {
        find(came, line.as_bytes()).map(|at| at + line.len())
    })?;
    let is_line = server.skip_line_end();
    let no_frames = sent == line.as_bytes();
    Ok(Speech {
        no_frames,
        ends: if no_frames && !is_line { MessageEnd::Pause } else { MessageEnd::Line },
        wrong_length: !no_frames && has_wrong_length(&sent),
        little_endian: !no_frames && sent.len() > 4 && sent[0] as usize == line.len(),
        ..Speech::default()
    })
}
