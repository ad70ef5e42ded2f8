//! Chapter 6, the decoder: the grader plays its clients.

use super::*;

pub(super) static DECODER_LENGTH: Check = Check::lab(
    "06.decoder-length",
    Role::Decoder,
    "decoder: four bytes, big-endian, say how many bytes its answer has",
)
.source("L1, recv_int: int.from_bytes(conn.recv(4), byteorder='big')")
.points(2)
.read("6.4")
.mistakes(&[&HTONS, &LITTLE_ENDIAN, &COUNTS_ITSELF, &TWO_BYTES, &NO_LENGTH])
.steps(|stage| server_length(stage, Role::Decoder));

// -- the decoder
const KEEPS_SPACES: Diagnosis = Diagnosis {
    id: "keeps-spaces",
    they: "keep the spaces between the groups",
    text: "the text came back with the spaces that only part the groups.",
};

pub(super) static DECODES: Check = Check::lab(
    "06.decodes",
    Role::Decoder,
    "decoder: answers groups of eight digits with the text",
)
.source("L1, question 2a")
.points(2)
.read("6.4")
.mistakes(&[&KEEPS_SPACES])
.steps(|stage| {
    let server = stage.serve(Role::Decoder)?;
    let mut a = server.connect("a")?;
    let text = format!("commetsii({})!", stage.payload(6));
    let answer = ask(stage, Role::Decoder, &mut a, groups(text.as_bytes()))?;
    let spaced: Vec<_> = text.chars().map(String::from).collect();
    is(&text, &answer).means(same(&spaced.join(" "), &answer), &KEEPS_SPACES)
});

const EIGHT_ONLY: Diagnosis = Diagnosis {
    id: "eight-only",
    they: "refuse groups of fewer than eight digits",
    text: "a group of seven digits is a number below 256 as well: the zeros in front may be missing.",
};

pub(super) static SHORT_GROUPS: Check = Check::lab(
    "06.short-groups",
    Role::Decoder,
    "decoder: a group may have fewer than eight digits",
)
.source("L1, question 3c: bit strings of length less than or equal to 8")
.needs(&[&DECODES])
.read("6.4")
.mistakes(&[&EIGHT_ONLY])
.steps(|stage| {
    let server = stage.serve(Role::Decoder)?;
    let mut a = server.connect("a")?;
    ask(stage, Role::Decoder, &mut a, "1100011 01101111 101101")
        .and_then(|answer| is("co-", &answer))
        .confirm(&EIGHT_ONLY, "groups of eight digits are decoded", || {
            is_answered(stage, Role::Decoder)
        })
});

pub(super) static DECODER_GOES_ON: Check = Check::lab(
    "06.decoder-goes-on",
    Role::Decoder,
    "decoder: answers one request after another on one connection",
)
.source("L1, question 2 and server2.py")
.needs(&[&DECODES])
.read("6.4")
.mistakes(&[&ONE_REQUEST])
.steps(|stage| goes_on(stage, Role::Decoder));

pub(super) static DECODER_PIECES: Check = Check::lab(
    "06.decoder-pieces",
    Role::Decoder,
    "decoder: a request in pieces is one, three in a packet are three",
)
.source("L1, question 2 and server2.py")
.needs(&[&DECODER_GOES_ON])
.points(2)
.read("6.5")
.mistakes(&[&SHORT_READ, &REST_DROPPED])
.steps(|stage| {
    pieces(stage, Role::Decoder)?;
    match stage.speech(Role::Decoder).wrong_length {
        true => Ok(()), // nobody can tell where one of three answers ends
        false => coalesced(stage, Role::Decoder),
    }
});

const BAD_GROUP_KILLS: Diagnosis = Diagnosis {
    id: "bad-group-kills",
    they: "end when a group is no byte",
    text: "one client sent a text where groups belong, and the next client was not served: what cannot be decoded is that client's trouble alone. Which call fails there, and who handles it?",
};

pub(super) static BAD_GROUP: Check = Check::lab(
    "06.bad-group",
    Role::Decoder,
    "decoder: a group that is no byte costs the next client nothing",
)
.source("L1, question 3c: client1 at server2")
.needs(&[&DECODES])
.read("6.5")
.mistakes(&[&BAD_GROUP_KILLS])
.steps(|stage| {
    let server = stage.serve(Role::Decoder)?;
    for bad in ["commetsii", "01100011 111111111", "01100011 22"] {
        let mut a = server.connect("a")?;
        wire::send(stage, Role::Decoder, &mut a, bad)?;
        let _ = expect_answer(stage, Role::Decoder, &mut a, "its answer"); // or the end
        a.close();
        let (role, mistake) = (Role::Decoder, &BAD_GROUP_KILLS);
        if !costs_nobody_else(stage, &server, role, mistake, leaves_politely)? {
            break;
        }
    }
    Ok(())
});

/// A session as it should be.
fn leaves_politely(stage: &Stage, role: Role, mut peer: Peer) -> Step {
    works(stage, role, &mut peer)?;
    if frames_only(stage, role).is_ok() {
        peer.send(EMPTY_FRAME)?;
    }
    peer.close();
    Ok(())
}

pub(super) static DECODER_RESTS: Check = Check::lab(
    "06.decoder-rests",
    Role::Decoder,
    "decoder: rests, or ends, when its client has left",
)
.source("L1, question 3a: What happens if the client aborts")
.read("6.5")
.mistakes(&[&SPINS, &END_IGNORED])
.steps(|stage| server_rests(stage, Role::Decoder));

// -- what the chapter asks for, and no lab
const BAD_GROUP_ENDS: Diagnosis = Diagnosis {
    id: "bad-group-ends",
    they: "break off at a group that is no byte",
    text: "a group that is no byte got no error as an answer: the frame is whole, so both ends still know where the next one begins. Why should the session end?",
};

const LAX_GROUPS: Diagnosis = Diagnosis {
    id: "lax-groups",
    they: "take groups that are no 1 to 8 binary digits",
    text: "a group that is no byte was taken for one: what do parsers of numbers accept besides digits, and how large may the number become?",
};

pub(super) static BAD_GROUP_ERROR: Check = Check::chapter(
    "06.bad-group-error",
    Role::Decoder,
    "decoder: a group that is no byte gets an answer `error:`, and it goes on",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&DECODER_GOES_ON])
.read("6.5")
.mistakes(&[&BAD_GROUP_ENDS, &LAX_GROUPS])
.steps(|stage| {
    let server = stage.serve(Role::Decoder)?;
    let mut a = server.connect("a")?;
    let role = Role::Decoder;
    is_over(is_told(stage, role, &mut a, "commetsii"), &BAD_GROUP_ENDS)?;
    for bad in ["2", "01100011 +1", "-1", "0b1", "101100011", "1_1", "1é"] {
        let told = is_told(stage, role, &mut a, bad).because(Saw::Something, &LAX_GROUPS);
        is_over(told, &BAD_GROUP_ENDS)?;
    }
    is_over(works(stage, role, &mut a), &BAD_GROUP_ENDS)
});

pub(super) static DECODER_UTF8: Check = Check::chapter(
    "06.decoder-utf8",
    Role::Decoder,
    "decoder: the length of `é` is two, and bytes that are no text an error",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&DECODER_GOES_ON])
.read("6.5")
.mistakes(&[&COUNTS_CHARACTERS])
.steps(|stage| {
    let server = stage.serve(Role::Decoder)?;
    let mut a = server.connect("a")?;
    let text = format!("é{}漢", stage.payload(3));
    let answer = ask(stage, Role::Decoder, &mut a, groups(text.as_bytes()))?;
    let counted = answer.len() == text.chars().count();
    is(&text, &answer).means(counted, &COUNTS_CHARACTERS)?;
    is_told(stage, Role::Decoder, &mut a, "11000011")?;
    works(stage, Role::Decoder, &mut a)
});

const EMPTY_SENT: Diagnosis = Diagnosis {
    id: "empty-sent",
    they: "send an empty answer",
    text: "the answer was an empty frame, which says goodbye: what shall the client take it for?",
};

pub(super) static EMPTY_ANSWER: Check = Check::chapter(
    "06.empty-answer",
    Role::Decoder,
    "decoder: an answer that would be empty becomes `error:`",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&DECODER_GOES_ON])
.read("6.5")
.mistakes(&[&EMPTY_SENT])
.steps(|stage| {
    let server = stage.serve(Role::Decoder)?;
    let mut a = server.connect("a")?;
    let answer = ask(stage, Role::Decoder, &mut a, "  ")?;
    if !answer.starts_with(b"error:") {
        return fail("an answer that begins with `error:`", quote(&answer))
            .means(answer.is_empty(), &EMPTY_SENT);
    }
    works(stage, Role::Decoder, &mut a)
});
