//! Chapter 6, three roles: the grader plays the client to the encoder and the decoder, and the
//! server to the client.
//!
//! A length that is wrong makes everything behind it wrong, so it is named first; of a program
//! from outside what comes behind it is judged all the same. Groups are compared after splitting at white
//! space. A server that ends with its first client, as the lab's own do, is not asked what the
//! next one would meet. A program from outside that speaks without frames is judged in what the
//! lab asks for, and not in what is about frames.

mod client;
mod conduct;
mod decoder;
mod encoder;
mod exercises;
mod wire;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{
        END_IGNORED, FIXED_HOST, ONE_CLIENT, SPINS, connects_to_the_given_host, is_over, rests,
    },
    together::{Together, WAIT_FOR_EACH_OTHER},
};
use client::CLIENT_HOST;
use encoder::LISTENS;
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Halt, Saw, Step, difference, fail, quote},
    find,
    peer::Peer,
    process, quiet,
};
use wire::{ask, expect_answer, frames_only};

/// Chapter 6.
pub static CHAPTER: Chapter = Chapter {
    number: "06",
    name: "binary-codec",
    roles: &[Role::Encoder, Role::Decoder, Role::Client],
    learn: Some(wire::learn),
    checks: &[
        &encoder::LISTENS,
        &encoder::LENGTH,
        &encoder::ANSWERS,
        &encoder::ENCODES,
        &encoder::GOES_ON,
        &encoder::PIECES,
        &encoder::COALESCED,
        &encoder::LONG,
        &encoder::GOODBYE,
        &encoder::HUGE_LENGTH,
        &encoder::TWO_CLIENTS,
        &encoder::RESTS,
        &decoder::DECODER_LENGTH,
        &decoder::DECODES,
        &decoder::SHORT_GROUPS,
        &decoder::DECODER_GOES_ON,
        &decoder::DECODER_PIECES,
        &decoder::BAD_GROUP,
        &decoder::DECODER_RESTS,
        &client::CLIENT_LENGTH,
        &client::CLIENT_HOST,
        &client::CLIENT_PRINTS,
        &client::CLIENT_GOES_ON,
        &client::CLIENT_PIECES,
        &client::CLIENT_BLANK_LINE,
        &client::CLIENT_INPUT_ENDS,
        &client::CLIENT_RESTS,
        &client::TOGETHER,
        &encoder::NEXT_CLIENT,
        &encoder::MULTI_THREADED,
        &encoder::TELLS,
        &encoder::UTF8,
        &encoder::NOT_UTF8,
        &encoder::CUT_FRAME,
        &encoder::RESET,
        &encoder::LIMIT,
        &encoder::LONG_ANSWER,
        &encoder::BIND,
        &encoder::INTERFACE,
        &decoder::BAD_GROUP_ERROR,
        &decoder::DECODER_UTF8,
        &decoder::EMPTY_ANSWER,
        &client::CLIENT_GOODBYE,
        &client::CLIENT_LAST_ANSWER,
        &client::CLIENT_UTF8,
        &client::CLIENT_SERVER_LEAVES,
        &client::CLIENT_LIMIT,
        &client::CLIENT_ONLY_ANSWERS,
        &conduct::REFUSED,
        &conduct::IPV6,
        &conduct::HELP,
        &conduct::VERSION,
        &conduct::USAGE,
        &conduct::PORT_ZERO,
        &conduct::BLOCKING,
        &conduct::TRACE,
        &exercises::X_TAGGED,
        &exercises::X_VARINT,
        &exercises::X_PIPELINED,
    ],
};

// -- frames

/// The longest frame that the contract lets pass, in bytes.
const MAX_FRAME: usize = 1024 * 1024;

/// Goodbye.
const EMPTY_FRAME: [u8; 4] = [0; 4];

fn frame(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [&(body.len() as u32).to_be_bytes(), body].concat()
}

const HTONS: Diagnosis = Diagnosis {
    id: "htons",
    they: "put a length of four bytes through htons()",
    text: "the length is 65536 times what it should be: htons() turns two bytes round, and a length of four needs all four turned. It went unnoticed because one recv() took whatever was there. What is the call for four bytes?",
};

const LITTLE_ENDIAN: Diagnosis = Diagnosis {
    id: "little-endian",
    they: "use the machine's own byte order for the length",
    text: "the length's four bytes are in the opposite order, the least significant first, as this machine keeps them in memory. Which order did both ends agree on, and which call gives it on every machine?",
};

const COUNTS_ITSELF: Diagnosis = Diagnosis {
    id: "counts-itself",
    they: "count the length's own four bytes",
    text: "the length is too large by four: does it count its own four bytes?",
};

const TWO_BYTES: Diagnosis = Diagnosis {
    id: "two-bytes",
    they: "send a length of two bytes",
    text: "the length came in two bytes, and the other side reads four. Which type has the number that is written?",
};

const NO_LENGTH: Diagnosis = Diagnosis {
    id: "no-length",
    they: "send no length",
    text: "the text itself came where its length should stand: where does the other side learn how many bytes to wait for?",
};

/// Reads one frame of the program's, and returns what is behind its length. What is wrong
/// with the length is said here, before anything that follows from it.
fn expect_frame(peer: &mut Peer, what: &str) -> Step<Vec<u8>> {
    let head = peer.expect_bytes(4, &format!("{what}, and first its length"))?;
    let claim = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
    let body = peer.expect_bytes(claim as usize, what);
    let came = peer.so_far().len() as u64;
    body.or_else(|stop| {
        if came == 0 && claim as usize <= MAX_FRAME {
            return Err(stop); // the length alone is no reason to doubt it
        }
        fail(
            "a length, and then as many bytes as it says",
            format!("the length says {claim}, {came} bytes came"),
        )
    })
    .means(u64::from(claim) == came << 16, &HTONS)
    .means(u64::from(claim.swap_bytes()) == came, &LITTLE_ENDIAN)
    .means(u64::from(claim) == came + 4, &COUNTS_ITSELF)
    .means(u64::from(claim >> 16) == came + 2, &TWO_BYTES)
    .means(head.iter().all(u8::is_ascii_graphic), &NO_LENGTH)
}

/// Sends a frame in pieces, each a read of its own: its length byte by byte, then what is
/// behind it, in three.
fn send_in_pieces(peer: &mut Peer, frame: Vec<u8>) -> Step {
    let (length, body) = frame.split_at(4);
    peer.dribble(length)?;
    body.chunks(body.len().div_ceil(3)).try_for_each(|piece| {
        peer.settle();
        peer.send(piece)
    })
}

// -- what the two servers are asked
fn groups(text: &[u8]) -> String {
    text.iter().map(|byte| format!("{byte:08b}")).collect::<Vec<_>>().join(" ")
}

/// A request for this role that has to do with `text`, and the answer to it.
fn request(role: Role, text: &str) -> (String, String) {
    let (text, groups) = (text.to_string(), groups(text.as_bytes()));
    if role == Role::Decoder { (groups, text) } else { (text, groups) }
}

/// White space around and between groups is nobody's business.
fn same(expected: &str, answer: &[u8]) -> bool {
    let words: Vec<_> = expected.split_whitespace().map(str::as_bytes).collect();
    let white = |byte: &u8| byte.is_ascii_whitespace();
    answer.split(white).filter(|word| !word.is_empty()).eq(words)
}

fn is(expected: &str, answer: &[u8]) -> Step {
    if same(expected, answer) {
        return Ok(());
    }
    let (expected, got) = difference(expected.as_bytes(), answer);
    fail(format!("the answer is {expected}"), got)
}

/// As [`is`], where the form of the groups costs nothing: one check asks for it, and no other.
fn is_like(role: Role, expected: &str, answer: &[u8]) -> Step {
    if role != Role::Encoder {
        return is(expected, answer);
    }
    is(expected, in_groups(&String::from_utf8_lossy(answer)).as_bytes())
}

/// An encoder's answer as it would be in groups of eight digits, if it has shorter ones, has a
/// `0b` before each, or has nothing between them.
fn in_groups(answer: &str) -> String {
    let groups = answer.split_whitespace().flat_map(|group| {
        let digits = group.strip_prefix("0b").unwrap_or(group);
        let whole = if digits.len() % 8 == 0 { 8 } else { digits.len() };
        digits.as_bytes().chunks(whole.max(1))
    });
    let padded = groups.map(|group| format!("{:0>8}", String::from_utf8_lossy(group)));
    padded.collect::<Vec<_>>().join(" ")
}

/// One request and its answer, both new at each call.
fn works(stage: &Stage, role: Role, peer: &mut Peer) -> Step {
    let (request, answer) = request(role, &stage.payload(8));
    is_like(role, &answer, &ask(stage, role, peer, request)?)
}

/// As [`works`], where the answer must be an error.
fn is_told(stage: &Stage, role: Role, peer: &mut Peer, request: impl AsRef<[u8]>) -> Step {
    let answer = ask(stage, role, peer, request)?;
    if answer.starts_with(b"error:") {
        return Ok(());
    }
    fail("an answer that begins with `error:`", quote(&answer))
}

/// The first client has left in its own way; then the next one is served, or it is this mistake.
/// What the first one's way costs is only asked of a server that serves a second client after
/// `harmless`; false if this one does not.
fn costs_nobody_else(
    stage: &Stage,
    server: &Server,
    role: Role,
    mistake: &'static Diagnosis,
    harmless: fn(&Stage, Role, Peer) -> Step,
) -> Step<bool> {
    let next = |server: &Server| {
        let mut next = server.connect("the next client")?;
        works(stage, role, &mut next)
    };
    let Err(stop) = next(server) else { return Ok(true) };
    stage.log.step("it is started again: does it serve a second client at all?");
    let other = stage.serve(role)?;
    harmless(stage, role, other.connect("a first client")?)?;
    let serves = next(&other).is_ok();
    if serves {
        return Err(stop)
            .confirm(mistake, "behind another first client it is served", || serves);
    }
    stage.log.step("it does not, whatever the first one did: that costs nothing");
    Ok(false)
}

/// True if a client of its own is answered by a server that is started for it.
fn is_answered(stage: &Stage, role: Role) -> bool {
    let works = || -> Step {
        let server = stage.serve(role)?;
        works(stage, role, &mut server.connect("another client")?)
    };
    works().is_ok()
}

// -- the encoder; some of it is asked of the decoder too
fn server_length(stage: &Stage, role: Role) -> Step {
    frames_only(stage, role)?;
    let server = stage.serve(role)?;
    let mut a = server.connect("a")?;
    // An answer of more than 255 bytes, and one of a few.
    let letters = if role == Role::Encoder { 40 } else { 9 };
    let (request, _) = request(role, &stage.payload(letters));
    a.send(frame(&request))?;
    let answer = expect_frame(&mut a, "the answer");
    let silent = answer.is_err() && a.so_far().is_empty();
    let length = request.len() as u32;
    let answers = |head: &[u8]| {
        (silent && answers(stage, role, head, &request))
            .then(|| "to a length of that form there was an answer".to_string())
    };
    answer
        .probe(&LITTLE_ENDIAN, || answers(&length.to_le_bytes()))
        .probe(&TWO_BYTES, || answers(&length.to_be_bytes()[2..]))?;
    a.expect_no_bytes("the answer is over")
}

/// True if a server that is started anew answers a request with this before it.
fn answers(stage: &Stage, role: Role, head: &[u8], request: &str) -> bool {
    let Ok(server) = stage.serve(role) else { return false };
    let Ok(mut b) = server.connect("b") else { return false };
    b.send([head, request.as_bytes()].concat()).is_ok() && !b.take(1).is_empty()
}

const ONE_REQUEST: Diagnosis = Diagnosis {
    id: "one-request",
    they: "answer one request and no more",
    text: "the first request was answered and the second was not: is there a loop around reading and answering, until the client says goodbye?",
};

fn goes_on(stage: &Stage, role: Role) -> Step {
    let server = stage.serve(role)?;
    let mut a = server.connect("a")?;
    works(stage, role, &mut a)?;
    (0..4).try_for_each(|_| is_over(works(stage, role, &mut a), &ONE_REQUEST))
}

const SHORT_READ: Diagnosis = Diagnosis {
    id: "short-read-06",
    they: "take what one read returns for a whole frame, or its length",
    text: "the same bytes in pieces were not understood: a read of four bytes may return one. Ask again for what is missing, of the length and of the text, until all is there.",
};

fn pieces(stage: &Stage, role: Role) -> Step {
    frames_only(stage, role)?;
    let server = stage.serve(role)?;
    let mut a = server.connect("a")?;
    works(stage, role, &mut a)?;
    let (request, answer) = request(role, &stage.payload(6));
    let in_pieces = || -> Step {
        send_in_pieces(&mut a, wire::framed(stage, role, request))?;
        is_like(role, &answer, &expect_answer(stage, role, &mut a, "the answer")?)?;
        works(stage, role, &mut a)
    };
    in_pieces()
        .confirm(&SHORT_READ, "a frame in one piece is answered", || is_answered(stage, role))
}

const REST_DROPPED: Diagnosis = Diagnosis {
    id: "rest-dropped",
    they: "drop what stands behind the first frame in a packet",
    text: "the first of three requests in one packet was answered, and the others were lost: a read may return more than one frame. Ask for no more bytes than the frame has, or keep the rest for the next one.",
};

fn coalesced(stage: &Stage, role: Role) -> Step {
    wire::right_lengths(stage, role)?;
    let server = stage.serve(role)?;
    let mut a = server.connect("a")?;
    works(stage, role, &mut a)?;
    let three: Vec<_> = [6, 1, 12].map(|n| request(role, &stage.payload(n))).into();
    a.send(three.iter().flat_map(|(request, _)| frame(request)).collect::<Vec<_>>())?;
    three
        .iter()
        .try_for_each(|(_, answer)| is_like(role, answer, &expect_frame(&mut a, "its answer")?))
        .confirm(&REST_DROPPED, "in a packet of its own each is answered", || {
            let alone = || -> Step {
                let server = stage.serve(role)?;
                let mut b = server.connect("b")?;
                three.iter().try_for_each(|(request, answer)| {
                    is_like(role, answer, &ask(stage, role, &mut b, request)?)
                })
            };
            alone().is_ok()
        })
}

const CUT_SHORT: Diagnosis = Diagnosis {
    id: "cut-short",
    they: "cut long texts off",
    text: "a long text was not encoded to its end: has a buffer, or the length's type, a size that texts may exceed?",
};

fn long(stage: &Stage) -> Step {
    wire::right_lengths(stage, Role::Encoder)?;
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    let text = stage.payload(20_000);
    ask(stage, Role::Encoder, &mut a, &text)
        .and_then(|answer| is_like(Role::Encoder, &groups(text.as_bytes()), &answer))
        .confirm(&CUT_SHORT, "a text of 8 characters is encoded whole", || {
            is_answered(stage, Role::Encoder)
        })
}

const GOODBYE_ANSWERED: Diagnosis = Diagnosis {
    id: "goodbye-answered",
    they: "answer the empty frame",
    text: "the client said goodbye with an empty frame and got an answer: nobody is there to read it. What does a length of 0 say?",
};

const GOODBYE_KILLS: Diagnosis = Diagnosis {
    id: "goodbye-kills",
    they: "end when a client says goodbye",
    text: "the empty frame ended more than its own session: the next client was not served. What happens to a text of no bytes?",
};

fn goodbye(stage: &Stage) -> Step {
    frames_only(stage, Role::Encoder)?;
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    works(stage, Role::Encoder, &mut a)?;
    a.send(EMPTY_FRAME)?;
    a.expect_no_bytes("it has said goodbye").because(Saw::Something, &GOODBYE_ANSWERED)?;
    a.close();
    let leaves_silently = |stage: &Stage, role, mut peer: Peer| {
        works(stage, role, &mut peer)?;
        peer.close();
        Ok(())
    };
    costs_nobody_else(stage, &server, Role::Encoder, &GOODBYE_KILLS, leaves_silently)
        .map(|_| ())
}

const CUT_IS_WHOLE: Diagnosis = Diagnosis {
    id: "cut-frame-taken",
    they: "take a frame that was cut off for a whole one",
    text: "the connection closed in the middle of a frame, and the part was taken for all of it: what does a read of 0 bytes mean when more were promised?",
};

const SESSION_KILLS: Diagnosis = Diagnosis {
    id: "session-kills",
    they: "end when one client's session ends badly",
    text: "one client's trouble ended the whole server: an error of one connection is that connection's end. Who handles what the session returns?",
};

/// The next client is served, whatever happened to those before.
fn serves_on(stage: &Stage, server: &Server) -> Step {
    let next = server
        .connect("the next client")
        .and_then(|mut next| works(stage, Role::Encoder, &mut next));
    let ended = next.is_err() && server.program.process.wait(quiet()).is_some();
    next.means(ended, &SESSION_KILLS)
}

const NO_LIMIT: Diagnosis = Diagnosis {
    id: "no-limit-06",
    they: "accept frames of any length",
    text: "a frame over the limit was announced, and it waits for it: whoever sends the length chooses how much memory is used. When can it be refused, at the latest?",
};

/// A frame over the limit is announced, and begins.
fn announce_too_much(peer: &mut Peer) -> Step {
    peer.send((MAX_FRAME as u32 + 1).to_be_bytes())?;
    peer.settle();
    // The program may have closed already.
    let _ = peer.send([b'x'; 100]);
    Ok(())
}

fn limit(stage: &Stage) -> Step {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    announce_too_much(&mut a)?;
    let closed = a.expect_close();
    let reads_on = closed.is_err() && a.settle();
    closed.means(reads_on, &NO_LIMIT)?;
    a.close();
    serves_on(stage, &server)
}

const COUNTS_CHARACTERS: Diagnosis = Diagnosis {
    id: "counts-characters",
    they: "count characters where bytes are sent",
    text: "the length is that of the text in characters, and `é` has two bytes: the other side is one byte off from here on. Of what should the length be taken?",
};

/// More bytes than a server has to say when a client has left.
const FLOOD: usize = 64 << 10;

fn server_rests(stage: &Stage, role: Role) -> Step {
    let server = stage.serve(role)?;
    let mut a = server.connect("a")?;
    let _ = works(stage, role, &mut a); // other checks ask for it
    a.half_close();
    a.settle();
    rests(&server.program, "a client has closed its sending side")?;
    let more = a.so_far().len();
    if more > FLOOD {
        let got = format!("{more} bytes come");
        return fail("a client that says nothing more hears nothing more", got).confirm(
            &END_IGNORED,
            "it had closed its sending side",
            || more > FLOOD,
        );
    }
    a.close();
    rests(&server.program, "a client has left")
}
