//! Chapter 9, two ends of a chat and a tunnel: the grader plays the partner, and both ends of
//! what the tunnel joins.

mod chat;
mod conduct;
mod exercises;
mod tunnel;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{
        AS_TEXT, DECODES_PIECES, END_IGNORED, FEW_AT_ONCE, FIXED_HOST, NEVER_FLUSHED,
        RESET_KILLS, SPINS, WHOLE_BUFFER, connects_to_the_given_host, rests,
    },
    together::{Together, WAIT_FOR_EACH_OTHER},
};
use chat::{CONNECTS, LISTENS};
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Halt, Saw, Step, difference, fail, fail_having},
    find, kernel, patience,
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
        &chat::SERVER_LETTER,
        &chat::SERVER_RESTS,
        &chat::SERVER_ENDS,
        &chat::CONNECTS,
        &chat::CLIENT_SENDS,
        &chat::CLIENT_PRINTS,
        &chat::CLIENT_BOTH,
        &chat::CLIENT_LETTER,
        &chat::CLIENT_RESTS,
        &chat::CLIENT_ENDS,
        &chat::TOGETHER,
        &chat::HALF_LINE,
        &chat::BYTES,
        &chat::MUCH,
        &chat::INPUT_ENDS,
        &chat::PARTNER_ENDS,
        &chat::BREAKS,
        &chat::ONE_CONVERSATION,
        &tunnel::TUNNEL_LISTENS,
        &tunnel::TUNNEL_CALLS,
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
        &tunnel::TUNNEL_STALLED,
        &tunnel::TUNNEL_APART,
        &tunnel::TUNNEL_RESTS,
        &tunnel::TUNNEL_RESET,
        &tunnel::TUNNEL_DOWN,
        &conduct::TUNNEL_SAYS_DOWN,
        &conduct::TUNNEL_RESET_ENDS,
        &conduct::TUNNEL_CLOSES,
        &conduct::TUNNEL_MEMORY,
        &conduct::TUNNEL_LOOPBACK,
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

/// More than a buffer of any usual size.
const MORE: usize = 256 * 1024;

const STORED: Diagnosis = Diagnosis {
    id: "stored",
    they: "store all of it before they pass anything on",
    text: "nothing came through until the sender had ended: a stream may never end. Write each piece when it has been read.",
};

// -- the chat: the grader plays the partner

/// A conversation with the program in this role. It is never probed by another connection: a
/// server has one accept to spend.
fn conversation(stage: &Stage, role: Role) -> Step<(Program, Peer)> {
    if role == Role::Client {
        return stage.client_and_peer("the partner");
    }
    let server = stage.serve(role)?;
    let partner = server.connect("the partner")?;
    Ok((server.program, partner))
}

/// The user types a line, which must arrive. What stands around it (a greeting, a name, its
/// ending) is free.
fn typed_arrives(stage: &Stage, program: &Program, partner: &mut Peer) -> Step {
    let line = stage.payload(16);
    program.types(&line);
    partner.expect_among(&line)?;
    partner.skip_line_end();
    Ok(())
}

/// The partner says a line, which must be printed.
fn said_is_printed(stage: &Stage, program: &mut Program, partner: &mut Peer) -> Step {
    let line = stage.payload(16);
    partner.send(format!("{line}\n"))?;
    program.prints(&line)
}

const WAITS_FOR_PARTNER: Diagnosis = Diagnosis {
    id: "waits-for-partner",
    they: "send only after the partner has spoken",
    text: "what the user had typed went out only when something had come in: one thread can wait for one thing. Which of the two does yours wait for?",
};

fn sends(stage: &Stage, role: Role) -> Step {
    /// A date or an exclamation mark may stand behind a line; a buffer is longer.
    const BUFFER: usize = 64;
    let (mut program, mut partner) = conversation(stage, role)?;
    let line = stage.payload(16);
    program.types(&line);
    partner
        .expect_among(&line)
        .confirm(&WAITS_FOR_PARTNER, "it came when the partner had spoken", || {
            partner.send("hello\n").is_ok() && partner.expect_among(&line).is_ok()
        })
        .confirm(&NEVER_FLUSHED, "it came when 256 KiB more had been typed", || {
            program.input(&stage.lines(MORE));
            partner.expect_among(&line).is_ok()
        })
        .confirm(&STORED, "it came when its input had ended", || {
            program.end_input();
            partner.expect_among(&line).is_ok()
        })?;
    partner.skip_line_end();
    let behind = partner.so_far().len();
    if behind <= BUFFER {
        return Ok(());
    }
    fail("no more than the line that was typed", format!("behind it {behind} bytes more"))
        .because(Saw::Something, &WHOLE_BUFFER)
}

const WAITS_FOR_USER: Diagnosis = Diagnosis {
    id: "waits-for-user",
    they: "print only after their user has typed",
    text: "what had come in was printed only when the user had typed something: one thread can wait for one thing. Which of the two does yours wait for?",
};

fn prints(stage: &Stage, role: Role) -> Step {
    let (mut program, mut partner) = conversation(stage, role)?;
    let line = stage.payload(16);
    partner.send(format!("{line}\n"))?;
    program
        .prints(&line)
        .confirm(&WAITS_FOR_USER, "it came when the user had typed", || {
            program.types("hello");
            program.prints(&line).is_ok()
        })
        .confirm(&NEVER_FLUSHED, "it came when 256 KiB more had been said", || {
            let _ = partner.send_quietly(stage.lines(MORE));
            program.prints(&line).is_ok()
        })
        .confirm(&STORED, "it came when the partner had closed its sending side", || {
            partner.half_close();
            program.prints(&line).is_ok()
        })
}

const TURNS: Diagnosis = Diagnosis {
    id: "turns",
    they: "take turns",
    text: "one side spoke twice in a row, and the second line did not come through: both directions stand in one loop. Each needs a thread of its own.",
};

fn both(stage: &Stage, role: Role) -> Step {
    let (mut program, mut partner) = conversation(stage, role)?;
    let printed = |partner: &mut Peer, program: &mut Program| -> Step {
        let line = stage.payload(16);
        partner.send(format!("{line}\n"))?;
        program.prints(&line).confirm(&TURNS, "it came when the user had typed", || {
            program.types("hello");
            program.prints(&line).is_ok()
        })
    };
    (0..3).try_for_each(|_| printed(&mut partner, &mut program))?;
    (0..3).try_for_each(|_| {
        let line = stage.payload(16);
        program.types(&line);
        partner.expect_among(&line).map(|_| ()).confirm(
            &TURNS,
            "it came when the partner had spoken",
            || partner.send("hello\n").is_ok() && partner.expect_among(&line).is_ok(),
        )
    })?;
    (0..3).try_for_each(|_| printed(&mut partner, &mut program))
}

fn split_letter(stage: &Stage, role: Role) -> Step {
    let word = stage.payload(8);
    let printed = |cut: usize| {
        let (mut program, mut partner) = conversation(stage, role)?;
        let line = format!("{word}\u{e9}{word}\n");
        let (begin, end) = line.as_bytes().split_at(cut);
        partner.send(begin)?;
        partner.settle();
        let _ = partner.send(end);
        // Each piece may have a label of its own.
        program.prints(&word)?;
        program.prints("\u{e9}")?;
        program.prints(&word)
    };
    let said = "cut behind the letter, it is printed";
    printed(word.len() + 1).confirm(&DECODES_PIECES, said, || printed(word.len() + 2).is_ok())
}

fn ends(stage: &Stage, role: Role) -> Step {
    let (mut program, mut partner) = conversation(stage, role)?;
    let _ = partner.send(format!("{}\n", stage.payload(16)));
    partner.settle();
    partner.close();
    program.end_input();
    let without_end = || program.floods() || program.burns_processor();
    program.ends().map(|_| ()).confirm(&END_IGNORED, "it works without end", without_end)
}

/// After the partner's close, and after its own input's end: it need not end, but it may not go
/// round in a loop that does not wait.
fn rests_after_each_end(stage: &Stage, role: Role) -> Step {
    /// As many bytes as no program says to take its leave.
    const FLOOD: usize = 10_000;
    let (program, mut partner) = conversation(stage, role)?;
    let _ = partner.send(format!("{}\n", stage.payload(16)));
    partner.settle();
    partner.close();
    program.process.wait_for(quiet(), Heard::exit);
    rests(&program, "the partner's close")?;
    let (mut program, mut partner) = conversation(stage, role)?;
    program.types(&stage.payload(16));
    let _ = partner.take(16);
    program.end_input();
    let _ = partner.expect_no_bytes("its user has gone");
    partner.ignore_so_far();
    rests(&program, "the end of its input")?;
    let sent = partner.so_far().len();
    if sent < FLOOD {
        return Ok(());
    }
    fail("it rests after the end of its input", format!("it sends {sent} bytes"))
        .because(Saw::Something, &SPINS)
}

const LINE_BY_LINE: Diagnosis = Diagnosis {
    id: "line-by-line",
    they: "wait for a line's end before they pass anything on",
    text: "half a line did not come through until it was ended: read returns what is there, a reader of lines waits for the \\n.",
};

const LOST_ON_THE_WAY: Diagnosis = Diagnosis {
    id: "lost-on-the-way",
    they: "lose bytes when much is sent",
    text: "what came out is not what went in: is each piece written exactly as long as the read said, and whole? write may take less than it was given.",
};

/// All of it has come through. When much is sent, a part of it can be lost.
fn all_came(what: &str, expected: &[u8], got: &[u8]) -> Step {
    if expected == got {
        return Ok(());
    }
    let from_its_middle = got.len() < expected.len() && !expected.starts_with(got);
    let (expected, got) = difference(expected, got);
    fail(format!("{what} {expected}"), got).confirm(
        &LOST_ON_THE_WAY,
        "what is missing is not its end",
        || from_its_middle,
    )
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

// -- the tunnel: the grader plays both ends

/// A tunnel and its target.
fn tunnel(stage: &Stage) -> Step<(Server, Host)> {
    let host = stage.host("127.0.0.1")?;
    let tunnel = stage.tunnel(host.address)?;
    Ok((tunnel, host))
}

/// A connection through the tunnel: both of its ends.
fn through(tunnel: &Server, host: &Host, name: &str) -> Step<(Peer, Peer)> {
    let client = tunnel.connect(name)?;
    match host.accept_within(&format!("{name}'s target"), patience())? {
        Some(target) => Ok((client, target)),
        None => {
            let expected = format!("the tunnel connects to {} for {name}", host.address);
            let got = format!("it does not; {}", tunnel.program.state());
            fail_having(Saw::Nothing, expected, got)
        }
    }
}

/// A tunnel with one connection through it.
fn connected(stage: &Stage) -> Step<(Server, Host, Peer, Peer)> {
    let (tunnel, host) = tunnel(stage)?;
    let (client, target) = through(&tunnel, &host, "the client")?;
    Ok((tunnel, host, client, target))
}

/// One says a line and the other gets it. Whether it gets more than that other checks ask.
fn passes(stage: &Stage, from: &mut Peer, to: &mut Peer) -> Step {
    let line = format!("{}\n", stage.payload(16));
    from.send(&line)?;
    to.expect_among(&line).map(|_| ())
}

/// The same, at the latest when the one has closed its sending side: whether it comes at once,
/// other checks ask.
fn gets_through(stage: &Stage, from: &mut Peer, to: &mut Peer) -> Step {
    let line = format!("{}\n", stage.payload(16));
    from.send(&line)?;
    match to.expect_among(&line).map(|_| ()) {
        Err(Halt::Failed(failure)) if failure.saw == Saw::Nothing => {
            from.half_close();
            to.expect_among(&line).map(|_| ()).map_err(|_| Halt::Failed(failure))
        }
        result => result,
    }
}

/// True if the tunnel has ended, or listens no more.
fn is_over(tunnel: &Server) -> bool {
    tunnel.program.process.heard().exit().is_some() || !kernel::is_listening(tunnel.port)
}

fn reset(stage: &Stage) -> Step {
    let (tunnel, host) = tunnel(stage)?;
    let (client, mut target) = through(&tunnel, &host, "a")?;
    target.send("unread\n")?;
    client.reset()?;
    let next = |name| {
        tunnel.program.stays("there will be others").because(Saw::Ended, &RESET_KILLS)?;
        let next = through(&tunnel, &host, name).and_then(|(mut client, mut target)| {
            gets_through(stage, &mut client, &mut target).map(|()| (client, target))
        });
        next.confirm(&RESET_KILLS, "the tunnel is no longer there", || is_over(&tunnel))
    };
    next("b")?;
    let (mut client, target) = through(&tunnel, &host, "c")?;
    client.send("unread\n")?;
    target.reset()?;
    next("d").map(|_| ())
}

const NEVER_CLOSED: Diagnosis = Diagnosis {
    id: "never-closed-09",
    they: "never close a connection that is over",
    text: "both directions have ended and the tunnel still has its sockets: each costs a descriptor, until none is left. Who owns them, and when does that end?",
};

fn closes(stage: &Stage) -> Step {
    let (tunnel, host) = tunnel(stage)?;
    let Some(before) = sockets(&tunnel.program) else { return Ok(()) };
    let (mut client, mut target) = through(&tunnel, &host, "the client")?;
    passes(stage, &mut client, &mut target)?;
    client.half_close();
    target.expect_close()?;
    target.half_close();
    client.expect_close()?;
    let closed = || sockets(&tunnel.program).is_none_or(|now| now <= before);
    if kernel::look_until(stage.log.deadline(patience()), closed) {
        return Ok(());
    }
    let now = sockets(&tunnel.program).unwrap_or_default();
    fail(format!("{before} socket: it listens"), format!("{now} sockets"))
        .because(Saw::Something, &NEVER_CLOSED)
}

/// How many sockets a program has open (proc(5)). `None` where the system does not say. The
/// kernel's table of connections no longer shows one that both sides have closed, though its
/// descriptor may still be there.
fn sockets(program: &Program) -> Option<usize> {
    let open = fs::read_dir(format!("/proc/{}/fd", program.process.id())).ok()?;
    let targets = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    Some(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
}
