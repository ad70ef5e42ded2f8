//! Chapter 9, two ends of a chat and a tunnel: the grader plays the partner, and both ends of
//! what the tunnel joins.

use super::{
    manners,
    shared::{AS_TEXT, EMPTY_READ, FIXED_HOST, RESET_KILLS, connects_to_the_given_host},
    tunnel_exercises,
};
use crate::check::{Chapter, Check, Kind};
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Outcome, Stop, difference, fail},
    kernel, patience,
    peer::{Host, Peer},
    process::Heard,
    quiet,
};
use std::{fs, thread};

/// Chapter 9.
pub static CHAPTER: Chapter = Chapter {
    number: "09",
    name: "tunnel-chat",
    roles: &[Role::Server, Role::Client, Role::Tunnel],
    checks: CHECKS,
};

/// What the lab asks of the end that waits for the other.
const SERVER: Check = Check {
    id: "",
    title: "",
    source: "L4, 4: code which can both send and receive at the same time",
    role: Role::Server,
    needs: &[],
    points: 1,
    kind: Kind::Required,
    long: false,
    book: "9.3",
    run: |_| Ok(()),
    diagnoses: &[],
};
/// What it asks of the end that calls.
const CLIENT: Check = Check { role: Role::Client, ..SERVER };
/// What it says of a tunnel.
const TUNNEL: Check = Check {
    source: "L0, 3(c): each connection to it gets forwarded to the target",
    role: Role::Tunnel,
    ..SERVER
};
/// What only the contract asks of a chat, and of the tunnel.
const CHAT_MANNERS: Check = Check {
    source: "our contract, 09-tunnel-chat; the lab leaves it open",
    points: 0,
    kind: Kind::Manners,
    ..CLIENT
};
const TUNNEL_MANNERS: Check = Check { role: Role::Tunnel, ..CHAT_MANNERS };

const CHECKS: &[Check] = &[
    Check {
        id: "09.listens",
        title: "listens on its port",
        run: |stage| stage.serve(Role::Server).map(|_| ()),
        ..SERVER
    },
    Check {
        id: "09.server-sends",
        title: "the server sends what its user types, though nobody has spoken",
        needs: &["09.listens"],
        run: |stage| sends(stage, Role::Server),
        diagnoses: &[&WAITS_FOR_PARTNER],
        ..SERVER
    },
    Check {
        id: "09.server-prints",
        title: "the server prints what comes in, though nobody has typed",
        needs: &["09.listens"],
        run: |stage| prints(stage, Role::Server),
        diagnoses: &[&WAITS_FOR_USER],
        ..SERVER
    },
    Check {
        id: "09.server-both",
        title: "both ends of the server's conversation speak as often as they like",
        needs: &["09.server-sends", "09.server-prints"],
        points: 2,
        book: "9.2",
        run: |stage| both(stage, Role::Server),
        diagnoses: &[&TURNS],
        ..SERVER
    },
    Check {
        id: "09.server-ends",
        title: "the server ends when the partner has closed and its own input has ended",
        needs: &["09.server-both"],
        run: |stage| ends(stage, Role::Server),
        diagnoses: &[&EMPTY_READ],
        ..SERVER
    },
    Check {
        id: "09.connects",
        title: "the client connects to the host and the port that it is given",
        run: connects_to_the_given_host,
        diagnoses: &[&FIXED_HOST],
        ..CLIENT
    },
    Check {
        id: "09.client-sends",
        title: "the client sends what its user types, though nobody has spoken",
        needs: &["09.connects"],
        run: |stage| sends(stage, Role::Client),
        diagnoses: &[&WAITS_FOR_PARTNER],
        ..CLIENT
    },
    Check {
        id: "09.client-prints",
        title: "the client prints what comes in, though nobody has typed",
        needs: &["09.connects"],
        run: |stage| prints(stage, Role::Client),
        diagnoses: &[&WAITS_FOR_USER],
        ..CLIENT
    },
    Check {
        id: "09.client-both",
        title: "both ends of the client's conversation speak as often as they like",
        needs: &["09.client-sends", "09.client-prints"],
        points: 2,
        book: "9.2",
        run: |stage| both(stage, Role::Client),
        diagnoses: &[&TURNS],
        ..CLIENT
    },
    Check {
        id: "09.client-ends",
        title: "the client ends when the partner has closed and its own input has ended",
        needs: &["09.client-both"],
        run: |stage| ends(stage, Role::Client),
        diagnoses: &[&EMPTY_READ],
        ..CLIENT
    },
    Check {
        id: "09.half-line",
        title: "the chat sends what is typed without waiting for a line's end",
        needs: &["09.client-both"],
        run: half_line,
        diagnoses: &[&LINE_BY_LINE],
        ..CHAT_MANNERS
    },
    Check {
        id: "09.bytes",
        title: "the chat passes on every byte, both ways, and prints nothing else",
        needs: &["09.half-line"],
        run: chat_bytes,
        diagnoses: &[&AS_TEXT],
        ..CHAT_MANNERS
    },
    Check {
        id: "09.much",
        title: "the chat passes on 4 MB each way at the same time",
        needs: &["09.bytes"],
        run: chat_much,
        diagnoses: &[&LOST_ON_THE_WAY],
        ..CHAT_MANNERS
    },
    Check {
        id: "09.input-ends",
        title: "the end of the input closes the chat's sending side, and no more",
        needs: &["09.client-ends"],
        book: "9.5",
        run: input_ends,
        diagnoses: &[&END_SWALLOWED, &BOTH_CLOSED],
        ..CHAT_MANNERS
    },
    Check {
        id: "09.partner-ends",
        title: "when the partner ends first the chat says so, and what is typed still goes out",
        needs: &["09.client-ends"],
        book: "9.5",
        run: partner_ends,
        diagnoses: &[&BOTH_CLOSED],
        ..CHAT_MANNERS
    },
    Check {
        id: "09.breaks",
        title: "a chat whose connection breaks says so, exit 1",
        needs: &["09.client-both"],
        book: "9.6",
        run: breaks,
        diagnoses: &[&BREAK_IS_END],
        ..CHAT_MANNERS
    },
    Check {
        id: "09.one-conversation",
        title: "the server refuses a second partner",
        role: Role::Server,
        needs: &["09.server-both"],
        run: one_conversation,
        diagnoses: &[&QUEUED],
        ..CHAT_MANNERS
    },
    Check {
        id: "09.tunnel-listens",
        title: "the tunnel listens on its local port",
        run: |stage| {
            let host = stage.host("127.0.0.1")?;
            stage.tunnel(host.address).map(|_| ())
        },
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-connects",
        title: "the tunnel connects to the host and the port that it is given",
        needs: &["09.tunnel-listens"],
        run: tunnel_connects,
        diagnoses: &[&FIXED_HOST],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-there",
        title: "what a client says comes out at the target",
        needs: &["09.tunnel-connects"],
        run: there,
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-early",
        title: "a piece goes on at once, whatever is still to come",
        needs: &["09.tunnel-there"],
        points: 2,
        run: early,
        diagnoses: &[&LINE_BY_LINE, &STORED],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-back",
        title: "what the target answers comes back, at once",
        needs: &["09.tunnel-early"],
        run: back,
        diagnoses: &[&STORED],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-next",
        title: "a second connection goes through when the first one is over",
        source: "L0, 3(c): every time one connects to it",
        needs: &["09.tunnel-back"],
        run: next_session,
        diagnoses: &[&ONE_SESSION],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-both-ways",
        title: "either side speaks first, and as often as it likes",
        source: "L0, 3(e): both should be able to send each other messages",
        needs: &["09.tunnel-back"],
        points: 2,
        book: "9.2",
        run: both_ways,
        diagnoses: &[&LOCK_STEP],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-bytes",
        title: "every byte goes through as it came, text or not",
        needs: &["09.tunnel-back"],
        run: tunnel_bytes,
        diagnoses: &[&AS_TEXT],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-end",
        title: "the end of a direction is passed on, each way",
        needs: &["09.tunnel-both-ways", "09.tunnel-next"],
        points: 2,
        book: "9.5",
        run: end_passed_on,
        diagnoses: &[&END_SWALLOWED],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-reply",
        title: "a direction that ends leaves the other one alone",
        needs: &["09.tunnel-both-ways", "09.tunnel-next"],
        points: 2,
        book: "9.5",
        run: reply,
        diagnoses: &[&BOTH_CLOSED],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-stuck",
        title: "a direction that is stuck does not hold up the other one",
        needs: &["09.tunnel-both-ways"],
        points: 2,
        book: "9.6",
        run: stuck,
        diagnoses: &[&ONE_DIRECTION],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-much",
        title: "8 MB go each way at the same time",
        needs: &["09.tunnel-stuck", "09.tunnel-bytes"],
        run: tunnel_much,
        diagnoses: &[&LOST_ON_THE_WAY],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-second",
        title: "a second connection goes through beside the first one, though that one is stuck",
        source: "L0, 3(c): every time one connects to it",
        needs: &["09.tunnel-next"],
        points: 2,
        book: "9.2",
        run: second_session,
        diagnoses: &[&ONE_AT_A_TIME],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-apart",
        title: "keeps 40 connections apart",
        source: "L0, 3(c): every time one connects to it",
        needs: &["09.tunnel-second"],
        run: apart,
        diagnoses: &[&CROSSED],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-reset",
        title: "goes on when one side resets its connection",
        needs: &["09.tunnel-both-ways", "09.tunnel-next"],
        book: "9.6",
        run: reset,
        diagnoses: &[&RESET_KILLS],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-down",
        title: "a target that is not there costs that one connection, and works when it is",
        source: "L0, 3(c): the tunnel is built before anybody uses it",
        needs: &["09.tunnel-next"],
        points: 2,
        book: "9.6",
        run: down,
        diagnoses: &[&DOWN_KILLS, &DOWN_HANGS],
        ..TUNNEL
    },
    Check {
        id: "09.tunnel-says-down",
        title: "says on stderr that the target is not there",
        needs: &["09.tunnel-down"],
        run: says_down,
        ..TUNNEL_MANNERS
    },
    Check {
        id: "09.tunnel-reset-ends",
        title: "when one side resets, the other side's connection ends too",
        needs: &["09.tunnel-reset"],
        book: "9.6",
        run: reset_ends,
        diagnoses: &[&RESET_SWALLOWED],
        ..TUNNEL_MANNERS
    },
    Check {
        id: "09.tunnel-closes",
        title: "keeps no socket of a connection that is over",
        needs: &["09.tunnel-end"],
        book: "9.5",
        run: closes,
        diagnoses: &[&NEVER_CLOSED],
        ..TUNNEL_MANNERS
    },
    Check {
        id: "09.tunnel-memory",
        title: "holds a sender back while the target does not read, in constant memory",
        needs: &["09.tunnel-stuck"],
        book: "9.6",
        run: memory,
        diagnoses: &[&STORES_ALL],
        ..TUNNEL_MANNERS
    },
    Check {
        id: "09.tunnel-loopback",
        title: "the tunnel listens on 127.0.0.1 alone",
        needs: &["09.tunnel-listens"],
        run: loopback,
        diagnoses: &[&FOR_ALL],
        ..TUNNEL_MANNERS
    },
    manners::refused("09.refused"),
    Check { needs: &["09.connects"], ..manners::ipv6("09.ipv6") },
    manners::help("09.help", Role::Server),
    manners::version("09.version", Role::Server),
    manners::usage("09.usage", Role::Server),
    manners::port_zero("09.port-zero", Role::Server),
    Check { needs: &["09.listens"], ..manners::blocking_lines("09.blocking", Role::Server) },
    Check { needs: &["09.listens"], ..manners::blocking_trace("09.trace", Role::Server) },
    tunnel_exercises::COUNTS,
    tunnel_exercises::IDLE,
    tunnel_exercises::NAMES,
];

// -- the chat: the grader plays the partner

/// A conversation with the program in this role. It is never probed by another connection: a
/// server has one accept to spend.
fn conversation(stage: &Stage, role: Role) -> Outcome<(Program, Peer)> {
    if role == Role::Client {
        return stage.client_and_peer("the partner");
    }
    let server = stage.serve(role)?;
    let partner = server.connect("the partner")?;
    Ok((server.program, partner))
}

/// The user types a line, which must arrive. Its ending is free.
fn typed_arrives(stage: &Stage, program: &Program, partner: &mut Peer) -> Outcome {
    let line = stage.payload(16);
    program.types(&line);
    partner.expect(&line)?;
    partner.skip_line_end();
    Ok(())
}

/// The partner says a line, which must be printed.
fn said_is_printed(stage: &Stage, program: &mut Program, partner: &mut Peer) -> Outcome {
    let line = stage.payload(16);
    partner.send(format!("{line}\n"))?;
    program.prints(&line)
}

const WAITS_FOR_PARTNER: Diagnosis = Diagnosis {
    id: "waits-for-partner",
    they: "send only after the partner has spoken",
    text: "what the user had typed went out only when something had come in: one thread can wait for one thing. Which of the two does yours wait for?",
};

fn sends(stage: &Stage, role: Role) -> Outcome {
    let (program, mut partner) = conversation(stage, role)?;
    let line = stage.payload(16);
    program.types(&line);
    partner.expect(&line).probe(&WAITS_FOR_PARTNER, || {
        partner.send("hello\n").ok()?;
        let came = partner.expect(&line).is_ok();
        came.then(|| "it came when the partner had spoken".to_string())
    })
}

const WAITS_FOR_USER: Diagnosis = Diagnosis {
    id: "waits-for-user",
    they: "print only after their user has typed",
    text: "what had come in was printed only when the user had typed something: one thread can wait for one thing. Which of the two does yours wait for?",
};

fn prints(stage: &Stage, role: Role) -> Outcome {
    let (mut program, mut partner) = conversation(stage, role)?;
    let line = stage.payload(16);
    partner.send(format!("{line}\n"))?;
    program.prints(&line).probe(&WAITS_FOR_USER, || {
        program.types("hello");
        let came = program.prints(&line).is_ok();
        came.then(|| "it came when the user had typed".to_string())
    })
}

const TURNS: Diagnosis = Diagnosis {
    id: "turns",
    they: "take turns",
    text: "one side spoke twice in a row, and the second line did not come through: both directions stand in one loop. Each needs a thread of its own.",
};

fn both(stage: &Stage, role: Role) -> Outcome {
    let (mut program, mut partner) = conversation(stage, role)?;
    let mut talk = || -> Outcome {
        (0..3).try_for_each(|_| said_is_printed(stage, &mut program, &mut partner))?;
        (0..3).try_for_each(|_| typed_arrives(stage, &program, &mut partner))?;
        (0..3).try_for_each(|_| said_is_printed(stage, &mut program, &mut partner))
    };
    talk().means(true, &TURNS)
}

fn ends(stage: &Stage, role: Role) -> Outcome {
    let (mut program, mut partner) = conversation(stage, role)?;
    said_is_printed(stage, &mut program, &mut partner)?;
    let before = program.process.heard().stdout.len();
    partner.close();
    // It may end now, or wait for its own user: but not in a loop around the empty read.
    let flood = |heard: &Heard| (heard.stdout.len() > before + 1000).then_some(());
    let floods = program.process.wait_for(quiet(), flood).is_some();
    if floods || program.burns_processor() {
        let seen = if floods { "it prints without end" } else { "it burns a processor" };
        return fail("it ends, or waits for its user", seen).means(true, &EMPTY_READ);
    }
    program.end_input();
    program.ends().map(|_| ())
}

const LINE_BY_LINE: Diagnosis = Diagnosis {
    id: "line-by-line",
    they: "wait for a line's end before they pass anything on",
    text: "half a line did not come through until it was ended: read returns what is there, a reader of lines waits for the \\n.",
};

fn half_line(stage: &Stage) -> Outcome {
    let (program, mut partner) = conversation(stage, Role::Client)?;
    let half = stage.payload(16);
    program.input(half.as_bytes());
    partner.expect(&half).probe(&LINE_BY_LINE, || {
        program.types("");
        let came = partner.expect(&half).is_ok();
        came.then(|| "it came when the line was ended".to_string())
    })
}

fn chat_bytes(stage: &Stage) -> Outcome {
    let (program, mut partner) = conversation(stage, Role::Client)?;
    let bytes: Vec<u8> = (0..=255).collect();
    program.input(&bytes);
    partner.expect(&bytes).means(true, &AS_TEXT)?;
    partner.send(&bytes)?;
    let all = |heard: &Heard| (heard.stdout.len() >= bytes.len()).then_some(());
    program.process.wait_for(2 * patience(), all);
    let heard = program.process.heard();
    equal("stdout is", &bytes, &heard.stdout).means(true, &AS_TEXT)
}

/// A failure that shows both where they differ.
fn equal(what: &str, expected: &[u8], got: &[u8]) -> Outcome {
    if expected == got {
        return Ok(());
    }
    let (expected, got) = difference(expected, got);
    fail(format!("{what} {expected}"), got)
}

const LOST_ON_THE_WAY: Diagnosis = Diagnosis {
    id: "lost-on-the-way",
    they: "lose bytes when much is sent",
    text: "what came out is not what went in: is each piece written exactly as long as the read said, and whole? write may take less than it was given.",
};

fn chat_much(stage: &Stage) -> Outcome {
    let (program, mut partner) = conversation(stage, Role::Client)?;
    let (out, inward) = (stage.bytes(4_000_000), stage.bytes(4_000_000));
    program.input(&out);
    let got = partner.exchange(&inward)?;
    equal("the partner gets", &out, &got).means(true, &LOST_ON_THE_WAY)?;
    let length = inward.len();
    let all = |heard: &Heard| (heard.stdout.len() >= length).then_some(());
    program.process.wait_for(2 * patience(), all);
    let heard = program.process.heard();
    equal("stdout is", &inward, &heard.stdout).means(true, &LOST_ON_THE_WAY)
}

const END_SWALLOWED: Diagnosis = Diagnosis {
    id: "end-swallowed",
    they: "do not pass on the end of a direction",
    text: "a side has said its last word, and the other one waits for more: a read of 0 bytes must be passed on too. Which call ends one direction and leaves the other open?",
};
const BOTH_CLOSED: Diagnosis = Diagnosis {
    id: "both-closed",
    they: "close both directions when one has ended",
    text: "one direction had ended, and what still went the other way was lost: each direction has its own end, and the connection is over at the second one.",
};

fn input_ends(stage: &Stage) -> Outcome {
    let (mut program, mut partner) = conversation(stage, Role::Client)?;
    said_is_printed(stage, &mut program, &mut partner)?;
    program.end_input();
    partner.expect_close().means(true, &END_SWALLOWED)?;
    let answer = said_is_printed(stage, &mut program, &mut partner)
        .and_then(|()| said_is_printed(stage, &mut program, &mut partner));
    answer.means(true, &BOTH_CLOSED)?;
    partner.close();
    program.ends_with(0)
}

fn partner_ends(stage: &Stage) -> Outcome {
    let (mut program, mut partner) = conversation(stage, Role::Client)?;
    typed_arrives(stage, &program, &mut partner)?;
    partner.half_close();
    program.complains(&["other side", "ended"]).map(|_| ()).means(true, &BOTH_CLOSED)?;
    program.stays("its user may have more to say").means(true, &BOTH_CLOSED)?;
    typed_arrives(stage, &program, &mut partner).means(true, &BOTH_CLOSED)?;
    program.end_input();
    partner.expect_close()?;
    program.ends_with(0)
}

const BREAK_IS_END: Diagnosis = Diagnosis {
    id: "break-is-end-09",
    they: "report a broken connection as success",
    text: "the connection broke and the exit status is 0: an error from read is not its end. Whoever typed must learn that not all of it arrived.",
};

fn breaks(stage: &Stage) -> Outcome {
    let (mut program, partner) = conversation(stage, Role::Client)?;
    program.types(&stage.payload(16));
    partner.reset()?; // over what was typed
    program.end_input();
    let exit = program.ends()?;
    program.ends_with(1).means(exit.success(), &BREAK_IS_END)?;
    program.complains(&["reset"]).map(|_| ())
}

const QUEUED: Diagnosis = Diagnosis {
    id: "queued",
    they: "let a second partner wait for a turn that never comes",
    text: "it has its one partner and still listens: whoever comes next is connected by the kernel, and never served. Who still needs the listener after accept()?",
};

fn one_conversation(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let (mut partner, port) = (server.connect("the partner")?, server.port);
    let mut program = server.program;
    said_is_printed(stage, &mut program, &mut partner)?;
    if kernel::look_until(stage.log.deadline(patience()), || !kernel::is_listening(port)) {
        return typed_arrives(stage, &program, &mut partner);
    }
    fail("it has its partner, and listens no more", "it still listens").means(true, &QUEUED)
}

// -- the tunnel: the grader plays both ends

/// A tunnel and its target.
fn tunnel(stage: &Stage) -> Outcome<(Server, Host)> {
    let host = stage.host("127.0.0.1")?;
    let tunnel = stage.tunnel(host.address)?;
    Ok((tunnel, host))
}

/// A connection through the tunnel: both of its ends.
fn through(tunnel: &Server, host: &Host, name: &str) -> Outcome<(Peer, Peer)> {
    let client = tunnel.connect(name)?;
    let target = format!("{name}'s target");
    match host.accept_within(&target, patience())? {
        Some(target) => Ok((client, target)),
        None => {
            let expected = format!("the tunnel connects to {} for {name}", host.address);
            fail(expected, format!("it does not; {}", tunnel.program.state()))
        }
    }
}

/// A tunnel with one connection through it.
fn connected(stage: &Stage) -> Outcome<(Server, Host, Peer, Peer)> {
    let (tunnel, host) = tunnel(stage)?;
    let (client, target) = through(&tunnel, &host, "the client")?;
    Ok((tunnel, host, client, target))
}

/// One says something new and the other gets it.
fn passes(stage: &Stage, from: &mut Peer, to: &mut Peer) -> Outcome {
    let words = stage.payload(16);
    from.send(&words)?;
    to.expect(&words)
}

fn tunnel_connects(stage: &Stage) -> Outcome {
    let given = stage.host("127.0.0.2")?;
    let usual = std::net::TcpListener::bind(("127.0.0.1", given.address.port()))?;
    usual.set_nonblocking(true)?;
    let tunnel = stage.tunnel(given.address)?;
    through(&tunnel, &given, "the client").map(|_| ()).probe(&FIXED_HOST, || {
        usual.accept().is_ok().then(|| "it connected to 127.0.0.1".to_string())
    })
}

fn there(stage: &Stage) -> Outcome {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let words = stage.payload(16);
    client.send(format!("{words}\n"))?;
    client.half_close();
    target.expect(format!("{words}\n"))
}

const STORED: Diagnosis = Diagnosis {
    id: "stored",
    they: "store all of it before they pass anything on",
    text: "nothing came through until the sender had ended: a stream may never end. Write each piece when it has been read.",
};

fn early(stage: &Stage) -> Outcome {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let words = stage.payload(16);
    client.send(&words)?;
    target
        .expect(&words)
        .probe(&LINE_BY_LINE, || {
            client.send("\n").ok()?;
            let came = target.expect(&words).is_ok();
            came.then(|| "it came when the line was ended".to_string())
        })
        .probe(&STORED, || {
            client.half_close();
            let came = target.expect(&words).is_ok();
            came.then(|| "it came when the client had closed its sending side".to_string())
        })
}

fn back(stage: &Stage) -> Outcome {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    passes(stage, &mut client, &mut target)?;
    let words = stage.payload(16);
    target.send(&words)?;
    client.expect(&words).probe(&STORED, || {
        target.half_close();
        let came = client.expect(&words).is_ok();
        came.then(|| "it came when the target had closed its sending side".to_string())
    })
}

const ONE_SESSION: Diagnosis = Diagnosis {
    id: "one-session",
    they: "pass on one connection and no more",
    text: "the first connection went through and the next one does not, although the first is over: is accept() called in a loop, and is the target called anew for each client?",
};

/// A connection through the tunnel, with a word each way.
fn works(stage: &Stage, tunnel: &Server, host: &Host, name: &str) -> Outcome<(Peer, Peer)> {
    let (mut client, mut target) = through(tunnel, host, name)?;
    passes(stage, &mut client, &mut target)?;
    passes(stage, &mut target, &mut client)?;
    Ok((client, target))
}

fn next_session(stage: &Stage) -> Outcome {
    let (tunnel, host) = tunnel(stage)?;
    for name in ["a", "b", "c"] {
        let (client, target) =
            works(stage, &tunnel, &host, name).means(name != "a", &ONE_SESSION)?;
        client.close();
        target.close();
    }
    Ok(())
}

const LOCK_STEP: Diagnosis = Diagnosis {
    id: "lock-step",
    they: "pass on one direction at a time",
    text: "the target spoke out of turn and was not heard: a question, then an answer, is only one way to talk. Both directions must be read at the same time.",
};

fn both_ways(stage: &Stage) -> Outcome {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let mut talk = || -> Outcome {
        (0..3).try_for_each(|_| passes(stage, &mut target, &mut client))?;
        (0..3).try_for_each(|_| passes(stage, &mut client, &mut target))?;
        (0..3).try_for_each(|_| passes(stage, &mut target, &mut client))
    };
    talk().means(true, &LOCK_STEP)
}

fn tunnel_bytes(stage: &Stage) -> Outcome {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let bytes: Vec<u8> = (0..=255).collect();
    client.send(&bytes)?;
    target.expect(&bytes).means(true, &AS_TEXT)?;
    target.send(&bytes)?;
    client.expect(&bytes).means(true, &AS_TEXT)
}

fn end_passed_on(stage: &Stage) -> Outcome {
    let (tunnel, host) = tunnel(stage)?;
    let ends_at = |mut from: Peer, mut to: Peer| {
        passes(stage, &mut from, &mut to)?;
        from.half_close();
        to.expect_close().means(true, &END_SWALLOWED)
    };
    let (client, target) = through(&tunnel, &host, "the client")?;
    ends_at(client, target)?;
    let (client, target) = through(&tunnel, &host, "the next client")?;
    ends_at(target, client)
}

fn reply(stage: &Stage) -> Outcome {
    let (tunnel, host) = tunnel(stage)?;
    let goes_on = |mut first: Peer, mut last: Peer| {
        passes(stage, &mut first, &mut last)?;
        first.half_close();
        // Time enough for a tunnel that closes too much.
        let silence = last.expect_no_bytes("the other side has said its last word");
        let mut more = || (0..2).try_for_each(|_| passes(stage, &mut last, &mut first));
        silence.and_then(|()| more()).means(true, &BOTH_CLOSED)
    };
    let (client, target) = through(&tunnel, &host, "the client")?;
    goes_on(client, target)?;
    let (client, target) = through(&tunnel, &host, "the next client")?;
    goes_on(target, client)
}

const ONE_DIRECTION: Diagnosis = Diagnosis {
    id: "one-direction",
    they: "stop one direction while the other one is stuck",
    text: "the target did not read for a while, and what it said did not come through either: when both ends send much at once, neither will ever read. What does your tunnel wait for while a write blocks?",
};

fn stuck(stage: &Stage) -> Outcome {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    client.send_until_stuck(&stage.bytes(64 * 1024));
    let mut answer = || (0..3).try_for_each(|_| passes(stage, &mut target, &mut client));
    answer().means(true, &ONE_DIRECTION)
}

fn tunnel_much(stage: &Stage) -> Outcome {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let (out, back) = (stage.bytes(8_000_000), stage.bytes(8_000_000));
    let (at_client, at_target) = thread::scope(|scope| {
        let target = scope.spawn(|| target.exchange(&back));
        let at_client = client.exchange(&out);
        let panicked = |_| Err(Stop::Grader("a thread panicked".into()));
        (at_client, target.join().unwrap_or_else(panicked))
    });
    equal("the target gets", &out, &at_target?).means(true, &LOST_ON_THE_WAY)?;
    equal("the client gets", &back, &at_client?).means(true, &LOST_ON_THE_WAY)
}

const ONE_AT_A_TIME: Diagnosis = Diagnosis {
    id: "one-at-a-time-09",
    they: "pass on one connection after another",
    text: "the second connection went through only when the first one was over: who calls accept() while a connection lasts?",
};

fn second_session(stage: &Stage) -> Outcome {
    let (tunnel, host) = tunnel(stage)?;
    let (mut a, target) = works(stage, &tunnel, &host, "a")?;
    a.send_until_stuck(&stage.bytes(64 * 1024));
    let mut b = tunnel.connect("b")?;
    if let Some(mut target) = host.accept_within("b's target", patience())? {
        passes(stage, &mut b, &mut target)?;
        return passes(stage, &mut target, &mut b);
    }
    fail("the tunnel connects to the target for b", "it does not").probe(&ONE_AT_A_TIME, || {
        a.close();
        target.close();
        let next = host.accept_within("b's target", patience()).ok()?;
        next.map(|_| "when the first connection was over, it did".to_string())
    })
}

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed-09",
    they: "mix up connections",
    text: "a client was answered with what was meant for another one: is there one socket variable for all threads? Each must own its own.",
};

fn apart(stage: &Stage) -> Outcome {
    const CLIENTS: usize = 40;
    let (tunnel, host) = tunnel(stage)?;
    // One comes after another, and all stay: a listen(5) would drop many that come together.
    let pairs: Outcome<Vec<(Peer, Peer)>> =
        (1..=CLIENTS).map(|n| through(&tunnel, &host, &format!("client {n}"))).collect();
    let mut pairs = pairs?;
    let (there, back) = (stage.payload(12), stage.payload(12));
    let mut talk = || -> Outcome {
        for (n, (client, target)) in pairs.iter_mut().enumerate() {
            client.send(format!("{there} {n}\n"))?;
            target.send(format!("{back} {n}\n"))?;
        }
        for (n, (client, target)) in pairs.iter_mut().enumerate().rev() {
            target.expect(format!("{there} {n}\n"))?;
            client.expect(format!("{back} {n}\n"))?;
        }
        Ok(())
    };
    talk().means(true, &CROSSED)
}

fn reset(stage: &Stage) -> Outcome {
    let (tunnel, host) = tunnel(stage)?;
    let (client, mut target) = works(stage, &tunnel, &host, "a")?;
    target.send("unread")?;
    client.reset()?;
    tunnel.program.stays("there will be others").means(true, &RESET_KILLS)?;
    let b = works(stage, &tunnel, &host, "b").means(true, &RESET_KILLS);
    let (mut client, target) = b?;
    client.send("unread")?;
    target.reset()?;
    tunnel.program.stays("there will be others").means(true, &RESET_KILLS)?;
    works(stage, &tunnel, &host, "c").map(|_| ()).means(true, &RESET_KILLS)
}

const DOWN_KILLS: Diagnosis = Diagnosis {
    id: "down-kills",
    they: "end when the target cannot be reached",
    text: "the target was not there for one client, and since then nobody gets through: that one connection has failed, and no other.",
};
const DOWN_HANGS: Diagnosis = Diagnosis {
    id: "down-hangs",
    they: "let a client hang whose target cannot be reached",
    text: "the target is not there, and the client's connection stays open: it waits for somebody who will never come. Who owns its socket when connecting has failed?",
};

fn down(stage: &Stage) -> Outcome {
    let address = stage.host("127.0.0.1")?.address; // nobody listens there any more
    let tunnel = stage.tunnel(address).means(true, &DOWN_KILLS)?;
    for name in ["a", "b"] {
        let mut client = tunnel.connect(name).means(true, &DOWN_KILLS)?;
        client.expect_close().means(true, &DOWN_HANGS)?;
    }
    let host = stage.host_at(address)?;
    works(stage, &tunnel, &host, "c").map(|_| ()).means(true, &DOWN_KILLS)
}

fn says_down(stage: &Stage) -> Outcome {
    let address = stage.host("127.0.0.1")?.address;
    let tunnel = stage.tunnel(address)?;
    tunnel.connect("a")?.expect_close()?;
    tunnel.program.complains(&[&address.to_string(), "Connection refused"]).map(|_| ())
}

const RESET_SWALLOWED: Diagnosis = Diagnosis {
    id: "reset-swallowed",
    they: "let one side wait when the other one has broken off",
    text: "one side has reset its connection, and the other one still waits: the thread that saw the error has ended, and the other direction's thread sleeps on. What wakes it?",
};

fn reset_ends(stage: &Stage) -> Outcome {
    let (tunnel, host) = tunnel(stage)?;
    let (client, mut target) = works(stage, &tunnel, &host, "a")?;
    target.send("unread")?;
    client.reset()?;
    target.expect_close().means(true, &RESET_SWALLOWED)?;
    let (mut client, target) = works(stage, &tunnel, &host, "b")?;
    client.send("unread")?;
    target.reset()?;
    client.expect_close().means(true, &RESET_SWALLOWED)
}

const NEVER_CLOSED: Diagnosis = Diagnosis {
    id: "never-closed-09",
    they: "never close a connection that is over",
    text: "both directions have ended and the tunnel still has its sockets: each costs a descriptor, until none is left. Who owns them, and when does that end?",
};

fn closes(stage: &Stage) -> Outcome {
    let (tunnel, host) = tunnel(stage)?;
    let Some(before) = sockets(&tunnel.program) else { return Ok(()) };
    let (mut client, mut target) = works(stage, &tunnel, &host, "the client")?;
    client.half_close();
    target.expect_close()?;
    target.half_close();
    client.expect_close()?;
    let closed = || sockets(&tunnel.program) == Some(before);
    if kernel::look_until(stage.log.deadline(patience()), closed) {
        return Ok(());
    }
    let now = sockets(&tunnel.program).unwrap_or_default();
    fail(format!("{before} socket: it listens"), format!("{now} sockets"))
        .means(true, &NEVER_CLOSED)
}

/// How many sockets a program has open (proc(5)). `None` where the system does not say. The
/// kernel's table of connections no longer shows one that both sides have closed, though its
/// descriptor may still be there.
fn sockets(program: &Program) -> Option<usize> {
    let open = fs::read_dir(format!("/proc/{}/fd", program.process.id())).ok()?;
    let targets = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    Some(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
}

const STORES_ALL: Diagnosis = Diagnosis {
    id: "stores-all-09",
    they: "store without end what the target does not read",
    text: "the target does not read, and the tunnel's memory grows: whoever sends chooses how much you store. Read on only when the last piece has been written.",
};

fn memory(stage: &Stage) -> Outcome {
    let (tunnel, _host, mut client, _target) = connected(stage)?;
    client.send_until_stuck(&stage.bytes(64 * 1024));
    match tunnel.program.peak_memory() {
        Some(kib) if kib > 16 * 1024 => {
            fail("at most 16 MiB of memory", format!("{} MiB", kib / 1024))
                .means(true, &STORES_ALL)
        }
        _ => Ok(()),
    }
}

const FOR_ALL: Diagnosis = Diagnosis {
    id: "for-all",
    they: "open the tunnel to other machines too",
    text: "it listens on 127.0.0.2 too, and so on every address of this machine: whoever can reach it gets through the tunnel, as if they sat here.",
};

fn loopback(stage: &Stage) -> Outcome {
    let (tunnel, _host) = tunnel(stage)?;
    tunnel.connect("the client")?;
    if tunnel.connect_to("127.0.0.2", "a stranger").is_err() {
        return Ok(());
    }
    fail("127.0.0.2 is refused", "it is connected").means(true, &FOR_ALL)
}
