//! Chapter 6, three roles: the grader plays the client to the encoder and the decoder, and the
//! server to the client.
//!
//! A length that is wrong makes everything behind it wrong, so it is named first: every other
//! check of a role needs the one about its length. Groups are compared after splitting at white
//! space. A server that ends with its first client, as the lab's own do, is not asked what the
//! next one would meet.

use super::{
    codec_exercises, manners,
    shared::{FIXED_HOST, ONE_CLIENT, connects_to_the_given_host},
};
use crate::check::{Chapter, Check, Kind};
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Outcome, Stop, difference, fail, quote},
    find,
    peer::Peer,
    process, quiet,
};

/// Chapter 6.
pub static CHAPTER: Chapter = Chapter {
    number: "06",
    name: "binary-codec",
    roles: &[Role::Encoder, Role::Decoder, Role::Client],
    checks: CHECKS,
};

const ENCODER: Check = Check {
    id: "",
    title: "",
    source: "L1, question 1 and server1.py",
    role: Role::Encoder,
    needs: &[],
    points: 1,
    kind: Kind::Required,
    long: false,
    book: "6.3",
    run: |_| Ok(()),
    diagnoses: &[],
};
const DECODER: Check =
    Check { source: "L1, question 2 and server2.py", role: Role::Decoder, ..ENCODER };
const CLIENT: Check =
    Check { source: "L1, question 3 and client1.py", role: Role::Client, ..ENCODER };
const ENCODER_MANNERS: Check = Check {
    source: "our contract, 06-binary-codec; the lab leaves it open",
    points: 0,
    kind: Kind::Manners,
    book: "6.6",
    ..ENCODER
};
const DECODER_MANNERS: Check = Check { role: Role::Decoder, ..ENCODER_MANNERS };
const CLIENT_MANNERS: Check = Check { role: Role::Client, ..ENCODER_MANNERS };

const CHECKS: &[Check] = &[
    Check {
        id: "06.listens",
        title: "encoder: listens on its port",
        run: |stage| stage.serve(Role::Encoder).map(|_| ()),
        ..ENCODER
    },
    Check {
        id: "06.length",
        title: "encoder: four bytes, big-endian, say how many bytes its answer has",
        source: "L1, recv_int: int.from_bytes(conn.recv(4), byteorder='big')",
        needs: &["06.listens"],
        points: 3,
        run: |stage| server_length(stage, Role::Encoder),
        diagnoses: &[&HTONS, &LITTLE_ENDIAN, &COUNTS_ITSELF, &TWO_BYTES, &NO_LENGTH],
        ..ENCODER
    },
    Check {
        id: "06.encodes",
        title: "encoder: answers a text with its bytes as groups of eight digits",
        source: "L1, question 1a",
        needs: &["06.length"],
        points: 2,
        run: encodes,
        diagnoses: &[&UNPADDED],
        ..ENCODER
    },
    Check {
        id: "06.goes-on",
        title: "encoder: answers one request after another on one connection",
        needs: &["06.encodes"],
        run: |stage| goes_on(stage, Role::Encoder),
        diagnoses: &[&ONE_REQUEST],
        ..ENCODER
    },
    Check {
        id: "06.pieces",
        title: "encoder: a request that comes in pieces is one request",
        needs: &["06.goes-on"],
        points: 2,
        book: "6.6",
        run: |stage| pieces(stage, Role::Encoder),
        diagnoses: &[&SHORT_READ],
        ..ENCODER
    },
    Check {
        id: "06.coalesced",
        title: "encoder: three requests in one packet get three answers, in order",
        needs: &["06.goes-on"],
        points: 2,
        book: "6.6",
        run: |stage| coalesced(stage, Role::Encoder),
        diagnoses: &[&REST_DROPPED],
        ..ENCODER
    },
    Check {
        id: "06.long",
        title: "encoder: encodes 20,000 characters, whole",
        needs: &["06.pieces"],
        run: long,
        diagnoses: &[&CUT_SHORT],
        ..ENCODER
    },
    Check {
        id: "06.goodbye",
        title: "encoder: takes the empty frame for a goodbye, and does not answer it",
        source: "L1, handle_client: data_size == 0 ends the loop",
        needs: &["06.goes-on"],
        run: goodbye,
        diagnoses: &[&GOODBYE_ANSWERED, &GOODBYE_KILLS],
        ..ENCODER
    },
    Check {
        id: "06.huge-length",
        title: "encoder: a length of 4 GiB does no harm, and the next client is served",
        source: "our contract, 06: a length is a stranger's claim",
        needs: &["06.goes-on"],
        points: 2,
        book: "6.6",
        run: huge_length,
        diagnoses: &[&TRUSTS_LENGTH],
        ..ENCODER
    },
    Check {
        id: "06.decoder-length",
        title: "decoder: four bytes, big-endian, say how many bytes its answer has",
        source: "L1, recv_int: int.from_bytes(conn.recv(4), byteorder='big')",
        points: 2,
        run: |stage| server_length(stage, Role::Decoder),
        diagnoses: &[&HTONS, &LITTLE_ENDIAN, &COUNTS_ITSELF, &TWO_BYTES, &NO_LENGTH],
        ..DECODER
    },
    Check {
        id: "06.decodes",
        title: "decoder: answers groups of eight digits with the text",
        source: "L1, question 2a",
        needs: &["06.decoder-length"],
        points: 2,
        run: decodes,
        diagnoses: &[&KEEPS_SPACES],
        ..DECODER
    },
    Check {
        id: "06.short-groups",
        title: "decoder: a group may have fewer than eight digits",
        source: "L1, question 3c: bit strings of length less than or equal to 8",
        needs: &["06.decodes"],
        run: short_groups,
        diagnoses: &[&EIGHT_ONLY],
        ..DECODER
    },
    Check {
        id: "06.decoder-goes-on",
        title: "decoder: answers one request after another on one connection",
        needs: &["06.decodes"],
        run: |stage| goes_on(stage, Role::Decoder),
        diagnoses: &[&ONE_REQUEST],
        ..DECODER
    },
    Check {
        id: "06.decoder-pieces",
        title: "decoder: a request in pieces is one, three in a packet are three",
        needs: &["06.decoder-goes-on"],
        points: 2,
        book: "6.6",
        run: |stage| {
            pieces(stage, Role::Decoder)?;
            coalesced(stage, Role::Decoder)
        },
        diagnoses: &[&SHORT_READ, &REST_DROPPED],
        ..DECODER
    },
    Check {
        id: "06.bad-group",
        title: "decoder: a group that is no byte costs the next client nothing",
        source: "L1, question 3c: client1 at server2",
        needs: &["06.decodes"],
        book: "6.6",
        run: bad_group,
        diagnoses: &[&BAD_GROUP_KILLS],
        ..DECODER
    },
    Check {
        id: "06.client-length",
        title: "client: sends what is typed, its length in front, four bytes, big-endian",
        source: "L1, client1.py: struct.pack(\"i\", socket.htonl(len(msg)))",
        points: 2,
        run: client_length,
        diagnoses: &[
            &HTONS,
            &LITTLE_ENDIAN,
            &COUNTS_ITSELF,
            &TWO_BYTES,
            &NO_LENGTH,
            &NEWLINE_SENT,
        ],
        ..CLIENT
    },
    Check {
        id: "06.client-host",
        title: "client: connects to the host that it is given",
        source: "L1, question 3c: the address is passed",
        needs: &["06.client-length"],
        run: connects_to_the_given_host,
        diagnoses: &[&FIXED_HOST],
        ..CLIENT
    },
    Check {
        id: "06.client-prints",
        title: "client: prints the answer",
        needs: &["06.client-length"],
        run: |stage| {
            let (mut client, mut server) = stage.client_and_peer("the server")?;
            exchange(stage, &mut client, &mut server)
        },
        ..CLIENT
    },
    Check {
        id: "06.client-goes-on",
        title: "client: sends the next line, and prints its answer, on the same connection",
        needs: &["06.client-prints"],
        run: client_goes_on,
        diagnoses: &[&ONE_LINE],
        ..CLIENT
    },
    Check {
        id: "06.client-pieces",
        title: "client: an answer that comes in pieces is one answer",
        needs: &["06.client-goes-on"],
        points: 2,
        book: "6.6",
        run: client_pieces,
        diagnoses: &[&SHORT_READ],
        ..CLIENT
    },
    Check {
        id: "06.client-blank-line",
        title: "client: a blank line ends it, and is no request",
        source: "L1, client1.py: an empty message closes the socket",
        needs: &["06.client-prints"],
        run: |stage| {
            client_leaves(stage, |client| client.types("")).means(true, &BLANK_IGNORED)
        },
        diagnoses: &[&BLANK_IGNORED],
        ..CLIENT
    },
    Check {
        id: "06.client-input-ends",
        title: "client: the end of its input ends it",
        source: "L1, question 3a: Ctrl-D",
        needs: &["06.client-prints"],
        run: |stage| client_leaves(stage, Program::end_input).means(true, &INPUT_END_MISSED),
        diagnoses: &[&INPUT_END_MISSED],
        ..CLIENT
    },
    Check {
        id: "06.next-client",
        title: "encoder: serves the next client, and one that waited, in turn",
        needs: &["06.goes-on"],
        run: next_client,
        diagnoses: &[&ONE_CLIENT],
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.multi-threaded",
        title: "encoder: with --multi-threaded one client holds up no other, silent or deaf",
        source: "L1, question 3b: --multi-threaded",
        needs: &["06.goes-on"],
        book: "6.4",
        run: multi_threaded,
        diagnoses: &[&FLAG_IGNORED],
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.tells",
        title: "encoder: prints what it received and what it sent",
        source: "L1, server1.py: Received: and Sent:",
        needs: &["06.encodes"],
        run: tells,
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.utf8",
        title: "encoder: text beyond ASCII is bytes too, also when it comes in pieces",
        needs: &["06.pieces"],
        run: utf8,
        diagnoses: &[&CODE_POINTS, &PIECE_BY_PIECE],
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.not-utf8",
        title: "encoder: bytes that are no UTF-8 get an answer `error:`, and it goes on",
        needs: &["06.goes-on"],
        run: not_utf8,
        diagnoses: &[&BAD_TEXT_KILLS],
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.cut-frame",
        title: "encoder: a frame that is cut off is no request, and ends its session alone",
        needs: &["06.next-client"],
        run: cut_frame,
        diagnoses: &[&CUT_IS_WHOLE, &SESSION_KILLS],
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.reset",
        title: "encoder: a client that resets ends its session alone",
        needs: &["06.next-client"],
        run: reset,
        diagnoses: &[&SESSION_KILLS],
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.limit",
        title: "encoder: a frame over 1 MiB ends its session as soon as it is announced",
        needs: &["06.next-client"],
        run: limit,
        diagnoses: &[&NO_LIMIT, &SESSION_KILLS],
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.long-answer",
        title: "encoder: an answer over 1 MiB becomes `error:`, and it goes on",
        needs: &["06.long"],
        run: long_answer,
        diagnoses: &[&ANSWER_OVER_LIMIT],
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.bind",
        title: "encoder: listens on 127.0.0.1 alone, or where --bind says",
        needs: &["06.encodes"],
        run: bind,
        diagnoses: &[&EVERYWHERE],
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.interface",
        title: "encoder: listens on the address of the --interface that is named",
        source: "L1, question 2 and --interface",
        needs: &["06.encodes"],
        run: interface,
        ..ENCODER_MANNERS
    },
    Check {
        id: "06.bad-group-error",
        title: "decoder: a group that is no byte gets an answer `error:`, and it goes on",
        needs: &["06.decoder-goes-on"],
        run: bad_group_error,
        diagnoses: &[&BAD_GROUP_ENDS, &LAX_GROUPS],
        ..DECODER_MANNERS
    },
    Check {
        id: "06.decoder-utf8",
        title: "decoder: the length of `é` is two, and bytes that are no text an error",
        needs: &["06.decoder-goes-on"],
        run: decoder_utf8,
        diagnoses: &[&COUNTS_CHARACTERS],
        ..DECODER_MANNERS
    },
    Check {
        id: "06.empty-answer",
        title: "decoder: an answer that would be empty becomes `error:`",
        needs: &["06.decoder-goes-on"],
        run: empty_answer,
        diagnoses: &[&EMPTY_SENT],
        ..DECODER_MANNERS
    },
    Check {
        id: "06.client-goodbye",
        title: "client: says goodbye with an empty frame, exit 0",
        needs: &["06.client-blank-line"],
        run: client_goodbye,
        diagnoses: &[&NO_GOODBYE],
        ..CLIENT_MANNERS
    },
    Check {
        id: "06.client-last-answer",
        title: "client: prints the answer that is still to come when its input ends",
        needs: &["06.client-input-ends"],
        run: client_last_answer,
        diagnoses: &[&LAST_ANSWER_LOST],
        ..CLIENT_MANNERS
    },
    Check {
        id: "06.client-utf8",
        title: "client: the length of `é` is two",
        needs: &["06.client-prints"],
        run: client_utf8,
        diagnoses: &[&COUNTS_CHARACTERS],
        ..CLIENT_MANNERS
    },
    Check {
        id: "06.client-server-leaves",
        title: "client: a server that goes away, or breaks off, is one line and exit 1",
        needs: &["06.client-prints"],
        run: client_server_leaves,
        diagnoses: &[&LEAVING_IS_FINE, &CUT_IS_WHOLE],
        ..CLIENT_MANNERS
    },
    Check {
        id: "06.client-limit",
        title: "client: an answer over 1 MiB ends it as soon as it is announced, exit 1",
        needs: &["06.client-prints"],
        run: client_limit,
        diagnoses: &[&NO_LIMIT],
        ..CLIENT_MANNERS
    },
    Check {
        id: "06.client-only-answers",
        title: "client: stdout holds the answers and nothing else",
        needs: &["06.client-blank-line"],
        run: client_only_answers,
        diagnoses: &[&NARRATES],
        ..CLIENT_MANNERS
    },
    manners::refused("06.refused"),
    Check { needs: &["06.client-host"], ..manners::ipv6("06.ipv6") },
    manners::help("06.help", Role::Encoder),
    manners::version("06.version", Role::Encoder),
    manners::usage("06.usage", Role::Encoder),
    manners::port_zero("06.port-zero", Role::Encoder),
    Check { needs: &["06.listens"], ..manners::blocking_lines("06.blocking", Role::Encoder) },
    Check { needs: &["06.listens"], ..manners::blocking_trace("06.trace", Role::Encoder) },
    codec_exercises::TAGGED,
    codec_exercises::VARINT,
    codec_exercises::PIPELINED,
];

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
fn expect_frame(peer: &mut Peer, what: &str) -> Outcome<Vec<u8>> {
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

/// Asks, and returns the answer.
fn ask(peer: &mut Peer, request: impl AsRef<[u8]>) -> Outcome<Vec<u8>> {
    peer.send(frame(request))?;
    expect_frame(peer, "the answer")
}

/// Sends a frame in pieces, each a read of its own: its length byte by byte, then what is
/// behind it, in three.
fn send_in_pieces(peer: &mut Peer, body: impl AsRef<[u8]>) -> Outcome {
    let frame = frame(body);
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

fn is(expected: &str, answer: &[u8]) -> Outcome {
    if same(expected, answer) {
        return Ok(());
    }
    let (expected, got) = difference(expected.as_bytes(), answer);
    fail(format!("the answer is {expected}"), got)
}

/// One request and its answer, both new at each call.
fn works(stage: &Stage, role: Role, peer: &mut Peer) -> Outcome {
    let (request, answer) = request(role, &stage.payload(8));
    is(&answer, &ask(peer, request)?)
}

/// As [`works`], where the answer must be an error.
fn is_told(peer: &mut Peer, request: impl AsRef<[u8]>) -> Outcome {
    let answer = ask(peer, request)?;
    if answer.starts_with(b"error:") {
        return Ok(());
    }
    fail("an answer that begins with `error:`", quote(&answer))
}

/// The first client has left in its own way; then the next one is served. What the first one's
/// way costs is only asked of a server that serves a second client after `harmless`; false if
/// this one does not.
fn costs_nobody_else(
    stage: &Stage,
    server: &Server,
    role: Role,
    harmless: fn(&Stage, Role, Peer) -> Outcome,
) -> Outcome<bool> {
    let next = |server: &Server| {
        let mut next = server.connect("the next client")?;
        works(stage, role, &mut next)
    };
    let Err(stop) = next(server) else { return Ok(true) };
    stage.log.step("it is started anew: does it serve a second client at all?");
    let other = stage.serve(role)?;
    harmless(stage, role, other.connect("a first client")?)?;
    if next(&other).is_ok() {
        return Err(stop);
    }
    stage.log.step("it does not, whatever the first one did: that costs nothing");
    Ok(false)
}

/// A session as it should be.
fn leaves_politely(stage: &Stage, role: Role, mut peer: Peer) -> Outcome {
    works(stage, role, &mut peer)?;
    peer.send(EMPTY_FRAME)?;
    peer.close();
    Ok(())
}

/// A session that ends in the middle of a frame, of a length that is nothing special.
fn leaves_midway(_: &Stage, _: Role, mut peer: Peer) -> Outcome {
    peer.send(&frame([b'x'; 100])[..7])?;
    peer.settle();
    peer.close();
    Ok(())
}

// -- the encoder; some of it is asked of the decoder too

fn server_length(stage: &Stage, role: Role) -> Outcome {
    let server = stage.serve(role)?;
    let mut a = server.connect("a")?;
    // An answer of more than 255 bytes, and one of a few.
    let letters = if role == Role::Encoder { 40 } else { 9 };
    let (request, _) = request(role, &stage.payload(letters));
    let answer = ask(&mut a, &request);
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

const UNPADDED: Diagnosis = Diagnosis {
    id: "unpadded",
    they: "leave out a byte's leading zeros",
    text: "the groups have fewer than eight digits: the zeros in front are missing. Without them nobody can tell where a byte begins once the spaces are gone. How is a number printed with a fixed width?",
};

fn encodes(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    let text = format!("co {} ({})!", stage.payload(6), stage.payload(6));
    let expected = groups(text.as_bytes());
    let answer = ask(&mut a, &text)?;
    let digits = |group: &str| group.trim_start_matches('0').to_string();
    let bare: Vec<_> = expected.split(' ').map(digits).collect();
    is(&expected, &answer).means(same(&bare.join(" "), &answer), &UNPADDED)
}

const ONE_REQUEST: Diagnosis = Diagnosis {
    id: "one-request",
    they: "answer one request and no more",
    text: "the first request was answered and the second was not: is there a loop around reading and answering, until the client says goodbye?",
};

fn goes_on(stage: &Stage, role: Role) -> Outcome {
    let server = stage.serve(role)?;
    let mut a = server.connect("a")?;
    works(stage, role, &mut a)?;
    (0..4).try_for_each(|_| works(stage, role, &mut a)).means(true, &ONE_REQUEST)
}

const SHORT_READ: Diagnosis = Diagnosis {
    id: "short-read-06",
    they: "take what one read returns for a whole frame, or its length",
    text: "the same bytes in pieces were not understood: a read of four bytes may return one. Ask again for what is missing, of the length and of the text, until all is there.",
};

fn pieces(stage: &Stage, role: Role) -> Outcome {
    let server = stage.serve(role)?;
    let mut a = server.connect("a")?;
    works(stage, role, &mut a)?;
    let (request, answer) = request(role, &stage.payload(6));
    send_in_pieces(&mut a, request).means(true, &SHORT_READ)?;
    let given = expect_frame(&mut a, "the answer").means(true, &SHORT_READ)?;
    is(&answer, &given).means(true, &SHORT_READ)?;
    works(stage, role, &mut a).means(true, &SHORT_READ)
}

const REST_DROPPED: Diagnosis = Diagnosis {
    id: "rest-dropped",
    they: "drop what stands behind the first frame in a packet",
    text: "the first of three requests in one packet was answered, and the others were lost: a read may return more than one frame. Ask for no more bytes than the frame has, or keep the rest for the next one.",
};

fn coalesced(stage: &Stage, role: Role) -> Outcome {
    let server = stage.serve(role)?;
    let mut a = server.connect("a")?;
    works(stage, role, &mut a)?;
    let three: Vec<_> = [6, 1, 12].map(|n| request(role, &stage.payload(n))).into();
    a.send(three.iter().flat_map(|(request, _)| frame(request)).collect::<Vec<_>>())?;
    for (_, answer) in three {
        let given = expect_frame(&mut a, "its answer").means(true, &REST_DROPPED)?;
        is(&answer, &given).means(true, &REST_DROPPED)?;
    }
    Ok(())
}

const CUT_SHORT: Diagnosis = Diagnosis {
    id: "cut-short",
    they: "cut long texts off",
    text: "a long text was not encoded to its end: has a buffer, or the length's type, a size that texts may exceed?",
};

fn long(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    let text = stage.payload(20_000);
    let answer = ask(&mut a, &text).means(true, &CUT_SHORT)?;
    is(&groups(text.as_bytes()), &answer).means(true, &CUT_SHORT)
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

fn goodbye(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    works(stage, Role::Encoder, &mut a)?;
    a.send(EMPTY_FRAME)?;
    a.expect_no_bytes("it has said goodbye").means(true, &GOODBYE_ANSWERED)?;
    a.close();
    let leaves_silently = |stage: &Stage, role, mut peer: Peer| {
        works(stage, role, &mut peer)?;
        peer.close();
        Ok(())
    };
    costs_nobody_else(stage, &server, Role::Encoder, leaves_silently)
        .map(|_| ())
        .means(true, &GOODBYE_KILLS)
}

const TRUSTS_LENGTH: Diagnosis = Diagnosis {
    id: "trusts-length",
    they: "make room for whatever length they are told",
    text: "four bytes from a stranger made it ask for 4 GiB of memory, or wait for as many bytes: a length is a claim. Look at it before you do anything about it, and let memory grow with what has come.",
};

/// As much memory as a program may ask for when it is told of 4 GiB: less than that. An
/// interpreter that cannot even start under this limit runs without it.
const LESS_THAN_4_GIB: &str = r#"sh -c 'ulimit -v 4194304 2>/dev/null; exec "$@"' sh"#;

fn huge_length(stage: &Stage) -> Outcome {
    let limited = stage.serve_with(Role::Encoder, "", &[LESS_THAN_4_GIB]);
    let server = limited.or_else(|_| stage.serve(Role::Encoder))?;
    let mut a = server.connect("a")?;
    let before = server.program.peak_memory();
    a.send(b"\xff\xff\xff\xffabc")?;
    a.settle();
    let grown = server.program.peak_memory().zip(before).map(|(after, before)| after - before);
    if grown.is_some_and(|kib| kib > 256 * 1024) {
        return fail("its memory stays as it is", format!("{grown:?} KiB more"))
            .means(true, &TRUSTS_LENGTH);
    }
    a.close();
    costs_nobody_else(stage, &server, Role::Encoder, leaves_midway)
        .map(|_| ())
        .means(true, &TRUSTS_LENGTH)
}

// -- the decoder

const KEEPS_SPACES: Diagnosis = Diagnosis {
    id: "keeps-spaces",
    they: "keep the spaces between the groups",
    text: "the text came back with the spaces that only part the groups.",
};

fn decodes(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Decoder)?;
    let mut a = server.connect("a")?;
    let text = format!("commetsii({})!", stage.payload(6));
    let answer = ask(&mut a, groups(text.as_bytes()))?;
    let spaced: Vec<_> = text.chars().map(String::from).collect();
    is(&text, &answer).means(same(&spaced.join(" "), &answer), &KEEPS_SPACES)
}

const EIGHT_ONLY: Diagnosis = Diagnosis {
    id: "eight-only",
    they: "refuse groups of fewer than eight digits",
    text: "a group of seven digits is a number below 256 as well: the zeros in front may be missing.",
};

fn short_groups(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Decoder)?;
    let mut a = server.connect("a")?;
    let answer = ask(&mut a, "1100011 01101111 101101").means(true, &EIGHT_ONLY)?;
    is("co-", &answer).means(true, &EIGHT_ONLY)
}

const BAD_GROUP_KILLS: Diagnosis = Diagnosis {
    id: "bad-group-kills",
    they: "end when a group is no byte",
    text: "one client sent a text where groups belong, and the next client was not served: what cannot be decoded is that client's trouble alone. Which call fails there, and who handles it?",
};

fn bad_group(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Decoder)?;
    for bad in ["commetsii", "01100011 111111111", "01100011 22"] {
        let mut a = server.connect("a").means(true, &BAD_GROUP_KILLS)?;
        a.send(frame(bad)).means(true, &BAD_GROUP_KILLS)?;
        a.take(4); // its answer, or the end
        a.close();
        let serves_on = costs_nobody_else(stage, &server, Role::Decoder, leaves_politely);
        if !serves_on.means(true, &BAD_GROUP_KILLS)? {
            break;
        }
    }
    Ok(())
}

// -- the client

const NEWLINE_SENT: Diagnosis = Diagnosis {
    id: "newline-sent",
    they: "send the line's end as a part of the text",
    text: "the line's own end was sent with it: where a length says how long a message is, nothing has to mark its end.",
};

fn client_length(stage: &Stage) -> Outcome {
    let (client, mut server) = stage.client_and_peer("the server")?;
    let line = stage.payload(9);
    client.types(&line);
    let sent = expect_frame(&mut server, "the request")?;
    let newline = sent.trim_ascii_end() == line.as_bytes();
    if sent != line.as_bytes() {
        return fail(format!("the request is {}", quote(line.as_bytes())), quote(&sent))
            .means(newline, &NEWLINE_SENT);
    }
    server.expect_silence("its request is whole, and it waits for the answer")
}

/// The client's user types a line, and the grader answers.
fn exchange(stage: &Stage, client: &mut Program, server: &mut Peer) -> Outcome {
    let (line, answer) = (stage.payload(8), stage.payload(16));
    client.types(&line);
    let sent = expect_frame(server, "the request")?;
    if sent != line.as_bytes() {
        return fail(format!("the request is {}", quote(line.as_bytes())), quote(&sent));
    }
    server.send(frame(&answer))?;
    client.prints(&answer)
}

const ONE_LINE: Diagnosis = Diagnosis {
    id: "one-line",
    they: "send one line and no more",
    text: "the first line was sent and answered, and the second was not: is there a loop around typing, sending and reading?",
};

fn client_goes_on(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    exchange(stage, &mut client, &mut server)?;
    (0..3).try_for_each(|_| exchange(stage, &mut client, &mut server)).means(true, &ONE_LINE)
}

fn client_pieces(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    exchange(stage, &mut client, &mut server)?;
    let answer = stage.payload(8);
    client.types("a line");
    expect_frame(&mut server, "the request")?;
    send_in_pieces(&mut server, &answer).means(true, &SHORT_READ)?;
    client.prints(&answer).means(true, &SHORT_READ)?;
    exchange(stage, &mut client, &mut server).means(true, &SHORT_READ)
}

const BLANK_IGNORED: Diagnosis = Diagnosis {
    id: "blank-ignored",
    they: "go on after a blank line",
    text: "a blank line was typed, and nothing happened: it is how the user says that nothing more is to come.",
};
const INPUT_END_MISSED: Diagnosis = Diagnosis {
    id: "input-end-missed-06",
    they: "do not notice the end of their input",
    text: "its input has ended and it stays: nobody can type any more. What does reading a line return at the end of the input?",
};

/// After an exchange the user leaves, and so does the client: with an empty frame, or by
/// closing at once.
fn client_leaves(stage: &Stage, leave: impl Fn(&mut Program)) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    exchange(stage, &mut client, &mut server)?;
    leave(&mut client);
    match server.take_through(|got| (got.len() >= 4).then_some(got.len())) {
        None => server.expect_closed()?,
        Some(said) if said == EMPTY_FRAME => {}
        Some(said) => return fail("an empty frame, or the close", quote(&said)),
    }
    server.close();
    client.ends().map(|_| ())
}

// -- manners of the encoder

fn next_client(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    works(stage, Role::Encoder, &mut a)?;
    let (request, answer) = request(Role::Encoder, &stage.payload(8));
    let mut b = server.connect("b").means(true, &ONE_CLIENT)?;
    b.send(frame(request)).means(true, &ONE_CLIENT)?;
    a.close();
    let given = expect_frame(&mut b, "the answer").means(true, &ONE_CLIENT)?;
    is(&answer, &given)?;
    b.close();
    let mut c = server.connect("c").means(true, &ONE_CLIENT)?;
    works(stage, Role::Encoder, &mut c).means(true, &ONE_CLIENT)
}

const FLAG_IGNORED: Diagnosis = Diagnosis {
    id: "flag-ignored",
    they: "serve clients one after another, although --multi-threaded is given",
    text: "the second client waits for the first one: is there a thread for each, and does none of them hold something shared while it waits?",
};

fn multi_threaded(stage: &Stage) -> Outcome {
    let server = stage.serve_with(Role::Encoder, "--multi-threaded", &[])?;
    let mut silent = server.connect("the silent one")?;
    works(stage, Role::Encoder, &mut silent)?;
    let mut deaf = server.connect("the deaf one")?;
    deaf.send_until_stuck(&frame(stage.payload(10_000)));
    let mut other = server.connect("another")?;
    works(stage, Role::Encoder, &mut other).means(true, &FLAG_IGNORED)?;
    works(stage, Role::Encoder, &mut silent).means(true, &FLAG_IGNORED)
}

fn tells(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    let text = stage.payload(6);
    ask(&mut a, &text)?;
    server.program.prints(format!("Received: {text}"))?;
    server.program.prints(format!("Sent: {}", groups(text.as_bytes())))
}

const CODE_POINTS: Diagnosis = Diagnosis {
    id: "code-points",
    they: "encode characters, not bytes",
    text: "`é` is one character and two bytes: its number was encoded, not the bytes that stand for it. What does the other side need to get the same text back?",
};
const PIECE_BY_PIECE: Diagnosis = Diagnosis {
    id: "piece-by-piece",
    they: "decode a text before all of it has come",
    text: "the same text in pieces was not understood: a piece may end in the middle of a character. When is it safe to make text of bytes?",
};

fn utf8(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    let text = format!("{}é漢🦀", stage.payload(2));
    let whole = ask(&mut a, &text).and_then(|answer| is(&groups(text.as_bytes()), &answer));
    whole.means(true, &CODE_POINTS)?;
    send_in_pieces(&mut a, &text).means(true, &PIECE_BY_PIECE)?;
    let answer = expect_frame(&mut a, "the answer").means(true, &PIECE_BY_PIECE)?;
    is(&groups(text.as_bytes()), &answer).means(true, &PIECE_BY_PIECE)
}

const BAD_TEXT_KILLS: Diagnosis = Diagnosis {
    id: "bad-text-ends",
    they: "break off at bytes that are no UTF-8",
    text: "bytes that are no UTF-8 got no error as an answer: the frame is whole, so both ends still know where the next one begins. Why should the session end?",
};

fn not_utf8(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    is_told(&mut a, b"a\xff\xfeb").means(true, &BAD_TEXT_KILLS)?;
    works(stage, Role::Encoder, &mut a).means(true, &BAD_TEXT_KILLS)
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
fn serves_on(stage: &Stage, server: &Server) -> Outcome {
    let next = server
        .connect("the next client")
        .and_then(|mut next| works(stage, Role::Encoder, &mut next));
    let ended = next.is_err() && server.program.process.wait(quiet()).is_some();
    next.means(ended, &SESSION_KILLS)
}

fn cut_frame(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    let whole = frame(stage.payload(9));
    for cut in [2, 4, 9] {
        let mut a = server.connect("a")?;
        a.send(&whole[..cut])?;
        a.half_close();
        let answer = a.take_until_close();
        if !answer.is_empty() {
            return fail("no answer to a part of a frame", quote(&answer))
                .means(true, &CUT_IS_WHOLE);
        }
        a.close();
        serves_on(stage, &server)?;
    }
    Ok(())
}

fn reset(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    a.send(frame(stage.payload(9)))?;
    a.reset()?;
    serves_on(stage, &server)
}

const NO_LIMIT: Diagnosis = Diagnosis {
    id: "no-limit-06",
    they: "accept frames of any length",
    text: "a frame over the limit was announced, and it waits for it: whoever sends the length chooses how much memory is used. When can it be refused, at the latest?",
};

/// A frame over the limit is announced, and begins.
fn announce_too_much(peer: &mut Peer) -> Outcome {
    peer.send((MAX_FRAME as u32 + 1).to_be_bytes())?;
    peer.settle();
    // The program may have closed already.
    let _ = peer.send([b'x'; 100]);
    Ok(())
}

fn limit(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    announce_too_much(&mut a)?;
    let closed = a.expect_close();
    let reads_on = closed.is_err() && a.settle();
    closed.means(reads_on, &NO_LIMIT)?;
    a.close();
    serves_on(stage, &server)
}

const ANSWER_OVER_LIMIT: Diagnosis = Diagnosis {
    id: "answer-over-limit",
    they: "send answers over the limit",
    text: "its answer is longer than a frame may be, so that a client with the same limit must break off: the encoded text is nine times the text.",
};

fn long_answer(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    is_told(&mut a, stage.payload(MAX_FRAME / 8)).means(true, &ANSWER_OVER_LIMIT)?;
    works(stage, Role::Encoder, &mut a)
}

const EVERYWHERE: Diagnosis = Diagnosis {
    id: "everywhere",
    they: "listen where nobody asked them to",
    text: "it can be reached at an address that was not named: who may talk to it is decided by bind().",
};

/// True if it serves a client that comes by this address.
fn is_reached_at(stage: &Stage, server: &Server, ip: &str) -> bool {
    let client = server.connect_to(ip, "a client");
    client.is_ok_and(|mut client| works(stage, Role::Encoder, &mut client).is_ok())
}

fn listens_only_at(stage: &Stage, server: &Server, ip: &str, not_at: &str) -> Outcome {
    if !is_reached_at(stage, server, ip) {
        return fail(format!("it serves at {ip}"), "it does not");
    }
    if is_reached_at(stage, server, not_at) {
        return fail(format!("nobody answers at {not_at}"), "it does").means(true, &EVERYWHERE);
    }
    Ok(())
}

fn bind(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Encoder)?;
    listens_only_at(stage, &server, "127.0.0.1", "127.0.0.2")?;
    let server = stage.serve_with(Role::Encoder, "--bind 127.0.0.2", &[])?;
    listens_only_at(stage, &server, "127.0.0.2", "127.0.0.1")
}

fn interface(stage: &Stage) -> Outcome {
    if !["ip", "ifconfig"].iter().any(|tool| process::on_path(tool)) {
        return Err(Stop::Lacking("ip or ifconfig"));
    }
    let server = stage.serve_with(Role::Encoder, "--interface lo", &[])?;
    listens_only_at(stage, &server, "127.0.0.1", "127.0.0.2")?;
    let unknown = stage.program("encoder 0 --interface none0")?;
    unknown.ends_with(1)?;
    unknown.complains(&["interface", "none0"])?;
    stage.program("encoder 0 --interface lo --bind 127.0.0.1")?.ends_with(2)
}

// -- manners of the decoder

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

fn bad_group_error(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Decoder)?;
    let mut a = server.connect("a")?;
    is_told(&mut a, "commetsii").means(true, &BAD_GROUP_ENDS)?;
    for bad in ["2", "01100011 +1", "-1", "0b1", "101100011", "1_1", "1é"] {
        is_told(&mut a, bad).means(true, &LAX_GROUPS)?;
    }
    works(stage, Role::Decoder, &mut a).means(true, &BAD_GROUP_ENDS)
}

const COUNTS_CHARACTERS: Diagnosis = Diagnosis {
    id: "counts-characters",
    they: "count characters where bytes are sent",
    text: "the length is that of the text in characters, and `é` has two bytes: the other side is one byte off from here on. Of what should the length be taken?",
};

fn decoder_utf8(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Decoder)?;
    let mut a = server.connect("a")?;
    let text = format!("é{}漢", stage.payload(3));
    let answer = ask(&mut a, groups(text.as_bytes()))?;
    let counted = answer.len() == text.chars().count();
    is(&text, &answer).means(counted, &COUNTS_CHARACTERS)?;
    is_told(&mut a, "11000011")?;
    works(stage, Role::Decoder, &mut a)
}

const EMPTY_SENT: Diagnosis = Diagnosis {
    id: "empty-sent",
    they: "send an empty answer",
    text: "the answer was an empty frame, which says goodbye: what shall the client take it for?",
};

fn empty_answer(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Decoder)?;
    let mut a = server.connect("a")?;
    is_told(&mut a, "  ").means(true, &EMPTY_SENT)?;
    works(stage, Role::Decoder, &mut a)
}

// -- manners of the client

const NO_GOODBYE: Diagnosis = Diagnosis {
    id: "no-goodbye",
    they: "leave without a goodbye",
    text: "it closed without the empty frame: its server cannot tell a user who has finished from a line that broke.",
};

fn client_goodbye(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    exchange(stage, &mut client, &mut server)?;
    client.types("");
    server.expect(EMPTY_FRAME).means(true, &NO_GOODBYE)?;
    server.expect_close()?;
    server.close();
    client.ends_with(0)
}

const LAST_ANSWER_LOST: Diagnosis = Diagnosis {
    id: "last-answer-lost",
    they: "lose the last answer when their input ends",
    text: "its input ended and it left without printing the answer to its last line: the end of the input is seen when the next line is wanted, not before.",
};

fn client_last_answer(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    let (line, answer) = (stage.payload(8), stage.payload(16));
    client.types(&line);
    client.end_input();
    expect_frame(&mut server, "the request")?;
    server.settle();
    client.stays("its answer is still to come").means(true, &LAST_ANSWER_LOST)?;
    server.send(frame(&answer))?;
    client.prints(&answer).means(true, &LAST_ANSWER_LOST)?;
    server.close();
    client.ends_with(0)
}

fn client_utf8(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    let line = format!("é{}漢", stage.payload(3));
    client.types(&line);
    let sent = expect_frame(&mut server, "the request")?;
    let counted = sent.len() == line.chars().count();
    is(&line, &sent).means(counted, &COUNTS_CHARACTERS)?;
    server.send(frame(&line))?;
    client.prints(&line)
}

const LEAVING_IS_FINE: Diagnosis = Diagnosis {
    id: "leaving-is-fine",
    they: "report success when the server goes away",
    text: "the server went away in the middle of the conversation, and the exit status is not 1: whoever relies on the answers must learn that one is missing.",
};

fn client_server_leaves(stage: &Stage) -> Outcome {
    let part = stage.payload(5);
    let cut = [b"\0\0\0\x09", part.as_bytes()].concat();
    for said in [&b""[..], b"\0\0", &cut] {
        let (client, mut server) = stage.client_and_peer("the server")?;
        client.types(&stage.payload(8));
        expect_frame(&mut server, "the request")?;
        server.send(said)?;
        server.close();
        let result = client.ends_with(1);
        let stdout = client.process.heard().stdout.clone();
        let fine = client.process.heard().exit().is_some_and(|exit| exit.success());
        result
            .means(find(&stdout, part.as_bytes()).is_some(), &CUT_IS_WHOLE)
            .means(fine, &LEAVING_IS_FINE)?;
        client.complains(&["answer"])?;
    }
    Ok(())
}

fn client_limit(stage: &Stage) -> Outcome {
    let (client, mut server) = stage.client_and_peer("the server")?;
    client.types(&stage.payload(8));
    expect_frame(&mut server, "the request")?;
    announce_too_much(&mut server)?;
    let ended = client.ends_with(1);
    let reads_on = ended.is_err() && server.settle();
    ended.means(reads_on, &NO_LIMIT)
}

const NARRATES: Diagnosis = Diagnosis {
    id: "narrates-06",
    they: "mix their own words into stdout",
    text: "stdout holds more than the answers: a program behind a pipe cannot tell the two apart. Narration belongs on stderr.",
};

fn client_only_answers(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    let answer = stage.payload(16);
    client.types(&stage.payload(8));
    expect_frame(&mut server, "the request")?;
    server.send(frame(&answer))?;
    client.prints(&answer)?;
    client.types("");
    server.take_until_close();
    client.ends()?;
    let stdout = client.process.heard().stdout.clone();
    if stdout == format!("{answer}\n").as_bytes() {
        return Ok(());
    }
    let extra = find(&stdout, answer.as_bytes()).is_some();
    fail(format!("stdout is \"{answer}\\n\""), quote(&stdout)).means(extra, &NARRATES)
}
