//! Chapter 6, the encoder: the grader plays its clients.

use super::*;

pub(super) static LISTENS: Check =
    Check::lab("06.listens", Role::Encoder, "encoder: listens on its port")
        .source("L1, question 1 and server1.py")
        .read("6.4")
        .steps(|stage| stage.serve(Role::Encoder).map(|_| ()));

pub(super) static LENGTH: Check = Check::lab(
    "06.length",
    Role::Encoder,
    "encoder: four bytes, big-endian, say how many bytes its answer has",
)
.source("L1, recv_int: int.from_bytes(conn.recv(4), byteorder='big')")
.needs(&[&LISTENS])
.points(3)
.read("6.4")
.mistakes(&[&HTONS, &LITTLE_ENDIAN, &COUNTS_ITSELF, &TWO_BYTES, &NO_LENGTH])
.steps(|stage| server_length(stage, Role::Encoder));

pub(super) static ANSWERS: Check = Check::lab(
    "06.answers",
    Role::Encoder,
    "encoder: answers a text with a group of binary digits for each byte",
)
.source("L1, question 1a")
.needs(&[&LISTENS])
.read("6.4")
.steps(|stage| {
    let server = stage.serve(Role::Encoder)?;
    works(stage, Role::Encoder, &mut server.connect("a")?)
});

const UNPADDED: Diagnosis = Diagnosis {
    id: "unpadded",
    they: "leave out a byte's leading zeros",
    text: "the groups have fewer than eight digits: the zeros in front are missing. Without them nobody can tell where a byte begins once the spaces are gone. How is a number printed with a fixed width?",
};

const PREFIXED: Diagnosis = Diagnosis {
    id: "prefixed",
    they: "leave the 0b of their language before a byte's digits",
    text: "each group begins with 0b: that is how a programming language marks a binary number in its source, and no part of the number.",
};

const NO_SPACES: Diagnosis = Diagnosis {
    id: "no-spaces",
    they: "put no space between the bytes",
    text: "the digits are right, and nothing is between one byte's and the next one's: a decoder splits at the spaces.",
};

pub(super) static ENCODES: Check = Check::lab(
    "06.encodes",
    Role::Encoder,
    "encoder: its groups have eight digits each, in the order of the bytes",
)
.source("L1, question 1a")
.needs(&[&ANSWERS])
.points(2)
.read("6.4")
.mistakes(&[&UNPADDED, &PREFIXED, &NO_SPACES])
.steps(|stage| {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    let text = format!("co {} ({})!", stage.payload(6), stage.payload(6));
    let expected = groups(text.as_bytes());
    let answer = ask(stage, Role::Encoder, &mut a, &text)?;
    let digits = |group: &str| group.trim_start_matches('0').to_string();
    let bare: Vec<_> = expected.split(' ').map(digits).collect();
    let prefixed: Vec<_> = bare.iter().map(|digits| format!("0b{digits}")).collect();
    is(&expected, &answer)
        .means(same(&bare.join(" "), &answer), &UNPADDED)
        .means(same(&prefixed.join(" "), &answer), &PREFIXED)
        .means(same(&expected.replace(' ', ""), &answer), &NO_SPACES)
});

pub(super) static GOES_ON: Check = Check::lab(
    "06.goes-on",
    Role::Encoder,
    "encoder: answers one request after another on one connection",
)
.source("L1, question 1 and server1.py")
.needs(&[&ANSWERS])
.read("6.4")
.mistakes(&[&ONE_REQUEST])
.steps(|stage| goes_on(stage, Role::Encoder));

pub(super) static PIECES: Check = Check::lab(
    "06.pieces",
    Role::Encoder,
    "encoder: a request that comes in pieces is one request",
)
.source("L1, question 1 and server1.py")
.needs(&[&GOES_ON])
.points(2)
.read("6.5")
.mistakes(&[&SHORT_READ])
.steps(|stage| pieces(stage, Role::Encoder));

pub(super) static COALESCED: Check = Check::lab(
    "06.coalesced",
    Role::Encoder,
    "encoder: three requests in one packet get three answers, in order",
)
.source("L1, question 1 and server1.py")
.needs(&[&GOES_ON])
.points(2)
.read("6.5")
.mistakes(&[&REST_DROPPED])
.steps(|stage| coalesced(stage, Role::Encoder));

pub(super) static LONG: Check =
    Check::lab("06.long", Role::Encoder, "encoder: encodes 20,000 characters, whole")
        .source("L1, question 1 and server1.py")
        .needs(&[&PIECES])
        .read("6.4")
        .mistakes(&[&CUT_SHORT])
        .steps(long);

pub(super) static GOODBYE: Check = Check::lab(
    "06.goodbye",
    Role::Encoder,
    "encoder: takes the empty frame for a goodbye, and does not answer it",
)
.source("L1, handle_client: data_size == 0 ends the loop")
.needs(&[&GOES_ON])
.read("6.4")
.mistakes(&[&GOODBYE_ANSWERED, &GOODBYE_KILLS])
.steps(goodbye);

const TRUSTS_LENGTH: Diagnosis = Diagnosis {
    id: "trusts-length",
    they: "make room for whatever length they are told",
    text: "four bytes from a stranger made it ask for 4 GiB of memory, or wait for as many bytes: a length is a claim. Look at it before you do anything about it, and let memory grow with what has come.",
};

/// As much memory as a program may ask for when it is told of 4 GiB: less than that. An
/// interpreter that cannot even start under this limit runs without it.
const LESS_THAN_4_GIB: &str = r#"sh -c 'ulimit -v 4194304 2>/dev/null; exec "$@"' sh"#;

pub(super) static HUGE_LENGTH: Check = Check::lab(
    "06.huge-length",
    Role::Encoder,
    "encoder: a length of 4 GiB does no harm, and the next client is served",
)
.source("our contract, 06: a length is a stranger's claim")
.needs(&[&GOES_ON])
.points(2)
.read("6.5")
.mistakes(&[&TRUSTS_LENGTH])
.steps(|stage| {
    frames_only(stage, Role::Encoder)?;
    let limited = stage.serve_with(Role::Encoder, "", &[LESS_THAN_4_GIB]);
    let server = limited.or_else(|_| stage.serve(Role::Encoder))?;
    let mut a = server.connect("a")?;
    let before = server.program.peak_memory();
    a.send(b"\xff\xff\xff\xffabc")?;
    a.settle();
    let grown = server.program.peak_memory().zip(before).map(|(after, before)| after - before);
    let much = grown.is_some_and(|kib| kib > 256 * 1024);
    if much {
        return fail("its memory stays as it is", format!("{grown:?} KiB more"))
            .means(much, &TRUSTS_LENGTH);
    }
    a.close();
    costs_nobody_else(stage, &server, Role::Encoder, &TRUSTS_LENGTH, leaves_midway).map(|_| ())
});

/// A session that ends in the middle of a frame, of a length that is nothing special.
fn leaves_midway(_: &Stage, _: Role, mut peer: Peer) -> Step {
    peer.send(&frame([b'x'; 100])[..7])?;
    peer.settle();
    peer.close();
    Ok(())
}

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed-06",
    they: "answer one client on another one's connection",
    text: "an answer came to a client that had not asked for it: is there one variable for the connection, for all threads? Each must own its own.",
};

pub(super) static TWO_CLIENTS: Check = Check::lab(
    "06.two-clients",
    Role::Encoder,
    "encoder: a second client, served or waiting, costs the first one nothing",
)
.source("L1, question 3b: Can you run two clients against the same server?")
.needs(&[&GOES_ON])
.read("6.3")
.mistakes(&[&CROSSED])
.steps(|stage| {
    let role = Role::Encoder;
    let server = stage.serve(role)?;
    let mut a = server.connect("a")?;
    works(stage, role, &mut a)?;
    // One that serves a single client may refuse the second.
    let Ok(mut b) = server.connect("b") else { return works(stage, role, &mut a) };
    let (asked, answer) = request(role, &stage.payload(8));
    let _ = wire::send(stage, role, &mut b, asked);
    b.settle();
    let first = works(stage, role, &mut a);
    let crossed = first.is_err() && !b.so_far().is_empty();
    first.confirm(&CROSSED, "the answer came to the other client", || crossed)?;
    if b.so_far().is_empty() {
        return Ok(()); // it waits
    }
    let given = expect_answer(stage, role, &mut b, "its answer")?;
    is_like(role, &answer, &given)
});

pub(super) static RESTS: Check =
    Check::lab("06.rests", Role::Encoder, "encoder: rests, or ends, when its client has left")
        .source("L1, question 3a: What happens if the client aborts")
        .needs(&[&LISTENS])
        .read("6.5")
        .mistakes(&[&SPINS, &END_IGNORED])
        .steps(|stage| server_rests(stage, Role::Encoder));

// -- what the chapter asks for, and manners of the encoder
pub(super) static NEXT_CLIENT: Check = Check::chapter(
    "06.next-client",
    Role::Encoder,
    "encoder: serves the next client, and one that waited, in turn",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&GOES_ON])
.read("6.5")
.mistakes(&[&ONE_CLIENT])
.steps(|stage| {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    works(stage, Role::Encoder, &mut a)?;
    let (request, answer) = request(Role::Encoder, &stage.payload(8));
    let mut b = is_over(server.connect("b"), &ONE_CLIENT)?;
    is_over(wire::send(stage, Role::Encoder, &mut b, request), &ONE_CLIENT)?;
    a.close();
    let given = expect_answer(stage, Role::Encoder, &mut b, "the answer");
    is_like(Role::Encoder, &answer, &is_over(given, &ONE_CLIENT)?)?;
    b.close();
    let mut c = is_over(server.connect("c"), &ONE_CLIENT)?;
    is_over(works(stage, Role::Encoder, &mut c), &ONE_CLIENT)
});

const FLAG_IGNORED: Diagnosis = Diagnosis {
    id: "flag-ignored",
    they: "serve clients one after another, although --multi-threaded is given",
    text: "the second client waits for the first one: is there a thread for each, and does none of them hold something shared while it waits?",
};

pub(super) static MULTI_THREADED: Check = Check::chapter(
    "06.multi-threaded",
    Role::Encoder,
    "encoder: with --multi-threaded one client holds up no other, silent or deaf",
)
.source("L1, question 3b: --multi-threaded")
.needs(&[&GOES_ON])
.read("6.3")
.mistakes(&[&FLAG_IGNORED])
.steps(|stage| {
    let server = stage.serve_with(Role::Encoder, "--multi-threaded", &[])?;
    let mut silent = server.connect("the silent one")?;
    works(stage, Role::Encoder, &mut silent)?;
    let mut deaf = server.connect("the deaf one")?;
    deaf.send_until_stuck(&frame(stage.payload(10_000)));
    let mut other = server.connect("another")?;
    let first = works(stage, Role::Encoder, &mut other);
    first.and_then(|()| works(stage, Role::Encoder, &mut silent)).confirm(
        &FLAG_IGNORED,
        "when the others had left, a new one was served",
        || {
            [silent, deaf, other].into_iter().for_each(Peer::close);
            let new = server.connect("a new one");
            new.is_ok_and(|mut new| works(stage, Role::Encoder, &mut new).is_ok())
        },
    )
});

pub(super) static TELLS: Check = Check::chapter(
    "06.tells",
    Role::Encoder,
    "encoder: prints what it received and what it sent",
)
.source("L1, server1.py: Received: and Sent:")
.needs(&[&ENCODES])
.read("6.5")
.steps(|stage| {
    let mut server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    let text = stage.payload(6);
    ask(stage, Role::Encoder, &mut a, &text)?;
    server.program.prints(format!("Received: {text}"))?;
    server.program.prints(format!("Sent: {}", groups(text.as_bytes())))
});

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

pub(super) static UTF8: Check = Check::chapter(
    "06.utf8",
    Role::Encoder,
    "encoder: text beyond ASCII is bytes too, also when it comes in pieces",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&ENCODES, &PIECES])
.read("6.5")
.mistakes(&[&CODE_POINTS, &PIECE_BY_PIECE])
.steps(|stage| {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    let text = format!("{}é漢🦀", stage.payload(2));
    let answer = ask(stage, Role::Encoder, &mut a, &text)?;
    let given = String::from_utf8_lossy(&answer).into_owned();
    is(&groups(text.as_bytes()), &answer).confirm(
        &CODE_POINTS,
        "there are as many groups as characters",
        || given.split_whitespace().count() == text.chars().count(),
    )?;
    send_in_pieces(&mut a, frame(&text))
        .and_then(|()| expect_frame(&mut a, "the answer"))
        .and_then(|answer| is(&groups(text.as_bytes()), &answer))
        .confirm(&PIECE_BY_PIECE, "in one piece it is answered", || !given.is_empty())
});

const BAD_TEXT_KILLS: Diagnosis = Diagnosis {
    id: "bad-text-ends",
    they: "break off at bytes that are no UTF-8",
    text: "bytes that are no UTF-8 got no error as an answer: the frame is whole, so both ends still know where the next one begins. Why should the session end?",
};

pub(super) static NOT_UTF8: Check = Check::chapter(
    "06.not-utf8",
    Role::Encoder,
    "encoder: bytes that are no UTF-8 get an answer `error:`, and it goes on",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&GOES_ON])
.read("6.5")
.mistakes(&[&BAD_TEXT_KILLS])
.steps(|stage| {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    is_over(is_told(stage, Role::Encoder, &mut a, b"a\xff\xfeb"), &BAD_TEXT_KILLS)?;
    is_over(works(stage, Role::Encoder, &mut a), &BAD_TEXT_KILLS)
});

pub(super) static CUT_FRAME: Check = Check::chapter(
    "06.cut-frame",
    Role::Encoder,
    "encoder: a frame that is cut off is no request, and ends its session alone",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&NEXT_CLIENT])
.read("6.5")
.mistakes(&[&CUT_IS_WHOLE, &SESSION_KILLS])
.steps(|stage| {
    let server = stage.serve(Role::Encoder)?;
    let whole = frame(stage.payload(9));
    for cut in [2, 4, 9] {
        let mut a = server.connect("a")?;
        a.send(&whole[..cut])?;
        a.half_close();
        let answer = a.take_until_close();
        if !answer.is_empty() {
            return fail("no answer to a part of a frame", quote(&answer))
                .means(!answer.is_empty(), &CUT_IS_WHOLE);
        }
        a.close();
        serves_on(stage, &server)?;
    }
    Ok(())
});

pub(super) static RESET: Check = Check::chapter(
    "06.reset",
    Role::Encoder,
    "encoder: a client that resets ends its session alone",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&NEXT_CLIENT])
.read("6.5")
.mistakes(&[&SESSION_KILLS])
.steps(reset);

fn reset(stage: &Stage) -> Step {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    a.send(frame(stage.payload(9)))?;
    a.reset()?;
    serves_on(stage, &server)
}

pub(super) static LIMIT: Check = Check::manners(
    "06.limit",
    Role::Encoder,
    "encoder: a frame over 1 MiB ends its session as soon as it is announced",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&NEXT_CLIENT])
.read("6.5")
.mistakes(&[&NO_LIMIT, &SESSION_KILLS])
.steps(limit);

const ANSWER_OVER_LIMIT: Diagnosis = Diagnosis {
    id: "answer-over-limit",
    they: "send answers over the limit",
    text: "its answer is longer than a frame may be, so that a client with the same limit must break off: the encoded text is nine times the text.",
};

pub(super) static LONG_ANSWER: Check = Check::manners(
    "06.long-answer",
    Role::Encoder,
    "encoder: an answer over 1 MiB becomes `error:`, and it goes on",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&ENCODES, &LONG])
.read("6.5")
.mistakes(&[&ANSWER_OVER_LIMIT])
.steps(|stage| {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    let answer = ask(stage, Role::Encoder, &mut a, stage.payload(MAX_FRAME / 8))?;
    if !answer.starts_with(b"error:") {
        return fail("an answer that begins with `error:`", quote(&answer))
            .means(answer.len() > MAX_FRAME, &ANSWER_OVER_LIMIT);
    }
    works(stage, Role::Encoder, &mut a)
});

const EVERYWHERE: Diagnosis = Diagnosis {
    id: "everywhere",
    they: "listen where nobody asked them to",
    text: "it can be reached at an address that was not named: who may talk to it is decided by bind().",
};

pub(super) static BIND: Check = Check::manners(
    "06.bind",
    Role::Encoder,
    "encoder: listens on 127.0.0.1 alone, or where --bind says",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&ANSWERS])
.read("6.5")
.mistakes(&[&EVERYWHERE])
.steps(bind);

fn bind(stage: &Stage) -> Step {
    let server = stage.serve(Role::Encoder)?;
    listens_only_at(stage, &server, "127.0.0.1", "127.0.0.2")?;
    let server = stage.serve_with(Role::Encoder, "--bind 127.0.0.2", &[])?;
    listens_only_at(stage, &server, "127.0.0.2", "127.0.0.1")
}

fn listens_only_at(stage: &Stage, server: &Server, ip: &str, not_at: &str) -> Step {
    if !is_reached_at(stage, server, ip) {
        return fail(format!("it serves at {ip}"), "it does not");
    }
    let reached = is_reached_at(stage, server, not_at);
    if reached {
        return fail(format!("nobody answers at {not_at}"), "it does")
            .means(reached, &EVERYWHERE);
    }
    Ok(())
}

/// True if it serves a client that comes by this address.
fn is_reached_at(stage: &Stage, server: &Server, ip: &str) -> bool {
    let client = server.connect_to(ip, "a client");
    client.is_ok_and(|mut client| works(stage, Role::Encoder, &mut client).is_ok())
}

pub(super) static INTERFACE: Check = Check::manners(
    "06.interface",
    Role::Encoder,
    "encoder: listens on the address of the --interface that is named",
)
.source("L1, question 2 and --interface")
.needs(&[&ANSWERS])
.read("6.5")
.steps(interface);

fn interface(stage: &Stage) -> Step {
    if !["ip", "ifconfig"].iter().any(|tool| process::on_path(tool)) {
        return Err(Halt::Lacking("ip or ifconfig"));
    }
    let server = stage.serve_with(Role::Encoder, "--interface lo", &[])?;
    listens_only_at(stage, &server, "127.0.0.1", "127.0.0.2")?;
    let unknown = stage.program("encoder 0 --interface none0")?;
    unknown.ends_with(1)?;
    unknown.complains(&["interface", "none0"])?;
    stage.program("encoder 0 --interface lo --bind 127.0.0.1")?.ends_with(2)
}
