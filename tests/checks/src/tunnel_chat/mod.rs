//! Chapter 9, two ends of a chat and a tunnel: the grader plays the partner, and both ends of
//! what the tunnel joins.

mod chat;
mod conduct;
mod exercises;
mod tunnel;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{AS_TEXT, END_IGNORED, FIXED_HOST, RESET_KILLS, connects_to_the_given_host},
};
use chat::{CONNECTS, LISTENS};
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
    learn: None,
    checks: &[
        &chat::LISTENS,
        &chat::SERVER_SENDS,
        &chat::SERVER_PRINTS,
        &chat::SERVER_BOTH,
        &chat::SERVER_ENDS,
        &chat::CONNECTS,
        &chat::CLIENT_SENDS,
        &chat::CLIENT_PRINTS,
        &chat::CLIENT_BOTH,
        &chat::CLIENT_ENDS,
        &chat::HALF_LINE,
        &chat::BYTES,
        &chat::MUCH,
        &chat::INPUT_ENDS,
        &chat::PARTNER_ENDS,
        &chat::BREAKS,
        &chat::ONE_CONVERSATION,
        &tunnel::TUNNEL_LISTENS,
        &tunnel::TUNNEL_CONNECTS,
        &tunnel::TUNNEL_THERE,
        &tunnel::TUNNEL_EARLY,
        &tunnel::TUNNEL_BACK,
        &tunnel::TUNNEL_NEXT,
        &tunnel::TUNNEL_BOTH_WAYS,
        &tunnel::TUNNEL_BYTES,
        &tunnel::TUNNEL_END,
        &tunnel::TUNNEL_REPLY,
        &tunnel::TUNNEL_STUCK,
        &tunnel::TUNNEL_MUCH,
        &tunnel::TUNNEL_SECOND,
        &tunnel::TUNNEL_APART,
        &tunnel::TUNNEL_RESET,
        &tunnel::TUNNEL_DOWN,
        &tunnel::TUNNEL_SAYS_DOWN,
        &tunnel::TUNNEL_RESET_ENDS,
        &tunnel::TUNNEL_CLOSES,
        &tunnel::TUNNEL_MEMORY,
        &tunnel::TUNNEL_LOOPBACK,
        &conduct::REFUSED,
        &conduct::IPV6,
        &conduct::HELP,
        &conduct::VERSION,
        &conduct::USAGE,
        &conduct::PORT_ZERO,
        &conduct::BLOCKING,
        &conduct::TRACE,
        &exercises::X_COUNTS,
        &exercises::X_IDLE,
        &exercises::X_NAMES,
    ],
};

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
        return fail("it ends, or waits for its user", seen).means(true, &END_IGNORED);
    }
    program.end_input();
    program.ends().map(|_| ())
}

const LINE_BY_LINE: Diagnosis = Diagnosis {
    id: "line-by-line",
    they: "wait for a line's end before they pass anything on",
    text: "half a line did not come through until it was ended: read returns what is there, a reader of lines waits for the \\n.",
};

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

fn there(stage: &Stage) -> Outcome {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let words = stage.payload(16);
    client.send(format!("{words}\n"))?;
    client.half_close();
    target.expect(format!("{words}\n"))
}

/// A connection through the tunnel, with a word each way.
fn works(stage: &Stage, tunnel: &Server, host: &Host, name: &str) -> Outcome<(Peer, Peer)> {
    let (mut client, mut target) = through(tunnel, host, name)?;
    passes(stage, &mut client, &mut target)?;
    passes(stage, &mut target, &mut client)?;
    Ok((client, target))
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
